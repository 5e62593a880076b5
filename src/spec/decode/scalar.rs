//! Single values.

use super::fields::{Decoder, Field, nearest};
use crate::destination::RATE_MIN;
use crate::diag::Span;
use crate::spec::syntax::PLACEHOLDERS;
use crate::spec::yaml::Content;
use crate::value::{Bytes, Placeholder, Rate, Template, UnitError, parse_duration};
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

impl Holds {
    /// In what such a value stands, for findings.
    fn place(self) -> &'static str {
        match (self.unit, self.instance) {
            (true, _) => "in a unit's value",
            (false, None) => "in a destination",
            (false, Some(_)) => "here",
        }
    }

    /// The placeholders that mean something in such a value.
    fn known(self) -> Vec<&'static str> {
        let all = [
            (self.instance != Some(false), "{instance}"),
            (true, "{job}"),
            (self.host, "{host}"),
            (self.source, "{source}"),
            (self.scratch, "{scratch}"),
            (self.time, "{time:%Y-%m-%d}"),
        ];
        all.into_iter().filter(|(known, _)| *known).map(|(_, name)| name).collect()
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
                self.other_readers_differ(field, text);
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

    /// Warns of words without quotes of which YAML 1.1, which other programs still read, makes something else.
    fn other_readers_differ(&mut self, field: &Field<'_>, text: &str) {
        let octal = text.len() > 1 && text.starts_with('0') && text.bytes().all(|b| matches!(b, b'0'..=b'7'));
        let what = match text {
            "on" | "On" | "ON" | "yes" | "Yes" | "YES" => "`true`",
            "off" | "Off" | "OFF" | "no" | "No" | "NO" => "`false`",
            _ if octal => "an octal number",
            _ => return,
        };
        let span = field.span();
        let written = self.report.sources.get(span.file).and_then(|file| file.text.get(span.start..span.end));
        if written == Some(text) {
            let message = format!("`{text}` without quotes is text here, and {what} to older YAML readers");
            self.report.warning("yaml-ambiguous", span, message).label(format!("write `\"{text}\"`"));
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
                if meant == Some(text.as_str()) {
                    diagnostic.label("leave the quotes out");
                } else if let Some(meant) = meant {
                    diagnostic
                        .label(format!("write `{meant}`"))
                        .help("since YAML 1.2, `yes`, `on` and the like are text");
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
        let text = self.measure(field, "a duration such as `4h`")?;
        match self.unit_value(field, text, "duration", parse_duration(text))? {
            Duration::ZERO => self.nothing(field),
            duration => Some(duration),
        }
    }

    /// A size with its unit.
    pub(super) fn size(&mut self, field: &Field<'_>) -> Option<Bytes> {
        let text = self.measure(field, "a size such as `512MiB`")?;
        match self.unit_value(field, text, "size", Bytes::parse(text))? {
            Bytes(0) => self.nothing(field),
            size => Some(size),
        }
    }

    /// A rate with its unit.
    pub(super) fn rate(&mut self, field: &Field<'_>) -> Option<Rate> {
        let text = self.measure(field, "a rate such as `10MiB/s`")?;
        let rate = self.unit_value(field, text, "rate", Rate::parse(text))?;
        if rate < RATE_MIN {
            let message = format!("`{text}` is slower than {RATE_MIN}, at which servers give up");
            self.report.error("out-of-range", field.span(), message);
        }
        Some(rate)
    }

    fn nothing<T>(&mut self, field: &Field<'_>) -> Option<T> {
        let message = format!("`{}` is nothing at all", field.name());
        self.report.error("out-of-range", field.span(), message).help("leave the key out, or give it more than 0");
        None
    }

    fn measure<'n>(&mut self, field: &Field<'n>, expected: &str) -> Option<&'n str> {
        match &field.node.content {
            Content::Text(text) | Content::Number(text) => Some(text),
            Content::Null | Content::Bool(_) | Content::List(_) | Content::Map(_) => {
                self.wrong_type(field, expected);
                None
            }
        }
    }

    fn unit_value<T>(&mut self, field: &Field<'_>, text: &str, noun: &str, parsed: Result<T, UnitError>) -> Option<T> {
        match parsed {
            Ok(value) => Some(value),
            Err(error) => {
                let id = match noun {
                    "size" => "size-invalid",
                    "rate" => "rate-invalid",
                    _ => "duration-invalid",
                };
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
        self.placeholders_have_meaning(field, &template, holds).then_some(template)
    }

    /// A path with placeholders.
    pub(super) fn path(&mut self, field: &Field<'_>, holds: Holds) -> Option<Template> {
        let template = self.template(field, holds)?;
        let text = template.to_string();
        let scratch = holds.scratch && text.starts_with("{scratch}");
        (scratch || self.is_absolute(field, &text)).then_some(template)
    }

    fn template_error(&mut self, span: &Span, message: &str) {
        let inner = message.strip_prefix("`{").and_then(|m| m.split_once("}`")).map(|(inner, _)| inner);
        let near = inner.and_then(|inner| nearest(inner, PLACEHOLDERS)).filter(|near| Some(*near) != inner);
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
            let start = text.find(specifier).unwrap_or(0);
            let place = Self::part_of(field, text, start..start + specifier.len());
            self.report
                .error("specifier-in-spec", &place, message)
                .label(format!("write `{placeholder}`"))
                .help("a spec has one notation for everything");
        }
    }

    fn placeholders_have_meaning(&mut self, field: &Field<'_>, template: &Template, holds: Holds) -> bool {
        for placeholder in template.placeholders() {
            let meaning = match placeholder {
                Placeholder::Instance if holds.instance == Some(false) => {
                    let message = "`{instance}` in a job without instances";
                    self.report
                        .error("instance-without-instances", &Self::place_of(field, placeholder), message)
                        .help("give the job `instances: [\"80\"]`, or leave the placeholder out");
                    return false;
                }
                Placeholder::Instance | Placeholder::Job => true,
                Placeholder::Host => holds.host,
                Placeholder::Source => holds.source,
                Placeholder::Scratch => holds.scratch,
                Placeholder::Time(_) => holds.time,
            };
            if !meaning {
                let place = Self::place_of(field, placeholder);
                let message = format!("`{placeholder}` has no meaning {}", holds.place());
                let known = holds.known().join(" ");
                let diagnostic = self.report.error("placeholder-out-of-place", &place, message);
                diagnostic.help(format!("the placeholders here are {known}"));
                return false;
            }
        }
        true
    }

    /// Where a placeholder stands in a value.
    fn place_of(field: &Field<'_>, placeholder: &Placeholder) -> Span {
        let (Content::Text(text) | Content::Number(text)) = &field.node.content else { return field.span().clone() };
        let shown = placeholder.to_string();
        let start = text.find(&shown).unwrap_or(0);
        Self::part_of(field, text, start..start + shown.len())
    }

    /// A list of texts with placeholders; where `lone`, one text is a list of one.
    pub(super) fn templates(&mut self, field: &Field<'_>, lone: bool, holds: Holds) -> Vec<Template> {
        self.items(field, lone).iter().filter_map(|item| self.template(item, holds)).collect()
    }
}
