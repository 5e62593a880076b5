//! Timers: whether they fire, and what they start.

use crate::diag::{Fix, Safety, Severity};
use crate::lint::rule::{Found, rule};
use crate::lint::{Line, Rule, Unit};
use crate::unit::UnitType;

pub(super) static RULES: [&Rule; 9] = [
    &TIMER_NEVER_FIRES,
    &TIMER_REFIRES,
    &PERSISTENT_WITHOUT_CALENDAR,
    &TIMER_WITHOUT_TRIGGER,
    &TIMER_WITHOUT_UNIT,
    &TIMER_STARTS_TIMER,
    &TIMER_REQUIRES_ITS_UNIT,
    &TIMED_UNIT_INSTALLED,
    &TIMER_INTERVAL_SHORT,
];

/// Monotonic triggers that a start of the timer, of the machine or of the manager sets going.
const FROM_START: [&str; 3] = ["OnActiveSec", "OnBootSec", "OnStartupSec"];
/// Monotonic triggers that count from the unit's own runs.
const FROM_UNIT: [&str; 2] = ["OnUnitActiveSec", "OnUnitInactiveSec"];
/// Triggers by changes of the machine.
const ON_CHANGE: [&str; 2] = ["OnClockChange", "OnTimezoneChange"];

rule! {
    /// `OnUnitActiveSec=` and `OnUnitInactiveSec=` count from the last run of the unit. Before it has run once there
    /// is nothing to count from: the timer is active, its next elapse is `n/a`, and it never fires. Add a trigger for
    /// the first run, such as `OnBootSec=0`, or use `OnCalendar=`.
    TIMER_NEVER_FIRES = "timer-never-fires", Error, "a timer has no trigger for the first run",
    source: "systemd src/core/timer.c; seen on 252", fix: Unsafely, check: Some(|unit, _, found| {
        let first = FROM_UNIT.iter().find_map(|key| trigger(unit, key));
        let Some(line) = first.filter(|_| unit.is_whole(UnitType::Timer)) else { return };
        let others = FROM_START.iter().chain(&["OnCalendar"]).any(|key| has(unit, key));
        if !others && !changes(unit) {
            found.line(&line, format!("`{}=` alone never fires: it counts from a run that never was", line.key()))
                .help("add `OnBootSec=0`, which fires when the timer starts, or use `OnCalendar=`")
                .fix(Fix::new(Safety::Unsafe, "add `OnBootSec=0`").insert_before(
                    &line.key_span(), format!("OnBootSec=0{}", line.file.newline()),
                ));
        }
    })
}

rule! {
    /// With `OnActiveSec=` beside a trigger that repeats, each `systemctl daemon-reload` fires the timer again
    /// (systemd issue 31914), and package managers and fleet reload all the time. `OnBootSec=` or `OnStartupSec=`
    /// fires once at the start, also when the boot is long past, and survives reloads.
    TIMER_REFIRES = "timer-refires-on-reload", Warning, "a timer fires again at each daemon-reload",
    source: "systemd issue 31914; seen on 252", fix: Unsafely, check: Some(|unit, _, found| {
        let Some(line) = trigger(unit, "OnActiveSec") else { return };
        if FROM_UNIT.iter().any(|key| has(unit, key)) {
            found.line(&line, "with a trigger that repeats, `OnActiveSec=` fires again at each daemon-reload")
                .help("write `OnBootSec=` in its place")
                .fix(Fix::new(Safety::Unsafe, "write `OnBootSec=`").replace(&line.key_span(), "OnBootSec"));
        }
    })
}

rule! {
    /// `Persistent=` makes up for runs of `OnCalendar=` that were missed, and for nothing else. Beside `OnBootSec=`
    /// and `OnUnitActiveSec=` it does harm: with a stamp of an earlier run such a timer never fires again.
    PERSISTENT_WITHOUT_CALENDAR = "persistent-monotonic", Warning, "Persistent= stands beside monotonic triggers",
    source: "systemd.timer(5); seen on 252", fix: Safely, check: Some(|unit, _, found| {
        let monotonic = FROM_START.iter().chain(&FROM_UNIT).any(|key| has(unit, key));
        let Some(line) = unit.last("Timer", "Persistent").filter(|_| monotonic) else { return };
        if is_true(&line.value()) {
            let never = if has(unit, "OnCalendar") { "" } else { "; with an old stamp the timer never fires" };
            let told = found.line(&line, format!("`Persistent=` is for `OnCalendar=` only{never}"));
            if !has(unit, "OnCalendar") {
                told.fix(Fix::new(Safety::Safe, "take `Persistent=` out").delete(&line.whole()));
            }
        }
    })
}

rule! {
    /// A timer needs at least one `On…=`. systemd refuses one without, and fleet tries to start it for ever.
    TIMER_WITHOUT_TRIGGER = "timer-without-trigger", Error, "a timer has no trigger at all",
    source: "systemd src/core/timer.c, timer_verify()", check: Some(|unit, _, found| {
        let mut keys = FROM_START.iter().chain(&FROM_UNIT).chain(&["OnCalendar"]);
        if unit.is_whole(UnitType::Timer) && !changes(unit) && !keys.any(|key| has(unit, key)) {
            found.section(unit, "Timer", "the timer has no `OnCalendar=` or other `On…=` and is refused");
        }
    })
}

rule! {
    /// A timer starts the unit that `Unit=` names, or the service of its own name. Neither a file of that name nor a
    /// template that it is an instance of is among the files given. The unit may be elsewhere: then allow this.
    TIMER_WITHOUT_UNIT = "timer-without-unit", Warning, "what a timer starts is not among the files",
    source: "systemd.timer(5)", check: Some(|unit, context, found| {
        if !unit.is_whole(UnitType::Timer) {
            return;
        }
        let started = started(unit);
        if context.resolve(&started, unit).is_none() && context.resolve(&as_written(unit), unit).is_none() {
            tell_missing(unit, &started, found);
        }
    })
}

rule! {
    /// systemd refuses a timer that starts a timer, and a path that starts a path: the line is ignored, and the service
    /// of the unit's own name is started. Name the service itself.
    TIMER_STARTS_TIMER = "timer-starts-timer", Error, "Unit= of a timer or path names a unit of the same type",
    source: "systemd src/core/load-fragment.c, config_parse_trigger_unit()", check: Some(|unit, _, found| {
        for (section, suffix) in [("Timer", ".timer"), ("Path", ".path")] {
            if let Some(line) = unit.last(section, "Unit").filter(|line| line.value().ends_with(suffix)) {
                let kind = suffix.trim_start_matches('.');
                found.line(&line, format!("a {kind} cannot start a {kind}"));
            }
        }
    })
}

rule! {
    /// With `Requires=`, `Wants=` or `BindsTo=` on the unit that it starts, the timer starts that unit at once, when
    /// it is itself started: at every boot, whatever the schedule says. The timer needs no dependency on its unit.
    TIMER_REQUIRES_ITS_UNIT = "timer-requires-its-unit", Warning, "a timer pulls in what it is to start later",
    source: "systemd.timer(5)", fix: Unsafely, check: Some(|unit, _, found| {
        if !unit.is(UnitType::Timer) {
            return;
        }
        let started = started(unit);
        for key in ["Requires", "Wants", "BindsTo"] {
            for line in unit.list("Unit", key) {
                if line.value().split_whitespace().any(|name| unit.expand(name) == started) {
                    let told = found.line(&line, format!("`{key}={started}` starts it together with the timer"));
                    if unit.expand(&line.value()) == started {
                        told.fix(Fix::new(Safety::Unsafe, format!("take `{key}=` out")).delete(&line.whole()));
                    }
                }
            }
        }
    })
}

rule! {
    /// The unit is started by a timer and has an `[Install]` section as well: once enabled it also runs at each boot.
    /// Enable the timer only.
    TIMED_UNIT_INSTALLED = "timed-unit-installed", Note, "a unit that a timer starts is also installed",
    source: "systemd.timer(5)", check: Some(|unit, context, found| {
        let Some(line) = unit.last("Install", "WantedBy").filter(|_| unit.is(UnitType::Service)) else { return };
        let Some(stem) = unit.name().strip_suffix("service") else { return };
        if context.resolve(&format!("{stem}timer"), unit).is_some() {
            found.line(&line, "the timer starts this unit; once enabled it also starts at boot");
        }
    })
}

rule! {
    /// A timer's elapses are moved by up to `AccuracySec=`, a minute by default, so that machines can sleep. Where the
    /// interval is shorter than that, runs are skipped.
    TIMER_INTERVAL_SHORT = "timer-interval-short", Warning, "a timer's interval is shorter than its accuracy",
    source: "systemd.timer(5), AccuracySec=", fix: Unsafely, check: Some(|unit, _, found| {
        let accuracy = span(&unit.value("Timer", "AccuracySec")).unwrap_or(60_000_000);
        for key in FROM_UNIT {
            for line in unit.list("Timer", key) {
                if span(&line.value()).is_some_and(|interval| interval < accuracy) {
                    let told = found.line(&line, "the interval is shorter than `AccuracySec=`, which is 1min where it is not set");
                    let fix = Fix::new(Safety::Unsafe, "write `AccuracySec=1s`");
                    let (end, text) = line.line_after("AccuracySec=1s");
                    let set = unit.last("Timer", "AccuracySec").map(|set| (set.span(), "1s".to_owned()));
                    let (place, text) = set.unwrap_or((end, text));
                    told.fix(fix.replace(&place, text));
                }
            }
        }
    })
}

fn span(text: &str) -> Option<u64> {
    crate::schedule::TimeSpan::parse(text).ok()?.micros()
}

/// The first trigger of a kind that counts: an empty assignment to any trigger takes all back.
fn trigger<'a>(unit: &Unit<'a>, key: &str) -> Option<Line<'a>> {
    let is_trigger = |key: &str| FROM_START.contains(&key) || FROM_UNIT.contains(&key) || key == "OnCalendar";
    unit.family("Timer", is_trigger).into_iter().find(|line| line.key() == key)
}

fn has(unit: &Unit<'_>, key: &str) -> bool {
    trigger(unit, key).is_some()
}

fn changes(unit: &Unit<'_>) -> bool {
    ON_CHANGE.iter().any(|key| is_true(&unit.value("Timer", key)))
}

/// The unit that a timer starts, specifiers expanded.
pub(super) fn started(unit: &Unit<'_>) -> String {
    unit.expand(&as_written(unit))
}

fn as_written(unit: &Unit<'_>) -> String {
    let written = unit.value("Timer", "Unit");
    if written.is_empty() {
        let stem = unit.name().rsplit_once('.').map_or(unit.name(), |(stem, _)| stem);
        return format!("{stem}.service");
    }
    // An instance that is not known yet stands for any: the template is looked for.
    written.replace("%i", "").replace("%I", "").replace("%p", unit.parsed().map_or("%p", |name| name.prefix()))
}

fn tell_missing(unit: &Unit<'_>, started: &str, found: &mut Found<'_>) {
    let message = format!("`{started}`, which the timer starts, is not among the files");
    let told = match unit.last("Timer", "Unit") {
        Some(line) => found.line(&line, message),
        None => found.section(unit, "Timer", message),
    };
    if unit.files().len() == 1 {
        told.help("give the file of that unit, too; a finding about a unit that is elsewhere can be allowed");
    }
}

/// systemd's `parse_boolean()` where it says yes.
pub(super) fn is_true(value: &str) -> bool {
    ["1", "yes", "y", "true", "t", "on"].iter().any(|word| value.eq_ignore_ascii_case(word))
}

/// Keeps the severity of what is told where it is only worth knowing.
pub(super) fn as_note(diagnostic: &mut crate::diag::Diagnostic) -> &mut crate::diag::Diagnostic {
    diagnostic.severity = Severity::Note;
    diagnostic
}
