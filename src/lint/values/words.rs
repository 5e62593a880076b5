//! Values that are one of a few words.

use super::Empty::{Resets, Unread};
use super::{Asked, Reader, expanding, reader, unless};
use crate::unit::value::{boolean, log_level};

/// Those of one of a few words.
pub(super) static READERS: [Reader; 39] = [
    reader("tristate", Resets, "yes or no", |it| unless(boolean(it.value).is_ok(), it)),
    reader("protect_home", Unread, "yes, no, `read-only` or `tmpfs`", |it| either(it, &["read-only", "tmpfs"], &[])),
    reader("protect_system", Unread, "yes, no, `full` or `strict`", |it| either(it, &["full", "strict"], &[])),
    reader("private_tmp", Unread, "yes, no, or from systemd 257 on `disconnected`", |it| {
        either(it, &[], &[("disconnected", 257)])
    }),
    reader("private_users", Unread, "yes, no, or from systemd 257 on `self`, `identity`, `full` or `managed`", |it| {
        either(it, &[], &[("self", 257), ("identity", 257), ("full", 258), ("managed", 260)])
    }),
    reader("private_pids", Unread, "yes or no", |it| either(it, &[], &[])),
    reader("private_bpf", Unread, "yes or no", |it| either(it, &[], &[])),
    reader("protect_control_groups", Unread, "yes, no, or from systemd 257 on `private` or `strict`", |it| {
        either(it, &[], &[("private", 257), ("strict", 257)])
    }),
    reader("protect_hostname", Unread, "yes, no, or from systemd 257 on `private`", |it| {
        let named = it.version >= 258
            && it.value.split_once(':').is_some_and(|(word, name)| word == "private" && !name.is_empty());
        if named { None } else { either(it, &[], &[("private", 257)]) }
    }),
    reader("exec_preserve_mode", Unread, "yes, no or `restart`", |it| either(it, &["restart"], &[])),
    reader("socket_bind", Unread, "yes, no, `default`, `both` or `ipv6-only`", |it| {
        either(it, &["default", "both", "ipv6-only"], &[])
    }),
    reader(
        "emergency_action",
        Unread,
        "`none`, `reboot`, `poweroff`, `exit`, these with `-force`, or the first two with `-immediate`",
        |it| {
            const OLD: [&str; 9] = [
                "none",
                "reboot",
                "reboot-force",
                "reboot-immediate",
                "poweroff",
                "poweroff-force",
                "poweroff-immediate",
                "exit",
                "exit-force",
            ];
            const NEW: [(&str, u16); 7] = [
                ("soft-reboot", 254),
                ("soft-reboot-force", 254),
                ("kexec", 255),
                ("kexec-force", 255),
                ("halt", 255),
                ("halt-force", 255),
                ("halt-immediate", 255),
            ];
            one_of(it, &OLD, &NEW)
        },
    ),
    reader("job_mode", Unread, "a mode such as `replace`, `fail` or `isolate`", |it| {
        const OLD: [&str; 8] = [
            "fail",
            "replace",
            "replace-irreversibly",
            "isolate",
            "flush",
            "ignore-dependencies",
            "ignore-requirements",
            "triggering",
        ];
        one_of(it, &OLD, &[("restart-dependencies", 257), ("lenient", 257)])
    }),
    reader("numa_policy", Resets, "`default`, `preferred`, `bind`, `interleave` or `local`", |it| {
        one_of(it, &["default", "preferred", "bind", "interleave", "local"], &[])
    }),
    reader("managed_oom_preference", Unread, "`none`, `avoid` or `omit`", |it| {
        one_of(it, &["none", "avoid", "omit"], &[])
    }),
    reader("managed_oom_mode", Resets, "`auto` or `kill`", |it| one_of(it, &["auto", "kill"], &[])),
    reader("exec_mount_propagation_flag", Resets, "`shared`, `slave` or `private`", |it| {
        one_of(it, &["shared", "slave", "private"], &[])
    }),
    reader("personality", Resets, "an architecture such as `x86-64`", |it| one_of(it, &ARCHITECTURES, &[])),
    reader("socket_protocol", Resets, "`udplite`, `sctp` or `mptcp`", |it| {
        one_of(it, &["udplite", "sctp"], &[("mptcp", 257)])
    }),
    reader("socket_timestamping", Unread, "`off`, `us` or `ns`", |it| {
        either(it, &["off", "us", "usec", "µs", "ns", "nsec"], &[])
    }),
    reader("log_level", Unread, "a log level, such as `info`", |it| unless(log_level(it.value).is_ok(), it)),
    reader("log_facility", Unread, "a log facility, such as `daemon`", facility),
    reader(
        "exec_input",
        Unread,
        "`null`, `tty`, `tty-force`, `tty-fail`, `data`, `socket`, `fd:NAME` or `file:PATH`",
        input,
    ),
    Reader {
        empty: Unread,
        ..expanding(
            "exec_output",
            "`inherit`, `null`, `tty`, `journal`, `kmsg`, `socket`, `fd:NAME`, `file:PATH`, `append:PATH` or `truncate:PATH`",
            output,
        )
    },
    reader("ip_tos", Resets, "`low-delay`, `throughput`, `reliability`, `low-cost`, or a number from 0 to 255", |it| {
        if it.value.parse::<u8>().is_ok() {
            None
        } else {
            one_of(it, &["low-delay", "throughput", "reliability", "low-cost"], &[])
        }
    }),
    // Accounting that later versions always do could be switched off.
    reader("warn_compat", Resets, "yes or no", |it| {
        unless(!it.key.ends_with("Accounting") || boolean(it.value).is_ok(), it)
    }),
    reader("service_type", Unread, TYPE, |_| None),
    reader("service_restart", Unread, TYPE, |_| None),
    reader("kill_mode", Resets, TYPE, |_| None),
    reader("notify_access", Unread, TYPE, |_| None),
    reader("service_exit_type", Unread, TYPE, |_| None),
    reader("oom_policy", Unread, TYPE, |_| None),
    reader("exec_keyring_mode", Unread, TYPE, |_| None),
    reader("device_policy", Unread, TYPE, |_| None),
    reader("protect_proc", Unread, TYPE, |_| None),
    reader("proc_subset", Unread, TYPE, |_| None),
    reader("collect_mode", Unread, TYPE, |_| None),
    reader("exec_utmp_mode", Unread, TYPE, |_| None),
    reader("service_timeout_failure_mode", Unread, TYPE, |_| None),
];

/// Of keys whose words the rule `bad-word` knows: only their being empty is looked at here.
const TYPE: &str = "one of a few words";

/// Architectures of systemd 252 (src/basic/architecture.c); which of them a machine can take is another matter.
const ARCHITECTURES: [&str; 16] = [
    "x86",
    "x86-64",
    "arm",
    "arm64",
    "mips-le",
    "mips",
    "mips64",
    "mips64-le",
    "parisc",
    "ppc",
    "ppc64",
    "ppc64-le",
    "riscv64",
    "s390",
    "s390x",
    "loongarch64",
];

/// One of the words, or of those that a version added.
fn one_of(asked: Asked<'_>, words: &[&str], newer: &[(&str, u16)]) -> Option<String> {
    let newer = newer.iter().any(|(word, since)| *word == asked.value && *since <= asked.version);
    unless(newer || words.contains(&asked.value), asked)
}

/// The same beside a boolean.
fn either(asked: Asked<'_>, words: &[&str], newer: &[(&str, u16)]) -> Option<String> {
    if boolean(asked.value).is_ok() { None } else { one_of(asked, words, newer) }
}

/// Facilities by name, or by a number of seven bits.
fn facility(asked: Asked<'_>) -> Option<String> {
    let named = crate::unit::value::log_facility(asked.value).is_ok();
    unless(named || asked.value.parse::<u8>().is_ok_and(|number| number <= 127), asked)
}

fn input(asked: Asked<'_>) -> Option<String> {
    const WORDS: [&str; 7] = ["null", "tty", "tty-force", "tty-fail", "data", "socket", "fd"];
    let file = asked.value.strip_prefix("file:").is_some_and(|path| path.starts_with(['/', '%']));
    let fd = asked.value.strip_prefix("fd:").is_some_and(|name| !name.is_empty());
    if file || fd { None } else { one_of(asked, &WORDS, &[]) }
}

fn output(asked: Asked<'_>) -> Option<String> {
    const WORDS: [&str; 11] = [
        "inherit",
        "null",
        "tty",
        "journal",
        "journal+console",
        "kmsg",
        "kmsg+console",
        "syslog",
        "syslog+console",
        "socket",
        "fd",
    ];
    let is_path = |kind| asked.value.strip_prefix(kind).is_some_and(|path: &str| path.starts_with(['/', '%']));
    let fd = asked.value.strip_prefix("fd:").is_some_and(|name| !name.is_empty());
    if fd || ["file:", "append:", "truncate:"].into_iter().any(is_path) { None } else { one_of(asked, &WORDS, &[]) }
}
