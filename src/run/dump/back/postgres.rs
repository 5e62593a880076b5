//! Back into a database of PostgreSQL's, by `psql` in one transaction, which is committed only once the archive is known to be
//! whole: whatever fails before leaves the database as it was.

use super::fed::{Fed, unheeded};
use super::{BackError, Order, Way, Work, database_named, through};
use crate::run::dump::database::{Call, Client, of_libpq, with_variables};
use crate::run::dump::start::Start;
use crate::run::dump::{DumpError, Surroundings};
use crate::source::{Database, Postgres, Source};
use std::io::{self, BufRead as _, BufReader, Read};
use std::sync::mpsc::sync_channel;
use std::time::Duration;

/// How long the server may take to tell what is there.
const ANSWER_WITHIN: Duration = Duration::from_secs(120);
/// How much of a dump may come before it connects to the database that it makes, in bytes.
const HEAD_MAX_BYTES: u64 = 1 << 20;
/// How many pieces of converted SQL may wait.
const PIECES_WAITING: usize = 4;
/// The database that is always there.
const MAINTENANCE: &str = "postgres";

/// Everything of the users' in a database: relations and functions, but for those that an extension brought.
const CONTENT: &str = "SELECT (SELECT count(*) FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace WHERE \
    nspname !~ '^pg_' AND nspname <> 'information_schema' AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = c.oid \
    AND d.deptype = 'e')) + (SELECT count(*) FROM pg_proc p JOIN pg_namespace n ON n.oid = pronamespace WHERE nspname !~ \
    '^pg_' AND nspname <> 'information_schema' AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = p.oid AND \
    d.deptype = 'e'))";

/// Takes away what is there, within the transaction; `public` is made again as initdb makes it (15 took a right away).
const CLEAR: &str = "DO $eightbells$ DECLARE it record; BEGIN \
    FOR it IN SELECT nspname FROM pg_namespace WHERE nspname !~ '^pg_' AND nspname <> 'information_schema' LOOP \
    EXECUTE format('DROP SCHEMA %I CASCADE', it.nspname); END LOOP; \
    FOR it IN SELECT extname FROM pg_extension WHERE extname <> 'plpgsql' LOOP \
    EXECUTE format('DROP EXTENSION IF EXISTS %I CASCADE', it.extname); END LOOP; \
    PERFORM lo_unlink(oid) FROM pg_largeobject_metadata; \
    CREATE SCHEMA public; COMMENT ON SCHEMA public IS 'standard public schema'; \
    IF current_setting('server_version_num')::int >= 150000 THEN \
    BEGIN ALTER SCHEMA public OWNER TO pg_database_owner; EXCEPTION WHEN insufficient_privilege THEN NULL; END; \
    GRANT USAGE ON SCHEMA public TO PUBLIC; ELSE GRANT ALL ON SCHEMA public TO PUBLIC; END IF; END $eightbells$;\n";

/// What is asked for, of a database.
pub(super) struct Asked<'a> {
    pub database: &'a Database,
    pub source: &'a Source,
    pub part: Option<&'a str>,
    /// What the content is.
    pub extension: &'a str,
    pub order: &'a Order,
    pub with: &'a Surroundings,
}

impl Asked<'_> {
    /// Whether the content is of one of these kinds.
    pub(super) fn is_of(&self, extensions: &[&str]) -> Result<(), BackError> {
        if extensions.contains(&self.extension) {
            return Ok(());
        }
        let what = format!("{}, of what is `.{}`", self.database.server.key(), self.extension);
        Err(BackError::cannot(&what, "name a source of the kind that the archive is of"))
    }
}

/// A load that was found possible.
pub(super) struct Load {
    database: Database,
    source: Source,
    with: Surroundings,
    name: String,
    /// Whether it is another one than the dump names.
    renamed: bool,
    there: There,
    form: Form,
    /// Whether we made the database; it goes again where the load fails.
    made: bool,
    psql: Option<Fed>,
}

/// What the database is, before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum There {
    Missing,
    Empty,
    /// What is in it is to give way.
    Full,
}

/// What a dump is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    /// SQL.
    Plain,
    /// SQL that makes its database, and connects to it.
    Making,
    /// For `pg_restore`.
    Custom,
}

impl There {
    fn how(self) -> &'static str {
        match self {
            Self::Missing => "which is made",
            Self::Empty => "which is there and empty",
            Self::Full => "whose content gives way",
        }
    }
}

pub(super) fn find(asked: &Asked<'_>, postgres: &Postgres) -> Result<Way, BackError> {
    let Asked { database, source, part, extension, order, with } = *asked;
    asked.is_of(&["sql", "pgdump"])?;
    let start = Start::new(source, with);
    let name = database_named(asked, &postgres.databases, &start)?;
    let client = Client::find(database, &start)?;
    client.first(&["psql"], "postgresql-client", &start)?;
    let custom = extension == "pgdump";
    if custom {
        client.first(&["pg_restore"], "postgresql-client", &start)?;
    }
    let ask = |db: &str, sql: &str| {
        let call =
            of_libpq("psql", db, database, &start)?.args(QUIET).args(["--tuples-only", "--no-align", "--command", sql]);
        let limits = start.limits.at_most(ANSWER_WITHIN);
        let answer = client.answer(with_variables(call, database, &start)?, &start, &limits)?;
        Ok::<_, DumpError>(String::from_utf8_lossy(&answer).trim().to_owned())
    };
    let literal = name.replace('\'', "''");
    let exists = ask(MAINTENANCE, &format!("SELECT count(*) FROM pg_database WHERE datname = '{literal}'"))? != "0";
    let content = if exists { ask(&name, CONTENT)? } else { "0".into() };
    let there = match (exists, content == "0") {
        (false, _) => There::Missing,
        (true, true) => There::Empty,
        (true, false) => There::Full,
    };
    if there == There::Full && !order.overwrite {
        return Err(BackError::NotEmpty {
            what: format!("the database `{name}` holds {content} tables, indexes, functions and the like"),
            beside: ", or --database NAME to load it beside",
        });
    }
    let program = through("psql", client.container().as_ref());
    let what = format!("into the database `{name}`, {}, by {program} in one transaction", there.how());
    let aftermath = if exists {
        // A dump of the plain format ends our transaction with its own where large objects come.
        let but = if custom { "" } else { ", unless the dump holds large objects" };
        format!("the database `{name}` is as it was before: nothing was committed{but}")
    } else {
        format!("there is no database `{name}`, as before")
    };
    let form = match (custom, part) {
        (true, _) => Form::Custom,
        (false, Some(_)) => Form::Making,
        (false, None) => Form::Plain,
    };
    let load = Load {
        database: database.clone(),
        source: source.clone(),
        with: with.clone(),
        name,
        renamed: order.database.is_some(),
        there,
        form,
        made: false,
        psql: None,
    };
    Ok(Way { what, aftermath, work: Work::Postgres(load) })
}

const QUIET: [&str; 2] = ["--no-psqlrc", "--no-password"];
const STRICT: [&str; 5] = ["--quiet", "--set", "ON_ERROR_STOP=1", "--file", "-"];

impl Load {
    pub(super) fn take(&mut self, content: &mut dyn Read) -> Result<(), BackError> {
        let mut content = BufReader::new(content);
        let head = if self.form == Form::Making { head(&mut content).map_err(BackError::Content)? } else { vec![] };
        if self.there == There::Missing {
            let sql = if head.is_empty() || self.renamed { create(&self.name).into_bytes() } else { head };
            self.run(MAINTENANCE, &sql)?;
            self.made = true;
        }
        let mut psql = self.psql(&self.name)?;
        psql.write(b"BEGIN;\n");
        if self.there == There::Full {
            psql.write(CLEAR.as_bytes());
        }
        if self.form == Form::Custom {
            self.convert(&mut content, &mut psql)?;
        } else {
            psql.feed(&mut content)?;
        }
        self.psql = Some(psql);
        Ok(())
    }

    pub(super) fn end(mut self) -> Result<(), BackError> {
        let Some(mut psql) = self.psql.take() else { return Ok(()) };
        psql.write(b"\nCOMMIT;\n");
        psql.end()?;
        self.made = false;
        Ok(())
    }

    fn psql(&self, database: &str) -> Result<Fed, DumpError> {
        let mut start = Start::new(&self.source, &self.with);
        let client = Client::find(&self.database, &start)?;
        let call = of_libpq("psql", database, &self.database, &start)?.args(QUIET).args(STRICT).stdin(vec![]);
        let call = with_variables(call, &self.database, &start)?;
        let program = client.owed(call, &mut start)?;
        Fed::start("psql", program, start.for_feeding(), unheeded)
    }

    /// Runs SQL in a database, to its end.
    fn run(&self, database: &str, sql: &[u8]) -> Result<(), DumpError> {
        let mut psql = self.psql(database)?;
        psql.write(sql);
        psql.end()
    }

    /// `pg_restore` makes SQL of the content.
    fn convert(&self, content: &mut dyn Read, psql: &mut Fed) -> Result<(), BackError> {
        let mut start = Start::new(&self.source, &self.with);
        let client = Client::find(&self.database, &start)?;
        let call = with_variables(Call::new("pg_restore").arg("--file=-").stdin(vec![]), &self.database, &start)?;
        let program = client.owed(call, &mut start)?;
        let (pieces, received) = sync_channel::<Vec<u8>>(PIECES_WAITING);
        let print = move |mut output: crate::run::os::Output| loop {
            let mut piece = vec![0; 128 * 1024];
            let length = output.read(&mut piece)?;
            piece.truncate(length);
            if piece.is_empty() || pieces.send(piece).is_err() {
                return io::copy(&mut output, &mut io::sink()).map(drop);
            }
        };
        let mut converter = Fed::start("pg_restore", program, start.for_feeding(), print)?;
        let read = std::thread::scope(|scope| {
            let writing = scope.spawn(move || received.into_iter().all(|piece| psql.write(&piece)));
            let read = converter.feed(content);
            let ended = converter.end();
            let _ = writing.join();
            read.map(|()| ended)
        });
        Ok(read??)
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        // Its transaction ends with its connection.
        drop(self.psql.take());
        if self.made {
            let name = self.name.replace('"', "\"\"");
            if let Err(error) = self.run(MAINTENANCE, format!("DROP DATABASE IF EXISTS \"{name}\";\n").as_bytes()) {
                tracing::warn!("the database `{}`, which was made for it, is there still: {error}", self.name);
            }
        }
    }
}

fn create(name: &str) -> String {
    format!("CREATE DATABASE \"{}\" TEMPLATE template0;\n", name.replace('"', "\"\""))
}

/// Everything up to where the dump connects to the database that it makes; that line itself is gone.
fn head(content: &mut dyn io::BufRead) -> io::Result<Vec<u8>> {
    let mut head = vec![];
    let mut content = content.take(HEAD_MAX_BYTES);
    loop {
        let mut line = vec![];
        if content.read_until(b'\n', &mut line)? == 0 {
            return Err(io::Error::other("the dump never connects to the database that it makes"));
        }
        if line.starts_with(b"\\connect ") {
            return Ok(head);
        }
        head.extend(line);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_head_of_a_dump_ends_where_it_connects() {
        let mut dump: &[u8] = b"--\nCREATE DATABASE x;\n\\connect x\nSET a;\n";
        assert_eq!(head(&mut dump).unwrap(), b"--\nCREATE DATABASE x;\n");
        assert_eq!(dump, b"SET a;\n");
        assert!(head(&mut &b"CREATE TABLE"[..]).is_err());
        assert_eq!(create("a\"b"), "CREATE DATABASE \"a\"\"b\" TEMPLATE template0;\n");
    }
}
