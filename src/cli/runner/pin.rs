//! `pin` and `unpin`.

use super::choose::{copies, until};
use super::place::PlaceArgs;
use super::{Ground, failure};
use crate::cli::output::{Failure, say};
use crate::contract::exit;
use crate::run::mark::{self, Mark, MarkKind};
use crate::run::select::At;
use clap::Args;
use jiff::Timestamp;

/// What `pin` is told.
#[derive(Debug, Args)]
pub(super) struct PinArgs {
    #[command(flatten)]
    place: PlaceArgs,
    /// Which archive: latest, latest~N, a time (the newest up to it), or an object's name
    #[arg(long, value_name = "WHICH")]
    at: At,
    /// When the pin ends: 2027-01-31, or with a time of day; it does not end without it
    #[arg(long, value_name = "TIME", value_parser = until)]
    until: Option<Timestamp>,
}

/// What `unpin` is told.
#[derive(Debug, Args)]
pub(super) struct UnpinArgs {
    #[command(flatten)]
    place: PlaceArgs,
    /// Which archive: latest, latest~N, a time (the newest up to it), or an object's name
    #[arg(long, value_name = "WHICH")]
    at: At,
}

pub(super) async fn pin(args: &PinArgs, ground: &Ground) -> Result<u8, Failure> {
    let place = args.place.open(ground).await?;
    let mut pinned = 0;
    for (shelf, set) in copies(&place.shelves, &args.at)? {
        let Some(manifest) = set.manifest_name.as_ref().filter(|_| set.is_good()) else {
            say(&format!("the copy of {} at {} is not whole, and stays unpinned", set.time, shelf.name));
            continue;
        };
        let put = mark::put(shelf.store.as_ref(), manifest, MarkKind::Pin, &Mark::new(args.until)).await;
        put.map_err(|error| failure(exit::FAILED, &error))?;
        let until = args.until.map_or_else(String::new, |until| format!(" until {until}"));
        say(&format!("pinned {} at {}{until}", set.time, shelf.name));
        pinned += 1;
    }
    match (pinned, place.unread) {
        (0, _) => Err(Failure::new(exit::FAILED, "no copy of the archive is whole")),
        (_, 0) => Ok(exit::OK),
        (_, _) => Ok(exit::PARTIAL),
    }
}

pub(super) async fn unpin(args: &UnpinArgs, ground: &Ground) -> Result<u8, Failure> {
    let place = args.place.open(ground).await?;
    let mut found = false;
    for (shelf, set) in copies(&place.shelves, &args.at)? {
        let is_pin = |name: &&String| MarkKind::of(name).is_some_and(|(_, kind)| kind == MarkKind::Pin);
        let pins: Vec<String> = set.marks.names.iter().filter(is_pin).cloned().collect();
        if pins.is_empty() {
            continue;
        }
        shelf.store.delete(&pins).await.map_err(|error| failure(exit::FAILED, &error))?;
        say(&format!("unpinned {} at {}", set.time, shelf.name));
        found = true;
    }
    if !found {
        return Err(Failure::new(exit::FAILED, "this archive is not pinned"));
    }
    Ok(if place.unread == 0 { exit::OK } else { exit::PARTIAL })
}
