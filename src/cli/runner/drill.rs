//! `drill`: an archive comes back, and what comes back is what it should be.

use super::backup::{check_digest, sleep_up_to};
use super::choose::{Copy, copies};
use super::keys::KeyArgs;
use super::place::{self, Place, PlaceArgs};
use super::restore::{Goal, first_that_comes_back};
use super::table::printable;
use super::{Ground, failure};
use crate::cli::output::{Failure, print, say};
use crate::conduct::Drill;
use crate::contract::{Instance, exit};
use crate::run::drill::{DrillError, Owner, PastDrill, Room};
use crate::run::lock::StateDir;
use crate::run::os::{self, Captured, Limits, Program};
use crate::run::restore::{Into, Part};
use crate::run::select::At;
use crate::value::{Bytes, Context, Template, parse_duration};
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

/// What `drill` is told. What is not said here is as the job's own drill has it.
#[derive(Debug, Args)]
pub(super) struct DrillArgs {
    #[command(flatten)]
    place: PlaceArgs,
    /// Which archive: latest, latest~N, a time (the newest up to it), or an object's name; the newest without it
    #[arg(long, value_name = "WHICH")]
    at: Option<At>,
    /// Only this source
    #[arg(long, value_name = "NAME")]
    source: Option<String>,
    #[command(flatten)]
    keys: KeyArgs,
    /// Where the scratch folder is made; `$TMPDIR`, or the state directory, without it
    #[arg(long, value_name = "DIR")]
    scratch: Option<PathBuf>,
    /// Unpack no more than this; what the disk has room for without it
    #[arg(long, value_name = "SIZE", value_parser = Bytes::parse)]
    max_size: Option<Bytes>,
    /// How long the check may take; an hour without it
    #[arg(long, value_name = "DURATION", value_parser = parse_duration)]
    timeout: Option<Duration>,
    /// The compiled job that the unit was made for, as SHA-256; another one is refused
    #[arg(long, value_name = "SHA256", requires = "spec")]
    digest: Option<String>,
    /// Wait for a random time up to this before anything else
    #[arg(long, value_name = "DURATION", value_parser = parse_duration)]
    jitter: Option<Duration>,
    /// Print JSON
    #[arg(long)]
    json: bool,
    /// The check and its arguments, run in the scratch folder, which is also `EIGHTBELLS_DRILL_FOLDER`; exit status 0
    /// means that all is well. Without it the check of the job's own drill
    #[arg(last = true, value_name = "COMMAND")]
    command: Vec<OsString>,
}

impl DrillArgs {
    /// The job and instance that are named.
    pub(super) fn whose(&self) -> (Option<String>, Option<&Instance>) {
        self.place.named()
    }
}

/// What is to be done: what was said, else what the job says.
struct Order {
    at: At,
    source: Option<String>,
    keys: KeyArgs,
    scratch: Option<PathBuf>,
    timeout: Duration,
    check: Check,
}

/// What the restored files must stand.
enum Check {
    /// A command of the command line.
    Said(Vec<OsString>),
    /// The job's, once the archive is known; none where it is empty.
    OfJob(Vec<Template>, Box<Context>),
}

impl Order {
    fn of(args: &DrillArgs, place: &Place, ground: &Ground) -> Result<Self, Failure> {
        let job = place.job.as_ref().and_then(|job| Some((job, job.drill.clone()?)));
        let DrillArgs { at, source, keys, scratch, timeout, command, .. } = args;
        let temporary = || ground.environment.path("TMPDIR");
        let hour = Drill::TIMEOUT_DEFAULT;
        let Some((job, drill)) = job else {
            if command.is_empty() {
                let help = "name one after `--`, such as `-- test -s etc/hostname`, or give the job a `drill:`";
                return Err(Failure::new(exit::USAGE, "no check is named").help(help));
            }
            return Ok(Self {
                at: at.clone().unwrap_or_default(),
                source: source.clone(),
                keys: keys.clone(),
                scratch: scratch.clone().or_else(temporary),
                timeout: timeout.unwrap_or(hour),
                check: Check::Said(command.clone()),
            });
        };
        let context = place::context(job, place.instance.as_deref())?;
        let expanded = |template: &Template| template.expand(&context).map_err(|error| failure(exit::FAILED, &error));
        let of_job = drill.scratch.as_ref().map(expanded).transpose()?.map(PathBuf::from);
        let identity: Result<Vec<String>, Failure> = drill.identity.iter().map(expanded).collect();
        let usual = drill.at().parse().unwrap_or_default();
        Ok(Self {
            at: at.clone().unwrap_or(usual),
            source: source.clone().or(drill.source),
            keys: keys.or(identity?.into_iter().map(PathBuf::from).collect()),
            scratch: scratch.clone().or(of_job).or_else(temporary),
            timeout: timeout.or(drill.timeout).unwrap_or(hour),
            check: match command.as_slice() {
                [] => Check::OfJob(drill.check, Box::new(context)),
                command => Check::Said(command.to_vec()),
            },
        })
    }
}

/// A drill that went to its end.
struct Went<'a> {
    copy: Copy<'a>,
    /// None where there is no check.
    checked: Option<Captured>,
}

impl Went<'_> {
    fn is_well(&self) -> bool {
        self.checked.as_ref().is_none_or(|checked| checked.ended.well())
    }

    fn problem(&self) -> Option<String> {
        let ended = self.checked.as_ref().filter(|checked| !checked.ended.well())?.ended.describe();
        Some(format!("the archive of {} comes back, but its check {ended}", self.copy.1.time))
    }
}

pub(super) async fn drill(args: &DrillArgs, ground: &Ground) -> Result<u8, Failure> {
    if let Some(jitter) = args.jitter {
        sleep_up_to(jitter, &ground.stop).await?;
    }
    let (begun, time) = (Instant::now(), os::now());
    let place = args.place.open(ground).await?;
    if let Some(job) = &place.job {
        check_digest(job, args.digest.as_deref())?;
    }
    let order = Order::of(args, &place, ground)?;
    let state = ground.state()?;
    let bare = args.place.bare_name().unwrap_or_default();
    let name = place.job.as_ref().map_or(bare, |job| &job.name);
    let owner = Owner { job: name.to_owned(), instance: place.instance.clone() };
    let room = make_room(&state, &owner, order.scratch.clone(), ground).await?;
    let went = carry_out(args, &order, &place, &room, ground).await;
    drop(room);
    let problem = match &went {
        Ok(went) => went.problem(),
        Err(failure) => Some(failure.message.clone().unwrap_or_else(|| "it failed".to_owned())),
    };
    let seconds = begun.elapsed().as_secs_f64();
    if place.job.is_some() {
        let past = PastDrill { time, seconds, good: problem.is_none(), problem: problem.clone(), last_good: None };
        let kept = past.keep(&state, &owner);
        kept.map_err(|error| Failure::io("remember the drill in", state.path(), &error))?;
    }
    tell(args, &went?, problem, seconds)
}

async fn make_room(state: &StateDir, owner: &Owner, parent: Option<PathBuf>, ground: &Ground) -> Result<Room, Failure> {
    let (state, owner, environment) = (state.clone(), owner.clone(), ground.environment.clone());
    let made = tokio::task::spawn_blocking(move || Room::make(&state, &owner, parent.as_deref(), &environment)).await;
    let made = made.map_err(|error| failure(exit::FAILED, &error))?;
    let (room, troubles) = made.map_err(|error| {
        let code = if matches!(error, DrillError::Held { .. }) { exit::LOCKED } else { exit::FAILED };
        failure(code, &error)
    })?;
    for trouble in troubles {
        say(&format!("warning: {trouble}"));
    }
    Ok(room)
}

async fn carry_out<'a>(
    args: &DrillArgs,
    order: &Order,
    place: &'a Place,
    room: &Room,
    ground: &Ground,
) -> Result<Went<'a>, Failure> {
    let copies = copies(&place.shelves, &order.at)?;
    let machine = order.keys.machine(ground, &place.shelves)?;
    let folder = room.folder().join("restored");
    let part = Part { source: order.source.as_deref(), paths: &[] };
    let into = Into { folder: &folder, overwrite: false, max_size: args.max_size.map(|size| size.0) };
    let copy = first_that_comes_back(Goal::Folder(part, into), copies, &machine).await?;
    let words = match &order.check {
        Check::Said(words) => words.clone(),
        Check::OfJob(templates, context) => {
            let time = copy.1.time.to_zoned(place.zone.clone());
            let scratch = Some(folder.display().to_string());
            let context = Context { scratch, time, ..Context::clone(context) };
            let words = templates.iter().map(|template| template.expand(&context).map(OsString::from));
            words.collect::<Result<_, _>>().map_err(|error| failure(exit::FAILED, &error))?
        }
    };
    let checked = check(&words, order.timeout, room, (folder, copy.1.time.to_string()), ground).await?;
    Ok(Went { copy, checked })
}

/// Runs the check in the folder.
async fn check(
    words: &[OsString],
    timeout: Duration,
    room: &Room,
    (folder, time): (PathBuf, String),
    ground: &Ground,
) -> Result<Option<Captured>, Failure> {
    let Some((name, words)) = words.split_first() else { return Ok(None) };
    let (mark, value) = room.mark();
    let program = Program::new(name.clone(), &ground.environment)
        .args(words.iter().cloned())
        .env(mark, value)
        .env(FOLDER_VARIABLE, folder.clone())
        .env(TIME_VARIABLE, time)
        .directory(Some(folder));
    let limits = Limits { stop: ground.stop.clone(), deadline: None }.at_most(timeout);
    let done = tokio::task::spawn_blocking(move || program.capture(limits)).await;
    let done = done.map_err(|error| failure(exit::FAILED, &error))?;
    done.map(Some).map_err(|error| failure(exit::FAILED, &error))
}

fn tell(args: &DrillArgs, went: &Went<'_>, problem: Option<String>, seconds: f64) -> Result<u8, Failure> {
    let (shelf, set) = went.copy;
    let lines = went.checked.as_ref().map(Captured::lines).unwrap_or_default();
    for line in lines.iter().take(LINES_TOLD) {
        say(&format!("check: {}", printable(line)));
    }
    if args.json {
        let told = json!({
            "destination": shelf.name, "time": set.time.to_string(), "good": went.is_well(),
            "check": went.checked.as_ref().map(|checked| checked.ended.describe()), "seconds": seconds, "said": lines,
        });
        print(&format!("{told:#}\n"))?;
    }
    if let Some(problem) = problem {
        return Err(Failure::new(exit::FAILED, problem));
    }
    let (time, name) = (set.time, printable(&shelf.name));
    let well = if went.checked.is_some() { "and is well" } else { "whole; no check says whether it is any good" };
    say(&format!("the archive of {time} at `{name}` comes back {well}, {seconds:.1} s"));
    Ok(exit::OK)
}

#[cfg(test)]
mod tests {
    use super::super::{Cli, Command};
    use crate::contract::{DrillArgs, Instance, SpecLocation, Word};
    use clap::Parser as _;
    use std::time::Duration;

    #[test]
    fn the_arguments_of_a_drill_s_unit_are_read_back() {
        let written = DrillArgs {
            spec: Some(SpecLocation::File("/etc/eightbells/a b.yaml".into())),
            job: Some("wiki".into()),
            instance: Some(Instance::Escaped("-80\\x2d".into())),
            digest: Some("ab".into()),
            jitter: Some(Duration::from_secs(90)),
        };
        for written in [written, DrillArgs::default()] {
            let words = written.words().into_iter().map(|word| match word {
                Word::Text(text) => text,
                Word::Instance => "%i".into(),
            });
            let cli = Cli::try_parse_from(std::iter::once("eightbells-run".to_owned()).chain(words)).unwrap();
            let Command::Drill(read) = cli.command else { panic!("another command") };
            let (job, instance) = read.whose();
            assert_eq!(
                (job, instance, read.place.spec_named()),
                (written.job, written.instance.as_ref(), written.spec.as_ref())
            );
            assert_eq!((read.digest, read.jitter), (written.digest, written.jitter));
        }
    }
}
