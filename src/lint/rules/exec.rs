//! Commands: what systemd makes of an `Exec…=` line.

use crate::diag::{Fix, Safety};
use crate::lint::rule::{Found, rule};
use crate::lint::{Line, Rule, Unit};
use crate::unit::environment::{EnvironmentProblemKind, EnvironmentValue, split_assignment};
use crate::unit::exec::{ExecCommand, ExecEffect, ExecProblemKind, ExecValue, PathProblem, Prefix};

pub(super) static RULES: [&Rule; 7] = [
    &EXEC_REFUSED,
    &EXEC_NOT_ABSOLUTE,
    &UNKNOWN_ESCAPE,
    &PREFIX_TOO_NEW,
    &QUOTE_INSIDE_WORD,
    &PROGRAM_IN_WRITABLE_FOLDER,
    &BAD_ENVIRONMENT,
];

/// From this version on a program may be named without its path; systemd looks for it in fixed folders.
const PLAIN_NAME_SINCE: u16 = 239;
/// From this version on a quote may begin or end within a word; before it was text there.
const QUOTE_INSIDE_SINCE: u16 = 218;

rule! {
    /// systemd cannot take the command line apart, and does not load the unit, or drops the line: a quote that is not
    /// closed, prefixes without a program, a program's path that ends in a slash or holds quotes.
    EXEC_REFUSED = "exec-refused", Error, "a command line that systemd refuses",
    source: "systemd src/core/load-fragment.c, config_parse_exec()", check: Some(|unit, _, found| {
        each_value(unit, |line, value| {
            for problem in value.problems.iter().filter(|problem| problem.effect != ExecEffect::Warning) {
                if !is_path(&problem.kind) && !matches!(problem.kind, ExecProblemKind::UnknownSpecifier(_)) {
                    let told = found.value(line, problem.span.clone(), problem.kind.to_string());
                    told.help(match problem.effect {
                        ExecEffect::UnitRefused => "systemd does not load the unit",
                        ExecEffect::Ignored | ExecEffect::Warning => "systemd ignores this command",
                    });
                }
            }
        });
    })
}

rule! {
    /// The program of a command is an absolute path. From 239 on systemd also looks a plain name up, in folders that
    /// were fixed when it was built, not in the `PATH` of `Environment=`; a relative path with a slash it refuses.
    EXEC_NOT_ABSOLUTE = "exec-not-absolute", Error, "a program without an absolute path",
    source: "systemd.service(5), COMMAND LINES; NEWS 239", check: Some(|unit, _, found| {
        each_value(unit, |line, value| {
            for problem in value.problems.iter().filter(|problem| is_path(&problem.kind)) {
                found.value(line, problem.span.clone(), "the program is neither an absolute path nor a plain name");
            }
            for command in value.commands.iter().filter(|command| !command.path.starts_with(b"/")) {
                plain_name(unit, line, command, found);
            }
        });
    })
}

rule! {
    /// A backslash before any other character than those of systemd's escapes (`\n`, `\"`, `\x41`, …) stays in the
    /// value, with a warning in the journal. For the `;` of `find -exec` inside a quoted text write `\\;`; for a lone
    /// `;` as a word of its own, `\;` is right.
    UNKNOWN_ESCAPE = "unknown-escape", Warning, "a backslash that begins no escape",
    source: "systemd.syntax(7), QUOTING", fix: Safely, check: Some(|unit, _, found| {
        each_value(unit, |line, value| {
            for problem in value.problems.iter().filter(|it| it.kind == ExecProblemKind::UnknownEscape) {
                tell_escape(line, &problem.span, found);
            }
        });
        each_environment(unit, |line, value| {
            for problem in value.problems.iter().filter(|it| it.kind == EnvironmentProblemKind::UnknownEscape) {
                tell_escape(line, &problem.span, found);
            }
        });
    })
}

rule! {
    /// The mark before the program is newer than the systemd that the unit is for, which takes it for a part of the
    /// path and refuses the unit: `+` came with 231, `!` with 235, `:` with 242.
    PREFIX_TOO_NEW = "prefix-too-new", Error, "a mark before a program that the target's systemd does not know",
    source: "systemd NEWS 231, 235, 242", check: Some(|unit, _, found| {
        each_command(unit, |line, command| {
            for (mark, since) in command.prefixes.all().iter().filter_map(|prefix| since(*prefix)) {
                if since > unit.target().systemd {
                    let message = format!("`{mark}` before a program came with systemd {since}");
                    found.value(line, first_word(command), message);
                }
            }
        });
    })
}

rule! {
    /// Before 218 systemd knew a quote at the ends of a word only: in `--opt="a b"` the quotes stay, and the blank
    /// separates. Quote the whole word: `"--opt=a b"`.
    QUOTE_INSIDE_WORD = "quote-inside-word", Warning, "a quote within a word, which old systemd keeps",
    source: "systemd src/shared/util.c of 215; NEWS 218", fix: Safely, check: Some(|unit, _, found| {
        if unit.target().systemd >= QUOTE_INSIDE_SINCE {
            return;
        }
        each_command(unit, |line, command| {
            for word in &command.words {
                let text = line.entry.bytes().get(word.clone()).unwrap_or_default();
                let inside = text.first().is_some_and(|byte| !b"\"'".contains(byte)) && has_bare_quote(text);
                if inside {
                    let told = found.value(line, word.clone(), "systemd 215 keeps a quote that begins within a word");
                    told.help("quote the whole word");
                    if let Some(quoted) = quoted_whole(text) {
                        let fix = Fix::new(Safety::Safe, "quote the whole word");
                        told.fix(fix.replace(&line.part(word.clone()), quoted));
                    }
                }
            }
        });
    })
}

rule! {
    /// Anyone can put a program into `/tmp`, `/var/tmp` or `/dev/shm` under a name that is free, and the service runs
    /// it. Install it where only root writes.
    PROGRAM_IN_WRITABLE_FOLDER = "program-in-writable-folder", Warning, "a program in a folder that everybody may write to",
    source: "Filesystem Hierarchy Standard", check: Some(|unit, _, found| {
        each_command(unit, |line, command| {
            let path = String::from_utf8_lossy(&command.path);
            if let Some(folder) = ["/tmp/", "/var/tmp/", "/dev/shm/"].iter().find(|folder| path.starts_with(**folder)) {
                found.value(line, first_word(command), format!("everybody may put a program into `{folder}`"));
            }
        });
    })
}

rule! {
    /// `Environment=` takes words of the form `NAME=value`; a value with blanks is quoted together with its name:
    /// `Environment="NAME=a b"`. systemd ignores what is none.
    BAD_ENVIRONMENT = "bad-environment", Error, "Environment= with something that is no assignment",
    source: "systemd src/core/load-fragment.c, config_parse_environ()", fix: Unsafely, check: Some(|unit, _, found| {
        each_environment(unit, |line, value| {
            let text = line.value();
            // One fix mends the line, whatever else is found in it.
            let mut whole = if value.problems.is_empty() { None } else { one_assignment(&text) };
            for problem in &value.problems {
                if found.is_full() {
                    return;
                }
                let told = match problem.kind {
                    EnvironmentProblemKind::UnknownEscape | EnvironmentProblemKind::UnknownSpecifier(_) => continue,
                    _ => found.value(line, problem.span.clone(), problem.kind.to_string()),
                };
                if problem.kind == EnvironmentProblemKind::NotAnAssignment {
                    told.help("a value with blanks is quoted together with its name: `\"NAME=a b\"`");
                    if let Some(whole) = whole.take() {
                        let fix = Fix::new(Safety::Unsafe, "quote the whole value");
                        told.fix(fix.replace(&line.span(), format!("\"{whole}\"")));
                    }
                }
            }
        });
    })
}

/// The text of a value that begins with an assignment, where the rest can only be the rest of that one's value.
fn one_assignment(value: &str) -> Option<&str> {
    let (first, rest) = value.split_once(' ')?;
    let plain = !value.contains(['"', '\'', '\\', '\n']);
    (plain && split_assignment(first.as_bytes()).is_some() && !rest.contains('=')).then_some(value)
}

fn plain_name(unit: &Unit<'_>, line: &Line<'_>, command: &ExecCommand, found: &mut Found<'_>) {
    let name = String::from_utf8_lossy(&command.path);
    if name.starts_with('%') || name.starts_with('$') {
        return;
    }
    if unit.target().systemd < PLAIN_NAME_SINCE {
        let message = format!("before systemd {PLAIN_NAME_SINCE} a program needs its absolute path");
        found.value(line, first_word(command), message);
    } else {
        let message = format!("`{name}` is looked for in folders that were fixed when systemd was built");
        super::timer::as_note(found.value(line, first_word(command), message));
    }
}

fn tell_escape(line: &Line<'_>, word: &std::ops::Range<usize>, found: &mut Found<'_>) {
    let text = line.entry.bytes().get(word.clone()).unwrap_or_default();
    let backslash = unknown_escape(text).map(|place| word.start + place);
    let place = backslash.map_or(word.clone(), |backslash| backslash..backslash + 2);
    let written = String::from_utf8_lossy(line.entry.bytes().get(place.clone()).unwrap_or_default()).into_owned();
    let told = found.value(line, place, format!("`{written}` is no escape: the backslash stays"));
    told.help("write `\\\\` for a backslash");
    // Before a blank, or at the end, it was to continue the line.
    let escapes = |at: &usize| line.entry.bytes().get(at + 1).is_some_and(|byte| !byte.is_ascii_whitespace());
    if let Some(backslash) = backslash.filter(escapes) {
        // systemd keeps the one as it keeps the other: the word stays what it is.
        let fix = Fix::new(Safety::Safe, "double the backslash");
        told.fix(fix.insert_before(&line.part(backslash..backslash + 1), "\\"));
    }
}

/// Where the first backslash stands that begins no escape.
fn unknown_escape(text: &[u8]) -> Option<usize> {
    let mut at = 0;
    while let Some(place) = text.get(at..)?.iter().position(|byte| *byte == b'\\') {
        let backslash = at + place;
        let after = text.get(backslash + 1..)?;
        let known = crate::unit::cunescape::cunescape_one(after, crate::unit::cunescape::Nul::Refused);
        match known {
            Some((_, length)) => at = backslash + 1 + length,
            None => return Some(backslash),
        }
    }
    None
}

/// A word with one quoted stretch, and nothing in it that a quote would change, as one that is quoted whole.
fn quoted_whole(word: &[u8]) -> Option<String> {
    let word = std::str::from_utf8(word).ok()?;
    let quote = word.chars().find(|c| matches!(c, '"' | '\''))?;
    let plain = !word.contains(['\\', '\n']) && !word.contains(if quote == '"' { '\'' } else { '"' });
    (plain && word.matches(quote).count() == 2).then(|| format!("{quote}{}{quote}", word.replace(quote, "")))
}

fn has_bare_quote(text: &[u8]) -> bool {
    let before = std::iter::once(&b' ').chain(text);
    text.iter().zip(before).any(|(byte, before)| b"\"'".contains(byte) && *before != b'\\')
}

fn since(prefix: Prefix) -> Option<(&'static str, u16)> {
    match prefix {
        Prefix::IgnoreFailure | Prefix::SeparateArgv0 => None,
        Prefix::NoEnvironment => Some((":", 242)),
        Prefix::Privileged => Some(("+", 231)),
        Prefix::NoSetuid => Some(("!", 235)),
        Prefix::Ambient => Some(("!!", 235)),
    }
}

fn is_path(kind: &ExecProblemKind) -> bool {
    matches!(kind, ExecProblemKind::Program(PathProblem::NotAbsolute))
}

/// Where the program of a command stands.
pub(super) fn first_word(command: &ExecCommand) -> std::ops::Range<usize> {
    command.words.first().cloned().unwrap_or_else(|| command.span.clone())
}

/// Every `Exec…=` with what systemd makes of it.
fn each_value<'a>(unit: &Unit<'a>, mut look: impl FnMut(&Line<'a>, &ExecValue)) {
    unit.commands().iter().for_each(|(line, value)| look(line, value));
}

/// Every command of every `Exec…=`.
pub(super) fn each_command<'a>(unit: &Unit<'a>, mut look: impl FnMut(&Line<'a>, &ExecCommand)) {
    each_value(unit, |line, value| value.commands.iter().for_each(|command| look(line, command)));
}

/// Every `Environment=` with what systemd makes of it.
pub(super) fn each_environment<'a>(unit: &Unit<'a>, mut look: impl FnMut(&Line<'a>, &EnvironmentValue)) {
    unit.environments().iter().for_each(|(line, value)| look(line, value));
}
