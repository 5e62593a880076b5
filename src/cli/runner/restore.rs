//! `restore`.

use super::choose::{Copy, copies};
use super::keys::KeyArgs;
use super::place::PlaceArgs;
use super::table::state;
use super::{Ground, failure};
use crate::cli::output::{Failure, say};
use crate::contract::exit;
use crate::run::cipher::Keys;
use crate::run::restore::{self, Machine, Part, Restored};
use crate::run::select::At;
use crate::value::Bytes;
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
    /// Only what fits this pattern of paths, such as `etc/ssh` or `**/*.conf`, with all below it; may be given several
    /// times. Nothing else of the archive is fetched
    #[arg(long, value_name = "GLOB")]
    path: Vec<String>,
    #[command(flatten)]
    keys: KeyArgs,
    /// The folder to restore into; it must not be there yet, or be empty
    #[arg(long, value_name = "DIR")]
    to: PathBuf,
}

impl Ground {
    pub(super) fn machine(&self, keys: Keys) -> Machine {
        Machine { environment: self.environment.clone(), stop: self.stop.clone(), keys }
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
    let part = Part { source: args.source.as_deref(), paths: &args.path };
    let machine = ground.machine(args.keys.keys(&shelves)?);
    let restored = restore::restore(&shelf.store, set, part, &args.to, &machine).await;
    for Restored { name, fetched, members } in restored.map_err(|error| failure(exit::FAILED, &error))? {
        let of = members.map_or_else(String::new, |members| format!("{members} files and folders of "));
        let size = set.objects.iter().find(|object| object.name == name).map_or(0, |object| object.size);
        let cost = fetched.map_or_else(String::new, |f| format!(", fetching {} of {}", Bytes(f), Bytes(size)));
        say(&format!("restored {of}{name} from {} to {}{cost}", shelf.store.describe(), args.to.display()));
    }
    Ok(exit::OK)
}
