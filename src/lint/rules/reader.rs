//! Values that what reads them cannot read, and values that do nothing.

use super::timer::is_true;
use crate::lint::rule::{Found, rule};
use crate::lint::values::{Asked, Reader, reader_of};
use crate::lint::{Line, Rule, Unit};
use crate::unit::UnitType;
use crate::unit::value::CAPABILITIES;
use crate::unit::words::{WordFlags, Words};

pub(super) static RULES: [&Rule; 6] =
    [&BAD_VALUE, &UNKNOWN_CAPABILITY, &OBSOLETE_OUTPUT, &SETTING_WITHOUT_EFFECT, &USER_NOBODY, &ODD_USER_NAME];

/// Parsers of sizes, whose values the rule `bad-size` tells.
pub(super) const SIZES: [&str; 3] = ["memory_limit", "iec_size", "iec_size_long"];

/// Parsers and keys of which a value that cannot be read refuses the whole unit.
const REFUSING: [&str; 6] =
    ["user_group_compat", "user_group_strv_compat", "exec_output", "RootDirectory", "RootImage", "RootVerity"];

/// From this version on an obsolete word for an output is warned of.
const SYSLOG_OBSOLETE_SINCE: u16 = 246;

/// The longest user name without a warning: what utmp has room for (utmpx.h, `UT_NAMESIZE`), its end not counted.
const USER_NAME_MAX_BYTES: usize = 31;

rule! {
    /// systemd cannot read the value, or a part of it: it ignores the line with a warning that nobody reads, and the
    /// default stays, however weak. For users, groups, roots and files of output it does not load the unit. The message
    /// says what the key takes; `systemd-analyze verify` and the journal have systemd's own words for it.
    BAD_VALUE = "bad-value", Error, "a value that systemd cannot read",
    source: "systemd src/core/load-fragment.c of 252", check: Some(|unit, _, found| {
        tell_unread(unit, found, |parser| !SIZES.contains(&parser));
    })
}

rule! {
    /// systemd passes over a capability that it does not know without a word: a bounding set then holds less, or with
    /// `~` more, than is written.
    UNKNOWN_CAPABILITY = "unknown-capability", Error, "a capability that does not exist",
    source: "capabilities(7); systemd src/basic/cap-list.c", check: Some(|unit, _, found| {
        for line in unit.lines().iter().filter(|line| line.directive().is_some_and(|row| row.parser == "capability_set")) {
            let value = line.value();
            let list = value.strip_prefix('~').unwrap_or(&value);
            let mut words = Words::new(list.as_bytes());
            while let Ok(Some(word)) = words.next_word(WordFlags::UNQUOTE) {
                let name = String::from_utf8_lossy(&word.text).into_owned();
                let known = CAPABILITIES.iter().any(|it| it.eq_ignore_ascii_case(&name));
                if !known && name.parse::<u8>().is_err() {
                    let start = value.len() - list.len();
                    let told = found.value(line, word.span.start + start..word.span.end + start, format!("there is no capability `{name}`"));
                    if let Some(near) = super::words::nearest(name.get(..64).unwrap_or(&name), CAPABILITIES.into_iter()) {
                        told.help(format!("did you mean `{near}`?"));
                    }
                }
            }
        }
    })
}

rule! {
    /// `syslog` as an output is obsolete since 246: systemd takes it for `journal`, with a warning. The journal gives
    /// everything on to a syslog daemon where there is one.
    OBSOLETE_OUTPUT = "obsolete-output", Warning, "an output that systemd no longer has",
    source: "systemd NEWS 246", check: Some(|unit, _, found| {
        if unit.target().systemd < SYSLOG_OBSOLETE_SINCE {
            return;
        }
        for line in unit.lines().iter().filter(|line| line.directive().is_some_and(|row| row.parser == "exec_output")) {
            if let Some(rest) = line.value().strip_prefix("syslog").filter(|rest| matches!(*rest, "" | "+console")) {
                found.line(line, format!("`syslog{rest}` is obsolete")).help(format!("write `journal{rest}`"));
            }
        }
    })
}

rule! {
    /// The setting is read and does nothing beside the others: `RuntimeMaxSec=` counts while a service is active, which
    /// a oneshot never is before it has ended; `RuntimeRandomizedExtraSec=` is added to a `RuntimeMaxSec=`; the two
    /// settings for USB gadgets need each other.
    SETTING_WITHOUT_EFFECT = "setting-without-effect", Warning, "a setting that does nothing beside the others",
    source: "systemd src/core/service.c, service_verify()", check: Some(|unit, _, found| {
        if !unit.is_whole(UnitType::Service) {
            return;
        }
        if let Some(line) = last_set(unit, "RuntimeMaxSec") && super::service::service_type(unit) == "oneshot" && line.value() != "infinity" {
            found.line(&line, "a oneshot is not limited by `RuntimeMaxSec=`").help("write `TimeoutStartSec=` in its place");
        }
        for (key, needed) in [
            ("RuntimeRandomizedExtraSec", "RuntimeMaxSec"),
            ("USBFunctionDescriptors", "USBFunctionStrings"),
            ("USBFunctionStrings", "USBFunctionDescriptors"),
        ] {
            if let Some(line) = last_set(unit, key) && last_set(unit, needed).is_none() {
                found.line(&line, format!("`{key}=` does nothing without `{needed}=`"));
            }
        }
    })
}

rule! {
    /// `nobody` is whom the kernel and NFS take for everybody else: whatever runs as it can reach what all others that
    /// run as it own. Give the service a user of its own, or `DynamicUser=yes`.
    USER_NOBODY = "user-nobody", Warning, "a service runs as nobody",
    source: "systemd.exec(5), User=; systemd.io, UIDS-GIDS", check: Some(|unit, _, found| {
        if let Some(line) = unit.lines().iter().rfind(|line| line.key() == "User" && is_user_key(line)) && line.value() == "nobody" {
            found.line(line, "`nobody` owns what everybody else\u{2019}s services as `nobody` own, too").help("write `DynamicUser=yes`");
        }
    })
}

rule! {
    /// Names of users and groups are letters, digits, `_` and `-`, do not begin with a digit or `-`, and have at most 31
    /// bytes. systemd takes some others with a warning; other programs do not.
    ODD_USER_NAME = "odd-user-name", Warning, "a name of a user or group that many programs refuse",
    source: "systemd.io, USER_NAMES; src/basic/user-util.c", check: Some(|unit, _, found| {
        for line in unit.lines().iter().filter(|line| is_user_key(line)) {
            let value = unit.expand(&line.value());
            let names = if line.key() == "SupplementaryGroups" {
                value.split_whitespace().map(str::to_owned).collect()
            } else {
                vec![value]
            };
            if let Some(name) = names.iter().find(|name| !name.is_empty() && is_odd(name)) {
                found.line(line, format!("`{name}` is a name that not every program takes"));
            }
        }
    })
}

fn last_set<'a>(unit: &Unit<'a>, key: &str) -> Option<Line<'a>> {
    unit.last("Service", key).filter(|line| !line.entry.bytes().is_empty())
}

fn is_user_key(line: &Line<'_>) -> bool {
    line.directive().is_some_and(|row| row.parser.starts_with("user_group"))
}

fn is_odd(name: &str) -> bool {
    let digits = name.bytes().all(|byte| byte.is_ascii_digit());
    let begins = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    let plain = name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-');
    !digits && !name.contains(['%', ':', '/']) && (!begins || !plain || name.len() > USER_NAME_MAX_BYTES)
}

/// Tells values that the readers of some parsers cannot read.
pub(super) fn tell_unread(unit: &Unit<'_>, found: &mut Found<'_>, of: impl Fn(&str) -> bool) {
    let version = unit.target().systemd;
    for line in unit.lines() {
        if found.is_full() {
            return;
        }
        let Some(row) = line.directive().filter(|row| of(row.parser) && row.last.is_none()) else { continue };
        let Some(reader) = reader_of(row) else { continue };
        let written = line.value();
        let value = if reader.expands { unit.expand(&written) } else { written.into_owned() };
        if let Some(part) = reader.unread(Asked { key: line.key(), value: &value, version }) {
            tell(line, reader, &part, REFUSING.contains(&row.parser) || REFUSING.contains(&row.key), found);
        }
    }
}

fn tell(line: &Line<'_>, reader: &Reader, part: &str, refuses: bool, found: &mut Found<'_>) {
    if part.is_empty() {
        let message = format!("an empty `{}=` is ignored: it takes {}", line.key(), reader.wanted);
        found.key(line, message).severity = crate::diag::Severity::Warning;
        return;
    }
    let place = line.value().find(part).map(|at| at..at + part.len());
    let message = format!("`{part}` is not {}", reader.wanted);
    let told = match place {
        Some(place) => found.value(line, place, message),
        None => found.line(line, message),
    };
    let help =
        if refuses { "systemd does not load the unit" } else { "systemd ignores this, and what was before it stays" };
    told.help(help);
    let is_size = line.directive().is_some_and(|row| SIZES.contains(&row.parser));
    if let Some(meant) = super::value::meant_size(part).filter(|_| is_size) {
        told.fix(super::value::write(line, &meant));
    }
}

/// Whether a socket takes connections one by one.
pub(super) fn accepts(unit: &Unit<'_>) -> bool {
    is_true(&unit.value("Socket", "Accept"))
}
