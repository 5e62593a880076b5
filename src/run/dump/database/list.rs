//! Which databases a server has.

use super::DatabaseError;
use super::client::{Client, with_variables};
use super::recipe::{of_libpq, of_mysql};
use crate::run::dump::DumpError;
use crate::run::dump::start::Start;
use crate::source::{Database, Server};
use std::time::Duration;

/// How long a server may take to tell its databases.
const LIST_WITHIN: Duration = Duration::from_secs(120);

/// Names in hexadecimal, a line each: a name may hold anything. Templates and what refuses connections stay out.
const OF_POSTGRES: &str = "SELECT encode(convert_to(datname, 'UTF8'), 'hex') FROM pg_database \
                           WHERE datallowconn AND NOT datistemplate ORDER BY datname";
/// What a server makes up at each start stays out; `mysql`, which holds the users and their rights, does not.
const OF_MYSQL: &str = "SELECT HEX(CONVERT(schema_name USING utf8mb4)) FROM information_schema.schemata \
                        WHERE LOWER(schema_name) NOT IN ('information_schema', 'performance_schema', 'sys') \
                        ORDER BY schema_name";

/// The names of a server's databases, sorted.
pub(super) fn databases(database: &Database, start: &Start<'_>) -> Result<Vec<String>, DumpError> {
    let client = Client::find(database, start)?;
    let mysql = |programs: &[&'static str]| {
        let (program, _) = client.first(programs, "default-mysql-client", start)?;
        let call = of_mysql(program, database, start)?;
        Ok::<_, DumpError>(call.args(["--batch", "--skip-column-names", "--execute", OF_MYSQL]))
    };
    let call = match &database.server {
        Server::Postgres(_) => {
            let (program, _) = client.first(&["psql"], "postgresql-client", start)?;
            let words = ["--no-psqlrc", "--no-password", "--tuples-only", "--no-align", "--command", OF_POSTGRES];
            of_libpq(program, "postgres", database, start)?.args(words)
        }
        Server::Mysql(_) => mysql(&["mysql", "mariadb"])?,
        Server::Mariadb(_) => mysql(&["mariadb", "mysql"])?,
        Server::Mongodb(_) | Server::Redis | Server::Sqlite(_) => return Ok(vec![]),
    };
    let limits = start.limits.at_most(LIST_WITHIN);
    let answer = client.answer(with_variables(call, database, start)?, start, &limits)?;
    let text = String::from_utf8_lossy(&answer);
    let names = text.lines().map(str::trim).filter(|line| !line.is_empty()).map(|line| from_hex(line).ok_or(line));
    names.collect::<Result<_, _>>().map_err(|line| DatabaseError::List { line: line.chars().take(80).collect() }.into())
}

fn from_hex(line: &str) -> Option<String> {
    let digits: Option<Vec<u8>> = line.chars().map(|c| c.to_digit(16).and_then(|d| u8::try_from(d).ok())).collect();
    let digits = digits.filter(|digits| digits.len() % 2 == 0)?;
    let bytes =
        digits.chunks_exact(2).filter_map(|pair| pair.first().zip(pair.last()).map(|(high, low)| high << 4 | low));
    String::from_utf8(bytes.collect()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_come_in_hexadecimal() {
        assert_eq!(from_hex("612062C3BC0a").as_deref(), Some("a bü\n"));
        assert_eq!((from_hex("612"), from_hex("zz"), from_hex("ff"), from_hex("ERROR: x")), (None, None, None, None));
    }
}
