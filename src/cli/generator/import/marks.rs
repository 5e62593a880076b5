//! What is filled in later, marked in texts that go through a shell's reader: placeholders of a spec, and references.

/// Before and after a mark; no file of anybody's holds them.
const OPEN: char = '\u{e000}';
const CLOSE: char = '\u{e001}';

/// A mark for `{NAME}` of a spec, or for `etcd:KEY`.
pub(super) fn mark(name: &str) -> String {
    format!("{OPEN}{name}{CLOSE}")
}

/// Whether a text holds a mark that begins so.
pub(super) fn holds(text: &str, name: &str) -> bool {
    text.contains(&format!("{OPEN}{name}"))
}

/// The text as a spec writes it: marks are placeholders, other braces are doubled.
pub(super) fn placed(text: &str) -> String {
    let text = text.replace('{', "{{").replace('}', "}}");
    text.replace(OPEN, "{").replace(CLOSE, "}")
}

/// The text for people.
pub(super) fn shown(text: &str) -> String {
    text.replace(OPEN, "{").replace(CLOSE, "}")
}

/// The key of etcd that a text is read from, if it is nothing else.
pub(super) fn etcd_key(text: &str) -> Option<&str> {
    text.strip_prefix(OPEN)?.strip_suffix(CLOSE)?.strip_prefix("etcd:")
}

/// Splits `ENDING` of an archive's name off, and says by what it is packed.
pub(super) fn without_ending(name: &str) -> (&str, Option<&'static str>) {
    let packed = [
        (".tgz", "gzip"),
        (".gz", "gzip"),
        (".tzst", "zstd"),
        (".zst", "zstd"),
        (".xz", "zstd"),
        (".txz", "zstd"),
        (".bz2", "zstd"),
    ];
    let (name, packing) = match packed.into_iter().find_map(|(end, by)| Some((name.strip_suffix(end)?, by))) {
        Some((name, by)) => (name, Some(by)),
        None => (name, None),
    };
    let bare = [".tar", ".sql", ".dump", ".rdb", ".archive", ".db"].into_iter().find_map(|end| name.strip_suffix(end));
    (bare.unwrap_or(name), packing)
}

/// Whether an archive's name tells the day, as a spec's must.
pub(super) fn tells_day(name: &str) -> bool {
    let once = name.matches(&format!("{OPEN}time:")).count() == 1;
    let has = |letters: &[&str]| letters.iter().all(|letter| name.contains(letter));
    once && (has(&["%Y", "%m", "%d"]) || has(&["%F"]) || has(&["%s"]) || has(&["%Y", "%j"]))
}
