//! `verify`.

use super::choose::{Copy, copies};
use super::keys::KeyArgs;
use super::place::PlaceArgs;
use super::table::{printable, state};
use super::{Ground, failure};
use crate::cli::output::{Failure, print, say};
use crate::contract::exit;
use crate::retention::Percent;
use crate::run::os;
use crate::run::restore::{self, Machine, Verified};
use crate::run::select::At;
use crate::value::Bytes;
use clap::Args;
use jiff::Timestamp;
use serde_json::{Value, json};

/// What `verify` is told.
#[derive(Debug, Args)]
pub(super) struct VerifyArgs {
    #[command(flatten)]
    place: PlaceArgs,
    /// Which archive: latest, latest~N, a time, or an object's name; every one without it
    #[arg(long, value_name = "WHICH")]
    at: Option<At>,
    /// Only those whose turn is today: with 5%, each archive's comes once in 20 days, so that a verification every day
    /// looks at all of them
    #[arg(long, value_name = "SHARE", value_parser = share, conflicts_with = "at")]
    sample: Option<Percent>,
    /// An archive that cannot be looked into, because its key is not given, is a fault
    #[arg(long, conflicts_with = "digests")]
    deep: bool,
    /// Only lengths and SHA-256, without unpacking anything
    #[arg(long)]
    digests: bool,
    #[command(flatten)]
    keys: KeyArgs,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

fn share(text: &str) -> Result<Percent, String> {
    Percent::parse(text).ok_or_else(|| "a share is from 1% to 99%".into())
}

pub(super) async fn verify(args: &VerifyArgs, ground: &Ground) -> Result<u8, Failure> {
    let place = args.place.open(ground).await?;
    let mut work: Vec<Copy<'_>> = match &args.at {
        None => place.shelves.iter().flat_map(|shelf| shelf.sets.iter().map(move |set| (shelf, set))).collect(),
        Some(at) => copies(&place.shelves, at)?,
    };
    if work.is_empty() {
        return Err(Failure::new(exit::FAILED, "there is nothing to verify"));
    }
    if let Some(share) = args.sample {
        let (all, today) = (work.len(), os::now());
        work.retain(|(_, set)| is_due(set.time, share, today));
        say(&format!("{} of {all} archives have their turn today", work.len()));
    }
    let machine = args.keys.machine(ground, &place.shelves)?;
    let (mut bad, mut told) = (0, vec![]);
    for copy in work {
        let result = verify_one(args, copy, &machine).await;
        bad += usize::from(result.is_err());
        told.push(value(copy, &result));
        say(&line(copy, args.digests, &result));
    }
    if args.json {
        print(&format!("{:#}\n", Value::Array(told)))?;
    }
    match (bad, place.unread) {
        (0, 0) => Ok(exit::OK),
        (0, _) => Ok(exit::PARTIAL),
        (_, _) => Err(Failure::new(exit::FAILED, format!("{bad} of the archives cannot be relied on"))),
    }
}

/// Whether an archive has its turn on a day: once in so many days, told by its own time, whatever others there are.
fn is_due(archive: Timestamp, share: Percent, today: Timestamp) -> bool {
    const DAY: i64 = 86_400;
    let turns = i64::from(100u8.div_ceil(share.hundredths()));
    // Archives lie at like times of the day, and hours apart: their seconds alone would share few turns. This is
    // splitmix64's first step, by which neighbours differ.
    let mixed = archive.as_second().cast_unsigned().wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 33;
    let turn = i64::try_from(mixed).unwrap_or(0) % turns;
    today.as_second().div_euclid(DAY).rem_euclid(turns) == turn
}

/// What one copy came to: each object, or why it is bad.
type Outcome = Result<Vec<Verified>, String>;

async fn verify_one(args: &VerifyArgs, (shelf, set): Copy<'_>, machine: &Machine) -> Outcome {
    if !set.is_good() {
        return Err(state(set));
    }
    let verified = restore::verify(shelf.store.as_ref(), set, !args.digests, machine).await;
    let verified = verified.map_err(|error| failure(exit::FAILED, &error).message.unwrap_or_default())?;
    match verified.iter().find(|object| args.deep && !object.deep) {
        Some(closed) => Err(format!("`{}` is encrypted, and no key was given to look into it", closed.name)),
        None => Ok(verified),
    }
}

fn line((shelf, set): Copy<'_>, digests: bool, result: &Outcome) -> String {
    let at = printable(&shelf.name);
    let good = |object: &Verified| {
        let members = object.members.map_or_else(String::new, |n| format!(", {n} members"));
        let depth = match (object.deep, digests) {
            (true, _) => "",
            (false, true) => ", size and SHA-256 only",
            (false, false) => ", size and SHA-256 only: no key was given to look into it",
        };
        format!("good  {} at {at}: {}{members}{depth}", printable(&object.name), Bytes(object.size))
    };
    match result {
        Ok(objects) => objects.iter().map(good).collect::<Vec<_>>().join("\n"),
        Err(why) => format!("bad   {} at {at}: {why}", set.time),
    }
}

fn value((shelf, set): Copy<'_>, result: &Outcome) -> Value {
    let object = |o: &Verified| {
        json!({
            "name": o.name, "size": o.size, "members": o.members, "deep": o.deep, "against_manifest": o.against_manifest,
        })
    };
    json!({
        "destination": shelf.name, "time": set.time.to_string(), "good": result.is_ok(),
        "objects": result.as_ref().map_or_else(|_| vec![], |objects| objects.iter().map(object).collect()),
        "fault": result.as_ref().err(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::SignedDuration;

    #[test]
    fn every_archive_has_its_turn_once_in_so_many_days_and_about_as_many_each_day() {
        let now: Timestamp = "2026-11-26T03:00:00Z".parse().unwrap();
        let share = Percent::parse("5%").unwrap();
        let archives: Vec<Timestamp> = (0..400).map(|i| now - SignedDuration::from_hours(4 * i)).collect();
        let mut of_days = vec![0; 20];
        for archive in archives {
            let mut turns = 0;
            for (count, day) in of_days.iter_mut().zip(0..) {
                if is_due(archive, share, now + SignedDuration::from_hours(24 * day)) {
                    *count += 1;
                    turns += 1;
                }
            }
            assert_eq!(turns, 1, "{archive}");
        }
        assert!(of_days.iter().all(|count| (5..=60).contains(count)), "{of_days:?}");
    }
}
