//! Text for a unit: what is literal, and what stays a live specifier.

use std::borrow::Cow;

/// One stretch of a [`UnitText`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Piece {
    /// Carried exactly: `%`, `$`, quotes and all.
    Literal(String),
    /// Left to systemd, written `%` and this letter, such as `i` for the instance.
    Specifier(char),
}

/// A string of which parts may be live specifiers: `moinmoin%i` is a literal and a specifier.
///
/// Only the writers of this module's neighbours turn it into unit text, each for its own kind of value:
/// [`ExecLine`](super::ExecLine), [`assignment`](super::assignment), [`plain_value`](super::plain_value) and
/// [`list_word`](super::list_word).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UnitText {
    pieces: Vec<Piece>,
}

impl UnitText {
    /// Text that is literal from end to end.
    pub fn literal(text: impl Into<String>) -> Self {
        Self { pieces: vec![Piece::Literal(text.into())] }
    }

    /// A lone specifier.
    #[must_use]
    pub fn specifier(letter: char) -> Self {
        Self { pieces: vec![Piece::Specifier(letter)] }
    }

    /// The same text with a literal at its end.
    #[must_use]
    pub fn and_literal(mut self, text: impl Into<String>) -> Self {
        self.pieces.push(Piece::Literal(text.into()));
        self
    }

    /// The same text with a specifier at its end.
    #[must_use]
    pub fn and_specifier(mut self, letter: char) -> Self {
        self.pieces.push(Piece::Specifier(letter));
        self
    }

    /// The stretches, in order.
    #[must_use]
    pub fn pieces(&self) -> &[Piece] {
        &self.pieces
    }

    /// Whether no character at all would be written.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.pieces.iter().all(|piece| matches!(piece, Piece::Literal(text) if text.is_empty()))
    }

    /// The whole text, where no part of it is a specifier.
    #[must_use]
    pub fn as_literal(&self) -> Option<Cow<'_, str>> {
        match self.pieces.as_slice() {
            [] => Some(Cow::Borrowed("")),
            [Piece::Literal(text)] => Some(Cow::Borrowed(text)),
            pieces => pieces.iter().map(literal_of).collect::<Option<String>>().map(Cow::Owned),
        }
    }

    /// Every literal character, specifiers left out.
    pub(super) fn literal_chars(&self) -> impl Iterator<Item = char> + '_ {
        self.pieces.iter().filter_map(literal_of).flat_map(str::chars)
    }

    /// The first specifier that no version of systemd could know: anything but an ASCII letter.
    pub(super) fn impossible_specifier(&self) -> Option<char> {
        self.pieces.iter().find_map(|piece| match piece {
            Piece::Specifier(letter) if !letter.is_ascii_alphabetic() => Some(*letter),
            Piece::Specifier(_) | Piece::Literal(_) => None,
        })
    }
}

fn literal_of(piece: &Piece) -> Option<&str> {
    match piece {
        Piece::Literal(text) => Some(text),
        Piece::Specifier(_) => None,
    }
}

impl From<&str> for UnitText {
    fn from(text: &str) -> Self {
        Self::literal(text)
    }
}

impl From<String> for UnitText {
    fn from(text: String) -> Self {
        Self::literal(text)
    }
}

impl From<&String> for UnitText {
    fn from(text: &String) -> Self {
        Self::literal(text.as_str())
    }
}

impl FromIterator<Piece> for UnitText {
    fn from_iter<I: IntoIterator<Item = Piece>>(pieces: I) -> Self {
        Self { pieces: pieces.into_iter().collect() }
    }
}
