//! The fields of a crontab line, and what can be wrong with them.

use std::ops::Range;

/// A field of a crontab line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CronField {
    /// 0–59.
    Minute,
    /// 0–23.
    Hour,
    /// 1–31.
    DayOfMonth,
    /// 1–12 or jan–dec.
    Month,
    /// 0–7 or sun–sat; 0 and 7 are Sunday.
    DayOfWeek,
}

const MONTHS: [&str; 12] = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
const WEEKDAYS: [&str; 7] = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];

impl CronField {
    pub(super) const ALL: [Self; 5] = [Self::Minute, Self::Hour, Self::DayOfMonth, Self::Month, Self::DayOfWeek];

    pub(super) fn bounds(self) -> (u32, u32) {
        match self {
            Self::Minute => (0, 59),
            Self::Hour => (0, 23),
            Self::DayOfMonth => (1, 31),
            Self::Month => (1, 12),
            Self::DayOfWeek => (0, 7),
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Minute => "minute",
            Self::Hour => "hour",
            Self::DayOfMonth => "day of the month",
            Self::Month => "month",
            Self::DayOfWeek => "day of the week",
        }
    }

    fn allowed(self) -> &'static str {
        match self {
            Self::Minute => "0–59",
            Self::Hour => "0–23",
            Self::DayOfMonth => "1–31",
            Self::Month => "1–12 or jan–dec",
            Self::DayOfWeek => "0–7 or sun–sat",
        }
    }

    /// The names of the values from the least one up.
    pub(super) fn names(self) -> &'static [&'static str] {
        match self {
            Self::Minute | Self::Hour | Self::DayOfMonth => &[],
            Self::Month => &MONTHS,
            Self::DayOfWeek => &WEEKDAYS,
        }
    }
}

impl std::fmt::Display for CronField {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

/// Why a text is no crontab line. `Display` says what is allowed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CronProblem {
    /// Nothing but blanks.
    #[error("a cron line must not be empty: write five fields, such as `30 2 * * *`")]
    Empty,
    /// Fewer than five fields.
    #[error("a cron line has five fields: minute, hour, day of the month, month, day of the week; here are {0}")]
    FieldsMissing(usize),
    /// More than five.
    #[error("a cron line ends after five fields: no seconds, no year, no user, no command")]
    TooManyFields,
    /// `@reboot`.
    #[error("`@reboot` is no time: use `OnBootSec=`")]
    Reboot,
    /// A word with `@` that is none of cron's.
    #[error("`{0}` must be @hourly, @daily, @midnight, @weekly, @monthly, @yearly or @annually")]
    UnknownNickname(String),
    /// A value outside the field's range, or a name that the field does not have.
    #[error("{0} must be {allowed}", allowed = .0.allowed())]
    Value(CronField),
    /// A range that goes down.
    #[error("a range of {0} must go up")]
    RangeDown(&'static str),
    /// A step of zero, or no number behind `/`.
    #[error("a step must be a number from 1 up")]
    Step,
    /// `5/15`.
    #[error("a step needs a range or `*` before it, for example `{0}`")]
    StepAlone(String),
    /// A character that cannot stand there.
    #[error("`{0}` cannot stand here: cron knows `*`, numbers, names, `-`, `/` and `,`")]
    Unexpected(char),
    /// An empty element of a list.
    #[error("a value is missing here")]
    ValueMissing,
}

/// A text that is no crontab line: why, where, and in which field.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{problem}")]
pub struct CronError {
    pub(super) problem: CronProblem,
    pub(super) span: Range<usize>,
    pub(super) field: Option<CronField>,
}

impl CronError {
    /// The reason.
    #[must_use]
    pub fn problem(&self) -> &CronProblem {
        &self.problem
    }

    /// The bytes of the text that are at fault; empty where something is missing.
    #[must_use]
    pub fn span(&self) -> Range<usize> {
        self.span.clone()
    }

    /// The field at fault; `None` if it is the line as a whole.
    #[must_use]
    pub fn field(&self) -> Option<CronField> {
        self.field
    }

    pub(super) fn line(problem: CronProblem, span: Range<usize>) -> Self {
        Self { problem, span, field: None }
    }
}

pub(super) fn plural(field: CronField) -> &'static str {
    match field {
        CronField::Minute => "minutes",
        CronField::Hour => "hours",
        CronField::DayOfMonth => "days of the month",
        CronField::Month => "months",
        CronField::DayOfWeek => "days of the week",
    }
}
