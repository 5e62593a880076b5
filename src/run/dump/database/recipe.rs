//! How each kind of server is dumped: which program, its words, its variables.

use super::FILE;
use super::client::{Call, Client, with_variables};
use crate::run::dump::DumpError;
use crate::run::dump::start::Start;
use crate::source::{At, Consistency, Database, Databases, Mongodb, Mysql, Postgres, PostgresFormat, Server, Sqlite};
use crate::value::Value;
use secrecy::ExposeSecret as _;

/// How long a client waits for a server to accept a connection, in seconds.
const CONNECT_SECONDS: &str = "30";

/// A dump program, ready to be called.
pub(in crate::run::dump) struct Recipe {
    pub call: Call,
    pub output: Output,
    /// What the program says of its version.
    pub version: String,
}

/// Where a dump program puts what it dumps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::run::dump) enum Output {
    /// Printed.
    Stdout,
    /// Printed, with a mark at its end that is not part of it.
    Rdb,
    /// In the file [`FILE`] of the folder that it starts in.
    File,
}

impl Recipe {
    pub(in crate::run::dump) fn new(
        database: &Database,
        client: &Client,
        start: &Start<'_>,
    ) -> Result<Self, DumpError> {
        let options = start.expand_all(&database.options)?;
        let (call, output, version) = match &database.server {
            Server::Postgres(postgres) => self::postgres(postgres, database, client, start, options)?,
            Server::Mysql(mysql) => {
                self::mysql(mysql, &["mysqldump", "mariadb-dump"], database, client, start, options)?
            }
            Server::Mariadb(mysql) => {
                self::mysql(mysql, &["mariadb-dump", "mysqldump"], database, client, start, options)?
            }
            Server::Mongodb(mongodb) => self::mongodb(mongodb, database, client, start, options)?,
            Server::Redis => redis(database, client, start, options)?,
            Server::Sqlite(sqlite) => self::sqlite(sqlite, client, start, options)?,
        };
        Ok(Self { call: with_variables(call, database, start)?, output, version })
    }
}

type Parts = (Call, Output, String);

/// Text of a value that may be a reference.
fn text(value: Option<&Value>, start: &Start<'_>) -> Result<Option<String>, DumpError> {
    let text = value.map(|value| start.with.secrets.text(value, &start.context)).transpose()?;
    Ok(text.map(|text| text.expose_secret().to_owned()))
}

/// Everything of libpq's that its variables can say: on a command line, a name with `=` in it would be a whole
/// connection string.
pub(in crate::run::dump) fn of_libpq(
    program: &str,
    name: &str,
    database: &Database,
    start: &Start<'_>,
) -> Result<Call, DumpError> {
    let mut call = Call::new(program).env("PGDATABASE", name).env("PGCONNECT_TIMEOUT", CONNECT_SECONDS);
    call = call.env("PGAPPNAME", "eightbells");
    let mut user = text(database.user.as_ref(), start)?;
    match &database.at {
        At::Host { socket: None } => {}
        At::Host { socket: Some(socket) } => call = call.env("PGHOST", start.expand(socket)?),
        At::Network { host, port } => {
            call = call.env("PGHOST", text(Some(host), start)?.unwrap_or_default());
            call = port.iter().fold(call, |call, port| call.env("PGPORT", port.to_string()));
        }
        At::Container { container: _, engine: _ } => user = user.or_else(|| Some("postgres".into())),
    }
    call = user.into_iter().fold(call, |call, user| call.env("PGUSER", user));
    let password = text(database.password.as_ref(), start)?;
    Ok(password.into_iter().fold(call, |call, password| call.secret("PGPASSWORD", password)))
}

fn postgres(
    postgres: &Postgres,
    database: &Database,
    client: &Client,
    start: &Start<'_>,
    options: Vec<String>,
) -> Result<Parts, DumpError> {
    let Postgres { databases, format, globals: _ } = postgres;
    let package = "postgresql-client";
    let Databases::One(name) = databases else {
        let (program, version) = client.first(&["pg_dumpall"], package, start)?;
        let call = of_libpq(program, "postgres", database, start)?.args(["--globals-only", "--no-password"]);
        return Ok((call, Output::Stdout, version));
    };
    let (program, version) = client.first(&["pg_dump"], package, start)?;
    let form: &[&str] = match format {
        PostgresFormat::Plain if crate::archive::source_of(&start.source.name) != start.source.name => {
            &["--format=plain", "--create"]
        }
        PostgresFormat::Plain => &["--format=plain"],
        PostgresFormat::Custom => &["--format=custom", "--compress=0"],
    };
    let call = of_libpq(program, &start.expand(name)?, database, start)?;
    Ok((call.arg("--no-password").args(form.iter().copied()).args(options), Output::Stdout, version))
}

/// Where and who, for the clients of `MySQL`'s family.
pub(in crate::run::dump) fn of_mysql(program: &str, database: &Database, start: &Start<'_>) -> Result<Call, DumpError> {
    let mut call = Call::new(program);
    let mut user = text(database.user.as_ref(), start)?;
    match &database.at {
        At::Host { socket } => {
            let socket = socket.as_ref().map(|socket| start.expand(socket)).transpose()?;
            call = call.args(socket.map(|socket| format!("--socket={socket}")));
        }
        At::Network { host, port } => {
            let host = text(Some(host), start)?.unwrap_or_default();
            // `localhost` would be taken for the socket.
            call = call.args([format!("--host={host}"), "--protocol=tcp".into()]);
            call = call.args(port.map(|port| format!("--port={port}")));
        }
        At::Container { container: _, engine: _ } => user = user.or_else(|| Some("root".into())),
    }
    call = call.args(user.map(|user| format!("--user={user}")));
    let password = text(database.password.as_ref(), start)?;
    Ok(password.into_iter().fold(call, |call, password| call.secret("MYSQL_PWD", password)))
}

fn mysql(
    mysql: &Mysql,
    programs: &[&'static str],
    database: &Database,
    client: &Client,
    start: &Start<'_>,
    options: Vec<String>,
) -> Result<Parts, DumpError> {
    let Mysql { databases, consistency } = mysql;
    let (program, version) = client.first(programs, "default-mysql-client", start)?;
    let call = of_mysql(program, database, start)?;
    let consistent = match consistency {
        Consistency::Snapshot => "--single-transaction",
        Consistency::Lock => "--lock-all-tables",
        Consistency::None => "--skip-lock-tables",
    };
    // Without `--no-tablespaces` a user needs a right over the whole server.
    let what = ["--quick", "--routines", "--triggers", "--events", "--hex-blob", "--no-tablespaces"];
    let call = call.arg(consistent).args(what).arg("--default-character-set=utf8mb4").args(options);
    let name = match databases {
        Databases::One(name) => start.expand(name)?,
        Databases::Some(_) | Databases::All { except: _ } => String::new(),
    };
    // One of all is restored with what the database itself is: its character set and collation.
    let is_part = crate::archive::source_of(&start.source.name) != start.source.name;
    let call = if is_part { call.arg("--databases") } else { call };
    Ok((call.args(["--".to_owned(), name]), Output::Stdout, version))
}

/// The password goes in through a settings file, which is our end of the program's standard input.
fn mongodb(
    mongodb: &Mongodb,
    database: &Database,
    client: &Client,
    start: &Start<'_>,
    options: Vec<String>,
) -> Result<Parts, DumpError> {
    let Mongodb { database: name, oplog } = mongodb;
    let (program, version) = client.first(&["mongodump"], "MongoDB's own mongodb-database-tools", start)?;
    let mut call = Call::new(program).arg("--archive");
    match &database.at {
        At::Host { socket } => {
            let socket = socket.as_ref().map(|socket| start.expand(socket)).transpose()?;
            call = call.args(socket.map(|socket| format!("--host={socket}")));
        }
        At::Network { host, port } => {
            call = call.arg(format!("--host={}", text(Some(host), start)?.unwrap_or_default()));
            call = call.args(port.map(|port| format!("--port={port}")));
        }
        At::Container { container: _, engine: _ } => {}
    }
    call = call.args(name.as_ref().map(|name| start.expand(name)).transpose()?.map(|name| format!("--db={name}")));
    call = if *oplog { call.arg("--oplog") } else { call };
    if let Some(user) = text(database.user.as_ref(), start)? {
        call = call.arg(format!("--username={user}"));
        let given = |option: &String| option.starts_with("--authenticationDatabase");
        call = if options.iter().any(given) { call } else { call.arg("--authenticationDatabase=admin") };
    }
    if let Some(password) = text(database.password.as_ref(), start)? {
        // JSON is YAML.
        let settings = format!("password: {}\n", serde_json::Value::String(password));
        call = call.arg("--config=/dev/stdin").stdin(settings.into_bytes());
    }
    Ok((call.args(options), Output::Stdout, version))
}

fn redis(database: &Database, client: &Client, start: &Start<'_>, options: Vec<String>) -> Result<Parts, DumpError> {
    let (program, version) = client.first(&["redis-cli", "valkey-cli"], "redis-tools", start)?;
    let mut call = Call::new(program);
    match &database.at {
        At::Host { socket } => {
            let socket = socket.as_ref().map(|socket| start.expand(socket)).transpose()?;
            call = call.args(socket.into_iter().flat_map(|socket| ["-s".to_owned(), socket]));
        }
        At::Network { host, port } => {
            call = call.args(["-h".to_owned(), text(Some(host), start)?.unwrap_or_default()]);
            call = call.args(port.iter().flat_map(|port| ["-p".to_owned(), port.to_string()]));
        }
        At::Container { container: _, engine: _ } => {}
    }
    if let Some(user) = text(database.user.as_ref(), start)? {
        call = call.args(["--user".to_owned(), user]);
    }
    if let Some(password) = text(database.password.as_ref(), start)? {
        call = call.secret("REDISCLI_AUTH", password);
    }
    Ok((call.args(options).args(["--rdb", "-"]), Output::Rdb, version))
}

/// Page by page within one reading transaction, so that a database that is always written to does not make the copy
/// begin again and again.
fn sqlite(sqlite: &Sqlite, client: &Client, start: &Start<'_>, options: Vec<String>) -> Result<Parts, DumpError> {
    let (program, version) = client.first(&["sqlite3"], "sqlite3", start)?;
    let call = Call::new(program).args(["-readonly", "-bail"]).args(options).arg(start.expand(&sqlite.path)?);
    let backup = format!(".backup main {FILE}");
    let steps = [".timeout 30000", "BEGIN; SELECT count(*) FROM sqlite_master;", &backup, "END;"];
    let version = version.split(' ').next().map_or(version.clone(), |number| format!("sqlite3 {number}"));
    Ok((call.args(steps), Output::File, version))
}
