//! What may go: after a successful run, or where somebody asks.

use super::catalog::{self, Names, Set, SetState};
use super::journal::Obligation;
use super::store::{Ledger, Promise, Store, StoreError, StoreErrorKind};
use crate::archive::source_of;
use crate::contract::Job;
use crate::retention::{Dated, Guard, Keep, Shrunk, Standing, Verdict, Weighed, decide, shrunk};
use crate::value::Bytes;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use std::fmt;

/// By what is decided at one destination.
#[derive(Debug, Clone)]
pub struct Rules<'a> {
    /// What is kept.
    pub keep: &'a Keep,
    /// When the newest set is too small for anything to go.
    pub guard: Option<Guard>,
    /// Sources that may be empty, and so may shrink to nothing.
    pub may_be_empty: Vec<&'a str>,
    /// Whose clocks tell hours, days and months.
    pub zone: &'a TimeZone,
}

impl<'a> Rules<'a> {
    /// A job's at one of its destinations.
    #[must_use]
    pub fn of(job: &'a Job, keep: &'a Keep, zone: &'a TimeZone) -> Self {
        let empty = job.sources.iter().filter(|source| source.allow_empty).map(|source| source.name.as_str());
        Self { keep, guard: job.guard, may_be_empty: empty.collect(), zone }
    }
}

/// A set, and what holds it.
#[derive(Debug, Clone)]
pub struct Judged<'a> {
    /// The set.
    pub set: &'a Set,
    /// What holds it.
    pub verdict: Verdict,
}

/// What is to become of everything at a destination.
#[derive(Debug, Clone)]
pub struct Judgement<'a> {
    /// Every set, the oldest first.
    pub sets: Vec<Judged<'a>>,
    /// Why nothing is removed, whatever the verdicts are.
    pub held: Option<Held>,
}

/// Why nothing is removed at a destination.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Held {
    /// There is nothing that could be restored instead.
    #[error("nothing is removed, because there is no whole archive")]
    NothingGood,
    /// The newest set is too small to be believed.
    #[error("nothing is removed, because the newest archive has {} of `{}`, where {} are usual", Bytes(.0.size), .0.source, Bytes(.0.usual))]
    Shrunk(Shrunk),
}

impl Held {
    /// What to do.
    #[must_use]
    pub fn help(&self) -> &'static str {
        match self {
            Self::NothingGood => "make one first: `eightbells-run backup`",
            Self::Shrunk(_) => {
                "look whether it holds what it should; if so, say it with `eightbells-run prune --accept-small`"
            }
        }
    }
}

impl<'a> Judgement<'a> {
    /// The sets that go, the oldest first.
    pub fn doomed(&self) -> impl Iterator<Item = &'a Set> {
        let held = self.held.is_some();
        self.sets.iter().filter(move |judged| !held && !judged.verdict.stays()).map(|judged| judged.set)
    }
}

/// Judges the sets of one job at one destination; they are oldest first. Whoever removes what is doomed, or prints it,
/// asks here.
#[must_use]
pub fn judge<'a>(sets: &'a [Set], rules: &Rules<'_>, now: Timestamp) -> Judgement<'a> {
    let dated: Vec<Dated> = sets.iter().map(|set| dated(set, now)).collect();
    let verdicts = decide(&dated, rules.keep, now, rules.zone);
    let sets: Vec<Judged<'a>> = sets.iter().zip(verdicts).map(|(set, verdict)| Judged { set, verdict }).collect();
    Judgement { held: held(&sets, rules), sets }
}

fn held(sets: &[Judged<'_>], rules: &Rules<'_>) -> Option<Held> {
    if *rules.keep == Keep::All {
        return None;
    }
    let good = || sets.iter().map(|judged| judged.set).filter(|set| set.is_good());
    if !sets.is_empty() && good().next().is_none() {
        return Some(Held::NothingGood);
    }
    let weighed: Vec<Weighed<'_>> = good().map(|set| weighed(set, &rules.may_be_empty)).collect();
    shrunk(&weighed, rules.guard?).map(Held::Shrunk)
}

fn dated(set: &Set, now: Timestamp) -> Dated {
    let standing = match set.state {
        SetState::Good => Standing::Good,
        SetState::Incomplete(_) => Standing::Incomplete,
        SetState::Unknown(_) => Standing::Unknown,
    };
    Dated { time: set.time, standing, pinned: set.marks.is_pinned(now) }
}

fn weighed<'a>(set: &'a Set, may_be_empty: &[&str]) -> Weighed<'a> {
    let entries = set.manifest.iter().flat_map(|manifest| &manifest.objects);
    let sizes = entries.map(|entry| (entry.source.as_str(), entry.raw_size));
    let sources = sizes.filter(|(source, _)| !may_be_empty.contains(&source_of(source))).collect();
    Weighed { sources, accepted: set.marks.accepted }
}

/// What was removed at a destination.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Pruned {
    /// Names, in the order removed.
    pub removed: Vec<String>,
    /// How many sets are left.
    pub kept: usize,
    /// Why nothing was removed.
    pub held: Option<Held>,
    /// What would have gone and is locked at the destination; the next time it is tried again.
    pub locked: Vec<Locked>,
}

/// A set that no rule holds any more, and the destination's own lock still does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Locked {
    /// The set's time.
    pub time: Timestamp,
    /// Until when, in words.
    pub why: String,
}

impl fmt::Display for Locked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the archive of {} is kept: {}", self.time, self.why)
    }
}

/// Where it is written down which set is being removed, so that the next run finishes what is cut off.
#[derive(Debug, Clone, Copy)]
pub struct Notes<'a> {
    /// The run's list, or none.
    pub ledger: &'a Ledger,
    /// The destination's name in the spec.
    pub destination: &'a str,
}

impl Notes<'_> {
    fn removing(&self, set: &Set) -> Result<Promise, StoreError> {
        let Some(manifest) = set.manifest_name.clone() else { return Ok(Promise::none()) };
        let destination = self.destination.to_owned();
        let objects = removal_order(set).into_iter().filter(|name| *name != manifest).collect();
        self.ledger.promise(Obligation::HalfSet { destination, manifest, objects })
    }
}

/// Removes what the policy does not hold. `stored` is the time of the set that this run has just stored here: where
/// the destination does not show it as good, nothing is removed; `now` is the run's instant.
///
/// # Errors
/// The destination cannot be listed (then nothing was removed), or an object cannot be removed.
pub async fn prune(
    store: &dyn Store,
    names: &Names,
    rules: &Rules<'_>,
    (stored, now): (Timestamp, Timestamp),
    notes: Notes<'_>,
) -> Result<Pruned, PruneError> {
    if *rules.keep == Keep::All {
        return Ok(Pruned::default());
    }
    let sets = catalog::sets(store, names).await.map_err(PruneError::List)?;
    if !sets.iter().any(|set| set.time == stored && set.is_good()) {
        return Err(PruneError::NotSeen);
    }
    carry_out(store, &judge(&sets, rules, now), notes).await
}

/// Removes what is doomed.
///
/// # Errors
/// An object cannot be removed; those before it are gone.
pub async fn carry_out(store: &dyn Store, judgement: &Judgement<'_>, notes: Notes<'_>) -> Result<Pruned, PruneError> {
    let kept = judgement.sets.len();
    let mut pruned = Pruned { removed: vec![], kept, held: judgement.held.clone(), locked: vec![] };
    for set in judgement.doomed() {
        let names = removal_order(set);
        let promise = notes.removing(set).map_err(PruneError::Delete)?;
        match store.delete(&names).await {
            Ok(()) => {
                pruned.removed.extend(names);
                pruned.kept -= 1;
            }
            // Then all of it is there still.
            Err(error) if error.kind() == StoreErrorKind::Locked => {
                pruned.locked.push(Locked { time: set.time, why: error.to_string() });
            }
            Err(error) => return Err(PruneError::Delete(error)),
        }
        promise.fulfilled();
    }
    Ok(pruned)
}

/// Why pruning did not happen, or not wholly.
#[derive(Debug, thiserror::Error)]
pub enum PruneError {
    /// Nothing was removed.
    #[error("nothing was pruned, because the archives cannot be listed")]
    List(#[source] StoreError),
    /// Nothing was removed.
    #[error("nothing was pruned, because the destination does not show the archive that was just stored there")]
    NotSeen,
    /// Some may have been removed.
    #[error("an old archive cannot be removed")]
    Delete(#[source] StoreError),
}

/// Marks first, so that none is left of a set that is gone; then the manifest: whatever stops this midway, the rest
/// never counts as good.
fn removal_order(set: &Set) -> Vec<String> {
    let objects = set.objects.iter().map(|object| object.name.clone());
    set.marks.names.iter().cloned().chain(set.manifest_name.iter().cloned()).chain(objects).collect()
}

#[cfg(test)]
mod tests;
