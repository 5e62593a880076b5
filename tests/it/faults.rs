//! The table of faults: what is tried, what is visible at every destination afterwards, what the next run leaves.
//!
//! A row ends well where no destination shows a set that is not whole, nothing that was good before is gone, and the
//! next run of the job succeeds and leaves nothing else behind. Few rows of the slow ones run every time; `tests/long`
//! runs them all.

use std::collections::BTreeSet;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::process::{Command, Output};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use crate::backup::{Bench, PRINTS, SOON, code, fifty_megabytes_then, long_sleep, runs, wait_for_the_middle};
use crate::support::chaos::{ChaosProxy, Fault, Faults};
use crate::support::etcd::Etcd;
use crate::support::{find_program, loopback, said, sized, skip, wait_until};

/// What became of every fault that a test tried.
#[derive(Default)]
struct Table(Mutex<Vec<String>>);

impl Table {
    fn row(&self, fault: &str, exit: i32, lost: usize, left: usize) {
        self.0.lock().unwrap().push(format!("{fault:<58} exit {exit:<3} lost {lost}  left over {left}"));
        assert_eq!((lost, left), (0, 0), "{fault}");
    }

    #[expect(clippy::print_stdout, reason = "the table is what the test is for")]
    fn print(&self, what: &str) {
        let rows = self.0.lock().unwrap();
        println!("{what}: {} faults tried, data lost: none, left over after the next run: none", rows.len());
        rows.iter().for_each(|row| println!("  {row}"));
    }
}

/// Whole sets by the time in their names; panics at a set that shows itself and is not whole.
fn whole_sets(names: &[String], objects: usize) -> BTreeSet<String> {
    let time = |name: &String| name.rsplit('_').next().unwrap().split('.').next().unwrap().to_owned();
    let sets: BTreeSet<String> = names.iter().filter(|name| name.contains("_manifest_")).map(time).collect();
    for set in &sets {
        let count = names.iter().filter(|name| time(name) == *set).count();
        assert_eq!(count, objects + 1, "{set}: {names:?}");
    }
    sets
}

fn visible(names: Vec<String>) -> Vec<String> {
    names.into_iter().map(|name| name.rsplit('/').next().unwrap().to_owned()).filter(|n| !n.starts_with('.')).collect()
}

/// What is at the places that hold nothing but whole sets once all is in order.
fn left_over(bench: &Bench) -> usize {
    let hidden = bench.on_disk().iter().filter(|name| name.starts_with('.')).count();
    let orphans = |names: Vec<String>| {
        let names = visible(names);
        names.len() - whole_sets(&names, 1).len() * 2
    };
    hidden + orphans(bench.on_disk()) + orphans(bench.in_bucket()) + bench.uploads().len() + bench.owed()
}

/// A run after the fault: it succeeds, what was good before is there still, and nothing else.
fn recovers(bench: &Bench, table: &Table, fault: &str, exit: i32, before: &BTreeSet<String>) {
    thread::sleep(Duration::from_millis(1100));
    bench.job(&[PRINTS], "");
    let next = bench.run();
    assert_eq!(code(&next), 0, "after {fault}: {}", said(&next));
    let now = whole_sets(&visible(bench.on_disk()), 1);
    let lost = before.iter().filter(|set| !now.contains(*set)).count();
    table.row(fault, exit, lost, left_over(bench));
}

fn good_before(bench: &Bench) -> BTreeSet<String> {
    bench.job(&[PRINTS], "");
    assert_eq!(code(&bench.run()), 0);
    thread::sleep(Duration::from_millis(1100));
    whole_sets(&visible(bench.on_disk()), 1)
}

#[test]
fn killed_at_any_point_of_a_run_nothing_is_lost_and_nothing_is_left() {
    let points = sized(4, 20);
    let table = Table::default();
    let Some(mut bench) = Bench::with_s3() else { return };
    bench.keep_everywhere("{last: 3, within: 1d}");
    let before = good_before(&bench);
    let source =
        "db: {command: [sh, -c, \"for i in 1 2 3 4; do head -c 6000000 /dev/urandom; sleep 0.1; done\"], extension: x}";
    bench.job(&[source], "hooks: {before: [sleep, \"0.1\"], after: [sleep, \"0.1\"]}");
    let begun = Instant::now();
    assert_eq!(code(&bench.run()), 0);
    let whole = begun.elapsed();
    for point in 0..points {
        thread::sleep(Duration::from_millis(1100));
        bench.job(&[source], "hooks: {before: [sleep, \"0.1\"], after: [sleep, \"0.1\"]}");
        let mut run = bench.start();
        thread::sleep(whole.mul_f64((f64::from(point) + 0.5) / f64::from(points)));
        run.signal("-KILL");
        run.output();
        whole_sets(&visible(bench.on_disk()), 1);
        whole_sets(&visible(bench.in_bucket()), 1);
        recovers(&bench, &table, &format!("kill -9 at {} of {points}", point + 1), -9, &before);
    }
    table.print("kill -9");
}

#[test]
fn a_run_of_another_host_leaves_a_live_upload_alone() {
    let Some(bench) = Bench::with_s3() else { return };
    let gate = bench.path("gate");
    let source = fifty_megabytes_then(&format!("while [ ! -e {} ]; do sleep 0.1; done", gate.display()));
    bench.job(&[&source], "archive: {compression: none}");
    let live = bench.start();
    wait_for_the_middle(&bench);
    let (staged, uploads) = (bench.on_disk(), bench.uploads());
    // Another state directory is another host: it knows nothing of this one's journal.
    bench.job(&[PRINTS], "");
    // Names tell seconds: two hosts whose job has no `{host}` in its names must not begin in the same one.
    thread::sleep(Duration::from_millis(1100));
    let other = bench.runner("backup").env("EIGHTBELLS_STATE_DIR", bench.path("other")).output().unwrap();
    assert_eq!(code(&other), 0, "{}", said(&other));
    assert!(staged.iter().all(|name| bench.on_disk().contains(name)));
    assert!(uploads.iter().all(|upload| bench.uploads().contains(upload)));
    fs::write(gate, "").unwrap();
    let output = live.output();
    assert_eq!(code(&output), 0, "{}", said(&output));
    assert_eq!(whole_sets(&visible(bench.in_bucket()), 1).len(), 2);
    assert_eq!(left_over(&bench), 0);
}

#[test]
fn a_dump_that_fails_at_any_time_leaves_everything_as_it_was() {
    let Some(bench) = Bench::with_s3() else { return };
    let (table, before) = (Table::default(), good_before(&bench));
    let hang = long_sleep("91");
    let timed = |source: String| source.replace("extension: sql", "extension: sql, timeout: 2s");
    for (fault, source) in [
        ("the dump's program is missing", "db: {command: [no-such-program], extension: sql}".to_owned()),
        ("the dump fails at its start", "db: {command: [sh, -c, \"exit 1\"], extension: sql}".into()),
        ("the dump fails in its middle", fifty_megabytes_then("exit 1")),
        ("the dump is killed in its middle", fifty_megabytes_then("kill -9 $$")),
        ("the dump fails at its end", "db: {command: [sh, -c, \"seq 1 200000; exit 1\"], extension: sql}".into()),
        ("the dump prints nothing", "db: {command: [\"true\"], extension: sql}".into()),
        ("the dump hangs", timed(fifty_megabytes_then(&hang))),
    ] {
        bench.job(&[&source], "");
        let output = bench.run();
        assert_eq!(code(&output), 1, "{fault}: {}", said(&output));
        assert_eq!(whole_sets(&visible(bench.on_disk()), 1), whole_sets(&visible(bench.in_bucket()), 1), "{fault}");
        recovers(&bench, &table, fault, 1, &before);
    }
    assert!(!runs(&hang));
    table.print("dumps");
}

/// An S3 server that lists nothing and answers every write with one status.
fn faulty_s3(status: u16, word: &'static str) -> (u16, Arc<AtomicBool>) {
    let listener = TcpListener::bind(loopback(0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    let asked = Arc::new(AtomicBool::new(false));
    let told = Arc::clone(&asked);
    thread::spawn(move || {
        for client in listener.incoming().map_while(Result::ok) {
            let told = Arc::clone(&told);
            thread::spawn(move || {
                let mut reader = BufReader::new(&client);
                let (mut first, mut length) = (String::new(), 0);
                loop {
                    let mut line = String::new();
                    if reader.read_line(&mut line).unwrap_or(0) == 0 || line.trim().is_empty() {
                        break;
                    }
                    let lower = line.to_ascii_lowercase();
                    length =
                        lower.strip_prefix("content-length: ").and_then(|n| n.trim().parse().ok()).unwrap_or(length);
                    first = if first.is_empty() { line } else { first };
                }
                let _ = std::io::copy(&mut reader.by_ref().take(length), &mut std::io::sink());
                let (code, body) = match first.split(' ').next().unwrap_or("") {
                    "GET" => (200, "<ListBucketResult><IsTruncated>false</IsTruncated></ListBucketResult>".to_owned()),
                    "HEAD" => (404, String::new()),
                    _ => {
                        told.store(true, Ordering::Relaxed);
                        (status, format!("<Error><Code>{word}</Code><Message>no</Message></Error>"))
                    }
                };
                let length = body.len();
                let answer =
                    format!("HTTP/1.1 {code} X\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}");
                let _ = (&client).write_all(answer.as_bytes());
            });
        }
    });
    (port, asked)
}

#[test]
fn whatever_a_server_answers_the_other_destination_has_it_all() {
    let table = Table::default();
    let all = [(403, "AccessDenied"), (503, "SlowDown"), (500, "InternalError")];
    // A server that is busy is asked again for half a minute.
    for (status, word) in all.into_iter().take(sized(1, 3)) {
        let Some(mut bench) = Bench::with_s3() else { return };
        let before = good_before(&bench);
        let healthy = (bench.destinations.clone(), bench.stores.clone());
        let (port, asked) = faulty_s3(status, word);
        bench.bucket_at("faulty", "q/", port);
        bench.job(&[PRINTS], "");
        let output = bench.run();
        assert_eq!(code(&output), 3, "{word}: {}", said(&output));
        assert!(asked.load(Ordering::Relaxed));
        (bench.destinations, bench.stores) = healthy;
        recovers(&bench, &table, &format!("the server answers {status} {word}"), 3, &before);
    }
    table.print("answers");
}

#[test]
fn whatever_a_connection_does_the_other_destination_has_it_all() {
    let table = Table::default();
    let settings = "archive: {compression: none}\ntimeouts: {stall: 3s, connect: 5s}";
    let all = [
        ("the connection is reset midway", Faults::up(Fault::ResetAfter(3_000_000))),
        ("the connection stalls midway", Faults::up(Fault::StallAfter(3_000_000))),
        ("the server is silent from the start", Faults { up: Fault::StallAfter(0), down: Fault::StallAfter(0) }),
        ("half an answer, then nothing", Faults::down(Fault::StallAfter(60))),
        ("half an answer, then the end", Faults::down(Fault::CutAfter(60))),
        ("a byte is changed on its way: the digest is wrong", Faults::up(Fault::GarbleAt(2_000_000))),
        ("the connection is cut midway", Faults::up(Fault::CutAfter(3_000_000))),
    ];
    for (fault, faults) in all.into_iter().take(sized(4, 7)) {
        let Some(mut bench) = Bench::with_s3() else { return };
        let before = good_before(&bench);
        let healthy = (bench.destinations.clone(), bench.stores.clone());
        let proxy = ChaosProxy::start(bench.s3().port(), move |_| faults);
        bench.bucket_at("spoiled", "q/", proxy.port());
        bench.job(&[&fifty_megabytes_then("true")], settings);
        let output = bench.run();
        assert_eq!(code(&output), 3, "{fault}: {}", said(&output));
        let spoiled = bench.in_bucket().into_iter().filter(|key| key.starts_with("q/")).count();
        assert_eq!(spoiled, 0, "{fault}: {:?}", bench.in_bucket());
        // What could not be aborted through the proxy is aborted by the next run, at the same place.
        drop(proxy);
        bench.stores = healthy.1.clone();
        bench.destinations = healthy.0.clone();
        let port = bench.s3().port();
        bench.bucket_at("spoiled", "q/", port);
        bench.job(&[PRINTS], "");
        thread::sleep(Duration::from_millis(1100));
        let next = bench.run();
        assert_eq!(code(&next), 0, "after {fault}: {}", said(&next));
        let uploads = bench.uploads().len() + bench.owed();
        let lost = before.iter().filter(|set| !whole_sets(&visible(bench.on_disk()), 1).contains(*set)).count();
        table.row(fault, 3, lost, uploads);
    }
    table.print("connections");
}

#[test]
fn etcd_gone_a_stop_and_a_clock_set_back_lose_nothing() {
    let table = Table::default();
    let Some(bench) = Bench::with_s3() else { return };
    let before = good_before(&bench);
    bench.job(&[PRINTS], "concurrency: {group: g, max: 1}");
    let spec = fs::read_to_string(bench.path("spec.yaml")).unwrap();
    let etcd = format!("target: systemd\netcd: {{endpoints: [\"{}\"]}}\n", Etcd::dead_endpoint());
    fs::write(bench.path("spec.yaml"), spec.replace("target: systemd\n", &etcd)).unwrap();
    let output = bench.run();
    assert_eq!(code(&output), 1, "{}", said(&output));
    recovers(&bench, &table, "etcd is gone", 1, &before);
    bench.job(&[&fifty_megabytes_then("sleep 60")], "archive: {compression: none}");
    let mut run = bench.start();
    wait_for_the_middle(&bench);
    run.signal("-TERM");
    assert_eq!(code(&run.output()), 1);
    recovers(&bench, &table, "SIGTERM in the middle", 1, &before);
    if find_program("faketime").is_some() {
        let sets = whole_sets(&visible(bench.on_disk()), 1);
        let output = at_another_time(&bench, "-2 days");
        // A server refuses requests of a clock that is so wrong; a folder takes what it is given.
        assert_eq!(code(&output), 3, "{}", said(&output));
        assert_eq!(whole_sets(&visible(bench.on_disk()), 1).len(), sets.len() + 1, "{}", said(&output));
        recovers(&bench, &table, "the clock is set back by two days", 3, &sets);
    } else {
        skip("no `faketime` here: Debian has it in faketime");
    }
    table.print("around");
}

/// A run whose clock shows another time, and whose patience is measured as ever.
fn at_another_time(bench: &Bench, offset: &str) -> Output {
    bench.job(&[PRINTS], "");
    let runner = bench.runner("backup");
    let mut faked = Command::new("faketime");
    faked.args(["-f", offset.replace(" days", "d").as_str()]).arg(runner.get_program()).args(runner.get_args());
    faked
        .env("FAKETIME_DONT_FAKE_MONOTONIC", "1")
        .envs(runner.get_envs().filter_map(|(name, value)| Some((name, value?))));
    faked.output().unwrap()
}

#[test]
fn a_container_that_goes_away_midway_is_no_backup() {
    use crate::support::docker::Docker;
    let Some(docker) = Docker::start() else { return };
    let (table, bench) = (Table::default(), Bench::local());
    let before = good_before(&bench);
    for (fault, verb) in [("the container is stopped", "kill"), ("the container is removed", "rm")] {
        let name = format!("faults-{verb}-{}", std::process::id());
        let _container = docker.run(&name, &[]);
        let script = "while :; do echo line; done";
        let source = format!("db: {{container: {name}, dump: [sh, -c, \"{script}\"], extension: x}}");
        bench.job(&[&source], "");
        let mut command = bench.runner("backup");
        command.envs(docker.environment().iter().map(|(name, value)| (*name, value)));
        let child = command.stderr(std::process::Stdio::piped()).spawn().unwrap();
        assert!(wait_until(SOON, || bench.on_disk().iter().any(|name| name.starts_with('.'))));
        thread::sleep(Duration::from_millis(500));
        let args: &[&str] = if verb == "rm" { &["rm", "-f"] } else { &["kill"] };
        crate::support::output_of(docker.command(args).arg(&name));
        let output = child.wait_with_output().unwrap();
        assert_eq!(code(&output), 1, "{fault}: {}", said(&output));
        recovers(&bench, &table, fault, 1, &before);
    }
    table.print("containers");
}
