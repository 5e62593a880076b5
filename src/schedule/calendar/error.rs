//! What can be wrong with a calendar event.

use std::fmt;
use std::ops::Range;

/// A field of a calendar event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Field {
    /// 1970–2199; two digits mean 1970–2069.
    Year,
    /// 1–12.
    Month,
    /// 1–31.
    Day,
    /// Days before the month's end (`~`): 1–28, 1 is the last day.
    DayFromEnd,
    /// 0–23.
    Hour,
    /// 0–59.
    Minute,
    /// 0–59 with up to six decimals.
    Second,
}

impl Field {
    /// The least and the greatest value, in the unit that the field is kept in (microseconds for seconds).
    pub(super) fn bounds(self) -> (u32, u32) {
        match self {
            // MIN_YEAR and MAX_YEAR of systemd's src/shared/calendarspec.c.
            Self::Year => (1970, 2199),
            Self::Month => (1, 12),
            Self::Day => (1, 31),
            // Every month has 28 days.
            Self::DayFromEnd => (1, 28),
            Self::Hour => (0, 23),
            Self::Minute => (0, 59),
            Self::Second => (0, 60 * super::SECOND - 1),
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Year => "year",
            Self::Month => "month",
            Self::Day => "day",
            Self::DayFromEnd => "day counted from the month's end",
            Self::Hour => "hour",
            Self::Minute => "minute",
            Self::Second => "second",
        }
    }

    fn range(self) -> &'static str {
        match self {
            Self::Year => "1970–2199",
            Self::Month => "1–12",
            Self::Day => "1–31",
            Self::DayFromEnd => "1–28",
            Self::Hour => "0–23",
            Self::Minute | Self::Second => "0–59",
        }
    }
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Why a text is no calendar event. `Display` says what is allowed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CalendarProblem {
    /// Nothing, or nothing but a time zone.
    #[error("a calendar event must not be empty: write a date, a time, or a word such as `daily`")]
    Empty,
    /// A value outside the field's range.
    #[error("{0} must be {range}", range = .0.range())]
    OutOfRange(Field),
    /// A day from the month's end in a list, further from it than systemd takes there.
    #[error("in a list, systemd takes days counted from the month's end up to 28, 25, 22, … in turn: here up to {0}")]
    DayFromEndInList(u32),
    /// A range that goes down.
    #[error("a range of {0}s must go up")]
    RangeDown(Field),
    /// `*` and other values in one list, or with a step.
    #[error("`*` stands alone: it takes no step, range or list")]
    StarNotAlone,
    /// A step of zero.
    #[error("a step must be at least 1{}", if *.0 { " (or 0.000001, for seconds)" } else { "" })]
    StepZero(bool),
    /// A step so long that the field ends before its first use.
    #[error("this step leaves the {0}s {range} before it is used once", range = .0.range())]
    StepTooLong(Field),
    /// A range of seconds shorter than a second, without a step.
    #[error("a range of less than a second needs a step, for example `0.1..0.5/0.1`")]
    RangeBelowSecond,
    /// No number where one must be.
    #[error("a number or `*` must stand here")]
    NumberExpected,
    /// A number beyond 2147483647.
    #[error("this number is too large")]
    NumberTooLarge,
    /// No digit after a decimal point.
    #[error("a decimal point must be followed by a digit")]
    FractionExpected,
    /// A decimal point in another field than the seconds.
    #[error("only seconds may have a fraction")]
    FractionElsewhere,
    /// More values in one list than systemd takes.
    #[error("a list may have at most {LIST_MAX} values")]
    ListTooLong,
    /// A character that cannot follow.
    #[error("`{0}` cannot stand here: a date is `YYYY-MM-DD`, a time `HH:MM` or `HH:MM:SS`")]
    Unexpected(char),
    /// A date that goes no further than one of its separators or its first number.
    #[error("a date is `MM-DD` or `YYYY-MM-DD`, a time `HH:MM` or `HH:MM:SS`")]
    Incomplete,
    /// `~` before the month.
    #[error("`~` stands between month and day, once")]
    TildeMisplaced,
    /// A word that is no day of the week.
    #[error("a day of the week must be Mon, Tue, Wed, Thu, Fri, Sat or Sun, or its full English name")]
    Weekday,
    /// `Sat..Mon`.
    #[error("a range of weekdays must go from Mon towards Sun")]
    WeekdayRangeDown,
    /// `Mon..Wed..Fri`, `Mon.Fri` or `Mon..`.
    #[error("a range of weekdays is two names with `..` between")]
    WeekdayRange,
    /// A word that is nothing else, and no zone either.
    #[error("`{0}` is not a time zone of the database")]
    UnknownZone(String),
    /// A word that is none of the shorthands.
    #[error("`{0}` is not a calendar event: it must be a date, a time, or a word such as `daily`")]
    UnknownWord(String),
    /// `@` without a number.
    #[error("`@` takes seconds since 1970, a whole number")]
    Epoch,
    /// Something after `@123`.
    #[error("nothing but `UTC` may follow the seconds since 1970")]
    AfterEpoch,
}

/// Values that one list may hold: one more than `CALENDARSPEC_COMPONENTS_MAX` of systemd, which counts the nesting.
pub(super) const LIST_MAX: usize = 241;

/// A text that is no calendar event: why, where, and perhaps what to write.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{problem}")]
pub struct CalendarError {
    problem: CalendarProblem,
    span: Range<usize>,
    hint: Option<String>,
}

impl CalendarError {
    pub(super) fn new(problem: CalendarProblem, span: Range<usize>) -> Self {
        Self { problem, span, hint: None }
    }

    pub(super) fn with_hint(self, hint: Option<String>) -> Self {
        Self { hint: hint.or(self.hint), ..self }
    }

    /// The reason.
    #[must_use]
    pub fn problem(&self) -> &CalendarProblem {
        &self.problem
    }

    /// The bytes of the text that are at fault; empty where something is missing.
    #[must_use]
    pub fn span(&self) -> Range<usize> {
        self.span.clone()
    }

    /// What was probably meant, or what to write instead. Any calendar event in it is a valid one.
    #[must_use]
    pub fn hint(&self) -> Option<&str> {
        self.hint.as_deref()
    }
}
