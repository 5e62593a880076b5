//! Keys of a spec.

use crate::spec::keys::{Entry, Key, Keys, Rule, Takes};
use std::fmt::Write as _;

pub(super) fn row(entry: &Entry) -> String {
    format!("{:50} {}\n", entry.route, entry.key.meaning)
}

/// The page of what was asked for, or where it may stand if that is in several maps.
pub(super) fn pages(entries: &[Entry]) -> String {
    let Some(first) = entries.first() else { return String::new() };
    let same = entries.iter().all(|entry| std::ptr::eq(entry.key, first.key));
    if !same {
        let rows: String = entries.iter().map(row).collect();
        return format!("{} is a key in several places; ask for one with what is before it:\n\n{rows}", first.key.name);
    }
    page(entries, first)
}

fn page(entries: &[Entry], first: &Entry) -> String {
    let key = first.key;
    let routes: Vec<&str> = entries.iter().map(|entry| entry.route.as_str()).collect();
    let mut text = format!("{}: {}\n\n", routes.join("\n"), key.meaning);
    let mut line = |name: &str, value: &str| {
        let _ = writeln!(text, "{name:10} {value}");
    };
    line("takes", &takes(&key.takes));
    match (key.needed, key.default, key.without) {
        (true, _, _) => line("needed", "yes"),
        (false, Some(default), _) => line("default", default),
        (false, None, Some(without)) => line("without", without),
        (false, None, None) => {}
    }
    if !key.with.is_empty() {
        line("goes with", &key.with.join(", "));
    }
    line("example", &format!("{}: {}", key.name, key.example));
    line("since", key.since);
    for (_, keys) in key.takes.maps().into_iter().take(1) {
        let _ = write!(text, "\n{}", map(keys));
    }
    text
}

/// The keys of a map, a line each.
fn map(keys: &Keys) -> String {
    let mut text = String::new();
    for Key { name, meaning, needed, .. } in keys.keys {
        let _ = writeln!(text, "  {:20} {meaning}{}", name, if *needed { " (needed)" } else { "" });
    }
    for rule in keys.rules {
        let _ = writeln!(text, "  {}", self::rule(rule));
    }
    text
}

/// A rule in words.
pub(super) fn rule(rule: &Rule) -> String {
    match rule {
        Rule::OneOf(keys) => format!("exactly one of {}", list(keys, "and")),
        Rule::Some(keys) => format!("at least one of {}", list(keys, "and")),
        Rule::NoTwo(keys) => format!("no two of {}", list(keys, "and")),
        Rule::Needs(key, others) => format!("{} only with {}", list(&[key], ""), list(others, "or")),
    }
}

fn list(keys: &[&str], joint: &str) -> String {
    let keys: Vec<String> = keys.iter().map(|key| format!("`{key}`")).collect();
    match keys.split_last() {
        Some((last, [])) => last.clone(),
        Some((last, rest)) => format!("{} {joint} {last}", rest.join(", ")),
        None => String::new(),
    }
}

/// What a value may be, in words.
pub(super) fn takes(takes: &Takes) -> String {
    match takes {
        Takes::Text(shape) => shape.noun().to_owned(),
        Takes::Switch => "`true` or `false`".to_owned(),
        Takes::Whole(least, most) if least == most => format!("the number {least}"),
        Takes::Whole(least, most) => format!("a whole number from {least} to {most}"),
        Takes::Words(words) => list(words, "or"),
        Takes::Value(shape) => format!("{}, or a reference", shape.noun()),
        Takes::Secret => "a reference: `{file: PATH}` and the like".to_owned(),
        Takes::Map(keys) => format!("a map: {}", keys.title),
        Takes::SomeOf(keys) => format!("a map with keys of a {}", keys.title),
        Takes::Named(shape, _, inner) => format!("a map from {} to {}", shape.noun(), self::takes(inner)),
        Takes::List(0, inner) => format!("a list: {}", self::takes(inner)),
        Takes::List(_, inner) => format!("a list that holds something: {}", self::takes(inner)),
        Takes::Several(_, inner) => format!("{}; or a list of such", self::takes(inner)),
        Takes::Any(forms) => forms.iter().map(self::takes).collect::<Vec<_>>().join("; or "),
    }
}
