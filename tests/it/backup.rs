//! Whole runs of `eightbells-run backup`: what is visible at every destination after each way in which a run can end.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use crate::support::chaos::{ChaosProxy, Fault, Faults};
use crate::support::s3::S3Server;
use crate::support::{TempDir, free_port, is_root, program, said, skip, temp_dir, wait_until};

pub const BUCKET: &str = "box";
pub const SOON: Duration = Duration::from_secs(30);

/// A spec of one job, and what it runs on.
pub struct Bench {
    pub folder: TempDir,
    pub s3: Option<S3Server>,
    pub destinations: String,
    pub stores: Vec<String>,
}

impl Bench {
    /// With one local destination, `disk`.
    pub fn local() -> Self {
        let folder = temp_dir();
        let mut bench = Self { folder, s3: None, destinations: String::new(), stores: vec![] };
        let disk = bench.path("disk");
        bench.destination("disk", &format!("local: {{path: {}, create: true}}", disk.display()), "");
        bench
    }

    /// With a bucket besides, `bucket`.
    pub fn with_s3() -> Option<Self> {
        let s3 = S3Server::start()?;
        s3.bucket(BUCKET);
        let mut bench = Self { s3: Some(s3), ..Self::local() };
        let port = bench.s3().port();
        bench.bucket_at("bucket", "p/", port);
        Some(bench)
    }

    pub fn s3(&self) -> &S3Server {
        self.s3.as_ref().unwrap()
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn destination(&mut self, name: &str, kind: &str, keep: &str) {
        writeln!(self.destinations, "  {name}: {{{kind}}}").unwrap();
        let keep = if keep.is_empty() { String::new() } else { format!(", keep: {keep}") };
        self.stores.push(format!("{{to: {name}{keep}}}"));
    }

    pub fn bucket_at(&mut self, name: &str, prefix: &str, port: u16) {
        let endpoint = format!("http://127.0.0.1:{port}");
        let keys = "access_key: {env: AK}, secret_key: {env: SK}";
        self.destination(
            name,
            &format!("s3: {{endpoint: \"{endpoint}\", bucket: {BUCKET}, {keys}, prefix: {prefix}}}"),
            "",
        );
    }

    /// Limits the rate of the destination that was added last.
    pub fn limit(&mut self, limit: &str) {
        let end = self.destinations.rfind('}').unwrap();
        self.destinations.insert_str(end, &format!(", limit: {limit}"));
    }

    pub fn keep_everywhere(&mut self, keep: &str) {
        for store in &mut self.stores {
            *store = store.replace('}', &format!(", keep: {keep}}}"));
        }
    }

    /// A job with these sources and settings, each a line of YAML or several.
    pub fn job(&self, sources: &[&str], settings: &str) {
        let sources = indented("      ", sources.iter().copied());
        let settings = indented("    ", settings.lines());
        let text = format!(
            "version: 1\ntarget: systemd\ndestinations:\n{}jobs:\n  job:\n    schedule: {{every: 1h}}\n{settings}    sources:\n{sources}    store: [{}]\n",
            self.destinations,
            self.stores.join(", "),
        );
        fs::write(self.path("spec.yaml"), text).unwrap();
    }

    pub fn runner(&self, verb: &str) -> Command {
        let mut command = program::runner();
        command.arg(verb).arg("--spec").arg(self.path("spec.yaml")).args(["--job", "job"]);
        command.env("EIGHTBELLS_STATE_DIR", self.path("state"));
        if let Some(s3) = &self.s3 {
            command.env("AK", &s3.access_key).env("SK", &s3.secret_key);
        }
        command
    }

    pub fn run(&self) -> Output {
        self.runner("backup").output().unwrap()
    }

    pub fn start(&self) -> Running {
        Running::of(&mut self.runner("backup"))
    }

    /// Everything in the local destination, hidden files included.
    pub fn on_disk(&self) -> Vec<String> {
        files(&self.path("disk"))
    }

    pub fn in_bucket(&self) -> Vec<String> {
        self.s3.as_ref().map(|s3| s3.keys(BUCKET)).unwrap_or_default()
    }

    pub fn uploads(&self) -> Vec<String> {
        self.s3.as_ref().map(S3Server::unfinished_uploads).unwrap_or_default()
    }

    pub fn assert_nothing_anywhere(&self, what: &str) {
        assert_eq!(self.on_disk(), Vec::<String>::new(), "{what}");
        assert_eq!(self.in_bucket(), Vec::<String>::new(), "{what}");
        assert_eq!(self.uploads(), Vec::<String>::new(), "{what}");
    }

    /// What the journal says is still to be undone.
    pub fn owed(&self) -> usize {
        let text = fs::read_to_string(self.path("state/job.journal")).unwrap();
        text.matches("\"promise\"").count() - text.matches("\"done\"").count()
    }
}

fn indented<'a>(by: &str, lines: impl Iterator<Item = &'a str>) -> String {
    lines.fold(String::new(), |text, line| text + by + line + "\n")
}

/// A run under way, which a test that fails does not leave behind.
pub struct Running(Option<Child>);

impl Running {
    /// Starts a command whose messages are kept.
    pub fn of(command: &mut Command) -> Self {
        Self(Some(command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap()))
    }

    pub fn child(&mut self) -> &mut Child {
        self.0.as_mut().unwrap()
    }

    pub fn signal(&mut self, signal: &str) {
        let pid = self.child().id().to_string();
        assert!(Command::new("kill").args([signal, &pid]).status().unwrap().success());
    }

    pub fn output(mut self) -> Output {
        self.0.take().unwrap().wait_with_output().unwrap()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(mut child) = self.0.take()
            && matches!(child.try_wait(), Ok(None))
        {
            let _ = Command::new("kill").arg(child.id().to_string()).status();
            let _ = child.wait();
        }
    }
}

/// A sleep that only this test program's runs do.
pub fn long_sleep(name: &str) -> String {
    format!("sleep 43{name}.{}", std::process::id())
}

pub fn files(folder: &Path) -> Vec<String> {
    let Ok(entries) = fs::read_dir(folder) else { return vec![] };
    let mut names: Vec<String> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

/// Objects of one set: so many archives, and a manifest.
pub fn assert_one_set(names: &[String], archives: usize) {
    let manifests = names.iter().filter(|name| name.contains("_manifest_")).count();
    assert_eq!((manifests, names.len()), (1, archives + 1), "{names:?}");
}

pub fn code(output: &Output) -> i32 {
    output.status.code().unwrap_or_else(|| panic!("{}", said(output)))
}

pub const PRINTS: &str = "db: {command: [sh, -c, \"seq 1 200000\"], extension: sql}";

/// A source that writes 50 MB that no compressor makes smaller, and then ends as told.
pub fn fifty_megabytes_then(end: &str) -> String {
    format!("db: {{command: [sh, -c, \"head -c 50000000 /dev/urandom; {end}\"], extension: sql}}")
}

#[test]
fn a_good_run_is_everywhere_and_comes_back_byte_for_byte() {
    let Some(bench) = Bench::with_s3() else { return };
    let tree = bench.path("tree");
    fs::create_dir_all(tree.join("sub")).unwrap();
    fs::write(tree.join("sub/file"), "content").unwrap();
    let paths = format!("files: {{paths: [\"{}\"]}}", tree.display());
    bench.job(&[&paths, &fifty_megabytes_then("true")], "archive: {compression: gzip}");
    let output = bench.run();
    assert_eq!(code(&output), 0, "{}", said(&output));
    assert_one_set(&bench.on_disk(), 2);
    let in_bucket: Vec<_> = bench.in_bucket().iter().map(|key| key.strip_prefix("p/").unwrap().to_owned()).collect();
    assert_eq!(in_bucket, bench.on_disk());
    assert_eq!((bench.uploads(), bench.owed()), (vec![], 0));
    let tar = bench.on_disk().into_iter().find(|name| name.contains("files")).unwrap();
    let mut plain = Command::new("tar");
    plain.arg("xzf").arg(bench.path("disk").join(tar)).arg("-C").arg(bench.folder.path());
    assert!(plain.status().unwrap().success());
    let back = bench.folder.path().join(tree.strip_prefix("/").unwrap());
    assert_eq!(fs::read_to_string(back.join("sub/file")).unwrap(), "content");
    for name in bench.on_disk() {
        assert!(fs::read(bench.path("disk").join(&name)).unwrap() == bench.s3().object(BUCKET, &format!("p/{name}")));
    }
    let verified = bench.runner("verify").output().unwrap();
    assert_eq!(code(&verified), 0, "{}", said(&verified));
}

#[test]
fn a_dump_that_fails_leaves_nothing_anywhere() {
    let Some(bench) = Bench::with_s3() else { return };
    let empty = bench.path("empty");
    fs::create_dir(&empty).unwrap();
    let faults = [
        ("at its start", "db: {command: [no-such-program], extension: sql}".to_owned()),
        ("after 50 MB", fifty_megabytes_then("exit 1")),
        ("killed", fifty_megabytes_then("kill -9 $$")),
        ("nothing printed", "db: {command: [\"true\"], extension: sql}".to_owned()),
        ("no file in it", format!("db: {{paths: [\"{}\"]}}", empty.display())),
        ("a path that is not there", "db: {paths: [/nonexistent/x]}".to_owned()),
        ("timeout", format!("{}, timeout: 2s}}", fifty_megabytes_then("sleep 60").trim_end_matches('}'))),
    ];
    for (what, source) in faults {
        // The good source comes first: it is not stored either.
        bench.job(&["good: {command: [seq, \"10000\"], extension: txt}", &source], "");
        let output = bench.run();
        assert_eq!(code(&output), 1, "{what}: {}", said(&output));
        assert!(String::from_utf8_lossy(&output.stderr).contains("error: "), "{what}: {}", said(&output));
        bench.assert_nothing_anywhere(what);
        assert_eq!(bench.owed(), 0, "{what}");
    }
}

#[test]
fn an_empty_dump_is_a_backup_where_the_spec_says_so() {
    let bench = Bench::local();
    bench.job(&["db: {command: [\"true\"], extension: sql, allow_empty: true}"], "");
    let output = bench.run();
    assert_eq!(code(&output), 0, "{}", said(&output));
    assert_one_set(&bench.on_disk(), 1);
}

#[test]
fn one_destination_down_does_not_stop_the_other() {
    let Some(mut bench) = Bench::with_s3() else { return };
    bench.bucket_at("down", "q/", free_port());
    bench.job(&[PRINTS], "");
    let output = bench.run();
    assert_eq!(code(&output), 3, "{}", said(&output));
    assert_one_set(&bench.on_disk(), 1);
    assert_one_set(&bench.in_bucket(), 1);
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(stderr.contains("failed at `down`") && stderr.contains("partly done"), "{stderr}");
}

#[test]
fn with_every_destination_down_nothing_is_dumped() {
    let mut bench = Bench { s3: None, ..Bench::local() };
    bench.destinations.clear();
    bench.stores.clear();
    bench.destination("gone", "local: {path: /no-such-disk/mount, create: false}", "");
    let mark = bench.path("dumped");
    bench.job(&[&format!("db: {{command: [touch, \"{}\"], extension: x}}", mark.display())], "");
    let output = bench.run();
    assert_eq!(code(&output), 1, "{}", said(&output));
    assert!(!mark.exists());
    assert!(String::from_utf8_lossy(&output.stderr).contains("mounted"), "{}", said(&output));
    assert!(!Path::new("/no-such-disk").exists());
}

#[test]
fn a_destination_that_dies_midway_falls_out_and_the_other_has_it_all() {
    let Some(mut bench) = Bench::with_s3() else { return };
    // The listing and the first requests pass; then every connection is cut in its first parts.
    let proxy = ChaosProxy::start(bench.s3().port(), |_| Faults::up(Fault::CutAfter(4_000_000)));
    bench.bucket_at("dying", "q/", proxy.port());
    bench.job(&[&fifty_megabytes_then("true")], "");
    let output = bench.run();
    assert_eq!(code(&output), 3, "{}", said(&output));
    assert_one_set(&bench.on_disk(), 1);
    let keys = bench.in_bucket();
    assert!(keys.iter().all(|key| key.starts_with("p/")), "{keys:?}");
    assert_one_set(&keys, 1);
}

#[test]
fn a_full_disk_falls_out_and_keeps_no_part() {
    if !is_root() {
        return skip("only root can make a small disk");
    }
    let mut bench = Bench::local();
    let small = bench.path("small");
    fs::create_dir(&small).unwrap();
    let mount = Command::new("mount").args(["-t", "tmpfs", "-o", "size=1m", "tmpfs"]).arg(&small).status().unwrap();
    if !mount.success() {
        return skip("no file system may be mounted here");
    }
    bench.destination("small", &format!("local: {{path: {}}}", small.display()), "");
    bench.job(&[&fifty_megabytes_then("true")], "");
    let output = bench.run();
    let left = files(&small);
    assert!(Command::new("umount").arg(&small).status().unwrap().success());
    assert_eq!(code(&output), 3, "{}", said(&output));
    assert_eq!(left, Vec::<String>::new());
    assert_one_set(&bench.on_disk(), 1);
    assert!(String::from_utf8_lossy(&output.stderr).contains("make room"), "{}", said(&output));
}

#[test]
fn a_disk_without_room_for_another_archive_is_told_before_the_dump() {
    if !is_root() {
        return skip("only root can make a small disk");
    }
    let mut bench = Bench { stores: vec![], destinations: String::new(), ..Bench::local() };
    let small = bench.path("small");
    fs::create_dir(&small).unwrap();
    let mount = Command::new("mount").args(["-t", "tmpfs", "-o", "size=1m", "tmpfs"]).arg(&small).status().unwrap();
    if !mount.success() {
        return skip("no file system may be mounted here");
    }
    bench.destination("small", &format!("local: {{path: {}}}", small.display()), "");
    bench.job(&["db: {command: [head, -c, \"700000\", /dev/urandom], extension: x}"], "");
    let (first, second) = (bench.run(), bench.run());
    let left = files(&small);
    assert!(Command::new("umount").arg(&small).status().unwrap().success());
    assert_eq!((code(&first), code(&second)), (0, 1), "{}", said(&second));
    assert_one_set(&left, 1);
    let stderr = String::from_utf8_lossy(&second.stderr).into_owned();
    assert!(stderr.contains("the last archive there took") && !stderr.contains("dumping"), "{stderr}");
}

/// Waits until the run has sent much and is in the midst of it.
pub fn wait_for_the_middle(bench: &Bench) {
    let written = || {
        let staged = bench.on_disk().into_iter().find(|name| name.starts_with(".eightbells-"));
        staged.and_then(|name| bench.path("disk").join(name).metadata().ok()).map_or(0, |meta| meta.len())
    };
    assert!(wait_until(SOON, || written() > 20_000_000 && !bench.uploads().is_empty()));
}

#[test]
fn a_stop_in_the_middle_leaves_nothing_anywhere() {
    let Some(bench) = Bench::with_s3() else { return };
    let sleep = long_sleep("21");
    bench.job(&[&fifty_megabytes_then(&sleep)], "archive: {compression: none}");
    for name in ["-TERM", "-INT"] {
        let mut run = bench.start();
        wait_for_the_middle(&bench);
        let begun = Instant::now();
        run.signal(name);
        let output = run.output();
        assert_eq!(code(&output), 1, "{}", said(&output));
        assert!(begun.elapsed() < Duration::from_secs(20), "{:?}", begun.elapsed());
        assert!(String::from_utf8_lossy(&output.stderr).contains("told to stop"), "{}", said(&output));
        bench.assert_nothing_anywhere(name);
        assert_eq!(bench.owed(), 0);
        assert!(!runs(&sleep));
    }
}

pub fn runs(words: &str) -> bool {
    let list = Command::new("ps").args(["-eo", "args"]).output().unwrap();
    String::from_utf8_lossy(&list.stdout).lines().any(|line| line.trim() == words)
}

#[test]
fn what_a_killed_run_leaves_is_put_back_by_the_next() {
    let Some(bench) = Bench::with_s3() else { return };
    let sleep = long_sleep("22");
    bench.job(&[&fifty_megabytes_then(&sleep)], "archive: {compression: none}");
    let mut run = bench.start();
    wait_for_the_middle(&bench);
    run.signal("-KILL");
    run.output();
    assert!(wait_until(SOON, || runs(&sleep)), "nothing is left to end");
    assert!(!bench.on_disk().is_empty() && !bench.uploads().is_empty());
    bench.job(&[PRINTS], "");
    let output = bench.run();
    assert_eq!(code(&output), 0, "{}", said(&output));
    assert_one_set(&bench.on_disk(), 1);
    assert_one_set(&bench.in_bucket(), 1);
    assert_eq!((bench.uploads(), bench.owed()), (vec![], 0));
    assert!(!runs(&sleep));
}

#[test]
fn a_second_run_at_the_same_time_is_turned_away() {
    let bench = Bench::local();
    bench.job(&["db: {command: [sleep, \"60\"], extension: x}"], "");
    let mut first = bench.start();
    assert!(wait_until(SOON, || bench.path("state/job.lock").exists() && !bench.on_disk().is_empty()));
    let second = bench.run();
    let holder = first.child().id().to_string();
    drop(first);
    assert_eq!(code(&second), 75, "{}", said(&second));
    assert!(String::from_utf8_lossy(&second.stderr).contains(&holder), "{}", said(&second));
}

#[test]
fn old_sets_go_and_what_is_not_ours_stays() {
    let Some(mut bench) = Bench::with_s3() else { return };
    bench.keep_everywhere("{last: 2}");
    bench.job(&[PRINTS], "archive: {name: \"{job}_{source}_{time:%Y%m%d%H%M%S}\"}");
    let foreign = ["job_db_20010101000000.zip", "jobs_db_20010101000000.sql.zst", "notes.txt", "job_manifest_x.json"];
    // A killed run's: ours, old, without manifest.
    let orphan = "job_db_20010101000000.sql.zst";
    for folder in [bench.path("disk"), bench.s3().data().join(BUCKET).join("p")] {
        fs::create_dir_all(&folder).unwrap();
        for name in foreign.iter().chain([&orphan]) {
            fs::write(folder.join(name), "x").unwrap();
        }
    }
    for _ in 0..3 {
        let output = bench.run();
        assert_eq!(code(&output), 0, "{}", said(&output));
        std::thread::sleep(Duration::from_millis(1100));
    }
    for names in [bench.on_disk(), bench.in_bucket().iter().map(|key| key.replace("p/", "")).collect()] {
        assert!(foreign.iter().all(|name| names.iter().any(|there| there == name)), "{names:?}");
        assert!(!names.iter().any(|name| name == orphan), "{names:?}");
        assert_eq!(names.len(), foreign.len() + 4, "{names:?}");
    }
}

#[test]
fn nothing_is_pruned_by_a_run_that_failed() {
    let mut bench = Bench::local();
    bench.keep_everywhere("{last: 1}");
    bench.job(&[PRINTS], "");
    assert_eq!(code(&bench.run()), 0);
    let before = bench.on_disk();
    std::thread::sleep(Duration::from_millis(1100));
    bench.job(&[&fifty_megabytes_then("exit 1")], "");
    assert_eq!(code(&bench.run()), 1);
    assert_eq!(bench.on_disk(), before);
}

#[test]
fn a_run_is_left_out_where_a_good_archive_is_young_or_the_clock_says_so() {
    let bench = Bench::local();
    bench.job(&[PRINTS], "");
    let text = fs::read_to_string(bench.path("spec.yaml")).unwrap();
    let with = |extra: &str| {
        let schedule = format!("schedule: {{every: 1h, {extra}}}");
        fs::write(bench.path("spec.yaml"), text.replace("schedule: {every: 1h}", &schedule)).unwrap();
    };
    with("blackout: [{from: \"00:00\", until: \"12:00\"}, {from: \"12:00\", until: \"23:59:59\"}]");
    let output = bench.run();
    assert_eq!(code(&output), 0, "{}", said(&output));
    assert!(String::from_utf8_lossy(&output.stderr).contains("no run begins between"), "{}", said(&output));
    assert_eq!(bench.on_disk(), Vec::<String>::new());
    with("unless_newer_than: 1h");
    assert_eq!(code(&bench.run()), 0);
    let before = bench.on_disk();
    assert_one_set(&before, 1);
    let output = bench.run();
    assert_eq!(code(&output), 0);
    assert!(String::from_utf8_lossy(&output.stderr).contains("nothing to do"), "{}", said(&output));
    // A set that has lost an object does not count.
    fs::remove_file(bench.path("disk").join(before.iter().find(|name| name.contains("_db_")).unwrap())).unwrap();
    std::thread::sleep(Duration::from_millis(1100));
    assert_eq!(code(&bench.run()), 0);
    assert_eq!(bench.on_disk().len(), 3);
}

#[test]
fn a_wrong_key_is_told_with_what_to_do_and_without_the_key() {
    let Some(bench) = Bench::with_s3() else { return };
    bench.job(&[PRINTS], "");
    let output = bench.runner("backup").env("SK", "WRONGsecretWRONG").output().unwrap();
    assert_eq!(code(&output), 3, "{}", said(&output));
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(stderr.contains("correct `secret_key:`"), "{stderr}");
    assert!(!stderr.contains("WRONGsecretWRONG"), "{stderr}");
    assert_eq!(bench.in_bucket(), Vec::<String>::new());
}

#[test]
fn another_job_than_the_unit_s_is_refused() {
    let bench = Bench::local();
    bench.job(&[PRINTS], "");
    let output = bench.runner("backup").args(["--digest", "00"]).output().unwrap();
    assert_eq!(code(&output), 78, "{}", said(&output));
    assert!(String::from_utf8_lossy(&output.stderr).contains("regenerate the units"), "{}", said(&output));
    assert_eq!(bench.on_disk(), Vec::<String>::new());
}

#[test]
fn a_dry_run_says_all_and_does_nothing() {
    let mut bench = Bench::local();
    bench.bucket_at("nowhere", "p/", 9);
    bench.job(&[PRINTS], "");
    let output = bench.runner("backup").arg("--dry-run").output().unwrap();
    assert_eq!(code(&output), 0, "{}", said(&output));
    let stdout = String::from_utf8_lossy(&output.stdout).into_owned();
    for part in ["seq 1 200000", "job_db_", ".sql.zst", "s3://box/p/", "disk"] {
        assert!(stdout.contains(part), "{part}: {stdout}");
    }
    assert!(!bench.path("disk").exists() && !bench.path("state").exists());
}

#[test]
fn the_report_is_json_on_standard_output_where_asked_for() {
    let bench = Bench::local();
    bench.job(&[PRINTS], "");
    let output = bench.runner("backup").arg("--json").output().unwrap();
    assert_eq!(code(&output), 0, "{}", said(&output));
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report["outcome"], "done");
    assert_eq!(report["sources"][0]["raw_size"], 1_288_895);
    assert!(bench.run().stdout.is_empty());
}

#[test]
fn memory_stays_bounded_whatever_the_size() {
    let Some(bench) = Bench::with_s3() else { return };
    let size = crate::support::sized(400_000_000_u64, 4_000_000_000);
    let source = format!("db: {{command: [head, -c, \"{size}\", /dev/urandom], extension: x}}");
    bench.job(&[&source], "");
    let mut run = bench.start();
    let status = format!("/proc/{}/status", run.child().id());
    let mut peak = 0;
    while run.child().try_wait().unwrap().is_none() {
        let text = fs::read_to_string(&status).unwrap_or_default();
        let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        peak = line.and_then(|line| line.trim().trim_end_matches(" kB").parse().ok()).unwrap_or(peak);
        std::thread::sleep(Duration::from_millis(20));
    }
    assert!(run.child().wait().unwrap().success());
    assert!(peak < 200 * 1024, "{peak} KiB");
    println!("peak: {peak} KiB");
    assert!(peak > 0);
}

#[test]
fn a_host_without_certificates_can_speak_to_a_server_without_tls() {
    let Some(bench) = Bench::with_s3() else { return };
    bench.job(&[PRINTS], "");
    let none = bench.path("none.pem");
    fs::write(&none, "").unwrap();
    let output = bench.runner("backup").env("SSL_CERT_FILE", none).env("SSL_CERT_DIR", "/no-such-folder").output();
    let output = output.unwrap();
    assert_eq!(code(&output), 0, "{}", said(&output));
    assert_one_set(&bench.in_bucket(), 1);
}

#[test]
fn a_damaged_archive_is_found_and_not_restored() {
    let bench = Bench::local();
    bench.job(&[PRINTS], "");
    assert_eq!(code(&bench.run()), 0);
    let object = bench.on_disk().into_iter().find(|name| name.contains("_db_")).unwrap();
    let path = bench.path("disk").join(object);
    let mut content = fs::read(&path).unwrap();
    // The last bytes are the compression's own checksum: its content decodes well.
    let last = content.len() - 1;
    content[last] ^= 1;
    fs::write(&path, content).unwrap();
    let verified = bench.runner("verify").output().unwrap();
    assert_eq!(code(&verified), 1, "{}", said(&verified));
    let to = bench.path("restored");
    let restored = bench.runner("restore").arg("--to").arg(&to).output().unwrap();
    assert_eq!(code(&restored), 1, "{}", said(&restored));
    assert!(!to.exists());
    assert!(!files(bench.folder.path()).iter().any(|name| name.contains("restore")), "half of it is left");
}

#[test]
fn a_bucket_and_a_key_are_enough_to_get_everything_back() {
    let Some(bench) = Bench::with_s3() else { return };
    bench.job(&[PRINTS], "");
    assert_eq!(code(&bench.run()), 0);
    let to = bench.path("restored");
    let mut bare = program::runner();
    bare.args(["restore", "--from", "s3://box/p/", "--endpoint", &bench.s3().endpoint(), "--to"]).arg(&to);
    bare.env("AWS_ACCESS_KEY_ID", &bench.s3().access_key).env("AWS_SECRET_ACCESS_KEY", &bench.s3().secret_key);
    let output = bare.output().unwrap();
    assert_eq!(code(&output), 0, "{}", said(&output));
    let file = files(&to).remove(0);
    let expected: String = (1..=200_000).fold(String::new(), |text, number| text + &number.to_string() + "\n");
    assert!(fs::read_to_string(to.join(file)).unwrap() == expected);
}
