//! Specs that are right, and what they mean.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on is a failed test")]

use eightbells::diag::{Colour, Report, render_human};
use eightbells::spec::{self, Spec};

fn told(report: &Report) -> String {
    render_human(report, Colour::Never)
}

fn read(text: &str) -> Spec {
    let (spec, report) = spec::load_text("backups.yaml", text.as_bytes());
    assert!(report.is_clean(), "{}", told(&report));
    spec.unwrap()
}

#[test]
fn the_spec_that_the_design_shows_is_read_without_a_finding() {
    let spec = read(include_str!("specs/moinmoin.yaml"));
    assert_eq!(spec.jobs.len(), 1);
}

#[test]
fn a_minimal_job_is_read() {
    let spec = read(
        "version: 1\ndestinations: {here: {local: {path: /var/backups}}}\njobs:\n  etc:\n    schedule: {every: 1h}\n    sources: {etc: {paths: [/etc]}}\n    store: [here]\n",
    );
    assert_eq!(spec.jobs[0].name, "etc");
}
