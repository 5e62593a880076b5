//! `eightbells security`: scores of exposure, without systemd.

use super::lint::collect;
use crate::cli::output::{Failure, print};
use crate::contract::exit;
use crate::lint::exposure::{self, Assessment, Score};
use crate::lint::{Files, Unit};
use crate::target::Target;
use clap::{Args, ValueEnum};
use serde_json::{Value, json};
use std::fmt::Write;
use std::path::PathBuf;

/// What `security` is told.
#[derive(Debug, Args)]
pub(super) struct SecurityArgs {
    /// Unit files with their drop-in folders `NAME.d`, and folders that are searched for them
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// What the units are for: only what its systemd knows is suggested
    #[arg(long, value_name = "TARGET", value_parser = Target::parse)]
    target: Option<Target>,
    /// Fail where a score is above this
    #[arg(long, value_name = "SCORE", value_parser = Score::parse)]
    threshold: Option<Score>,
    /// How it is printed
    #[arg(long, value_enum, default_value_t = Format::Human)]
    format: Format,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    Human,
    Json,
}

pub(super) fn run(args: &SecurityArgs) -> Result<(), Failure> {
    let mut files = Files::new(args.target);
    for path in collect(&args.paths)? {
        let text = std::fs::read(&path).map_err(|error| Failure::io("read", &path, &error))?;
        files.add(&path.to_string_lossy(), text);
    }
    let units = files.units();
    let assessed: Vec<(&Unit<'_>, Assessment)> = units
        .iter()
        .filter(|unit| unit.main().is_some())
        .filter_map(|unit| Some((unit, exposure::assess(unit)?)))
        .collect();
    if assessed.is_empty() {
        return Err(Failure::new(exit::FAILED, "there is no unit among these that runs something")
            .help("services, sockets, mounts and swaps are scored"));
    }
    match args.format {
        Format::Human if assessed.len() > 1 => print(&overview(&assessed))?,
        Format::Human => print(&assessed.iter().map(|(unit, it)| page(unit, it)).collect::<String>())?,
        Format::Json => {
            print(&format!("{:#}\n", assessed.iter().map(|(unit, it)| as_json(unit, it)).collect::<Value>()))?;
        }
    }
    let over = |most: Score| assessed.iter().any(|(_, it)| it.score > most);
    if args.threshold.is_some_and(over) { Err(Failure::said(exit::FAILED)) } else { Ok(()) }
}

/// One line a unit, the most exposed first.
fn overview(assessed: &[(&Unit<'_>, Assessment)]) -> String {
    let mut sorted: Vec<&(&Unit<'_>, Assessment)> = assessed.iter().collect();
    sorted.sort_by(|a, b| b.1.score.cmp(&a.1.score).then(a.0.name().cmp(b.0.name())));
    let width = sorted.iter().map(|(unit, _)| unit.name().len()).max().unwrap_or(0);
    sorted.iter().fold(String::new(), |mut out, (unit, it)| {
        let best = it.gains.first().map_or(String::new(), |gain| format!("  {gain}"));
        let line = format!("{:width$}  {:>4} {:9}{best}", unit.name(), it.score.to_string(), it.level.word());
        // Writing to a string cannot fail.
        let _ = writeln!(out, "{}", line.trim_end());
        out
    })
}

/// What one unit is exposed to, the worst first, and what to add.
fn page(unit: &Unit<'_>, assessed: &Assessment) -> String {
    let mut parts: Vec<_> =
        assessed.parts.iter().filter(|part| part.exposure.is_some_and(|it| it.tenths > 0)).collect();
    parts.sort_by_key(|part| std::cmp::Reverse(part.exposure));
    let mut out = String::new();
    // Writing to a string cannot fail.
    for part in parts {
        let exposure = part.exposure.map_or(String::new(), |it| it.to_string());
        let _ = writeln!(out, "{exposure:>4}  {:60}  {}", part.id, part.danger);
    }
    let _ = writeln!(out, "\n{}: {} {}", unit.name(), assessed.score, assessed.level.word());
    if !assessed.gains.is_empty() {
        out.push_str("\nWhat would lower it, each line alone; take what the service can do without:\n");
    }
    for gain in &assessed.gains {
        let _ = writeln!(out, "  -{}.{:02}  {}", gain.hundredths / 100, gain.hundredths % 100, gain.lines.join("  "));
    }
    out
}

fn as_json(unit: &Unit<'_>, assessed: &Assessment) -> Value {
    let Assessment { score, level, parts, gains } = assessed;
    let part = |it: &exposure::Part| json!({"id": it.id, "danger": it.danger, "exposure": it.exposure.map(|score| score.to_string())});
    let gain = |it: &exposure::Gain| json!({"lines": it.lines, "hundredths": it.hundredths});
    json!({
        "unit": unit.name(),
        "score": score.to_string(),
        "level": level.word(),
        "parts": parts.iter().map(part).collect::<Value>(),
        "gains": gains.iter().map(gain).collect::<Value>(),
    })
}
