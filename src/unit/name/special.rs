//! Names with a form of their own: slices, names hashed for their length, and names on the bus.

use super::{NameKind, UnitName};

/// The slice that all others are in.
const ROOT_SLICE: &str = "-.slice";
/// The hexadecimal digits at the end of a hashed name (a `SipHash`, src/basic/unit-name.c).
const HASH_DIGITS: usize = 16;
/// Where systemd keeps units on the bus.
const BUS_FOLDER: &str = "/org/freedesktop/systemd1/unit/";

/// Whether this names a slice: a dash stands between two levels, and slices have no templates.
#[must_use]
pub fn is_slice(name: &str) -> bool {
    let Some(stem) = name.strip_suffix(".slice") else { return false };
    let levels = stem == "-" || stem.split('-').all(|level| !level.is_empty());
    levels && UnitName::parse(name).is_ok_and(|name| *name.kind() == NameKind::Plain)
}

/// The slice that a slice is in; the root slice is in none, and what is no slice neither.
#[must_use]
pub fn parent_slice(name: &str) -> Option<String> {
    if !is_slice(name) || name == ROOT_SLICE {
        return None;
    }
    let stem = name.strip_suffix(".slice")?;
    Some(stem.rsplit_once('-').map_or_else(|| ROOT_SLICE.to_owned(), |(parent, _)| format!("{parent}.slice")))
}

/// Whether this is a name as systemd makes it of a path too long for one, which ends in `_` and a hash.
#[must_use]
pub fn is_hashed(name: &str) -> bool {
    let Ok(parsed) = UnitName::parse(name) else { return false };
    let stem = parsed.stem();
    let hash = stem.rsplit_once('_').map(|(_, hash)| hash).unwrap_or_default();
    let digits = hash.len() == HASH_DIGITS && hash.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    *parsed.kind() == NameKind::Plain && digits
}

/// The name of the unit at an object path: all but letters and digits stands there as `_NN`. What is no such escape
/// stands for itself.
#[must_use]
pub fn from_bus_path(path: &str) -> Option<String> {
    let label = path.strip_prefix(BUS_FOLDER)?;
    let mut out = Vec::with_capacity(label.len());
    let mut rest = if label == "_" { &[] } else { label.as_bytes() };
    while let Some((&byte, after)) = rest.split_first() {
        let escaped = if byte == b'_' { after.get(..2).and_then(hex_byte) } else { None };
        out.push(escaped.unwrap_or(byte));
        rest = if escaped.is_some() { after.get(2..).unwrap_or_default() } else { after };
    }
    String::from_utf8(out).ok()
}

fn hex_byte(digits: &[u8]) -> Option<u8> {
    let number = |value: u32, digit: &u8| Some(value * 16 + char::from(*digit).to_digit(16)?);
    u8::try_from(digits.iter().try_fold(0, number)?).ok()
}
