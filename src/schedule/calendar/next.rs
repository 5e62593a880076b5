//! When an event elapses next.
//!
//! The search goes from the year down to the second, as systemd's does, and stops where systemd's stops: its answers
//! near the gaps and folds of a zone depend on the steps taken, so the steps are the same.

use std::iter::FusedIterator;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::{CalendarSpec, ClockZone, Field, Part, Values};
use crate::schedule::wall::{Season, Wall, WallClock};

/// `MAX_CALENDAR_ITERATIONS` of systemd's src/shared/calendarspec.c.
const ROUNDS_MAX: u32 = 1000;
const MICROS: i64 = super::SECOND as i64;

/// Why a search ended without an answer, where "never" is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SearchError {
    /// systemd gives up after 1000 rounds, with "Infinite loop in calendar calculation".
    #[error("no elapse was found in {ROUNDS_MAX} rounds, after which systemd gives up")]
    GaveUp,
    /// The elapse found lies before 1970, by its zone's offset.
    #[error("the elapse lies before 1970-01-01 00:00:00 UTC")]
    BeforeEpoch,
}

/// The elapses of an event, in order. Made by [`CalendarSpec::elapses`].
///
/// Ends where there are no more, and after the first error.
#[derive(Debug, Clone)]
pub struct Elapses<'s> {
    spec: &'s CalendarSpec,
    clock: WallClock,
    /// The next elapse is not before this microsecond; `None` after the last one.
    from: Option<i64>,
}

impl<'s> Elapses<'s> {
    pub(super) fn new(spec: &'s CalendarSpec, after: Timestamp, local: &TimeZone) -> Self {
        let clock = match &spec.zone {
            ClockZone::Utc => WallClock::utc(),
            ClockZone::Local | ClockZone::LocalSeason { .. } => WallClock::local(local.clone()),
            ClockZone::Named { name: _, zone } => WallClock::local(zone.clone()),
        };
        let after = after.as_nanosecond().div_euclid(1000);
        let from = i64::try_from(after).ok().map(|after| after.max(-1) + 1);
        Self { spec, clock, from }
    }
}

impl Iterator for Elapses<'_> {
    type Item = Result<Timestamp, SearchError>;

    fn next(&mut self) -> Option<Self::Item> {
        let from = self.from.take()?;
        if matches!(self.spec.zone, ClockZone::Named { .. }) {
            // systemd asks each time in a new process, which remembers nothing.
            self.clock.recall(0);
        }
        let found = Search { spec: self.spec, clock: &mut self.clock }.run(from);
        match found {
            Ok(Some(at)) => {
                self.from = at.checked_add(1);
                Timestamp::from_microsecond(at).ok().map(Ok)
            }
            Ok(None) => None,
            Err(error) => Some(Err(error)),
        }
    }
}

impl FusedIterator for Elapses<'_> {}

/// A place in the search: a time on the wall, and microseconds beyond its second.
#[derive(Clone, Copy)]
struct Place {
    wall: Wall,
    micros: i64,
}

impl Place {
    /// The field's value; seconds in microseconds.
    fn value(&self, field: Field) -> i64 {
        let wall = &self.wall;
        match field {
            Field::Year => wall.year,
            Field::Month => wall.month,
            Field::Day | Field::DayFromEnd => wall.day,
            Field::Hour => wall.hour,
            Field::Minute => wall.minute,
            Field::Second => wall.second * MICROS + self.micros,
        }
    }

    fn set(&mut self, field: Field, value: i64) {
        match field {
            Field::Year => self.wall.year = value,
            Field::Month => self.wall.month = value,
            Field::Day | Field::DayFromEnd => self.wall.day = value,
            Field::Hour => self.wall.hour = value,
            Field::Minute => self.wall.minute = value,
            Field::Second => {
                self.wall.second = value / MICROS;
                self.micros = value % MICROS;
            }
        }
    }

    fn is_before(&self, other: &Self) -> bool {
        (fields_of(&self.wall), self.micros) < (fields_of(&other.wall), other.micros)
    }

    /// Puts all smaller fields to their least value.
    fn reset_below(&mut self, field: Field) {
        let Wall { year, month, day, hour, minute, second: _, season } = self.wall;
        let wall = Wall { year, month: 1, day: 1, hour: 0, minute: 0, second: 0, season };
        let wall = match field {
            Field::Year => wall,
            Field::Month => Wall { month, ..wall },
            Field::Day | Field::DayFromEnd => Wall { month, day, ..wall },
            Field::Hour => Wall { month, day, hour, ..wall },
            Field::Minute => Wall { month, day, hour, minute, ..wall },
            // The caller has just set the microseconds.
            Field::Second => self.wall,
        };
        let micros = if field == Field::Second { self.micros } else { 0 };
        *self = Self { wall, micros };
    }

    /// The start of the next year, month, ….
    fn carry(&mut self, field: Field) {
        self.set(field, self.value(field) + 1);
        self.reset_below(field);
    }
}

/// What a round of the search came to.
enum Round {
    Found,
    Again,
    Never,
}

/// Whether the wall can show the time.
enum Fit {
    Fits,
    /// It cannot, and the place moved on to the next that it can.
    Moved,
    Refused,
}

struct Search<'s> {
    spec: &'s CalendarSpec,
    clock: &'s mut WallClock,
}

impl Search<'_> {
    /// The first elapse at or after the microsecond.
    fn run(&mut self, from: i64) -> Result<Option<i64>, SearchError> {
        let Some(wall) = self.clock.read(from.div_euclid(MICROS)) else { return Ok(None) };
        let start = Place { wall, micros: from.rem_euclid(MICROS) };
        let mut place = start;
        for _ in 0..ROUNDS_MAX {
            self.clock.settle(&mut place.wall);
            place.wall.season = self.season();
            match self.round(&mut place) {
                // Where summer time is the shorter time (Europe/Dublin), the clock shows a time in the gap as one
                // before it, and the search would end where it began.
                Round::Found if place.is_before(&start) => {
                    place.wall.hour += 1;
                    place.wall.season = start.wall.season;
                }
                Round::Found => {
                    let second = self.clock.settle(&mut place.wall).filter(|&second| second >= 0);
                    return second.map(|second| Some(second * MICROS + place.micros)).ok_or(SearchError::BeforeEpoch);
                }
                Round::Again => {}
                Round::Never => return Ok(None),
            }
        }
        Err(SearchError::GaveUp)
    }

    fn season(&self) -> Option<Season> {
        match &self.spec.zone {
            ClockZone::LocalSeason { season, abbreviation: _ } => Some(*season),
            ClockZone::Local | ClockZone::Utc | ClockZone::Named { .. } => None,
        }
    }

    fn round(&mut self, place: &mut Place) -> Round {
        match self.advance(Field::Year, place) {
            Some(Fit::Fits) => {}
            Some(Fit::Moved | Fit::Refused) | None => return Round::Never,
        }
        let day = if self.spec.from_month_end { Field::DayFromEnd } else { Field::Day };
        let steps = [
            (Field::Month, Field::Year),
            (day, Field::Month),
            (Field::Hour, Field::Day),
            (Field::Minute, Field::Hour),
            (Field::Second, Field::Minute),
        ];
        for (field, larger) in steps {
            match self.advance(field, place) {
                Some(Fit::Fits) => {}
                Some(Fit::Moved) => return Round::Again,
                Some(Fit::Refused) | None => {
                    place.carry(larger);
                    return Round::Again;
                }
            }
            if field == day && !self.on_weekday(place.wall) {
                place.carry(field);
                return Round::Again;
            }
        }
        Round::Found
    }

    /// Moves the field to its first value that is not past; `None` if all are.
    fn advance(&mut self, field: Field, place: &mut Place) -> Option<Fit> {
        let now = place.value(field);
        let spec = self.spec;
        let value = match spec.values(field) {
            Values::Every => now,
            Values::Of(parts) if field == Field::DayFromEnd => {
                let mut days = MonthEnd::new(self.clock, place.wall);
                earliest(parts.iter().map(|part| days.resolve(*part)), now)?
            }
            Values::Of(parts) => earliest(parts.iter().copied().map(Counted::from), now)?,
        };
        if value != now {
            place.set(field, value);
            place.reset_below(field);
        }
        Some(self.fit(&mut place.wall))
    }

    fn fit(&mut self, wall: &mut Wall) -> Fit {
        let mut shown = *wall;
        let (_, last_year) = Field::Year.bounds();
        if wall.year > i64::from(last_year) || self.clock.settle(&mut shown).is_none() {
            return Fit::Refused;
        }
        let order = fields_of(&shown).cmp(&fields_of(wall));
        // A larger field that moved starts from its beginning, or the elapses before the shown time would be missed.
        if shown.year != wall.year {
            shown.month = 1;
        } else if shown.month != wall.month {
            shown.day = 1;
        } else if shown.day != wall.day {
            shown.hour = 0;
        } else if shown.hour != wall.hour {
            shown.minute = 0;
        } else if shown.minute != wall.minute {
            shown.second = 0;
        }
        match order {
            std::cmp::Ordering::Less => Fit::Refused,
            std::cmp::Ordering::Equal => Fit::Fits,
            std::cmp::Ordering::Greater => {
                *wall = shown;
                Fit::Moved
            }
        }
    }

    fn on_weekday(&mut self, mut wall: Wall) -> bool {
        let days = self.spec.weekdays;
        if days.is_every() {
            return true;
        }
        // Monday is 0 in the set and 1 here.
        let shown = self.clock.settle(&mut wall).map(|_| (wall.weekday_from_sunday() + 6).rem_euclid(7));
        shown.and_then(|day| u8::try_from(day).ok()).is_some_and(|day| days.contains(day))
    }
}

impl CalendarSpec {
    fn values(&self, field: Field) -> &Values {
        match field {
            Field::Year => &self.year,
            Field::Month => &self.month,
            Field::Day | Field::DayFromEnd => &self.day,
            Field::Hour => &self.hour,
            Field::Minute => &self.minute,
            Field::Second => &self.second,
        }
    }
}

fn fields_of(wall: &Wall) -> [i64; 6] {
    [wall.year, wall.month, wall.day, wall.hour, wall.minute, wall.second]
}

/// A [`Part`] of which the days from the month's end have become days of the month.
struct Counted {
    start: i64,
    last: Option<i64>,
    step: Option<i64>,
}

impl From<Part> for Counted {
    fn from(part: Part) -> Self {
        Self { start: part.start.into(), last: part.last.map(i64::from), step: part.step.map(i64::from) }
    }
}

/// The least value that is not less than `now`.
fn earliest(parts: impl Iterator<Item = Counted>, now: i64) -> Option<i64> {
    let value = |Counted { start, last, step }: Counted| {
        if start >= now {
            return Some(start);
        }
        let step = step?;
        // Rounds up: the last step may be at `now` itself.
        let value = start + (now - start + step - 1) / step * step;
        last.is_none_or(|last| value <= last).then_some(value)
    };
    parts.filter_map(value).min()
}

/// Turns days from the end of one month into days, each asked of the clock once.
struct MonthEnd<'c> {
    clock: &'c mut WallClock,
    wall: Wall,
    known: [Option<(Option<i64>, i64)>; 30],
}

impl<'c> MonthEnd<'c> {
    fn new(clock: &'c mut WallClock, wall: Wall) -> Self {
        Self { clock, wall, known: [None; 30] }
    }

    fn resolve(&mut self, part: Part) -> Counted {
        let start = self.day(part.start.into());
        // −1 lies in the next month: asked nevertheless, for the clock remembers it.
        let last = self.day(part.last.map_or(-1, i64::from));
        let (start, last) = if last.is_some() { (last, start) } else { (start, None) };
        Counted { start: start.unwrap_or(-1), last, step: part.step.map(i64::from) }
    }

    /// The day that lies `back` days from the end, 1 being the last; `None` if the clock shows another month there.
    fn day(&mut self, back: i64) -> Option<i64> {
        let slot = usize::try_from(back + 1).ok();
        if let Some((day, memory)) = slot.and_then(|slot| self.known.get(slot).copied().flatten()) {
            self.clock.recall(memory);
            return day;
        }
        let mut wall = self.wall;
        wall.month += 1;
        wall.day = 1 - back;
        let day = self.clock.settle(&mut wall).filter(|_| wall.month == self.wall.month).map(|_| wall.day);
        if let Some(known) = slot.and_then(|slot| self.known.get_mut(slot)) {
            *known = Some((day, self.clock.memory()));
        }
        day
    }
}
