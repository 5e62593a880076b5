//! What `systemctl` makes of a name as people type it: a path becomes a mount or device unit, a bare name a service.

use super::escape::{escape_path, push_escape};
use super::{UNIT_NAME_MAX_BYTES, UnitName, UnitType};

/// Why no unit name can be made of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MangleError {
    /// Nothing to make a name of.
    #[error("the name is empty")]
    Empty,
    /// Longer than a unit name can be once escaped.
    #[error("the name is longer than {UNIT_NAME_MAX_BYTES} bytes once escaped")]
    TooLong,
}

/// Makes a unit name of a text: a valid name stays, a path becomes `.mount` or `.device`, and anything else is
/// escaped where it must be and given the suffix if it has none.
///
/// # Errors
/// An empty text, or one too long.
pub fn mangle(text: &str, suffix: UnitType) -> Result<String, MangleError> {
    if text.is_empty() {
        return Err(MangleError::Empty);
    }
    if UnitName::parse(text).is_ok() {
        return Ok(text.to_owned());
    }
    let name = path_unit(text).unwrap_or_else(|| escaped(text, suffix));
    if name.len() > UNIT_NAME_MAX_BYTES { Err(MangleError::TooLong) } else { Ok(name) }
}

fn path_unit(text: &str) -> Option<String> {
    let path = text.starts_with('/').then(|| without_leading_dots(text))?;
    let unit_type = if is_device(&path) { UnitType::Device } else { UnitType::Mount };
    let name = format!("{}.{unit_type}", escape_path(&path).ok()?);
    UnitName::parse(&name).is_ok().then_some(name)
}

/// `/..` is `/`: systemd drops such components, and `.`, at a path's beginning.
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
