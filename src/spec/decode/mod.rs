//! The tree of values, decoded into the model; every fault is reported, and decoding goes on.

mod destination;
mod fields;
mod job;
mod names;
mod scalar;
mod schedule;
mod secrets;
mod service;
mod source;

use super::merge;
use super::model::Spec;
use super::places::Places;
use super::yaml::{Content, Node};
use crate::destination::Destination;
use crate::diag::Report;
use crate::target::{FLEET_SYSTEMD_DEFAULT, SYSTEMD_DEFAULT, SYSTEMD_OLDEST, Scheduler, Scope, Target};
use fields::{Decoder, Field, Fields};
use job::Around;
use std::collections::{BTreeMap, BTreeSet};

/// Where units look for the runner where the spec does not say.
const RUNNER_ON_FLEET: &str = "/opt/bin/eightbells-run";
const RUNNER_ON_SYSTEMD: &str = "/usr/local/bin/eightbells-run";
/// Where `job_in: file` units look for the spec where it does not say.
const SPEC_PATH: &str = "/etc/eightbells/backups.yaml";

/// Decodes a whole spec. What is returned means something only where the report has no errors.
pub(super) fn spec(root: &Node, report: &mut Report) -> Spec {
    let mut decoder = Decoder { report, places: Places::default(), masked: vec![] };
    let spec = decoder.spec(root);
    let Decoder { report, places, masked } = decoder;
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
        let field = Field { node: root, route: String::new() };
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
        for (name, _, field) in destinations.iter().flat_map(|f| self.named(f)).collect::<Vec<_>>() {
            if let Some(destination) = self.destination(name.clone(), &field) {
                spec.destinations.insert(name, destination);
            }
        }
        self.jobs(&mut spec, jobs.as_ref(), defaults.as_ref());
        self.etcd_is_named(&spec);
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
                    let near = fields::nearest(text, ["fleet", "systemd"]);
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
        let around = Around { target: spec.target, destinations: &spec.destinations };
        let mut decoded = vec![];
        let mut used = BTreeSet::new();
        for (name, key, field) in named {
            self.job_name(key, &name);
            let merged = defaults.map(|defaults| merge::with_defaults(defaults.node, field.node));
            let field = Field { node: merged.as_ref().unwrap_or(field.node), route: field.route };
            let Some(job) = self.job(name, &field, &around) else { continue };
            for (index, entry) in job.store.iter().enumerate() {
                used.insert(entry.to.clone());
                self.destination_exists(&job.name, index, &entry.to, &spec.destinations);
            }
            decoded.push(job);
        }
        for name in spec.destinations.keys().filter(|name| !used.contains(*name)) {
            if let Some(place) = self.places.exact(&format!("destinations.{name}")).cloned() {
                self.report.warning("destination-unused", &place.span, format!("no job stores anything at `{name}`"));
            }
        }
        spec.jobs = decoded;
    }

    fn destination_exists(&mut self, job: &str, index: usize, name: &str, known: &BTreeMap<String, Destination>) {
        if known.contains_key(name) {
            return;
        }
        let route = format!("jobs.{job}.store[{index}]");
        let place = self.places.exact(&format!("{route}.to")).or_else(|| self.places.nearest(&route)).cloned();
        let Some(place) = place else { return };
        let near = fields::nearest(name, known.keys().map(String::as_str)).map(str::to_owned);
        let diagnostic =
            self.report.error("destination-unknown", &place.span, format!("there is no destination `{name}`"));
        match near {
            Some(near) => diagnostic.label(format!("did you mean `{near}`?")),
            None => diagnostic.help("it must be a key of `destinations:`"),
        };
    }

    /// `{etcd: KEY}` means the etcd at the top.
    fn etcd_is_named(&mut self, spec: &Spec) {
        if spec.etcd.is_some() {
            return;
        }
        let uses = spec.jobs.iter().find(|job| {
            let compiled = spec.compile(job);
            compiled.references().any(|r| matches!(r, crate::value::Reference::Etcd(_)))
        });
        let Some(job) = uses else { return };
        let route = self
            .places
            .iter()
            .find(|(route, _)| route.rsplit('.').next() == Some("etcd"))
            .map(|(_, place)| place.span.clone());
        let route = route.or_else(|| self.places.nearest(&format!("jobs.{}", job.name)).map(|p| p.span.clone()));
        if let Some(span) = route {
            self.report
                .error("etcd-missing", &span, "the spec says of no etcd where it is")
                .help("add `etcd: {endpoints: [\"http://127.0.0.1:2379\"]}` at the top");
        }
    }
}
