//! `eightbells`: checks specs, generates units, tries jobs out.

mod check;
mod deploy;
mod draft;
mod explain;
mod files;
mod generate;
mod import;
mod init;
mod lint;
mod own;
mod schema;
mod security;
mod timeline;
mod trial;

use super::completion::{self, CompletionsArgs};
use super::manual::{self, ManArgs};
use super::output::Failure;
use crate::contract::exit;
use crate::diag::Report;
use crate::plan::{self, Options};
use crate::spec::{self, Spec};
use crate::target::Target;
use crate::value::parse_duration;
use clap::{Args, CommandFactory as _, Parser, Subcommand};
use std::ffi::OsString;
use std::path::Path;
use std::time::Duration;

/// Backup jobs as YAML, units for systemd and fleet
#[derive(Debug, Parser)]
#[command(name = "eightbells", version, about, max_term_width = 100, arg_required_else_help = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Check, generate, run once here as the unit would, verify, and say what to do next
    Try(trial::TryArgs),
    /// Look at what runs here, ask a few questions, and write a spec to begin with
    Init(init::InitArgs),
    /// Make a spec of crontabs, or of services and their timers, and tell what could not be carried over
    Import(import::ImportArgs),
    /// Write the units of a spec
    Generate(generate::GenerateArgs),
    /// Check specs, and the units they would give
    Check(check::CheckArgs),
    /// Print a spec fully resolved, secrets masked, with where each value came from
    Show(check::ShowArgs),
    /// Say what is wrong with unit files, ours or not
    Lint(lint::LintArgs),
    /// How much of the machine services can reach, scored as `systemd-analyze security` does, and what would lower it
    Security(security::SecurityArgs),
    /// Explain a rule of `lint`, or list all
    Explain(explain::ExplainArgs),
    /// Print the JSON Schema of a spec, by which editors complete and check
    Schema(schema::SchemaArgs),
    /// Normal form and next elapses of calendar expressions, as systemd-analyze prints them
    Calendar(check::CalendarArgs),
    /// Time spans in microseconds and in words, as systemd-analyze prints them
    Timespan(check::TimespanArgs),
    /// Show when the jobs run, where they collide, and what spreading them would change
    Timeline(timeline::TimelineArgs),
    /// Make machines or clusters have the spec's units: write or submit what differs, start the timers
    Deploy(deploy::DeployArgs),
    /// Say how what is deployed differs from the spec: files, what is loaded, orphans
    Diff(deploy::PlaceArgs),
    /// Say whether the timers run, when they fire next, and how the last runs ended
    Status(deploy::StatusArgs),
    /// Take a spec's units away again; archives stay
    Remove(deploy::RemoveArgs),
    /// Run a deployed job once, now
    RunNow(deploy::RunNowArgs),
    /// Print a script that makes a shell complete commands, options, and jobs of the spec on the line
    Completions(CompletionsArgs),
    /// Print the manual page, or write those of all commands
    Man(ManArgs),
}

/// What units are for, as several commands take it.
#[derive(Debug, Clone, Args)]
struct TargetArgs {
    /// Generate for this instead of the spec's target: fleet, fleet:215, systemd, systemd:252, systemd:252:user
    #[arg(long, value_name = "TARGET", value_parser = Target::parse)]
    target: Option<Target>,
    /// Run every job at this interval instead of its schedule, for trying things out
    #[arg(long, value_name = "DURATION", value_parser = parse_duration)]
    every: Option<Duration>,
}

impl TargetArgs {
    fn options(&self, spec: &Spec) -> Options {
        Options { target: self.target.unwrap_or(spec.target), every: self.every }
    }
}

/// Runs the program and gives its exit code.
#[must_use]
pub fn main(args: impl IntoIterator<Item = OsString>) -> u8 {
    let args: Vec<OsString> = args.into_iter().collect();
    if let Some(code) = completion::answer(Cli::command, &args) {
        return code;
    }
    let cli = match Cli::try_parse_from(args) {
        Ok(cli) => cli,
        Err(error) => {
            let _ = error.print();
            return if error.use_stderr() { exit::USAGE } else { exit::OK };
        }
    };
    let done = match cli.command {
        Command::Try(args) => trial::run(&args),
        Command::Init(args) => init::init(&args),
        Command::Import(args) => import::import(&args),
        Command::Generate(args) => generate::run(&args),
        Command::Check(args) => check::check(&args),
        Command::Show(args) => check::show(&args),
        Command::Lint(args) => lint::lint(&args),
        Command::Security(args) => security::run(&args),
        Command::Explain(args) => explain::explain(&args),
        Command::Schema(args) => schema::schema(&args),
        Command::Calendar(args) => check::calendar(&args),
        Command::Timespan(args) => check::timespan(&args),
        Command::Timeline(args) => timeline::run(&args),
        Command::Deploy(args) => deploy::deploy(&args),
        Command::Diff(args) => deploy::diff(&args),
        Command::Status(args) => deploy::status(&args),
        Command::Remove(args) => deploy::remove(&args),
        Command::RunNow(args) => deploy::run_now(&args),
        Command::Completions(args) => completion::script(&args, "eightbells"),
        Command::Man(args) => manual::man(&args, Cli::command()),
    };
    match done {
        Ok(()) => exit::OK,
        Err(failure) => {
            failure.print();
            failure.code
        }
    }
}

/// Reads a spec, with its faults, those of planning it, and what the linter says of its units, which is told and keeps
/// nobody from having them.
fn load(path: &Path, target: &TargetArgs) -> (Option<Spec>, Report) {
    let (spec, mut report) = spec::load(&path.to_string_lossy(), &spec::read_file);
    if let Some(spec) = &spec {
        plan::check(spec, target.options(spec), &mut report);
    }
    let spec = spec.filter(|_| !report.has_errors());
    if let Some(spec) = &spec {
        own::lint_own(spec, target.options(spec), &mut report);
    }
    (spec, report)
}

/// Reads a spec, or says what is wrong with it.
fn load_or_fail(path: &Path, target: &TargetArgs) -> Result<(Spec, Report), Failure> {
    match load(path, target) {
        (Some(spec), report) => {
            super::output::show(&report);
            Ok((spec, report))
        }
        (None, report) => {
            super::output::show(&report);
            Err(Failure::said(exit::CONFIG))
        }
    }
}
