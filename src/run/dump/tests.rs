use super::*;
use crate::run::journal::Obligation;
use crate::run::lock::StateDir;
use crate::source::{Command, Paths};
use crate::value::{Template, Value};
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::process::Command as Process;
use std::time::{Duration, Instant};

/// A run's surroundings in a folder of its own.
struct Bench {
    folder: tempfile::TempDir,
    with: Surroundings,
}

impl Bench {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let state = StateDir::find(Some(&folder.path().join("state")), &Environment::default()).unwrap();
        let run = RunId::random().unwrap();
        let journal = Arc::new(Journal::open(&state, "job", None, run.clone()).unwrap());
        let time = "2014-11-02T01:02:03[UTC]".parse().unwrap();
        let context =
            Context { job: "job".into(), instance: None, host: "h".into(), source: None, scratch: None, time };
        let runner = [("AWS_SECRET_ACCESS_KEY", "x"), ("EIGHTBELLS_JOB", "{}"), ("CREDENTIALS_DIRECTORY", "/c")];
        let environment = std::env::vars_os().chain(runner.map(|(name, value)| (name.into(), value.into()))).collect();
        let with = Surroundings { context, secrets: Arc::default(), environment, run, journal, stop: Stop::default() };
        Self { folder, with }
    }

    fn path(&self, name: impl AsRef<Path>) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The folder below which everything to dump lies.
    fn data(&self) -> PathBuf {
        let data = self.path("data");
        std::fs::create_dir_all(&data).unwrap();
        data
    }

    fn dump(&self, source: &Source) -> Result<(Vec<u8>, Outcome), DumpError> {
        let mut dump = Dump::start(source, &self.with)?;
        let mut bytes = vec![];
        let _ = dump.stream.read_to_end(&mut bytes);
        dump.finish().map(|outcome| (bytes, outcome))
    }

    /// What the next run would find undone.
    fn left(&self) -> usize {
        let text = std::fs::read_to_string(self.path("state/job.journal")).unwrap();
        let count = |word: &str| text.lines().filter(|line| line.starts_with(word)).count();
        count("{\"promise\"") - count("{\"done\"")
    }

    fn untar(&self, bytes: &[u8]) -> PathBuf {
        let target = self.path("restored");
        std::fs::create_dir(&target).unwrap();
        std::fs::write(self.path("archive"), bytes).unwrap();
        let status = Process::new("tar")
            .args(["--extract", "--xattrs", "--acls", "-C"])
            .arg(&target)
            .arg("-f")
            .arg(self.path("archive"))
            .status();
        assert!(status.unwrap().success());
        target
    }
}

fn source(kind: SourceKind) -> Source {
    Source {
        name: "s".into(),
        kind,
        allow_empty: false,
        timeout: None,
        still: None,
        hooks: crate::conduct::Hooks::default(),
    }
}

fn paths(paths: &[&Path]) -> Paths {
    let paths: Vec<_> = paths.iter().map(|path| path.to_str().unwrap().replace('{', "{{")).collect();
    serde_json::from_value(serde_json::json!({"paths": paths})).unwrap()
}

fn command(script: &str) -> Command {
    let argv = ["sh", "-c", script].map(Template::literal).to_vec();
    Command { argv, env: std::collections::BTreeMap::default(), directory: None, extension: "sql".into() }
}

fn of_command(script: &str) -> Source {
    source(SourceKind::Command(command(script)))
}

fn listing(bytes: &[u8]) -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("a"), bytes).unwrap();
    let list = Process::new("tar").arg("-tf").arg(folder.path().join("a")).output().unwrap();
    assert!(list.status.success());
    String::from_utf8(list.stdout).unwrap().lines().map(str::to_owned).collect()
}

#[test]
fn files_with_any_name_come_back_as_they_were() {
    let bench = Bench::new();
    let data = bench.data();
    let names: [&[u8]; 6] = [b"-rf", b"--help", b"a b\nc", b"\xff\xfe", "ü".as_bytes(), b"*"];
    for name in names {
        std::fs::write(data.join(std::ffi::OsStr::from_bytes(name)), name).unwrap();
    }
    std::fs::hard_link(data.join("*"), data.join("hard")).unwrap();
    // Nobody writes to it: reading it would hang.
    assert!(Process::new("mkfifo").arg(data.join("fifo")).status().unwrap().success());
    let sparse = std::fs::File::create(data.join("sparse")).unwrap();
    sparse.set_len(64 << 20).unwrap();
    let (bytes, outcome) = bench.dump(&source(SourceKind::Paths(paths(&[&data])))).unwrap();
    assert!(bytes.len() < 1 << 20, "holes are not stored");
    assert_eq!((outcome.members, outcome.files), (Some(10), Some(9)));
    assert_eq!((outcome.warnings.len(), outcome.unreadable.len()), (0, 0), "{outcome:?}");
    let restored = bench.untar(&bytes).join(data.strip_prefix("/").unwrap());
    for name in names {
        assert_eq!(std::fs::read(restored.join(std::ffi::OsStr::from_bytes(name))).unwrap(), name);
    }
    assert_eq!(std::fs::metadata(restored.join("sparse")).unwrap().len(), 64 << 20);
}

#[test]
fn a_root_whose_name_looks_like_an_option_is_a_root() {
    let bench = Bench::new();
    let odd = bench.data().join("--checkpoint-action=exec=false");
    std::fs::create_dir(&odd).unwrap();
    std::fs::write(odd.join("f"), "x").unwrap();
    let (bytes, _) = bench.dump(&source(SourceKind::Paths(paths(&[&odd])))).unwrap();
    assert!(listing(&bytes).iter().any(|name| name.ends_with("exec=false/f")));
}

#[test]
fn the_same_files_give_the_same_bytes() {
    let bench = Bench::new();
    std::fs::write(bench.data().join("f"), "x").unwrap();
    let of_data = source(SourceKind::Paths(paths(&[&bench.data()])));
    let (first, _) = bench.dump(&of_data).unwrap();
    let (second, _) = bench.dump(&of_data).unwrap();
    assert!(first == second);
}

#[test]
fn excluded_names_stay_out() {
    let bench = Bench::new();
    for name in ["keep", "no.tmp", "cache"] {
        std::fs::write(bench.data().join(name), "x").unwrap();
    }
    let mut what = paths(&[&bench.data()]);
    what.exclude = vec![Template::literal("*.tmp"), Template::literal(bench.data().join("cache").to_str().unwrap())];
    let (bytes, _) = bench.dump(&source(SourceKind::Paths(what))).unwrap();
    let names = listing(&bytes);
    assert!(names.len() == 2 && names[1].ends_with("/keep"), "{names:?}");
}

/// A tree with what gitignore, tags and sizes decide on; the names in the archive below `data/`.
fn chosen(change: impl FnOnce(&mut Paths)) -> (Vec<String>, Outcome) {
    let bench = Bench::new();
    let data = bench.data();
    let script = r"mkdir -p .git keep/deep cache/a tagged/b build sub/build && echo x >.git/HEAD && echo x >keep/f.log
        echo x >keep/important.log && echo x >keep/deep/big && head -c 5000 /dev/zero >keep/deep/big
        printf 'Signature: 8a477f597d28d172789f06886806bc55\n' >cache/CACHEDIR.TAG && echo x >cache/a/f
        mkdir fake && echo none >fake/CACHEDIR.TAG && echo x >fake/f
        echo x >tagged/.nobackup && echo x >tagged/b/f && echo x >build/out && echo x >sub/build/out
        printf '*.log\n!important.log\n/build\n' >.gitignore && printf '*.log\n!important.log\n/build/\n' >.backupignore
        printf 'deep\n' >keep/.backupignore";
    assert!(Process::new("sh").args(["-ec", script]).current_dir(&data).status().unwrap().success());
    let mut what = paths(&[&data]);
    change(&mut what);
    let (bytes, outcome) = bench.dump(&source(SourceKind::Paths(what))).unwrap();
    let below = format!("{}/", data.strip_prefix("/").unwrap().display());
    let names = listing(&bytes).into_iter().filter_map(|name| name.strip_prefix(&below).map(str::to_owned));
    (names.filter(|name| !name.is_empty() && !name.ends_with('/')).collect(), outcome)
}

fn lacks(names: &[String], lacking: &[&str], there: &[&str]) {
    for name in lacking {
        assert!(!names.iter().any(|n| n == name), "{name} is in {names:?}");
    }
    for name in there {
        assert!(names.iter().any(|n| n == name), "{name} is not in {names:?}");
    }
}

#[test]
fn ignore_files_leave_out_what_they_name_and_negation_takes_it_back() {
    let logs = ["keep/f.log", "build/out"];
    let (git, outcome) = chosen(|paths| paths.gitignore = true);
    lacks(&git, &logs, &["keep/important.log", "keep/deep/big", "sub/build/out", ".git/HEAD", ".gitignore"]);
    assert_eq!(outcome.warnings, Vec::<String>::new());
    let (own, _) = chosen(|paths| paths.exclude_from = vec![".backupignore".into()]);
    lacks(&own, &[&logs[..], &["keep/deep/big"]].concat(), &["keep/important.log", "sub/build/out", "cache/a/f"]);
    let (all, _) = chosen(|_| ());
    lacks(&all, &[], &["keep/f.log", "build/out", "keep/deep/big", "cache/a/f"]);
}

#[test]
fn tagged_folders_are_archived_without_what_is_in_them_by_tar_and_by_us_alike() {
    for listed in [false, true] {
        let (caches, _) = chosen(|paths| {
            paths.exclude_caches = true;
            paths.max_file_size = listed.then_some(1 << 30);
        });
        lacks(&caches, &["cache/a/f"], &["cache/CACHEDIR.TAG", "fake/f", "tagged/b/f"]);
        let (tags, _) = chosen(|paths| {
            paths.exclude_if_present = vec![".nobackup".into()];
            paths.gitignore = listed;
        });
        lacks(&tags, &["tagged/b/f"], &["tagged/.nobackup", "cache/a/f"]);
    }
}

#[test]
fn large_files_stay_out_and_patterns_keep_their_meaning_beside_other_choices() {
    let (small, outcome) = chosen(|paths| paths.max_file_size = Some(4999));
    lacks(&small, &["keep/deep/big"], &["keep/f.log"]);
    assert_eq!((outcome.unreadable.len(), outcome.warnings.len()), (0, 0));
    let (patterns, _) = chosen(|paths| {
        paths.max_file_size = Some(5000);
        paths.exclude = vec![Template::literal("cache"), Template::literal("*.log")];
    });
    lacks(&patterns, &["cache/a/f", "cache/CACHEDIR.TAG", "keep/f.log"], &["keep/deep/big", "fake/f"]);
}

/// rustic PR#1908: unreadable files, and still exit 0. offen#608: a file vanishes, and the whole backup fails.
#[test]
fn what_a_walk_cannot_read_is_told_and_what_vanishes_under_it_is_a_warning() {
    let mut bench = Bench::new();
    let data = bench.data();
    for name in ["good", "gone"] {
        std::fs::write(data.join(name), "x").unwrap();
    }
    let version = "case $1 in --version) echo 'tar (GNU tar) 1.34'; exit;; esac; ";
    let vanish = format!("{version} rm {}/gone; exec /usr/bin/tar \"$@\"", data.display());
    bench.with.environment = tar_script(&bench, &vanish);
    let mut what = paths(&[&data]);
    what.gitignore = true;
    let (bytes, outcome) = bench.dump(&source(SourceKind::Paths(what.clone()))).unwrap();
    assert!(listing(&bytes).iter().any(|name| name.ends_with("/good")));
    assert_eq!(outcome.unreadable, Vec::<String>::new());
    assert!(outcome.warnings.iter().all(|line| line.contains("/gone: ")), "{outcome:?}");
    if crate::run::os::is_root() {
        return; // Nothing is closed to root.
    }
    std::fs::create_dir(data.join("closed")).unwrap();
    std::fs::set_permissions(data.join("closed"), std::os::unix::fs::PermissionsExt::from_mode(0o000)).unwrap();
    let (_, outcome) = bench.dump(&source(SourceKind::Paths(what))).unwrap();
    assert!(outcome.unreadable.iter().any(|line| line.contains("closed: Cannot open")), "{outcome:?}");
}

/// Everything that tar can carry, once by folders and once by names.
#[test]
fn every_attribute_comes_back_when_gnu_tar_unpacks_it() {
    const MAKE: &str = r#"
        long=$(printf 'n%.0s' $(seq 250)); mkdir -p "$long/$long" && echo deep >"$long/$long/file"
        echo x >plain && chmod 4751 plain && touch -d '1969-07-20 20:17:40.123456789Z' plain
        mkdir sticky && chmod 1777 sticky && touch -d '2038-01-20 00:00:00.5Z' sticky
        ln plain hard && ln -s ../nowhere dangling && ln -s "$long" linked && mkfifo fifo
        truncate -s 30M sparse && printf end >>sparse
        printf 'a' >"$(printf 'line\nbreak')" && printf 'b' >"$(printf '\377\376')" && echo c >' lead' && : >empty
        setfacl -m u:1234:rw,g:99:r plain 2>/dev/null && setfacl -d -m u:1234:rwx sticky || echo none >no-acl
        setfattr -n user.note -v 'a b' plain 2>/dev/null || echo none >no-xattr
        [ "$(id -u)" != 0 ] || { chown 4321:1234 empty; chown -h 4321:1234 dangling; mknod null c 1 3 2>/dev/null || :; }"#;
    const TELL: &str = r"LC_ALL=C; export LC_ALL
        find . -mindepth 1 -printf '%p %y %m %U:%G %s %n %T@ %l\n' | sort; find . -type f -exec md5sum {} + | sort
        getfacl -R -n -P . 2>/dev/null; getfattr -R -d -h -m - . 2>/dev/null; du --apparent-size -s sparse; test $(du -k sparse | cut -f1) -lt 1000";
    let told = |folder: &Path| {
        let output = Process::new("sh").args(["-ec", TELL]).current_dir(folder).output().unwrap();
        assert!(output.status.success(), "{output:?}");
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    for listed in [false, true] {
        let bench = Bench::new();
        let data = bench.data();
        assert!(Process::new("sh").args(["-ec", MAKE]).current_dir(&data).status().unwrap().success());
        let mut what = paths(&[&data]);
        what.gitignore = listed;
        let (bytes, outcome) = bench.dump(&source(SourceKind::Paths(what))).unwrap();
        assert_eq!((outcome.warnings.len(), outcome.unreadable.len()), (0, 0), "{outcome:?}");
        let restored = bench.untar(&bytes).join(data.strip_prefix("/").unwrap());
        assert_eq!(told(&restored), told(&data));
    }
}

#[test]
fn a_missing_path_is_an_error_and_a_link_is_told() {
    let bench = Bench::new();
    let missing = bench.path("no/such");
    let error = bench.dump(&source(SourceKind::Paths(paths(&[&bench.data(), &missing])))).unwrap_err();
    assert!(matches!(&error, DumpError::PathMissing { path } if *path == missing), "{error}");
    std::os::unix::fs::symlink(bench.data(), bench.path("link")).unwrap();
    let (_, outcome) = bench.dump(&source(SourceKind::Paths(paths(&[&bench.path("link")])))).unwrap();
    assert!(outcome.warnings[0].contains("symbolic link"));
}

#[test]
fn files_that_change_while_read_are_warnings() {
    let bench = Bench::new();
    let growing = bench.data().join("growing");
    std::fs::write(&growing, vec![1u8; 64 << 20]).unwrap();
    let mut dump = Dump::start(&source(SourceKind::Paths(paths(&[&bench.data()]))), &bench.with).unwrap();
    let mut some = vec![0; 1 << 20];
    dump.stream.read_exact(&mut some).unwrap();
    std::fs::OpenOptions::new().append(true).open(&growing).unwrap().set_len(1 << 20).unwrap();
    std::io::copy(&mut dump.stream, &mut std::io::sink()).unwrap();
    let outcome = dump.finish().unwrap();
    assert!(outcome.warnings.iter().any(|line| line.contains("shrank") || line.contains("changed")), "{outcome:?}");
    assert_eq!(outcome.members, Some(2));
}

#[test]
fn a_folder_without_files_is_an_error_unless_that_may_be() {
    let bench = Bench::new();
    let mut of_data = source(SourceKind::Paths(paths(&[&bench.data()])));
    assert!(matches!(bench.dump(&of_data), Err(DumpError::NoFile)));
    of_data.allow_empty = true;
    assert_eq!(bench.dump(&of_data).unwrap().1.files, Some(0));
}

#[test]
fn another_tar_is_refused_and_a_missing_one_named() {
    let mut bench = Bench::new();
    std::fs::write(bench.data().join("f"), "x").unwrap();
    let of_data = source(SourceKind::Paths(paths(&[&bench.data()])));
    let bin = bench.path("bin");
    std::fs::create_dir(&bin).unwrap();
    bench.with.environment = Environment::from_iter([("PATH", bin.to_str().unwrap())]);
    assert!(matches!(bench.dump(&of_data), Err(DumpError::NoTar)));
    let fake = bin.join("tar");
    std::fs::write(&fake, "#!/bin/sh\necho 'tar (busybox) 1.35'\n").unwrap();
    std::fs::set_permissions(&fake, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    assert!(matches!(bench.dump(&of_data), Err(DumpError::ForeignTar)));
}

/// A folder in `PATH` whose `tar` is this shell script.
fn tar_script(bench: &Bench, script: &str) -> Environment {
    let bin = bench.path("bin");
    std::fs::create_dir_all(&bin).unwrap();
    std::fs::write(bin.join("tar"), format!("#!/bin/sh\n{script}\n")).unwrap();
    std::fs::set_permissions(bin.join("tar"), std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let path = format!("{}:/usr/sbin:/usr/bin:/sbin:/bin", bin.display());
    Environment::from_iter([("PATH", path)])
}

#[test]
fn files_that_cannot_be_read_are_named_and_the_others_are_there() {
    let mut bench = Bench::new();
    for name in ["good", "secret"] {
        std::fs::write(bench.data().join(name), "x").unwrap();
    }
    std::fs::create_dir(bench.data().join("closed")).unwrap();
    for name in ["secret", "closed"] {
        std::fs::set_permissions(bench.data().join(name), std::os::unix::fs::PermissionsExt::from_mode(0o000)).unwrap();
    }
    if crate::run::os::is_root() {
        // The script is read by root, the files by nobody.
        bench.with.environment = tar_script(
            &bench,
            "exec setpriv --reuid 65534 --clear-groups --no-new-privs --bounding-set -all --inh-caps -all /usr/bin/tar \"$@\"",
        );
        std::fs::set_permissions(bench.folder.path(), std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    }
    let (bytes, outcome) = bench.dump(&source(SourceKind::Paths(paths(&[&bench.data()])))).unwrap();
    assert_eq!(outcome.unreadable.len(), 2, "{outcome:?}");
    assert!(outcome.unreadable.iter().all(|line| line.ends_with("Cannot open: Permission denied")), "{outcome:?}");
    assert!(listing(&bytes).iter().any(|name| name.ends_with("/good")));
    let secret = bench.data().join("secret");
    let error = bench.dump(&source(SourceKind::Paths(paths(&[&secret])))).unwrap_err();
    assert!(matches!(error, DumpError::NothingReadable { .. }), "{error}");
}

#[test]
fn a_tar_that_breaks_off_is_no_dump_whatever_its_status() {
    let mut bench = Bench::new();
    std::fs::write(bench.data().join("f"), vec![1; 100_000]).unwrap();
    let of_data = source(SourceKind::Paths(paths(&[&bench.data()])));
    let version = "case $1 in --version) echo GNU tar; exit;; esac; ";
    for (script, expected) in [
        ("/usr/bin/tar \"$@\" | head -c 20000", "cut off"),
        ("echo rubbish | cat - /dev/zero | head -c 5000", "not a tar archive"),
        ("/usr/bin/tar \"$@\"; exit 2", "exited with status 2"),
        ("/usr/bin/tar \"$@\"; echo 'tar: surprise' >&2; exit 1", "surprise"),
        ("/usr/bin/tar \"$@\"; kill -9 $$", "signal 9"),
    ] {
        bench.with.environment = tar_script(&bench, &format!("{version}{script}"));
        let error = bench.dump(&of_data).unwrap_err().to_string();
        assert!(error.contains(expected), "{script}: {error}");
    }
}

#[test]
fn a_program_s_output_is_the_content() {
    let bench = Bench::new();
    let (bytes, outcome) = bench.dump(&of_command("printf 'a\\0b'; echo noise >&2")).unwrap();
    assert_eq!((bytes.as_slice(), outcome.bytes, outcome.members), (&b"a\0b"[..], 3, None));
    assert_eq!(bench.left(), 0);
}

#[test]
fn a_program_gets_its_variables_and_no_secret_of_the_runner_s() {
    let bench = Bench::new();
    let mut of_env = command("env");
    of_env.env.insert("PGUSER".into(), Value::Text(Template::parse("{job}-{source}").unwrap()));
    let (bytes, _) = bench.dump(&source(SourceKind::Command(of_env))).unwrap();
    let text = String::from_utf8(bytes).unwrap();
    assert!(text.contains("PGUSER=job-s\n"), "{text}");
    assert!(["AWS_", "EIGHTBELLS_JOB", "CREDENTIALS"].iter().all(|secret| !text.contains(secret)), "{text}");
}

#[test]
fn a_program_that_fails_is_no_dump_however_much_it_printed() {
    let bench = Bench::new();
    let script = "head -c 50000000 /dev/zero; echo 'server closed the connection' >&2; exit 1";
    let error = bench.dump(&of_command(script)).unwrap_err();
    assert_eq!(error.to_string(), "`sh` failed: it exited with status 1; it said: server closed the connection");
    let error = bench.dump(&of_command("echo x; kill -9 $$")).unwrap_err();
    assert!(error.to_string().contains("signal 9"), "{error}");
    assert!(matches!(bench.dump(&of_command("true")), Err(DumpError::Empty)));
    assert!(matches!(
        bench.dump(&source(SourceKind::Command(Command { argv: vec![], ..command("") }))),
        Err(DumpError::NoProgram)
    ));
    assert_eq!(bench.left(), 0);
}

#[test]
fn a_missing_program_is_named() {
    let bench = Bench::new();
    let argv = vec![Template::literal("no-such-program")];
    let error = bench.dump(&source(SourceKind::Command(Command { argv, ..command("") }))).unwrap_err();
    assert!(matches!(&error, DumpError::Spawn(spawn) if spawn.to_string().contains("no-such-program")), "{error}");
}

#[test]
fn a_dump_that_hangs_ends_at_its_timeout_with_all_its_children() {
    let bench = Bench::new();
    let mut hanging = of_command("echo begin; (setsid sleep 60) & sleep 60");
    hanging.timeout = Some(Duration::from_millis(500));
    let begin = Instant::now();
    let error = bench.dump(&hanging).unwrap_err();
    assert!(matches!(error, DumpError::Cut { cut: crate::run::os::Cut::TimedOut, .. }), "{error}");
    assert!(begin.elapsed() < Duration::from_secs(10));
    assert!(processes::end_on_host(&format!("{}-s", bench.with.run)).is_empty());
    assert_eq!(bench.left(), 0);
}

#[test]
fn a_stop_ends_a_dump() {
    let bench = Bench::new();
    let stop = bench.with.stop.clone();
    std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(200));
        stop.stop();
    });
    let error = bench.dump(&of_command("echo x; sleep 60")).unwrap_err();
    assert!(matches!(error, DumpError::Cut { cut: crate::run::os::Cut::Stopped, .. }), "{error}");
}

#[test]
fn a_scratch_folder_is_there_for_the_dump_and_gone_after_it() {
    let bench = Bench::new();
    let mut with_scratch = command("echo \"$S\"; test -d \"$S\" && mkdir -p \"$S/a\" && echo x >\"$S/a/f\"");
    with_scratch.env.insert("S".into(), Value::Text(Template::parse("{scratch}").unwrap()));
    let good = source(SourceKind::Command(with_scratch.clone()));
    let (bytes, _) = bench.dump(&good).unwrap();
    assert!(!Path::new(String::from_utf8(bytes).unwrap().trim()).exists());
    with_scratch.argv = ["sh", "-c", "echo x >$S/f; exit 3"].map(Template::literal).to_vec();
    assert!(bench.dump(&source(SourceKind::Command(with_scratch.clone()))).is_err());
    with_scratch.argv = ["sh", "-c", "echo x >$S/f; echo y; sleep 60"].map(Template::literal).to_vec();
    let dump = Dump::start(&source(SourceKind::Command(with_scratch)), &bench.with).unwrap();
    drop(dump);
    let left: Vec<_> =
        std::fs::read_dir(bench.path("state")).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left, ["job.journal"]);
    assert_eq!(bench.left(), 0);
}

#[test]
fn cancelling_ends_what_runs() {
    let bench = Bench::new();
    let Dump { stream, running } = Dump::start(&of_command("echo x; sleep 60"), &bench.with).unwrap();
    let begin = Instant::now();
    running.cancel();
    drop(stream);
    assert!(begin.elapsed() < Duration::from_secs(5));
    assert_eq!(bench.left(), 0);
}

#[test]
fn what_a_killed_run_left_on_this_host_is_undone_by_the_next() {
    let bench = Bench::new();
    let folder = crate::run::scratch::path(&bench.with.journal, "old-s");
    crate::run::scratch::make(&folder).unwrap();
    let mut child = Process::new("sleep").arg("60").env(crate::run::journal::MARK_VARIABLE, "old-s").spawn().unwrap();
    for obligation in [
        Obligation::HostScratch { path: folder.clone() },
        Obligation::HostProcess { mark: "old-s".into() },
        Obligation::StagedFile { path: "/x".into() },
    ] {
        bench.with.journal.promise(obligation).unwrap();
    }
    let state = StateDir::find(Some(&bench.path("state")), &Environment::default()).unwrap();
    let next = Journal::open(&state, "job", None, RunId::random().unwrap()).unwrap();
    let undone: Vec<bool> =
        next.leftovers().iter().map(|left| undo(left, &next, &bench.with.environment).unwrap()).collect();
    assert_eq!(undone, [true, true, false]);
    assert!(!folder.exists() && child.wait().unwrap().code().is_none());
}
