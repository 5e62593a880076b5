//! Databases, through their own client programs: on the host, over the network, or in the server's container.

mod advice;
mod client;
mod error;
mod list;
mod rdb;
mod recipe;

pub use error::DatabaseError;

use super::container::inside_scratch;
use super::start::Start;
use super::{Dump, DumpError, Surroundings};
use crate::archive::part_name;
use crate::run::os::Input;
use crate::source::{Database, Databases, Server, Source, SourceKind};
pub(super) use client::{Call, Client, with_variables};
use recipe::{Output, Recipe};
pub(super) use recipe::{of_libpq, of_mysql};
use std::fs::File;

/// What a two-step dump writes to in its scratch folder.
const FILE: &str = "dump";

pub(super) use advice::advised;

/// The sources that a source is stored as: itself, or one for each of its databases.
///
/// # Errors
/// The server does not tell its databases, or has none.
pub(super) fn parts(source: &Source, database: &Database, with: &Surroundings) -> Result<Vec<Source>, DumpError> {
    let start = Start::new(source, with);
    let names = match database.server.databases() {
        None | Some(Databases::One(_)) => return Ok(vec![source.clone()]),
        Some(Databases::Some(names)) => start.expand_all(names)?,
        Some(Databases::All { except }) => {
            let except = start.expand_all(except)?;
            let mut names = list::databases(database, &start).map_err(|error| advised(&database.server, error))?;
            names.retain(|name| !except.contains(name));
            names
        }
    };
    if names.is_empty() && !source.allow_empty {
        return Err(DatabaseError::NoDatabase.into());
    }
    let one = |name: &String| {
        let database = Database { server: database.server.of_one(name), ..database.clone() };
        let kind = SourceKind::Database(Box::new(database));
        Source { name: part_name(&source.name, name), kind, ..source.clone() }
    };
    let globals = matches!(&database.server, Server::Postgres(postgres) if postgres.globals);
    // Roles first: databases are restored after them.
    let globals = globals.then(|| source.clone());
    Ok(globals.into_iter().chain(names.iter().map(one)).collect())
}

pub(super) fn start(database: &Database, start: Start<'_>) -> Result<Dump, DumpError> {
    let mut dump = begin(database, start).map_err(|error| advised(&database.server, error))?;
    dump.running.server = Some(database.server.clone());
    Ok(dump)
}

fn begin(database: &Database, mut start: Start<'_>) -> Result<Dump, DumpError> {
    let client = Client::find(database, &start)?;
    let recipe = Recipe::new(database, &client, &start)?;
    let how = format!("with {}{}", recipe.version, client.place());
    let name = recipe.call.program.clone();
    let mut dump = match recipe.output {
        Output::Stdout => {
            let program = client.owed(recipe.call, &mut start)?;
            start.stdout(&name, program)?
        }
        Output::Rdb => {
            let program = client.owed(recipe.call, &mut start)?;
            start.checked(&name, program, rdb::Whole::new)?
        }
        Output::File => through_file(&client, recipe, &mut start).and_then(|program| start.stdout(&name, program))?,
    };
    dump.running.container = client.container();
    dump.running.how = Some(how);
    Ok(dump)
}

/// Runs a program that writes a file into a scratch folder, and then prints that.
fn through_file(client: &Client, recipe: Recipe, start: &mut Start<'_>) -> Result<crate::run::os::Program, DumpError> {
    let name = recipe.call.program.clone();
    let folder = match client {
        Client::Host { .. } => super::command::make_scratch(start)?,
        Client::Container { found } => inside_scratch(found, None, start)?,
    };
    let call = recipe.call.in_folder(&folder);
    let limits = start.limits.clone();
    let program = client.owed(call, start)?;
    let captured = program.capture(limits)?;
    if let Some(cut) = captured.ended.cut {
        return Err(DumpError::Cut { what: name, cut });
    }
    if !captured.ended.status.success() {
        let tail = start.log.of_lines(&captured.lines());
        return Err(DumpError::Failed { what: name, how: captured.ended.describe(), tail });
    }
    start.forget_last();
    match client {
        Client::Host { .. } => {
            let path = std::path::Path::new(&folder).join(FILE);
            let file = File::open(&path).map_err(|source| DumpError::Scratch { path, source })?;
            let cat = crate::run::os::Program::new("cat", &start.with.environment).stdin(Input::File(file.into()));
            Ok(cat)
        }
        Client::Container { .. } => {
            let cat = Call::new("cat").arg(format!("{folder}/{FILE}"));
            client.owed(cat, start)
        }
    }
}
