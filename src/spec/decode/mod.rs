//! The tree of values, decoded into the model; every fault is reported, and decoding goes on.

mod archive;
mod cloud;
mod conduct;
mod database;
mod destination;
mod drill;
mod fields;
mod hooks;
mod job;
mod names;
mod notify;
mod reference;
mod remote;
mod s3;
mod scalar;
mod schedule;
mod secrets;
mod service;
mod source;
mod still;
mod store;

use super::merge;
use super::model::Spec;
use super::places::Places;
use super::yaml::{Content, Node};
use crate::diag::Report;
use crate::target::{FLEET_SYSTEMD_DEFAULT, SYSTEMD_DEFAULT, SYSTEMD_OLDEST, Scheduler, Scope, Target};
pub use fields::nearest;
use fields::{Decoder, Field, Fields};
use job::Around;
use std::collections::BTreeMap;

/// Where units look for the runner where the spec does not say.
const RUNNER_ON_FLEET: &str = "/opt/bin/eightbells-run";
const RUNNER_ON_SYSTEMD: &str = "/usr/local/bin/eightbells-run";
/// Where `job_in: file` units look for the spec where it does not say.
const SPEC_PATH: &str = "/etc/eightbells/backups.yaml";

/// Values of `defaults:`, times jobs: enough for 20,000 jobs and two hundred values.
const DEFAULTED_MAX: usize = 4_000_000;

/// Decodes a whole spec. What is returned means something only where the report has no errors.
pub(super) fn spec(root: &Node, report: &mut Report) -> Spec {
    let mut decoder = Decoder::new(report);
    let spec = decoder.spec(root);
    let Decoder { report, places, masked, has_etcd: _, destinations: _, used: _ } = decoder;
    report.sources.mask(&masked);
    Spec { places, ..spec }
}

impl Decoder<'_> {
    fn spec(&mut self, root: &Node) -> Spec {
        let target = Target { scheduler: Scheduler::Systemd(Scope::System), systemd: SYSTEMD_DEFAULT };
        let mut spec = Spec {
            target,
            runner: RUNNER_ON_SYSTEMD.into(),
            spec_path: SPEC_PATH.into(),
            spec_key: None,
            etcd: None,
            destinations: BTreeMap::new(),
            jobs: vec![],
            places: Places::default(),
        };
        let field = Field { node: root, key: root, route: String::new() };
        if root.content == Content::Null {
            self.report
                .error("spec-empty", &root.span, "the spec is empty")
                .help("`examples/quickstart.yaml` is a whole one");
            return spec;
        }
        let Some(mut fields) = self.fields(&field) else { return spec };
        self.version(&mut fields);
        spec.target = fields.take("target", self).and_then(|f| self.target(&f)).unwrap_or(target);
        let runner = fields.take("runner", self).and_then(|f| self.absolute(&f));
        let fleet = spec.target.scheduler == Scheduler::Fleet;
        spec.runner = runner.unwrap_or_else(|| if fleet { RUNNER_ON_FLEET } else { RUNNER_ON_SYSTEMD }.into());
        if let Some(path) = fields.take("spec_path", self).and_then(|f| self.absolute(&f)) {
            spec.spec_path = path;
        }
        spec.spec_key = fields.take("spec_key", self).and_then(|f| self.absolute(&f));
        self.has_etcd = fields.has("etcd");
        spec.etcd = fields.take("etcd", self).and_then(|f| self.etcd(&f));
        let destinations = fields.need(
            "destinations",
            self,
            "where archives go: `destinations: {host: {local: {path: /var/backups}}}`",
        );
        let defaults = fields.take("defaults", self);
        let jobs = fields.need("jobs", self, "what to back up, and when");
        fields.ignore_prefix("x-");
        fields.finish(self);
        for (name, key, field) in destinations.iter().flat_map(|f| self.named(f)).collect::<Vec<_>>() {
            self.name_is_plain(key, &name, "a destination");
            self.destinations.insert(name.clone(), key.span.clone());
            if let Some(destination) = self.destination(name.clone(), &field) {
                spec.destinations.insert(name, destination);
            }
        }
        self.jobs(&mut spec, jobs.as_ref(), defaults.as_ref());
        self.unused_destinations();
        self.groups_agree(&spec);
        self.drills_have_names_of_their_own(&spec);
        names::check(&spec, self);
        self.texts_with_secrets(root);
        spec
    }

    fn version(&mut self, fields: &mut Fields<'_>) {
        let Some(field) = fields.need("version", self, "the first line of every spec is `version: 1`") else { return };
        match &field.node.content {
            Content::Number(text) if text == "1" => {}
            Content::Number(text) => {
                let message = format!("version {text} of the spec is not known");
                self.report.error("version-unknown", field.span(), message).help("this program reads `version: 1`");
            }
            _ => self.wrong_type(&field, "the number 1"),
        }
    }

    fn target(&mut self, field: &Field<'_>) -> Option<Target> {
        if !matches!(field.node.content, Content::Map(_)) {
            let text = self.text(field)?;
            return match Target::parse(text) {
                Ok(target) => Some(target),
                Err(error) => {
                    let near = nearest(text, ["fleet", "systemd"]);
                    let diagnostic = self.report.error("target-unknown", field.span(), error.to_string());
                    if let Some(near) = near {
                        diagnostic.label(format!("did you mean `{near}`?"));
                    }
                    None
                }
            };
        }
        let mut fields = self.fields(field)?;
        let kind = self.one_of(&mut fields, &["fleet", "systemd"], "a target");
        let (fleet, systemd) = (fields.take("fleet", self), fields.take("systemd", self));
        fields.finish(self);
        if kind? == "fleet" {
            let mut inner = self.fields(&fleet?)?;
            let version = inner.take("systemd", self).and_then(|f| self.systemd_version(&f));
            inner.finish(self);
            return Some(Target { scheduler: Scheduler::Fleet, systemd: version.unwrap_or(FLEET_SYSTEMD_DEFAULT) });
        }
        let mut inner = self.fields(&systemd?)?;
        let version = inner.take("version", self).and_then(|f| self.systemd_version(&f));
        let scopes = [("system", Scope::System), ("user", Scope::User)];
        let scope = inner.take("scope", self).and_then(|f| self.word(&f, &scopes)).unwrap_or(Scope::System);
        inner.finish(self);
        Some(Target { scheduler: Scheduler::Systemd(scope), systemd: version.unwrap_or(SYSTEMD_DEFAULT) })
    }

    fn systemd_version(&mut self, field: &Field<'_>) -> Option<u16> {
        self.integer(field, i64::from(SYSTEMD_OLDEST), 999).and_then(|n| u16::try_from(n).ok())
    }

    fn jobs(&mut self, spec: &mut Spec, jobs: Option<&Field<'_>>, defaults: Option<&Field<'_>>) {
        let Some(jobs) = jobs else { return };
        let named = self.named(jobs);
        if named.is_empty() {
            self.report.error("empty-value", jobs.span(), "a spec needs at least one job");
        }
        if let Some(defaults) = defaults {
            let _ = self.fields(defaults);
        }
        if !self.defaults_fit(defaults, named.len()) {
            return;
        }
        let around = Around { target: spec.target, destinations: &spec.destinations, etcd: spec.etcd.as_ref() };
        let mut decoded = vec![];
        for (name, key, field) in named {
            self.job_name(key, &name);
            let merged = defaults.map(|defaults| merge::with_defaults(defaults.node, field.node));
            let field = Field { node: merged.as_ref().unwrap_or(field.node), key, route: field.route };
            decoded.extend(self.job(name, &field, &around));
        }
        spec.jobs = decoded;
    }

    /// Whether `defaults:` are short enough for so many jobs: each job is read with all of them.
    fn defaults_fit(&mut self, defaults: Option<&Field<'_>>, jobs: usize) -> bool {
        let Some(defaults) = defaults else { return true };
        let fit = defaults.node.size().saturating_mul(jobs) <= DEFAULTED_MAX;
        if !fit {
            let message = format!("`defaults` are too long for {jobs} jobs, each of which takes them all");
            self.report.error("spec-limits", &defaults.key.span, message);
        }
        fit
    }

    fn unused_destinations(&mut self) {
        if self.report.has_errors() {
            return; // What a faulty job would have stored there is not known.
        }
        for (name, place) in &self.destinations {
            if !self.used.contains(name) {
                let message = format!("no job stores anything at `{name}`");
                self.report.warning("destination-unused", place, message);
            }
        }
    }
}
