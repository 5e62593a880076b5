//! Texts, numbers, booleans, durations, sizes and words out of a few.

use super::Decoder;
use super::cursor::At;
use super::words::{did_you_mean, either, shown};
use crate::spec::node::{Form, Kind, Node, Scalar};
use crate::value::{Bytes, parse_duration};
use std::ops::RangeInclusive;
use std::time::Duration;

/// What other YAML readers take for a boolean.
const OLD_BOOLEANS: [(&str, &str); 4] = [("on", "true"), ("yes", "true"), ("off", "false"), ("no", "false")];

fn old_boolean(scalar: &Scalar) -> Option<&'static str> {
    let word = scalar.text.to_lowercase();
    let known = OLD_BOOLEANS.iter().find(|(old, _)| *old == word && scalar.form == Form::Plain);
    known.map(|(_, meant)| *meant)
}

/// Whether older YAML readers take a text such as `010` for an octal number.
fn is_old_octal(scalar: &Scalar) -> bool {
    let octal = |digits: &str| !digits.is_empty() && digits.bytes().all(|b| matches!(b, b'0'..=b'7'));
    scalar.form == Form::Plain && scalar.text.strip_prefix('0').is_some_and(octal)
}

impl Decoder {
    /// Tells that a value is of the wrong kind, in the words that fit what is there.
    pub(super) fn wrong_type(&mut self, at: &At<'_>, expected: &str) {
        if let Some(name) = at.node.unquoted_placeholder() {
            return self.unquoted(at.node, name);
        }
        let subject = if at.route.ends_with(']') { format!("an item of `{}`", at.name) } else { format!("`{}`", shown(at.name)) };
        if at.node.kind == Kind::Null {
            let found = self.faults.error("missing-value", at.span(), format!("{subject} has no value"));
            found.label(format!("{expected} is expected"));
        } else {
            let message = format!("{subject} must be {expected}, not {}", at.node.noun());
            self.faults.error("wrong-type", at.span(), message);
        }
    }

    /// Tells of `{instance}` without quotes, which YAML reads as a mapping.
    pub(super) fn unquoted(&mut self, node: &Node, name: &str) {
        let message = format!("`{{{name}}}` without quotes is a mapping to YAML, not a placeholder");
        let found = self.faults.error("unquoted-placeholder", &node.span, message);
        found.help(format!("put the whole value in quotes: `\"{{{name}}}\"`"));
    }

    /// A text, numbers and booleans as they were written. What other YAML readers would not read as this text is warned of.
    pub(super) fn text<'a>(&mut self, at: &At<'a>) -> Option<&'a str> {
        let Some(scalar) = at.node.scalar() else {
            self.wrong_type(at, "a text");
            return None;
        };
        if let Some(meant) = old_boolean(scalar) {
            let message = format!("`{}` without quotes is a text here, and `{meant}` to older YAML readers", scalar.text);
            self.faults.warning("yaml-ambiguous", at.span(), message).help("put it in quotes");
        } else if is_old_octal(scalar) {
            let message = format!("`{}` without quotes is a text here, and an octal number to older YAML readers", scalar.text);
            self.faults.warning("yaml-ambiguous", at.span(), message).help("put it in quotes");
        }
        self.refuse_nul(at, &scalar.text).then_some(scalar.text.as_str())
    }

    fn refuse_nul(&mut self, at: &At<'_>, text: &str) -> bool {
        let nul = text.contains('\0');
        if nul {
            let message = format!("`{}` holds a NUL character, which no argument, file name or unit can", shown(at.name));
            self.faults.error("control-character", at.span(), message);
        }
        !nul
    }

    /// A text that is not empty.
    pub(super) fn some_text<'a>(&mut self, at: &At<'a>) -> Option<&'a str> {
        let text = self.text(at)?;
        if text.is_empty() {
            self.faults.error("value-invalid", at.span(), format!("`{}` is empty", shown(at.name)));
            return None;
        }
        Some(text)
    }

    /// A text that goes into a unit: no control characters, and no `\` at its end, which would join the next line.
    pub(super) fn unit_text<'a>(&mut self, at: &At<'a>) -> Option<&'a str> {
        let text = self.some_text(at)?;
        self.fits_unit(at, text).then_some(text)
    }

    /// Whether a text may stand in a unit; tells where it may not.
    pub(super) fn fits_unit(&mut self, at: &At<'_>, text: &str) -> bool {
        if let Some(c) = text.chars().find(|c| c.is_control()) {
            let code = u32::from(c);
            let message = format!("`{}` holds the control character U+{code:04X}, which cannot stand in a unit", shown(at.name));
            let found = self.faults.error("control-character", at.span(), message);
            if c == '\n' {
                found.help("write it on one line; a block of lines (`|`, `>`) ends in a line break unless it is `|-` or `>-`");
            }
            return false;
        }
        if text.ends_with('\\') {
            let message = format!("`{}` ends in `\\`, which joins a unit's next line", shown(at.name));
            self.faults.error("control-character", at.span(), message);
            return false;
        }
        true
    }

    /// An absolute path for a unit.
    pub(super) fn unit_path(&mut self, at: &At<'_>) -> Option<String> {
        let text = self.unit_text(at)?;
        self.absolute(at, text).then(|| text.to_owned())
    }

    /// Whether a path is absolute; tells where it is not.
    pub(super) fn absolute(&mut self, at: &At<'_>, text: &str) -> bool {
        if text.starts_with('/') {
            return true;
        }
        let message = format!("`{}` is not an absolute path", shown(text));
        let found = self.faults.error("path-relative", at.span(), message);
        found.help(if text.starts_with('~') {
            "`~` means nothing to a service: write the home folder out"
        } else {
            "a service has no folder of its own to count from: begin it with `/`"
        });
        false
    }

    /// `true` or `false`.
    pub(super) fn boolean(&mut self, at: &At<'_>) -> Option<bool> {
        match at.node.scalar() {
            Some(scalar) if scalar.form == Form::Bool => Some(scalar.text.eq_ignore_ascii_case("true")),
            Some(scalar) if old_boolean(scalar).is_some() => {
                let meant = old_boolean(scalar).unwrap_or("true");
                let message = format!("`{}` is not a boolean since YAML 1.2", scalar.text);
                self.faults.error("wrong-type", at.span(), message).label(format!("write `{meant}`"));
                None
            }
            Some(scalar) if matches!(scalar.text.as_str(), "true" | "false") => {
                let message = format!("`{}` must be a boolean, not text", at.name);
                self.faults.error("wrong-type", at.span(), message).label("leave the quotes out");
                None
            }
            Some(_) | None => {
                self.wrong_type(at, "`true` or `false`");
                None
            }
        }
    }

    /// A whole number within bounds.
    pub(super) fn number<N: TryFrom<i64>>(&mut self, at: &At<'_>, bounds: RangeInclusive<i64>) -> Option<N> {
        let expected = format!("a whole number from {} to {}", bounds.start(), bounds.end());
        let Some(scalar) = at.node.scalar() else {
            self.wrong_type(at, &expected);
            return None;
        };
        if is_old_octal(scalar) {
            let message = format!("`{}` has a leading zero, which some YAML readers take for octal", scalar.text);
            let meant = scalar.text.trim_start_matches('0');
            let found = self.faults.error("value-invalid", at.span(), message);
            found.label(format!("write `{}`", if meant.is_empty() { "0" } else { meant }));
            return None;
        }
        let number = scalar.text.parse::<i64>().ok().filter(|n| bounds.contains(n)).and_then(|n| N::try_from(n).ok());
        if number.is_none() {
            let message = format!("`{}` is not a value of `{}`", shown(&scalar.text), at.name);
            self.faults.error("value-invalid", at.span(), message).label(format!("{expected} is expected"));
        }
        number
    }

    /// A duration with its unit, more than nothing.
    pub(super) fn duration(&mut self, at: &At<'_>) -> Option<Duration> {
        let Some(text) = at.node.text() else {
            self.wrong_type(at, "a duration such as `4h`");
            return None;
        };
        match parse_duration(text) {
            Ok(Duration::ZERO) => {
                self.faults.error("value-invalid", at.span(), format!("`{}` must be more than nothing", at.name));
                None
            }
            Ok(duration) => Some(duration),
            Err(error) => {
                let message = format!("`{}` is not a duration", shown(text));
                self.faults.error("value-invalid", at.span(), message).label(error.to_string());
                None
            }
        }
    }

    /// A size with its unit, more than nothing.
    pub(super) fn size(&mut self, at: &At<'_>) -> Option<Bytes> {
        let Some(text) = at.node.text() else {
            self.wrong_type(at, "a size such as `512MiB`");
            return None;
        };
        match Bytes::parse(text) {
            Ok(Bytes(0)) => {
                self.faults.error("value-invalid", at.span(), format!("`{}` must be more than nothing", at.name));
                None
            }
            Ok(size) => Some(size),
            Err(error) => {
                let message = format!("`{}` is not a size", shown(text));
                self.faults.error("value-invalid", at.span(), message).label(error.to_string());
                None
            }
        }
    }

    /// One word out of a few.
    pub(super) fn choice<T: Copy>(&mut self, at: &At<'_>, choices: &[(&'static str, T)]) -> Option<T> {
        let words: Vec<&str> = choices.iter().map(|(word, _)| *word).collect();
        let Some(text) = at.node.text() else {
            self.wrong_type(at, &either(&words, "or"));
            return None;
        };
        let found = choices.iter().find(|(word, _)| *word == text);
        if found.is_none() {
            self.not_a_choice(at, text, &words);
        }
        found.map(|(_, meant)| *meant)
    }

    /// Tells that a word is none of a few.
    pub(super) fn not_a_choice(&mut self, at: &At<'_>, text: &str, words: &[&'static str]) {
        let message = format!("`{}` is not a value of `{}`", shown(text), at.name);
        let guess = did_you_mean(text, words.iter().copied());
        let found = self.faults.error("value-invalid", at.span(), message);
        if let Some(guess) = guess {
            found.label(format!("did you mean `{guess}`?"));
        }
        found.help(format!("there are {}", either(words, "and")));
    }
}
