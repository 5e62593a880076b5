//! What would be right in a shell, and is not in a unit; and shell text that is.

use super::exec::{each_command, each_environment};
use crate::contract::{ETCD_VARIABLE, JOB_VARIABLE};
use crate::diag::{Fix, Safety};
use crate::lint::rule::{Found, rule};
use crate::lint::{Line, Rule, Unit};
use crate::unit::exec::ExecCommand;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

pub(super) static RULES: [&Rule; 8] = [
    &SUBSTITUTION_IN_ENVIRONMENT,
    &SUBSTITUTION_IN_EXEC,
    &SUBSTITUTION_REPEATED,
    &SHELL_SYNTAX,
    &PIPELINE_FAILURE_LOST,
    &VARIABLE_UNDEFINED,
    &DESTRUCTIVE_SYNC,
    &VARIABLE_DEFAULT_FORM,
];

/// Programs that take shell text.
const SHELLS: [&str; 9] = ["sh", "bash", "dash", "zsh", "ash", "ksh", "busybox", "fish", "mksh"];
/// Variables that systemd, or the system, sets.
const KNOWN_VARIABLES: [&str; 34] = [
    "PATH",
    "HOME",
    "USER",
    "LOGNAME",
    "SHELL",
    "LANG",
    "TERM",
    "MAINPID",
    "MANAGERPID",
    "INVOCATION_ID",
    "PIDFILE",
    "JOURNAL_STREAM",
    "NOTIFY_SOCKET",
    "WATCHDOG_PID",
    "WATCHDOG_USEC",
    "LISTEN_FDS",
    "LISTEN_PID",
    "LISTEN_FDNAMES",
    "REMOTE_ADDR",
    "REMOTE_PORT",
    "SERVICE_RESULT",
    "EXIT_CODE",
    "EXIT_STATUS",
    "RUNTIME_DIRECTORY",
    "STATE_DIRECTORY",
    "CACHE_DIRECTORY",
    "LOGS_DIRECTORY",
    "CONFIGURATION_DIRECTORY",
    "CREDENTIALS_DIRECTORY",
    "SYSTEMD_EXEC_PID",
    "TRIGGER_UNIT",
    "TRIGGER_PATH",
    "XDG_RUNTIME_DIR",
    "DBUS_SESSION_BUS_ADDRESS",
];

rule! {
    /// systemd runs no commands to find a value: `Environment=X=$(cmd)` sets X to the text `$(cmd)`. Where a shell
    /// later sees that text it runs the command then, as often as it meets it. A compiled job of Eight Bells is data
    /// that no shell sees, and may hold such a text. Write the values to a file in an
    /// `ExecStartPre=` and read it with `EnvironmentFile=`, or let the program look them up.
    SUBSTITUTION_IN_ENVIRONMENT = "substitution-in-environment", Error, "a command substitution in Environment= is literal text",
    source: "systemd.exec(5), Environment=; seen on 252", check: Some(|unit, _, found| {
        each_environment(unit, |line, value| {
            let data = |name: &str| [JOB_VARIABLE, ETCD_VARIABLE].contains(&name);
            let literal = value.variables.iter().filter(|it| substitutes(&it.value) && !data(&it.name));
            for variable in literal {
                let message = format!("`{}` is set to this very text: nothing runs the command", variable.name);
                found.value(line, variable.span.clone(), message);
            }
        });
    })
}

rule! {
    /// systemd starts the program itself, without a shell: `$(cmd)` and backticks reach it as they are written. Put
    /// the command into a script, or run it with `/bin/sh -c`.
    SUBSTITUTION_IN_EXEC = "substitution-in-exec", Error, "a command substitution where no shell reads it",
    source: "systemd.service(5), COMMAND LINES", check: Some(|unit, _, found| {
        each_command(unit, |line, command| {
            if shell_text(command).is_some() || runs_shell(command) {
                return;
            }
            for (word, text) in words(command).filter(|(_, text)| substitutes(text)) {
                found.value(line, word, format!("no shell runs the command in `{text}`"));
            }
        });
    })
}

rule! {
    /// The variable holds a command substitution as text. systemd puts the text into the shell's script wherever
    /// `${NAME}` stands, and the shell runs the command at each place: two uses of a clock or a random name differ
    /// within one run. Set a variable of the shell once, and use `$$name` after that.
    SUBSTITUTION_REPEATED = "substitution-repeated", Warning, "a command in a variable runs once for each use",
    source: "systemd.service(5), COMMAND LINES; seen on 252", check: Some(|unit, _, found| {
        let commands = substituted_variables(unit);
        each_command(unit, |line, command| {
            let mut uses: BTreeMap<String, Vec<Range<usize>>> = BTreeMap::new();
            for (name, place) in braced(line, command).filter(|(name, _)| commands.contains(name)) {
                uses.entry(name).or_default().push(place);
            }
            for (name, places) in uses {
                if let [_, second, ..] = places.as_slice() {
                    let message = format!("the command in `{name}` runs {} times in this command", places.len());
                    found.value(line, second.clone(), message);
                }
            }
        });
    })
}

rule! {
    /// `|`, `>`, `&&` and their like are words like any other to systemd, and reach the program as arguments. Run the
    /// line with `/bin/sh -c`, or give each command an `ExecStart=` of its own.
    SHELL_SYNTAX = "shell-syntax", Error, "shell syntax where no shell reads it",
    source: "systemd.service(5), COMMAND LINES", check: Some(|unit, _, found| {
        const WORDS: [&str; 11] = ["|", "||", "&&", "&", ">", ">>", "<", "<<", "2>&1", "2>", "|&"];
        each_command(unit, |line, command| {
            if runs_shell(command) {
                return;
            }
            for (word, text) in words(command) {
                let written = line.entry.bytes().get(word.clone()).unwrap_or_default();
                if WORDS.contains(&text.as_str()) && !written.starts_with(b"\"") && !written.starts_with(b"'") {
                    found.value(line, word, format!("`{text}` is an argument of the program: there is no shell"));
                }
            }
        });
    })
}

rule! {
    /// The status of a pipeline is that of its last command: `dump | gzip > file` succeeds when the dump failed. With
    /// bash, `set -o pipefail` at the beginning of the script makes it count; a plain `sh` has no way.
    PIPELINE_FAILURE_LOST = "pipeline-failure-lost", Warning, "the failure of a pipeline's first command is lost",
    source: "bash(1), Pipelines", fix: Unsafely, check: Some(|unit, _, found| {
        each_command(unit, |line, command| {
            let Some((word, script)) = shell_text(command) else { return };
            if !script.contains("pipefail") && has_pipe(&script) {
                let pipe = line.entry.bytes().get(word.clone()).and_then(|it| it.windows(3).position(|it| it == b" | "));
                let place = pipe.map_or(word.clone(), |pipe| word.start + pipe + 1..word.start + pipe + 2);
                let told = found.value(line, place, "a failure before this `|` goes unnoticed");
                told.help("use bash, and begin its script with `set -o pipefail;`");
                let quoted = line.entry.bytes().get(word.start).is_some_and(|byte| b"\"'".contains(byte));
                if quoted && runs_bash(command) {
                    let begin = line.part(word.start + 1..word.start + 1);
                    let fix = Fix::new(Safety::Unsafe, "begin the script with `set -o pipefail`");
                    told.fix(fix.insert_before(&begin, "set -o pipefail; "));
                }
            }
        });
    })
}

rule! {
    /// systemd puts the environment's values in the place of `${NAME}` before a shell sees it, and nothing where the
    /// unit sets no such variable. A variable of the shell's own is written `$$NAME`, or `$${NAME}`.
    VARIABLE_UNDEFINED = "variable-undefined", Warning, "a variable that the unit does not set",
    source: "systemd.service(5), COMMAND LINES", fix: Unsafely, check: Some(|unit, _, found| {
        if unit.main().is_none() || reads_others(unit) {
            return;
        }
        let mut set = BTreeSet::new();
        each_environment(unit, |_, value| set.extend(value.variables.iter().map(|variable| variable.name.clone())));
        each_command(unit, |line, command| {
            let known = |name: &String| set.contains(name) || KNOWN_VARIABLES.contains(&name.as_str());
            let mut unknown = braced(line, command).filter(|(name, _)| is_name(name) && !known(name)).peekable();
            let shell = unknown.peek().is_some() && runs_shell(command);
            for (name, place) in unknown {
                tell_undefined(line, place, &name, shell, found);
            }
        });
    })
}

rule! {
    /// A tool that mirrors a folder and deletes what is not there any more deletes every good backup when the folder
    /// is empty or the last dump failed. Delete by age, after the upload has been checked.
    DESTRUCTIVE_SYNC = "destructive-sync", Warning, "a mirror that deletes may delete every backup",
    source: "the tools' manuals", check: Some(|unit, _, found| {
        const MARKS: [&str; 7] =
            ["--delete-removed", "--delete-after", "--delete-before", "--delete-excluded", "--delete", "rclone sync", "mirror --remove"];
        each_command(unit, |line, command| {
            let text = String::from_utf8_lossy(line.entry.bytes().get(command.span.clone()).unwrap_or_default()).into_owned();
            let mirrors = ["sync", "mirror", "S3CMD", "s3cmd"].iter().any(|word| text.contains(word));
            if let Some((place, mark)) = MARKS.iter().find_map(|mark| Some((text.find(mark)?, mark))).filter(|_| mirrors) {
                let start = command.span.start + place;
                found.value(line, start..start + mark.len(), format!("`{mark}` deletes the good copies when the source is empty"));
            }
        });
    })
}

rule! {
    /// systemd knows `$NAME` and `${NAME}` only. Forms of the shell such as `${NAME:-default}` are text to it, and a
    /// program that is no shell gets them as they are.
    VARIABLE_DEFAULT_FORM = "variable-shell-form", Warning, "a form of variable that only a shell knows",
    source: "systemd.service(5), COMMAND LINES", check: Some(|unit, _, found| {
        each_command(unit, |line, command| {
            if runs_shell(command) {
                return;
            }
            for (name, place) in braced(line, command) {
                if !is_name(&name) && name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') {
                    found.value(line, place, format!("`${{{name}}}` is no variable to systemd"));
                }
            }
        });
    })
}

fn tell_undefined(line: &Line<'_>, place: Range<usize>, name: &str, shell: bool, found: &mut Found<'_>) {
    let begin = line.part(place.start..place.start + 1);
    let told = found.value(line, place, format!("`{name}` is not set in this unit: nothing is put here"));
    if shell {
        told.help(format!("for a variable of the shell write `$${{{name}}}`"));
        told.fix(Fix::new(Safety::Unsafe, "leave the variable to the shell").insert_before(&begin, "$"));
    }
}

/// Whether the environment has parts that are not in the unit.
fn reads_others(unit: &Unit<'_>) -> bool {
    ["EnvironmentFile", "PassEnvironment", "PAMName"].iter().any(|key| unit.has("Service", key))
}

fn substituted_variables(unit: &Unit<'_>) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    each_environment(unit, |_, value| {
        names.extend(value.variables.iter().filter(|it| substitutes(&it.value)).map(|it| it.name.clone()));
    });
    names
}

fn substitutes(text: &str) -> bool {
    text.contains("$(") || text.matches('`').count() >= 2
}

/// The arguments of a command without the program, and where each stands.
pub(super) fn words(command: &ExecCommand) -> impl Iterator<Item = (Range<usize>, String)> + '_ {
    let first = command.words.len().saturating_sub(command.argv.len());
    let arguments = command.words.iter().skip(first).zip(&command.argv).skip(1);
    arguments.map(|(place, text)| (place.clone(), String::from_utf8_lossy(text).into_owned()))
}

fn is_shell(path: &str) -> bool {
    SHELLS.contains(&path.rsplit('/').next().unwrap_or_default())
}

/// Whether any word of the command is a shell: `docker exec x sh -c …` is one.
fn runs_shell(command: &ExecCommand) -> bool {
    is_shell(&String::from_utf8_lossy(&command.path)) || words(command).any(|(_, text)| is_shell(&text))
}

/// Whether the first shell of the command is bash.
fn runs_bash(command: &ExecCommand) -> bool {
    let path = String::from_utf8_lossy(&command.path).into_owned();
    let shell = std::iter::once(path).chain(words(command).map(|(_, text)| text)).find(|text| is_shell(text));
    shell.is_some_and(|shell| shell.rsplit('/').next() == Some("bash"))
}

/// The script after `-c` of a shell.
pub(super) fn shell_text(command: &ExecCommand) -> Option<(Range<usize>, String)> {
    let mut shell = is_shell(&String::from_utf8_lossy(&command.path));
    let mut is_next = false;
    for (place, text) in words(command) {
        if is_next {
            return Some((place, text));
        }
        is_next = shell && text.starts_with('-') && !text.starts_with("--") && text.ends_with('c');
        shell |= is_shell(&text);
    }
    None
}

/// Whether a script has a pipe: `|` outside quotes that is not `||`.
fn has_pipe(script: &str) -> bool {
    let mut quote = None;
    let mut before = ' ';
    let mut found = false;
    let mut letters = script.chars().peekable();
    while let Some(c) = letters.next() {
        match (quote, c) {
            (None, '\'' | '"') => quote = Some(c),
            (Some(open), c) if open == c => quote = None,
            (None, '|') if before != '|' && before != '>' && letters.peek() != Some(&'|') => found = true,
            _ => {}
        }
        before = c;
    }
    found
}

/// The `${…}` of a command that systemd looks at, with their names and places.
pub(super) fn braced(line: &Line<'_>, command: &ExecCommand) -> impl Iterator<Item = (String, Range<usize>)> {
    let text = line.entry.bytes().get(command.span.clone()).unwrap_or_default();
    let plain = command.prefixes.has(crate::unit::exec::Prefix::NoEnvironment);
    let start = command.span.start;
    let mut at = if plain { text.len() } else { 0 };
    std::iter::from_fn(move || {
        while let Some(place) = text.get(at..)?.iter().position(|byte| *byte == b'$') {
            let dollar = at + place;
            at = dollar + 2;
            if text.get(dollar + 1) != Some(&b'{') {
                continue;
            }
            let inner = text.get(at..)?;
            let length = inner.iter().position(|byte| *byte == b'}')?;
            let name = String::from_utf8_lossy(inner.get(..length)?).into_owned();
            at += length + 1;
            return Some((name, start + dollar..start + at));
        }
        None
    })
}

fn is_name(name: &str) -> bool {
    let first = name.chars().next().is_some_and(|c| c.is_ascii_alphabetic() || c == '_');
    first && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}
