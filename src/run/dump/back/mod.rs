//! The way back into where a dump came from: a database through its own client, a container through its engine.
//!
//! A [`Way`] is looked for first, which changes nothing; [`Way::begin`] gives a [`Taking`], which takes an object's content
//! and counts only where [`Taking::end`] is called once its digest is known to be right. One that is dropped is given up.

mod error;
mod fed;
mod mysql;
mod postgres;
mod sqlite;
mod tree;

pub use error::BackError;

use super::container::{Engine, Found};
use super::database::advised;
use super::start::Start;
use super::{DumpError, Surroundings};
use crate::run::tar_check::Bounds;
use crate::source::{self, Content, Database, Databases, Server, Source, SourceKind};
use crate::value::Placeholder;
use std::io::{self, Read};

/// What is wanted of the way back.
#[derive(Debug, Clone, Default)]
pub struct Order {
    /// Whether what is there gives way.
    pub overwrite: bool,
    /// Another database than the one that the source names.
    pub database: Option<String>,
}

/// Where an object is to go.
#[derive(Debug, Clone)]
pub enum Place {
    /// To where a source of a job reads.
    Source {
        /// The source.
        source: Box<Source>,
        /// Which of its databases or containers, where it is stored as an object of each.
        part: Option<String>,
    },
    /// Into a container.
    Container {
        /// Which engine's.
        engine: source::Engine,
        /// Its name or id.
        name: String,
        /// The folder; none means where the source that the object is of has it.
        path: Option<String>,
        /// That source, where it is known.
        of: Option<Box<Source>>,
    },
}

/// A way back for one object: what was found, and what will be done.
pub struct Way {
    what: String,
    aftermath: String,
    work: Work,
}

enum Work {
    Postgres(postgres::Load),
    Mysql(mysql::Load),
    Sqlite(sqlite::Load),
    Tree(tree::Load),
}

impl Way {
    /// Looks what is there, and whether the content, which is of this extension, can go there. Changes nothing; blocks.
    ///
    /// # Errors
    /// It cannot; or something is there, and is not to give way.
    pub fn find(place: &Place, extension: &str, order: &Order, with: &Surroundings) -> Result<Self, BackError> {
        match place {
            Place::Container { engine, name, path, of } => {
                tar_only(extension)?;
                let to = match (path, of) {
                    (Some(path), _) => tree::Where { engine: *engine, name, folder: path.clone(), path: path.clone() },
                    (None, Some(of)) => tree::Where::of_tree(*engine, name, folder_of(of, with)?),
                    (None, None) => return Err(BackError::nowhere(name)),
                };
                tree::find(to, order, with)
            }
            Place::Source { source, part } => match &source.kind {
                SourceKind::Database(database) => {
                    of_database(database, source, part.as_deref(), extension, (order, with))
                }
                SourceKind::Container(container) => {
                    let name = match (part, &container.container) {
                        (Some(part), _) => part.clone(),
                        (None, which) => {
                            let start = Start::new(source, with);
                            let engine = Engine::find(container.engine, &with.environment, &start.limits)?;
                            engine.one(which, &start)?.name
                        }
                    };
                    tree::find(tree::Where::of_tree(container.engine, &name, folder_of(source, with)?), order, with)
                }
                SourceKind::Paths(_) => Err(BackError::cannot(
                    "files of the host",
                    "name the folder: `--to /`, with --overwrite where they are there still, or `--to` a new one",
                )),
                SourceKind::Command(_) => Err(BackError::cannot(
                    "what a command printed",
                    "which program takes it back is not known: pipe it there with `--stdout`",
                )),
                SourceKind::Volume(_) => Err(BackError::cannot(
                    "a volume",
                    "name a container that has it, and where: `--into container:NAME:/PATH`",
                )),
                SourceKind::EtcdSnapshot(_) => Err(BackError::cannot(
                    "an etcd that runs",
                    "a cluster is started anew from a snapshot: `--to` a folder, then `etcdctl snapshot restore FILE --data-dir …` for each member while all are stopped",
                )),
            },
        }
    }

    /// What will be done, for people.
    #[must_use]
    pub fn what(&self) -> &str {
        &self.what
    }

    /// What is there after a failure midway, for people.
    #[must_use]
    pub fn aftermath(&self) -> &str {
        &self.aftermath
    }

    /// Ready to take the content.
    #[must_use]
    pub fn begin(self) -> Taking {
        Taking { work: self.work, failed: None }
    }
}

/// An object's content on its way to where it came from. Dropping it before its end gives it up.
pub struct Taking {
    work: Work,
    failed: Option<BackError>,
}

impl Taking {
    /// Hands all of the content over. What goes wrong there is told by [`Taking::end`]. Blocks.
    ///
    /// # Errors
    /// The content itself cannot be read.
    pub fn take(&mut self, content: &mut dyn Read, bounds: Bounds) -> io::Result<()> {
        let taken = match &mut self.work {
            Work::Postgres(load) => load.take(content),
            Work::Mysql(load) => load.take(content),
            Work::Sqlite(load) => load.take(content),
            Work::Tree(load) => load.take(content, bounds),
        };
        match taken {
            Ok(()) => Ok(()),
            Err(BackError::Content(error)) => Err(error),
            Err(other) => {
                self.failed = Some(other);
                Ok(())
            }
        }
    }

    /// Makes what was taken count. Blocks.
    ///
    /// # Errors
    /// What took it refused it.
    pub fn end(self) -> Result<(), BackError> {
        let Self { work, failed } = self;
        if let Some(error) = failed {
            return Err(error);
        }
        match work {
            Work::Postgres(load) => load.end(),
            Work::Mysql(load) => load.end(),
            Work::Sqlite(load) => load.end(),
            Work::Tree(load) => load.end(),
        }
    }
}

fn of_database(
    database: &Database,
    source: &Source,
    part: Option<&str>,
    extension: &str,
    (order, with): (&Order, &Surroundings),
) -> Result<Way, BackError> {
    let asked = postgres::Asked { database, source, part, extension, order, with };
    let found = match &database.server {
        Server::Postgres(postgres) => postgres::find(&asked, postgres),
        Server::Mysql(mysql) => mysql::find(&asked, mysql, &["mysql", "mariadb"]),
        Server::Mariadb(mysql) => mysql::find(&asked, mysql, &["mariadb", "mysql"]),
        Server::Sqlite(sqlite) => sqlite::find(&asked, sqlite),
        Server::Redis => Err(BackError::cannot(
            "a Redis that runs, which keeps its data in memory and would write over the file",
            "stop it, put the dump in place of its `dump.rdb` (`--to` a folder, then move it), with `appendonly no`, and start it",
        )),
        Server::Mongodb(_) => Err(BackError::cannot(
            "MongoDB, which could not be tried",
            "pipe it there: `--stdout | mongorestore --archive`, with --drop where collections are to be replaced",
        )),
    };
    found.map_err(|error| match error {
        BackError::Dump(error) => advised(&database.server, error).into(),
        other => other,
    })
}

fn tar_only(extension: &str) -> Result<(), BackError> {
    if extension == source::TAR_EXTENSION {
        return Ok(());
    }
    Err(BackError::cannot(
        &format!("a container, of what is no tar but `.{extension}`"),
        "a database goes back through `--into source`; else pipe it: `--stdout | docker exec -i NAME PROGRAM`",
    ))
}

/// The folder of a container that a source's tar is of.
fn folder_of(source: &Source, with: &Surroundings) -> Result<String, BackError> {
    let tree = match &source.kind {
        SourceKind::Container(container) => match &container.content {
            Content::Tree { path, exclude: _ } => path,
            Content::Stdout { extension: _ } => {
                return Err(BackError::cannot(
                    "the container, of what a program in it printed",
                    "which program takes it back is not known: `--stdout | docker exec -i NAME PROGRAM`",
                ));
            }
        },
        SourceKind::Paths(_)
        | SourceKind::Command(_)
        | SourceKind::Volume(_)
        | SourceKind::Database(_)
        | SourceKind::EtcdSnapshot(_) => return Err(BackError::nowhere("NAME")),
    };
    if tree.placeholders().any(|placeholder| *placeholder == Placeholder::Scratch) {
        return Err(BackError::cannot(
            "the scratch folder that the dump was made in, which is gone",
            "say where: `--into container:NAME:/PATH`",
        ));
    }
    let start = Start::new(source, with);
    Ok(start.expand(tree).map_err(DumpError::from)?)
}

/// The database of an object: the one that is asked for, the part that the object is, or the source's only one.
fn database_named(asked: &postgres::Asked<'_>, databases: &Databases, start: &Start<'_>) -> Result<String, BackError> {
    if let Some(name) = asked.order.database.as_deref().or(asked.part) {
        return Ok(name.to_owned());
    }
    match databases {
        Databases::One(name) => Ok(start.expand(name).map_err(DumpError::from)?),
        Databases::Some(_) | Databases::All { except: _ } => Err(BackError::cannot(
            "a server, of its roles and tablespaces, most of which are there",
            "look at them with `--stdout`, and run through `psql` what is missing",
        )),
    }
}

/// For people: `psql, in the container …`.
fn through(program: &str, found: Option<&Found>) -> String {
    found.map_or_else(|| program.to_owned(), |found| format!("{program} in the container `{}`", found.name))
}
