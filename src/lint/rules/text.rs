//! The file as text: lines, comments, continuations.

use crate::diag::{Fix, Safety};
use crate::lint::directives;
use crate::lint::files::File;
use crate::lint::rule::{Found, is_fleet, rule};
use crate::lint::{Rule, Unit};
use crate::unit::{Effect, ItemKind, Problem, ProblemKind, UnitFile};
use std::ops::Range;

pub(super) static RULES: [&Rule; 15] = [
    &LINE_OVER_LIMIT,
    &LINE_NEAR_LIMIT,
    &HEADER_BROKEN,
    &NOT_UTF8,
    &MISSING_EQUALS,
    &BEFORE_FIRST_SECTION,
    &COMMENT_SWALLOWS_LINE,
    &COMMENT_IN_VALUE,
    &BLANK_AFTER_BACKSLASH,
    &EVEN_BACKSLASHES,
    &CARRIAGE_RETURN,
    &ODD_BYTES,
    &CONTINUATION_SPLITS_WORD,
    &CONTINUATION_SWALLOWS,
    &FLEET_REFUSES_TEXT,
];

/// A line of this many bytes is near fleet's limit of 2,048: one longer value, one longer instance, and it is over.
const NEAR_LIMIT_BYTES: usize = 1900;
/// From this version on systemd reads lines of any length up to 1 MiB.
const LONG_LINES_SINCE: u16 = 236;

rule! {
    /// fleet from 0.12 on refuses a unit with a physical line of 2,048 bytes or more, comments included, and systemd
    /// before 236 cuts such a line. From 236 on the limit is 1 MiB, for a line and for a value with its continuation
    /// lines. Break the line with a `\` at its end, between words.
    LINE_OVER_LIMIT = "line-over-limit", Error, "a line is longer than what reads it allows",
    source: "fleet go-systemd unit/deserialize.go; systemd src/basic/fileio.h LONG_LINE_MAX", check: Some(|unit, _, found| {
        each(unit, |file, problem| match problem.kind {
            ProblemKind::LongLine { .. } if !limited(file) => {}
            ProblemKind::LongLine { .. } | ProblemKind::LineTooLong { .. } | ProblemKind::ValueTooLong { .. } => {
                tell(found, file, problem).help("break the line between words with a `\\` at its end");
            }
            _ => {}
        });
    })
}

rule! {
    /// The line is still short enough, but not by much: fleet, and systemd before 236, read lines of less than 2,048
    /// bytes only, and the next word added breaks the unit. Break it with a `\` at its end.
    LINE_NEAR_LIMIT = "line-near-limit", Warning, "a line is nearly as long as fleet allows",
    source: "fleet go-systemd unit/deserialize.go", check: Some(|unit, _, found| {
        for file in unit.files().iter().filter(|file| limited(file)) {
            for line in lines(file.text.text(), 0..file.text.text().len()) {
                if (NEAR_LIMIT_BYTES..2048).contains(&line.len()) {
                    found.span(file, line.clone(), format!("the line has {} bytes; 2,047 are the most", line.len()));
                }
            }
        }
    })
}

rule! {
    /// A section header is `[Name]` on a line of its own. systemd refuses the whole file for a header without its `]`
    /// or with quotes in it; fleet also for text after the `]`.
    HEADER_BROKEN = "section-header-broken", Error, "a section header is not one",
    source: "systemd src/shared/conf-parser.c", fix: Safely, check: Some(|unit, _, found| {
        each(unit, |file, problem| {
            if matches!(problem.kind, ProblemKind::UnterminatedHeader | ProblemKind::BadHeaderCharacters) {
                let told = tell(found, file, problem);
                let line = lines(file.text.text(), problem.span.clone()).next().unwrap_or_default();
                let name = shown(file.text.text(), line.clone());
                if is_section(name.trim_end().trim_start_matches('[')) {
                    let fix = Fix::new(Safety::Safe, "close the header");
                    let end = line.start + name.trim_end().len();
                    told.fix(fix.insert_before(&file.span(end..end), "]"));
                }
            }
        });
    })
}

rule! {
    /// systemd refuses a file that is not UTF-8, in a line that is no comment. Save it as UTF-8, or write the bytes of
    /// a value as `\xNN`.
    NOT_UTF8 = "not-utf8", Error, "the file is not UTF-8",
    source: "systemd src/shared/conf-parser.c", check: Some(|unit, _, found| {
        each(unit, |file, problem| if problem.kind == ProblemKind::NotUtf8 { tell(found, file, problem); });
    })
}

rule! {
    /// Every line of a section is `Key=value`. systemd ignores a line without `=` or without a key, and fleet refuses
    /// the unit. Most often a `\` is missing at the end of the line before.
    MISSING_EQUALS = "missing-equals", Error, "a line is no assignment",
    source: "systemd src/shared/conf-parser.c; fleet go-systemd unit/deserialize.go", check: Some(|unit, _, found| {
        each(unit, |file, problem| {
            if matches!(problem.kind, ProblemKind::MissingEquals { .. } | ProblemKind::MissingKey) {
                tell(found, file, problem).help("if it belongs to the line before, that one must end in `\\`");
            }
        });
    })
}

rule! {
    /// What stands before the first `[Section]` belongs to none: systemd ignores it with a warning, and fleet without
    /// a word. Most often the header is missing, or the line was added at the file's top by a script.
    BEFORE_FIRST_SECTION = "before-first-section", Warning, "an assignment stands before the first section",
    source: "systemd src/shared/conf-parser.c", check: Some(|unit, _, found| {
        each(unit, |file, problem| {
            if problem.kind == ProblemKind::BeforeFirstSection { tell(found, file, problem); }
        });
    })
}

rule! {
    /// To fleet, and to systemd of its time, a comment goes on while its lines end in a backslash: the line after it
    /// is lost. Take the backslash away.
    COMMENT_SWALLOWS_LINE = "comment-swallows-line", Warning, "a comment ends in a backslash and takes the next line with it",
    source: "fleet go-systemd unit/deserialize.go; systemd before 237", fix: Unsafely, check: Some(|unit, _, found| {
        each(unit, |file, problem| {
            if problem.kind == ProblemKind::CommentContinues {
                let backslash = file.text.text().get(problem.span.clone()).and_then(|it| it.iter().rposition(|b| *b == b'\\'));
                let at = problem.span.start + backslash.unwrap_or_default();
                let fix = Fix::new(Safety::Unsafe, "take the backslash away").delete(&file.span(at..at + 1));
                tell(found, file, problem).fix(fix);
            }
        });
    })
}

rule! {
    /// systemd drops a continuation line whose first character is `#` or `;`, and fleet and old systemd take it for a
    /// part of the value. A shell comment there, or a `;` that ends a command, is lost or is not as meant. Move the
    /// character to the end of the line before, or the comment above the assignment.
    COMMENT_IN_VALUE = "comment-in-value", Warning, "a continuation line begins with `#` or `;`",
    source: "systemd src/shared/conf-parser.c", fix: Either, check: Some(|unit, _, found| {
        each(unit, |file, problem| {
            if problem.kind == ProblemKind::CommentInsideValue && !found.is_full() {
                let told = tell(found, file, problem);
                if let Some(fix) = comment_moved(file, problem) {
                    told.fix(fix);
                }
            }
        });
    })
}

rule! {
    /// A line goes on only if the backslash is its very last byte. A blank after it, which nobody sees, ends the value
    /// there, and the next line is read by itself.
    BLANK_AFTER_BACKSLASH = "blank-after-backslash", Error, "blanks stand after the backslash at a line's end",
    source: "systemd src/shared/conf-parser.c", fix: Safely, check: Some(|unit, _, found| {
        each(unit, |file, problem| {
            if problem.kind == ProblemKind::BlankAfterBackslash {
                let line = file.text.text().get(problem.span.clone()).unwrap_or_default();
                let blanks = problem.span.start + line.trim_ascii_end().len()..problem.span.end;
                let told = tell(found, file, problem).help("remove the blanks at the end of the line");
                if goes_on(file.text.text(), problem.span.end) {
                    told.fix(Fix::new(Safety::Safe, "remove the blanks").delete(&file.span(blanks)));
                }
            }
        });
    })
}

rule! {
    /// systemd takes two backslashes at a line's end for one escaped backslash, and fleet for a continuation: the two
    /// see different units. Write something after the backslashes, or another escape such as `\x5c`.
    EVEN_BACKSLASHES = "even-backslashes", Warning, "a line ends in an even number of backslashes",
    source: "fleet go-systemd unit/deserialize.go", check: Some(|unit, _, found| {
        each(unit, |file, problem| {
            if problem.kind == ProblemKind::EvenBackslashes { tell(found, file, problem); }
        });
    })
}

rule! {
    /// Lines that end in a carriage return and a newline, as Windows writes them: to fleet the carriage return is the
    /// last byte, so that a backslash before it continues nothing. Save the file with newlines alone.
    CARRIAGE_RETURN = "carriage-return", Warning, "the file has carriage returns",
    source: "fleet go-systemd unit/deserialize.go", fix: Unsafely, check: Some(|unit, _, found| {
        each(unit, |file, problem| {
            if problem.kind == ProblemKind::CarriageReturn {
                tell(found, file, problem).fix(without_carriage_returns(file));
            }
        });
    })
}

rule! {
    /// NUL bytes and byte order marks mean one thing to systemd and another to fleet, and nothing to a reader. Remove
    /// them.
    ODD_BYTES = "odd-bytes", Warning, "the file holds a NUL byte or a byte order mark",
    source: "systemd src/basic/fileio.c; fleet go-systemd unit/deserialize.go", fix: Safely, check: Some(|unit, _, found| {
        each(unit, |file, problem| {
            match problem.kind {
                ProblemKind::ByteOrderMark => {
                    let fix = Fix::new(Safety::Safe, "remove the byte order mark").delete(&file.span(problem.span.clone()));
                    tell(found, file, problem).fix(fix);
                }
                ProblemKind::NulByte => { tell(found, file, problem); }
                _ => {}
            }
        });
    })
}

rule! {
    /// systemd puts a blank in the place of a backslash at a line's end. A word that is cut there, as in `rest\` and
    /// `art` on the next line, becomes two words. Cut between words only.
    CONTINUATION_SPLITS_WORD = "continuation-splits-word", Warning, "a continuation cuts a word in two",
    source: "systemd.syntax(7)", check: Some(|unit, _, found| each_break(unit, |file, break_| {
        let text = file.text.text();
        let (head, tail) = (word_before(text, break_.backslash), word_after(text, break_.next_line));
        if let (Some(head), Some(tail)) = (head, tail) {
            found.span(file, head.start..break_.backslash + 1, format!(
                "the line break becomes a blank: `{} {}`", shown(text, head.clone()), shown(text, tail),
            )).label("a blank is put here");
        }
    }))
}

rule! {
    /// The line ends in a backslash, and what follows looks like the next assignment or section: systemd makes it a
    /// part of this value. Take the backslash away.
    CONTINUATION_SWALLOWS = "continuation-swallows-assignment", Warning, "a backslash makes the next assignment a part of this value",
    source: "systemd.syntax(7)", fix: Unsafely, check: Some(|unit, _, found| each_break(unit, |file, break_| {
        let next = lines(file.text.text(), break_.next_line..file.text.text().len()).next().unwrap_or(0..0);
        let line = shown(file.text.text(), next.clone());
        let section = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
        let key = line.split_once('=').map(|(key, _)| key.trim_end());
        if section.is_some_and(is_section) || key.is_some_and(|key| !directives::sections_with(key).is_empty()) {
            let backslash = file.span(break_.backslash..break_.backslash + 1);
            found.span(file, next, "this line belongs to the value of the line before, which ends in `\\`")
                .fix(Fix::new(Safety::Unsafe, "take the backslash away").delete(&backslash));
        }
    }))
}

rule! {
    /// fleet reads the unit before systemd does and refuses the whole of it. systemd may well take the same text.
    FLEET_REFUSES_TEXT = "fleet-refuses-text", Error, "fleet refuses the file as text",
    source: "fleet go-systemd unit/deserialize.go", check: Some(|unit, _, found| {
        for file in unit.files() {
            let problems = file.fleet.iter().flat_map(UnitFile::problems);
            for problem in problems.filter(|problem| problem.effect() == Effect::FileRefused) {
                if !matches!(problem.kind, ProblemKind::LineTooLong { .. } | ProblemKind::MissingEquals { .. }) {
                    tell(found, file, problem);
                }
            }
        }
    })
}

/// Whether the line after a place looks like the rest of the value there: it is indented, and no comment.
fn goes_on(text: &[u8], place: usize) -> bool {
    let rest = text.get(place..).unwrap_or_default();
    let next = rest.splitn(3, |byte| *byte == b'\n').nth(1).unwrap_or_default();
    let indented = next.first().is_some_and(|byte| matches!(byte, b' ' | b'\t'));
    let word = next.trim_ascii_start();
    indented && word.first().is_some_and(|byte| !matches!(byte, b'#' | b';' | b'['))
}

fn is_section(name: &str) -> bool {
    directives::SECTIONS.contains(&name) || name == "X-Fleet"
}

/// The comment inside a value put above the assignment. systemd leaves it out where it stands; to fleet it is a part of
/// the value, and what a `;` begins may be a command.
fn comment_moved(file: &File, problem: &Problem) -> Option<Fix> {
    let text = shown(file.text.text(), problem.span.clone());
    let is_entry = |kind| matches!(kind, ItemKind::Entry(_));
    let item = file.text.items().iter().find(|it| is_entry(it.kind) && it.span.contains(&problem.span.start))?;
    let comment = text.trim().strip_suffix('\\').unwrap_or(text.trim()).trim_end().to_owned();
    let safety = if is_fleet(file.target) { Safety::Unsafe } else { Safety::Safe };
    let fix = Fix::new(safety, "put the comment above the assignment").delete(&file.lines(problem.span.clone()));
    let above = file.span(item.span.start..item.span.start);
    comment.starts_with('#').then(|| fix.insert_before(&above, format!("{comment}{}", file.newline())))
}

/// A fix of so many edits is one edit instead, of all that lies between: each edit is printed with its places.
const EDITS_MAX: usize = 200;

fn without_carriage_returns(file: &File) -> Fix {
    let text = file.text.text();
    let fix = Fix::new(Safety::Unsafe, "end every line in a newline alone");
    let pairs: Vec<usize> =
        text.windows(2).enumerate().filter(|(_, pair)| pair == b"\r\n").map(|(place, _)| place).collect();
    let (Some(first), Some(last), true) = (pairs.first(), pairs.last(), pairs.len() > EDITS_MAX) else {
        return pairs.iter().fold(fix, |fix, place| fix.delete(&file.span(*place..place + 1)));
    };
    // Text that is no UTF-8 is edited by nobody.
    match std::str::from_utf8(text.get(*first..last + 1).unwrap_or_default()) {
        Ok(between) => {
            let between = between.strip_suffix('\r').unwrap_or(between);
            fix.replace(&file.span(*first..last + 1), between.replace("\r\n", "\n"))
        }
        Err(_) => fix,
    }
}

/// Whether lines of 2,048 bytes are too long.
fn limited(file: &File) -> bool {
    is_fleet(file.target) || file.target.systemd < LONG_LINES_SINCE
}

fn each(unit: &Unit<'_>, mut look: impl FnMut(&File, &Problem)) {
    for file in unit.files() {
        file.text.problems().iter().for_each(|problem| look(file, problem));
    }
}

fn tell<'f>(found: &'f mut Found<'_>, file: &File, problem: &Problem) -> &'f mut crate::diag::Diagnostic {
    found.span(file, problem.span.clone(), problem.kind.to_string())
}

/// A line that goes on.
struct Break {
    backslash: usize,
    next_line: usize,
}

fn each_break(unit: &Unit<'_>, mut look: impl FnMut(&File, &Break)) {
    for file in unit.files() {
        let entries = file.text.items().iter().filter(|item| matches!(item.kind, ItemKind::Entry(_)));
        for item in entries {
            for line in lines(file.text.text(), item.span.clone()) {
                let next_line = line.end + 1;
                let continues = file.text.text().get(line.clone()).is_some_and(|it| it.ends_with(b"\\"));
                if continues && next_line < item.span.end {
                    look(file, &Break { backslash: line.end - 1, next_line });
                }
            }
        }
    }
}

/// The lines of a stretch, without their ends.
fn lines(text: &[u8], span: Range<usize>) -> impl Iterator<Item = Range<usize>> {
    let mut at = span.start;
    text.get(span).unwrap_or_default().split(|byte| *byte == b'\n').map(move |line| {
        let start = at;
        at += line.len() + 1;
        start..start + line.len()
    })
}

fn word_before(text: &[u8], end: usize) -> Option<Range<usize>> {
    let before = text.get(..end)?;
    let length = before.iter().rev().take_while(|byte| is_word(**byte)).count();
    let ends_in_letter = before.last().is_some_and(u8::is_ascii_alphanumeric);
    (length > 0 && ends_in_letter).then_some(end - length..end)
}

fn word_after(text: &[u8], start: usize) -> Option<Range<usize>> {
    let after = text.get(start..)?;
    let length = after.iter().take_while(|byte| is_word(**byte)).count();
    after.first().is_some_and(u8::is_ascii_alphanumeric).then_some(start..start + length)
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"_-./".contains(&byte)
}

fn shown(text: &[u8], span: Range<usize>) -> String {
    String::from_utf8_lossy(text.get(span).unwrap_or_default()).into_owned()
}
