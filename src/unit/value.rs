//! Scalar values of settings, as systemd reads them. A value that it cannot read it ignores, with a warning.

use std::collections::BTreeSet;
use std::num::NonZeroU64;

use super::quote::is_noncharacter;
use super::words::{WordFlags, Words};
use crate::schedule::TimeSpan;

/// systemd could not read the value, and ignores the setting.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{value}` is not {wanted}")]
pub struct ValueError {
    /// The value.
    pub value: String,
    /// What it should be, with its article.
    pub wanted: &'static str,
}

fn wrong(value: &str, wanted: &'static str) -> ValueError {
    ValueError { value: value.to_owned(), wanted }
}

/// What a size's letters multiply by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SizeBase {
    /// 1,024, as in `MemoryMax=`.
    Iec,
    /// 1,000, as in `IOReadBandwidthMax=`.
    Si,
}

/// Reads a size such as `4.5M` or `1G 512M`, in bytes: amounts with falling letters, summed.
///
/// # Errors
/// Anything else, and more than 64 bits.
pub fn size(value: &str, base: SizeBase) -> Result<u64, ValueError> {
    let factor = match base {
        SizeBase::Iec => 1024,
        SizeBase::Si => 1000,
    };
    sum_of_amounts(value, factor).ok_or_else(|| wrong(value, "a size, such as `512M`"))
}

/// Letters of sizes and their powers, falling; no letter is bytes too.
const SIZE_LETTERS: [(&str, u32); 8] = [("E", 6), ("P", 5), ("T", 4), ("G", 3), ("M", 2), ("K", 1), ("B", 0), ("", 0)];

fn sum_of_amounts(value: &str, factor: u64) -> Option<u64> {
    let mut rest = value.trim_start();
    let mut letters = SIZE_LETTERS.as_slice();
    let mut sum = 0u64;
    if rest.is_empty() {
        return None;
    }
    while !rest.is_empty() {
        let (whole, after) = digits(rest)?;
        let (fraction, after) =
            after.strip_prefix('.').map_or(("", after), |after| digits(after).unwrap_or(("", after)));
        let after = after.trim_start();
        let place = letters.iter().position(|(letter, _)| after.starts_with(letter))?;
        let (letter, power) = letters.get(place)?;
        let unit = factor.checked_pow(*power)?;
        let whole = whole.parse::<u64>().ok()?.checked_mul(unit)?;
        sum = sum.checked_add(whole)?.checked_add(fraction_of(fraction, unit))?;
        letters = letters.get(place + 1..)?;
        rest = after.get(letter.len()..)?.trim_start();
    }
    Some(sum)
}

fn digits(text: &str) -> Option<(&str, &str)> {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    text.split_at_checked(end).filter(|(digits, _)| !digits.is_empty())
}

/// The part of a unit that decimals after the point make.
fn fraction_of(decimals: &str, unit: u64) -> u64 {
    // Of nineteen decimals the last is less than a byte of an exbibyte.
    let next = |(sum, scale): (u128, u128), digit: u8| (sum * 10 + u128::from(digit.saturating_sub(b'0')), scale * 10);
    let (sum, scale) = decimals.bytes().take(19).fold((0, 1), next);
    u64::try_from(sum * u128::from(unit) / scale).unwrap_or(u64::MAX)
}

/// Reads a boolean: `1 yes y true t on` or `0 no n false f off`, in any case.
///
/// # Errors
/// Anything else.
pub fn boolean(value: &str) -> Result<bool, ValueError> {
    let is_one = |words: [&str; 6]| words.iter().any(|word| value.eq_ignore_ascii_case(word));
    match (is_one(["1", "yes", "y", "true", "t", "on"]), is_one(["0", "no", "n", "false", "f", "off"])) {
        (true, _) => Ok(true),
        (_, true) => Ok(false),
        _ => Err(wrong(value, "yes or no")),
    }
}

/// Reads a whole number; `0x`, `0o`, `0b` and a leading `0` give its base.
///
/// # Errors
/// Anything else, and more than 64 bits.
pub fn integer(value: &str) -> Result<i64, ValueError> {
    let text = value.trim_start();
    let (negative, magnitude) = match text.strip_prefix(['-', '+']) {
        Some(rest) => (text.starts_with('-'), rest),
        None => (false, text),
    };
    let number = magnitude_of(magnitude).and_then(|number| i64::try_from(number).ok());
    number.map(|number| if negative { -number } else { number }).ok_or_else(|| wrong(value, "a whole number"))
}

/// Reads a whole number that is not negative.
///
/// # Errors
/// Anything else, and more than 64 bits.
pub fn unsigned(value: &str) -> Result<u64, ValueError> {
    let text = value.trim_start();
    magnitude_of(text.strip_prefix('+').unwrap_or(text)).ok_or_else(|| wrong(value, "a whole number of 0 or more"))
}

fn magnitude_of(text: &str) -> Option<u64> {
    let based = [("0x", 16), ("0X", 16), ("0o", 8), ("0b", 2), ("0", 8)];
    let found = based.iter().find_map(|(prefix, base)| Some((text.strip_prefix(prefix)?, *base)));
    let (digits, base) = found.filter(|(digits, _)| !digits.is_empty()).unwrap_or((text, 10));
    let unsigned = digits.starts_with(|c: char| c.is_digit(base));
    u64::from_str_radix(digits, base).ok().filter(|_| unsigned)
}

/// Reads an access mode, octal.
///
/// # Errors
/// Anything but octal digits, and more than `7777`.
pub fn mode(value: &str) -> Result<u32, ValueError> {
    let bits = u32::from_str_radix(value, 8).ok().filter(|bits| *bits <= 0o7777 && !value.starts_with('+'));
    bits.ok_or_else(|| wrong(value, "an octal mode of at most 7777"))
}

/// The syslog levels, gravest first; a level's place is its number.
pub const LOG_LEVELS: [&str; 8] = ["emerg", "alert", "crit", "err", "warning", "notice", "info", "debug"];

/// The syslog facilities; a facility's place is its number, and 12 to 15 have no name.
pub const LOG_FACILITIES: [&str; 24] = [
    "kern", "user", "mail", "daemon", "auth", "syslog", "lpr", "news", "uucp", "cron", "authpriv", "ftp", "12", "13",
    "14", "15", "local0", "local1", "local2", "local3", "local4", "local5", "local6", "local7",
];

/// Reads a level by name or number.
///
/// # Errors
/// Neither.
pub fn log_level(value: &str) -> Result<usize, ValueError> {
    named_or_numbered(&LOG_LEVELS, value).ok_or_else(|| wrong(value, "a log level, such as `info`"))
}

/// Reads a facility by name or number.
///
/// # Errors
/// Neither.
pub fn log_facility(value: &str) -> Result<usize, ValueError> {
    named_or_numbered(&LOG_FACILITIES, value).ok_or_else(|| wrong(value, "a log facility, such as `daemon`"))
}

fn named_or_numbered(names: &[&str], value: &str) -> Option<usize> {
    let by_name = names.iter().position(|name| *name == value);
    by_name.or_else(|| usize::try_from(unsigned(value).ok()?).ok().filter(|number| *number < names.len()))
}

/// Reads an absolute path, and takes out the slashes that say nothing.
///
/// # Errors
/// A relative path, and what is not UTF-8 or holds a noncharacter.
pub fn path(value: &[u8]) -> Result<String, ValueError> {
    let text =
        std::str::from_utf8(value).ok().filter(|text| text.starts_with('/') && !text.chars().any(is_noncharacter));
    let text = text.ok_or_else(|| wrong(&String::from_utf8_lossy(value), "an absolute path"))?;
    let parts: Vec<&str> = text.split('/').filter(|part| !matches!(*part, "" | ".")).collect();
    Ok(format!("/{}", parts.join("/")))
}

/// A resource limit; none is without limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limit {
    /// What the process may raise, up to the hard limit.
    pub soft: Option<u64>,
    /// What it may not.
    pub hard: Option<u64>,
}

/// What a resource is counted in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LimitUnit {
    /// A number: `LimitNOFILE=`, `LimitNPROC=`.
    Count,
    /// Bytes: `LimitAS=`, `LimitCORE=`.
    Bytes,
    /// Whole seconds, rounded up: `LimitCPU=`.
    Seconds,
    /// Microseconds: `LimitRTTIME=`.
    Micros,
}

/// Reads `soft:hard`, or one limit for both.
///
/// # Errors
/// A part that is none of the unit's values, and a soft limit above the hard one.
pub fn limit(value: &str, unit: LimitUnit) -> Result<Limit, ValueError> {
    let refused = || wrong(value, "a limit, or `SOFT:HARD`");
    let part = |text| if text == "infinity" { Ok(None) } else { amount(text, unit).map(Some).ok_or_else(refused) };
    let (soft, hard) = value.split_once(':').unwrap_or((value, value));
    let limit = Limit { soft: part(soft)?, hard: part(hard)? };
    let ordered = limit.soft.unwrap_or(u64::MAX) <= limit.hard.unwrap_or(u64::MAX);
    if ordered { Ok(limit) } else { Err(refused()) }
}

/// A limit that is one, in what its resource is counted in; systemd's infinity is the largest number.
fn amount(text: &str, unit: LimitUnit) -> Option<u64> {
    let span = |span: TimeSpan| span.micros().unwrap_or(u64::MAX);
    match unit {
        LimitUnit::Count => unsigned(text).ok(),
        LimitUnit::Bytes => size(text, SizeBase::Iec).ok(),
        LimitUnit::Seconds => TimeSpan::parse(text).ok().map(span).map(|micros| micros.div_ceil(1_000_000)),
        LimitUnit::Micros => TimeSpan::parse_with_unit(text, NonZeroU64::MIN).ok().map(span),
    }
}

/// The capabilities of Linux 6, in the order of their numbers (linux/capability.h).
pub const CAPABILITIES: [&str; 41] = [
    "CAP_CHOWN",
    "CAP_DAC_OVERRIDE",
    "CAP_DAC_READ_SEARCH",
    "CAP_FOWNER",
    "CAP_FSETID",
    "CAP_KILL",
    "CAP_SETGID",
    "CAP_SETUID",
    "CAP_SETPCAP",
    "CAP_LINUX_IMMUTABLE",
    "CAP_NET_BIND_SERVICE",
    "CAP_NET_BROADCAST",
    "CAP_NET_ADMIN",
    "CAP_NET_RAW",
    "CAP_IPC_LOCK",
    "CAP_IPC_OWNER",
    "CAP_SYS_MODULE",
    "CAP_SYS_RAWIO",
    "CAP_SYS_CHROOT",
    "CAP_SYS_PTRACE",
    "CAP_SYS_PACCT",
    "CAP_SYS_ADMIN",
    "CAP_SYS_BOOT",
    "CAP_SYS_NICE",
    "CAP_SYS_RESOURCE",
    "CAP_SYS_TIME",
    "CAP_SYS_TTY_CONFIG",
    "CAP_MKNOD",
    "CAP_LEASE",
    "CAP_AUDIT_WRITE",
    "CAP_AUDIT_CONTROL",
    "CAP_SETFCAP",
    "CAP_MAC_OVERRIDE",
    "CAP_MAC_ADMIN",
    "CAP_SYSLOG",
    "CAP_WAKE_ALARM",
    "CAP_BLOCK_SUSPEND",
    "CAP_AUDIT_READ",
    "CAP_PERFMON",
    "CAP_BPF",
    "CAP_CHECKPOINT_RESTORE",
];

/// A set of capabilities, by name.
pub type Capabilities = BTreeSet<&'static str>;

/// What one line of `CapabilityBoundingSet=` or `AmbientCapabilities=` makes of the set so far: its names are added,
/// after `~` taken away, and an empty value empties the set. Unknown names do nothing.
#[must_use]
pub fn capabilities(value: &[u8], so_far: &Capabilities) -> Capabilities {
    let value = value.trim_ascii();
    if value.is_empty() {
        return Capabilities::new();
    }
    let (taken_away, list) = value.strip_prefix(b"~").map_or((false, value), |list| (true, list));
    let named = known_capabilities(list);
    if taken_away { so_far.difference(&named).copied().collect() } else { so_far.union(&named).copied().collect() }
}

/// The names of a list. A quote that is not closed ends at the list's end.
fn known_capabilities(list: &[u8]) -> Capabilities {
    let mut words = Words::new(list);
    let mut found = Capabilities::new();
    while let Ok(Some(word)) = words.next_word(WordFlags::UNQUOTE | WordFlags::RELAX) {
        found.extend(CAPABILITIES.iter().find(|name| name.as_bytes().eq_ignore_ascii_case(&word.text)));
    }
    found
}
