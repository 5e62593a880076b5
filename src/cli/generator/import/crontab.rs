//! Lines of a crontab.

use super::super::draft::{self, Draft, DraftJob, quoted};
use super::carry::Carry;
use super::{Notes, script};
use crate::schedule::CronLine;
use std::collections::BTreeMap;
use std::fs;

/// How long a script that a line calls may be.
const SCRIPT_MAX_BYTES: usize = 256 << 10;

/// Adds a job for each line that backs something up.
pub(super) fn import(file: &str, text: &str, draft: &mut Draft, notes: &mut Notes) {
    let mut variables = BTreeMap::new();
    let mut around = Around { of_system: file.starts_with("/etc/"), ..Around::default() };
    for (index, line) in text.lines().enumerate() {
        let (at, line) = (format!("{file}:{}", index + 1), line.trim());
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        if let Some((name, value)) = variable(line) {
            around.variable(&at, name, value, notes);
            variables.insert(name.to_owned(), value.to_owned());
            continue;
        }
        self::line(&at, (file, index + 1), line, &around, &variables, draft, notes);
    }
}

/// What holds for all lines below it.
#[derive(Default)]
struct Around {
    of_system: bool,
    timezone: Option<String>,
    mail: Option<String>,
}

impl Around {
    fn variable(&mut self, at: &str, name: &str, value: &str, notes: &mut Notes) {
        match name {
            "CRON_TZ" => self.timezone = Some(value.to_owned()),
            "MAILTO" => self.mail = Some(value.to_owned()).filter(|value| !value.is_empty()),
            "SHELL" | "PATH" | "HOME" | "LOGNAME" => {}
            _ => notes.add(at, name, "a variable; `env` of a source sets those that its program needs"),
        }
    }
}

/// `NAME=VALUE`, with or without quotes.
fn variable(line: &str) -> Option<(&str, &str)> {
    let (name, value) = line.split_once('=')?;
    let name = name.trim_end();
    let valid = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    valid.then(|| (name, value.trim().trim_matches(['"', '\''])))
}

fn line(
    at: &str,
    place: (&str, usize),
    line: &str,
    around: &Around,
    variables: &BTreeMap<String, String>,
    draft: &mut Draft,
    notes: &mut Notes,
) {
    let fields = if line.starts_with('@') { 1 } else { 5 };
    let (when, rest) = split_words(line, fields);
    if CronLine::parse(&when).is_err() {
        notes.add(at, line, "its times are none that cron's lines have");
        return;
    }
    let (user, command) = if around.of_system {
        let (user, command) = split_words(rest, 1);
        (Some(user).filter(|user| user != "root" && !user.is_empty()), command)
    } else {
        (None, rest)
    };
    let (command, input) = without_percents(command);
    if input {
        notes.add(at, line, "what follows a `%` is the command's input to cron, which a spec has not");
    }
    let mut job = DraftJob { name: String::new(), ..DraftJob::default() };
    let zone = around.timezone.as_ref().map_or(String::new(), |zone| format!(", timezone: {}", quoted(zone)));
    job.keys.push(("schedule", format!("{{cron: {}{zone}}}", quoted(&when))));
    if let Some(mail) = &around.mail {
        job.after.push(("notify", format!("[{{mail: {{to: {}}}}}]", quoted(mail))));
    }
    job.after.extend(user.map(|user| ("service", format!("{{user: {}}}", quoted(&user)))));
    let commands = script::commands(&command, variables);
    let called = commands.first().filter(|_| commands.len() == 1).and_then(|only| script_of(&only.words));
    let good = match &called {
        Some((name, text)) => Carry::new(draft, &mut job, notes, (name, 1)).all(&script::commands(text, variables)),
        None => Carry::new(draft, &mut job, notes, place).all(&commands),
    };
    if good {
        let wanted = job.sources.first().map_or("backup".to_owned(), |source| format!("{}-backup", source.name));
        job.name = draft::free(&wanted, |name| draft.jobs.iter().any(|known| known.name == name));
        job.comments.push(format!("From {at}."));
        draft.jobs.push(job);
    } else if commands.is_empty() {
        notes.add(at, line, "it has no command");
    }
}

/// So many words, and what follows.
fn split_words(text: &str, count: usize) -> (String, &str) {
    let mut words = vec![];
    let mut rest = text.trim_start();
    for _ in 0..count {
        let (word, after) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
        words.push(word);
        rest = after.trim_start();
    }
    (words.join(" "), rest)
}

/// cron's own reading of `%`: `\%` is one, and any other ends the command.
fn without_percents(command: &str) -> (String, bool) {
    let mut text = String::new();
    let mut chars = command.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\\' if chars.peek() == Some(&'%') => {
                chars.next();
                text.push('%');
            }
            '%' => return (text, true),
            c => text.push(c),
        }
    }
    (text, false)
}

/// A script that a line calls, with its text.
fn script_of(words: &[String]) -> Option<(String, String)> {
    let shell = |word: &str| matches!(word.rsplit('/').next(), Some("sh" | "bash" | "dash"));
    let path = match words {
        [first, second, ..] if shell(first) && second.starts_with('/') => second,
        [first, ..] if first.starts_with('/') => first,
        _ => return None,
    };
    let bytes = fs::read(path).ok().filter(|bytes| bytes.len() <= SCRIPT_MAX_BYTES)?;
    let text = String::from_utf8(bytes).ok()?;
    let of_shell = text.lines().next().is_some_and(|line| line.starts_with("#!") && line.contains("sh"));
    of_shell.then(|| (path.clone(), text))
}
