use super::*;
use crate::run::os::{Environment, Input};
use std::sync::{Arc, Mutex};

fn sh(script: &str) -> Program {
    Program::new("sh", &Environment::current()).arg("-c").arg(script)
}

fn within(seconds: f64) -> Limits {
    Limits::default().at_most(Duration::from_secs_f64(seconds))
}

fn alive(pid: &str) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", pid.trim())).unwrap_or_default();
    !stat.is_empty() && !stat.contains(") Z ")
}

#[test]
fn output_errors_and_status_arrive() {
    let captured = sh("cat; echo two >&2; printf three >&2; exit 7")
        .stdin(Input::Bytes(b"in".to_vec()))
        .capture(Limits::default())
        .unwrap();
    assert_eq!(captured.stdout, b"in");
    assert_eq!(captured.stderr, ["two", "three"]);
    assert_eq!(captured.ended.status.code(), Some(7));
    assert_eq!(captured.ended.describe(), "it exited with status 7");
    assert!(!captured.ended.well());
}

#[test]
fn a_missing_program_says_so() {
    let error = Program::new("no-such-program-here", &Environment::default()).capture(Limits::default()).unwrap_err();
    assert_eq!(error.to_string(), "`no-such-program-here` cannot be started");
    assert_eq!(error.source.kind(), io::ErrorKind::NotFound);
}

#[test]
fn a_deadline_ends_the_whole_group() {
    let begin = Instant::now();
    let captured = sh("sleep 100 & echo $!; sleep 100").capture(within(0.3)).unwrap();
    assert_eq!(captured.ended.cut, Some(Cut::TimedOut));
    assert!(begin.elapsed() < GRACE);
    assert!(!alive(&String::from_utf8(captured.stdout).unwrap()));
}

#[test]
fn who_ignores_the_polite_signal_is_killed() {
    let begin = Instant::now();
    let captured = sh("trap '' TERM; while :; do sleep 1; done").capture(within(0.1)).unwrap();
    assert_eq!(captured.ended.status.signal(), Some(9));
    assert!(begin.elapsed() >= GRACE);
}

#[test]
fn a_stop_ends_it_and_its_stream_fails() {
    let limits = Limits::default();
    let (process, mut output) = Process::spawn(sh("echo x; sleep 100"), limits.clone(), drop).unwrap();
    let mut first = [0];
    output.read_exact(&mut first).unwrap();
    limits.stop.stop();
    assert!(output.read_to_end(&mut vec![]).is_err());
    drop(output);
    assert_eq!(process.wait().unwrap().cut, Some(Cut::Stopped));
}

#[test]
fn an_output_given_up_cancels_the_program() {
    let (process, output) = Process::spawn(sh("sleep 100"), Limits::default(), drop).unwrap();
    drop(output);
    assert_eq!(process.wait().unwrap().cut, Some(Cut::Cancelled));
}

#[test]
fn a_background_process_may_finish_its_output_but_cannot_outlive_the_deadline() {
    let captured = sh("(sleep 0.3; echo late) & exit 0").capture(Limits::default()).unwrap();
    assert_eq!(captured.stdout, b"late\n");
    assert!(captured.ended.well());
    let captured = sh("(setsid sleep 3) & exit 0").capture(within(0.3)).unwrap();
    assert_eq!(captured.ended.cut, Some(Cut::TimedOut));
}

#[test]
fn long_and_binary_lines_are_cut_into_pieces() {
    let lines = Arc::new(Mutex::new(vec![]));
    let sink = Arc::clone(&lines);
    let script = "head -c 100000 /dev/zero | tr '\\0' x >&2; printf '\\377\\r\\n' >&2";
    let (process, mut output) =
        Process::spawn(sh(script), Limits::default(), move |line| sink.lock().unwrap().push(line)).unwrap();
    output.read_to_end(&mut vec![]).unwrap();
    process.wait().unwrap();
    let lines = lines.lock().unwrap();
    assert!(lines.len() > 1 && lines.iter().all(|line| line.len() < 3 * 8192), "{}", lines.len());
    assert!(lines.last().unwrap().ends_with('\u{fffd}'));
}
