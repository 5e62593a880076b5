//! `eightbells-run`: what units execute, and the way back.

mod backup;
mod bar;
mod choose;
mod drill;
mod into;
mod keys;
mod list;
mod log;
mod pin;
mod place;
mod prune;
mod restore;
mod status;
mod sync;
mod table;
mod verify;

use super::completion::{self, CompletionsArgs};
use super::manual::{self, ManArgs};
use super::output::Failure;
use crate::contract::{Instance, JOB_VARIABLE, Job, exit};
use crate::run::lock::{LockError, StateDir};
use crate::run::os::{Environment, Stop};
use crate::run::tls;
use clap::{CommandFactory as _, Parser, Subcommand};
use indicatif::MultiProgress;
use log::Volume;
use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

/// Runs backup jobs, and brings back what they stored
#[derive(Debug, Parser)]
#[command(name = "eightbells-run", version, about, max_term_width = 100, arg_required_else_help = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
    /// Where locks and the list of what to clean up lie (`$STATE_DIRECTORY`, or /var/lib/eightbells for root)
    #[arg(long, global = true, value_name = "DIR")]
    state_dir: Option<PathBuf>,
    /// Say more
    #[arg(short, long, global = true)]
    verbose: bool,
    /// Say warnings and errors only
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    quiet: bool,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Dump, pack, store, and remove what is too old: what a unit's `ExecStart=` calls
    Backup(backup::BackupCommand),
    /// What lies at the destinations
    List(list::ListArgs),
    /// Bring an archive back into a folder
    Restore(restore::RestoreArgs),
    /// Read an archive to its end: digests, compression, every member
    Verify(verify::VerifyArgs),
    /// Prove that an archive comes back: restore it into a scratch folder, and run a check there
    Drill(drill::DrillArgs),
    /// Remove what the policy does not hold, and say why the rest stays
    Prune(prune::PruneArgs),
    /// Copy archives to destinations that lack them, from those that have them
    Sync(sync::SyncArgs),
    /// Keep an archive whatever the policy says
    Pin(pin::PinArgs),
    /// Leave an archive to the policy again
    Unpin(pin::UnpinArgs),
    /// How the last runs went, and whether the next one is overdue (exit code 1)
    Status(status::StatusArgs),
    /// Print a script that makes a shell complete commands, options, and jobs of the spec on the line
    Completions(CompletionsArgs),
    /// Print the manual page, or write those of all commands
    Man(ManArgs),
}

/// What every command stands on.
struct Ground {
    environment: Environment,
    state_dir: Option<PathBuf>,
    stop: Stop,
    /// Whether only warnings and errors are said.
    quiet: bool,
    /// Whether what is said goes to the journal.
    journal: bool,
    /// Where bars are drawn.
    screen: MultiProgress,
}

impl Ground {
    /// Where locks, journals and records are.
    fn state(&self) -> Result<StateDir, Failure> {
        StateDir::find(self.state_dir.as_deref(), &self.environment).map_err(|error| failure(exit::FAILED, &error))
    }
}

/// A lock that cannot be had.
fn of_lock(error: &LockError) -> Failure {
    let code = if matches!(error, LockError::Held { .. }) { exit::LOCKED } else { exit::FAILED };
    failure(code, error)
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
    match run(cli) {
        Ok(code) => code,
        Err(failure) => {
            failure.print();
            failure.code
        }
    }
}

/// How long a program that is done stays for the journal's sake: journald looks up in /proc which unit a message is of, and
/// where its writer is gone by then, `journalctl --unit` does not show it (systemd's issue 2913). The last words matter most.
const JOURNAL_GRACE: Duration = Duration::from_millis(300);

fn run(cli: Cli) -> Result<u8, Failure> {
    match &cli.command {
        Command::Completions(args) => return completion::script(args, "eightbells-run").map(|()| exit::OK),
        Command::Man(args) => return manual::man(args, Cli::command()).map(|()| exit::OK),
        Command::Backup(_)
        | Command::List(_)
        | Command::Restore(_)
        | Command::Verify(_)
        | Command::Drill(_)
        | Command::Prune(_)
        | Command::Sync(_)
        | Command::Pin(_)
        | Command::Unpin(_)
        | Command::Status(_) => {}
    }
    tls::install_provider();
    let environment = Environment::current();
    let volume = match (cli.quiet, cli.verbose) {
        (true, _) => Volume::Quiet,
        (false, true) => Volume::Verbose,
        (false, false) => Volume::Usual,
    };
    let screen = MultiProgress::new();
    let journal = log::set_up(&environment, volume, &screen, &job_fields(&cli.command, &environment));
    let stop = Stop::on_signals().map_err(|e| Failure::new(exit::FAILED, format!("cannot listen for signals: {e}")))?;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    let runtime = runtime.map_err(|e| Failure::new(exit::FAILED, format!("cannot start: {e}")))?;
    let ground = Ground { environment, state_dir: cli.state_dir, stop, quiet: cli.quiet, journal, screen };
    let done = runtime.block_on(async {
        match &cli.command {
            Command::Backup(args) => Box::pin(backup::run(args, &ground)).await,
            Command::List(args) => list::list(args, &ground).await,
            Command::Restore(args) => restore::restore(args, &ground).await,
            Command::Verify(args) => verify::verify(args, &ground).await,
            Command::Drill(args) => Box::pin(drill::drill(args, &ground)).await,
            Command::Prune(args) => prune::prune(args, &ground).await,
            Command::Sync(args) => Box::pin(sync::sync(args, &ground)).await,
            Command::Pin(args) => pin::pin(args, &ground).await,
            Command::Unpin(args) => pin::unpin(args, &ground).await,
            Command::Status(args) => Box::pin(status::run(args, &ground)).await,
            // Answered above, without a runtime.
            Command::Completions(_) | Command::Man(_) => Ok(exit::OK),
        }
    });
    // A thread that waits for a hung read must not keep the program.
    runtime.shutdown_background();
    if ground.journal {
        std::thread::sleep(JOURNAL_GRACE);
    }
    done
}

/// What every message of a backup or drill in the journal says of its job.
fn job_fields(command: &Command, environment: &Environment) -> Vec<(String, String)> {
    let (job, instance) = match command {
        Command::Backup(command) => (command.args.job.clone(), command.args.instance.as_ref()),
        Command::Drill(args) => args.whose(),
        Command::List(_)
        | Command::Restore(_)
        | Command::Verify(_)
        | Command::Prune(_)
        | Command::Sync(_)
        | Command::Pin(_)
        | Command::Unpin(_)
        | Command::Status(_)
        | Command::Completions(_)
        | Command::Man(_) => return vec![],
    };
    let compiled = environment.get(JOB_VARIABLE).and_then(|text| Job::from_json(&text.to_string_lossy()).ok());
    let name = job.or(compiled.map(|job| job.name));
    let instance = instance.and_then(Instance::unescaped);
    let fields = [("EIGHTBELLS_JOB_NAME", name), ("EIGHTBELLS_INSTANCE", instance)];
    fields.into_iter().filter_map(|(field, value)| Some((field.to_owned(), value?))).collect()
}

/// A failure from an error: its causes on lines of their own.
fn failure(code: u8, error: &dyn std::error::Error) -> Failure {
    let mut message = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let text = error.to_string();
        if !message.ends_with(&text) {
            message = format!("{message}\n  cause: {text}");
        }
        cause = error.source();
    }
    Failure::new(code, message)
}
