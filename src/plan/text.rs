//! Values of the spec as a unit holds them: quoted, `%` doubled, `{instance}` as a specifier.

use super::{Cause, Line};
use crate::contract::Word;
use crate::unit::{ExecLine, JsonVariableError, UnitText, json_variable};
use crate::value::{Piece, Placeholder, Template};
use serde_json::Value;

/// Text that stands for itself.
pub(super) fn literal(text: &str) -> String {
    UnitText::literal(text).to_string()
}

/// A path as one word of a list of paths.
pub(super) fn path_word(path: &str) -> String {
    ExecLine::word(&UnitText::literal(path))
}

/// A template in a value that is a unit's name or other text that keeps the instance escaped: `%i`.
pub(super) fn name_text(template: &Template) -> String {
    unit_text(template, 'i').to_string()
}

/// A template in a value that is a path or for people, where the instance stands unescaped: `%I`.
pub(super) fn path_text(template: &Template) -> String {
    unit_text(template, 'I').to_string()
}

/// `{job}` is the unit's prefix, `%p`; what only the runner knows does not occur in a checked spec's unit-level values.
fn unit_text(template: &Template, instance: char) -> UnitText {
    let mut text = UnitText::default();
    for piece in template.pieces() {
        match piece {
            Piece::Text(literal) => text.push_literal(literal),
            Piece::Placeholder(Placeholder::Instance) => text.push_specifier(instance),
            Piece::Placeholder(Placeholder::Job) => text.push_specifier('p'),
            Piece::Placeholder(Placeholder::Host) => text.push_specifier('H'),
            Piece::Placeholder(other @ (Placeholder::Source | Placeholder::Scratch | Placeholder::Time(_))) => {
                text.push_literal(&other.to_string());
            }
        }
    }
    text
}

/// `Description=` of one of the job's units.
pub(super) fn description(cause: &Cause<'_>, what: Option<&str>) -> Line {
    let text = path_text(&cause.job.description);
    let value = what.map_or_else(|| text.clone(), |what| format!("{text}, {what}"));
    Line::new("Description", value, cause.route("description"))
}

/// `ExecStart=`'s value.
pub(super) fn exec(program: &str, words: &[Word]) -> String {
    let text = |word: &Word| match word {
        Word::Text(text) => UnitText::literal(text),
        Word::Instance => UnitText::specifier('i'),
    };
    ExecLine::new(program).args(words.iter().map(text)).to_string()
}

/// Why a job does not fit into a unit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum NotAText {
    /// The whole is too long.
    TooLong {
        /// How long it is.
        bytes: usize,
    },
    /// One text in it fits no line.
    StringTooLong {
        /// How it begins.
        start: String,
    },
}

/// Whether JSON fits into a variable of a unit.
pub(super) fn check_json(variable: &str, json: &Value) -> Result<(), NotAText> {
    json_variable(variable, json).map(|_| ()).map_err(|error| match error {
        JsonVariableError::TooLong { bytes } => NotAText::TooLong { bytes },
        JsonVariableError::StringTooLong { start } => NotAText::StringTooLong { start },
    })
}

/// `Environment=`'s value that sets a variable to JSON; empty for what [`check_json`] refuses.
pub(super) fn json_value(variable: &str, json: &Value) -> String {
    json_variable(variable, json).map(|lines| lines.join("\n")).unwrap_or_default()
}
