//! Which set is meant, and at which destinations it lies: shared by every command that takes `--at`.

use super::place::Shelf;
use crate::cli::output::Failure;
use crate::contract::exit;
use crate::run::catalog::Set;
use crate::run::manifest::Manifest;
use crate::run::select::{At, DayEnd, moment, select};
use jiff::Timestamp;

/// A set at one of the destinations.
pub(super) type Copy<'a> = (&'a Shelf, &'a Set);

/// Every copy of the set that is meant, in the order of the destinations.
pub(super) fn copies<'a>(shelves: &'a [Shelf], at: &At) -> Result<Vec<Copy<'a>>, Failure> {
    one_job(shelves)?;
    let sets: Vec<Copy<'a>> = shelves.iter().flat_map(|shelf| shelf.sets.iter().map(move |set| (shelf, set))).collect();
    select(&sets, at).map_err(|error| {
        Failure::new(exit::FAILED, error.to_string()).help("`eightbells-run list` shows what there is")
    })
}

/// At a bare destination several jobs may lie; then it must be said which is meant.
pub(super) fn one_job(shelves: &[Shelf]) -> Result<(), Failure> {
    let mut jobs: Vec<String> =
        shelves.iter().flat_map(|shelf| &shelf.sets).filter_map(|set| set.manifest.as_ref()).map(whose).collect();
    jobs.sort();
    jobs.dedup();
    // Those of a job are found by its names; hosts may differ.
    if jobs.len() <= 1 {
        return Ok(());
    }
    Err(Failure::new(exit::USAGE, "archives of several jobs or instances lie here: say which")
        .help(format!("there are {}", jobs.join(", "))))
}

fn whose(manifest: &Manifest) -> String {
    manifest
        .instance
        .as_ref()
        .map_or_else(|| manifest.job.clone(), |instance| format!("{} --instance {instance}", manifest.job))
}

/// The beginning of a span of time.
pub(super) fn since(text: &str) -> Result<Timestamp, String> {
    at_moment(text, DayEnd::First)
}

/// The end of a span of time.
pub(super) fn until(text: &str) -> Result<Timestamp, String> {
    at_moment(text, DayEnd::Last)
}

fn at_moment(text: &str, end: DayEnd) -> Result<Timestamp, String> {
    let example = "write `2026-11-20`, `2026-11-20T03:00` (UTC) or `2026-11-20T03:00:00+01:00`";
    moment(text, end).ok_or_else(|| format!("this is no time; {example}"))
}
