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
const SAMPLE: u32 = 200;

fn main() {
    let args: Vec<OsString> = std::env::args_os().skip(1).collect();
    if args.first().is_some_and(|first| first == MEASURED) {
        return measured(args);
    }
    let smoke = args.iter().any(|arg| arg == "--smoke");
    let sizes: &[u32] = if smoke { &[10, 100] } else { &[10, 100, 1_000, 10_000, 100_000] };
    let room = tempfile::tempdir().unwrap();
    println!("files      wall time    per file   peak memory   memory per file");
    let runs: Vec<Run> = sizes.iter().map(|files| size(room.path(), *files)).collect();
    flatness(&runs);
    against_systemd(room.path(), if smoke { 10 } else { SAMPLE });
}

/// Lints the paths as the program does, findings to standard error, and prints the most memory in KiB that this took.
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
    files: u32,
    seconds: f64,
    memory_kib: u32,
}

impl Run {
    fn of(files: u32, paths: &[PathBuf]) -> Self {
        let runs = (0..REPEATS).map(|_| lint(paths));
        let (wall, memory_kib) = runs.min_by_key(|(wall, _)| *wall).unwrap();
        Self { files, seconds: wall.as_secs_f64(), memory_kib }
    }

    fn micros_a_file(&self) -> f64 {
        self.seconds * 1e6 / f64::from(self.files)
    }
}

/// A process of its own, as users start one.
fn lint(paths: &[PathBuf]) -> (Duration, u32) {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.arg(MEASURED).args(paths).stderr(Stdio::null());
    let begin = Instant::now();
    let output = command.output().unwrap();
    let wall = begin.elapsed();
    assert!(output.status.success(), "{output:?}");
    (wall, String::from_utf8(output.stdout).unwrap().trim().parse().unwrap())
}

fn size(room: &Path, files: u32) -> Run {
    let folder = room.join(files.to_string());
    let bytes = corpus::write(&folder, files);
    let run = Run::of(files, &[folder]);
    println!(
        "{files:7}  {:10.1} ms  {:7.1} µs  {:8.1} MiB  {:8.2} KiB   ({} bytes a file)",
        run.seconds * 1e3,
        run.micros_a_file(),
        f64::from(run.memory_kib) / 1024.0,
        f64::from(run.memory_kib) / f64::from(files),
        bytes / u64::from(files),
    );
    run
}

/// How the time per file grows with the number of files.
fn flatness(runs: &[Run]) {
    for (few, many) in [(100, 10_000), (100, 100_000), (1_000, 100_000)] {
        let of = |files: u32| runs.iter().find(|run| run.files == files);
        if let Some((few, many)) = of(few).zip(of(many)) {
            let ratio = many.micros_a_file() / few.micros_a_file();
            println!("time per file, {} files : {} files = {ratio:.2}", many.files, few.files);
        }
    }
}

/// The same files through both programs; `systemd-analyze` also loads what they depend on.
fn against_systemd(room: &Path, files: u32) {
    let folder = room.join("sample");
    let all = corpus::sample(&folder, files);
    let Some(theirs) = verify(&folder, &all).map(|wall| wall.as_secs_f64()) else {
        println!("no systemd-analyze that verifies: nothing to compare with");
        return;
    };
    let ours = Run::of(files, &all).seconds;
    let (their_ms, our_ms, ratio) = (theirs * 1e3, ours * 1e3, theirs / ours);
    println!(
        "{} of these files: systemd-analyze verify {their_ms:.1} ms, eightbells lint {our_ms:.1} ms, ratio {ratio:.0}",
        all.len()
    );
}

/// How long `systemd-analyze verify` takes; nothing where there is none.
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
