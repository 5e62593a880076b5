//! What a client's words mean.

use super::DatabaseError;
use crate::run::dump::DumpError;
use crate::source::Server;

const VERSION: &str = "the server is newer than its client here: install the client of the server's version, name its \
                       folder with `bin:` (Debian: /usr/lib/postgresql/VERSION/bin), or use the one in the server's container";
const PASSWORD: &str = "the server refuses the user or the password: look at `user`, and at what `password` refers to";
const NO_PASSWORD: &str = "the server wants a password: give the source `password`, as a reference";
const NOT_ALLOWED: &str = "the server lets this user or host do no such thing: grant it the right";
const NO_ENTRY: &str =
    "the server's pg_hba.conf has no line for this user, database and host: add one, or connect as another";
const PEER: &str = "over its socket the server takes only the system's user of the same name: run the job as that user \
                    (`service: {user: postgres}`), or give `host` and `password`";
const DOWN: &str = "the server does not answer: does it run, and are `host`, `port` or `socket` right?";
const UNKNOWN: &str = "the server has no such database: correct the name, or is it another server?";
const GLOBALS: &str = "only a superuser may read roles with their passwords: connect as one, or set `globals: false`";
const NO_ROLE: &str = "the server has no such user: give `user`, or run the job as the system's user of that name";
const NO_FILE: &str = "the database's file cannot be opened: correct `path`, and may the runner's user read it?";
const LOCKED: &str = "the database is locked by a writer that does not end: give the dump another time of day";
const NO_DATABASE_FILE: &str = "the file is no SQLite database, or is damaged: `PRAGMA integrity_check` tells more";

/// Words in small letters, the more special ones first.
type Row = (&'static str, &'static str);

const POSTGRES: [Row; 14] = [
    ("server version mismatch", VERSION),
    ("peer authentication failed", PEER),
    ("password authentication failed", PASSWORD),
    ("no password supplied", NO_PASSWORD),
    ("no pg_hba.conf entry", NO_ENTRY),
    ("pg_authid", GLOBALS),
    ("connection refused", DOWN),
    ("could not translate host name", DOWN),
    ("timeout expired", DOWN),
    ("is the server running", DOWN),
    ("the database system is", DOWN),
    ("server closed the connection unexpectedly", DOWN),
    ("role \"", NO_ROLE),
    ("permission denied", NOT_ALLOWED),
];

const MYSQL: [Row; 11] = [
    ("access denied for user", PASSWORD),
    ("access denied; you need", NOT_ALLOWED),
    ("command denied to user", NOT_ALLOWED),
    ("doesn't have the right to", NOT_ALLOWED),
    ("unknown database", UNKNOWN),
    ("is not allowed to connect", NOT_ALLOWED),
    ("can't connect to", DOWN),
    ("unknown server host", DOWN),
    ("unknown mysql server host", DOWN),
    ("lost connection to", DOWN),
    ("server has gone away", DOWN),
];

const MONGODB: [Row; 5] = [
    ("authentication failed", PASSWORD),
    ("requires authentication", NO_PASSWORD),
    ("not authorized on", NOT_ALLOWED),
    ("server selection error", DOWN),
    ("connection refused", DOWN),
];

const REDIS: [Row; 7] = [
    ("wrongpass", PASSWORD),
    ("invalid password", PASSWORD),
    ("noauth", NO_PASSWORD),
    ("noperm", NOT_ALLOWED),
    ("could not connect", DOWN),
    ("connection refused", DOWN),
    ("connection reset by peer", DOWN),
];

const SQLITE: [Row; 6] = [
    ("unable to open database", NO_FILE),
    ("cannot open", NO_FILE),
    ("database is locked", LOCKED),
    ("file is not a database", NO_DATABASE_FILE),
    ("malformed", NO_DATABASE_FILE),
    ("disk image", NO_DATABASE_FILE),
];

fn rows(server: &Server) -> &'static [Row] {
    match server {
        Server::Postgres(_) => &POSTGRES,
        Server::Mysql(_) | Server::Mariadb(_) => &MYSQL,
        Server::Mongodb(_) => &MONGODB,
        Server::Redis => &REDIS,
        Server::Sqlite(_) => &SQLITE,
    }
}

/// An error with what its words mean, where that is known.
pub(in crate::run::dump) fn advised(server: &Server, error: DumpError) -> DumpError {
    let DumpError::Failed { what: _, how: _, tail } = &error else { return error };
    let said = tail.0.join("\n").to_lowercase();
    let unknown =
        matches!(server, Server::Postgres(_)) && said.contains("database \"") && said.contains("does not exist");
    let found = rows(server).iter().find(|(words, _)| said.contains(words)).map(|(_, advice)| *advice);
    match if unknown { Some(UNKNOWN) } else { found } {
        Some(advice) => DatabaseError::Explained { advice, source: Box::new(error) }.into(),
        None => error,
    }
}
