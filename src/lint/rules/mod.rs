//! The rules, by family.

mod directive;
mod exec;
mod exec_text;
mod exposure;
mod fleet;
mod graph;
mod name;
mod reader;
mod secret;
mod service;
mod shell;
mod socket;
mod specifier;
mod text;
mod timer;
mod value;
mod words;

pub(super) use graph::named;
pub(super) use value::is_signal;

use super::Rule;
use super::allow::{ALLOW_UNKNOWN, ALLOW_UNREASONED, ALLOW_UNUSED};

static ENGINE: [&Rule; 3] = [&ALLOW_UNKNOWN, &ALLOW_UNREASONED, &ALLOW_UNUSED];

static FAMILIES: [&[&Rule]; 16] = [
    &text::RULES,
    &directive::RULES,
    &exec::RULES,
    &exec_text::RULES,
    &exposure::RULES,
    &shell::RULES,
    &secret::RULES,
    &service::RULES,
    &timer::RULES,
    &fleet::RULES,
    &graph::RULES,
    &name::RULES,
    &specifier::RULES,
    &value::RULES,
    &reader::RULES,
    &socket::RULES,
];

/// Every rule.
pub fn all() -> impl Iterator<Item = &'static Rule> {
    FAMILIES.iter().flat_map(|family| family.iter()).chain(ENGINE.iter()).copied()
}

/// The rule of that name.
#[must_use]
pub fn find(id: &str) -> Option<&'static Rule> {
    all().find(|rule| rule.id == id)
}

/// The rule whose name is most like that one.
#[must_use]
pub fn nearest(id: &str) -> Option<&'static str> {
    words::nearest(id, all().map(|rule| rule.id))
}

/// The word of those given that is most like that one.
pub(super) fn nearest_of(word: &str, among: &[&'static str]) -> Option<&'static str> {
    words::nearest(word, among.iter().copied())
}
