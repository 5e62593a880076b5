//! What fleet makes of a unit's `[X-Fleet]` section, and what it refuses.

use super::glob::Pattern;
use crate::unit::UnitFile;
use crate::unit::fleet_name::FleetName;
use std::collections::{BTreeMap, BTreeSet};

/// Which fleet, as far as it makes a difference here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Release {
    /// Before 0.13: no `Replaces=`, no blanks in `Conflicts=`, `Global=true` in this one word, and no conflicts beside it.
    Before013,
    /// 1.0.
    V1,
}

const METADATA: [&str; 2] = ["X-ConditionMachineMetadata", "MachineMetadata"];
const PEERS: [&str; 2] = ["X-ConditionMachineOf", "MachineOf"];
const CONFLICTS: [&str; 2] = ["X-Conflicts", "Conflicts"];
const MACHINE_IDS: [&str; 3] = ["MachineID", "X-ConditionMachineID", "X-ConditionMachineBootID"];

/// Whether fleet knows a key of `[X-Fleet]`. It ignores any other, case counts, and only fleetctl warns.
#[must_use]
pub fn is_known_key(key: &str, release: Release) -> bool {
    let mut known = METADATA.iter().chain(&PEERS).chain(&CONFLICTS).chain(&MACHINE_IDS);
    known.any(|it| *it == key) || key == "Global" || (key == "Replaces" && release == Release::V1)
}

/// Whether fleet takes a value of `Global=` for a yes.
#[must_use]
pub fn is_truthy(value: &str, release: Release) -> bool {
    let words: &[&str] = match release {
        Release::Before013 => &["true"],
        Release::V1 => &["true", "yes", "1", "on", "t"],
    };
    words.iter().any(|word| value.eq_ignore_ascii_case(word))
}

/// Splits a value that begins and ends with a quote at the single blanks outside quotes, and takes off the quotes; any
/// other value stays whole.
#[must_use]
pub fn split_values(value: &str) -> Vec<String> {
    if !value.starts_with('"') || !value.ends_with('"') {
        return vec![value.to_owned()];
    }
    let mut parts = vec![String::new()];
    let mut quoted = false;
    for c in value.chars() {
        match c {
            '"' => quoted = !quoted,
            ' ' if !quoted => parts.push(String::new()),
            c => parts.last_mut().into_iter().for_each(|part| part.push(c)),
        }
    }
    parts
}

/// Expands the specifiers that fleet knows, one after another as it does: there is no `%%`.
#[must_use]
pub fn expand(text: &str, unit_name: &str) -> String {
    if !text.contains('%') {
        return text.to_owned();
    }
    let Some(name) = FleetName::split(unit_name) else { return text.to_owned() };
    let instance = name.instance.unwrap_or_default();
    text.replace("%n", unit_name).replace("%N", &name.name).replace("%p", &name.prefix).replace("%i", &instance)
}

/// The options of a unit.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// Each key with its values, in order.
    pub requirements: BTreeMap<String, Vec<String>>,
}

/// Why fleet refuses a unit; it tells the first reason only, in these words.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Two options that exclude each other.
    #[error("{0} cannot be used with {1}")]
    Together(&'static str, &'static str),
    /// A unit that must be beside another and must not.
    #[error("unresolvable requirements: peer {peer:?} matches {what} {pattern:?}")]
    Unresolvable {
        /// The value of `MachineOf=`.
        peer: String,
        /// `conflict` or `replace`.
        what: &'static str,
        /// The pattern.
        pattern: String,
    },
}

impl Options {
    /// Reads keys and values as they are written.
    pub fn new<'a>(pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let mut requirements: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for (key, value) in pairs {
            requirements.entry(key.to_owned()).or_default().extend(split_values(value));
        }
        Self { requirements }
    }

    /// The options of a unit file, read in fleet's dialect.
    #[must_use]
    pub fn of(file: &UnitFile) -> Self {
        let mut requirements: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for entry in file.entries_of("X-Fleet") {
            requirements.entry(entry.key.clone()).or_default().extend(split_values(&entry.value()));
        }
        Self { requirements }
    }

    /// The same with the specifiers expanded, as fleet does when it schedules, and not when it refuses.
    #[must_use]
    pub fn expanded(&self, unit_name: &str) -> Self {
        let expanded = |values: &Vec<String>| values.iter().map(|value| expand(value, unit_name)).collect();
        Self { requirements: self.requirements.iter().map(|(key, values)| (key.clone(), expanded(values))).collect() }
    }

    fn values<'a>(&'a self, keys: &'a [&'a str]) -> impl Iterator<Item = &'a String> + 'a {
        keys.iter().filter_map(|key| self.requirements.get(*key)).flatten()
    }

    /// The units that this one must be beside.
    #[must_use]
    pub fn peers(&self) -> Vec<String> {
        self.values(&PEERS).cloned().collect()
    }

    /// Patterns of the units that this one must not be beside.
    #[must_use]
    pub fn conflicts(&self, release: Release) -> Vec<String> {
        let values = self.values(&CONFLICTS);
        match release {
            Release::Before013 => values.cloned().collect(),
            Release::V1 => values.flat_map(|value| value.split_whitespace()).map(str::to_owned).collect(),
        }
    }

    /// Patterns of the units that must go where this one comes.
    #[must_use]
    pub fn replaces(&self) -> Vec<String> {
        self.values(&["Replaces"]).cloned().collect()
    }

    /// The machine that is asked for.
    #[must_use]
    pub fn machine_id(&self) -> Option<&str> {
        MACHINE_IDS.iter().find_map(|key| self.requirements.get(*key)?.first()).map(String::as_str)
    }

    /// What the machine must have, each key with the values that will do.
    #[must_use]
    pub fn metadata(&self) -> BTreeMap<String, BTreeSet<String>> {
        let mut metadata: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for (key, value) in self.values(&METADATA).filter_map(|pair| metadata_pair(pair)) {
            metadata.entry(key.to_owned()).or_default().insert(value.to_owned());
        }
        metadata
    }

    /// Whether the unit is to run on every machine.
    #[must_use]
    pub fn is_global(&self, release: Release) -> bool {
        self.values(&["Global"]).last().is_some_and(|value| is_truthy(value, release))
    }

    /// What fleet's API has against the options.
    ///
    /// # Errors
    /// The first reason.
    pub fn validate(&self, release: Release) -> Result<(), Refusal> {
        let (peers, conflicts) = (self.peers(), self.conflicts(release));
        let replaces = match release {
            Release::Before013 => Vec::new(),
            Release::V1 => self.replaces(),
        };
        let (machine, global) = (self.machine_id().is_some(), self.is_global(release));
        let beside_global = release == Release::Before013 && !conflicts.is_empty();
        let pairs = [
            (machine && !peers.is_empty(), "MachineID", "Peers"),
            (machine && !conflicts.is_empty(), "MachineID", "Conflicts"),
            (machine && global, "MachineID", "Global"),
            (machine && !replaces.is_empty(), "MachineID", "Replaces"),
            (global && !peers.is_empty(), "Global", "Peers"),
            (global && beside_global, "Global", "Conflicts"),
            (global && !replaces.is_empty(), "Global", "Replaces"),
            (!conflicts.is_empty() && !replaces.is_empty(), "Conflicts", "Replaces"),
        ];
        // What cannot be resolved is looked for first.
        let unresolvable =
            unresolvable(&peers, "conflict", &conflicts).or_else(|| unresolvable(&peers, "replace", &replaces));
        match (unresolvable, pairs.iter().find(|pair| pair.0)) {
            (Some(refusal), _) => Err(refusal),
            (None, Some((_, one, other))) => Err(Refusal::Together(one, other)),
            (None, None) => Ok(()),
        }
    }

    /// A peer that the unit's own patterns keep away.
    #[must_use]
    pub fn contradiction(&self, release: Release) -> Option<Refusal> {
        let peers = self.peers();
        let conflict = unresolvable(&peers, "conflict", &self.conflicts(release));
        conflict.or_else(|| unresolvable(&peers, "replace", &self.replaces()))
    }
}

fn unresolvable(peers: &[String], what: &'static str, patterns: &[String]) -> Option<Refusal> {
    if peers.is_empty() {
        return None;
    }
    // Nobody writes a unit for which these do not suffice, and a hostile one must not take for ever.
    let mut steps = 1 << 20;
    let parsed: Vec<(&String, Pattern)> =
        patterns.iter().filter_map(|pattern| Some((pattern, Pattern::parse(pattern).ok()?))).collect();
    peers.iter().find_map(|peer| {
        let name: Vec<char> = peer.chars().take_while(|_| steps > 0).collect();
        // Stops at a match, and where no steps are left.
        let (pattern, _) = parsed.iter().find(|(_, it)| steps == 0 || it.matches(&name, &mut steps))?;
        if steps == 0 {
            return None;
        }
        Some(Refusal::Unresolvable { peer: peer.clone(), what, pattern: (*pattern).clone() })
    })
}

/// A pair that fleet takes: exactly one `=`, and something on either side.
pub(in crate::lint) fn metadata_pair(pair: &str) -> Option<(&str, &str)> {
    let (key, value) = pair.split_once('=')?;
    (!key.is_empty() && !value.is_empty() && !value.contains('=')).then_some((key, value))
}
