//! How fast `eightbells lint` is: time and memory over 100 to 100,000 files, and the ratio to `systemd-analyze verify`.
//!
//! `cargo bench --bench lint` measures, about two minutes long; `cargo bench --bench lint -- --smoke` only proves that
//! it works. `docs/benchmarks.md` tells what was measured, and with what.
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a measurement that cannot go on is a failed one, and it talks"
)]

mod corpus;

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// What a process is told that is to measure itself: it lints the rest of its arguments and prints its memory.
const MEASURED: &str = "--measured";
/// How often each size is linted; the fastest counts, since anything else on the machine only adds.
const REPEATS: usize = 3;
/// How many files are given to `systemd-analyze verify`.
const SAMPLE: usize = 200;

fn main() {
    let args: Vec<OsString> = std::env::args_os().skip(1).collect();
    if args.first().is_some_and(|first| first == MEASURED) {
        return measured(args);
    }
    let smoke = args.iter().any(|arg| arg == "--smoke");
    let sizes: &[usize] = if smoke { &[10, 100] } else { &[10, 100, 1_000, 10_000, 100_000] };
    let room = tempfile::tempdir().unwrap();
    println!("files      wall time    per file   peak memory   memory per file");
    let runs: Vec<(usize, Run)> = sizes.iter().map(|files| (*files, size(room.path(), *files))).collect();
    flatness(&runs);
    against_systemd(room.path(), if smoke { 10 } else { SAMPLE });
}

/// Lints the paths as the program does, findings to standard error, and prints the most memory that this took.
fn measured(mut args: Vec<OsString>) {
    args.splice(..1, ["eightbells".into(), "lint".into()]);
    let exit = eightbells::cli::generator::main(args);
    assert!(exit < 2, "exit code {exit}");
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")?.split_whitespace().next());
    println!("{}", peak.unwrap_or("0"));
}

/// What a run took.
struct Run {
    wall: Duration,
    memory_kib: u64,
}

fn lint(paths: &[PathBuf]) -> Run {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.arg(MEASURED).args(paths).stderr(Stdio::null());
    let begin = Instant::now();
    let output = command.output().unwrap();
    let wall = begin.elapsed();
    assert!(output.status.success(), "{output:?}");
    let memory_kib = String::from_utf8(output.stdout).unwrap().trim().parse().unwrap();
    Run { wall, memory_kib }
}

fn fastest(paths: &[PathBuf]) -> Run {
    (0..REPEATS).map(|_| lint(paths)).min_by_key(|run| run.wall).unwrap()
}

fn size(room: &Path, files: usize) -> Run {
    let folder = room.join(files.to_string());
    let bytes = corpus::write(&folder, files);
    let run = fastest(&[folder]);
    let per_file = run.wall.as_secs_f64() * 1e6 / files as f64;
    println!(
        "{files:7}  {:10.1} ms  {per_file:7.1} µs  {:8.1} MiB  {:8.2} KiB   ({} bytes a file)",
        run.wall.as_secs_f64() * 1e3,
        run.memory_kib as f64 / 1024.0,
        run.memory_kib as f64 / files as f64,
        bytes / files as u64,
    );
    run
}

fn flatness(runs: &[(usize, Run)]) {
    let per_file = |wanted: usize| {
        let (files, run) = runs.iter().find(|(files, _)| *files == wanted)?;
        Some(run.wall.as_secs_f64() / *files as f64)
    };
    for (few, many) in [(100, 10_000), (100, 100_000), (1_000, 100_000)] {
        if let (Some(few_time), Some(many_time)) = (per_file(few), per_file(many)) {
            println!("time per file, {many} files : {few} files = {:.2}", many_time / few_time);
        }
    }
}

/// The same files through both programs; `systemd-analyze` also loads what they depend on.
fn against_systemd(room: &Path, files: usize) {
    let folder = room.join("sample");
    let all = corpus::sample(&folder, files);
    let Some(theirs) = verify(&folder, &all) else {
        println!("no systemd-analyze that verifies: nothing to compare with");
        return;
    };
    let ours = fastest(&all).wall;
    println!(
        "{} of these files: systemd-analyze verify {:.1} ms, eightbells lint {:.1} ms, ratio {:.0}",
        all.len(),
        theirs.as_secs_f64() * 1e3,
        ours.as_secs_f64() * 1e3,
        theirs.as_secs_f64() / ours.as_secs_f64(),
    );
}

fn verify(folder: &Path, files: &[PathBuf]) -> Option<Duration> {
    let once = || {
        let mut command = Command::new("systemd-analyze");
        // The folder comes first in the search path, so that drop-ins and other units of it are found.
        command.env("SYSTEMD_UNIT_PATH", format!("{}:", folder.display()));
        command.args(["verify", "--man=no", "--recursive-errors=no", "--"]).args(files);
        let begin = Instant::now();
        command.stdout(Stdio::null()).stderr(Stdio::null()).status().ok()?;
        Some(begin.elapsed())
    };
    (0..REPEATS).filter_map(|_| once()).min()
}
