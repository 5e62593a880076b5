//! `backup`.

use super::bar::Bar;
use super::{Ground, failure, place};
use crate::cli::output::{Failure, print, say};
use crate::contract::{BackupArgs, Job, exit};
use crate::run::backup::{self, BackupError, Outcome, Request, RunReport, SourceReport};
use crate::run::lock::StateDir;
use crate::run::os::{self, RunId, Stop};
use crate::run::progress::Progress;
use clap::Args;
use std::io::IsTerminal as _;
use std::time::Duration;

/// What `backup` is told.
#[derive(Debug, Args)]
pub(super) struct BackupCommand {
    #[command(flatten)]
    pub args: BackupArgs,
    /// Print the run's report, or the plan, as JSON
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(command: &BackupCommand, ground: &Ground) -> Result<u8, Failure> {
    let BackupCommand { args, json } = command;
    let job = place::job(args.spec.as_ref(), args.job.as_deref(), ground).await?;
    check_digest(&job, args.digest.as_deref())?;
    let instance = place::instance_of(args.instance.as_ref(), &job)?;
    if let Some(jitter) = args.jitter.filter(|_| !args.dry_run) {
        sleep_up_to(jitter, &ground.stop).await?;
    }
    let progress = Progress::default();
    let drawn = !ground.quiet && std::io::stderr().is_terminal();
    let request = Request {
        instance,
        environment: ground.environment.clone(),
        state: state_dir(ground, args.dry_run)?,
        stop: ground.stop.clone(),
        now: os::now(),
        wait: args.wait,
        progress: progress.clone(),
        lines: !drawn,
    };
    if args.dry_run {
        let plan = backup::dry_run(&job, &request).map_err(|error| told(&error))?;
        let text = if *json { format!("{:#}\n", serde_json::json!(plan)) } else { format!("{plan}\n") };
        return print(&text).map(|()| exit::OK);
    }
    let bar = drawn.then(|| Bar::show(&progress, &ground.screen));
    let report = Box::pin(backup::backup(&job, request)).await.map_err(|error| told(&error));
    drop(bar);
    let report = report?;
    if *json {
        print(&report.to_json())?;
    }
    tell(&report, ground);
    Ok(report.exit_code())
}

/// Says how it went: to the journal with fields, else in lines.
fn tell(report: &RunReport, ground: &Ground) {
    let nothing_to_say = matches!(report.outcome, Outcome::Done | Outcome::Skipped(_)) && report.warnings.is_empty();
    if ground.quiet && nothing_to_say {
        return;
    }
    if !ground.journal {
        return say(&report.to_string());
    }
    let sum = |of: fn(&SourceReport) -> u64| report.sources.iter().map(of).sum::<u64>();
    let (dumped, stored) = (sum(|source| source.raw_size), sum(|source| source.size));
    let (outcome, run, exit_code, seconds) =
        (report.outcome.word(), report.run.as_str(), report.exit_code(), report.took.as_secs());
    match report.outcome {
        Outcome::Done | Outcome::Skipped(_) => {
            tracing::info!(outcome, run, exit_code, seconds, bytes_dumped = dumped, bytes_stored = stored, "{report}");
        }
        Outcome::Partial => {
            tracing::warn!(outcome, run, exit_code, seconds, bytes_dumped = dumped, bytes_stored = stored, "{report}");
        }
        Outcome::Failed => {
            tracing::error!(outcome, run, exit_code, seconds, bytes_dumped = dumped, bytes_stored = stored, "{report}");
        }
    }
}

/// A dry run makes nothing, not even a folder for its state.
fn state_dir(ground: &Ground, dry_run: bool) -> Result<StateDir, Failure> {
    let given = if dry_run { Some(std::path::Path::new("/")) } else { ground.state_dir.as_deref() };
    StateDir::find(given, &ground.environment).map_err(|error| told(&error.into()))
}

fn told(error: &BackupError) -> Failure {
    error.help().into_iter().fold(failure(error.exit_code(), error), Failure::help)
}

pub(super) fn check_digest(job: &Job, digest: Option<&str>) -> Result<(), Failure> {
    if digest.is_none_or(|digest| digest == job.digest()) {
        return Ok(());
    }
    let message = format!("the job `{}` is not the one that the unit was made for", job.name);
    Err(Failure::new(exit::CONFIG, message)
        .help("regenerate the units from this spec, or bring back the spec they were generated from"))
}

/// Sleeps for a random time, so that not everybody begins at once.
pub(super) async fn sleep_up_to(jitter: Duration, stop: &Stop) -> Result<(), Failure> {
    let random = RunId::random().map_err(|error| told(&BackupError::Random(error)))?;
    let part = u64::from_str_radix(random.as_str(), 16).unwrap_or(0) >> 32;
    let time = jitter.mul_f64(f64::from(u32::try_from(part).unwrap_or(0)) / f64::from(u32::MAX));
    tracing::info!("waiting for {:.0} s", time.as_secs_f64());
    tokio::select! {
        () = tokio::time::sleep(time) => Ok(()),
        () = stop.wait() => Err(told(&BackupError::Stopped)),
    }
}
