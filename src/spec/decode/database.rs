//! Databases as sources: `postgres:`, `mysql:`, `mariadb:`, `mongodb:`, `redis:`, `sqlite:`, and `etcd:`.

use super::fields::{Decoder, Field, Fields};
use super::scalar::Holds;
use crate::contract::{Etcd, EtcdApi};
use crate::source::{
    At, Consistency, Database, Databases, Engine, EtcdSnapshot, Mongodb, Mysql, Postgres, PostgresFormat, Server,
    Sqlite,
};
use crate::value::{Template, Value};

/// Keys that a server of some kind does not know, with those that do.
const KEYS_OF_SERVERS: [(&str, &str); 8] = [
    ("database", "`postgres`, `mysql`, `mariadb` and `mongodb`"),
    ("databases", "`postgres`, `mysql` and `mariadb`"),
    ("except", "`databases: all`"),
    ("format", "`postgres`"),
    ("globals", "`postgres` with `databases: all`"),
    ("consistency", "`mysql` and `mariadb`"),
    ("oplog", "`mongodb`"),
    ("path", "`sqlite`"),
];

impl Decoder<'_> {
    /// The map below a database's key; `server` is one of the keys that a source has for databases.
    pub(super) fn database(
        &mut self,
        server: &'static str,
        around: &mut Fields<'_>,
        instances: bool,
    ) -> Option<Database> {
        let field = around.take(server, self)?;
        let holds = Holds { time: false, source: false, ..Holds::at_run(Some(instances)) };
        if server == "sqlite" && !matches!(field.node.content, crate::spec::yaml::Content::Map(_)) {
            let path = self.path(&field, holds)?;
            let at = At::Host { socket: None };
            return Some(bare(Server::Sqlite(Sqlite { path }), at));
        }
        let mut fields = self.fields(&field)?;
        let kind = self.server(server, &mut fields, holds);
        let at = self.at(server, &mut fields, holds);
        let user = fields.take("user", self).and_then(|f| self.value(&f, holds));
        let password = fields.take("password", self).and_then(|f| self.secret(&f, holds));
        let bin = fields.take("bin", self).and_then(|f| self.path(&f, holds));
        let env = self.environment(&mut fields, holds);
        let options = fields
            .take("options", self)
            .map(|f| self.templates(&f, false, Holds { percent: true, ..holds }))
            .unwrap_or_default();
        self.keys_of_other_servers(&mut fields);
        fields.finish(self);
        Some(Database { server: kind?, at, user, password, bin, env, options })
    }

    fn server(&mut self, server: &str, fields: &mut Fields<'_>, holds: Holds) -> Option<Server> {
        match server {
            "postgres" => {
                let databases = self.databases(fields, holds);
                let formats = [("plain", PostgresFormat::Plain), ("custom", PostgresFormat::Custom)];
                let format =
                    fields.take("format", self).and_then(|f| self.word(&f, &formats)).unwrap_or(PostgresFormat::Plain);
                let all = matches!(databases, Some(Databases::All { .. }));
                let globals = all && fields.take("globals", self).and_then(|f| self.boolean(&f)).unwrap_or(true);
                Some(Server::Postgres(Postgres { databases: databases?, format, globals }))
            }
            "mysql" => self.mysql(fields, holds).map(Server::Mysql),
            "mariadb" => self.mysql(fields, holds).map(Server::Mariadb),
            "mongodb" => {
                let database = fields.take("database", self);
                let oplog_field = fields.take("oplog", self);
                let oplog = oplog_field.as_ref().and_then(|f| self.boolean(f)).unwrap_or(false);
                if let (Some(_), Some(field), true) = (&database, &oplog_field, oplog) {
                    let message = "`oplog` is of all databases, and `database` names one";
                    self.report.error("too-many-keys", field.span(), message);
                }
                let database = database.and_then(|f| self.template(&f, holds));
                Some(Server::Mongodb(Mongodb { database, oplog }))
            }
            "redis" => Some(Server::Redis),
            _ => {
                let path = fields.need("path", self, "the database's file").and_then(|f| self.path(&f, holds));
                path.map(|path| Server::Sqlite(Sqlite { path }))
            }
        }
    }

    fn mysql(&mut self, fields: &mut Fields<'_>, holds: Holds) -> Option<Mysql> {
        let databases = self.databases(fields, holds);
        let words = [("snapshot", Consistency::Snapshot), ("lock", Consistency::Lock), ("none", Consistency::None)];
        let consistency = fields.take("consistency", self).and_then(|f| self.word(&f, &words));
        Some(Mysql { databases: databases?, consistency: consistency.unwrap_or(Consistency::Snapshot) })
    }

    /// `database: NAME`, `databases: [NAME, …]`, or `databases: all` with `except: [NAME, …]`.
    fn databases(&mut self, fields: &mut Fields<'_>, holds: Holds) -> Option<Databases> {
        let which = self.one_of(fields, &["database", "databases"], "a database's source");
        let one = fields.take("database", self);
        let many = fields.take("databases", self);
        if which? == "database" {
            return self.template(&one?, holds).map(Databases::One);
        }
        let field = many?;
        if matches!(field.node.content, crate::spec::yaml::Content::List(_)) {
            let names = self.templates(&field, false, holds);
            if names.is_empty() {
                self.report.error("empty-value", field.span(), "a source needs at least one database");
            }
            self.are_different(&field, &names);
            return Some(Databases::Some(names));
        }
        self.word(&field, &[("all", ())])?;
        let except = fields.take("except", self).map(|f| self.templates(&f, true, holds)).unwrap_or_default();
        Some(Databases::All { except })
    }

    fn are_different(&mut self, field: &Field<'_>, names: &[Template]) {
        let twice = names.iter().enumerate().find(|(at, name)| names.iter().take(*at).any(|other| other == *name));
        if let Some((_, name)) = twice {
            self.report.error("duplicate-key", field.span(), format!("the database `{name}` is here twice"));
        }
    }

    /// Where the server is: `host` and `port`, `socket`, or `container` and `engine`.
    fn at(&mut self, server: &str, fields: &mut Fields<'_>, holds: Holds) -> At {
        let ways: &[&'static str] = if server == "sqlite" { &["container"] } else { &["host", "socket", "container"] };
        if let [first, second, ..] = fields.present(ways).as_slice() {
            let span = fields.key_span(second).unwrap_or_else(|| fields.span.clone());
            let message = format!("`{second}` beside `{first}`: a server is in one place");
            self.report.error("too-many-keys", &span, message);
        }
        let container = fields.take("container", self).and_then(|f| self.which(&f, holds, false));
        let engine_field = fields.take("engine", self);
        if let (None, Some(field)) = (&container, &engine_field) {
            self.report.error("unknown-key", &field.key.span, "`engine` goes with `container`");
        }
        let engines = [("auto", Engine::Auto), ("docker", Engine::Docker), ("podman", Engine::Podman)];
        let engine = engine_field.and_then(|f| self.word(&f, &engines)).unwrap_or(Engine::Auto);
        if server == "sqlite" {
            return container.map_or(At::Host { socket: None }, |container| At::Container { container, engine });
        }
        let host = fields.take("host", self).and_then(|f| self.value(&f, holds));
        let socket = fields.take("socket", self).and_then(|f| self.path(&f, holds));
        let port_field = fields.take("port", self);
        if let (None, Some(field)) = (&host, &port_field) {
            let help = "add `host: 127.0.0.1`, or leave `port` out";
            self.report.error("missing-key", &field.key.span, "`port` goes with `host`").help(help);
        }
        let port = port_field.and_then(|f| self.integer(&f, 1, 65_535)).and_then(|port| u16::try_from(port).ok());
        match (container, host) {
            (Some(container), _) => At::Container { container, engine },
            (None, Some(host)) => At::Network { host, port },
            (None, None) => At::Host { socket },
        }
    }

    fn keys_of_other_servers(&mut self, fields: &mut Fields<'_>) {
        for (key, servers) in KEYS_OF_SERVERS {
            if fields.is_asked(key) {
                continue;
            }
            if let Some(node) = fields.quietly(key) {
                let message = format!("`{key}` does not belong to this kind of database");
                self.report.error("unknown-key", &node.span, message).help(format!("it goes with {servers}"));
            }
        }
    }

    /// `etcd:`, with the keys of the one at the top.
    pub(super) fn etcd_snapshot(&mut self, around: &mut Fields<'_>) -> Option<EtcdSnapshot> {
        let field = around.take("etcd", self)?;
        let Etcd { endpoints, api, user, password, ca_file, cert_file, key_file, timeout: _ } = self.etcd(&field)?;
        if api == EtcdApi::V2 {
            let message = "only the v3 key space has snapshots";
            self.report
                .error("unknown-word", field.span(), message)
                .help("v2's is in the member's data folder: back it up with `etcdctl backup`");
        }
        let password = password.map(Value::Reference);
        Some(EtcdSnapshot { endpoints, user, password, ca_file, cert_file, key_file })
    }
}

fn bare(server: Server, at: At) -> Database {
    let (user, password, bin) = (None, None, None);
    Database { server, at, user, password, bin, env: std::collections::BTreeMap::new(), options: vec![] }
}
