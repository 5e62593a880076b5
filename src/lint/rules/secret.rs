//! Secrets where everybody can read them.

use super::exec::{each_command, each_environment};
use super::shell::{braced, words};
use crate::lint::Rule;
use crate::lint::rule::rule;

pub(super) static RULES: [&Rule; 4] =
    [&SECRET_ON_COMMAND_LINE, &SECRET_IN_ENVIRONMENT, &SECRET_IN_URL, &WORLD_ACCESSIBLE_MODE];

rule! {
    /// Every user of the machine can read the arguments of every process. A password, key or token does not belong
    /// there, and a variable such as `${PASSWORD}` is put in before the process starts. Give it in a file
    /// (`LoadCredential=`, `--password-file`), or in the environment of the program alone.
    SECRET_ON_COMMAND_LINE = "secret-on-command-line", Warning, "a secret becomes an argument of a process",
    source: "proc(5), /proc/pid/cmdline", check: Some(|unit, _, found| {
        each_command(unit, |line, command| {
            let mut told = Vec::new();
            for (name, place) in braced(line, command).filter(|(name, _)| is_secret(name)) {
                told.push(place.clone());
                found.value(line, place, format!("the value of `{name}` becomes an argument that every user can read"));
            }
            for (place, text) in words(command) {
                let next = told.partition_point(|it| it.start < place.start);
                let covered = told.get(next).is_some_and(|it| it.end <= place.end);
                if !covered && let Some(name) = secret_argument(&text) {
                    found.value(line, place, format!("the value of `{name}` is an argument that every user can read"));
                }
            }
        });
    })
}

rule! {
    /// Unit files are readable for everybody, and `systemctl show` prints `Environment=` to every user. Use
    /// `LoadCredential=`, or an `EnvironmentFile=` that only root may read.
    SECRET_IN_ENVIRONMENT = "secret-in-environment", Warning, "a secret stands in Environment=",
    source: "systemd.exec(5), Environment=", check: Some(|unit, _, found| {
        each_environment(unit, |line, value| {
            for variable in value.variables.iter().filter(|it| is_secret(&it.name) && is_literal(&it.value)) {
                let message = format!("`{}` stands in the unit, which every user can read", variable.name);
                found.value(line, variable.span.clone(), message)
                    .help("use `EnvironmentFile=` with a file of mode 0600, or `LoadCredential=`");
            }
        });
    })
}

rule! {
    /// A URL of the form `scheme://user:password@host` carries its password to wherever the URL goes: process
    /// lists, logs, `systemctl show`.
    SECRET_IN_URL = "secret-in-url", Warning, "a URL with a password in it",
    source: "RFC 3986, section 3.2.1", check: Some(|unit, _, found| {
        for line in unit.lines().iter().filter(|line| !line.section().starts_with("X-")) {
            let value = line.value();
            let mut at = 0;
            while let Some(place) = value.get(at..).and_then(|rest| rest.find("://")) {
                let start = at + place + 3;
                let rest = value.get(start..).unwrap_or_default();
                let authority = rest.split(['/', ' ', '"', '\'', '?', '#', ',']).next().unwrap_or_default();
                at = start + authority.len();
                if has_password(authority) {
                    found.value(line, start..at, "the URL holds a password");
                }
            }
        }
    })
}

rule! {
    /// The mode lets every user of the machine write, or, for `UMask=`, takes nothing away from what programs make.
    WORLD_ACCESSIBLE_MODE = "world-writable", Warning, "a mode that lets everybody write",
    source: "systemd.exec(5), UMask=, StateDirectoryMode=", check: Some(|unit, _, found| {
        for line in unit.lines() {
            let Ok(mode) = u32::from_str_radix(&line.value(), 8) else { continue };
            let is_mode = line.key().ends_with("DirectoryMode");
            if (line.key() == "UMask" && mode & 0o002 == 0) || (is_mode && mode & 0o1002 == 0o002) {
                found.line(line, format!("`{}={}` lets everybody write", line.key(), line.value()));
            }
        }
    })
}

/// A name that says its value is a secret, and not where one is kept.
fn is_secret(name: &str) -> bool {
    let name = name.to_ascii_uppercase().replace('-', "_");
    let place = ["_FILE", "_PATH", "_DIR", "_URL", "_COMMAND", "_ID", "_NAME", "PASSFILE", "_TTL", "_HEADER"];
    let marks =
        ["PASSWORD", "PASSWD", "PASSPHRASE", "SECRET", "TOKEN", "API_KEY", "APIKEY", "ACCESS_KEY", "PRIVATE_KEY"];
    let known = ["PGPASS", "MYSQL_PWD", "PWD_ROOT"].contains(&name.as_str());
    known || (marks.iter().any(|mark| name.contains(mark)) && !place.iter().any(|end| name.ends_with(end)))
}

/// A value that is the secret itself: not empty, no path, no reference.
fn is_literal(value: &str) -> bool {
    !value.is_empty() && !value.starts_with(['/', '$', '%']) && !value.contains("$(") && !value.contains('`')
}

/// `--password=x`, `-e TOKEN=x` or `PASSWORD=x` with a value: the name.
fn secret_argument(text: &str) -> Option<String> {
    let (name, value) = text.split_once('=')?;
    let bare = name.trim_start_matches('-');
    let word = !bare.is_empty() && bare.chars().all(|c| c.is_ascii_alphanumeric() || "_-".contains(c));
    (word && is_secret(bare) && is_literal(value)).then(|| bare.to_owned())
}

fn has_password(authority: &str) -> bool {
    let Some((user, _)) = authority.rsplit_once('@') else { return false };
    user.split_once(':').is_some_and(|(_, password)| !password.is_empty() && !password.starts_with(['$', '%']))
}
