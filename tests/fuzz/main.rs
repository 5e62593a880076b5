//! A fuzzing loop of our own: seeds are changed by pieces that mean something, and every reader of text of others is
//! run over the result, with its properties asserted. What makes a reader answer in a new way becomes a seed itself.
//!
//! It stands on the stable toolchain and nothing else; what it tries is the same each time for the same seed and time.
//! Each target has a second and a half of the processor, `EIGHTBELLS_LONG=1` gives it a minute, `EIGHTBELLS_FUZZ_SECONDS=600` any other
//! time, and `EIGHTBELLS_SEED=2` other changes. A finding is printed with its input; put that into
//! `corpus/TARGET/` as a file once it is mended: everything there is run first, as it is.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::print_stderr,
    reason = "a test that cannot go on is a failed test"
)]

#[path = "../support/cpu.rs"]
mod cpu;
mod mutate;
mod properties;
mod seeds;

use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use mutate::Mutator;

/// What a reader does with an input. The answer is hashed: two inputs with the same answer are alike.
type Target = fn(&[u8]) -> Answer;

/// What sets an input apart from others, values left out.
pub type Answer = Vec<String>;

/// No input is longer; what long ones do is looked at in the `*_hostile` tests.
const INPUT_MAX_BYTES: usize = 4096;
/// No input of that length takes longer, in an unoptimised build on a machine that others use.
const PATIENCE: Duration = Duration::from_secs(4);
/// How many inputs with a new answer are kept as seeds.
const SEEDS_MAX: usize = 20_000;

fn time_for_each_target() -> Duration {
    let seconds = std::env::var("EIGHTBELLS_FUZZ_SECONDS").map(|seconds| seconds.parse().expect("a number of seconds"));
    let long = std::env::var_os("EIGHTBELLS_LONG").is_some();
    Duration::from_secs_f64(seconds.unwrap_or(if long { 60.0 } else { 1.5 }))
}

fn fuzz(name: &str, target: Target, dictionary: &[&str]) {
    let mut seeds = seeds::of(name);
    assert!(seeds.len() > 5, "{name} has {} seeds", seeds.len());
    let mut met = HashSet::new();
    for seed in &seeds {
        met.insert(hash(&run(name, target, seed).0));
    }
    let seed = std::env::var("EIGHTBELLS_SEED").map_or(1, |seed| seed.parse().expect("EIGHTBELLS_SEED is a number"));
    let mut mutator = Mutator::new(seed, dictionary);
    let given = seeds.len();
    let mut runs = 0_u64;
    let mut spent = Duration::ZERO;
    while spent < time_for_each_target() {
        let mut input = mutator.changed(&seeds);
        input.truncate(INPUT_MAX_BYTES);
        let (answer, taken) = run(name, target, &input);
        spent += taken;
        runs += 1;
        if met.insert(hash(&answer)) && seeds.len() < SEEDS_MAX {
            seeds.push(input);
        }
    }
    eprintln!("{name}: {runs} inputs from {given} seeds, {} answers", met.len());
    assert!(runs > 20, "{name}: {runs} inputs only");
}

fn hash(answer: &Answer) -> u64 {
    let mut hasher = DefaultHasher::new();
    answer.hash(&mut hasher);
    hasher.finish()
}

/// Runs a target, and if it panics or takes long tells the input with which it does.
fn run(name: &str, target: Target, input: &[u8]) -> (Answer, Duration) {
    let (answer, taken) = cpu::cpu_time_of(|| catch_unwind(AssertUnwindSafe(|| target(input))));
    let shown = || input.escape_ascii();
    let answer = answer.unwrap_or_else(|_| panic!("{name} fails with this input:\n{}", shown()));
    assert!(taken < PATIENCE, "{name} takes {taken:?} with this input:\n{}", shown());
    (answer, taken)
}

#[test]
fn unit_files() {
    fuzz("unit_file", properties::unit_file, mutate::UNIT);
}

#[test]
fn commands() {
    fuzz("exec", properties::exec, mutate::WORDS);
}

#[test]
fn environments() {
    fuzz("environment", properties::environment, mutate::WORDS);
}

#[test]
fn calendar_events() {
    fuzz("calendar", properties::calendar, mutate::TIME);
}

#[test]
fn time_spans() {
    fuzz("timespan", properties::timespan, mutate::TIME);
}

#[test]
fn timestamps() {
    fuzz("timestamp", properties::timestamp, mutate::TIME);
}

#[test]
fn cron_lines() {
    fuzz("cron", properties::cron, mutate::TIME);
}

#[test]
fn unit_names() {
    fuzz("name", properties::name, mutate::NAMES);
}

#[test]
fn specifiers() {
    fuzz("specifier", properties::specifier, mutate::WORDS);
}

#[test]
fn patterns_of_fleet() {
    fuzz("glob", properties::glob, mutate::NAMES);
}

#[test]
fn specs() {
    fuzz("spec", properties::spec, mutate::SPEC);
}

#[test]
fn units_linted() {
    fuzz("lint", properties::lint, mutate::UNIT);
}
