//! Directives that hold sets: capabilities, address families, namespaces.

use crate::unit::value::CAPABILITIES;
use crate::unit::words::{WordFlags, Words};
use std::collections::BTreeSet;

/// The words of a value, up to where they cannot be read any more.
fn words(value: &str, flags: WordFlags) -> Vec<String> {
    let mut words = Words::new(value.as_bytes());
    let next = || words.next_word(flags).ok().flatten().map(|word| String::from_utf8_lossy(&word.text).into_owned());
    std::iter::from_fn(next).collect()
}

fn inverted(value: &str) -> (bool, &str) {
    value.strip_prefix('~').map_or((false, value), |list| (true, list))
}

/// The bit of a capability, by name in any case or by number.
pub(super) fn capability(name: &str) -> Option<u64> {
    let number = match name.parse::<u32>() {
        Ok(number) => number,
        Err(_) => u32::try_from(CAPABILITIES.iter().position(|it| it.eq_ignore_ascii_case(name))?).ok()?,
    };
    1u64.checked_shl(number)
}

/// What an assignment makes of a set of capabilities; `initial` is the set where nothing was assigned.
pub(super) fn capabilities(so_far: u64, value: &str, initial: u64) -> u64 {
    let (inverted, list) = inverted(value);
    let named =
        words(list, WordFlags::UNQUOTE).iter().filter_map(|name| capability(name)).fold(0, |all, bit| all | bit);
    match (named == 0 || so_far == initial, inverted) {
        (true, true) => !named,
        (true, false) => named,
        (false, true) => so_far & !named,
        (false, false) => so_far | named,
    }
}

/// Families of addresses of Linux 6.1, with their other names (sys/socket.h).
const FAMILIES: [&str; 48] = [
    "AF_ALG",
    "AF_APPLETALK",
    "AF_ASH",
    "AF_ATMPVC",
    "AF_ATMSVC",
    "AF_AX25",
    "AF_BLUETOOTH",
    "AF_BRIDGE",
    "AF_CAIF",
    "AF_CAN",
    "AF_DECNET",
    "AF_ECONET",
    "AF_FILE",
    "AF_IB",
    "AF_IEEE802154",
    "AF_INET",
    "AF_INET6",
    "AF_IPX",
    "AF_IRDA",
    "AF_ISDN",
    "AF_IUCV",
    "AF_KCM",
    "AF_KEY",
    "AF_LLC",
    "AF_LOCAL",
    "AF_MCTP",
    "AF_MPLS",
    "AF_NETBEUI",
    "AF_NETLINK",
    "AF_NETROM",
    "AF_NFC",
    "AF_PACKET",
    "AF_PHONET",
    "AF_PPPOX",
    "AF_QIPCRTR",
    "AF_RDS",
    "AF_ROSE",
    "AF_ROUTE",
    "AF_RXRPC",
    "AF_SECURITY",
    "AF_SMC",
    "AF_SNA",
    "AF_TIPC",
    "AF_UNIX",
    "AF_VSOCK",
    "AF_WANPIPE",
    "AF_X25",
    "AF_XDP",
];

/// Whether systemd knows a family of addresses by that name, in any case.
pub(in crate::lint) fn is_address_family(name: &str) -> bool {
    FAMILIES.iter().any(|family| family.eq_ignore_ascii_case(name))
}

/// `RestrictAddressFamilies=`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Families {
    allows: bool,
    /// None where nothing was assigned, or `none`.
    named: Option<BTreeSet<String>>,
}

impl Families {
    pub(super) fn assign(&mut self, value: &str) {
        if value.is_empty() || value == "none" {
            *self = Self { allows: value == "none", named: None };
            return;
        }
        let (inverted, list) = inverted(value);
        if self.named.is_none() {
            self.allows = !inverted;
        }
        let named = self.named.get_or_insert_default();
        for family in words(list, WordFlags::UNQUOTE).iter().filter(|name| is_address_family(name)) {
            let family = match family.to_ascii_uppercase().as_str() {
                "AF_LOCAL" | "AF_FILE" => "AF_UNIX".to_owned(),
                "AF_ROUTE" => "AF_NETLINK".to_owned(),
                other => other.to_owned(),
            };
            if inverted == self.allows {
                named.remove(&family)
            } else {
                named.insert(family)
            };
        }
    }

    /// Whether any of the families that are told apart in this group is kept from the service; the group without names
    /// is all others. As in systemd one family that is named decides.
    pub(super) fn restricts(&self, group: &[&str]) -> bool {
        const TOLD_APART: [&str; 5] = ["AF_INET", "AF_INET6", "AF_UNIX", "AF_NETLINK", "AF_PACKET"];
        let is_in = |family: &str| match group {
            [] => !TOLD_APART.contains(&family),
            group => group.contains(&family),
        };
        let named = self.named.iter().flatten().any(|family| is_in(family));
        named != self.allows
    }
}

const NAMESPACES: [&str; 7] = ["cgroup", "ipc", "net", "mnt", "pid", "user", "uts"];

/// `RestrictNamespaces=`: those that may still be made; none where nothing was assigned.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Namespaces(Option<BTreeSet<&'static str>>);

impl Namespaces {
    pub(super) fn assign(&mut self, value: &str, boolean: Option<bool>) {
        match boolean {
            _ if value.is_empty() => self.0 = None,
            Some(true) => self.0 = Some(BTreeSet::new()),
            Some(false) => self.0 = Some(NAMESPACES.into()),
            None => self.assign_list(value),
        }
    }

    /// One name that is none spoils the whole assignment.
    fn assign_list(&mut self, value: &str) {
        let (inverted, list) = inverted(value);
        let known = |word: &String| NAMESPACES.into_iter().find(|name| name == word);
        let Some(named) = words(list, WordFlags::NONE).iter().map(known).collect::<Option<BTreeSet<_>>>() else {
            return;
        };
        let all = BTreeSet::from(NAMESPACES);
        self.0 = Some(match (self.0.take(), inverted) {
            (None, true) => all.difference(&named).copied().collect(),
            (None, false) => named,
            (Some(so_far), true) => so_far.difference(&named).copied().collect(),
            (Some(so_far), false) => so_far.union(&named).copied().collect(),
        });
    }

    pub(super) fn allow(&self, name: &str) -> bool {
        self.0.as_ref().is_none_or(|allowed| allowed.contains(name))
    }
}

const ARCHITECTURES: [&str; 20] = [
    "native",
    "x86",
    "x86-64",
    "x32",
    "arm",
    "arm64",
    "mips",
    "mips64",
    "mips64-n32",
    "mips-le",
    "mips64-le",
    "mips64-le-n32",
    "parisc",
    "parisc64",
    "ppc",
    "ppc64",
    "ppc64-le",
    "riscv64",
    "s390",
    "s390x",
];

/// Whether systemd knows an architecture of `SystemCallArchitectures=`.
pub(in crate::lint) fn is_architecture(name: &str) -> bool {
    ARCHITECTURES.contains(&name)
}

/// What an assignment makes of `SystemCallArchitectures=`.
pub(super) fn architectures(so_far: BTreeSet<String>, value: &str) -> BTreeSet<String> {
    if value.is_empty() {
        return BTreeSet::new();
    }
    so_far
        .into_iter()
        .chain(words(value, WordFlags::UNQUOTE).into_iter().filter(|name| is_architecture(name)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lone_tilde_stands_for_every_capability() {
        let all = u64::MAX;
        assert_eq!(capabilities(0, "~", all), all);
        assert_eq!(capabilities(all, "CAP_CHOWN cap_kill 3", all), 0b10_1001);
        assert_eq!(capabilities(0b1001, "~CAP_CHOWN", all), 0b1000);
        assert_eq!(capabilities(0b1001, "", all), 0);
    }

    #[test]
    fn families_and_namespaces_are_merged_line_by_line() {
        let mut families = Families::default();
        families.assign("AF_LOCAL AF_INET");
        families.assign("~AF_INET");
        assert!(
            !families.restricts(&["AF_UNIX"])
                && families.restricts(&["AF_INET", "AF_INET6"])
                && families.restricts(&[])
        );
        families.assign("none");
        assert!(families.restricts(&["AF_UNIX"]));
        let mut namespaces = Namespaces::default();
        namespaces.assign("~user pid", None);
        namespaces.assign("nonsense", None);
        assert!(!namespaces.allow("user") && namespaces.allow("net"));
        namespaces.assign("user", None);
        assert!(namespaces.allow("user") && !namespaces.allow("pid"));
    }
}
