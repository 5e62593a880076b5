//! `Environment=`: its assignments read and written, and `EnvironmentFile=` contents.

mod file;
mod json;
mod parse;

pub use file::{CommentContinuation, FileVariable, parse_file};
pub use json::{JSON_MAX_DEPTH, JSON_VARIABLE_MAX_BYTES, JsonVariableError, json_variable};
pub use parse::{
    EnvironmentProblem, EnvironmentProblemKind, EnvironmentValue, Variable, parse, split_assignment, value_is_valid,
};

use super::quote::{self, Dollar, TextError};
use super::text::UnitText;

/// Why an assignment cannot be written.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AssignmentError {
    /// Not a name that systemd takes for a variable.
    #[error("`{0}` is not a name of an environment variable")]
    Name(String),
    /// The value holds what systemd would ignore the assignment for.
    #[error("the value of `{name}` cannot be written")]
    Value {
        /// The variable.
        name: String,
        /// What its value holds.
        #[source]
        source: TextError,
    },
}

/// Writes one assignment, `NAME=value`, as a value of `Environment=`; a `$` means nothing there.
///
/// # Errors
/// A name that is none; a value with NUL, with a control character other than the tab (older ones than 252 ignore
/// the whole assignment for others), or with a code point that is not a character.
pub fn assignment(name: &str, value: &UnitText) -> Result<String, AssignmentError> {
    if !name_is_valid(name.as_bytes()) {
        return Err(AssignmentError::Name(name.to_owned()));
    }
    check_value(value).map_err(|source| AssignmentError::Value { name: name.to_owned(), source })?;
    let whole = UnitText::literal(format!("{name}="));
    let whole: UnitText = whole.pieces().iter().chain(value.pieces()).cloned().collect();
    quote::word(&whole, Dollar::Kept).map_err(|source| AssignmentError::Value { name: name.to_owned(), source })
}

fn check_value(value: &UnitText) -> Result<(), TextError> {
    quote::check_carriable(value)?;
    let refused = |c: char| match c {
        '\t' => None,
        c if c.is_ascii_control() => Some(TextError::Control(c)),
        c if quote::is_noncharacter(c) => Some(TextError::Noncharacter(c)),
        _ => None,
    };
    value.literal_chars().find_map(refused).map_or(Ok(()), Err)
}

/// Whether systemd takes this for the name of a variable: ASCII letters, digits and `_`, no digit first.
#[must_use]
pub fn name_is_valid(name: &[u8]) -> bool {
    let first = name.first().is_some_and(|byte| !byte.is_ascii_digit());
    first && name.iter().all(|&byte| byte.is_ascii_alphanumeric() || byte == b'_')
}
