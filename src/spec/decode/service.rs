//! `service:` and `fleet:`.

use super::fields::{Decoder, Field};
use super::scalar::Holds;
use crate::spec::model::{Fleet, IoClass, Service};
use crate::spec::yaml::Content;
use std::collections::BTreeMap;

/// Sections that `directives:` may add to.
const SECTIONS: [&str; 5] = ["Unit", "Service", "Timer", "Install", "X-Fleet"];

impl Decoder<'_> {
    pub(super) fn service(&mut self, field: Option<&Field<'_>>, unit: Holds, remote: bool) -> Service {
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
            network_online: remote,
            on_failure: vec![],
            hardening: true,
            directives: BTreeMap::new(),
        };
        let Some(mut fields) = field.and_then(|f| self.fields(f)) else { return service };
        service.user = fields.take("user", self).and_then(|f| self.account(&f));
        service.group = fields.take("group", self).and_then(|f| self.account(&f));
        let groups = fields.take("supplementary_groups", self).map(|f| self.items(&f, true)).unwrap_or_default();
        service.supplementary_groups = groups.iter().filter_map(|f| self.account(f)).collect();
        let mut number = |key, least, most, decoder: &mut Self| {
            let taken: Option<Field<'_>> = fields.take(key, decoder);
            taken.and_then(|f| decoder.integer(&f, least, most))
        };
        service.nice = number("nice", -20, 19, self).and_then(|n| i8::try_from(n).ok());
        service.io_priority = number("io_priority", 0, 7, self).and_then(|n| u8::try_from(n).ok());
        service.cpu_weight = number("cpu_weight", 1, 10_000, self).and_then(|n| u16::try_from(n).ok());
        service.tasks_max = number("tasks_max", 16, 4_194_304, self).and_then(|n| u32::try_from(n).ok());
        let classes = [("idle", IoClass::Idle), ("best-effort", IoClass::BestEffort), ("realtime", IoClass::Realtime)];
        service.io_class = fields.take("io_class", self).and_then(|f| self.word(&f, &classes));
        service.memory_max = fields.take("memory_max", self).and_then(|f| self.size(&f));
        if let Some(field) = fields.take("timeout", self) {
            let none = matches!(&field.node.content, Content::Text(text) if text == "none");
            service.timeout = if none { None } else { self.duration(&field) };
        }
        if let Some(field) = fields.take("environment_file", self) {
            for item in self.items(&field, true) {
                let Some(path) = self.template(&item, unit) else { continue };
                self.is_absolute(&item, path.to_string().trim_start_matches('-'));
                service.environment_file.push(path);
            }
        }
        service.network_online = fields.take("network_online", self).and_then(|f| self.boolean(&f)).unwrap_or(remote);
        service.on_failure = fields.take("on_failure", self).map(|f| self.unit_names(&f, unit)).unwrap_or_default();
        service.hardening = fields.take("hardening", self).and_then(|f| self.boolean(&f)).unwrap_or(true);
        service.directives = fields.take("directives", self).map(|f| self.directives(&f, unit)).unwrap_or_default();
        fields.finish(self);
        service
    }

    /// A user or group: systemd's strict rules for names (systemd.exec(5)), or a number.
    fn account(&mut self, field: &Field<'_>) -> Option<String> {
        let name = self.plain(field)?;
        let number = name.chars().all(|c| c.is_ascii_digit());
        let word = name.len() <= 31
            && name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
            && name.chars().all(|c| c.is_ascii_alphanumeric() || "_-".contains(c));
        if !number && !word {
            let message = format!("`{name}` is no name of a user or group");
            self.report
                .error("account-invalid", field.span(), message)
                .help("letters, digits, `_` and `-`, at most 31, or a number");
        }
        Some(name)
    }

    fn directives(
        &mut self,
        field: &Field<'_>,
        unit: Holds,
    ) -> BTreeMap<String, BTreeMap<String, Vec<crate::value::Template>>> {
        let mut sections = BTreeMap::new();
        for (section, key, inner) in self.named(field) {
            if !SECTIONS.contains(&section.as_str()) {
                let near = super::fields::nearest(&section, SECTIONS);
                let diagnostic =
                    self.report.error("section-unknown", &key.span, format!("`{section}` is no section of ours"));
                match near {
                    Some(near) => diagnostic.label(format!("did you mean `{near}`?")),
                    None => diagnostic.help(format!("there are {}", SECTIONS.join(", "))),
                };
                continue;
            }
            let mut keys = BTreeMap::new();
            for (name, key, value) in self.named(&inner) {
                if !name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-') || name.is_empty() {
                    self.report.error("name-invalid", &key.span, format!("`{name}` is no directive's name"));
                    continue;
                }
                let items = self.items_or_scalar(&value);
                let values = items.iter().filter_map(|f| self.directive_value(f, unit)).collect();
                keys.insert(name, values);
            }
            sections.insert(section, keys);
        }
        sections
    }

    fn directive_value(&mut self, field: &Field<'_>, unit: Holds) -> Option<crate::value::Template> {
        match &field.node.content {
            Content::Bool(value) => Some(crate::value::Template::literal(value.to_string())),
            _ => self.template(field, unit),
        }
    }

    fn items_or_scalar<'n>(&mut self, field: &Field<'n>) -> Vec<Field<'n>> {
        if matches!(field.node.content, Content::List(_)) { self.items(field, false) } else { vec![field.clone()] }
    }

    pub(super) fn fleet(&mut self, field: &Field<'_>, unit: Holds) -> Fleet {
        let Some(mut fields) = self.fields(field) else { return Fleet::default() };
        let machine_id = fields.take("machine_id", self).and_then(|f| self.machine_id(&f));
        let machine_of = fields.take("machine_of", self).map(|f| self.machine_of(&f, unit)).unwrap_or_default();
        let metadata = fields.take("machine_metadata", self).map(|f| self.metadata(&f)).unwrap_or_default();
        let conflicts = fields.take("conflicts", self).map(|f| self.globs(&f, unit)).unwrap_or_default();
        let replaces = fields.take("replaces", self).map(|f| self.globs(&f, unit)).unwrap_or_default();
        let global = fields.take("global", self).and_then(|f| self.boolean(&f)).unwrap_or(false);
        fields.finish(self);
        Fleet { machine_id, machine_of, machine_metadata: metadata, conflicts, replaces, global }
    }

    fn machine_of(&mut self, field: &Field<'_>, unit: Holds) -> Vec<crate::value::Template> {
        let mut names = vec![];
        for item in self.items(field, true) {
            let Some(name) = self.unit_name(&item, unit, true) else { continue };
            if name.to_string().contains(['*', '?', '[']) {
                let message = "a pattern in `machine_of` matches nothing, and the unit would wait for ever";
                self.report
                    .error("fleet-glob-in-machine-of", item.span(), message)
                    .help("name the unit in full, `{instance}` included");
            }
            names.push(name);
        }
        names
    }

    fn machine_id(&mut self, field: &Field<'_>) -> Option<String> {
        let id = self.plain(field)?;
        let hex = id.chars().all(|c| c.is_ascii_hexdigit());
        if !(hex && (id.len() == 8 || id.len() == 32)) {
            let message = format!("`{id}` is no machine's id: 32 hexadecimal digits are, or the first 8");
            self.report
                .error("machine-id-invalid", field.span(), message)
                .help("`fleetctl list-machines -l` shows them");
        }
        Some(id)
    }

    fn metadata(&mut self, field: &Field<'_>) -> Vec<(String, Vec<String>)> {
        let mut metadata = vec![];
        for (key, node, inner) in self.named(field) {
            if key.contains('=') || key.is_empty() {
                self.report.error(
                    "metadata-invalid",
                    &node.span,
                    "fleet ignores a pair that does not hold exactly one `=`",
                );
            }
            let mut values = vec![];
            for item in self.items_or_scalar(&inner) {
                let Some(text) = self.plain(&item) else { continue };
                if text.contains('=') || text.contains('"') {
                    self.report.error(
                        "metadata-invalid",
                        item.span(),
                        "fleet ignores a pair that does not hold exactly one `=`, and a quote ends it",
                    );
                }
                values.push(text);
            }
            metadata.push((key, values));
        }
        metadata
    }

    /// Patterns as Go's `path.Match` reads them.
    fn globs(&mut self, field: &Field<'_>, unit: Holds) -> Vec<crate::value::Template> {
        let items = self.items(field, true);
        items.iter().filter_map(|item| self.glob(item, unit)).collect()
    }

    fn glob(&mut self, item: &Field<'_>, unit: Holds) -> Option<crate::value::Template> {
        let text = match &item.node.content {
            Content::Text(text) => text.as_str(),
            Content::Null | Content::Bool(_) | Content::Number(_) | Content::List(_) | Content::Map(_) => "",
        };
        let fault = if text.contains("{{") || text.contains(',') {
            "fleet's patterns know no `{a,b}`: give one pattern an item"
        } else if text.contains("[!") {
            "fleet's patterns negate with `[^…]`, not `[!…]`"
        } else {
            return self.unit_name(item, unit, true);
        };
        self.report.error("fleet-glob-invalid", item.span(), fault);
        None
    }
}
