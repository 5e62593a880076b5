//! The settings that assessments look at, read from a unit as systemd 252 reads them.

use super::calls::Filter;
use super::network::{self, Prefix};
use super::sets::{self, Families, Namespaces};
use crate::lint::Unit;
use crate::target::{Scheduler, Scope, Target};
use crate::unit::value::{boolean, mode};
use crate::unit::{UnitType, words};
use std::collections::{BTreeMap, BTreeSet};

/// Booleans of a section that runs something.
const BOOLEANS: [&str; 19] = [
    "DynamicUser",
    "LockPersonality",
    "MemoryDenyWriteExecute",
    "NoNewPrivileges",
    "PrivateDevices",
    "PrivateMounts",
    "PrivateNetwork",
    "PrivateTmp",
    "PrivateUsers",
    "ProtectClock",
    "ProtectControlGroups",
    "ProtectHostname",
    "ProtectKernelLogs",
    "ProtectKernelModules",
    "ProtectKernelTunables",
    "RemoveIPC",
    "RestrictRealtime",
    "RestrictSUIDSGID",
    "Delegate",
];

/// Settings with one of a few words, beside a boolean where the last column says so.
const WORDS: [(&str, &[&str], bool); 7] = [
    ("DevicePolicy", &["auto", "closed", "strict"], false),
    ("KeyringMode", &["inherit", "private", "shared"], false),
    ("NotifyAccess", &["none", "main", "exec", "all"], false),
    ("ProcSubset", &["all", "pid"], false),
    ("ProtectHome", &["read-only", "tmpfs"], true),
    ("ProtectProc", &["noaccess", "invisible", "ptraceable", "default"], false),
    ("ProtectSystem", &["full", "strict"], true),
];

/// Settings in which specifiers are expanded.
const EXPANDED: [&str; 5] = ["User", "SupplementaryGroups", "RootDirectory", "RootImage", "DeviceAllow"];

/// systemd's default `UMask=` of a system's service.
const UMASK: u32 = 0o022;

/// What is set.
#[derive(Clone, Debug)]
pub(super) struct Settings {
    unit_type: UnitType,
    pub(super) default_dependencies: bool,
    pub(super) user: String,
    pub(super) groups: bool,
    on: BTreeSet<&'static str>,
    words: BTreeMap<&'static str, String>,
    texts: BTreeMap<&'static str, String>,
    pub(super) umask: u32,
    pub(super) capabilities: u64,
    pub(super) ambient: u64,
    pub(super) families: Families,
    pub(super) namespaces: Namespaces,
    pub(super) architectures: BTreeSet<String>,
    pub(super) calls: Option<Filter>,
    pub(super) denied: Vec<Prefix>,
    pub(super) allowed: Vec<Prefix>,
    pub(super) devices: bool,
    /// A list that is not empty, by key.
    lists: BTreeSet<&'static str>,
}

impl Settings {
    /// The settings of a unit; none where its type runs nothing.
    pub(super) fn of(unit: &Unit<'_>) -> Option<Self> {
        let types = [UnitType::Service, UnitType::Socket, UnitType::Mount, UnitType::Swap];
        let unit_type = types.into_iter().find(|it| unit.is(*it))?;
        let mut settings = Self::new(unit_type, unit.target());
        for line in unit.lines() {
            let own = line.section().eq_ignore_ascii_case(unit_type.as_str());
            match (own, line.section(), line.key()) {
                (true, _, key) if EXPANDED.contains(&key) => settings.assign(key, &expanded(unit, &line.value())),
                (true, _, key) => settings.assign(key, &line.value()),
                (false, "Unit", "DefaultDependencies") => {
                    settings.default_dependencies = boolean(&line.value()).unwrap_or(settings.default_dependencies);
                }
                (false, ..) => {}
            }
        }
        Some(settings)
    }

    fn new(unit_type: UnitType, target: Target) -> Self {
        let of_user = match target.scheduler {
            Scheduler::Systemd(Scope::User) => true,
            Scheduler::Fleet | Scheduler::Systemd(Scope::System) => false,
        };
        let keyring = if unit_type == UnitType::Service && !of_user { "private" } else { "inherit" };
        Self {
            unit_type,
            default_dependencies: true,
            user: String::new(),
            groups: false,
            on: BTreeSet::new(),
            words: BTreeMap::from([("KeyringMode", keyring.to_owned())]),
            texts: BTreeMap::new(),
            umask: UMASK,
            capabilities: u64::MAX,
            ambient: 0,
            families: Families::default(),
            namespaces: Namespaces::default(),
            architectures: BTreeSet::new(),
            calls: None,
            denied: Vec::new(),
            allowed: Vec::new(),
            devices: false,
            lists: BTreeSet::new(),
        }
    }

    /// The same with more assignments after all others.
    pub(super) fn with(&self, lines: &[(&str, &str)]) -> Self {
        let mut more = self.clone();
        for (key, value) in lines {
            more.assign(key, value);
        }
        more
    }

    /// One assignment; a value that systemd cannot read does nothing.
    fn assign(&mut self, key: &str, value: &str) {
        if let Some(key) = BOOLEANS.into_iter().find(|it| *it == key) {
            return self.assign_boolean(key, value);
        }
        if let Some((key, words, booleans)) = WORDS.into_iter().find(|row| row.0 == key) {
            if words.contains(&value) || (booleans && boolean(value).is_ok()) {
                self.words.insert(key, value.to_owned());
            }
            return;
        }
        match key {
            "User" => value.clone_into(&mut self.user),
            "SupplementaryGroups" => self.groups = !value.is_empty() && (self.groups || has_word(value)),
            "RootDirectory" => self.assign_path("RootDirectory", value),
            "RootImage" => self.assign_path("RootImage", value),
            "UMask" => self.umask = mode(value).unwrap_or(if value.is_empty() { UMASK } else { self.umask }),
            "DeviceAllow" => self.devices = !value.is_empty() && (self.devices || is_device(value)),
            "MountImages" => self.assign_list("MountImages", value),
            "LoadCredentialEncrypted" => self.assign_list("LoadCredentialEncrypted", value),
            "SetCredentialEncrypted" => self.assign_list("SetCredentialEncrypted", value),
            "IPIngressFilterPath" | "IPEgressFilterPath" => self.assign_filter(key, value),
            _ => self.assign_set(key, value),
        }
    }

    fn assign_set(&mut self, key: &str, value: &str) {
        match key {
            "CapabilityBoundingSet" => self.capabilities = sets::capabilities(self.capabilities, value, u64::MAX),
            "AmbientCapabilities" => self.ambient = sets::capabilities(self.ambient, value, 0),
            "RestrictAddressFamilies" => self.families.assign(value),
            "RestrictNamespaces" => self.namespaces.assign(value, boolean(value).ok()),
            "SystemCallArchitectures" => {
                self.architectures = sets::architectures(std::mem::take(&mut self.architectures), value);
            }
            "SystemCallFilter" => self.calls = Filter::assigned(self.calls.take(), value),
            "IPAddressDeny" => self.denied = network::assigned(std::mem::take(&mut self.denied), value),
            "IPAddressAllow" => self.allowed = network::assigned(std::mem::take(&mut self.allowed), value),
            _ => {}
        }
    }

    fn assign_boolean(&mut self, key: &'static str, value: &str) {
        // `Delegate=` also takes a list of controllers, and only services and slices may have it.
        let value = match (key, boolean(value)) {
            ("Delegate", _) if self.unit_type != UnitType::Service => return,
            ("Delegate", read) => Some(read.unwrap_or(true)),
            (_, read) => read.ok(),
        };
        match value {
            Some(true) => self.on.extend([key]),
            Some(false) => {
                self.on.remove(key);
            }
            None => {}
        }
    }

    fn assign_path(&mut self, key: &'static str, value: &str) {
        if value.is_empty() || value.starts_with('/') {
            self.texts.insert(key, value.to_owned());
        }
    }

    fn assign_list(&mut self, key: &'static str, value: &str) {
        if value.is_empty() {
            self.lists.remove(key)
        } else {
            self.lists.insert(key)
        };
    }

    fn assign_filter(&mut self, key: &str, value: &str) {
        let key = if key == "IPIngressFilterPath" { "IPIngressFilterPath" } else { "IPEgressFilterPath" };
        if value.is_empty() || value.starts_with('/') {
            self.assign_list(key, value);
        }
    }

    /// With what settings bring with them (`unit_patch_contexts()`, src/core/unit.c).
    pub(super) fn implied(mut self) -> Self {
        const DROPPED: [(&str, &[&str]); 4] = [
            ("PrivateDevices", &["CAP_MKNOD", "CAP_SYS_RAWIO"]),
            ("ProtectKernelModules", &["CAP_SYS_MODULE"]),
            ("ProtectKernelLogs", &["CAP_SYSLOG"]),
            ("ProtectClock", &["CAP_SYS_TIME", "CAP_WAKE_ALARM"]),
        ];
        for (_, names) in DROPPED.iter().filter(|(key, _)| self.on.contains(key)) {
            names.iter().filter_map(|name| sets::capability(name)).for_each(|bit| self.capabilities &= !bit);
        }
        if self.on.contains("DynamicUser") {
            self.on.extend(["PrivateTmp", "RemoveIPC", "NoNewPrivileges", "RestrictSUIDSGID"]);
            self.words.insert("ProtectSystem", "strict".to_owned());
            if boolean(self.word("ProtectHome")).is_ok_and(|on| !on) || self.word("ProtectHome").is_empty() {
                self.words.insert("ProtectHome", "read-only".to_owned());
            }
        }
        self.imply_devices();
        self
    }

    fn imply_devices(&mut self) {
        let closed = !matches!(self.word("DevicePolicy"), "" | "auto");
        if self.on.contains("PrivateDevices") && !closed {
            self.words.insert("DevicePolicy", "closed".to_owned());
        }
        let restricted = self.on.contains("PrivateDevices") || closed || self.devices;
        let image = !self.text("RootImage").is_empty() || self.lists.contains("MountImages");
        let encrypted =
            ["LoadCredentialEncrypted", "SetCredentialEncrypted"].iter().any(|key| self.lists.contains(key));
        self.devices |= restricted && (image || encrypted || self.on.contains("ProtectClock"));
    }

    pub(super) fn is_on(&self, key: &str) -> bool {
        self.on.contains(key)
    }

    pub(super) fn word(&self, key: &str) -> &str {
        self.words.get(key).map_or("", String::as_str)
    }

    pub(super) fn text(&self, key: &str) -> &str {
        self.texts.get(key).map_or("", String::as_str)
    }

    pub(super) fn is_root(&self) -> bool {
        matches!(self.user.as_str(), "0" | "root") || (self.user.is_empty() && !self.is_on("DynamicUser"))
    }

    pub(super) fn filters_calls(&self) -> bool {
        self.calls.is_some()
    }

    pub(super) fn filters_packets(&self) -> bool {
        ["IPIngressFilterPath", "IPEgressFilterPath"].iter().any(|key| self.lists.contains(key))
    }
}

/// The user that runs a system's manager is root.
fn expanded(unit: &Unit<'_>, value: &str) -> String {
    let of_user = unit.target().scheduler == Scheduler::Systemd(Scope::User);
    let (user, id) = if of_user { ("user", "1000") } else { ("root", "0") };
    let values = unit.specifiers().clone().with('u', user).with('U', id);
    let expanded = values.expand(value.as_bytes()).unwrap_or_else(|_| value.as_bytes().to_vec());
    String::from_utf8_lossy(&expanded).into_owned()
}

fn has_word(value: &str) -> bool {
    matches!(words::Words::new(value.as_bytes()).next_word(words::WordFlags::NONE), Ok(Some(_)))
}

/// A device node, or a group of devices, and after it `r`, `w` and `m` or nothing.
pub(in crate::lint) fn is_device(value: &str) -> bool {
    let (path, rights) = value.split_once([' ', '\t']).unwrap_or((value, ""));
    let path = path.trim_matches(['"', '\'']);
    let group = path.starts_with("char-") || path.starts_with("block-");
    let node = path == "/dev" || ["/dev/", "/run/systemd/inaccessible/"].iter().any(|folder| path.starts_with(folder));
    let plain = !path.split('/').any(|part| part == "..");
    (group || (node && plain)) && rights.trim_start().chars().all(|right| "rwm".contains(right))
}
