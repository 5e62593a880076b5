//! Time spans: what `OnActiveSec=`, `TimeoutStartSec=` and their like take (systemd.time(7), "Parsing Time Spans").
//!
//! ```
//! use eightbells::schedule::TimeSpan;
//!
//! let span = TimeSpan::parse("1 hour 30 minutes").unwrap();
//! assert_eq!(span, TimeSpan::Micros(5_400_000_000));
//! assert_eq!(span.to_string(), "1h 30min");
//! assert_eq!(TimeSpan::parse("90").unwrap().to_string(), "1min 30s");
//!
//! let error = TimeSpan::parse("5 minuts").unwrap_err();
//! assert_eq!(error.to_string(), "`minuts` is not a unit of time: it must be us, ms, s, min, h, d, w, month or y");
//! assert_eq!(error.span(), 2..8);
//! ```

use std::fmt;
use std::num::NonZeroU64;
use std::ops::Range;
use std::time::Duration;

const USEC: u64 = 1;
const MSEC: u64 = 1000;
const SEC: u64 = 1_000_000;
const MINUTE: u64 = 60 * SEC;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;
const WEEK: u64 = 7 * DAY;
/// 30.4375 days, a twelfth of a year, by systemd's reckoning.
const MONTH: u64 = 2_629_800 * SEC;
/// 365.25 days, by systemd's reckoning.
const YEAR: u64 = 31_557_600 * SEC;

/// A length of time, in whole microseconds, as systemd keeps it.
///
/// `Display` is systemd's form (`1h 30min`), which parses back to an equal value up to 584,541 years; systemd refuses
/// the longest spans that it prints.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TimeSpan {
    /// That many microseconds. `u64::MAX` of them print as `infinity`, for systemd keeps infinity so; parsing never
    /// makes that value.
    Micros(u64),
    /// `infinity`.
    Infinity,
}

impl TimeSpan {
    /// No time at all.
    pub const ZERO: Self = Self::Micros(0);

    /// Reads a time span; a number without a unit counts seconds (`parse_sec()`).
    ///
    /// # Errors
    /// Where systemd would refuse the text, with the place and the reason.
    pub fn parse(text: &str) -> Result<Self, TimeSpanError> {
        Parser { text, at: 0, default_unit: SEC }.span()
    }

    /// Reads a time span; a number without a unit counts `unit` microseconds (`parse_time()`).
    ///
    /// # Errors
    /// As [`TimeSpan::parse`].
    pub fn parse_with_unit(text: &str, unit: NonZeroU64) -> Result<Self, TimeSpanError> {
        Parser { text, at: 0, default_unit: unit.get() }.span()
    }

    /// The span as a directive such as `TimeoutStopSec=` means it, where zero turns the limit off.
    #[must_use]
    pub fn zero_as_infinity(self) -> Self {
        if self == Self::ZERO { Self::Infinity } else { self }
    }

    /// The span in microseconds; `None` for infinity.
    #[must_use]
    pub fn micros(self) -> Option<u64> {
        match self {
            Self::Micros(micros) => Some(micros),
            Self::Infinity => None,
        }
    }

    /// The span as a [`Duration`]; `None` for infinity.
    #[must_use]
    pub fn duration(self) -> Option<Duration> {
        self.micros().map(Duration::from_micros)
    }
}

/// Drops what is less than a microsecond; what systemd cannot hold (584,542 years and up) is infinity.
impl From<Duration> for TimeSpan {
    fn from(duration: Duration) -> Self {
        match u64::try_from(duration.as_micros()) {
            Ok(u64::MAX) | Err(_) => Self::Infinity,
            Ok(micros) => Self::Micros(micros),
        }
    }
}

impl std::str::FromStr for TimeSpan {
    type Err = TimeSpanError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse(text)
    }
}

impl fmt::Display for TimeSpan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Infinity | Self::Micros(u64::MAX) => f.write_str("infinity"),
            Self::Micros(0) => f.write_str("0"),
            Self::Micros(micros) => write_units(f, *micros),
        }
    }
}

fn write_units(f: &mut fmt::Formatter<'_>, micros: u64) -> fmt::Result {
    /// Unit, length, and the digits of a decimal fraction of it.
    const UNITS: [(&str, u64, usize); 9] = [
        ("y", YEAR, 0),
        ("month", MONTH, 0),
        ("w", WEEK, 0),
        ("d", DAY, 0),
        ("h", HOUR, 0),
        ("min", MINUTE, 0),
        ("s", SEC, 6),
        ("ms", MSEC, 3),
        ("us", USEC, 0),
    ];
    let mut left = micros;
    let mut separator = "";
    for (suffix, unit, decimals) in UNITS {
        if left < unit || left == 0 {
            continue;
        }
        let (whole, rest) = (left / unit, left % unit);
        if rest > 0 && decimals > 0 {
            return write!(f, "{separator}{whole}.{rest:0decimals$}{suffix}");
        }
        write!(f, "{separator}{whole}{suffix}")?;
        separator = " ";
        left = rest;
    }
    Ok(())
}

/// The units, the longer name first where one begins with another.
const UNITS: [(&str, u64); 30] = [
    ("seconds", SEC),
    ("second", SEC),
    ("sec", SEC),
    ("s", SEC),
    ("minutes", MINUTE),
    ("minute", MINUTE),
    ("min", MINUTE),
    ("months", MONTH),
    ("month", MONTH),
    ("M", MONTH),
    ("msec", MSEC),
    ("ms", MSEC),
    ("m", MINUTE),
    ("hours", HOUR),
    ("hour", HOUR),
    ("hr", HOUR),
    ("h", HOUR),
    ("days", DAY),
    ("day", DAY),
    ("d", DAY),
    ("weeks", WEEK),
    ("week", WEEK),
    ("w", WEEK),
    ("years", YEAR),
    ("year", YEAR),
    ("y", YEAR),
    ("usec", USEC),
    ("us", USEC),
    ("\u{3bc}s", USEC),
    ("\u{b5}s", USEC),
];

/// Why a text is no time span. `Display` says what is allowed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TimeSpanProblem {
    /// Nothing but blanks.
    #[error("a time span must not be empty: write a number and a unit, such as `4h`")]
    Empty,
    /// A minus sign.
    #[error("a time span must not be negative")]
    Negative,
    /// No number where one must be.
    #[error("a time span must be numbers with units, such as `1h 30min`, or `infinity`")]
    NumberExpected,
    /// A word behind a number that is no unit.
    #[error("`{0}` is not a unit of time: it must be us, ms, s, min, h, d, w, month or y")]
    UnknownUnit(String),
    /// No digit after a decimal point.
    #[error("a decimal point must be followed by a digit")]
    FractionExpected,
    /// Two numbers with nothing between them.
    #[error("a unit or a blank must follow the number")]
    Separator,
    /// 584,542 years and more.
    #[error("a time span must be less than 584542 years")]
    TooLong,
    /// Something after `infinity`.
    #[error("`infinity` must stand alone")]
    InfinityNotAlone,
}

/// A text that is no time span: why, and where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{problem}")]
pub struct TimeSpanError {
    problem: TimeSpanProblem,
    span: Range<usize>,
}

impl TimeSpanError {
    /// The reason.
    #[must_use]
    pub fn problem(&self) -> &TimeSpanProblem {
        &self.problem
    }

    /// The bytes of the text that are at fault; empty where something is missing.
    #[must_use]
    pub fn span(&self) -> Range<usize> {
        self.span.clone()
    }
}

/// What systemd skips between the parts of a span.
fn is_blank(letter: char) -> bool {
    matches!(letter, ' ' | '\t' | '\n' | '\r')
}

/// What `strtoll(3)` skips before a number.
fn is_c_blank(letter: char) -> bool {
    is_blank(letter) || matches!(letter, '\u{b}' | '\u{c}')
}

struct Parser<'t> {
    text: &'t str,
    at: usize,
    default_unit: u64,
}

impl Parser<'_> {
    fn span(mut self) -> Result<TimeSpan, TimeSpanError> {
        self.skip(is_blank);
        if self.eat("infinity") {
            self.skip(is_blank);
            let rest = self.at..self.text.len();
            return if rest.is_empty() {
                Ok(TimeSpan::Infinity)
            } else {
                Err(self.error(TimeSpanProblem::InfinityNotAlone, rest))
            };
        }
        let mut total = 0;
        let mut seen = false;
        while !self.rest().is_empty() {
            total = self.term(total)?;
            seen = true;
            self.skip(is_blank);
        }
        if seen { Ok(TimeSpan::Micros(total)) } else { Err(self.error(TimeSpanProblem::Empty, 0..self.text.len())) }
    }

    /// Adds one number with its unit.
    fn term(&mut self, total: u64) -> Result<u64, TimeSpanError> {
        let begin = self.at;
        let whole = self.whole()?;
        let decimals = self.decimals()?;
        let unit = self.unit()?;
        let too_long = || self.error(TimeSpanProblem::TooLong, begin..self.at);
        // Infinity is u64::MAX, and no sum may reach it; systemd refuses a whole part at that bound already.
        let span = whole.checked_mul(unit).filter(|_| whole < u64::MAX / unit);
        let mut total = span.and_then(|span| sum(total, span)).ok_or_else(too_long)?;
        let mut digit_unit = unit / 10;
        for digit in self.text.get(decimals).unwrap_or_default().bytes() {
            total = sum(total, u64::from(digit - b'0') * digit_unit).ok_or_else(too_long)?;
            digit_unit /= 10;
        }
        Ok(total)
    }

    /// The number before the decimal point, which may be missing. systemd reads it with `strtoll(3)`, hence the sign
    /// and the odd blanks.
    fn whole(&mut self) -> Result<u64, TimeSpanError> {
        let begin = self.at;
        if self.rest().starts_with('-') {
            return Err(self.error(TimeSpanProblem::Negative, begin..begin + 1));
        }
        self.skip(is_c_blank);
        let negative = self.rest().starts_with('-');
        if negative || self.rest().starts_with('+') {
            self.at += 1;
        }
        let digits = self.digits();
        if digits.is_empty() {
            self.at = begin;
            return if self.rest().starts_with('.') { Ok(0) } else { Err(self.no_number()) };
        }
        let value = self.text.get(digits).and_then(|digits| digits.parse::<i64>().ok());
        let value = value.ok_or_else(|| self.error(TimeSpanProblem::TooLong, begin..self.at))?;
        if negative && value > 0 {
            return Err(self.error(TimeSpanProblem::Negative, begin..self.at));
        }
        Ok(value.unsigned_abs())
    }

    fn no_number(&self) -> TimeSpanError {
        let word = self.word();
        if word.is_empty() {
            let length = self.rest().chars().next().map_or(0, char::len_utf8);
            return self.error(TimeSpanProblem::NumberExpected, self.at..self.at + length);
        }
        // Letters right behind a unit belong to the word that the unit began: `5 mins`.
        let before = self.text.get(..self.at).unwrap_or_default();
        let glued = before.chars().rev().take_while(|letter| letter.is_alphabetic()).map(char::len_utf8).sum::<usize>();
        let unit = before.trim_end_matches(is_blank).ends_with(|last: char| last.is_ascii_digit()) || glued > 0;
        let span = self.at - glued..word.end;
        let name = self.text.get(span.clone()).unwrap_or_default().to_owned();
        self.error(if unit { TimeSpanProblem::UnknownUnit(name) } else { TimeSpanProblem::NumberExpected }, span)
    }

    fn decimals(&mut self) -> Result<Range<usize>, TimeSpanError> {
        if !self.eat(".") {
            return Ok(self.at..self.at);
        }
        let digits = self.digits();
        if digits.is_empty() {
            return Err(self.error(TimeSpanProblem::FractionExpected, self.at - 1..self.at));
        }
        Ok(digits)
    }

    fn unit(&mut self) -> Result<u64, TimeSpanError> {
        let end = self.at;
        self.skip(is_blank);
        let units = if self.rest().starts_with(char::is_alphabetic) { UNITS.as_slice() } else { &[] };
        for (name, unit) in units {
            if self.eat(name) {
                return Ok(*unit);
            }
        }
        if self.at > end || self.rest().is_empty() {
            return Ok(self.default_unit);
        }
        let word = self.word();
        if word.is_empty() {
            return Err(self.error(
                TimeSpanProblem::Separator,
                self.at..self.at + self.rest().chars().next().map_or(0, char::len_utf8),
            ));
        }
        let name = self.text.get(word.clone()).unwrap_or_default().to_owned();
        Err(self.error(TimeSpanProblem::UnknownUnit(name), word))
    }

    /// The letters that begin here.
    fn word(&self) -> Range<usize> {
        let rest = self.rest();
        self.at..self.at + rest.find(|letter: char| !letter.is_alphabetic()).unwrap_or(rest.len())
    }

    fn digits(&mut self) -> Range<usize> {
        let begin = self.at;
        self.at += self.rest().bytes().take_while(u8::is_ascii_digit).count();
        begin..self.at
    }

    fn skip(&mut self, blank: fn(char) -> bool) {
        self.at = self.text.len() - self.rest().trim_start_matches(blank).len();
    }

    fn eat(&mut self, start: &str) -> bool {
        let found = self.rest().starts_with(start);
        if found {
            self.at += start.len();
        }
        found
    }

    fn rest(&self) -> &str {
        self.text.get(self.at..).unwrap_or_default()
    }

    #[expect(clippy::unused_self, reason = "a span is always one of this text")]
    fn error(&self, problem: TimeSpanProblem, span: Range<usize>) -> TimeSpanError {
        TimeSpanError { problem, span }
    }
}

/// The sum, if it is less than systemd's infinity.
fn sum(one: u64, other: u64) -> Option<u64> {
    one.checked_add(other).filter(|&sum| sum != u64::MAX)
}

#[cfg(test)]
mod tests;
