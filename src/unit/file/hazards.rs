//! What one reader takes, and another takes otherwise: found in the text, whoever reads it.

use std::ops::Range;

use super::problem::ProblemKind;
use super::{ItemKind, UnitFile, fleet, systemd};

pub(super) fn find(file: &mut UnitFile) {
    let mut found = Vec::new();
    found.extend(first_of(file, b"\r").map(|span| (ProblemKind::CarriageReturn, span)));
    found.extend(first_of(file, b"\0").map(|span| (ProblemKind::NulByte, span)));
    found.extend(
        first_of(file, "\u{feff}".as_bytes())
            .filter(|span| begins_line(file, span.start))
            .map(|span| (ProblemKind::ByteOrderMark, span)),
    );
    for item in file.items() {
        for (place, line) in lines(file.text(), item.span.clone()).enumerate() {
            found.extend(of_line(file, item.kind, place, &line).map(|kind| (kind, line)));
        }
    }
    for (kind, span) in found {
        file.report(kind, span);
    }
}

fn first_of(file: &UnitFile, bytes: &[u8]) -> Option<Range<usize>> {
    let start = file.text().windows(bytes.len()).position(|window| window == bytes)?;
    Some(start..start + bytes.len())
}

fn begins_line(file: &UnitFile, offset: usize) -> bool {
    offset == 0 || file.text().get(offset - 1) == Some(&b'\n')
}

/// The lines that a person sees in a stretch of text, without their ends.
fn lines(text: &[u8], span: Range<usize>) -> impl Iterator<Item = Range<usize>> {
    let mut start = span.start;
    text.get(span).unwrap_or_default().split_inclusive(|byte| *byte == b'\n').map(move |line| {
        let begin = start;
        start += line.len();
        let content = line.strip_suffix(b"\n").unwrap_or(line);
        begin..begin + content.strip_suffix(b"\r").unwrap_or(content).len()
    })
}

fn of_line(file: &UnitFile, kind: ItemKind, place: usize, line: &Range<usize>) -> Option<ProblemKind> {
    if line.len() >= fleet::LINE_LIMIT_BYTES {
        return Some(ProblemKind::LongLine { bytes: line.len() });
    }
    let content = file.slice(line.clone());
    match kind {
        ItemKind::Comment => continues_comment(content).then_some(ProblemKind::CommentContinues),
        ItemKind::Entry(_) if place > 0 && systemd::is_comment(content) => Some(ProblemKind::CommentInsideValue),
        ItemKind::Entry(_) => of_value_line(content),
        ItemKind::Blank | ItemKind::Header(_) | ItemKind::Ignored => None,
    }
}

fn continues_comment(content: &[u8]) -> bool {
    content.strip_suffix(b" ").unwrap_or(content).ends_with(b"\\")
}

fn of_value_line(content: &[u8]) -> Option<ProblemKind> {
    let text = content.trim_ascii_end();
    let backslashes = text.iter().rev().take_while(|byte| **byte == b'\\').count();
    if backslashes == 0 {
        None
    } else if text.len() < content.len() {
        Some(ProblemKind::BlankAfterBackslash)
    } else {
        (backslashes % 2 == 0).then_some(ProblemKind::EvenBackslashes)
    }
}
