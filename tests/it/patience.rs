//! Trying again, limits of time, and what is kept of every run.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use crate::backup::{Bench, PRINTS, assert_one_set, code, fifty_megabytes_then, files, long_sleep, runs};
use crate::support::chaos::{ChaosProxy, Fault, Faults};
use crate::support::{find_program, said};

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// The newest report that the state directory keeps.
fn report(bench: &Bench) -> serde_json::Value {
    let folder = bench.path("state/job.reports");
    let newest = files(&folder).pop().unwrap();
    serde_json::from_str(&fs::read_to_string(folder.join(newest)).unwrap()).unwrap()
}

/// A source that fails until it was begun so many times.
fn works_the_nth_time(bench: &Bench, n: usize) -> String {
    let mark = bench.path("tries").display().to_string();
    format!(
        "db: {{command: [sh, -c, \"echo x >>{mark}; test $(wc -l <{mark}) -ge {n} || exit 1; echo content\"], extension: x}}"
    )
}

#[test]
fn a_run_that_fails_is_tried_again_after_growing_pauses() {
    let bench = Bench::local();
    bench.job(&[&works_the_nth_time(&bench, 3)], "retry: {times: 3, wait: 500ms, backoff: 2}");
    let begun = Instant::now();
    let output = bench.run();
    assert_eq!(code(&output), 0, "{}", said(&output));
    assert!(begun.elapsed() >= Duration::from_millis(1500), "{:?}", begun.elapsed());
    assert_one_set(&bench.on_disk(), 1);
    assert_eq!(report(&bench)["attempts"], 3);
    assert_eq!(stderr(&output).matches("warning: try ").count(), 2, "{}", said(&output));
}

#[test]
fn the_last_try_s_failure_is_the_run_s() {
    let bench = Bench::local();
    bench.job(&[&works_the_nth_time(&bench, 9)], "retry: {times: 1, wait: 100ms}");
    let output = bench.run();
    assert_eq!(code(&output), 1, "{}", said(&output));
    assert_eq!(fs::read_to_string(bench.path("tries")).unwrap().lines().count(), 2);
    bench.assert_nothing_anywhere("tried twice");
}

#[test]
fn what_trying_again_cannot_help_is_not_tried_again() {
    let bench = Bench::local();
    for source in ["db: {command: [\"true\"], extension: x}", "db: {command: [no-such-program], extension: x}"] {
        bench.job(&[source], "retry: {times: 5, wait: 1h}");
        let output = bench.run();
        assert_eq!(code(&output), 1, "{}", said(&output));
        assert_eq!(report(&bench)["attempts"], 1);
    }
}

#[test]
fn a_run_ends_at_its_limit_and_says_which() {
    let bench = Bench::local();
    let sleep = long_sleep("71");
    let dribble = "db: {command: [sh, -c, \"while :; do echo x; sleep 0.2; done\"], extension: x}";
    for (source, limits, words) in [
        (dribble.to_owned(), "{run: 2s}", "`timeouts.run`"),
        (fifty_megabytes_then(&sleep), "{idle: 2s}", "`timeouts.idle`"),
    ] {
        bench.job(&[&source], &format!("timeouts: {limits}"));
        let begun = Instant::now();
        let output = bench.run();
        assert_eq!(code(&output), 1, "{}", said(&output));
        assert!(stderr(&output).contains(words), "{}", said(&output));
        assert!(begun.elapsed() < Duration::from_secs(30));
        bench.assert_nothing_anywhere(limits);
        assert_eq!(bench.owed(), 0);
    }
    assert!(!runs(&sleep));
}

#[test]
fn slow_is_not_idle() {
    let bench = Bench::local();
    let slow = "db: {command: [sh, -c, \"for i in 1 2 3 4 5 6 7 8; do echo $i; sleep 0.5; done\"], extension: x}";
    bench.job(&[slow], "timeouts: {idle: 2s}");
    let output = bench.run();
    assert_eq!(code(&output), 0, "{}", said(&output));
}

#[test]
fn a_destination_that_stalls_falls_out_and_the_other_has_it_all() {
    let Some(mut bench) = Bench::with_s3() else { return };
    let proxy = ChaosProxy::start(bench.s3().port(), |_| Faults::up(Fault::StallAfter(4_000_000)));
    bench.bucket_at("stalling", "q/", proxy.port());
    bench.job(&[&fifty_megabytes_then("true")], "timeouts: {stall: 3s}");
    let begun = Instant::now();
    let output = bench.run();
    assert_eq!(code(&output), 3, "{}", said(&output));
    assert!(
        stderr(&output).contains("it has stalled") && begun.elapsed() < Duration::from_secs(60),
        "{}",
        said(&output)
    );
    assert_one_set(&bench.on_disk(), 1);
    assert!(bench.in_bucket().iter().all(|key| key.starts_with("p/")), "{:?}", bench.in_bucket());
}

#[test]
fn a_slow_destination_is_waited_for() {
    let Some(mut bench) = Bench::with_s3() else { return };
    // Each connection carries 16 KiB in 5 ms.
    let proxy = ChaosProxy::start(bench.s3().port(), |_| Faults::up(Fault::Delay(Duration::from_millis(5))));
    bench.bucket_at("slow", "q/", proxy.port());
    bench.job(&["db: {command: [head, -c, \"100000000\", /dev/urandom], extension: x}"], "timeouts: {stall: 15s}");
    let begun = Instant::now();
    let output = bench.run();
    assert_eq!(code(&output), 0, "{}", said(&output));
    println!("slow: {:?}", begun.elapsed());
    assert_eq!(bench.in_bucket().iter().filter(|key| key.starts_with("q/")).count(), 2);
}

/// A part has 8 MiB, and takes some ten seconds on a connection of 800 KB/s, which is longer than the patience.
#[test]
fn a_part_that_trickles_for_longer_than_the_patience_has_not_stalled() {
    let Some(mut bench) = Bench::with_s3() else { return };
    let proxy = ChaosProxy::start(bench.s3().port(), |_| Faults::up(Fault::Trickle(Duration::from_millis(20))));
    bench.bucket_at("trickle", "q/", proxy.port());
    bench.job(&["db: {command: [head, -c, \"17000000\", /dev/urandom], extension: x}"], "timeouts: {stall: 7s}");
    let begun = Instant::now();
    let output = bench.run();
    assert_eq!(code(&output), 0, "{}", said(&output));
    assert!(begun.elapsed() > Duration::from_secs(8), "nothing trickled: {:?}", begun.elapsed());
    assert_eq!(bench.in_bucket().iter().filter(|key| key.starts_with("q/")).count(), 2);
}

#[test]
fn a_destination_that_does_not_answer_falls_out_in_time() {
    let Some(mut bench) = Bench::with_s3() else { return };
    let silent = ChaosProxy::silent();
    bench.bucket_at("silent", "q/", silent.port());
    bench.job(&[PRINTS], "timeouts: {connect: 2s}");
    let begun = Instant::now();
    let output = bench.run();
    assert_eq!(code(&output), 3, "{}", said(&output));
    assert!(begun.elapsed() < Duration::from_secs(20), "{:?}", begun.elapsed());
    assert!(stderr(&output).contains("`timeouts.connect`"), "{}", said(&output));
}

#[test]
fn the_last_reports_are_kept_with_the_time_of_every_stage() {
    let bench = Bench::local();
    bench.job(&["db: {command: [sh, -c, \"sleep 1; seq 1 100000\"], extension: x}"], "report: {keep: 2}");
    for _ in 0..3 {
        assert_eq!(code(&bench.run()), 0);
    }
    assert_eq!(files(&bench.path("state/job.reports")).len(), 2);
    let report = report(&bench);
    assert_eq!(report["outcome"], "done");
    for stage in ["dump", "pack", "upload", "commit", "prune"] {
        assert!(report["stages"][stage].is_f64(), "{stage}: {report:#}");
    }
    assert!(report["stages"]["dump"].as_f64().unwrap() >= 0.8, "{report:#}");
    let all: f64 = report["stages"].as_object().unwrap().values().filter_map(serde_json::Value::as_f64).sum();
    assert!(all <= report["seconds"].as_f64().unwrap() + 0.5, "{report:#}");
    assert!(report["destinations"][0]["upload_seconds"].is_f64());
}

#[test]
fn reports_may_lie_elsewhere() {
    let bench = Bench::local();
    bench.job(&[PRINTS], &format!("report: {{path: \"{}\"}}", bench.path("reports/{job}").display()));
    assert_eq!(code(&bench.run()), 0);
    assert_eq!(files(&bench.path("reports/job/job.reports")).len(), 1);
    assert!(!bench.path("state/job.reports").exists());
}

/// Every sample by its name and labels; the rules are those of Prometheus' text format, version 0.0.4.
fn samples(text: &str) -> BTreeMap<String, f64> {
    assert!(text.ends_with('\n'));
    let (mut typed, mut samples, mut last) = (BTreeSet::new(), BTreeMap::new(), String::new());
    for line in text.lines() {
        if let Some(rest) = line.strip_prefix("# ") {
            let mut words = rest.split(' ');
            let (kind, name) = (words.next().unwrap(), words.next().unwrap());
            assert!(kind == "HELP" || kind == "TYPE", "{line}");
            assert!(kind == "HELP" || typed.insert(name.to_owned()), "{line}: twice");
            name.clone_into(&mut last);
            continue;
        }
        let (series, value) = line.rsplit_once(' ').unwrap();
        let name = series.split('{').next().unwrap();
        assert!(name == last && typed.contains(name), "{line}: not below its own TYPE");
        assert!(name.chars().all(|c| c.is_ascii_lowercase() || c == '_'), "{line}");
        let labels = series.strip_prefix(name).unwrap().strip_prefix('{').unwrap().strip_suffix('}').unwrap();
        for label in labels.split(',') {
            let (key, quoted) = label.split_once('=').unwrap();
            assert!(key.chars().all(|c| c.is_ascii_lowercase() || c == '_') && quoted.starts_with('"'), "{line}");
            assert!(quoted.ends_with('"') && quoted.len() > 1, "{line}");
        }
        assert!(samples.insert(series.to_owned(), value.parse::<f64>().unwrap()).is_none(), "{line}: twice");
    }
    samples
}

#[test]
fn metrics_are_what_prometheus_reads() {
    let bench = Bench::local();
    let folder = bench.path("metrics");
    fs::create_dir(&folder).unwrap();
    let job = |source: &str| bench.job(&[source], &format!("report: {{metrics: {}}}", folder.display()));
    job(PRINTS);
    assert_eq!(code(&bench.run()), 0);
    assert_eq!(files(&folder), ["eightbells_job.prom"]);
    let read = || fs::read_to_string(folder.join("eightbells_job.prom")).unwrap();
    let good = samples(&read());
    assert_eq!(good["eightbells_source_dumped_bytes{backup_job=\"job\",source=\"db\"}"].to_string(), "1288895");
    assert_eq!(good["eightbells_run_exit_code{backup_job=\"job\"}"].to_string(), "0");
    assert_eq!(good["eightbells_destination_stored{backup_job=\"job\",destination=\"disk\"}"].to_string(), "1");
    assert!(good["eightbells_throughput_bytes_per_second{backup_job=\"job\"}"] > 0.0);
    std::thread::sleep(Duration::from_millis(1100));
    job("db: {command: [\"false\"], extension: x}");
    assert_eq!(code(&bench.run()), 1);
    let bad = samples(&read());
    let (last_good, start) = (
        "eightbells_last_success_timestamp_seconds{backup_job=\"job\"}",
        "eightbells_run_start_timestamp_seconds{backup_job=\"job\"}",
    );
    assert!((bad[last_good] - good[start]).abs() < 0.1 && bad[start] > bad[last_good]);
    assert_eq!(bad["eightbells_run_state{backup_job=\"job\",state=\"failed\"}"].to_string(), "1");
    if let Some(promtool) = find_program("promtool") {
        let file = fs::File::open(folder.join("eightbells_job.prom")).unwrap();
        let checked = Command::new(promtool).args(["check", "metrics"]).stdin(file).output().unwrap();
        assert!(checked.status.success(), "{}", said(&checked));
    }
}

#[test]
fn metrics_that_cannot_be_written_fail_no_backup() {
    let bench = Bench::local();
    bench.job(&[PRINTS], "report: {metrics: /no-such-folder/x}");
    let output = bench.run();
    assert_eq!(code(&output), 0, "{}", said(&output));
    assert!(
        stderr(&output).contains("warning: `/no-such-folder/x/eightbells_job.prom` cannot be kept"),
        "{}",
        said(&output)
    );
}

#[test]
fn status_tells_runs_sizes_and_what_is_overdue() {
    let bench = Bench::local();
    bench.job(&[PRINTS], "");
    let status = |more: &[&str]| {
        let mut command = crate::support::program::runner();
        command.arg("status").arg("--spec").arg(bench.path("spec.yaml")).args(more);
        command.env("EIGHTBELLS_STATE_DIR", bench.path("state")).output().unwrap()
    };
    assert_eq!(code(&status(&[])), 1, "a job that never ran");
    for _ in 0..2 {
        assert_eq!(code(&bench.run()), 0);
        std::thread::sleep(Duration::from_millis(1100));
    }
    let output = status(&["job"]);
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(code(&output), 0, "{}", said(&output));
    for part in ["last run", ", done", "last success", "next run", "▅▅"] {
        assert!(text.contains(part), "{part}: {text}");
    }
    assert_eq!(code(&status(&["--slack", "0s", "--json"])), 0);
    for name in files(&bench.path("state/job.reports")) {
        let path = bench.path("state/job.reports").join(name);
        let text = fs::read_to_string(&path).unwrap();
        fs::write(&path, text.replace("\"time\": \"20", "\"time\": \"19")).unwrap();
    }
    let overdue = status(&["--slack", "0s", "--json"]);
    assert_eq!(code(&overdue), 1, "{}", said(&overdue));
    let told: serde_json::Value = serde_json::from_slice(&overdue.stdout).unwrap();
    assert_eq!((told[0]["overdue"].as_bool(), told[0]["known_from"].as_str()), (Some(true), Some("reports")));
    assert_eq!(told[0]["sizes"].as_array().unwrap().len(), 2);
    bench.job(&["db: {command: [\"false\"], extension: x}"], "");
    assert_eq!(code(&bench.run()), 1);
    let failed = status(&[]);
    assert_eq!(code(&failed), 1);
    assert!(String::from_utf8_lossy(&failed.stdout).contains(", failed: the source `db`"), "{}", said(&failed));
    // Another host knows what lies at the destination.
    fs::remove_dir_all(bench.path("state")).unwrap();
    let elsewhere = status(&[]);
    assert_eq!(code(&elsewhere), 0, "{}", said(&elsewhere));
    assert!(String::from_utf8_lossy(&elsewhere.stdout).contains("from the destinations"), "{}", said(&elsewhere));
}
