//! Dumps that fail, and disks that are full.

use std::fs;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::Command;

use crate::backup::{Bench, PRINTS, fifty_megabytes_then, long_sleep, runs};
use crate::faults::{Table, Trial, another_second, ends, exit};
use crate::support::disk::SmallDisk;
use crate::support::{output_of, said};

/// A source that writes 12 MB that no compressor makes smaller, and then ends as told.
fn twelve_megabytes_then(end: &str) -> String {
    fifty_megabytes_then(end).replace("50000000", "12000000")
}

#[test]
fn a_dump_that_fails_at_any_time_leaves_everything_as_it_was() {
    let hang = long_sleep("91");
    let rows = [
        ("the dump's program is missing", "db: {command: [no-such-program], extension: sql}".to_owned(), true),
        ("the dump fails at its start", "db: {command: [sh, -c, \"exit 1\"], extension: sql}".into(), false),
        ("the dump fails in its middle", twelve_megabytes_then("exit 1"), true),
        ("the dump is killed in its middle", twelve_megabytes_then("kill -9 $$"), false),
        ("the dump fails at its end", "db: {command: [sh, -c, \"seq 1 200000; exit 1\"], extension: sql}".into(), true),
        ("the dump prints nothing", "db: {command: [\"true\"], extension: sql}".into(), false),
        ("the dump hangs", twelve_megabytes_then(&hang).replace("extension: sql", "extension: sql, timeout: 2s"), true),
    ];
    let table = Table::of("dumps", rows.iter().map(|(fault, ..)| *fault));
    table.try_all(
        &rows,
        |(.., short)| *short,
        |(fault, source, _)| {
            let Some(bench) = Bench::with_s3() else { return };
            bench.job(&[PRINTS], "");
            let trial = Trial::begin(bench, 1);
            trial.bench.job(&[source], "");
            ends(&trial.bench, fault, 1);
            trial.look(fault);
            trial.bench.job(&[PRINTS], "");
            trial.recovers(&table, fault, &exit(1));
        },
    );
    assert!(!runs(&hang));
    table.finish();
}

/// Fills a disk to the last byte; what to remove to have room again.
pub fn fill(disk: &SmallDisk) -> PathBuf {
    let path = disk.path().join("filling");
    let mut file = fs::File::create(&path).unwrap();
    while file.write_all(&[0; 4096]).is_ok() {}
    path
}

#[test]
fn a_disk_that_is_full_holds_no_half_of_anything() {
    let faults = [
        "a local destination's disk is full",
        "the disk of the state folder is full",
        "the disk of the state folder became read-only",
    ];
    let table = Table::of("disks", faults);
    let Some(small) = SmallDisk::mount() else { return };
    let mut bench = Bench::local();
    bench.destination("small", &format!("local: {{path: {}}}", small.path().display()), "");
    bench.job(&[PRINTS], "");
    let trial = Trial::begin(bench, 1).also(small.path());
    // Enough for one as long as the last, and not for this one.
    let filling = small.path().join("filling");
    fs::write(&filling, vec![0; 2_000_000]).unwrap();
    trial.bench.job(&[&twelve_megabytes_then("true").replace("12000000", "3000000")], "archive: {compression: none}");
    let output = ends(&trial.bench, faults[0], 3);
    assert!(String::from_utf8_lossy(&output.stderr).contains("make room"), "{output:?}");
    fs::remove_file(&filling).unwrap();
    trial.look(faults[0]);
    trial.bench.job(&[PRINTS], "");
    trial.recovers(&table, faults[0], &exit(3));
    drop((trial, small));

    let Some(small) = SmallDisk::mount() else { return };
    let bench = Bench::local();
    std::os::unix::fs::symlink(small.path(), bench.path("state")).unwrap();
    bench.job(&[PRINTS], "");
    let mut trial = Trial::begin(bench, 1);
    // A run needs no more room there than the one before it had, but for its report.
    let filling = fill(&small);
    let output = ends(&trial.bench, faults[1], 0);
    assert!(said(&output).contains("cannot be kept"), "{}", said(&output));
    trial.look(faults[1]);
    fs::remove_file(filling).unwrap();
    trial.recovers(&table, faults[1], &exit(0));
    trial.keep_these();
    let remount = |how: &str| output_of(Command::new("mount").args(["-o", how]).arg(small.path()));
    another_second();
    remount("remount,ro");
    ends(&trial.bench, faults[2], 1);
    trial.look(faults[2]);
    remount("remount,rw");
    trial.recovers(&table, faults[2], &exit(1));
    table.finish();
}
