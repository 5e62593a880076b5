//! `restore --into`: back into the database or container that an archive came from, or another one.

use super::choose::{Copy, copies};
use super::place::{self, Place};
use super::restore::{RestoreArgs, first_that_works};
use super::table::printable;
use super::{Ground, failure, of_lock};
use crate::archive::{part_of, source_of};
use crate::cli::output::{Failure, say};
use crate::contract::{Job, exit};
use crate::run::dump::Surroundings;
use crate::run::dump::back::{self, BackError, Order, Way};
use crate::run::journal::Journal;
use crate::run::lock::{Lock, StateDir};
use crate::run::manifest::Entry;
use crate::run::os::RunId;
use crate::run::restore::{self, Machine};
use crate::run::secret::Secrets;
use crate::source::{Engine, Source};
use std::str::FromStr;
use std::sync::Arc;

/// What `--into` says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Target {
    /// `source`, `source:NAME`, `source:JOB/NAME`: where a source of the spec reads; without a name where it came from.
    Source { job: Option<String>, source: Option<String> },
    /// `container:NAME[:/PATH]`, or `docker:…`, `podman:…`.
    Container { engine: Engine, name: String, path: Option<String> },
}

impl FromStr for Target {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (kind, rest) = text.split_once(':').map_or((text, None), |(kind, rest)| (kind, Some(rest)));
        let engine = match (kind, rest) {
            ("source", None) => return Ok(Self::Source { job: None, source: None }),
            ("source", Some(name)) if !name.is_empty() => {
                let (job, source) = name.split_once('/').map_or((None, name), |(job, source)| (Some(job), source));
                return Ok(Self::Source { job: job.map(str::to_owned), source: Some(source.to_owned()) });
            }
            ("container", Some(_)) => Engine::Auto,
            ("docker", Some(_)) => Engine::Docker,
            ("podman", Some(_)) => Engine::Podman,
            ("postgres" | "mysql" | "mariadb" | "redis" | "sqlite" | "mongodb" | "etcd" | "database", _) => {
                return Err("how a database is reached stands in the spec: write `source`, or `source:NAME` or \
                            `source:JOB/NAME` for another source's"
                    .into());
            }
            _ => return Err("write `source`, `source:NAME`, `source:JOB/NAME` or `container:NAME:/PATH`".into()),
        };
        let rest = rest.unwrap_or_default();
        let (name, path) = rest.split_once(':').map_or((rest, None), |(name, path)| (name, Some(path)));
        if name.is_empty() || path.is_some_and(|path| !path.starts_with('/')) {
            return Err("write `container:NAME:/PATH`, with an absolute path".into());
        }
        Ok(Self::Container { engine, name: name.to_owned(), path: path.map(str::to_owned) })
    }
}

/// Everything that is needed to look for ways, and the right to go them.
struct Ready {
    with: Surroundings,
    job: Option<Job>,
    order: Order,
    _lock: Option<Lock>,
    /// Of a dry run, which leaves nothing.
    _state: Option<tempfile::TempDir>,
}

pub(super) async fn restore_into(args: &RestoreArgs, target: &Target, ground: &Ground) -> Result<u8, Failure> {
    let place = args.place().open(ground).await?;
    let copies = copies(&place.shelves, args.at())?;
    let machine = args.keys().machine(ground, &place.shelves)?;
    let ready = ready(args, target, &place, ground).await?;
    first_that_works(copies, async |copy| one(args, target, &ready, copy, &machine).await).await?;
    Ok(exit::OK)
}

async fn ready(args: &RestoreArgs, target: &Target, place: &Place, ground: &Ground) -> Result<Ready, Failure> {
    let job = match target {
        Target::Source { job: Some(name), source: _ } => Some(args.place().other_job(name, ground).await?),
        Target::Source { .. } | Target::Container { .. } => place.job.clone(),
    };
    let unknown = matches!(target, Target::Source { .. }) && job.is_none();
    if unknown {
        let help = "name the spec with --spec, or a container with `--into container:NAME:/PATH`";
        return Err(Failure::new(exit::USAGE, "where the archive came from stands in its job").help(help));
    }
    let told = |error: &dyn std::error::Error| failure(exit::FAILED, error);
    let bare = place::no_job();
    let known = job.as_ref().unwrap_or(&bare);
    let instance = place.instance.as_deref().filter(|_| known.instances);
    let context = place::context(known, instance)?;
    let secrets = Secrets::resolve(known, &context, &ground.environment).await.map_err(|e| told(&e))?;
    let scratch = args.dry_run().then(tempfile::tempdir).transpose().map_err(|e| told(&e))?;
    let given = scratch.as_ref().map(tempfile::TempDir::path).or(ground.state_dir.as_deref());
    let state = StateDir::find(given, &ground.environment).map_err(|e| told(&e))?;
    let run = RunId::random().map_err(|e| told(&e))?;
    let owner = if known.name.is_empty() { args.place().bare_name().unwrap_or_default() } else { &known.name };
    let lock = Lock::take(&state, owner, instance, &run).map_err(|error| of_lock(&error))?;
    let journal = Arc::new(Journal::open(&state, owner, instance, run.clone()).map_err(|e| told(&e))?);
    let (environment, stop) = (ground.environment.clone(), ground.stop.clone());
    let with = Surroundings { context, secrets: Arc::new(secrets), environment, run, journal, stop };
    Ok(Ready { with, job, order: args.order(), _lock: Some(lock), _state: scratch })
}

/// Puts one copy back; where that fails, whether another copy may do better.
async fn one(
    args: &RestoreArgs,
    target: &Target,
    ready: &Ready,
    (shelf, set): Copy<'_>,
    machine: &Machine,
) -> Result<(), (Failure, bool)> {
    let of_restore = |error: restore::RestoreError| {
        let mut told = failure(exit::FAILED, &error);
        told.message = told.message.map(|message| format!("`{}`: {message}", printable(&shelf.name)));
        let another = error.may_be_better_elsewhere();
        (told, another)
    };
    let entries = restore::entries(set, args.source()).map_err(of_restore)?;
    let ways = ways(target, &entries, ready).await.map_err(|failure| (failure, false))?;
    for (entry, way) in &ways {
        let would = if args.dry_run() { "would put" } else { "putting" };
        say(&format!("{would} {} of `{}` back {}", printable(&entry.name), printable(&shelf.name), way.what()));
    }
    if args.dry_run() {
        return Ok(());
    }
    // What is there gives way only to an archive that was read to its end before.
    if ready.order.overwrite {
        restore::verify(shelf.store.as_ref(), set, false, machine).await.map_err(of_restore)?;
    }
    for (entry, way) in ways {
        let aftermath = way.aftermath().to_owned();
        put(shelf.store.as_ref(), &entry, way, machine).await.map_err(|failure| (failure.help(aftermath), false))?;
        say(&format!("restored {}", printable(&entry.name)));
    }
    Ok(())
}

/// Every object with its way; all are found before the first is gone.
async fn ways(target: &Target, entries: &[Entry], ready: &Ready) -> Result<Vec<(Entry, Way)>, Failure> {
    let one_place = matches!(target, Target::Source { source: Some(_), .. }) || ready.order.database.is_some();
    if let (true, [first, second, ..]) = (one_place, entries) {
        let message =
            format!("the archive has `{}`, `{}` and perhaps more, and the place is one", first.source, second.source);
        return Err(Failure::new(exit::USAGE, message).help("say which with --source"));
    }
    let mut ways = vec![];
    for entry in entries {
        let to = place_of(target, entry, ready.job.as_ref())?;
        let (content, order, with) = (entry.content.clone(), ready.order.clone(), ready.with.clone());
        let found = tokio::task::spawn_blocking(move || Way::find(&to, &content, &order, &with)).await;
        let found = found.map_err(|error| failure(exit::FAILED, &error))?;
        let way = found.map_err(|error| {
            let mut told = failure(exit::FAILED, &error);
            told.message = told.message.map(|message| format!("`{}`: {message}", printable(&entry.source)));
            told
        })?;
        ways.push((entry.clone(), way));
    }
    Ok(ways)
}

fn place_of(target: &Target, entry: &Entry, job: Option<&Job>) -> Result<back::Place, Failure> {
    let named = |name: &str| -> Option<Source> {
        job.into_iter().flat_map(|job| &job.sources).find(|source| source.name == name).cloned()
    };
    let own = source_of(&entry.source);
    match target {
        Target::Container { engine, name, path } => Ok(back::Place::Container {
            engine: *engine,
            name: name.clone(),
            path: path.clone(),
            of: named(own).map(Box::new),
        }),
        Target::Source { job: _, source } => {
            let name = source.as_deref().unwrap_or(own);
            let found = named(name).ok_or_else(|| {
                let message = format!("the job has no source `{name}`, which says where to");
                Failure::new(exit::USAGE, message)
                    .help("name another one with `--into source:NAME` or `source:JOB/NAME`")
            })?;
            Ok(back::Place::Source { source: Box::new(found), part: part_of(&entry.source) })
        }
    }
}

async fn put(store: &dyn crate::run::store::Store, entry: &Entry, way: Way, machine: &Machine) -> Result<(), Failure> {
    let mut taking = way.begin();
    let handed =
        restore::hand_over(store, entry, machine, move |content, bounds| taking.take(content, bounds).map(|()| taking));
    let taking = handed.await.map_err(|error| failure(exit::FAILED, &error))?;
    let ended = tokio::task::spawn_blocking(move || taking.end()).await;
    let ended: Result<(), BackError> = ended.map_err(|error| failure(exit::FAILED, &error))?;
    ended.map_err(|error| failure(exit::FAILED, &error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_to_is_read() {
        let source = |job: Option<&str>, source: Option<&str>| {
            Ok(Target::Source { job: job.map(str::to_owned), source: source.map(str::to_owned) })
        };
        assert_eq!("source".parse::<Target>(), source(None, None));
        assert_eq!("source:staging".parse::<Target>(), source(None, Some("staging")));
        assert_eq!("source:other/db".parse::<Target>(), source(Some("other"), Some("db")));
        let container = |engine, path: Option<&str>| {
            Ok(Target::Container { engine, name: "wiki".into(), path: path.map(str::to_owned) })
        };
        assert_eq!("container:wiki:/data".parse::<Target>(), container(Engine::Auto, Some("/data")));
        assert_eq!("podman:wiki".parse::<Target>(), container(Engine::Podman, None));
        for bad in ["", "source:", "container", "container:", "container:wiki:data", "docker::/x", "elsewhere"] {
            assert!(bad.parse::<Target>().is_err(), "{bad}");
        }
        assert!("postgres".parse::<Target>().unwrap_err().contains("source:NAME"));
    }
}
