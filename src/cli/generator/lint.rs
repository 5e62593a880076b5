//! `eightbells lint` and `explain`.

use crate::cli::output::{self, Failure, print};
use crate::contract::exit;
use crate::diag::{Report, Severity, render_json};
use crate::lint::exposure::Score;
use crate::lint::{self, Config, Files, Level, Rule};
use crate::target::Target;
use clap::{Args, ValueEnum};
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

/// What `lint` is told.
#[derive(Debug, Args)]
pub(super) struct LintArgs {
    /// Unit files, and folders that are searched for them, drop-in folders `NAME.d` included
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// What the units are for: fleet, fleet:215, systemd, systemd:252, systemd:252:user. Without it a unit with an
    /// `[X-Fleet]` section is fleet's
    #[arg(long, value_name = "TARGET", value_parser = Target::parse)]
    target: Option<Target>,
    /// How findings are printed: for people on standard error, anything else on standard output
    #[arg(long, value_enum, default_value_t = Format::Human)]
    format: Format,
    /// Do not tell findings of this rule; may be repeated
    #[arg(long, value_name = "RULE", value_parser = known_rule)]
    allow: Vec<String>,
    /// Tell findings of this rule as errors; may be repeated
    #[arg(long, value_name = "RULE", value_parser = known_rule)]
    deny: Vec<String>,
    /// Tell units whose exposure, as `eightbells security` scores it, is above this
    #[arg(long, value_name = "SCORE", value_parser = Score::parse)]
    max_exposure: Option<Score>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Format {
    Human,
    Json,
    Github,
}

/// What `explain` is told.
#[derive(Debug, Args)]
pub(super) struct ExplainArgs {
    /// The rule; without it all rules are listed
    rule: Option<String>,
}

pub(super) fn lint(args: &LintArgs) -> Result<(), Failure> {
    let mut files = Files::new(args.target);
    let read = |path: &Path| std::fs::read(path).map_err(|error| Failure::io("read", path, &error));
    files.add_all(&collect(&args.paths)?, read)?;
    let report = lint::lint(files, &config(args));
    match args.format {
        Format::Human => output::show(&report),
        Format::Json => print(&render_json(&report))?,
        Format::Github => print(&lint::render_github(&report))?,
    }
    if has_fault(&report) { Err(Failure::said(exit::FAILED)) } else { Ok(()) }
}

fn has_fault(report: &Report) -> bool {
    report.count(Severity::Error) + report.count(Severity::Warning) > 0
}

fn config(args: &LintArgs) -> Config {
    let denied = args.deny.iter().map(|rule| (rule.clone(), Level::As(Severity::Error)));
    let allowed = args.allow.iter().map(|rule| (rule.clone(), Level::Off));
    Config { levels: denied.chain(allowed).collect(), exposure_max: args.max_exposure }
}

fn known_rule(name: &str) -> Result<String, String> {
    if lint::find(name).is_some() { Ok(name.to_owned()) } else { Err(unknown(name)) }
}

fn unknown(name: &str) -> String {
    let near = lint::nearest(name).map_or(String::new(), |near| format!("; did you mean `{near}`?"));
    format!("there is no rule `{name}`{near}")
}

/// The files to be read, in a fixed order: those named whatever they are called, of folders those that are units.
pub(super) fn collect(paths: &[PathBuf]) -> Result<Vec<PathBuf>, Failure> {
    let mut files = Vec::new();
    for path in paths {
        match std::fs::metadata(path) {
            Ok(it) if it.is_dir() => search(path, &mut files)?,
            Ok(_) => files.push(path.clone()),
            Err(error) => return Err(Failure { code: exit::USAGE, ..Failure::io("read", path, &error) }),
        }
    }
    files.sort();
    files.dedup();
    Ok(files)
}

/// Links are not followed: an enabled unit would be met twice, and a loop never left.
fn search(folder: &Path, files: &mut Vec<PathBuf>) -> Result<(), Failure> {
    let failure = |error: &std::io::Error| Failure::io("read", folder, error);
    for entry in std::fs::read_dir(folder).map_err(|error| failure(&error))? {
        let entry = entry.map_err(|error| failure(&error))?;
        let kind = entry.file_type().map_err(|error| failure(&error))?;
        if kind.is_dir() {
            search(&entry.path(), files)?;
        } else if kind.is_file() && is_unit(&entry.path()) {
            files.push(entry.path());
        }
    }
    Ok(())
}

fn is_unit(path: &Path) -> bool {
    let suffix = path.extension().and_then(OsStr::to_str).unwrap_or_default();
    if lint::SUFFIXES.contains(&suffix) {
        return true;
    }
    let folder = path.parent().and_then(Path::file_name).and_then(OsStr::to_str).unwrap_or_default();
    let of_unit = folder.strip_suffix(".d").and_then(|unit| unit.rsplit_once('.'));
    suffix == "conf" && of_unit.is_some_and(|(_, suffix)| lint::SUFFIXES.contains(&suffix))
}

pub(super) fn explain(args: &ExplainArgs) -> Result<(), Failure> {
    match &args.rule {
        Some(name) => match lint::find(name) {
            Some(rule) => print(&page(rule)),
            None => Err(Failure::new(exit::USAGE, unknown(name)).help("`eightbells explain` lists all rules")),
        },
        None => print(&lint::all().map(row).collect::<String>()),
    }
}

fn row(rule: &Rule) -> String {
    format!("{:34} {:8} {}\n", rule.id, rule.severity.word(), rule.summary)
}

fn page(rule: &Rule) -> String {
    let lines: Vec<&str> = rule.page.lines().map(|line| line.strip_prefix(' ').unwrap_or(line)).collect();
    let (level, text) = (rule.severity.word(), lines.join("\n"));
    format!("{} ({level}): {}\n\n{text}\n\nSource: {}\n", rule.id, rule.summary, rule.source)
}
