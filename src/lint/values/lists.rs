//! Values that are lists of names which systemd knows.

use super::Empty::Resets;
use super::paths::{INTERFACE, each, is_interface};
use super::{Asked, Reader, reader, unless};
use crate::lint::exposure::{is_address_family, is_architecture, is_call_or_group, is_errno, is_prefix};
use crate::unit::value::boolean;
use crate::unit::words::WordFlags;

/// Those of lists of names.
pub(super) static READERS: [Reader; 13] = [
    reader("syscall_filter", Resets, "a system call, or a group of them such as `@system-service`", calls),
    reader("syscall_log", Resets, "a system call, or a group of them such as `@system-service`", |it| {
        each(without_tilde(it), WordFlags::NONE, is_call_or_group)
    }),
    reader("syscall_archs", Resets, "an architecture, such as `native`", |it| {
        each(it, WordFlags::UNQUOTE, is_architecture)
    }),
    reader("syscall_errno", Resets, "an error number, such as `EPERM`, or `kill`", |it| {
        unless(is_errno(it.value) && it.value != "0", it)
    }),
    reader("restrict_network_interfaces", Resets, INTERFACE, |it| {
        each(without_tilde(it), WordFlags::UNQUOTE, is_interface)
    }),
    reader("bpf_foreign_program", Resets, "`TYPE:PATH`, such as `egress:/sys/fs/bpf/NAME`", |it| {
        unless(is_program(it.value), it)
    }),
    reader("namespace_flags", Resets, "yes, no, or of `cgroup`, `ipc`, `net`, `mnt`, `pid`, `user`, `uts`", |it| {
        const KINDS: [&str; 7] = ["cgroup", "ipc", "net", "mnt", "pid", "user", "uts"];
        if boolean(it.value).is_ok() {
            None
        } else {
            each(without_tilde(it), WordFlags::NONE, |word| KINDS.contains(&word))
        }
    }),
    reader("address_families", Resets, "a family of addresses, such as `AF_UNIX`, or `none` alone", |it| {
        if it.value == "none" { None } else { each(without_tilde(it), WordFlags::UNQUOTE, is_address_family) }
    }),
    reader(
        "in_addr_prefixes",
        Resets,
        "an address with or without `/BITS`, or `any`, `localhost`, `link-local`, `multicast`",
        |it| each(it, WordFlags::NONE, is_prefix),
    ),
    reader("cgroup_socket_bind", Resets, "`any`, or `tcp` or `udp` with a port or a range of them", |it| {
        unless(is_bind_rule(it.value), it)
    }),
    reader("delegate", Resets, CONTROLLERS_ARE, |it| if boolean(it.value).is_ok() { None } else { controllers(it) }),
    reader("disable_controllers", Resets, CONTROLLERS_ARE, controllers),
    reader("set_status", Resets, "an exit status or a signal, by name or number", |it| {
        each(it, WordFlags::NONE, is_status)
    }),
];

const CONTROLLERS_ARE: &str = "a controller, such as `cpu` or `memory`";

fn without_tilde(asked: Asked<'_>) -> Asked<'_> {
    asked.of(asked.value.strip_prefix('~').unwrap_or(asked.value))
}

/// A list of those that are allowed cannot say what error the others give.
fn calls(asked: Asked<'_>) -> Option<String> {
    let denied = asked.value.starts_with('~');
    each(without_tilde(asked), WordFlags::NONE, |word| match word.split_once(':') {
        Some((name, errno)) => denied && is_errno(errno) && is_call_or_group(name),
        None => is_call_or_group(word),
    })
}

fn controllers(asked: Asked<'_>) -> Option<String> {
    const CONTROLLERS: [&str; 13] = [
        "cpu",
        "cpuacct",
        "cpuset",
        "io",
        "blkio",
        "memory",
        "devices",
        "pids",
        "bpf-firewall",
        "bpf-devices",
        "bpf-foreign",
        "bpf-socket-bind",
        "bpf-restrict-network-interfaces",
    ];
    each(asked, WordFlags::UNQUOTE, |word| CONTROLLERS.contains(&word))
}

fn is_program(value: &str) -> bool {
    const TYPES: [&str; 18] = [
        "egress",
        "ingress",
        "sock_create",
        "sock_ops",
        "device",
        "bind4",
        "bind6",
        "connect4",
        "connect6",
        "post_bind4",
        "post_bind6",
        "sendmsg4",
        "sendmsg6",
        "sysctl",
        "recvmsg4",
        "recvmsg6",
        "getsockopt",
        "setsockopt",
    ];
    value.split_once(':').is_some_and(|(kind, path)| TYPES.contains(&kind) && path.starts_with(['/', '%']))
}

/// `[ipv4:|ipv6:][tcp:|udp:]PORT[-PORT]`, any part alone, or `any`.
fn is_bind_rule(value: &str) -> bool {
    let is_port = |text: &str| text.parse::<u16>().is_ok_and(|port| port > 0);
    let rest = value.strip_prefix("ipv4:").or(value.strip_prefix("ipv6:")).unwrap_or(value);
    if matches!(rest, "any" | "ipv4" | "ipv6" | "tcp" | "udp") {
        return true;
    }
    let rest = rest.strip_prefix("tcp:").or(rest.strip_prefix("udp:")).unwrap_or(rest);
    let (first, last) = rest.split_once('-').unwrap_or((rest, rest));
    is_port(first) && is_port(last) && first.parse::<u16>().ok() <= last.parse::<u16>().ok()
}

/// Names of exit statuses of systemd 252 (`systemd-analyze exit-status`).
const STATUSES: &str = "SUCCESS FAILURE INVALIDARGUMENT NOTIMPLEMENTED NOPERMISSION NOTINSTALLED NOTCONFIGURED NOTRUNNING USAGE DATAERR NOINPUT NOUSER NOHOST UNAVAILABLE SOFTWARE OSERR OSFILE CANTCREAT IOERR TEMPFAIL PROTOCOL NOPERM CONFIG CHDIR NICE FDS EXEC MEMORY LIMITS OOM_ADJUST SIGNAL_MASK STDIN STDOUT CHROOT IOPRIO TIMERSLACK SECUREBITS SETSCHEDULER CPUAFFINITY GROUP USER CAPABILITIES CGROUP SETSID CONFIRM STDERR PAM NETWORK NAMESPACE NO_NEW_PRIVILEGES SECCOMP SELINUX_CONTEXT PERSONALITY APPARMOR ADDRESS_FAMILIES RUNTIME_DIRECTORY CHOWN SMACK_PROCESS_LABEL KEYRING STATE_DIRECTORY CACHE_DIRECTORY LOGS_DIRECTORY CONFIGURATION_DIRECTORY NUMA_POLICY CREDENTIALS BPF EXCEPTION";

fn is_status(word: &str) -> bool {
    word.parse::<u8>().is_ok() || STATUSES.split(' ').any(|name| name == word) || crate::lint::rules::is_signal(word)
}
