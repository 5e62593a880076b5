//! When a job runs: systemd's calendar expressions and time spans, cron's expressions, and a job's schedule.

mod trigger;

pub use trigger::{Schedule, Trigger};

/// Replaced by the calendar engine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CalendarSpec(String);
