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
fn a_fix_is_not_made_where_another_line_makes_it_doubtful() {
    for text in [
        // The second value is ignored, so that the first one counts.
        "[Service]\nExecStart=/usr/bin/job\nNice=5\nNice=many\n",
        // The misspelled line would take the place of the one that works.
        "[Service]\nExecStart=/usr/bin/job\nRestart=always\nRestrat=no\n",
        // Joined, the value would go on over the comment and take `User=` in.
        "[Service]\nExecStart=/usr/bin/job \\ \n# who\nUser=job\n",
        "[Service]\nExecStart=/usr/bin/job\n\n[Unit]\nRestart=no\n\n[Service]\nRestart=always\n",
    ] {
        let room = room(&[("a.service", text.as_bytes())]);
        let done = lint(room.path(), &["--fix", "--write", "a.service"]);
        assert_eq!(std::fs::read_to_string(room.path().join("a.service")).unwrap(), text, "{}", said(&done));
    }
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
fn json_has_the_keys_that_its_readers_know() {
    let room = room(&[("a.service", b"[Service]\nExecStart=/usr/bin/job\nNice=1\nNice=2\n")]);
    let told: serde_json::Value =
        serde_json::from_slice(&lint(room.path(), &["--format", "json", "a.service"]).stdout).unwrap();
    let keys = |value: &serde_json::Value| value.as_object().unwrap().keys().cloned().collect::<Vec<_>>().join(" ");
    assert_eq!(keys(&told[0]), "severity id message label place others help fix");
    assert_eq!(keys(&told[0]["place"]), "file line column end_line end_column");
    assert_eq!(keys(&told[0]["others"][0]), "text place");
    assert_eq!(keys(&told[0]["fix"]), "title safety edits");
    assert_eq!(keys(&told[0]["fix"]["edits"][0]), "place text");
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

#[test]
fn the_page_of_all_rules_is_what_the_rules_say() {
    let said = output_of(eightbells().args(["explain", "--markdown"]));
    let page = std::fs::read_to_string(repository().join("docs/rules.md")).unwrap();
    assert!(said == page, "docs/rules.md is old: `eightbells explain --markdown > docs/rules.md` writes it");
}

const TIMER: &[u8] = b"[Timer]\nOnUnitActiveSec=4h\nUnit=a.service\n";
const SERVICE: &[u8] = b"[Service]\nExecStart=/usr/bin/job\n";

fn settings(text: &str) -> TempDir {
    room(&[("eightbells.toml", text.as_bytes()), ("units/a.timer", TIMER), ("units/a.service", SERVICE)])
}

#[test]
fn settings_are_found_above_each_file_and_the_command_line_beats_them() {
    let room = settings("[rules]\ntimer-never-fires = \"off\"\n");
    let units = room.path().join("units");
    for (folder, path) in
        [(room.path(), "units"), (room.path(), "."), (units.as_path(), "."), (units.as_path(), "a.timer")]
    {
        let done = lint(folder, &["--allow", "timer-without-unit", path]);
        assert!(done.status.success(), "{path}: {}", said(&done));
    }
    let denied = lint(room.path(), &["--deny", "timer-never-fires", "units"]);
    assert_eq!(denied.status.code(), Some(1), "{}", said(&denied));
    std::fs::create_dir(units.join(".git")).unwrap();
    let beyond = lint(room.path(), &["units"]);
    assert_eq!(beyond.status.code(), Some(1), "a repository's root ends the search: {}", said(&beyond));
    let named = lint(room.path(), &["--config", "eightbells.toml", "units"]);
    assert!(named.status.success(), "{}", said(&named));
}

#[test]
fn the_nearest_settings_count_alone() {
    let room = settings("[rules]\ntimer-never-fires = \"off\"\n");
    std::fs::write(room.path().join("units/eightbells.toml"), "fail_on = 'never'\n").unwrap();
    let done = lint(room.path(), &["units"]);
    assert!(done.status.success() && said(&done).contains("timer-never-fires"), "{}", said(&done));
}

#[test]
fn settings_say_what_files_are_for_what_is_left_out_and_what_fails() {
    let room = room(&[
        ("eightbells.toml", b"target = 'systemd:215'\nexclude = ['old/']\nfail_on = 'error'\n[[paths]]\nmatch = ['new/*']\ntarget = 'systemd:252'\n"),
        ("old/a.service", b"[Srvice]\n"),
        ("a.service", b"[Service]\nExecStart=/usr/bin/job\nReadOnlyPaths=/etc\n"),
        ("new/b.service", b"[Service]\nExecStart=/usr/bin/job\nReadOnlyPaths=/etc\n"),
    ]);
    let done = lint(room.path(), &["--format", "json", ".", "old/a.service"]);
    assert!(done.status.success(), "warnings do not fail here: {}", said(&done));
    let told: serde_json::Value = serde_json::from_slice(&done.stdout).unwrap();
    let told: Vec<_> = told
        .as_array()
        .unwrap()
        .iter()
        .map(|it| (it["id"].as_str().unwrap(), it["place"]["file"].as_str().unwrap()))
        .collect();
    assert_eq!(told, [("key-too-new", "./a.service")]);
    assert_eq!(lint(room.path(), &["--fail-on", "warning", "."]).status.code(), Some(1));
    assert!(lint(room.path(), &["--target", "systemd:255", "--fail-on", "note", "."]).status.success());
}

#[test]
fn settings_allow_findings_by_path_and_an_entry_that_allows_nothing_is_told() {
    let allow = |rule: &str| {
        format!("[[allow]]\nrule = '{rule}'\npaths = ['units/*.timer']\nreason = 'started by hand once'\n")
    };
    let room = settings(&(allow("timer-never-fires") + &allow("duplicate-key")));
    let whole = lint(room.path(), &["."]);
    assert_eq!(whole.status.code(), Some(1), "{}", said(&whole));
    assert!(said(&whole).contains("eightbells.toml:6:8"), "{}", said(&whole));
    assert!(said(&whole).contains("allow-unused") && !said(&whole).contains("timer-never-fires"), "{}", said(&whole));
    let part = lint(room.path(), &["units"]);
    assert!(part.status.success(), "what allows nothing here may allow something elsewhere: {}", said(&part));
    let fixed = lint(room.path(), &["--fix", "--unsafe", "units"]);
    assert!(fixed.stdout.is_empty(), "what is allowed is not fixed: {}", said(&fixed));
}

#[test]
fn wrong_settings_are_told_with_their_place_and_nothing_is_linted() {
    let room = settings("[rules]\ntimer-never-fire = \"off\"\n");
    let done = lint(room.path(), &["units"]);
    assert_eq!(done.status.code(), Some(78), "{}", said(&done));
    assert!(
        said(&done).contains("eightbells.toml:2:1") && said(&done).contains("did you mean `timer-never-fires`?"),
        "{}",
        said(&done)
    );
    assert_eq!(lint(room.path(), &["--config", "none.toml", "units"]).status.code(), Some(78));
}

#[test]
fn exposure_above_the_highest_of_the_settings_is_told() {
    let room = settings(
        "max_exposure = 5.0\n[rules]\ntimer-never-fires = 'off'\n[[paths]]\nmatch = ['more/**']\nmax_exposure = 10\n",
    );
    std::fs::create_dir(room.path().join("more")).unwrap();
    std::fs::write(room.path().join("more/b.service"), SERVICE).unwrap();
    let done = lint(room.path(), &["."]);
    assert!(said(&done).contains("units/a.service") && !said(&done).contains("more/b.service"), "{}", said(&done));
    assert!(lint(room.path(), &["--max-exposure", "10", "."]).status.success());
}

fn lint_text(folder: &Path, args: &[&str], text: &[u8]) -> Output {
    let mut command = crate::support::program::asserted(eightbells());
    command.arg("lint").args(args).current_dir(folder).write_stdin(text).output().unwrap()
}

#[test]
fn a_text_from_standard_input_is_linted_as_the_file_that_it_is_named_after() {
    let room = settings("");
    let named = lint_text(
        room.path(),
        &["--stdin-filename", "units/a.timer", "--format", "json", "-", "units"],
        b"[Timer]\nOnCalendar=dayly\n",
    );
    assert!(
        stdout(&named).contains("bad-calendar") && !stdout(&named).contains("timer-never-fires"),
        "{}",
        said(&named)
    );
    assert!(!stdout(&named).contains("timer-without-unit"), "{}", said(&named));
    let unnamed = lint_text(room.path(), &["-"], b"[Timer]\nOnCalendar=dayly\n");
    assert!(said(&unnamed).contains("stdin.timer:2:12"), "{}", said(&unnamed));
    assert_eq!(lint(room.path(), &["--stdin-filename", "a.timer", "units"]).status.code(), Some(2));
}

#[test]
fn a_text_from_standard_input_is_mended_on_standard_output() {
    let room = temp_dir();
    let fixed = lint_text(room.path(), &["--fix", "--write", "-"], MISSPELLED);
    assert_eq!(stdout(&fixed), "[Service]\nExecStart=/usr/bin/job\nRemainAfterExit=true\n");
    let same = lint_text(room.path(), &["--fix", "--write", "-"], SERVICE);
    assert_eq!((stdout(&same).as_bytes(), same.status.code()), (SERVICE, Some(0)));
    let shown = lint_text(room.path(), &["--fix", "-"], MISSPELLED);
    assert!(stdout(&shown).starts_with("--- a/stdin.service\n"), "{}", said(&shown));
    assert_eq!(lint_text(room.path(), &["--fix", "--write", "-", "."], MISSPELLED).status.code(), Some(2));
}

#[test]
fn a_closing_line_counts_what_was_found_and_what_can_be_mended() {
    let room = settings("");
    let done = lint(room.path(), &["units"]);
    assert!(said(&done).ends_with("1 error in 1 of 2 files; `--fix --unsafe` mends 1\n"), "{}", said(&done));
    let clean = lint(room.path(), &["units/a.service"]);
    assert_eq!(said(&clean), "nothing found in 1 file\n");
}
