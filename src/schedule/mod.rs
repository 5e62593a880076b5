//! When a job runs: systemd's calendar expressions and time spans, cron's expressions, and a job's schedule.

mod trigger;

pub use trigger::{Schedule, Trigger};

/// Replaced by the calendar engine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CalendarSpec(String);

impl CalendarSpec {
    /// Reads an expression.
    ///
    /// # Errors
    /// What is no expression, in words.
    pub fn parse(text: &str) -> Result<Self, String> {
        Ok(Self(text.into()))
    }
}
