//! `restore`.

use super::choose::{Copy, copies};
use super::place::PlaceArgs;
use super::table::state;
use super::{Ground, failure};
use crate::cli::output::{Failure, say};
use crate::contract::exit;
use crate::run::restore::{self, Machine};
use crate::run::select::At;
use clap::Args;
use std::path::PathBuf;

/// What `restore` is told.
#[derive(Debug, Args)]
pub(super) struct RestoreArgs {
    #[command(flatten)]
    place: PlaceArgs,
    /// Which archive: latest, latest~N, a time (the newest up to it; UTC unless it says otherwise), or an object's name
    #[arg(long, value_name = "WHICH", default_value = "latest")]
    at: At,
    /// Only this source
    #[arg(long, value_name = "NAME")]
    source: Option<String>,
    /// The folder to restore into; it must not be there yet, or be empty
    #[arg(long, value_name = "DIR")]
    to: PathBuf,
}

impl Ground {
    pub(super) fn machine(&self) -> Machine {
        Machine { environment: self.environment.clone(), stop: self.stop.clone() }
    }
}

pub(super) async fn restore(args: &RestoreArgs, ground: &Ground) -> Result<u8, Failure> {
    let shelves = args.place.shelves(ground).await?;
    let copies = copies(&shelves, &args.at)?;
    let best: Option<&Copy<'_>> = copies.iter().find(|(_, set)| set.is_good()).or(copies.first());
    let Some((shelf, set)) = best else { return Err(Failure::new(exit::FAILED, "there is no such archive")) };
    if !set.is_good() {
        say(&format!("warning: this archive does not count as whole: {}", state(set)));
    }
    let restored =
        restore::restore(shelf.store.as_ref(), set, args.source.as_deref(), &args.to, &ground.machine()).await;
    for name in restored.map_err(|error| failure(exit::FAILED, &error))? {
        say(&format!("restored {name} from {} to {}", shelf.store.describe(), args.to.display()));
    }
    Ok(exit::OK)
}
