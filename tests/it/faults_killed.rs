//! `kill -9` and SIGTERM at chosen points of a run, each reached and seen before the signal is sent: a gate in a hook or a
//! dump, a request that is held on its way, a call of the kernel's that is slowed down.

use std::fs;
use std::process::Command;
use std::thread;
use std::time::Duration;

use crate::backup::{BUCKET, Bench, PRINTS, Running, SOON, code, fifty_megabytes_then, files, wait_for_the_middle};
use crate::faults::{Table, Trial, another_second, exit, visible, whole_sets};
use crate::support::s3::S3Server;
use crate::support::trap::{Hold, Trap};
use crate::support::{find_program, said, skip, wait_until};

/// Numbers of the kernel's calls on this processor, where this is known.
#[cfg(target_arch = "x86_64")]
mod call {
    pub const FLOCK: u32 = 73;
    pub const FDATASYNC: u32 = 75;
    pub const RENAME: u32 = 82;
    pub const UNLINK: u32 = 87;
    pub const RENAMEAT2: u32 = 316;
}

/// How a point of a run is reached.
#[derive(Clone, Copy)]
enum At {
    /// A gate in a hook or a dump.
    Gate(&'static str),
    /// A request to the bucket.
    Request(&'static [&'static str], Hold),
    /// A call of the kernel's, before or after it, while something holds.
    Call { name: &'static str, number: u32, side: &'static str, when: fn(&Bench) -> bool },
}

/// A point of a run, whether a short run of the tests tries it, and how a run ends that gets SIGTERM there.
struct Point {
    name: &'static str,
    at: At,
    short: bool,
}

const POST_UPLOADS: &[&str] = &["POST ", "?uploads"];
const PUT_PART: &[&str] = &["PUT ", "partNumber=2"];
const COMPLETE: &[&str] = &["POST ", "uploadId="];
const PUT_MANIFEST: &[&str] = &["PUT ", "_manifest_"];
const DELETE: &[&str] = &["DELETE "];
const LIST: &[&str] = &["GET ", "list-type=2"];

/// What the run has given a name so far, the set from before apart.
fn named(bench: &Bench) -> usize {
    visible(bench.on_disk()).len() - 3
}

fn staged(bench: &Bench) -> usize {
    bench.on_disk().iter().filter(|name| name.starts_with('.')).count()
}

#[cfg(target_arch = "x86_64")]
fn points() -> Vec<Point> {
    let gate = |name, gate, short| Point { name, at: At::Gate(gate), short };
    let request = |name, words, hold, short| Point { name, at: At::Request(words, hold), short };
    let kernel = |name, (call, number), side, when, short| Point {
        name,
        at: At::Call { name: call, number, side, when },
        short,
    };
    let (flock, rename) = (("flock", call::FLOCK), ("rename", call::RENAME));
    let (note, naming, removing) =
        (("fdatasync", call::FDATASYNC), ("renameat2", call::RENAMEAT2), ("unlink", call::UNLINK));
    vec![
        kernel("before the lock", flock, "enter", |_| true, false),
        kernel("before its list of what to undo is there", rename, "enter", journal_anew, false),
        gate("in the hook `before`", "before", false),
        request("while a destination is looked at", LIST, Hold::Before, false),
        kernel("between a note and what it is about", note, "enter", |b| noted(b) && staged(b) == 0, true),
        gate("before the first byte of a dump", "first", false),
        gate("in the middle of a dump", "middle", true),
        request("in the middle of a part", PUT_PART, Hold::Midway, true),
        gate("at the end of a dump", "end", false),
        gate("between two sources", "between", false),
        kernel("before the first archive's name at the disk", naming, "enter", |b| named(b) == 0, false),
        kernel(
            "after the first archive's name, before its note is struck out",
            naming,
            "exit",
            |b| named(b) == 1,
            false,
        ),
        kernel("between the names of two archives at the disk", naming, "enter", |b| named(b) == 1, true),
        kernel("before the manifest's name at the disk", naming, "enter", |b| named(b) == 2, false),
        kernel("after the manifest's name at the disk", naming, "exit", |b| named(b) == 3, false),
        request("before an upload becomes an object", COMPLETE, Hold::Before, true),
        request("after an upload became an object, its answer on the way", COMPLETE, Hold::Answer, false),
        request("before the manifest is in the bucket", PUT_MANIFEST, Hold::Before, false),
        request("after the manifest is in the bucket, its answer on the way", PUT_MANIFEST, Hold::Answer, false),
        kernel("while the disk is pruned", removing, "enter", |b| visible(b.on_disk()).len() == 5, true),
        request("while the bucket is pruned", DELETE, Hold::Before, false),
        gate("in the hook `after`", "after", false),
        gate("in the hook `finally`", "finally", false),
        kernel("while its report is written", rename, "enter", reporting, false),
    ]
}

fn journal_anew(bench: &Bench) -> bool {
    bench.path("state/job.journal.new").exists()
}

fn noted(bench: &Bench) -> bool {
    fs::read_to_string(bench.path("state/job.journal")).is_ok_and(|text| text.contains("staged_file"))
}

fn reporting(bench: &Bench) -> bool {
    files(&bench.path("state/job.reports")).iter().any(|name| name.starts_with('.'))
}

/// Whether a thread of the process is in that call.
fn is_in(pid: u32, number: u32) -> bool {
    let tasks = fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten();
    let call = format!("{number} ");
    tasks.into_iter().any(|task| fs::read_to_string(task.path().join("syscall")).is_ok_and(|t| t.starts_with(&call)))
}

/// A bench with a disk and a bucket behind a trap, whose job has gates.
fn bench() -> Option<(Bench, Trap)> {
    let s3 = S3Server::start()?;
    s3.bucket(BUCKET);
    let trap = Trap::start(s3.port());
    let mut bench = Bench { s3: Some(s3), ..Bench::local() };
    bench.bucket_at("bucket", "p/", trap.port());
    Some((bench, trap))
}

/// Two sources and hooks, with a gate at each point that they reach.
fn with_gates(bench: &Bench) {
    let script = "[ \"$1\" = \"$(cat \"${0%/*}/closed\" 2>/dev/null)\" ] || exit 0\n: >\"${0%/*}/at\"\nuntil [ -e \"${0%/*}/open\" ]; do sleep 0.05; done\n";
    fs::write(bench.path("gate.sh"), script).unwrap();
    let gate = bench.path("gate.sh").display().to_string();
    let dump = format!(
        "sh {gate} first; head -c 8000000 /dev/urandom; sh {gate} middle; head -c 4000000 /dev/urandom; sh {gate} end"
    );
    let db = format!("db: {{command: [sh, -c, \"{dump}\"], extension: x}}");
    let web = format!("web: {{command: [sh, -c, \"sh {gate} between; seq 1 1000\"], extension: x}}");
    let hook = |moment: &str| format!("{moment}: [sh, \"{gate}\", {moment}]");
    let hooks = ["before", "after", "finally"].map(hook).join(", ");
    bench.job(&[&db, &web], &format!("archive: {{compression: none}}\nhooks: {{{hooks}}}"));
}

fn close(bench: &Bench, gate: &str) {
    let _ = fs::remove_file(bench.path("at"));
    let _ = fs::remove_file(bench.path("open"));
    fs::write(bench.path("closed"), gate).unwrap();
}

/// Starts a run and gives it once it has come to the point.
fn run_to(point: &Point, bench: &Bench, trap: &Trap) -> Running {
    let come = match point.at {
        At::Gate(gate) => {
            close(bench, gate);
            let run = bench.start();
            return reached(run, point.name, |_| bench.path("at").exists());
        }
        At::Request(words, hold) => {
            trap.hold(words, hold);
            let run = bench.start();
            // By the time that the bucket's archives get their names, the disk's may have theirs: they have.
            let disk_first = matches!(words, COMPLETE | PUT_MANIFEST);
            return reached(run, point.name, |_| trap.caught() && (!disk_first || named(bench) == 3));
        }
        At::Call { name, number, side, when } => (name, number, side, when),
    };
    let (name, number, side, when) = come;
    if number == call::RENAMEAT2 {
        // s3s-fs loses parts where its client is gone while it makes an object of them: it is not to be in the midst of it.
        trap.hold(COMPLETE, Hold::Before);
    }
    let runner = bench.runner("backup");
    let mut traced = Command::new("strace");
    // The tracer is the grandchild, so that the child is the runner itself.
    traced.args(["-D", "-f", "-qq", "--seccomp-bpf", "-o", "/dev/null", "-e", &format!("trace={name}"), "-e"]);
    traced.arg(format!("inject={name}:delay_{side}=400000")).arg(runner.get_program()).args(runner.get_args());
    traced.envs(runner.get_envs().filter_map(|(name, value)| Some((name, value?))));
    let run = Running::of(&mut traced);
    reached(run, point.name, |pid| is_in(pid, number) && when(bench))
}

fn reached(mut run: Running, point: &str, come: impl Fn(u32) -> bool) -> Running {
    let pid = run.child().id();
    let mut ended = false;
    let there = wait_until(SOON, || {
        ended = run.child().try_wait().unwrap().is_some();
        ended || come(pid)
    });
    if there && !ended {
        return run;
    }
    panic!("no run came {point}: {}", said(&run.output()))
}

fn prunes(point: &Point) -> bool {
    point.name.ends_with("is pruned")
}

#[test]
#[cfg(target_arch = "x86_64")]
fn killed_at_any_point_of_a_run_nothing_is_lost_and_nothing_is_left() {
    if find_program("strace").is_none() {
        return skip("no `strace` here: Debian has it in strace");
    }
    let points = points();
    let table = Table::of("kill -9", points.iter().map(|point| point.name));
    table.try_all(
        &points,
        |point| point.short,
        |point| {
            let Some((mut bench, trap)) = bench() else { return };
            bench.keep_everywhere(if prunes(point) { "{last: 1}" } else { "{last: 9}" });
            with_gates(&bench);
            let mut trial = Trial::begin(bench, 2);
            let mut run = run_to(point, &trial.bench, &trap);
            run.signal("-KILL");
            run.output();
            trap.throw_away();
            if prunes(point) {
                // What goes by the job's own rules is no loss; what stays is the killed run's.
                trial.keep_these();
            }
            trial.look(point.name);
            if prunes(point) {
                trial.let_all_go();
            }
            close(&trial.bench, "none");
            trial.recovers(&table, point.name, "SIGKILL");
        },
    );
    table.finish();
}

/// What SIGTERM does: before anything has its name, the run fails; after that, it is done.
#[test]
#[cfg(target_arch = "x86_64")]
fn told_to_stop_at_any_point_of_a_run_nothing_is_lost_and_nothing_is_left() {
    let rows: Vec<(Point, i32)> = points()
        .into_iter()
        .filter_map(|point| {
            let expected = match point.at {
                At::Gate("before" | "first" | "middle" | "end" | "between") => 1,
                At::Gate("after" | "finally") | At::Request(COMPLETE | PUT_MANIFEST | DELETE, _) => 3,
                At::Gate(_) | At::Call { .. } => return None,
                At::Request(_, _) => 1,
            };
            Some((point, expected))
        })
        .collect();
    let table = Table::of("SIGTERM", rows.iter().map(|(point, _)| point.name));
    let short =
        |(point, _): &(Point, i32)| matches!(point.at, At::Gate("middle") | At::Request(COMPLETE, Hold::Before));
    table.try_all(&rows, short, |(point, expected)| {
        let Some((mut bench, trap)) = bench() else { return };
        bench.keep_everywhere(if prunes(point) { "{last: 1}" } else { "{last: 9}" });
        with_gates(&bench);
        let mut trial = Trial::begin(bench, 2);
        let mut run = run_to(point, &trial.bench, &trap);
        run.signal("-TERM");
        thread::sleep(Duration::from_millis(300));
        trap.let_go();
        let output = run.output();
        assert_eq!(code(&output), *expected, "{}: {}", point.name, said(&output));
        if prunes(point) {
            trial.keep_these();
        }
        trial.look(point.name);
        if prunes(point) {
            trial.let_all_go();
        }
        close(&trial.bench, "none");
        trial.recovers(&table, point.name, &exit(*expected));
    });
    table.finish();
}

/// The number of an upload that a killed run had begun is lost where the answer was on its way: it cannot be put back, but it
/// is told, once.
#[test]
fn an_upload_whose_number_never_came_is_told_by_the_next_run() {
    let Some((bench, trap)) = bench() else { return };
    with_gates(&bench);
    let trial = Trial::begin(bench, 2);
    let point = Point { name: "between", at: At::Request(POST_UPLOADS, Hold::Answer), short: true };
    let mut run = run_to(&point, &trial.bench, &trap);
    run.signal("-KILL");
    run.output();
    trap.throw_away();
    trial.look(point.name);
    another_second();
    for told in [1, 0] {
        let next = trial.bench.run();
        assert_eq!(code(&next), 0, "{}", said(&next));
        let words = "never told its number: look for it with the server's tools";
        assert_eq!(said(&next).matches(words).count(), told, "{}", said(&next));
    }
    assert!(trial.left_over().iter().all(|left| left.starts_with(".upload")), "{:?}", trial.left_over());
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
    another_second();
    let other = bench.runner("backup").env("EIGHTBELLS_STATE_DIR", bench.path("other")).output().unwrap();
    assert_eq!(code(&other), 0, "{}", said(&other));
    assert!(staged.iter().all(|name| bench.on_disk().contains(name)));
    assert!(uploads.iter().all(|upload| bench.uploads().contains(upload)));
    fs::write(gate, "").unwrap();
    let output = live.output();
    assert_eq!(code(&output), 0, "{}", said(&output));
    assert_eq!(whole_sets(&visible(bench.in_bucket()), 1).len(), 2);
    assert_eq!((bench.uploads(), bench.owed()), (vec![], 0));
    assert!(bench.on_disk().iter().all(|name| !name.starts_with('.')));
}
