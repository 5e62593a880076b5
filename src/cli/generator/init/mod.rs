//! `eightbells init`: looks at what runs here, asks a few questions, and writes a commented spec.

mod ask;
mod look;
mod place;

use super::draft::{self, Draft, DraftJob, Named, list, quoted};
use crate::cli::output::{Failure, say};
use crate::contract::exit;
use crate::schedule::CalendarSpec;
use crate::target::Target;
use crate::value::parse_duration;
use clap::Args;
use look::Found;
use std::path::PathBuf;

/// What `init` is told.
#[derive(Debug, Args)]
pub(super) struct InitArgs {
    /// The spec to write; one that is there is not overwritten
    #[arg(default_value = "backups.yaml")]
    file: PathBuf,
    /// Print the spec instead
    #[arg(long, conflicts_with = "file")]
    stdout: bool,
    /// Ask nothing: take what is found, and the rest as it usually is
    #[arg(short, long)]
    yes: bool,
    /// Look at nothing that runs here
    #[arg(long)]
    no_look: bool,
    /// The job's name, which becomes its units'
    #[arg(long, default_value = "backup", value_name = "JOB")]
    name: String,
    /// A file or folder to back up; may be given again
    #[arg(long = "path", value_name = "PATH")]
    paths: Vec<String>,
    /// Where archives go: a folder, `s3:BUCKET/PREFIX`, `sftp:HOST:FOLDER`
    #[arg(long, value_name = "PLACE")]
    to: Option<String>,
    /// The address of S3-compatible storage that is not AWS
    #[arg(long, value_name = "URL")]
    endpoint: Option<String>,
    /// How often: `4h`, `1d`, or a calendar event
    #[arg(long, value_name = "WHEN", value_parser = when)]
    every: Option<String>,
    /// How long archives stay
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    keep: Option<String>,
    /// What the units are for: systemd, fleet, systemd:252; the systemd of this machine unless said otherwise
    #[arg(long, value_name = "TARGET", value_parser = Target::parse)]
    target: Option<Target>,
}

const TO_DEFAULT: &str = "/var/backups/eightbells";
const WHEN_DEFAULT: &str = "*-*-* 02:30:00";
const KEEP_DEFAULT: &str = "31d";

fn duration(text: &str) -> Result<String, String> {
    parse_duration(text).map(|_| text.trim().to_owned()).map_err(|error| error.to_string())
}

/// An interval or a calendar event.
fn when(text: &str) -> Result<String, String> {
    let text = text.trim();
    if parse_duration(text).is_ok() || CalendarSpec::parse(text).is_ok() {
        return Ok(text.to_owned());
    }
    Err("neither a duration such as `4h` nor a calendar event such as `Mon..Fri 02:30`".to_owned())
}

/// What is to be written.
struct Wishes {
    sources: Vec<Named>,
    to: String,
    when: String,
    keep: String,
}

pub(super) fn init(args: &InitArgs) -> Result<(), Failure> {
    if !args.stdout && args.file.exists() {
        return Err(draft::already_there(&args.file));
    }
    let found = if args.no_look { Found::default() } else { look::look() };
    found.lines().iter().for_each(|line| say(line));
    let wishes = if !args.yes && ask::is_possible() { asked(args, &found)? } else { unasked(args, &found) };
    let draft = drafted(args, &found, wishes)?;
    draft.deliver((!args.stdout).then_some(args.file.as_path()))
}

/// What arguments say, and else what is found and usual.
fn unasked(args: &InitArgs, found: &Found) -> Wishes {
    let offered = found.offers.iter().filter(|_| args.paths.is_empty()).cloned();
    let mut sources: Vec<Named> = offered.collect();
    let paths = if sources.is_empty() && args.paths.is_empty() { vec!["/etc".to_owned()] } else { args.paths.clone() };
    sources.extend(files(&paths));
    Wishes {
        sources,
        to: args.to.clone().unwrap_or_else(|| TO_DEFAULT.to_owned()),
        when: args.every.clone().unwrap_or_else(|| WHEN_DEFAULT.to_owned()),
        keep: args.keep.clone().unwrap_or_else(|| KEEP_DEFAULT.to_owned()),
    }
}

/// The same, with the answers to questions for what arguments leave open.
fn asked(args: &InitArgs, found: &Found) -> Result<Wishes, Failure> {
    let mut sources = vec![];
    let mut paths = args.paths.clone();
    if paths.is_empty() {
        for offer in &found.offers {
            let comment = offer.comments.first().map_or(String::new(), |comment| format!(" ({comment})"));
            if ask::whether(&format!("back up {}{comment}?", offer.name))? {
                sources.push(offer.clone());
            }
        }
        let usual = if sources.is_empty() { "/etc" } else { "none" };
        let named = ask::text("files and folders to back up, with blanks between", usual, &|text| Ok(text.to_owned()))?;
        paths = named.split_whitespace().filter(|path| *path != "none").map(str::to_owned).collect();
    }
    sources.extend(files(&paths));
    let open = |given: &Option<String>, question: &str, usual: &str, check: ask::Check<'_>| match given {
        Some(given) => Ok(given.clone()),
        None => ask::text(question, usual, check),
    };
    let to = open(&args.to, "where to: a folder, s3:BUCKET/PREFIX or sftp:HOST:FOLDER", TO_DEFAULT, &|text| {
        place::parse(text, None).map(|_| text.to_owned())
    })?;
    let when = open(&args.every, "how often: 4h, 1d, or a calendar event", WHEN_DEFAULT, &when)?;
    let keep = open(&args.keep, "how long archives stay", KEEP_DEFAULT, &duration)?;
    Ok(Wishes { sources, to, when, keep })
}

/// A source of files and folders; none of none.
fn files(paths: &[String]) -> Option<Named> {
    let name = match paths {
        [] => return None,
        [one] => draft::plain_name(one.rsplit('/').find(|part| !part.is_empty()).unwrap_or("files")),
        [_, ..] => "files".to_owned(),
    };
    Some(Named { name, comments: vec![], keys: vec![("paths", list(paths))] })
}

fn drafted(args: &InitArgs, found: &Found, wishes: Wishes) -> Result<Draft, Failure> {
    let Wishes { sources, to, when, keep } = wishes;
    if sources.is_empty() {
        return Err(Failure::new(exit::USAGE, "there is nothing to back up").help("name it: --path /srv"));
    }
    let mut draft = Draft { head: head(found), ..Draft::default() };
    draft.top.push(("target", target(args, found)));
    let place = place::parse(&to, args.endpoint.as_deref()).map_err(|error| Failure::new(exit::USAGE, error))?;
    let to = draft.destination(place.name, place.comments, place.keys);
    let mut job = DraftJob { name: args.name.clone(), ..DraftJob::default() };
    let schedule = if parse_duration(&when).is_ok() {
        format!("{{every: {}}}", quoted(&when))
    } else {
        format!("{{calendar: {}, catch_up: true, jitter: 10m}}", quoted(&when))
    };
    job.keys.push(("schedule", schedule));
    for source in sources {
        job.add(source);
    }
    job.store.push((to, Some(format!("{{within: {}, at_least: 7}}", quoted(&keep)))));
    job.after.push(("service", "{nice: 10, io_class: idle}".to_owned()));
    draft.jobs.push(job);
    Ok(draft)
}

fn target(args: &InitArgs, found: &Found) -> String {
    match (args.target, found.systemd) {
        (Some(target), _) => quoted(&target.to_string()),
        (None, Some(version)) => format!("{{systemd: {{version: {version}}}}}"),
        (None, None) => "systemd".to_owned(),
    }
}

/// What is said at the beginning: how to go on, and what else there is on this machine.
fn head(found: &Found) -> Vec<String> {
    let mut lines = vec![
        "Written by `eightbells init`. `eightbells explain KEY` tells of each key, `eightbells check` of what is wrong,".to_owned(),
        "`eightbells try` runs a job once here, `eightbells deploy` has it run by systemd.".to_owned(),
    ];
    lines.extend(found.also.iter().cloned());
    lines
}
