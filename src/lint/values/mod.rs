//! Whether systemd 252 can read a value, by what reads it (src/core/load-fragment.c); values that later versions added
//! are taken, too, where the target has them.

mod lists;
mod numbers;
mod paths;
mod words;

use super::directives::Directive;
use std::collections::HashMap;
use std::sync::LazyLock;

/// What a reader is told.
#[derive(Clone, Copy, Debug)]
pub(super) struct Asked<'a> {
    /// The key.
    pub(super) key: &'a str,
    /// The value, specifiers expanded as far as they are known.
    pub(super) value: &'a str,
    /// The version of systemd that is to read it.
    pub(super) version: u16,
}

impl<'a> Asked<'a> {
    fn of(self, value: &'a str) -> Self {
        Self { value, ..self }
    }
}

/// The part of the value that cannot be read.
type Unread = String;

/// How a value is read: nothing where all of it can be.
type Read = fn(Asked<'_>) -> Option<Unread>;

/// What reads the values of some keys.
pub(super) struct Reader {
    /// Its name in [`Directive::parser`].
    parser: &'static str,
    /// What an empty value is to it.
    empty: Empty,
    /// Whether specifiers are expanded.
    pub(super) expands: bool,
    /// What the value, or each of its parts, should be.
    pub(super) wanted: &'static str,
    read: Read,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Empty {
    /// Puts the default back, or empties a list.
    Resets,
    /// Cannot be read.
    Unread,
}

const fn reader(parser: &'static str, empty: Empty, wanted: &'static str, read: Read) -> Reader {
    Reader { parser, empty, expands: false, wanted, read }
}

/// The same with specifiers.
const fn expanding(parser: &'static str, wanted: &'static str, read: Read) -> Reader {
    Reader { parser, empty: Empty::Resets, expands: true, wanted, read }
}

static READERS: LazyLock<HashMap<&'static str, &'static Reader>> = LazyLock::new(|| {
    let all = [words::READERS.iter(), numbers::READERS.iter(), paths::READERS.iter(), lists::READERS.iter()];
    all.into_iter().flatten().map(|reader| (reader.parser, reader)).collect()
});

/// What reads the values of a directive, where it is known.
pub(super) fn reader_of(directive: &Directive) -> Option<&'static Reader> {
    READERS.get(directive.parser).copied()
}

impl Reader {
    /// The part of a value that cannot be read, or the empty text where it is empty and must not be.
    pub(super) fn unread(&self, asked: Asked<'_>) -> Option<Unread> {
        if self.expands && asked.value.contains('%') {
            return None;
        }
        match (asked.value.is_empty(), self.empty) {
            (true, Empty::Resets) => None,
            (true, Empty::Unread) => Some(String::new()),
            (false, _) => (self.read)(asked),
        }
    }
}

/// All of a value that cannot be read.
fn unless(reads: bool, asked: Asked<'_>) -> Option<Unread> {
    (!reads).then(|| asked.value.to_owned())
}
