//! Keys by their route.

use super::{Key, Keys, REFERENCE, SPEC};
use std::collections::HashSet;

/// One key of the table, and where it stands.
#[derive(Debug, Clone)]
pub struct Entry {
    /// `jobs.*.archive.compression`: `*` stands for a name of the author's choice, `[]` for an item of a list. The keys of a
    /// reference are below `REFERENCE`.
    pub route: String,
    /// The map that it is in.
    pub keys: &'static Keys,
    /// The key itself.
    pub key: &'static Key,
}

/// Every key at every place where it may stand, in the order of the table, an outer one before those below it.
#[must_use]
pub fn all() -> Vec<Entry> {
    let mut entries = vec![];
    let mut seen = HashSet::new();
    below("", &SPEC, &mut entries, &mut seen);
    below("REFERENCE", &REFERENCE, &mut entries, &mut seen);
    entries
}

fn below(around: &str, keys: &'static Keys, entries: &mut Vec<Entry>, seen: &mut HashSet<String>) {
    for key in keys.keys {
        let route = if around.is_empty() { key.name.to_owned() } else { format!("{around}.{}", key.name) };
        // A form with a list and one without are one key.
        if !seen.insert(route.replace("[]", "")) {
            continue;
        }
        entries.push(Entry { route: route.clone(), keys, key });
        for (step, inner) in key.takes.maps() {
            below(&format!("{route}{step}"), inner, entries, seen);
        }
    }
}

/// A route's keys, without what names and numbers stand between them.
fn steps(route: &str) -> Vec<String> {
    let plain: String = route.replace("[]", "");
    plain.split('.').map(|step| step.split_once('[').map_or(step, |(name, _)| name).to_owned()).collect()
}

/// The keys that a person means by `archive.compression`, `jobs.*.archive.compression` or `jobs.wiki.archive.compression`:
/// all whose routes end so.
#[must_use]
pub fn find(asked: &str) -> Vec<Entry> {
    let asked = steps(asked.trim_matches('.'));
    let asked = match asked.split_first() {
        // What defaults hold is what jobs hold.
        Some((first, rest)) if first == "defaults" && !rest.is_empty() => rest.to_vec(),
        _ => asked,
    };
    let fits = |entry: &Entry| ends_so(&steps(&entry.route), &asked);
    let found: Vec<Entry> = all().into_iter().filter(fits).collect();
    let exact: Vec<Entry> = found.iter().filter(|entry| steps(&entry.route).len() == asked.len()).cloned().collect();
    if exact.is_empty() { found } else { exact }
}

fn ends_so(route: &[String], asked: &[String]) -> bool {
    let Some(start) = route.len().checked_sub(asked.len()) else { return false };
    route.iter().skip(start).zip(asked).all(|(step, asked)| step == asked || (step == "*" && !asked.is_empty()))
        && asked.last() == route.last()
}

/// The key that is nearest to what was asked for, as one would ask for it.
#[must_use]
pub fn nearest(asked: &str) -> Option<String> {
    let last = asked.rsplit('.').next().unwrap_or(asked);
    let names: Vec<&str> = all().into_iter().map(|entry| entry.key.name).collect();
    let near = crate::spec::nearest_word(last, names)?;
    let whole = asked.rsplit_once('.').map(|(around, _)| format!("{around}.{near}"));
    Some(whole.filter(|route| !find(route).is_empty()).unwrap_or_else(|| near.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn routes(asked: &str) -> Vec<String> {
        find(asked).into_iter().map(|entry| entry.route).collect()
    }

    #[test]
    fn a_key_is_found_by_any_end_of_its_route() {
        for asked in
            ["archive.compression", "jobs.*.archive.compression", "jobs.wiki.archive.compression", "compression"]
        {
            assert_eq!(routes(asked), ["jobs.*.archive.compression"], "{asked}");
        }
        assert_eq!(routes("defaults.archive.name"), ["jobs.*.archive.name"]);
        assert_eq!(routes("store[0].keep.within"), ["jobs.*.store[].keep.within"]);
        assert_eq!(routes("etcd"), ["etcd"]);
        assert!(routes("password").len() > 5);
        assert!(routes("compresion").is_empty() && routes("").is_empty() && routes("*").is_empty());
    }

    #[test]
    fn what_is_mistyped_has_a_suggestion() {
        assert_eq!(nearest("archive.compresion").as_deref(), Some("archive.compression"));
        assert_eq!(nearest("compresion").as_deref(), Some("compression"));
        assert_eq!(nearest("qqqqqqq"), None);
    }

    #[test]
    fn maps_have_titles_of_their_own() {
        let mut titles: Vec<(&str, *const Keys)> =
            all().iter().map(|e| (e.keys.title, std::ptr::from_ref(e.keys))).collect();
        titles.sort_unstable();
        titles.dedup();
        let names: HashSet<&str> = titles.iter().map(|(title, _)| *title).collect();
        assert_eq!(names.len(), titles.len(), "{titles:?}");
    }
}
