//! `fleet:`, the `[X-Fleet]` section in its own words.

use super::Decoder;
use super::cursor::At;
use super::template::Scope;
use super::words::shown;
use crate::spec::Fleet;
use crate::value::Template;

/// Keys that fleet refuses together (api/units.go).
const CONFLICTS: [(&str, &str); 7] = [
    ("machine_id", "machine_of"),
    ("machine_id", "conflicts"),
    ("machine_id", "global"),
    ("machine_id", "replaces"),
    ("global", "machine_of"),
    ("global", "replaces"),
    ("conflicts", "replaces"),
];

impl Decoder {
    /// A job's `[X-Fleet]` section.
    pub(super) fn fleet(&mut self, at: Option<&At<'_>>, instances: bool) -> Option<Fleet> {
        let Some(at) = at else { return Some(Fleet::default()) };
        let mut map = self.map(at)?;
        let names = ["machine_id", "machine_of", "machine_metadata", "conflicts", "replaces", "global"];
        let fields = names.map(|name| map.take(name));
        self.done(map);
        let scope = Scope::unit(instances);
        let global = fields.last().and_then(Option::as_ref).map_or(Some(false), |at| self.boolean(at));
        self.fleet_conflicts(&names, &fields, global == Some(true));
        let [machine_id, machine_of, machine_metadata, conflicts, replaces, _] = fields;
        let machine_id = machine_id.and_then(|at| self.machine_id(&at));
        let machine_of = machine_of.map_or(vec![], |at| self.unit_names(&at, scope, false));
        let machine_metadata = machine_metadata.map_or(vec![], |at| self.metadata(&at));
        let conflicts = conflicts.map_or(vec![], |at| self.unit_names(&at, scope, true));
        let replaces = replaces.map_or(vec![], |at| self.unit_names(&at, scope, true));
        Some(Fleet { machine_id, machine_of, machine_metadata, conflicts, replaces, global: global? })
    }

    fn fleet_conflicts(&mut self, names: &[&str], fields: &[Option<At<'_>>], global: bool) {
        let field = |name: &str| {
            let index = names.iter().position(|known| *known == name)?;
            fields.get(index)?.as_ref().filter(|_| name != "global" || global)
        };
        for (a, b) in CONFLICTS {
            if let (Some(first), Some(second)) = (field(a), field(b)) {
                let message = format!("fleet refuses a unit with both `{a}` and `{b}`");
                self.faults.error("fleet-conflict", second.key_span(), message).also(first.key_span(), "the other one");
            }
        }
    }

    fn machine_id(&mut self, at: &At<'_>) -> Option<String> {
        let text = self.unit_text(at)?;
        let good = text.len() >= 8 && text.bytes().all(|b| b.is_ascii_hexdigit());
        if !good {
            let message = format!("`{}` is not a machine's id", shown(text));
            let found = self.faults.error("value-invalid", at.span(), message);
            found.label("32 hexadecimal digits, or the first 8, are expected").help("`fleetctl list-machines --full` shows them");
        }
        good.then(|| text.to_owned())
    }

    /// A list of units' names, or one; `glob` allows patterns.
    pub(super) fn unit_names(&mut self, at: &At<'_>, scope: Scope, glob: bool) -> Vec<Template> {
        let items = self.list_or_one(at);
        items.iter().filter_map(|item| self.unit_name(item, scope, glob)).collect()
    }

    fn unit_name(&mut self, at: &At<'_>, scope: Scope, glob: bool) -> Option<Template> {
        let text = self.unit_text(at)?;
        if text.contains('%') || !text.contains(['{', '}']) {
            self.is_unit_name(at, text, glob).then_some(())?;
        }
        let template = self.template(at, scope)?;
        self.is_unit_name(at, text, glob).then_some(template)
    }

    fn metadata(&mut self, at: &At<'_>) -> Vec<(String, Vec<String>)> {
        let Some(map) = self.map(at) else { return vec![] };
        let mut pairs = vec![];
        for field in map.into_fields() {
            let items = self.list_or_one(&field);
            let values = items.iter().filter_map(|item| self.metadata_word(item, field.name)).collect();
            pairs.push((field.name.to_owned(), values));
        }
        pairs
    }

    fn metadata_word(&mut self, at: &At<'_>, key: &str) -> Option<String> {
        let text = self.unit_text(at)?;
        let bad = |c: char| matches!(c, '=' | '"' | ' ' | '%' | '{' | '}') || c.is_control();
        if key.is_empty() || key.contains(bad) || text.contains(bad) {
            let message = format!("`{}={}` is not metadata that fleet reads", shown(key), shown(text));
            let found = self.faults.error("value-invalid", at.span(), message);
            found.label("no `=`, `\"`, `%`, braces or blanks in a key or value");
            return None;
        }
        Some(text.to_owned())
    }
}
