//! Values that look quoted, or look like a date's format.

use super::exec::each_command;
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
    source: "systemd.syntax(7), QUOTING", check: Some(|unit, _, found| {
        for line in unit.lines() {
            let row = line.directive();
            if row.is_some_and(|row| PLAIN.contains(&row.parser)) && is_quoted(&line.value()) {
                found.line(line, format!("the quotes become a part of the value of `{}=`", line.key()))
                    .help("write the value without quotes");
            }
        }
    })
}

rule! {
    /// `%` begins a specifier of systemd's: in `date +%Y-%m-%d` the `%Y` becomes the unit's folder, `%m` the machine's
    /// id, and no error is told. Double each percent sign that the program is to see: `date +%%Y-%%m-%%d`.
    DATE_FORMAT = "date-format-specifier", Error, "a date format whose percent signs systemd takes away",
    source: "systemd.unit(5), SPECIFIERS; seen on 252", check: Some(|unit, _, found| {
        each_command(unit, |line, command| {
            if let Some(place) = date_format(line, &command.span) {
                let text = String::from_utf8_lossy(line.entry.bytes().get(place.clone()).unwrap_or_default()).into_owned();
                found.value(line, place, format!("systemd expands `{text}` before the program sees it"))
                    .help("double each percent sign: `%%Y`");
            }
        });
    })
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
