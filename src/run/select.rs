//! Which set is meant: the newest, the newest up to a time, or one by a name in it.

use super::catalog::Set;
use jiff::Timestamp;
use jiff::civil::DateTime;
use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

/// What `--at` says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum At {
    /// The good one that so many good ones are newer than: 0 is the newest.
    Latest(usize),
    /// The newest good one that is not younger than this.
    Time(Timestamp),
    /// The one that holds an object of this name.
    Name(String),
}

impl Default for At {
    fn default() -> Self {
        Self::Latest(0)
    }
}

impl FromStr for At {
    type Err = std::convert::Infallible;

    /// `latest`; `latest~2`, the second before it; a time (`2014-11-02T01:02:03Z`, or without zone in UTC, down to a bare
    /// date, which means its end); else a name.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text == "latest" {
            return Ok(Self::Latest(0));
        }
        if let Some(back) = text.strip_prefix("latest~").and_then(|back| back.parse().ok()) {
            return Ok(Self::Latest(back));
        }
        Ok(moment(text, DayEnd::Last).map_or_else(|| Self::Name(text.to_owned()), Self::Time))
    }
}

/// Which end of a bare date is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DayEnd {
    /// Its first second.
    First,
    /// Its last second.
    Last,
}

/// A time, without zone in UTC, down to a bare date.
#[must_use]
pub fn moment(text: &str, end: DayEnd) -> Option<Timestamp> {
    text.parse::<Timestamp>().ok().or_else(|| in_utc(text, end))
}

fn in_utc(text: &str, end: DayEnd) -> Option<Timestamp> {
    let date = text.parse::<jiff::civil::Date>().ok().filter(|_| text.len() == 10);
    let of_date = |date: jiff::civil::Date| match end {
        DayEnd::First => date.at(0, 0, 0, 0),
        DayEnd::Last => date.at(23, 59, 59, 0),
    };
    let time = date.map(of_date).or_else(|| text.parse::<DateTime>().ok())?;
    Some(time.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp())
}

impl fmt::Display for At {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Latest(0) => f.write_str("latest"),
            Self::Latest(back) => write!(f, "latest~{back}"),
            Self::Time(time) => time.fmt(f),
            Self::Name(name) => f.write_str(name),
        }
    }
}

/// Why no set was found.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SelectError {
    /// Nothing at all.
    #[error("there is no archive of this job")]
    Nothing,
    /// Only sets that do not count.
    #[error("there is no whole archive of this job, only {0} that {1} not")]
    NothingGood(usize, &'static str),
    /// None that old.
    #[error("the oldest whole archive is of {oldest}, later than {asked}")]
    NothingSoOld {
        /// The oldest one's time.
        oldest: Timestamp,
        /// What was asked for.
        asked: Timestamp,
    },
    /// Fewer than that.
    #[error("there are only {good} whole archives of this job: `latest~{}` is the oldest", good.saturating_sub(1))]
    NotSoMany {
        /// How many there are.
        good: usize,
    },
    /// None of that name.
    #[error("there is no archive `{0}`")]
    NoSuchName(String),
}

/// The time of the set that is meant, and who has it: sets of one job at several places, in any order, each with
/// whatever tells its place. The places come in the order given.
///
/// # Errors
/// See [`SelectError`].
pub fn select<'a, P: Copy>(sets: &[(P, &'a Set)], at: &At) -> Result<Vec<(P, &'a Set)>, SelectError> {
    let time = match at {
        At::Name(name) => {
            let holds = |set: &&Set| {
                set.manifest_name.as_ref() == Some(name) || set.objects.iter().any(|object| object.name == *name)
            };
            let found = sets.iter().map(|(_, set)| *set).find(holds);
            found.ok_or_else(|| SelectError::NoSuchName(name.clone()))?.time
        }
        At::Latest(back) => {
            let times = times_of_good(sets)?;
            times.iter().rev().nth(*back).copied().ok_or(SelectError::NotSoMany { good: times.len() })?
        }
        At::Time(asked) => {
            let times = times_of_good(sets)?;
            let oldest = times.first().copied().unwrap_or(*asked);
            let found = times.range(..=asked).next_back().copied();
            found.ok_or(SelectError::NothingSoOld { oldest, asked: *asked })?
        }
    };
    Ok(sets.iter().filter(|(_, set)| set.time == time).copied().collect())
}

/// Never empty.
fn times_of_good<P>(sets: &[(P, &Set)]) -> Result<BTreeSet<Timestamp>, SelectError> {
    let good = sets.iter().filter(|(_, set)| set.is_good()).map(|(_, set)| set.time);
    let times: BTreeSet<Timestamp> = good.collect();
    match (times.is_empty(), sets.len()) {
        (false, _) => Ok(times),
        (true, 0) => Err(SelectError::Nothing),
        (true, 1) => Err(SelectError::NothingGood(1, "is")),
        (true, more) => Err(SelectError::NothingGood(more, "are")),
    }
}

#[cfg(test)]
mod tests {
    use super::super::catalog::SetState;
    use super::super::mark::Marks;
    use super::super::store::Object;
    use super::*;

    fn set(time: &str, state: SetState) -> Set {
        let objects = vec![Object { name: format!("a_{time}"), size: 1 }];
        Set {
            time: time.parse().unwrap(),
            objects,
            manifest_name: None,
            manifest: None,
            state,
            marks: Marks::default(),
        }
    }

    fn sets() -> Vec<Set> {
        vec![
            set("2014-11-01T00:00:00Z", SetState::Good),
            set("2014-11-02T00:00:00Z", SetState::Good),
            set("2014-11-03T00:00:00Z", SetState::Incomplete("it has no manifest".into())),
        ]
    }

    fn found(at: &str) -> Result<String, SelectError> {
        let sets = sets();
        let placed: Vec<_> = sets.iter().map(|set| ((), set)).collect();
        select(&placed, &at.parse().unwrap()).map(|found| found[0].1.time.to_string())
    }

    #[test]
    fn the_latest_is_the_newest_good_one() {
        assert_eq!(found("latest").unwrap(), "2014-11-02T00:00:00Z");
    }

    #[test]
    fn those_before_the_latest_are_counted_back() {
        assert_eq!(found("latest~1").unwrap(), "2014-11-01T00:00:00Z");
        assert_eq!(found("latest~2"), Err(SelectError::NotSoMany { good: 2 }));
        assert_eq!(found("latest~x"), Err(SelectError::NoSuchName("latest~x".into())));
    }

    #[test]
    fn all_places_that_have_it_are_found_and_the_newest_of_any_is_the_latest() {
        let (here, there) = (sets(), sets());
        let newer = set("2014-11-04T00:00:00Z", SetState::Good);
        let placed = [("a", &here[0]), ("a", &here[1]), ("b", &there[1]), ("b", &newer)];
        let found = |at: &str| -> Vec<&str> {
            select(&placed, &at.parse().unwrap()).unwrap().into_iter().map(|(place, _)| place).collect()
        };
        assert_eq!(found("latest"), ["b"]);
        assert_eq!(found("latest~1"), ["a", "b"]);
        assert_eq!(found("latest~2"), ["a"]);
    }

    #[test]
    fn a_time_means_the_newest_up_to_it() {
        assert_eq!(found("2014-11-01T12:00:00Z").unwrap(), "2014-11-01T00:00:00Z");
        assert_eq!(found("2014-11-01").unwrap(), "2014-11-01T00:00:00Z");
        assert_eq!(found("2014-11-02").unwrap(), "2014-11-02T00:00:00Z");
        assert_eq!(found("2014-11-02T03:00").unwrap(), "2014-11-02T00:00:00Z");
        assert_eq!(found("2014-11-01T23:59").unwrap(), "2014-11-01T00:00:00Z");
        assert!(matches!(found("2014-10-01"), Err(SelectError::NothingSoOld { .. })));
    }

    #[test]
    fn a_name_means_its_set_good_or_not() {
        assert_eq!(found("a_2014-11-03T00:00:00Z").unwrap(), "2014-11-03T00:00:00Z");
        assert_eq!(found("b"), Err(SelectError::NoSuchName("b".into())));
    }

    #[test]
    fn nothing_and_nothing_good_are_told_apart() {
        assert_eq!(select::<()>(&[], &At::default()), Err(SelectError::Nothing));
        let bad = set("2014-11-01T00:00:00Z", SetState::Incomplete("it has no manifest".into()));
        assert_eq!(select(&[((), &bad)], &At::default()), Err(SelectError::NothingGood(1, "is")));
    }
}
