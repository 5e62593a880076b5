//! systemd's reading of a unit file (`config_parse`, src/shared/conf-parser.c; `read_line`, src/basic/fileio.c).

use std::ops::Range;

use super::logical::{Logical, trimmed};
use super::problem::ProblemKind;
use super::{Entry, ItemKind, Section, UnitFile};
use crate::unit::quote::is_noncharacter;

/// A line, and a value with its continuation lines, has fewer bytes than this (`LONG_LINE_MAX`, src/basic/fileio.h).
pub const LINE_MAX_BYTES: usize = 1024 * 1024;
/// What systemd passes over once, at the beginning of any line.
const BYTE_ORDER_MARK: &[u8] = "\u{feff}".as_bytes();

/// A physical line: its text, and where the next one begins.
struct Line {
    content: Range<usize>,
    next: usize,
}

/// What the reader does after a line.
enum Next {
    Go,
    Stop,
}

struct Reader<'a> {
    file: &'a mut UnitFile,
    byte_order_mark_seen: bool,
    /// The lines so far of one that goes on, and where the first of them began.
    open: Option<Logical>,
}

pub(super) fn read(file: &mut UnitFile) {
    let mut reader = Reader { file, byte_order_mark_seen: false, open: None };
    let mut at = 0;
    while let Some(line) = next_line(reader.file.text(), at) {
        at = line.next;
        if let Next::Stop = reader.line(&line) {
            break;
        }
    }
    reader.finish();
}

/// The line that begins at `start`. It ends in a newline, a carriage return or a NUL, or in several of these as long
/// as none comes twice and none follows the NUL.
fn next_line(text: &[u8], start: usize) -> Option<Line> {
    let rest = text.get(start..).filter(|rest| !rest.is_empty())?;
    let length = rest.iter().position(|byte| is_line_end(*byte)).unwrap_or(rest.len());
    let mut seen = Vec::new();
    for &byte in rest.iter().skip(length) {
        if !is_line_end(byte) || seen.contains(&byte) || seen.contains(&0) {
            break;
        }
        seen.push(byte);
    }
    Some(Line { content: start..start + length, next: start + length + seen.len() })
}

fn is_line_end(byte: u8) -> bool {
    matches!(byte, b'\n' | b'\r' | 0)
}

/// systemd's WHITESPACE: no form feed, no vertical tab.
fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r')
}

impl Reader<'_> {
    fn line(&mut self, line: &Line) -> Next {
        if line.content.len() >= LINE_MAX_BYTES {
            return self.refuse(ProblemKind::LineTooLong { limit: LINE_MAX_BYTES - 1 }, line.content.clone());
        }
        if is_comment(self.file.slice(line.content.clone())) {
            self.comment(line);
            return Next::Go;
        }
        let content = self.without_byte_order_mark(line.content.clone());
        let goes_on = ends_in_lone_backslash(self.file.slice(content.clone()));
        let mut open = self.open.take().unwrap_or_default();
        if open.len() + content.len() > LINE_MAX_BYTES {
            return self.refuse(ProblemKind::ValueTooLong { limit: LINE_MAX_BYTES }, content);
        }
        open.push(self.file.slice(content.clone()), content.start);
        if goes_on {
            open.replace_last(b' ');
            self.open = Some(open);
            return Next::Go;
        }
        self.logical_line(open, line.next)
    }

    /// A comment is passed over wherever it stands, and in the middle of a value belongs to that.
    fn comment(&mut self, line: &Line) {
        if self.open.is_none() {
            self.file.push_item(ItemKind::Comment, line.next);
        }
    }

    fn without_byte_order_mark(&mut self, content: Range<usize>) -> Range<usize> {
        if self.byte_order_mark_seen || !self.file.slice(content.clone()).starts_with(BYTE_ORDER_MARK) {
            return content;
        }
        self.byte_order_mark_seen = true;
        content.start + BYTE_ORDER_MARK.len()..content.end
    }

    fn logical_line(&mut self, line: Logical, end: usize) -> Next {
        let text = trimmed(line.all(), 0..line.len(), is_blank);
        let Some(first) = line.all().get(text.start).filter(|_| !text.is_empty()) else {
            self.file.push_item(ItemKind::Blank, end);
            return Next::Go;
        };
        let span = source_span(&line, text.clone());
        if !is_utf8(line.bytes(text.clone())) {
            return self.refuse(ProblemKind::NotUtf8, span);
        }
        if *first == b'[' {
            return self.header(&line, text, span, end);
        }
        self.assignment(line, text, span, end);
        Next::Go
    }

    fn header(&mut self, line: &Logical, text: Range<usize>, span: Range<usize>, end: usize) -> Next {
        let Some(name) = line.bytes(text).strip_prefix(b"[").and_then(|rest| rest.strip_suffix(b"]")) else {
            return self.refuse(ProblemKind::UnterminatedHeader, span);
        };
        if name.iter().any(|byte| *byte < b' ' || b"\"'\\\x7f".contains(byte)) {
            return self.refuse(ProblemKind::BadHeaderCharacters, span);
        }
        self.file.sections.push(Section { name: String::from_utf8_lossy(name).into_owned(), span });
        self.file.push_item(ItemKind::Header(self.file.sections.len() - 1), end);
        Next::Go
    }

    fn assignment(&mut self, line: Logical, text: Range<usize>, span: Range<usize>, end: usize) {
        let Some(section) = self.file.sections.len().checked_sub(1) else {
            return self.ignore(Some(ProblemKind::BeforeFirstSection), span, end);
        };
        let extension = self.file.sections.last().is_some_and(Section::is_extension);
        let Some(equals) = line.bytes(text.clone()).iter().position(|byte| *byte == b'=') else {
            let problem = (!extension).then_some(ProblemKind::MissingEquals { refused: false });
            return self.ignore(problem, span, end);
        };
        if equals == 0 {
            return self.ignore((!extension).then_some(ProblemKind::MissingKey), span, end);
        }
        let equals = text.start + equals;
        let key = trimmed(line.all(), text.start..equals, is_blank);
        let value = trimmed(line.all(), equals + 1..text.end, is_blank);
        self.file.entries.push(Entry {
            section,
            key: String::from_utf8_lossy(line.bytes(key.clone())).into_owned(),
            key_span: source_span(&line, key),
            span,
            logical: line,
            value,
        });
        self.file.push_item(ItemKind::Entry(self.file.entries.len() - 1), end);
    }

    fn ignore(&mut self, problem: Option<ProblemKind>, span: Range<usize>, end: usize) {
        if let Some(kind) = problem {
            self.file.report(kind, span);
        }
        self.file.push_item(ItemKind::Ignored, end);
    }

    fn refuse(&mut self, kind: ProblemKind, span: Range<usize>) -> Next {
        self.file.report(kind, span);
        self.open = None;
        Next::Stop
    }

    /// The last line may end in a backslash; after a refusal the rest is not read.
    fn finish(&mut self) {
        let end = self.file.text.len();
        if let Some(open) = self.open.take() {
            // Whether it refuses the file makes no difference at its end.
            let (Next::Go | Next::Stop) = self.logical_line(open, end);
        }
        self.file.push_item(ItemKind::Ignored, end);
    }
}

fn source_span(line: &Logical, range: Range<usize>) -> Range<usize> {
    let from = line.source(range.start);
    if range.is_empty() { from..from } else { from..line.source(range.end - 1) + 1 }
}

/// The first character that is no blank is `#` or `;`.
pub(super) fn is_comment(content: &[u8]) -> bool {
    content.iter().find(|byte| !is_blank(**byte)).is_some_and(|byte| matches!(byte, b'#' | b';'))
}

/// An odd number of backslashes at the end: of an even one each escapes the next.
fn ends_in_lone_backslash(content: &[u8]) -> bool {
    content.iter().rev().take_while(|byte| **byte == b'\\').count() % 2 == 1
}

fn is_utf8(bytes: &[u8]) -> bool {
    std::str::from_utf8(bytes).is_ok_and(|text| !text.chars().any(is_noncharacter))
}
