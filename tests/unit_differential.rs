//! Names escaped, unescaped and mangled, against the real `systemd-escape`.
//!
//! 300 inputs a mode, 20,000 with `EIGHTBELLS_LONG=1`.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on is a failed test")]

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::process::Command;

use eightbells::unit::name::{self, UnitName, UnitType};
use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::{Config, TestRunner};

#[path = "support/skip.rs"]
mod skip;

/// How many inputs go to one process.
const BATCH: usize = 500;
/// How many of those that we refuse are tried of so many inputs; each takes a process of its own.
const REFUSED_SHARE: usize = 10;
const PROGRAM: &str = "systemd-escape";

/// What the program makes of each input; none where it refuses it. It stops at the first that it refuses, so that a
/// batch with one in it is halved until it stands alone.
fn systemd_escape(mode: &[&str], inputs: &[Vec<u8>]) -> Vec<Option<Vec<u8>>> {
    let [first, ..] = inputs else { return Vec::new() };
    let arguments = inputs.iter().map(|input| OsStr::from_bytes(input));
    let output = Command::new(PROGRAM).args(mode).arg("--").args(arguments).output().unwrap();
    if output.status.success() {
        let printed = output.stdout.strip_suffix(b"\n").unwrap().split(|byte| *byte == b' ');
        let printed: Vec<_> = printed.map(|one| Some(one.to_vec())).collect();
        assert_eq!(printed.len(), inputs.len(), "{mode:?} {first:?}…");
        return printed;
    }
    match inputs.split_at(inputs.len() / 2) {
        ([], _) => vec![None],
        (head, tail) => [systemd_escape(mode, head), systemd_escape(mode, tail)].concat(),
    }
}

fn is_missing() -> bool {
    let found = Command::new(PROGRAM).arg("--version").output().is_ok_and(|output| output.status.success());
    if !found {
        skip::skip("systemd-escape is not installed");
    }
    !found
}

fn count() -> usize {
    if std::env::var_os("EIGHTBELLS_LONG").is_some() { 20_000 } else { 300 }
}

fn generated(strategy: &impl Strategy<Value = Vec<u8>>) -> Vec<Vec<u8>> {
    let mut runner = TestRunner::new(Config::default());
    (0..count()).map(|_| strategy.new_tree(&mut runner).unwrap().current()).collect()
}

/// Compares what we accept batch by batch, and some of what we refuse (`ours` is none) one by one.
fn compare(mode: &[&str], inputs: &[Vec<u8>], ours: impl Fn(&[u8]) -> Option<Vec<u8>>) {
    let (accepted, refused): (Vec<_>, Vec<_>) = inputs.iter().cloned().partition(|input| ours(input).is_some());
    for batch in accepted.chunks(BATCH) {
        for (input, theirs) in batch.iter().zip(systemd_escape(mode, batch)) {
            assert_eq!(ours(input), theirs, "{mode:?} {:?}", String::from_utf8_lossy(input));
        }
    }
    for input in refused.iter().take(count() / REFUSED_SHARE) {
        let theirs = systemd_escape(mode, std::slice::from_ref(input));
        assert_eq!(theirs, [None], "{mode:?} {:?}", String::from_utf8_lossy(input));
    }
}

/// Bytes that an argument of a process can hold, paths and names among them.
fn texts() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        6 => prop::sample::select(vec!["/", ".", "..", "-", "\\", "@", "a", "b1", "_", ":", "\\x2d", " ", "ä", "%"])
            .prop_map(|piece| piece.as_bytes().to_vec()),
        1 => (1..=255u8).prop_map(|byte| vec![byte]),
    ];
    prop::collection::vec(piece, 0..10).prop_map(|pieces| pieces.concat())
}

/// Escaped texts, few of them wrong; none has a blank, at which the program's output is taken apart.
fn escaped_texts() -> impl Strategy<Value = Vec<u8>> {
    let good = vec!["-", "a", "b1", "_", ".", "\\x2d", "\\x2f", "\\x2E", "\\x00", "\\xc3\\xa4", "@", "%", "/"];
    let wrong = vec!["\\", "\\x", "\\x2", "\\xg0", "\\y"];
    let piece = prop_oneof![60 => prop::sample::select(good), 1 => prop::sample::select(wrong)];
    prop::collection::vec(piece, 0..8).prop_map(|pieces| pieces.concat().into_bytes())
}

#[test]
fn texts_are_escaped_as_systemd_escape_does() {
    if is_missing() {
        return;
    }
    compare(&[], &generated(&texts()), |text| Some(name::escape(text).into()));
}

#[test]
fn paths_are_escaped_as_systemd_escape_does() {
    if is_missing() {
        return;
    }
    compare(&["--path"], &generated(&texts()), |text| Some(name::escape_path(text).ok()?.into()));
}

#[test]
fn texts_are_unescaped_as_systemd_escape_does() {
    if is_missing() {
        return;
    }
    let ours = |text: &[u8]| name::unescape(std::str::from_utf8(text).ok()?).ok();
    compare(&["--unescape"], &generated(&escaped_texts()), ours);
}

#[test]
fn paths_are_unescaped_as_systemd_escape_does() {
    if is_missing() {
        return;
    }
    let ours = |text: &[u8]| name::unescape_path(std::str::from_utf8(text).ok()?).ok();
    compare(&["--unescape", "--path"], &generated(&escaped_texts()), ours);
}

#[test]
fn names_are_mangled_as_systemd_escape_does() {
    if is_missing() {
        return;
    }
    let suffix = prop::sample::select(vec!["", ".service", ".mount", ".timer", ".x", "."]);
    let strategy = (texts(), suffix).prop_map(|(text, suffix)| [text.as_slice(), suffix.as_bytes()].concat());
    let compared = |text: &Vec<u8>| std::str::from_utf8(text).is_ok_and(|text| !begins_above_the_root(text));
    let inputs: Vec<Vec<u8>> = generated(&strategy).into_iter().filter(compared).collect();
    compare(&["--mangle"], &inputs, |text| {
        Some(name::mangle(std::str::from_utf8(text).ok()?, UnitType::Service).ok()?.to_string().into())
    });
}

/// Such paths became others between systemd 252 and 262, whose own tests say what we follow.
fn begins_above_the_root(text: &str) -> bool {
    text.starts_with('/') && text.split('/').find(|part| !matches!(*part, "" | ".")) == Some("..")
}

#[test]
fn templates_are_instantiated_as_systemd_escape_does() {
    if is_missing() {
        return;
    }
    let template = UnitName::template("job", UnitType::Timer).unwrap();
    let ours = |text: &[u8]| Some(template.instantiate(&name::escape(text)).ok()?.to_string().into());
    compare(&["--template=job@.timer"], &generated(&texts()), ours);
}
