//! Single values.

use super::fields::{Decoder, Field, nearest};
use crate::diag::Span;
use crate::spec::yaml::Content;
use crate::value::{Bytes, Piece, Placeholder, Reference, Template, UnitError, Value, parse_duration};
use std::time::Duration;

/// What a value may hold.
#[expect(clippy::struct_excessive_bools, reason = "one for each placeholder")]
#[derive(Debug, Clone, Copy)]
pub(super) struct Holds {
    /// Whether the job has instances; none where there is no job (a destination).
    pub instance: Option<bool>,
    /// Whether it ends up as a unit's value.
    pub unit: bool,
    /// `{source}`
    pub source: bool,
    /// `{scratch}`
    pub scratch: bool,
    /// `{time:…}`
    pub time: bool,
    /// `{host}`
    pub host: bool,
    /// Whether `%` has a meaning of its own to the program that reads it, so that `%i` may be meant.
    pub percent: bool,
}

impl Holds {
    /// A value that the runner reads.
    pub(super) fn at_run(instances: Option<bool>) -> Self {
        Self { instance: instances, unit: false, source: true, scratch: false, time: true, host: true, percent: false }
    }

    /// A value that stands in a unit.
    pub(super) fn in_unit(instances: bool) -> Self {
        let instance = Some(instances);
        Self { instance, unit: true, source: false, scratch: false, time: false, host: false, percent: false }
    }
}

impl Decoder<'_> {
    /// Text; a number is its text.
    pub(super) fn text<'n>(&mut self, field: &Field<'n>) -> Option<&'n str> {
        match &field.node.content {
            Content::Text(text) | Content::Number(text) => {
                if text.contains('\0') {
                    self.report.error(
                        "control-character",
                        field.span(),
                        "a NUL cannot be passed to a program or stand in a file",
                    );
                    return None;
                }
                Some(text)
            }
            Content::Bool(value) => {
                let message = format!("`{value}` is a boolean to YAML, text is expected");
                self.report.error("wrong-type", field.span(), message).help(format!("put it in quotes: \"{value}\""));
                None
            }
            Content::Null | Content::List(_) | Content::Map(_) => {
                self.wrong_type(field, "text");
                None
            }
        }
    }

    /// Text without placeholders, for a unit or the generator.
    pub(super) fn plain(&mut self, field: &Field<'_>) -> Option<String> {
        let text = self.text(field)?;
        if text.is_empty() {
            self.report.error("empty-value", field.span(), "an empty text says nothing here");
            return None;
        }
        self.unit_text_is_safe(field, text).then(|| text.to_owned())
    }

    /// An absolute path without placeholders.
    pub(super) fn absolute(&mut self, field: &Field<'_>) -> Option<String> {
        let path = self.plain(field)?;
        self.is_absolute(field, &path).then_some(path)
    }

    pub(super) fn is_absolute(&mut self, field: &Field<'_>, path: &str) -> bool {
        let absolute = path.starts_with('/');
        let climbs = path.split('/').any(|part| part == "..");
        if !absolute {
            let message = format!("`{path}` is not an absolute path");
            self.report
                .error("relative-path", field.span(), message)
                .help("units and the runner start in no folder of yours: begin with `/`");
        } else if climbs {
            self.report
                .error("relative-path", field.span(), format!("`{path}` climbs with `..`"))
                .help("write the path that is meant");
        }
        absolute && !climbs
    }

    fn unit_text_is_safe(&mut self, field: &Field<'_>, text: &str) -> bool {
        if let Some(c) = text.chars().find(|c| c.is_control()) {
            let message = format!("the control character {} cannot stand in a unit", c.escape_default());
            self.report.error("control-character", field.span(), message);
            return false;
        }
        if text.ends_with('\\') {
            self.report.error(
                "trailing-backslash",
                field.span(),
                "a value of a unit that ends in `\\` would swallow the next line",
            );
            return false;
        }
        true
    }

    /// `true` or `false`.
    pub(super) fn boolean(&mut self, field: &Field<'_>) -> Option<bool> {
        match &field.node.content {
            Content::Bool(value) => Some(*value),
            Content::Text(text) => {
                let meant = match text.to_ascii_lowercase().as_str() {
                    "yes" | "on" | "y" | "true" => Some("true"),
                    "no" | "off" | "n" | "false" => Some("false"),
                    _ => None,
                };
                let message = format!("`{text}` is text, `true` or `false` is expected");
                let diagnostic = self.report.error("wrong-type", field.span(), message);
                if let Some(meant) = meant {
                    diagnostic.help(format!("YAML 1.2 knows no `yes`, `on` and the like: write {meant}"));
                }
                None
            }
            Content::Null | Content::Number(_) | Content::List(_) | Content::Map(_) => {
                self.wrong_type(field, "`true` or `false`");
                None
            }
        }
    }

    /// A whole number between two bounds.
    pub(super) fn integer(&mut self, field: &Field<'_>, least: i64, most: i64) -> Option<i64> {
        let (Content::Number(text) | Content::Text(text)) = &field.node.content else {
            self.wrong_type(field, "a whole number");
            return None;
        };
        match text.parse::<i64>() {
            Ok(_) if text.len() > 1 && text.trim_start_matches('-').starts_with('0') => {
                let message = format!("`{text}` begins with 0: octal to some, decimal to others");
                self.report.error("leading-zero", field.span(), message).help("leave the zeros out");
                None
            }
            Ok(value) if (least..=most).contains(&value) => Some(value),
            Ok(value) => {
                self.report.error("out-of-range", field.span(), format!("{value} is not between {least} and {most}"));
                None
            }
            Err(_) => {
                let message = format!("`{text}` is not a whole number between {least} and {most}");
                self.report.error("wrong-type", field.span(), message);
                None
            }
        }
    }

    /// A duration with units.
    pub(super) fn duration(&mut self, field: &Field<'_>) -> Option<Duration> {
        let text = self.text(field)?;
        let parsed = parse_duration(text);
        self.unit_value(field, text, "duration", parsed)
    }

    /// A size with its unit.
    pub(super) fn size(&mut self, field: &Field<'_>) -> Option<Bytes> {
        let text = self.text(field)?;
        self.unit_value(field, text, "size", Bytes::parse(text))
    }

    fn unit_value<T>(&mut self, field: &Field<'_>, text: &str, noun: &str, parsed: Result<T, UnitError>) -> Option<T> {
        match parsed {
            Ok(value) => Some(value),
            Err(error) => {
                let id = if noun == "size" { "size-invalid" } else { "duration-invalid" };
                self.report.error(id, field.span(), format!("`{text}` is not a {noun}")).label(error.to_string());
                None
            }
        }
    }

    /// One of several words.
    pub(super) fn word<T: Copy>(&mut self, field: &Field<'_>, words: &[(&'static str, T)]) -> Option<T> {
        let text = self.text(field)?;
        if let Some((_, value)) = words.iter().find(|(word, _)| *word == text) {
            return Some(*value);
        }
        let names: Vec<_> = words.iter().map(|(word, _)| format!("`{word}`")).collect();
        let near = nearest(text, words.iter().map(|(word, _)| *word));
        let diagnostic =
            self.report.error("unknown-word", field.span(), format!("`{text}` is not one of {}", names.join(", ")));
        if let Some(near) = near {
            diagnostic.label(format!("did you mean `{near}`?"));
        }
        None
    }

    /// Text with placeholders.
    pub(super) fn template(&mut self, field: &Field<'_>, holds: Holds) -> Option<Template> {
        let text = self.text(field)?;
        let template = match Template::parse(text) {
            Ok(template) => template,
            Err(error) => {
                let span = Self::part_of(field, text, error.range);
                self.template_error(&span, &error.message);
                return None;
            }
        };
        if holds.unit && !self.unit_text_is_safe(field, text) {
            return None;
        }
        if !holds.percent {
            self.no_specifier_by_habit(field, text);
        }
        self.placeholders_have_meaning(field, &template, holds);
        Some(template)
    }

    fn template_error(&mut self, span: &Span, message: &str) {
        let inner = message.strip_prefix("`{").and_then(|m| m.split_once("}`")).map(|(inner, _)| inner);
        let near = inner.and_then(|inner| nearest(inner, ["instance", "job", "host", "source", "scratch", "time"]));
        let diagnostic = self.report.error("placeholder-unknown", span, message);
        match near {
            Some(near) => diagnostic.label(format!("did you mean `{{{near}}}`?")),
            None => diagnostic
                .help(format!("the placeholders are {{{}}}; `{{{{` is a brace", Placeholder::NAMES.join("}, {"))),
        };
    }

    /// The part of a scalar that a range of its text is, where it is written plainly or in simple quotes.
    pub(super) fn part_of(field: &Field<'_>, text: &str, range: std::ops::Range<usize>) -> Span {
        let span = field.span();
        let length = span.end.saturating_sub(span.start);
        match length.checked_sub(text.len()) {
            Some(0) => span.part(range),
            Some(2) => span.part(range.start + 1..range.end + 1),
            _ => span.clone(),
        }
    }

    fn no_specifier_by_habit(&mut self, field: &Field<'_>, text: &str) {
        let found = [("%i", "{instance}"), ("%I", "{instance}"), ("%p", "{job}"), ("%H", "{host}")]
            .into_iter()
            .find(|(s, _)| text.contains(s));
        if let Some((specifier, placeholder)) = found {
            let message = format!("`{specifier}` means itself here, and not what it means in a unit");
            let help = format!("write `{placeholder}`; a spec has one notation for everything");
            self.report.error("specifier-in-spec", field.span(), message).help(help);
        }
    }

    fn placeholders_have_meaning(&mut self, field: &Field<'_>, template: &Template, holds: Holds) {
        for piece in template.pieces() {
            let Piece::Placeholder(placeholder) = piece else { continue };
            let meaning = match placeholder {
                Placeholder::Instance if holds.instance == Some(false) => {
                    let message = "`{instance}` in a job without instances";
                    self.report
                        .error("instance-without-instances", field.span(), message)
                        .help("give the job `instances: [\"…\"]`, or leave the placeholder out");
                    true
                }
                Placeholder::Instance | Placeholder::Job => true,
                Placeholder::Host => holds.host,
                Placeholder::Source => holds.source,
                Placeholder::Scratch => holds.scratch,
                Placeholder::Time(_) => holds.time,
            };
            if !meaning {
                let message = format!("`{placeholder}` has no meaning here");
                self.report.error("placeholder-out-of-place", field.span(), message);
            }
        }
    }

    /// A list of texts with placeholders.
    pub(super) fn templates(&mut self, field: &Field<'_>, holds: Holds) -> Vec<Template> {
        self.items(field, false).iter().filter_map(|item| self.template(item, holds)).collect()
    }

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
        let name = field.route.rsplit('.').next().unwrap_or("value");
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
            let known = KINDS.join(", ");
            let message = if present.is_empty() { "this is no reference" } else { "a reference names one place only" };
            self.report
                .error("reference-invalid", field.span(), message)
                .help(format!("a reference is a map with one key of {known}"));
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
            "etcd" => self.template(&inner, holds).map(Reference::Etcd),
            "env" => self.variable(&inner).map(Reference::Env),
            "file" => {
                let path = self.template(&inner, holds)?;
                self.is_absolute(&inner, &path.to_string()).then_some(Reference::File(path))
            }
            "credential" => self.credential(&inner),
            _ => {
                let argv = self.templates(&inner, Holds { percent: true, ..holds });
                self.has_program(&inner, &argv).then_some(Reference::Command(argv))
            }
        }
    }

    fn credential(&mut self, field: &Field<'_>) -> Option<Reference> {
        if let Content::Text(name) = &field.node.content {
            return Some(Reference::Credential { name: name.clone(), path: None });
        }
        let mut fields = self.fields(field)?;
        let name = fields.need("name", self, "the name below $CREDENTIALS_DIRECTORY").and_then(|f| self.plain(&f));
        let path = fields.take("path", self).and_then(|f| self.absolute(&f));
        fields.finish(self);
        let name = name?;
        if name.contains([':', '/']) {
            self.report.error(
                "reference-invalid",
                field.span(),
                format!("`{name}` is no name of a credential: it holds `:` or `/`"),
            );
        }
        Some(Reference::Credential { name, path })
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
