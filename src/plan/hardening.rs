//! Confinement of the service, derived from what its job reads, writes and reaches.
//!
//! A row of [`ROWS`] is a directive, the systemd that first had it ("Added in version …" of systemd.exec(5) and
//! systemd.resource-control(5); what is older than 215 says 215), and what it becomes for a job: the value, the value
//! with the reason why it is weaker, or nothing but the reason. The set ran for real under systemd 252; exposure by
//! `systemd-analyze security`: 9.6 without it.

use super::reach::{Reach, lies_in};
use super::{Cause, Line};
use crate::source::Engine;
use crate::target::{Feature, Scheduler, Scope};

/// What becomes of a directive.
enum Setting {
    /// The strict value.
    Strict(String),
    /// A weaker value, and why.
    Weaker(String, &'static str),
    /// Nothing, and why.
    Left(&'static str),
    /// Not this job's concern.
    Absent,
}

type Row = (&'static str, u16, fn(&Confined<'_>) -> Setting);

/// What the rows decide on.
struct Confined<'a> {
    reach: &'a Reach,
    /// Whether the service runs as root.
    root: bool,
    /// Whether a systemd of this version lets single folders be written in a read-only file system.
    strict: bool,
}

/// Folders that a Linux host always has (Filesystem Hierarchy Standard 3.0): the runner can make what is missing below.
const ALWAYS_THERE: [&str; 10] =
    ["/var/backups", "/var/lib", "/var/tmp", "/var", "/tmp", "/opt", "/srv", "/mnt", "/media", "/home"];

const COMMANDS: &str = "the job runs programs of its own, whose needs are not known";
const PODMAN: &str = "podman sets containers up itself, so that what it may not, they may not";

const UNPACKS: &str = "archives may hold devices, files that run as their owner, and files of anybody";

const ROWS: [Row; 32] = [
    ("NoNewPrivileges", 215, |c| unless_commands_or_podman(c, "true")),
    ("CapabilityBoundingSet", 215, capabilities),
    ("UMask", 215, |_| strict("0077")),
    ("ProtectSystem", 215, protect_system),
    ("ProtectHome", 215, protect_home),
    ("PrivateTmp", 215, private_tmp),
    ("PrivateDevices", 215, |c| unless_unpacking(c, "true")),
    ("DevicePolicy", 215, |c| unless_unpacking(c, "closed")),
    ("PrivateNetwork", 215, private_network),
    ("RestrictAddressFamilies", 215, address_families),
    ("SystemCallArchitectures", 215, |c| unless_commands_or_podman(c, "native")),
    ("RestrictRealtime", 231, |_| strict("true")),
    ("MemoryDenyWriteExecute", 231, |c| unless_commands_or_podman(c, "true")),
    ("ProtectKernelTunables", 232, |c| unless_podman(c, "true")),
    ("ProtectKernelModules", 232, |c| unless_podman(c, "true")),
    ("ProtectControlGroups", 232, |c| unless_podman(c, "true")),
    ("RemoveIPC", 232, |_| strict("true")),
    ("RestrictNamespaces", 233, |c| unless_commands_or_podman(c, "true")),
    ("LockPersonality", 235, |c| unless_commands_or_podman(c, "true")),
    ("KeyringMode", 235, |_| strict("private")),
    ("SystemCallFilter", 239, |c| unless_podman(c, "@system-service")),
    ("SystemCallFilter", 239, system_calls_denied),
    ("SystemCallErrorNumber", 239, |c| if podman(c) { Setting::Absent } else { strict("EPERM") }),
    ("PrivateMounts", 239, |c| unless_podman(c, "true")),
    ("ProtectHostname", 242, |_| strict("true")),
    ("RestrictSUIDSGID", 242, |c| unless_unpacking(c, "true")),
    ("ProtectKernelLogs", 244, |_| strict("true")),
    ("ProtectClock", 245, |c| unless_unpacking(c, "true")),
    ("ProtectProc", 247, protect_proc),
    ("ProcSubset", 247, |c| unless_podman(c, "pid")),
    ("StateDirectory", 235, |_| strict("eightbells")),
    ("StateDirectoryMode", 235, |_| strict("0700")),
];

/// The lines that confine a service; none for fleet, whose hosts differ too much, nor for a user's systemd, which may
/// not confine.
pub(super) fn lines(cause: &Cause<'_>, reach: &Reach) -> Vec<Line> {
    let service = &cause.job.service;
    let system = match cause.target.scheduler {
        Scheduler::Systemd(Scope::System) => true,
        Scheduler::Systemd(Scope::User) | Scheduler::Fleet => false,
    };
    if !system || !service.hardening {
        return vec![];
    }
    let root = service.user.as_deref().is_none_or(|user| user == "root" || user == "0");
    let confined = Confined { reach, root, strict: cause.target.has(Feature::ReadWritePaths) };
    let route = cause.route("service.hardening");
    let given = |key: &str| service.directives.get("Service").is_some_and(|section| section.contains_key(key));
    let mut lines = vec![];
    for (key, since, decide) in &ROWS {
        if *since <= cause.target.systemd && !given(key) {
            push(&mut lines, key, decide(&confined), &route);
        }
    }
    if confined.strict && !given("ReadWritePaths") {
        lines.extend(
            write_paths(&confined)
                .iter()
                .map(|path| Line::new("ReadWritePaths", cause.path_word(path, &route), &route)),
        );
        // A dash lets the service start where the path is not there.
        let perhaps = reach.perhaps_writes.iter().map(|path| cause.path_word(&format!("-{path}"), &route));
        lines.extend(perhaps.map(|word| Line::new("ReadWritePaths", word, &route)));
    }
    lines
}

fn push(lines: &mut Vec<Line>, key: &str, setting: Setting, route: &str) {
    match setting {
        Setting::Strict(value) => lines.push(Line::new(key, value, route)),
        Setting::Weaker(value, why) => {
            lines.push(Line::new(key, value, route).comment(format!("{key}= is weaker here: {why}.")));
        }
        // A comment needs a line to stand before: it goes with the one that is there.
        Setting::Left(why) => {
            if let Some(last) = lines.last_mut() {
                let before = last.because.comment.take().map_or_else(String::new, |c| format!("{c}\n# "));
                last.because.comment = Some(format!("{before}{key}= is not set: {why}."));
            }
        }
        Setting::Absent => {}
    }
}

fn strict(value: &str) -> Setting {
    Setting::Strict(value.into())
}

fn podman(c: &Confined<'_>) -> bool {
    c.reach.engines.contains(&Engine::Podman)
}

fn unless_podman(c: &Confined<'_>, value: &str) -> Setting {
    if podman(c) { Setting::Left(PODMAN) } else { strict(value) }
}

fn unless_commands_or_podman(c: &Confined<'_>, value: &str) -> Setting {
    if c.reach.commands { Setting::Left(COMMANDS) } else { unless_podman(c, value) }
}

/// `ProtectClock=` would make devices inaccessible, too (systemd.exec(5)).
fn unless_unpacking(c: &Confined<'_>, value: &str) -> Setting {
    if c.reach.unpacks { Setting::Left(UNPACKS) } else { unless_podman(c, value) }
}

fn capabilities(c: &Confined<'_>) -> Setting {
    if !c.root {
        return strict("");
    }
    if c.reach.unpacks {
        return Setting::Left(UNPACKS);
    }
    if c.reach.commands {
        return Setting::Left(COMMANDS);
    }
    if podman(c) {
        return Setting::Left(PODMAN);
    }
    let mut kept = vec![];
    if !c.reach.reads.is_empty() {
        kept.push("CAP_DAC_READ_SEARCH");
    }
    if !c.reach.writes.is_empty() || c.reach.unknown_write || c.reach.sockets || c.reach.sqlite {
        kept.push("CAP_DAC_OVERRIDE");
    }
    if c.reach.sqlite {
        kept.push("CAP_CHOWN");
    }
    if !c.reach.engines.is_empty() {
        // What a stopped run left inside a container is ended from the host.
        kept.push("CAP_KILL");
    }
    if c.reach.container_files {
        kept.extend(["CAP_DAC_READ_SEARCH", "CAP_SYS_PTRACE"]);
    }
    kept.sort_unstable();
    kept.dedup();
    if kept.is_empty() {
        return strict("");
    }
    Setting::Weaker(kept.join(" "), "files of others are read, folders of others written, containers looked into")
}

fn protect_system(c: &Confined<'_>) -> Setting {
    if podman(c) {
        return Setting::Left(PODMAN);
    }
    if !c.strict {
        return Setting::Strict("full".into());
    }
    let rootless = c.reach.writes.iter().any(|(path, create)| *create && always_there(path).is_none());
    if c.reach.unknown_write || rootless {
        return Setting::Weaker("full".into(), "where archives go may have to be made first");
    }
    strict("strict")
}

fn always_there(path: &str) -> Option<&'static str> {
    ALWAYS_THERE.into_iter().find(|folder| lies_in(path, folder))
}

/// What is written: the folder itself where it is there, else the nearest folder that surely is, since systemd
/// refuses to start a service whose `ReadWritePaths=` does not exist.
fn write_paths(c: &Confined<'_>) -> Vec<String> {
    let place = |(path, create): &(String, bool)| {
        if *create { always_there(path).map(str::to_owned) } else { Some(path.clone()) }
    };
    let mut paths: Vec<String> = c.reach.writes.iter().filter_map(place).collect();
    paths.sort();
    paths.dedup();
    paths
}

fn protect_home(c: &Confined<'_>) -> Setting {
    let homes = ["/home", "/root", "/run/user"];
    let written = c.reach.writes.iter().any(|(path, _)| homes.iter().any(|home| lies_in(path, home)));
    if podman(c) {
        Setting::Left(PODMAN)
    } else if written {
        Setting::Left("archives go there")
    } else if c.reach.touches(&homes) || c.reach.commands || c.reach.ssh {
        Setting::Weaker("read-only".into(), "the job may read there")
    } else if c.reach.clients {
        Setting::Weaker("read-only".into(), "database clients read their settings there")
    } else {
        strict("true")
    }
}

fn private_tmp(c: &Confined<'_>) -> Setting {
    if c.reach.touches(&["/tmp", "/var/tmp"]) {
        Setting::Left("the job reads or writes below /tmp or /var/tmp")
    } else {
        strict("true")
    }
}

fn private_network(c: &Confined<'_>) -> Setting {
    // A container engine may be reached over TCP (DOCKER_HOST).
    if c.reach.network || !c.reach.engines.is_empty() { Setting::Absent } else { strict("true") }
}

fn address_families(c: &Confined<'_>) -> Setting {
    if podman(c) {
        Setting::Left(PODMAN)
    } else if c.reach.network || !c.reach.engines.is_empty() {
        strict("AF_UNIX AF_INET AF_INET6")
    } else {
        strict("AF_UNIX")
    }
}

fn system_calls_denied(c: &Confined<'_>) -> Setting {
    if podman(c) {
        Setting::Absent
    } else if c.reach.commands {
        Setting::Weaker("~@resources".into(), COMMANDS)
    } else if c.reach.unpacks {
        Setting::Weaker("~@resources".into(), UNPACKS)
    } else if c.reach.sqlite && c.root {
        Setting::Weaker("~@resources".into(), "SQLite gives the files beside a database to its owner")
    } else {
        strict("~@privileged @resources")
    }
}

fn protect_proc(c: &Confined<'_>) -> Setting {
    if c.reach.container_files || c.reach.commands || podman(c) {
        Setting::Left("processes of containers are looked at")
    } else {
        strict("invisible")
    }
}
