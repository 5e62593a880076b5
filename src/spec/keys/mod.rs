//! Every key of a spec, as a table: what it takes, its default, its meaning and an example.
//!
//! The JSON Schema, `docs/spec.md` and `eightbells explain KEY` are made from it, and `tests/it/spec_keys.rs` compares it with
//! what the decoder takes, map by map.

mod archive;
mod conduct;
mod database;
mod destination;
mod find;
mod job;
mod schema;
mod service;
mod source;
mod text;
mod top;

pub use find::{Entry, all, find, nearest};
pub use schema::{Part, schema};
pub use text::Shape;
pub use top::{REFERENCE, SPEC};

/// The version that had the keys that say nothing else.
pub const SINCE_FIRST: &str = "0.1.0";

/// The keys of one map.
#[derive(Debug)]
pub struct Keys {
    /// What the map is, for pages and as its name in the schema: `schedule`, `source`.
    pub title: &'static str,
    /// Its keys, in the order in which they are told.
    pub keys: &'static [Key],
    /// What holds of several of them.
    pub rules: &'static [Rule],
}

/// One key.
#[derive(Debug)]
pub struct Key {
    /// As it is written.
    pub name: &'static str,
    /// Whether the map is nothing without it.
    pub needed: bool,
    /// Keys of the same map, one of which must be there for this one to mean something; none where it always does.
    pub with: &'static [&'static str],
    /// What its value may be.
    pub takes: Takes,
    /// What holds without it, in YAML; none where that depends on something, or is nothing.
    pub default: Option<&'static str>,
    /// What holds without it, in words, where there is no value for that.
    pub without: Option<&'static str>,
    /// What it means, in one sentence without its period.
    pub meaning: &'static str,
    /// A value that it may have, as flow YAML.
    pub example: &'static str,
    /// The version of this program that first knew it.
    pub since: &'static str,
}

/// What holds of several keys of a map.
#[derive(Debug)]
pub enum Rule {
    /// Exactly one of them is there.
    OneOf(&'static [&'static str]),
    /// At least one of them is there.
    Some(&'static [&'static str]),
    /// No two of them are there.
    NoTwo(&'static [&'static str]),
    /// Where the first is there, so is one of the others.
    Needs(&'static str, &'static [&'static str]),
}

/// What a value may be.
#[derive(Debug)]
pub enum Takes {
    /// Text of some shape; a number stands for its text.
    Text(Shape),
    /// `true` or `false`.
    Switch,
    /// A whole number between two bounds.
    Whole(i64, i64),
    /// One of some words.
    Words(&'static [&'static str]),
    /// Text of some shape, or a reference to where it is read from.
    Value(Shape),
    /// A reference and nothing else: a secret.
    Secret,
    /// A map with keys of ours.
    Map(&'static Keys),
    /// A map with the same keys, of which none is needed: what others fall back to.
    SomeOf(&'static Keys),
    /// A map whose keys are names of the author's choice, of some shape, with so many entries at least.
    Named(Shape, u8, &'static Takes),
    /// A list of so many items at least.
    List(u8, &'static Takes),
    /// One, or a list of so many at least.
    Several(u8, &'static Takes),
    /// One of some forms.
    Any(&'static [Takes]),
}

impl Takes {
    /// The maps with keys of ours below it, each with what is added to the route on the way there.
    #[must_use]
    pub fn maps(&self) -> Vec<(String, &'static Keys)> {
        let after = |step: &str, inner: &Self| {
            inner.maps().into_iter().map(|(route, keys)| (format!("{step}{route}"), keys)).collect()
        };
        match self {
            Self::Map(keys) => vec![(String::new(), *keys)],
            Self::Named(_, _, inner) => after(".*", inner),
            Self::List(_, inner) | Self::Several(_, inner) => after("[]", inner),
            Self::Any(forms) => forms.iter().flat_map(Self::maps).collect(),
            Self::Text(_)
            | Self::Switch
            | Self::Whole(..)
            | Self::Words(_)
            | Self::Value(_)
            | Self::Secret
            | Self::SomeOf(_) => vec![],
        }
    }
}

/// A key with the least that there is to tell of one.
const fn key(name: &'static str, takes: Takes, example: &'static str, meaning: &'static str) -> Key {
    Key { name, needed: false, with: &[], takes, default: None, without: None, meaning, example, since: SINCE_FIRST }
}

impl Key {
    const fn needed(self) -> Self {
        Self { needed: true, ..self }
    }

    const fn with(self, with: &'static [&'static str]) -> Self {
        Self { with, ..self }
    }

    const fn default(self, value: &'static str) -> Self {
        Self { default: Some(value), ..self }
    }

    const fn without(self, words: &'static str) -> Self {
        Self { without: Some(words), ..self }
    }
}
