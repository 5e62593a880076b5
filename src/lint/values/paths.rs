//! Values that are paths, addresses, names of users, units and variables.

use super::Empty::{Resets, Unread};
use super::{Asked, Reader, expanding, reader, unless};
use crate::unit::environment::{name_is_valid, split_assignment};
use crate::unit::words::{WordFlags, Words};
use crate::unit::{UnitName, UnitType};
use std::net::{Ipv4Addr, Ipv6Addr};

/// Those of paths and names.
pub(super) static READERS: [Reader; 31] = [
    expanding("unit_path_printf", PATH, |it| unless(is_absolute(it.value), it)),
    expanding("ip_filter_bpf_progs", PATH, |it| unless(is_absolute(it.value), it)),
    expanding("path_spec", PATH, |it| unless(is_absolute(it.value), it)),
    expanding("unit_mounts_for", PATH, |it| each(it, WordFlags::UNQUOTE, is_absolute)),
    expanding("temporary_filesystems", PATH, |it| {
        each(it, WordFlags::UNQUOTE, |word| is_absolute(word.split(':').next().unwrap_or_default()))
    }),
    expanding("bind_paths", "an absolute path, with a second one and `rbind` or `norbind` after colons", |it| {
        each(it, WordFlags::UNQUOTE, is_bind)
    }),
    expanding("exec_directories", "a relative path without `..`", |it| {
        each(it, WordFlags::UNQUOTE | WordFlags::RETAIN_ESCAPE, |word| is_folders(it.key, word))
    }),
    expanding("pid_file", "a path without `..`", |it| unless(!has_dots(it.value), it)),
    expanding("device_allow", "a device node or a group of them, and `r`, `w`, `m`", |it| {
        unless(crate::lint::exposure::is_device(it.value), it)
    }),
    expanding("load_credential", "`NAME:PATH`", |it| unless(is_credential(it.value), it)),
    expanding("set_credential", "`NAME:VALUE`", |it| {
        unless(it.value.split_once(':').is_some_and(|(name, value)| is_file_name(name) && !value.is_empty()), it)
    }),
    expanding("log_namespace", "a name without slashes", |it| unless(is_file_name(it.value), it)),
    must_be("bus_name", "a name on the bus, such as `org.example.Thing`", |it| unless(is_bus_name(it.value), it)),
    expanding("user_group_compat", USER, |it| unless(is_user(it.value), it)),
    expanding("user_group_strv_compat", USER, |it| each(it, WordFlags::NONE, is_user)),
    must_be("unit_slice", "a slice", |it| unless(is_unit(it.value, UnitType::Slice), it)),
    expanding("service_sockets", "a socket", |it| each(it, WordFlags::NONE, |word| is_unit(word, UnitType::Socket))),
    expanding("pass_environ", "the name of a variable", |it| {
        each(it, WordFlags::UNQUOTE, |word| name_is_valid(word.as_bytes()))
    }),
    expanding("unset_environ", "a variable, or `NAME=VALUE`", |it| {
        let reads = |word: &str| name_is_valid(word.as_bytes()) || split_assignment(word.as_bytes()).is_some();
        each(it, WordFlags::UNQUOTE | WordFlags::CUNESCAPE, reads)
    }),
    expanding("log_extra_fields", "`FIELD=value` with a name in capitals", |it| {
        each(it, WordFlags::UNQUOTE | WordFlags::CUNESCAPE, is_field)
    }),
    expanding("socket_listen", "an address to listen on", listens),
    must_be("trigger_unit", "a unit", |it| unless(UnitName::parse(it.value).is_ok(), it)),
    must_be("socket_service", "a service", |it| unless(is_unit(it.value, UnitType::Service), it)),
    expanding("unit_path_strv_printf", PATH, |it| each(it, WordFlags::UNQUOTE, is_absolute)),
    expanding("fdname", "a name without colons", |it| unless(!it.value.contains(':') && it.value.len() < 256, it)),
    expanding("mount_images", PATH, |it| each(it, WordFlags::UNQUOTE, is_image)),
    expanding("extension_images", PATH, |it| each(it, WordFlags::UNQUOTE, is_image)),
    expanding("colon_separated_paths", PATH, |it| {
        unless(it.value.split(':').all(|path| path.is_empty() || is_absolute(path)), it)
    }),
    reader("exec_root_hash", Resets, "32 or more hexadecimal digits, or an absolute path", |it| {
        unless(is_hash(it.value), it)
    }),
    reader("exec_input_data", Resets, "data in Base64", |it| unless(is_base64(it.value), it)),
    reader("socket_bindtodevice", Resets, INTERFACE, |it| unless(is_interface(it.value), it)),
];

/// The same that must not be empty.
const fn must_be(parser: &'static str, wanted: &'static str, read: super::Read) -> Reader {
    Reader { empty: Unread, ..expanding(parser, wanted, read) }
}

pub(super) const INTERFACE: &str = "a name of a network interface, at most 15 bytes";
const PATH: &str = "an absolute path";
const USER: &str = "a name of a user or group, or its number";

/// The first word that is not as it should be, or all of a value whose quotes are not closed.
pub(super) fn each(asked: Asked<'_>, flags: WordFlags, reads: impl Fn(&str) -> bool) -> Option<String> {
    let mut words = Words::new(asked.value.as_bytes());
    loop {
        match words.next_word(flags) {
            Err(_) => return Some(asked.value.to_owned()),
            Ok(None) => return None,
            Ok(Some(word)) => {
                let word = String::from_utf8_lossy(&word.text).into_owned();
                if !reads(&word) {
                    return Some(word);
                }
            }
        }
    }
}

fn is_absolute(path: &str) -> bool {
    path.starts_with(['/', '%'])
}

fn has_dots(path: &str) -> bool {
    path.split('/').any(|part| part == "..")
}

fn is_folder(path: &str) -> bool {
    let private = path == "private" || path.starts_with("private/");
    !path.starts_with('/') && !has_dots(path) && !private
}

/// A folder, and unless it is for configuration a second one that points at it.
fn is_folders(key: &str, word: &str) -> bool {
    let alone = key != "ConfigurationDirectory" || !word.contains(':');
    alone && word.split(':').all(|path| path.is_empty() || is_folder(path))
}

fn is_image(word: &str) -> bool {
    is_absolute(word.split(':').next().unwrap_or_default().trim_start_matches('-'))
}

fn is_hash(value: &str) -> bool {
    let digits = value.bytes().all(|byte| byte.is_ascii_hexdigit()) && value.len().is_multiple_of(2);
    is_absolute(value) || (digits && value.len() >= 32)
}

fn is_base64(value: &str) -> bool {
    let letters: Vec<u8> = value.bytes().filter(|byte| !byte.is_ascii_whitespace()).collect();
    let filled = letters.iter().rev().take_while(|byte| **byte == b'=').count();
    let known = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/');
    letters.len().is_multiple_of(4) && filled <= 2 && letters.iter().take(letters.len() - filled).all(known)
}

/// `ifname_valid()` of src/basic/socket-util.c.
pub(super) fn is_interface(name: &str) -> bool {
    let digits = name.bytes().all(|byte| byte.is_ascii_digit());
    let plain = name.bytes().all(|byte| byte.is_ascii_graphic() && !matches!(byte, b':' | b'/' | b'%'));
    !digits && plain && name.len() <= 15 && !matches!(name, "" | "." | ".." | "all" | "default")
}

fn is_bind(word: &str) -> bool {
    let mut parts = word.splitn(3, ':');
    let source = parts.next().is_some_and(|path| is_absolute(path.trim_start_matches('-')));
    let target = parts.next().is_none_or(is_absolute);
    source && target && parts.next().is_none_or(|options| matches!(options, "" | "rbind" | "norbind"))
}

fn is_file_name(name: &str) -> bool {
    !matches!(name, "" | "." | "..") && !name.contains('/') && name.len() < 256
}

fn is_credential(value: &str) -> bool {
    let (name, path) = value.split_once(':').unwrap_or((value, value));
    is_file_name(name) && (path.is_empty() || is_absolute(path) || is_file_name(path))
}

fn is_bus_name(name: &str) -> bool {
    let is_part = |part: &str| {
        let starts = part.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_' || c == '-');
        starts && part.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-')
    };
    name.contains('.') && name.len() < 256 && name.split('.').all(is_part)
}

/// What systemd takes, if only with a warning.
fn is_user(name: &str) -> bool {
    let numeric = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if numeric(name) {
        return name.parse::<u32>().is_ok_and(|id| id != u32::MAX && id != 0xffff);
    }
    let negative = name.strip_prefix('-').is_some_and(numeric);
    !negative && !matches!(name, "." | "..") && !name.contains([':', '/', '\0']) && !name.chars().any(char::is_control)
}

fn is_unit(name: &str, unit_type: UnitType) -> bool {
    name.contains('%') || UnitName::parse(name).is_ok_and(|name| name.unit_type() == unit_type)
}

fn is_field(word: &str) -> bool {
    let Some((name, _)) = word.split_once('=') else { return false };
    let begins = name.starts_with(|c: char| c.is_ascii_uppercase());
    begins && name.len() <= 64 && name.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_')
}

fn listens(asked: Asked<'_>) -> Option<String> {
    let reads = match asked.key {
        "ListenFIFO" | "ListenSpecial" | "ListenUSBFunction" | "ListenMessageQueue" => is_absolute(asked.value),
        "ListenNetlink" => is_netlink(asked.value),
        _ => is_address(asked.value),
    };
    unless(reads || asked.value.contains('%'), asked)
}

/// A family by name or number (src/basic/socket-util.c), and a group's number.
fn is_netlink(value: &str) -> bool {
    const FAMILIES: [&str; 21] = [
        "route",
        "firewall",
        "inet-diag",
        "nflog",
        "xfrm",
        "selinux",
        "iscsi",
        "audit",
        "fib-lookup",
        "connector",
        "netfilter",
        "ip6-fw",
        "dnrtmsg",
        "kobject-uevent",
        "generic",
        "scsitransport",
        "ecryptfs",
        "rdma",
        "crypto",
        "smc",
        "sock-diag",
    ];
    let mut words = value.split_whitespace();
    let family = words.next().is_some_and(|word| FAMILIES.contains(&word) || word.parse::<u8>().is_ok());
    family && words.next().is_none_or(|group| group.parse::<u32>().is_ok()) && words.next().is_none()
}

fn is_address(value: &str) -> bool {
    let is_port = |text: &str| text.parse::<u16>().is_ok_and(|port| port > 0);
    if value.starts_with(['/', '@']) {
        return true;
    }
    if let Some(address) = value.strip_prefix("vsock:") {
        return address
            .split_once(':')
            .is_some_and(|(cid, port)| (cid.is_empty() || cid.parse::<u32>().is_ok()) && port.parse::<u32>().is_ok());
    }
    let Some((host, port)) = value.rsplit_once(':') else { return is_port(value) };
    let six = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
    let host_reads = match six {
        Some(six) => six.split('%').next().is_some_and(|address| address.parse::<Ipv6Addr>().is_ok()),
        None => host.parse::<Ipv4Addr>().is_ok(),
    };
    host_reads && is_port(port.split('%').next().unwrap_or_default())
}
