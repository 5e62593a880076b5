//! Breaking a long assignment into continuation lines.

/// No physical line that can be broken is longer, line end not counted. systemd of fleet's time reads lines of 2,047
/// bytes and fleet refuses 2,048; half of that leaves room for what others add.
pub const LINE_MAX_BYTES: usize = 1023;
/// Where a line is broken when it can be, for a reader's sake.
pub(super) const LINE_WIDTH: usize = 100;
/// How continuation lines are set off.
const INDENT: &str = "    ";
/// What a line that goes on ends with.
const CONTINUES: &str = " \\";

/// `key=` and its words over as many lines as the width asks for. systemd joins lines with one blank, so a line is
/// broken between words only; and it drops a continuation line that begins with `#` or `;`, which no quoted word does.
pub(super) fn words(key: &str, words: &[String]) -> Vec<String> {
    let mut lines = Vec::new();
    let mut line = format!("{key}=");
    let mut fresh = true;
    for word in words {
        if !fresh && line.len() + 1 + word.len() + CONTINUES.len() > LINE_WIDTH {
            line.push_str(CONTINUES);
            lines.push(std::mem::replace(&mut line, INDENT.to_owned()));
            fresh = true;
        }
        if !fresh {
            line.push(' ');
        }
        line.push_str(word);
        fresh = false;
    }
    lines.push(line);
    lines
}
