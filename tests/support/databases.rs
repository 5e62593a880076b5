//! Real database servers, one of each for all tests of a process: PostgreSQL, MariaDB and Redis, each with a socket, a
//! port of the loopback interface, and a password for whoever comes over the network.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use super::guard::Guard;
use super::s3::random_word;
use super::{find_program, free_port, is_root, output_of, said, skip, temp_dir};

/// A running server.
#[derive(Debug)]
pub struct Server {
    guard: Guard,
    /// Its port of the loopback interface.
    pub port: u16,
    /// Of its administrator (`postgres`, `root`, none), over the network.
    pub password: String,
}

type Started = OnceLock<Result<Server, String>>;

fn or_skip(started: &'static Result<Server, String>) -> Option<&'static Server> {
    started.as_ref().map_err(|reason| skip(reason)).ok()
}

/// A program of PostgreSQL's server, which Debian keeps out of `PATH`.
fn of_postgres(name: &str) -> Result<PathBuf, String> {
    let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let found = versions.map(|version| version.path().join("bin").join(name)).find(|path| path.is_file());
    found.or_else(|| find_program(name)).ok_or_else(|| format!("no `{name}` here: Debian has it in postgresql"))
}

fn need(name: &str, package: &str) -> Result<PathBuf, String> {
    find_program(name).ok_or_else(|| format!("no `{name}` here: Debian has it in {package}"))
}

/// A folder that any user may look into.
fn open_dir() -> PathBuf {
    let dir = temp_dir().keep();
    fs::set_permissions(&dir, fs::Permissions::from_mode(0o755)).unwrap();
    dir
}

impl Server {
    /// PostgreSQL: over the socket everybody is let in, over the network only with the password.
    pub fn postgres() -> Option<&'static Self> {
        static SHARED: Started = OnceLock::new();
        or_skip(SHARED.get_or_init(Self::start_postgres))
    }

    /// MariaDB: over the socket `root` is let in, over the network `backup` with the password.
    pub fn mariadb() -> Option<&'static Self> {
        static SHARED: Started = OnceLock::new();
        or_skip(SHARED.get_or_init(Self::start_mariadb))
    }

    /// Redis, with a password.
    pub fn redis() -> Option<&'static Self> {
        static SHARED: Started = OnceLock::new();
        or_skip(SHARED.get_or_init(Self::start_redis))
    }

    fn start_postgres() -> Result<Self, String> {
        let (initdb, server) = (of_postgres("initdb")?, of_postgres("postgres")?);
        need("psql", "postgresql-client")?;
        if !is_root() {
            return Err("the database servers are started as root only, each as its own user".into());
        }
        let (dir, port, password) = (open_dir(), free_port(), random_word("pw"));
        let at = dir.display();
        fs::write(dir.join("password"), &password).unwrap();
        let script = format!(
            "install -d -o postgres -m 755 {at}/socket && install -d -o postgres -m 700 {at}/data && \
             chown postgres {at}/password && setpriv --reuid postgres --regid postgres --init-groups {} -D {at}/data \
             --no-sync --username=postgres --encoding=UTF8 --locale=C.UTF-8 --auth-local=trust \
             --auth-host=scram-sha-256 --pwfile={at}/password",
            initdb.display()
        );
        output_of(Command::new("sh").args(["-ec", &script]));
        let words = format!(
            "setpriv --reuid postgres --regid postgres --init-groups {} -D {at}/data -p {port} -k {at}/socket \
             -c fsync=off -c listen_addresses=127.0.0.1 -c timezone=UTC",
            server.display()
        );
        let guard = Guard::serve(dir, ":", &words.split_whitespace().collect::<Vec<_>>());
        let server = Self { guard, port, password };
        server.guard.wait_ready("PostgreSQL", || {
            server.psql("postgres").args(["-c", "SELECT 1"]).output().unwrap().status.success()
        });
        Ok(server)
    }

    fn start_mariadb() -> Result<Self, String> {
        let install = need("mariadb-install-db", "mariadb-server")?;
        let server = need("mariadbd", "mariadb-server")?;
        if !is_root() {
            return Err("the database servers are started as root only, each as its own user".into());
        }
        let (dir, port, password) = (open_dir(), free_port(), random_word("pw"));
        let at = dir.display();
        let words = format!(
            "--no-defaults --user=root --datadir={at}/data --skip-test-db --auth-root-authentication-method=normal"
        );
        output_of(Command::new(install).args(words.split_whitespace()));
        fs::create_dir(dir.join("socket")).unwrap();
        let words = format!(
            "{} --no-defaults --user=root --datadir={at}/data --socket={at}/socket/mysqld.sock --port={port} \
             --bind-address=127.0.0.1 --skip-name-resolve --innodb-flush-log-at-trx-commit=0 --event-scheduler=OFF",
            server.display()
        );
        let guard = Guard::serve(dir, ":", &words.split_whitespace().collect::<Vec<_>>());
        let server = Self { guard, port, password };
        server
            .guard
            .wait_ready("MariaDB", || server.mysql("").args(["-e", "SELECT 1"]).output().unwrap().status.success());
        server.sql(
            "",
            &format!("CREATE USER backup@'%' IDENTIFIED BY '{}'; GRANT ALL ON *.* TO backup@'%'", server.password),
        );
        Ok(server)
    }

    fn start_redis() -> Result<Self, String> {
        let server = need("redis-server", "redis-server")?;
        let (dir, port, password) = (open_dir(), free_port(), random_word("pw"));
        fs::create_dir(dir.join("socket")).unwrap();
        let at = dir.display();
        let words = format!(
            "{} --port {port} --bind 127.0.0.1 --unixsocket {at}/socket/redis.sock --dir {at} --requirepass {password}",
            server.display()
        );
        let guard = Guard::serve(dir, ":", &words.split_whitespace().collect::<Vec<_>>());
        let server = Self { guard, port, password };
        server.guard.wait_ready("Redis", || server.redis_cli(&["PING"]) == "PONG\n");
        Ok(server)
    }

    /// The folder of its socket.
    pub fn socket(&self) -> PathBuf {
        self.guard.dir().join("socket")
    }

    /// A file that holds the password.
    pub fn password_file(&self, folder: &Path) -> PathBuf {
        let path = folder.join("password");
        fs::write(&path, &self.password).unwrap();
        path
    }

    /// `psql` as `postgres`, over the socket.
    pub fn psql(&self, database: &str) -> Command {
        let mut psql = Command::new("psql");
        psql.env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default());
        psql.env("PGHOST", self.socket()).env("PGPORT", self.port.to_string()).env("PGUSER", "postgres");
        psql.env("PGDATABASE", database).args(["-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1"]);
        psql
    }

    /// MariaDB's client as `root`, over the socket.
    pub fn mysql(&self, database: &str) -> Command {
        let mut mysql = Command::new("mariadb");
        mysql.env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default());
        mysql.args([
            "--no-defaults",
            "--batch",
            "--skip-column-names",
            "--user=root",
            "--default-character-set=utf8mb4",
        ]);
        mysql
            .arg(format!("--socket={}", self.socket().join("mysqld.sock").display()))
            .arg(format!("--database={database}"));
        mysql
    }

    /// Runs SQL in a database; what it prints. PostgreSQL's where there is such a socket, else MariaDB's.
    pub fn sql(&self, database: &str, sql: &str) -> String {
        let is_mysql = self.socket().join("mysqld.sock").exists();
        let mut client = if is_mysql { self.mysql(database) } else { self.psql(database) };
        output_of(client.args([if is_mysql { "-e" } else { "-c" }, sql]))
    }

    /// Runs a command of Redis'; what it prints.
    pub fn redis_cli(&self, words: &[&str]) -> String {
        let mut cli = Command::new("redis-cli");
        let output =
            cli.env("REDISCLI_AUTH", &self.password).args(["-p", &self.port.to_string()]).args(words).output().unwrap();
        said(&output)
    }
}
