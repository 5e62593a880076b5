//! fleet's reading of a unit file (the `unit` package of go-systemd that fleet 1.0 vendors, `deserialize.go`).

use std::ops::Range;

use super::go_reader::{GoReader, first_char};
use super::logical::Logical;
use super::problem::ProblemKind;
use super::{Dialect, Entry, ItemKind, Section, UnitFile};

/// So many bytes without a line end are a line too long to fleet, from 0.12 on (`SYSTEMD_LINE_MAX`).
pub const LINE_LIMIT_BYTES: usize = 2048;

/// What changed with fleet 0.12.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Era {
    /// Continuations joined with a blank, no limit.
    Joining,
    /// Continuations kept, long lines refused.
    Limited,
}

/// Why the reading ends.
struct Stop;

type Step<T> = Result<T, Stop>;

struct Reader<'a> {
    text: &'a [u8],
    input: GoReader<'a>,
    era: Era,
    file: &'a mut UnitFile,
}

pub(super) fn read(file: &mut UnitFile, era: Era) {
    let text = file.text.clone();
    let mut reader = Reader { text: &text, input: GoReader::new(&text), era, file };
    // Both ends, of the text and at a fault, leave what was read so far.
    let _ = reader.run();
    file.push_item(ItemKind::Ignored, text.len());
}

impl Reader<'_> {
    fn run(&mut self) -> Step<()> {
        let mut in_section = false;
        loop {
            let Some((start, c)) = self.next_char(in_section)? else {
                self.pass_over(in_section, self.input.at());
                return Ok(());
            };
            match c {
                '[' => {
                    self.pass_over(in_section, start);
                    self.header(start)?;
                    in_section = true;
                }
                '#' | ';' => {
                    self.pass_over(in_section, start);
                    self.comment()?;
                }
                _ if in_section => {
                    self.pass_over(in_section, start);
                    self.input.unread(start);
                    self.entry()?;
                }
                // Before the first section every character is passed over, one by one.
                _ => {}
            }
        }
    }

    /// The next character that matters: in a section blanks do not.
    fn next_char(&mut self, in_section: bool) -> Step<Option<(usize, char)>> {
        loop {
            self.check_line()?;
            let start = self.input.at();
            match self.input.read_char() {
                Some(c) if in_section && c.is_whitespace() => {}
                other => return Ok(other.map(|c| (start, c))),
            }
        }
    }

    /// fleet looks at what its buffer holds at the beginning of each step, so that it misses some long lines.
    fn check_line(&mut self) -> Step<()> {
        if self.era == Era::Joining || !self.input.shows_line_of(LINE_LIMIT_BYTES) {
            return Ok(());
        }
        let at = self.input.at();
        self.stop(ProblemKind::LineTooLong { limit: LINE_LIMIT_BYTES }, at..at + LINE_LIMIT_BYTES)
    }

    fn stop<T>(&mut self, kind: ProblemKind, span: Range<usize>) -> Step<T> {
        self.file.report(kind, span);
        Err(Stop)
    }

    /// Text up to here was read and means nothing.
    fn pass_over(&mut self, in_section: bool, end: usize) {
        let start = self.file.covered();
        let span = trim(self.text, start..end);
        if span.is_empty() || in_section {
            return self.file.push_item(ItemKind::Blank, end);
        }
        self.file.report(ProblemKind::BeforeFirstSection, span);
        self.file.push_item(ItemKind::Ignored, end);
    }

    fn header(&mut self, start: usize) -> Step<()> {
        self.check_line()?;
        if !self.input.read_to(b']') {
            let end = self.first_line_end(start);
            return self.stop(ProblemKind::UnterminatedHeader, start..end);
        }
        let span = start..self.input.at();
        self.check_line()?;
        let rest = self.line();
        let garbage = trim(self.text, rest);
        if !garbage.is_empty() {
            return self.stop(ProblemKind::TextAfterHeader, garbage);
        }
        let name = self.slice(span.start + 1..span.end - 1);
        self.file.sections.push(Section { name: String::from_utf8_lossy(name).into_owned(), span });
        self.file.push_item(ItemKind::Header(self.file.sections.len() - 1), self.input.at());
        Ok(())
    }

    /// A comment goes on while its lines end in a backslash, or in one and a blank.
    fn comment(&mut self) -> Step<()> {
        self.check_line()?;
        loop {
            let line = self.line();
            let line = self.slice(line);
            let continues = line.strip_suffix(b" ").unwrap_or(line).ends_with(b"\\");
            if !continues || self.input.at() == self.text.len() {
                break;
            }
        }
        self.file.push_item(ItemKind::Comment, self.input.at());
        Ok(())
    }

    fn entry(&mut self) -> Step<()> {
        self.check_line()?;
        let start = self.input.at();
        let mut key = String::new();
        loop {
            match self.input.read_char() {
                None | Some('\n' | '\r') => {
                    let span = trim(self.text, start..self.input.at());
                    return self.stop(ProblemKind::MissingEquals { refused: true }, span);
                }
                Some('=') => break,
                Some(c) => key.push(c),
            }
        }
        let key_span = trim(self.text, start..self.input.at() - 1);
        let (logical, value) = self.value()?;
        let end = value_end(&logical, &value, self.text, start).max(key_span.end + 1);
        self.file.entries.push(Entry {
            section: self.file.sections.len().saturating_sub(1),
            key: key.trim().to_owned(),
            key_span: key_span.clone(),
            span: key_span.start..end,
            logical,
            value,
        });
        self.file.push_item(ItemKind::Entry(self.file.entries.len() - 1), self.input.at());
        Ok(())
    }

    fn value(&mut self) -> Step<(Logical, Range<usize>)> {
        let mut logical = Logical::default();
        match self.era {
            Era::Limited => {
                while self.kept_line(&mut logical)? {}
                let value = kept_value(logical.all());
                Ok((logical, value))
            }
            Era::Joining => {
                while self.joined_line(&mut logical) {}
                let value = trim(logical.all(), 0..logical.len());
                Ok((logical, value))
            }
        }
    }

    /// Adds a line as it stands, and says whether another belongs to it.
    fn kept_line(&mut self, logical: &mut Logical) -> Step<bool> {
        self.check_line()?;
        let line = self.line();
        let at_end = !self.slice(line.start..self.input.at()).ends_with(b"\n");
        if trim(self.text, line.clone()).is_empty() {
            logical.push(&[], line.start);
            return Ok(false);
        }
        logical.push(self.slice(line.clone()), line.start);
        if !self.slice(line.clone()).ends_with(b"\\") {
            return Ok(false);
        }
        if !at_end {
            logical.push(b"\n", line.end);
        }
        Ok(true)
    }

    /// Adds a line with a blank for the backslash at its end, and says whether another belongs to it.
    fn joined_line(&mut self, logical: &mut Logical) -> bool {
        let line = self.line();
        logical.push(self.slice(line.clone()), line.start);
        let continues = self.slice(line).ends_with(b"\\");
        if continues {
            logical.replace_last(b' ');
        }
        continues && self.input.at() < self.text.len()
    }

    /// Reads a line, and gives its bytes without the newline; a carriage return stays.
    fn line(&mut self) -> Range<usize> {
        let start = self.input.at();
        let newline = self.input.read_to(b'\n');
        start..self.input.at() - usize::from(newline)
    }

    fn slice(&self, span: Range<usize>) -> &[u8] {
        self.text.get(span).unwrap_or_default()
    }

    fn first_line_end(&self, start: usize) -> usize {
        let rest = self.text.get(start..).unwrap_or_default();
        rest.iter().position(|byte| *byte == b'\n').map_or(self.text.len(), |place| start + place)
    }
}

/// Where an assignment ends in the text, its line end excluded.
fn value_end(logical: &Logical, value: &Range<usize>, text: &[u8], start: usize) -> usize {
    if value.is_empty() {
        return start;
    }
    let last = logical.source(value.end - 1);
    if text.get(last) == Some(&b'\n') { last } else { last + 1 }
}

/// The value of kept lines: blanks at the ends go, but one newline stays where a blank line ended a continuation.
fn kept_value(bytes: &[u8]) -> Range<usize> {
    let value = trim(bytes, 0..bytes.len());
    let newline = bytes.get(value.end..).unwrap_or_default().first() == Some(&b'\n') && bytes.ends_with(b"\n");
    value.start..value.end + usize::from(newline)
}

/// Go's `TrimSpace`: all white space of Unicode.
fn trim(bytes: &[u8], range: Range<usize>) -> Range<usize> {
    let Range { mut start, mut end } = range;
    while let Some((c, length)) = bytes.get(start..end).and_then(first_char) {
        if !c.is_whitespace() {
            break;
        }
        start += length;
    }
    while let Some((c, length)) = bytes.get(start..end).and_then(last_char) {
        if !c.is_whitespace() {
            break;
        }
        end -= length;
    }
    start..end
}

/// The last character and its length; a byte that ends none is `U+FFFD`, one byte long.
fn last_char(bytes: &[u8]) -> Option<(char, usize)> {
    bytes.last()?;
    let lengths = (1..=bytes.len().min(4)).rev();
    let ending = |length: usize| first_char(bytes.get(bytes.len() - length..)?).filter(|c| c.1 == length);
    Some(lengths.into_iter().find_map(ending).unwrap_or((char::REPLACEMENT_CHARACTER, 1)))
}

/// What fleet stores; see [`UnitFile::normal_form`].
pub(super) fn normal_form(file: &UnitFile) -> Vec<u8> {
    let merged = file.dialect != Dialect::FleetBefore012;
    let mut groups: Vec<(&str, Vec<&Entry>)> = Vec::new();
    let mut places = std::collections::HashMap::new();
    for entry in &file.entries {
        let name = file.section_of(entry);
        let place = if merged { places.get(name).copied() } else { None };
        let place = place.or_else(|| {
            groups.len().checked_sub(1).filter(|last| groups.get(*last).is_some_and(|group| group.0 == name))
        });
        if let Some(group) = place.and_then(|place| groups.get_mut(place)) {
            group.1.push(entry);
        } else {
            places.insert(name, groups.len());
            groups.push((name, vec![entry]));
        }
    }
    let written: Vec<Vec<u8>> = groups.iter().map(|(name, entries)| section(name, entries)).collect();
    written.join(&b'\n')
}

fn section(name: &str, entries: &[&Entry]) -> Vec<u8> {
    let mut out = format!("[{name}]\n").into_bytes();
    for entry in entries {
        out.extend_from_slice(entry.key.as_bytes());
        out.push(b'=');
        out.extend_from_slice(entry.bytes());
        out.push(b'\n');
    }
    out
}
