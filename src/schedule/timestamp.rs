//! Points in time: what `systemd-analyze calendar --base-time` takes (systemd.time(7), "Parsing Timestamps").
//!
//! ```
//! use eightbells::schedule::timestamp;
//! use jiff::{Timestamp, tz::TimeZone};
//!
//! let now: Timestamp = "2026-12-31T23:59:59Z".parse().unwrap();
//! let parse = |text: &str| timestamp::parse(text, now, &TimeZone::UTC).unwrap().to_string();
//! assert_eq!(parse("Thu 2027-03-25 12:00"), "2027-03-25T12:00:00Z");
//! assert_eq!(parse("tomorrow"), "2027-01-01T00:00:00Z");
//! assert_eq!(parse("+1h"), "2027-01-01T00:59:59Z");
//! assert_eq!(parse("@1"), "1970-01-01T00:00:01Z");
//! ```
//!
//! The grammar is that of systemd 255, which has all of 252's, and adds RFC 3339, offsets and zones of the database.

use std::ops::Range;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::calendar::{database_zone, microseconds};
use super::timespan::{TimeSpan, TimeSpanError};
use super::wall::{Abbreviations, Season, Wall, WallClock};

/// Why a text is no point in time.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TimestampProblem {
    /// None of the accepted forms.
    #[error("a time must be like `2026-12-31 23:59:59 UTC`, `23:59`, `today`, `+1h`, `2h ago` or `@1798761599`")]
    Form,
    /// The time span after `+`, `-` or `@`, or before `ago` or `left`, is wrong.
    #[error("{0}")]
    Span(TimeSpanError),
    /// The day of the week is not that date's.
    #[error("that date is another day of the week")]
    Weekday,
    /// A fraction that is not digits to the end.
    #[error("a fraction of a second must be digits")]
    Fraction,
    /// A time before 1970.
    #[error("a time must not be before 1970-01-01 00:00:00 UTC")]
    BeforeEpoch,
    /// A time after the year 9999, or `@infinity`.
    #[error("a time must be in the year 9999 or before")]
    TooLate,
    /// A time that the zone's clock cannot show.
    #[error("there is no such time in this time zone")]
    NoSuchTime,
}

/// A text that is no point in time: why, and where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{problem}")]
pub struct TimestampError {
    problem: TimestampProblem,
    span: Range<usize>,
}

impl TimestampError {
    /// The reason.
    #[must_use]
    pub fn problem(&self) -> &TimestampProblem {
        &self.problem
    }

    /// The bytes of the text that are at fault.
    #[must_use]
    pub fn span(&self) -> Range<usize> {
        self.span.clone()
    }
}

/// Reads a point in time; relative forms count from `now`, and forms without a zone mean `local`.
///
/// # Errors
/// Where systemd would refuse the text. Times in the last two hours of the year 9999, which it takes, are refused too.
pub fn parse(text: &str, now: Timestamp, local: &TimeZone) -> Result<Timestamp, TimestampError> {
    match split_zone(text, local) {
        (body, Some(zone)) => Absolute { text: body, zone, now }.parse(),
        (body, None) => relative(body, now).unwrap_or_else(|| {
            Absolute { text: body, zone: Zone::Clock { zone: local.clone(), season: None }, now }.parse()
        }),
    }
}

/// The zone that a text names.
enum Zone {
    /// Seconds east of UTC.
    Offset(i64),
    Clock {
        zone: TimeZone,
        season: Option<Season>,
    },
}

fn split_zone<'t>(text: &'t str, local: &TimeZone) -> (&'t str, Option<Zone>) {
    // RFC 3339 has no blank before its `Z` or offset.
    if let Some(body) = text.strip_suffix('Z').filter(|body| body.ends_with(|last: char| last.is_ascii_digit())) {
        return (body, Some(Zone::Offset(0)));
    }
    if let Some((body, offset)) = text.len().checked_sub(6).and_then(|at| text.split_at_checked(at))
        && body.ends_with(|last: char| last.is_ascii_digit())
        && let Some(offset) = offset_seconds(offset)
    {
        return (body, Some(Zone::Offset(offset)));
    }
    let Some((body, name)) = text.rsplit_once(' ') else { return (text, None) };
    if name.eq_ignore_ascii_case("UTC") {
        return (body, Some(Zone::Offset(0)));
    }
    if let Some(offset) = offset_seconds(name) {
        return (body, Some(Zone::Offset(offset)));
    }
    let named = database_zone(name);
    let zone = named.clone().unwrap_or_else(|| local.clone());
    let abbreviations = Abbreviations::of(&zone);
    if let Some((season, _, at)) = abbreviations.suffix_of(text) {
        let (body, _) = text.split_at_checked(at).unwrap_or((text, ""));
        return (body, Some(Zone::Clock { zone, season: Some(season) }));
    }
    match named {
        Some(zone) => (body, Some(Zone::Clock { zone, season: None })),
        None => (text, None),
    }
}

/// `+hh`, `+hhmm` or `+hh:mm`, at most a day.
fn offset_seconds(text: &str) -> Option<i64> {
    let (sign, digits) = match (text.strip_prefix('+'), text.strip_prefix('-')) {
        (Some(digits), _) => (1, digits),
        (None, Some(digits)) => (-1, digits),
        (None, None) => return None,
    };
    let digits = digits.replacen(':', "", usize::from(digits.len() == 5 && digits.find(':') == Some(2)));
    if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let value: i64 = digits.parse().ok()?;
    let (hours, minutes) = match digits.len() {
        2 => (value, 0),
        4 => (value / 100, value % 100),
        _ => return None,
    };
    let seconds = hours * 3600 + minutes * 60;
    (minutes < 60 && seconds <= 86_400).then_some(sign * seconds)
}

/// The forms that count from now or from 1970; `None` for others.
fn relative(text: &str, now: Timestamp) -> Option<Result<Timestamp, TimestampError>> {
    let whole = 0..text.len();
    let now = now.as_microsecond();
    if text == "now" {
        return Some(at_micros(Some(now), whole));
    }
    let (amount, from, base, sign) = if let Some(amount) = text.strip_prefix('@') {
        (amount, 1, 0, 1)
    } else if let Some(amount) = text.strip_prefix('+') {
        (amount, 1, now, 1)
    } else if let Some(amount) = text.strip_prefix('-') {
        (amount, 1, now, -1)
    } else if let Some(amount) = text.strip_suffix(" ago") {
        (amount, 0, now, -1)
    } else {
        (text.strip_suffix(" left")?, 0, now, 1)
    };
    Some(match TimeSpan::parse(amount) {
        Ok(span) => {
            let micros = span.micros().and_then(|micros| i64::try_from(micros).ok());
            at_micros(micros.and_then(|micros| base.checked_add(sign * micros)), whole)
        }
        Err(error) => {
            let span = error.span().start + from..error.span().end + from;
            Err(TimestampError { problem: TimestampProblem::Span(error), span })
        }
    })
}

fn at_micros(micros: Option<i64>, span: Range<usize>) -> Result<Timestamp, TimestampError> {
    let problem = match micros {
        Some(micros) if micros < 0 => TimestampProblem::BeforeEpoch,
        Some(micros) => match Timestamp::from_microsecond(micros) {
            Ok(timestamp) => return Ok(timestamp),
            Err(_) => TimestampProblem::TooLate,
        },
        None => TimestampProblem::TooLate,
    };
    Err(TimestampError { problem, span })
}

const WEEKDAYS_FROM_SUNDAY: [(&str, i64); 14] = [
    ("Sunday", 0),
    ("Sun", 0),
    ("Monday", 1),
    ("Mon", 1),
    ("Tuesday", 2),
    ("Tue", 2),
    ("Wednesday", 3),
    ("Wed", 3),
    ("Thursday", 4),
    ("Thu", 4),
    ("Friday", 5),
    ("Fri", 5),
    ("Saturday", 6),
    ("Sat", 6),
];

/// What a form leaves open.
#[derive(Clone, Copy)]
enum Precision {
    /// Seconds, and perhaps a fraction.
    Second,
    Minute,
    Day,
}

/// The forms of a date and a time, in the letters of `strptime(3)` and the order in which systemd tries them.
const FORMS: [(&str, Precision); 11] = [
    ("%y-%m-%d %H:%M:%S", Precision::Second),
    ("%Y-%m-%d %H:%M:%S", Precision::Second),
    ("%Y-%m-%dT%H:%M:%S", Precision::Second),
    ("%b %d %H:%M:%S", Precision::Second),
    ("%y-%m-%d %H:%M", Precision::Minute),
    ("%Y-%m-%d %H:%M", Precision::Minute),
    ("%Y-%m-%dT%H:%M", Precision::Minute),
    ("%y-%m-%d", Precision::Day),
    ("%Y-%m-%d", Precision::Day),
    ("%H:%M:%S", Precision::Second),
    ("%H:%M", Precision::Minute),
];

/// A date and a time in a zone.
struct Absolute<'t> {
    text: &'t str,
    zone: Zone,
    now: Timestamp,
}

impl Absolute<'_> {
    fn parse(self) -> Result<Timestamp, TimestampError> {
        let (mut clock, offset, season) = match self.zone {
            Zone::Offset(offset) => (WallClock::utc(), offset, None),
            Zone::Clock { zone, season } => (WallClock::local(zone), 0, season),
        };
        let error = |problem| TimestampError { problem, span: 0..self.text.len() };
        let now = clock.read(self.now.as_second()).ok_or_else(|| error(TimestampProblem::NoSuchTime))?;
        let (mut wall, micros) = read(self.text, Wall { season, ..now }).map_err(error)?;
        let second = clock.settle(&mut wall).ok_or_else(|| {
            error(if wall.year >= 9999 { TimestampProblem::TooLate } else { TimestampProblem::NoSuchTime })
        })?;
        at_micros(Some((second - offset) * 1_000_000 + micros), 0..self.text.len())
    }
}

/// The time that the text names, and the microseconds beyond its second.
fn read(text: &str, now: Wall) -> Result<(Wall, i64), TimestampProblem> {
    let today = now.midnight();
    match text {
        "today" => return Ok((today, 0)),
        "yesterday" => return Ok((Wall { day: today.day - 1, ..today }, 0)),
        "tomorrow" => return Ok((Wall { day: today.day + 1, ..today }, 0)),
        _ => {}
    }
    let (weekday, text) = weekday(text);
    let (wall, micros) = FORMS
        .iter()
        .find_map(|(form, precision)| {
            let mut wall = now;
            let rest = scan(text, form, &mut wall)?;
            match (precision, rest) {
                (Precision::Second, "") => Some(Ok((wall, 0))),
                (Precision::Second, rest) => Some(fraction(rest.strip_prefix('.')?).map(|micros| (wall, micros))),
                (Precision::Minute, "") => Some(Ok((Wall { second: 0, ..wall }, 0))),
                (Precision::Day, "") => Some(Ok((wall.midnight(), 0))),
                (Precision::Minute | Precision::Day, _) => None,
            }
        })
        .unwrap_or(Err(TimestampProblem::Form))?;
    if weekday.is_some_and(|weekday| weekday != wall.weekday_from_sunday()) {
        return Err(TimestampProblem::Weekday);
    }
    Ok((wall, micros))
}

fn weekday(text: &str) -> (Option<i64>, &str) {
    let named = WEEKDAYS_FROM_SUNDAY.iter().find_map(|(name, day)| {
        let (word, rest) = text.split_at_checked(name.len())?;
        let rest = rest.strip_prefix(' ')?;
        word.eq_ignore_ascii_case(name).then_some((Some(*day), rest))
    });
    named.unwrap_or((None, text))
}

fn fraction(decimals: &str) -> Result<i64, TimestampProblem> {
    let digits = decimals.bytes().all(|byte| byte.is_ascii_digit());
    let micros = microseconds(decimals).filter(|_| digits).and_then(|micros| i64::try_from(micros).ok());
    micros.ok_or(TimestampProblem::Fraction)
}

/// `strptime(3)` for the letters in [`FORMS`]: what is left of the text, or `None` if it does not fit.
fn scan<'t>(text: &'t str, form: &str, wall: &mut Wall) -> Option<&'t str> {
    let mut rest = text;
    let mut letters = form.chars();
    while let Some(letter) = letters.next() {
        match letter {
            '%' => rest = scan_field(rest, letters.next()?, wall)?,
            ' ' => rest = rest.trim_start_matches(is_c_blank),
            literal => rest = rest.strip_prefix(literal)?,
        }
    }
    Some(rest)
}

fn is_c_blank(letter: char) -> bool {
    letter.is_ascii_whitespace() || letter == '\u{b}'
}

fn scan_field<'t>(text: &'t str, letter: char, wall: &mut Wall) -> Option<&'t str> {
    let (slot, from, to, width): (_, i64, i64, usize) = match letter {
        'b' => return scan_month(text, wall),
        'y' | 'Y' => (&mut wall.year, 0, if letter == 'y' { 99 } else { 9999 }, if letter == 'y' { 2 } else { 4 }),
        'm' => (&mut wall.month, 1, 12, 2),
        'd' => (&mut wall.day, 1, 31, 2),
        'H' => (&mut wall.hour, 0, 23, 2),
        'M' => (&mut wall.minute, 0, 59, 2),
        // Two leap seconds at once, which C once allowed for.
        'S' => (&mut wall.second, 0, 61, 2),
        _ => return None,
    };
    let (value, rest) = scan_number(text.trim_start_matches(' '), to, width)?;
    if !(from..=to).contains(&value) {
        return None;
    }
    // Two digits mean 1969–2068.
    let century = if letter != 'y' {
        0
    } else if value >= 69 {
        1900
    } else {
        2000
    };
    *slot = value + century;
    Some(rest)
}

/// Digits, as long as one more can still make a number up to `to`.
fn scan_number(text: &str, to: i64, width: usize) -> Option<(i64, &str)> {
    let mut value = 0;
    let mut length = 0;
    for digit in text.bytes().take(width).take_while(u8::is_ascii_digit) {
        if length > 0 && value * 10 > to {
            break;
        }
        value = value * 10 + i64::from(digit - b'0');
        length += 1;
    }
    let (digits, rest) = text.split_at_checked(length)?;
    (!digits.is_empty()).then_some((value, rest))
}

fn scan_month<'t>(text: &'t str, wall: &mut Wall) -> Option<&'t str> {
    const MONTHS: [&str; 12] = [
        "January",
        "February",
        "March",
        "April",
        "May",
        "June",
        "July",
        "August",
        "September",
        "October",
        "November",
        "December",
    ];
    (1..).zip(MONTHS).find_map(|(number, name)| {
        [name.len(), 3].into_iter().find_map(|length| {
            let (word, rest) = text.split_at_checked(length)?;
            name.get(..length)?.eq_ignore_ascii_case(word).then(|| {
                wall.month = number;
                rest
            })
        })
    })
}

#[cfg(test)]
mod tests;
