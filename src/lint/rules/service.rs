//! Services: what `service_verify()` refuses, and what it lets through.

use super::timer::{as_note, is_true};
use crate::diag::{Fix, Safety};
use crate::lint::rule::rule;
use crate::lint::{Line, Rule, Unit};
use crate::unit::UnitType;
use std::collections::HashSet;

pub(super) static RULES: [&Rule; 16] = [
    &SERVICE_WITHOUT_COMMAND,
    &SEVERAL_COMMANDS,
    &ONESHOT_RESTART,
    &ONESHOT_RESTART_FORCE,
    &DBUS_WITHOUT_NAME,
    &PAM_KILL_MODE,
    &ONESHOT_EXIT_TYPE,
    &KILL_MODE_NONE,
    &WATCHDOG_ON_ONESHOT,
    &ONESHOT_WITHOUT_TIMEOUT,
    &FORKING_WITHOUT_PID_FILE,
    &PATH_WITHOUT_TRIGGER,
    &SOCKET_WITHOUT_LISTEN,
    &MOUNT_INCOMPLETE,
    &RELOAD_ON_ONESHOT,
    &WRITABLE_PATH_MISSING,
];

/// `Restart=` of a oneshot service: from this version on some values are taken, before it `no` only.
const ONESHOT_RESTART_SINCE: u16 = 244;

rule! {
    /// A service needs an `ExecStart=`; only a oneshot may do with `ExecStop=` and `RemainAfterExit=`, or with
    /// `SuccessAction=`. systemd refuses it otherwise.
    SERVICE_WITHOUT_COMMAND = "service-without-command", Error, "a service has nothing to run",
    source: "systemd src/core/service.c, service_verify()", check: Some(|unit, _, found| {
        if !unit.is_whole(UnitType::Service) || has_command(unit, "ExecStart") {
            return;
        }
        let acts = !matches!(&*unit.value("Unit", "SuccessAction"), "" | "none");
        let stops = has_command(unit, "ExecStop") && is_true(&unit.value("Service", "RemainAfterExit"));
        if service_type(unit) != "oneshot" || !(acts || stops) {
            found.section(unit, "Service", "the service has no `ExecStart=` and is refused");
        }
    })
}

rule! {
    /// Only a oneshot runs several commands one after another. systemd refuses any other service with more than one
    /// `ExecStart=`. Where the second is to take the first one's place, put an empty `ExecStart=` between them.
    SEVERAL_COMMANDS = "several-commands", Error, "a service that is no oneshot has several ExecStart=",
    source: "systemd src/core/service.c, service_verify()", check: Some(|unit, _, found| {
        let commands = unit.list("Service", "ExecStart");
        if unit.is_whole(UnitType::Service) && service_type(unit) != "oneshot"
            && let [first, second, ..] = commands.as_slice()
        {
            found.line(second, "a second `ExecStart=` is for `Type=oneshot` only").also(&first.span(), "the first");
        }
    })
}

rule! {
    /// systemd refuses a oneshot with `Restart=always` or `Restart=on-success`, and before 244 one with any `Restart=`
    /// but `no`. Let a timer start it again.
    ONESHOT_RESTART = "oneshot-restart", Error, "a oneshot is to be restarted in a way that is refused",
    source: "systemd src/core/service.c, service_verify()", fix: Unsafely, check: Some(|unit, _, found| {
        let Some(line) = unit.last("Service", "Restart").filter(|_| service_type(unit) == "oneshot") else { return };
        let value = line.value();
        if matches!(&*value, "always" | "on-success") {
            found.line(&line, format!("`Restart={value}` is refused for a oneshot")).fix(taken_out(&line));
        } else if &*value != "no" && unit.target().systemd < ONESHOT_RESTART_SINCE {
            found.line(&line, format!("a oneshot takes `Restart={value}` from systemd {ONESHOT_RESTART_SINCE} on only"))
                .fix(taken_out(&line));
        }
    })
}

rule! {
    /// systemd refuses a oneshot with `RestartForceExitStatus=`. To take an exit status for a success, write it into
    /// `SuccessExitStatus=`; to run the job again, let a timer start it.
    ONESHOT_RESTART_FORCE = "oneshot-restart-force", Error, "a oneshot has RestartForceExitStatus=",
    source: "systemd src/core/service.c, service_verify()", fix: Unsafely, check: Some(|unit, _, found| {
        if service_type(unit) == "oneshot" && let Some(line) = unit.list("Service", "RestartForceExitStatus").first() {
            found.line(line, "`RestartForceExitStatus=` is refused for a oneshot").fix(taken_out(line));
        }
    })
}

rule! {
    /// A service of `Type=dbus` is up when it has taken its name on the bus: systemd refuses it without `BusName=`.
    DBUS_WITHOUT_NAME = "dbus-without-name", Error, "Type=dbus without BusName=",
    source: "systemd src/core/service.c, service_verify()", check: Some(|unit, _, found| {
        if let Some(line) = unit.last("Service", "Type").filter(|line| line.value() == "dbus") && unit.main().is_some()
            && !unit.has("Service", "BusName")
        {
            found.line(&line, "`Type=dbus` needs `BusName=`");
        }
    })
}

rule! {
    /// With `PAMName=` a process of PAM's stays in the control group and must be stopped with the service: systemd
    /// refuses any `KillMode=` but `control-group` and `mixed`.
    PAM_KILL_MODE = "pam-kill-mode", Error, "PAMName= with a KillMode= that leaves processes behind",
    source: "systemd src/core/service.c, service_verify()", fix: Unsafely, check: Some(|unit, _, found| {
        let Some(line) = unit.last("Service", "KillMode").filter(|_| unit.has("Service", "PAMName")) else { return };
        if matches!(&*line.value(), "process" | "none") {
            found.line(&line, format!("`KillMode={}` is refused beside `PAMName=`", line.value())).fix(mixed(&line));
        }
    })
}

rule! {
    /// A oneshot has ended when its command has: systemd refuses one with `ExitType=cgroup`, which waits for the last
    /// process of the group.
    ONESHOT_EXIT_TYPE = "oneshot-exit-type", Error, "Type=oneshot with ExitType=cgroup",
    source: "systemd src/core/service.c, service_verify()", fix: Unsafely, check: Some(|unit, _, found| {
        let Some(line) = unit.last("Service", "ExitType").filter(|line| line.value() == "cgroup") else { return };
        if service_type(unit) == "oneshot" {
            found.line(&line, "`ExitType=cgroup` is refused for a oneshot").fix(taken_out(&line));
        }
    })
}

rule! {
    /// With `KillMode=none` systemd leaves the service's processes running when it stops the service, and does not
    /// know them any more. It is deprecated since 246. Use `mixed`, or a `KillSignal=` and a longer timeout.
    KILL_MODE_NONE = "kill-mode-none", Warning, "KillMode=none leaves processes behind",
    source: "systemd.kill(5); NEWS 246", fix: Unsafely, check: Some(|unit, _, found| {
        if let Some(line) = unit.last("Service", "KillMode").filter(|line| line.value() == "none") {
            found.line(&line, "`KillMode=none` leaves processes behind that systemd knows nothing of").fix(mixed(&line));
        }
    })
}

rule! {
    /// The watchdog runs while a service is *active*, and a oneshot is *activating* until it has ended: `WatchdogSec=`
    /// does nothing there. `TimeoutStartSec=` limits a run, and from 236 on the program may extend it with
    /// `EXTEND_TIMEOUT_USEC=`.
    WATCHDOG_ON_ONESHOT = "watchdog-on-oneshot", Warning, "WatchdogSec= does nothing on a oneshot",
    source: "systemd src/core/service.c; seen on 252", fix: Safely, check: Some(|unit, _, found| {
        if service_type(unit) == "oneshot" && let Some(line) = unit.last("Service", "WatchdogSec")
            && !is_true(&unit.value("Service", "RemainAfterExit"))
        {
            found.line(&line, "a oneshot has no watchdog").help("limit the run with `TimeoutStartSec=`")
                .fix(Fix { safety: Safety::Safe, ..taken_out(&line) });
        }
    })
}

rule! {
    /// A oneshot has no time limit unless `TimeoutStartSec=` sets one. Where a timer starts it, a run that hangs keeps
    /// every later run from starting, for ever and without a word.
    ONESHOT_WITHOUT_TIMEOUT = "oneshot-without-timeout", Warning, "a oneshot may run for ever",
    source: "systemd.service(5), TimeoutStartSec=", check: Some(|unit, context, found| {
        let limited = ["TimeoutStartSec", "TimeoutSec"].iter().any(|key| unit.has("Service", key));
        if !unit.is_whole(UnitType::Service) || limited || unit.value("Service", "Type") != "oneshot" {
            return;
        }
        let stem = unit.name().strip_suffix("service").unwrap_or_default();
        let timed = context.resolve(&format!("{stem}timer"), unit).is_some();
        let Some(line) = unit.last("Service", "Type") else { return };
        let told = found.line(&line, "a oneshot without `TimeoutStartSec=` may run for ever");
        if !timed {
            as_note(told);
        }
    })
}

rule! {
    /// Without `PIDFile=` systemd guesses which of the processes left is the main one, and with several it guesses
    /// wrong. Better still, have the program stay in the foreground.
    FORKING_WITHOUT_PID_FILE = "forking-without-pid-file", Note, "Type=forking without PIDFile=",
    source: "systemd.service(5), Type=", check: Some(|unit, _, found| {
        if let Some(line) = unit.last("Service", "Type").filter(|line| line.value() == "forking")
            && !unit.has("Service", "PIDFile") && unit.main().is_some()
        {
            found.line(&line, "without `PIDFile=` systemd guesses the main process");
        }
    })
}

rule! {
    /// A path unit needs something to watch: one of `PathExists=`, `PathExistsGlob=`, `PathChanged=`, `PathModified=`,
    /// `DirectoryNotEmpty=`. systemd refuses one without.
    PATH_WITHOUT_TRIGGER = "path-without-trigger", Error, "a path unit watches nothing",
    source: "systemd src/core/path.c, path_verify()", check: Some(|unit, _, found| {
        let keys = ["PathExists", "PathExistsGlob", "PathChanged", "PathModified", "DirectoryNotEmpty"];
        if unit.is_whole(UnitType::Path) && unit.family("Path", |key| keys.contains(&key)).is_empty() {
            found.section(unit, "Path", "the path unit watches nothing and is refused");
        }
    })
}

rule! {
    /// A socket unit needs an address to listen on: `ListenStream=`, `ListenDatagram=` or another `Listen…=`. systemd
    /// refuses one without.
    SOCKET_WITHOUT_LISTEN = "socket-without-listen", Error, "a socket unit listens on nothing",
    source: "systemd src/core/socket.c, socket_verify()", check: Some(|unit, _, found| {
        if unit.is_whole(UnitType::Socket) && unit.family("Socket", |key| key.starts_with("Listen")).is_empty() {
            found.section(unit, "Socket", "the socket has no `Listen…=` and is refused");
        }
    })
}

rule! {
    /// A mount unit needs `What=`, and its file must be named after the path it mounts at: `/srv/data` is
    /// `srv-data.mount`, as `systemd-escape --path` prints it. systemd refuses it otherwise.
    MOUNT_INCOMPLETE = "mount-incomplete", Error, "a mount unit lacks What=, or is not named after its place",
    source: "systemd src/core/mount.c, mount_verify()", check: Some(|unit, _, found| {
        if !unit.is_whole(UnitType::Mount) {
            return;
        }
        if !unit.has("Mount", "What") {
            found.section(unit, "Mount", "the mount has no `What=` and is refused");
        }
        let Some(line) = unit.last("Mount", "Where") else { return };
        let place = line.value();
        if let Ok(stem) = crate::unit::name::escape_path(place.as_bytes())
            && !place.contains('%') && format!("{stem}.mount") != unit.name()
        {
            found.line(&line, format!("the mount of `{place}` must be in a file named `{stem}.mount`"));
        }
    })
}

rule! {
    /// `systemctl reload` needs a service that is active. A oneshot has ended before it could be reloaded, unless
    /// `RemainAfterExit=yes` keeps it active.
    RELOAD_ON_ONESHOT = "reload-on-oneshot", Note, "ExecReload= on a oneshot that does not remain",
    source: "systemd.service(5)", fix: Unsafely, check: Some(|unit, _, found| {
        if service_type(unit) == "oneshot" && !is_true(&unit.value("Service", "RemainAfterExit"))
            && let Some(line) = unit.list("Service", "ExecReload").first()
        {
            found.line(line, "a oneshot that has ended cannot be reloaded").fix(taken_out(line));
        }
    })
}

rule! {
    /// A folder in `ReadWritePaths=` must be there when the service starts, or it fails with status 226, before any
    /// `ExecStartPre=` could make it. Let `StateDirectory=`, `CacheDirectory=` or `LogsDirectory=` make it, or a file
    /// for tmpfiles.d, or put a `-` before the path. Folders of the Filesystem Hierarchy Standard are taken as there.
    WRITABLE_PATH_MISSING = "writable-path-missing", Note, "ReadWritePaths= of a folder that nothing here makes",
    source: "systemd.exec(5); seen on 252", fix: Unsafely, check: Some(|unit, _, found| {
        let made = made(unit);
        for line in unit.list("Service", "ReadWritePaths") {
            let value = line.value();
            for (at, path) in super::value::split(&value) {
                let bare = path.trim_start_matches('+');
                if bare.starts_with('/') && !is_standard(bare) && !is_made(&made, bare) {
                    let told = found.line(&line, format!("if there is no `{bare}`, the service fails to start (226)"));
                    told.help("put a `-` before the path, or let something make it first");
                    if value.get(at..).is_some_and(|rest| rest.starts_with('/')) {
                        let fix = Fix::new(Safety::Unsafe, "let the path be missing");
                        told.fix(fix.insert_before(&line.part(at..at + 1), "-"));
                    }
                }
            }
        }
    })
}

fn taken_out(line: &Line<'_>) -> Fix {
    Fix::new(Safety::Unsafe, format!("take `{}=` out", line.key())).delete(&line.whole())
}

fn mixed(line: &Line<'_>) -> Fix {
    Fix::new(Safety::Unsafe, "write `KillMode=mixed`").replace(&line.span(), "mixed")
}

/// Folders that are on every machine.
const STANDARD: [&str; 21] = [
    "/",
    "/boot",
    "/dev",
    "/etc",
    "/home",
    "/media",
    "/mnt",
    "/opt",
    "/root",
    "/run",
    "/srv",
    "/sys",
    "/tmp",
    "/usr",
    "/usr/local",
    "/var",
    "/var/backups",
    "/var/cache",
    "/var/lib",
    "/var/log",
    "/var/tmp",
];

fn is_standard(path: &str) -> bool {
    STANDARD.contains(&path.trim_end_matches('/')) || path == "/" || path.contains('%') || path.starts_with("/proc")
}

/// The folders that systemd makes for the unit.
fn made(unit: &Unit<'_>) -> HashSet<String> {
    let roots = [
        ("StateDirectory", "/var/lib/"),
        ("CacheDirectory", "/var/cache/"),
        ("LogsDirectory", "/var/log/"),
        ("RuntimeDirectory", "/run/"),
    ];
    let mut made = HashSet::new();
    for (key, root) in roots {
        for line in unit.list("Service", key) {
            made.extend(line.value().split_whitespace().map(|name| format!("{root}{name}")));
        }
    }
    made
}

/// How many parts of a path are looked at; nobody has folders as deep as that made.
const DEPTH_MAX: usize = 64;

/// Whether a path is one of those folders, or in one.
fn is_made(made: &HashSet<String>, path: &str) -> bool {
    let outer = path.match_indices('/').take(DEPTH_MAX).filter_map(|(slash, _)| path.get(..slash));
    !made.is_empty() && outer.chain([path]).any(|folder| made.contains(folder))
}

/// The type that counts: the one set, or that which systemd takes in its place.
pub(super) fn service_type(unit: &Unit<'_>) -> String {
    let set = unit.value("Service", "Type");
    if !set.is_empty() {
        return set.into_owned();
    }
    if unit.has("Service", "BusName") {
        "dbus"
    } else if has_command(unit, "ExecStart") || unit.main().is_none() {
        "simple"
    } else {
        "oneshot"
    }
    .to_owned()
}

fn has_command(unit: &Unit<'_>, key: &str) -> bool {
    !unit.list("Service", key).is_empty()
}
