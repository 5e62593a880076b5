//! The texts of `systemd-analyze calendar` and `systemd-analyze timespan`, byte for byte as systemd 252 prints them.
//!
//! ```
//! use eightbells::schedule::report::{self, CalendarQuestion};
//! use jiff::{Timestamp, tz::TimeZone};
//!
//! let now: Timestamp = "2026-12-31T23:00:00Z".parse().unwrap();
//! let zone = TimeZone::UTC;
//! let question = CalendarQuestion { now, base_time: now, zone: &zone, iterations: 2 };
//! let report = report::calendar(&["daily"], &question);
//! assert_eq!(report.text, "  Original form: daily
//! Normalized form: *-*-* 00:00:00
//!     Next elapse: Fri 2027-01-01 00:00:00 UTC
//!        From now: 1h 0min left
//!        Iter. #2: Sat 2027-01-02 00:00:00 UTC
//!        From now: 1 day 1h left
//! ");
//! assert!(report.errors.is_empty());
//! ```

use std::fmt::Write;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::calendar::{CalendarError, CalendarSpec, SearchError};
use super::timespan::{TimeSpan, TimeSpanError};

/// What to ask of calendar events.
#[derive(Debug, Clone, Copy)]
pub struct CalendarQuestion<'z> {
    /// The present, which "From now" counts from.
    pub now: Timestamp,
    /// Elapses after this moment are shown: the present, or what `--base-time` says.
    pub base_time: Timestamp,
    /// The local zone.
    pub zone: &'z TimeZone,
    /// How many elapses to show at most; systemd's default is 1.
    pub iterations: u32,
}

/// What goes to standard output, and what is to be said about the texts that got no answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report<E> {
    /// Whole lines.
    pub text: String,
    /// One for each text without an answer, in their order. None means exit code 0.
    pub errors: Vec<E>,
}

/// Why a calendar event got no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CalendarReportError {
    /// It is none.
    #[error("`{event}` is not a calendar event")]
    Parse {
        /// The text.
        event: String,
        /// What is wrong with it.
        source: CalendarError,
    },
    /// Its next elapse cannot be found.
    #[error("the next elapse of `{event}` cannot be found")]
    Search {
        /// The text.
        event: String,
        /// Why.
        source: SearchError,
    },
}

/// Normal form and next elapses of each event, a blank line between two. One without an answer leaves its blank line.
#[must_use]
pub fn calendar<S: AsRef<str>>(events: &[S], question: &CalendarQuestion<'_>) -> Report<CalendarReportError> {
    let mut report = Report { text: String::new(), errors: Vec::new() };
    for (index, event) in events.iter().map(AsRef::as_ref).enumerate() {
        if index > 0 {
            report.text.push('\n');
        }
        match about_event(event, question) {
            Ok(text) => report.text.push_str(&text),
            Err(error) => report.errors.push(error),
        }
    }
    report
}

fn about_event(event: &str, question: &CalendarQuestion<'_>) -> Result<String, CalendarReportError> {
    let spec = CalendarSpec::parse_in(event, question.zone)
        .map_err(|source| CalendarReportError::Parse { event: event.to_owned(), source })?;
    let mut table = Table::default();
    let normal = spec.to_string();
    if normal != event {
        table.row("Original form:", event);
    }
    table.row("Normalized form:", &normal);
    let mut elapses = spec.elapses(question.base_time, question.zone);
    for iteration in 1..=question.iterations {
        match elapses.next() {
            Some(Ok(elapse)) => about_elapse(&mut table, iteration, elapse, question),
            Some(Err(source)) => return Err(CalendarReportError::Search { event: event.to_owned(), source }),
            None => {
                if iteration == 1 {
                    table.row("Next elapse:", "never");
                }
                break;
            }
        }
    }
    Ok(table.print())
}

fn about_elapse(table: &mut Table, iteration: u32, elapse: Timestamp, question: &CalendarQuestion<'_>) {
    let label = if iteration == 1 { "Next elapse:".to_owned() } else { format!("Iter. #{iteration}:") };
    table.row(&label, &timestamp(elapse, question.zone));
    if !is_utc_from(question.zone, elapse) {
        table.row("(in UTC):", &timestamp(elapse, &TimeZone::UTC));
    }
    table.row("From now:", &relative(elapse, question.now));
}

/// Whether the zone shows UTC, now and for all time: then UTC gets no line of its own.
fn is_utc_from(zone: &TimeZone, at: Timestamp) -> bool {
    let info = zone.to_offset_info(at);
    info.offset().is_zero() && !info.dst().is_dst() && zone.following(at).next().is_none()
}

/// Why a time span got no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{span}` is not a time span")]
pub struct TimeSpanReportError {
    /// The text.
    pub span: String,
    /// What is wrong with it.
    pub source: TimeSpanError,
}

/// Microseconds and normal form of each time span, a blank line between two, up to the first that is none.
#[must_use]
pub fn timespan<S: AsRef<str>>(spans: &[S]) -> Report<TimeSpanReportError> {
    let mut text = String::new();
    for (index, span) in spans.iter().map(AsRef::as_ref).enumerate() {
        if index > 0 {
            text.push('\n');
        }
        match TimeSpan::parse(span) {
            Ok(parsed) => text.push_str(&about_span(span, parsed)),
            Err(source) => {
                return Report { text, errors: vec![TimeSpanReportError { span: span.to_owned(), source }] };
            }
        }
    }
    Report { text, errors: Vec::new() }
}

fn about_span(text: &str, span: TimeSpan) -> String {
    let mut table = Table::default();
    table.row("Original:", text);
    // Infinity is systemd's greatest number.
    table.row("\u{3bc}s:", &span.micros().unwrap_or(u64::MAX).to_string());
    table.row("Human:", &span.to_string());
    table.print()
}

/// Two columns, the first flush right.
#[derive(Default)]
struct Table {
    rows: Vec<(String, String)>,
}

impl Table {
    fn row(&mut self, label: &str, value: &str) {
        self.rows.push((label.to_owned(), value.to_owned()));
    }

    /// The lines. A value of several lines goes on below itself. systemd drops blanks at the end of a line, but of
    /// the longest, which it need not align.
    fn print(&self) -> String {
        const BLANKS: [char; 4] = [' ', '\t', '\n', '\r'];
        let label_width = self.rows.iter().map(|(label, _)| label.chars().count()).max().unwrap_or(0);
        let lines = self.rows.iter().flat_map(|(_, value)| value.split('\n'));
        let width = lines.map(|line| line.chars().count()).max().unwrap_or(0);
        let mut text = String::new();
        for (label, value) in &self.rows {
            let mut label = label.as_str();
            for line in value.strip_suffix('\n').unwrap_or(value).split('\n') {
                let line = if line.chars().count() < width { line.trim_end_matches(BLANKS) } else { line };
                // Writing to a `String` cannot fail.
                let _ = writeln!(text, "{label:>label_width$} {line}");
                label = "";
            }
        }
        text
    }
}

/// `Fri 2027-01-01 00:00:00 UTC`: systemd's way to print a moment, to the second below.
#[must_use]
pub fn timestamp(at: Timestamp, zone: &TimeZone) -> String {
    /// `FORMAT_TIMESTAMP_MAX` leaves that much for the zone; a longer one is not printed.
    const ABBREVIATION_MAX_BYTES: usize = 13;
    let info = zone.to_offset_info(at);
    let shown = info.offset().to_datetime(at).strftime("%a %Y-%m-%d %H:%M:%S").to_string();
    match info.abbreviation() {
        name if name.is_empty() || name.len() > ABBREVIATION_MAX_BYTES => shown,
        name => format!("{shown} {name}"),
    }
}

/// `2 days left`, `3h 5min ago`: systemd's way to say how far a moment is from now.
#[must_use]
pub fn relative(at: Timestamp, now: Timestamp) -> String {
    const SECOND: u64 = 1_000_000;
    const MINUTE: u64 = 60 * SECOND;
    const HOUR: u64 = 60 * MINUTE;
    const DAY: u64 = 24 * HOUR;
    const WEEK: u64 = 7 * DAY;
    const MONTH: u64 = 2_629_800 * SECOND;
    const YEAR: u64 = 31_557_600 * SECOND;
    let distance = at.as_microsecond().abs_diff(now.as_microsecond());
    let two = |large: u64, large_name: &str, small: u64, small_name: &str| {
        format!("{} {}", counted(distance / large, large_name), counted(distance % large / small, small_name))
    };
    let words = match distance {
        0 => return "now".to_owned(),
        YEAR.. => two(YEAR, "year", MONTH, "month"),
        MONTH.. => two(MONTH, "month", DAY, "day"),
        WEEK.. => two(WEEK, "week", DAY, "day"),
        _ if distance >= 2 * DAY => format!("{} days", distance / DAY),
        _ if distance >= 25 * HOUR => format!("1 day {}h", (distance - DAY) / HOUR),
        _ if distance >= 6 * HOUR => format!("{}h", distance / HOUR),
        HOUR.. => format!("{}h {}min", distance / HOUR, distance % HOUR / MINUTE),
        _ if distance >= 5 * MINUTE => format!("{}min", distance / MINUTE),
        MINUTE.. => format!("{}min {}s", distance / MINUTE, distance % MINUTE / SECOND),
        SECOND.. => format!("{}s", distance / SECOND),
        1000.. => format!("{}ms", distance / 1000),
        _ => format!("{distance}us"),
    };
    format!("{words} {}", if now > at { "ago" } else { "left" })
}

fn counted(count: u64, name: &str) -> String {
    format!("{count} {name}{}", if count == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests;
