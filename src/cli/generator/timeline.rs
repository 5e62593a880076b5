//! `eightbells timeline`.

use super::files::write_atomically;
use super::{TargetArgs, load_or_fail};
use crate::cli::output::{Failure, colour_of, print, say};
use crate::contract::exit;
use crate::diag::Colour;
use crate::schedule::timestamp;
use crate::timeline::{self, Question, Style, Timeline};
use crate::value::parse_duration;
use clap::Args;
use jiff::tz::TimeZone;
use std::collections::BTreeMap;
use std::io::IsTerminal as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// What `timeline` is told.
#[derive(Debug, Args)]
pub(super) struct TimelineArgs {
    /// The spec
    spec: PathBuf,
    /// How long a stretch of time
    #[arg(long = "for", value_name = "DURATION", default_value = "7d", value_parser = parse_duration)]
    length: Duration,
    /// Where it begins, as systemd writes times; now where it is not given
    #[arg(long, value_name = "TIME")]
    from: Option<String>,
    /// The time zone of expressions that name none, and of what is shown; this machine's where it is not given
    #[arg(long, value_name = "ZONE")]
    timezone: Option<String>,
    /// Write an SVG file
    #[arg(long, value_name = "FILE", conflicts_with = "html")]
    svg: Option<PathBuf>,
    /// Write an HTML page that needs nothing from a network
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    /// Print a line for each run, in order, instead of a table
    #[arg(long, conflicts_with_all = ["svg", "html"])]
    list: bool,
    /// How long runs of a job take, `JOB=10m` or `JOB@INSTANCE=10m`; may be repeated
    #[arg(long = "takes", value_name = "JOB=DURATION", value_parser = taking)]
    takes: Vec<(String, Duration)>,
    #[command(flatten)]
    target: TargetArgs,
}

fn taking(text: &str) -> Result<(String, Duration), String> {
    let (job, length) = text.split_once('=').ok_or("write JOB=DURATION, such as wiki=10m")?;
    Ok((job.to_owned(), parse_duration(length).map_err(|error| error.to_string())?))
}

pub(super) fn run(args: &TimelineArgs) -> Result<(), Failure> {
    let (spec, _) = load_or_fail(&args.spec, &args.target)?;
    let question = question(args)?;
    let known: BTreeMap<&str, Duration> = args.takes.iter().map(|(job, length)| (job.as_str(), *length)).collect();
    let takes = |job: &str, instance: Option<&str>| {
        let whole = instance.map(|instance| format!("{job}@{instance}"));
        whole.and_then(|name| known.get(name.as_str()).copied()).or_else(|| known.get(job).copied())
    };
    let line = timeline::timeline(&spec, &question, &takes)
        .map_err(|error| Failure::new(exit::USAGE, error.to_string()).help("ask for a shorter time with `--for`"))?;
    let unprintable = |error: askama::Error| Failure::new(exit::FAILED, error.to_string());
    match (&args.svg, &args.html) {
        (Some(path), _) => write(path, &timeline::svg(&line).map_err(unprintable)?),
        (None, Some(path)) => write(path, &timeline::html(&line).map_err(unprintable)?),
        (None, None) if args.list => print(&timeline::list(&line)),
        (None, None) => print(&drawn(&line)),
    }
}

fn question(args: &TimelineArgs) -> Result<Question, Failure> {
    let zone = match &args.timezone {
        None => TimeZone::system(),
        Some(name) => TimeZone::get(name)
            .map_err(|error| Failure::new(exit::USAGE, format!("`{name}` is not a time zone: {error}")))?,
    };
    let now = jiff::Timestamp::now();
    let from = match &args.from {
        None => now,
        Some(text) => timestamp::parse(text, now, &zone)
            .map_err(|error| Failure::new(exit::USAGE, format!("`{text}` is not a time: {error}")))?,
    };
    Ok(Question { from, length: args.length, zone })
}

/// A terminal is as wide as it says; a pipe has a hundred columns.
fn drawn(line: &Timeline) -> String {
    let stdout = std::io::stdout();
    let width = terminal_width().filter(|_| stdout.is_terminal()).unwrap_or(100);
    let plain = std::env::var("TERM").is_ok_and(|term| term == "dumb") || !is_utf8();
    let style = if plain && colour_of(&stdout) == Colour::Never { Style::Ascii } else { Style::Unicode };
    timeline::table(line, width, style)
}

fn is_utf8() -> bool {
    let set = ["LC_ALL", "LC_CTYPE", "LANG"].iter().find_map(|name| std::env::var(name).ok().filter(|v| !v.is_empty()));
    set.is_some_and(|locale| locale.to_ascii_lowercase().replace('-', "").contains("utf8"))
}

fn terminal_width() -> Option<usize> {
    std::env::var("COLUMNS").ok()?.parse().ok()
}

fn write(path: &Path, text: &str) -> Result<(), Failure> {
    write_atomically(path, text)?;
    say(&format!("wrote {}", path.display()));
    Ok(())
}
