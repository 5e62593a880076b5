//! References to secrets, and literals that look like secrets.

use super::Decoder;
use super::cursor::At;
use super::template::Scope;
use super::words::shown;
use crate::spec::node::{Kind, Node};
use crate::spec::secret_words::{looks_secret, secret_in_text};
use crate::target::Feature;
use crate::value::{Reference, Template, Value};

/// What help shows of references.
const REFERENCES: &str = "`{etcd: KEY}`, `{env: NAME}`, `{file: PATH}`, `{credential: {name: NAME}}` or `{command: [PROGRAM, ARG]}`";

/// What may stand for a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Literal {
    /// Text or a reference.
    Allowed,
    /// A reference only.
    Refused,
}

impl Decoder {
    /// Text with placeholders, or a reference.
    pub(super) fn value(&mut self, at: &At<'_>, scope: Scope, literal: Literal) -> Option<Value> {
        match (&at.node.kind, literal) {
            (Kind::Scalar(_), Literal::Refused) => {
                self.mask(at.node);
                let message = format!("`{}` must be a reference: a secret never stands in the spec", at.name);
                let found = self.faults.error("secret-in-spec", at.span(), message);
                found.help(format!("write where it is kept: {REFERENCES}"));
                None
            }
            (Kind::Scalar(scalar), Literal::Allowed) => {
                self.warn_of_secret(at, &scalar.text);
                self.template_or_empty(at, scope).map(Value::Text)
            }
            (Kind::Null | Kind::List(_) | Kind::Map(_), _) => self.reference(at, scope).map(Value::Reference),
        }
    }

    /// A variable's value: like [`Self::value`], and the variable's name may tell that it is a secret.
    pub(super) fn variable(&mut self, at: &At<'_>, scope: Scope) -> Option<Value> {
        if let Some(text) = at.node.text().filter(|text| looks_secret(at.name, text)) {
            self.mask(at.node);
            let message = format!("the value of `{}` looks like a secret", shown(at.name));
            self.warn_secret(at, message);
            return Template::parse(text).ok().map(Value::Text).or_else(|| {
                self.faults.error("placeholder", at.span(), "a brace that is not a placeholder").help("write `{{` for a brace");
                None
            });
        }
        self.value(at, scope, Literal::Allowed)
    }

    /// Warns where a text itself tells that it is a secret: an address with a password, `--password=…`, a known key's form.
    pub(super) fn warn_of_secret(&mut self, at: &At<'_>, text: &str) {
        if let Some(what) = secret_in_text(text) {
            self.mask(at.node);
            self.warn_secret(at, format!("`{}` holds {what}", at.name));
        }
    }

    fn warn_secret(&mut self, at: &At<'_>, message: String) {
        let found = self.faults.warning("secret-in-spec", at.span(), message);
        found.help(format!("keep it elsewhere and write a reference: {REFERENCES}"));
    }

    /// Keeps a value out of every source line that is shown.
    fn mask(&mut self, node: &Node) {
        self.faults.report.sources.mask(&node.span);
    }

    fn reference(&mut self, at: &At<'_>, scope: Scope) -> Option<Reference> {
        if !matches!(at.node.kind, Kind::Map(_)) || at.node.unquoted_placeholder().is_some() {
            self.wrong_type(at, "a text or a reference such as `{etcd: KEY}`");
            return None;
        }
        let mut map = self.map(at)?;
        let [etcd, env, file, credential, command] = ["etcd", "env", "file", "credential", "command"].map(|kind| map.take(kind));
        self.done(map);
        let count = [&etcd, &env, &file, &credential, &command].into_iter().filter(|kind| kind.is_some()).count();
        if count != 1 {
            let message = format!("`{}` is not a reference: it has {count} of the five kinds", at.name);
            self.faults.error("reference-invalid", at.span(), message).help(format!("write one of {REFERENCES}"));
            return None;
        }
        etcd.and_then(|key| self.etcd_reference(&key, scope))
            .or_else(|| env.and_then(|name| self.env_reference(&name)))
            .or_else(|| file.and_then(|path| self.path_template(&path, scope)).map(Reference::File))
            .or_else(|| credential.and_then(|c| self.credential(&c)))
            .or_else(|| command.and_then(|argv| self.argv(&argv, scope)).map(Reference::Command))
    }

    fn etcd_reference(&mut self, key: &At<'_>, scope: Scope) -> Option<Reference> {
        if !self.has_etcd {
            let message = "`etcd` is referred to, but the spec has no `etcd:` that says where it is";
            let found = self.faults.error("etcd-missing", key.key_span(), message);
            found.help("for example, at the top: `etcd: {endpoints: [\"http://127.0.0.1:2379\"]}`");
        }
        self.template(key, scope).map(Reference::Etcd)
    }

    fn env_reference(&mut self, at: &At<'_>) -> Option<Reference> {
        let name = self.some_text(at)?;
        self.variable_name(at, name).then(|| Reference::Env(name.to_owned()))
    }

    /// Whether a text can name a variable; tells where it cannot.
    pub(super) fn variable_name(&mut self, at: &At<'_>, name: &str) -> bool {
        let word = |c: char| c.is_ascii_alphanumeric() || c == '_';
        let good = name.chars().all(word) && !name.starts_with(|c: char| c.is_ascii_digit()) && !name.is_empty();
        if !good {
            let message = format!("`{}` cannot name a variable", shown(name));
            self.faults.error("value-invalid", at.span(), message).label("letters, digits and `_`, no digit first");
        }
        good
    }

    fn credential(&mut self, at: &At<'_>) -> Option<Reference> {
        let since = Feature::LoadCredential.since();
        if !self.target.has(Feature::LoadCredential) {
            let message = format!("credentials came with systemd {since}, and the target `{}` has {}", self.target, self.target.systemd);
            let found = self.faults.error("target-lacks", at.key_span(), message);
            found.help(format!("use `{{file: PATH}}`, or say what the hosts have: `target: {{systemd: {{version: {since}}}}}`"));
        }
        let (name, path) = if matches!(at.node.kind, Kind::Scalar(_)) { (Some(at.clone()), None) } else { self.credential_parts(at)? };
        let name = name.and_then(|name| self.credential_name(&name))?;
        let path = match path {
            Some(path) => Some(self.unit_path(&path)?),
            None => None,
        };
        Some(Reference::Credential { name, path })
    }

    fn credential_parts<'a>(&mut self, at: &At<'a>) -> Option<(Option<At<'a>>, Option<At<'a>>)> {
        let mut map = self.map(at)?;
        let (name, path) = (self.require(&mut map, "name", "s3-secret-key"), map.take("path"));
        self.done(map);
        Some((name, path))
    }

    fn credential_name(&mut self, at: &At<'_>) -> Option<String> {
        let name = self.unit_text(at)?;
        if name.contains(['/', ':']) || name.starts_with('.') {
            let message = format!("`{}` cannot name a credential", shown(name));
            self.faults.error("value-invalid", at.span(), message).label("a file name without `/` and `:` is expected");
            return None;
        }
        Some(name.to_owned())
    }

    /// A program with its arguments.
    pub(super) fn argv(&mut self, at: &At<'_>, scope: Scope) -> Option<Vec<Template>> {
        if let Kind::Scalar(scalar) = &at.node.kind {
            let words: Vec<String> = scalar.text.split_whitespace().take(12).map(|word| format!("{word:?}")).collect();
            let secret = secret_in_text(&scalar.text).is_some();
            let message = format!("`{}` must be a list of a program and its arguments, not text: no shell is involved", at.name);
            if secret {
                self.mask(at.node);
            }
            let found = self.faults.error("wrong-type", at.span(), message);
            if !secret {
                found.help(format!("for example `[{}]`; for pipes and the like, `[sh, -c, \"…\"]`", words.join(", ")));
            }
            return None;
        }
        let items = self.list(at)?;
        let Some(program) = items.first() else {
            self.faults.error("value-invalid", at.span(), format!("`{}` names no program", at.name));
            return None;
        };
        let program = self.template(program, scope);
        let arguments: Vec<Option<Template>> = items.iter().skip(1).map(|item| self.argument(item, scope)).collect();
        std::iter::once(program).chain(arguments).collect()
    }

    fn argument(&mut self, at: &At<'_>, scope: Scope) -> Option<Template> {
        if let Some(text) = at.node.text() {
            self.warn_of_secret(at, text);
        }
        self.template_or_empty(at, scope)
    }
}
