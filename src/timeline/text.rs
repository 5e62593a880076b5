//! A timeline for a terminal: rows of cells, or a plain list for a pipe and for screen readers.

use super::Timeline;
use crate::schedule::report::timestamp;
use crate::value::format_duration;
use std::fmt::Write as _;

/// The characters of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    /// Blocks.
    Unicode,
    /// Characters that any terminal has.
    Ascii,
}

impl Style {
    /// A cell in which so many runs start.
    fn cell(self, starts: usize) -> char {
        match (self, starts) {
            (Self::Unicode, 0) => '·',
            (Self::Unicode, _) => '█',
            (Self::Ascii, 0) => '.',
            (Self::Ascii, _) => '#',
        }
    }
}

/// Collisions that are told one by one.
const COLLISIONS_TOLD: usize = 20;

/// Rows of cells over the whole time, `width` characters wide, then the load and the collisions.
#[must_use]
pub fn table(line: &Timeline, width: usize, style: Style) -> String {
    let label = line.rows.iter().map(|row| row.label.chars().count()).max().unwrap_or(0).min(width / 2);
    let cells = width.saturating_sub(label + 2).max(10);
    let mut text = String::new();
    let (from, until) = (timestamp(line.question.from, &line.question.zone), until(line));
    let length = format_duration(line.question.length);
    let _ = writeln!(text, "{from} to {until} ({length}), each cell {}", cell_length(line, cells));
    for row in &line.rows {
        let mut counts = vec![0; cells];
        for at in &row.runs {
            if let Some(count) = counts.get_mut(cell_of(line, *at, cells)) {
                *count += 1;
            }
        }
        let drawn: String = counts.iter().map(|count| style.cell(*count)).collect();
        let name: String = row.label.chars().take(label).collect();
        let _ = writeln!(text, "{name:label$}  {drawn}");
    }
    let load: String = loads(line, cells).into_iter().map(|running| digit(running, style)).collect();
    let _ = writeln!(text, "{:label$}  {load}", "at once");
    text.push_str(&collisions(line));
    text
}

fn until(line: &Timeline) -> String {
    timestamp(line.question.until(), &line.question.zone)
}

fn cell_length(line: &Timeline, cells: usize) -> String {
    let seconds = line.question.length.as_secs() / (cells as u64).max(1);
    format_duration(std::time::Duration::from_secs((seconds / 60).max(1) * 60))
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss, reason = "0 to cells")]
fn cell_of(line: &Timeline, at: jiff::Timestamp, cells: usize) -> usize {
    (line.question.place(at) * cells as f64) as usize
}

/// The most that run at once in each cell.
fn loads(line: &Timeline, cells: usize) -> Vec<usize> {
    let mut most = vec![0; cells];
    let mut running = 0;
    let mut last = 0;
    for (at, now) in line.load(super::Spread::AsWritten) {
        let cell = cell_of(line, at, cells).min(cells);
        for slot in most.get_mut(last..=cell.min(cells.saturating_sub(1))).unwrap_or_default() {
            *slot = running.max(*slot);
        }
        if let Some(slot) = most.get_mut(cell) {
            *slot = now.max(*slot);
        }
        (running, last) = (now, cell);
    }
    most
}

fn digit(running: usize, style: Style) -> char {
    match running {
        0 => style.cell(0),
        1..=9 => char::from_digit(u32::try_from(running).unwrap_or(9), 10).unwrap_or('9'),
        _ => '+',
    }
}

fn collisions(line: &Timeline) -> String {
    let found = line.clashes();
    let mut text = String::new();
    if found.is_empty() {
        text.push_str("no two runs at once\n");
    }
    for clash in found.iter().take(COLLISIONS_TOLD) {
        let _ = writeln!(text, "{}", clash.words(line));
    }
    if found.len() > COLLISIONS_TOLD {
        let _ = writeln!(text, "and {} more", found.len() - COLLISIONS_TOLD);
    }
    for advice in line.advice() {
        let _ = writeln!(text, "{advice}");
    }
    text
}

/// A line for each run, in order: time, name, and how long it takes where that is known.
#[must_use]
pub fn list(line: &Timeline) -> String {
    let mut runs: Vec<_> = line.rows.iter().flat_map(|row| row.runs.iter().map(move |at| (*at, row))).collect();
    runs.sort_by_key(|(at, _)| *at);
    let mut text = String::new();
    for (at, row) in runs {
        let jitter =
            if row.jitter.is_zero() { String::new() } else { format!(" up to {} later", format_duration(row.jitter)) };
        let takes = row.duration.map_or_else(String::new, |length| format!(" takes {}", format_duration(length)));
        let _ = writeln!(text, "{}  {}{jitter}{takes}", timestamp(at, &line.question.zone), row.label);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::super::tests::{job, of};
    use super::*;

    #[test]
    fn the_table_shows_each_row_the_load_and_collisions() {
        let jobs =
            job("a", "    schedule: {calendar: \"00:00\"}\n") + &job("long-name", "    schedule: {every: 12h}\n");
        let text = table(&of(&jobs, 1), 59, Style::Ascii);
        let lines: Vec<&str> = text.lines().collect();
        assert!(lines[0].ends_with("each cell 30m"), "{text}");
        assert_eq!(lines[1], format!("a          #{}", ".".repeat(47)), "{text}");
        assert_eq!(lines[2], format!("long-name  #{}#{}", ".".repeat(23), ".".repeat(23)), "{text}");
        assert_eq!(lines[3], format!("at once    2{}1{}", ".".repeat(23), ".".repeat(23)), "{text}");
        assert_eq!(lines[4], "2 at once: a, long-name (once, Fri 2026-11-27 00:00:00 UTC)", "{text}");
    }

    #[test]
    fn the_list_is_in_order() {
        let jobs = job("a", "    schedule: {calendar: \"03:00\"}\n")
            + &job("b", "    schedule: {calendar: \"02:00\", jitter: 10m}\n");
        let text = list(&of(&jobs, 1));
        assert_eq!(text, "Fri 2026-11-27 02:00:00 UTC  b up to 10m later\nFri 2026-11-27 03:00:00 UTC  a\n");
    }
}
