//! `restore --into`: back into real databases and containers, compared by content; what is there gives way only when told,
//! and what fails midway says what it leaves.

use std::fs;
use std::io::Write as _;
use std::process::Output;

use crate::databases::{Job, Maria, Pg, clients};
use crate::support::databases::Server;
use crate::support::docker::{Container, Docker};
use crate::support::{find_program, is_root, output_of, said, skip};

impl Job {
    /// Runs `restore --into` with these words; it must end so, and say all of this.
    #[track_caller]
    fn back(&self, code: i32, words: &[&str], told: &[&str], engine: Option<&Docker>) -> Output {
        let mut runner = self.runner("restore");
        runner.arg("--into").args(words).envs(engine.map(Docker::environment).unwrap_or_default().iter().cloned());
        let output = runner.output().unwrap();
        assert_eq!(output.status.code(), Some(code), "{words:?}: {}", said(&output));
        for word in told {
            assert!(said(&output).contains(word), "`{word}` is not in {}", said(&output));
        }
        self.assert_clean();
        output
    }

    /// Adds another job to the spec, of one source.
    fn other(&self, source: &str) {
        let mut spec = fs::OpenOptions::new().append(true).open(self.path("spec.yaml")).unwrap();
        writeln!(spec, "  other:\n    schedule: {{every: 1h}}\n    store: [disk]\n    sources:\n      there: {source}")
            .unwrap();
    }
}

#[test]
fn a_postgres_database_goes_back_where_it_came_from_and_stays_as_it_was_where_that_fails() {
    let Some(server) = Server::postgres() else { return };
    let original = Pg::filled(server, "pg back");
    let sum = original.sum();
    let job = Job::new();
    let password = server.password_file(job.folder.path());
    let at =
        format!("host: 127.0.0.1, port: {}, user: postgres, password: {{file: {}}}", server.port, password.display());
    server.sql("postgres", "DROP ROLE IF EXISTS passing; CREATE ROLE passing");
    for format in ["plain", "custom"] {
        job.backup(&format!("{{postgres: {{database: pg back, format: {format}, {at}}}}}")).well();
        job.back(1, &["source"], &["the database `pg back` holds", "--overwrite", "--database NAME"], None);
        server.sql("pg back", "DELETE FROM wares WHERE id > 20; CREATE SCHEMA more; CREATE TABLE more.extra (id int)");
        let spoiled = original.sum();
        let told = ["would put db_", "into the database `pg back`, whose content gives way", "in one transaction"];
        job.back(0, &["source", "--overwrite", "--dry-run"], &told, None);
        assert_eq!(original.sum(), spoiled, "a dry run changed something");
        job.back(0, &["source", "--overwrite"], &["restored db_"], None);
        assert_eq!(original.sum(), sum, "{format}");
        assert_eq!(server.sql("pg back", "SELECT to_regclass('more.extra')"), "\n", "what was there is gone");
        job.back(0, &["source", "--database", "pg beside"], &["which is made"], None);
        let beside = Pg { server, name: "pg beside" };
        assert_eq!(beside.sum(), sum, "{format}");
        drop(beside);
        // The last table's owner is gone when it comes back: everything before it has been loaded by then.
        server.sql("pg back", "CREATE TABLE zz (id int); ALTER TABLE zz OWNER TO passing");
        job.backup(&format!("{{postgres: {{database: pg back, format: {format}, {at}}}}}")).well();
        server.sql("pg back", "DROP TABLE zz; DELETE FROM wares WHERE id > 20");
        server.sql("postgres", "DROP ROLE passing");
        let told = ["\"passing\" does not exist", "as it was before: nothing was committed"];
        job.back(1, &["source", "--overwrite"], &told, None);
        assert_eq!(original.sum(), spoiled, "{format}: a part was committed");
        job.back(1, &["source", "--database", "pg beside"], &["there is no database `pg beside`, as before"], None);
        assert_eq!(server.sql("postgres", "SELECT count(*) FROM pg_database WHERE datname = 'pg beside'"), "0\n");
        server.sql("postgres", "CREATE ROLE passing");
        job.back(0, &["source", "--overwrite"], &[], None);
        server.sql("pg back", "DROP TABLE zz");
        assert_eq!(original.sum(), sum, "{format}");
    }
    server.sql("postgres", "DROP ROLE passing");
}

#[test]
fn each_of_a_postgres_server_s_databases_is_made_again() {
    let Some(server) = Server::postgres() else { return };
    let original = Pg::filled(server, "pg Odd/part ü");
    let sum = original.sum();
    let job = Job::new();
    let docker = if is_root() { Docker::start() } else { None };
    let socket = server.socket();
    let _container = docker.map(|docker| clients(docker, "pg-way-back", &[(&socket, "/var/run/postgresql")]));
    let on_host = format!("socket: {}, user: postgres, env: {{PGPORT: \"{}\"}}", socket.display(), server.port);
    let inside = format!("container: pg-way-back, engine: docker, env: {{PGPORT: \"{}\"}}", server.port);
    for at in [Some(on_host), docker.map(|_| inside)].into_iter().flatten() {
        let engine = docker.map(Docker::environment).unwrap_or_default();
        job.backup_with(&format!("{{postgres: {{databases: [\"pg Odd/part ü\"], {at}}}}}"), engine).well();
        server.sql("postgres", "DROP DATABASE \"pg Odd/part ü\"");
        job.back(0, &["source"], &["which is made"], docker);
        assert_eq!(original.sum(), sum, "{at}");
        server.sql("pg Odd/part ü", "DELETE FROM wares");
        job.back(0, &["source", "--overwrite"], &["whose content gives way"], docker);
        assert_eq!(original.sum(), sum, "{at}");
        // Where another source of the spec reads, under its own password or user.
        job.other(&format!("{{postgres: {{database: pg elsewhere, {at}}}}}"));
        job.back(0, &["source:other/there", "--database", "pg elsewhere"], &["`pg elsewhere`, which is made"], docker);
        let elsewhere = Pg { server, name: "pg elsewhere" };
        assert_eq!(elsewhere.sum(), sum, "{at}");
    }
}

#[test]
fn a_mariadb_database_goes_back_and_a_failure_says_what_it_leaves() {
    let Some(server) = Server::mariadb() else { return };
    let original = Maria::filled(server, "my back");
    let sum = original.sum();
    let job = Job::new();
    let password = server.password_file(job.folder.path());
    let at =
        format!("host: 127.0.0.1, port: {}, user: backup, password: {{file: {}}}", server.port, password.display());
    for databases in ["database: my back", "databases: [my back]"] {
        job.backup(&format!("{{mariadb: {{{databases}, {at}}}}}")).well();
        job.back(1, &["source"], &["the database `my back` holds", "--overwrite"], None);
        server.sql("my back", "DELETE FROM wares WHERE id > 20; CREATE TABLE extra (id int)");
        let told = ["would put", "into the database `my back`, which is dropped and made again"];
        job.back(0, &["source", "--overwrite", "--dry-run"], &told, None);
        assert_ne!(original.sum(), sum, "a dry run changed something");
        job.back(0, &["source", "--overwrite"], &["restored"], None);
        assert_eq!(original.sum(), sum, "{databases}");
        let extra =
            "SELECT COUNT(*) FROM information_schema.tables WHERE table_schema = 'my back' AND table_name = 'extra'";
        assert_eq!(server.sql("", extra), "0\n");
        server.sql("", "DROP DATABASE `my back`");
        job.back(0, &["source"], &["which is made"], None);
        assert_eq!(original.sum(), sum, "{databases}");
    }
    job.back(1, &["source", "--database", "my beside"], &["names its own"], None);
    job.backup(&format!("{{mysql: {{database: my back, {at}}}}}")).well();
    job.back(0, &["source", "--database", "my beside"], &["which is made"], None);
    let beside = Maria { server, name: "my beside" };
    assert_eq!(beside.sum(), sum);
    // A view of what is gone when it comes back: it is the last of a dump.
    server.sql("", "CREATE DATABASE my_passing; CREATE TABLE my_passing.t (id int)");
    server.sql("my back", "CREATE VIEW far AS SELECT * FROM my_passing.t");
    job.backup(&format!("{{mariadb: {{database: my back, {at}}}}}")).well();
    server.sql("", "DROP DATABASE my_passing");
    let told = ["my_passing", "may hold a part of the archive", "what was there before is gone"];
    job.back(1, &["source", "--overwrite"], &told, None);
}

#[test]
fn an_sqlite_database_goes_back_while_it_is_open() {
    if find_program("sqlite3").is_none() {
        return skip("no `sqlite3` here: Debian has it in sqlite3");
    }
    let job = Job::new();
    let path = job.path("books.db");
    let sql = |file: &std::path::Path, text: &str| {
        output_of(std::process::Command::new("sqlite3").arg(file).arg(".timeout 5000").arg(text))
    };
    sql(&path, "PRAGMA journal_mode=wal; CREATE TABLE book (title); INSERT INTO book VALUES ('Moby-Dick')");
    job.backup(&format!("{{sqlite: {}}}", path.display())).well();
    sql(&path, "UPDATE book SET title = 'Omoo'");
    job.back(1, &["source"], &["is there: say --overwrite"], None);
    // Somebody has it open all the time, and sees the one content or the other.
    let mut reader = std::process::Command::new("sqlite3");
    reader.arg(&path).stdin(std::process::Stdio::piped()).stdout(std::process::Stdio::piped());
    let mut reader = reader.spawn().unwrap();
    let mut words = reader.stdin.take().unwrap();
    words.write_all(b"SELECT title FROM book;\n").unwrap();
    words.flush().unwrap();
    job.back(0, &["source", "--overwrite"], &["in one transaction"], None);
    words.write_all(b"SELECT title FROM book;\n").unwrap();
    drop(words);
    let seen = String::from_utf8(reader.wait_with_output().unwrap().stdout).unwrap();
    assert!(seen.ends_with("Moby-Dick\n"), "{seen}");
    assert_eq!(sql(&path, "SELECT title FROM book"), "Moby-Dick\n");
    let beside = job.path("beside.db");
    job.back(0, &["source", "--database", beside.to_str().unwrap()], &["which is made"], None);
    assert_eq!(sql(&beside, "SELECT title FROM book"), "Moby-Dick\n");
}

#[test]
fn what_cannot_be_put_back_while_it_runs_says_what_to_do_instead() {
    let job = Job::new();
    job.backup("{command: [echo, content], extension: x}").well();
    for (source, told) in [
        ("{redis: {host: 127.0.0.1}}", "stop it, put the dump in place of its `dump.rdb`"),
        ("{etcd: {endpoints: [\"http://127.0.0.1:1\"]}}", "etcdctl snapshot restore"),
        ("{mongodb: {host: 127.0.0.1}}", "mongorestore --archive"),
        ("{paths: [/srv]}", "`--to /`"),
        ("{volume: files}", "`--into container:NAME:/PATH`"),
        ("{postgres: {database: x, host: 127.0.0.1}}", "name a source of the kind that the archive is of"),
    ] {
        job.other(source);
        job.back(1, &["source:other/there"], &["an archive cannot be put back into", told], None);
        job.backup("{command: [echo, content], extension: x}").well();
    }
    job.back(1, &["source"], &["what a command printed", "`--stdout`"], None);
    job.back(1, &["container:nobody:/x"], &["of what is no tar"], None);
    job.back(2, &["postgres"], &["`source:JOB/NAME`"], None);
    job.back(2, &["source:nothing"], &["the job has no source `nothing`"], None);
}

/// A tree in which everything is of somebody else, and nothing is a plain file only.
const TREE: &str = "mkdir -p /data/site/in && cd /data/site && echo page >in/index.html && chown 1234:4321 in/index.html \
    && chmod 640 in/index.html && ln -s in/index.html link && ln in/index.html hard && touch -d '2020-01-02 03:04:05' hard \
    && mkdir empty && chmod 1777 empty && chown -R 7:8 empty && echo run >setuid && chmod 4755 setuid";

/// Everything of a tree: kinds, rights, owners, times, and content.
fn tree(container: &Container<'_>, folder: &str) -> String {
    container.sh(&format!(
        "cd {folder} && find site | sort | while read f; do stat -c '%n %f %u %g %h' \"$f\"; readlink \"$f\" || true; \
         test -d \"$f\" -o -h \"$f\" || {{ stat -c %Y \"$f\"; cat \"$f\"; }}; done"
    ))
}

fn goes_back_into_containers(engine: &Docker, kind: &str) {
    let (from, to) = (engine.run(&format!("{kind}-from"), &[]), engine.run(&format!("{kind}-to"), &[]));
    from.sh(TREE);
    let before = tree(&from, "/data");
    let job = Job::new();
    let source = format!("{{container: {kind}-from, engine: {kind}, tree: /data/site}}");
    job.backup_with(&source, engine.environment()).well();
    let (docker, engine) = (engine, Some(engine));
    job.back(1, &["source"], &["`/data/site` in the container", "is not empty", "--overwrite"], engine);
    from.sh("cd /data/site && echo spoiled >in/index.html && chown 0:0 empty && rm link setuid && echo mine >mine");
    let spoiled = tree(&from, "/data");
    job.back(0, &["source", "--overwrite", "--dry-run"], &["would put", " cp`"], engine);
    assert_eq!(tree(&from, "/data"), spoiled, "a dry run changed something");
    job.back(0, &["source", "--overwrite"], &["restored"], engine);
    assert_eq!(from.sh("cat /data/site/mine && rm /data/site/mine"), "mine\n", "nothing else goes");
    assert_eq!(tree(&from, "/data"), before);
    from.sh("rm -r /data/site");
    job.back(0, &["source"], &["restored"], engine);
    assert_eq!(tree(&from, "/data"), before);
    let elsewhere = format!("{kind}:{kind}-to:/new/folder");
    job.back(0, &[&elsewhere], &["restored"], engine);
    assert_eq!(tree(&to, "/new/folder"), before);
    job.back(1, &[&elsewhere], &["is not empty"], engine);
    // One that does not run takes it, too.
    to.sh("rm -r /new/folder/site");
    to.stop();
    job.back(0, &[&elsewhere], &["which does not run"], engine);
    output_of(&mut docker.command(&["start", &to.name]));
    assert_eq!(tree(&to, "/new/folder"), before);
    job.back(1, &[&format!("{kind}:no-such:/x")], &["knows no container `no-such`"], engine);
}

#[test]
fn a_tree_goes_back_into_containers_of_docker_with_owners_modes_and_links() {
    let Some(docker) = Docker::start() else { return };
    goes_back_into_containers(docker, "docker");
}

#[test]
fn a_tree_goes_back_into_containers_of_podman_with_owners_modes_and_links() {
    let Some(podman) = Docker::start_podman() else { return };
    goes_back_into_containers(podman, "podman");
}
