//! Text for a unit's value in which `%` means itself, unless a specifier is meant.

use std::fmt;

/// A part of a [`UnitText`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Part {
    Literal(String),
    Specifier(char),
}

/// Text of a unit's value; its `Display` doubles `%` and leaves specifiers alone.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct UnitText(Vec<Part>);

impl UnitText {
    /// Text that stands for itself.
    #[must_use]
    pub fn literal(text: &str) -> Self {
        let mut unit_text = Self::default();
        unit_text.push_literal(text);
        unit_text
    }

    /// A specifier such as `%i`.
    #[must_use]
    pub fn specifier(letter: char) -> Self {
        Self(vec![Part::Specifier(letter)])
    }

    /// Adds text that stands for itself.
    pub fn push_literal(&mut self, text: &str) {
        if !text.is_empty() {
            self.0.push(Part::Literal(text.to_owned()));
        }
    }

    /// Adds a specifier.
    pub fn push_specifier(&mut self, letter: char) {
        self.0.push(Part::Specifier(letter));
    }

    pub(super) fn parts(&self) -> &[Part] {
        &self.0
    }
}

impl fmt::Display for UnitText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|part| match part {
            Part::Literal(text) => f.write_str(&text.replace('%', "%%")),
            Part::Specifier(letter) => write!(f, "%{letter}"),
        })
    }
}
