//! Two texts as a unified diff, byte for byte, as `patch` and `git apply` take it.

use similar::{Algorithm, DiffOp, DiffTag, capture_diff_slices, group_diff_ops};
use std::fmt::Write as _;
use std::ops::Range;

/// Lines shown before and after a change.
const CONTEXT_LINES: usize = 3;

/// What `diff -u` prints for a file's text before and after; nothing where they are the same.
///
/// Bytes that are no UTF-8 and carriage returns stay as they are.
#[must_use]
pub fn unified_diff(path: &str, before: &[u8], after: &[u8]) -> Vec<u8> {
    let (old, new): (Vec<&[u8]>, Vec<&[u8]>) = (lines(before), lines(after));
    let groups = group_diff_ops(capture_diff_slices(Algorithm::Myers, &old, &new), CONTEXT_LINES);
    let mut out = Vec::new();
    if !groups.is_empty() {
        let name = header_name(path);
        out.extend_from_slice(format!("--- {}\n+++ {}\n", header("a/", &name), header("b/", &name)).as_bytes());
    }
    for group in groups {
        hunk(&group, &old, &new, &mut out);
    }
    out
}

/// Relative names get git's prefixes, which `patch -p1` takes away.
fn header(prefix: &str, name: &str) -> String {
    if name.starts_with('/') { name.to_owned() } else { format!("{prefix}{name}") }
}

/// A name on one line.
fn header_name(path: &str) -> String {
    let path = path.strip_prefix("./").unwrap_or(path);
    path.chars().fold(String::new(), |mut name, c| {
        let _ = if c.is_control() { write!(name, "{}", c.escape_default()) } else { write!(name, "{c}") };
        name
    })
}

fn lines(text: &[u8]) -> Vec<&[u8]> {
    text.split_inclusive(|byte| *byte == b'\n').collect()
}

fn hunk(group: &[DiffOp], old: &[&[u8]], new: &[&[u8]], out: &mut Vec<u8>) {
    let (Some(first), Some(last)) = (group.first(), group.last()) else { return };
    let from = first.old_range().start..last.old_range().end;
    let to = first.new_range().start..last.new_range().end;
    out.extend_from_slice(format!("@@ -{} +{} @@\n", place(&from), place(&to)).as_bytes());
    for op in group {
        let (tag, from, to) = op.as_tag_tuple();
        match tag {
            DiffTag::Equal => marked(b' ', old.get(from), out),
            DiffTag::Delete => marked(b'-', old.get(from), out),
            DiffTag::Insert => marked(b'+', new.get(to), out),
            DiffTag::Replace => {
                marked(b'-', old.get(from), out);
                marked(b'+', new.get(to), out);
            }
        }
    }
}

/// A range as a hunk's header has it: a single line without its count, an empty one at the line before it.
fn place(range: &Range<usize>) -> String {
    match range.len() {
        0 => format!("{},0", range.start),
        1 => format!("{}", range.start + 1),
        count => format!("{},{count}", range.start + 1),
    }
}

fn marked(mark: u8, lines: Option<&[&[u8]]>, out: &mut Vec<u8>) {
    for line in lines.unwrap_or_default() {
        out.push(mark);
        out.extend_from_slice(line);
        if !line.ends_with(b"\n") {
            out.extend_from_slice(b"\n\\ No newline at end of file\n");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_diff_has_context_and_tells_of_a_missing_last_newline() {
        let before = b"1\n2\n3\n4\n5\n6\n7\n8\xff\r\n9\n";
        let after = b"1\n2\n3\n4\nfive\n6\n7\n8\xff\r\n9";
        let diff = unified_diff("./a b.service", before, after);
        let shown = [
            &b"--- a/a b.service\n+++ b/a b.service\n@@ -2,8 +2,8 @@\n 2\n 3\n 4\n-5\n+five\n 6\n 7\n 8\xff\r\n"[..],
            b"-9\n+9\n\\ No newline at end of file\n",
        ]
        .concat();
        assert_eq!(diff, shown);
    }

    #[test]
    fn what_is_the_same_has_no_diff() {
        assert!(unified_diff("a", b"x\n", b"x\n").is_empty());
    }
}
