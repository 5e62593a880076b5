//! Values of the spec as a unit holds them: quoted, `%` doubled, `{instance}` as a specifier.
//!
//! What no unit can carry is noted as a [`Fault`] at the value's route; [`super::check`] reports it before anything is
//! printed.

use super::{Cause, Line};
use crate::contract::Word;
use crate::unit::{self, ExecLine, UnitText};
use crate::value::{Piece, Placeholder, Template};
use serde_json::Value;
use std::error::Error;

/// A value of the spec that cannot stand in a unit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Fault {
    /// The value's route.
    pub route: String,
    /// What is wrong with it, causes included.
    pub message: String,
}

impl Cause<'_> {
    fn written<T: Default, E: Error>(&self, route: &str, written: Result<T, E>) -> T {
        written.unwrap_or_else(|error| {
            let mut message = error.to_string();
            let mut source = error.source();
            while let Some(cause) = source {
                message = format!("{message}: {cause}");
                source = cause.source();
            }
            self.faults.borrow_mut().push(Fault { route: route.to_owned(), message });
            T::default()
        })
    }

    /// Text that stands for itself.
    pub(super) fn literal(&self, text: &str, route: &str) -> String {
        self.written(route, unit::plain_value(&UnitText::literal(text)))
    }

    /// A path as one word of a list of paths.
    pub(super) fn path_word(&self, path: &str, route: &str) -> String {
        self.written(route, unit::list_word(&UnitText::literal(path)))
    }

    /// A template in a value that is a unit's name or other text that keeps the instance escaped: `%i`.
    pub(super) fn name_text(&self, template: &Template, route: &str) -> String {
        self.written(route, unit::plain_value(&self.unit_text(template, 'i')))
    }

    /// A template in a value that is a path or for people, where the instance stands unescaped: `%I`.
    pub(super) fn path_text(&self, template: &Template, route: &str) -> String {
        self.written(route, unit::plain_value(&self.unit_text(template, 'I')))
    }

    /// `Description=` of one of the job's units.
    pub(super) fn description(&self, what: Option<&str>) -> Line {
        let route = self.route("description");
        let text = self.path_text(&self.job.description, &route);
        let value = what.map_or_else(|| text.clone(), |what| format!("{text}, {what}"));
        Line::new("Description", value, route)
    }

    /// `ExecStart=`'s value; a long one goes on over continuation lines.
    pub(super) fn exec(&self, program: &str, words: &[Word], route: &str) -> String {
        let text = |word: &Word| match word {
            Word::Text(text) => UnitText::literal(text),
            Word::Instance => UnitText::specifier('i'),
        };
        let line = ExecLine::new(UnitText::literal(program)).args(words.iter().map(text));
        without_key("ExecStart=", &self.written(route, line.lines("ExecStart")))
    }

    /// `Environment=`'s value that sets a variable to JSON.
    pub(super) fn json_value(&self, variable: &str, json: &Value, route: &str) -> String {
        without_key("Environment=", &self.written(route, unit::json_variable(variable, json)))
    }

    /// `{job}` is the unit's prefix, `%p`, but for a drill, whose units are called otherwise; what only the runner knows does
    /// not occur in a checked spec's unit-level values.
    fn unit_text(&self, template: &Template, instance: char) -> UnitText {
        let mut text = UnitText::default();
        for piece in template.pieces() {
            text = match piece {
                Piece::Text(literal) => text.and_literal(literal.as_str()),
                Piece::Placeholder(Placeholder::Instance) => text.and_specifier(instance),
                Piece::Placeholder(Placeholder::Job) if self.is_backup() => text.and_specifier('p'),
                Piece::Placeholder(Placeholder::Job) => text.and_literal(self.job.name.as_str()),
                Piece::Placeholder(Placeholder::Host) => text.and_specifier('H'),
                Piece::Placeholder(other @ (Placeholder::Source | Placeholder::Scratch | Placeholder::Time(_))) => {
                    text.and_literal(other.to_string())
                }
            };
        }
        text
    }
}

fn without_key(key: &str, lines: &[String]) -> String {
    let text = lines.join("\n");
    text.strip_prefix(key).map_or_else(|| text.clone(), str::to_owned)
}
