//! A map of the spec, entry by entry: what nobody asks for is an unknown key.

use crate::diag::{Report, Span};
use crate::spec::places::{Place, Places};
use crate::spec::yaml::{Content, Node};

/// One value on its way into the model.
#[derive(Debug, Clone)]
pub(super) struct Field<'n> {
    pub node: &'n Node,
    /// Its route, see [`Places`].
    pub route: String,
}

impl Field<'_> {
    pub(super) fn span(&self) -> &Span {
        &self.node.span
    }
}

/// A map whose keys are taken one by one.
pub(super) struct Fields<'n> {
    /// The map's own place.
    pub span: Span,
    pub route: String,
    entries: Vec<(&'n Node, &'n Node, bool)>,
    asked: Vec<&'static str>,
}

/// What decoding gathers.
pub(super) struct Decoder<'r> {
    pub report: &'r mut Report,
    pub places: Places,
    /// Places whose text must not be shown.
    pub masked: Vec<Span>,
}

/// The word that is nearest to another one, if it is near at all.
pub(super) fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let scored = known.into_iter().map(|k| (strsim::damerau_levenshtein(word, k), k));
    scored.filter(|(distance, k)| *distance <= 1 + k.len() / 4).min_by_key(|(distance, _)| *distance).map(|(_, k)| k)
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
            let message = format!("`{key}` has no value");
            decoder.report.error("empty-value", &key_node.span, message).help("give it one, or leave the key out");
            return None;
        }
        Some(Field { node, route })
    }

    /// The value of a key that must be there.
    pub(super) fn need(&mut self, key: &'static str, decoder: &mut Decoder<'_>, help: &str) -> Option<Field<'n>> {
        let there = self.has(key);
        let field = self.take(key, decoder);
        if !there {
            decoder.report.error("missing-key", &self.span, format!("`{key}` is missing here")).help(help);
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
        for (key, _, taken) in &self.entries {
            let Some(name) = key.key().filter(|_| !taken) else { continue };
            let near = nearest(name, self.asked.iter().copied());
            let mut known = self.asked.clone();
            known.sort_unstable();
            known.dedup();
            let diagnostic = decoder.report.error("unknown-key", &key.span, format!("`{name}` is not a key here"));
            match near {
                Some(near) => diagnostic.label(format!("did you mean `{near}`?")),
                None => diagnostic.help(format!("the keys here are {}", known.join(", "))),
            };
        }
    }
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
        Some(Fields { span: field.node.span.clone(), route: field.route.clone(), entries, asked: vec![] })
    }

    /// A map from names of the author's choice, in the order written.
    pub(super) fn named<'n>(&mut self, field: &Field<'n>) -> Vec<(String, &'n Node, Field<'n>)> {
        let Content::Map(entries) = &field.node.content else {
            self.wrong_type(field, "a map");
            return vec![];
        };
        self.check_keys(entries);
        let mut named = vec![];
        for (key, node) in entries {
            let Some(name) = key.key() else { continue };
            let route = format!("{}.{name}", field.route);
            self.places.insert(&route, Place { span: key.span.clone(), origin: node.origin });
            named.push((name.to_owned(), key, Field { node, route }));
        }
        named
    }

    fn check_keys(&mut self, entries: &[(Node, Node)]) {
        let mut seen = std::collections::HashMap::new();
        for (key, _) in entries {
            let Some(name) = key.key() else {
                self.report.error("wrong-type", &key.span, format!("a key is text, this is {}", key.content.noun()));
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
            fields.push(Field { node, route });
        }
        fields
    }

    /// Says that something else is expected; an unquoted placeholder has its own words.
    pub(super) fn wrong_type(&mut self, field: &Field<'_>, expected: &str) {
        if self.unquoted_placeholder(field.node) {
            return;
        }
        let name = field.route.rsplit('.').next().unwrap_or("");
        let found = field.node.content.noun();
        let message = format!("`{name}` is {expected}, this is {found}");
        self.report.error("wrong-type", &field.node.span, message);
    }

    /// `{instance}` without quotes is a map with one key and no value to YAML.
    pub(super) fn unquoted_placeholder(&mut self, node: &Node) -> bool {
        let Content::Map(entries) = &node.content else { return false };
        let [(key, value)] = entries.as_slice() else { return false };
        let known = ["instance", "job", "host", "source", "scratch", "time"];
        let Some(name) = key.key().filter(|name| known.contains(name)) else { return false };
        let is_time = name == "time";
        if value.content != Content::Null && !is_time {
            return false;
        }
        let message = format!("`{{{name}}}` without quotes is a map to YAML");
        let example = if is_time { "\"{time:%Y-%m-%d}\"".to_owned() } else { format!("\"{{{name}}}\"") };
        self.report
            .error("unquoted-placeholder", &node.span, message)
            .help(format!("put the whole value in quotes: {example}"));
        true
    }
}
