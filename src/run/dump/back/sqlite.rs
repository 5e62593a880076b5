//! Back into a database of SQLite's, by its own `.restore`: those who have it open meanwhile see the old content or the new.

use super::fed::pieces;
use super::postgres::Asked;
use super::{BackError, Way, Work};
use crate::run::dump::database::{Call, Client};
use crate::run::dump::owed::Debts;
use crate::run::dump::start::Start;
use crate::run::dump::{DumpError, Surroundings, command};
use crate::source::{At, Database, Source, Sqlite};
use std::fs::File;
use std::io::{self, Read, Write as _};
use std::path::Path;
use std::time::Duration;

/// How long a writer may hold the database meanwhile, and the copy take.
const RESTORE_WITHIN: Duration = Duration::from_secs(6 * 3600);
/// What the content is called in its scratch folder.
const FILE: &str = "restored";

/// A load that was found possible.
pub(super) struct Load {
    database: Database,
    source: Source,
    with: Surroundings,
    path: String,
    taken: Option<(String, Debts)>,
}

pub(super) fn find(asked: &Asked<'_>, sqlite: &Sqlite) -> Result<Way, BackError> {
    let Asked { database, source, part: _, extension: _, order, with } = *asked;
    asked.is_of(&["db"])?;
    let start = Start::new(source, with);
    let source_path = start.expand(&sqlite.path).map_err(DumpError::from)?;
    let path = order.database.clone().unwrap_or(source_path);
    match &database.at {
        At::Host { socket: _ } | At::Network { host: _, port: _ } => {}
        At::Container { container: _, engine: _ } => {
            let instead = "`--to` a folder, then copy the file into the container while nobody has it open";
            return Err(BackError::cannot("a database file in a container", instead));
        }
    }
    let client = Client::find(database, &start)?;
    client.first(&["sqlite3"], "sqlite3", &start)?;
    let size = match std::fs::metadata(&path) {
        Ok(metadata) => Some(metadata.len()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(source) => return Err(BackError::Io { what: format!("`{path}` cannot be looked at"), source }),
    };
    if !Path::new(&path).is_absolute() {
        let instead = "give its file an absolute path: `--database /PATH`";
        return Err(BackError::cannot("a database of SQLite's without its folder", instead));
    }
    if size.is_some_and(|size| size > 0) && !order.overwrite {
        let what = format!("the database `{path}` is there");
        return Err(BackError::NotEmpty { what, beside: ", or --database /PATH to load it beside" });
    }
    let how = if size.is_some() { "whose content gives way" } else { "which is made" };
    let what = format!("into the database `{path}`, {how}, by sqlite3 in one transaction");
    let aftermath = if size.is_some() {
        format!("the database `{path}` is as it was before")
    } else {
        format!("`{path}` may be there, and empty")
    };
    let (database, source, with) = (database.clone(), source.clone(), with.clone());
    Ok(Way { what, aftermath, work: Work::Sqlite(Load { database, source, with, path, taken: None }) })
}

impl Load {
    pub(super) fn take(&mut self, content: &mut dyn Read) -> Result<(), BackError> {
        let mut start = Start::new(&self.source, &self.with);
        let folder = command::make_scratch(&mut start)?;
        let file = format!("{folder}/{FILE}");
        let failed = |source| BackError::Io { what: format!("`{file}` cannot be written"), source };
        let mut to = File::create_new(&file).map_err(failed)?;
        pieces(content, |piece| to.write_all(piece).map(|()| true).map_err(failed))?;
        self.taken = Some((file, start.into_owed()));
        Ok(())
    }

    pub(super) fn end(mut self) -> Result<(), BackError> {
        let Some((file, owed)) = self.taken.take() else { return Ok(()) };
        let start = Start::new(&self.source, &self.with);
        let client = Client::find(&self.database, &start)?;
        let restore = format!(".restore main '{}'", file.replace('\'', "''"));
        let call = Call::new("sqlite3").arg("-bail").arg(&self.path).args([".timeout 30000", &restore]);
        // A damaged file is told before anything is written over.
        let check = Call::new("sqlite3").args(["-readonly", "-bail"]).arg(&file).arg("PRAGMA integrity_check");
        let limits = start.limits.at_most(RESTORE_WITHIN);
        let checked = client.answer(check, &start, &limits)?;
        if checked.trim_ascii() != b"ok" {
            return Err(BackError::Content(io::Error::other("the archive holds a database that is damaged")));
        }
        client.answer(call, &start, &limits)?;
        for trouble in owed.settle() {
            tracing::warn!("{trouble}");
        }
        Ok(())
    }
}
