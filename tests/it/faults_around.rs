//! What a run stands on and loses: etcd, its clock, its containers and their engine.

use std::fs;
use std::process::{Command, Output};
use std::thread;
use std::time::Duration;

use crate::backup::{Bench, PRINTS, Running, SOON, code};
use crate::faults::{Table, Trial, ends, exit};
use crate::faults_dumps::fill;
use crate::support::disk::SmallDisk;
use crate::support::docker::Docker;
use crate::support::etcd::{Etcd, Options};
use crate::support::{find_program, output_of, said, skip, wait_until};

/// Has the spec name an etcd.
fn with_etcd(bench: &Bench, endpoint: &str) {
    let spec = fs::read_to_string(bench.path("spec.yaml")).unwrap();
    let etcd = format!("target: systemd\netcd: {{endpoints: [\"{endpoint}\"]}}\n");
    fs::write(bench.path("spec.yaml"), spec.replace("target: systemd\n", &etcd)).unwrap();
}

const IN_A_GROUP: &str = "concurrency: {group: g, max: 1, lease: 5s}";

#[test]
fn etcd_gone_and_a_clock_set_back_lose_nothing() {
    let faults = [
        "etcd is gone before the run",
        "etcd is gone in the middle of the run",
        "the clock is set back by two days",
        "the clock is set forward by two days, and back again",
    ];
    let table = Table::of("around", faults);
    let Some(etcd) = Etcd::start(Options::default()) else { return };
    let Some(bench) = Bench::with_s3() else { return };
    bench.job(&[PRINTS], IN_A_GROUP);
    with_etcd(&bench, &etcd.endpoint());
    let mut trial = Trial::begin(bench, 1);
    with_etcd_at(&trial.bench, &etcd.endpoint(), &Etcd::dead_endpoint());
    ends(&trial.bench, faults[0], 1);
    trial.look(faults[0]);
    trial.bench.job(&[PRINTS], IN_A_GROUP);
    with_etcd(&trial.bench, &etcd.endpoint());
    trial.recovers(&table, faults[0], &exit(1));

    trial.keep_these();
    let (begun, go) = (trial.bench.path("begun"), trial.bench.path("go"));
    let script = format!("touch {}; until [ -e {} ]; do sleep 0.1; done; seq 1 200000", begun.display(), go.display());
    let waiting = format!("db: {{command: [sh, -c, \"{script}\"], extension: sql}}");
    trial.bench.job(&[&waiting], IN_A_GROUP);
    with_etcd(&trial.bench, &etcd.endpoint());
    let run = trial.bench.start();
    assert!(wait_until(SOON, || begun.exists()));
    drop(etcd);
    // Longer than the lease.
    thread::sleep(Duration::from_secs(6));
    fs::write(&go, "").unwrap();
    let output = run.output();
    assert_eq!(code(&output), 0, "{}", said(&output));
    trial.look(faults[1]);
    trial.bench.job(&[PRINTS], "");
    trial.recovers(&table, faults[1], &exit(0));

    if find_program("faketime").is_none() {
        return skip("no `faketime` here: Debian has it in faketime");
    }
    for (fault, offset) in [(faults[2], "-2d"), (faults[3], "+2d")] {
        trial.keep_these();
        let output = at_another_time(&trial.bench, offset);
        // A server refuses requests of a clock that is so wrong; a folder takes what it is given.
        assert_eq!(code(&output), 3, "{fault}: {}", said(&output));
        trial.look(fault);
        trial.recovers(&table, fault, &exit(3));
    }
    table.finish();
}

fn with_etcd_at(bench: &Bench, from: &str, to: &str) {
    let spec = fs::read_to_string(bench.path("spec.yaml")).unwrap();
    fs::write(bench.path("spec.yaml"), spec.replace(from, to)).unwrap();
}

/// A run whose clock shows another time, and whose patience is measured as ever.
fn at_another_time(bench: &Bench, offset: &str) -> Output {
    let runner = bench.runner("backup");
    let mut faked = Command::new("faketime");
    faked.args(["-f", offset]).arg(runner.get_program()).args(runner.get_args());
    faked
        .env("FAKETIME_DONT_FAKE_MONOTONIC", "1")
        .envs(runner.get_envs().filter_map(|(name, value)| Some((name, value?))));
    faked.output().unwrap()
}

/// The job, on an engine.
fn on(bench: &Bench, docker: &Docker) -> Command {
    let mut command = bench.runner("backup");
    command.envs(docker.environment().iter().map(|(name, value)| (*name, value)));
    command
}

/// What is done to an engine or its container in the middle of a dump.
type Deed = fn(&Docker, &str);

fn stop(docker: &Docker, name: &str) {
    output_of(&mut docker.command(&["kill", name]));
}

fn remove(docker: &Docker, name: &str) {
    output_of(&mut docker.command(&["rm", "-f", name]));
}

fn restart_engine(docker: &Docker, _: &str) {
    docker.restart();
}

#[test]
fn a_container_or_an_engine_that_goes_away_midway_is_no_backup() {
    let rows: [(&str, &str, Deed, bool); 6] = [
        ("the container is stopped (docker)", "docker", stop, true),
        ("the container is removed (docker)", "docker", remove, false),
        ("the engine is restarted (docker)", "alone", restart_engine, true),
        ("the container is stopped (podman)", "podman", stop, false),
        ("the container is removed (podman)", "podman", remove, true),
        ("the disk of what waits to be stored is full", "still", stop, true),
    ];
    let table = Table::of("containers", rows.iter().map(|(fault, ..)| *fault));
    table.try_all(
        &rows,
        |(.., short)| *short,
        |(fault, engine, deed, _)| match *engine {
            "still" => the_spool_is_full(&table, fault),
            "alone" => {
                let Some(docker) = Docker::start_alone() else { return };
                container_lost(&table, fault, &docker, *deed);
            }
            engine => {
                let docker = if engine == "podman" { Docker::start_podman() } else { Docker::start() };
                let Some(docker) = docker else { return };
                container_lost(&table, fault, docker, *deed);
            }
        },
    );
    table.finish();
}

fn container_lost(table: &Table, fault: &str, docker: &Docker, deed: Deed) {
    let bench = Bench::local();
    let name = format!("faults-{}", bench.folder.path().file_name().unwrap().to_str().unwrap());
    let container = docker.run(&name, &["--restart=always"]);
    let engine =
        if docker.environment().iter().any(|(name, _)| *name == "CONTAINERS_CONF") { "podman" } else { "docker" };
    let source =
        |dump: &str| format!("db: {{container: {name}, engine: {engine}, dump: [sh, -c, \"{dump}\"], extension: x}}");
    let good = source("mkdir -p {scratch}/x; seq 1 200000");
    bench.job(&[&good], "");
    let first = on(&bench, docker).output().unwrap();
    assert_eq!(code(&first), 0, "{fault}: {}", said(&first));
    bench.job(&[&source("mkdir -p {scratch}/x; while :; do seq 1 1000; sleep 0.01; done")], "");
    let mut trial = Trial::begun(bench, 1);
    trial.environment = docker.environment().iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
    let run = Running::of(&mut on(&trial.bench, docker));
    let scratch = || {
        let listed = docker.command(&["exec", &name, "sh", "-c", "ls /tmp"]).output().unwrap();
        String::from_utf8_lossy(&listed.stdout).contains("eightbells-")
    };
    assert!(wait_until(SOON, || trial.bench.on_disk().iter().any(|name| name.starts_with('.')) && scratch()));
    deed(docker, &name);
    let output = run.output();
    assert_eq!(code(&output), 1, "{fault}: {}", said(&output));
    trial.look(fault);
    trial.bench.job(&[&good], "");
    if docker.command(&["start", &name]).output().unwrap().status.success() {
        trial.recovers(table, fault, &exit(1));
        assert!(!scratch(), "{fault}: a scratch folder is left in the container");
    } else {
        // It was removed: whoever made it makes it anew.
        let anew = docker.run(&name, &[]);
        trial.recovers(table, fault, &exit(1));
        drop(anew);
    }
    drop(container);
}

/// What is read while a container stands still waits in a file; where there is no room for it the dump fails, and the
/// container moves again.
fn the_spool_is_full(table: &Table, fault: &str) {
    let Some(docker) = Docker::start() else { return };
    let Some(small) = SmallDisk::mount() else { return };
    let bench = Bench::local();
    std::os::unix::fs::symlink(small.path(), bench.path("state")).unwrap();
    let name = format!("spool-{}", std::process::id());
    let container = docker.run(&name, &[]);
    let (begun, go) = (bench.path("begun"), bench.path("go"));
    let script = format!(
        "touch {}; until [ -e {} ]; do sleep 0.05; done; head -c 3000000 /dev/urandom",
        begun.display(),
        go.display()
    );
    let source =
        format!("db: {{command: [sh, -c, \"{script}\"], extension: x, while: {{paused: [{name}], engine: docker}}}}");
    bench.job(&[&source], "");
    fs::write(&go, "").unwrap();
    let first = on(&bench, docker).output().unwrap();
    assert_eq!(code(&first), 0, "{fault}: {}", said(&first));
    let mut trial = Trial::begun(bench, 1);
    trial.environment = docker.environment().iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
    fs::remove_file(&go).unwrap();
    fs::remove_file(&begun).unwrap();
    let run = Running::of(&mut on(&trial.bench, docker));
    assert!(wait_until(SOON, || begun.exists()));
    let filling = fill(&small);
    fs::write(&go, "").unwrap();
    let output = run.output();
    assert_eq!(code(&output), 1, "{fault}: {}", said(&output));
    assert_eq!(container.inspect("{{.State.Status}}").trim(), "running");
    trial.look(fault);
    fs::remove_file(filling).unwrap();
    trial.recovers(table, fault, &exit(1));
}
