//! What is kept, and why.

mod decide;
mod guard;
mod period;

pub use decide::{Dated, INCOMPLETE_KEPT, Reason, Standing, Verdict, decide};
pub use guard::{Guard, Percent, Shrunk, Weighed, shrunk};
pub use period::{Bucket, Period};

use crate::value::optional_duration_serde;
use serde::{Deserialize, Serialize};
use std::num::NonZeroU32;
use std::time::Duration;

/// What is kept at one destination.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Keep {
    /// Nothing is ever removed.
    #[default]
    All,
    /// What a policy says.
    Policy(Policy),
}

/// Archives that satisfy any of these are kept. The newest good archive always is, whatever is written here.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Policy {
    /// Those younger than this.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "optional_duration_serde")]
    pub within: Option<Duration>,
    /// That many newest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last: Option<NonZeroU32>,
    /// The newest of each hour, for that many hours in which there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hourly: Option<NonZeroU32>,
    /// The newest of each day, for that many days in which there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub daily: Option<NonZeroU32>,
    /// The newest of each ISO week, for that many weeks in which there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub weekly: Option<NonZeroU32>,
    /// The newest of each month, for that many months in which there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub monthly: Option<NonZeroU32>,
    /// The newest of each quarter, for that many quarters in which there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quarterly: Option<NonZeroU32>,
    /// The newest of each year, for that many years in which there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub yearly: Option<NonZeroU32>,
    /// That many newest in any case, so that a long gap in the backups does not end in an empty folder; see
    /// [`Policy::floor`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at_least: Option<NonZeroU32>,
}

impl Policy {
    /// What `at_least` is where `within` is said without it: an age alone says nothing of how many are left when it has
    /// passed for all of them at once.
    pub const AT_LEAST_WITH_WITHIN: NonZeroU32 = NonZeroU32::MIN.saturating_add(2);

    /// How many good archives are kept in any case; none where no number is said and no age either.
    #[must_use]
    pub fn floor(&self) -> Option<NonZeroU32> {
        self.at_least.or_else(|| self.within.map(|_| Self::AT_LEAST_WITH_WITHIN))
    }

    /// After how long even the best-kept archive may go, where runs are regular; none where that hangs on how often the
    /// job runs.
    #[must_use]
    pub fn longest(&self) -> Option<Duration> {
        if self.last.is_some() {
            return None;
        }
        let periods = self.periods().map(|(period, count)| period.longest().saturating_mul(count.get()));
        periods.chain(self.within).max()
    }

    /// How many of each period are kept, the shortest first; those that are not said are left out.
    pub fn periods(&self) -> impl Iterator<Item = (Period, NonZeroU32)> {
        let Self { within: _, last: _, hourly, daily, weekly, monthly, quarterly, yearly, at_least: _ } = self;
        let counts = [*hourly, *daily, *weekly, *monthly, *quarterly, *yearly];
        Period::ALL.into_iter().zip(counts).filter_map(|(period, count)| Some((period, count?)))
    }
}
