//! Every rule over every unit.

use super::allow::{Allowances, PathAllowances};
use super::exposure::Score;
use super::files::Files;
use super::parallel;
use super::rule::{Context, Found, TOLD_MAX};
use super::rules;
use super::unit::Unit;
use crate::diag::{Diagnostic, FileId, Report, Severity};
use crate::target::Target;
use std::collections::{BTreeMap, HashMap};

/// What is to be done with a rule's findings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    /// Not told.
    Off,
    /// Told as this.
    As(Severity),
}

/// How findings are told.
#[derive(Debug, Clone, Default)]
pub struct Config {
    /// Rules by id that are told otherwise than they would be.
    pub levels: BTreeMap<String, Level>,
    /// Exposure above this is told by the rule `exposure`; none keeps it silent.
    pub exposure_max: Option<Score>,
}

/// Everything that is wrong with the files.
///
/// The report holds all texts; findings are in the order of the files. An allowance in a comment takes a finding back.
#[must_use]
pub fn lint(files: Files, config: &Config) -> Report {
    let told = told(&files, config, TOLD_MAX);
    let mut report = Report::default();
    report.sources = files.sources;
    for diagnostic in told {
        report.add(diagnostic);
    }
    report
}

/// Everything that is wrong with units that are given by name and text, such as those just generated.
#[must_use]
pub fn lint_unit_texts(units: &[(&str, &str)], target: Target) -> Report {
    let mut files = Files::new(Some(target));
    for (name, text) in units {
        files.add(name, *text);
    }
    lint(files, &Config::default())
}

/// What every rule says of every unit, at most so often, less what is allowed or not to be told.
pub(super) fn told(files: &Files, config: &Config, most: usize) -> Vec<Diagnostic> {
    let units = files.units();
    let context = Context::new(&units, config);
    let mut told: Vec<Diagnostic> =
        parallel::map(&units, |unit| of_unit(unit, &context, most)).into_iter().flatten().collect();
    let allowances = parallel::map(&files.all, |file| Allowances::of(file).map(|it| (file.id(), it)));
    let mut allowances: HashMap<FileId, Allowances> = allowances.into_iter().flatten().collect();
    let mut by_path = PathAllowances::of(files);
    told.retain(|diagnostic| {
        let by_comment = is_allowed(diagnostic, &mut allowances);
        !by_path.takes_back(diagnostic) && !by_comment
    });
    told.extend(allowances.into_values().flat_map(Allowances::faults));
    told.extend(by_path.faults());
    told.into_iter().filter_map(|diagnostic| at_level(diagnostic, files, config)).collect()
}

/// What every rule finds in a unit, each at most so often.
fn of_unit(unit: &Unit<'_>, context: &Context<'_>, most: usize) -> Vec<Diagnostic> {
    // What rules work out about the unit on the way is kept in this copy, and goes with it.
    let unit = unit.clone();
    let mut told = Vec::new();
    for rule in rules::all() {
        if let Some(check) = rule.check {
            check(&unit, context, &mut Found::new(rule, &mut told, most));
        }
    }
    told
}

fn is_allowed(diagnostic: &Diagnostic, allowances: &mut HashMap<FileId, Allowances>) -> bool {
    let Some(span) = &diagnostic.span else { return false };
    allowances.get_mut(&span.file).is_some_and(|allowances| allowances.takes_back(diagnostic.id, span))
}

/// What was set for all beats what the settings for the file say.
fn at_level(mut diagnostic: Diagnostic, files: &Files, config: &Config) -> Option<Diagnostic> {
    let settings = diagnostic.span.as_ref().and_then(|span| files.settings_for(span.file));
    let level = config.levels.get(diagnostic.id).or_else(|| settings?.levels.get(diagnostic.id));
    match level {
        Some(Level::Off) => return None,
        Some(Level::As(severity)) => diagnostic.severity = *severity,
        None => {}
    }
    Some(diagnostic)
}
