//! When jobs run: systemd's notations of time, read, printed and reckoned as systemd does it.
//!
//! | module | what | systemd's counterpart |
//! |---|---|---|
//! | [`calendar`] | events that recur | `OnCalendar=`, `systemd-analyze calendar` |
//! | [`timespan`] | lengths of time | `OnActiveSec=`, `systemd-analyze timespan` |
//! | [`timestamp`] | points in time | `--base-time=`, `systemd-analyze timestamp` |
//! | [`cron`] | crontab lines, turned into events | none |
//! | [`report`] | the texts of `systemd-analyze` | |
//!
//! Everything here is a function of its arguments and of the time zone database: no clock, no environment.

pub mod calendar;
pub mod cron;
pub mod report;
pub mod timespan;
pub mod timestamp;
mod trigger;
mod wall;

pub use calendar::{CalendarError, CalendarSpec, NeedsVersion};
pub use cron::{CronError, CronLine};
pub use timespan::{TimeSpan, TimeSpanError};
pub use timestamp::TimestampError;
pub use trigger::{Schedule, Trigger};
pub use wall::Season;
