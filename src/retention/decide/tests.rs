use super::*;
use proptest::prelude::*;

fn utc(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn now() -> Timestamp {
    utc("2026-11-26T12:00:00Z")
}

fn berlin() -> TimeZone {
    TimeZone::get("Europe/Berlin").unwrap()
}

fn good(time: Timestamp) -> Dated {
    Dated { time, standing: Good, pinned: false }
}

fn at(hours_ago: i64, standing: Standing) -> Dated {
    Dated { time: now() - SignedDuration::from_hours(hours_ago), standing, pinned: false }
}

fn n(count: u32) -> Option<NonZeroU32> {
    NonZeroU32::new(count)
}

fn within_days(days: u64) -> Policy {
    Policy { within: Some(Duration::from_secs(days * 86_400)), ..Policy::default() }
}

fn kept(archives: &[Dated], policy: Policy) -> Vec<bool> {
    let verdicts = decide(archives, &Keep::Policy(policy), now(), &TimeZone::UTC);
    verdicts.iter().map(Verdict::stays).collect()
}

fn told(archives: &[Dated], policy: Policy, zone: &TimeZone) -> Vec<String> {
    let verdicts = decide(archives, &Keep::Policy(policy), now(), zone);
    verdicts.iter().map(|v| v.reasons.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")).collect()
}

use Standing::{Good, Incomplete, Unknown};

#[test]
fn what_is_within_is_kept_and_older_goes() {
    let policy = Policy { at_least: n(1), ..within_days(2) };
    assert_eq!(kept(&[at(1, Good), at(48, Good), at(49, Good)], policy), [true, true, false]);
}

#[test]
fn the_newest_good_one_survives_any_gap() {
    let policy = Policy { at_least: n(1), ..within_days(2) };
    let archives = [at(1000, Incomplete), at(2000, Good), at(3000, Good)];
    assert_eq!(kept(&archives, policy), [false, true, false]);
}

#[test]
fn an_age_alone_never_leaves_fewer_than_three() {
    let archives = [at(1000, Good), at(2000, Good), at(3000, Good), at(4000, Good)];
    assert_eq!(kept(&archives, within_days(2)), [true, true, true, false]);
    assert_eq!(kept(&archives, Policy { last: n(1), ..Policy::default() }), [true, false, false, false]);
}

#[test]
fn bad_ones_do_not_count_towards_a_number() {
    let policy = Policy { last: n(2), ..Policy::default() };
    let archives = [at(100, Incomplete), at(101, Good), at(102, Good), at(103, Good)];
    assert_eq!(kept(&archives, policy), [false, true, true, false]);
}

#[test]
fn what_may_be_under_way_elsewhere_and_what_a_later_version_made_stay() {
    let policy = Policy { last: n(1), ..Policy::default() };
    let archives = [at(1, Good), at(47, Incomplete), at(49, Incomplete), at(9000, Unknown)];
    let reasons = told(&archives, policy, &TimeZone::UTC);
    assert_eq!(
        reasons,
        ["the newest good one; last 1 of 1", "incomplete, and younger than 2d", "", "made by a later version"]
    );
}

#[test]
fn a_pinned_one_stays_and_counts() {
    let policy = Policy { last: n(2), ..Policy::default() };
    let pinned = Dated { pinned: true, ..at(30, Good) };
    assert_eq!(told(&[at(10, Good), at(20, Good), pinned, at(40, Good)], policy, &TimeZone::UTC)[2..], ["pinned", ""]);
}

#[test]
fn archives_dated_in_the_future_stay_and_take_nobody_s_place() {
    let policy = Policy { last: n(2), ..within_days(1) };
    let archives = [at(-9000, Good), at(-8000, Good), at(-7000, Incomplete), at(0, Good), at(30, Good), at(31, Good)];
    let reasons = told(&archives, Policy { at_least: n(1), ..policy }, &TimeZone::UTC);
    assert_eq!(reasons[..3], ["dated in the future"; 3]);
    assert_eq!(reasons[3], "within 1d; the newest good one; last 1 of 2; at least 1: 1");
    assert_eq!(reasons[4..], ["last 2 of 2", ""]);
}

#[test]
fn without_a_policy_nothing_goes() {
    let verdicts = decide(&[at(9999, Incomplete)], &Keep::All, now(), &TimeZone::UTC);
    assert_eq!(verdicts, [Verdict { reasons: vec![Reason::KeepAll] }]);
}

#[test]
fn every_reason_is_told_with_its_number_and_period() {
    let policy =
        Policy { daily: n(2), weekly: n(3), monthly: n(2), quarterly: n(1), yearly: n(2), ..Policy::default() };
    let times = [
        "2026-11-26T10:00",
        "2026-11-26T09:00",
        "2026-11-25T10:00",
        "2026-11-22T10:00",
        "2026-10-31T10:00",
        "2026-10-01T10:00",
    ];
    let archives: Vec<Dated> = times.iter().map(|time| good(utc(&format!("{time}:00Z")))).collect();
    let reasons = told(&archives, policy, &TimeZone::UTC);
    assert_eq!(
        reasons,
        [
            "the newest good one; daily 1 of 2: 2026-11-26; weekly 1 of 3: 2026-W48; monthly 1 of 2: 2026-11; \
             quarterly 1 of 1: 2026-Q4; yearly 1 of 2: 2026",
            "",
            "daily 2 of 2: 2026-11-25",
            "weekly 2 of 3: 2026-W47",
            "weekly 3 of 3: 2026-W44; monthly 2 of 2: 2026-10",
            "yearly 2 of 2, the oldest: 2026",
        ]
    );
}

#[test]
fn hourly_keeps_both_of_the_hours_that_clocks_repeat() {
    let policy = Policy { hourly: n(3), ..Policy::default() };
    let times = ["2026-10-25T00:30:00Z", "2026-10-25T01:30:00Z", "2026-10-25T02:30:00Z"];
    let archives: Vec<Dated> = times.iter().map(|time| good(utc(time))).collect();
    let reasons = told(&archives, policy, &berlin());
    assert_eq!(reasons[0], "hourly 3 of 3: 2026-10-25 02h");
    assert_eq!(reasons[1], "hourly 2 of 3: 2026-10-25 02h");
}

/// offen/docker-volume-backup#631: retention in days removed everything after a gap.
#[test]
fn a_gap_of_a_month_does_not_condemn_at_once_what_was_there_before() {
    let before: Vec<Dated> = (0..12).map(|i| at(720 + 4 * i, Good)).collect();
    let mut archives = before.clone();
    for (hours_ago, left) in [(8, 13), (4, 14), (0, 3)] {
        archives.push(at(hours_ago, Good));
        let kept = kept(&archives, within_days(2));
        assert_eq!(kept.iter().filter(|kept| **kept).count(), left);
    }
    let reasons = told(&[before, vec![at(0, Good)]].concat(), within_days(2), &TimeZone::UTC);
    assert_eq!(reasons[5], "within 2d before a gap of 30d");
}

#[test]
fn a_clock_that_jumped_a_year_ahead_and_back_costs_nothing() {
    let right: Vec<Timestamp> = (0..12).map(|i| now() - SignedDuration::from_hours(4 * i)).collect();
    let year = SignedDuration::from_hours(24 * 365);
    let mut archives: Vec<Dated> = right.iter().map(|time| good(*time)).collect();
    for wrong in 1..=2 {
        let ahead = now() + year + SignedDuration::from_hours(4 * wrong);
        archives.push(good(ahead));
        let verdicts = decide(&archives, &Keep::Policy(within_days(2)), ahead, &TimeZone::UTC);
        assert!(verdicts.iter().all(Verdict::stays), "{verdicts:?}");
    }
    // The clock is right again: the wrong ones are of the future, and take no part.
    archives.push(good(now()));
    assert!(kept(&archives, Policy { last: n(3), ..within_days(2) }).into_iter().all(|kept| kept));
}

#[test]
fn where_runs_are_rare_a_long_pause_is_the_usual_one() {
    let weekly: Vec<Dated> = (0..9).map(|week| at(24 * 7 * week, Good)).collect();
    let kept = kept(&weekly, Policy { at_least: n(2), ..within_days(10) });
    assert_eq!(kept.iter().filter(|kept| **kept).count(), 2);
}

/// Adds archives one after the other and prunes after each, as runs do; calls `check` with what is left each time.
fn run_by_run(times: &[Timestamp], policy: &Policy, zone: &TimeZone, mut check: impl FnMut(usize, &[Dated])) {
    let keep = Keep::Policy(policy.clone());
    let mut left: Vec<Dated> = vec![];
    for (made, time) in (1..).zip(times) {
        left.push(good(*time));
        let verdicts = decide(&left, &keep, *time, zone);
        let mut stays = verdicts.iter().map(Verdict::stays);
        left.retain(|_| stays.next().unwrap());
        assert_eq!(left.last().map(|dated| dated.time), Some(*time), "the newest is gone");
        check(made, &left);
    }
}

/// Times from the beginning of 2026 on, in steps of minutes that `step` tells.
fn times(count: i64, mut step: impl FnMut(i64) -> i64) -> Vec<Timestamp> {
    let mut time = utc("2026-01-01T00:20:00Z");
    let next = |index| {
        time += SignedDuration::from_mins(step(index));
        time
    };
    (0..count).map(next).collect()
}

fn generations() -> Policy {
    let (hourly, daily, weekly) = (n(6), n(7), n(5));
    Policy { hourly, daily, weekly, monthly: n(12), quarterly: n(4), yearly: n(3), ..Policy::default() }
}

/// What is left after a year of runs and prunings is what the policy would have kept of everything ever made: nothing
/// that a longer period needs is lost to a shorter one on the way.
#[test]
fn a_year_of_pruning_run_by_run_leaves_what_one_pruning_at_its_end_would() {
    const DAY: i64 = 24 * 60;
    let intervals: [(&str, Vec<Timestamp>); 6] = [
        ("hourly", times(24 * 100, |_| 60)),
        ("every four hours", times(6 * 400, |_| 240)),
        ("daily", times(800, |_| DAY)),
        ("weekly", times(160, |_| 7 * DAY)),
        ("irregular", times(1000, |index| 1 + (index * 7919) % 1440)),
        ("with a gap of a month", times(1000, |index| if index == 500 { 31 * DAY } else { 360 })),
    ];
    for (name, times) in intervals {
        let zone = berlin();
        let check_at = times.len() / 7;
        run_by_run(&times, &generations(), &zone, |made, left| {
            assert!(left.len() <= 6 + 7 + 5 + 12 + 4 + 3 + 1, "{name}: {} are left", left.len());
            if made % check_at != 0 {
                return;
            }
            let all: Vec<Dated> = times[..made].iter().map(|time| good(*time)).collect();
            let verdicts = decide(&all, &Keep::Policy(generations()), times[made - 1], &zone);
            let at_once: Vec<Dated> =
                all.iter().zip(&verdicts).filter(|(_, v)| v.stays()).map(|(archive, _)| *archive).collect();
            assert_eq!(left, at_once, "{name}, after {made} runs");
        });
    }
}

#[test]
fn the_last_archive_of_each_month_outlives_daily_pruning() {
    let policy = Policy { daily: n(7), monthly: n(12), ..Policy::default() };
    let times = times(370 * 6, |_| 240);
    let zone = berlin();
    let mut ends: Vec<Timestamp> = vec![];
    run_by_run(&times, &policy, &zone, |made, left| {
        let month = |time: Timestamp| Period::Monthly.bucket(time, &zone);
        if made > 1 && month(times[made - 1]) != month(times[made - 2]) {
            ends.push(times[made - 2]);
        }
        for end in ends.iter().rev().take(11) {
            assert!(left.iter().any(|dated| dated.time == *end), "{end} is gone after {made} runs");
        }
    });
    assert_eq!(ends.len(), 12);
}

#[test]
fn a_clock_set_back_loses_nothing_and_is_forgotten_when_time_catches_up() {
    let mut clock = times(60, |_| 240);
    let back = *clock.last().unwrap() - SignedDuration::from_hours(72);
    clock.extend((0..60).map(|i| back + SignedDuration::from_mins(241 * i)));
    let keep = Keep::Policy(Policy { last: n(4), ..Policy::default() });
    let mut left: Vec<Dated> = vec![];
    for (made, time) in (1..).zip(&clock) {
        let before = left.len();
        left.push(good(*time));
        let verdicts = decide(&left, &keep, *time, &TimeZone::UTC);
        let mut stays = verdicts.iter().map(Verdict::stays);
        left.retain(|_| stays.next().unwrap());
        assert!(left.iter().any(|dated| dated.time == *time), "what was just made is gone");
        if made == 61 {
            assert_eq!(left.len(), before + 1, "the four of the future stay");
        }
    }
    assert_eq!(left.len(), 4);
}

prop_compose! {
    fn dated()(minutes in -5_000i64..900_000, standing in 0..8, pinned in 0..12) -> Dated {
        let standing = match standing { 0 => Incomplete, 1 => Unknown, _ => Good };
        Dated { time: now() - SignedDuration::from_mins(minutes), standing, pinned: pinned == 0 }
    }
}

fn count() -> impl Strategy<Value = Option<NonZeroU32>> {
    proptest::option::of((1u32..9).prop_map(|count| NonZeroU32::new(count).unwrap()))
}

prop_compose! {
    fn policy()(
        within in proptest::option::of(1u64..9_000_000), last in count(), hourly in count(), daily in count(),
        weekly in count(), monthly in count(), quarterly in count(), yearly in count(), at_least in count(),
    ) -> Policy {
        let within = within.map(Duration::from_secs);
        Policy { within, last, hourly, daily, weekly, monthly, quarterly, yearly, at_least }
    }
}

fn survivors(archives: &[Dated], policy: &Policy) -> Vec<Dated> {
    let verdicts = decide(archives, &Keep::Policy(policy.clone()), now(), &berlin());
    archives.iter().zip(verdicts).filter(|(_, verdict)| verdict.stays()).map(|(archive, _)| *archive).collect()
}

proptest! {
    #[test]
    fn the_newest_good_one_and_the_pinned_ones_always_stay(
        archives in proptest::collection::vec(dated(), 0..60), policy in policy(),
    ) {
        let left = survivors(&archives, &policy);
        let newest = archives.iter().filter(|a| a.standing == Good && a.time <= now()).max_by_key(|a| a.time);
        prop_assert!(newest.is_none_or(|newest| left.contains(newest)));
        let must = |a: &&Dated| a.pinned || a.standing == Unknown || a.time > now();
        prop_assert!(archives.iter().filter(must).all(|archive| left.contains(archive)));
        let floor = policy.floor().map_or(0, NonZeroU32::get) as usize;
        let countable = |archives: &[Dated]| archives.iter().filter(|a| a.standing == Good && a.time <= now()).count();
        prop_assert!(countable(&left) >= floor.min(countable(&archives)));
    }

    #[test]
    fn the_order_in_which_archives_are_listed_says_nothing(
        (archives, shuffled) in proptest::collection::vec(dated(), 0..40).prop_flat_map(|archives| {
            let indices: Vec<usize> = (0..archives.len()).collect();
            (Just(archives), Just(indices).prop_shuffle())
        }),
        policy in policy(),
    ) {
        let keep = Keep::Policy(policy);
        let verdicts = decide(&archives, &keep, now(), &berlin());
        let other: Vec<Dated> = shuffled.iter().map(|index| archives[*index]).collect();
        let other = decide(&other, &keep, now(), &berlin());
        for (index, verdict) in shuffled.iter().zip(other) {
            prop_assert_eq!(&verdicts[*index], &verdict);
        }
    }

    #[test]
    fn pruning_twice_removes_no_more_than_once(
        archives in proptest::collection::vec(dated(), 0..60), policy in policy(),
    ) {
        // What a gap holds is measured by the pauses that are left, and is told apart above.
        let policy = Policy { within: None, ..policy };
        let once = survivors(&archives, &policy);
        prop_assert_eq!(survivors(&once, &policy), once);
    }

    #[test]
    fn another_rule_never_removes_what_stayed_without_it(
        archives in proptest::collection::vec(dated(), 0..60), policy in policy(), more in policy(),
    ) {
        let both = Policy {
            within: policy.within.or(more.within), last: policy.last.or(more.last), hourly: policy.hourly.or(more.hourly),
            daily: policy.daily.or(more.daily), weekly: policy.weekly.or(more.weekly),
            monthly: policy.monthly.or(more.monthly), quarterly: policy.quarterly.or(more.quarterly),
            yearly: policy.yearly.or(more.yearly), at_least: policy.floor().or(more.at_least),
        };
        let with_more = survivors(&archives, &both);
        prop_assert!(survivors(&archives, &policy).iter().all(|archive| with_more.contains(archive)));
    }

    #[test]
    fn each_period_keeps_as_many_as_there_are_up_to_its_number(
        archives in proptest::collection::vec(dated(), 1..80), wanted in 1u32..9, which in 0usize..6,
    ) {
        let period = Period::ALL[which];
        let mut policy = Policy::default();
        let slots: [&mut Option<NonZeroU32>; 6] = [
            &mut policy.hourly, &mut policy.daily, &mut policy.weekly, &mut policy.monthly, &mut policy.quarterly,
            &mut policy.yearly,
        ];
        *slots.into_iter().nth(which).unwrap() = NonZeroU32::new(wanted);
        let countable = |a: &&Dated| a.standing == Good && a.time <= now();
        let buckets: HashSet<Bucket> =
            archives.iter().filter(countable).map(|a| period.bucket(a.time, &berlin())).collect();
        let left = survivors(&archives, &policy);
        let left: HashSet<Bucket> = left.iter().filter(countable).map(|a| period.bucket(a.time, &berlin())).collect();
        prop_assert!(left.len() >= buckets.len().min(wanted as usize));
    }
}
