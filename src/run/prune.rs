//! What may go after a successful run.

use super::catalog::{self, Names, Set, SetState};
use super::store::{Store, StoreError};
use crate::retention::{Dated, Keep, Standing, Verdict, decide};
use jiff::Timestamp;
use jiff::tz::TimeZone;

/// What was removed at a destination.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Pruned {
    /// Names, in the order removed.
    pub removed: Vec<String>,
    /// How many sets are left.
    pub kept: usize,
}

/// Removes what the policy does not hold. `stored` is the time of the set that this run has just stored here: where
/// the destination does not show it as good, nothing is removed.
///
/// # Errors
/// The destination cannot be listed (then nothing was removed), or an object cannot be removed.
pub async fn prune(
    store: &dyn Store,
    names: &Names,
    keep: &Keep,
    stored: Timestamp,
    now: Timestamp,
) -> Result<Pruned, PruneError> {
    if *keep == Keep::All {
        return Ok(Pruned::default());
    }
    let sets = catalog::sets(store, names).await.map_err(PruneError::List)?;
    if !sets.iter().any(|set| set.time == stored && set.is_good()) {
        return Err(PruneError::NotSeen);
    }
    let doomed = doomed(&sets, keep, now, names.pattern.zone());
    let mut pruned = Pruned { removed: vec![], kept: sets.len() - doomed.len() };
    for set in doomed {
        let names = removal_order(set);
        store.delete(&names).await.map_err(PruneError::Delete)?;
        pruned.removed.extend(names);
    }
    Ok(pruned)
}

/// Why pruning did not happen, or not wholly.
#[derive(Debug, thiserror::Error)]
pub enum PruneError {
    /// Nothing was removed.
    #[error("nothing was pruned, because the archives cannot be listed")]
    List(#[source] StoreError),
    /// Nothing was removed.
    #[error("nothing was pruned, because the destination does not show the archive that was just stored there")]
    NotSeen,
    /// Some may have been removed.
    #[error("an old archive cannot be removed")]
    Delete(#[source] StoreError),
}

/// The sets that may go, the oldest first; never the newest good one, whatever the policy. Periods are those of the
/// clocks of `zone`.
#[must_use]
pub fn doomed<'a>(sets: &'a [Set], keep: &Keep, now: Timestamp, zone: &TimeZone) -> Vec<&'a Set> {
    let dated: Vec<Dated> = sets.iter().map(dated).collect();
    let newest_good = sets.iter().filter(|set| set.is_good()).map(|set| set.time).max();
    let goes = |(set, verdict): &(&Set, Verdict)| !verdict.stays() && Some(set.time) != newest_good;
    sets.iter().zip(decide(&dated, keep, now, zone)).filter(goes).map(|(set, _)| set).collect()
}

fn dated(set: &Set) -> Dated {
    let standing = match set.state {
        SetState::Good => Standing::Good,
        SetState::Incomplete(_) => Standing::Incomplete,
        SetState::Unknown(_) => Standing::Unknown,
    };
    Dated { time: set.time, standing, pinned: false }
}

/// The manifest first: whatever stops this midway, the rest never counts as good.
fn removal_order(set: &Set) -> Vec<String> {
    let objects = set.objects.iter().map(|object| object.name.clone());
    set.manifest_name.iter().cloned().chain(objects).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::retention::Policy;
    use crate::run::store::Object;
    use std::num::NonZeroU32;

    fn set(hours_ago: i64, state: SetState) -> Set {
        let objects = vec![Object { name: format!("o{hours_ago}"), size: 1 }];
        Set {
            time: now() - jiff::SignedDuration::from_hours(hours_ago),
            state,
            manifest_name: Some(format!("m{hours_ago}")),
            manifest: None,
            objects,
        }
    }

    fn incomplete() -> SetState {
        SetState::Incomplete("x".into())
    }

    fn now() -> Timestamp {
        "2014-11-10T00:00:00Z".parse().unwrap()
    }

    fn last(n: u32) -> Keep {
        Keep::Policy(Policy { last: NonZeroU32::new(n), ..Policy::default() })
    }

    fn removed(sets: &[Set], keep: &Keep) -> Vec<String> {
        doomed(sets, keep, now(), &TimeZone::UTC).into_iter().flat_map(removal_order).collect()
    }

    #[test]
    fn the_manifest_goes_first() {
        assert_eq!(removed(&[set(3, SetState::Good), set(1, SetState::Good)], &last(1)), ["m3", "o3"]);
    }

    #[test]
    fn what_another_host_may_be_storing_stays() {
        let sets = [set(100, incomplete()), set(5, SetState::Good), set(1, incomplete())];
        assert_eq!(removed(&sets, &last(1)), ["m100", "o100"]);
    }

    #[test]
    fn what_a_later_version_made_stays() {
        assert!(removed(&[set(1000, SetState::Unknown("9".into())), set(1, SetState::Good)], &last(1)).is_empty());
    }

    #[test]
    fn a_policy_that_holds_nothing_leaves_the_newest_good_one() {
        let nothing = Keep::Policy(Policy::default());
        assert_eq!(
            removed(&[set(900, SetState::Good), set(800, SetState::Good), set(700, incomplete())], &nothing),
            ["m900", "o900", "m700", "o700"]
        );
    }

    #[test]
    fn everything_stays_where_the_policy_says_so() {
        assert!(removed(&[set(1000, SetState::Good), set(999, incomplete())], &Keep::All).is_empty());
    }
}
