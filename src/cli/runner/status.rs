//! `status`: how the last runs went, and whether the next one is overdue.

use super::place::{self, PlaceArgs, Scheduled};
use super::{Ground, failure};
use crate::cli::completion;
use crate::cli::output::{Failure, print};
use crate::contract::{Instance, SpecLocation, exit};
use crate::run::backup::{self, Outcome, PastRun};
use crate::run::drill::{Owner, PastDrill};
use crate::run::os;
use crate::schedule::{Schedule, Trigger};
use crate::value::{Bytes, parse_duration};
use clap::Args;
use clap_complete::ArgValueCompleter;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::Serialize;
use std::fmt::Write as _;
use std::time::Duration;

/// How much later than due a run may be where nothing is said: half an interval, within these bounds.
const SLACK_MIN: Duration = Duration::from_secs(300);
const SLACK_MAX: Duration = Duration::from_secs(6 * 3600);
/// How many sizes are drawn.
const SIZES_MAX: usize = 40;
const SPARKS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// What `status` is told.
#[derive(Debug, Args)]
pub(super) struct StatusArgs {
    /// The job; without it every job of the spec
    #[arg(value_name = "JOB", add = ArgValueCompleter::new(completion::jobs))]
    name: Option<String>,
    /// The spec: a path, or etcd:KEY. Without it the job is read from `EIGHTBELLS_JOB`, whose schedule is not known
    #[arg(long, value_name = "SPEC")]
    spec: Option<SpecLocation>,
    /// Only this instance, escaped as in a unit's name
    #[arg(long, value_name = "INSTANCE", allow_hyphen_values = true)]
    instance: Option<Instance>,
    /// How much later than due a run may be before it is overdue
    #[arg(long, value_name = "DURATION", value_parser = parse_duration)]
    slack: Option<Duration>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// How a job's instance is doing.
#[derive(Debug, Serialize)]
struct Status {
    job: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    instance: Option<String>,
    /// Where this is known from.
    known_from: &'static str,
    last_run: Option<Timestamp>,
    last_outcome: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_problem: Option<String>,
    last_success: Option<Timestamp>,
    next_run: Option<Timestamp>,
    /// When the next good run must have begun.
    due: Option<Timestamp>,
    overdue: bool,
    /// Bytes of the last archives, oldest first.
    sizes: Vec<u64>,
    /// Of a job that has a drill, or had one here.
    #[serde(skip_serializing_if = "Option::is_none")]
    drill: Option<DrillStatus>,
}

/// How a job's drills are doing.
#[derive(Debug, PartialEq, Serialize)]
struct DrillStatus {
    last: Option<Timestamp>,
    good: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    problem: Option<String>,
    last_good: Option<Timestamp>,
    next: Option<Timestamp>,
    /// When the next good one must have begun.
    due: Option<Timestamp>,
    overdue: bool,
}

impl DrillStatus {
    /// A job that was never drilled is overdue once its first known archive is so old that a drill was due since.
    fn of(
        past: Option<PastDrill>,
        schedule: Option<&Schedule>,
        first_archive: Option<Timestamp>,
        slack: Option<Duration>,
        now: Timestamp,
    ) -> Option<Self> {
        if past.is_none() && schedule.is_none() {
            return None;
        }
        let (last, last_good) = (past.as_ref().map(|past| past.time), past.as_ref().and_then(|past| past.last_good));
        let due = last_good.or(first_archive).zip(schedule).and_then(|(time, schedule)| due(schedule, time, slack));
        Some(Self {
            last,
            good: past.as_ref().map(|past| past.good),
            problem: past.and_then(|past| past.problem),
            last_good,
            next: schedule.and_then(|schedule| next(schedule, last, now)),
            due,
            overdue: due.is_some_and(|due| due < now),
        })
    }

    fn shown(&self) -> String {
        let Self { last, good, problem, last_good: _, next, due: _, overdue } = self;
        let time = last.map_or("never, as far as is known".to_owned(), |time| time.to_string());
        let outcome = good.map_or("", |good| if good { ", well" } else { ", failed" });
        let problem = problem.as_ref().map(|problem| format!(": {problem}")).unwrap_or_default();
        let overdue = if *overdue { ": OVERDUE" } else { "" };
        let mut text = format!("  last drill    {time}{outcome}{problem}{overdue}\n");
        if let Some(next) = next {
            let _ = writeln!(text, "  next drill    {next}");
        }
        text
    }
}

pub(super) async fn run(args: &StatusArgs, ground: &Ground) -> Result<u8, Failure> {
    let StatusArgs { name, spec, instance, slack, json } = args;
    let jobs = place::jobs(spec.as_ref(), name.as_deref(), ground).await?;
    let mut all = vec![];
    for Scheduled { job, schedule, drill, instances } in jobs {
        let wanted = instance.as_ref().map(place::unescaped).transpose()?;
        for one in instances.into_iter().filter(|one| wanted.is_none() || *one == wanted) {
            let runs = Box::pin(known(args, &job, one.as_deref(), ground)).await?;
            let past = past_drill(&job.name, one.as_deref(), ground)?;
            let drill = DrillStatus::of(past, drill.as_ref(), runs.first(), *slack, os::now());
            all.push(Status { drill, ..status(&job.name, one, &runs, schedule.as_ref(), *slack, os::now()) });
        }
    }
    if *json {
        print(&format!("{:#}\n", serde_json::json!(all)))?;
    } else {
        print(&all.iter().map(shown).collect::<Vec<_>>().join("\n"))?;
    }
    let bad_drill = |drill: &DrillStatus| drill.overdue || drill.good == Some(false);
    let bad = |status: &Status| {
        status.overdue
            || status.last_outcome == Some(Outcome::Failed.word())
            || status.drill.as_ref().is_some_and(bad_drill)
    };
    Ok(if all.iter().any(bad) { exit::FAILED } else { exit::OK })
}

/// What is known of a job's runs, and from where.
struct Known {
    from: &'static str,
    runs: Vec<PastRun>,
    /// Sets at destinations, by their time, where no run is known.
    sets: Vec<(Timestamp, u64)>,
}

impl Known {
    /// The oldest good archive that is known of.
    fn first(&self) -> Option<Timestamp> {
        let run = self.runs.iter().find(|run| run.is_good()).map(|run| run.time);
        run.or_else(|| self.sets.first().map(|(time, _)| *time))
    }
}

fn past_drill(job: &str, instance: Option<&str>, ground: &Ground) -> Result<Option<PastDrill>, Failure> {
    let state = ground.state()?;
    let owner = Owner { job: job.to_owned(), instance: instance.map(str::to_owned) };
    Ok(PastDrill::last(&state, &owner))
}

async fn known(
    args: &StatusArgs,
    job: &crate::contract::Job,
    instance: Option<&str>,
    ground: &Ground,
) -> Result<Known, Failure> {
    let context = place::context(job, instance)?;
    let state = ground.state()?;
    let folder = backup::reports_folder(&state, job, &context).map_err(|error| failure(exit::FAILED, &error))?;
    let runs = backup::past_runs(&folder);
    if !runs.is_empty() {
        return Ok(Known { from: "reports", runs, sets: vec![] });
    }
    let place = PlaceArgs::of(&job.name, args.spec.clone(), instance);
    let shelves = place.shelves(ground).await?;
    let good = |shelf: &place::Shelf| -> Vec<(Timestamp, u64)> {
        shelf.sets.iter().filter(|set| set.is_good()).map(|set| (set.time, set.size())).collect()
    };
    let sets = shelves.iter().map(good).max_by_key(|sets| sets.last().map(|(time, _)| *time)).unwrap_or_default();
    Ok(Known { from: if sets.is_empty() { "nothing" } else { "destinations" }, runs, sets })
}

fn status(
    job: &str,
    instance: Option<String>,
    known: &Known,
    schedule: Option<&Schedule>,
    slack: Option<Duration>,
    now: Timestamp,
) -> Status {
    let Known { from, runs, sets } = known;
    let last = runs.last();
    let good = runs.iter().rev().find(|run| run.is_good()).map(|run| run.time);
    let last_success = good.or_else(|| sets.last().map(|(time, _)| *time));
    let last_run = last.map(|run| run.time).or(last_success);
    let due = last_success.zip(schedule).and_then(|(time, schedule)| due(schedule, time, slack));
    let mut sizes: Vec<u64> = runs.iter().filter(|run| !run.sources.is_empty()).map(PastRun::size).collect();
    sizes.extend(sets.iter().map(|(_, size)| *size));
    sizes.drain(..sizes.len().saturating_sub(SIZES_MAX));
    Status {
        job: job.to_owned(),
        instance,
        known_from: from,
        last_run,
        last_outcome: last.map(|run| run.outcome.word()),
        last_problem: last.and_then(|run| run.problem.as_ref()).map(|problem| problem.message.clone()),
        last_success,
        next_run: schedule.and_then(|schedule| next(schedule, last_run, now)),
        due,
        overdue: last_success.is_none() || due.is_some_and(|due| due < now),
        sizes,
        drill: None,
    }
}

/// When a schedule starts the next run after a moment.
fn after(schedule: &Schedule, time: Timestamp) -> Option<Timestamp> {
    match &schedule.trigger {
        Trigger::Every(interval) => time.checked_add(*interval).ok(),
        Trigger::Calendar { specs, catch_up: _ } => {
            specs.iter().filter_map(|spec| spec.next_after(time, &TimeZone::system())).min()
        }
    }
}

fn next(schedule: &Schedule, last_run: Option<Timestamp>, now: Timestamp) -> Option<Timestamp> {
    match &schedule.trigger {
        Trigger::Every(_) => after(schedule, last_run?),
        Trigger::Calendar { .. } => after(schedule, now),
    }
}

fn due(schedule: &Schedule, good: Timestamp, slack: Option<Duration>) -> Option<Timestamp> {
    let next = after(schedule, good)?;
    let interval = Duration::try_from(after(schedule, next)?.duration_since(next)).unwrap_or_default();
    let slack = slack.unwrap_or_else(|| (interval / 2).clamp(SLACK_MIN, SLACK_MAX));
    next.checked_add(slack).ok()?.checked_add(schedule.jitter.unwrap_or_default()).ok()
}

fn shown(status: &Status) -> String {
    let Status { job, instance, known_from, last_run, last_outcome, last_problem, last_success, next_run, .. } = status;
    let time = |time: &Option<Timestamp>| time.map_or("never, as far as is known".to_owned(), |time| time.to_string());
    let instance = instance.as_ref().map(|instance| format!(" ({instance})")).unwrap_or_default();
    let mut text = format!("{job}{instance}{}\n", if status.overdue { ": OVERDUE" } else { "" });
    let outcome = last_outcome.map(|outcome| format!(", {outcome}")).unwrap_or_default();
    let problem = last_problem.as_ref().map(|problem| format!(": {problem}")).unwrap_or_default();
    let _ = writeln!(text, "  last run      {}{outcome}{problem}", time(last_run));
    let _ = writeln!(text, "  last success  {}", time(last_success));
    if let Some(next) = next_run {
        let _ = writeln!(text, "  next run      {next}");
    }
    if let Some(last) = status.sizes.last() {
        let _ = writeln!(text, "  sizes         {} {}", sparkline(&status.sizes), Bytes(*last));
    }
    if let Some(drill) = &status.drill {
        text.push_str(&drill.shown());
    }
    if *known_from == "destinations" {
        text.push_str("  (from the destinations: this host has no reports of it)\n");
    }
    text
}

/// Sizes as a line of blocks, from the least to the greatest.
fn sparkline(sizes: &[u64]) -> String {
    let (least, most) = (sizes.iter().min().copied().unwrap_or(0), sizes.iter().max().copied().unwrap_or(0));
    let step = |size: u64| {
        let steps = SPARKS.len() as u64 - 1;
        let height = (u128::from(size - least) * u128::from(steps)).checked_div(u128::from(most - least));
        height.and_then(|height| usize::try_from(height).ok()).unwrap_or(SPARKS.len() / 2)
    };
    sizes.iter().filter_map(|size| SPARKS.get(step(*size))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn every(hours: u64) -> Schedule {
        let trigger = Trigger::Every(Duration::from_secs(hours * 3600));
        Schedule { trigger, jitter: None, unless_newer_than: None, blackout: vec![] }
    }

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn good(time: &str) -> Known {
        let run = PastRun { time: at(time), seconds: 1.0, outcome: Outcome::Done, sources: vec![], problem: None };
        Known { from: "reports", runs: vec![run], sets: vec![] }
    }

    #[test]
    fn a_run_is_overdue_once_its_interval_and_the_slack_are_over() {
        let known = good("2026-01-01T00:00:00Z");
        let is_overdue = |now, slack| status("j", None, &known, Some(&every(4)), slack, at(now)).overdue;
        assert!(!is_overdue("2026-01-01T05:59:00Z", None));
        assert!(is_overdue("2026-01-01T06:01:00Z", None));
        assert!(is_overdue("2026-01-01T04:02:00Z", Some(Duration::from_secs(60))));
        let never = Known { from: "nothing", runs: vec![], sets: vec![] };
        assert!(status("j", None, &never, Some(&every(4)), None, at("2026-01-01T00:00:00Z")).overdue);
    }

    #[test]
    fn a_clock_set_back_makes_nothing_overdue() {
        let known = good("2026-06-01T00:00:00Z");
        assert!(!status("j", None, &known, Some(&every(4)), None, at("2026-01-01T00:00:00Z")).overdue);
    }

    #[test]
    fn the_next_run_of_a_calendar_is_its_next_elapse() {
        let specs = vec![crate::schedule::CalendarSpec::parse("*-*-* 02:30:00 UTC").unwrap()];
        let schedule = Schedule { trigger: Trigger::Calendar { specs, catch_up: false }, ..every(1) };
        let known = good("2026-01-01T02:30:00Z");
        let status = status("j", None, &known, Some(&schedule), None, at("2026-01-02T09:00:00Z"));
        assert_eq!(status.next_run, Some(at("2026-01-03T02:30:00Z")));
        assert_eq!(status.due, Some(at("2026-01-02T08:30:00Z")));
        assert!(status.overdue);
    }

    #[test]
    fn a_drill_is_overdue_by_its_own_schedule_and_one_that_never_was_by_the_first_archive() {
        let weekly = every(24 * 7);
        let first = Some(at("2026-01-01T00:00:00Z"));
        let never = |now| DrillStatus::of(None, Some(&weekly), first, None, at(now)).unwrap();
        assert!(!never("2026-01-08T05:59:00Z").overdue && never("2026-01-08T06:01:00Z").overdue);
        assert!(!DrillStatus::of(None, Some(&weekly), None, None, at("2026-02-01T00:00:00Z")).unwrap().overdue);
        assert_eq!(DrillStatus::of(None, None, first, None, at("2026-02-01T00:00:00Z")), None);
        let good = Some(at("2026-01-08T00:00:00Z"));
        let failed =
            PastDrill { time: at("2026-01-15T00:00:00Z"), seconds: 1.0, good: false, problem: None, last_good: good };
        let status = DrillStatus::of(Some(failed), Some(&weekly), first, None, at("2026-01-15T01:00:00Z")).unwrap();
        assert!(!status.overdue && status.good == Some(false));
        assert_eq!((status.due, status.next), (Some(at("2026-01-15T06:00:00Z")), Some(at("2026-01-22T00:00:00Z"))));
    }

    #[test]
    fn sizes_are_drawn_from_the_least_to_the_greatest() {
        assert_eq!(sparkline(&[0, 50, 100]), "▁▄█");
        assert_eq!(sparkline(&[7, 7]), "▅▅");
        assert_eq!(sparkline(&[]), "");
        assert_eq!(sparkline(&[0, u64::MAX]), "▁█");
    }
}
