//! A job's schedule.

use super::CalendarSpec;
use crate::contract::Blackout;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use std::time::Duration;

/// When a job runs.
#[derive(Debug, Clone, PartialEq)]
pub struct Schedule {
    /// What starts it.
    pub trigger: Trigger,
    /// A random delay of at most this before each run.
    pub jitter: Option<Duration>,
    /// A run ends early where the newest good archive is younger.
    pub unless_newer_than: Option<Duration>,
    /// Times of day at which no run begins.
    pub blackout: Vec<Blackout>,
}

/// What starts a job.
#[derive(Debug, Clone, PartialEq)]
pub enum Trigger {
    /// At once when the timer starts, and then again this long after each start.
    Every(Duration),
    /// At times of the calendar.
    Calendar {
        /// The times; a run starts at each. Time zones stand in the expressions.
        specs: Vec<CalendarSpec>,
        /// Whether a run that was missed while the machine was off is made up for.
        catch_up: bool,
    },
}

/// How many elapses of a calendar expression tell how often it elapses.
const ELAPSES_MAX: usize = 100;
/// 2026-01-01, from which they are counted: what is said of a spec must not change from day to day.
const COUNTED_FROM: i64 = 1_767_225_600;

impl Schedule {
    /// How long it is from one run to the next, on average over the first of them; none where there are not two.
    #[must_use]
    pub fn usual_interval(&self) -> Option<Duration> {
        let specs = match &self.trigger {
            Trigger::Every(interval) => return Some(*interval),
            Trigger::Calendar { specs, catch_up: _ } => specs,
        };
        let from = Timestamp::from_second(COUNTED_FROM).ok()?;
        let elapses = |spec: &CalendarSpec| -> Vec<Timestamp> {
            spec.elapses(from, &TimeZone::UTC).map_while(Result::ok).take(ELAPSES_MAX).collect()
        };
        let each: Vec<Vec<Timestamp>> = specs.iter().map(elapses).collect();
        // Beyond the end of the one that is counted least far, elapses are missing.
        let end = each.iter().filter(|all| all.len() == ELAPSES_MAX).filter_map(|all| all.last()).min().copied();
        let mut all: Vec<Timestamp> =
            each.into_iter().flatten().filter(|at| end.is_none_or(|end| *at <= end)).collect();
        all.sort_unstable();
        all.dedup();
        let length = Duration::try_from(all.last()?.duration_since(*all.first()?)).ok()?;
        let gaps = u32::try_from(all.len().checked_sub(1)?).ok()?;
        length.checked_div(gaps)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn how_often_a_calendar_elapses() {
        let of = |texts: &[&str]| {
            let specs = texts.iter().map(|text| CalendarSpec::parse(text).unwrap()).collect();
            let trigger = Trigger::Calendar { specs, catch_up: true };
            Schedule { trigger, jitter: None, unless_newer_than: None, blackout: vec![] }.usual_interval()
        };
        let hours = |hours: u64| Some(Duration::from_secs(hours * 3600));
        assert_eq!(of(&["02:30 UTC"]), hours(24));
        assert_eq!(of(&["02:30 UTC", "14:30 UTC"]), hours(12));
        assert_eq!(of(&["Sun 05:00 UTC"]), hours(24 * 7));
        assert_eq!(of(&["*:0/15 UTC", "Sun 05:00 UTC"]), hours(1).map(|hour| hour / 4));
        assert_eq!(of(&["2099-01-01 04:00:00 UTC"]), None);
    }
}
