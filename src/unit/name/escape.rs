//! `systemd-escape`: any text as a part of a unit name, and back.

use std::fmt::Write as _;

/// Why a text is no escaped one, or no path that could be escaped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EscapeError {
    /// A backslash that is not followed by `x` and two hexadecimal digits.
    #[error("the escape at byte {0} is not `\\xNN`")]
    BadEscape(usize),
    /// `.` or `..` as a component, a slash too many, or nothing at all.
    #[error("the path is not in normal form")]
    NotNormalized,
}

/// Escapes a text: `/` becomes `-`, a leading `.` and all but ASCII letters, digits, `:`, `_` and `.` become `\xNN`.
#[must_use]
pub fn escape(text: impl AsRef<[u8]>) -> String {
    let mut out = String::new();
    for (place, &byte) in text.as_ref().iter().enumerate() {
        match byte {
            b'/' => out.push('-'),
            b'.' if place == 0 => push_escape(&mut out, byte),
            b':' | b'_' | b'.' => out.push(char::from(byte)),
            byte if byte.is_ascii_alphanumeric() => out.push(char::from(byte)),
            byte => push_escape(&mut out, byte),
        }
    }
    out
}

pub(super) fn push_escape(out: &mut String, byte: u8) {
    // Writing to a String cannot fail.
    let _ = write!(out, "\\x{byte:02x}");
}

/// Escapes an absolute path without its outer slashes, `/` itself as `-`: `systemd-escape --path`.
///
/// # Errors
/// A path with `..` in it, or a relative one that names nothing but the folder it starts from.
pub fn escape_path(path: impl AsRef<[u8]>) -> Result<String, EscapeError> {
    let parts: Vec<&[u8]> =
        path.as_ref().split(|&byte| byte == b'/').filter(|part| !matches!(*part, b"" | b".")).collect();
    if parts.contains(&b"..".as_slice()) {
        return Err(EscapeError::NotNormalized);
    }
    if !parts.is_empty() {
        return Ok(escape(parts.join(&b'/')));
    }
    let root = path.as_ref().first().is_none_or(|&byte| byte == b'/');
    if root { Ok("-".to_owned()) } else { Err(EscapeError::NotNormalized) }
}

/// Turns an escaped text back; what it holds need not be UTF-8. An escaped NUL ends it, as it does for systemd.
///
/// # Errors
/// A backslash that is not followed by `x` and two hexadecimal digits.
pub fn unescape(escaped: &str) -> Result<Vec<u8>, EscapeError> {
    let mut out = Vec::with_capacity(escaped.len());
    let mut rest = escaped.bytes().enumerate();
    while let Some((place, byte)) = rest.next() {
        match byte {
            b'-' => out.push(b'/'),
            b'\\' => {
                let digits = [rest.next(), rest.next(), rest.next()].map(|next| next.map_or(0, |(_, byte)| byte));
                out.push(hex_escape(digits).ok_or(EscapeError::BadEscape(place))?);
            }
            byte => out.push(byte),
        }
    }
    let end = out.iter().position(|&byte| byte == 0).unwrap_or(out.len());
    out.truncate(end);
    Ok(out)
}

/// The byte that `xNN` stands for.
fn hex_escape([mark, high, low]: [u8; 3]) -> Option<u8> {
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    if mark == b'x' { Some(digit(high)? << 4 | digit(low)?) } else { None }
}

/// Turns an escaped path back into an absolute one: `systemd-escape --unescape --path`.
///
/// # Errors
/// A bad escape, or a text that [`escape_path`] could not have made.
pub fn unescape_path(escaped: &str) -> Result<Vec<u8>, EscapeError> {
    if escaped == "-" {
        return Ok(b"/".to_vec());
    }
    let inner = unescape(escaped)?;
    let normal = inner.is_empty() && !escaped.is_empty()
        || inner.split(|&byte| byte == b'/').all(|part| !matches!(part, b"" | b"." | b".."));
    if !normal {
        return Err(EscapeError::NotNormalized);
    }
    Ok([b"/", inner.as_slice()].concat())
}
