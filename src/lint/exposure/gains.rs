//! What could be added to a unit, and what it would gain.

use super::Sum;
use super::settings::Settings;
use crate::lint::directives;
use std::fmt;

/// Lines to add, and what they alone would take off the score.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gain {
    /// The assignments.
    pub lines: Vec<String>,
    /// Hundredths of the score, from the unit judged again with the lines in it.
    pub hundredths: u64,
}

impl fmt::Display for Gain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lines: Vec<String> = self.lines.iter().map(|line| format!("`{line}`")).collect();
        write!(f, "{} takes off {}.{:02}", lines.join(" with "), self.hundredths / 100, self.hundredths % 100)
    }
}

/// What a suggestion may stand beside.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Where {
    Anywhere,
    /// Only in a unit that filters system calls already.
    Filtered,
    /// Only in one that does not.
    Unfiltered,
}

type Lines = &'static [(&'static str, &'static str)];

/// What to suggest, with the newest version that a value needs where it is younger than its key.
const SUGGESTIONS: [(Lines, u16, Where); 38] = [
    (&[("DynamicUser", "yes")], 235, Where::Anywhere),
    (&[("SupplementaryGroups", "")], 0, Where::Anywhere),
    (&[("PrivateDevices", "yes")], 0, Where::Anywhere),
    (&[("PrivateMounts", "yes")], 0, Where::Anywhere),
    (&[("PrivateNetwork", "yes")], 0, Where::Anywhere),
    (&[("PrivateTmp", "yes")], 0, Where::Anywhere),
    (&[("PrivateUsers", "yes")], 0, Where::Anywhere),
    (&[("ProtectControlGroups", "yes")], 0, Where::Anywhere),
    (&[("ProtectKernelModules", "yes")], 0, Where::Anywhere),
    (&[("ProtectKernelTunables", "yes")], 0, Where::Anywhere),
    (&[("ProtectKernelLogs", "yes")], 0, Where::Anywhere),
    (&[("ProtectClock", "yes")], 0, Where::Anywhere),
    (&[("ProtectHome", "yes")], 0, Where::Anywhere),
    (&[("ProtectHostname", "yes")], 0, Where::Anywhere),
    (&[("ProtectSystem", "strict")], 232, Where::Anywhere),
    (&[("LockPersonality", "yes")], 0, Where::Anywhere),
    (&[("MemoryDenyWriteExecute", "yes")], 0, Where::Anywhere),
    (&[("NoNewPrivileges", "yes")], 0, Where::Anywhere),
    (&[("CapabilityBoundingSet", "")], 0, Where::Anywhere),
    (&[("UMask", "0077")], 0, Where::Anywhere),
    (&[("KeyringMode", "private")], 0, Where::Anywhere),
    (&[("ProtectProc", "invisible")], 0, Where::Anywhere),
    (&[("ProcSubset", "pid")], 0, Where::Anywhere),
    (&[("NotifyAccess", "main")], 0, Where::Anywhere),
    (&[("RemoveIPC", "yes")], 0, Where::Anywhere),
    (&[("Delegate", "no")], 0, Where::Anywhere),
    (&[("RestrictRealtime", "yes")], 0, Where::Anywhere),
    (&[("RestrictSUIDSGID", "yes")], 0, Where::Anywhere),
    (&[("RestrictNamespaces", "yes")], 0, Where::Anywhere),
    (&[("RestrictAddressFamilies", "AF_UNIX AF_INET AF_INET6")], 0, Where::Anywhere),
    (&[("RestrictAddressFamilies", "~AF_INET AF_INET6")], 0, Where::Anywhere),
    (&[("SystemCallArchitectures", "native")], 0, Where::Anywhere),
    (
        &[("SystemCallFilter", "@system-service"), ("SystemCallFilter", "~@privileged @resources")],
        239,
        Where::Unfiltered,
    ),
    (&[("SystemCallFilter", "~@privileged @resources")], 231, Where::Filtered),
    (&[("SystemCallFilter", "~@clock @debug @module @mount @obsolete @cpu-emulation")], 231, Where::Filtered),
    (&[("IPAddressDeny", "any")], 0, Where::Anywhere),
    (&[("DevicePolicy", "closed")], 0, Where::Anywhere),
    (&[("AmbientCapabilities", "")], 0, Where::Anywhere),
];

/// What would make the unit safer, the biggest gain first.
pub(super) fn find(settings: &Settings, version: u16) -> Vec<Gain> {
    let now = Sum::of(settings).hundredths();
    let mut gains: Vec<Gain> = SUGGESTIONS
        .iter()
        .filter(|(lines, since, place)| {
            let fits = match place {
                Where::Anywhere => true,
                Where::Filtered => settings.filters_calls(),
                Where::Unfiltered => !settings.filters_calls(),
            };
            fits && *since <= version && lines.iter().all(|(key, _)| is_known(key, version))
        })
        .map(|(lines, ..)| Gain {
            lines: lines.iter().map(|(key, value)| format!("{key}={value}")).collect(),
            hundredths: now.saturating_sub(Sum::of(&settings.with(lines)).hundredths()),
        })
        .filter(|gain| gain.hundredths > 0)
        .collect();
    gains.sort_by_key(|gain| std::cmp::Reverse(gain.hundredths));
    gains
}

fn is_known(key: &str, version: u16) -> bool {
    directives::lookup("Service", key).is_some_and(|row| row.since <= version)
}
