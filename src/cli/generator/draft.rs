//! A spec that is being written for somebody: `init` and `import` fill it in, and it prints itself with comments.

use crate::cli::output::{Failure, print, say, show};
use crate::contract::exit;
use crate::spec;
use std::fmt::Write as _;
use std::io::{ErrorKind, Write as _};
use std::path::Path;

/// A spec that is being written. Values are flow YAML already.
#[derive(Debug, Default)]
pub(super) struct Draft {
    /// Comment lines at the beginning.
    pub head: Vec<String>,
    /// Keys at the top, beside those below.
    pub top: Keys,
    pub destinations: Vec<Named>,
    pub jobs: Vec<DraftJob>,
}

/// Keys with their values.
pub(super) type Keys = Vec<(&'static str, String)>;

/// A destination or a source: its name, comment lines above it, and its keys.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Named {
    pub name: String,
    pub comments: Vec<String>,
    pub keys: Keys,
}

#[derive(Debug, Clone, Default)]
pub(super) struct DraftJob {
    pub name: String,
    pub comments: Vec<String>,
    /// Keys before the sources.
    pub keys: Keys,
    pub sources: Vec<Named>,
    /// Names of destinations, each with what it keeps.
    pub store: Vec<(String, Option<String>)>,
    /// Keys after the destinations.
    pub after: Keys,
}

impl Draft {
    /// The spec's text.
    pub(super) fn text(&self) -> String {
        let mut text = String::new();
        comments(&self.head, "", &mut text);
        text.push_str("version: 1\n");
        keys(&self.top, "", &mut text);
        text.push_str("\ndestinations:\n");
        self.destinations.iter().for_each(|destination| destination.write("  ", &mut text));
        text.push_str("\njobs:\n");
        self.jobs.iter().for_each(|job| job.write(&mut text));
        text
    }

    /// Writes it to a new file, or prints it; first it is read as a spec, and what is wrong with it is told.
    pub(super) fn deliver(&self, file: Option<&Path>) -> Result<(), Failure> {
        let text = self.text();
        let name = file.map_or("the spec".into(), Path::to_string_lossy);
        let (_, report) = spec::load_text(&name, text.as_bytes());
        show(&report);
        if report.has_errors() {
            return Err(Failure::new(exit::FAILED, "nothing was written: what was asked for makes no good spec"));
        }
        let Some(file) = file else { return print(&text) };
        let written = std::fs::File::create_new(file).and_then(|mut new| new.write_all(text.as_bytes()));
        match written {
            Err(error) if error.kind() == ErrorKind::AlreadyExists => Err(already_there(file)),
            Err(error) => Err(Failure::io("write", file, &error)),
            Ok(()) => {
                say(&format!("wrote {}", file.display()));
                say(&format!("next: `eightbells check {0}`, then `eightbells try {0}`", file.display()));
                Ok(())
            }
        }
    }

    /// The name of a destination with these keys, which is added where there is none.
    pub(super) fn destination(&mut self, wanted: &str, comments: &[&str], keys: Keys) -> String {
        if let Some(known) = self.destinations.iter().find(|known| known.keys == keys) {
            return known.name.clone();
        }
        let name = free(wanted, |name| self.destinations.iter().any(|known| known.name == name));
        let comments = comments.iter().map(|line| (*line).to_owned()).collect();
        self.destinations.push(Named { name: name.clone(), comments, keys });
        name
    }
}

/// Nothing is ever overwritten.
pub(super) fn already_there(file: &Path) -> Failure {
    Failure::new(exit::FAILED, format!("`{}` is there already, and is not overwritten", file.display()))
        .help("name another file, or print it with --stdout")
}

/// A name that is not taken: `host`, `host-2`, …
pub(super) fn free(wanted: &str, taken: impl Fn(&str) -> bool) -> String {
    let numbered = (2..).map(|number| format!("{wanted}-{number}"));
    let mut names = std::iter::once(wanted.to_owned()).chain(numbered);
    names.find(|name| !taken(name)).unwrap_or_else(|| wanted.to_owned())
}

impl DraftJob {
    /// Adds a source under a name of its own.
    pub(super) fn add(&mut self, source: Named) {
        let name = free(&source.name, |name| self.sources.iter().any(|known| known.name == name));
        self.sources.push(Named { name, ..source });
    }

    fn write(&self, text: &mut String) {
        comments(&self.comments, "  ", text);
        let _ = writeln!(text, "  {}:", quoted(&self.name));
        keys(&self.keys, "    ", text);
        text.push_str("    sources:\n");
        self.sources.iter().for_each(|source| source.write("      ", text));
        text.push_str("    store:\n");
        for (to, keep) in &self.store {
            let keep = keep.as_ref().map_or(String::new(), |keep| format!(", keep: {keep}"));
            let _ = writeln!(text, "      - {{to: {}{keep}}}", quoted(to));
        }
        keys(&self.after, "    ", text);
    }
}

impl Named {
    fn write(&self, indent: &str, text: &mut String) {
        comments(&self.comments, indent, text);
        let _ = writeln!(text, "{indent}{}:", quoted(&self.name));
        keys(&self.keys, &format!("{indent}  "), text);
    }
}

fn comments(lines: &[String], indent: &str, text: &mut String) {
    for line in lines {
        // A comment ends with its line.
        let line: String = line.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
        let _ = writeln!(text, "{}", format!("{indent}# {line}").trim_end());
    }
}

fn keys(keys: &Keys, indent: &str, text: &mut String) {
    for (key, value) in keys {
        let _ = writeln!(text, "{indent}{key}: {value}");
    }
}

/// A text as flow YAML, in quotes where it needs them.
pub(super) fn quoted(text: &str) -> String {
    let (number, unit) = text.split_at(text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len()));
    let measure = !number.is_empty() && !unit.is_empty() && unit.chars().all(|c| c.is_ascii_alphabetic());
    let plain = text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '/')
        && text.chars().all(|c| c.is_ascii_alphanumeric() || "/._-@+=".contains(c))
        && !matches!(
            text.to_ascii_lowercase().as_str(),
            "y" | "n" | "yes" | "no" | "on" | "off" | "true" | "false" | "null" | "none"
        );
    if plain || measure { text.to_owned() } else { serde_json::Value::from(text).to_string() }
}

/// Texts as a flow list.
pub(super) fn list<S: AsRef<str>>(texts: &[S]) -> String {
    let texts: Vec<String> = texts.iter().map(|text| quoted(text.as_ref())).collect();
    format!("[{}]", texts.join(", "))
}

/// A name of a source or a destination, made of whatever somebody called it.
pub(super) fn plain_name(text: &str) -> String {
    let plain: String = text
        .to_ascii_lowercase()
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() || "._-".contains(c) { c } else { '-' })
        .collect();
    let plain = plain.trim_matches(|c: char| !c.is_ascii_alphanumeric());
    match plain {
        "" => "files".to_owned(),
        "manifest" => "manifest-files".to_owned(),
        plain => plain.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_is_quoted_reads_back_as_it_is() {
        for text in [
            "a",
            "no",
            "007",
            "{instance}",
            "a: b",
            "#x",
            "",
            "it's \"so\"",
            "*",
            "%i",
            "- a",
            "é",
            "1e3",
            "4h",
            "0x1",
            "1e",
            "a, b",
            "/srv/a b",
        ] {
            let read: Vec<String> = serde_yaml::from_str(&format!("[{}]", quoted(text))).unwrap();
            assert_eq!(read, [text]);
        }
    }

    #[test]
    fn names_are_made_of_anything() {
        assert_eq!(plain_name("Shop DB"), "shop-db");
        assert_eq!(plain_name("/"), "files");
        assert_eq!(plain_name("_x.y"), "x.y");
        assert_eq!(free("host", |name| name == "host"), "host-2");
    }
}
