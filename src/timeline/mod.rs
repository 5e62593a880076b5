//! When the jobs of a spec run, where they collide, and what spreading them would change.
//!
//! ```
//! use eightbells::timeline::{Question, timeline};
//! use jiff::tz::TimeZone;
//! use std::time::Duration;
//!
//! let text = "version: 1\ndestinations: {h: {local: {path: /var/backups}}}\njobs:\n  a:\n    schedule: {calendar: \"02:00\"}\n    sources: {s: {paths: [/etc]}}\n    store: [h]\n";
//! let (spec, _) = eightbells::spec::load_text("a.yaml", text.as_bytes());
//! let from = "2026-11-27T00:00:00Z".parse().unwrap();
//! let question = Question { from, length: Duration::from_secs(7 * 86_400), zone: TimeZone::UTC };
//! let line = timeline(&spec.unwrap(), &question, &|_, _| None).unwrap();
//! assert_eq!(line.rows[0].runs.len(), 7);
//! ```

mod load;
mod page;
mod text;

pub use load::{Clash, Collision, Spread};
pub use page::{html, svg};
pub use text::{Style, list, table};

use crate::schedule::{Schedule, Trigger};
use crate::spec::{Job, Spec};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use std::time::Duration;

/// A run of which nobody knows how long it takes counts as this long: two that start in the same minute collide.
pub const DURATION_ASSUMED: Duration = Duration::from_secs(60);
/// A timeline holds at most this many runs.
pub const RUNS_MAX: usize = 200_000;

/// What to ask.
#[derive(Debug, Clone)]
pub struct Question {
    /// The first moment; timers of `every:` are taken to start then.
    pub from: Timestamp,
    /// How long from there.
    pub length: Duration,
    /// The zone of calendar expressions that name none, and of what is shown.
    pub zone: TimeZone,
}

/// A spec whose runs are too many to show.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("more than {RUNS_MAX} runs")]
pub struct TooMany;

/// All runs of a spec in a stretch of time.
#[derive(Debug, Clone)]
pub struct Timeline {
    /// What was asked.
    pub question: Question,
    /// A job, an instance of one, or the drill of either, each.
    pub rows: Vec<Row>,
}

/// The runs of a job, or of one of its instances.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// `wiki@80`, or the job's name; of a drill `wiki-drill@80`.
    pub label: String,
    /// When they start, oldest first.
    pub runs: Vec<Timestamp>,
    /// A random delay of at most this comes on top.
    pub jitter: Duration,
    /// How long one takes, by what past runs took.
    pub duration: Option<Duration>,
    /// The schedule in its author's words.
    pub schedule: String,
}

impl Row {
    /// How long a run is taken to last.
    #[must_use]
    pub fn length(&self) -> Duration {
        self.duration.unwrap_or(DURATION_ASSUMED)
    }
}

/// Reckons all runs. `durations` says how long runs of a job's instance took in the past, where it knows.
///
/// # Errors
/// [`TooMany`].
pub fn timeline(
    spec: &Spec,
    question: &Question,
    durations: &dyn Fn(&str, Option<&str>) -> Option<Duration>,
) -> Result<Timeline, TooMany> {
    let mut rows = vec![];
    let mut total = 0;
    for (job, name, schedule) in spec.jobs.iter().flat_map(scheduled) {
        let runs = runs(schedule, question)?;
        for instance in instances(job) {
            total += runs.len();
            if total > RUNS_MAX {
                return Err(TooMany);
            }
            rows.push(Row {
                label: instance.map_or_else(|| name.clone(), |instance| format!("{name}@{instance}")),
                runs: runs.clone(),
                jitter: schedule.jitter.unwrap_or_default(),
                duration: durations(&name, instance),
                schedule: words(schedule),
            });
        }
    }
    Ok(Timeline { question: question.clone(), rows })
}

/// What a job does at times, as its units are called: its backups, and its drills.
fn scheduled(job: &Job) -> Vec<(&Job, String, &Schedule)> {
    let drill = job.drill_name().zip(job.drill.as_ref()).map(|(name, drilled)| (job, name, &drilled.schedule));
    std::iter::once((job, job.name.clone(), &job.schedule)).chain(drill).collect()
}

fn instances(job: &Job) -> Vec<Option<&str>> {
    if job.instances.is_empty() {
        return vec![None];
    }
    job.instances.iter().map(|instance| Some(instance.as_str())).collect()
}

fn words(schedule: &Schedule) -> String {
    match &schedule.trigger {
        Trigger::Every(interval) => format!("every {}", crate::value::format_duration(*interval)),
        Trigger::Calendar { specs, catch_up: _ } => {
            specs.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
        }
    }
}

fn runs(schedule: &Schedule, question: &Question) -> Result<Vec<Timestamp>, TooMany> {
    let end = question.until();
    let mut runs = match &schedule.trigger {
        Trigger::Every(interval) => repeated(question.from, *interval, end)?,
        Trigger::Calendar { specs, catch_up: _ } => {
            let before = question.from - SignedDuration::from_micros(1);
            let mut all = vec![];
            for spec in specs {
                // An expression whose next elapse cannot be found has none.
                let elapses = spec.elapses(before, &question.zone).map_while(Result::ok).take_while(|at| *at < end);
                all.extend(elapses.take(RUNS_MAX + 1));
                if all.len() > RUNS_MAX {
                    return Err(TooMany);
                }
            }
            all
        }
    };
    runs.sort_unstable();
    runs.dedup();
    runs.retain(|at| !is_blacked_out(schedule, *at, &question.zone));
    Ok(runs)
}

fn repeated(from: Timestamp, interval: Duration, end: Timestamp) -> Result<Vec<Timestamp>, TooMany> {
    let step = SignedDuration::try_from(interval).unwrap_or(SignedDuration::MAX);
    let mut runs = vec![];
    let mut at = from;
    while at < end {
        if runs.len() == RUNS_MAX {
            return Err(TooMany);
        }
        runs.push(at);
        match at.checked_add(step) {
            Ok(next) => at = next,
            Err(_) => break,
        }
    }
    Ok(runs)
}

fn is_blacked_out(schedule: &Schedule, at: Timestamp, zone: &TimeZone) -> bool {
    let time = at.to_zoned(zone.clone()).time();
    schedule.blackout.iter().any(|blackout| blackout.covers(time))
}

impl Question {
    /// The first moment after it.
    #[must_use]
    pub fn until(&self) -> Timestamp {
        let length = SignedDuration::try_from(self.length).unwrap_or(SignedDuration::MAX);
        self.from.checked_add(length).unwrap_or(Timestamp::MAX)
    }

    /// How far into it a moment lies, from 0 to 1.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "a place on a screen needs no more than 52 bits")]
    fn place(&self, at: Timestamp) -> f64 {
        let whole = (self.until().as_millisecond() - self.from.as_millisecond()).max(1);
        (at.as_millisecond() - self.from.as_millisecond()) as f64 / whole as f64
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) fn of(jobs: &str, days: u64) -> Timeline {
        let text = format!("version: 1\ndestinations: {{h: {{local: {{path: /var/backups}}}}}}\njobs:\n{jobs}");
        let (spec, report) = crate::spec::load_text("a.yaml", text.as_bytes());
        let spec = spec.unwrap_or_else(|| panic!("{:?}", report.sorted()));
        let from = "2026-11-27T00:00:00Z".parse().unwrap();
        let question = Question { from, length: Duration::from_secs(days * 86_400), zone: TimeZone::UTC };
        timeline(&spec, &question, &|_, _| None).unwrap()
    }

    pub(crate) fn job(name: &str, more: &str) -> String {
        format!("  {name}:\n    sources: {{s: {{paths: [/etc]}}}}\n    store: [h]\n{more}")
    }

    #[test]
    fn every_instance_has_its_row_and_an_interval_counts_from_the_beginning() {
        let line = of(&job("wiki", "    instances: [\"80\", \"81\"]\n    schedule: {every: 4h}\n"), 1);
        let labels: Vec<_> = line.rows.iter().map(|row| row.label.as_str()).collect();
        assert_eq!(labels, ["wiki@80", "wiki@81"]);
        assert_eq!(line.rows[0].runs.len(), 6);
    }

    #[test]
    fn a_drill_has_its_row() {
        let drill = "    schedule: {every: 4h}\n    drill: {schedule: {calendar: \"Sun 05:00\"}, check: [\"true\"]}\n";
        let line = of(&job("wiki", &format!("    instances: [\"80\"]\n{drill}")), 14);
        let labels: Vec<_> = line.rows.iter().map(|row| (row.label.as_str(), row.runs.len())).collect();
        assert_eq!(labels, [("wiki@80", 84), ("wiki-drill@80", 2)]);
    }

    #[test]
    fn a_blackout_leaves_its_runs_out() {
        let schedule = "    schedule: {every: 1h, blackout: [{from: \"08:00\", until: \"18:00\"}]}\n";
        assert_eq!(of(&job("a", schedule), 1).rows[0].runs.len(), 14);
    }

    #[test]
    fn too_many_runs_are_refused() {
        let jobs: String = (0..30).map(|n| job(&format!("j{n}"), "    schedule: {every: 1m}\n")).collect();
        let text = format!("version: 1\ndestinations: {{h: {{local: {{path: /var/backups}}}}}}\njobs:\n{jobs}");
        let (spec, _) = crate::spec::load_text("a.yaml", text.as_bytes());
        let from = "2026-11-27T00:00:00Z".parse().unwrap();
        let question = Question { from, length: Duration::from_secs(7 * 86_400), zone: TimeZone::UTC };
        assert!(timeline(&spec.unwrap(), &question, &|_, _| None).is_err());
    }
}
