//! `drill`: an archive comes back, and what comes back is what it should be.

use super::choose::copies;
use super::keys::KeyArgs;
use super::place::PlaceArgs;
use super::restore::{Goal, first_that_comes_back};
use super::table::printable;
use super::{Ground, failure};
use crate::cli::output::{Failure, print, say};
use crate::contract::exit;
use crate::run::os::{Captured, Limits, Program};
use crate::run::restore::{Into, Part};
use crate::run::select::At;
use crate::value::{Bytes, parse_duration};
use clap::Args;
use serde_json::json;
use std::ffi::OsString;
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// The folder that the check is to look at, for the check.
const FOLDER_VARIABLE: &str = "EIGHTBELLS_DRILL_FOLDER";
/// The time of the archive, for the check.
const TIME_VARIABLE: &str = "EIGHTBELLS_DRILL_TIME";
/// How many of the check's lines are told.
const LINES_TOLD: usize = 50;

/// What `drill` is told.
#[derive(Debug, Args)]
pub(super) struct DrillArgs {
    #[command(flatten)]
    place: PlaceArgs,
    /// Which archive: latest, latest~N, a time (the newest up to it), or an object's name
    #[arg(long, value_name = "WHICH", default_value = "latest")]
    at: At,
    /// Only this source
    #[arg(long, value_name = "NAME")]
    source: Option<String>,
    #[command(flatten)]
    keys: KeyArgs,
    /// Where the scratch folder is made; `$TMPDIR`, or /tmp, without it
    #[arg(long, value_name = "DIR")]
    scratch: Option<PathBuf>,
    /// Unpack no more than this; what the disk has room for without it
    #[arg(long, value_name = "SIZE", value_parser = Bytes::parse)]
    max_size: Option<Bytes>,
    /// How long the check may take
    #[arg(long, value_name = "DURATION", value_parser = parse_duration, default_value = "1h")]
    timeout: Duration,
    /// Print JSON
    #[arg(long)]
    json: bool,
    /// The check and its arguments, run in the scratch folder, which is also `EIGHTBELLS_DRILL_FOLDER`; exit status 0
    /// means that all is well
    #[arg(last = true, required = true, value_name = "COMMAND")]
    command: Vec<OsString>,
}

pub(super) async fn drill(args: &DrillArgs, ground: &Ground) -> Result<u8, Failure> {
    let begun = Instant::now();
    let shelves = args.place.shelves(ground).await?;
    let copies = copies(&shelves, &args.at)?;
    let machine = args.keys.machine(ground, &shelves)?;
    let parent = args.scratch.clone().or_else(|| ground.environment.path("TMPDIR")).unwrap_or_else(|| "/tmp".into());
    // Removed with the value, however this ends.
    let scratch = tempfile::Builder::new().prefix("eightbells-drill-").tempdir_in(&parent);
    let scratch = scratch.map_err(|error| Failure::io("make a folder in", &parent, &error))?;
    let folder = scratch.path().join("restored");
    let part = Part { source: args.source.as_deref(), paths: &[] };
    let into = Into { folder: &folder, overwrite: false, max_size: args.max_size.map(|size| size.0) };
    let (shelf, set) = first_that_comes_back(Goal::Folder(part, into), copies, &machine).await?;
    let checked = check(args, ground, folder.clone(), set.time.to_string()).await?;
    for line in checked.lines().iter().take(LINES_TOLD) {
        say(&format!("check: {}", printable(line)));
    }
    let well = checked.ended.well();
    let took = begun.elapsed().as_secs_f64();
    if args.json {
        let told = json!({
            "destination": shelf.name, "time": set.time.to_string(), "good": well, "check": checked.ended.describe(),
            "seconds": took, "said": checked.lines(),
        });
        print(&format!("{told:#}\n"))?;
    }
    if well {
        say(&format!(
            "the archive of {} at `{}` comes back and is well, {took:.1} s",
            set.time,
            printable(&shelf.name)
        ));
        return Ok(exit::OK);
    }
    let message = format!("the archive of {} comes back, but its check {}", set.time, checked.ended.describe());
    Err(Failure::new(exit::FAILED, message))
}

/// Runs the check in the folder.
async fn check(args: &DrillArgs, ground: &Ground, folder: PathBuf, time: String) -> Result<Captured, Failure> {
    let (name, words) = args.command.split_first().ok_or_else(|| Failure::new(exit::USAGE, "no check is named"))?;
    let program = Program::new(name.clone(), &ground.environment)
        .args(words.iter().cloned())
        .env(FOLDER_VARIABLE, folder.clone())
        .env(TIME_VARIABLE, time)
        .directory(Some(folder));
    let limits = Limits { stop: ground.stop.clone(), deadline: None }.at_most(args.timeout);
    let done = tokio::task::spawn_blocking(move || program.capture(limits)).await;
    let done = done.map_err(|error| failure(exit::FAILED, &error))?;
    done.map_err(|error| failure(exit::FAILED, &error))
}
