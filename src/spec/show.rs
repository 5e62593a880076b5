//! A spec fully resolved, each value with where it came from.

use super::model::{Drilled, Job, Spec};
use super::places::{Origin, Place};
use super::secret_words::{looks_secret, secret_in_text};
use crate::conduct::Drill;
use crate::destination::Destination;
use crate::diag::Sources;
use crate::retention::{Guard, Keep, Policy};
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
        destinations.values().filter(|d| needed(&d.name)).map(|d| (d.name.clone(), destination_value(d))).collect();
    lines.value("destinations", "destinations", 0, &Value::Object(kinds));
    let shown: Map<String, Value> = shown.into_iter().map(|j| (j.name.clone(), job_value(j))).collect();
    lines.value("jobs", "jobs", 0, &Value::Object(shown));
    lines.text
}

fn destination_value(destination: &Destination) -> Value {
    let Destination { name: _, kind, limit } = destination;
    let mut value = json!(kind);
    if let (Value::Object(keys), false) = (&mut value, limit.is_none()) {
        keys.insert("limit".into(), json!(limit));
    }
    value
}

fn job_value(job: &Job) -> Value {
    let Job {
        name: _,
        description,
        instances,
        schedule,
        relations,
        sources,
        archive,
        store,
        conduct,
        guard: _,
        drill,
        job_in,
        fleet,
        service,
    } = job;
    let sources: Map<String, Value> = sources.iter().map(|source| (source.name.clone(), flat(json!(source)))).collect();
    let store: Vec<Value> =
        store.iter().map(|entry| json!({"to": entry.to, "keep": keep_value(&entry.keep)})).collect();
    let mut value = json!({
        "description": description,
        "instances": instances,
        "schedule": schedule_value(schedule),
        "needs": relations.needs, "wants": relations.wants, "requisite": relations.requisite,
        "sources": sources,
        "archive": archive,
        "store": store,
        "guard": guard_value(job.guard),
        "drill": drill.as_ref().map(drill_value),
        "job_in": format!("{job_in:?}").to_lowercase(),
        "fleet": {
            "machine_id": fleet.machine_id, "machine_of": fleet.machine_of,
            "machine_metadata": fleet.machine_metadata.iter().cloned().collect::<std::collections::BTreeMap<_, _>>(),
            "conflicts": fleet.conflicts, "replaces": fleet.replaces, "global": fleet.global,
        },
        "service": service_value(service),
    });
    if let (Value::Object(map), Value::Object(conduct)) = (&mut value, json!(conduct)) {
        map.extend(conduct);
        if let Some(Value::Array(notices)) = map.get_mut("notify") {
            notices.iter_mut().for_each(flatten_way);
        }
    }
    value
}

fn drill_value(drilled: &Drilled) -> Value {
    let Drilled { schedule, drill } = drilled;
    let Drill { check, back: _, source, identity, scratch, timeout } = drill;
    json!({
        "schedule": schedule_value(schedule), "check": check, "at": drill.at(), "source": source, "identity": identity,
        "scratch": scratch, "timeout": format_duration(timeout.unwrap_or(Drill::TIMEOUT_DEFAULT)),
    })
}

fn keep_value(keep: &Keep) -> Value {
    match keep {
        Keep::All => json!("all"),
        Keep::Policy(policy) => json!(Policy { at_least: policy.floor(), ..policy.clone() }),
    }
}

fn guard_value(guard: Option<Guard>) -> Value {
    guard.map_or(json!("none"), |Guard { shrink, over }| json!({"shrink": shrink.to_string(), "over": over}))
}

/// A source as the spec writes it: what it reads beside what it is.
fn flat(source: Value) -> Value {
    let Value::Object(mut map) = source else { return source };
    map.remove("name");
    let bytes = |value: &Value| value.as_u64().map(|bytes| json!(format!("{bytes}B")));
    if let Some(spool) = map.get_mut("while").and_then(|still| still.get_mut("spool")) {
        *spool = bytes(spool).unwrap_or_default();
    }
    let Some(Value::Object(kind)) = map.remove("kind") else { return Value::Object(map) };
    let Some((what, Value::Object(inner))) = kind.into_iter().next() else { return Value::Object(map) };
    match what.as_str() {
        "database" => {
            let (server, keys) = database_keys(inner);
            map.insert(server, Value::Object(keys));
            return Value::Object(map);
        }
        "etcd_snapshot" => {
            map.insert("etcd".into(), Value::Object(inner));
            return Value::Object(map);
        }
        _ => {}
    }
    for (key, value) in inner {
        match (key.as_str(), value) {
            ("argv", value) => drop(map.insert("command".into(), value)),
            ("content", Value::Object(content)) => {
                map.extend(content.into_iter().flat_map(|(_, what)| content_keys(what)));
            }
            ("max_file_size", value) => {
                drop(map.insert(key, value.as_u64().map_or(value, |bytes| json!(format!("{bytes}B")))));
            }
            (_, value) => drop(map.insert(key, value)),
        }
    }
    Value::Object(map)
}

/// The key of a database's source, and what stands below it.
fn database_keys(mut database: Map<String, Value>) -> (String, Map<String, Value>) {
    let mut keys = Map::new();
    let (server, of_server) = match database.remove("server") {
        Some(Value::Object(server)) => server.into_iter().next().unwrap_or_default(),
        Some(Value::String(server)) => (server, Value::Null),
        _ => Default::default(),
    };
    if let Value::Object(mut of_server) = of_server {
        match of_server.remove("databases") {
            Some(Value::Object(which)) => {
                keys.extend(which.into_iter().flat_map(|(how, which)| which_databases(&how, which)));
            }
            Some(other) => drop(keys.insert("databases".into(), other)),
            None => {}
        }
        keys.extend(of_server);
    }
    // Said where it is not what all of a server's databases have by default.
    if server == "postgres" && keys.get("databases") == Some(&json!("all")) && !keys.contains_key("globals") {
        keys.insert("globals".into(), json!(false));
    }
    if let Some(Value::Object(at)) = database.remove("at") {
        keys.extend(at.into_iter().filter_map(|(_, place)| place.as_object().cloned()).flatten());
    }
    keys.extend(database);
    (server, keys)
}

fn which_databases(how: &str, which: Value) -> Vec<(String, Value)> {
    match how {
        "one" => vec![("database".into(), which)],
        "some" => vec![("databases".into(), which)],
        _ => {
            let except = which.get("except").cloned().map(|except| ("except".to_owned(), except));
            std::iter::once(("databases".to_owned(), json!("all"))).chain(except).collect()
        }
    }
}

/// `tree` and `exclude`, or `extension`.
fn content_keys(content: Value) -> Map<String, Value> {
    let Value::Object(content) = content else { return Map::new() };
    content.into_iter().map(|(key, value)| (if key == "path" { "tree".to_owned() } else { key }, value)).collect()
}

/// A notice as the spec writes it: its way beside what it is told of.
fn flatten_way(notice: &mut Value) {
    let Value::Object(map) = notice else { return };
    if let Some(Value::Object(way)) = map.remove("way") {
        map.extend(way);
    }
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
        let name = word(key);
        match value {
            Value::Null => {}
            Value::Array(items) if items.is_empty() => {}
            // The one map that says something by being there.
            Value::Object(map) if map.is_empty() && key == "redis" => {
                let origin = self.origin(route);
                let _ = writeln!(self.text, "{indent}{name}: {{}}  # {origin}");
            }
            Value::Object(map) if map.is_empty() => {}
            Value::Object(map) => {
                let _ = writeln!(self.text, "{indent}{name}:");
                for (inner, value) in map {
                    self.value(inner, &format!("{route}.{inner}"), depth + 1, value);
                }
            }
            Value::Array(items) if items.iter().any(Value::is_object) => {
                let _ = writeln!(self.text, "{indent}{name}:");
                for (index, item) in items.iter().enumerate() {
                    self.item(&format!("{route}[{index}]"), depth + 1, item);
                }
            }
            Value::Array(_) | Value::Bool(_) | Value::Number(_) | Value::String(_) => {
                let origin = self.origin(route);
                let value = without_secrets(key, value);
                // JSON is YAML.
                let _ = writeln!(self.text, "{indent}{name}: {value}  # {origin}");
            }
        }
    }

    /// An item of a list, its first line led by a `-`.
    fn item(&mut self, route: &str, depth: usize, item: &Value) {
        let start = self.text.len();
        let Value::Object(map) = item else {
            let _ = writeln!(self.text, "{}- {item}  # {}", "  ".repeat(depth), self.origin(route));
            return;
        };
        for (inner, value) in map {
            self.value(inner, &format!("{route}.{inner}"), depth + 1, value);
        }
        let dash = start + 2 * depth;
        self.text.replace_range(dash..=dash, "-");
    }

    fn origin(&self, route: &str) -> String {
        let Some(place) = self.place(route) else { return "built in".to_owned() };
        let at = self.sources.locate(&place.span).map(|(file, at)| format!("{}:{}", file.name, at.line));
        let from = match place.origin {
            Origin::Written => "",
            Origin::Default => "defaults, ",
        };
        format!("{from}{}", at.unwrap_or_default())
    }

    /// Where a value was written, also where it was written in a shorter form than it is shown in: `compression: gzip`,
    /// `cron: …`.
    fn place(&self, route: &str) -> Option<&Place> {
        let places = &self.spec.places;
        if let Some(place) = places.exact(route) {
            return Some(place);
        }
        if let Some(schedule) = route.strip_suffix(".calendar") {
            return places.exact(&format!("{schedule}.cron"));
        }
        let (around, _) = route.rsplit_once(['.', '['])?;
        let (shorter, _) = around.rsplit_once(['.', '['])?;
        let is_short = places.exact(around).is_none() || route.ends_with("].to");
        let short = if places.exact(around).is_none() { shorter } else { around };
        places.exact(short).filter(|_| is_short)
    }
}

/// A key as YAML reads it back: in quotes where it could be something else.
fn word(key: &str) -> String {
    let plain = key.starts_with(|c: char| c.is_ascii_alphabetic())
        && key.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.'))
        && !matches!(key.to_ascii_lowercase().as_str(), "true" | "false" | "null" | "yes" | "no" | "on" | "off");
    if plain { key.to_owned() } else { json!(key).to_string() }
}

/// A value with `***` for what looks like a secret.
fn without_secrets(key: &str, value: &Value) -> Value {
    match value {
        Value::String(text) if looks_secret(key, text) || secret_in_text(text).is_some() => json!("***"),
        Value::Array(items) => items.iter().map(|item| without_secrets(key, item)).collect(),
        other @ (Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Object(_)) => {
            other.clone()
        }
    }
}
