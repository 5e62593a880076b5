//! Unit names as fleet knows them, which is not quite as systemd does (fleet v1.0.0, `api/units.go`, `unit/unit.go`).

use std::fmt::Write as _;

/// The longest name that fleet takes, in bytes: one more than systemd, which refuses such a unit later.
pub const FLEET_NAME_MAX_BYTES: usize = 256;

/// The suffixes that fleet's API accepts.
const TYPES: [&str; 13] = [
    "service",
    "socket",
    "busname",
    "target",
    "snapshot",
    "device",
    "mount",
    "automount",
    "swap",
    "timer",
    "path",
    "slice",
    "scope",
];
/// The suffixes that a name with `@` may have, from fleet 1.0 on.
const TEMPLATE_TYPES: [&str; 5] = ["service", "socket", "timer", "path", "target"];
/// The suffixes that fleetctl takes for a name's own; to any other name it adds `.service`.
const RECOGNIZED_TYPES: [&str; 6] = ["service", "socket", "timer", "path", "device", "mount"];

/// Why fleet refuses a name; the texts are fleet's own.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FleetNameError {
    /// Nothing.
    #[error("unit name cannot be empty")]
    Empty,
    /// More than [`FLEET_NAME_MAX_BYTES`].
    #[error("unit name exceeds maximum length ({FLEET_NAME_MAX_BYTES})")]
    TooLong,
    /// No suffix.
    #[error("unit name must contain \".\"")]
    NoDot,
    /// An empty suffix.
    #[error("unit name cannot end in \".\"")]
    TrailingDot,
    /// A suffix that is no type of unit.
    #[error("invalid unit type: {0:?}")]
    UnknownType(String),
    /// A type of which fleet takes no templates and instances.
    #[error("invalid unit type for template: {0:?}")]
    TemplateType(String),
    /// A character outside `[A-Za-z0-9:_.\@-]`.
    #[error("invalid character {0:?} in unit name")]
    Character(char),
    /// An empty prefix.
    #[error("unit name cannot start in \"@\"")]
    LeadingAt,
}

/// Whether fleet's API accepts the name.
///
/// # Errors
/// The first fault, as fleet reports one only.
pub fn check(name: &str) -> Result<(), FleetNameError> {
    if name.is_empty() {
        return Err(FleetNameError::Empty);
    }
    if name.len() > FLEET_NAME_MAX_BYTES {
        return Err(FleetNameError::TooLong);
    }
    let (stem, suffix) = name.rsplit_once('.').ok_or(FleetNameError::NoDot)?;
    if suffix.is_empty() {
        return Err(FleetNameError::TrailingDot);
    }
    if !TYPES.contains(&suffix) {
        return Err(FleetNameError::UnknownType(suffix.to_owned()));
    }
    if stem.contains('@') && !TEMPLATE_TYPES.contains(&suffix) {
        return Err(FleetNameError::TemplateType(suffix.to_owned()));
    }
    check_characters(name, stem)
}

fn check_characters(name: &str, stem: &str) -> Result<(), FleetNameError> {
    match stem.chars().find(|&c| !is_valid_char(c)) {
        Some(c) => Err(FleetNameError::Character(c)),
        None if name.starts_with('@') => Err(FleetNameError::LeadingAt),
        None => Ok(()),
    }
}

fn is_valid_char(c: char) -> bool {
    c.is_ascii_alphanumeric() || ":_.\\@-".contains(c)
}

/// Whether fleetctl takes the suffix for a unit's type. To a name where it does not, it adds `.service`.
#[must_use]
pub fn is_recognized_type(name: &str) -> bool {
    name.rsplit_once('.').is_some_and(|(_, suffix)| RECOGNIZED_TYPES.contains(&suffix))
}

/// The name that fleetctl makes of what was typed: the last part of a path, with `.service` where no type is known.
#[must_use]
pub fn mangle(typed: &str) -> String {
    let base = typed.trim_end_matches('/').rsplit('/').next().unwrap_or_default();
    if is_recognized_type(base) { base.to_owned() } else { format!("{base}.service") }
}

/// How fleet takes a name apart. It does so with any text that holds a dot, valid or not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FleetName {
    /// Without the suffix: `foo@1`.
    pub name: String,
    /// Before the first `@`.
    pub prefix: String,
    /// The template's full name, for a template and its instances.
    pub template: Option<String>,
    /// The instance; an empty one makes the unit a template, and has none here.
    pub instance: Option<String>,
}

impl FleetName {
    /// Takes a name apart; none without a dot.
    #[must_use]
    pub fn split(full: &str) -> Option<Self> {
        let (name, suffix) = full.rsplit_once('.')?;
        let (prefix, instance) = match name.split_once('@') {
            Some((prefix, instance)) => (prefix, Some(instance)),
            None => (name, None),
        };
        Some(Self {
            name: name.to_owned(),
            prefix: prefix.to_owned(),
            template: instance.map(|_| format!("{prefix}@.{suffix}")),
            instance: instance.filter(|instance| !instance.is_empty()).map(str::to_owned),
        })
    }

    /// A template: it has an `@` and nothing after it.
    #[must_use]
    pub fn is_template(&self) -> bool {
        self.template.is_some() && self.instance.is_none()
    }
}

/// The values of an option that may hold several, such as `MachineMetadata=`: a line is split where it begins and ends
/// with a quote, at single blanks between quotes, and is one value otherwise.
#[must_use]
pub fn split_values(line: &str) -> Vec<&str> {
    if line.starts_with('"') && line.ends_with('"') {
        line.trim_matches('"').split("\" \"").collect()
    } else {
        vec![line]
    }
}

/// Whether a text is a path, to fleet's escaping.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EscapeAs {
    /// Any text.
    Text,
    /// A path: slashes that say nothing are dropped.
    Path,
}

/// Escapes as the `unit` package of fleet's go-systemd does. It differs from `systemd-escape` in bytes below 16, which
/// get one hexadecimal digit, and in taking every path.
#[must_use]
pub fn escape(text: &str, escape_as: EscapeAs) -> String {
    let joined: String;
    let text = match escape_as {
        EscapeAs::Text => text,
        EscapeAs::Path => {
            joined = text.split('/').filter(|part| !part.is_empty()).collect::<Vec<_>>().join("/");
            &joined
        }
    };
    let mut out = String::new();
    text.bytes().enumerate().for_each(|(place, byte)| push_escaped(&mut out, place, byte));
    if out.is_empty() && escape_as == EscapeAs::Path { "-".to_owned() } else { out }
}

fn push_escaped(out: &mut String, place: usize, byte: u8) {
    let kept = byte.is_ascii_alphanumeric() || b":_.".contains(&byte);
    match byte {
        b'/' => out.push('-'),
        byte if kept && !(place == 0 && byte == b'.') => out.push(char::from(byte)),
        // Writing to a String cannot fail.
        byte => drop(write!(out, "\\x{byte:x}")),
    }
}

/// Turns an escaped text back as fleet does: a bad escape stays as it is, and so does one of a byte above 127.
#[must_use]
pub fn unescape(escaped: &str, escape_as: EscapeAs) -> Vec<u8> {
    let mut out = Vec::with_capacity(escaped.len() + 1);
    let mut rest = escaped.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        match (byte, after) {
            (b'-', _) => out.push(b'/'),
            (b'\\', [b'x', high, low, after @ ..]) => match signed_hex(*high, *low) {
                Some(value) => {
                    out.push(value);
                    rest = after;
                }
                None => out.push(byte),
            },
            _ => out.push(byte),
        }
    }
    if escape_as == EscapeAs::Path && out.first() != Some(&b'/') {
        out.insert(0, b'/');
    }
    out
}

/// What Go's `ParseInt(s, 16, 8)` makes of two characters: a sign is allowed, more than 127 is not.
fn signed_hex(high: u8, low: u8) -> Option<u8> {
    let text = [high, low];
    i8::from_str_radix(std::str::from_utf8(&text).ok()?, 16).ok().map(i8::cast_unsigned)
}
