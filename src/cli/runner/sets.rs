//! `list`, `restore` and `verify`.

use super::place::{PlaceArgs, Shelf};
use super::{Ground, failure};
use crate::cli::output::{Failure, print, say};
use crate::contract::exit;
use crate::run::catalog::{Set, SetState};
use crate::run::cipher::Keys;
use crate::run::os;
use crate::run::restore::{self, Machine, Part, Restored};
use crate::run::select::{At, SelectError, select};
use crate::value::{Bytes, format_duration};
use clap::Args;
use secrecy::SecretString;
use serde_json::json;
use std::path::{Path, PathBuf};

/// What `list` is told.
#[derive(Debug, Args)]
pub(super) struct ListArgs {
    #[command(flatten)]
    place: PlaceArgs,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// What `restore` is told.
#[derive(Debug, Args)]
pub(super) struct RestoreArgs {
    #[command(flatten)]
    place: PlaceArgs,
    /// Which archive: latest, a time (the newest up to it; UTC unless it says otherwise), or an object's name
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

/// What `verify` is told.
#[derive(Debug, Args)]
pub(super) struct VerifyArgs {
    #[command(flatten)]
    place: PlaceArgs,
    /// Which archive: latest, a time, or an object's name; every whole one without it
    #[arg(long, value_name = "WHICH")]
    at: Option<At>,
    #[command(flatten)]
    keys: KeyArgs,
}

/// What opens encrypted archives.
#[derive(Debug, Args)]
struct KeyArgs {
    /// What opens encrypted archives: a file of age's identities, or a private key of OpenSSH of the kind ed25519; may
    /// be given several times
    #[arg(long, value_name = "FILE")]
    identity: Vec<PathBuf>,
    /// The file whose first line is the passphrase of the archives, or of the identity file
    #[arg(long, value_name = "FILE")]
    passphrase_file: Option<PathBuf>,
}

impl KeyArgs {
    /// The keys named, or else the passphrase that the job refers to.
    fn keys(&self, shelves: &[Shelf]) -> Result<Keys, Failure> {
        let Self { identity, passphrase_file } = self;
        let passphrase = match passphrase_file {
            Some(path) => Some(first_line(path)?),
            None => shelves.iter().find_map(|shelf| shelf.passphrase.clone()),
        };
        Keys::read(identity, passphrase.as_ref()).map_err(|error| failure(exit::FAILED, &error))
    }
}

fn first_line(path: &Path) -> Result<SecretString, Failure> {
    let text = std::fs::read_to_string(path).map_err(|error| Failure::io("read", path, &error))?;
    let line = text.lines().next().unwrap_or_default();
    if line.is_empty() {
        return Err(Failure::new(exit::FAILED, format!("`{}` has no passphrase in its first line", path.display())));
    }
    Ok(line.to_owned().into())
}

impl Ground {
    fn machine(&self, keys: Keys) -> Machine {
        Machine { environment: self.environment.clone(), stop: self.stop.clone(), keys }
    }
}

pub(super) async fn list(args: &ListArgs, ground: &Ground) -> Result<u8, Failure> {
    let shelves = args.place.shelves(ground).await?;
    print(&if args.json { as_json(&shelves) } else { as_table(&shelves) })?;
    Ok(exit::OK)
}

fn as_table(shelves: &[Shelf]) -> String {
    let now = os::now();
    let mut rows = vec![["TIME", "AGE", "SIZE", "STATE", "DESTINATION", "OBJECTS"].map(str::to_owned)];
    for shelf in shelves {
        for set in &shelf.sets {
            let age = std::time::Duration::try_from(now.duration_since(set.time)).unwrap_or_default();
            let names: Vec<&str> = set.objects.iter().map(|object| object.name.as_str()).collect();
            rows.push([
                set.time.to_string(),
                rough(age),
                Bytes(set.size()).to_string(),
                state(set),
                shelf.name.clone(),
                names.join(" "),
            ]);
        }
    }
    table(&rows)
}

/// Whether a set counts, for people.
fn state(set: &Set) -> String {
    match &set.state {
        SetState::Good => "good".into(),
        SetState::Incomplete(why) | SetState::Unknown(why) => why.clone(),
    }
}

/// The largest unit alone: an age of days is not told in seconds.
fn rough(age: std::time::Duration) -> String {
    format_duration(age).split(' ').next().unwrap_or("0s").to_owned()
}

fn table<const N: usize>(rows: &[[String; N]]) -> String {
    let width = |column: usize| {
        rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..N).map(width).collect();
    let line = |row: &[String; N]| {
        let cells = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:width$}"));
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned() + "\n"
    };
    rows.iter().map(line).collect()
}

fn as_json(shelves: &[Shelf]) -> String {
    let set = |shelf: &Shelf, set: &Set| {
        let objects: Vec<_> =
            set.objects.iter().map(|object| json!({"name": object.name, "size": object.size})).collect();
        json!({
            "destination": shelf.name, "time": set.time.to_string(), "good": set.is_good(), "state": state(set),
            "size": set.size(), "objects": objects, "manifest": set.manifest,
        })
    };
    let all: Vec<_> = shelves.iter().flat_map(|shelf| shelf.sets.iter().map(move |s| set(shelf, s))).collect();
    format!("{:#}\n", serde_json::Value::Array(all))
}

/// The set that is meant, at the first destination that has it: the newest of all for `latest`.
fn chosen<'a>(shelves: &'a [Shelf], at: &At) -> Result<(&'a Shelf, &'a Set), Failure> {
    let mut best: Option<(&Shelf, &Set)> = None;
    let mut none: Option<SelectError> = None;
    for shelf in shelves {
        match select(&shelf.sets, at) {
            Ok(set) if best.is_none_or(|(_, other)| set.time > other.time) => best = Some((shelf, set)),
            Ok(_) => {}
            Err(error) => none = none.or(Some(error)),
        }
    }
    best.ok_or_else(|| {
        let message = none.unwrap_or(SelectError::Nothing).to_string();
        Failure::new(exit::FAILED, message).help("`eightbells-run list` shows what there is")
    })
}

/// At a bare destination several jobs may lie; then it must be said which is meant.
fn one_job(shelves: &[Shelf]) -> Result<(), Failure> {
    let mut jobs: Vec<String> =
        shelves.iter().flat_map(|shelf| &shelf.sets).filter_map(|set| set.manifest.as_ref()).map(whose).collect();
    jobs.sort();
    jobs.dedup();
    if jobs.len() <= 1 {
        return Ok(());
    }
    Err(Failure::new(exit::USAGE, "archives of several jobs or instances lie here: say which")
        .help(format!("there are {}", jobs.join(", "))))
}

fn whose(manifest: &crate::run::manifest::Manifest) -> String {
    manifest
        .instance
        .as_ref()
        .map_or_else(|| manifest.job.clone(), |instance| format!("{} --instance {instance}", manifest.job))
}

pub(super) async fn restore(args: &RestoreArgs, ground: &Ground) -> Result<u8, Failure> {
    let shelves = args.place.shelves(ground).await?;
    one_job(&shelves)?;
    let (shelf, set) = chosen(&shelves, &args.at)?;
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

pub(super) async fn verify(args: &VerifyArgs, ground: &Ground) -> Result<u8, Failure> {
    let shelves = args.place.shelves(ground).await?;
    let mut work: Vec<(&Shelf, &Set)> = vec![];
    for shelf in &shelves {
        match &args.at {
            None => work.extend(shelf.sets.iter().map(|set| (shelf, set))),
            Some(at) => match select(&shelf.sets, at) {
                Ok(set) => work.push((shelf, set)),
                Err(error) => return Err(Failure::new(exit::FAILED, format!("{}: {error}", shelf.name))),
            },
        }
    }
    if work.is_empty() {
        return Err(Failure::new(exit::FAILED, "there is nothing to verify"));
    }
    let machine = ground.machine(args.keys.keys(&shelves)?);
    let mut bad = 0;
    for (shelf, set) in work {
        bad += verify_one(shelf, set, &machine).await;
    }
    if bad == 0 {
        Ok(exit::OK)
    } else {
        Err(Failure::new(exit::FAILED, format!("{bad} of the archives cannot be relied on")))
    }
}

/// Verifies one set and tells the result; 1 where it is bad.
async fn verify_one(shelf: &Shelf, set: &Set, machine: &Machine) -> usize {
    if !set.is_good() {
        say(&format!("bad   {} at {}: {}", set.time, shelf.name, state(set)));
        return 1;
    }
    match restore::verify(shelf.store.as_ref(), set, machine).await {
        Ok(verified) => {
            for object in verified {
                let members = object.members.map_or_else(String::new, |n| format!(", {n} members"));
                let depth = if object.deep { "" } else { ", size and SHA-256 only: no key was given to look into it" };
                say(&format!("good  {} at {}: {}{members}{depth}", object.name, shelf.name, Bytes(object.size)));
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
