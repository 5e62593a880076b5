use super::*;
use crate::retention::Policy;
use crate::run::manifest::tests::manifest;
use crate::run::mark::{Mark, Marks};
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
        marks: Marks::default(),
    }
}

/// A good set whose only source has so many bytes.
fn sized(hours_ago: i64, raw_size: u64) -> Set {
    let mut listed = manifest("2014-11-02T01:02:03Z", &[("db", "o", 1)]);
    listed.objects[0].raw_size = raw_size;
    Set { manifest: Some(listed), ..set(hours_ago, SetState::Good) }
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

fn rules(keep: &Keep) -> Rules<'_> {
    Rules { keep, guard: Guard::usual(), may_be_empty: vec![], zone: const { &TimeZone::UTC } }
}

fn removed(sets: &[Set], keep: &Keep) -> Vec<String> {
    judge(sets, &rules(keep), now()).doomed().flat_map(removal_order).collect()
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
    let sets = [set(900, SetState::Good), set(800, SetState::Good), set(700, incomplete())];
    assert_eq!(removed(&sets, &nothing), ["m900", "o900", "m700", "o700"]);
}

#[test]
fn everything_stays_where_the_policy_says_so() {
    assert!(removed(&[set(1000, SetState::Good), set(999, incomplete())], &Keep::All).is_empty());
}

#[test]
fn where_nothing_is_good_nothing_goes() {
    let sets = [set(1000, incomplete()), set(999, incomplete())];
    let judgement = judge(&sets, &rules(&last(1)).clone(), now());
    assert_eq!(judgement.held, Some(Held::NothingGood));
    assert_eq!(judgement.doomed().count(), 0);
}

#[test]
fn a_pin_holds_until_it_ends_and_goes_with_its_set() {
    let pinned = |until: Option<&str>| {
        let pin = Some(Mark { until: until.map(|until| until.parse().unwrap()), ..Mark::new(None) });
        let marks = Marks { pin, accepted: false, names: vec!["m9.pin".into()] };
        [Set { marks, ..set(9, SetState::Good) }, set(1, SetState::Good)]
    };
    assert!(removed(&pinned(None), &last(1)).is_empty());
    assert!(removed(&pinned(Some("2014-11-10T00:00:01Z")), &last(1)).is_empty());
    assert_eq!(removed(&pinned(Some("2014-11-10T00:00:00Z")), &last(1)), ["m9.pin", "m9", "o9"]);
}

/// Skyfay/DBackup#154: a dump of 0 bytes, and then the retention deletes the good one.
#[test]
fn a_dump_of_nothing_does_not_cost_the_good_one() {
    let mut sets = vec![sized(3, 5000), sized(2, 5100), sized(1, 0)];
    let keep = last(1);
    let judgement = judge(&sets, &rules(&keep), now());
    let shrunk = Shrunk { source: "db".into(), size: 0, usual: 5000 };
    assert_eq!(judgement.held, Some(Held::Shrunk(shrunk)));
    assert_eq!(judgement.doomed().count(), 0);
    let off = Rules { guard: None, ..rules(&keep) };
    assert_eq!(judge(&sets, &off, now()).doomed().count(), 2);
    let may = Rules { may_be_empty: vec!["db"], ..rules(&keep) };
    assert_eq!(judge(&sets, &may, now()).doomed().count(), 2);
    sets[2].marks.accepted = true;
    assert_eq!(judge(&sets, &rules(&keep), now()).doomed().count(), 2);
}
