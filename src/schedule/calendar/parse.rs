//! From text to a calendar event, accepting exactly what systemd 252 does.

use std::ops::Range;

use jiff::tz::TimeZone;

use super::list::{Cursor, RawPart, RawValues, Unit, word_length};
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
