//! What stays and what goes: `prune`, pins, guards and `list`, on real sets at real destinations.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use crate::support::s3::S3Server;
use crate::support::{TempDir, program, said, temp_dir};

const HOUR: i64 = 3600;
const DAY: i64 = 24 * HOUR;

/// A job whose dump a test can change, and what it has stored.
pub(crate) struct Shelf {
    folder: TempDir,
    s3: Option<S3Server>,
}

impl Shelf {
    /// With a local destination, `disk`; `keep` is what stays there, `settings` are more lines of the job.
    pub(crate) fn new(keep: &str, settings: &str) -> Self {
        let shelf = Self { folder: temp_dir(), s3: None };
        let disk = format!("disk: {{local: {{path: {}}}}}", shelf.path("disk").display());
        shelf.spec(&disk, &format!("{{to: disk, keep: {keep}}}"), settings);
        shelf
    }

    /// With a second destination, `bucket`.
    pub(crate) fn with_bucket(keep: &str) -> Option<Self> {
        let s3 = S3Server::start()?;
        s3.bucket("box");
        let shelf = Self { folder: temp_dir(), s3: Some(s3) };
        let endpoint = format!("http://127.0.0.1:{}", shelf.s3().port());
        let keys = "access_key: {env: AK}, secret_key: {env: SK}";
        let bucket = format!("  bucket: {{s3: {{endpoint: \"{endpoint}\", bucket: box, {keys}}}}}");
        let disk = format!("disk: {{local: {{path: {}}}}}\n{bucket}", shelf.path("disk").display());
        shelf.spec(&disk, &format!("{{to: disk, keep: {keep}}}, {{to: bucket, keep: {keep}}}"), "");
        Some(shelf)
    }

    /// With a local destination that holds these bytes as a tar, whatever they are.
    pub(crate) fn of_tar(archive: &[u8]) -> Self {
        let shelf = Self::new("all", "");
        fs::write(shelf.path("dump"), archive).unwrap();
        shelf.ends(0, "backup", &[]);
        for name in shelf.on_disk() {
            let (from, to) = (shelf.path("disk").join(&name), shelf.path("disk").join(name.replace(".sql", ".tar")));
            let content = fs::read(&from).unwrap();
            fs::remove_file(&from).unwrap();
            let text = String::from_utf8(content.clone()).ok().filter(|_| is(&name, "json"));
            let text = text.map(|text| text.replace(".sql", ".tar").replace("\"sql\"", "\"tar\""));
            fs::write(to, text.map_or(content, String::into_bytes)).unwrap();
        }
        shelf
    }

    fn spec(&self, destinations: &str, store: &str, settings: &str) {
        let text = format!(
            "version: 1\ntarget: systemd\ndestinations:\n  {destinations}\njobs:\n  job:\n    schedule: {{every: 1h}}\n{settings}    \
             sources: {{db: {{command: [cat, \"{}\"], extension: sql}}}}\n    store: [{store}]\n",
            self.path("dump").display(),
        );
        fs::write(self.path("spec.yaml"), text).unwrap();
        self.dump(100_000);
    }

    fn s3(&self) -> &S3Server {
        self.s3.as_ref().unwrap()
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// What the next run dumps: so many bytes.
    pub(crate) fn dump(&self, bytes: usize) {
        fs::write(self.path("dump"), "x".repeat(bytes)).unwrap();
    }

    pub(crate) fn command(&self, verb: &str, args: &[&str]) -> Command {
        let mut command = program::runner();
        command.arg(verb).arg("--spec").arg(self.path("spec.yaml")).args(["--job", "job"]).args(args);
        command.env("EIGHTBELLS_STATE_DIR", self.path("state"));
        if let Some(s3) = &self.s3 {
            command.env("AK", &s3.access_key).env("SK", &s3.secret_key);
        }
        command
    }

    /// Runs a command and gives what it printed; it must end so.
    pub(crate) fn ends(&self, code: i32, verb: &str, args: &[&str]) -> Output {
        let output = self.command(verb, args).output().unwrap();
        assert_eq!(output.status.code(), Some(code), "{verb} {args:?}: {}", said(&output));
        output
    }

    /// Names of everything in the local destination.
    pub(crate) fn on_disk(&self) -> Vec<String> {
        let entries = fs::read_dir(self.path("disk")).unwrap();
        let mut names: Vec<String> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    /// The times of the sets in the local destination, by their manifests.
    fn times(&self) -> Vec<Timestamp> {
        let time = |name: String| time_in(name.strip_suffix(".json")?.rsplit('_').next()?);
        self.on_disk().into_iter().filter_map(time).collect()
    }

    /// A set that a run stores now, as if it had been so many seconds ago.
    pub(crate) fn make(&self, seconds_ago: i64) -> Timestamp {
        let before = self.on_disk_or_nothing();
        self.ends(0, "backup", &[]);
        self.backdate(&before, seconds_ago)
    }

    fn on_disk_or_nothing(&self) -> Vec<String> {
        if self.path("disk").exists() { self.on_disk() } else { vec![] }
    }

    fn backdate(&self, before: &[String], seconds_ago: i64) -> Timestamp {
        let new: Vec<String> = self.on_disk().into_iter().filter(|name| !before.contains(name)).collect();
        let manifest = new.iter().find(|name| is(name, "json")).unwrap();
        let old_name = manifest.strip_suffix(".json").unwrap().rsplit('_').next().unwrap().to_owned();
        let old = time_in(&old_name).unwrap();
        let time = old - SignedDuration::from_secs(seconds_ago);
        let new_name = time.strftime("%Y-%m-%dT%H-%M-%SZ").to_string();
        for name in &new {
            let (from, to) = (self.path("disk").join(name), self.path("disk").join(name.replace(&old_name, &new_name)));
            let content = fs::read(&from).unwrap();
            fs::remove_file(&from).unwrap();
            let text = String::from_utf8(content.clone()).ok().filter(|_| is(name, "json"));
            let text = text.map(|t| t.replace(&old_name, &new_name).replace(&old.to_string(), &time.to_string()));
            fs::write(to, text.map_or(content, String::into_bytes)).unwrap();
        }
        time
    }
}

/// Whether a name ends so.
fn is(name: &str, extension: &str) -> bool {
    Path::new(name).extension().is_some_and(|it| it == extension)
}

/// The time in a name, as the default template writes it.
fn time_in(text: &str) -> Option<Timestamp> {
    let (date, time) = text.split_once('T')?;
    format!("{date}T{}", time.replace('-', ":")).parse().ok()
}

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

/// Fourteen archives, one a day.
fn fourteen_days(shelf: &Shelf) {
    for day in (1..=14).rev() {
        shelf.make(day * DAY);
    }
}

#[test]
fn a_dry_run_tells_for_each_archive_what_a_real_one_then_does() {
    let shelf = Shelf::new("all", "");
    fourteen_days(&shelf);
    let before = shelf.on_disk();
    let policy = ["--daily", "3", "--weekly", "2"];
    let dry = shelf.ends(0, "prune", &[&policy[..], &["--dry-run", "--json"]].concat());
    assert_eq!(shelf.on_disk(), before);
    let told: Value = serde_json::from_str(&stdout(&dry)).unwrap();
    let archives = told[0]["archives"].as_array().unwrap();
    assert_eq!(archives.len(), 14);
    let with = |verdict: &str| -> Vec<Timestamp> {
        let found = archives.iter().filter(|archive| archive["verdict"] == verdict);
        found.map(|archive| archive["time"].as_str().unwrap().parse().unwrap()).collect()
    };
    assert!(archives.iter().filter(|a| a["verdict"] == "stays").all(|a| !a["reasons"].as_array().unwrap().is_empty()));
    let newest = archives.last().unwrap()["reasons"].to_string();
    assert!(newest.contains("the newest good one") && newest.contains("daily 1 of 3: "), "{newest}");
    let text = stdout(&shelf.ends(0, "prune", &[&policy[..], &["--dry-run"]].concat()));
    let goes = text.lines().filter(|line| line.contains("no rule holds it")).count();
    assert!(goes == with("goes").len() && text.contains(&format!("{goes} of 14 would go")), "{text}");
    shelf.ends(0, "prune", &policy);
    assert_eq!(shelf.times(), with("stays"));
    assert!((3..=5).contains(&shelf.times().len()), "{:?}", shelf.times());
}

#[test]
fn a_pinned_archive_is_listed_and_outlives_every_policy_until_it_is_unpinned() {
    let Some(shelf) = Shelf::with_bucket("{last: 1}") else { return };
    shelf.ends(0, "backup", &[]);
    shelf.ends(0, "pin", &["--at", "latest"]);
    let pinned = shelf.on_disk();
    assert_eq!(pinned.iter().filter(|name| is(name, "pin")).count(), 1);
    std::thread::sleep(std::time::Duration::from_millis(1100));
    shelf.ends(0, "backup", &[]);
    let list: Value = serde_json::from_str(&stdout(&shelf.ends(0, "list", &["--json"]))).unwrap();
    let states: Vec<(bool, &str)> = list
        .as_array()
        .unwrap()
        .iter()
        .map(|copy| (copy["pinned"].as_bool().unwrap(), copy["destination"].as_str().unwrap()))
        .collect();
    assert_eq!(states, [(true, "disk"), (true, "bucket"), (false, "disk"), (false, "bucket")]);
    assert!(stdout(&shelf.ends(0, "list", &[])).contains("good, pinned"));
    assert!(pinned.iter().all(|name| shelf.on_disk().contains(name)));
    // It can be named by any of its objects.
    let object = pinned.iter().find(|name| is(name, "zst")).unwrap();
    shelf.ends(0, "unpin", &["--at", object, "--destination", "bucket"]);
    shelf.ends(1, "unpin", &["--at", object, "--destination", "bucket"]);
    shelf.ends(0, "prune", &[]);
    assert!(pinned.iter().all(|name| shelf.on_disk().contains(name)));
    assert_eq!(shelf.s3().keys("box").len(), 2);
    shelf.ends(0, "unpin", &["--at", "latest~1"]);
    shelf.ends(0, "prune", &[]);
    assert!(pinned.iter().all(|name| !shelf.on_disk().contains(name)));
}

#[test]
fn a_pin_may_end() {
    let shelf = Shelf::new("{last: 1}", "");
    shelf.make(3 * DAY);
    shelf.ends(0, "pin", &["--at", "latest", "--until", "2014-01-01"]);
    shelf.make(0);
    assert_eq!(shelf.on_disk().len(), 2, "{:?}", shelf.on_disk());
    assert_eq!(shelf.command("pin", &["--at", "latest", "--until", "soon"]).output().unwrap().status.code(), Some(2));
}

#[test]
fn after_an_implausibly_small_dump_nothing_goes_until_it_is_accepted() {
    let shelf = Shelf::new("{last: 2}", "");
    shelf.make(3 * HOUR);
    shelf.make(2 * HOUR);
    shelf.dump(20);
    let before = shelf.on_disk();
    let output = shelf.ends(3, "backup", &[]);
    let told = stderr(&output);
    assert!(told.contains("has 20 B of `db`, where 97.7 KiB are usual") && told.contains("--accept-small"), "{told}");
    assert!(before.iter().all(|name| shelf.on_disk().contains(name)), "something was removed");
    let bad = shelf.backdate(&before, HOUR);
    // However often: the broken dump does not become the usual one.
    let before = shelf.on_disk();
    shelf.ends(3, "backup", &[]);
    shelf.backdate(&before, HOUR / 2);
    assert_eq!(shelf.times().len(), 4);
    let held = stdout(&shelf.ends(3, "prune", &["--dry-run"]));
    assert!(held.contains("held  "), "{held}");
    shelf.ends(3, "prune", &[]);
    assert_eq!(shelf.times().len(), 4);
    shelf.ends(0, "prune", &["--accept-small"]);
    assert_eq!((shelf.times().len(), shelf.times()[0]), (2, bad));
    // From now on this is the usual size.
    shelf.ends(0, "backup", &[]);
    assert_eq!(shelf.times().len(), 2);
}

#[test]
fn where_the_guard_is_off_or_the_source_may_be_empty_any_size_will_do() {
    let shelf = Shelf::new("{last: 1}", "    guard: none\n");
    shelf.make(HOUR);
    shelf.dump(1);
    shelf.ends(0, "backup", &[]);
    assert_eq!(shelf.times().len(), 1);
}

#[test]
fn a_bare_folder_is_pruned_by_a_policy_on_the_command_line_and_strangers_stay() {
    let shelf = Shelf::new("all", "");
    for hours in [5, 4, 3] {
        shelf.make(hours * HOUR);
    }
    let disk = shelf.path("disk");
    fs::write(disk.join("wedding.jpg"), "12345").unwrap();
    // A manifest that claims what is not its own.
    let real = shelf.on_disk().into_iter().find(|name| is(name, "json")).unwrap();
    let mut claims: Value = serde_json::from_slice(&fs::read(disk.join(&real)).unwrap()).unwrap();
    claims["objects"][0]["name"] = "wedding.jpg".into();
    claims["objects"][0]["size"] = 5.into();
    claims["time"] = "2014-01-01T00:00:00Z".into();
    fs::write(disk.join("job_manifest_2014-01-01T00-00-00Z.json"), claims.to_string()).unwrap();
    let bare = |args: &[&str]| {
        let mut command = program::runner();
        command.arg("prune").arg("--from").arg(&disk).args(args);
        command.output().unwrap()
    };
    assert_eq!(bare(&[]).status.code(), Some(2), "no policy is no order to remove anything");
    let output = bare(&["--last", "1"]);
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    assert_eq!(shelf.times().len(), 1);
    assert!(disk.join("wedding.jpg").exists());
}

#[test]
fn pruning_by_hand_waits_for_no_run_and_disturbs_none() {
    let shelf = Shelf::new("{last: 1}", "");
    shelf.make(HOUR);
    shelf.make(0);
    let lock = fs::File::open(shelf.path("state/job.lock")).unwrap();
    lock.lock().unwrap();
    shelf.ends(75, "prune", &[]);
    shelf.ends(0, "prune", &["--dry-run"]);
}

#[test]
fn a_list_shows_destinations_side_by_side_and_what_each_misses() {
    let Some(shelf) = Shelf::with_bucket("all") else { return };
    shelf.ends(0, "backup", &[]);
    // The folder alone gets another, and loses an archive of the first.
    let before = shelf.on_disk();
    std::thread::sleep(std::time::Duration::from_millis(1100));
    shelf.ends(0, "backup", &[]);
    let lost = before.iter().find(|name| is(name, "zst")).unwrap();
    fs::remove_file(shelf.path("disk").join(lost)).unwrap();
    let output = shelf.ends(0, "list", &[]);
    let (text, told) = (stdout(&output), stderr(&output));
    let first = text.lines().next().unwrap();
    assert!(first.contains("disk") && first.contains("bucket"), "{text}");
    assert!(text.contains(&format!("`{lost}` is missing")), "{text}");
    assert!(told.contains("disk: 1 good of 2") && told.contains("misses 1 that others have"), "{told}");
    assert!(told.contains("bucket: 2 good of 2"), "{told}");
    let json = |args: &[&str]| -> Vec<Value> {
        let output = shelf.ends(0, "list", &[&["--json"], args].concat());
        serde_json::from_str::<Value>(&stdout(&output)).unwrap().as_array().unwrap().clone()
    };
    assert_eq!(json(&[])[0]["missing_at"], serde_json::json!(["disk"]));
    assert_eq!((json(&[]).len(), json(&["--last", "1"]).len()), (4, 2));
    assert_eq!(json(&["--until", "2014-01-01"]).len(), 0);
    assert_eq!(json(&["--since", "2014-01-01", "--destination", "bucket"]).len(), 2);
}

#[test]
fn a_name_of_a_stranger_does_not_reach_the_terminal_as_it_is() {
    let shelf = Shelf::new("all", "");
    shelf.make(HOUR);
    let disk = shelf.path("disk");
    let real = shelf.on_disk().into_iter().find(|name| is(name, "json")).unwrap();
    let mut claims: Value = serde_json::from_slice(&fs::read(disk.join(&real)).unwrap()).unwrap();
    claims["job"] = "a\u{1b}[2Jb".into();
    claims["objects"][0]["name"] = "x\u{1b}[2Jy".into();
    fs::write(disk.join("other_manifest.json"), claims.to_string()).unwrap();
    let output = listed(&disk);
    assert!(!output.stdout.contains(&0x1b) && !output.stderr.contains(&0x1b), "{}", said(&output));
    assert!(stdout(&output).contains("a\\u{1b}[2Jb"), "{}", said(&output));
}

fn listed(folder: &Path) -> Output {
    program::runner().arg("list").arg("--from").arg(folder).output().unwrap()
}
