//! `sync`.

use super::place::{self, Place, PlaceArgs, Shelf};
use super::{Ground, failure, of_lock};
use crate::cli::output::{Failure, print, say};
use crate::contract::{Instance, JOB_VARIABLE, SpecLocation, exit};
use crate::retention::Keep;
use crate::run::catalog::Set;
use crate::run::journal::Journal;
use crate::run::lock::Lock;
use crate::run::os::{self, RunId};
use crate::run::prune::Rules;
use crate::run::store::Ledger;
use crate::run::sync::{copy, missing};
use crate::value::Bytes;
use clap::Args;
use jiff::tz::TimeZone;
use serde_json::{Value, json};
use std::sync::Arc;

/// What `sync` is told.
#[derive(Debug, Args)]
pub(super) struct SyncArgs {
    /// The job; not needed where there is only one
    #[arg(value_name = "JOB")]
    name: Option<String>,
    /// The job, as units name it
    #[arg(long, value_name = "JOB", conflicts_with = "name")]
    job: Option<String>,
    /// The spec: a path, or etcd:KEY. Without it the job is read from `EIGHTBELLS_JOB`
    #[arg(long, value_name = "SPEC")]
    spec: Option<SpecLocation>,
    /// The instance, escaped as in a unit's name
    #[arg(long, value_name = "INSTANCE", allow_hyphen_values = true)]
    instance: Option<Instance>,
    /// Only from this destination of the job; without a job a folder, or `s3://BUCKET/PREFIX`
    #[arg(long, value_name = "DESTINATION")]
    from: Option<String>,
    /// Only to this destination of the job; without a job a folder, or `s3://BUCKET/PREFIX`
    #[arg(long, value_name = "DESTINATION")]
    to: Option<String>,
    /// Without a job: the address of the service that has the buckets; without it AWS
    #[arg(long, value_name = "URL")]
    endpoint: Option<String>,
    /// Without a job: the region
    #[arg(long, value_name = "REGION")]
    region: Option<String>,
    /// Say what would be copied, and copy nothing
    #[arg(long)]
    dry_run: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// A set that one destination lacks and another one has.
struct Step<'a> {
    set: &'a Set,
    from: &'a Shelf,
    to: &'a Shelf,
}

/// What became of a step.
enum Done {
    Planned,
    Copied(u64),
    Failed(String),
}

pub(super) async fn sync(args: &SyncArgs, ground: &Ground) -> Result<u8, Failure> {
    let has_job = args.spec.is_some() || ground.environment.get(JOB_VARIABLE).is_some();
    if !has_job {
        let (Some(from), Some(to)) = (&args.from, &args.to) else {
            return Err(Failure::new(exit::USAGE, "nothing says what is to be brought up to date")
                .help("name a spec with --spec, or two folders or buckets with --from and --to"));
        };
        let shelf = |at: &str| args.bare(at);
        let (from, to) = (shelf(from).open(ground).await?, shelf(to).open(ground).await?);
        let shelves: Vec<Shelf> = from.shelves.into_iter().chain(to.shelves).collect();
        let place = Place { job: None, instance: None, zone: TimeZone::UTC, shelves, unread: 0 };
        return args.carry_out(&place, ground, |from, to| from == 0 && to == 1).await;
    }
    let wanted = args.name.as_deref().or(args.job.as_deref());
    let job = place::job(args.spec.as_ref(), wanted, ground).await?;
    let instance = place::instance_of(args.instance.as_ref(), &job)?;
    let mut guards = None;
    let mut ledger = Ledger::default();
    if !args.dry_run {
        let told = |error: &dyn std::error::Error| failure(exit::FAILED, error);
        let state = ground.state()?;
        let run = RunId::random().map_err(|e| told(&e))?;
        guards = Some(Lock::take(&state, &job.name, instance.as_deref(), &run).map_err(|e| of_lock(&e))?);
        let journal = Journal::open(&state, &job.name, instance.as_deref(), run).map_err(|e| told(&e))?;
        ledger = Ledger::new(Arc::new(journal));
    }
    let place = args.of_job().open_with(ground, &ledger).await?;
    for name in [&args.from, &args.to].into_iter().flatten() {
        if !job.store.iter().any(|at| at.to.name == *name) {
            return Err(Failure::new(exit::USAGE, format!("the job has no destination `{name}`")));
        }
    }
    let named = |index: usize, name: Option<&String>| {
        name.is_none_or(|name| place.shelves.get(index).is_some_and(|shelf| shelf.name == *name))
    };
    let done =
        args.carry_out(&place, ground, |from, to| named(from, args.from.as_ref()) && named(to, args.to.as_ref()));
    let code = done.await?;
    drop(guards);
    Ok(if code == exit::OK && place.unread > 0 { exit::PARTIAL } else { code })
}

impl SyncArgs {
    fn bare(&self, at: &str) -> PlaceArgs {
        PlaceArgs::bare_at(
            at,
            self.endpoint.clone(),
            self.region.clone(),
            self.name.clone().or_else(|| self.job.clone()),
            self.instance.clone(),
        )
    }

    fn of_job(&self) -> PlaceArgs {
        PlaceArgs::of_job(self.name.clone().or_else(|| self.job.clone()), self.spec.clone(), self.instance.clone())
    }

    /// Copies what `may` allows between shelves by their numbers.
    async fn carry_out(
        &self,
        place: &Place,
        ground: &Ground,
        may: impl Fn(usize, usize) -> bool,
    ) -> Result<u8, Failure> {
        let steps = steps(place, may);
        let mut told = vec![];
        let mut failed = 0;
        for step in &steps {
            if ground.stop.is_stopped() {
                return Err(Failure::new(exit::FAILED, "the run was told to stop"));
            }
            let done = if self.dry_run { Done::Planned } else { step.copy(ground).await };
            failed += usize::from(matches!(done, Done::Failed(_)));
            step.say(&done, self.json);
            told.push(step.as_json(&done));
        }
        if self.json {
            print(&format!("{:#}\n", Value::Array(told)))?;
        } else if steps.is_empty() {
            say("nothing is missing");
        }
        Ok(match failed {
            0 => exit::OK,
            n if n < steps.len() => exit::PARTIAL,
            _ => exit::FAILED,
        })
    }
}

/// What is missing where, each set from the first destination that has it.
fn steps(place: &Place, may: impl Fn(usize, usize) -> bool) -> Vec<Step<'_>> {
    let now = os::now();
    let mut steps: Vec<Step<'_>> = vec![];
    for (at, to) in place.shelves.iter().enumerate() {
        let rules = match &place.job {
            Some(job) => Rules::of(job, &to.keep, &place.zone),
            None => Rules { keep: &Keep::All, guard: None, may_be_empty: vec![], zone: &place.zone },
        };
        for (other, from) in place.shelves.iter().enumerate() {
            if other == at || !may(other, at) {
                continue;
            }
            for set in missing(&from.sets, &to.sets, &rules, now) {
                let known = |step: &Step<'_>| std::ptr::eq(step.to, to) && step.set.manifest_name == set.manifest_name;
                if !steps.iter().any(known) {
                    steps.push(Step { set, from, to });
                }
            }
        }
    }
    steps
}

impl Step<'_> {
    async fn copy(&self, ground: &Ground) -> Done {
        match copy(self.set, self.from.store.as_ref(), self.to.store.as_ref(), &ground.stop).await {
            Ok(bytes) => Done::Copied(bytes),
            Err(error) => {
                let mut told = failure(exit::FAILED, &error);
                told.help.extend(error.helps());
                let help: String =
                    told.help.iter().map(|help| format!("\n  help: {help}")).collect::<Vec<_>>().concat();
                Done::Failed(format!("{}{help}", told.message.unwrap_or_default()))
            }
        }
    }

    fn say(&self, done: &Done, json: bool) {
        let Self { set, from, to } = self;
        let what = format!("the archive of {}, {}, from {} to {}", set.time, Bytes(set.size()), from.name, to.name);
        match done {
            Done::Failed(why) => say(&format!("error: not copied: {what}: {why}")),
            Done::Planned if !json => say(&format!("would copy {what}")),
            Done::Copied(_) if !json => say(&format!("copied {what}")),
            Done::Planned | Done::Copied(_) => {}
        }
    }

    fn as_json(&self, done: &Done) -> Value {
        let (state, bytes, problem) = match done {
            Done::Planned => ("planned", 0, None),
            Done::Copied(bytes) => ("copied", *bytes, None),
            Done::Failed(why) => ("failed", 0, Some(why)),
        };
        json!({
            "time": self.set.time.to_string(), "from": self.from.name, "to": self.to.name, "state": state,
            "size": self.set.size(), "bytes": bytes, "problem": problem,
        })
    }
}
