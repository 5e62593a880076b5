//! A spec fully resolved, each value with where it came from.

use super::model::{Job, Spec};
use super::places::Origin;
use crate::diag::Sources;
use crate::target::Target;
use crate::value::format_duration;
use serde_json::{Map, Value, json};
use std::fmt::Write as _;

/// The spec as YAML, or one job of it, every default filled in; each value carries a comment with its place, or with
/// `built in` where nobody wrote it. References stay references, so that no secret is shown.
#[must_use]
pub fn show(spec: &Spec, sources: &Sources, job: Option<&str>) -> String {
    let mut lines = Lines { spec, sources, text: String::new() };
    let Spec { target, runner, spec_path, spec_key, etcd, destinations, jobs, places: _ } = spec;
    lines.value("version", "version", 0, &json!(1));
    lines.value("target", "target", 0, &json!(Target::to_string(target)));
    lines.value("runner", "runner", 0, &json!(runner));
    lines.value("spec_path", "spec_path", 0, &json!(spec_path));
    lines.value("spec_key", "spec_key", 0, &json!(spec_key));
    lines.value("etcd", "etcd", 0, &json!(etcd));
    let shown: Vec<&Job> = jobs.iter().filter(|j| job.is_none_or(|name| name == j.name)).collect();
    let needed = |name: &str| shown.iter().any(|j| j.store.iter().any(|entry| entry.to == name));
    let kinds: Map<String, Value> =
        destinations.values().filter(|d| needed(&d.name)).map(|d| (d.name.clone(), json!(d.kind))).collect();
    lines.value("destinations", "destinations", 0, &Value::Object(kinds));
    let shown: Map<String, Value> = shown.into_iter().map(|j| (j.name.clone(), job_value(j))).collect();
    lines.value("jobs", "jobs", 0, &Value::Object(shown));
    lines.text
}

fn job_value(job: &Job) -> Value {
    let Job { name: _, description, instances, schedule, relations, sources, archive, store, job_in, fleet, service } =
        job;
    let sources: Map<String, Value> = sources.iter().map(|source| (source.name.clone(), flat(json!(source)))).collect();
    let store: Vec<Value> = store.iter().map(|entry| json!({"to": entry.to, "keep": entry.keep})).collect();
    json!({
        "description": description,
        "instances": instances,
        "schedule": schedule_value(schedule),
        "needs": relations.needs, "wants": relations.wants, "requisite": relations.requisite,
        "sources": sources,
        "archive": archive,
        "store": store,
        "job_in": format!("{job_in:?}").to_lowercase(),
        "fleet": {
            "machine_id": fleet.machine_id, "machine_of": fleet.machine_of,
            "machine_metadata": fleet.machine_metadata.iter().cloned().collect::<std::collections::BTreeMap<_, _>>(),
            "conflicts": fleet.conflicts, "replaces": fleet.replaces, "global": fleet.global,
        },
        "service": service_value(service),
    })
}

/// A source as the spec writes it: what it reads beside what it is.
fn flat(source: Value) -> Value {
    let Value::Object(mut map) = source else { return source };
    map.remove("name");
    if let Some(Value::Object(kind)) = map.remove("kind") {
        let inner = kind.into_iter().next().map(|(_, inner)| inner);
        if let Some(Value::Object(inner)) = inner {
            map.extend(inner.into_iter().map(|(k, v)| if k == "argv" { ("command".into(), v) } else { (k, v) }));
        }
    }
    Value::Object(map)
}

fn schedule_value(schedule: &crate::schedule::Schedule) -> Value {
    use crate::schedule::Trigger;
    let mut value = match &schedule.trigger {
        Trigger::Every(interval) => json!({"every": format_duration(*interval)}),
        Trigger::Calendar { specs, catch_up } => {
            let texts: Vec<String> = specs.iter().map(ToString::to_string).collect();
            json!({"calendar": texts, "catch_up": catch_up})
        }
    };
    if let Value::Object(map) = &mut value {
        map.insert("jitter".into(), json!(schedule.jitter.map(format_duration)));
        map.insert("unless_newer_than".into(), json!(schedule.unless_newer_than.map(format_duration)));
        map.insert("blackout".into(), json!(schedule.blackout));
    }
    value
}

fn service_value(service: &super::model::Service) -> Value {
    let class = service.io_class.map(|class| match class {
        super::IoClass::Idle => "idle",
        super::IoClass::BestEffort => "best-effort",
        super::IoClass::Realtime => "realtime",
    });
    json!({
        "user": service.user, "group": service.group, "supplementary_groups": service.supplementary_groups,
        "nice": service.nice, "io_class": class, "io_priority": service.io_priority, "cpu_weight": service.cpu_weight,
        "memory_max": service.memory_max.map(|b| format!("{}B", b.0)), "tasks_max": service.tasks_max,
        "timeout": service.timeout.map_or("none".to_owned(), format_duration),
        "environment_file": service.environment_file, "network_online": service.network_online,
        "on_failure": service.on_failure, "hardening": service.hardening, "directives": service.directives,
    })
}

struct Lines<'a> {
    spec: &'a Spec,
    sources: &'a Sources,
    text: String,
}

impl Lines<'_> {
    fn value(&mut self, key: &str, route: &str, depth: usize, value: &Value) {
        let indent = "  ".repeat(depth);
        match value {
            Value::Null => {}
            Value::Array(items) if items.is_empty() => {}
            Value::Object(map) if map.is_empty() => {}
            Value::Object(map) => {
                let _ = writeln!(self.text, "{indent}{key}:");
                for (inner, value) in map {
                    self.value(inner, &format!("{route}.{inner}"), depth + 1, value);
                }
            }
            Value::Array(_) | Value::Bool(_) | Value::Number(_) | Value::String(_) => {
                let origin = self.origin(route);
                // JSON is YAML.
                let _ = writeln!(self.text, "{indent}{key}: {value}  # {origin}");
            }
        }
    }

    fn origin(&self, route: &str) -> String {
        match self.spec.places.exact(route) {
            None => "built in".to_owned(),
            Some(place) => {
                let at = self.sources.locate(&place.span).map(|(file, at)| format!("{}:{}", file.name, at.line));
                let from = match place.origin {
                    Origin::Written => "",
                    Origin::Default => "defaults, ",
                };
                format!("{from}{}", at.unwrap_or_default())
            }
        }
    }
}
