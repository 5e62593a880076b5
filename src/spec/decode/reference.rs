//! Values that may be references to secrets.

use super::fields::{Decoder, Field, nearest};
use super::scalar::Holds;
use crate::diag::Span;
use crate::spec::yaml::Content;
use crate::value::{Reference, Template, Value};

impl Decoder<'_> {
    /// Text, or a reference to it.
    pub(super) fn value(&mut self, field: &Field<'_>, holds: Holds) -> Option<Value> {
        match &field.node.content {
            Content::Map(_) if self.unquoted_placeholder(field.node) => None,
            Content::Map(_) => self.reference(field, holds).map(Value::Reference),
            Content::Null | Content::Bool(_) | Content::Number(_) | Content::Text(_) | Content::List(_) => {
                self.template(field, holds).map(Value::Text)
            }
        }
    }

    /// A reference and nothing else: the value is a secret.
    pub(super) fn secret(&mut self, field: &Field<'_>, holds: Holds) -> Option<Value> {
        if matches!(field.node.content, Content::Map(_)) {
            return self.value(field, holds);
        }
        self.masked.push(field.span().clone());
        let name = field.name();
        let message = format!("`{name}` is a secret, and a secret does not stand in a spec");
        let help = "write where it is to be read from: {etcd: KEY}, {env: NAME}, {file: PATH}, {credential: {name: NAME}} or {command: [PROGRAM]}";
        self.report.error("secret-in-spec", field.span(), message).help(help);
        None
    }

    fn reference(&mut self, field: &Field<'_>, holds: Holds) -> Option<Reference> {
        const KINDS: [&str; 5] = ["etcd", "env", "file", "credential", "command"];
        let mut fields = self.fields(field)?;
        let present = fields.present(&KINDS);
        let [kind] = present.as_slice() else {
            self.no_reference(field, &present, &KINDS);
            return None;
        };
        let inner = fields.take(kind, self);
        for known in KINDS {
            if known != *kind {
                let _ = fields.take(known, self);
            }
        }
        fields.finish(self);
        let inner = inner?;
        match *kind {
            "etcd" => self.etcd_reference(&inner, holds),
            "env" => self.variable(&inner).map(Reference::Env),
            "file" => self.path(&inner, holds).map(Reference::File),
            "credential" => self.credential(&inner),
            _ => {
                let argv = self.argv(&inner, Holds { percent: true, ..holds });
                (!argv.is_empty()).then_some(Reference::Command(argv))
            }
        }
    }

    fn no_reference(&mut self, field: &Field<'_>, present: &[&str], kinds: &[&'static str]) {
        let message = match present {
            [] => format!("`{}` is a map, and no reference", field.name()),
            _ => format!("`{}` refers to {} places at once", field.name(), present.len()),
        };
        let near = match &field.node.content {
            Content::Map(entries) if present.is_empty() => {
                entries.iter().filter_map(|(key, _)| key.key()).find_map(|key| nearest(key, kinds.iter().copied()))
            }
            _ => None,
        };
        let diagnostic = self.report.error("reference-invalid", field.span(), message);
        if let Some(near) = near {
            diagnostic.label(format!("did you mean `{{{near}: …}}`?"));
        }
        diagnostic.help(format!("a reference is a map with one key of {}", kinds.join(", ")));
    }

    fn etcd_reference(&mut self, field: &Field<'_>, holds: Holds) -> Option<Reference> {
        if !self.has_etcd {
            let message = "the spec does not say where etcd is";
            self.report
                .error("etcd-missing", &field.key.span, message)
                .help("add `etcd: {endpoints: [\"http://127.0.0.1:2379\"]}` at the top");
        }
        self.template(field, holds).map(Reference::Etcd)
    }

    fn credential(&mut self, field: &Field<'_>) -> Option<Reference> {
        if let Content::Text(_) = &field.node.content {
            let name = self.plain(field)?;
            self.credential_name(field, &name);
            return Some(Reference::Credential { name, path: None });
        }
        let mut fields = self.fields(field)?;
        let name = fields.need("name", self, "the name below $CREDENTIALS_DIRECTORY").and_then(|f| self.plain(&f));
        let path = fields.take("path", self).and_then(|f| self.absolute(&f));
        fields.finish(self);
        let name = name?;
        self.credential_name(field, &name);
        Some(Reference::Credential { name, path })
    }

    fn credential_name(&mut self, field: &Field<'_>, name: &str) {
        if name.contains([':', '/']) || name.starts_with('.') {
            let message = format!("`{name}` is no name of a credential: it holds `:` or `/`, or begins with `.`");
            self.report.error("reference-invalid", field.span(), message);
        }
    }

    /// A command line with a program.
    pub(super) fn has_program(&mut self, field: &Field<'_>, argv: &[Template]) -> bool {
        let there = argv.first().is_some_and(|program| program.as_literal() != Some(""));
        if !there {
            self.report
                .error("empty-command", field.span(), "a command needs a program")
                .help("write [PROGRAM, ARGUMENT, …]");
        }
        there
    }

    /// The name of an environment variable.
    pub(super) fn variable(&mut self, field: &Field<'_>) -> Option<String> {
        let name = self.text(field)?;
        self.is_variable(field.span(), name).then(|| name.to_owned())
    }

    pub(super) fn is_variable(&mut self, span: &Span, name: &str) -> bool {
        let letters = name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
        let valid = letters && name.starts_with(|c: char| !c.is_ascii_digit());
        if !valid {
            let message = format!("`{name}` is no name of a variable: letters, digits and `_`, no digit first");
            self.report.error("variable-invalid", span, message);
        }
        valid
    }
}
