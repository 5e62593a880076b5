//! `eightbells check`, `show`, `calendar` and `timespan`.

use super::{TargetArgs, load, load_or_fail};
use crate::cli::completion;
use crate::cli::output::{self, Failure, print, say};
use crate::contract::exit;
use crate::diag::{Report, render_json};
use crate::schedule::{self, report::CalendarQuestion};
use crate::spec;
use clap::{Args, ValueEnum};
use clap_complete::ArgValueCompleter;
use std::path::PathBuf;

/// What `check` is told.
#[derive(Debug, Args)]
pub(super) struct CheckArgs {
    /// The specs
    #[arg(required = true)]
    specs: Vec<PathBuf>,
    /// How findings are printed: for people on standard error, as JSON on standard output
    #[arg(long, value_enum, default_value_t = Format::Human)]
    format: Format,
    #[command(flatten)]
    target: TargetArgs,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Format {
    Human,
    Json,
}

pub(super) fn check(args: &CheckArgs) -> Result<(), Failure> {
    let mut clean = true;
    for path in &args.specs {
        let (spec, report) = load(path, &args.target);
        clean &= report.is_clean();
        tell(&report, args.format)?;
        if let Some(spec) = spec.filter(|_| report.is_clean()) {
            let jobs = spec.jobs.len();
            say(&format!("{}: {jobs} job{} in order", path.display(), if jobs == 1 { "" } else { "s" }));
        }
    }
    if clean { Ok(()) } else { Err(Failure::said(exit::FAILED)) }
}

fn tell(report: &Report, format: Format) -> Result<(), Failure> {
    match format {
        Format::Human => output::show(report),
        Format::Json => print(&render_json(report))?,
    }
    Ok(())
}

/// What `show` is told.
#[derive(Debug, Args)]
pub(super) struct ShowArgs {
    /// The spec
    spec: PathBuf,
    /// Only this job
    #[arg(add = ArgValueCompleter::new(completion::jobs))]
    job: Option<String>,
    #[command(flatten)]
    target: TargetArgs,
}

pub(super) fn show(args: &ShowArgs) -> Result<(), Failure> {
    let (spec, report) = load_or_fail(&args.spec, &args.target)?;
    if let Some(name) = &args.job {
        super::trial::job_named(&spec, Some(name))?;
    }
    print(&spec::show(&spec, &report.sources, args.job.as_deref()))
}

/// What `calendar` is told.
#[derive(Debug, Args)]
pub(super) struct CalendarArgs {
    /// Calendar expressions
    #[arg(required = true)]
    expressions: Vec<String>,
    /// How many next elapses to print
    #[arg(long, value_name = "N", default_value_t = 1)]
    iterations: u32,
    /// Count from this time instead of now
    #[arg(long, value_name = "TIME")]
    base_time: Option<String>,
}

pub(super) fn calendar(args: &CalendarArgs) -> Result<(), Failure> {
    let zone = jiff::tz::TimeZone::system();
    let now = jiff::Timestamp::now();
    let base_time = match &args.base_time {
        None => now,
        Some(text) => schedule::timestamp::parse(text, now, &zone)
            .map_err(|error| Failure::new(exit::USAGE, format!("`{text}` is not a time: {error}")))?,
    };
    let question = CalendarQuestion { now, base_time, zone: &zone, iterations: args.iterations };
    finish(&schedule::report::calendar(&args.expressions, &question))
}

/// What `timespan` is told.
#[derive(Debug, Args)]
pub(super) struct TimespanArgs {
    /// Time spans
    #[arg(required = true)]
    spans: Vec<String>,
}

pub(super) fn timespan(args: &TimespanArgs) -> Result<(), Failure> {
    finish(&schedule::report::timespan(&args.spans))
}

/// Prints what could be told, and fails with what could not.
fn finish<E: std::error::Error>(report: &schedule::report::Report<E>) -> Result<(), Failure> {
    print(&report.text)?;
    for error in &report.errors {
        let cause = std::error::Error::source(error).map_or_else(String::new, |cause| format!(": {cause}"));
        say(&format!("error: {error}{cause}"));
    }
    if report.errors.is_empty() { Ok(()) } else { Err(Failure::said(exit::FAILED)) }
}
