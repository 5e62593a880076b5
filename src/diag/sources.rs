//! The texts that diagnostics point into.

use std::ops::Range;
use std::sync::{Arc, OnceLock};

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
    /// Looked up when a place is first asked for: of most files of a large tree none ever is.
    index: OnceLock<Index>,
}

/// Where lines begin, and how many characters stand before a place.
#[derive(Debug, Clone)]
struct Index {
    line_starts: Vec<usize>,
    /// How many characters stand before each [`BLOCK_BYTES`] bytes; empty where each byte is one.
    characters: Vec<usize>,
}

/// A character is counted from the beginning of its block, so that columns of a very long line cost nothing.
const BLOCK_BYTES: usize = 4096;

impl Index {
    fn of(text: &str) -> Self {
        let ends = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n');
        let line_starts = std::iter::once(0).chain(ends.map(|(place, _)| place + 1)).collect();
        let blocks = text.as_bytes().chunks(BLOCK_BYTES).filter(|_| !text.is_ascii());
        let characters = blocks.scan(0, |before, block| {
            let here = *before;
            *before += characters_in(block);
            Some(here)
        });
        Self { line_starts, characters: characters.collect() }
    }

    /// How many characters of the text begin before an offset.
    fn characters_before(&self, text: &str, offset: usize) -> usize {
        let block = offset / BLOCK_BYTES;
        let Some(before) = self.characters.get(block) else {
            return self.characters.last().map_or(offset, |_| characters_in(text.as_bytes()));
        };
        before + text.as_bytes().get(block * BLOCK_BYTES..offset).map_or(0, characters_in)
    }
}

/// How many characters begin in these bytes of a text.
fn characters_in(bytes: &[u8]) -> usize {
    bytes.iter().filter(|byte| **byte & 0b1100_0000 != 0b1000_0000).count()
}

impl SourceFile {
    /// A text under a name.
    #[must_use]
    pub fn new(name: impl Into<String>, text: impl Into<Arc<str>>) -> Self {
        Self { name: name.into(), text: text.into(), index: OnceLock::new() }
    }

    fn index(&self) -> &Index {
        self.index.get_or_init(|| Index::of(&self.text))
    }

    fn line_starts(&self) -> &[usize] {
        &self.index().line_starts
    }

    fn mask(&mut self, ranges: &[Range<usize>]) {
        let mut bytes = self.text.as_bytes().to_vec();
        for range in ranges.iter().filter(|range| self.text.get((*range).clone()).is_some()) {
            let hidden = bytes.get_mut(range.clone()).unwrap_or_default();
            hidden.iter_mut().filter(|b| **b != b'\n').for_each(|b| *b = b'*');
        }
        self.text = String::from_utf8_lossy(&bytes).into();
        self.index = OnceLock::new();
    }

    /// Where a byte offset lies; an offset past the end is the end.
    #[must_use]
    pub fn position(&self, offset: usize) -> Position {
        let offset = offset.min(self.text.len());
        let line = self.line_starts().partition_point(|start| *start <= offset);
        let start = self.line_start(line);
        let before = |place| self.index().characters_before(&self.text, place);
        Position { line, column: before(offset) - before(start) + 1 }
    }

    /// The text of a line counted from 1, without its line break.
    #[must_use]
    pub fn line(&self, line: usize) -> &str {
        let Some(start) = line.checked_sub(1).and_then(|index| self.line_starts().get(index)) else { return "" };
        let end = self.line_starts().get(line).map_or(self.text.len(), |next| next - 1);
        self.text.get(*start..end).unwrap_or("").trim_end_matches('\r')
    }

    /// The byte offset at which a line, counted from 1, begins.
    #[must_use]
    pub fn line_start(&self, line: usize) -> usize {
        let index = line.saturating_sub(1);
        self.line_starts().get(index).copied().unwrap_or(self.text.len())
    }
}

/// All texts of one report.
#[derive(Debug, Clone, Default)]
pub struct Sources(Vec<SourceFile>);

impl Sources {
    /// Adds a text under a name.
    pub fn add(&mut self, name: impl Into<String>, text: impl Into<Arc<str>>) -> FileId {
        self.push(SourceFile::new(name, text))
    }

    /// Adds a text that has its name.
    pub fn push(&mut self, file: SourceFile) -> FileId {
        self.0.push(file);
        FileId(u32::try_from(self.0.len() - 1).unwrap_or(u32::MAX))
    }

    /// Puts another text in the place of one; spans into the old one then mean nothing.
    pub fn replace(&mut self, id: FileId, text: impl Into<Arc<str>>) {
        let Some(file) = usize::try_from(id.0).ok().and_then(|place| self.0.get_mut(place)) else { return };
        *file = SourceFile::new(std::mem::take(&mut file.name), text.into());
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
    fn columns_of_long_lines_are_counted_in_characters() {
        for letter in ["x", "\u{e9}", "\u{1f514}"] {
            let line = letter.repeat(3 * BLOCK_BYTES);
            let file = SourceFile::new("a", format!("ab\n{line}"));
            for characters in [0, 1, BLOCK_BYTES / letter.len(), 2 * BLOCK_BYTES, 3 * BLOCK_BYTES] {
                let column = characters + 1;
                assert_eq!(file.position(3 + characters * letter.len()), Position { line: 2, column }, "{letter}");
            }
        }
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
