//! Pages of the documentation.

use super::findings;
use super::key::{rule, takes};
use crate::spec::keys::{self, Key, Keys};
use std::fmt::Write as _;

/// The beginning of the page of all keys. Its block is run by the tests, as those of every page are.
const SPEC_HEAD: &str = "# The keys of a spec

This page is written by `eightbells explain --markdown=spec`; of one key, the same is shown by

```sh
eightbells explain archive.compression
eightbells explain 'jobs.*.store[].keep'
```

[guide.md](guide.md) tells how they work together; `eightbells schema` prints the same for editors. In a route, `*` stands for
a name of your choice and `[]` for an item of a list. All keys are since version 0.1.0 unless they say otherwise. A number stands
for its text where text is taken.
";

const FINDINGS_HEAD: &str = "# Findings of a spec

What `check`, `generate`, `show` and `try` say of a spec, and `lint` of its settings, beside the linter's rules
([rules.md](rules.md)). This page is written by `eightbells explain --markdown=findings`; the same texts are shown by

```sh
eightbells explain schedule-invalid
```
";

/// The page of all findings that are no rule's.
pub(super) fn findings() -> String {
    let mut all: Vec<&findings::Finding> = findings::all().collect();
    all.sort_by_key(|finding| finding.id);
    let pages = all.iter().map(|f| format!("\n## {}\n\n{}: {}.\n\n{}\n", f.id, f.level, f.finds, f.page));
    FINDINGS_HEAD.to_owned() + &pages.collect::<String>()
}

/// The page of all keys, a table for each map.
pub(super) fn spec() -> String {
    let mut text = SPEC_HEAD.to_owned();
    let entries = keys::all();
    let mut told: Vec<*const Keys> = vec![];
    for entry in &entries {
        if told.contains(&std::ptr::from_ref(entry.keys)) {
            continue;
        }
        told.push(entry.keys);
        let mut places: Vec<String> = entries
            .iter()
            .filter(|other| std::ptr::eq(other.keys, entry.keys) && std::ptr::eq(other.key, entry.key))
            .map(|other| other.route.rsplit_once('.').map_or(String::new(), |(around, _)| around.to_owned()))
            .collect();
        places.dedup();
        section(entry.keys, &places, &mut text);
    }
    text
}

fn section(keys: &Keys, places: &[String], text: &mut String) {
    let _ = write!(text, "\n## {}\n\n", keys.title);
    match places {
        [place] if place.is_empty() => text.push_str("At the top of a spec. Keys that begin with `x-` are yours.\n\n"),
        [place] if place == "REFERENCE" => {
            text.push_str("In the place of a value: where it is read from when the job runs.\n\n");
        }
        places => {
            let places: Vec<String> = places.iter().map(|place| format!("`{place}`")).collect();
            let _ = write!(text, "At {}.\n\n", places.join(", "));
        }
    }
    text.push_str("| key | means | takes | without it | example |\n| --- | --- | --- | --- | --- |\n");
    keys.keys.iter().for_each(|key| text.push_str(&row(key)));
    if !keys.rules.is_empty() {
        let rules: Vec<String> = keys.rules.iter().map(rule).collect();
        let _ = write!(text, "\nIn it: {}.\n", rules.join("; "));
    }
}

fn row(key: &Key) -> String {
    let without = match (key.needed, key.default, key.without) {
        (true, _, _) => "it must be there".to_owned(),
        (false, Some(default), _) => format!("`{default}`"),
        (false, None, Some(words)) => words.to_owned(),
        (false, None, None) => String::new(),
    };
    let with = if key.with.is_empty() { String::new() } else { format!("; with {}", words(key.with)) };
    let since = if key.since == keys::SINCE_FIRST { String::new() } else { format!("; since {}", key.since) };
    let cells = [
        format!("`{}`", key.name),
        format!("{}{with}{since}", key.meaning),
        takes(&key.takes),
        without,
        format!("`{}`", key.example),
    ];
    format!("| {} |\n", cells.map(|cell| cell.replace('|', "\\|")).join(" | "))
}

fn words(keys: &[&str]) -> String {
    keys.iter().map(|key| format!("`{key}`")).collect::<Vec<_>>().join(", ")
}
