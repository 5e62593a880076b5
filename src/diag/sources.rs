//! The texts that diagnostics point into.

use std::ops::Range;
use std::sync::Arc;

/// Which file of a [`Sources`] a span lies in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FileId(u32);

/// A range of bytes in one file.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span {
    /// The file.
    pub file: FileId,
    /// First byte.
    pub start: usize,
    /// One past the last byte.
    pub end: usize,
}

impl Span {
    /// The part of this span that `range`, counted in bytes from its start, covers; the whole span where that
    /// would lie outside (a quoted or folded scalar is longer in the file than its value).
    #[must_use]
    pub fn part(&self, range: Range<usize>) -> Self {
        let (start, end) = (self.start.saturating_add(range.start), self.start.saturating_add(range.end));
        if range.start < range.end && end <= self.end { Self { file: self.file, start, end } } else { self.clone() }
    }
}

/// A line and column, both counted from 1; columns count characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
}

/// One text with the name by which the user knows it.
#[derive(Debug, Clone)]
pub struct SourceFile {
    /// The path as the user gave it, or a description in angle brackets such as `<stdin>`.
    pub name: String,
    /// The whole text.
    pub text: Arc<str>,
    line_starts: Arc<[usize]>,
}

impl SourceFile {
    fn new(name: String, text: Arc<str>) -> Self {
        let starts =
            std::iter::once(0).chain(text.bytes().enumerate().filter(|(_, b)| *b == b'\n').map(|(i, _)| i + 1));
        Self { line_starts: starts.collect(), name, text }
    }

    fn mask(&mut self, ranges: &[Range<usize>]) {
        let mut bytes = self.text.as_bytes().to_vec();
        for range in ranges.iter().filter(|range| self.text.get((*range).clone()).is_some()) {
            let hidden = bytes.get_mut(range.clone()).unwrap_or_default();
            hidden.iter_mut().filter(|b| **b != b'\n').for_each(|b| *b = b'*');
        }
        self.text = String::from_utf8_lossy(&bytes).into();
    }

    /// Where a byte offset lies; an offset past the end is the end.
    #[must_use]
    pub fn position(&self, offset: usize) -> Position {
        let offset = offset.min(self.text.len());
        let line = self.line_starts.partition_point(|start| *start <= offset);
        let start = self.line_starts.get(line.saturating_sub(1)).copied().unwrap_or(0);
        let column = self.text.get(start..offset).map_or(1, |before| before.chars().count() + 1);
        Position { line, column }
    }

    /// The text of a line counted from 1, without its line break.
    #[must_use]
    pub fn line(&self, line: usize) -> &str {
        let Some(start) = line.checked_sub(1).and_then(|index| self.line_starts.get(index)) else { return "" };
        let end = self.line_starts.get(line).map_or(self.text.len(), |next| next - 1);
        self.text.get(*start..end).unwrap_or("").trim_end_matches('\r')
    }

    /// The byte offset at which a line, counted from 1, begins.
    #[must_use]
    pub fn line_start(&self, line: usize) -> usize {
        let index = line.saturating_sub(1);
        self.line_starts.get(index).copied().unwrap_or(self.text.len())
    }
}

/// All texts of one report.
#[derive(Debug, Clone, Default)]
pub struct Sources(Vec<SourceFile>);

impl Sources {
    /// Adds a text under a name.
    pub fn add(&mut self, name: impl Into<String>, text: impl Into<Arc<str>>) -> FileId {
        self.0.push(SourceFile::new(name.into(), text.into()));
        FileId(u32::try_from(self.0.len() - 1).unwrap_or(u32::MAX))
    }

    /// Puts `*` in the place of texts that must not be shown; every offset stays what it is.
    pub fn mask(&mut self, spans: &[Span]) {
        for (index, file) in self.0.iter_mut().enumerate() {
            let id = FileId(u32::try_from(index).unwrap_or(u32::MAX));
            let ranges: Vec<Range<usize>> =
                spans.iter().filter(|span| span.file == id).map(|span| span.start..span.end).collect();
            if !ranges.is_empty() {
                file.mask(&ranges);
            }
        }
    }

    /// The text with that id, if it belongs to this set.
    #[must_use]
    pub fn get(&self, id: FileId) -> Option<&SourceFile> {
        self.0.get(usize::try_from(id.0).ok()?)
    }

    /// The names of all texts, in the order in which they were added.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|file| file.name.as_str())
    }

    /// The file a span lies in and where it begins.
    #[must_use]
    pub fn locate(&self, span: &Span) -> Option<(&SourceFile, Position)> {
        let file = self.get(span.file)?;
        Some((file, file.position(span.start)))
    }

    /// `name:line:column` of a span's beginning.
    #[must_use]
    pub fn describe(&self, span: &Span) -> String {
        self.locate(span).map_or_else(String::new, |(file, at)| format!("{}:{}:{}", file.name, at.line, at.column))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_count_lines_and_characters_from_one() {
        let mut sources = Sources::default();
        let id = sources.add("a.yaml", "ab\nçd\n");
        let file = sources.get(id).unwrap();
        assert_eq!(file.position(0), Position { line: 1, column: 1 });
        assert_eq!(file.position(5), Position { line: 2, column: 2 });
        assert_eq!(file.position(999), Position { line: 3, column: 1 });
        assert_eq!(file.line(2), "çd");
    }

    #[test]
    fn masked_texts_are_stars_and_offsets_stay() {
        let mut sources = Sources::default();
        let file = sources.add("a", "x: s\u{e9}cret\ny: 1\n");
        sources.mask(&[Span { file, start: 3, end: 10 }, Span { file, start: 4, end: 99 }]);
        assert_eq!(&*sources.get(file).unwrap().text, "x: *******\ny: 1\n");
    }

    #[test]
    fn a_part_outside_its_span_is_the_whole_span() {
        let mut sources = Sources::default();
        let file = sources.add("a", "0123456789");
        let span = Span { file, start: 2, end: 6 };
        assert_eq!(span.part(1..2), Span { file, start: 3, end: 4 });
        assert_eq!(span.part(3..9), span);
    }
}
