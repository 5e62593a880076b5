//! `verify`.

use super::choose::{Copy, copies};
use super::place::PlaceArgs;
use super::table::state;
use super::{Ground, failure};
use crate::cli::output::{Failure, say};
use crate::contract::exit;
use crate::run::restore;
use crate::run::select::At;
use crate::value::Bytes;
use clap::Args;

/// What `verify` is told.
#[derive(Debug, Args)]
pub(super) struct VerifyArgs {
    #[command(flatten)]
    place: PlaceArgs,
    /// Which archive: latest, latest~N, a time, or an object's name; every one without it
    #[arg(long, value_name = "WHICH")]
    at: Option<At>,
}

pub(super) async fn verify(args: &VerifyArgs, ground: &Ground) -> Result<u8, Failure> {
    let shelves = args.place.shelves(ground).await?;
    let work: Vec<Copy<'_>> = match &args.at {
        None => shelves.iter().flat_map(|shelf| shelf.sets.iter().map(move |set| (shelf, set))).collect(),
        Some(at) => copies(&shelves, at)?,
    };
    if work.is_empty() {
        return Err(Failure::new(exit::FAILED, "there is nothing to verify"));
    }
    let mut bad = 0;
    for copy in work {
        bad += verify_one(copy, ground).await;
    }
    if bad == 0 {
        Ok(exit::OK)
    } else {
        Err(Failure::new(exit::FAILED, format!("{bad} of the archives cannot be relied on")))
    }
}

/// Verifies one set and tells the result; 1 where it is bad.
async fn verify_one((shelf, set): Copy<'_>, ground: &Ground) -> usize {
    if !set.is_good() {
        say(&format!("bad   {} at {}: {}", set.time, shelf.name, state(set)));
        return 1;
    }
    match restore::verify(shelf.store.as_ref(), set, &ground.machine()).await {
        Ok(verified) => {
            for object in verified {
                let members = object.members.map_or_else(String::new, |n| format!(", {n} members"));
                say(&format!("good  {} at {}: {}{members}", object.name, shelf.name, Bytes(object.size)));
            }
            0
        }
        Err(error) => {
            let told = failure(exit::FAILED, &error).message.unwrap_or_default();
            say(&format!("bad   {} at {}: {told}", set.time, shelf.name));
            1
        }
    }
}
