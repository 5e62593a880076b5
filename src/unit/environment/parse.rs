//! Reading `Environment=` as systemd does (`config_parse_environ`, src/core/load-fragment.c).

use std::ops::Range;

use super::super::quote::is_noncharacter;
use super::super::specifier::Values;
use super::super::words::{WordFlags, Words};
use super::name_is_valid;

/// A variable that systemd sets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Variable {
    /// Its name.
    pub name: String,
    /// Its value.
    pub value: String,
    /// The assignment in the value of `Environment=`.
    pub span: Range<usize>,
}

/// What systemd makes of one `Environment=`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EnvironmentValue {
    /// The variables, in order.
    pub variables: Vec<Variable>,
    /// The value is empty, which takes back all variables before it.
    pub resets: bool,
    /// What is ignored or warned of.
    pub problems: Vec<EnvironmentProblem>,
}

/// Something systemd says about a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EnvironmentProblem {
    /// What it is.
    pub kind: EnvironmentProblemKind,
    /// The bytes of the value that it is about.
    pub span: Range<usize>,
}

/// The faults of an environment. None of them fails the unit.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EnvironmentProblemKind {
    /// A quote that is not closed: the rest of the line is ignored.
    #[error("a quote is not closed")]
    UnbalancedQuote,
    /// A backslash that begins no escape; it stays.
    #[error("an unknown escape stays as it is written")]
    UnknownEscape,
    /// A specifier that is none: the assignment is ignored.
    #[error("`%{0}` is not a specifier; a percent sign is written `%%`")]
    UnknownSpecifier(char),
    /// No `=`, a bad name, or a value that is not UTF-8: the assignment is ignored.
    #[error("not an assignment to a variable")]
    NotAnAssignment,
}

/// Reads the value of one `Environment=`.
#[must_use]
pub fn parse(value: &[u8], values: &Values) -> EnvironmentValue {
    let mut parsed = EnvironmentValue { resets: value.trim_ascii().is_empty(), ..EnvironmentValue::default() };
    let mut words = Words::new(value);
    loop {
        let word = match words.next_or_warn(WordFlags::UNQUOTE | WordFlags::CUNESCAPE) {
            Ok(Some(word)) => word,
            Ok(None) => return parsed,
            Err(error) => {
                parsed.report(EnvironmentProblemKind::UnbalancedQuote, error.start..error.at);
                return parsed;
            }
        };
        if word.unknown_escape {
            parsed.report(EnvironmentProblemKind::UnknownEscape, word.span.clone());
        }
        match values.expand(&word.text) {
            Err(error) => parsed.report(EnvironmentProblemKind::UnknownSpecifier(error.letter), word.span),
            Ok(assignment) => match split_assignment(&assignment) {
                Some((name, value)) => parsed.variables.push(Variable { name, value, span: word.span }),
                None => parsed.report(EnvironmentProblemKind::NotAnAssignment, word.span),
            },
        }
    }
}

impl EnvironmentValue {
    fn report(&mut self, kind: EnvironmentProblemKind, span: Range<usize>) {
        self.problems.push(EnvironmentProblem { kind, span });
    }
}

/// `NAME=value` that systemd takes (`env_assignment_is_valid`, src/basic/env-util.c).
#[must_use]
pub fn split_assignment(text: &[u8]) -> Option<(String, String)> {
    let equals = text.iter().position(|byte| *byte == b'=')?;
    let (name, value) = text.split_at_checked(equals)?;
    let value = value.get(1..)?;
    if !name_is_valid(name) || !value_is_valid(value) {
        return None;
    }
    Some((String::from_utf8(name.to_vec()).ok()?, String::from_utf8(value.to_vec()).ok()?))
}

/// Whether systemd 252 takes this for a variable's value: UTF-8 without noncharacters. Control characters are taken,
/// for which older ones ignored the variable.
#[must_use]
pub fn value_is_valid(value: &[u8]) -> bool {
    std::str::from_utf8(value).is_ok_and(|text| !text.chars().any(|c| is_noncharacter(c) || c == '\0'))
}
