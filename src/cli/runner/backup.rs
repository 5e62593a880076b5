//! `backup`.

use super::Ground;
use crate::cli::output::Failure;
use crate::contract::{BackupArgs, exit};
use clap::Args;

/// What `backup` is told.
#[derive(Debug, Args)]
pub(super) struct BackupCommand {
    #[command(flatten)]
    pub(super) args: BackupArgs,
    /// Print the run's report as JSON
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(command: &BackupCommand, ground: &Ground) -> Result<u8, Failure> {
    let _ = (command.unit_args(), command.json, &ground.state_dir);
    Ok(exit::FAILED)
}
