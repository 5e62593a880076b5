//! The rules by number and period against restic's: the same snapshots, the same that stay.

use std::num::NonZeroU32;
use std::path::Path;
use std::process::{Command, Stdio};

use eightbells::retention::{Dated, Keep, Period, Policy, Standing, decide};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use crate::support::{output_of, sized, skip, temp_dir};

const ZONE: &str = "Europe/Berlin";

fn restic(repository: &Path) -> Command {
    let mut command = Command::new("restic");
    command.env("RESTIC_PASSWORD", "bells").env("TZ", ZONE).args(["--quiet", "--no-cache", "--repo"]);
    command.arg(repository).stdin(Stdio::null());
    command
}

/// Times over New Year, whose weeks belong to one year and days to another, then further and further apart; none in an
/// hour that clocks repeat, which restic takes for one.
fn times(count: i64) -> Vec<Timestamp> {
    let last: Timestamp = "2027-01-04T10:17:00Z".parse().unwrap();
    let ago = |index: i64| index * 5 + index * index * index / 9;
    let zone = TimeZone::get(ZONE).unwrap();
    let twice = |time: &Timestamp| zone.to_ambiguous_timestamp(zone.to_datetime(*time)).is_ambiguous();
    let times = (0..count).map(|index| last - SignedDuration::from_hours(ago(index)));
    times.filter(|time| !twice(time)).collect()
}

fn store(repository: &Path, times: &[Timestamp]) {
    output_of(restic(repository).arg("init"));
    let zone = TimeZone::get(ZONE).unwrap();
    for time in times {
        let local = time.to_zoned(zone.clone()).strftime("%Y-%m-%d %H:%M:%S").to_string();
        output_of(restic(repository).args(["backup", "--time", &local, "/etc/hostname"]));
    }
}

fn kept_by_restic(repository: &Path, policy: &Policy) -> Vec<Timestamp> {
    let mut command = restic(repository);
    command.args(["forget", "--dry-run", "--json", "--group-by", ""]);
    let last = policy.last.map(|count| ("last", count));
    let periods = policy.periods().map(|(period, count)| match period {
        Period::Hourly => ("hourly", count),
        Period::Daily => ("daily", count),
        Period::Weekly => ("weekly", count),
        Period::Monthly => ("monthly", count),
        Period::Yearly => ("yearly", count),
        Period::Quarterly => panic!("restic has no quarters"),
    });
    for (name, count) in last.into_iter().chain(periods) {
        command.arg(format!("--keep-{name}={count}"));
    }
    let answer: Value = serde_json::from_str(&output_of(&mut command)).unwrap();
    let time = |snapshot: &Value| snapshot["time"].as_str().unwrap().parse().unwrap();
    let mut kept: Vec<Timestamp> = answer[0]["keep"].as_array().unwrap().iter().map(time).collect();
    kept.sort();
    kept
}

fn kept_by_us(times: &[Timestamp], policy: &Policy) -> Vec<Timestamp> {
    let archives: Vec<Dated> =
        times.iter().map(|time| Dated { time: *time, standing: Standing::Good, pinned: false }).collect();
    let zone = TimeZone::get(ZONE).unwrap();
    let verdicts = decide(&archives, &Keep::Policy(policy.clone()), times[0], &zone);
    let mut kept: Vec<Timestamp> =
        times.iter().zip(verdicts).filter(|(_, verdict)| verdict.stays()).map(|(time, _)| *time).collect();
    kept.sort();
    kept
}

#[test]
fn restic_keeps_the_same_ones() {
    if Command::new("restic").arg("version").output().is_err() {
        return skip("restic is not installed");
    }
    let folder = temp_dir();
    let repository = folder.path().join("repository");
    let times = times(sized(14, 90));
    store(&repository, &times);
    let n = NonZeroU32::new;
    let none = Policy::default();
    let policies = [
        Policy { last: n(3), ..none.clone() },
        Policy { hourly: n(4), daily: n(3), ..none.clone() },
        Policy { weekly: n(2), ..none.clone() },
        Policy { daily: n(7), weekly: n(5), monthly: n(12), yearly: n(5), ..none.clone() },
        Policy { monthly: n(2), yearly: n(1), ..none.clone() },
        Policy { yearly: n(50), ..none.clone() },
        Policy { last: n(1000), ..none },
    ];
    // The oldest stays where periods are left over; restic does so in later versions than Debian 12 has.
    let but_the_oldest = |kept: Vec<Timestamp>| kept.into_iter().filter(|time| times.last() != Some(time)).collect();
    for policy in policies {
        let ours: Vec<Timestamp> = but_the_oldest(kept_by_us(&times, &policy));
        assert_eq!(ours, but_the_oldest(kept_by_restic(&repository, &policy)), "{policy:?}");
    }
}
