//! Dumps out of real containers: what is read is what is there, what fails is no dump, and nothing stays behind.

use std::ffi::OsString;
use std::fs::Permissions;
use std::io::Read as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use eightbells::run::dump::{ContainerError, Dump, DumpError, Outcome, Surroundings, undo};
use eightbells::run::journal::{Journal, Obligation};
use eightbells::run::lock::StateDir;
use eightbells::run::os::{Cut, Environment, RunId, Stop};
use eightbells::source::Source;
use eightbells::value::Context;
use serde_json::{Value, json};

use crate::support::docker::{Container, Docker};
use crate::support::{TempDir, is_root, output_of, skip, temp_dir, wait_until};

/// What a `moin` that reduces a wiki writes: a tree, with a name that is not easy.
const MOIN: &[u8] = br#"#!/bin/sh
set -e
for word; do case "$word" in --target-dir=*) target="${word#--target-dir=}";; esac; done
mkdir -p "$target/pages/Front Page" "$target/user"
echo "Welcome $PYTHONPATH" >"$target/pages/Front Page/current"
echo secret >"$target/user/me"
ln -s /etc/passwd "$target/pages/link"
"#;

/// A run's surroundings, with a state folder of its own.
pub struct Bench {
    pub folder: TempDir,
    pub with: Surroundings,
}

impl Bench {
    fn new(docker: &Docker) -> Self {
        Self::with(docker.host().map(|host| ("DOCKER_HOST".into(), host.into())))
    }

    /// With these variables besides the tests' own.
    pub fn with(variables: impl IntoIterator<Item = (OsString, OsString)>) -> Self {
        let folder = temp_dir();
        let state = StateDir::find(Some(folder.path()), &Environment::default()).unwrap();
        let run = RunId::random().unwrap();
        let journal = Arc::new(Journal::open(&state, "job", None, run.clone()).unwrap());
        let time = "2014-11-02T01:02:03[UTC]".parse().unwrap();
        let (job, instance, host) = ("job".into(), Some("80".into()), "h".into());
        let context = Context { job, instance, host, source: None, scratch: None, time };
        let environment = std::env::vars_os().chain(variables).collect();
        let stop = Stop::default();
        Self { folder, with: Surroundings { context, secrets: Arc::default(), environment, run, journal, stop } }
    }

    pub fn dump(&self, source: &Source) -> Result<(Vec<u8>, Outcome), DumpError> {
        let mut dump = Dump::start(source, &self.with)?;
        let mut bytes = vec![];
        let _ = dump.stream.read_to_end(&mut bytes);
        dump.finish().map(|outcome| (bytes, outcome))
    }

    /// What the next run would find undone.
    pub fn left(&self) -> Vec<Obligation> {
        let state = StateDir::find(Some(self.folder.path()), &Environment::default()).unwrap();
        let copy = self.folder.path().join("copy.journal");
        std::fs::copy(state.file("job", None, ".journal"), copy).unwrap();
        let next = Journal::open(&state, "copy", None, RunId::random().unwrap()).unwrap();
        next.leftovers().iter().map(|left| left.obligation.clone()).collect()
    }
}

fn source(container: &Container<'_>, more: &Value) -> Source {
    let mut kind = json!({"container": container.name, "engine": "docker", "access": "auto", "content": {"stdout": {"extension": "sql"}}});
    kind.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    serde_json::from_value(json!({"name": "pages", "kind": {"container": kind}})).unwrap()
}

fn sh(container: &Container<'_>, script: &str) -> Source {
    source(container, &json!({"dump": ["sh", "-c", script]}))
}

fn moin(container: &Container<'_>, access: &str) -> Source {
    container.put("/usr/local/bin/moin", MOIN);
    let dump = ["/usr/local/bin/moin", "maint", "reducewiki", "--target-dir={scratch}"];
    let env = json!({"PYTHONPATH": "/usr/local/share/moin-{instance}"});
    source(
        container,
        &json!({"dump": dump, "env": env, "access": access, "content": {"tree": {"path": "{scratch}/pages"}}}),
    )
}

/// The names in an archive, sorted.
pub fn listing(bytes: &[u8]) -> Vec<String> {
    let folder = temp_dir();
    std::fs::write(folder.path().join("a"), bytes).unwrap();
    let list = Command::new("tar").arg("-tf").arg(folder.path().join("a")).output().unwrap();
    assert!(list.status.success());
    let mut names: Vec<String> = String::from_utf8(list.stdout).unwrap().lines().map(str::to_owned).collect();
    names.sort();
    names
}

fn extract(bytes: &[u8]) -> TempDir {
    let folder = temp_dir();
    std::fs::write(folder.path().join("a"), bytes).unwrap();
    let status =
        Command::new("tar").arg("-xf").arg(folder.path().join("a")).arg("-C").arg(folder.path()).status().unwrap();
    assert!(status.success());
    folder
}

/// Nothing of a run's is left in the container: no folder, no process.
fn assert_clean(container: &Container<'_>, bench: &Bench) {
    assert_eq!(container.sh("ls /tmp"), "", "scratch folders");
    assert!(!marked(container), "processes");
    assert_eq!(bench.left(), []);
}

fn marked(container: &Container<'_>) -> bool {
    let found = container
        .sh("for p in /proc/[0-9]*; do tr '\\000' '\\n' <$p/environ 2>/dev/null | grep EIGHTBELLS_RUN; done; true");
    !found.is_empty()
}

#[test]
fn a_wiki_s_tree_is_dumped_directly_and_through_exec_alike() {
    let Some(docker) = Docker::start() else { return };
    let container = docker.run("dump-wiki", &[]);
    let expected = ["pages/", "pages/Front Page/", "pages/Front Page/current", "pages/link"];
    for (access, how) in [("auto", "directly"), ("direct", "directly"), ("exec", "docker exec")] {
        if access != "exec" && !is_root() {
            skip("reading a container directly needs root");
            continue;
        }
        let bench = Bench::new(docker);
        let (bytes, outcome) = bench.dump(&moin(&container, access)).unwrap();
        assert_eq!(listing(&bytes), expected, "{access}");
        assert!(outcome.how.as_ref().unwrap().contains(how), "{outcome:?}");
        assert_eq!((outcome.members, outcome.files), (Some(4), Some(2)));
        assert_eq!(outcome.warnings, Vec::<String>::new());
        let text = std::fs::read_to_string(extract(&bytes).path().join("pages/Front Page/current")).unwrap();
        assert_eq!(text, "Welcome /usr/local/share/moin-80\n");
        assert_clean(&container, &bench);
    }
}

#[test]
fn a_tree_that_is_there_already_needs_no_dump() {
    let Some(docker) = Docker::start() else { return };
    let container = docker.run("dump-volume", &["--mount", "type=tmpfs,destination=/data/in"]);
    container.sh("mkdir /data/cache && echo x >/data/cache/c && echo y >/data/in/f && echo z >/data/t.tmp");
    for access in ["auto", "exec"] {
        let bench = Bench::new(docker);
        let tree = json!({"path": "/data", "exclude": ["data/cache", "*.tmp"]});
        let result = bench.dump(&source(&container, &json!({"access": access, "content": {"tree": tree}})));
        if let Err(DumpError::Container(ContainerError::NoExcludeInside { .. })) = result {
            assert_eq!(access, "exec", "Debian's busybox cannot leave anything out");
            continue;
        }
        let (bytes, _) = result.unwrap();
        assert_eq!(listing(&bytes), ["data/", "data/in/", "data/in/f"], "{access}");
    }
}

#[test]
fn links_of_a_container_lead_nowhere_on_the_host() {
    let Some(docker) = Docker::start() else { return };
    let container = docker.run("dump-links", &[]);
    container
        .sh("ln -s /etc /data/out && ln -s / /data/root && mkdir -p /x && ln -s /data /x/data && echo in >/data/f");
    let bench = Bench::new(docker);
    let dump = |path: &str, access: &str| {
        bench.dump(&source(&container, &json!({"access": access, "content": {"tree": {"path": path}}})))
    };
    for access in ["auto", "exec"] {
        let error = dump("/data/out", access).unwrap_err();
        assert!(matches!(error, DumpError::Container(ContainerError::TreeSymlink { .. })), "{error}");
        // A link in the middle of the path is followed within the container.
        assert_eq!(
            listing(&dump("/data/root/etc", access).unwrap().0),
            ["etc/", "etc/group", "etc/hostname", "etc/hosts", "etc/mtab", "etc/passwd", "etc/resolv.conf"]
        );
        assert_eq!(listing(&dump("/x/data/../data", access).unwrap().0), ["data/", "data/f", "data/out", "data/root"]);
        let error = dump("/data/none", access).unwrap_err();
        assert!(matches!(error, DumpError::Container(ContainerError::TreeMissing { .. })), "{error}");
    }
}

#[test]
fn what_a_dump_prints_is_the_content() {
    let Some(docker) = Docker::start() else { return };
    let container = docker.run("dump-stdout", &[]);
    let bench = Bench::new(docker);
    let (bytes, outcome) = bench.dump(&sh(&container, "head -c 30000000 /dev/zero; echo end; echo noise >&2")).unwrap();
    assert_eq!((bytes.len(), outcome.bytes), (30_000_004, 30_000_004));
    assert_clean(&container, &bench);
}

#[test]
fn a_secret_reaches_the_dump_and_nobody_else() {
    let Some(docker) = Docker::start() else { return };
    let container = docker.run("dump-secret", &[]);
    let mut bench = Bench::new(docker);
    let file = bench.folder.path().join("password");
    std::fs::write(&file, "pass word-$x\n").unwrap();
    let script = "echo \"$PGPASSWORD\"; echo \"login with $PGPASSWORD\" >&2; sleep 1; exit 3";
    let env = json!({"PGPASSWORD": {"file": file}, "PGUSER": "a=b c"});
    let source = source(&container, &json!({"dump": ["sh", "-c", script], "env": env}));
    bench.with.secrets = Arc::new(resolve(&source, &bench));
    let watched = thread::spawn(seen_in_process_list);
    let error = bench.dump(&source).unwrap_err().to_string();
    assert!(error.contains("login with ***") && error.contains("status 3") && !error.contains("pass word"), "{error}");
    assert!(!watched.join().unwrap(), "the secret stood in a process list");
    assert!(!container.inspect("{{json .}}").contains("pass word"));
    assert_clean(&container, &bench);
}

fn resolve(source: &Source, bench: &Bench) -> eightbells::run::secret::Secrets {
    let to = json!({"to": {"name": "d", "kind": {"local": {"path": "/x", "create": false}}}});
    let archive = json!({"name": "{job}_{source}_{time:%Y-%m-%dT%H-%M-%SZ}", "compression": "none"});
    let job = json!({"version": 1, "name": "job", "sources": [source], "store": [to], "archive": archive});
    let job = serde_json::from_value(job).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime
        .block_on(eightbells::run::secret::Secrets::resolve(&job, &bench.with.context, &bench.with.environment))
        .unwrap()
}

/// Looks at all command lines for a second.
fn seen_in_process_list() -> bool {
    let begin = Instant::now();
    while begin.elapsed() < Duration::from_secs(1) {
        for entry in std::fs::read_dir("/proc").unwrap().flatten() {
            let words = std::fs::read(entry.path().join("cmdline")).unwrap_or_default();
            if String::from_utf8_lossy(&words).contains("pass word-$x") {
                return true;
            }
        }
        thread::sleep(Duration::from_millis(20));
    }
    false
}

#[test]
fn a_dump_that_fails_leaves_nothing() {
    let Some(docker) = Docker::start() else { return };
    let container = docker.run("dump-fails", &[]);
    let bench = Bench::new(docker);
    for (script, expected) in [
        ("head -c 50000000 /dev/zero; echo broken >&2; exit 1", "exited with status 1; it said: broken"),
        ("echo x; kill -9 $$", "killed by signal 9"),
        ("true", "the dump is empty"),
        ("exec /no/such", "127"),
    ] {
        let error = bench.dump(&sh(&container, script)).unwrap_err().to_string();
        assert!(error.contains(expected), "{script}: {error}");
    }
    let tree = json!({"dump": ["sh", "-c", "mkdir {scratch}/a; (sleep 50 &) ; exit 5"], "content": {"tree": {"path": "{scratch}/a"}}});
    let error = bench.dump(&source(&container, &tree)).unwrap_err().to_string();
    assert!(error.contains("status 5"), "{error}");
    let empty = json!({"dump": ["mkdir", "{scratch}/a"], "content": {"tree": {"path": "{scratch}/a"}}});
    assert!(matches!(bench.dump(&source(&container, &empty)), Err(DumpError::NoFile)));
    let missing = bench.dump(&source(&container, &json!({"dump": ["/no/such/program"]}))).unwrap_err();
    assert!(missing.to_string().contains("no such file or directory"), "{missing}");
    assert_clean(&container, &bench);
}

#[test]
fn a_dump_that_hangs_is_ended_inside_too() {
    let Some(docker) = Docker::start() else { return };
    let container = docker.run("dump-hangs", &[]);
    let bench = Bench::new(docker);
    let script = "trap '' TERM; echo x; sh -c 'while :; do sleep 1; done' & while :; do sleep 1; done";
    for content in [json!({"stdout": {"extension": "x"}}), json!({"tree": {"path": "{scratch}"}})] {
        let mut hanging = source(&container, &json!({"dump": ["sh", "-c", script], "content": content}));
        hanging.timeout = Some(Duration::from_secs(1));
        let begin = Instant::now();
        let error = bench.dump(&hanging).unwrap_err();
        assert!(matches!(error, DumpError::Cut { cut: Cut::TimedOut, .. }), "{error}");
        assert!(begin.elapsed() < Duration::from_secs(20));
        assert_clean(&container, &bench);
    }
}

#[test]
fn a_stop_during_the_dump_ends_it_inside_too() {
    let Some(docker) = Docker::start() else { return };
    let container = docker.run("dump-stopped", &[]);
    let bench = Bench::new(docker);
    let stop = bench.with.stop.clone();
    let stopper = thread::spawn(move || {
        thread::sleep(Duration::from_secs(1));
        stop.stop();
    });
    let error = bench.dump(&sh(&container, "echo x; sleep 1000")).unwrap_err();
    assert!(matches!(error, DumpError::Cut { cut: Cut::Stopped, .. }), "{error}");
    stopper.join().unwrap();
    assert_clean(&container, &bench);
}

#[test]
fn a_store_that_fails_cancels_the_dump_inside_too() {
    let Some(docker) = Docker::start() else { return };
    let container = docker.run("dump-cancelled", &[]);
    let bench = Bench::new(docker);
    let dump = Dump::start(&sh(&container, "while :; do echo x; done; sleep 1000"), &bench.with).unwrap();
    assert!(wait_until(Duration::from_secs(5), || marked(&container)));
    dump.running.cancel();
    drop(dump.stream);
    assert_clean(&container, &bench);
}

#[test]
fn a_container_that_stops_midway_is_no_dump() {
    let Some(docker) = Docker::start() else { return };
    for (name, more) in [
        ("dump-midway-a", json!({"dump": ["sh", "-c", "echo x; sleep 1000"]})),
        (
            "dump-midway-b",
            json!({"dump": ["sh", "-c", "echo {scratch} >{scratch}/f; sleep 1000"], "content": {"tree": {"path": "{scratch}"}}}),
        ),
    ] {
        let container = docker.run(name, &[]);
        let bench = Bench::new(docker);
        let error = thread::scope(|scope| {
            scope.spawn(|| {
                thread::sleep(Duration::from_secs(1));
                container.stop();
            });
            bench.dump(&source(&container, &more)).unwrap_err()
        });
        assert!(matches!(error, DumpError::Container(ContainerError::Ended { .. })), "{error}");
        // The folder in the stopped container stays on the list; a next run removes it once the container runs.
        let left = bench.left();
        assert!(left.iter().all(|left| matches!(left, Obligation::ContainerScratch { .. })), "{left:?}");
        if !left.is_empty() {
            docker.command(&["start", name]).output().unwrap();
            let state = StateDir::find(Some(bench.folder.path()), &Environment::default()).unwrap();
            let next = Journal::open(&state, "job", None, RunId::random().unwrap()).unwrap();
            assert!(next.leftovers().iter().all(|left| undo(left, &next, &bench.with.environment).unwrap()));
            assert_eq!(container.sh("ls /tmp"), "");
        }
    }
}

#[test]
fn a_container_stopped_while_its_tree_is_read_is_no_dump() {
    let Some(docker) = Docker::start() else { return };
    let container = docker.run("dump-midread", &[]);
    container.sh("head -c 30000000 /dev/urandom >/data/f");
    for access in ["auto", "exec"] {
        let bench = Bench::new(docker);
        let source = source(&container, &json!({"access": access, "content": {"tree": {"path": "/data"}}}));
        let mut dump = Dump::start(&source, &bench.with).unwrap();
        dump.stream.read_exact(&mut [0; 1000]).unwrap();
        docker.command(&["restart", "--time", "0", &container.name]).output().unwrap();
        let _ = std::io::copy(&mut dump.stream, &mut std::io::sink());
        let error = dump.finish().unwrap_err();
        assert!(matches!(error, DumpError::Container(ContainerError::Ended { .. })), "{access}: {error}");
    }
}

#[test]
fn each_fault_of_an_engine_or_a_container_has_its_own_words() {
    let Some(docker) = Docker::start() else { return };
    let mut bench = Bench::new(docker);
    let container = docker.run("dump-faults", &[]);
    let say = |bench: &Bench| match bench.dump(&sh(&container, "echo x")) {
        Ok(_) => "fine".to_owned(),
        Err(error) => error.to_string(),
    };
    assert_eq!(say(&bench), "fine");
    docker.command(&["pause", &container.name]).output().unwrap();
    assert!(say(&bench).contains("is paused"));
    docker.command(&["unpause", &container.name]).output().unwrap();
    container.stop();
    assert!(say(&bench).contains("is not running, it is exited"));
    let short = container.inspect("{{.Id}}");
    let other = |name: &str| -> Source {
        serde_json::from_value(json!({"name": "s", "kind": {"container": {
        "container": name, "engine": "docker", "access": "auto", "dump": ["true"], "content": {"stdout": {"extension": "x"}}}}})).unwrap()
    };
    for (name, expected) in [
        ("nobody", "knows no container"),
        (short.get(..3).unwrap(), "knows no container"),
        (short.get(..12).unwrap(), "is not running"),
    ] {
        let error = bench.dump(&other(name)).unwrap_err().to_string();
        assert!(error.contains(expected), "{name}: {error}");
    }
    bench.with.environment =
        [("PATH", "/usr/sbin:/usr/bin:/sbin:/bin:/usr/local/bin"), ("DOCKER_HOST", "unix:///no/such/socket")]
            .into_iter()
            .collect();
    assert!(say(&bench).contains("cannot reach its engine"), "{}", say(&bench));
    bench.with.environment = [("PATH", "/no/such")].into_iter().collect();
    assert!(say(&bench).contains("there is no `docker`"));
}

#[test]
fn a_container_without_a_shell_can_be_dumped_too() {
    let Some(docker) = Docker::start() else { return };
    if !is_root() {
        return skip("reading a container directly needs root");
    }
    let folder = temp_dir();
    let program = folder.path().join("only");
    std::fs::copy(crate::support::find_program("busybox").unwrap(), &program).unwrap();
    let script = r#"cd "$1" && mkdir -p i/tmp i/bin && cp only i/bin/busybox && tar -C i -cf - . | docker import --change 'ENTRYPOINT ["/bin/busybox"]' - eightbells-test:bare"#;
    let mut import = Command::new("sh");
    if let Some(host) = docker.host() {
        import.env("DOCKER_HOST", host);
    }
    assert!(import.args(["-c", script, "sh"]).arg(folder.path()).status().unwrap().success());
    let name = "dump-bare";
    assert!(
        docker
            .command(&[
                "run",
                "-d",
                "--init",
                "--network=none",
                "--name",
                name,
                "eightbells-test:bare",
                "sleep",
                "10000"
            ])
            .status()
            .unwrap()
            .success()
    );
    let bench = Bench::new(docker);
    let kind = json!({"container": name, "engine": "auto", "access": "auto", "dump": ["/bin/busybox", "touch", "{scratch}/file"],
        "content": {"tree": {"path": "{scratch}"}}});
    let source = serde_json::from_value(json!({"name": "s", "kind": {"container": kind}})).unwrap();
    let result = bench.dump(&source);
    let left = docker.command(&["exec", name, "/bin/busybox", "ls", "/tmp"]).output().unwrap();
    docker.command(&["rm", "-f", name]).output().unwrap();
    let (bytes, outcome) = result.unwrap();
    assert_eq!(listing(&bytes).len(), 2);
    assert_eq!(outcome.warnings, Vec::<String>::new());
    assert_eq!(left.stdout, b"");
    assert_eq!(bench.left(), []);
}

/// Set where a test runs itself again as a user who may talk to the engine, and is not root.
const AS_NOBODY: &str = "EIGHTBELLS_TEST_AS_NOBODY";

/// Root runs the test that calls this again as nobody, in whose hands the engine's socket is put.
fn again_as_nobody(docker: &Docker, container: &Container<'_>) {
    let socket = Path::new(docker.host().unwrap().trim_start_matches("unix://"));
    std::fs::set_permissions(socket.parent().unwrap(), Permissions::from_mode(0o711)).unwrap();
    std::fs::set_permissions(socket, Permissions::from_mode(0o666)).unwrap();
    let mut again = Command::new("setpriv");
    again.args(["--reuid", "65534", "--regid", "65534", "--clear-groups", "--"]).arg(std::env::current_exe().unwrap());
    again.args(["--exact", &skip::running_test(), "--nocapture"]);
    again.env(AS_NOBODY, &container.name).env("DOCKER_HOST", docker.host().unwrap()).env("HOME", "/");
    output_of(&mut again);
}

#[test]
fn who_is_not_root_reads_through_exec_and_ends_a_dump_from_inside() {
    if let Some(name) = std::env::var_os(AS_NOBODY) {
        return as_nobody(name.to_str().unwrap());
    }
    let Some(docker) = Docker::start() else { return };
    if !is_root() || docker.host().is_none_or(|host| !host.starts_with("unix://")) {
        return skip("needs root and an engine of its own");
    }
    let container = docker.run("dump-nobody", &[]);
    again_as_nobody(docker, &container);
    assert_eq!(container.sh("ls /tmp"), "");
    assert!(!marked(&container));
}

fn as_nobody(container: &str) {
    let bench = Bench::with([]);
    let of = |access: &str, script: &str| -> Source {
        let kind = json!({"container": container, "engine": "auto", "access": access, "dump": ["sh", "-c", script],
            "content": {"tree": {"path": "{scratch}"}}});
        serde_json::from_value(json!({"name": "s", "kind": {"container": kind}})).unwrap()
    };
    let (bytes, outcome) = bench.dump(&of("auto", "echo x >{scratch}/f")).unwrap();
    assert_eq!(listing(&bytes).len(), 2);
    assert!(outcome.how.as_ref().unwrap().contains("may not look into it"), "{outcome:?}");
    let error = bench.dump(&of("direct", "echo x >{scratch}/f")).unwrap_err();
    assert!(error.to_string().contains("set `access: exec`"), "{error}");
    let mut hanging = of("auto", "trap '' TERM; while :; do sleep 1; done");
    hanging.timeout = Some(Duration::from_secs(1));
    let error = bench.dump(&hanging).unwrap_err();
    assert!(matches!(error, DumpError::Cut { cut: Cut::TimedOut, .. }), "{error}");
    assert_eq!(bench.left(), []);
}

#[test]
fn what_a_killed_run_left_in_a_container_is_undone_by_the_next() {
    let Some(docker) = Docker::start() else { return };
    let container = docker.run("dump-killed", &[]);
    let bench = Bench::new(docker);
    let id = container.inspect("{{.Id}}").trim().to_owned();
    container.sh("mkdir /tmp/eightbells-old-s && echo x >/tmp/eightbells-old-s/f");
    container.exec(&["true"]);
    docker.command(&["exec", "-d", "-e", "EIGHTBELLS_RUN=old-s", &container.name, "sleep", "1000"]).output().unwrap();
    let engine = || "docker".to_owned();
    for obligation in [
        Obligation::ContainerScratch { engine: engine(), container: id.clone(), path: "/tmp/eightbells-old-s".into() },
        Obligation::ContainerProcess { engine: engine(), container: id, mark: "old-s".into() },
        Obligation::ContainerScratch {
            engine: engine(),
            container: "0".repeat(64),
            path: "/tmp/eightbells-gone".into(),
        },
    ] {
        bench.with.journal.promise(obligation).unwrap();
    }
    let state = StateDir::find(Some(bench.folder.path()), &Environment::default()).unwrap();
    let next = Journal::open(&state, "job", None, RunId::random().unwrap()).unwrap();
    for left in next.leftovers() {
        assert!(undo(left, &next, &bench.with.environment).unwrap());
    }
    assert_clean(&container, &bench);
    let evil = next
        .promise(Obligation::ContainerScratch { engine: engine(), container: "x".into(), path: "/data".into() })
        .unwrap();
    let again = Journal::open(&state, "job", None, RunId::random().unwrap()).unwrap();
    let left = again.leftovers().iter().find(|left| left.id == evil).unwrap();
    assert!(undo(left, &again, &bench.with.environment).is_err());
    assert!(Path::new("/").exists());
}
