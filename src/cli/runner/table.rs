//! Sets as rows for people.

use crate::run::catalog::{Set, SetState};
use crate::value::format_duration;
use std::time::Duration;

/// Whether a set counts, for people.
pub(super) fn state(set: &Set) -> String {
    match &set.state {
        SetState::Good => "good".into(),
        SetState::Incomplete(why) | SetState::Unknown(why) => printable(why),
    }
}

/// A text of which no character moves the cursor or hides what stands beside it: names of strangers hold anything.
pub(super) fn printable(text: &str) -> String {
    let hides = |c: char| {
        c.is_control() || matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    text.chars().map(|c| if hides(c) { c.escape_unicode().to_string() } else { c.to_string() }).collect()
}

/// The largest unit alone: an age of days is not told in seconds.
pub(super) fn rough(age: Duration) -> String {
    format_duration(age).split(' ').next().unwrap_or("0s").to_owned()
}

/// Columns side by side, two blanks between them.
pub(super) fn table(rows: &[Vec<String>]) -> String {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| {
        rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let line = |row: &Vec<String>| {
        let cells = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:width$}"));
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned() + "\n"
    };
    rows.iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_cannot_move_the_cursor() {
        assert_eq!(printable("a\u{1b}[2Jb\u{202e}c\n"), "a\\u{1b}[2Jb\\u{202e}c\\u{a}");
        assert_eq!(printable("Grüße 日本"), "Grüße 日本");
    }

    #[test]
    fn columns_stand_below_each_other() {
        let rows = [vec!["A".to_owned(), "B".into()], vec!["long".into(), "x".into()]];
        assert_eq!(table(&rows), "A     B\nlong  x\n");
    }
}
