//! A map of the spec, entry by entry: what nobody asks for is an unknown key.

use crate::diag::{Report, Span};
use crate::spec::places::{Origin, Place, Places};
use crate::spec::syntax::is_placeholder;
use crate::spec::yaml::{Content, Node};
use std::collections::{BTreeMap, BTreeSet, HashSet};

/// One value on its way into the model.
#[derive(Debug, Clone)]
pub(super) struct Field<'n> {
    pub node: &'n Node,
    /// The key that it stands under; an item of a list has its list's.
    pub key: &'n Node,
    /// Its route, see [`Places`].
    pub route: String,
}

impl<'n> Field<'n> {
    /// Its text in the file, or its key where it has none.
    pub(super) fn span(&self) -> &'n Span {
        let span = &self.node.span;
        if span.start == span.end { &self.key.span } else { span }
    }

    /// What findings call it: its key, of an item its list's; the whole spec where it has none.
    pub(super) fn name(&self) -> &'n str {
        if self.route.is_empty() { "the spec" } else { self.key.key().unwrap_or("this") }
    }

    /// Where what is missing in it is told of: at its key, or where the whole spec or an item begins.
    fn head(&self) -> Span {
        if self.route.is_empty() || self.route.ends_with(']') {
            let span = &self.node.span;
            return Span { end: span.end.min(span.start + 1), ..span.clone() };
        }
        self.key.span.clone()
    }
}

/// A map whose keys are taken one by one.
pub(super) struct Fields<'n> {
    /// Where what is missing in the map is told of.
    pub span: Span,
    /// What findings call the map.
    pub name: &'n str,
    /// Whether it is a job, to which `defaults:` add keys.
    pub takes_defaults: bool,
    route: String,
    entries: Vec<(&'n Node, &'n Node, bool)>,
    asked: Vec<&'static str>,
}

/// What decoding gathers.
pub(super) struct Decoder<'r> {
    pub report: &'r mut Report,
    pub places: Places,
    /// Places whose text must not be shown.
    pub masked: Vec<Span>,
    /// Whether the spec says where etcd is.
    pub has_etcd: bool,
    /// Every destination that is there, right or not, with the place of its name.
    pub destinations: BTreeMap<String, Span>,
    /// The destinations at which some job stores something.
    pub used: BTreeSet<String>,
}

impl<'r> Decoder<'r> {
    pub(super) fn new(report: &'r mut Report) -> Self {
        let (places, masked) = (Places::default(), vec![]);
        Self { report, places, masked, has_etcd: false, destinations: BTreeMap::new(), used: BTreeSet::new() }
    }
}

/// Words looked at for a suggestion; more would make many wrong names in a long spec slow to tell of.
const CANDIDATES_MAX: usize = 1_000;
/// Words longer than this resemble nothing that we know.
const WORD_MAX_BYTES: usize = 100;

/// The word that is nearest to another one, if it is near at all.
#[must_use]
pub fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    if word.len() > WORD_MAX_BYTES {
        return None;
    }
    let plain = |text: &str| text.to_lowercase().replace(['-', '_'], "");
    let wrong = plain(word);
    let known: Vec<&str> = known.into_iter().take(CANDIDATES_MAX).collect();
    let begun =
        known.iter().find(|k| wrong.len() > 1 && plain(k).starts_with(&wrong) && plain(k).len() < 2 * wrong.len() + 1);
    if let Some(begun) = begun {
        return Some(begun);
    }
    let allowed = (wrong.chars().count() / 3).min(4);
    let scored = known.into_iter().map(|k| (strsim::damerau_levenshtein(&wrong, &plain(k)), k));
    scored.filter(|(distance, _)| *distance <= allowed).min_by_key(|(distance, _)| *distance).map(|(_, k)| k)
}

impl<'n> Fields<'n> {
    /// The value of a key, where it is there and not empty.
    pub(super) fn take(&mut self, key: &'static str, decoder: &mut Decoder<'_>) -> Option<Field<'n>> {
        self.asked.push(key);
        let entry = self.entries.iter_mut().find(|(k, _, _)| k.key() == Some(key))?;
        entry.2 = true;
        let (key_node, node, _) = *entry;
        let route = if self.route.is_empty() { key.to_owned() } else { format!("{}.{key}", self.route) };
        let place = if node.content == Content::Null { key_node } else { node };
        decoder.places.insert(&route, Place { span: place.span.clone(), origin: node.origin });
        if node.content == Content::Null {
            decoder.no_value(key_node, key);
            return None;
        }
        Some(Field { node, key: key_node, route })
    }

    /// The value of a key that must be there.
    pub(super) fn need(&mut self, key: &'static str, decoder: &mut Decoder<'_>, help: &str) -> Option<Field<'n>> {
        let there = self.has(key);
        let field = self.take(key, decoder);
        if !there {
            let message = format!("{} has no `{key}`", quoted(self.name));
            decoder.report.error("missing-key", &self.span, message).help(help);
        }
        field
    }

    /// Whether a key is there.
    pub(super) fn has(&self, key: &str) -> bool {
        self.entries.iter().any(|(k, _, _)| k.key() == Some(key))
    }

    /// Which of several keys are there.
    pub(super) fn present(&self, keys: &[&'static str]) -> Vec<&'static str> {
        keys.iter().copied().filter(|key| self.has(key)).collect()
    }

    /// Whether a key was asked for.
    pub(super) fn is_asked(&self, key: &str) -> bool {
        self.asked.contains(&key)
    }

    /// The key itself, where it is there; it counts as taken, and is not listed among the known ones.
    pub(super) fn quietly(&mut self, key: &str) -> Option<&'n Node> {
        let entry = self.entries.iter_mut().find(|(k, _, _)| k.key() == Some(key))?;
        entry.2 = true;
        Some(entry.0)
    }

    /// Where a key stands.
    pub(super) fn key_span(&self, key: &str) -> Option<Span> {
        self.entries.iter().find(|(k, _, _)| k.key() == Some(key)).map(|(k, _, _)| k.span.clone())
    }

    /// Marks keys that start so as known.
    pub(super) fn ignore_prefix(&mut self, prefix: &str) {
        let begins = |node: &Node| node.key().is_some_and(|k| k.starts_with(prefix));
        self.entries.iter_mut().filter(|(k, _, _)| begins(k)).for_each(|entry| entry.2 = true);
    }

    /// Reports every key that nobody asked for.
    pub(super) fn finish(self, decoder: &mut Decoder<'_>) {
        let mut known = self.asked;
        known.sort_unstable();
        known.dedup();
        // A key that is there twice is told of already.
        let mut seen: HashSet<&str> = known.iter().copied().collect();
        for (key, _, taken) in &self.entries {
            let Some(name) = key.key().filter(|name| !taken && seen.insert(name)) else { continue };
            let near = if decoder.report.is_full() { None } else { nearest(name, known.iter().copied()) };
            let whole = if self.takes_defaults && key.origin == Origin::Default { "defaults" } else { self.name };
            let message = format!("`{name}` is not a key of {}", quoted(whole));
            let diagnostic = decoder.report.error("unknown-key", &key.span, message);
            match near {
                Some(near) => diagnostic.label(format!("did you mean `{near}`?")),
                None => diagnostic.help(format!("there are {}", known.join(", "))),
            };
        }
    }
}

/// A key's name in backticks; the whole spec needs none.
fn quoted(name: &str) -> String {
    if name == "the spec" { name.to_owned() } else { format!("`{name}`") }
}

impl Decoder<'_> {
    /// A map's entries; duplicate and odd keys are reported.
    pub(super) fn fields<'n>(&mut self, field: &Field<'n>) -> Option<Fields<'n>> {
        let Content::Map(entries) = &field.node.content else {
            self.wrong_type(field, "a map");
            return None;
        };
        self.check_keys(entries);
        let entries = entries.iter().map(|(k, v)| (k, v, false)).collect();
        let (span, name, route) = (field.head(), field.name(), field.route.clone());
        Some(Fields { span, name, takes_defaults: false, route, entries, asked: vec![] })
    }

    /// A map from names of the author's choice, in the order written.
    pub(super) fn named<'n>(&mut self, field: &Field<'n>) -> Vec<(String, &'n Node, Field<'n>)> {
        let Content::Map(entries) = &field.node.content else {
            self.wrong_type(field, "a map");
            return vec![];
        };
        self.check_keys(entries);
        let mut named = vec![];
        let mut seen = HashSet::new();
        for (key, node) in entries {
            let Some(name) = key.key().filter(|name| seen.insert(*name)) else { continue };
            let route = format!("{}.{name}", field.route);
            self.places.insert(&route, Place { span: key.span.clone(), origin: node.origin });
            if node.content == Content::Null {
                self.no_value(key, name);
                continue;
            }
            named.push((name.to_owned(), key, Field { node, key, route }));
        }
        named
    }

    fn check_keys(&mut self, entries: &[(Node, Node)]) {
        let mut seen = std::collections::HashMap::new();
        for (key, _) in entries {
            let Some(name) = key.key() else {
                if !self.unquoted_placeholder(key) {
                    let message = format!("a key is text, this is {}", key.content.noun());
                    self.report.error("wrong-type", &key.span, message);
                }
                continue;
            };
            if let Some(first) = seen.insert(name, &key.span) {
                let message = format!("`{name}` is here twice");
                self.report.error("duplicate-key", &key.span, message).also(first, "it is here first");
            }
        }
    }

    /// A list's items; a single value is not a list of one unless the caller says so.
    pub(super) fn items<'n>(&mut self, field: &Field<'n>, lone: bool) -> Vec<Field<'n>> {
        let Content::List(items) = &field.node.content else {
            if lone && !matches!(field.node.content, Content::Map(_)) {
                return vec![field.clone()];
            }
            self.wrong_type(field, "a list");
            return vec![];
        };
        let mut fields = vec![];
        for (index, node) in items.iter().enumerate() {
            let route = format!("{}[{index}]", field.route);
            self.places.insert(&route, Place { span: node.span.clone(), origin: node.origin });
            fields.push(Field { node, key: field.key, route });
        }
        fields
    }

    /// Says that a key stands alone.
    fn no_value(&mut self, key: &Node, name: &str) {
        let message = format!("`{name}` has no value");
        self.report.error("empty-value", &key.span, message).help("give it one, or leave the key out");
    }

    /// Says that something else is expected; an unquoted placeholder has its own words.
    pub(super) fn wrong_type(&mut self, field: &Field<'_>, expected: &str) {
        if self.unquoted_placeholder(field.node) {
            return;
        }
        let item = if field.route.ends_with(']') { "an item of " } else { "" };
        let message = format!("{item}{} must be {expected}, not {}", quoted(field.name()), field.node.content.noun());
        self.report.error("wrong-type", field.span(), message);
    }

    /// `{instance}` without quotes is a map with one key and no value to YAML.
    pub(super) fn unquoted_placeholder(&mut self, node: &Node) -> bool {
        let Content::Map(entries) = &node.content else { return false };
        let [(key, value)] = entries.as_slice() else { return false };
        let Some(name) = key.key().filter(|name| is_placeholder(name)) else { return false };
        let is_time = name.starts_with("time");
        if value.content != Content::Null && !is_time {
            return false;
        }
        let message = format!("`{{{name}}}` without quotes is a map to YAML, not a placeholder");
        let example = if name == "time" { "{time:%Y-%m-%d}".to_owned() } else { format!("{{{name}}}") };
        self.report
            .error("unquoted-placeholder", &node.span, message)
            .help(format!("put the whole value in quotes: \"{example}\""));
        true
    }
}
