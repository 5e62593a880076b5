//! What runs around a run: hooks, and waiting for another run.

use std::fs;
use std::time::{Duration, Instant};

use crate::backup::{Bench, PRINTS, SOON, assert_one_set, code, fifty_megabytes_then, long_sleep, runs};
use crate::support::{said, wait_until};

fn stderr(output: &std::process::Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// A hook that adds its moment and what a shell makes of `text` to the file `log`.
fn notes(bench: &Bench, text: &str) -> String {
    format!("[sh, -c, 'echo \"$EIGHTBELLS_HOOK {text}\" >>{}']", bench.path("log").display())
}

fn log(bench: &Bench) -> Vec<String> {
    fs::read_to_string(bench.path("log")).unwrap_or_default().lines().map(str::to_owned).collect()
}

/// Hooks of every moment that note down what they are told.
fn all_hooks(bench: &Bench, text: &str) -> String {
    let note = notes(bench, text);
    format!("hooks: {{before: {note}, after: {note}, failed: {note}, finally: {note}}}")
}

#[test]
fn hooks_run_in_order_and_are_told_what_happens() {
    let bench = Bench::local();
    let hooks = all_hooks(&bench, "$EIGHTBELLS_JOB_NAME/$EIGHTBELLS_SOURCE $EIGHTBELLS_STATE $EIGHTBELLS_BYTES_DUMPED");
    let source = format!("{}, {hooks}}}", PRINTS.trim_end_matches('}'));
    bench.job(&[&source], &hooks);
    let output = bench.run();
    assert_eq!(code(&output), 0, "{}", said(&output));
    assert_one_set(&bench.on_disk(), 1);
    let expected = [
        "before job/ running 0",
        "before job/db running 0",
        "after job/db done 1288895",
        "finally job/db done 1288895",
        "after job/ done 1288895",
        "finally job/ done 1288895",
    ];
    assert_eq!(log(&bench), expected);
    assert_eq!(bench.owed(), 0);
}

#[test]
fn a_hook_reads_the_report_and_gets_its_secret_and_no_other() {
    let bench = Bench::local();
    let script = format!(
        "env >{env}; cat >{report}; echo $TOKEN; test \"$TOKEN\" = hook-secret-1",
        env = bench.path("env").display(),
        report = bench.path("report").display()
    );
    let hook = format!("hooks: {{finally: {{run: [sh, -c, '{script}'], env: {{TOKEN: {{env: HOOK_TOKEN}}}}}}}}");
    bench.job(&[PRINTS], &hook);
    let output =
        bench.runner("backup").env("HOOK_TOKEN", "hook-secret-1").env("OTHER", "runner-secret-2").output().unwrap();
    assert_eq!(code(&output), 0, "{}", said(&output));
    let environment = fs::read_to_string(bench.path("env")).unwrap();
    assert!(environment.contains("EIGHTBELLS_STATE=done") && !environment.contains("runner-secret-2"), "{environment}");
    assert!(stderr(&output).contains("***") && !said(&output).contains("hook-secret-1"), "{}", said(&output));
    let report: serde_json::Value = serde_json::from_str(&fs::read_to_string(bench.path("report")).unwrap()).unwrap();
    assert_eq!(report["sources"][0]["raw_size"], 1_288_895);
    let object = report["sources"][0]["object"].as_str().unwrap().to_owned();
    assert!(bench.on_disk().contains(&object) && environment.contains(&object));
}

#[test]
fn a_hook_that_fails_before_the_dump_fails_the_run_and_the_last_ones_still_run() {
    let bench = Bench::local();
    let (dumped, note) = (bench.path("dumped"), notes(&bench, "$EIGHTBELLS_STATE $EIGHTBELLS_ERROR"));
    let before = "[[sh, -c, \"echo the disk is not there >&2; exit 3\"], [touch, /never-reached]]";
    let source = format!("db: {{command: [touch, \"{}\"], extension: x}}", dumped.display());
    bench.job(&[&source], &format!("hooks: {{before: {before}, after: {note}, failed: {note}, finally: {note}}}"));
    let output = bench.run();
    assert_eq!(code(&output), 1, "{}", said(&output));
    assert!(!dumped.exists());
    bench.assert_nothing_anywhere("before fails");
    let log = log(&bench);
    assert!(log[0].starts_with("failed failed the hook `sh` in `before` failed"), "{log:?}");
    assert!(
        log.iter().any(|line| line.contains("exited with status 3")) && log.iter().any(|l| l.contains("not there"))
    );
    assert!(log.iter().any(|line| line.starts_with("finally failed")), "{log:?}");
    assert!(!log.iter().any(|line| line.starts_with("after")), "{log:?}");
}

#[test]
fn a_hook_that_says_not_now_ends_the_run_without_a_failure() {
    let bench = Bench::local();
    let note = notes(&bench, "$EIGHTBELLS_STATE");
    for before in ["[sh, -c, \"exit 75\"]", "{run: [\"false\"], on_error: skip}"] {
        let _ = fs::remove_file(bench.path("log"));
        bench.job(&[PRINTS], &format!("hooks: {{before: {before}, failed: {note}, finally: {note}}}"));
        let output = bench.run();
        assert_eq!(code(&output), 0, "{}", said(&output));
        assert!(stderr(&output).contains("nothing to do"), "{}", said(&output));
        bench.assert_nothing_anywhere(before);
        assert_eq!(log(&bench), ["finally skipped"]);
    }
    // A source's own says it for the whole set, of which something is staged already.
    let source = "other: {command: [seq, \"9\"], extension: x, hooks: {before: [sh, -c, \"exit 75\"]}}";
    bench.job(&[PRINTS, source], "");
    let output = bench.run();
    assert_eq!(code(&output), 0, "{}", said(&output));
    bench.assert_nothing_anywhere("a source is skipped");
}

#[test]
fn a_hook_that_only_warns_changes_nothing() {
    let bench = Bench::local();
    let hook = "{run: [\"false\"], on_error: warn}";
    bench.job(&[PRINTS], &format!("hooks: {{before: {hook}, after: {hook}, finally: {hook}}}"));
    let output = bench.run();
    assert_eq!(code(&output), 0, "{}", said(&output));
    assert_eq!(stderr(&output).matches("warning: the hook `false`").count(), 3, "{}", said(&output));
    assert_one_set(&bench.on_disk(), 1);
}

/// rustic's hooks: one that failed after the run never made `run-failed` run.
#[test]
fn a_hook_that_fails_after_the_dump_keeps_the_archive_and_makes_the_failed_ones_run() {
    let bench = Bench::local();
    let note = notes(&bench, "$EIGHTBELLS_STATE");
    for (job, source) in [(true, false), (false, true)] {
        let _ = fs::remove_file(bench.path("log"));
        let hooks = format!("hooks: {{after: [\"false\"], failed: {note}, finally: {note}}}");
        let of_source = if source { format!("{}, {hooks}}}", PRINTS.trim_end_matches('}')) } else { PRINTS.to_owned() };
        bench.job(&[&of_source], if job { &hooks } else { "" });
        std::thread::sleep(Duration::from_millis(1100));
        let before = bench.on_disk().len();
        let output = bench.run();
        assert_eq!(code(&output), 3, "{}", said(&output));
        assert_eq!(log(&bench), ["failed partial", "finally partial"]);
        assert_eq!(bench.on_disk().len(), before + 2);
        assert!(stderr(&output).contains("error: the hook `false` in `after`"), "{}", said(&output));
    }
}

#[test]
fn a_hook_that_hangs_is_ended_with_all_that_it_started() {
    let bench = Bench::local();
    let sleep = long_sleep("61");
    let hook = format!("{{run: [sh, -c, \"{sleep} & {sleep}\"], timeout: 1s}}");
    bench.job(&[PRINTS], &format!("hooks: {{before: {hook}}}"));
    let begun = Instant::now();
    let output = bench.run();
    assert_eq!(code(&output), 1, "{}", said(&output));
    assert!(begun.elapsed() < Duration::from_secs(15));
    assert!(stderr(&output).contains("took longer than its timeout"), "{}", said(&output));
    assert!(!runs(&sleep));
    assert_eq!(bench.owed(), 0);
}

#[test]
fn what_must_happen_at_the_end_happens_after_sigterm_too() {
    let bench = Bench::local();
    let note = notes(&bench, "$EIGHTBELLS_STATE");
    bench.job(&[&fifty_megabytes_then("sleep 60")], &format!("hooks: {{failed: {note}, finally: {note}}}"));
    let mut run = bench.start();
    assert!(wait_until(SOON, || !bench.on_disk().is_empty()));
    run.signal("-TERM");
    let output = run.output();
    assert_eq!(code(&output), 1, "{}", said(&output));
    assert_eq!(log(&bench), ["failed failed", "finally failed"]);
    bench.assert_nothing_anywhere("SIGTERM");
}

#[test]
fn a_secret_that_cannot_be_read_is_told_by_the_hooks() {
    let bench = Bench::local();
    let source = "db: {command: [seq, \"9\"], extension: x, env: {P: {env: NOT_SET_ANYWHERE}}}";
    bench.job(&[source], &format!("hooks: {{failed: {}}}", notes(&bench, "$EIGHTBELLS_ERROR")));
    let output = bench.run();
    assert_eq!(code(&output), 1, "{}", said(&output));
    assert!(log(&bench).iter().any(|line| line.contains("NOT_SET_ANYWHERE")), "{:?}", log(&bench));
}

#[test]
fn a_run_waits_for_another_one_as_long_as_it_is_told_to() {
    let bench = Bench::local();
    bench.job(&["db: {command: [sh, -c, \"sleep 3; echo x\"], extension: x}"], "wait: 30s");
    let first = bench.start();
    assert!(wait_until(SOON, || !bench.on_disk().is_empty()));
    let turned_away = bench.runner("backup").args(["--wait", "0s"]).output().unwrap();
    assert_eq!(code(&turned_away), 75, "{}", said(&turned_away));
    let begun = Instant::now();
    let impatient = bench.runner("backup").args(["--wait", "500ms"]).output().unwrap();
    assert_eq!(code(&impatient), 75, "{}", said(&impatient));
    assert!(begun.elapsed() >= Duration::from_millis(500));
    let second = bench.run();
    assert_eq!(code(&second), 0, "{}", said(&second));
    assert_eq!(code(&first.output()), 0);
    assert_eq!(bench.on_disk().len(), 4);
}
