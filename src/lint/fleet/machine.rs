//! Whether a unit may run on a machine.

use super::glob::glob_matches;
use super::options::{Options, Release};
use std::collections::{BTreeMap, BTreeSet};

/// How many characters of a machine's id will do for the whole.
const SHORT_ID_CHARS: usize = 8;

/// A machine of the cluster.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Machine {
    /// Its id.
    pub id: String,
    /// What its fleetd says of it.
    pub metadata: BTreeMap<String, String>,
}

impl Machine {
    /// Whether an id that a unit asks for is this machine's: the whole or its first eight characters.
    #[must_use]
    pub fn is(&self, asked: &str) -> bool {
        let short = self.id.get(..SHORT_ID_CHARS).unwrap_or(&self.id);
        asked == self.id || asked == short
    }

    /// Whether it has what is required: for every key one of the values.
    #[must_use]
    pub fn has(&self, required: &BTreeMap<String, BTreeSet<String>>) -> bool {
        required.iter().all(|(key, values)| self.metadata.get(key).is_some_and(|value| values.contains(value)))
    }
}

/// A machine, and the units that are scheduled on it: each by its name, its options expanded.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Agent {
    /// The machine.
    pub machine: Machine,
    /// Its units.
    pub units: BTreeMap<String, Options>,
}

/// What fleet decides about a unit on a machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It may run there.
    Schedule,
    /// It may, and units there go elsewhere.
    Reschedule,
    /// Another machine is asked for.
    WrongMachine,
    /// The machine lacks what is required.
    MetadataInsufficient,
    /// A unit that it must be beside is not there.
    PeerMissing(String),
    /// A unit that it must not be beside is.
    Conflict(String),
}

impl Agent {
    /// Whether a unit, its options expanded, may run here.
    #[must_use]
    pub fn decide(&self, name: &str, options: &Options, release: Release) -> Verdict {
        if options.machine_id().is_some_and(|asked| !self.machine.is(asked)) {
            return Verdict::WrongMachine;
        }
        if !self.machine.has(&options.metadata()) {
            return Verdict::MetadataInsufficient;
        }
        if let Some(peer) = options.peers().into_iter().find(|peer| !self.units.contains_key(peer)) {
            return Verdict::PeerMissing(peer);
        }
        match self.conflict(name, options, release) {
            Some(other) => Verdict::Conflict(other),
            None if self.is_replaced(name, options) => Verdict::Reschedule,
            None => Verdict::Schedule,
        }
    }

    fn others<'a>(&'a self, name: &'a str) -> impl Iterator<Item = (&'a String, &'a Options)> + 'a {
        self.units.iter().filter(move |(other, _)| *other != name)
    }

    /// The first unit here that one of the two does not want beside itself.
    fn conflict(&self, name: &str, options: &Options, release: Release) -> Option<String> {
        let own = options.conflicts(release);
        let conflicts =
            |other: &str, theirs: &Options| any_matches(&own, other) || any_matches(&theirs.conflicts(release), name);
        self.others(name).find(|(other, theirs)| conflicts(other, theirs)).map(|(other, _)| other.clone())
    }

    /// Whether one of the two replaces the other; where both do, neither counts.
    fn is_replaced(&self, name: &str, options: &Options) -> bool {
        let own = options.replaces();
        self.others(name).any(|(other, theirs)| any_matches(&own, other) != any_matches(&theirs.replaces(), name))
    }
}

fn any_matches(patterns: &[String], name: &str) -> bool {
    patterns.iter().any(|pattern| glob_matches(pattern, name) == Ok(true))
}
