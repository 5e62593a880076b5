//! Wall-clock arithmetic with the C library's habits.
//!
//! systemd finds elapses by asking `mktime(3)` about broken-down times that may not exist or may exist twice, so an
//! equal answer needs an equal `mktime`: how it probes for an instant, which side of a gap it prefers, and that it
//! remembers the last offset it used. Facts from the manual pages and the observed behaviour of glibc 2.36.

use jiff::Timestamp;
use jiff::tz::{Dst, Offset, TimeZone};

/// Seconds between two probes for an instant in the other season (glibc: the shortest season on record).
const SEASON_STRIDE: i64 = 601_200;
/// How far from the instant glibc looks for the other season, in seconds: half the longest season, and a stride.
const SEASON_REACH: i64 = 536_454_000 / 2 + SEASON_STRIDE;
/// How often glibc corrects its guess before it gives up.
const PROBES: u32 = 6;
/// Transitions looked through for a zone's two abbreviations; no zone of the database has half as many.
const TRANSITIONS_MAX: usize = 1000;

const SECONDS_PER_DAY: i64 = 86_400;

/// Standard or daylight saving time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Season {
    /// Standard time.
    Standard,
    /// Daylight saving time.
    Daylight,
}

impl From<Dst> for Season {
    fn from(dst: Dst) -> Self {
        if dst.is_dst() { Self::Daylight } else { Self::Standard }
    }
}

/// A broken-down time. Any field may be out of its range until a [`WallClock`] has settled it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Wall {
    pub(super) year: i64,
    pub(super) month: i64,
    pub(super) day: i64,
    pub(super) hour: i64,
    pub(super) minute: i64,
    pub(super) second: i64,
    /// `None`: whichever season fits.
    pub(super) season: Option<Season>,
}

impl Wall {
    /// Seconds since 1970-01-01 00:00:00 on a clock without a zone.
    fn civil_second(&self) -> i64 {
        let year = self.year + (self.month - 1).div_euclid(12);
        let month = (self.month - 1).rem_euclid(12);
        let days = days_before_month(year, month) + self.day - 1;
        days * SECONDS_PER_DAY + self.hour * 3600 + self.minute * 60 + self.second
    }

    /// The inverse of [`Wall::civil_second`]; `None` outside the years −9999 to 9999.
    pub(super) fn from_civil_second(second: i64, season: Option<Season>) -> Option<Self> {
        let at = Offset::UTC.to_datetime(Timestamp::from_second(second).ok()?);
        Some(Self {
            year: at.year().into(),
            month: at.month().into(),
            day: at.day().into(),
            hour: at.hour().into(),
            minute: at.minute().into(),
            second: at.second().into(),
            season,
        })
    }

    /// Days from Sunday, as the calendar has it: the fields need not be settled.
    pub(super) fn weekday_from_sunday(&self) -> i64 {
        // 1970-01-01 was a Thursday.
        (self.civil_second().div_euclid(SECONDS_PER_DAY) + 4).rem_euclid(7)
    }

    /// Midnight of the same day.
    pub(super) fn midnight(self) -> Self {
        Self { hour: 0, minute: 0, second: 0, ..self }
    }
}

/// Days from 1970-01-01 to the first of the month (0 for January to 11 for December), with years that begin in March
/// so that the leap day is the last.
fn days_before_month(year: i64, month: i64) -> i64 {
    let (year, month) = if month < 2 { (year - 1, month + 10) } else { (year, month - 2) };
    let leap_days = year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400);
    // From March on, five months always have 153 days; 719_468 days lie between 0000-03-01 and 1970-01-01.
    year * 365 + leap_days + (153 * month + 2) / 5 - 719_468
}

/// A zone, and what `mktime` remembers about it.
#[derive(Debug, Clone)]
pub(super) struct WallClock {
    zone: Zone,
    /// What the last answer added to the zoneless second; the next probe starts there.
    memory: i64,
}

#[derive(Debug, Clone)]
enum Zone {
    Utc,
    Local(TimeZone),
}

/// What a probe of `mktime` ended with.
enum Probe {
    Exact(i64, Season),
    Gap(i64),
}

impl WallClock {
    pub(super) fn utc() -> Self {
        Self { zone: Zone::Utc, memory: 0 }
    }

    pub(super) fn local(zone: TimeZone) -> Self {
        Self { zone: Zone::Local(zone), memory: 0 }
    }

    /// The wall's reading at an instant (`localtime`, `gmtime`).
    pub(super) fn read(&self, second: i64) -> Option<Wall> {
        match &self.zone {
            Zone::Utc => Wall::from_civil_second(second, Some(Season::Standard)),
            Zone::Local(zone) => {
                let (offset, season) = offset_at(zone, second)?;
                Wall::from_civil_second(second + offset, Some(season))
            }
        }
    }

    /// Brings the fields into their ranges and says which instant they mean (`mktime`, `timegm`).
    /// `None`, and an unchanged wall, where there is no such instant.
    pub(super) fn settle(&mut self, wall: &mut Wall) -> Option<i64> {
        let instant = match &self.zone {
            Zone::Utc => wall.civil_second(),
            Zone::Local(zone) => {
                let beyond = wall.second - wall.second.clamp(0, 59);
                let wanted = wall.civil_second() - beyond;
                let instant = local_instant(zone, wanted, self.memory, wall.season)?;
                self.memory = instant - wanted;
                instant + beyond
            }
        };
        *wall = self.read(instant)?;
        Some(instant)
    }

    /// What the clock remembers, to be given back with [`WallClock::recall`].
    pub(super) fn memory(&self) -> i64 {
        self.memory
    }

    pub(super) fn recall(&mut self, memory: i64) {
        self.memory = memory;
    }
}

fn offset_at(zone: &TimeZone, second: i64) -> Option<(i64, Season)> {
    let info = zone.to_offset_info(Timestamp::from_second(second).ok()?);
    Some((info.offset().seconds().into(), info.dst().into()))
}

fn local_instant(zone: &TimeZone, wanted: i64, memory: i64, season: Option<Season>) -> Option<i64> {
    match probe(zone, wanted, memory, season)? {
        Probe::Gap(instant) => Some(instant),
        Probe::Exact(instant, found) if season.is_none_or(|season| season == found) => Some(instant),
        Probe::Exact(instant, _) => in_other_season(zone, wanted, instant, season?),
    }
}

fn probe(zone: &TimeZone, wanted: i64, memory: i64, season: Option<Season>) -> Option<Probe> {
    let mut at = wanted + memory;
    let (mut last, mut before_last, mut last_season) = (at, at, Season::Standard);
    for _ in 0..PROBES {
        let (offset, found) = offset_at(zone, at)?;
        let error = wanted - (at + offset);
        if error == 0 {
            return Some(Probe::Exact(at, found));
        }
        let side_fits = match season {
            None => last_season == Season::Standard || found == Season::Daylight,
            Some(season) => season != found,
        };
        if at == before_last && at != last && side_fits {
            return Some(Probe::Gap(at));
        }
        (before_last, last, last_season) = (last, at, found);
        at += error;
    }
    None
}

/// The reading taken with the offset of the nearest instant in the wanted season.
fn in_other_season(zone: &TimeZone, wanted: i64, instant: i64, season: Season) -> Option<i64> {
    let mut distance = SEASON_STRIDE;
    while distance < SEASON_REACH {
        for near in [instant - distance, instant + distance] {
            let (offset, found) = offset_at(zone, near)?;
            if found == season {
                return Some(wanted - offset);
            }
        }
        distance += SEASON_STRIDE;
    }
    None
}

/// The abbreviations of a zone's standard and daylight saving time: what `tzset(3)` leaves in `tzname`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Abbreviations {
    pub(super) standard: String,
    pub(super) daylight: String,
}

impl Abbreviations {
    pub(super) fn of(zone: &TimeZone) -> Self {
        let (mut standard, mut daylight) = (None, None);
        for transition in zone.preceding(Timestamp::MAX).take(TRANSITIONS_MAX) {
            let slot = if transition.dst().is_dst() { &mut daylight } else { &mut standard };
            slot.get_or_insert_with(|| transition.abbreviation().to_owned());
            if standard.is_some() && daylight.is_some() {
                break;
            }
        }
        let info = zone.to_offset_info(Timestamp::MAX);
        let standard = standard.unwrap_or_else(|| info.abbreviation().to_owned());
        Self { daylight: daylight.unwrap_or_else(|| standard.clone()), standard }
    }

    /// Which of the two the text ends with (after a blank), whatever the case.
    pub(super) fn suffix_of(&self, text: &str) -> Option<(Season, &str, usize)> {
        [(Season::Standard, &self.standard), (Season::Daylight, &self.daylight)].into_iter().find_map(
            |(season, name)| {
                let at = text.len().checked_sub(name.len() + 1)?;
                let (_, tail) = text.split_at_checked(at)?;
                let word = tail.strip_prefix(' ')?;
                (!name.is_empty() && at > 0 && word.eq_ignore_ascii_case(name)).then_some((season, name.as_str(), at))
            },
        )
    }
}
