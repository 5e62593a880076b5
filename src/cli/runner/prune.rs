//! `prune`: what a run does at its end, by hand.

use super::choose::one_job;
use super::place::{Place, PlaceArgs, Shelf};
use super::table::{printable, table};
use super::{Ground, failure, of_lock};
use crate::cli::output::{Failure, print, say};
use crate::contract::exit;
use crate::retention::{Guard, Keep, Policy};
use crate::run::catalog::Set;
use crate::run::lock::Lock;
use crate::run::mark::{self, Mark, MarkKind};
use crate::run::os::{self, RunId};
use crate::run::prune::{Held, Judged, Judgement, Locked, Notes, PruneError, Pruned, Rules, carry_out, judge};
use crate::run::store::Ledger;
use crate::value::{Bytes, parse_duration};
use clap::Args;
use jiff::tz::TimeZone;
use serde_json::{Value, json};
use std::num::NonZeroU32;
use std::time::Duration;

/// What `prune` is told.
#[derive(Debug, Args)]
pub(super) struct PruneArgs {
    #[command(flatten)]
    place: PlaceArgs,
    #[command(flatten)]
    policy: PolicyArgs,
    /// Say what would go, and why the rest stays, and remove nothing
    #[arg(long)]
    dry_run: bool,
    /// The newest archive is as small as it should be: prune on its account, now and after later runs
    #[arg(long)]
    accept_small: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// A policy; with any of these it takes the place of the job's own.
#[derive(Debug, Args)]
#[command(next_help_heading = "Policy, instead of the job's; needed with --from")]
struct PolicyArgs {
    /// Keep what is younger
    #[arg(long, value_name = "DURATION", value_parser = parse_duration)]
    within: Option<Duration>,
    /// Keep the newest so many
    #[arg(long, value_name = "N")]
    last: Option<NonZeroU32>,
    /// Keep the newest of each of so many hours
    #[arg(long, value_name = "N")]
    hourly: Option<NonZeroU32>,
    /// Keep the newest of each of so many days
    #[arg(long, value_name = "N")]
    daily: Option<NonZeroU32>,
    /// Keep the newest of each of so many weeks
    #[arg(long, value_name = "N")]
    weekly: Option<NonZeroU32>,
    /// Keep the newest of each of so many months
    #[arg(long, value_name = "N")]
    monthly: Option<NonZeroU32>,
    /// Keep the newest of each of so many quarters
    #[arg(long, value_name = "N")]
    quarterly: Option<NonZeroU32>,
    /// Keep the newest of each of so many years
    #[arg(long, value_name = "N")]
    yearly: Option<NonZeroU32>,
    /// Keep the newest so many in any case; 3 with --within
    #[arg(long, value_name = "N")]
    at_least: Option<NonZeroU32>,
    /// The time zone whose clocks tell hours, days and months; the archive's, or UTC, without it
    #[arg(long, value_name = "ZONE", value_parser = zone)]
    timezone: Option<TimeZone>,
}

fn zone(name: &str) -> Result<TimeZone, String> {
    if name == "UTC" {
        return Ok(TimeZone::UTC);
    }
    TimeZone::get(name).map_err(|_| "no time zone of this name is known here".into())
}

impl PolicyArgs {
    fn policy(&self) -> Option<Policy> {
        let Self { within, last, hourly, daily, weekly, monthly, quarterly, yearly, at_least, timezone: _ } = self;
        let policy = Policy {
            within: *within,
            last: *last,
            hourly: *hourly,
            daily: *daily,
            weekly: *weekly,
            monthly: *monthly,
            quarterly: *quarterly,
            yearly: *yearly,
            at_least: *at_least,
        };
        (policy != Policy::default()).then_some(policy)
    }
}

pub(super) async fn prune(args: &PruneArgs, ground: &Ground) -> Result<u8, Failure> {
    let place = args.place.open(ground).await?;
    one_job(&place.shelves)?;
    let given = args.policy.policy().map(Keep::Policy);
    if place.job.is_none() && given.is_none() {
        return Err(Failure::new(exit::USAGE, "a bare destination has no policy: say what is to be kept")
            .help("for example `--daily 7 --weekly 5 --monthly 12`"));
    }
    let _lock = lock(&place, args.dry_run, ground)?;
    let zone = args.policy.timezone.as_ref().unwrap_or(&place.zone);
    let mut told = Told { text: String::new(), json: vec![], held: false, failed: false };
    for shelf in &place.shelves {
        let keep = given.as_ref().unwrap_or(&shelf.keep);
        let rules = match &place.job {
            Some(job) => Rules::of(job, keep, zone),
            None => Rules { keep, guard: Guard::usual(), may_be_empty: vec![], zone },
        };
        prune_one(args, shelf, &rules, &mut told).await;
    }
    print(&if args.json { format!("{:#}\n", Value::Array(told.json)) } else { told.text })?;
    Ok(match (told.failed, told.held || place.unread > 0) {
        (true, _) => exit::FAILED,
        (false, true) => exit::PARTIAL,
        (false, false) => exit::OK,
    })
}

/// No run of the job may store here meanwhile; a dry run disturbs nobody.
fn lock(place: &Place, dry_run: bool, ground: &Ground) -> Result<Option<Lock>, Failure> {
    let Some(job) = place.job.as_ref().filter(|_| !dry_run) else { return Ok(None) };
    let state = ground.state()?;
    let run = RunId::random().map_err(|error| failure(exit::FAILED, &error))?;
    Lock::take(&state, &job.name, place.instance.as_deref(), &run).map(Some).map_err(|error| of_lock(&error))
}

/// What is to be printed in the end.
struct Told {
    text: String,
    json: Vec<Value>,
    held: bool,
    failed: bool,
}

async fn prune_one(args: &PruneArgs, shelf: &Shelf, rules: &Rules<'_>, told: &mut Told) {
    let now = os::now();
    let mut judgement = judge(&shelf.sets, rules, now);
    if args.accept_small && matches!(judgement.held, Some(Held::Shrunk(_))) {
        if let Err(error) = accept(args, shelf).await {
            error.print();
            told.failed = true;
            return;
        }
        judgement = judge(&shelf.sets, &Rules { guard: None, ..rules.clone() }, now);
    }
    let done = if args.dry_run {
        let (kept, held) = (judgement.sets.len(), judgement.held.clone());
        Ok(Pruned { removed: vec![], kept, held, locked: vec![] })
    } else {
        let notes = Notes { ledger: &Ledger::default(), destination: &shelf.name };
        carry_out(shelf.store.as_ref(), &judgement, notes).await
    };
    let locked = done.as_ref().map_or(&[][..], |pruned| &pruned.locked);
    told.text.push_str(&as_table(shelf, &judgement, args.dry_run, locked));
    told.json.push(as_json(shelf, &judgement, &done));
    match done {
        Ok(Pruned { held: Some(held), .. }) => {
            told.held = true;
            say(&format!("warning: `{}`: {held}\n  help: {}", shelf.name, held.help()));
        }
        Ok(Pruned { held: None, locked, .. }) => {
            for locked in locked {
                say(&format!("`{}`: {locked}", shelf.name));
            }
        }
        Err(error) => {
            told.failed = true;
            failure(exit::FAILED, &error).print();
        }
    }
}

/// Says beside the newest good set that its size is right.
async fn accept(args: &PruneArgs, shelf: &Shelf) -> Result<(), Failure> {
    let newest = shelf.sets.iter().rev().find(|set| set.is_good());
    let manifest = newest.and_then(|set| set.manifest_name.as_ref());
    let Some(manifest) = manifest.filter(|_| !args.dry_run) else { return Ok(()) };
    let put = mark::put(shelf.store.as_ref(), manifest, MarkKind::Accepted, &Mark::new(None)).await;
    put.map_err(|error| failure(exit::FAILED, &error))
}

fn word(judgement: &Judgement<'_>, judged: &Judged<'_>, locked: &[Locked]) -> &'static str {
    match (judged.verdict.stays(), &judgement.held) {
        (true, _) => "stays",
        (false, None) if is_locked(judged.set, locked) => "locked",
        (false, None) => "goes",
        (false, Some(_)) => "held",
    }
}

fn is_locked(set: &Set, locked: &[Locked]) -> bool {
    locked.iter().any(|locked| locked.time == set.time)
}

fn reasons(judged: &Judged<'_>) -> Vec<String> {
    judged.verdict.reasons.iter().map(ToString::to_string).collect()
}

fn as_table(shelf: &Shelf, judgement: &Judgement<'_>, dry_run: bool, locked: &[Locked]) -> String {
    let row = |judged: &Judged<'_>| {
        let reasons = if judged.verdict.stays() { reasons(judged).join("; ") } else { "no rule holds it".into() };
        let size = Bytes(judged.set.size()).to_string();
        vec![format!("  {}", word(judgement, judged, locked)), judged.set.time.to_string(), size, reasons]
    };
    let doomed: Vec<&Set> = judgement.doomed().filter(|set| !is_locked(set, locked)).collect();
    let size = doomed.iter().map(|set| set.size()).fold(0, u64::saturating_add);
    let (verb, count) = (if dry_run { "would go" } else { "went" }, doomed.len());
    let place = printable(&shelf.store.describe());
    let head = format!("{}, {place}: {count} of {} {verb}, {}\n", shelf.name, judgement.sets.len(), Bytes(size));
    head + &table(&judgement.sets.iter().map(row).collect::<Vec<_>>())
}

fn as_json(shelf: &Shelf, judgement: &Judgement<'_>, done: &Result<Pruned, PruneError>) -> Value {
    let locked = done.as_ref().map_or(&[][..], |pruned| &pruned.locked);
    let archive = |judged: &Judged<'_>| {
        let names: Vec<&str> = judged.set.objects.iter().map(|object| object.name.as_str()).collect();
        json!({
            "time": judged.set.time.to_string(), "size": judged.set.size(), "verdict": word(judgement, judged, locked),
            "reasons": reasons(judged), "objects": names,
        })
    };
    let archives: Vec<Value> = judgement.sets.iter().map(archive).collect();
    let removed = done.as_ref().map_or(&[][..], |pruned| &pruned.removed);
    json!({
        "destination": shelf.name, "place": shelf.store.describe(), "archives": archives, "removed": removed,
        "held": judgement.held.as_ref().map(ToString::to_string),
        "error": done.as_ref().err().map(|error| failure(exit::FAILED, error).message),
    })
}
