//! `IPAddressDeny=` and `IPAddressAllow=`: addresses and prefixes.

use crate::unit::words::{WordFlags, Words};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// An address and how many of its bits count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Prefix {
    address: IpAddr,
    bits: u8,
}

impl Prefix {
    const fn v4(a: u8, b: u8, bits: u8) -> Self {
        Self { address: IpAddr::V4(Ipv4Addr::new(a, b, 0, 0)), bits }
    }

    const fn v6(first: u16, last: u16, bits: u8) -> Self {
        Self { address: IpAddr::V6(Ipv6Addr::new(first, 0, 0, 0, 0, 0, 0, last)), bits }
    }

    /// Every address of its kind.
    pub(super) fn is_any(self, v4: bool) -> bool {
        self.bits == 0 && self.address.is_ipv4() == v4
    }

    /// Whether it begins at a loopback address.
    pub(super) fn is_localhost(self) -> bool {
        match self.masked() {
            IpAddr::V4(address) => address.is_loopback(),
            IpAddr::V6(address) => address.is_loopback(),
        }
    }

    fn masked(self) -> IpAddr {
        match self.address {
            IpAddr::V4(address) => {
                let mask = u32::MAX.checked_shl(32 - u32::from(self.bits)).unwrap_or(0);
                IpAddr::V4(Ipv4Addr::from(u32::from(address) & mask))
            }
            IpAddr::V6(address) => {
                let mask = u128::MAX.checked_shl(128 - u32::from(self.bits)).unwrap_or(0);
                IpAddr::V6(Ipv6Addr::from(u128::from(address) & mask))
            }
        }
    }

    fn parse(word: &str) -> Option<Self> {
        let (address, bits) = word.split_once('/').map_or((word, None), |(address, bits)| (address, Some(bits)));
        let address: IpAddr = address.parse().ok()?;
        let most = if address.is_ipv4() { 32 } else { 128 };
        let plain = |bits: &&str| *bits == "0" || !bits.starts_with(['0', '+']);
        let bits = bits.map_or(Some(most), |bits| Some(bits).filter(plain)?.parse().ok())?;
        (bits <= most).then_some(Self { address, bits })
    }
}

/// What an assignment makes of a list so far; words that are no prefix do nothing.
pub(super) fn assigned(mut so_far: Vec<Prefix>, value: &str) -> Vec<Prefix> {
    if value.is_empty() {
        return Vec::new();
    }
    let mut words = Words::new(value.as_bytes());
    while let Ok(Some(word)) = words.next_word(WordFlags::NONE) {
        so_far.extend(named(&String::from_utf8_lossy(&word.text)));
    }
    so_far
}

/// Whether systemd reads a word of such a list.
pub(in crate::lint) fn is_prefix(word: &str) -> bool {
    !named(word).is_empty()
}

fn named(word: &str) -> Vec<Prefix> {
    match word {
        "any" => vec![Prefix::v4(0, 0, 0), Prefix::v6(0, 0, 0)],
        "link-local" => vec![Prefix::v4(169, 254, 16), Prefix::v6(0xfe80, 0, 64)],
        "multicast" => vec![Prefix::v4(224, 0, 4), Prefix::v6(0xff00, 0, 8)],
        word if is_localhost_name(word) => vec![Prefix::v4(127, 0, 8), Prefix::v6(0, 1, 128)],
        word => Prefix::parse(word).into_iter().collect(),
    }
}

fn is_localhost_name(word: &str) -> bool {
    let word = word.to_ascii_lowercase();
    let word = word.strip_suffix('.').unwrap_or(&word);
    ["localhost", "localhost.localdomain"].iter().any(|name| {
        let before = word.strip_suffix(name);
        before.is_some_and(|before| before.is_empty() || before.ends_with('.'))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prefixes_are_masked_before_they_are_compared_with_loopback() {
        let one = |word| named(word).first().copied().unwrap();
        assert!(one("127.3.2.1/8").is_localhost() && one("::1").is_localhost() && one("app.localhost").is_localhost());
        assert!(!one("::1/64").is_localhost() && !one("10.0.0.1").is_localhost());
        assert!(one("1.2.3.4/0").is_any(true) && !one("::/0").is_any(true));
        assert!(named("10.0.0.0/33").is_empty() && named("example.org").is_empty());
    }
}
