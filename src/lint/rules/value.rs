//! Values: whether systemd can read them.

use super::timer::as_note;
use super::words;
use crate::diag::{Fix, Safety};
use crate::lint::rule::{Found, rule};
use crate::lint::{Line, Rule, Unit};
use crate::schedule::{CalendarSpec, CronLine, TimeSpan};
use crate::unit::value::{SizeBase, integer, size, unsigned};
use crate::unit::words::{WordFlags, Words};

pub(super) static RULES: [&Rule; 11] = [
    &BAD_BOOLEAN,
    &BAD_TIME_SPAN,
    &BAD_CALENDAR,
    &CALENDAR_TOO_NEW,
    &BAD_SIZE,
    &BAD_NUMBER,
    &BAD_MODE,
    &BAD_WORD,
    &RELATIVE_PATH,
    &BAD_SIGNAL,
    &BAD_DOCUMENTATION,
];

/// Keys with a fixed set of values (to systemd 262): key, values.
const WORDS: [(&str, &[&str]); 17] = [
    ("Type", &["simple", "exec", "forking", "oneshot", "dbus", "notify", "notify-reload", "idle"]),
    ("Restart", &["no", "on-success", "on-failure", "on-abnormal", "on-abort", "on-watchdog", "always"]),
    ("RestartMode", &["normal", "direct", "debug"]),
    ("KillMode", &["control-group", "process", "mixed", "none"]),
    ("NotifyAccess", &["none", "main", "exec", "all"]),
    ("ExitType", &["main", "cgroup"]),
    ("OOMPolicy", &["continue", "stop", "kill"]),
    ("KeyringMode", &["inherit", "private", "shared"]),
    ("DevicePolicy", &["auto", "closed", "strict"]),
    ("ProtectProc", &["noaccess", "invisible", "ptraceable", "default"]),
    ("ProcSubset", &["all", "pid"]),
    ("IOSchedulingClass", &["none", "realtime", "best-effort", "idle", "0", "1", "2", "3"]),
    ("CPUSchedulingPolicy", &["other", "batch", "idle", "fifo", "rr", "ext"]),
    ("CollectMode", &["inactive", "inactive-or-failed"]),
    ("UtmpMode", &["init", "login", "user"]),
    ("TimeoutStartFailureMode", &["terminate", "abort", "kill"]),
    ("TimeoutStopFailureMode", &["terminate", "abort", "kill"]),
];

/// Keys with a whole number between two bounds: key, least, most.
const RANGES: [(&str, i64, i64); 4] = [
    ("Nice", -20, 19),
    ("OOMScoreAdjust", -1000, 1000),
    ("IOSchedulingPriority", 0, 7),
    ("CPUSchedulingPriority", 0, 99),
];

rule! {
    /// A boolean is one of `1 yes y true t on` and `0 no n false f off`, in any case. systemd ignores a line with
    /// anything else, and the default stays.
    BAD_BOOLEAN = "bad-boolean", Error, "a value that is no boolean",
    source: "systemd src/basic/parse-util.c, parse_boolean()", fix: Safely, check: Some(|unit, _, found| {
        each(unit, "bool", |line, value| {
            if !is_boolean(value) {
                let told = found.line(line, format!("`{value}` is neither yes nor no: the line is ignored"));
                told.help("write `true` or `false`");
                if let Some(meant) = meant_boolean(value) {
                    told.fix(write(line, meant));
                }
            }
        });
    })
}

rule! {
    /// A time span is a number of seconds, or numbers with units: `90`, `1h 30min`, `2d`. `m` is minutes, `month` is
    /// months. systemd ignores a line with anything else.
    BAD_TIME_SPAN = "bad-time-span", Error, "a value that is no time span",
    source: "systemd.time(7), PARSING TIME SPANS", fix: Safely, check: Some(|unit, _, found| {
        let parsers = ["sec", "sec_fix_0", "service_timeout", "service_timeout_abort", "job_timeout_sec"];
        for parser in parsers {
            each(unit, parser, |line, value| {
                if !(value.is_empty() && parser == "service_timeout_abort") {
                    tell_span(line, value, found);
                }
            });
        }
        each(unit, "timer", |line, value| {
            if line.key() != "OnCalendar" && !value.is_empty() {
                tell_span(line, value, found);
            }
        });
    })
}

rule! {
    /// `OnCalendar=` takes systemd's own notation: `daily`, `Mon..Fri 02:30`, `*:0/15`. A crontab line is none, nor is
    /// `*/15`. systemd ignores the line, and a timer with no other is refused.
    BAD_CALENDAR = "bad-calendar", Error, "a value that is no calendar event",
    source: "systemd.time(7), CALENDAR EVENTS", fix: Safely, check: Some(|unit, _, found| {
        for line in unit.list("Timer", "OnCalendar") {
            if found.is_full() {
                return;
            }
            let value = unit.expand(&line.value());
            if let Err(error) = CalendarSpec::parse(&value) {
                let place = if value == line.value() { error.span() } else { 0..line.entry.bytes().len() };
                let told = found.value(&line, widened(place, value.len()), format!("`{value}` is not a calendar event"));
                told.label(error.to_string());
                if let Some(hint) = error.hint() {
                    told.help(hint);
                }
                if let Some(meant) = meant_calendar(&line, &value) {
                    told.fix(write(&line, &meant));
                }
            }
        }
    })
}

rule! {
    /// The systemd that the unit is for cannot read this form of calendar event yet: ranges with `..` came with 231,
    /// time zones with 235, `~` with 233.
    CALENDAR_TOO_NEW = "calendar-too-new", Error, "a calendar event that the target's systemd cannot read",
    source: "systemd NEWS 197 to 235", fix: Safely, check: Some(|unit, _, found| {
        for line in unit.list("Timer", "OnCalendar") {
            let value = line.value();
            let Ok(spec) = CalendarSpec::parse(&value) else { continue };
            let version = unit.target().systemd;
            match spec.text_for(version) {
                Err(needs) => {
                    found.line(&line, format!("{needs}; this is for {version}"));
                }
                Ok(older) if value.contains("..") && !older.contains("..") => {
                    found.line(&line, format!("systemd {version} cannot read `..`")).help(format!("write `{older}`"))
                        .fix(write(&line, &older));
                }
                Ok(_) => {}
            }
        }
    })
}

rule! {
    /// A size is a number of bytes with a suffix K, M, G, T, P or E (times 1024), a percentage where memory is meant,
    /// or `infinity`. systemd ignores a line with anything else; `KB` and `MiB` are such, and so is a `MemoryMax=` of
    /// nothing at all.
    BAD_SIZE = "bad-size", Error, "a value that is no size",
    source: "systemd src/basic/parse-util.c, parse_size()", fix: Safely, check: Some(|unit, _, found| {
        super::reader::tell_unread(unit, found, |parser| super::reader::SIZES.contains(&parser));
    })
}

rule! {
    /// The key takes a whole number, some of them within bounds: `Nice=` from -20 to 19, `OOMScoreAdjust=` from -1000
    /// to 1000. systemd ignores a line with anything else.
    BAD_NUMBER = "bad-number", Error, "a value that is no number, or out of bounds",
    source: "systemd.exec(5), systemd.resource-control(5)", check: Some(|unit, _, found| {
        for (key, least, most) in RANGES {
            for line in unit.lines().iter().filter(|line| line.key() == key && !line.section().starts_with("X-")) {
                let value = line.value();
                let special = value.is_empty() && key != "CPUSchedulingPriority";
                if !special && !integer(&value).is_ok_and(|number| (least..=most).contains(&number)) {
                    found.line(line, format!("`{key}=` is a whole number from {least} to {most}"));
                }
            }
        }
        each(unit, "unsigned", |line, value| {
            if !unsigned(value).is_ok_and(|number| u32::try_from(number).is_ok()) {
                found.line(line, format!("`{}=` is a whole number", line.key()));
            }
        });
    })
}

rule! {
    /// A mode is octal, at most `7777`: `0750`. systemd ignores a line with anything else, and the default stays.
    BAD_MODE = "bad-mode", Error, "a value that is no file mode",
    source: "systemd src/shared/conf-parser.c, config_parse_mode()", fix: Safely, check: Some(|unit, _, found| {
        each(unit, "mode", |line, value| {
            if !is_mode(value) && !value.is_empty() {
                let told = found.line(line, format!("`{value}` is not an octal mode such as `0750`"));
                if let Some(meant) = value.strip_prefix("0o").filter(|digits| is_mode(digits)) {
                    told.fix(write(line, &format!("0{meant}")));
                }
            }
        });
    })
}

rule! {
    /// The key takes one of a few words. systemd ignores a line with any other, and the default stays: a service with
    /// a misspelled `Type=` is a simple one.
    BAD_WORD = "bad-word", Error, "a value that is none of those allowed",
    source: "man pages of systemd 262", fix: Safely, check: Some(|unit, _, found| {
        for line in unit.lines().iter().filter(|line| matches!(line.section(), "Service" | "Unit" | "Socket" | "Mount")) {
            if line.key() == "Type" && line.section() != "Service" {
                continue;
            }
            let Some((_, words)) = WORDS.iter().find(|(key, _)| *key == line.key()) else { continue };
            let value = line.value();
            if !value.is_empty() && !words.contains(&&*value) && line.directive().is_some() {
                let told = found.line(line, format!("`{}={value}` is ignored", line.key()));
                told.help(format!("there are {}", words.join(", ")));
                let text = value.trim_matches(['"', '\'']);
                if let Some(meant) = words::meant(text.get(..100).unwrap_or(text), words.iter().copied()) {
                    told.fix(write(line, meant));
                }
            }
        }
    })
}

rule! {
    /// systemd knows no working folder that a relative path could begin at: it ignores the line. Write an absolute
    /// path, or a specifier such as `%t` (`/run`) or `%S` (`/var/lib`).
    RELATIVE_PATH = "relative-path", Error, "a path that is not absolute",
    source: "systemd src/core/load-fragment.c", check: Some(|unit, _, found| {
        for parser in ["namespace_path_strv", "unit_env_file", "working_directory", "unit_condition_path"] {
            each(unit, parser, |line, value| {
                for path in paths(parser, value) {
                    if !value.is_empty() && !path.starts_with(['/', '%']) {
                        found.line(line, format!("`{path}` is not an absolute path"));
                    }
                }
            });
        }
    })
}

rule! {
    /// A signal is a name, with `SIG` or without, `RTMIN+n`, or a number from 1 to 64. systemd ignores a line with
    /// anything else.
    BAD_SIGNAL = "bad-signal", Error, "a value that is no signal",
    source: "signal(7)", fix: Safely, check: Some(|unit, _, found| {
        each(unit, "signal", |line, value| {
            if !is_signal(value) {
                let told = found.line(line, format!("`{value}` is not a signal: the line is ignored"));
                let upper = value.to_uppercase();
                if is_signal(&upper) {
                    told.fix(write(line, &upper));
                }
            }
        });
    })
}

rule! {
    /// `Documentation=` takes links of the kinds `https:`, `http:`, `file:`, `info:` and `man:`, with blanks between
    /// them. systemd ignores any other.
    BAD_DOCUMENTATION = "bad-documentation", Warning, "Documentation= with something that is no link",
    source: "systemd.unit(5), Documentation=", fix: Safely, check: Some(|unit, _, found| {
        for line in unit.list("Unit", "Documentation") {
            let value = line.value();
            let kinds = ["https://", "http://", "file:/", "info:", "man:"];
            let mut words = Words::new(value.as_bytes());
            loop {
                match words.next_word(WordFlags::UNQUOTE) {
                    Ok(None) => break,
                    Err(_) => {
                        found.line(&line, "the quote is not closed: the line is ignored");
                        break;
                    }
                    Ok(Some(word)) => {
                        let text = String::from_utf8_lossy(&word.text).into_owned();
                        if !kinds.iter().any(|kind| text.starts_with(kind)) {
                            let told = found.value(&line, word.span.clone(), format!("`{text}` is not a link"));
                            as_note_if(told, text.starts_with('%') && text.len() > 1);
                            if is_manual_page(&text) {
                                let fix = Fix::new(Safety::Safe, format!("write `man:{text}`"));
                                told.fix(fix.insert_before(&line.part(word.span.start..word.span.start + 1), "man:"));
                            }
                        }
                    }
                }
            }
        }
    })
}

/// The paths of a value, the marks before them taken off.
fn paths(parser: &str, value: &str) -> Vec<String> {
    let bare = |text: &str, marks: [char; 2]| {
        let text = text.strip_prefix(marks[0]).unwrap_or(text);
        text.strip_prefix(marks[1]).unwrap_or(text).to_owned()
    };
    match parser {
        "namespace_path_strv" => split(value).iter().map(|(_, word)| bare(word, ['-', '+'])).collect(),
        "unit_condition_path" => vec![bare(value, ['|', '!'])],
        "working_directory" => Some(bare(value, ['-', '-'])).filter(|path| path != "~").into_iter().collect(),
        _ => vec![bare(value, ['-', '-'])],
    }
}

/// The words of a list with where each begins, quotes taken off; what follows an open quote is left out.
pub(super) fn split(value: &str) -> Vec<(usize, String)> {
    let mut words = Words::new(value.as_bytes());
    let next = || words.next_word(WordFlags::UNQUOTE).ok().flatten();
    std::iter::from_fn(next).map(|word| (word.span.start, String::from_utf8_lossy(&word.text).into_owned())).collect()
}

fn as_note_if(diagnostic: &mut crate::diag::Diagnostic, harmless: bool) {
    if harmless {
        as_note(diagnostic);
    }
}

/// The assignments whose value a parser reads.
fn each<'a>(unit: &Unit<'a>, parser: &str, mut look: impl FnMut(&Line<'a>, &str)) {
    for line in unit.lines() {
        if line.directive().is_some_and(|row| row.parser == parser && row.last.is_none()) {
            look(line, &line.value());
        }
    }
}

fn tell_span(line: &Line<'_>, value: &str, found: &mut Found<'_>) {
    if let Err(error) = TimeSpan::parse(value) {
        let place = widened(error.span(), value.len());
        let told = found.value(line, place, format!("`{value}` is not a time span: the line is ignored"));
        told.label(error.to_string());
        if let Some(meant) = meant_span(value) {
            told.fix(write(line, &meant));
        }
    }
}

/// A place that can be seen: an empty one becomes the whole value.
fn widened(place: std::ops::Range<usize>, length: usize) -> std::ops::Range<usize> {
    if place.is_empty() { 0..length } else { place }
}

/// The value written anew.
pub(super) fn write(line: &Line<'_>, value: &str) -> Fix {
    Fix::new(Safety::Safe, format!("write `{value}`")).replace(&line.span(), value)
}

/// What was meant by a boolean that is none.
pub(super) fn meant_boolean(value: &str) -> Option<&'static str> {
    const YES: [&str; 5] = ["y", "enable", "enabled", "active", "always"];
    const NO: [&str; 6] = ["n", "disable", "disabled", "inactive", "never", "none"];
    let bare = value.trim_matches(['"', '\'']);
    let among = |words: &[&str]| words.iter().any(|word| bare.eq_ignore_ascii_case(word));
    let quoted_yes = bare != value && super::timer::is_true(bare);
    let quoted_no = bare != value && is_boolean(bare);
    match (among(&YES) || quoted_yes, among(&NO) || quoted_no) {
        (true, _) => Some("true"),
        (_, true) => Some("false"),
        _ => None,
    }
}

/// What was meant by a time span with a unit that systemd spells otherwise, or with quotes.
fn meant_span(value: &str) -> Option<String> {
    const UNITS: [(&str, &str); 8] = [
        ("mins", "min"),
        ("secs", "s"),
        ("hrs", "h"),
        ("msecs", "ms"),
        ("millis", "ms"),
        ("milliseconds", "ms"),
        ("wks", "w"),
        ("yrs", "y"),
    ];
    if value.len() > MEANT_MAX_BYTES {
        return None;
    }
    let is_number = |c: char| c.is_ascii_digit() || c == '.' || c == ' ';
    let mut meant = String::new();
    let mut rest = value.trim_matches(['"', '\'']);
    while let Some(first) = rest.chars().next() {
        let number = is_number(first);
        let end = rest.find(|c| is_number(c) != number).unwrap_or(rest.len());
        let (part, after) = rest.split_at(end);
        let unit = UNITS.iter().find(|(word, _)| part.eq_ignore_ascii_case(word));
        meant.push_str(unit.map_or(part, |(_, unit)| unit));
        rest = after;
    }
    TimeSpan::parse(&meant).is_ok().then_some(meant)
}

/// Longer values are not guessed at.
const MEANT_MAX_BYTES: usize = 200;

/// The calendar event that a line of cron's, or one of its nicknames, means; several become a line each.
fn meant_calendar(line: &Line<'_>, value: &str) -> Option<String> {
    if value.len() > MEANT_MAX_BYTES || value != line.value() {
        return None;
    }
    let bare = value.trim_matches(['"', '\'']);
    if let Some(name) = bare.strip_prefix('@').filter(|name| CalendarSpec::parse(name).is_ok()) {
        return Some(name.to_owned());
    }
    if CalendarSpec::parse(bare).is_ok() {
        return Some(bare.to_owned());
    }
    let events: Vec<String> = CronLine::parse(bare).ok()?.specs().iter().map(ToString::to_string).collect();
    Some(events.join(&format!("{}OnCalendar=", line.file.newline())))
}

/// What was meant by a size with a unit that systemd does not write so; `MB` is none of these, since it may be 1000².
pub(super) fn meant_size(value: &str) -> Option<String> {
    let bare = value.trim_matches(['"', '\'']).trim();
    let number = bare.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let unit = bare.get(number.len()..)?.to_ascii_uppercase();
    let letter = unit.strip_suffix("IB").or(unit.strip_suffix('I')).unwrap_or(&unit);
    let meant = format!("{}{letter}", number.trim_end());
    (letter.len() <= 1 && size(&meant, SizeBase::Iec).is_ok()).then_some(meant)
}

fn is_manual_page(word: &str) -> bool {
    let Some((name, section)) = word.strip_suffix(')').and_then(|it| it.rsplit_once('(')) else { return false };
    let named = |c: char| c.is_ascii_alphanumeric() || "-_.@+:".contains(c);
    !name.is_empty()
        && name.chars().all(named)
        && matches!(section.len(), 1 | 2)
        && section.starts_with(|c: char| c.is_ascii_digit())
}

fn is_mode(value: &str) -> bool {
    value.bytes().all(|byte| (b'0'..=b'7').contains(&byte)) && u32::from_str_radix(value, 8).is_ok_and(|m| m <= 0o7777)
}

fn is_boolean(value: &str) -> bool {
    const WORDS: [&str; 12] = ["1", "yes", "y", "true", "t", "on", "0", "no", "n", "false", "f", "off"];
    WORDS.iter().any(|word| value.eq_ignore_ascii_case(word))
}

/// Whether systemd knows a signal by that name or number.
pub(in crate::lint) fn is_signal(value: &str) -> bool {
    const NAMES: [&str; 34] = [
        "HUP", "INT", "QUIT", "ILL", "TRAP", "ABRT", "BUS", "FPE", "KILL", "USR1", "SEGV", "USR2", "PIPE", "ALRM",
        "TERM", "STKFLT", "CHLD", "CONT", "STOP", "TSTP", "TTIN", "TTOU", "URG", "XCPU", "XFSZ", "VTALRM", "PROF",
        "WINCH", "IO", "POLL", "PWR", "SYS", "IOT", "CLD",
    ];
    // Of Linux's 64 signals 34 to 64 are those of real time.
    const REAL_TIME_MOST: u8 = 30;
    let name = value.strip_prefix("SIG").unwrap_or(value);
    let number = value.parse::<u8>().is_ok_and(|number| (1..=64).contains(&number));
    let real_time = |base: &str, sign: char| {
        let Some(rest) = name.strip_prefix(base) else { return false };
        rest.is_empty()
            || rest.strip_prefix(sign).is_some_and(|it| it.parse::<u8>().is_ok_and(|it| it <= REAL_TIME_MOST))
    };
    number || NAMES.contains(&name) || real_time("RTMIN", '+') || real_time("RTMAX", '-')
}
