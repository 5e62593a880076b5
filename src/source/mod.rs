//! What is backed up.

use crate::conduct::Hooks;
mod database;
mod still;

pub use database::{
    At, Consistency, Database, Databases, EtcdSnapshot, Mongodb, Mysql, Postgres, PostgresFormat, Server, Sqlite,
};

pub use still::{Label, Still, Which};

use crate::archive::{ANY_PART, part_name};
use crate::value::{Template, Value, optional_duration_serde};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::time::Duration;

/// One thing to back up; each becomes one object at each destination.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Source {
    /// Its name within the job: `[a-z0-9][a-z0-9._-]*`, never `manifest`.
    pub name: String,
    /// What it reads.
    pub kind: SourceKind,
    /// Whether an empty dump, or an archive without a single file, is a success.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub allow_empty: bool,
    /// How long reading it may take; none means for ever.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "optional_duration_serde")]
    pub timeout: Option<Duration>,
    /// Programs that run around its dump.
    #[serde(default, skip_serializing_if = "Hooks::is_empty")]
    pub hooks: Hooks,
    /// Containers that stand still meanwhile.
    #[serde(default, rename = "while", skip_serializing_if = "Option::is_none")]
    pub still: Option<Still>,
}

/// What a source reads.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SourceKind {
    /// Files and folders of the host.
    Paths(Paths),
    /// What a program prints.
    Command(Command),
    /// Something in a container.
    Container(Container),
    /// A volume of a container engine.
    Volume(Volume),
    /// A database, or all of a server's.
    Database(Box<Database>),
    /// A snapshot of etcd.
    EtcdSnapshot(EtcdSnapshot),
}

/// What a value of a source is to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Known to everybody: a host, a user.
    Open,
    /// Never to be shown.
    Secret,
    /// A variable of a program's: secret where it is a reference.
    Variable,
}

/// Files and folders of the host, archived as tar.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Paths {
    /// Absolute paths; archived without their leading `/`.
    pub paths: Vec<Template>,
    /// Patterns of what to leave out, as GNU tar's `--exclude` reads them: `*` also matches `/`, and a pattern
    /// matches a whole name from its beginning or after any `/`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub exclude: Vec<Template>,
    /// Whether to stay on the file systems of the given paths.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub one_file_system: bool,
    /// Names of files that say, in gitignore's syntax, what of their folder is left out.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub exclude_from: Vec<String>,
    /// Whether what `.gitignore` files name is left out.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub gitignore: bool,
    /// Whether folders with a `CACHEDIR.TAG` are archived without what is in them.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub exclude_caches: bool,
    /// Names of files whose folders are archived without what is in them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub exclude_if_present: Vec<String>,
    /// Larger files are left out, in bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_file_size: Option<u64>,
}

/// A program whose standard output is the archive's content.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Command {
    /// Program and arguments; no shell is involved.
    pub argv: Vec<Template>,
    /// Variables added to its environment; it gets no other secret.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub env: BTreeMap<String, Value>,
    /// The folder it starts in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub directory: Option<Template>,
    /// What the object's name ends with before compression, `sql` for example.
    pub extension: String,
}

/// A dump made in a container, or a tree in it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Container {
    /// Which; of several, each is an object of its own.
    pub container: Which,
    /// Which engine's command line to drive.
    pub engine: Engine,
    /// Program and arguments to run in it; empty where `content` is a tree that is there already.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub dump: Vec<Template>,
    /// Variables added to the dump's environment in the container.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub env: BTreeMap<String, Value>,
    /// The user in the container that runs the dump.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<Template>,
    /// The folder in the container that the dump starts in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub directory: Option<Template>,
    /// What is archived once the dump has ended well.
    pub content: Content,
    /// How a tree is read.
    pub access: Access,
}

/// A volume of a container engine, archived as tar; names in the archive begin at the volume's root.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Volume {
    /// Its name.
    pub volume: Template,
    /// Which engine's command line to drive.
    pub engine: Engine,
    /// Patterns of what to leave out, as in [`Paths::exclude`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub exclude: Vec<Template>,
    /// How it is read: from its folder on the host, or through a container that has it.
    pub access: Access,
}

/// What of a container is archived.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Content {
    /// A folder in the container, as tar.
    Tree {
        /// The folder.
        path: Template,
        /// Patterns of what to leave out, as in [`Paths::exclude`].
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        exclude: Vec<Template>,
    },
    /// What the dump prints.
    Stdout {
        /// What the object's name ends with before compression.
        extension: String,
    },
}

/// A container engine's command line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Engine {
    /// `docker`, or `podman` where there is no `docker`.
    Auto,
    /// `docker`.
    Docker,
    /// `podman`.
    Podman,
}

/// How a tree in a container is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Access {
    /// Directly where the runner may, else through the engine.
    Auto,
    /// From the host, through the container's mount namespace: fast, needs root on the container's host.
    Direct,
    /// With `exec … tar` in the container: slow, needs `tar` in it.
    Exec,
}

/// What the object's name ends with, before compression, where it is a tar archive.
pub const TAR_EXTENSION: &str = "tar";

impl Source {
    /// What the object's name ends with before compression: `tar`, or the content's own. Of a source that is stored as
    /// several objects, what it has itself once its parts are objects of their own.
    #[must_use]
    pub fn extension(&self) -> &str {
        match &self.kind {
            SourceKind::Paths(_) | SourceKind::Volume(_) => "tar",
            SourceKind::Command(command) => &command.extension,
            SourceKind::Container(container) => match &container.content {
                Content::Tree { .. } => "tar",
                Content::Stdout { extension } => extension,
            },
            SourceKind::Database(database) => match database.server.databases() {
                Some(Databases::All { .. } | Databases::Some(_)) => "sql",
                Some(Databases::One(_)) | None => database.server.extension(),
            },
            SourceKind::EtcdSnapshot(_) => "db",
        }
    }

    /// The names of the objects that it becomes, each with its extension: usually its own; a part's is `SOURCE@PART`, or
    /// `SOURCE@*` where its parts are known only when it is read.
    #[must_use]
    pub fn objects(&self) -> Vec<(String, String)> {
        let own = || (self.name.clone(), self.extension().to_owned());
        let database = match &self.kind {
            SourceKind::Database(database) => database,
            SourceKind::Container(container) if container.container.is_all() => {
                return vec![(format!("{}{ANY_PART}", self.name), self.extension().to_owned())];
            }
            SourceKind::Paths(_)
            | SourceKind::Command(_)
            | SourceKind::Container(_)
            | SourceKind::Volume(_)
            | SourceKind::EtcdSnapshot(_) => return vec![own()],
        };
        let extension = || database.server.extension().to_owned();
        let mut objects = match database.server.databases() {
            Some(Databases::One(_)) | None => return vec![own()],
            Some(Databases::Some(names)) if names.iter().all(|name| name.as_literal().is_some()) => {
                names.iter().map(|name| (part_name(&self.name, &name.to_string()), extension())).collect()
            }
            Some(Databases::Some(_) | Databases::All { .. }) => vec![(format!("{}{ANY_PART}", self.name), extension())],
        };
        if matches!(&database.server, Server::Postgres(postgres) if postgres.globals) {
            objects.push(own());
        }
        objects
    }

    /// Whether it may become more than one object.
    #[must_use]
    pub fn is_many(&self) -> bool {
        self.objects().iter().any(|(name, _)| *name != self.name)
    }

    /// Every value that may be a reference.
    #[must_use]
    pub fn values(&self) -> Vec<(&Value, Role)> {
        let mut values: Vec<(&Value, Role)> = match &self.kind {
            SourceKind::Paths(_) | SourceKind::Volume(_) => vec![],
            SourceKind::Command(command) => of_variables(&command.env).collect(),
            SourceKind::Container(container) => of_variables(&container.env).collect(),
            SourceKind::Database(database) => {
                let Database { server: _, at, user, password, bin: _, env, options: _ } = database.as_ref();
                let host = match at {
                    At::Network { host, port: _ } => Some(host),
                    At::Host { socket: _ } | At::Container { container: _, engine: _ } => None,
                };
                let open = host.into_iter().chain(user).map(|value| (value, Role::Open));
                open.chain(password.iter().map(|value| (value, Role::Secret))).chain(of_variables(env)).collect()
            }
            SourceKind::EtcdSnapshot(etcd) => etcd.password.iter().map(|value| (value, Role::Secret)).collect(),
        };
        values.extend(self.hooks.values().map(|value| (value, Role::Variable)));
        values
    }
}

fn of_variables(env: &BTreeMap<String, Value>) -> impl Iterator<Item = (&Value, Role)> {
    env.values().map(|value| (value, Role::Variable))
}
