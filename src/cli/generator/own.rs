//! The units that a spec would give, linted; each finding is shown at the line of the spec that caused it.

use super::Options;
use crate::diag::{Diagnostic, Report};
use crate::lint::lint_unit_texts;
use crate::plan::{Plan, Unit, plan};
use crate::render::{File, render};
use crate::spec::Spec;

/// Adds to `report` what the linter says of the units of a spec.
pub(super) fn lint_own(spec: &Spec, options: Options, report: &mut Report) {
    let plan = plan(spec, options);
    let Ok(files) = render(&plan) else { return };
    let texts: Vec<(&str, &str)> = files.iter().map(|file| (file.name.as_str(), file.text.as_str())).collect();
    let linted = lint_unit_texts(&texts, options.target);
    for finding in linted.sorted() {
        report.add(at_the_spec(spec, &plan, &files, &linted, finding));
    }
}

fn at_the_spec(spec: &Spec, plan: &Plan, files: &[File], linted: &Report, finding: &Diagnostic) -> Diagnostic {
    // What would mend the unit does not mend the spec that it is made from.
    let mut told = Diagnostic { span: None, others: vec![], fix: None, ..finding.clone() };
    let Some((file, at)) = finding.span.as_ref().and_then(|span| linted.sources.locate(span)) else { return told };
    told.message = format!("{} (line {} of the generated `{}`)", finding.message, at.line, file.name);
    told.help.push(format!("the line there is `{}`", file.line(at.line)));
    let unit = plan.units.iter().find(|unit| unit.name == file.name);
    let text = files.iter().find(|other| other.name == file.name).map(|file| file.text.as_str());
    let route = unit.zip(text).and_then(|(unit, text)| route_of(unit, text, at.line));
    let place = route.and_then(|route| spec.places.nearest(route));
    told.span = place.map(|place| place.span.clone());
    told
}

/// The route of the value that made a line of a unit's text; lines count from 1.
fn route_of<'a>(unit: &'a Unit, text: &str, line: usize) -> Option<&'a str> {
    let Unit { name: _, kind: _, job: _, unit: unit_lines, body, scheduler, provenance } = unit;
    let mut rest = text;
    let mut at = 1;
    for planned in unit_lines.iter().chain(body).chain(scheduler).chain(provenance) {
        let printed = planned.to_string();
        let (before, after) = rest.split_once(printed.as_str())?;
        let first = at + before.matches('\n').count();
        let last = first + printed.matches('\n').count();
        if (first..=last).contains(&line) {
            return Some(&planned.because.route);
        }
        (rest, at) = (after, last);
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec;

    /// A spec whose way out for directives asks for something that systemd refuses.
    const SPEC: &str = "version: 1\ndestinations: {h: {local: {path: /var/backups}}}\njobs:\n  a:\n    schedule: {every: 1h}\n    sources: {s: {paths: [/etc]}}\n    store: [h]\n    service:\n      directives:\n        Service:\n          WatchdogSec: 30s\n";

    #[test]
    fn a_finding_in_a_generated_unit_is_shown_at_the_line_of_the_spec() {
        let (spec, mut report) = spec::load_text("backups.yaml", SPEC.as_bytes());
        let spec = spec.unwrap();
        lint_own(&spec, Options { target: spec.target, every: None }, &mut report);
        let found = report.sorted();
        assert_eq!(found.len(), 1, "{found:?}");
        assert_eq!(report.sources.describe(found[0].span.as_ref().unwrap()), "backups.yaml:11:11");
        assert!(found[0].message.contains("a.service"), "{}", found[0].message);
    }

    #[test]
    fn every_line_of_a_unit_knows_what_made_it() {
        let (spec, _) = spec::load_text("backups.yaml", SPEC.as_bytes());
        let spec = spec.unwrap();
        let options = Options { target: spec.target, every: None };
        let plan = plan(&spec, options);
        for (unit, file) in plan.units.iter().zip(render(&plan).unwrap()) {
            for (index, line) in file.text.lines().enumerate() {
                let assigns = line.contains('=') && !line.starts_with('#');
                assert!(!assigns || route_of(unit, &file.text, index + 1).is_some(), "{}: {line}", file.name);
            }
        }
    }
}
