//! Command lines for `Exec…=`, quoted so that systemd makes of them exactly the meant arguments.

use super::text::{Part, UnitText};
use std::fmt::{self, Write as _};

/// A command line. Its `Display` is the value of `ExecStart=`; a long one goes on over continuation lines.
///
/// Each word is read by systemd (`config_parse_exec`, 215 and later) in this order: quotes and C escapes, then
/// specifiers, then, at run time, `$`. The words come back as they were given, whatever they hold, except NUL, which
/// no argument can hold and which is left out.
#[derive(Debug, Clone)]
pub struct ExecLine {
    words: Vec<UnitText>,
}

/// A line is broken before a word that would make it longer, in bytes: fleet 0.12 and later refuses 2,048.
const BREAK_AFTER_BYTES: usize = 900;

impl ExecLine {
    /// A command line of one program, by its absolute path.
    #[must_use]
    pub fn new(program: &str) -> Self {
        Self { words: vec![UnitText::literal(program)] }
    }

    /// Adds arguments.
    #[must_use]
    pub fn args(mut self, words: impl IntoIterator<Item = UnitText>) -> Self {
        self.words.extend(words);
        self
    }

    /// One word, quoted where that is needed, with `%` doubled and `$` left alone: for lists of paths and the like,
    /// in which systemd substitutes no variables.
    #[must_use]
    pub fn word(text: &UnitText) -> String {
        quote(text, "$")
    }
}

/// A word in double quotes where it needs them, a literal dollar written as `dollar`.
fn quote(text: &UnitText, dollar: &str) -> String {
    let mut quoted = String::new();
    for part in text.parts() {
        match part {
            Part::Literal(literal) => literal.chars().for_each(|c| escape(&mut quoted, c, dollar)),
            Part::Specifier(letter) => {
                quoted.push('%');
                quoted.push(*letter);
            }
        }
    }
    let bare = |c: char| c.is_ascii_alphanumeric() || "-_./:=@,+%$".contains(c);
    if !quoted.is_empty() && quoted.chars().all(bare) { quoted } else { format!("\"{quoted}\"") }
}

fn escape(quoted: &mut String, c: char, dollar: &str) {
    match c {
        '%' => quoted.push_str("%%"),
        '$' => quoted.push_str(dollar),
        '"' => quoted.push_str("\\\""),
        '\\' => quoted.push_str("\\\\"),
        '\n' => quoted.push_str("\\n"),
        '\t' => quoted.push_str("\\t"),
        '\r' => quoted.push_str("\\r"),
        '\0' => {}
        c if c.is_ascii_control() => {
            let _ = write!(quoted, "\\x{:02x}", u32::from(c));
        }
        c => quoted.push(c),
    }
}

impl fmt::Display for ExecLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut on_line = 0;
        for (index, word) in self.words.iter().enumerate() {
            // The program's own path takes specifiers and quotes, but no `$`.
            let quoted = quote(word, if index == 0 { "$" } else { "$$" });
            if index > 0 {
                let breaks = on_line + quoted.len() > BREAK_AFTER_BYTES;
                f.write_str(if breaks { " \\\n  " } else { " " })?;
                on_line = if breaks { 0 } else { on_line };
            }
            on_line += quoted.len() + 1;
            f.write_str(&quoted)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(args: &[&str]) -> String {
        ExecLine::new("/bin/x").args(args.iter().map(|a| UnitText::literal(a))).to_string()
    }

    #[test]
    fn plain_words_stay_plain_and_others_are_quoted() {
        assert_eq!(line(&["a", "--b=c"]), "/bin/x a --b=c");
        assert_eq!(line(&["", ";", "a b", "#"]), "/bin/x \"\" \";\" \"a b\" \"#\"");
        assert_eq!(line(&["%Y", "$HOME", "a\"b\\", "l\n"]), "/bin/x %%Y $$HOME \"a\\\"b\\\\\" \"l\\n\"");
    }

    #[test]
    fn a_specifier_stays_one() {
        assert_eq!(ExecLine::new("/x").args([UnitText::specifier('i')]).to_string(), "/x %i");
    }

    #[test]
    fn a_long_line_goes_on_and_no_line_begins_as_a_comment() {
        let word = "#".repeat(300);
        let text = line(&[word.as_str(); 9]);
        assert!(text.lines().count() > 2);
        assert!(text.lines().all(|l| l.len() < 1024 && !l.trim_start().starts_with(['#', ';'])));
    }
}
