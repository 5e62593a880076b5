//! What is kept, and why.

use crate::value::optional_duration_serde;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::fmt;
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
    /// That many newest in any case, so that a long gap in the backups does not end in an empty folder.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at_least: Option<NonZeroU32>,
}

/// What is to become of one archive, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// It stays.
    Keep(Reason),
    /// It may go: no rule holds it.
    Remove,
}

/// Why an archive stays.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// Nothing is removed here.
    KeepAll,
    /// It is the newest good one.
    NewestGood,
    /// It is younger than `within`.
    Within,
    /// It is among the `last` newest.
    Last,
    /// It is among the `at_least` newest.
    AtLeast,
    /// Its time lies in the future: a clock is wrong, and nothing is decided on it.
    Future,
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::KeepAll => "nothing is removed here",
            Self::NewestGood => "the newest good one",
            Self::Within => "within the time to keep",
            Self::Last => "among the last",
            Self::AtLeast => "among the least number to keep",
            Self::Future => "dated in the future",
        })
    }
}

/// An archive as the policy sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Dated {
    /// The time in its name.
    pub time: Timestamp,
    /// Whether it is whole; one that is not (no manifest, a part missing) never counts towards a number to keep.
    pub good: bool,
}

/// Says for each archive, in the order given, whether it stays.
///
/// Ages are counted from `now`, never from a file's modification date.
#[must_use]
pub fn decide(archives: &[Dated], keep: &Keep, now: Timestamp) -> Vec<Verdict> {
    match keep {
        Keep::All => vec![Verdict::Keep(Reason::KeepAll); archives.len()],
        Keep::Policy(policy) => {
            let ranks = ranks_of_good(archives);
            archives.iter().zip(ranks).map(|(archive, rank)| verdict(*archive, rank, policy, now)).collect()
        }
    }
}

/// For each good archive how many good ones are newer.
fn ranks_of_good(archives: &[Dated]) -> Vec<Option<usize>> {
    let mut good: Vec<usize> = (0..archives.len()).filter(|i| archives.get(*i).is_some_and(|a| a.good)).collect();
    good.sort_by_key(|i| std::cmp::Reverse(archives.get(*i).map(|a| a.time)));
    let mut ranks = vec![None; archives.len()];
    for (rank, index) in good.into_iter().enumerate() {
        if let Some(slot) = ranks.get_mut(index) {
            *slot = Some(rank);
        }
    }
    ranks
}

fn verdict(archive: Dated, rank: Option<usize>, policy: &Policy, now: Timestamp) -> Verdict {
    let Policy { within, last, at_least } = policy;
    let among = |n: &Option<NonZeroU32>| n.is_some_and(|n| rank.is_some_and(|rank| rank < n.get() as usize));
    let age = now.duration_since(archive.time);
    let young = within.is_some_and(|w| age <= jiff::SignedDuration::try_from(w).unwrap_or(jiff::SignedDuration::MAX));
    let reason = [
        (rank == Some(0), Reason::NewestGood),
        (archive.time > now, Reason::Future),
        (young, Reason::Within),
        (among(last), Reason::Last),
        (among(at_least), Reason::AtLeast),
    ];
    reason.into_iter().find(|(holds, _)| *holds).map_or(Verdict::Remove, |(_, reason)| Verdict::Keep(reason))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(hours_ago: i64, good: bool) -> Dated {
        Dated { time: now() - jiff::SignedDuration::from_hours(hours_ago), good }
    }

    fn now() -> Timestamp {
        "2014-11-10T00:00:00Z".parse().unwrap()
    }

    fn kept(archives: &[Dated], policy: Policy) -> Vec<bool> {
        let verdicts = decide(archives, &Keep::Policy(policy), now());
        verdicts.iter().map(|v| matches!(v, Verdict::Keep(_))).collect()
    }

    fn within_days(days: u64) -> Policy {
        Policy { within: Some(Duration::from_secs(days * 86_400)), ..Policy::default() }
    }

    #[test]
    fn what_is_within_is_kept_and_older_goes() {
        assert_eq!(kept(&[at(1, true), at(48, true), at(49, true)], within_days(2)), [true, true, false]);
    }

    #[test]
    fn the_newest_good_one_survives_any_gap() {
        assert_eq!(kept(&[at(1000, false), at(2000, true), at(3000, true)], within_days(2)), [false, true, false]);
    }

    #[test]
    fn bad_ones_do_not_count_towards_a_number() {
        let policy = Policy { last: NonZeroU32::new(2), ..Policy::default() };
        assert_eq!(kept(&[at(1, false), at(2, true), at(3, true), at(4, true)], policy), [false, true, true, false]);
    }

    #[test]
    fn at_least_holds_what_is_too_old() {
        let policy = Policy { at_least: NonZeroU32::new(2), ..within_days(1) };
        assert_eq!(kept(&[at(100, true), at(200, true), at(300, true)], policy), [true, true, false]);
    }

    #[test]
    fn nothing_is_decided_on_a_time_in_the_future() {
        assert_eq!(kept(&[at(0, true), at(-5, false)], within_days(1)), [true, true]);
    }

    #[test]
    fn without_a_policy_nothing_goes() {
        assert_eq!(decide(&[at(9999, false)], &Keep::All, now()), [Verdict::Keep(Reason::KeepAll)]);
    }
}
