//! Databases of real servers, dumped by whole runs and restored with the servers' own tools: the same rows come back,
//! whether the client runs on the host, over the network or in a container.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use crate::support::databases::Server;
use crate::support::docker::{Container, Docker};
use crate::support::etcd::{Etcd, Options as EtcdOptions};
use crate::support::sdbox::Sdbox;
use crate::support::{TempDir, find_program, free_port, is_root, output_of, program, said, skip, temp_dir, wait_until};

/// A job of one source, `db`, and what its runs leave.
pub struct Job {
    pub folder: TempDir,
    path: Option<String>,
}

/// What a run did.
pub struct Ran {
    pub code: Option<i32>,
    /// All it said.
    pub said: String,
}

impl Job {
    pub fn new() -> Self {
        Self { folder: temp_dir(), path: None }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Runs it with a source as the spec writes it.
    pub fn backup(&self, source: &str) -> Ran {
        self.backup_with(source, &[])
    }

    pub fn backup_with(&self, source: &str, variables: &[(&str, String)]) -> Ran {
        let spec = format!(
            "version: 1\ntarget: systemd\ndestinations: {{disk: {{local: {{path: {}}}}}}}\njobs:\n  job:\n    \
             schedule: {{every: 1h}}\n    archive: {{name: \"{{source}}_{{time:%s}}\", compression: none}}\n    \
             store: [disk]\n    sources:\n      db: {source}\n",
            self.path("disk").display()
        );
        fs::write(self.path("spec.yaml"), spec).unwrap();
        // Names are of one second, and a second run would find the first one's.
        let _ = fs::remove_dir_all(self.path("disk"));
        let output = self.runner("backup").envs(variables.iter().cloned()).output().unwrap();
        Ran { code: output.status.code(), said: said(&output) }
    }

    pub fn runner(&self, verb: &str) -> Command {
        let mut runner = program::runner();
        runner.arg(verb).arg("--spec").arg(self.path("spec.yaml")).args(["--job", "job"]);
        runner.env("EIGHTBELLS_STATE_DIR", self.path("state"));
        if let Some(path) = &self.path {
            runner.env("PATH", path);
        }
        runner
    }

    /// The stored object of this name, up to its time.
    pub fn object(&self, name: &str) -> Vec<u8> {
        let of_name = |file: &String| file.starts_with(&format!("{name}_")) && !file.contains("manifest");
        let file = self.stored().into_iter().find(of_name).unwrap_or_else(|| panic!("no {name}: {:?}", self.stored()));
        fs::read(self.path("disk").join(file)).unwrap()
    }

    /// Everything at the destination.
    pub fn stored(&self) -> Vec<String> {
        let entries = fs::read_dir(self.path("disk")).into_iter().flatten().flatten();
        let mut names: Vec<_> = entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
        names.sort();
        names
    }

    /// The names of what is stored, without their times.
    fn objects(&self) -> Vec<String> {
        let name = |file: String| {
            let (name, rest) = file.split_once('_').unwrap();
            format!("{name}{}", rest.trim_start_matches(|c: char| c.is_ascii_digit()))
        };
        self.stored().into_iter().map(name).collect()
    }

    /// A run that fails stores nothing, promises nothing, and says this.
    fn fails(&self, source: &str, words: &[&str]) {
        self.fails_with(source, &[], words);
    }

    fn fails_with(&self, source: &str, variables: &[(&str, String)], words: &[&str]) {
        let ran = self.backup_with(source, variables);
        assert_eq!(ran.code, Some(1), "{}", ran.said);
        for word in words {
            assert!(ran.said.contains(word), "`{word}` is not in {}", ran.said);
        }
        assert_eq!(self.stored(), Vec::<String>::new(), "{}", ran.said);
        self.assert_clean();
    }

    /// Nothing is left to be undone, and no scratch folder.
    pub fn assert_clean(&self) {
        let text = fs::read_to_string(self.path("state/job.journal")).unwrap();
        assert_eq!(text.matches("\"promise\"").count(), text.matches("\"done\"").count(), "{text}");
        let names = fs::read_dir(self.path("state")).unwrap().flatten().map(|entry| entry.file_name());
        let left: Vec<_> = names.filter(|name| name.to_string_lossy().starts_with("eightbells-")).collect();
        assert!(left.is_empty(), "{left:?}");
    }

    /// Puts a shell script into `PATH`, before everything else.
    fn script(&mut self, name: &str, script: &str) {
        let bin = self.path("bin");
        fs::create_dir_all(&bin).unwrap();
        fs::write(bin.join(name), format!("#!/bin/sh\n{script}\n")).unwrap();
        fs::set_permissions(bin.join(name), fs::Permissions::from_mode(0o755)).unwrap();
        self.path = Some(format!("{}:{}", bin.display(), std::env::var("PATH").unwrap()));
    }
}

impl Ran {
    #[track_caller]
    pub fn well(self) -> String {
        assert_eq!(self.code, Some(0), "{}", self.said);
        self.said
    }
}

/// Runs a client with something to read.
fn feed(client: &mut Command, input: &[u8]) {
    let mut child = client.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let input = input.to_vec();
    let writer = std::thread::spawn(move || stdin.write_all(&input));
    let output: Output = child.wait_with_output().unwrap();
    let _ = writer.join().unwrap();
    assert!(output.status.success(), "{}", said(&output));
}

/// A container with the host's programs and the sockets of these servers.
pub fn clients<'d>(docker: &'d Docker, name: &str, sockets: &[(&Path, &str)]) -> Container<'d> {
    let mounts: Vec<String> = [("/usr", "/usr"), ("/lib", "/lib"), ("/lib64", "/lib64"), ("/etc", "/etc")]
        .map(|(from, to)| (Path::new(from), to))
        .iter()
        .chain(sockets)
        .filter(|(from, _)| from.exists())
        .flat_map(|(from, to)| ["-v".to_owned(), format!("{}:{to}:ro", from.canonicalize().unwrap().display())])
        .collect();
    docker.run(name, &mounts.iter().map(String::as_str).collect::<Vec<_>>())
}

/// Rows that a careless dump would spoil.
const POSTGRES_ROWS: &str = "CREATE TABLE wares (id int PRIMARY KEY, name text, pic bytea, at timestamptz); \
    INSERT INTO wares VALUES (1, E'quote '' \\\\ tab\\t ü 鐘', '\\x00ff27', '2014-11-02 01:02:03+00'), (2, NULL, NULL, NULL); \
    CREATE VIEW named AS SELECT * FROM wares WHERE name IS NOT NULL; \
    CREATE FUNCTION twice(int) RETURNS int LANGUAGE sql AS 'SELECT 2 * $1'; \
    INSERT INTO wares SELECT n, 'ware ' || n, decode(md5(n::text), 'hex') FROM generate_series(10, 5000) n";
const POSTGRES_SUM: &str = "SELECT count(*), md5(string_agg(wares::text, ',' ORDER BY id)), twice(21), (SELECT count(*) FROM named) FROM wares";

/// A database of PostgreSQL's, dropped with the value.
pub struct Pg<'s> {
    pub server: &'s Server,
    pub name: &'s str,
}

impl<'s> Pg<'s> {
    fn new(server: &'s Server, name: &'s str) -> Self {
        server.sql("postgres", &format!("CREATE DATABASE \"{name}\""));
        Self { server, name }
    }

    pub fn filled(server: &'s Server, name: &'s str) -> Self {
        let database = Self::new(server, name);
        server.sql(name, POSTGRES_ROWS);
        database
    }

    pub fn sum(&self) -> String {
        self.server.sql(self.name, POSTGRES_SUM)
    }
}

impl Drop for Pg<'_> {
    fn drop(&mut self) {
        let _ = self.server.psql("postgres").args(["-c", &format!("DROP DATABASE \"{}\" (FORCE)", self.name)]).output();
    }
}

#[test]
fn a_postgres_database_comes_back_from_host_network_and_container() {
    let Some(server) = Server::postgres() else { return };
    let original = Pg::filled(server, "pg one");
    let job = Job::new();
    let (socket, port) = (server.socket(), server.port);
    let password = server.password_file(job.folder.path());
    let on_host = format!("socket: {}, user: postgres, env: {{PGPORT: \"{port}\"}}", socket.display());
    let network = format!("host: 127.0.0.1, port: {port}, user: postgres, password: {{file: {}}}", password.display());
    let docker = if is_root() { Docker::start() } else { None };
    let container = docker.map(|docker| clients(docker, "pg-clients", &[(&socket, "/var/run/postgresql")]));
    let inside = format!("container: pg-clients, engine: docker, env: {{PGPORT: \"{port}\"}}");
    let ways = [("host", on_host.as_str()), ("network", network.as_str()), ("container", inside.as_str())];
    for (index, (way, at)) in ways.into_iter().enumerate() {
        if way == "container" && container.is_none() {
            continue;
        }
        let engine = docker.map(Docker::environment).unwrap_or_default();
        let said = job.backup_with(&format!("{{postgres: {{database: pg one, {at}}}}}"), engine).well();
        assert!(said.contains("pg_dump (PostgreSQL)"), "{said}");
        assert_eq!(job.objects(), ["db.sql", "manifest.json"]);
        let name = format!("pg_back_{index}");
        let back = Pg::new(server, &name);
        feed(&mut server.psql(&name), &job.object("db"));
        assert_eq!(back.sum(), original.sum(), "{way}");
        let custom = format!("{{postgres: {{database: pg one, format: custom, {at}}}}}");
        job.backup_with(&custom, engine).well();
        assert_eq!(job.objects(), ["db.pgdump", "manifest.json"]);
        server.sql(&name, "DROP TABLE wares CASCADE; DROP FUNCTION twice");
        let mut restore = Command::new("pg_restore");
        restore.env("PGHOST", &socket).env("PGPORT", port.to_string()).args([
            "-U",
            "postgres",
            "-d",
            &name,
            "--exit-on-error",
        ]);
        feed(&mut restore, &job.object("db"));
        assert_eq!(back.sum(), original.sum(), "{way}, custom");
        job.assert_clean();
    }
}

#[test]
fn all_databases_of_a_postgres_server_are_an_object_each_and_its_roles_one_more() {
    // A server of its own would take seconds; this one is shared, so that others' databases may come and go.
    let Some(server) = Server::postgres() else { return };
    let odd = Pg::filled(server, "Odd/name ü=@*'\"".split('"').next().unwrap());
    server.sql("postgres", "DROP ROLE IF EXISTS shopper; CREATE ROLE shopper LOGIN PASSWORD 'x'");
    let list = server.sql("postgres", "SELECT datname FROM pg_database WHERE NOT datistemplate AND datname LIKE 'pg%'");
    let except: Vec<String> = list.lines().map(|name| format!("\"{name}\"")).collect();
    let job = Job::new();
    let at = format!("socket: {}, user: postgres, env: {{PGPORT: \"{}\"}}", server.socket().display(), server.port);
    let source = format!("{{postgres: {{databases: all, except: [{}], {at}}}}}", except.join(", "));
    // Databases that other tests make and drop meanwhile can spoil a run, which then fails as it should.
    let said = (0..5).find_map(|_| Some(job.backup(&source)).filter(|ran| ran.code == Some(0))).expect("no run").said;
    let name = "db@Odd=2Fname=20=C3=BC=3D=40=2A=27";
    let objects = job.objects();
    assert!(objects.contains(&"db.sql".into()) && objects.contains(&"db@postgres.sql".into()), "{objects:?}");
    assert!(objects.contains(&format!("{name}.sql")), "{objects:?}\n{said}");
    assert!(String::from_utf8(job.object("db")).unwrap().contains("CREATE ROLE shopper"));
    // The names parse back: all of them are one good set, and nothing else is there.
    let listed = output_of(job.runner("list").arg("--json"));
    assert!(listed.contains(&format!("{name}_")) && !listed.contains("incomplete"), "{listed}");
    output_of(&mut job.runner("verify"));
    for (source, files) in [("db", objects.len() - 1), (name, 1)] {
        let to = job.path("restored");
        output_of(job.runner("restore").args(["--source", source, "--to"]).arg(&to));
        assert_eq!(fs::read_dir(&to).unwrap().count(), files, "{source}");
        fs::remove_dir_all(to).unwrap();
    }
    let (sum, dump) = (odd.sum(), job.object(name));
    assert!(String::from_utf8_lossy(&dump).contains("CREATE DATABASE"), "the database itself is part of it");
    drop(odd);
    feed(&mut server.psql("postgres"), &dump);
    let back = Pg { server, name: "Odd/name ü=@*'" };
    assert_eq!(back.sum(), sum);
    job.assert_clean();
}

#[test]
fn each_fault_of_postgres_says_what_to_do() {
    let Some(server) = Server::postgres() else { return };
    let database = Pg::new(server, "pg faults");
    let mut job = Job::new();
    let good = server.password_file(job.folder.path());
    fs::write(job.path("wrong"), "hunter2-wrong").unwrap();
    let at = |port: u16, password: &Path| {
        format!("host: 127.0.0.1, port: {port}, user: postgres, password: {{file: {}}}", password.display())
    };
    let right = at(server.port, &good);
    let of = |database: &str, at: &str| format!("{{postgres: {{database: \"{database}\", {at}}}}}");
    job.fails(
        &of("pg faults", &at(server.port, &job.path("wrong"))),
        &["refuses the user or the password", "password authentication failed"],
    );
    job.fails(&of("pg faults", &at(free_port(), &good)), &["the server does not answer", "Connection refused"]);
    job.fails(&of("no such", &right), &["has no such database", "\"no such\" does not exist"]);
    job.fails(&of("host=evil dbname=x", &right), &["has no such database"]);
    let nobody = format!("host: 127.0.0.1, port: {}, user: postgres", server.port);
    job.fails(&of("pg faults", &nobody), &["wants a password"]);
    job.fails(&of("pg faults", &format!("{right}, bin: /no/such")), &["there is no `pg_dump` in `/no/such`", "`bin:`"]);
    job.fails(&of("pg faults", &format!("{right}, options: [--no-such-option]")), &["pg_dump", "no-such-option"]);
    let all = format!("{{postgres: {{databases: all, {}}}}}", at(free_port(), &good));
    job.fails(&all, &["the server does not answer"]);
    job.script("pg_dump", "case $1 in --version) echo pg_dump 9.6; exit;; esac\necho 'pg_dump: error: aborting because of server version mismatch' >&2; exit 1");
    job.fails(&of("pg faults", &right), &["newer than its client", "postgresql/VERSION/bin"]);
    drop(database);
}

/// nfrastack/docker-db-backup#366 and #124: `pg_dump` fails midway, and the backup "succeeds".
#[test]
fn a_pg_dump_that_fails_midway_is_no_backup() {
    let Some(server) = Server::postgres() else { return };
    let database = Pg::filled(server, "pg midway");
    let job = Job::new();
    let at = format!("socket: {}, user: postgres, env: {{PGPORT: \"{}\"}}", server.socket().display(), server.port);
    // The last table cannot be read, after everything before it was printed.
    server.sql(
        "pg midway",
        "CREATE FUNCTION boom(int) RETURNS int LANGUAGE plpgsql AS 'BEGIN RAISE ''boom''; END'; \
         CREATE TABLE zz (id int); INSERT INTO zz VALUES (1); \
         ALTER TABLE zz ENABLE ROW LEVEL SECURITY; ALTER TABLE zz FORCE ROW LEVEL SECURITY; \
         DO 'BEGIN CREATE ROLE half LOGIN; EXCEPTION WHEN duplicate_object THEN NULL; END'; \
         GRANT SELECT ON ALL TABLES IN SCHEMA public TO half",
    );
    let as_half = at.replace("user: postgres", "user: half");
    job.fails(&format!("{{postgres: {{database: pg midway, {as_half}}}}}"), &["pg_dump", "row-level security"]);
    server.sql("pg midway", "DROP TABLE zz; DROP OWNED BY half");
    drop(database);
}

const MARIADB_ROWS: &str = "CREATE TABLE wares (id int PRIMARY KEY, name text, pic blob) ENGINE=InnoDB CHARSET=utf8mb4; \
    INSERT INTO wares VALUES (1, 'quote '' \\\\ tab\\t ü 鐘 😀', x'00ff27'), (2, NULL, NULL); \
    CREATE VIEW named AS SELECT * FROM wares WHERE name IS NOT NULL; \
    CREATE FUNCTION twice(n int) RETURNS int DETERMINISTIC RETURN 2 * n; \
    CREATE TRIGGER shout BEFORE UPDATE ON wares FOR EACH ROW SET NEW.name = UPPER(NEW.name); \
    CREATE EVENT nightly ON SCHEDULE EVERY 1 DAY DO DELETE FROM wares WHERE id < 0; \
    INSERT INTO wares SELECT seq, CONCAT('ware ', seq), UNHEX(MD5(seq)) FROM seq_10_to_3000";
const MARIADB_SUM: &str = "SELECT COUNT(*), MD5(GROUP_CONCAT(CONCAT_WS('|', id, name, HEX(pic)) ORDER BY id)), twice(21), \
    (SELECT COUNT(*) FROM named), \
    (SELECT COUNT(*) FROM information_schema.triggers WHERE trigger_schema = DATABASE()), \
    (SELECT COUNT(*) FROM information_schema.events WHERE event_schema = DATABASE()) FROM wares";

/// A database of MariaDB's, dropped with the value.
pub struct Maria<'s> {
    pub server: &'s Server,
    pub name: &'s str,
}

impl<'s> Maria<'s> {
    pub fn filled(server: &'s Server, name: &'s str) -> Self {
        server.sql("", &format!("CREATE DATABASE `{name}` CHARACTER SET utf8mb4"));
        server.sql(name, MARIADB_ROWS);
        Self { server, name }
    }

    pub fn sum(&self) -> String {
        self.server.sql(self.name, &format!("SET group_concat_max_len = 10000000; {MARIADB_SUM}"))
    }
}

impl Drop for Maria<'_> {
    fn drop(&mut self) {
        let _ = self.server.mysql("").args(["-e", &format!("DROP DATABASE `{}`", self.name)]).output();
    }
}

#[test]
fn a_mariadb_database_comes_back_from_host_network_and_container() {
    let Some(server) = Server::mariadb() else { return };
    let original = Maria::filled(server, "my one");
    let job = Job::new();
    let socket = server.socket();
    let password = server.password_file(job.folder.path());
    let on_host = format!("socket: {}/mysqld.sock, user: root", socket.display());
    let network =
        format!("host: 127.0.0.1, port: {}, user: backup, password: {{file: {}}}", server.port, password.display());
    let docker = if is_root() { Docker::start() } else { None };
    let container = docker.map(|docker| clients(docker, "my-clients", &[(&socket, "/run/mysqld")]));
    let inside = "container: my-clients, engine: docker, options: []";
    for (way, at) in [("host", on_host.as_str()), ("network", &network), ("container", inside)] {
        if way == "container" && container.is_none() {
            continue;
        }
        let engine = docker.map(Docker::environment).unwrap_or_default();
        for key in ["mysql", "mariadb"] {
            job.backup_with(&format!("{{{key}: {{database: my one, {at}}}}}"), engine).well();
            server.sql("", "CREATE DATABASE my_back CHARACTER SET utf8mb4");
            let back = Maria { server, name: "my_back" };
            feed(&mut server.mysql("my_back"), &job.object("db"));
            assert_eq!(back.sum(), original.sum(), "{way}, {key}");
        }
        job.assert_clean();
    }
}

#[test]
fn all_databases_of_a_mariadb_server_are_an_object_each() {
    let Some(server) = Server::mariadb() else { return };
    let odd = Maria::filled(server, "Odd-all ü");
    let job = Job::new();
    let at = format!("socket: {}/mysqld.sock, user: root", server.socket().display());
    let source = format!("{{mariadb: {{databases: all, except: [my one, my_back, my faults], {at}}}}}");
    let said = (0..5).find_map(|_| Some(job.backup(&source)).filter(|ran| ran.code == Some(0))).expect("no run").said;
    let objects = job.objects();
    let name = "db@Odd-all=20=C3=BC";
    assert!(objects.contains(&format!("{name}.sql")) && objects.contains(&"db@mysql.sql".into()), "{objects:?} {said}");
    assert!(!objects.iter().any(|name| name.contains("schema")), "{objects:?}");
    let (sum, dump) = (odd.sum(), job.object(name));
    drop(odd);
    feed(&mut server.mysql(""), &dump);
    let back = Maria { server, name: "Odd-all ü" };
    assert_eq!(back.sum(), sum);
}

#[test]
fn each_fault_of_mariadb_says_what_to_do() {
    let Some(server) = Server::mariadb() else { return };
    let job = Job::new();
    let good = server.password_file(job.folder.path());
    fs::write(job.path("wrong"), "hunter2-wrong").unwrap();
    let of = |database: &str, port: u16, password: &Path| {
        let at = format!("host: 127.0.0.1, port: {port}, user: backup, password: {{file: {}}}", password.display());
        format!("{{mariadb: {{database: \"{database}\", {at}}}}}")
    };
    job.fails(&of("mysql", server.port, &job.path("wrong")), &["refuses the user or the password", "Access denied"]);
    job.fails(&of("mysql", free_port(), &good), &["the server does not answer"]);
    job.fails(&of("no such", server.port, &good), &["has no such database"]);
    job.fails(&of("--all-databases", server.port, &good), &["has no such database"]);
}

/// fradelg/docker-mysql-cron-backup PR #56: the list of databases fails, and all dumps are deleted.
#[test]
fn a_list_of_databases_that_fails_deletes_no_dump() {
    let Some(server) = Server::mariadb() else { return };
    let mut job = Job::new();
    let at = format!("socket: {}/mysqld.sock, user: root", server.socket().display());
    let source = format!("{{mariadb: {{databases: all, except: [my one, my_back, my faults, Odd-all ü], {at}}}}}");
    (0..5).find_map(|_| Some(job.backup(&source)).filter(|ran| ran.code == Some(0))).expect("no run");
    let before = job.stored();
    for (script, words) in [
        ("echo 'ERROR 2013: Lost connection to server' >&2; exit 1", "the server does not answer"),
        ("exit 0", "no database to dump"),
        ("echo 'PHP Warning: something'", "no name in hexadecimal"),
    ] {
        job.script("mariadb", &format!("case $1 in --version) echo mariadb 10; exit;; esac\n{script}"));
        let output = job.runner("backup").output().unwrap();
        assert_eq!(output.status.code(), Some(1));
        assert!(said(&output).contains(words), "{}", said(&output));
        assert_eq!(job.stored(), before);
    }
}

/// Skyfay/DBackup#154: a dump of no bytes, after which retention deletes the good one.
#[test]
fn an_empty_dump_fails_and_the_good_one_stays() {
    let Some(server) = Server::postgres() else { return };
    let database = Pg::filled(server, "pg empty");
    let mut job = Job::new();
    let at = format!("socket: {}, user: postgres, env: {{PGPORT: \"{}\"}}", server.socket().display(), server.port);
    job.backup(&format!("{{postgres: {{database: pg empty, {at}}}}}")).well();
    let before = job.stored();
    let spec = fs::read_to_string(job.path("spec.yaml")).unwrap();
    fs::write(job.path("spec.yaml"), spec.replace("store: [disk]", "store: [{to: disk, keep: {last: 1}}]")).unwrap();
    job.script("pg_dump", "case $1 in --version) echo pg_dump 15; esac; exit 0");
    let output = job.runner("backup").output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(said(&output).contains("the dump is empty"), "{}", said(&output));
    assert_eq!(job.stored(), before);
    drop(database);
}

#[test]
fn a_database_s_password_is_in_no_command_line_and_no_log() {
    let Some(server) = Server::postgres() else { return };
    let database = Pg::filled(server, "pg secret");
    let mut job = Job::new();
    let password = server.password_file(job.folder.path());
    let seen = job.path("seen");
    let real = find_program("pg_dump").unwrap();
    job.script(
        "pg_dump",
        &format!("case $1 in --version) ;; *) tr '\\0' ' ' </proc/$$/cmdline >>{0}; ps -ef >>{0}; echo \"$PGPASSWORD\" >&2;; esac\nexec {1} \"$@\"", seen.display(), real.display()),
    );
    let at =
        format!("host: 127.0.0.1, port: {}, user: postgres, password: {{file: {}}}", server.port, password.display());
    let said = job.backup(&format!("{{postgres: {{database: pg secret, {at}}}}}")).well();
    let seen = fs::read_to_string(seen).unwrap();
    assert!(seen.contains("--format=plain") && !seen.contains(&server.password), "{seen}");
    assert!(!said.contains(&server.password), "{said}");
    drop(database);
}

#[test]
fn redis_comes_back_without_the_mark_that_its_client_appends() {
    let Some(server) = Server::redis() else { return };
    for n in [0, 1000] {
        server.redis_cli(&["SET", &format!("key {n}"), &"x".repeat(n + 1)]);
    }
    server.redis_cli(&["HSET", "shop", "ü", "鐘"]);
    let job = Job::new();
    let password = server.password_file(job.folder.path());
    let secret = format!("password: {{file: {}}}", password.display());
    let socket = server.socket();
    let docker = if is_root() { Docker::start() } else { None };
    let container = docker.map(|docker| clients(docker, "redis-clients", &[(&socket, "/run/redis")]));
    for (way, at) in [
        ("host", format!("socket: {}/redis.sock", socket.display())),
        ("network", format!("host: 127.0.0.1, port: {}", server.port)),
        ("container", "container: redis-clients, engine: docker, options: [-s, /run/redis/redis.sock]".into()),
    ] {
        if way == "container" && container.is_none() {
            continue;
        }
        for diskless in ["yes", "no"] {
            server.redis_cli(&["CONFIG", "SET", "repl-diskless-sync", diskless]);
            server.redis_cli(&["CONFIG", "SET", "repl-diskless-sync-delay", "0"]);
            let engine = docker.map(Docker::environment).unwrap_or_default();
            job.backup_with(&format!("{{redis: {{{at}, {secret}}}}}"), engine).well();
            let folder = temp_dir();
            fs::write(folder.path().join("dump.rdb"), job.object("db")).unwrap();
            output_of(Command::new("redis-check-rdb").arg(folder.path().join("dump.rdb")));
            assert_eq!(loaded_by_a_new_redis(folder.path()), "鐘\n3\n", "{way} {diskless}");
        }
        job.assert_clean();
    }
    job.fails(&format!("{{redis: {{host: 127.0.0.1, port: {}}}}}", server.port), &["wants a password"]);
    fs::write(job.path("wrong"), "hunter2-wrong").unwrap();
    let wrong = format!("password: {{file: {}}}", job.path("wrong").display());
    job.fails(
        &format!("{{redis: {{host: 127.0.0.1, port: {}, {wrong}}}}}", server.port),
        &["refuses the user or the password"],
    );
    job.fails(&format!("{{redis: {{host: 127.0.0.1, port: {}, {secret}}}}}", free_port()), &["does not answer"]);
}

/// What a server started on a folder's `dump.rdb` knows.
fn loaded_by_a_new_redis(folder: &Path) -> String {
    use crate::support::guard::Guard;
    let at = folder.display();
    let dir = temp_dir().keep();
    let socket = dir.join("s");
    let words =
        format!("redis-server --port 0 --unixsocket {} --dir {at} --dbfilename dump.rdb --save \"\"", socket.display());
    let guard = Guard::serve(dir.clone(), ":", &words.split_whitespace().collect::<Vec<_>>());
    let ask = |words: &[&str]| {
        let output = Command::new("redis-cli").arg("-s").arg(&socket).args(words).output().unwrap();
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    guard.wait_ready("a new Redis", || ask(&["PING"]) == "PONG\n");
    ask(&["--raw", "HGET", "shop", "ü"]) + &ask(&["DBSIZE"])
}

#[test]
fn sqlite_comes_back_while_it_is_written_to() {
    let Some(sqlite) = find_program("sqlite3") else { return skip("no `sqlite3` here: Debian has it in sqlite3") };
    let job = Job::new();
    for mode in ["delete", "wal"] {
        let file = job.path(&format!("shop {mode}.db"));
        let sql = |sql: &str| output_of(Command::new(&sqlite).arg(&file).arg(sql));
        sql(&format!("PRAGMA journal_mode={mode}; CREATE TABLE t (n INTEGER PRIMARY KEY, x BLOB);
             WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < 20000) INSERT INTO t SELECT n, randomblob(100) FROM c;"));
        // A writer that is always at it, two rows a transaction: every copy must hold an even number of them.
        let loop_of_writes = "while :; do echo 'BEGIN; INSERT INTO t(x) VALUES (randomblob(100)); INSERT INTO t(x) VALUES (1); COMMIT;'; done";
        let mut writer = Command::new("sh");
        writer.args([
            "-c",
            &format!("({loop_of_writes}) | {} -cmd '.timeout 60000' \"$1\" >/dev/null 2>&1", sqlite.display()),
            "sh",
        ]);
        let mut writer = std::os::unix::process::CommandExt::process_group(&mut writer, 0).arg(&file).spawn().unwrap();
        let ran = job.backup(&format!("{{sqlite: \"{}\", timeout: 60s}}", file.display()));
        let _ = rustix::process::kill_process_group(
            rustix::process::Pid::from_child(&writer),
            rustix::process::Signal::KILL,
        );
        writer.wait().unwrap();
        ran.well();
        let back = job.path("back.db");
        fs::write(&back, job.object("db")).unwrap();
        let check = output_of(
            Command::new(&sqlite)
                .arg(&back)
                .arg("PRAGMA integrity_check; SELECT count(*) >= 20000, count(*) % 2 FROM t;"),
        );
        assert_eq!(check, "ok\n1|0\n", "{mode}");
        job.assert_clean();
    }
    job.fails("{sqlite: /no/such.db}", &["cannot be opened", "correct `path`"]);
    assert!(!Path::new("/no/such.db").exists());
    fs::write(job.path("text"), "this is no database, whatever its name says".repeat(100)).unwrap();
    job.fails(&format!("{{sqlite: {}}}", job.path("text").display()), &["no SQLite database"]);
}

#[test]
fn sqlite_in_a_container_comes_back() {
    if !is_root() {
        return skip("a container with the host's programs needs root");
    }
    let Some(docker) = Docker::start() else { return };
    let Some(sqlite) = find_program("sqlite3") else { return skip("no `sqlite3` here: Debian has it in sqlite3") };
    let container = clients(docker, "sqlite-clients", &[]);
    container.sh("sqlite3 /data/shop.db 'CREATE TABLE t (x); INSERT INTO t VALUES (42)'");
    let job = Job::new();
    let source = "{sqlite: {path: /data/shop.db, container: sqlite-clients, engine: docker}}";
    job.backup_with(source, docker.environment()).well();
    fs::write(job.path("back.db"), job.object("db")).unwrap();
    assert_eq!(output_of(Command::new(sqlite).arg(job.path("back.db")).arg("SELECT x FROM t")), "42\n");
    assert_eq!(container.sh("ls /tmp"), "");
    job.assert_clean();
}

#[test]
fn etcd_s_snapshot_is_what_its_own_tool_restores() {
    let Some(etcd) = Etcd::start(EtcdOptions { auth: true, tls: true }) else { return };
    for n in [0, 100, 200] {
        etcd.put(&format!("/shop/{n}"), &"x".repeat(20_000 + n));
    }
    etcd.put("/shop/ü", "鐘");
    let job = Job::new();
    fs::write(job.path("password"), etcd.root_password()).unwrap();
    let secret = format!("password: {{file: {}}}, ca_file: {}", job.path("password").display(), etcd.ca().display());
    let of = |endpoints: &str, user: &str, secret: &str| {
        format!("{{etcd: {{endpoints: [{endpoints}], user: {user}, {secret}}}}}")
    };
    // The first endpoint is dead, and the second one is asked.
    let endpoints = format!("\"{}\", \"{}\"", Etcd::dead_endpoint().replace("http", "https"), etcd.endpoint());
    let said = job.backup(&of(&endpoints, "root", &secret)).well();
    assert!(said.contains("etcd's own stream"), "{said}");
    fs::write(job.path("snapshot"), job.object("db")).unwrap();
    let restored = Etcd::restored(&job.path("snapshot"));
    assert_eq!(restored.get_as_root("/shop/ü", etcd.root_password()).as_deref(), Some("鐘"));
    assert_eq!(restored.get_as_root("/shop/200", etcd.root_password()).map(|value| value.len()), Some(20_200));
    job.assert_clean();
    fs::write(job.path("reader"), &etcd.password).unwrap();
    let reader = secret.replace(&job.path("password").display().to_string(), &job.path("reader").display().to_string());
    job.fails(&of(&endpoints, Etcd::USER, &reader), &["to users of the role `root` alone"]);
    job.fails(&of(&endpoints, "root", &reader), &["does not accept the password"]);
    job.fails(&of(&format!("\"{}\"", Etcd::dead_endpoint()), "root", &secret), &["no etcd endpoint answers"]);
}

/// There is no MongoDB to try this on: a program in its place, which does what its documentation says.
#[test]
fn mongodump_is_called_as_its_documentation_says_and_reads_its_password_from_a_file() {
    let mut job = Job::new();
    fs::write(job.path("password"), "pass: \"word\" #1").unwrap();
    job.script(
        "mongodump",
        "case $1 in --version) echo 'mongodump version: 100.9.4'; exit;; esac\n\
         for word; do case $word in --config=*) settings=$(cat \"${word#--config=}\");; esac; done\n\
         printf '%s\\n' \"$@\" \"$settings\"",
    );
    let secret = format!("user: backup, password: {{file: {}}}", job.path("password").display());
    job.backup(&format!("{{mongodb: {{host: db1, port: 27018, database: shop, {secret}}}}}")).well();
    let called = String::from_utf8(job.object("db")).unwrap();
    assert_eq!(
        called,
        "--archive\n--host=db1\n--port=27018\n--db=shop\n--username=backup\n--authenticationDatabase=admin\n\
         --config=/dev/stdin\npassword: \"pass: \\\"word\\\" #1\"\n"
    );
    assert_eq!(job.objects(), ["db.archive", "manifest.json"]);
    job.backup("{mongodb: {oplog: true, options: [--gzip=false]}}").well();
    assert_eq!(String::from_utf8(job.object("db")).unwrap(), "--archive\n--oplog\n--gzip=false\n\n");
    job.script("mongodump", "case $1 in --version) echo 100.9; exit;; esac; echo 'Failed: error connecting: server selection error: connection refused' >&2; exit 1");
    job.fails("{mongodb: {host: db1}}", &["the server does not answer"]);
}

/// The generated unit's whole confinement, in a real systemd: a database of another user's in WAL mode, whose files come
/// and go with its users, and a server that is reached over its socket.
#[test]
fn databases_are_dumped_under_the_hardening_of_their_units() {
    let Some(sdbox) = Sdbox::start(&[]) else { return };
    let initdb = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten().next();
    let Some(bin) = initdb.map(|version| version.path().join("bin")) else {
        return skip("no PostgreSQL server here: Debian has it in postgresql");
    };
    sdbox.copy(&program::runner_path(), "/usr/local/bin/eightbells-run");
    let spec = "version: 1\ntarget: systemd\ndestinations: {disk: {local: {path: /var/backups/boxed}}}\njobs:\n  boxed:\n    \
                schedule: {every: 1h}\n    store: [disk]\n    archive: {compression: none}\n    sources:\n      \
                books: {sqlite: /srv/books/books.db}\n      \
                shop: {postgres: {database: postgres, socket: /run/pg, user: postgres}}\n";
    let room = temp_dir();
    fs::write(room.path().join("backups.yaml"), spec).unwrap();
    let mut generate = program::eightbells();
    output_of(generate.current_dir(room.path()).args(["generate", "backups.yaml", "-o", "units"]));
    let service = fs::read_to_string(room.path().join("units/boxed.service")).unwrap();
    assert!(service.contains("ProtectSystem=strict") && service.contains("PrivateNetwork=true"), "{service}");
    sdbox.put("/etc/eightbells/backups.yaml", spec.as_bytes());
    sdbox.install("boxed.service", &service);
    sdbox.sh(
        "install -d -o games -m 755 /srv/books; cd /srv/books; setpriv --reuid games --clear-groups --regid games \
              sqlite3 books.db 'PRAGMA journal_mode=wal; CREATE TABLE book (title); INSERT INTO book VALUES (42)'",
    );
    let bin = bin.display();
    sdbox.sh(&format!(
        "install -d -o postgres -m 755 /run/pg /srv/pg; setpriv --reuid postgres --regid postgres --init-groups \
         {bin}/initdb -D /srv/pg/data --no-sync -A trust -U postgres >/dev/null; systemd-run --unit=pg -p User=postgres \
         {bin}/postgres -D /srv/pg/data -k /run/pg -c listen_addresses= -c fsync=off"
    ));
    assert!(wait_until(Duration::from_secs(60), || sdbox
        .exec(&["test", "-S", "/run/pg/.s.PGSQL.5432"])
        .status
        .success()));
    let ran = sdbox.exec(&["systemctl", "start", "boxed.service"]);
    assert!(ran.status.success(), "{}", sdbox.journal("boxed.service"));
    assert_eq!(sdbox.sh("sqlite3 /var/backups/boxed/*books*.db 'SELECT title FROM book'"), "42\n");
    sdbox.sh("grep -q 'database dump complete' /var/backups/boxed/*shop*.sql");
    // Whoever owns the database can go on writing.
    sdbox.sh(
        "setpriv --reuid games --clear-groups --regid games sqlite3 /srv/books/books.db 'INSERT INTO book VALUES (43)'",
    );
}
