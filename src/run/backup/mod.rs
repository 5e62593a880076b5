//! A whole run: dump, pack, store everywhere at once, commit, prune, report.

mod behind;
mod commit;
mod plan;
mod report;
mod site;
mod start;
mod transfer;

pub use plan::{PlannedDestination, PlannedSource, RunPlan, dry_run};
pub use report::{CaughtUp, DestinationReport, DestinationState, Outcome, Problem, RunReport, SourceReport};

use super::catalog::Names;
use super::cipher::{Seal, SealError};
use super::dump::Surroundings;
use super::journal::{Journal, JournalError};
use super::lock::{Lock, LockError, StateDir};
use super::os::{self, Environment, RunId, Stop};
use super::secret::{SecretError, Secrets};
use crate::archive::{Identity, MANIFEST_SOURCE, NamePattern};
use crate::contract::{Job, exit};
use crate::source::Source;
use crate::value::{Context, format_duration};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use site::Site;
use std::io;
use std::sync::Arc;
use std::time::Instant;

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
    /// SIGTERM or SIGINT.
    #[error("the run was told to stop")]
    Stopped,
}

impl BackupError {
    /// The program's exit code.
    #[must_use]
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Lock(LockError::Held { .. }) => exit::LOCKED,
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
            Self::Lock(_) | Self::Journal(_) | Self::Secret(_) | Self::Seal(_) | Self::Random(_) | Self::Stopped => {
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
    let Request { instance, environment, state, stop, now } = request;
    let Setting { context, pattern, time } = setting(job, instance.as_deref(), now)?;
    let run = RunId::random().map_err(BackupError::Random)?;
    let mut report = RunReport::new(job, &context, &run, time);
    if let Some(reason) = blackout(job, &context) {
        report.outcome = Outcome::Skipped(reason);
        return Ok(report);
    }
    let _lock = Lock::take(&state, &job.name, instance.as_deref(), &run)?;
    let journal = Arc::new(Journal::open(&state, &job.name, instance.as_deref(), run.clone())?);
    report.warnings.extend(start::undo(&journal, &environment).await);
    let secrets = tokio::select! {
        secrets = Secrets::resolve(job, &context, &environment) => Arc::new(secrets?),
        () = stop.wait() => return Err(BackupError::Stopped),
    };
    let seal = Seal::new(job.archive.encrypt.as_ref(), &secrets, &context)?;
    let with = Surroundings { context, secrets, environment, run, journal, stop };
    let run = Run { job, pattern, with, seal, time, begun: Instant::now() };
    run.carry_out(&mut report).await;
    report.took = run.begun.elapsed();
    report.redact(&run.with.secrets);
    Ok(report)
}

impl Run<'_> {
    async fn carry_out(&self, report: &mut RunReport) {
        let mut sites = self.sites().await;
        report.warnings.extend(self.clean(&sites).await);
        if let Some(reason) = self.fresh_enough(&sites) {
            report.outcome = Outcome::Skipped(reason);
            return;
        }
        let stored = match self.store(&mut sites, report).await {
            Ok(entries) => self.commit(&mut sites, entries, report).await,
            Err(problem) => {
                self.put_all_back(&mut sites).await;
                Err(problem)
            }
        };
        match stored {
            Ok(()) => {
                self.prune(&mut sites).await;
                self.catch_up(&mut sites).await;
            }
            Err(problem) => report.problem = Some(problem),
        }
        report.destinations = sites.iter().map(Site::report).collect();
        report.outcome = report.judged();
    }

    /// Why no run is needed: every destination has a good archive that is young enough.
    fn fresh_enough(&self, sites: &[Site]) -> Option<String> {
        let wanted = self.job.unless_newer_than?;
        let young = |site: &Site| {
            let age = self.time.duration_since(site.newest_good()?);
            (std::time::Duration::try_from(age).unwrap_or_default() < wanted).then_some(())
        };
        let fresh = !sites.is_empty() && sites.iter().all(|site| young(site).is_some());
        fresh.then(|| format!("every destination has a good archive younger than {}", format_duration(wanted)))
    }
}
