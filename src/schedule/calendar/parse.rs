//! From text to a calendar event, accepting exactly what systemd 252 does.

use std::ops::Range;

use jiff::tz::TimeZone;

use super::error::LIST_MAX;
use super::{CalendarError, CalendarProblem, CalendarSpec, ClockZone, Field, Part, SECOND, Values, Weekdays, hint};
use crate::schedule::wall::{Abbreviations, Wall};

/// Longest zone name looked up in the database: a limit of ours (the longest there is has 32 bytes).
const ZONE_NAME_MAX_BYTES: usize = 255;

/// The words that stand for an event, in any case, and what they stand for.
pub(super) const SHORTHANDS: [(&str, &str); 13] = [
    ("minutely", "*-*-* *:*:00"),
    ("hourly", "*-*-* *:00:00"),
    ("daily", "*-*-* 00:00:00"),
    ("weekly", "Mon *-*-* 00:00:00"),
    ("monthly", "*-*-01 00:00:00"),
    ("quarterly", "*-01,04,07,10-01 00:00:00"),
    ("semiannually", "*-01,07-01 00:00:00"),
    ("semi-annually", "*-01,07-01 00:00:00"),
    ("biannually", "*-01,07-01 00:00:00"),
    ("bi-annually", "*-01,07-01 00:00:00"),
    ("yearly", "*-01-01 00:00:00"),
    ("annually", "*-01-01 00:00:00"),
    // A spelling that systemd keeps for old units.
    ("anually", "*-01-01 00:00:00"),
];

/// Full names come before their abbreviations, so that the longer match wins.
const WEEKDAY_NAMES: [(&str, u8); 14] = [
    ("Monday", 0),
    ("Mon", 0),
    ("Tuesday", 1),
    ("Tue", 1),
    ("Wednesday", 2),
    ("Wed", 2),
    ("Thursday", 3),
    ("Thu", 3),
    ("Friday", 4),
    ("Fri", 4),
    ("Saturday", 5),
    ("Sat", 5),
    ("Sunday", 6),
    ("Sun", 6),
];

pub(super) fn parse(text: &str, local: Option<&Abbreviations>) -> Result<CalendarSpec, CalendarError> {
    parse_plainly(text, local).map_err(|error| {
        let hint = hint::for_error(text, &error);
        error.with_hint(hint)
    })
}

/// [`parse`] without the search for a hint.
pub(super) fn parse_plainly(text: &str, local: Option<&Abbreviations>) -> Result<CalendarSpec, CalendarError> {
    let (body, zone) = split_zone(text, local);
    if body.is_empty() {
        return Err(CalendarError::new(CalendarProblem::Empty, 0..text.len()));
    }
    let body = SHORTHANDS.iter().find(|(name, _)| body.eq_ignore_ascii_case(name)).map_or(body, |(_, body)| body);
    Cursor { text: body, at: 0 }.event(zone)
}

/// Cuts the zone off. `UTC` goes first, in any case, then the local zone's abbreviations, then the database.
fn split_zone<'t>(text: &'t str, local: Option<&Abbreviations>) -> (&'t str, ClockZone) {
    if let Some((body, tail)) = text.len().checked_sub(4).and_then(|at| text.split_at_checked(at))
        && tail.eq_ignore_ascii_case(" UTC")
    {
        return (body, ClockZone::Utc);
    }
    if let Some((season, abbreviation, at)) = local.and_then(|local| local.suffix_of(text)) {
        let (body, _) = text.split_at_checked(at).unwrap_or((text, ""));
        return (body, ClockZone::LocalSeason { season, abbreviation: abbreviation.to_owned() });
    }
    if let Some((body, name)) = text.rsplit_once(' ')
        && let Some(zone) = database_zone(name)
    {
        return (body, ClockZone::Named { name: name.to_owned(), zone });
    }
    (text, ClockZone::Local)
}

/// The zone of that name, whose case matters, as it does to systemd, which opens the file of that name.
pub(in crate::schedule) fn database_zone(name: &str) -> Option<TimeZone> {
    let spelled_right = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_+/".contains(&byte));
    if name.is_empty() || name.len() > ZONE_NAME_MAX_BYTES || !spelled_right {
        return None;
    }
    let zone = TimeZone::get(name).ok()?;
    (zone.iana_name() == Some(name)).then_some(zone)
}

struct RawPart {
    part: Part,
    span: Range<usize>,
}

/// A field's list as written; empty for `*`.
struct RawValues(Vec<RawPart>);

struct Date {
    year: Values,
    month: Values,
    day: Values,
    from_month_end: bool,
}

struct Time {
    hour: Values,
    minute: Values,
    second: Values,
}

struct Cursor<'t> {
    text: &'t str,
    at: usize,
}

impl Cursor<'_> {
    fn event(mut self, zone: ClockZone) -> Result<CalendarSpec, CalendarError> {
        let weekdays = self.weekdays()?;
        let (date, time, zone) = if self.peek() == Some(b'@') {
            let (date, time) = self.epoch()?;
            (date, time, ClockZone::Utc)
        } else {
            (self.date()?, self.time()?, zone)
        };
        let Date { year, month, day, from_month_end } = date;
        let Time { hour, minute, second } = time;
        Ok(CalendarSpec { weekdays, year, month, day, from_month_end, hour, minute, second, zone })
    }

    fn weekdays(&mut self) -> Result<Weekdays, CalendarError> {
        let mut bits = 0u8;
        let mut range_from: Option<u8> = None;
        let begin = self.at;
        loop {
            let from = self.at;
            let Some(day) = self.weekday()? else {
                return if from == begin { Ok(Weekdays::EVERY) } else { Err(self.bad_weekday(from)) };
            };
            if range_from.is_some_and(|first| first > day) {
                return Err(CalendarError::new(CalendarProblem::WeekdayRangeDown, begin..self.at));
            }
            bits |= (range_from.unwrap_or(day)..=day).fold(0, |bits, day| bits | 1 << day);
            let ranged = range_from.take().is_some();
            match self.peek() {
                Some(b'-' | b'.') if ranged => return Err(self.here(CalendarProblem::WeekdayRange)),
                Some(b'-') => range_from = Some(day),
                Some(b'.') if self.rest().starts_with("..") => {
                    self.at += 1;
                    range_from = Some(day);
                }
                Some(b'.') => return Err(self.here(CalendarProblem::WeekdayRange)),
                Some(b',') => {}
                // `weekday` lets nothing else pass.
                Some(_) | None => {
                    self.skip_blanks();
                    return Ok(Weekdays::of_bits(bits));
                }
            }
            self.at += 1;
            if matches!(self.peek(), None | Some(b' ')) {
                if range_from.is_some() {
                    return Err(self.here(CalendarProblem::WeekdayRange));
                }
                self.skip_blanks();
                return Ok(Weekdays::of_bits(bits));
            }
        }
    }

    /// The weekday that begins here; it must be followed by the end, a separator or a blank.
    fn weekday(&mut self) -> Result<Option<u8>, CalendarError> {
        let found = WEEKDAY_NAMES
            .iter()
            .find(|(name, _)| self.rest().get(..name.len()).is_some_and(|start| start.eq_ignore_ascii_case(name)));
        let Some((name, day)) = found else { return Ok(None) };
        let from = self.at;
        self.at += name.len();
        match self.peek() {
            None | Some(b'-' | b'.' | b',' | b' ') => Ok(Some(*day)),
            Some(_) => Err(self.bad_weekday(from)),
        }
    }

    fn bad_weekday(&self, from: usize) -> CalendarError {
        CalendarError::new(
            CalendarProblem::Weekday,
            from..from + word_length(self.text.get(from..).unwrap_or_default()),
        )
    }

    fn date(&mut self) -> Result<Date, CalendarError> {
        let begin = self.at;
        let any = Date { year: Values::Every, month: Values::Every, day: Values::Every, from_month_end: false };
        if self.peek().is_none() {
            return Ok(any);
        }
        let first = self.values(Unit::Whole)?;
        if matches!(self.peek(), None | Some(b':')) {
            // A time; it will be read as one.
            self.at = begin;
            return Ok(any);
        }
        let tilde = self.date_separator(begin)?;
        let second = self.values(Unit::Whole)?;
        if self.date_ends() {
            return date_of(None, first, second, tilde);
        }
        if tilde {
            return Err(self.here(CalendarProblem::TildeMisplaced));
        }
        let tilde = self.date_separator(begin)?;
        let third = self.values(Unit::Whole)?;
        if self.date_ends() { date_of(Some(first), second, third, tilde) } else { Err(self.unexpected()) }
    }

    /// Whether a `~` (or else a `-`) separates the date's parts here.
    fn date_separator(&mut self, begin: usize) -> Result<bool, CalendarError> {
        let tilde = match self.peek() {
            Some(b'~') => true,
            Some(b'-') => false,
            Some(b' ') => return Err(CalendarError::new(CalendarProblem::Incomplete, begin..self.at)),
            Some(_) | None => return Err(self.unexpected()),
        };
        self.at += 1;
        Ok(tilde)
    }

    fn date_ends(&mut self) -> bool {
        let ends = matches!(self.peek(), None | Some(b' '));
        if ends {
            self.skip_blanks();
        }
        ends
    }

    fn time(&mut self) -> Result<Time, CalendarError> {
        let zero = || Values::of([Part::one(0)]);
        if self.peek().is_none() {
            return Ok(Time { hour: zero(), minute: zero(), second: zero() });
        }
        let hour = self.values(Unit::Whole)?.checked(Field::Hour)?;
        self.colon()?;
        let minute = self.values(Unit::Whole)?.checked(Field::Minute)?;
        if self.peek().is_none() {
            return Ok(Time { hour, minute, second: zero() });
        }
        self.colon()?;
        let second = self.values(Unit::Seconds)?.checked(Field::Second)?;
        if self.peek().is_none() { Ok(Time { hour, minute, second }) } else { Err(self.after_time()) }
    }

    fn colon(&mut self) -> Result<(), CalendarError> {
        match self.peek() {
            Some(b':') => {
                self.at += 1;
                Ok(())
            }
            Some(_) => Err(self.after_time()),
            None => Err(self.here(CalendarProblem::Incomplete)),
        }
    }

    /// What is wrong with the text behind a time: mostly, it is meant to be a zone.
    fn after_time(&self) -> CalendarError {
        let word = self.rest().trim_start_matches(' ');
        let from = self.text.len() - word.len();
        if self.peek() == Some(b' ') && word.starts_with(|first: char| first.is_ascii_alphabetic()) {
            return CalendarError::new(CalendarProblem::UnknownZone(word.to_owned()), from..self.text.len());
        }
        self.unexpected()
    }

    /// Seconds since 1970, read as `strtoul(3)` reads them: blanks and a sign may go first.
    fn epoch(&mut self) -> Result<(Date, Time), CalendarError> {
        let begin = self.at;
        self.at += 1;
        while self.peek().is_some_and(|byte| byte.is_ascii_whitespace() || byte == 0x0b) {
            self.at += 1;
        }
        let negative = self.peek() == Some(b'-');
        if matches!(self.peek(), Some(b'-' | b'+')) {
            self.at += 1;
        }
        let Some(digits) = self.digits() else {
            return Err(CalendarError::new(CalendarProblem::Epoch, begin..self.at));
        };
        if self.peek().is_some() {
            return Err(CalendarError::new(CalendarProblem::AfterEpoch, self.at..self.text.len()));
        }
        let seconds = digits.value().map(|value| if negative { value.wrapping_neg() } else { value }.cast_signed());
        let out_of_range = || CalendarError::new(CalendarProblem::OutOfRange(Field::Year), begin..self.at);
        let wall = seconds.and_then(|seconds| Wall::from_civil_second(seconds, None)).ok_or_else(out_of_range)?;
        at_moment(&wall, begin..self.at).ok_or_else(out_of_range)
    }

    fn values(&mut self, unit: Unit) -> Result<RawValues, CalendarError> {
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

    fn part(&mut self, unit: Unit) -> Result<RawPart, CalendarError> {
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
    fn digits(&mut self) -> Option<Digits> {
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

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn rest(&self) -> &str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn skip_blanks(&mut self) {
        self.at = self.text.len() - self.rest().trim_start_matches(' ').len();
    }

    fn unexpected(&self) -> CalendarError {
        self.here(self.rest().chars().next().map_or(CalendarProblem::Incomplete, CalendarProblem::Unexpected))
    }

    /// A problem with the character that comes next.
    fn here(&self, problem: CalendarProblem) -> CalendarError {
        let length = self.rest().chars().next().map_or(0, char::len_utf8);
        CalendarError::new(problem, self.at..self.at + length)
    }
}

/// A row of digits.
#[derive(Clone, Copy)]
enum Digits {
    Value(u64),
    /// More than 64 bits hold.
    TooMany,
}

impl Digits {
    fn value(self) -> Option<u64> {
        match self {
            Self::Value(value) => Some(value),
            Self::TooMany => None,
        }
    }
}

/// What a number counts.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Unit {
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

fn word_length(text: &str) -> usize {
    text.find(|letter: char| !letter.is_alphabetic()).unwrap_or(text.len())
}

fn date_of(year: Option<RawValues>, month: RawValues, day: RawValues, tilde: bool) -> Result<Date, CalendarError> {
    let year = match year {
        None => Values::Every,
        Some(year) => year.with_centuries().checked(Field::Year)?,
    };
    let month = month.checked(Field::Month)?;
    let day = day.checked(if tilde { Field::DayFromEnd } else { Field::Day })?;
    let from_month_end = tilde && day != Values::Every;
    Ok(Date { year, month, day, from_month_end })
}

/// The event of one moment; `None` outside the years that events can have.
fn at_moment(wall: &Wall, span: Range<usize>) -> Option<(Date, Time)> {
    let one = |value: i64| Some(Values::of([Part::one(u32::try_from(value).ok()?)]));
    let year = RawPart { part: Part::one(u32::try_from(wall.year).ok()?), span };
    let year = RawValues(vec![year]).with_centuries().checked(Field::Year).ok()?;
    let date = Date { year, month: one(wall.month)?, day: one(wall.day)?, from_month_end: false };
    let second = one(wall.second * i64::from(SECOND))?;
    Some((date, Time { hour: one(wall.hour)?, minute: one(wall.minute)?, second }))
}

impl RawValues {
    /// 12 means 2012, 89 means 1989.
    fn with_centuries(self) -> Self {
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

    fn checked(self, field: Field) -> Result<Values, CalendarError> {
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
