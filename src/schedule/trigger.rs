//! A job's schedule.

use super::CalendarSpec;
use crate::contract::Blackout;
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
