//! `eightbells lint`.

mod collect;
mod fix;

pub(super) use collect::collect;

use crate::cli::output::{self, Failure, print};
use crate::contract::exit;
use crate::diag::{Report, Safety, Severity, render_json};
use crate::lint::exposure::Score;
use crate::lint::{self, Config, Files, Level};
use crate::target::Target;
use clap::{Args, ValueEnum};
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

pub(super) fn lint(args: &LintArgs) -> Result<(), Failure> {
    let mut files = Files::new(args.target);
    let paths = collect(&args.paths)?;
    let read = |path: &Path| std::fs::read(path).map_err(|error| Failure::io("read", path, &error));
    files.add_all(&paths, read)?;
    if args.fix {
        let most = if args.r#unsafe { Safety::Unsafe } else { Safety::Safe };
        return fix::run(args, &paths, &lint::fix(files, &config(args), most));
    }
    tell(args, &lint::lint(files, &config(args)))
}

/// Prints findings, and fails where there are some to fail for.
fn tell(args: &LintArgs, report: &Report) -> Result<(), Failure> {
    match args.format {
        Format::Human => output::show(report),
        Format::Json => print(&render_json(report))?,
        Format::Sarif => print(&lint::render_sarif(report, here().as_deref()))?,
        Format::Github => print(&lint::render_github(report))?,
    }
    if has_fault(report) { Err(Failure::said(exit::FAILED)) } else { Ok(()) }
}

/// The folder that relative paths begin at.
fn here() -> Option<String> {
    Some(std::env::current_dir().ok()?.to_string_lossy().into_owned())
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

/// What is said of a rule that does not exist.
pub(super) fn unknown(name: &str) -> String {
    let near = lint::nearest(name).map_or(String::new(), |near| format!("; did you mean `{near}`?"));
    format!("there is no rule `{name}`{near}")
}
