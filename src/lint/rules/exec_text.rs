//! Values that look quoted, or look like a date's format.

use super::exec::each_command;
use crate::diag::{Fix, Safety};
use crate::lint::rule::rule;
use crate::lint::{Line, Rule};
use std::ops::Range;

pub(super) static RULES: [&Rule; 2] = [&QUOTES_KEPT, &DATE_FORMAT];

/// Parsers that take a value as one text, its quotes among it.
const PLAIN: [&str; 8] = [
    "unit_string_printf",
    "unit_path_printf",
    "user_group_compat",
    "working_directory",
    "unit_env_file",
    "pid_file",
    "unit_condition_path",
    "string",
];

rule! {
    /// Quotes hold words together in lists, and in `Exec…=` and `Environment=`. A value that is one text, such as
    /// `User=`, `WorkingDirectory=` or `EnvironmentFile=`, keeps them as a part of it. Blanks need no quotes there.
    QUOTES_KEPT = "quotes-kept", Warning, "quotes that become a part of the value",
    source: "systemd.syntax(7), QUOTING", fix: Either, check: Some(|unit, _, found| {
        for line in unit.lines() {
            let row = line.directive();
            if row.is_some_and(|row| PLAIN.contains(&row.parser)) && is_quoted(&line.value()) {
                let value = line.value();
                // In a description they may be meant, and harm nobody.
                let safety = if line.key() == "Description" { Safety::Unsafe } else { Safety::Safe };
                let bare = value.get(1..value.len() - 1).unwrap_or_default();
                found.line(line, format!("the quotes become a part of the value of `{}=`", line.key()))
                    .help("write the value without quotes")
                    .fix(Fix::new(safety, "take the quotes away").replace(&line.span(), bare));
            }
        }
    })
}

rule! {
    /// `%` begins a specifier of systemd's: in `date +%Y-%m-%d` the `%Y` becomes the unit's folder, `%m` the machine's
    /// id, and no error is told. Double each percent sign that the program is to see: `date +%%Y-%%m-%%d`.
    DATE_FORMAT = "date-format-specifier", Error, "a date format whose percent signs systemd takes away",
    source: "systemd.unit(5), SPECIFIERS; seen on 252", fix: Either, check: Some(|unit, _, found| {
        each_command(unit, |line, command| {
            if let Some(place) = date_format(line, &command.span) {
                let text = String::from_utf8_lossy(line.entry.bytes().get(place.clone()).unwrap_or_default()).into_owned();
                let percents = percents_of(line, place.start);
                let after_plus = line.entry.bytes().get(..place.start).is_some_and(|it| it.ends_with(b"+"));
                let safety = if after_plus { Safety::Safe } else { Safety::Unsafe };
                let fix = Fix::new(safety, "double each percent sign of the date");
                let fix = percents.iter().fold(fix, |fix, at| fix.insert_before(&line.part(*at..*at + 1), "%"));
                found.value(line, place, format!("systemd expands `{text}` before the program sees it"))
                    .help("double each percent sign: `%%Y`")
                    .fix(fix);
            }
        });
    })
}

/// The percent signs of the date that begins with the given one: they stand near each other.
fn percents_of(line: &Line<'_>, first: usize) -> Vec<usize> {
    let text = line.entry.bytes();
    let mut percents = vec![first];
    for found in crate::unit::specifier::scan(text.get(first..).unwrap_or_default()).skip(1) {
        let (at, before) = (first + found.span.start, percents.last().copied().unwrap_or(first));
        let doubled = text.get(at + 1) == Some(&b'%');
        let between = text.get(before + 2..at).unwrap_or_default();
        if doubled || between.len() > 2 || between.iter().any(u8::is_ascii_whitespace) {
            break;
        }
        percents.push(at);
    }
    percents
}

fn is_quoted(value: &str) -> bool {
    let inside = |quote: char| value.len() > 2 && value.starts_with(quote) && value.ends_with(quote);
    inside('"') || inside('\'')
}

/// The first `+%Y`, or `%Y` followed by a month, that is not doubled.
fn date_format(line: &Line<'_>, command: &Range<usize>) -> Option<Range<usize>> {
    let text = line.entry.bytes().get(command.clone())?;
    let is_letter = |at: usize| text.get(at).is_some_and(|byte| b"YmdHMSsFTjyDRNeBbaA".contains(byte));
    let percents = crate::unit::specifier::scan(text).map(|found| found.span.start).filter(|at| is_letter(at + 1));
    let mut percents = percents.peekable();
    while let Some(at) = percents.next() {
        let after_plus = at > 0 && text.get(at - 1) == Some(&b'+');
        let after_quoted_plus = at > 1 && matches!(text.get(at - 2..at), Some(b"+\"" | b"+'"));
        let near = percents.peek().is_some_and(|next| *next <= at + 3);
        if after_plus || after_quoted_plus || (near && text.get(at + 1) == Some(&b'Y')) {
            return Some(command.start + at..command.start + at + 2);
        }
    }
    None
}
