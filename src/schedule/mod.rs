//! When a job runs: systemd's calendar expressions and time spans, cron's expressions, and a job's schedule.

mod trigger;

pub use trigger::{Schedule, Trigger};

/// Replaced by the calendar engine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CalendarSpec(String);
/// x
#[derive(Debug)]
pub struct NeedsVersion { /// x
pub what: String, /// x
pub since: u16 }
impl CalendarSpec { /// x
/// # Errors
/// x
pub fn text_for(&self, _v: u16) -> Result<String, NeedsVersion> { Ok(self.0.clone()) } }
impl std::fmt::Display for CalendarSpec { fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result { f.write_str(&self.0) } }
