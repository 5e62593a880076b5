//! `sources:`.

use super::Decoder;
use super::cursor::{At, Map};
use super::template::Scope;
use super::words::{either, shown};
use crate::source::{Access, Command, Container, Content, Engine, Paths, Source, SourceKind};
use crate::spec::node::Kind;
use crate::value::{Template, Value};
use std::collections::BTreeMap;

/// Extensions that would make a name unreadable: the program adds the first ones itself, a set's list has `json`, and a
/// `tar` is what paths and trees become.
const EXTENSIONS_RESERVED: [&str; 5] = ["gz", "zst", "age", "json", "tar"];

/// The keys of a source that belong to one kind only.
const KIND_KEYS: [(&str, &[&str]); 13] = [
    ("one_file_system", &["paths"]),
    ("exclude", &["paths", "container"]),
    ("extension", &["command", "container"]),
    ("env", &["command", "container"]),
    ("directory", &["command", "container"]),
    ("engine", &["container"]),
    ("dump", &["container"]),
    ("user", &["container"]),
    ("tree", &["container"]),
    ("access", &["container"]),
    ("paths", &["paths"]),
    ("command", &["command"]),
    ("container", &["container"]),
];

impl Decoder {
    /// All sources of a job, in the order written.
    pub(super) fn sources(&mut self, at: &At<'_>, instances: bool) -> Vec<Source> {
        let Some(map) = self.map(at) else { return vec![] };
        let fields = map.into_fields();
        if fields.is_empty() {
            self.faults.error("value-invalid", at.span(), "`sources` is empty: there is nothing to back up");
        }
        fields.iter().filter_map(|field| self.source(field, instances)).collect()
    }

    fn source(&mut self, at: &At<'_>, instances: bool) -> Option<Source> {
        let named = self.source_name_fits(at);
        let mut map = self.map(at)?;
        let [allow_empty, timeout] = ["allow_empty", "timeout"].map(|name| map.take(name));
        let allow_empty = allow_empty.map_or(Some(false), |at| self.boolean(&at));
        let timeout = timeout.and_then(|at| self.duration(&at));
        let kind = self.source_kind(map, instances);
        named.then_some(())?;
        Some(Source { name: at.name.to_owned(), kind: kind?, allow_empty: allow_empty?, timeout })
    }

    fn source_kind(&mut self, mut map: Map<'_>, instances: bool) -> Option<SourceKind> {
        let kinds = ["paths", "command", "container"].map(|name| map.take(name));
        let mut there = kinds.into_iter().flatten();
        let Some(kind) = there.next() else {
            let message = "the source does not say what to back up";
            let found = self.faults.error("missing-key", map.key(), message);
            found.help("for example `paths: [/etc]`, `command: [pg_dumpall]` or `container: NAME`");
            self.foreign_keys(&mut map, None);
            self.done(map);
            return None;
        };
        for second in there {
            let message = format!("`{}` and `{}`: a source is one of them", kind.name, second.name);
            self.faults.error("value-invalid", second.key_span(), message).also(kind.key_span(), "first");
        }
        self.foreign_keys(&mut map, Some(kind.name));
        match kind.name {
            "paths" => self.paths(&kind, map, Scope::run(instances)).map(SourceKind::Paths),
            "command" => self.command(&kind, map, Scope::run(instances)).map(SourceKind::Command),
            _ => self.container(&kind, map, Scope::container(instances)).map(SourceKind::Container),
        }
    }

    /// Tells of keys that belong to another kind of source.
    fn foreign_keys(&mut self, map: &mut Map<'_>, kind: Option<&str>) {
        for (name, kinds) in KIND_KEYS {
            if kind.is_some_and(|kind| kinds.contains(&kind)) {
                continue;
            }
            let Some(field) = map.take(name) else { continue };
            let Some(kind) = kind else { continue };
            let message = format!("`{name}` does not belong to a source with `{kind}`");
            self.faults.error("unknown-key", field.key_span(), message).help(format!("it belongs to {}", either(kinds, "and")));
        }
    }

    fn paths(&mut self, at: &At<'_>, mut map: Map<'_>, scope: Scope) -> Option<Paths> {
        let [exclude, one_file_system] = ["exclude", "one_file_system"].map(|name| map.take(name));
        self.done(map);
        let items = self.list_or_one(at);
        if items.is_empty() && matches!(at.node.kind, Kind::List(_)) {
            self.faults.error("value-invalid", at.span(), "`paths` is empty: there is nothing to back up");
        }
        let paths: Vec<Option<Template>> = items.iter().map(|item| self.path_template(item, scope)).collect();
        let exclude = exclude.map_or(vec![], |at| self.templates(&at, scope));
        let one_file_system = one_file_system.map_or(Some(false), |at| self.boolean(&at));
        let paths = paths.into_iter().collect::<Option<Vec<_>>>().filter(|paths| !paths.is_empty());
        Some(Paths { paths: paths?, exclude, one_file_system: one_file_system? })
    }

    /// A list of texts with placeholders, or one.
    pub(super) fn templates(&mut self, at: &At<'_>, scope: Scope) -> Vec<Template> {
        let items = self.list_or_one(at);
        items.iter().filter_map(|item| self.template(item, scope)).collect()
    }

    fn command(&mut self, at: &At<'_>, mut map: Map<'_>, scope: Scope) -> Option<Command> {
        let extension = self.require(&mut map, "extension", "sql");
        let [env, directory] = ["env", "directory"].map(|name| map.take(name));
        self.done(map);
        let argv = self.argv(at, scope);
        let env = env.map_or(BTreeMap::new(), |at| self.environment(&at, scope));
        let directory = directory.and_then(|at| self.path_template(&at, scope));
        let extension = extension.and_then(|at| self.extension(&at));
        Some(Command { argv: argv?, env, directory, extension: extension? })
    }

    fn container(&mut self, at: &At<'_>, mut map: Map<'_>, scope: Scope) -> Option<Container> {
        let [engine, dump, env, user, directory] = ["engine", "dump", "env", "user", "directory"].map(|name| map.take(name));
        let content = self.content(&mut map, dump.is_some(), scope);
        let access = map.take("access");
        self.done(map);
        let container = self.template(at, scope);
        let dump = dump.map_or(Some(vec![]), |at| self.argv(&at, scope));
        let env = env.map_or(BTreeMap::new(), |at| self.environment(&at, scope));
        let user = user.and_then(|at| self.template(&at, scope));
        let directory = directory.and_then(|at| self.path_template(&at, scope));
        let engines = [("auto", Engine::Auto), ("docker", Engine::Docker), ("podman", Engine::Podman)];
        let engine = engine.map_or(Some(Engine::Auto), |at| self.choice(&at, &engines));
        let ways = [("auto", Access::Auto), ("direct", Access::Direct), ("exec", Access::Exec)];
        let access = access.map_or(Some(Access::Auto), |at| self.choice(&at, &ways));
        let (dump, content) = (dump?, content?);
        Some(Container { container: container?, engine: engine?, dump, env, user, directory, content, access: access? })
    }

    /// What of a container is archived: `tree`, or what `dump` prints.
    fn content(&mut self, map: &mut Map<'_>, dumps: bool, scope: Scope) -> Option<Content> {
        let [tree, extension, exclude] = ["tree", "extension", "exclude"].map(|name| map.take(name));
        match (tree, extension) {
            (Some(tree), None) => {
                let path = self.path_template(&tree, scope);
                let exclude = exclude.map_or(vec![], |at| self.templates(&at, scope));
                Some(Content::Tree { path: path?, exclude })
            }
            (None, Some(extension)) => {
                if !dumps {
                    let message = "`extension` names what `dump` prints, and there is no `dump`";
                    self.faults.error("missing-key", extension.key_span(), message);
                }
                if let Some(exclude) = exclude {
                    self.faults.error("unknown-key", exclude.key_span(), "`exclude` belongs to a `tree`");
                }
                self.extension(&extension).map(|extension| Content::Stdout { extension })
            }
            (Some(tree), Some(extension)) => {
                let message = "`tree` and `extension`: either a folder is archived, or what `dump` prints";
                self.faults.error("value-invalid", extension.key_span(), message).also(tree.key_span(), "first");
                None
            }
            (None, None) => {
                let found = self.faults.error("missing-key", map.key(), "the source does not say what of the container to archive");
                found.help("a folder: `tree: /data`; or what `dump` prints: `extension: sql`");
                None
            }
        }
    }

    fn extension(&mut self, at: &At<'_>) -> Option<String> {
        let text = self.some_text(at)?;
        if EXTENSIONS_RESERVED.contains(&text) {
            let message = format!("`{text}` cannot be an extension here");
            let found = self.faults.error("value-invalid", at.span(), message);
            found.label("it is added, or used, by the program itself").help("name the content before compression, `sql` for example");
            return None;
        }
        if !text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit()) {
            let message = format!("`{}` cannot be an extension", shown(text));
            let found = self.faults.error("value-invalid", at.span(), message);
            found.label("lower-case letters and digits, without a dot");
            return None;
        }
        Some(text.to_owned())
    }

    fn environment(&mut self, at: &At<'_>, scope: Scope) -> BTreeMap<String, Value> {
        let Some(map) = self.map(at) else { return BTreeMap::new() };
        let mut variables = BTreeMap::new();
        for field in map.into_fields() {
            if !self.variable_name(&field.as_key(), field.name) {
                continue;
            }
            if let Some(value) = self.variable(&field, scope) {
                variables.insert(field.name.to_owned(), value);
            }
        }
        variables
    }
}
