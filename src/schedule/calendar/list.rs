//! One field's list of values: the text of it, and what systemd allows in it.

use std::ops::Range;

use super::error::LIST_MAX;
use super::{CalendarError, CalendarProblem, Field, Part, SECOND, Values};

/// A place in the text of an event.
pub(super) struct Cursor<'t> {
    pub(super) text: &'t str,
    pub(super) at: usize,
}

impl Cursor<'_> {
    pub(super) fn values(&mut self, unit: Unit) -> Result<RawValues, CalendarError> {
        let begin = self.at;
        if self.peek() == Some(b'*') {
            self.at += 1;
            if matches!(self.peek(), Some(b'/' | b',' | b'.')) {
                return Err(CalendarError::new(CalendarProblem::StarNotAlone, begin..self.at + 1));
            }
            let every = RawPart { part: Part::EVERY_SECOND, span: begin..self.at };
            let parts = if unit == Unit::Seconds { vec![every] } else { Vec::new() };
            return Ok(RawValues(parts));
        }
        let mut parts = Vec::new();
        loop {
            if parts.len() == LIST_MAX {
                return Err(CalendarError::new(CalendarProblem::ListTooLong, begin..self.at));
            }
            parts.push(self.part(unit)?);
            if self.peek() != Some(b',') {
                return Ok(RawValues(parts));
            }
            self.at += 1;
        }
    }

    pub(super) fn part(&mut self, unit: Unit) -> Result<RawPart, CalendarError> {
        let begin = self.at;
        let start = self.number(unit)?;
        let (mut last, mut step) = (None, None);
        if self.rest().starts_with("..") {
            self.at += 2;
            last = Some(self.number(unit)?);
            step = Some(unit.one());
        }
        if self.peek() == Some(b'/') {
            self.at += 1;
            let from = self.at;
            let value = self.number(unit)?;
            if value == 0 {
                return Err(CalendarError::new(CalendarProblem::StepZero(unit == Unit::Seconds), from..self.at));
            }
            step = Some(value);
        } else if unit == Unit::Seconds && last.is_some_and(|last| start <= last && last - start < SECOND) {
            return Err(CalendarError::new(CalendarProblem::RangeBelowSecond, begin..self.at));
        }
        match self.peek() {
            None | Some(b' ' | b',' | b'-' | b'~' | b':') => {
                Ok(RawPart { part: Part { start, last, step }, span: begin..self.at })
            }
            Some(b'.') if unit == Unit::Whole => Err(self.here(CalendarProblem::FractionElsewhere)),
            Some(_) => Err(self.unexpected()),
        }
    }

    /// A number in the field's unit, at most 2147483647 of them.
    fn number(&mut self, unit: Unit) -> Result<u32, CalendarError> {
        let begin = self.at;
        let Some(digits) = self.digits() else { return Err(self.no_number()) };
        let fraction = match unit {
            Unit::Seconds if self.peek() == Some(b'.') && !self.rest().starts_with("..") => self.fraction()?,
            Unit::Seconds | Unit::Whole => 0,
        };
        let value = digits.value().and_then(|whole| whole.checked_mul(unit.one().into())?.checked_add(fraction));
        value.and_then(|value| i32::try_from(value).ok()).map(i32::cast_unsigned).ok_or_else(|| {
            CalendarError::new(
                match unit {
                    Unit::Seconds => CalendarProblem::OutOfRange(Field::Second),
                    Unit::Whole => CalendarProblem::NumberTooLarge,
                },
                begin..self.at,
            )
        })
    }

    /// The digits that begin here; `None` if there are none.
    pub(super) fn digits(&mut self) -> Option<Digits> {
        let length = self.rest().bytes().take_while(u8::is_ascii_digit).count();
        let digits = self.rest().get(..length).filter(|digits| !digits.is_empty())?;
        let value = digits.parse().map_or(Digits::TooMany, Digits::Value);
        self.at += length;
        Some(value)
    }

    /// A decimal point and its digits, in microseconds: the seventh digit rounds, the others are skipped.
    fn fraction(&mut self) -> Result<u64, CalendarError> {
        self.at += 1;
        let fraction = microseconds(self.rest()).ok_or_else(|| self.here(CalendarProblem::FractionExpected))?;
        self.digits();
        Ok(fraction)
    }

    fn no_number(&self) -> CalendarError {
        let word = word_length(self.rest());
        if self.peek() == Some(b'*') {
            return self.here(CalendarProblem::StarNotAlone);
        }
        if self.at == 0 && word > 0 {
            let name = self.text.get(..word).unwrap_or_default().to_owned();
            return CalendarError::new(CalendarProblem::UnknownWord(name), 0..word);
        }
        self.here(CalendarProblem::NumberExpected)
    }

    pub(super) fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    pub(super) fn rest(&self) -> &str {
        self.text.get(self.at..).unwrap_or_default()
    }

    pub(super) fn skip_blanks(&mut self) {
        self.at = self.text.len() - self.rest().trim_start_matches(' ').len();
    }

    pub(super) fn unexpected(&self) -> CalendarError {
        self.here(self.rest().chars().next().map_or(CalendarProblem::Incomplete, CalendarProblem::Unexpected))
    }

    /// A problem with the character that comes next.
    pub(super) fn here(&self, problem: CalendarProblem) -> CalendarError {
        let length = self.rest().chars().next().map_or(0, char::len_utf8);
        CalendarError::new(problem, self.at..self.at + length)
    }
}

pub(super) struct RawPart {
    pub(super) part: Part,
    pub(super) span: Range<usize>,
}

/// A field's list as written; empty for `*`.
pub(super) struct RawValues(pub(super) Vec<RawPart>);

/// A row of digits.
#[derive(Clone, Copy)]
pub(super) enum Digits {
    Value(u64),
    /// More than 64 bits hold.
    TooMany,
}

impl Digits {
    pub(super) fn value(self) -> Option<u64> {
        match self {
            Self::Value(value) => Some(value),
            Self::TooMany => None,
        }
    }
}

/// What a number counts.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Unit {
    Whole,
    Seconds,
}

impl Unit {
    fn one(self) -> u32 {
        match self {
            Self::Whole => 1,
            Self::Seconds => SECOND,
        }
    }
}

impl RawValues {
    /// 12 means 2012, 89 means 1989.
    pub(super) fn with_centuries(self) -> Self {
        let full = |year: u32| match year {
            0..70 => year + 2000,
            70..100 => year + 1900,
            _ => year,
        };
        let with_century = |RawPart { part, span }| {
            let Part { start, last, step } = part;
            RawPart { part: Part { start: full(start), last: last.map(full), step }, span }
        };
        Self(self.0.into_iter().map(with_century).collect())
    }

    pub(super) fn checked(self, field: Field) -> Result<Values, CalendarError> {
        let Self(mut raw) = self;
        for RawPart { part, span: _ } in &mut raw {
            // What remains of a part is checked, not what was written: `0..25/5` ends at 20.
            *part = part.normalized();
        }
        raw.sort_by_key(|raw| raw.part);
        raw.dedup_by_key(|raw| raw.part);
        let mut bounds = field.bounds();
        for RawPart { part, span } in &raw {
            check(*part, field, bounds).map_err(|problem| CalendarError::new(problem, span.clone()))?;
            if field == Field::DayFromEnd {
                bounds.1 = bounds.1.saturating_sub(DAYS_FROM_END_LOST);
            }
        }
        Ok(Values::of(raw.into_iter().map(|raw| raw.part)))
    }
}

/// `chain_valid()` of systemd's src/shared/calendarspec.c lowers the bound for days from the month's end by the three
/// days that February lacks, and does so again for each further day in a list.
const DAYS_FROM_END_LOST: u32 = 3;

fn check(part: Part, field: Field, (from, to): (u32, u32)) -> Result<(), CalendarProblem> {
    let Part { start, last, step } = part;
    let step = step.unwrap_or(0);
    if !(from..=to).contains(&start) || last.is_some_and(|last| !(from..=to).contains(&last)) {
        let lowered = (from, to) != field.bounds();
        return Err(if lowered { CalendarProblem::DayFromEndInList(to) } else { CalendarProblem::OutOfRange(field) });
    }
    if last.is_some_and(|last| last < start) {
        return Err(CalendarProblem::RangeDown(field));
    }
    // Days from the end repeat towards the month's end, so there the start bounds the step.
    let room = match (last, field) {
        (Some(last), _) => last - start,
        (None, Field::DayFromEnd) => start - from,
        (None, _) => to - start,
    };
    if step > room.min(to.saturating_sub(from)) { Err(CalendarProblem::StepTooLong(field)) } else { Ok(()) }
}

/// The digits at the start of the text as decimals of a second, in microseconds; `None` if there are none.
pub(in crate::schedule) fn microseconds(decimals: &str) -> Option<u64> {
    let mut digits = decimals.bytes().take_while(u8::is_ascii_digit).map(|digit| u64::from(digit - b'0'));
    let first = digits.next()?;
    let mut value = first;
    for _ in 1..6 {
        value = value * 10 + digits.next().unwrap_or(0);
    }
    Some(value + u64::from(digits.next().is_some_and(|seventh| seventh >= 5)))
}

pub(super) fn word_length(text: &str) -> usize {
    text.find(|letter: char| !letter.is_alphabetic()).unwrap_or(text.len())
}
