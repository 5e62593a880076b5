//! `restore`.

use super::choose::{Copy, copies};
use super::into::{Target, restore_into};
use super::keys::KeyArgs;
use super::place::PlaceArgs;
use super::table::{printable, state};
use super::{Ground, failure};
use crate::cli::output::{Failure, say};
use crate::contract::exit;
use crate::run::catalog::Set;
use crate::run::dump::back::Order;
use crate::run::restore::{self, Into, Machine, Part, RestoreError, Restored};
use crate::run::select::At;
use crate::value::Bytes;
use clap::Args;
use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

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
    #[arg(long, value_name = "GLOB", conflicts_with_all = ["stdout", "into"])]
    path: Vec<String>,
    #[command(flatten)]
    keys: KeyArgs,
    /// The folder to restore into; it must not be there yet, or be empty
    #[arg(long, value_name = "DIR", required_unless_present_any = ["stdout", "into"], conflicts_with_all = ["stdout", "into"])]
    to: Option<PathBuf>,
    /// Back into where it came from, `source`; where another source reads, `source:NAME` or `source:JOB/NAME`; or into a
    /// container, `container:NAME[:/PATH]` (`docker:…`, `podman:…`)
    #[arg(long, value_name = "WHERE", conflicts_with_all = ["stdout", "max_size"])]
    into: Option<Target>,
    /// With --into: another database than the source's; of SQLite another file
    #[arg(long, value_name = "NAME", requires = "into")]
    database: Option<String>,
    /// With --into: look at what is there, say what would be done, and do nothing
    #[arg(long, requires = "into")]
    dry_run: bool,
    /// What is there may give way: of a folder, folders become one, files are replaced, and nothing else is touched; a
    /// database's content is replaced by the archive's
    #[arg(long, conflicts_with = "stdout")]
    overwrite: bool,
    /// Write one source, unpacked, to standard output; a tar stays a tar. It counts only where the exit code is 0
    #[arg(long)]
    stdout: bool,
    /// Unpack no more than this; what the disk has room for without it
    #[arg(long, value_name = "SIZE", value_parser = Bytes::parse)]
    max_size: Option<Bytes>,
}

impl RestoreArgs {
    pub(super) fn place(&self) -> &PlaceArgs {
        &self.place
    }

    pub(super) fn at(&self) -> &At {
        &self.at
    }

    pub(super) fn keys(&self) -> &KeyArgs {
        &self.keys
    }

    pub(super) fn source(&self) -> Option<&str> {
        self.source.as_deref()
    }

    pub(super) fn dry_run(&self) -> bool {
        self.dry_run
    }

    pub(super) fn order(&self) -> Order {
        Order { overwrite: self.overwrite, database: self.database.clone() }
    }
}

/// What is to become of an archive.
#[derive(Clone, Copy)]
pub(super) enum Goal<'a> {
    /// Files in a folder.
    Folder(Part<'a>, Into<'a>),
    /// One source on standard output.
    Stdout(Option<&'a str>),
}

pub(super) async fn restore(args: &RestoreArgs, ground: &Ground) -> Result<u8, Failure> {
    if let Some(target) = &args.into {
        return Box::pin(restore_into(args, target, ground)).await;
    }
    let shelves = args.place.shelves(ground).await?;
    let copies = copies(&shelves, &args.at)?;
    let machine = args.keys.machine(ground, &shelves)?;
    let part = Part { source: args.source.as_deref(), paths: &args.path };
    let max_size = args.max_size.map(|size| size.0);
    let goal = match &args.to {
        Some(folder) => Goal::Folder(part, Into { folder, overwrite: args.overwrite, max_size }),
        None => Goal::Stdout(part.source),
    };
    first_that_comes_back(goal, copies, &machine).await.map(|_| exit::OK)
}

/// Restores the first copy that can be: the whole ones first, else in the order of the destinations.
pub(super) async fn first_that_comes_back<'a>(
    goal: Goal<'_>,
    copies: Vec<Copy<'a>>,
    machine: &Machine,
) -> Result<Copy<'a>, Failure> {
    let warned = async |(shelf, set): Copy<'a>| {
        if !set.is_good() {
            say(&format!("warning: the copy at `{}` does not count as whole: {}", printable(&shelf.name), state(set)));
        }
        one(goal, (shelf, set), machine).await
    };
    first_that_works(copies, warned).await
}

/// The first copy that `one` works on: the whole ones are tried first, else in the order of the destinations. `one` says of
/// a failure whether another copy may do better.
pub(super) async fn first_that_works<'a>(
    mut copies: Vec<Copy<'a>>,
    one: impl AsyncFn(Copy<'a>) -> Result<(), (Failure, bool)>,
) -> Result<Copy<'a>, Failure> {
    copies.sort_by_key(|(_, set)| !set.is_good());
    let mut worse: Option<Failure> = None;
    for copy in copies {
        if let Some(worse) = worse.take() {
            worse.print();
            say(&format!("trying the copy at `{}`", printable(&copy.0.name)));
        }
        match one(copy).await {
            Ok(()) => return Ok(copy),
            Err((error, another)) if another => worse = Some(error),
            Err((error, _)) => return Err(error),
        }
    }
    Err(worse.unwrap_or_else(|| Failure::new(exit::FAILED, "there is no such archive")))
}

/// Restores one copy; where that fails, whether another copy may do better.
async fn one(goal: Goal<'_>, (shelf, set): Copy<'_>, machine: &Machine) -> Result<(), (Failure, bool)> {
    let place = printable(&shelf.store.describe());
    let told = |error: &RestoreError, untouched: bool| {
        let mut told = failure(exit::FAILED, error);
        told.message = told.message.map(|message| format!("`{}`: {message}", printable(&shelf.name)));
        (told, untouched && error.may_be_better_elsewhere())
    };
    match goal {
        Goal::Stdout(source) => {
            let out = Out { written: Arc::default() };
            let written = Arc::clone(&out.written);
            let poured = restore::pour(shelf.store.as_ref(), set, source, out, machine).await;
            let Restored { name, .. } = poured.map_err(|error| told(&error, !written.load(Ordering::Relaxed)))?;
            say(&format!("restored {} from {place} to standard output", printable(&name)));
        }
        Goal::Folder(part, into) => {
            let restored = restore::restore(&shelf.store, set, part, into, machine).await;
            for restored in restored.map_err(|error| told(&error, true))? {
                say(&told_of(&restored, set, &format!("from {place} to {}", into.folder.display())));
            }
        }
    }
    Ok(())
}

/// What was restored of an object, and what that cost.
fn told_of(restored: &Restored, set: &Set, way: &str) -> String {
    let Restored { name, fetched, members } = restored;
    let of = members.map_or_else(String::new, |members| format!("{members} files and folders of "));
    let size = set.objects.iter().find(|object| object.name == *name).map_or(0, |object| object.size);
    let cost = fetched.map_or_else(String::new, |f| format!(", fetching {} of {}", Bytes(f), Bytes(size)));
    format!("restored {of}{} {way}{cost}", printable(name))
}

/// Standard output, which remembers whether anything went there.
struct Out {
    written: Arc<AtomicBool>,
}

impl Write for Out {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        self.written.store(true, Ordering::Relaxed);
        io::stdout().lock().write(buffer)
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stdout().lock().flush()
    }
}
