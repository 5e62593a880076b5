//! Databases, each dumped by its own client program.

use super::{Engine, Which};
use crate::value::{Template, Value};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A database, or all of a server's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Database {
    /// What kind of server, and what of it.
    pub server: Server,
    /// Where it is.
    pub at: At,
    /// Who asks; none means whom the client takes by itself, in a container the server's usual administrator.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<Value>,
    /// The password; a reference.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password: Option<Value>,
    /// The folder of the client programs; none means those in `PATH`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bin: Option<Template>,
    /// Variables added to the client's environment.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub env: BTreeMap<String, Value>,
    /// Arguments added to the dump program's.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub options: Vec<Template>,
}

/// A kind of database server, with what it alone can be told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Server {
    /// `pg_dump`.
    Postgres(Postgres),
    /// `mysqldump`, or `mariadb-dump` where there is none.
    Mysql(Mysql),
    /// `mariadb-dump`, or `mysqldump` where there is none.
    Mariadb(Mysql),
    /// `mongodump`.
    Mongodb(Mongodb),
    /// `redis-cli --rdb`.
    Redis,
    /// `sqlite3`.
    Sqlite(Sqlite),
}

/// What of a PostgreSQL server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Postgres {
    /// Which databases.
    pub databases: Databases,
    /// In which form.
    pub format: PostgresFormat,
    /// Whether roles and tablespaces, which belong to no database, become an object too.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub globals: bool,
}

/// `pg_dump --format`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PostgresFormat {
    /// SQL, for `psql`.
    Plain,
    /// For `pg_restore`, which can take parts of it; not compressed by `pg_dump`, since we compress.
    Custom,
}

/// What of a `MySQL` or MariaDB server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mysql {
    /// Which databases.
    pub databases: Databases,
    /// How what is written meanwhile is kept out.
    pub consistency: Consistency,
}

/// How a dump of `MySQL` is of one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Consistency {
    /// `--single-transaction`: nobody waits; tables of engines without transactions may change meanwhile.
    Snapshot,
    /// `--lock-all-tables`: everybody who writes waits.
    Lock,
    /// `--skip-lock-tables`: no consistency.
    None,
}

/// What of a MongoDB server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mongodb {
    /// Which database; none means all, in one archive.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub database: Option<Template>,
    /// `--oplog`: of one moment; for replica sets, and all databases.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub oplog: bool,
}

/// A file of `SQLite`'s.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sqlite {
    /// The file, an absolute path.
    pub path: Template,
}

/// Which databases of a server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Databases {
    /// One.
    One(Template),
    /// These, one object each.
    Some(Vec<Template>),
    /// All that are there when the job runs, one object each.
    All {
        /// But for these.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        except: Vec<Template>,
    },
}

/// Where a server is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum At {
    /// On this host, through its socket.
    Host {
        /// The socket, for PostgreSQL its folder; none means where the client looks by itself.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        socket: Option<Template>,
    },
    /// Over the network.
    Network {
        /// Name or address.
        host: Value,
        /// Port; none means the server's usual one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        port: Option<u16>,
    },
    /// In a container, with the client programs in it.
    Container {
        /// Which.
        container: Which,
        /// Which engine's command line to drive.
        engine: Engine,
    },
}

/// The v3 key space of an etcd, as `etcdctl snapshot save` would write it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EtcdSnapshot {
    /// Addresses, tried in order.
    pub endpoints: Vec<String>,
    /// User name; etcd gives snapshots to `root` alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// The password; a reference.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password: Option<Value>,
    /// A file of certificates in PEM form to trust instead of the system's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca_file: Option<String>,
    /// The client's certificate, a file in PEM form.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cert_file: Option<String>,
    /// The key of the client's certificate, a file in PEM form.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key_file: Option<String>,
}

impl Server {
    /// What the spec calls it.
    #[must_use]
    pub fn key(&self) -> &'static str {
        match self {
            Self::Postgres(_) => "postgres",
            Self::Mysql(_) => "mysql",
            Self::Mariadb(_) => "mariadb",
            Self::Mongodb(_) => "mongodb",
            Self::Redis => "redis",
            Self::Sqlite(_) => "sqlite",
        }
    }

    /// Its databases, where they can be told apart.
    #[must_use]
    pub fn databases(&self) -> Option<&Databases> {
        match self {
            Self::Postgres(postgres) => Some(&postgres.databases),
            Self::Mysql(mysql) | Self::Mariadb(mysql) => Some(&mysql.databases),
            Self::Mongodb(_) | Self::Redis | Self::Sqlite(_) => None,
        }
    }

    /// The same of one database.
    #[must_use]
    pub fn of_one(&self, database: &str) -> Self {
        let databases = Databases::One(Template::literal(database));
        match self {
            Self::Postgres(Postgres { databases: _, format, globals: _ }) => {
                Self::Postgres(Postgres { databases, format: *format, globals: false })
            }
            Self::Mysql(Mysql { databases: _, consistency }) => {
                Self::Mysql(Mysql { databases, consistency: *consistency })
            }
            Self::Mariadb(Mysql { databases: _, consistency }) => {
                Self::Mariadb(Mysql { databases, consistency: *consistency })
            }
            Self::Mongodb(_) | Self::Redis | Self::Sqlite(_) => self.clone(),
        }
    }

    /// What a dump's name ends with before compression.
    #[must_use]
    pub fn extension(&self) -> &'static str {
        match self {
            Self::Postgres(Postgres { format: PostgresFormat::Plain, .. }) | Self::Mysql(_) | Self::Mariadb(_) => "sql",
            Self::Postgres(Postgres { format: PostgresFormat::Custom, .. }) => "pgdump",
            Self::Mongodb(_) => "archive",
            Self::Redis => "rdb",
            Self::Sqlite(_) => "db",
        }
    }
}
