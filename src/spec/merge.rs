//! Files and defaults, merged in the tree: each value keeps its own place, so that a fault in `defaults:` is shown
//! there.

use super::yaml::{Content, Node};
use crate::diag::{Report, Span};
use std::collections::HashMap;
use std::collections::hash_map::Entry;

/// Keys of a job whose maps are merged entry by entry; every other value is replaced whole by the job's own.
const MERGED_DEEP: [&str; 5] = ["archive", "service", "service.directives", "fleet", "fleet.machine_metadata"];

/// A job with what `defaults:` give it.
pub(super) fn with_defaults(defaults: &Node, job: &Node) -> Node {
    merged(&defaults.as_default(), job, "")
}

fn merged(under: &Node, over: &Node, route: &str) -> Node {
    let (Content::Map(below), Content::Map(above)) = (&under.content, &over.content) else { return over.clone() };
    let mut entries = above.clone();
    let own: HashMap<&str, usize> =
        above.iter().enumerate().rev().filter_map(|(i, (k, _))| Some((k.key()?, i))).collect();
    for (key, value) in below {
        let Some(name) = key.key() else { continue };
        let inner = if route.is_empty() { name.to_owned() } else { format!("{route}.{name}") };
        let deep = MERGED_DEEP.contains(&inner.as_str()) || route == "service.directives";
        match own.get(name).and_then(|index| entries.get_mut(*index)) {
            Some((_, own)) if deep => *own = merged(value, own, &inner),
            Some(_) => {}
            None => entries.push((key.clone(), value.clone())),
        }
    }
    Node { content: Content::Map(entries), span: over.span.clone(), origin: over.origin }
}

/// Adds what an included file holds to the including one. Jobs, destinations and defaults are added entry by entry;
/// whatever is there twice is an error that names both places.
pub(super) fn include(root: &mut Node, included: Node, report: &mut Report) {
    let Content::Map(entries) = &mut root.content else { return };
    let Content::Map(more) = included.content else {
        report.error(
            "wrong-type",
            &included.span,
            format!("an included file holds a map, this is {}", included.content.noun()),
        );
        return;
    };
    for (key, value) in more {
        let name = key.key().unwrap_or("").to_owned();
        match entries.iter_mut().find(|(k, _)| k.key() == Some(name.as_str())) {
            // Each file says its version, the same one.
            Some((_, own)) if name == "version" && own.content == value.content => {}
            Some((_, own)) if matches!(name.as_str(), "jobs" | "destinations" | "defaults") => {
                add_entries(own, value, report);
            }
            Some((own, _)) => {
                let message = format!("`{name}` is set in two files");
                report.error("set-twice", &key.span, message).also(&own.span, "it is set here already");
            }
            None => entries.push((key, value)),
        }
    }
}

fn add_entries(own: &mut Node, more: Node, report: &mut Report) {
    let (Content::Map(entries), Content::Map(more)) = (&mut own.content, more.content) else { return };
    let mut known: HashMap<String, Span> =
        entries.iter().filter_map(|(key, _)| Some((key.key()?.to_owned(), key.span.clone()))).collect();
    for (key, value) in more {
        match key.key().map(|name| known.entry(name.to_owned())) {
            Some(Entry::Occupied(first)) if first.get().file != key.span.file => {
                let message = format!("`{}` is set in two files", first.key());
                report.error("set-twice", &key.span, message).also(first.get(), "it is set here already");
            }
            Some(Entry::Vacant(free)) => {
                free.insert(key.span.clone());
                entries.push((key, value));
            }
            // The decoder tells of what is twice in one file, and of keys that are no text.
            Some(Entry::Occupied(_)) | None => entries.push((key, value)),
        }
    }
}
