//! A shell's text, read as far as backup scripts go: commands, pipes, redirections, variables and `$(date …)`.

use super::marks::mark;
use std::collections::BTreeMap;
use std::iter::Peekable;
use std::str::Chars;

/// One command with what stands around it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Simple {
    /// Variables set for it alone.
    pub assignments: Vec<(String, String)>,
    pub words: Vec<String>,
    /// The file that its output goes to.
    pub output: Option<String>,
    /// Whether its output goes to the next command.
    pub piped: bool,
    /// The line of the text that it begins on, from 0.
    pub line: usize,
}

/// The commands of a text. Variables that are set in it are filled in, as are those given.
pub(super) fn commands(text: &str, variables: &BTreeMap<String, String>) -> Vec<Simple> {
    let mut reader = Reader::new(text, variables);
    reader.read();
    reader.done
}

/// A text with what it has of variables and `$(date …)` filled in, as if it stood between double quotes.
pub(super) fn expanded(text: &str, variables: &BTreeMap<String, String>) -> String {
    let mut reader = Reader::new(text, variables);
    reader.in_quotes();
    reader.word.unwrap_or_default()
}

/// What the next word is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Target {
    Word,
    Output,
    /// Of a file that does not matter: another stream's, or the input.
    Other,
}

struct Reader<'t> {
    chars: Peekable<Chars<'t>>,
    variables: BTreeMap<String, String>,
    done: Vec<Simple>,
    now: Simple,
    word: Option<String>,
    target: Target,
    line: usize,
}

impl<'t> Reader<'t> {
    fn new(text: &'t str, variables: &BTreeMap<String, String>) -> Self {
        let (chars, variables) = (text.chars().peekable(), variables.clone());
        Self { chars, variables, done: vec![], now: Simple::default(), word: None, target: Target::Word, line: 0 }
    }

    fn read(&mut self) {
        while let Some(c) = self.next() {
            match c {
                '\n' | ';' => self.end(false),
                ' ' | '\t' | '\r' | '(' | ')' => self.end_word(),
                '#' if self.word.is_none() => {
                    while self.chars.peek().is_some_and(|c| *c != '\n') {
                        self.next();
                    }
                }
                '&' if self.chars.peek() == Some(&'>') => self.end_word(),
                '&' => {
                    self.chars.next_if_eq(&'&');
                    self.end(false);
                }
                '|' => {
                    let or = self.chars.next_if_eq(&'|').is_some();
                    self.end(!or);
                }
                '>' => self.redirect(),
                '<' => {
                    self.end_word();
                    self.target = Target::Other;
                }
                other => self.part(other),
            }
        }
        self.end(false);
    }

    fn next(&mut self) -> Option<char> {
        let c = self.chars.next();
        self.line += usize::from(c == Some('\n'));
        c
    }

    fn push(&mut self, text: &str) {
        if self.word.is_none() && self.now.words.is_empty() && self.now.assignments.is_empty() {
            self.now.line = self.line;
        }
        self.word.get_or_insert_default().push_str(text);
    }

    /// A part of a word.
    fn part(&mut self, c: char) {
        match c {
            '\\' => match self.next() {
                Some('\n') | None => {}
                Some(c) => self.push(c.encode_utf8(&mut [0; 4])),
            },
            '\'' => {
                self.push("");
                while let Some(c) = self.next().filter(|c| *c != '\'') {
                    self.push(c.encode_utf8(&mut [0; 4]));
                }
            }
            '"' => self.in_quotes(),
            '$' | '`' => self.expansion(c),
            c => self.push(c.encode_utf8(&mut [0; 4])),
        }
    }

    fn in_quotes(&mut self) {
        self.push("");
        while let Some(c) = self.next().filter(|c| *c != '"') {
            match c {
                '\\' => match self.next() {
                    Some('\n') | None => {}
                    Some(c @ ('"' | '\\' | '$' | '`')) => self.push(c.encode_utf8(&mut [0; 4])),
                    Some(c) => self.push(&format!("\\{c}")),
                },
                '$' | '`' => self.expansion(c),
                c => self.push(c.encode_utf8(&mut [0; 4])),
            }
        }
    }

    fn expansion(&mut self, c: char) {
        if c == '`' {
            let inner = self.until('`', None);
            self.push(&substituted(&inner));
            return;
        }
        match self.chars.peek() {
            Some('(') => {
                self.next();
                let inner = self.until(')', Some('('));
                self.push(&substituted(&inner));
            }
            Some('{') => {
                self.next();
                let inner = self.until('}', Some('{'));
                let name = inner.split([':', '-', '%', '#', '/']).next().unwrap_or_default().to_owned();
                self.variable(&name, &format!("${{{inner}}}"));
            }
            _ => {
                let mut name = String::new();
                while let Some(c) = self.chars.next_if(|c| c.is_ascii_alphanumeric() || *c == '_') {
                    name.push(c);
                }
                self.variable(&name, &format!("${name}"));
            }
        }
    }

    fn variable(&mut self, name: &str, written: &str) {
        let value = self.variables.get(name).cloned().unwrap_or_else(|| written.to_owned());
        self.push(&value);
    }

    /// The text up to a closing sign, of which as many are passed over as open before.
    fn until(&mut self, close: char, open: Option<char>) -> String {
        let (mut text, mut depth) = (String::new(), 0);
        while let Some(c) = self.next() {
            if c == close && depth == 0 {
                break;
            }
            depth += i32::from(Some(c) == open) - i32::from(c == close);
            text.push(c);
        }
        text
    }

    fn redirect(&mut self) {
        let number =
            self.word.as_deref().is_some_and(|word| word.len() == 1 && word.bytes().all(|b| b.is_ascii_digit()));
        let fd = if number { self.word.take() } else { None };
        self.end_word();
        self.chars.next_if_eq(&'>');
        if self.chars.next_if_eq(&'&').is_some() {
            self.target = Target::Other;
        } else {
            let ours = fd.as_deref().is_none_or(|fd| fd == "1");
            self.target = if ours { Target::Output } else { Target::Other };
        }
    }

    fn end_word(&mut self) {
        let Some(word) = self.word.take() else { return };
        match std::mem::replace(&mut self.target, Target::Word) {
            Target::Output => self.now.output = Some(word),
            Target::Other => {}
            Target::Word => match assignment(&word).filter(|_| self.now.words.is_empty()) {
                Some((name, value)) => self.now.assignments.push((name, value)),
                None => self.now.words.push(word),
            },
        }
    }

    fn end(&mut self, piped: bool) {
        self.end_word();
        self.target = Target::Word;
        let mut now = std::mem::take(&mut self.now);
        let exports = now.words.first().is_some_and(|word| matches!(word.as_str(), "export" | "readonly" | "local"));
        if exports {
            now.assignments.extend(now.words.drain(..).skip(1).filter_map(|word| assignment(&word)));
        }
        if now.words.is_empty() {
            self.variables.extend(now.assignments);
            return;
        }
        self.done.push(Simple { piped, ..now });
    }
}

fn assignment(word: &str) -> Option<(String, String)> {
    let (name, value) = word.split_once('=')?;
    let valid = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    valid.then(|| (name.to_owned(), value.to_owned()))
}

/// What a command in the place of a text stands for.
fn substituted(inner: &str) -> String {
    let words: Vec<&str> = inner.split_whitespace().collect();
    let name = words.first().map_or("", |word| word.rsplit('/').next().unwrap_or(word));
    let rest = words.get(1..).unwrap_or_default();
    match (name, rest) {
        ("date", [.., format]) if rest.iter().all(|word| word.starts_with('+') || matches!(*word, "-u" | "--utc")) => {
            let format = format.trim_start_matches('+').trim_matches(['"', '\'']).trim_start_matches('+');
            mark(&format!("time:{format}"))
        }
        ("etcdctl", ["get", key]) => mark(&format!("etcd:{key}")),
        ("hostname", _) => mark("host"),
        _ => format!("$({inner})"),
    }
}

#[cfg(test)]
mod tests {
    use super::super::marks::shown;
    use super::*;

    fn read(text: &str) -> Vec<String> {
        let told = |simple: &Simple| {
            let words = simple.words.join(" ");
            let output = simple.output.as_ref().map_or(String::new(), |file| format!(" >{file}"));
            shown(&format!("{words}{output}{}", if simple.piped { " |" } else { "" }))
        };
        commands(text, &BTreeMap::new()).iter().map(told).collect()
    }

    #[test]
    fn commands_pipes_and_files_are_told_apart() {
        assert_eq!(
            read(
                "cd /x && pg_dump 'my shop' 2>/dev/null | gzip >\"/b/$(date +%F).sql.gz\" || echo failed >&2; true # end"
            ),
            ["cd /x", "pg_dump my shop |", "gzip >/b/{time:%F}.sql.gz", "echo failed", "true"]
        );
    }

    #[test]
    fn variables_are_filled_in_and_unknown_ones_stay() {
        assert_eq!(
            read("D=/b\nexport N=`date +%Y-%m-%d`\ntar czf ${D}/$N.tgz $HOME"),
            ["tar czf /b/{time:%Y-%m-%d}.tgz $HOME"]
        );
    }

    #[test]
    fn nothing_makes_it_panic() {
        for text in ["'", "\"", "$(", "${", "`", "\\", "a >", "2>&1", "| |", "&& ;", "x=\"$(a $(b))\" c", "\u{e000}"] {
            let _ = read(text);
        }
    }
}
