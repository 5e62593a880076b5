//! `eightbells lint`.

mod collect;
mod fix;
mod settings;
mod stdin;

pub(super) use collect::collect;

use crate::cli::output::{Failure, colour_of, print, say};
use crate::contract::exit;
use crate::diag::{FileId, Report, Safety, Severity, render_findings, render_json};
use crate::lint::exposure::Score;
use crate::lint::{self, Config, FailOn, Files, Level};
use crate::target::Target;
use clap::{Args, ValueEnum};
use settings::Search;
use std::collections::{HashMap, HashSet};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use stdin::Buffer;

/// What `lint` is told.
#[derive(Debug, Args)]
pub(super) struct LintArgs {
    /// Unit files, and folders that are searched for them, drop-in folders `NAME.d` included; `-` reads one from
    /// standard input
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// What the units are for: fleet, fleet:215, systemd, systemd:252, systemd:252:user. Without it, and without one in
    /// the settings, a unit with an `[X-Fleet]` section is fleet's
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
    /// Exit with 1 for findings of this severity and worse ones: error, warning (the default), note, or never
    #[arg(long, value_name = "SEVERITY", value_parser = FailOn::parse)]
    fail_on: Option<FailOn>,
    /// Settings for all files, instead of the nearest `eightbells.toml` above each
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// The path of what is read from standard input; among folders given it takes that file's place
    #[arg(long, value_name = "PATH")]
    stdin_filename: Option<PathBuf>,
    /// Mend what can be mended for sure: prints a diff, and changes nothing
    #[arg(long)]
    fix: bool,
    /// With --fix: also mend what changes how a unit works, or takes text out
    #[arg(long, requires = "fix")]
    r#unsafe: bool,
    /// With --fix: write the files, and tell what is left
    #[arg(long, requires = "fix")]
    write: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    Human,
    Json,
    /// SARIF 2.1.0, for code scanning
    Sarif,
    /// Annotations of a GitHub workflow
    Github,
}

/// One call, and what is known once the files are read.
struct Run<'a> {
    args: &'a LintArgs,
    /// The files, in the order in which they were added.
    paths: Vec<PathBuf>,
    buffer: Option<Buffer>,
    fail_on: HashMap<FileId, FailOn>,
}

pub(super) fn lint(args: &LintArgs) -> Result<(), Failure> {
    let mut files = Files::new(args.target);
    let buffer = Buffer::of(&args.paths, args.stdin_filename.as_ref())?;
    let paths = add(args, buffer.as_ref(), &mut files)?;
    let run = Run { args, paths, buffer, fail_on: files.fail_on() };
    if args.fix {
        let most = if args.r#unsafe { Safety::Unsafe } else { Safety::Safe };
        fix::check(&run)?;
        return fix::run(&run, &lint::fix(files, &config(args), most));
    }
    run.tell(&lint::lint(files, &config(args)))
}

/// Reads the files with the settings for each; their paths.
fn add(args: &LintArgs, buffer: Option<&Buffer>, files: &mut Files) -> Result<Vec<PathBuf>, Failure> {
    let named: Vec<PathBuf> = args.paths.iter().filter(|path| path.as_os_str() != "-").cloned().collect();
    let mut paths = collect(&named)?;
    paths.extend(buffer.map(|buffer| buffer.path.clone()));
    paths.sort();
    paths.dedup();
    let given = Search::new(files, &named, args.config.as_deref())?.of_all(paths)?;
    let read = |path: &Path| match buffer.filter(|buffer| buffer.path == path) {
        Some(buffer) => Ok(buffer.text.clone()),
        None => std::fs::read(path).map_err(|error| Failure::io("read", path, &error)),
    };
    files.add_given(&given, read)?;
    Ok(given.into_iter().map(|file| file.path).collect())
}

impl Run<'_> {
    /// Prints findings, and fails where there are some to fail for.
    fn tell(&self, report: &Report) -> Result<(), Failure> {
        match self.args.format {
            Format::Human => {
                let stderr = std::io::stderr();
                let text = render_findings(report, colour_of(&stderr));
                let _ = stderr.lock().write_all(text.as_bytes());
                say(&summary(report, self.paths.len()));
            }
            Format::Json => print(&render_json(report))?,
            Format::Sarif => print(&lint::render_sarif(report, here().as_deref()))?,
            Format::Github => print(&lint::render_github(report))?,
        }
        if self.fails(report) { Err(Failure::said(exit::FAILED)) } else { Ok(()) }
    }

    /// Whether there is a finding to fail for: the command line says which, or the settings for its file.
    fn fails(&self, report: &Report) -> bool {
        let of_file = |span: &crate::diag::Span| self.fail_on.get(&span.file).copied();
        report.sorted().iter().any(|found| {
            let set = self.args.fail_on.or_else(|| of_file(found.span.as_ref()?));
            set.unwrap_or(FailOn::From(Severity::Warning)).holds(found.severity)
        })
    }
}

/// How much was found, and what of it can be mended.
fn summary(report: &Report, files: usize) -> String {
    let found = report.sorted();
    let counts = [Severity::Error, Severity::Warning, Severity::Note].map(|it| (it, report.count(it)));
    let told: Vec<String> =
        counts.iter().filter(|(_, n)| *n > 0).map(|(severity, n)| plural(*n, severity.word())).collect();
    if told.is_empty() {
        return format!("nothing found in {}", plural(files, "file"));
    }
    let with: HashSet<FileId> = found.iter().filter_map(|it| Some(it.span.as_ref()?.file)).collect();
    let count = |safety| found.iter().filter(|it| it.fix.as_ref().is_some_and(|fix| fix.safety == safety)).count();
    let mends = match (count(Safety::Safe), count(Safety::Unsafe)) {
        (0, 0) => String::new(),
        (safe, 0) => format!("; `--fix` mends {safe}"),
        (0, other) => format!("; `--fix --unsafe` mends {other}"),
        (safe, other) => format!("; `--fix` mends {safe}, and with `--unsafe` {other} more"),
    };
    format!("{} in {} of {}{mends}", told.join(", "), with.len(), plural(files, "file"))
}

fn plural(count: usize, noun: &str) -> String {
    format!("{count} {noun}{}", if count == 1 { "" } else { "s" })
}

/// The folder that relative paths begin at.
fn here() -> Option<String> {
    Some(std::env::current_dir().ok()?.to_string_lossy().into_owned())
}

fn config(args: &LintArgs) -> Config {
    let denied = args.deny.iter().map(|rule| (rule.clone(), Level::As(Severity::Error)));
    let allowed = args.allow.iter().map(|rule| (rule.clone(), Level::Off));
    Config { levels: denied.chain(allowed).collect(), exposure_max: args.max_exposure }
}

fn known_rule(name: &str) -> Result<String, String> {
    if lint::find(name).is_some() { Ok(name.to_owned()) } else { Err(unknown(name)) }
}

/// What is said of a rule that does not exist.
pub(super) fn unknown(name: &str) -> String {
    let near = lint::nearest(name).map_or(String::new(), |near| format!("; did you mean `{near}`?"));
    format!("there is no rule `{name}`{near}")
}
