//! Names of jobs, destinations and sources, and the unit names that come of them.

use super::Decoder;
use super::cursor::At;
use super::words::shown;
use crate::archive::MANIFEST_SOURCE;
use crate::diag::Span;

/// A unit's name is at most this long, suffix included; systemd refuses 256 (`UNIT_NAME_MAX`, src/basic/unit-name.h),
/// and so does fleet (unit/unit.go).
const UNIT_NAME_MAX_BYTES: usize = 255;
/// The longer of the two suffixes of a pair.
const SUFFIX: &str = ".service";
/// What ends a unit's name.
const UNIT_TYPES: [&str; 11] =
    ["service", "socket", "target", "timer", "path", "mount", "automount", "swap", "slice", "scope", "device"];

impl Decoder {
    /// Whether a key can name a job or destination: `[a-zA-Z0-9][a-zA-Z0-9_.-]*`.
    pub(super) fn name_fits(&mut self, at: &At<'_>, what: &str) -> bool {
        let inner = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-');
        let good = at.name.starts_with(|c: char| c.is_ascii_alphanumeric()) && at.name.chars().all(inner);
        if !good {
            let message = format!("`{}` cannot be {what}", shown(at.name));
            let found = self.faults.error("name-invalid", at.key_span(), message);
            found.label("ASCII letters, digits, `_`, `.` and `-`, a letter or digit first");
        }
        good
    }

    /// Whether a key can name a job, whose units are called after it.
    pub(super) fn job_name_fits(&mut self, at: &At<'_>) -> bool {
        if !self.name_fits(at, "a job's name") {
            return false;
        }
        if let Some(kind) = UNIT_TYPES.iter().find(|kind| at.name.ends_with(&format!(".{kind}"))) {
            let message = format!("`{}` is a unit's name; a job's has no `.{kind}`", shown(at.name));
            let found = self.faults.error("name-invalid", at.key_span(), message);
            found.help("its units get their endings when they are generated");
            return false;
        }
        self.unit_name_fits(at.key_span(), at.name, None)
    }

    /// Whether the units of a job, or of its instance, have a name that is not too long.
    pub(super) fn unit_name_fits(&mut self, span: &Span, job: &str, instance: Option<&str>) -> bool {
        let length = job.len() + SUFFIX.len() + instance.map_or(0, |i| 1 + escaped_length(i));
        let good = length <= UNIT_NAME_MAX_BYTES;
        if !good {
            let message = format!("the unit's name would be {length} bytes long");
            let found = self.faults.error("name-invalid", span, message);
            found.label(format!("at most {UNIT_NAME_MAX_BYTES} fit, with `{SUFFIX}`"));
            if instance.is_some() {
                found.help("in an instance, each byte but letters, digits, `:`, `_`, `.` and `/` takes four");
            }
        }
        good
    }

    /// Whether a key can name a source: `[a-z0-9][a-z0-9._-]*`, and not `manifest`.
    pub(super) fn source_name_fits(&mut self, at: &At<'_>) -> bool {
        let first = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
        let inner = |c: char| first(c) || matches!(c, '_' | '.' | '-');
        if at.name == MANIFEST_SOURCE {
            let message = format!("`{MANIFEST_SOURCE}` cannot be a source's name: a backup's own list is called so");
            self.faults.error("name-invalid", at.key_span(), message);
            return false;
        }
        let good = at.name.starts_with(first) && at.name.chars().all(inner);
        if !good {
            let message = format!("`{}` cannot be a source's name", shown(at.name));
            let found = self.faults.error("name-invalid", at.key_span(), message);
            found.label("lower-case ASCII letters, digits, `_`, `.` and `-`, a letter or digit first");
        }
        good
    }

    /// Whether a text names a unit, once `{instance}` and `{job}` are filled in; `glob` allows `*`, `?` and `[…]`.
    pub(super) fn is_unit_name(&mut self, at: &At<'_>, text: &str, glob: bool) -> bool {
        let plain = text.replace("{instance}", "i").replace("{job}", "j");
        let known = |c: char| c.is_ascii_alphanumeric() || ":_.\\@-".contains(c) || (glob && "*?[]^".contains(c));
        if let Some(c) = plain.chars().find(|c| !known(*c)) {
            let message = format!("`{}` is not a unit's name", shown(text));
            let found = self.faults.error("unit-name", at.span(), message);
            found.label(format!("`{}` cannot stand in one", shown(&c.to_string())));
            if c == '%' {
                found.help("for the instance write `{instance}`, for the job's name `{job}`");
            }
            return false;
        }
        let kind = plain.rsplit_once('.').map(|(_, kind)| kind);
        if kind.is_some_and(|kind| UNIT_TYPES.contains(&kind) || (glob && kind.contains('*'))) {
            return true;
        }
        let message = format!("`{}` is not a unit's name: it does not end in a unit's type", shown(text));
        self.faults.error("unit-name", at.span(), message).label(format!("did you mean `{}.service`?", shown(text)));
        false
    }
}

/// How long an instance is in a unit's name, escaped as `systemd-escape` does.
fn escaped_length(instance: &str) -> usize {
    let length = |b: u8| if b.is_ascii_alphanumeric() || matches!(b, b':' | b'_' | b'.' | b'/') { 1 } else { 4 };
    let leading_dot = usize::from(instance.starts_with('.')) * 3;
    instance.bytes().map(length).sum::<usize>() + leading_dot
}
