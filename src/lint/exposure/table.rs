//! The assessments of systemd 252, a row each (src/analyze/analyze-security.c).

use super::calls::Filter;
use super::sets::capability;
use super::settings::Settings;
use crate::unit::value::boolean;

/// An assessment.
pub(super) struct Row {
    /// systemd's name for it.
    pub(super) id: &'static str,
    pub(super) weight: u64,
    /// How bad it is at the worst.
    pub(super) range: u64,
    judge: Judge,
    /// What the service can do where it is bad.
    pub(super) danger: &'static str,
}

/// How a row is judged.
#[derive(Clone, Copy)]
enum Judge {
    User,
    Groups,
    /// Good where the boolean is on.
    On(&'static str),
    /// Good where it is off.
    Off(&'static str),
    /// The same as `On`, and of no account where the unit has no default dependencies.
    LateOn(&'static str),
    LateHome,
    LateSystem,
    LateRoot,
    /// Good where none of the capabilities is left.
    Without(&'static [&'static str]),
    UMask,
    /// Good where the word is this one.
    Is(&'static str, &'static str),
    /// Good where it is another.
    IsNot(&'static str, &'static str),
    Proc,
    Ipc,
    Namespace(&'static str),
    /// Good where none of the families may be used; without names it is about all others.
    Families(&'static [&'static str]),
    Architectures,
    Calls(&'static str),
    Addresses,
    Devices,
    Ambient,
}

const fn row(id: &'static str, weight: u64, range: u64, judge: Judge, danger: &'static str) -> Row {
    Row { id, weight, range, judge, danger }
}

use Judge::{
    Addresses, Ambient, Architectures, Calls, Devices, Families, Groups, Ipc, Is, IsNot, LateHome, LateOn, LateRoot,
    LateSystem, Namespace, Off, On, Proc, UMask, User, Without,
};

/// All of them, in systemd's order.
#[rustfmt::skip]
pub(super) static ROWS: [Row; 81] = [
    row("User=/DynamicUser=", 2000, 10, User, "it is root"),
    row("SupplementaryGroups=", 200, 1, Groups, "it is in more groups than its own"),
    row("PrivateDevices=", 1000, 1, On("PrivateDevices"), "it sees the machine's devices"),
    row("PrivateMounts=", 1000, 1, On("PrivateMounts"), "its mounts are everybody's"),
    row("PrivateNetwork=", 2500, 1, On("PrivateNetwork"), "it is on the machine's network"),
    row("PrivateTmp=", 1000, 1, LateOn("PrivateTmp"), "it shares /tmp with others"),
    row("PrivateUsers=", 1000, 1, On("PrivateUsers"), "it sees the machine's users"),
    row("ProtectControlGroups=", 1000, 1, On("ProtectControlGroups"), "it may write to control groups"),
    row("ProtectKernelModules=", 1000, 1, On("ProtectKernelModules"), "it may load kernel modules"),
    row("ProtectKernelTunables=", 1000, 1, On("ProtectKernelTunables"), "it may write to /proc/sys and /sys"),
    row("ProtectKernelLogs=", 1000, 1, On("ProtectKernelLogs"), "it may read the kernel's log"),
    row("ProtectClock=", 1000, 1, On("ProtectClock"), "it may set the clock"),
    row("ProtectHome=", 1000, 10, LateHome, "it may read or write home folders"),
    row("ProtectHostname=", 50, 1, On("ProtectHostname"), "it may set the host's name"),
    row("ProtectSystem=", 1000, 10, LateSystem, "it may write to the system's folders"),
    row("RootDirectory=/RootImage=", 200, 1, LateRoot, "it sees the machine's whole tree"),
    row("LockPersonality=", 100, 1, On("LockPersonality"), "it may change its personality"),
    row("MemoryDenyWriteExecute=", 100, 1, On("MemoryDenyWriteExecute"), "it may write code into memory and run it"),
    row("NoNewPrivileges=", 1000, 1, On("NoNewPrivileges"), "its programs may gain privileges"),
    row("CapabilityBoundingSet=~CAP_SYS_ADMIN", 1500, 1, Without(&["CAP_SYS_ADMIN"]), "it may administrate the system"),
    row("CapabilityBoundingSet=~CAP_SET(UID|GID|PCAP)", 1500, 1, Without(&["CAP_SETUID", "CAP_SETGID", "CAP_SETPCAP"]), "it may become any user"),
    row("CapabilityBoundingSet=~CAP_SYS_PTRACE", 1500, 1, Without(&["CAP_SYS_PTRACE"]), "it may look into any process"),
    row("CapabilityBoundingSet=~CAP_SYS_TIME", 1000, 1, Without(&["CAP_SYS_TIME"]), "it may set the clock"),
    row("CapabilityBoundingSet=~CAP_NET_ADMIN", 1000, 1, Without(&["CAP_NET_ADMIN"]), "it may configure the network"),
    row("CapabilityBoundingSet=~CAP_SYS_RAWIO", 1000, 1, Without(&["CAP_SYS_RAWIO"]), "it may reach devices directly"),
    row("CapabilityBoundingSet=~CAP_SYS_MODULE", 1000, 1, Without(&["CAP_SYS_MODULE"]), "it may load kernel modules"),
    row("CapabilityBoundingSet=~CAP_AUDIT_*", 500, 1, Without(&["CAP_AUDIT_CONTROL", "CAP_AUDIT_READ", "CAP_AUDIT_WRITE"]), "it may reach the audit system"),
    row("CapabilityBoundingSet=~CAP_SYSLOG", 500, 1, Without(&["CAP_SYSLOG"]), "it may read the kernel's log"),
    row("CapabilityBoundingSet=~CAP_SYS_(NICE|RESOURCE)", 500, 1, Without(&["CAP_SYS_NICE", "CAP_SYS_RESOURCE"]), "it may raise its limits"),
    row("CapabilityBoundingSet=~CAP_MKNOD", 500, 1, Without(&["CAP_MKNOD"]), "it may make device nodes"),
    row("CapabilityBoundingSet=~CAP_(CHOWN|FSETID|SETFCAP)", 1000, 1, Without(&["CAP_CHOWN", "CAP_FSETID", "CAP_SETFCAP"]), "it may change owners, modes and capabilities of files"),
    row("CapabilityBoundingSet=~CAP_(DAC_*|FOWNER|IPC_OWNER)", 1000, 1, Without(&["CAP_DAC_OVERRIDE", "CAP_DAC_READ_SEARCH", "CAP_FOWNER", "CAP_IPC_OWNER"]), "permissions of files do not bind it"),
    row("CapabilityBoundingSet=~CAP_KILL", 500, 1, Without(&["CAP_KILL"]), "it may send signals to any process"),
    row("CapabilityBoundingSet=~CAP_NET_(BIND_SERVICE|BROADCAST|RAW)", 500, 1, Without(&["CAP_NET_BIND_SERVICE", "CAP_NET_BROADCAST", "CAP_NET_RAW"]), "it may use low ports and raw sockets"),
    row("CapabilityBoundingSet=~CAP_SYS_BOOT", 100, 1, Without(&["CAP_SYS_BOOT"]), "it may reboot"),
    row("CapabilityBoundingSet=~CAP_MAC_*", 100, 1, Without(&["CAP_MAC_ADMIN", "CAP_MAC_OVERRIDE"]), "it may change Smack's rules"),
    row("CapabilityBoundingSet=~CAP_LINUX_IMMUTABLE", 75, 1, Without(&["CAP_LINUX_IMMUTABLE"]), "it may make files immutable"),
    row("CapabilityBoundingSet=~CAP_IPC_LOCK", 50, 1, Without(&["CAP_IPC_LOCK"]), "it may lock memory"),
    row("CapabilityBoundingSet=~CAP_SYS_CHROOT", 50, 1, Without(&["CAP_SYS_CHROOT"]), "it may change its root folder"),
    row("CapabilityBoundingSet=~CAP_BLOCK_SUSPEND", 25, 1, Without(&["CAP_BLOCK_SUSPEND"]), "it may keep the machine from sleeping"),
    row("CapabilityBoundingSet=~CAP_WAKE_ALARM", 25, 1, Without(&["CAP_WAKE_ALARM"]), "it may wake the machine"),
    row("CapabilityBoundingSet=~CAP_LEASE", 25, 1, Without(&["CAP_LEASE"]), "it may take leases on files"),
    row("CapabilityBoundingSet=~CAP_SYS_TTY_CONFIG", 25, 1, Without(&["CAP_SYS_TTY_CONFIG"]), "it may hang up terminals"),
    row("CapabilityBoundingSet=~CAP_SYS_PACCT", 25, 1, Without(&["CAP_SYS_PACCT"]), "it may switch process accounting"),
    row("CapabilityBoundingSet=~CAP_BPF", 25, 1, Without(&["CAP_BPF"]), "it may load BPF programs"),
    row("UMask=", 100, 10, UMask, "others may read or write the files it makes"),
    row("KeyringMode=", 1000, 1, Is("KeyringMode", "private"), "it shares its keyring"),
    row("ProtectProc=", 1000, 3, Proc, "it sees all processes"),
    row("ProcSubset=", 10, 1, Is("ProcSubset", "pid"), "it sees all of /proc"),
    row("NotifyAccess=", 1000, 1, IsNot("NotifyAccess", "all"), "any of its processes may report its state"),
    row("RemoveIPC=", 100, 1, Ipc, "its IPC objects outlive it"),
    row("Delegate=", 100, 1, Off("Delegate"), "it has control groups of its own"),
    row("RestrictRealtime=", 500, 1, On("RestrictRealtime"), "it may take the processor for itself"),
    row("RestrictSUIDSGID=", 1000, 1, On("RestrictSUIDSGID"), "it may make set-user-ID files"),
    row("RestrictNamespaces=~user", 1500, 1, Namespace("user"), "it may make user namespaces"),
    row("RestrictNamespaces=~mnt", 500, 1, Namespace("mnt"), "it may make mount namespaces"),
    row("RestrictNamespaces=~ipc", 500, 1, Namespace("ipc"), "it may make IPC namespaces"),
    row("RestrictNamespaces=~pid", 500, 1, Namespace("pid"), "it may make process namespaces"),
    row("RestrictNamespaces=~cgroup", 500, 1, Namespace("cgroup"), "it may make control group namespaces"),
    row("RestrictNamespaces=~net", 500, 1, Namespace("net"), "it may make network namespaces"),
    row("RestrictNamespaces=~uts", 100, 1, Namespace("uts"), "it may make host name namespaces"),
    row("RestrictAddressFamilies=~AF_(INET|INET6)", 1500, 1, Families(&["AF_INET", "AF_INET6"]), "it may use the Internet"),
    row("RestrictAddressFamilies=~AF_UNIX", 25, 1, Families(&["AF_UNIX"]), "it may use local sockets"),
    row("RestrictAddressFamilies=~AF_NETLINK", 200, 1, Families(&["AF_NETLINK"]), "it may use netlink"),
    row("RestrictAddressFamilies=~AF_PACKET", 1000, 1, Families(&["AF_PACKET"]), "it may read packets off the wire"),
    row("RestrictAddressFamilies=~…", 1250, 1, Families(&[]), "it may use rare kinds of sockets"),
    row("SystemCallArchitectures=", 1000, 10, Architectures, "it may use system calls of other architectures"),
    row("SystemCallFilter=~@swap", 1000, 10, Calls("@swap"), "it may switch swap space"),
    row("SystemCallFilter=~@obsolete", 250, 10, Calls("@obsolete"), "it may use obsolete system calls"),
    row("SystemCallFilter=~@clock", 1000, 10, Calls("@clock"), "it may set the clock"),
    row("SystemCallFilter=~@cpu-emulation", 250, 10, Calls("@cpu-emulation"), "it may emulate processors"),
    row("SystemCallFilter=~@debug", 1000, 10, Calls("@debug"), "it may trace processes"),
    row("SystemCallFilter=~@mount", 1000, 10, Calls("@mount"), "it may mount"),
    row("SystemCallFilter=~@module", 1000, 10, Calls("@module"), "it may load kernel modules"),
    row("SystemCallFilter=~@raw-io", 1000, 10, Calls("@raw-io"), "it may reach ports directly"),
    row("SystemCallFilter=~@reboot", 1000, 10, Calls("@reboot"), "it may reboot"),
    row("SystemCallFilter=~@privileged", 700, 10, Calls("@privileged"), "it may use privileged system calls"),
    row("SystemCallFilter=~@resources", 700, 10, Calls("@resources"), "it may change limits and scheduling"),
    row("IPAddressDeny=", 1000, 10, Addresses, "it may talk to any address"),
    row("DeviceAllow=", 1000, 10, Devices, "it may use any device"),
    row("AmbientCapabilities=", 500, 1, Ambient, "its programs are given capabilities"),
];

impl Row {
    /// How bad a unit's settings are, at most `range`; none where the row is of no account to it.
    pub(super) fn badness(&self, settings: &Settings) -> Option<u64> {
        let bad = |is_bad: bool| Some(u64::from(is_bad));
        match self.judge {
            User => Some(user(settings)),
            Groups | Ipc if settings.is_root() => None,
            LateOn(_) | LateHome | LateSystem | LateRoot if !settings.default_dependencies => None,
            Groups => bad(settings.groups),
            Ipc => bad(!settings.is_on("RemoveIPC")),
            On(key) | LateOn(key) => bad(!settings.is_on(key)),
            Off(key) => bad(settings.is_on(key)),
            LateHome => Some(home(settings.word("ProtectHome"))),
            LateSystem => Some(system(settings.word("ProtectSystem"))),
            LateRoot => bad(["RootDirectory", "RootImage"].iter().all(|key| is_root_folder(settings.text(key)))),
            Without(names) => {
                bad(names.iter().filter_map(|name| capability(name)).any(|bit| settings.capabilities & bit != 0))
            }
            UMask => Some(umask(settings.umask)),
            Is(key, word) => bad(settings.word(key) != word),
            IsNot(key, word) => bad(settings.word(key) == word),
            Proc => Some(proc(settings.word("ProtectProc"))),
            Namespace(name) => bad(settings.namespaces.allow(name)),
            Families(names) => bad(!settings.families.restricts(names)),
            Architectures => Some(architectures(settings)),
            Calls(group) => Some(Filter::badness(settings.calls.as_ref(), group)),
            Addresses => Some(addresses(settings)),
            Devices => Some(devices(settings)),
            Ambient => bad(settings.ambient != 0),
        }
    }
}

fn user(settings: &Settings) -> u64 {
    match settings.user.as_str() {
        "nobody" => 9,
        _ if settings.is_root() => 10,
        _ => 0,
    }
}

fn home(word: &str) -> u64 {
    match (word, boolean(word)) {
        ("read-only", _) => 5,
        ("tmpfs", _) => 1,
        (_, Ok(true)) => 0,
        _ => 10,
    }
}

fn system(word: &str) -> u64 {
    match (word, boolean(word)) {
        ("full", _) => 3,
        ("strict", _) => 0,
        (_, Ok(true)) => 5,
        _ => 10,
    }
}

fn is_root_folder(path: &str) -> bool {
    path.trim_matches('/').is_empty()
}

fn umask(mask: u32) -> u64 {
    let first_missing = [(0o002, 10), (0o004, 5), (0o020, 2), (0o040, 1)].into_iter().find(|(bit, _)| mask & bit == 0);
    first_missing.map_or(0, |(_, badness)| badness)
}

fn proc(word: &str) -> u64 {
    match word {
        "noaccess" => 1,
        "invisible" | "ptraceable" => 0,
        _ => 3,
    }
}

fn architectures(settings: &Settings) -> u64 {
    let mut architectures = settings.architectures.iter();
    match (architectures.next().map(String::as_str), architectures.next()) {
        (None, _) => 10,
        (Some("native"), None) => 0,
        (Some(_), _) => 8,
    }
}

fn addresses(settings: &Settings) -> u64 {
    let denies_all = [true, false].iter().all(|v4| settings.denied.iter().any(|prefix| prefix.is_any(*v4)));
    if settings.filters_packets() {
        0
    } else if !denies_all {
        10
    } else if settings.allowed.iter().any(|prefix| !prefix.is_localhost()) {
        5
    } else if settings.allowed.is_empty() {
        0
    } else {
        2
    }
}

fn devices(settings: &Settings) -> u64 {
    match (settings.word("DevicePolicy"), settings.devices) {
        ("strict" | "closed", true) => 5,
        ("strict" | "closed", false) => 0,
        _ => 10,
    }
}
