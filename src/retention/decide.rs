//! The decision: for each archive, every rule that holds it.

use super::{Bucket, Keep, Period, Policy};
use crate::value::format_duration;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use std::collections::{BTreeSet, HashMap, HashSet};
use std::fmt;
use std::num::NonZeroU32;
use std::time::Duration;

/// An incomplete set this young may be one that another host is storing at this moment: a run takes a day at most, and
/// its time is that of its beginning.
pub const INCOMPLETE_KEPT: SignedDuration = SignedDuration::from_hours(48);
/// A pause between two archives that is this many times the usual one may be a clock that was wrong.
const GAP_FACTOR: i32 = 3;

/// An archive as the policy sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Dated {
    /// The time in its name.
    pub time: Timestamp,
    /// Whether it is whole.
    pub standing: Standing,
    /// Somebody said that it stays.
    pub pinned: bool,
}

/// Whether an archive is whole. One that is not never counts towards a number to keep.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// Everything is there.
    Good,
    /// Something is missing.
    Incomplete,
    /// It is of a form that this program does not know, and none of its business.
    Unknown,
}

/// What is to become of one archive: it stays where anything holds it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// Every rule that holds it.
    pub reasons: Vec<Reason>,
}

impl Verdict {
    /// Whether it stays.
    #[must_use]
    pub fn stays(&self) -> bool {
        !self.reasons.is_empty()
    }
}

/// Why an archive stays.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reason {
    /// Nothing is removed here.
    KeepAll,
    /// It is the newest good one.
    NewestGood,
    /// Somebody said so.
    Pinned,
    /// It is younger than this.
    Within(Duration),
    /// It was younger than this before a pause that may be a clock's mistake.
    BeforeGap {
        /// `within`.
        within: Duration,
        /// How long the pause was.
        gap: Duration,
    },
    /// It is among the newest.
    Last(Rank),
    /// It is the newest of its period, or the oldest of all where periods to keep are left over.
    Newest {
        /// How long the period is.
        period: Period,
        /// Which of how many.
        rank: Rank,
        /// The period.
        bucket: Bucket,
        /// Whether it stands for periods of which nothing was made.
        oldest: bool,
    },
    /// It is among those that are kept in any case.
    AtLeast(Rank),
    /// Its time lies in the future: a clock is or was wrong, and nothing is decided on it.
    Future,
    /// It is not whole, and may be under way still.
    Unfinished,
    /// It is of a form that this program does not know.
    Unknown,
}

/// Which of how many, from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rank {
    /// Which, from 1.
    pub nth: u32,
    /// Of how many.
    pub of: u32,
}

impl fmt::Display for Rank {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of {}", self.nth, self.of)
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::KeepAll => f.write_str("nothing is removed here"),
            Self::NewestGood => f.write_str("the newest good one"),
            Self::Pinned => f.write_str("pinned"),
            Self::Within(within) => write!(f, "within {}", format_duration(*within)),
            Self::BeforeGap { within, gap } => {
                write!(f, "within {} before a gap of {}", format_duration(*within), format_duration(*gap))
            }
            Self::Last(rank) => write!(f, "last {rank}"),
            Self::Newest { period, rank, bucket, oldest: false } => write!(f, "{period} {rank}: {bucket}"),
            Self::Newest { period, rank, bucket, oldest: true } => write!(f, "{period} {rank}, the oldest: {bucket}"),
            Self::AtLeast(rank) => write!(f, "at least {}: {}", rank.of, rank.nth),
            Self::Future => f.write_str("dated in the future"),
            Self::Unfinished => {
                write!(f, "incomplete, and younger than {}", format_duration(INCOMPLETE_KEPT.unsigned_abs()))
            }
            Self::Unknown => f.write_str("made by a later version"),
        }
    }
}

/// Says for each archive, in the order given, what holds it.
///
/// Times are those in names, never a file's modification date. Numbers and periods count good archives that are not of
/// the future; periods are those of `zone`'s clocks, and the newest of each stays, as with restic and borg: it is never
/// superseded once its period has passed, so that what a longer period needs is not lost to a shorter one. Where a rule
/// has periods to keep left over, the oldest archive stays too, as with both of them.
#[must_use]
pub fn decide(archives: &[Dated], keep: &Keep, now: Timestamp, zone: &TimeZone) -> Vec<Verdict> {
    let policy = match keep {
        Keep::All => return archives.iter().map(|_| Verdict { reasons: vec![Reason::KeepAll] }).collect(),
        Keep::Policy(policy) => policy,
    };
    let counted = |archive: &&Dated| archive.standing == Standing::Good && archive.time <= now;
    let times: BTreeSet<Timestamp> = archives.iter().filter(counted).map(|archive| archive.time).collect();
    let newest_first: Vec<Timestamp> = times.into_iter().rev().collect();
    let by_number = held_by_number(&newest_first, policy, zone);
    let gap = last_gap(&newest_first, policy);
    let verdict = |archive: &Dated| {
        let mut reasons = held_alone(archive, policy, now, gap);
        if counted(&archive) {
            reasons.extend(by_number.get(&archive.time).into_iter().flatten().cloned());
        }
        Verdict { reasons }
    };
    archives.iter().map(verdict).collect()
}

/// What holds an archive whatever others there are.
fn held_alone(archive: &Dated, policy: &Policy, now: Timestamp, gap: Option<Gap>) -> Vec<Reason> {
    let young = |age: SignedDuration| !age.is_negative() && age <= INCOMPLETE_KEPT;
    let age = now.duration_since(archive.time);
    let mut reasons = vec![];
    if archive.pinned {
        reasons.push(Reason::Pinned);
    }
    match archive.standing {
        Standing::Unknown => reasons.push(Reason::Unknown),
        Standing::Incomplete if young(age) => reasons.push(Reason::Unfinished),
        Standing::Incomplete | Standing::Good => {}
    }
    if archive.time > now {
        reasons.push(Reason::Future);
        return reasons;
    }
    let Some(within) = policy.within else { return reasons };
    let limit = SignedDuration::try_from(within).unwrap_or(SignedDuration::MAX);
    if age <= limit {
        reasons.push(Reason::Within(within));
    } else if let Some(gap) = gap.filter(|gap| gap.before.duration_since(archive.time) <= limit) {
        let length = gap.after.duration_since(gap.before).unsigned_abs();
        reasons.push(Reason::BeforeGap { within, gap: length });
    }
    reasons
}

/// What holds the archives of each time because of those that are newer.
fn held_by_number(newest_first: &[Timestamp], policy: &Policy, zone: &TimeZone) -> HashMap<Timestamp, Vec<Reason>> {
    let mut held: HashMap<Timestamp, Vec<Reason>> = HashMap::new();
    let mut add = |time: Timestamp, reason| held.entry(time).or_default().push(reason);
    if let Some(newest) = newest_first.first() {
        add(*newest, Reason::NewestGood);
    }
    for (time, rank) in newest(newest_first, policy.last) {
        add(time, Reason::Last(rank));
    }
    for (period, count) in policy.periods() {
        let of = count.get();
        for (nth, kept) in (1..).zip(newest_of_each(newest_first, period, of, zone)) {
            let Newest { time, bucket, oldest } = kept;
            add(time, Reason::Newest { period, rank: Rank { nth, of }, bucket, oldest });
        }
    }
    for (time, rank) in newest(newest_first, policy.floor()) {
        add(time, Reason::AtLeast(rank));
    }
    held
}

fn newest(newest_first: &[Timestamp], count: Option<NonZeroU32>) -> impl Iterator<Item = (Timestamp, Rank)> {
    let of = count.map_or(0, NonZeroU32::get);
    (1..=of).zip(newest_first).map(move |(nth, time)| (*time, Rank { nth, of }))
}

struct Newest {
    time: Timestamp,
    bucket: Bucket,
    oldest: bool,
}

fn newest_of_each(newest_first: &[Timestamp], period: Period, count: u32, zone: &TimeZone) -> Vec<Newest> {
    let mut seen = HashSet::new();
    let mut kept = vec![];
    for time in newest_first {
        if kept.len() >= count as usize {
            break;
        }
        let bucket = period.bucket(*time, zone);
        let fresh = seen.insert(bucket);
        if fresh || Some(time) == newest_first.last() {
            kept.push(Newest { time: *time, bucket, oldest: !fresh });
        }
    }
    kept
}

/// A pause between two good archives.
#[derive(Debug, Clone, Copy)]
struct Gap {
    before: Timestamp,
    after: Timestamp,
}

/// The oldest unusual pause among the newest archives that are kept in any case. Until that many have been made since,
/// it cannot be told from a clock that was wrong, and nothing goes that its age alone condemns.
///
/// A pause is unusual where it is longer than half of `within`, so that it condemns many at once, and than three times
/// the usual one.
fn last_gap(newest_first: &[Timestamp], policy: &Policy) -> Option<Gap> {
    let (within, floor) = (policy.within?, policy.floor()?);
    let half = SignedDuration::try_from(within / 2).unwrap_or(SignedDuration::MAX);
    let pauses =
        || newest_first.windows(2).filter_map(|pair| Some(Gap { after: *pair.first()?, before: *pair.last()? }));
    let length = |gap: &Gap| gap.after.duration_since(gap.before);
    let mut lengths: Vec<SignedDuration> = pauses().map(|gap| length(&gap)).collect();
    lengths.sort();
    let usual = *lengths.get(lengths.len() / 2)?;
    let unusual = |gap: &Gap| length(gap) > half && length(gap) / GAP_FACTOR > usual;
    pauses().take(floor.get() as usize - 1).filter(unusual).last()
}

#[cfg(test)]
mod tests;
