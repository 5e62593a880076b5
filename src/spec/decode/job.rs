//! `jobs:`, each with what `defaults:` say.

use super::Decoder;
use super::archive::Naming;
use super::cursor::{At, Merge};
use super::destination::is_loopback;
use super::service::Needs;
use super::template::Scope;
use super::words::shown;
use crate::contract::Etcd;
use crate::destination::{Destination, DestinationKind};
use crate::diag::Span;
use crate::source::{Source, SourceKind};
use crate::spec::node::Node;
use crate::spec::{Job, JobIn, StoreEntry};
use crate::target::Scheduler;
use crate::value::{Reference, Template, Value};
use std::collections::{BTreeMap, HashMap};

/// What jobs refer to.
pub(super) struct Around<'a> {
    pub(super) defaults: Option<&'a Node>,
    pub(super) destinations: BTreeMap<String, Destination>,
    pub(super) etcd: Option<Etcd>,
    pub(super) spec_key: Option<String>,
}

/// The keys of a job.
struct Fields<'a> {
    description: Option<At<'a>>,
    instances: Option<At<'a>>,
    schedule: Option<At<'a>>,
    relations: [Option<At<'a>>; 3],
    sources: Option<At<'a>>,
    archive: Option<At<'a>>,
    store: Option<At<'a>>,
    job_in: Option<At<'a>>,
    fleet: Option<At<'a>>,
    service: Option<At<'a>>,
}

impl Decoder {
    /// All jobs that are right, in the order written.
    pub(super) fn jobs(&mut self, at: &At<'_>, around: &Around<'_>) -> Vec<Job> {
        let Some(map) = self.map(at) else { return vec![] };
        let fields = map.into_fields();
        if fields.is_empty() {
            self.faults.error("value-invalid", at.span(), "`jobs` is empty");
        }
        fields.iter().filter_map(|field| self.job(&field.clone().over(around.defaults, Merge::Job), around)).collect()
    }

    fn job(&mut self, at: &At<'_>, around: &Around<'_>) -> Option<Job> {
        let named = self.job_name_fits(at);
        let fields = self.job_fields(at)?;
        let instances = fields.instances.map_or(vec![], |i| self.instances(&i, at.name));
        let has_instances = !instances.is_empty();
        let description = self.description(fields.description.as_ref(), has_instances);
        let schedule = fields.schedule.and_then(|at| self.schedule(&at));
        let relations = self.relations(fields.relations, has_instances);
        let sources = fields.sources.map_or(vec![], |at| self.sources(&at, has_instances));
        let store = fields.store.map_or(vec![], |at| self.store(&at, &around.destinations, has_instances));
        let fleet = self.fleet(fields.fleet.as_ref(), has_instances);
        let naming = Naming { instances: has_instances, global: fleet.as_ref().is_some_and(|f| f.global) };
        let archive = self.archive(fields.archive.as_ref(), naming);
        let job_in = self.job_in(fields.job_in.as_ref(), around);
        let needs = Needs { instances: has_instances, network: reaches_out(&sources, &store, around) };
        let service = self.service(fields.service.as_ref(), needs);
        named.then_some(())?;
        Some(Job {
            name: at.name.to_owned(),
            description,
            instances,
            schedule: schedule?,
            relations,
            sources,
            archive: archive?,
            store,
            job_in: job_in?,
            fleet: fleet?,
            service: service?,
        })
    }

    fn job_fields<'a>(&mut self, at: &At<'a>) -> Option<Fields<'a>> {
        let mut map = self.map(at)?;
        let fields = Fields {
            schedule: self.require(&mut map, "schedule", "{every: 4h}"),
            sources: self.require(&mut map, "sources", "{files: {paths: [/srv/data]}}"),
            store: self.require(&mut map, "store", "[{to: NAME, keep: {within: 7d}}]"),
            description: map.take("description"),
            instances: map.take("instances"),
            relations: ["needs", "wants", "requisite"].map(|name| map.take(name)),
            archive: map.take("archive"),
            job_in: map.take("job_in"),
            fleet: map.take("fleet"),
            service: map.take("service"),
        };
        self.done(map);
        Some(fields)
    }

    fn description(&mut self, at: Option<&At<'_>>, instances: bool) -> Template {
        let default = || Template::parse("Backup job {job}").unwrap_or_default();
        at.and_then(|at| self.template(at, Scope::unit(instances))).unwrap_or_else(default)
    }

    /// The instances, as texts: an `80` without quotes is one.
    fn instances(&mut self, at: &At<'_>, job: &str) -> Vec<String> {
        let Some(items) = self.list(at) else { return vec![] };
        if items.is_empty() {
            let found = self.faults.error("value-invalid", at.span(), "`instances` is empty");
            found.help("leave the key out for a job without instances");
        }
        let mut instances = vec![];
        let mut seen: HashMap<&str, &Span> = HashMap::new();
        for item in &items {
            let Some(text) = self.some_text(item) else { continue };
            if let Some(first) = seen.insert(text, item.span()) {
                let message = format!("instance `{}` is there twice", shown(text));
                self.faults.error("duplicate-key", item.span(), message).label("second").also(first, "first");
            } else if self.instance_fits(item, job, text) {
                instances.push(text.to_owned());
            }
        }
        instances
    }

    fn instance_fits(&mut self, at: &At<'_>, job: &str, text: &str) -> bool {
        if let Some(name) = text.strip_prefix('{').and_then(|t| t.strip_suffix('}')) {
            let message = format!("`{{{}}}` cannot be an instance: instances are what `{{instance}}` stands for", shown(name));
            self.faults.error("placeholder", at.span(), message);
            return false;
        }
        self.unit_name_fits(at.span(), job, Some(text))
    }

    /// How the job reaches the runner: in the unit on fleet, whose hosts have no spec, else in a file.
    fn job_in(&mut self, at: Option<&At<'_>>, around: &Around<'_>) -> Option<JobIn> {
        let Some(at) = at else {
            return Some(match self.target.scheduler {
                Scheduler::Fleet => JobIn::Unit,
                Scheduler::Systemd(_) => JobIn::File,
            });
        };
        let job_in = self.choice(at, &[("unit", JobIn::Unit), ("file", JobIn::File), ("etcd", JobIn::Etcd)])?;
        if job_in == JobIn::Etcd {
            self.needs_for_etcd(at, around);
        }
        Some(job_in)
    }

    fn needs_for_etcd(&mut self, at: &At<'_>, around: &Around<'_>) {
        if !self.has_etcd {
            let found = self.faults.error("etcd-missing", at.span(), "`job_in: etcd`, but the spec has no `etcd:` that says where it is");
            found.help("for example, at the top: `etcd: {endpoints: [\"http://127.0.0.1:2379\"]}`");
        }
        if around.spec_key.is_none() {
            let found = self.faults.error("missing-key", at.span(), "`job_in: etcd`, but the spec has no `spec_key`");
            found.help("for example, at the top: `spec_key: /eightbells/backups.yaml`");
        }
    }
}

/// Whether a job speaks to another machine than its own.
fn reaches_out(sources: &[Source], store: &[StoreEntry], around: &Around<'_>) -> bool {
    let destinations = || store.iter().filter_map(|entry| around.destinations.get(&entry.to));
    let remote = destinations().any(is_remote);
    let far = around.etcd.as_ref().is_some_and(|etcd| etcd.endpoints.iter().any(|e| !is_loopback(e)));
    remote || (far && (destinations().any(asks_etcd) || sources.iter().any(source_asks_etcd)))
}

fn is_remote(destination: &Destination) -> bool {
    match &destination.kind {
        DestinationKind::Local(_) => false,
        DestinationKind::S3(s3) => {
            let written = s3.endpoint.as_ref().and_then(Value::text).and_then(Template::as_literal);
            !written.is_some_and(is_loopback)
        }
    }
}

fn is_etcd(value: &Value) -> bool {
    matches!(value, Value::Reference(Reference::Etcd(_)))
}

fn asks_etcd(destination: &Destination) -> bool {
    match &destination.kind {
        DestinationKind::Local(local) => is_etcd(&local.path),
        DestinationKind::S3(s3) => {
            let optional = [&s3.endpoint, &s3.region, &s3.access_key, &s3.secret_key, &s3.session_token, &s3.prefix];
            optional.into_iter().flatten().any(is_etcd) || is_etcd(&s3.bucket)
        }
    }
}

fn source_asks_etcd(source: &Source) -> bool {
    match &source.kind {
        SourceKind::Paths(_) => false,
        SourceKind::Command(command) => command.env.values().any(is_etcd),
        SourceKind::Container(container) => container.env.values().any(is_etcd),
    }
}
