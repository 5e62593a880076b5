//! `jobs:`.

use super::destination::is_loopback;
use super::drill::OfJob;
use super::fields::{Decoder, Field, Fields};
use super::scalar::Holds;
use crate::conduct::{Conduct, Notice};
use crate::contract::Etcd;
use crate::destination::{Destination, Server};
use crate::diag::Span;
use crate::retention::Guard;
use crate::source::{At, Source, SourceKind};
use crate::spec::model::{Job, JobIn, Relations, Service, StoreEntry};
use crate::spec::yaml::{Content, Node};
use crate::target::{Scheduler, Target};
use crate::value::{Reference, Template, Value};
use std::collections::{BTreeMap, HashMap};

/// A unit's name has at most this many bytes, suffix included: systemd refuses `strlen >= UNIT_NAME_MAX` = 256
/// (src/basic/unit-name.h).
const UNIT_NAME_MAX_BYTES: usize = 255;

/// What ends a unit's name.
const UNIT_TYPES: [&str; 11] =
    ["service", "timer", "target", "socket", "mount", "path", "device", "automount", "swap", "slice", "scope"];
/// What a job is decoded in view of.
pub(super) struct Around<'a> {
    pub target: Target,
    pub destinations: &'a BTreeMap<String, Destination>,
    pub etcd: Option<&'a Etcd>,
}

impl Around<'_> {
    /// Whether a job speaks to another machine than its own.
    fn reaches_out(&self, sources: &[Source], store: &[StoreEntry], conduct: &Conduct) -> bool {
        let destinations = || store.iter().filter_map(|entry| self.destinations.get(&entry.to));
        let far_etcd = self.etcd.is_some_and(|etcd| etcd.endpoints.iter().any(|e| !is_loopback_address(e)));
        let shares = conduct.concurrency.is_some() || conduct.values().any(is_etcd);
        let asks = || shares || destinations().any(asks_etcd) || sources.iter().any(source_asks_etcd);
        let tells = |value: &Value| {
            let written = value.text().and_then(Template::as_literal);
            !written.is_some_and(is_loopback_address)
        };
        let tells = conduct.notify.iter().filter_map(Notice::url).any(tells);
        tells || sources.iter().any(is_far) || destinations().any(is_remote) || (far_etcd && asks())
    }
}

fn is_loopback_address(address: &str) -> bool {
    is_loopback(address.split_once("://").map_or(address, |(_, rest)| rest))
}

fn is_remote(destination: &Destination) -> bool {
    match destination.kind.server() {
        Server::None => false,
        Server::Somewhere => true,
        Server::At(address) => !address.text().and_then(Template::as_literal).is_some_and(is_loopback_address),
    }
}

fn is_etcd(value: &Value) -> bool {
    matches!(value, Value::Reference(Reference::Etcd(_)))
}

fn asks_etcd(destination: &Destination) -> bool {
    destination.kind.values().any(is_etcd)
}

/// Whether a source is read from another machine.
fn is_far(source: &Source) -> bool {
    match &source.kind {
        SourceKind::Database(database) => match &database.at {
            At::Network { host, port: _ } => {
                let written = host.text().and_then(Template::as_literal);
                !written.is_some_and(is_loopback_address)
            }
            At::Host { socket: _ } | At::Container { container: _, engine: _ } => false,
        },
        SourceKind::EtcdSnapshot(etcd) => !etcd.endpoints.iter().all(|endpoint| is_loopback_address(endpoint)),
        SourceKind::Paths(_) | SourceKind::Command(_) | SourceKind::Container(_) | SourceKind::Volume(_) => false,
    }
}

fn source_asks_etcd(source: &Source) -> bool {
    source_values(source).any(is_etcd)
}

fn source_values(source: &Source) -> impl Iterator<Item = &Value> {
    source.values().into_iter().map(|(value, _)| value)
}

/// Every value of a job that may be a reference.
fn values<'v>(
    sources: &'v [Source],
    store: &[StoreEntry],
    conduct: &'v Conduct,
    around: &Around<'v>,
) -> Vec<&'v Value> {
    let destinations = store.iter().filter_map(|entry| around.destinations.get(&entry.to));
    let of_sources = sources.iter().flat_map(source_values);
    destinations.flat_map(|destination| destination.kind.values()).chain(of_sources).chain(conduct.values()).collect()
}

/// How many bytes an instance has in a unit's name: a byte may be escaped to four (systemd-escape).
fn escaped_length(text: &str) -> usize {
    let length = |b: u8| if b.is_ascii_alphanumeric() || b"_.:/".contains(&b) { 1 } else { 4 };
    text.bytes().map(length).sum()
}

impl Decoder<'_> {
    pub(super) fn job(&mut self, name: String, field: &Field<'_>, around: &Around<'_>) -> Option<Job> {
        let mut fields = self.fields(field)?;
        fields.takes_defaults = true;
        let instances = fields.take("instances", self).map(|f| self.instances(&f, &name)).unwrap_or_default();
        let has_instances = !instances.is_empty();
        let unit = Holds::in_unit(has_instances);
        let description = fields.take("description", self).and_then(|f| self.template(&f, unit));
        let description = description.unwrap_or_else(|| Template::literal(format!("{name} backup")));
        let schedule =
            fields.need("schedule", self, "when to run: `schedule: {every: 4h}`").and_then(|f| self.schedule(&f));
        let relations = Relations {
            needs: self.units(&mut fields, "needs", unit),
            wants: self.units(&mut fields, "wants", unit),
            requisite: self.units(&mut fields, "requisite", unit),
        };
        let sources = fields.need("sources", self, "what to back up: `sources: {files: {paths: [/srv]}}`");
        let sources = sources.map(|f| self.sources(&f, has_instances)).unwrap_or_default();
        let fleet = fields.take("fleet", self).map(|f| self.fleet(&f, unit)).unwrap_or_default();
        let archive = fields.take("archive", self);
        let objects = sources.iter().map(|source| if source.is_many() { 2 } else { 1 }).sum();
        let archive = self.archive(archive.as_ref(), has_instances, fleet.global, objects);
        let store = fields
            .need("store", self, "where to: `store: [{to: DESTINATION}]`")
            .map(|f| self.store(&f, has_instances, around.destinations))
            .unwrap_or_default();
        let conduct = self.conduct(&mut fields, has_instances, around.etcd);
        let guard = fields.take("guard", self).map_or_else(Guard::usual, |f| self.guard(&f));
        let of_job =
            OfJob { instances: has_instances, sources: &sources, archive: &archive, backup: schedule.as_ref() };
        let drill = fields.take("drill", self).and_then(|f| self.drill(&f, &of_job));
        self.drill_name_fits(&name, &instances, drill.is_some());
        let ways = [("unit", JobIn::Unit), ("file", JobIn::File), ("etcd", JobIn::Etcd)];
        let default = if around.target.scheduler == Scheduler::Fleet { JobIn::Unit } else { JobIn::File };
        let job_in = fields.take("job_in", self).and_then(|f| self.word(&f, &ways)).unwrap_or(default);
        let service = fields.take("service", self);
        let service = self.service(service.as_ref(), unit, around.reaches_out(&sources, &store, &conduct));
        let values = values(&sources, &store, &conduct, around);
        self.variables_come_from_somewhere(&name, &values, &service);
        fields.finish(self);
        Some(Job {
            name,
            description,
            instances,
            schedule: schedule?,
            relations,
            sources,
            archive,
            store,
            conduct,
            guard,
            drill,
            job_in,
            fleet,
            service,
        })
    }

    /// Warns where a job reads the runner's environment, and its service gives it none.
    fn variables_come_from_somewhere(&mut self, job: &str, values: &[&Value], service: &Service) {
        let given = ["Environment", "EnvironmentFile", "PassEnvironment"];
        let directives = service.directives.get("Service");
        if !service.environment_file.is_empty()
            || directives.is_some_and(|d| given.iter().any(|key| d.contains_key(*key)))
        {
            return;
        }
        let name = values.iter().filter_map(|value| value.reference()).find_map(|reference| match reference {
            Reference::Env(name) => Some(name.clone()),
            Reference::Etcd(_) | Reference::File(_) | Reference::Credential { .. } | Reference::Command(_) => None,
        });
        let place = self.places.nearest(&format!("jobs.{job}")).map(|place| place.span.clone());
        if let (Some(name), Some(place)) = (name, place) {
            let message = format!("`{{env: {name}}}` is read from the unit's environment, and nothing sets it there");
            self.report
                .warning("env-not-set", &place, message)
                .help("give the job `service: {environment_file: /etc/eightbells/secrets.env}`, or use `{file: PATH}`");
        }
    }

    /// A job's name is its units': letters, digits and what fleet and systemd both take.
    pub(super) fn job_name(&mut self, key: &Node, name: &str) {
        self.name_is_plain(key, name, "a job");
        if let Some(kind) = UNIT_TYPES.iter().find(|kind| name.strip_suffix(**kind).is_some_and(|n| n.ends_with('.'))) {
            let message = format!("`{name}` is a unit's name, and a job's has no `.{kind}`");
            self.report
                .error("name-invalid", &key.span, message)
                .help("its units get their endings when they are generated");
        } else if name.len() + "@.service".len() > UNIT_NAME_MAX_BYTES {
            let message = format!("the unit's name would have over {UNIT_NAME_MAX_BYTES} bytes");
            self.report.error("name-too-long", &key.span, message);
        }
    }

    /// Letters, digits, `.`, `_` and `-`, the first of which is a letter or digit.
    pub(super) fn name_is_plain(&mut self, key: &Node, name: &str, what: &str) {
        let valid = name.starts_with(|c: char| c.is_ascii_alphanumeric())
            && name.chars().all(|c| c.is_ascii_alphanumeric() || "._-".contains(c));
        if !valid {
            let message = format!("`{name}` cannot be the name of {what}");
            self.report
                .error("name-invalid", &key.span, message)
                .help("use letters, digits, `.`, `_` and `-`, and begin with a letter or digit");
        }
    }

    fn instances(&mut self, field: &Field<'_>, job: &str) -> Vec<String> {
        let items = self.items(field, false);
        if items.is_empty() && matches!(field.node.content, Content::List(_)) {
            self.report
                .error("empty-value", field.span(), "an empty list of instances")
                .help("leave `instances` out for a job without instances");
        }
        let mut instances: Vec<String> = vec![];
        let mut seen: HashMap<String, &Span> = HashMap::new();
        for item in items {
            let Some(text) = self.plain(&item) else { continue };
            if let Some(first) = seen.insert(text.clone(), item.span()) {
                let message = format!("the instance `{text}` is here twice");
                self.report.error("duplicate-instance", item.span(), message).also(first, "it is here first");
            } else if self.instance_fits(&item, job, &text) {
                instances.push(text);
            }
        }
        instances
    }

    fn instance_fits(&mut self, item: &Field<'_>, job: &str, text: &str) -> bool {
        if text.contains(['{', '}']) {
            let message = format!("`{text}` cannot be an instance: an instance is what `{{instance}}` stands for");
            self.report.error("placeholder-out-of-place", item.span(), message);
            return false;
        }
        let fits = job.len() + escaped_length(text) + "@.service".len() <= UNIT_NAME_MAX_BYTES;
        if !fits {
            let message = format!("the unit's name would have over {UNIT_NAME_MAX_BYTES} bytes with this instance");
            self.report
                .error("name-too-long", item.span(), message)
                .help("each byte but letters, digits, `_`, `.`, `:` and `/` takes four in a unit's name");
        }
        fits
    }

    /// A drill's units have longer names than their job's.
    fn drill_name_fits(&mut self, job: &str, instances: &[String], drills: bool) {
        let longest = instances.iter().map(|text| escaped_length(text)).max().unwrap_or(0);
        let length = job.len() + Job::DRILL_SUFFIX.len() + longest + "@.service".len();
        let place = self.places.nearest(&format!("jobs.{job}.drill")).map(|place| place.span.clone());
        if let Some(place) = place.filter(|_| drills && length > UNIT_NAME_MAX_BYTES) {
            let message = format!("the names of the drill's units would have over {UNIT_NAME_MAX_BYTES} bytes");
            self.report.error("name-too-long", &place, message);
        }
    }

    fn units(&mut self, fields: &mut Fields<'_>, key: &'static str, holds: Holds) -> Vec<Template> {
        let Some(field) = fields.take(key, self) else { return vec![] };
        self.unit_names(&field, holds)
    }

    /// Names of units, suffix included.
    pub(super) fn unit_names(&mut self, field: &Field<'_>, holds: Holds) -> Vec<Template> {
        let items = self.items(field, true);
        items.iter().filter_map(|item| self.unit_name(item, holds, false)).collect()
    }

    /// A unit's name; `pattern` allows `*`, `?` and `[…]`.
    pub(super) fn unit_name(&mut self, item: &Field<'_>, holds: Holds, pattern: bool) -> Option<Template> {
        let template = self.template(item, holds)?;
        let text = template.to_string();
        let plain = text.replace("{instance}", "i").replace("{job}", "j");
        let known = |c: char| c.is_ascii_alphanumeric() || ":_.\\@-".contains(c) || (pattern && "*?[]^".contains(c));
        if let Some(c) = plain.chars().find(|c| !known(*c)).filter(|_| !text.contains("%i")) {
            let diagnostic = self.report.error("unit-name-invalid", item.span(), format!("`{text}` is no unit's name"));
            diagnostic.label(format!("`{c}` cannot stand in one"));
            if c == ' ' || c == ',' {
                diagnostic.help("a list takes one name an item");
            }
            return None;
        }
        let suffix = plain.rsplit_once('.').map_or("", |(_, suffix)| suffix);
        if !(UNIT_TYPES.contains(&suffix) || pattern && plain.ends_with('*')) {
            let message = format!("`{text}` is no unit's name: it ends in no type");
            self.report
                .error("unit-name-invalid", item.span(), message)
                .label(format!("did you mean `{text}.service`?"));
        }
        Some(template)
    }
}
