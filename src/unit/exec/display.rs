//! A command as people type it into a shell, for messages.

/// The arguments as one line, each quoted where a shell would take it otherwise. Not for units: see
/// [`ExecLine`](super::ExecLine).
#[must_use]
pub fn quote_command_line<S: AsRef<str>>(argv: &[S]) -> String {
    argv.iter().map(|argument| quoted(argument.as_ref())).collect::<Vec<_>>().join(" ")
}

fn quoted(argument: &str) -> String {
    let bare = |c: char| c.is_ascii_graphic() && !"\"\\`$*?['()<>|&;!".contains(c);
    if !argument.is_empty() && argument.chars().all(bare) {
        return argument.to_owned();
    }
    let mut out = String::from('"');
    for c in argument.chars() {
        if "\"\\`$".contains(c) {
            out.push('\\');
        }
        out.push(c);
    }
    out.push('"');
    out
}
