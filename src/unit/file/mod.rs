//! A unit file: its text kept byte for byte, and what a reader makes of it.

mod fleet;
mod go_reader;
mod hazards;
mod logical;
mod problem;
mod systemd;
#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::ops::Range;
use std::sync::Arc;

pub use fleet::LINE_LIMIT_BYTES as FLEET_LINE_LIMIT_BYTES;
use logical::Logical;
pub use problem::{Effect, Problem, ProblemKind};
pub use systemd::LINE_MAX_BYTES as SYSTEMD_LINE_MAX_BYTES;

/// Whose reading of a unit file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    /// systemd 252, and in all that the tests compare also 262.
    Systemd,
    /// fleet from 0.12 on: continuations are kept as they stand, and lines of 2,048 bytes refused (where its
    /// buffer happens to show them).
    Fleet,
    /// fleet before 0.12: continuations are joined, and lines may be of any length.
    FleetBefore012,
}

/// A unit file as one reader sees it. Reading never fails: what the reader refuses or ignores is a [`Problem`].
#[derive(Clone, Debug)]
pub struct UnitFile {
    text: Arc<[u8]>,
    dialect: Dialect,
    items: Vec<Item>,
    sections: Vec<Section>,
    entries: Vec<Entry>,
    problems: Vec<Problem>,
}

/// A stretch of the text; one after another they make the whole of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    /// What the reader takes it for.
    pub kind: ItemKind,
    /// Its bytes in the text, line ends included.
    pub span: Range<usize>,
}

/// What a reader takes a stretch of text for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ItemKind {
    /// Nothing but blanks.
    Blank,
    /// A comment, with whatever line it swallows.
    Comment,
    /// A section's header; the index is into [`UnitFile::sections`].
    Header(usize),
    /// An assignment with all its lines; the index is into [`UnitFile::entries`].
    Entry(usize),
    /// Text that the reader passes over.
    Ignored,
}

/// A section's header. A section that is opened twice is there twice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Section {
    /// The text between the brackets, blanks included.
    pub name: String,
    /// The header with its brackets.
    pub span: Range<usize>,
}

impl Section {
    /// A section of somebody else's, which systemd skips whole, garbage included.
    #[must_use]
    pub fn is_extension(&self) -> bool {
        self.name.starts_with("X-")
    }
}

/// An assignment.
#[derive(Clone, Debug)]
pub struct Entry {
    /// Which of [`UnitFile::sections`] it stands in.
    pub section: usize,
    /// What stands before the `=`, trimmed.
    pub key: String,
    /// The key in the text.
    pub key_span: Range<usize>,
    /// The whole assignment in the text, line ends excluded.
    pub span: Range<usize>,
    logical: Logical,
    value: Range<usize>,
}

impl Entry {
    /// The value as the reader sees it: continuation lines joined in its way, trimmed.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        self.logical.bytes(self.value.clone())
    }

    /// The value as text; bytes that are no UTF-8 (which only fleet lets through) become `U+FFFD`.
    #[must_use]
    pub fn value(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(self.bytes())
    }

    /// Where a stretch of [`bytes`](Self::bytes) stands in the file. One that goes over several lines takes in the
    /// line ends, and comments, between.
    #[must_use]
    pub fn source_span(&self, of_value: Range<usize>) -> Range<usize> {
        let start = self.value.start + of_value.start.min(self.value.len());
        let end = self.value.start + of_value.end.min(self.value.len());
        let from = self.logical.source(start);
        let to = if end > start { self.logical.source(end - 1) + 1 } else { from };
        from..to.max(from)
    }

    /// The value in the file.
    #[must_use]
    pub fn value_span(&self) -> Range<usize> {
        self.source_span(0..self.value.len())
    }
}

impl UnitFile {
    /// Reads a unit file.
    #[must_use]
    pub fn parse(text: impl Into<Vec<u8>>, dialect: Dialect) -> Self {
        Self::parse_shared(text.into().into(), dialect)
    }

    /// Reads a unit file whose text others keep, too.
    #[must_use]
    pub fn parse_shared(text: Arc<[u8]>, dialect: Dialect) -> Self {
        let mut file =
            Self { text, dialect, items: Vec::new(), sections: Vec::new(), entries: Vec::new(), problems: Vec::new() };
        match dialect {
            Dialect::Systemd => systemd::read(&mut file),
            Dialect::Fleet => fleet::read(&mut file, fleet::Era::Limited),
            Dialect::FleetBefore012 => fleet::read(&mut file, fleet::Era::Joining),
        }
        hazards::find(&mut file);
        file.problems.sort_by_key(|problem| problem.span.start);
        file
    }

    /// The text that was read, byte for byte.
    #[must_use]
    pub fn text(&self) -> &[u8] {
        &self.text
    }

    /// Whose reading this is.
    #[must_use]
    pub fn dialect(&self) -> Dialect {
        self.dialect
    }

    /// The whole text in stretches.
    #[must_use]
    pub fn items(&self) -> &[Item] {
        &self.items
    }

    /// The headers, in order.
    #[must_use]
    pub fn sections(&self) -> &[Section] {
        &self.sections
    }

    /// The assignments, in order. Those in [extension sections](Section::is_extension) are among them, although
    /// systemd does not look at them.
    #[must_use]
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// What the reader refuses, ignores, or reads otherwise than others do; in the order of the text.
    #[must_use]
    pub fn problems(&self) -> &[Problem] {
        &self.problems
    }

    /// Whether the reader refuses the file as a whole.
    #[must_use]
    pub fn is_refused(&self) -> bool {
        self.problems.iter().any(|problem| problem.effect() == Effect::FileRefused)
    }

    /// The section that an assignment stands in.
    #[must_use]
    pub fn section_of(&self, entry: &Entry) -> &str {
        self.sections.get(entry.section).map_or("", |section| &section.name)
    }

    /// The assignments of a section, however often it is opened.
    pub fn entries_of<'a>(&'a self, section: &'a str) -> impl Iterator<Item = &'a Entry> + 'a {
        self.entries.iter().filter(move |entry| self.section_of(entry) == section)
    }

    /// The assignments to one key of a section, in order.
    pub fn entries_for<'a>(&'a self, section: &'a str, key: &'a str) -> impl Iterator<Item = &'a Entry> + 'a {
        self.entries_of(section).filter(move |entry| entry.key == key)
    }

    /// Line and column of a byte, both from 1; the column counts bytes.
    #[must_use]
    pub fn position(&self, offset: usize) -> (usize, usize) {
        let before = self.text.get(..offset).unwrap_or(&self.text);
        let start = before.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
        let line = before.split(|byte| *byte == b'\n').count();
        (line, before.len() - start + 1)
    }

    /// The text as fleet keeps it: no comments, no empty sections, and from 0.12 on repeated sections merged.
    /// What the other dialects join is written joined.
    #[must_use]
    pub fn normal_form(&self) -> Vec<u8> {
        fleet::normal_form(self)
    }

    fn slice(&self, span: Range<usize>) -> &[u8] {
        self.text.get(span).unwrap_or_default()
    }

    fn report(&mut self, kind: ProblemKind, span: Range<usize>) {
        self.problems.push(Problem { kind, span });
    }

    /// Adds the text up to `end` to the items.
    fn push_item(&mut self, kind: ItemKind, end: usize) {
        let start = self.items.last().map_or(0, |item| item.span.end);
        if end > start {
            self.items.push(Item { kind, span: start..end });
        }
    }

    /// What the items do not cover yet begins here.
    fn covered(&self) -> usize {
        self.items.last().map_or(0, |item| item.span.end)
    }
}
