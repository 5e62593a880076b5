//! A destination in the course of one run.

use super::report::{CaughtUp, DestinationReport, DestinationState, Problem};
use crate::contract::StoreAt;
use crate::retention::Keep;
use crate::run::catalog::Set;
use crate::run::progress::Clock;
use crate::run::prune::Pruned;
use crate::run::store::{Store, StoreError, Upload};
use jiff::Timestamp;
use std::sync::Arc;

/// A destination in the course of one run.
pub(super) struct Site {
    pub(super) name: String,
    pub(super) keep: Keep,
    /// None where it could not even be connected to.
    pub(super) store: Option<Arc<dyn Store>>,
    /// What lay there before the run.
    pub(super) before: Vec<Set>,
    pub(super) staged: Vec<Staged>,
    pub(super) state: SiteState,
    /// What was copied here from other destinations, where something was missing.
    pub(super) caught_up: Option<CaughtUp>,
    /// What went wrong beside the archive itself.
    pub(super) notes: Vec<Problem>,
    /// How long it took bytes.
    pub(super) sending: Clock,
    /// Whether it fell out for what may pass.
    pub(super) may_pass: bool,
}

/// An object that only needs its name.
pub(super) struct Staged {
    pub(super) name: String,
    pub(super) upload: Box<dyn Upload>,
    /// Whether all of it was sent.
    pub(super) whole: bool,
}

/// How far a destination has come.
pub(super) enum SiteState {
    /// It takes part.
    Taking,
    /// The set is there.
    Stored(Pruned),
    /// It fell out, and nothing of this run is there.
    Failed(Problem),
}

impl Site {
    pub(super) fn new(at: &StoreAt) -> Self {
        let StoreAt { to, keep } = at;
        Self {
            name: to.name.clone(),
            keep: keep.clone(),
            store: None,
            before: vec![],
            staged: vec![],
            state: SiteState::Taking,
            caught_up: None,
            notes: vec![],
            sending: Clock::default(),
            may_pass: false,
        }
    }

    /// The connection, where it takes part still.
    pub(super) fn taking(&self) -> Option<Arc<dyn Store>> {
        match self.state {
            SiteState::Taking => self.store.clone(),
            SiteState::Stored(_) | SiteState::Failed(_) => None,
        }
    }

    pub(super) fn fail(&mut self, error: &StoreError) {
        let problem = Problem::of_store(error);
        tracing::warn!("the destination `{}` falls out: {}", self.name, problem.message);
        self.state = SiteState::Failed(problem);
        self.may_pass = error.is_transient();
    }

    pub(super) fn newest_good(&self) -> Option<Timestamp> {
        self.last_good().map(|set| set.time)
    }

    pub(super) fn last_good(&self) -> Option<&Set> {
        self.before.iter().rev().find(|set| set.is_good())
    }

    /// How much a source held the last time.
    pub(super) fn raw_size_before(&self, source: &str) -> Option<u64> {
        let manifest = self.last_good()?.manifest.as_ref()?;
        manifest.objects.iter().find(|object| object.source == source).map(|object| object.raw_size)
    }

    /// Puts back what is staged here.
    pub(super) async fn put_back(&mut self) {
        for Staged { name, upload, whole: _ } in self.staged.drain(..) {
            if let Err(error) = upload.abort().await {
                self.notes.push(Problem::of_store(&error).about(&format!("`{name}` could not be put back")));
            }
        }
    }

    pub(super) fn report(&self) -> DestinationReport {
        let state = match &self.state {
            SiteState::Taking => DestinationState::Nothing,
            SiteState::Stored(pruned) => {
                let Pruned { removed, kept, held, locked } = pruned.clone();
                let held = held.map(|held| Problem::of(&held).help(held.help()));
                let locked = locked.iter().map(ToString::to_string).collect();
                DestinationState::Stored { removed, kept, held, locked }
            }
            SiteState::Failed(problem) => DestinationState::Failed(problem.clone()),
        };
        let place = self.store.as_ref().map_or_else(String::new, |store| store.describe());
        DestinationReport {
            name: self.name.clone(),
            place,
            state,
            caught_up: self.caught_up.clone(),
            sending: self.sending.sum(),
            notes: self.notes.clone(),
        }
    }
}
