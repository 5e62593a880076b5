//! A run as metrics in Prometheus' text format, for `node_exporter`'s textfile collector.
//!
//! The format: prometheus.io, "Exposition formats", text-based, version 0.0.4. Names carry base units. The labels are
//! `backup_job` and `backup_instance`, since a scrape sets `job` and `instance` itself.

use super::report::{DestinationState, RunReport};
use jiff::Timestamp;
use std::fmt::Write as _;

/// What becomes of a run's report.
pub(super) fn text(report: &RunReport, last_good: Option<Timestamp>) -> String {
    let mut metrics = Metrics { report, text: String::new() };
    metrics.of_the_run(last_good);
    metrics.of_sources();
    metrics.of_destinations();
    metrics.text
}

struct Metrics<'a> {
    report: &'a RunReport,
    text: String,
}

type Label<'a> = Option<(&'a str, &'a str)>;

impl Metrics<'_> {
    fn of_the_run(&mut self, last_good: Option<Timestamp>) {
        let report = self.report;
        self.one("run_start_timestamp_seconds", "When the last run began.", seconds(report.time));
        self.one("run_duration_seconds", "How long the last run took.", report.took.as_secs_f64());
        self.one(
            "run_exit_code",
            "How the last run ended: 0 done, 1 failed, 3 partly done.",
            report.exit_code().into(),
        );
        self.one("run_attempts", "How often the last run tried.", report.attempts.into());
        if let Some(time) = last_good {
            self.one("last_success_timestamp_seconds", "When the last wholly good run began.", seconds(time));
        }
        let states = ["done", "partial", "failed", "skipped"];
        let rows = states.map(|state| (Some(("state", state)), f64::from(report.outcome.word() == state)));
        self.rows("run_state", "How the last run ended, 1 at its state.", &rows);
        let times = report.stages.named().map(|(stage, time)| (Some(("stage", stage)), time.as_secs_f64()));
        self.rows("stage_duration_seconds", "How long the stages of the last run took.", &times);
        let (dumped, taken) = (report.sources.iter().map(|source| source.raw_size).sum::<u64>(), &report.sources);
        let time: f64 = taken.iter().map(|source| source.took.as_secs_f64()).sum();
        if time > 0.0 {
            self.one("throughput_bytes_per_second", "Bytes dumped in a second of the last run.", number(dumped) / time);
        }
    }

    fn of_sources(&mut self) {
        let sources = &self.report.sources;
        let rows = |value: fn(&super::SourceReport) -> f64| -> Vec<(Label<'_>, f64)> {
            sources.iter().map(|source| (Some(("source", source.name.as_str())), value(source))).collect()
        };
        self.rows("source_dumped_bytes", "Bytes dumped from a source.", &rows(|s| number(s.raw_size)));
        self.rows("source_stored_bytes", "Bytes of a source's archive.", &rows(|s| number(s.size)));
        self.rows("source_duration_seconds", "How long a source took.", &rows(|s| s.took.as_secs_f64()));
    }

    fn of_destinations(&mut self) {
        let destinations = &self.report.destinations;
        let rows = |value: fn(&super::DestinationReport) -> f64| -> Vec<(Label<'_>, f64)> {
            destinations.iter().map(|d| (Some(("destination", d.name.as_str())), value(d))).collect()
        };
        let stored = |d: &super::DestinationReport| match d.state {
            DestinationState::Stored { .. } => 1.0,
            DestinationState::Failed(_) | DestinationState::Nothing => 0.0,
        };
        self.rows("destination_stored", "Whether a destination has the last run's archive.", &rows(stored));
        let sending = rows(|d| d.sending.as_secs_f64());
        self.rows("destination_upload_duration_seconds", "How long a destination took bytes.", &sending);
    }

    fn one(&mut self, name: &str, help: &str, value: f64) {
        self.rows(name, help, &[(None, value)]);
    }

    fn rows(&mut self, name: &str, help: &str, rows: &[(Label<'_>, f64)]) {
        if rows.is_empty() {
            return;
        }
        let _ = writeln!(self.text, "# HELP eightbells_{name} {help}\n# TYPE eightbells_{name} gauge");
        for (label, value) in rows {
            let labels = self.labels(*label);
            let _ = writeln!(self.text, "eightbells_{name}{{{labels}}} {value}");
        }
    }

    fn labels(&self, more: Label<'_>) -> String {
        let mut labels = format!("backup_job=\"{}\"", escaped(&self.report.job));
        if let Some(instance) = &self.report.instance {
            let _ = write!(labels, ",backup_instance=\"{}\"", escaped(instance));
        }
        if let Some((name, value)) = more {
            let _ = write!(labels, ",{name}=\"{}\"", escaped(value));
        }
        labels
    }
}

/// A label's value as it stands in quotes.
fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

fn seconds(time: Timestamp) -> f64 {
    let seconds = u32::try_from(time.as_second()).unwrap_or_default();
    f64::from(seconds)
}

#[expect(clippy::cast_precision_loss, reason = "Prometheus' numbers are doubles")]
fn number(value: u64) -> f64 {
    value as f64
}
