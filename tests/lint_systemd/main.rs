//! The linter against the machine's own systemd: scores of exposure, and what `systemd-analyze verify` says.
//!
//! Small samples by default, all with `EIGHTBELLS_LONG=1` as `tests/long` sets it; the same ones each time, others with
//! `EIGHTBELLS_SEED=2` and so on. What needs `systemd-analyze` is skipped aloud without it.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on is a failed test, and a table of what was compared is printed"
)]

mod agreement;
mod exposure;
mod mutate;
mod random;
mod recorded;
#[path = "../support/skip.rs"]
mod skip;
mod spoiled;
mod systemd;

/// `short`, or `long` where `EIGHTBELLS_LONG` is set.
pub fn sized<T>(short: T, long: T) -> T {
    if std::env::var_os("EIGHTBELLS_LONG").is_some() { long } else { short }
}
