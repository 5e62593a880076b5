//! Sockets and paths: what `socket_verify()` refuses, and what they start.

use super::reader::accepts;
use crate::lint::rule::{Found, rule};
use crate::lint::{Line, Rule, Unit};
use crate::unit::UnitType;

pub(super) static RULES: [&Rule; 3] = [&SOCKET_REFUSED, &PAM_KILL_MODE_ELSEWHERE, &ACTIVATED_UNIT_MISSING];

/// What listens on something that cannot be accepted from.
const NO_STREAM: [&str; 6] =
    ["ListenDatagram", "ListenFIFO", "ListenSpecial", "ListenNetlink", "ListenMessageQueue", "ListenUSBFunction"];
/// What may listen on a path.
const ON_PATH: [&str; 4] = ["ListenStream", "ListenDatagram", "ListenSequentialPacket", "ListenFIFO"];

rule! {
    /// With `Accept=yes` each connection gets an instance of `NAME@.service`: a `Service=` beside it, a socket that has
    /// no connections (`ListenDatagram=`, `ListenFIFO=`, …) and `MaxConnections=0` are refused. `Symlinks=` needs exactly
    /// one node in the file system to point at.
    SOCKET_REFUSED = "socket-refused", Error, "settings of a socket that are refused together",
    source: "systemd src/core/socket.c, socket_verify()", check: Some(|unit, _, found| {
        if !unit.is_whole(UnitType::Socket) {
            return;
        }
        if accepts(unit) {
            refused_beside_accept(unit, found);
        }
        let links = unit.list("Socket", "Symlinks");
        let on_path = |line: &Line<'_>| line.value().starts_with('/');
        let nodes: usize = ON_PATH.iter().map(|key| unit.list("Socket", key).iter().filter(|line| on_path(line)).count()).sum();
        if let Some(line) = links.first().filter(|_| nodes != 1) {
            found.line(line, format!("`Symlinks=` needs one node to point at, and there are {nodes}"));
        }
    })
}

rule! {
    /// With `PAMName=` a process of PAM's stays in the control group of a socket, mount or swap and must be stopped with
    /// it: systemd refuses any `KillMode=` but `control-group`.
    PAM_KILL_MODE_ELSEWHERE = "pam-kill-mode-elsewhere", Error, "PAMName= of a socket, mount or swap with a KillMode=",
    source: "systemd src/core/socket.c, mount.c, swap.c", check: Some(|unit, _, found| {
        let types = [UnitType::Socket, UnitType::Mount, UnitType::Swap];
        let section = unit.own_section();
        if !types.iter().any(|it| unit.is(*it)) || !unit.has(section, "PAMName") {
            return;
        }
        if let Some(line) = unit.last(section, "KillMode").filter(|line| line.value() != "control-group") {
            found.line(&line, format!("`KillMode={}` is refused beside `PAMName=`", line.value()));
        }
    })
}

rule! {
    /// A socket starts the service that `Service=` names, or that of its own name, with `Accept=yes` instances of
    /// `NAME@.service`; a path starts what `Unit=` names, or the service of its own name. No such file is among those
    /// given, and systemd refuses to start a socket without its service. The unit may be elsewhere: then allow this.
    ACTIVATED_UNIT_MISSING = "activated-unit-missing", Warning, "what a socket or path starts is not among the files",
    source: "systemd.socket(5), systemd.path(5)", check: Some(|unit, context, found| {
        let key = if unit.is_whole(UnitType::Socket) {
            ("Socket", "Service")
        } else if unit.is_whole(UnitType::Path) {
            ("Path", "Unit")
        } else {
            return;
        };
        let (started, line) = activated(unit, key);
        if context.resolve(&started, unit).is_some() || started.contains('%') {
            return;
        }
        let message = format!("`{started}`, which this starts, is not among the files");
        let told = match line {
            Some(line) => found.line(&line, message),
            None => found.section(unit, key.0, message),
        };
        told.help("give the file of that unit, too; a finding about a unit that is elsewhere can be allowed");
    })
}

fn refused_beside_accept(unit: &Unit<'_>, found: &mut Found<'_>) {
    if let Some(line) = unit.list("Socket", "Service").first() {
        found.line(line, "`Service=` is refused beside `Accept=yes`, which starts instances of `NAME@.service`");
    }
    for key in NO_STREAM {
        if let Some(line) = unit.list("Socket", key).first() {
            found.line(line, format!("`{key}=` has no connections that `Accept=yes` could take"));
        }
    }
    if let Some(line) = unit.last("Socket", "MaxConnections").filter(|line| line.value() == "0") {
        found.line(&line, "`MaxConnections=0` is refused beside `Accept=yes`");
    }
}

fn activated<'a>(unit: &Unit<'a>, (section, key): (&str, &str)) -> (String, Option<Line<'a>>) {
    if let Some(line) = unit.list(section, key).last() {
        return (unit.expand(&line.value()), Some(*line));
    }
    let stem = unit.name().rsplit_once('.').map_or(unit.name(), |(stem, _)| stem);
    match (accepts(unit), stem.split_once('@')) {
        (true, Some((prefix, _))) => (format!("{prefix}@.service"), None),
        (true, None) => (format!("{stem}@.service"), None),
        (false, _) => (format!("{stem}.service"), None),
    }
}
