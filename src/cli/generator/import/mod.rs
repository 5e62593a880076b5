//! `eightbells import`: makes a spec of crontabs, and of pairs of units, and tells line by line what it could not carry over.

mod carry;
mod crontab;
mod marks;
mod options;
mod script;
mod tar;
mod units;

use super::draft::{self, Draft};
use crate::cli::output::{Failure, say};
use crate::contract::exit;
use crate::spec::{secret_in_text, tells_of_secret};
use clap::Args;
use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};

/// What `import` is told.
#[derive(Debug, Args)]
pub(super) struct ImportArgs {
    /// Crontabs, and services with their timers; `-` reads a crontab from standard input
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// The spec to write; one that is there is not overwritten. Without it the spec is printed
    #[arg(short, long, value_name = "SPEC")]
    output: Option<PathBuf>,
    /// The instances of units that are templates
    #[arg(long = "instance", value_name = "NAME")]
    instances: Vec<String>,
}

/// What could not be carried over, or not as it was.
#[derive(Debug, Default)]
struct Notes(Vec<String>);

impl Notes {
    /// Adds a note about a piece of a file.
    fn add(&mut self, at: &str, what: &str, why: &str) {
        let what: String = what.split_whitespace().map(without_secret).collect::<Vec<_>>().join(" ");
        let short: String = what.chars().take(WHAT_MAX_CHARS).collect();
        let short = if short.len() < what.len() { format!("{short}…") } else { short };
        self.0.push(format!("{at}: `{}`: {why}", marks::shown(&short)));
    }
}

/// A word of a command line without what could be a password in it.
fn without_secret(word: &str) -> String {
    let short = word.strip_prefix("-p").filter(|value| !value.is_empty() && value.parse::<u16>().is_err());
    match word.split_once('=') {
        _ if short.is_some() => "-p***".to_owned(),
        Some((name, _)) if tells_of_secret(name.trim_start_matches('-')) => format!("{name}=***"),
        _ if secret_in_text(word).is_some() => "***".to_owned(),
        _ => word.to_owned(),
    }
}

/// Longer pieces are cut in notes.
const WHAT_MAX_CHARS: usize = 100;
/// What is read of a file at most.
const READ_MAX_BYTES: u64 = 1 << 20;

pub(super) fn import(args: &ImportArgs) -> Result<(), Failure> {
    if let Some(file) = args.output.as_deref().filter(|file| file.exists()) {
        return Err(draft::already_there(file));
    }
    let (mut draft, mut notes) = (Draft::default(), Notes::default());
    let is_unit = |file: &&PathBuf| file.extension().is_some_and(|e| e == "service" || e == "timer");
    let (units, crontabs): (Vec<&PathBuf>, Vec<&PathBuf>) = args.files.iter().partition(is_unit);
    let mut texts = vec![];
    for file in units {
        texts.push((file.as_path(), read(file)?));
    }
    units::import(&texts, &args.instances, &mut draft, &mut notes);
    for file in crontabs {
        crontab::import(&file.to_string_lossy(), &read(file)?, &mut draft, &mut notes);
    }
    finish(args, draft, &notes)
}

fn finish(args: &ImportArgs, mut draft: Draft, notes: &Notes) -> Result<(), Failure> {
    for note in &notes.0 {
        say(&format!("not carried over as it was: {note}"));
    }
    if draft.jobs.is_empty() {
        return Err(Failure::new(exit::FAILED, "no backup that is known was found")
            .help("`eightbells init` writes a spec from a few answers"));
    }
    draft.head.push(
        "Written by `eightbells import`; `eightbells check` says what is wrong, `eightbells try` runs a job once here."
            .to_owned(),
    );
    if !notes.0.is_empty() {
        draft.head.push("What was not carried over as it was:".to_owned());
        draft.head.extend(notes.0.iter().map(|note| format!("  {note}")));
    }
    draft.deliver(args.output.as_deref())?;
    if notes.0.is_empty() { Ok(()) } else { Err(Failure::said(exit::PARTIAL)) }
}

fn read(file: &Path) -> Result<String, Failure> {
    let mut bytes = vec![];
    let done = if file == Path::new("-") {
        std::io::stdin().take(READ_MAX_BYTES).read_to_end(&mut bytes)
    } else {
        fs::File::open(file).and_then(|open| open.take(READ_MAX_BYTES).read_to_end(&mut bytes))
    };
    done.map_err(|error| Failure::io("read", file, &error))?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}
