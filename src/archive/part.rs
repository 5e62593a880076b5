//! Names of the parts of a source that is stored as several objects: a database each, a container each.
//!
//! A part is called `SOURCE@PART`. No source's own name holds `@`, and a part is written with letters, digits, `.`, `_`
//! and `-` only, every other byte as `=XX`, so that a name reads back exactly and no two parts share one.

use std::fmt::Write as _;

/// What stands between a source's name and its part's.
pub const PART_MARK: char = '@';
/// How the name of a source ends whose parts are known only when it is read.
pub const ANY_PART: &str = "@*";

/// Whether a character stands for itself in a part's name.
fn is_plain(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-')
}

/// The name of a source's part.
#[must_use]
pub fn part_name(source: &str, part: &str) -> String {
    let mut name = format!("{source}{PART_MARK}");
    for byte in part.bytes() {
        if is_plain(byte) {
            name.push(char::from(byte));
        } else {
            let _ = write!(name, "={byte:02X}");
        }
    }
    name
}

/// The source that a name is of: itself, or the source whose part it is.
#[must_use]
pub fn source_of(name: &str) -> &str {
    name.split_once(PART_MARK).map_or(name, |(source, _)| source)
}

/// The part that a name is of, as it was before it was made part of one; none where it is a source's own.
#[must_use]
pub fn part_of(name: &str) -> Option<String> {
    let (_, part) = name.split_once(PART_MARK)?;
    let mut bytes = vec![];
    let mut rest = part.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        rest = after;
        if *first == b'=' {
            let (digits, after) = rest.split_at_checked(2)?;
            bytes.push(u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?);
            rest = after;
        } else {
            bytes.push(*first);
        }
    }
    String::from_utf8(bytes).ok()
}

/// The names that a part may have that begins a text: `SOURCE@` and then any of its characters, the longest first.
pub(super) fn candidates<'a>(text: &'a str, source: &str) -> impl Iterator<Item = &'a str> {
    let rest = text.strip_prefix(source).and_then(|rest| rest.strip_prefix(PART_MARK));
    let begin = rest.map_or(0, |rest| text.len() - rest.len());
    let run = rest.map_or(0, |rest| rest.bytes().take_while(|byte| is_plain(*byte) || *byte == b'=').count());
    (begin + 1..=begin + run).rev().filter_map(|end| text.get(..end)).filter(move |_| rest.is_some())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_reads_back() {
        for part in ["shop", "Odd/name ü=@*'", "a.b_c-d"] {
            assert_eq!(part_of(&part_name("db", part)).as_deref(), Some(part));
        }
        assert_eq!((part_of("db"), part_of("db@=4"), part_of("db@=zz")), (None, None, None));
    }

    #[test]
    fn a_part_s_name_holds_nothing_odd_and_no_two_parts_share_one() {
        assert_eq!(part_name("db", "app_1.x-y"), "db@app_1.x-y");
        assert_eq!(part_name("db", "My Shop/ü=*@"), "db@My=20Shop=2F=C3=BC=3D=2A=40");
        assert_ne!(part_name("db", "a=20b"), part_name("db", "a b"));
        assert_eq!((source_of("db@app"), source_of("db")), ("db", "db"));
    }
}
