//! `SystemCallFilter=`: groups of system calls, and what is left of them.

use crate::unit::words::{WordFlags, Words};
use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::LazyLock;

/// The most that an error number can be (`ERRNO_MAX`, src/basic/errno-util.h).
const ERRNO_MAX: u16 = 4095;

struct Table {
    groups: HashMap<&'static str, Vec<&'static str>>,
    /// No number on x86-64.
    foreign: HashSet<&'static str>,
    /// Not known to libseccomp, so that a filter ignores them.
    unknown: HashSet<&'static str>,
    errors: HashSet<&'static str>,
}

static TABLE: LazyLock<Table> = LazyLock::new(|| {
    let rows = include_str!("calls.tsv").lines().filter(|line| !line.starts_with("# "));
    let rows = rows.filter_map(|line| line.split_once('\t'));
    let mut groups: HashMap<&str, Vec<&str>> = rows.map(|(name, list)| (name, list.split(' ').collect())).collect();
    let mut taken = |name| groups.remove(name).unwrap_or_default().into_iter().collect();
    let (foreign, unknown, errors) = (taken("foreign"), taken("unknown"), taken("errno"));
    Table { groups, foreign, unknown, errors }
});

/// Names that are in some group: `@known` names all.
static NAMES: LazyLock<HashSet<&'static str>> = LazyLock::new(|| members("@known").into_iter().collect());

/// The calls of a group, those of the groups in it among them; one that is twice in it is twice there.
fn members(group: &str) -> Vec<&'static str> {
    let mut calls = Vec::new();
    for name in TABLE.groups.get(group).into_iter().flatten() {
        if name.starts_with('@') { calls.extend(members(name)) } else { calls.push(*name) }
    }
    calls
}

/// Whether a filter takes a word, `:` and its error number taken off: a group of 252, or a call that libseccomp knows.
pub(in crate::lint) fn is_call_or_group(name: &str) -> bool {
    TABLE.groups.contains_key(name)
        || (!TABLE.unknown.contains(name) && (NAMES.contains(name) || TABLE.foreign.contains(name)))
}

/// Whether a filter takes what stands after the `:`.
pub(in crate::lint) fn is_errno(text: &str) -> bool {
    text == "kill" || TABLE.errors.contains(text) || text.parse::<u16>().is_ok_and(|number| number <= ERRNO_MAX)
}

/// A filter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Filter {
    /// Whether nothing but the calls named may be used, or anything but them.
    allows: bool,
    /// The calls, and whether using one gives an error all the same.
    calls: BTreeMap<&'static str, bool>,
}

impl Filter {
    /// What an assignment makes of the filter so far.
    pub(super) fn assigned(so_far: Option<Self>, value: &str) -> Option<Self> {
        if value.is_empty() {
            return None;
        }
        let (inverted, list) = value.strip_prefix('~').map_or((false, value), |list| (true, list));
        let mut filter = so_far.unwrap_or_else(|| Self::begun(!inverted));
        let mut words = Words::new(list.as_bytes());
        while let Ok(Some(word)) = words.next_word(WordFlags::NONE) {
            filter.word(&String::from_utf8_lossy(&word.text), inverted);
        }
        Some(filter)
    }

    fn begun(allows: bool) -> Self {
        let mut filter = Self { allows, calls: BTreeMap::new() };
        if allows {
            filter.put("@default", false, false);
        }
        filter
    }

    fn word(&mut self, word: &str, inverted: bool) {
        let (name, errno) = word.split_once(':').map_or((word, None), |(name, errno)| (name, Some(errno)));
        if errno.is_none_or(|errno| is_errno(errno) && inverted) {
            self.put(name, inverted, errno.is_some());
        }
    }

    fn put(&mut self, name: &str, inverted: bool, errs: bool) {
        let calls = if name.starts_with('@') { members(name) } else { NAMES.get(name).into_iter().copied().collect() };
        for call in calls.into_iter().filter(|call| !TABLE.unknown.contains(call)) {
            if inverted != self.allows || (inverted && self.allows && errs) {
                self.calls.insert(call, errs);
            } else {
                self.calls.remove(call);
            }
        }
    }

    /// Whether a call may be used.
    fn lets_through(&self, call: &str) -> bool {
        match self.calls.get(call) {
            Some(errs) => self.allows && !errs,
            None => !self.allows,
        }
    }

    /// How bad it is, of ten, that the filter lets calls of a group through.
    pub(super) fn badness(filter: Option<&Self>, group: &str) -> u64 {
        let Some(filter) = filter.filter(|filter| filter.allows || !filter.calls.is_empty()) else { return 10 };
        let mut native = members(group).into_iter().filter(|call| !is_foreign(call));
        match (native.any(|call| filter.lets_through(call)), filter.allows) {
            (true, true) => 9,
            (true, false) => 10,
            (false, _) => 0,
        }
    }
}

fn is_foreign(call: &str) -> bool {
    TABLE.foreign.contains(call) || TABLE.unknown.contains(call)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_within_groups_are_taken_apart() {
        assert!(members("@privileged").contains(&"fchown"));
        assert!(members("@known").len() > 500);
        assert!(is_call_or_group("@swap") && is_call_or_group("read") && is_call_or_group("chown32"));
        assert!(!is_call_or_group("@swaps") && !is_call_or_group("riscv_hwprobe") && !is_call_or_group("reed"));
    }

    #[test]
    fn a_denied_call_of_an_allowed_group_is_not_let_through() {
        let filter = Filter::assigned(Filter::assigned(None, "@system-service"), "~@resources chown:EPERM");
        assert_eq!(Filter::badness(filter.as_ref(), "@resources"), 0);
        assert_eq!(Filter::badness(filter.as_ref(), "@privileged"), 9);
        assert_eq!(Filter::badness(Filter::assigned(filter, "").as_ref(), "@swap"), 10);
    }
}
