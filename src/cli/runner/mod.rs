//! `eightbells-run`: what units execute, and the way back.

mod backup;
mod place;
mod sets;

use super::completion::{self, CompletionsArgs};
use super::manual::{self, ManArgs};
use super::output::Failure;
use crate::contract::exit;
use crate::run::os::{Environment, Stop};
use crate::run::tls;
use clap::{CommandFactory as _, Parser, Subcommand};
use std::ffi::OsString;
use std::path::PathBuf;

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
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Dump, pack, store, and remove what is too old: what a unit's `ExecStart=` calls
    Backup(backup::BackupCommand),
    /// What lies at the destinations
    List(sets::ListArgs),
    /// Bring an archive back into a folder
    Restore(sets::RestoreArgs),
    /// Read an archive to its end: digests, compression, every member
    Verify(sets::VerifyArgs),
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

fn run(cli: Cli) -> Result<u8, Failure> {
    match &cli.command {
        Command::Completions(args) => return completion::script(args, "eightbells-run").map(|()| exit::OK),
        Command::Man(args) => return manual::man(args, Cli::command()).map(|()| exit::OK),
        Command::Backup(_) | Command::List(_) | Command::Restore(_) | Command::Verify(_) => {}
    }
    tls::install_provider();
    let environment = Environment::current();
    log_to_stderr(&environment, cli.verbose);
    let stop = Stop::on_signals().map_err(|e| Failure::new(exit::FAILED, format!("cannot listen for signals: {e}")))?;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    let runtime = runtime.map_err(|e| Failure::new(exit::FAILED, format!("cannot start: {e}")))?;
    let ground = Ground { environment, state_dir: cli.state_dir, stop };
    let done = runtime.block_on(async {
        match &cli.command {
            Command::Backup(args) => backup::run(args, &ground).await,
            Command::List(args) => sets::list(args, &ground).await,
            Command::Restore(args) => sets::restore(args, &ground).await,
            Command::Verify(args) => sets::verify(args, &ground).await,
            // Answered above, without a runtime.
            Command::Completions(_) | Command::Man(_) => Ok(exit::OK),
        }
    });
    // A thread that waits for a hung read must not keep the program.
    runtime.shutdown_background();
    done
}

/// Our own messages, one line each; without a time where the journal adds it. Messages of libraries stay out: they
/// could hold what nobody may read.
fn log_to_stderr(environment: &Environment, verbose: bool) {
    use tracing_subscriber::layer::SubscriberExt as _;
    use tracing_subscriber::{Layer as _, filter, fmt};
    let level =
        if verbose { tracing::level_filters::LevelFilter::DEBUG } else { tracing::level_filters::LevelFilter::INFO };
    let ours = filter::Targets::new().with_target("eightbells", level);
    let layer = fmt::layer().with_writer(std::io::stderr).with_target(false).without_time();
    let colour = super::colour_of(&std::io::stderr()) == crate::diag::Colour::Always
        && environment.get("JOURNAL_STREAM").is_none();
    let subscriber = tracing_subscriber::registry().with(layer.with_ansi(colour).with_filter(ours));
    let _ = tracing::subscriber::set_global_default(subscriber);
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
