//! A whole run: dump, pack, store everywhere at once, commit, prune, report.

mod behind;
mod commit;
mod hooks;
mod metrics;
mod notices;
mod pace;
mod plan;
mod record;
mod report;
mod retry;
mod site;
mod sources;
mod start;
mod sweep;
mod transfer;
mod turn;
mod watch;

pub use plan::{PlannedDestination, PlannedSource, RunPlan, dry_run};
pub(super) use record::write_whole;
pub use record::{PastRun, folder as reports_folder, past as past_runs};
pub use report::{
    CaughtUp, DestinationReport, DestinationState, HookReport, Outcome, Problem, RunReport, SourceReport, Stages,
};
pub(super) use start::undo_all;

use super::catalog::Names;
use super::cipher::{Seal, SealError};
use super::drill::Owner;
use super::dump::Surroundings;
use super::journal::{Journal, JournalError};
use super::lock::{Lock, LockError, StateDir};
use super::os::{self, Environment, Manager, RunId, Stop};
use super::progress::Progress;
use super::secret::{SecretError, Secrets};
use crate::archive::{Identity, MANIFEST_SOURCE, NamePattern};
use crate::contract::{Job, exit};
use crate::source::Source;
use crate::value::{Context, format_duration};
use hooks::{AFTER_STOP, Verdict};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use report::Halt;
use site::Site;
use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};
use watch::Watch;

/// What a run needs besides its job.
#[derive(Debug, Clone)]
pub struct Request {
    /// The instance, unescaped; there where the job has instances.
    pub instance: Option<String>,
    /// The runner's environment.
    pub environment: Environment,
    /// Where locks and journals are.
    pub state: StateDir,
    /// Ends the run early.
    pub stop: Stop,
    /// The run's one instant.
    pub now: Timestamp,
    /// How long to wait for another run of the job to end; none means what the job says.
    pub wait: Option<Duration>,
    /// Tells whoever shows it how far the run has come.
    pub progress: Progress,
    /// Whether lines in the log tell it from time to time.
    pub lines: bool,
}

/// Why a run did not begin. What fails later is in its report.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// The archive's time zone is not known here.
    #[error("the time zone `{0}` is not known on this host")]
    TimeZone(String, #[source] jiff::Error),
    /// Another run is under way, or locks cannot be had.
    #[error(transparent)]
    Lock(#[from] LockError),
    /// What a killed run would leave cannot be written down.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// A reference could not be resolved.
    #[error("a value of the job could not be read")]
    Secret(#[from] SecretError),
    /// The archives cannot be encrypted as the job says.
    #[error("the archives cannot be encrypted")]
    Seal(#[from] SealError),
    /// No random numbers.
    #[error("the run cannot get a name")]
    Random(#[source] io::Error),
    /// Its group is full; exit code 75.
    #[error("{0}")]
    Full(String),
    /// SIGTERM or SIGINT.
    #[error("the run was told to stop")]
    Stopped,
}

impl BackupError {
    /// The program's exit code.
    #[must_use]
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Lock(LockError::Held { .. }) | Self::Full(_) => exit::LOCKED,
            Self::TimeZone(..) | Self::Seal(SealError::NotBuilt | SealError::Recipient { .. } | SealError::Nobody) => {
                exit::CONFIG
            }
            Self::Lock(LockError::NoStateDir | LockError::StateDir { .. } | LockError::File { .. })
            | Self::Journal(_)
            | Self::Secret(_)
            | Self::Seal(SealError::File { .. } | SealError::Path(_) | SealError::Passphrase(_))
            | Self::Random(_)
            | Self::Stopped => exit::FAILED,
        }
    }

    /// What to do, a line each.
    #[must_use]
    pub fn help(&self) -> Vec<String> {
        match self {
            Self::TimeZone(..) => vec!["install the time zone database (Debian: tzdata)".into()],
            Self::Lock(_)
            | Self::Journal(_)
            | Self::Secret(_)
            | Self::Seal(_)
            | Self::Random(_)
            | Self::Full(_)
            | Self::Stopped => {
                vec![]
            }
        }
    }
}

/// What all steps of a run share.
pub(super) struct Run<'a> {
    job: &'a Job,
    pattern: NamePattern,
    with: Surroundings,
    /// How archives are encrypted.
    seal: Seal,
    /// Ends what must still happen once the run was told to stop.
    late: Stop,
    progress: Progress,
    watch: Watch,
    /// The run's instant, whole seconds as in names.
    time: Timestamp,
    begun: Instant,
}

impl Run<'_> {
    fn names(&self) -> Names {
        let sources = self.job.sources.iter().flat_map(Source::objects);
        Names { pattern: self.pattern.clone(), sources: sources.collect() }
    }

    /// The time that the names tell, which is coarser than the run's where the template is.
    fn named_time(&self) -> Timestamp {
        let name = self.pattern.manifest(self.time);
        let parsed = self.pattern.parse(&name, []);
        parsed.filter(|parsed| parsed.source == MANIFEST_SOURCE).map_or(self.time, |parsed| parsed.time)
    }
}

/// Where placeholders' values and names of one run come from.
struct Setting {
    context: Context,
    pattern: NamePattern,
    time: Timestamp,
}

fn setting(job: &Job, instance: Option<&str>, now: Timestamp) -> Result<Setting, BackupError> {
    let zone = match &job.archive.timezone {
        None => TimeZone::UTC,
        Some(name) => TimeZone::get(name).map_err(|error| BackupError::TimeZone(name.clone(), error))?,
    };
    // Names tell whole seconds at best.
    let time = Timestamp::from_second(now.as_second()).unwrap_or(now);
    let host = os::host_name();
    let identity = Identity { job: &job.name, instance, host: Some(&host) };
    let pattern = job.archive.name.pattern(identity, zone.clone());
    let instance = instance.map(ToOwned::to_owned);
    let context =
        Context { job: job.name.clone(), instance, host, source: None, scratch: None, time: time.to_zoned(zone) };
    Ok(Setting { context, pattern, time })
}

/// Why the run ends before it begins, where the clock says so.
fn blackout(job: &Job, context: &Context) -> Option<String> {
    let time = context.time.time();
    let found = job.blackout.iter().find(|blackout| blackout.covers(time))?;
    Some(format!("no run begins between {} and {}", found.from, found.until))
}

/// Runs a job once.
///
/// # Errors
/// The run did not begin: see [`BackupError`]. A run that began and failed has a report.
pub async fn backup(job: &Job, request: Request) -> Result<RunReport, BackupError> {
    let Request { instance, environment, state, stop, now, wait, progress, lines } = request;
    let asked = Instant::now();
    let Setting { context, pattern: _, time } = setting(job, instance.as_deref(), now)?;
    let run = RunId::random().map_err(BackupError::Random)?;
    if let Some(reason) = blackout(job, &context) {
        let mut report = RunReport::new(job, &context, &run, time);
        report.outcome = Outcome::Skipped(reason);
        return Ok(report);
    }
    let stop = stop.child();
    let watch = Watch::begin(&progress, &job.conduct.timeouts, &stop, Manager::of(&environment), lines);
    let wait = wait.or(job.conduct.wait).unwrap_or_default();
    progress.enter("waiting for its turn", None);
    let waiting = progress.busy();
    let _lock = Lock::wait(&state, &job.name, instance.as_deref(), &run, wait, &stop).await?;
    drop(waiting);
    let now = instant(&state, job, &context, || now.checked_add(asked.elapsed()).unwrap_or(now)).await;
    let Setting { context, pattern, time } = setting(job, instance.as_deref(), now)?;
    let mut report = RunReport::new(job, &context, &run, time);
    let journal = Arc::new(Journal::open(&state, &job.name, instance.as_deref(), run.clone())?);
    report.warnings.extend(start::undo(&journal, &environment).await);
    let owner = Owner { job: job.name.clone(), instance: instance.clone() };
    report.warnings.extend(start::sweep_drill(&state, owner, (&run, &environment)).await);
    let resolved = tokio::select! {
        secrets = Secrets::resolve(job, &context, &environment) => secrets,
        () = stop.wait() => return Err(BackupError::Stopped),
    };
    let (secrets, missing) = match resolved {
        Ok(secrets) => (secrets, None),
        // Who is to be told of the failure may be known all the same.
        Err(error) => (Secrets::what_can_be(&job.conduct, &context, &environment).await, Some(error)),
    };
    let seal = match missing {
        None => Seal::new(job.archive.encrypt.as_ref(), &secrets, &context)?,
        Some(_) => Seal::default(),
    };
    let late = some_time_after(&stop);
    let with = Surroundings { context, secrets: Arc::new(secrets), environment, run, journal, stop };
    let run = Run { job, pattern, with, seal, late, progress, watch, time, begun: Instant::now() };
    match missing {
        None => Box::pin(run.in_its_turn(&mut report)).await?,
        Some(error) => run.give_up(Problem::of(&BackupError::Secret(error)), &mut report).await,
    }
    report.took = run.begun.elapsed();
    let untold = run.tell_end(&report).await;
    report.warnings.extend(untold);
    report.redact(&run.with.secrets);
    for error in record::keep(&state, job, &run.with.context, &run.ledger(), &report) {
        report.warnings.push(Problem::of(&error).to_string());
    }
    Ok(report)
}

/// The run's instant: when it may begin, and never in the second of the run before it, whose names it would want.
async fn instant(state: &StateDir, job: &Job, context: &Context, now: impl Fn() -> Timestamp) -> Timestamp {
    let folder = record::folder(state, job, context).ok();
    let last = folder.and_then(|folder| record::last(&folder));
    let begun = now();
    if last.is_some_and(|last| last.time.as_second() == begun.as_second()) {
        let past = Duration::from_millis(u64::from(begun.subsec_millisecond().unsigned_abs()));
        tokio::time::sleep(Duration::from_secs(1).saturating_sub(past)).await;
    }
    now()
}

/// A token that stops a bounded time after another one: what must still happen then gets this time.
fn some_time_after(stop: &Stop) -> Stop {
    let (stop, late) = (stop.clone(), Stop::default());
    let late_too = late.clone();
    tokio::spawn(async move {
        stop.wait().await;
        tokio::time::sleep(AFTER_STOP).await;
        late_too.stop();
    });
    late
}

impl Run<'_> {
    /// The run, once it has a place in its group.
    async fn in_its_turn(&self, report: &mut RunReport) -> Result<(), BackupError> {
        let slot = match turn::take(self).await {
            Ok(slot) => slot,
            Err(error @ (turn::TurnError::Full(_) | turn::TurnError::Stopped)) => return Err(error.into()),
            Err(turn::TurnError::Failed(problem)) => {
                self.give_up(problem, report).await;
                return Ok(());
            }
        };
        self.carry_out(report).await;
        report.warnings.extend(turn::give_back(slot).await);
        Ok(())
    }

    async fn carry_out(&self, report: &mut RunReport) {
        let ended = match self.before(&self.job.conduct.hooks.before, None, report).await {
            Verdict::GoOn => {
                let told = self.tell_start(report);
                let ended = self.attempts(report).await;
                report.warnings.extend(told.await.unwrap_or_default());
                ended
            }
            Verdict::Skip(reason) => Err(Halt::Skipped(reason)),
            Verdict::Fail(problem) => Err(Halt::for_good(problem)),
        };
        report.conclude(self.explained(ended));
        self.afterwards(report).await;
    }

    /// A run that was ended by its own limits says by which.
    fn explained(&self, ended: Result<(), Halt>) -> Result<(), Halt> {
        match (ended, self.watch.cut()) {
            (Err(Halt::Failed { problem: _, transient }), Some(reason)) => {
                Err(Halt::Failed { problem: Problem::new(reason), transient })
            }
            (ended, _) => ended,
        }
    }

    async fn give_up(&self, problem: Problem, report: &mut RunReport) {
        report.conclude(Err(Halt::for_good(problem)));
        self.afterwards(report).await;
    }

    async fn attempt(&self, report: &mut RunReport) -> Result<(), Halt> {
        self.progress.enter("connecting", None);
        let mut sites = self.sites().await;
        report.warnings.extend(self.clean(&sites).await);
        self.sweep(&sites).await;
        if let Some(reason) = self.fresh_enough(&sites) {
            report.fresh = true;
            return Err(Halt::Skipped(reason));
        }
        let stored = match self.store(&mut sites, report).await {
            Ok(entries) => {
                self.progress.enter("committing", None);
                let begun = Instant::now();
                let committed = self.commit(&mut sites, entries, report).await;
                report.stages.commit += begun.elapsed();
                let transient = sites.iter().any(|site| site.may_pass);
                committed.map_err(|problem| Halt::Failed { problem, transient })
            }
            Err(halt) => {
                self.put_all_back(&mut sites).await;
                Err(halt)
            }
        };
        if stored.is_ok() {
            self.progress.enter("pruning", None);
            let begun = Instant::now();
            self.prune(&mut sites).await;
            report.stages.prune += begun.elapsed();
            self.progress.enter("catching up", None);
            self.catch_up(&mut sites).await;
        }
        report.destinations = sites.iter().map(Site::report).collect();
        stored
    }

    /// Why no run is needed: every destination has a good archive that is young enough.
    fn fresh_enough(&self, sites: &[Site]) -> Option<String> {
        let wanted = self.job.unless_newer_than?;
        let young = |site: &Site| {
            let age = self.time.duration_since(site.newest_good()?);
            (Duration::try_from(age).unwrap_or_default() < wanted).then_some(())
        };
        let fresh = !sites.is_empty() && sites.iter().all(|site| young(site).is_some());
        fresh.then(|| format!("every destination has a good archive younger than {}", format_duration(wanted)))
    }
}
