//! A command that changes something at a host, as data: carried out, or printed for `--dry-run`.

use super::super::trial::for_shell;

/// A file under a final name is whole: it is written beside it first.
const WRITE: &str =
    r#"umask 022; mkdir -p "$(dirname "$1")" && cat >"$1.new" && chmod "$2" "$1.new" && mv -fT "$1.new" "$1""#;

/// One command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Step {
    /// Program and arguments.
    pub argv: Vec<String>,
    /// What it reads.
    pub stdin: Option<Vec<u8>>,
    /// The file that what it reads comes from, for people.
    pub from: Option<String>,
}

impl Step {
    /// A command that reads nothing.
    pub(super) fn new<W: Into<String>>(argv: impl IntoIterator<Item = W>) -> Self {
        Self { argv: argv.into_iter().map(Into::into).collect(), stdin: None, from: None }
    }

    /// Writes a file, whole or not at all.
    pub(super) fn write(path: &str, mode: &str, from: &str, content: &[u8]) -> Self {
        let step = Self::new(["sh", "-c", WRITE, "write", path, mode]);
        Self { stdin: Some(content.to_vec()), from: Some(from.to_owned()), ..step }
    }

    /// The command as a shell takes it, with the words that stand before it at a host.
    pub(super) fn line(&self, argv: &[String]) -> String {
        let words: Vec<String> = argv.iter().map(|word| for_shell(word)).collect();
        let from = self.from.as_ref().map_or_else(String::new, |from| format!(" <{}", for_shell(from)));
        format!("{}{from}", words.join(" "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_what_a_shell_would_take() {
        let step = Step::new(["systemctl", "enable", "--now", r"wiki@a\x2db.timer"]);
        assert_eq!(step.line(&step.argv), r"systemctl enable --now 'wiki@a\x2db.timer'");
        let step = Step::write("/etc/x y", "644", "units/x", b"text");
        assert!(step.line(&step.argv).ends_with("write '/etc/x y' 644 <units/x"), "{}", step.line(&step.argv));
    }
}
