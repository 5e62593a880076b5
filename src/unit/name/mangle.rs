//! What `systemctl` makes of a name as people type it: a path becomes a mount or device unit, a bare name a service.

use super::escape::{escape_path, push_escape};
use super::{UnitName, UnitNameError, UnitType};

/// Why no unit name can be made of a text.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MangleError {
    /// Nothing to make a name of.
    #[error("the name is empty")]
    Empty,
    /// What it becomes is no unit name: too long, or without a prefix.
    #[error("no unit name can be made of it")]
    Name(#[source] UnitNameError),
}

/// Makes a unit name of a text: a valid name stays, a path becomes `.mount` or `.device`, and anything else is
/// escaped where it must be and given the suffix if it has none.
///
/// # Errors
/// An empty text, or one that is too long or begins with `@`.
pub fn mangle(text: &str, suffix: UnitType) -> Result<UnitName, MangleError> {
    if text.is_empty() {
        return Err(MangleError::Empty);
    }
    if let Some(name) = UnitName::parse(text).ok().or_else(|| path_unit(text)) {
        return Ok(name);
    }
    UnitName::parse(&escaped(text, suffix)).map_err(MangleError::Name)
}

fn path_unit(text: &str) -> Option<UnitName> {
    let path = text.starts_with('/').then(|| without_leading_dots(text))?;
    let unit_type = if is_device(&path) { UnitType::Device } else { UnitType::Mount };
    UnitName::parse(&format!("{}.{unit_type}", escape_path(&path).ok()?)).ok()
}

/// `/..` is `/`: systemd 262 drops such components, and `.`, at a path's beginning; 252 kept the dots and escaped.
fn without_leading_dots(path: &str) -> String {
    let parts = path.split('/').filter(|part| !matches!(*part, "" | "."));
    let parts: Vec<&str> = parts.skip_while(|part| *part == "..").collect();
    format!("/{}", parts.join("/"))
}

/// Below `/dev/` or `/sys/`, but not these folders themselves (`is_device_path`, src/basic/path-util.c).
fn is_device(path: &str) -> bool {
    ["/dev/", "/sys/"].iter().any(|folder| path.starts_with(folder))
}

fn escaped(text: &str, suffix: UnitType) -> String {
    let mut out = String::new();
    for byte in text.bytes() {
        match byte {
            b'/' => out.push('-'),
            byte if byte.is_ascii_alphanumeric() || b":-_.\\@".contains(&byte) => out.push(char::from(byte)),
            byte => push_escape(&mut out, byte),
        }
    }
    if UnitName::parse(&out).is_err() {
        out.push('.');
        out.push_str(suffix.as_str());
    }
    out
}
