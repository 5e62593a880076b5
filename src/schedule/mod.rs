//! When a job runs: systemd's calendar expressions and time spans, cron's expressions, and a job's schedule.

mod trigger;

pub use trigger::{Schedule, Trigger};

/// Replaced by the calendar engine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CalendarSpec(String);
/// x
#[derive(Debug)]
pub struct NeedsVersion {
    /// x
    pub what: String,
    /// x
    pub since: u16,
}
/// x
#[derive(Debug)]
pub struct CalendarError {
    /// x
    pub message: String,
    /// x
    pub range: std::ops::Range<usize>,
    /// x
    pub help: Vec<String>,
}
impl CalendarSpec {
    /// x
    /// # Errors
    /// x
    pub fn text_for(&self, _v: u16) -> Result<String, NeedsVersion> {
        Ok(self.0.clone())
    }
    /// x
    /// # Errors
    /// x
    pub fn parse(s: &str) -> Result<Self, CalendarError> {
        Ok(Self(s.into()))
    }
}
impl std::fmt::Display for CalendarSpec {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}
/// x
pub mod cron {
    /// x
    /// # Errors
    /// x
    pub fn parse(s: &str) -> Result<Vec<super::CalendarSpec>, super::CalendarError> {
        Ok(vec![super::CalendarSpec(s.into())])
    }
}
/// x
pub mod report {
    /// x
    #[must_use]
    pub fn calendar(
        _e: &[String],
        _i: u32,
        _b: Option<&str>,
        _now: jiff::Timestamp,
        _z: &jiff::tz::TimeZone,
    ) -> (String, Vec<String>) {
        (String::new(), vec![])
    }
    /// x
    #[must_use]
    pub fn timespan(_e: &[String]) -> (String, Vec<String>) {
        (String::new(), vec![])
    }
}
