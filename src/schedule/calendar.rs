//! Calendar events: what `OnCalendar=` takes (systemd.time(7), "Calendar Events").
//!
//! ```
//! use eightbells::schedule::CalendarSpec;
//! use jiff::{Timestamp, tz::TimeZone};
//!
//! let nightly = CalendarSpec::parse("Mon..Fri 2:30").unwrap();
//! assert_eq!(nightly.to_string(), "Mon..Fri *-*-* 02:30:00");
//!
//! let friday: Timestamp = "2026-12-31T23:59:59Z".parse().unwrap();
//! let next = nightly.next_after(friday, &TimeZone::UTC).unwrap();
//! assert_eq!(next.to_string(), "2027-01-01T02:30:00Z");
//!
//! assert_eq!(nightly.text_for(215).unwrap(), "Mon-Fri *-*-* 02:30:00");
//!
//! let error = CalendarSpec::parse("Mon 25:00").unwrap_err();
//! assert_eq!(error.to_string(), "hour must be 0–23");
//! assert_eq!(error.span(), 4..6);
//! ```

mod error;
mod hint;
mod list;
mod next;
mod parse;
mod print;
mod version;

pub use error::{CalendarError, CalendarProblem, Field};
pub(super) use list::microseconds;
pub use next::{Elapses, SearchError};
pub(super) use parse::database_zone;
pub use version::NeedsVersion;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::wall::{Abbreviations, Season};

/// Microseconds in a second: seconds are kept in this unit, for they may have a fraction.
const SECOND: u32 = 1_000_000;

/// A calendar event: the set of moments that fit every one of its fields.
///
/// `Display` prints systemd's normal form, which parses back to an equal value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CalendarSpec {
    weekdays: Weekdays,
    year: Values,
    month: Values,
    day: Values,
    /// Days count from the month's last one (`*-02~03`).
    from_month_end: bool,
    hour: Values,
    minute: Values,
    /// In microseconds.
    second: Values,
    zone: ClockZone,
}

impl CalendarSpec {
    /// Reads a calendar event as systemd 252 does on a machine whose local zone has no abbreviation of its own:
    /// `10:00 Europe/Berlin` and `10:00 UTC` are fine, `10:00 CEST` is not, because it means something on some
    /// machines only.
    ///
    /// # Errors
    /// Where systemd would refuse the text, with the place, the reason and, where it can be guessed, what was meant.
    pub fn parse(text: &str) -> Result<Self, CalendarError> {
        parse::parse(text, None)
    }

    /// Reads a calendar event as systemd does on a machine in the zone `local`: that zone's own abbreviations are
    /// accepted, and restrict the event to that season.
    ///
    /// # Errors
    /// As [`CalendarSpec::parse`].
    pub fn parse_in(text: &str, local: &TimeZone) -> Result<Self, CalendarError> {
        parse::parse(text, Some(&Abbreviations::of(local)))
    }

    /// An event of whole minutes of any year, in the local zone.
    pub(super) fn of_fields(weekdays: Weekdays, month: Values, day: Values, hour: Values, minute: Values) -> Self {
        let second = Values::of([Part::one(0)]);
        let (year, zone) = (Values::Every, ClockZone::Local);
        Self { weekdays, year, month, day, from_month_end: false, hour, minute, second, zone }
    }

    /// The same event on the clock of that zone: `UTC`, or a name of the time zone database.
    ///
    /// `None` if there is no such zone, or if the event names one already.
    #[must_use]
    pub fn in_zone(self, name: &str) -> Option<Self> {
        if self.zone != ClockZone::Local {
            return None;
        }
        let zone = match name {
            "UTC" => ClockZone::Utc,
            name => ClockZone::Named { name: name.to_owned(), zone: database_zone(name)? },
        };
        Some(Self { zone, ..self })
    }

    /// The zone that the text names, if it names one.
    #[must_use]
    pub fn zone_name(&self) -> Option<&str> {
        match &self.zone {
            ClockZone::Local => None,
            ClockZone::Utc => Some("UTC"),
            ClockZone::Named { name, zone: _ } => Some(name),
            ClockZone::LocalSeason { season: _, abbreviation } => Some(abbreviation),
        }
    }

    /// The same event with an end to every step that could run past its field: `*:0/7` becomes `*:00..56/7`.
    ///
    /// systemd 252 and its neighbours carry such a step into the next hour, day or year, and may miss elapses there:
    /// after 22:00 on New Year's Eve, `0/18:00` elapses next at noon. Steps that end with the field, as in `*:0/15`,
    /// and years stay as they are.
    #[must_use]
    pub fn with_bounded_steps(&self) -> Self {
        let bounded = |values: &Values, field: Field| match values {
            Values::Every => Values::Every,
            Values::Of(parts) => Values::of(parts.iter().map(|part| part.bounded(field))),
        };
        let Self { weekdays, year, month, day, from_month_end, hour, minute, second, zone } = self;
        Self {
            weekdays: *weekdays,
            year: year.clone(),
            month: bounded(month, Field::Month),
            day: if *from_month_end { day.clone() } else { bounded(day, Field::Day) },
            from_month_end: *from_month_end,
            hour: bounded(hour, Field::Hour),
            minute: bounded(minute, Field::Minute),
            second: bounded(second, Field::Second),
            zone: zone.clone(),
        }
    }

    /// The first elapse later than `after`, to the microsecond; `local` is the zone that an event without one means.
    ///
    /// `None` if there is none up to the year 2199, and where systemd gives up searching
    /// ([`CalendarSpec::elapses`] tells the two apart). Moments before 1970 count as 1970.
    #[must_use]
    pub fn next_after(&self, after: Timestamp, local: &TimeZone) -> Option<Timestamp> {
        self.elapses(after, local).next()?.ok()
    }

    /// The elapses later than `after`, in order.
    #[must_use]
    pub fn elapses(&self, after: Timestamp, local: &TimeZone) -> Elapses<'_> {
        Elapses::new(self, after, local)
    }

    /// The event in the grammar of that systemd version: its normal form, or an older spelling of the same.
    ///
    /// # Errors
    /// Where that version has no way to say it, or would search for its next elapse for ever.
    pub fn text_for(&self, version: u16) -> Result<String, NeedsVersion> {
        version::text_for(self, version)
    }
}

/// Days of the week: bit 0 is Monday. Never empty.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Weekdays(u8);

impl Weekdays {
    pub(super) const EVERY: Self = Self(0b111_1111);
    const NAMES: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];

    /// The days of the set bits; no bit at all, like all of them, means every day.
    pub(super) fn of_bits(bits: u8) -> Self {
        let bits = bits & Self::EVERY.0;
        if bits == 0 { Self::EVERY } else { Self(bits) }
    }

    fn is_every(self) -> bool {
        self == Self::EVERY
    }

    /// `day` counts from Monday, 0–6.
    fn contains(self, day: u8) -> bool {
        self.0 & (1 << day) != 0
    }
}

/// The values of one field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Values {
    /// `*`; seconds spell it [`Part::EVERY_SECOND`].
    Every,
    /// Sorted, without repeats, not empty.
    Of(Vec<Part>),
}

impl Values {
    /// Normalizes each part, sorts them and drops repeats.
    pub(super) fn of(parts: impl IntoIterator<Item = Part>) -> Self {
        let mut parts: Vec<Part> = parts.into_iter().map(Part::normalized).collect();
        parts.sort_unstable();
        parts.dedup();
        if parts.is_empty() { Self::Every } else { Self::Of(parts) }
    }

    fn parts(&self) -> &[Part] {
        match self {
            Self::Every => &[],
            Self::Of(parts) => parts,
        }
    }
}

/// One entry of a field's list: `start`, `start/step`, `start..last` or `start..last/step`.
///
/// The order is systemd's: by start, then without a last first, then without a step first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Part {
    pub(super) start: u32,
    pub(super) last: Option<u32>,
    pub(super) step: Option<u32>,
}

impl Part {
    const EVERY_SECOND: Self = Self { start: 0, last: None, step: Some(SECOND) };

    pub(super) fn one(start: u32) -> Self {
        Self { start, last: None, step: None }
    }

    /// The part with its last value, unless the step arrives at the field's start again.
    fn bounded(self, field: Field) -> Self {
        let (from, to) = field.bounds();
        let Self { start, last: None, step: Some(step) } = self else { return self };
        // Days: months differ in length, so no step fits them all.
        if field != Field::Day && (to + 1 - start).is_multiple_of(step) && start == from {
            return self;
        }
        Self { last: Some(to), ..self }.normalized()
    }

    /// Moves the last value back onto a step, and drops last and step where nothing but the start is left.
    pub(super) fn normalized(self) -> Self {
        let Some(mut last) = self.last else { return self };
        if let Some(step) = self.step.filter(|_| last > self.start) {
            last -= (last - self.start) % step;
        }
        if last == self.start { Self::one(self.start) } else { Self { last: Some(last), ..self } }
    }
}

/// The clock that an event is read from.
#[derive(Debug, Clone, PartialEq, Eq)]
enum ClockZone {
    /// Whatever zone the machine is in.
    Local,
    Utc,
    /// A zone of the time zone database, by name.
    Named {
        name: String,
        zone: TimeZone,
    },
    /// The machine's zone while it is in this season only.
    LocalSeason {
        season: Season,
        abbreviation: String,
    },
}

#[cfg(test)]
mod tests;
