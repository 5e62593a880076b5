//! `service:`, and the relations to other units.

use super::Decoder;
use super::cursor::{At, Map};
use super::template::Scope;
use super::words::{either, shown};
use crate::spec::node::Kind;
use crate::spec::{IoClass, Relations, Service};
use crate::value::Template;
use std::collections::BTreeMap;
use std::time::Duration;

/// The sections in which directives may be written out.
const SECTIONS: [&str; 5] = ["Unit", "Service", "Timer", "Install", "X-Fleet"];

/// What of a job its service depends on.
#[derive(Debug, Clone, Copy)]
pub(super) struct Needs {
    pub(super) instances: bool,
    /// Whether the job reaches another machine.
    pub(super) network: bool,
}

impl Decoder {
    /// What a job's service is allowed and given.
    pub(super) fn service(&mut self, at: Option<&At<'_>>, needs: Needs) -> Option<Service> {
        let mut service = Service {
            user: None,
            group: None,
            supplementary_groups: vec![],
            nice: None,
            io_class: None,
            io_priority: None,
            cpu_weight: None,
            memory_max: None,
            tasks_max: None,
            timeout: Some(Service::TIMEOUT_DEFAULT),
            environment_file: vec![],
            network_online: needs.network,
            on_failure: vec![],
            hardening: true,
            directives: BTreeMap::new(),
        };
        let Some(at) = at else { return Some(service) };
        let mut map = self.map(at)?;
        self.identity(&mut map, &mut service);
        self.resources(&mut map, &mut service);
        self.surroundings(&mut map, &mut service, needs.instances);
        self.done(map);
        Some(service)
    }

    fn identity(&mut self, map: &mut Map<'_>, service: &mut Service) {
        let [user, group, groups] = ["user", "group", "supplementary_groups"].map(|name| map.take(name));
        service.user = user.and_then(|at| self.account(&at));
        service.group = group.and_then(|at| self.account(&at));
        let groups = groups.map_or(vec![], |at| self.list_or_one(&at));
        service.supplementary_groups = groups.iter().filter_map(|at| self.account(at)).collect();
    }

    fn account(&mut self, at: &At<'_>) -> Option<String> {
        let text = self.unit_text(at)?;
        let good = text.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | '$')) && !text.starts_with('-');
        if !good {
            let message = format!("`{}` cannot name a user or group", shown(text));
            self.faults.error("value-invalid", at.span(), message).label("a name or a number is expected");
        }
        good.then(|| text.to_owned())
    }

    fn resources(&mut self, map: &mut Map<'_>, service: &mut Service) {
        let [nice, io_class, io_priority, cpu_weight] = ["nice", "io_class", "io_priority", "cpu_weight"].map(|name| map.take(name));
        let [memory_max, tasks_max, timeout] = ["memory_max", "tasks_max", "timeout"].map(|name| map.take(name));
        let classes = [("idle", IoClass::Idle), ("best-effort", IoClass::BestEffort), ("realtime", IoClass::Realtime)];
        service.nice = nice.and_then(|at| self.number(&at, -20..=19));
        service.io_class = io_class.and_then(|at| self.choice(&at, &classes));
        service.io_priority = io_priority.and_then(|at| self.number(&at, 0..=7));
        service.cpu_weight = cpu_weight.and_then(|at| self.number(&at, 1..=10_000));
        service.memory_max = memory_max.and_then(|at| self.size(&at));
        service.tasks_max = tasks_max.and_then(|at| self.number(&at, 1..=i64::from(u32::MAX)));
        if let Some(at) = timeout {
            service.timeout = self.timeout(&at);
        }
    }

    /// A duration, or `none` for no end.
    fn timeout(&mut self, at: &At<'_>) -> Option<Duration> {
        if at.node.text() == Some("none") { None } else { self.duration(at) }
    }

    fn surroundings(&mut self, map: &mut Map<'_>, service: &mut Service, instances: bool) {
        let [environment_file, network_online] = ["environment_file", "network_online"].map(|name| map.take(name));
        let [on_failure, hardening, directives] = ["on_failure", "hardening", "directives"].map(|name| map.take(name));
        let scope = Scope::unit(instances);
        let files = environment_file.map_or(vec![], |at| self.list_or_one(&at));
        service.environment_file = files.iter().filter_map(|at| self.environment_file(at, scope)).collect();
        let mut switch = |at: Option<At<'_>>, default| at.map_or(Some(default), |at| self.boolean(&at)).unwrap_or(default);
        service.network_online = switch(network_online, service.network_online);
        service.hardening = switch(hardening, service.hardening);
        service.on_failure = on_failure.map_or(vec![], |at| self.unit_names(&at, scope, false));
        service.directives = directives.map_or(BTreeMap::new(), |at| self.directives(&at, scope));
    }

    /// A path; a `-` before it means that the file may be missing.
    fn environment_file(&mut self, at: &At<'_>, scope: Scope) -> Option<Template> {
        let template = self.template(at, scope)?;
        let text = template.to_string();
        self.absolute(at, text.strip_prefix('-').unwrap_or(&text)).then_some(template)
    }

    fn directives(&mut self, at: &At<'_>, scope: Scope) -> BTreeMap<String, BTreeMap<String, Vec<Template>>> {
        let Some(map) = self.map(at) else { return BTreeMap::new() };
        let mut sections = BTreeMap::new();
        for section in map.into_fields() {
            if SECTIONS.contains(&section.name) {
                sections.insert(section.name.to_owned(), self.section(&section, scope));
            } else {
                let message = format!("`{}` is not a section of a service or timer", shown(section.name));
                let guess = super::words::did_you_mean(section.name, SECTIONS);
                let found = self.faults.error("unknown-key", section.key_span(), message);
                if let Some(guess) = guess {
                    found.label(format!("did you mean `{guess}`?"));
                }
                found.help(format!("there are {}", either(&SECTIONS, "and")));
            }
        }
        sections
    }

    fn section(&mut self, at: &At<'_>, scope: Scope) -> BTreeMap<String, Vec<Template>> {
        let Some(map) = self.map(at) else { return BTreeMap::new() };
        let mut directives = BTreeMap::new();
        for field in map.into_fields() {
            let good = field.name.starts_with(|c: char| c.is_ascii_uppercase()) && field.name.chars().all(|c| c.is_ascii_alphanumeric());
            if good {
                let items = self.list_or_one(&field);
                directives.insert(field.name.to_owned(), items.iter().filter_map(|item| self.directive(item, scope)).collect());
            } else {
                let message = format!("`{}` is not a directive of systemd", shown(field.name));
                self.faults.error("value-invalid", field.key_span(), message).label("written like `MemoryHigh`");
            }
        }
        directives
    }

    fn directive(&mut self, at: &At<'_>, scope: Scope) -> Option<Template> {
        if !matches!(at.node.kind, Kind::Scalar(_)) {
            self.wrong_type(at, "a text or a list of texts");
            return None;
        }
        if let Some(text) = at.node.text() {
            self.warn_of_secret(at, text);
        }
        self.template_or_empty(at, scope)
    }

    /// Units that a job depends on.
    pub(super) fn relations(&mut self, [needs, wants, requisite]: [Option<At<'_>>; 3], instances: bool) -> Relations {
        let mut names = |at: Option<At<'_>>| at.map_or(vec![], |at| self.unit_names(&at, Scope::unit(instances), false));
        Relations { needs: names(needs), wants: names(wants), requisite: names(requisite) }
    }
}
