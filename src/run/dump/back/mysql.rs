//! Back into a database of `MySQL`'s or MariaDB's. Their statements that make and drop tables end every transaction, so that
//! what fails midway leaves a part.

use super::fed::{Fed, unheeded};
use super::postgres::Asked;
use super::{BackError, Way, Work, database_named, through};
use crate::run::digest::hex;
use crate::run::dump::database::{Client, of_mysql, with_variables};
use crate::run::dump::start::Start;
use crate::run::dump::{DumpError, Surroundings};
use crate::source::{Database, Mysql, Source};
use std::io::Read;
use std::time::Duration;

/// How long the server may take to tell what is there.
const ANSWER_WITHIN: Duration = Duration::from_secs(120);

/// A load that was found possible.
pub(super) struct Load {
    database: Database,
    source: Source,
    with: Surroundings,
    program: &'static str,
    name: String,
    /// What is to be run before.
    before: String,
    /// Whether the dump itself makes its database, and uses it.
    makes_it: bool,
    client: Option<Fed>,
}

pub(super) fn find(asked: &Asked<'_>, mysql: &Mysql, programs: &[&'static str]) -> Result<Way, BackError> {
    let Asked { database, source, part, extension: _, order, with } = *asked;
    asked.is_of(&["sql"])?;
    let makes_it = part.is_some();
    if makes_it && order.database.is_some() {
        let what = "another database, of a dump that names its own";
        return Err(BackError::cannot(what, "edit it on its way: `--stdout | sed … | mysql`"));
    }
    let start = Start::new(source, with);
    let name = database_named(asked, &mysql.databases, &start)?;
    let client = Client::find(database, &start)?;
    let (program, _) = client.first(programs, "default-mysql-client", &start)?;
    let ask = |sql: &str| {
        let call = of_mysql(program, database, &start)?.args(["--batch", "--skip-column-names", "--execute", sql]);
        let limits = start.limits.at_most(ANSWER_WITHIN);
        let answer = client.answer(with_variables(call, database, &start)?, &start, &limits)?;
        Ok::<_, DumpError>(String::from_utf8_lossy(&answer).trim().to_owned())
    };
    let is_named = format!("CONVERT(X'{}' USING utf8mb4)", hex(name.as_bytes()));
    let made_as = ask(&format!(
        "SELECT CONCAT(default_character_set_name, ' COLLATE ', default_collation_name) FROM information_schema.schemata \
         WHERE schema_name = {is_named}"
    ))?;
    let exists = !made_as.is_empty();
    let content = ask(&format!(
        "SELECT (SELECT COUNT(*) FROM information_schema.tables WHERE table_schema = {is_named}) + \
         (SELECT COUNT(*) FROM information_schema.routines WHERE routine_schema = {is_named})"
    ))?;
    let full = content != "0";
    if full && !order.overwrite {
        let beside = if makes_it { "" } else { ", or --database NAME to load it beside" };
        let what = format!("the database `{name}` holds {content} tables, views and routines");
        return Err(BackError::NotEmpty { what, beside });
    }
    let quoted = quoted(&name);
    let before = match (exists, full, makes_it) {
        (true, true, true) => format!("DROP DATABASE {quoted};\n"),
        (true, true, false) => {
            format!("DROP DATABASE {quoted};\nCREATE DATABASE {quoted} CHARACTER SET {made_as};\n")
        }
        (false, _, false) => format!("CREATE DATABASE {quoted} CHARACTER SET utf8mb4;\n"),
        (true, false, _) | (false, _, true) => String::new(),
    };
    let how = match (exists, full) {
        (false, _) => "which is made",
        (true, false) => "which is there and empty",
        (true, true) => "which is dropped and made again",
    };
    let what = format!("into the database `{name}`, {how}, by {}", through(program, client.container().as_ref()));
    let gone = if full { "what was there before is gone" } else { "it was empty before" };
    let aftermath =
        format!("the database `{name}` may hold a part of the archive, and {gone}: run it again with --overwrite");
    let (database, source, with) = (database.clone(), source.clone(), with.clone());
    let load = Load { database, source, with, program, name, before, makes_it, client: None };
    Ok(Way { what, aftermath, work: Work::Mysql(load) })
}

impl Load {
    pub(super) fn take(&mut self, content: &mut dyn Read) -> Result<(), BackError> {
        if !self.before.is_empty() {
            let mut client = self.client(None)?;
            client.write(self.before.as_bytes());
            client.end()?;
        }
        let mut client = self.client((!self.makes_it).then_some(self.name.as_str()))?;
        client.feed(content)?;
        self.client = Some(client);
        Ok(())
    }

    pub(super) fn end(mut self) -> Result<(), BackError> {
        self.client.take().map_or(Ok(()), Fed::end).map_err(BackError::from)
    }

    fn client(&self, database: Option<&str>) -> Result<Fed, DumpError> {
        let mut start = Start::new(&self.source, &self.with);
        let client = Client::find(&self.database, &start)?;
        let call = of_mysql(self.program, &self.database, &start)?.arg("--batch").stdin(vec![]);
        let call = call.args(database.map(|name| format!("--database={name}")));
        let program = client.owed(with_variables(call, &self.database, &start)?, &mut start)?;
        Fed::start(self.program, program, start.for_feeding(), unheeded)
    }
}

fn quoted(name: &str) -> String {
    format!("`{}`", name.replace('`', "``"))
}
