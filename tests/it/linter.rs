//! `eightbells lint` as people, editors and CI call it.

use crate::support::program::eightbells;
use crate::support::{TempDir, output_of, repository, said, temp_dir};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Output};

fn lint(folder: &Path, args: &[&str]) -> Output {
    eightbells().arg("lint").args(args).current_dir(folder).output().unwrap()
}

fn stdout(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn room(files: &[(&str, &[u8])]) -> TempDir {
    let room = temp_dir();
    for (name, text) in files {
        let path = room.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    room
}

const MISSPELLED: &[u8] = b"[Service]\nExecStrat=/usr/bin/job\nRemainAfterExit=enabled\n";

#[test]
fn fixes_are_shown_as_a_diff_that_git_applies_and_nothing_is_written() {
    let room = room(&[("units/a.service", MISSPELLED)]);
    let shown = lint(room.path(), &["--fix", "units"]);
    assert_eq!(shown.status.code(), Some(1), "{}", said(&shown));
    assert_eq!(std::fs::read(room.path().join("units/a.service")).unwrap(), MISSPELLED);
    assert!(said(&shown).contains("2 findings would be mended in 1 file; 0 left"), "{}", said(&shown));
    std::fs::write(room.path().join("fix.diff"), &shown.stdout).unwrap();
    output_of(Command::new("git").args(["apply", "fix.diff"]).current_dir(room.path()));
    let after = std::fs::read_to_string(room.path().join("units/a.service")).unwrap();
    assert_eq!(after, "[Service]\nExecStart=/usr/bin/job\nRemainAfterExit=true\n");
    let again = lint(room.path(), &["--fix", "units"]);
    assert!(again.status.success() && again.stdout.is_empty(), "{}", said(&again));
}

#[test]
fn what_is_written_keeps_mode_line_ends_links_and_bytes_that_are_no_text() {
    let text = b"# caf\xe9\r\n[Service]\r\nExecStrat=/usr/bin/job\r\nRemainAfterExit=enabled";
    let room = room(&[("real/a.service", text)]);
    let real = room.path().join("real/a.service");
    std::fs::set_permissions(&real, std::fs::Permissions::from_mode(0o640)).unwrap();
    std::os::unix::fs::symlink("real/a.service", room.path().join("b.service")).unwrap();
    let done = lint(room.path(), &["--fix", "--write", "--allow", "carriage-return", "b.service"]);
    assert!(done.status.success(), "{}", said(&done));
    let after = std::fs::read(&real).unwrap();
    assert_eq!(after, b"# caf\xe9\r\n[Service]\r\nExecStart=/usr/bin/job\r\nRemainAfterExit=true");
    assert_eq!(std::fs::metadata(&real).unwrap().permissions().mode() & 0o777, 0o640);
    assert!(std::fs::symlink_metadata(room.path().join("b.service")).unwrap().is_symlink());
    assert_eq!(std::fs::read_dir(room.path().join("real")).unwrap().count(), 1, "nothing half-made is left");
}

#[test]
fn unsafe_fixes_are_made_only_when_asked_for() {
    let text = b"[Timer]\nOnUnitActiveSec=4h\nPersistent=true\nUnit=a.service\n";
    let room = room(&[("a.timer", text), ("a.service", b"[Service]\nExecStart=/usr/bin/job\n")]);
    let safe = lint(room.path(), &["--fix", "--write", "."]);
    assert_eq!(safe.status.code(), Some(1), "{}", said(&safe));
    assert!(said(&safe).contains("timer-never-fires"), "{}", said(&safe));
    let read = || std::fs::read_to_string(room.path().join("a.timer")).unwrap();
    assert_eq!(read(), "[Timer]\nOnUnitActiveSec=4h\nUnit=a.service\n");
    let done = lint(room.path(), &["--fix", "--unsafe", "--write", "."]);
    assert!(done.status.success(), "{}", said(&done));
    assert_eq!(read(), "[Timer]\nOnBootSec=0\nOnUnitActiveSec=4h\nUnit=a.service\n");
}

#[test]
fn an_allowed_finding_is_not_fixed() {
    let text = b"[Service]\n# eightbells: allow unknown-key of our own patched systemd\nExecStrat=/x\nExecStart=/usr/bin/job\n";
    let room = room(&[("a.service", text)]);
    let done = lint(room.path(), &["--fix", "--unsafe", "--write", "a.service"]);
    assert!(done.status.success(), "{}", said(&done));
    assert_eq!(std::fs::read(room.path().join("a.service")).unwrap(), text);
}

#[test]
fn a_fix_that_would_bring_an_error_up_is_not_made() {
    // Joined, the second line would be swallowed; systemd reads it now.
    let text = b"[Service]\nExecStart=/usr/bin/job \\ \nUser=job\n";
    let room = room(&[("a.service", text)]);
    let _ = lint(room.path(), &["--fix", "--write", "a.service"]);
    let after = std::fs::read(room.path().join("a.service")).unwrap();
    let told = lint(room.path(), &["--format", "json", "a.service"]);
    assert!(!stdout(&told).contains("continuation-swallows"), "{}\n{}", String::from_utf8_lossy(&after), stdout(&told));
}

#[test]
fn json_tells_the_fix_of_a_finding() {
    let room = room(&[("a.service", MISSPELLED)]);
    let told: serde_json::Value =
        serde_json::from_slice(&lint(room.path(), &["--format", "json", "a.service"]).stdout).unwrap();
    let fix = &told.as_array().unwrap().iter().find(|found| found["id"] == "unknown-key").unwrap()["fix"];
    assert_eq!((&fix["title"], &fix["safety"]), (&"write `ExecStart=`".into(), &"safe".into()));
    assert_eq!(fix["edits"][0]["text"], "ExecStart");
    assert_eq!(fix["edits"][0]["place"]["line"], 2);
}

#[test]
fn a_file_whose_name_is_not_text_is_linted_and_fixed() {
    let room = temp_dir();
    let name = std::ffi::OsStr::from_bytes(b"caf\xe9.service");
    std::fs::write(room.path().join(name), MISSPELLED).unwrap();
    let done = lint(room.path(), &["--fix", "--write", "."]);
    assert!(said(&done).contains("2 findings mended in 1 file"), "{}", said(&done));
    assert!(std::fs::read_to_string(room.path().join(name)).unwrap().contains("ExecStart="));
}

#[test]
fn every_rule_page_says_whether_there_is_a_fix() {
    for rule in eightbells::lint::all() {
        let page = output_of(eightbells().args(["explain", rule.id]).current_dir(repository()));
        assert!(page.contains(&format!("\nFix: {}\n", rule.fix.word())), "{page}");
    }
}
