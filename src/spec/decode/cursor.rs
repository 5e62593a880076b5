//! Reading mappings and lists key by key: what was not asked for, is twice there or missing, is told.

use super::Decoder;
use super::words::did_you_mean;
use crate::diag::Span;
use crate::spec::node::{Kind, Node};
use crate::spec::{Origin, Place};
use std::collections::HashMap;

/// A value at its place in the spec.
#[derive(Debug, Clone)]
pub(super) struct At<'a> {
    pub(super) node: &'a Node,
    /// The mapping of `defaults:` that fills in what this one does not say.
    below: Option<&'a Node>,
    /// The key that it stands under.
    pub(super) key: &'a Node,
    /// Its key's text; an item of a list has its list's.
    pub(super) name: &'a str,
    /// Its route in [`crate::spec::Places`].
    pub(super) route: String,
    origin: Origin,
    merge: Merge,
}

/// How a mapping takes in that of `defaults:`, key by key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Merge {
    /// A job: `archive`, `fleet` and `service` are merged, anything else is the job's or the default.
    Job,
    /// `service`, of which `directives` are merged too.
    Service,
    /// `directives`, merged section by section.
    Directives,
    /// Each key is this mapping's or the default's.
    Flat,
}

impl Merge {
    /// How the value under a key is merged; none where it is replaced whole.
    fn under(self, key: &str) -> Option<Self> {
        match (self, key) {
            (Self::Job, "archive" | "fleet") | (Self::Directives, _) => Some(Self::Flat),
            (Self::Job, "service") => Some(Self::Service),
            (Self::Service, "directives") => Some(Self::Directives),
            (Self::Job | Self::Service | Self::Flat, _) => None,
        }
    }
}

impl<'a> At<'a> {
    /// The whole text of a file.
    pub(super) fn root(node: &'a Node) -> Self {
        let (route, origin) = (String::new(), Origin::Written);
        Self { node, below: None, key: node, name: "the spec", route, origin, merge: Merge::Flat }
    }

    /// The same, filled in from `defaults:`.
    pub(super) fn over(mut self, below: Option<&'a Node>, merge: Merge) -> Self {
        self.below = below;
        self.merge = merge;
        self
    }

    /// The value's text in the file, or its key where it has none.
    pub(super) fn span(&self) -> &'a Span {
        let span = &self.node.span;
        if span.start == span.end { &self.key.span } else { span }
    }

    /// Its key as a value, for what is wrong with the key itself.
    pub(super) fn as_key(&self) -> Self {
        Self { node: self.key, ..self.clone() }
    }

    fn child(&self, key: &'a Node, name: &'a str, node: &'a Node, origin: Origin) -> Self {
        let route = if self.route.is_empty() { name.to_owned() } else { format!("{}.{name}", self.route) };
        Self { node, below: None, key, name, route, origin, merge: Merge::Flat }
    }
}

/// The fields of a mapping that are still to be read.
pub(super) struct Map<'a> {
    key: Span,
    name: &'a str,
    fields: Vec<At<'a>>,
    known: Vec<&'static str>,
}

impl<'a> Map<'a> {
    /// The field of that name, which is then known.
    pub(super) fn take(&mut self, name: &'static str) -> Option<At<'a>> {
        self.known.push(name);
        let index = self.fields.iter().position(|field| field.name == name)?;
        Some(self.fields.swap_remove(index))
    }

    /// Drops the keys that begin with `x-`, which are there for anchors.
    pub(super) fn ignore_extensions(&mut self) {
        self.fields.retain(|field| !field.name.starts_with("x-"));
    }

    /// All fields, where any name will do.
    pub(super) fn into_fields(self) -> Vec<At<'a>> {
        self.fields
    }

    /// Where its own name stands, for what concerns it as a whole.
    pub(super) fn key(&self) -> &Span {
        &self.key
    }
}

impl Decoder {
    /// A mapping's fields, each once, those of `defaults:` after its own.
    pub(super) fn map<'a>(&mut self, at: &At<'a>) -> Option<Map<'a>> {
        let Kind::Map(entries) = &at.node.kind else {
            self.wrong_type(at, "a mapping");
            return None;
        };
        let mut fields = vec![];
        self.fields(at, entries, at.origin, &mut fields);
        match at.below.map(|node| (node, &node.kind)) {
            Some((_, Kind::Map(below))) => self.fields(at, below, Origin::Default, &mut fields),
            Some((node, _)) => self.wrong_type(&At { node, ..at.clone() }, "a mapping"),
            None => {}
        }
        for field in &fields {
            let place = Place { span: field.span().clone(), origin: field.origin };
            self.places.insert(field.route.as_str(), place);
        }
        Some(Map { key: at.key_span().clone(), name: at.name, fields, known: vec![] })
    }

    fn fields<'a>(&mut self, at: &At<'a>, entries: &'a [(Node, Node)], origin: Origin, into: &mut Vec<At<'a>>) {
        let before = into.len();
        let mut seen: HashMap<&str, usize> = into.iter().enumerate().map(|(i, field)| (field.name, i)).collect();
        for (key, node) in entries {
            let Some(name) = self.key_name(key) else { continue };
            match seen.get(name).copied() {
                None => {
                    seen.insert(name, into.len());
                    into.push(at.child(key, name, node, origin));
                }
                Some(index) => {
                    let Some(first) = into.get_mut(index) else { continue };
                    if index >= before {
                        self.repeated(first.key, key, name);
                    } else if let Some(merge) = at.merge.under(name) {
                        *first = first.clone().over(Some(node), merge);
                    }
                }
            }
        }
    }

    fn key_name<'a>(&mut self, key: &'a Node) -> Option<&'a str> {
        if let Some(text) = key.text() {
            return Some(text);
        }
        if let Some(name) = key.unquoted_placeholder() {
            self.unquoted(key, name);
            return None;
        }
        let found = self.faults.error("wrong-type", &key.span, format!("a key must be text, not {}", key.noun()));
        found.help("a `{` or `[` at the beginning of a key or value needs quotes around the whole");
        None
    }

    fn repeated(&mut self, first: &Node, second: &Node, name: &str) {
        let found = self.faults.error("duplicate-key", &second.span, format!("`{name}` is there twice"));
        found.label("second").also(&first.span, "first");
    }

    /// Tells of what is missing in a mapping.
    pub(super) fn require<'a>(&mut self, map: &mut Map<'a>, name: &'static str, example: &str) -> Option<At<'a>> {
        let found = map.take(name);
        if found.is_none() {
            let message = format!("`{}` has no `{name}`", map.name);
            self.faults.error("missing-key", &map.key, message).help(format!("for example `{name}: {example}`"));
        }
        found
    }

    /// Tells of the fields that nobody took.
    pub(super) fn done(&mut self, map: Map<'_>) {
        let Map { key: _, name: parent, fields, known } = map;
        for field in fields {
            self.unknown_key(&field, parent, &known);
        }
    }

    fn unknown_key(&mut self, field: &At<'_>, parent: &str, known: &[&'static str]) {
        let place = if field.key.span.start == field.key.span.end { field.span() } else { &field.key.span };
        let message = format!("`{}` is not a key of `{parent}`", super::words::shown(field.name));
        let guess = did_you_mean(field.name, known.iter().copied());
        let mut listed = known.to_vec();
        listed.sort_unstable();
        let found = self.faults.error("unknown-key", place, message);
        if let Some(guess) = guess {
            found.label(format!("did you mean `{guess}`?"));
        }
        found.help(format!("there are {}", super::words::either(&listed, "and")));
    }

    /// The items of a list, or the one value that stands for a list of one.
    pub(super) fn list_or_one<'a>(&mut self, at: &At<'a>) -> Vec<At<'a>> {
        match &at.node.kind {
            Kind::Scalar(_) => vec![at.clone()],
            Kind::Null | Kind::List(_) | Kind::Map(_) => self.list(at).unwrap_or_default(),
        }
    }

    /// The items of a list.
    pub(super) fn list<'a>(&mut self, at: &At<'a>) -> Option<Vec<At<'a>>> {
        let Kind::List(items) = &at.node.kind else {
            self.wrong_type(at, "a list");
            return None;
        };
        let item = |(index, node)| At { node, below: None, route: format!("{}[{index}]", at.route), ..at.clone() };
        let items: Vec<At<'a>> = items.iter().enumerate().map(item).collect();
        for item in &items {
            let place = Place { span: item.span().clone(), origin: item.origin };
            self.places.insert(item.route.as_str(), place);
        }
        Some(items)
    }
}

impl<'a> At<'a> {
    /// The key's place, or the beginning of a value that has no key.
    pub(super) fn key_span(&self) -> &'a Span {
        if std::ptr::eq(self.key, self.node) { &self.node.span } else { &self.key.span }
    }
}
