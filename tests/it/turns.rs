//! Places in a group of runs over a cluster, by leases of a real etcd.

use std::fs;
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use crate::backup::{Bench, SOON, assert_one_set, code};
use crate::support::etcd::{Etcd, Options};
use crate::support::{output_of, said, wait_until};

/// A second host: the same job with locks and destination of its own.
fn host(etcd: &str, seconds: u32, more: &str) -> Bench {
    let bench = Bench::local();
    let source = format!("db: {{command: [sh, -c, \"sleep {seconds}; echo x\"], extension: x}}");
    bench.job(&[&source], &format!("concurrency: {{group: heavy, max: 1, lease: 5s{more}}}"));
    let spec = bench.path("spec.yaml");
    let text = fs::read_to_string(&spec).unwrap();
    fs::write(&spec, text.replace("target: systemd\n", &format!("target: systemd\netcd: {etcd}\n"))).unwrap();
    bench
}

fn plain(etcd: &Etcd) -> String {
    format!("{{endpoints: [\"{}\"]}}", etcd.endpoint())
}

fn held(etcd: &Etcd) -> Option<String> {
    etcd.get("/eightbells/concurrency/heavy/0")
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn two_hosts_take_turns() {
    let Some(etcd) = Etcd::start(Options::default()) else { return };
    let (one, other) = (host(&plain(&etcd), 4, ""), host(&plain(&etcd), 0, ", wait: 1s"));
    let first = one.start();
    assert!(wait_until(SOON, || held(&etcd).is_some()));
    let turned_away = other.run();
    assert_eq!(code(&turned_away), 75, "{}", said(&turned_away));
    let text = stderr(&turned_away);
    assert!(text.contains("the group `heavy` is full (1 at a time)") && text.contains("job on "), "{text}");
    other.assert_nothing_anywhere("turned away");
    let patient = host(&plain(&etcd), 0, "");
    let waited = patient.run();
    assert_eq!(code(&waited), 0, "{}", said(&waited));
    assert_eq!(code(&first.output()), 0);
    assert_one_set(&patient.on_disk(), 1);
    assert_eq!(held(&etcd), None);
    assert_eq!(output_of(&mut etcd.ctl(&["lease", "list"])).trim(), "found 0 leases");
}

#[test]
fn a_killed_holder_s_place_is_free_when_its_lease_ends() {
    let Some(etcd) = Etcd::start(Options::default()) else { return };
    let (one, other) = (host(&plain(&etcd), 60, ""), host(&plain(&etcd), 0, ""));
    let mut first = one.start();
    assert!(wait_until(SOON, || held(&etcd).is_some()));
    // Longer than the lease: it is renewed.
    std::thread::sleep(Duration::from_secs(7));
    assert!(held(&etcd).is_some());
    let begun = Instant::now();
    first.signal("-KILL");
    first.output();
    let second = other.run();
    assert_eq!(code(&second), 0, "{}", said(&second));
    assert!(begun.elapsed() < Duration::from_secs(20), "{:?}", begun.elapsed());
    // The killed run's dump is ended by its host's next one.
    one.job(&["db: {command: [echo, x], extension: x}"], "");
    assert_eq!(code(&one.run()), 0);
}

#[test]
fn a_run_that_loses_its_place_goes_on_and_says_so() {
    let Some(etcd) = Etcd::start(Options::default()) else { return };
    let bench = host(&plain(&etcd), 5, "");
    let run = bench.start();
    assert!(wait_until(SOON, || held(&etcd).is_some()));
    let list = output_of(&mut etcd.ctl(&["lease", "list"]));
    let lease = list.lines().last().unwrap().trim().to_owned();
    output_of(&mut etcd.ctl(&["lease", "revoke", &lease]));
    let output = run.output();
    assert_eq!(code(&output), 0, "{}", said(&output));
    assert!(stderr(&output).contains("warning: the place in the group was lost midway"), "{}", said(&output));
    assert_one_set(&bench.on_disk(), 1);
}

#[test]
fn without_etcd_no_run_of_a_group_begins_and_the_reason_is_told() {
    let bench = host(&format!("{{endpoints: [\"{}\"]}}", Etcd::dead_endpoint()), 0, "");
    let begun = Instant::now();
    let output = bench.run();
    assert_eq!(code(&output), 1, "{}", said(&output));
    assert!(begun.elapsed() < Duration::from_secs(15));
    assert!(stderr(&output).contains("no etcd endpoint answers"), "{}", said(&output));
    bench.assert_nothing_anywhere("no etcd");
}

#[test]
fn places_are_had_with_a_password_and_tls_where_the_user_may_write() {
    let Some(etcd) = Etcd::start(Options { auth: true, tls: true }) else { return };
    let spec = format!(
        "{{endpoints: [\"{}\"], ca_file: {}, user: {}, password: {{env: ETCD_PASSWORD}}}}",
        etcd.endpoint(),
        etcd.ca().display(),
        Etcd::USER
    );
    let bench = host(&spec, 0, "");
    let run = |bench: &Bench| -> Output {
        let mut command: Command = bench.runner("backup");
        command.env("ETCD_PASSWORD", &etcd.password).output().unwrap()
    };
    let denied = run(&bench);
    assert_eq!(code(&denied), 1, "{}", said(&denied));
    assert!(
        stderr(&denied).contains("needs to read and write below `/eightbells/concurrency/heavy/`"),
        "{}",
        said(&denied)
    );
    output_of(&mut etcd.ctl(&[
        "role",
        "grant-permission",
        "--prefix=true",
        "reader",
        "readwrite",
        "/eightbells/concurrency/",
    ]));
    let output = run(&bench);
    assert_eq!(code(&output), 0, "{}", said(&output));
    assert!(!said(&output).contains(&etcd.password));
    assert_eq!(held(&etcd), None);
}
