//! `sources:`.

use super::fields::{Decoder, Field, Fields};
use super::scalar::Holds;
use crate::archive::MANIFEST_SOURCE;
use crate::source::{Access, Command, Container, Content, Paths, Source, SourceKind, Volume};
use crate::spec::yaml;
use crate::value::{Template, Value};
use std::collections::BTreeMap;

/// What every source may have, whatever it reads.
const COMMON: [&str; 4] = ["allow_empty", "timeout", "while", "hooks"];

/// What a source may read, one of each.
const KINDS: [&str; 11] =
    ["paths", "command", "container", "volume", "postgres", "mysql", "mariadb", "mongodb", "redis", "sqlite", "etcd"];

/// Keys of some kinds of source, with what they go with.
const KINDS_OF_KEYS: [(&str, &str); 15] = [
    ("one_file_system", "`paths`"),
    ("exclude_from", "`paths`"),
    ("gitignore", "`paths`"),
    ("exclude_caches", "`paths`"),
    ("exclude_if_present", "`paths`"),
    ("max_file_size", "`paths`"),
    ("exclude", "`paths`, `volume`, and with the `tree` of a `container`"),
    ("extension", "`command`, and with the `dump` of a `container`"),
    ("env", "`command` and `container`"),
    ("directory", "`command` and `container`"),
    ("engine", "`container` and `volume`"),
    ("dump", "`container`"),
    ("user", "`container`"),
    ("tree", "`container`"),
    ("access", "`container` and `volume`"),
];

impl Decoder<'_> {
    pub(super) fn sources(&mut self, field: &Field<'_>, instances: bool) -> Vec<Source> {
        let named = self.named(field);
        if matches!(&field.node.content, yaml::Content::Map(entries) if entries.is_empty()) {
            self.report.error("empty-value", field.span(), "a job needs at least one source");
        }
        let mut sources = vec![];
        for (name, key, inner) in named {
            let valid = name.starts_with(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit())
                && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || "._-".contains(c));
            if !valid {
                let message = format!("`{name}` is no name of a source");
                self.report
                    .error("name-invalid", &key.span, message)
                    .help("use small letters, digits, `.`, `_` and `-`, and begin with a letter or digit");
            } else if name == MANIFEST_SOURCE {
                self.report
                    .error("name-invalid", &key.span, "`manifest` is what a set's own list is called")
                    .help("call the source otherwise");
            }
            sources.extend(self.source(name, &inner, instances));
        }
        sources
    }

    fn source(&mut self, name: String, field: &Field<'_>, instances: bool) -> Option<Source> {
        let mut fields = self.fields(field)?;
        let kind = self.one_of(&mut fields, &KINDS, "a source");
        let kind = match kind {
            Some("paths") => self.paths(&mut fields, instances).map(SourceKind::Paths),
            Some("command") => self.command(&mut fields, instances).map(SourceKind::Command),
            Some("container") => self.container(&mut fields, instances).map(SourceKind::Container),
            Some("volume") => self.volume(&mut fields, instances).map(SourceKind::Volume),
            Some("etcd") => self.etcd_snapshot(&mut fields).map(SourceKind::EtcdSnapshot),
            Some(server) => {
                self.database(server, &mut fields, instances).map(|database| SourceKind::Database(Box::new(database)))
            }
            None => {
                fields.ignore_prefix("");
                None
            }
        };
        self.keys_of_other_kinds(&mut fields);
        let allow_empty = fields.take(COMMON[0], self).and_then(|f| self.boolean(&f)).unwrap_or(false);
        let timeout = fields.take(COMMON[1], self).and_then(|f| self.duration(&f));
        let hooks = fields.take(COMMON[3], self).map(|f| self.hooks(&f, instances, true)).unwrap_or_default();
        let still = fields.take(COMMON[2], self).and_then(|f| self.still(&f, instances));
        fields.finish(self);
        if let (Some(kind), Some(still)) = (&kind, &still) {
            self.reads_what_stands_still(field, kind, still);
        }
        Some(Source { name, kind: kind?, allow_empty, timeout, still, hooks })
    }

    /// Tells of keys that belong to another kind of source.
    fn keys_of_other_kinds(&mut self, fields: &mut Fields<'_>) {
        for (key, kinds) in KINDS_OF_KEYS {
            if fields.is_asked(key) {
                continue;
            }
            if let Some(field) = fields.quietly(key) {
                let message = format!("`{key}` does not belong to this kind of source");
                self.report.error("unknown-key", &field.span, message).help(format!("it goes with {kinds}"));
            }
        }
    }

    fn paths(&mut self, fields: &mut Fields<'_>, instances: bool) -> Option<Paths> {
        let holds = Holds { time: false, source: false, ..Holds::at_run(Some(instances)) };
        let field = fields.take("paths", self)?;
        let items = self.items(&field, true);
        if items.is_empty() && matches!(field.node.content, yaml::Content::List(_)) {
            self.report.error("empty-value", field.span(), "a source needs at least one path");
        }
        let mut paths = vec![];
        for item in &items {
            let Some(template) = self.template(item, holds) else { continue };
            let text = template.to_string();
            if self.is_absolute(item, &text) && text.contains(['*', '?']) {
                let message = format!("`{text}` is taken as it is: paths are no patterns");
                self.report
                    .warning("path-not-a-pattern", item.span(), message)
                    .help("name the folder, and leave things out with `exclude:`");
            }
            paths.push(template);
        }
        let exclude = fields
            .take("exclude", self)
            .map(|f| self.templates(&f, true, Holds { percent: true, ..holds }))
            .unwrap_or_default();
        let one_file_system = fields.take("one_file_system", self).and_then(|f| self.boolean(&f)).unwrap_or(false);
        let exclude_from = self.file_names(fields, "exclude_from");
        let mut switch = |key, decoder: &mut Self| {
            let taken: Option<Field<'_>> = fields.take(key, decoder);
            taken.and_then(|f| decoder.boolean(&f)).unwrap_or(false)
        };
        let (gitignore, exclude_caches) = (switch("gitignore", self), switch("exclude_caches", self));
        let exclude_if_present = self.file_names(fields, "exclude_if_present");
        let max_file_size = fields.take("max_file_size", self).and_then(|f| self.size(&f)).map(|size| size.0);
        Some(Paths {
            paths,
            exclude,
            one_file_system,
            exclude_from,
            gitignore,
            exclude_caches,
            exclude_if_present,
            max_file_size,
        })
    }

    /// Names of files that are looked for in every folder.
    fn file_names(&mut self, fields: &mut Fields<'_>, key: &'static str) -> Vec<String> {
        let Some(field) = fields.take(key, self) else { return vec![] };
        let mut names = vec![];
        for item in self.items(&field, true) {
            let Some(name) = self.plain(&item) else { continue };
            if name.contains('/') {
                let message = format!("`{name}` is a path, and a file's name is looked for in every folder");
                self.report.error("path-in-name", item.span(), message);
            } else {
                names.push(name);
            }
        }
        names
    }

    fn command(&mut self, fields: &mut Fields<'_>, instances: bool) -> Option<Command> {
        let holds = Holds { percent: true, ..Holds::at_run(Some(instances)) };
        let field = fields.take("command", self)?;
        let argv = self.argv(&field, holds);
        let env = self.environment(fields, holds);
        let directory = fields.take("directory", self).and_then(|f| self.path(&f, holds));
        let help = "what the content is, for the object's name: `extension: sql`";
        let extension = fields.need("extension", self, help).and_then(|f| self.extension(&f));
        self.has_program(&field, &argv).then_some(())?;
        Some(Command { argv, env, directory, extension: extension? })
    }

    fn container(&mut self, fields: &mut Fields<'_>, instances: bool) -> Option<Container> {
        let outside = Holds { time: false, source: false, ..Holds::at_run(Some(instances)) };
        let inside = Holds { scratch: true, percent: true, ..Holds::at_run(Some(instances)) };
        let field = fields.take("container", self)?;
        let container = self.which(&field, outside, true);
        let engine = self.engine(fields);
        let dump_field = fields.take("dump", self);
        let dump = dump_field.as_ref().map(|f| self.argv(f, inside)).unwrap_or_default();
        let env = self.environment(fields, inside);
        let user = fields.take("user", self).and_then(|f| self.template(&f, outside));
        let directory = fields.take("directory", self).and_then(|f| self.path(&f, inside));
        let access = self.access(fields);
        let content = self.content(fields, inside);
        match (&dump_field, &content) {
            (None, Some(Content::Stdout { .. })) => {
                let message = "`extension` says that a dump's output is archived, and there is no `dump`";
                self.report
                    .error("missing-key", &fields.span, message)
                    .help("add `dump: [PROGRAM, …]`, or name a folder with `tree:`");
            }
            (None, Some(Content::Tree { path, .. })) if path.to_string().contains("{scratch}") => {
                self.report.error("missing-key", &fields.span, "nothing fills `{scratch}`: there is no `dump`");
            }
            _ => {}
        }
        Some(Container { container: container?, engine, dump, env, user, directory, content: content?, access })
    }

    fn access(&mut self, fields: &mut Fields<'_>) -> Access {
        let ways = [("auto", Access::Auto), ("direct", Access::Direct), ("exec", Access::Exec)];
        fields.take("access", self).and_then(|f| self.word(&f, &ways)).unwrap_or(Access::Auto)
    }

    fn volume(&mut self, fields: &mut Fields<'_>, instances: bool) -> Option<Volume> {
        let holds = Holds { time: false, source: false, ..Holds::at_run(Some(instances)) };
        let field = fields.take("volume", self)?;
        let volume = self.template(&field, holds);
        if let Some(path) = volume.as_ref().map(ToString::to_string).filter(|text| text.contains('/')) {
            let message = format!("`{path}` is no volume's name, but a path");
            self.report.error("name-invalid", field.span(), message).help("a folder of the host goes under `paths`");
        }
        let engine = self.engine(fields);
        let exclude = fields
            .take("exclude", self)
            .map(|f| self.templates(&f, true, Holds { percent: true, ..holds }))
            .unwrap_or_default();
        let access = self.access(fields);
        Some(Volume { volume: volume?, engine, exclude, access })
    }

    fn content(&mut self, fields: &mut Fields<'_>, holds: Holds) -> Option<Content> {
        let which = self.one_of(fields, &["tree", "extension"], "a container's source");
        let tree = fields.take("tree", self);
        let extension = fields.take("extension", self);
        let exclude = fields.take("exclude", self);
        if which? == "tree" {
            let field = tree?;
            let path = self.template(&field, Holds { percent: false, ..holds })?;
            let text = path.to_string();
            if !text.starts_with('/') && !text.starts_with("{scratch}") {
                self.report.error(
                    "relative-path",
                    field.span(),
                    format!("`{text}` begins with neither `/` nor `{{scratch}}`"),
                );
            }
            let exclude = exclude.map(|f| self.templates(&f, true, holds)).unwrap_or_default();
            Some(Content::Tree { path, exclude })
        } else {
            if let Some(exclude) = exclude {
                self.report.error(
                    "unknown-key",
                    exclude.span(),
                    "`exclude` belongs to `tree`; a stream has nothing to leave out",
                );
            }
            self.extension(&extension?).map(|extension| Content::Stdout { extension })
        }
    }

    /// A program and its arguments.
    pub(super) fn argv(&mut self, field: &Field<'_>, holds: Holds) -> Vec<Template> {
        if let yaml::Content::Text(line) = &field.node.content {
            let message = "a command is a list of its words; no shell splits this text";
            let words = line.split_whitespace().map(|w| format!("\"{w}\"")).collect::<Vec<_>>().join(", ");
            self.report
                .error("command-is-text", field.span(), message)
                .help(format!("write [{words}], or [\"/bin/sh\", \"-c\", …] where a shell is meant"));
            return vec![Template::literal(line)];
        }
        let argv = self.templates(field, false, holds);
        self.has_program(field, &argv);
        self.pipelines_lose_failures(field, &argv);
        argv
    }

    /// `sh -c 'dump | gzip'` exits 0 when the dump fails.
    fn pipelines_lose_failures(&mut self, field: &Field<'_>, argv: &[Template]) {
        let text = |index: usize| argv.get(index).map(ToString::to_string).unwrap_or_default();
        let shell = ["sh", "bash", "dash", "ash"].into_iter().any(|s| text(0).rsplit('/').next() == Some(s));
        let script = text(2);
        if shell && text(1) == "-c" && script.replace("||", "").contains('|') && !script.contains("pipefail") {
            let message = "a pipeline's failure is lost: only its last program's exit status counts";
            let help = "drop the pipe, since compression is ours to do, or begin the script with `set -o pipefail;` under bash";
            self.report.warning("pipeline-loses-failure", field.span(), message).help(help);
        }
    }

    pub(super) fn environment(&mut self, fields: &mut Fields<'_>, holds: Holds) -> BTreeMap<String, Value> {
        let Some(field) = fields.take("env", self) else { return BTreeMap::new() };
        let mut env = BTreeMap::new();
        for (name, key, inner) in self.named(&field) {
            if !self.is_variable(&key.span, &name) {
                continue;
            }
            if let Some(value) = self.value(&inner, holds) {
                self.looks_like_a_secret(&name, &inner, &value);
                env.insert(name, value);
            }
        }
        env
    }

    fn extension(&mut self, field: &Field<'_>) -> Option<String> {
        const TAKEN: [&str; 6] = ["gz", "zst", "age", "json", "tar", "part"];
        let text = self.text(field)?.trim_start_matches('.');
        let plain = !text.is_empty() && text.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit());
        if !plain {
            let message = format!("`{text}` is no extension: small letters and digits are");
            self.report.error("extension-invalid", field.span(), message);
        } else if TAKEN.contains(&text) {
            let message = format!("`{text}` is an extension that we add ourselves");
            self.report
                .error("extension-invalid", field.span(), message)
                .help("say what the content is: sql, dump, xml, bin …");
        }
        plain.then(|| text.to_owned())
    }
}
