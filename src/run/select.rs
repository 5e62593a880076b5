//! Which set is meant: the newest, the newest up to a time, or one by a name in it.

use super::catalog::Set;
use jiff::Timestamp;
use jiff::civil::DateTime;
use std::fmt;
use std::str::FromStr;

/// What `--at` says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum At {
    /// The newest good one.
    #[default]
    Latest,
    /// The newest good one that is not younger than this.
    Time(Timestamp),
    /// The one that holds an object of this name.
    Name(String),
}

impl FromStr for At {
    type Err = std::convert::Infallible;

    /// `latest`; a time (`2014-11-02T01:02:03Z`, or without zone in UTC, down to a bare date, which means its end); else
    /// a name.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text == "latest" {
            return Ok(Self::Latest);
        }
        let instant = text.parse::<Timestamp>().ok().or_else(|| in_utc(text));
        Ok(instant.map_or_else(|| Self::Name(text.to_owned()), Self::Time))
    }
}

fn in_utc(text: &str) -> Option<Timestamp> {
    let date = text.parse::<jiff::civil::Date>().ok().filter(|_| text.len() == 10);
    let time = date.map(|d| d.at(23, 59, 59, 0)).or_else(|| text.parse::<DateTime>().ok())?;
    Some(time.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp())
}

impl fmt::Display for At {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Latest => f.write_str("latest"),
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
    /// None of that name.
    #[error("there is no archive `{0}`")]
    NoSuchName(String),
}

/// The set that is meant, of sets oldest first.
///
/// # Errors
/// See [`SelectError`].
pub fn select<'a>(sets: &'a [Set], at: &At) -> Result<&'a Set, SelectError> {
    if let At::Name(name) = at {
        let holds = |set: &&Set| {
            set.manifest_name.as_ref() == Some(name) || set.objects.iter().any(|object| object.name == *name)
        };
        return sets.iter().find(holds).ok_or_else(|| SelectError::NoSuchName(name.clone()));
    }
    let good: Vec<&Set> = sets.iter().filter(|set| set.is_good()).collect();
    let Some(oldest) = good.first() else {
        let verb = if sets.len() == 1 { "is" } else { "are" };
        return Err(if sets.is_empty() { SelectError::Nothing } else { SelectError::NothingGood(sets.len(), verb) });
    };
    match at {
        At::Time(asked) => {
            let found = good.iter().rev().find(|set| set.time <= *asked).copied();
            found.ok_or(SelectError::NothingSoOld { oldest: oldest.time, asked: *asked })
        }
        At::Latest | At::Name(_) => Ok(good.last().copied().unwrap_or(oldest)),
    }
}

#[cfg(test)]
mod tests {
    use super::super::catalog::SetState;
    use super::super::store::Object;
    use super::*;

    fn set(time: &str, state: SetState) -> Set {
        let objects = vec![Object { name: format!("a_{time}"), size: 1 }];
        Set { time: time.parse().unwrap(), objects, manifest_name: None, manifest: None, state }
    }

    fn sets() -> Vec<Set> {
        vec![
            set("2014-11-01T00:00:00Z", SetState::Good),
            set("2014-11-02T00:00:00Z", SetState::Good),
            set("2014-11-03T00:00:00Z", SetState::Incomplete("it has no manifest".into())),
        ]
    }

    fn found(at: &str) -> Result<String, SelectError> {
        select(&sets(), &at.parse().unwrap()).map(|set| set.time.to_string())
    }

    #[test]
    fn the_latest_is_the_newest_good_one() {
        assert_eq!(found("latest").unwrap(), "2014-11-02T00:00:00Z");
    }

    #[test]
    fn a_time_means_the_newest_up_to_it() {
        assert_eq!(found("2014-11-01T12:00:00Z").unwrap(), "2014-11-01T00:00:00Z");
        assert_eq!(found("2014-11-01").unwrap(), "2014-11-01T00:00:00Z");
        assert_eq!(found("2014-11-02").unwrap(), "2014-11-02T00:00:00Z");
        assert!(matches!(found("2014-10-01"), Err(SelectError::NothingSoOld { .. })));
    }

    #[test]
    fn a_name_means_its_set_good_or_not() {
        assert_eq!(found("a_2014-11-03T00:00:00Z").unwrap(), "2014-11-03T00:00:00Z");
        assert_eq!(found("b"), Err(SelectError::NoSuchName("b".into())));
    }

    #[test]
    fn nothing_and_nothing_good_are_told_apart() {
        assert_eq!(select(&[], &At::Latest), Err(SelectError::Nothing));
        let bad = [set("2014-11-01T00:00:00Z", SetState::Incomplete("it has no manifest".into()))];
        assert_eq!(select(&bad, &At::Latest), Err(SelectError::NothingGood(1, "is")));
    }
}
