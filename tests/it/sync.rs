//! Destinations that lack archives: brought up to date by the next run, or by `eightbells-run sync`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use crate::contract::files;
use crate::support::{TempDir, program, said, temp_dir};

/// Two folders as destinations of one job.
struct Bench {
    folder: TempDir,
}

impl Bench {
    fn new(keep_at_two: &str) -> Self {
        let folder = temp_dir();
        let own = folder.path().display();
        let spec = format!(
            "version: 1\ntarget: systemd\ndestinations:\n  one: {{local: {{path: {own}/one}}}}\n  \
             two: {{local: {{path: {own}/two, create: false}}}}\njobs:\n  job:\n    schedule: {{every: 1h}}\n    \
             sources: {{out: {{command: [echo, hello], extension: txt}}}}\n    \
             store: [one, {{to: two, keep: {keep_at_two}}}]\n"
        );
        fs::write(folder.path().join("spec.yaml"), spec).unwrap();
        Self { folder }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn run(&self, verb: &str, args: &[&str]) -> Output {
        let mut command = self.command(verb);
        command.arg("--spec").arg(self.path("spec.yaml")).args(["--job", "job"]).args(args).output().unwrap()
    }

    fn command(&self, verb: &str) -> Command {
        let mut command = program::runner();
        command.arg(verb).env("EIGHTBELLS_STATE_DIR", self.path("state"));
        command
    }

    /// Runs the job; names hold whole seconds, so that no two runs share one.
    fn backup(&self) -> Output {
        std::thread::sleep(std::time::Duration::from_millis(1_050));
        self.run("backup", &[])
    }
}

fn code(output: &Output) -> i32 {
    output.status.code().unwrap()
}

fn same(one: &Path, other: &Path) {
    assert_eq!(files(one), files(other));
    for name in files(one) {
        assert!(fs::read(one.join(&name)).unwrap() == fs::read(other.join(&name)).unwrap(), "{name}");
    }
}

#[test]
fn a_destination_that_was_down_is_brought_up_to_date_by_the_next_run() {
    let bench = Bench::new("all");
    for _ in 0..2 {
        assert_eq!(code(&bench.backup()), 3);
    }
    fs::create_dir(bench.path("two")).unwrap();
    let output = bench.backup();
    assert_eq!(code(&output), 0, "{}", said(&output));
    assert!(said(&output).contains("brought up to date: 2 archives"), "{}", said(&output));
    assert_eq!(files(&bench.path("one")).len(), 6);
    same(&bench.path("one"), &bench.path("two"));
    let output = bench.backup();
    assert!(!said(&output).contains("brought up to date"), "{}", said(&output));
}

#[test]
fn a_copy_that_fails_does_not_break_a_good_run() {
    let bench = Bench::new("all");
    assert_eq!(code(&bench.backup()), 3);
    let archive = files(&bench.path("one")).into_iter().find(|name| !name.contains("manifest")).unwrap();
    let damaged = bench.path("one").join(&archive);
    let length = fs::metadata(&damaged).unwrap().len();
    fs::write(&damaged, vec![0; usize::try_from(length).unwrap()]).unwrap();
    fs::create_dir(bench.path("two")).unwrap();
    let output = bench.backup();
    assert_eq!(code(&output), 3, "{}", said(&output));
    assert!(said(&output).contains("damaged"), "{}", said(&output));
    assert!(!files(&bench.path("two")).contains(&archive));
    assert_eq!(files(&bench.path("two")).len(), 2, "what the run made is there");
}

#[test]
fn sync_copies_what_is_missing_and_says_before_what_it_would() {
    let bench = Bench::new("all");
    for _ in 0..2 {
        bench.backup();
    }
    fs::create_dir(bench.path("two")).unwrap();
    let output = bench.run("sync", &["--dry-run"]);
    assert_eq!(code(&output), 0, "{}", said(&output));
    assert_eq!(said(&output).matches("would copy").count(), 2, "{}", said(&output));
    assert_eq!(files(&bench.path("two")), [""; 0]);
    let output = bench.run("sync", &["--json"]);
    let told: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(told.as_array().unwrap().len(), 2);
    assert_eq!((told[0]["state"].as_str(), told[0]["to"].as_str()), (Some("copied"), Some("two")));
    same(&bench.path("one"), &bench.path("two"));
    let output = bench.run("sync", &[]);
    assert!(said(&output).contains("nothing is missing"), "{}", said(&output));
    let output = bench.run("sync", &["--from", "three"]);
    assert_eq!(code(&output), 2, "{}", said(&output));
}

#[test]
fn what_the_target_would_remove_at_once_is_not_copied() {
    let bench = Bench::new("{last: 1}");
    for _ in 0..3 {
        bench.backup();
    }
    fs::create_dir(bench.path("two")).unwrap();
    assert_eq!(code(&bench.run("sync", &[])), 0);
    assert_eq!(files(&bench.path("two")).len(), 2, "one archive and its manifest");
    let newest = files(&bench.path("one")).pop().unwrap();
    assert!(files(&bench.path("two")).contains(&newest));
}

#[test]
fn a_file_of_somebody_else_is_never_overwritten() {
    let bench = Bench::new("all");
    bench.backup();
    let archive = files(&bench.path("one")).into_iter().find(|name| !name.contains("manifest")).unwrap();
    fs::create_dir(bench.path("two")).unwrap();
    fs::write(bench.path("two").join(&archive), "mine").unwrap();
    let output = bench.run("sync", &[]);
    assert_eq!(code(&output), 1, "{}", said(&output));
    assert!(said(&output).contains("never overwritten"), "{}", said(&output));
    assert_eq!(fs::read(bench.path("two").join(&archive)).unwrap(), b"mine");
    assert_eq!(files(&bench.path("two")), [archive]);
}

#[test]
fn two_bare_folders_need_no_spec() {
    let bench = Bench::new("all");
    bench.backup();
    fs::create_dir(bench.path("copy")).unwrap();
    fs::write(bench.path("one/other.txt"), "not an archive").unwrap();
    let mut command = bench.command("sync");
    command.arg("--from").arg(bench.path("one")).arg("--to").arg(bench.path("copy"));
    let output = command.output().unwrap();
    assert_eq!(code(&output), 0, "{}", said(&output));
    assert_eq!(files(&bench.path("copy")).len(), 2);
    let output = bench.command("sync").output().unwrap();
    assert_eq!(code(&output), 2, "{}", said(&output));
}
