//! Whether the newest archive is so small that nothing should be removed on its account.

use serde::{Deserialize, Serialize};
use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::num::NonZeroU32;

/// When an archive is too small to be believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Guard {
    /// It has shrunk by more than this.
    pub shrink: Percent,
    /// Against the median of that many before it.
    pub over: NonZeroU32,
}

impl Guard {
    /// What holds where nothing is said.
    #[must_use]
    pub fn usual() -> Option<Self> {
        Some(Self::default())
    }

    /// Whether it is what holds where nothing is said.
    #[must_use]
    pub fn is_usual(guard: &Option<Self>) -> bool {
        *guard == Self::usual()
    }
}

/// A share, 1–99 hundredths.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Percent(u8);

impl Percent {
    /// 1–99; none for anything else.
    #[must_use]
    pub fn new(hundredths: u8) -> Option<Self> {
        (1..=99).contains(&hundredths).then_some(Self(hundredths))
    }

    /// Reads `50%`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let digits = text.strip_suffix('%')?.trim_end();
        digits.bytes().all(|b| b.is_ascii_digit()).then(|| digits.parse().ok()).flatten().and_then(Self::new)
    }

    /// The hundredths.
    #[must_use]
    pub fn hundredths(self) -> u8 {
        self.0
    }
}

impl fmt::Display for Percent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}%", self.0)
    }
}

impl Default for Guard {
    /// Less than half of what is usual among five.
    fn default() -> Self {
        Self { shrink: Percent(50), over: NonZeroU32::MIN.saturating_add(4) }
    }
}

/// What an archive held before it was packed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Weighed<'a> {
    /// Bytes of each source.
    pub sources: Vec<(&'a str, u64)>,
    /// Somebody said that its size is right.
    pub accepted: bool,
}

/// A source of which there is far less than there was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shrunk {
    /// The source.
    pub source: String,
    /// How many bytes the newest archive has of it.
    pub size: u64,
    /// How many are usual.
    pub usual: u64,
}

/// The first source of the newest archive that has shrunk beyond belief, of good archives oldest first.
///
/// What is too small is no measure for what comes after it: a dump that is broken for a week does not become the usual
/// size. An archive whose size was accepted is.
#[must_use]
pub fn shrunk(archives: &[Weighed<'_>], guard: Guard) -> Option<Shrunk> {
    let Guard { shrink, over } = guard;
    let left = u128::from(100 - shrink.hundredths());
    let mut usual_of: HashMap<&str, VecDeque<u64>> = HashMap::new();
    let mut found = None;
    for archive in archives {
        found = None;
        for (source, size) in &archive.sources {
            let sizes = usual_of.entry(source).or_default();
            if archive.accepted {
                sizes.clear();
            }
            let usual = median(sizes);
            if u128::from(*size) * 100 < u128::from(usual) * left {
                let source = (*source).to_owned();
                found = found.or(Some(Shrunk { source, size: *size, usual }));
                continue;
            }
            sizes.push_back(*size);
            if sizes.len() > over.get() as usize {
                sizes.pop_front();
            }
        }
    }
    found
}

/// The lower one of two in the middle: of two archives, the smaller is the measure.
fn median(sizes: &VecDeque<u64>) -> u64 {
    let mut sorted: Vec<u64> = sizes.iter().copied().collect();
    sorted.sort_unstable();
    sorted.get(sorted.len().saturating_sub(1) / 2).copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(sizes: &[u64]) -> Option<u64> {
        let archives: Vec<_> =
            sizes.iter().map(|size| Weighed { sources: vec![("db", *size)], accepted: false }).collect();
        shrunk(&archives, Guard::default()).map(|found| found.usual)
    }

    #[test]
    fn less_than_half_of_what_is_usual_is_too_small() {
        for (sizes, usual) in [
            (&[100, 100, 100, 49][..], Some(100)),
            (&[100, 100, 100, 50], None),
            (&[100, 110, 90, 105, 95, 40], Some(100)),
            (&[100, 0], Some(100)),
            // One that was larger once is no measure.
            (&[100, 100, 900, 100], None),
            // Growing is not shrinking.
            (&[1, 1000], None),
            // The first has nothing to be compared with.
            (&[0], None),
            (&[0, 0], None),
            (&[], None),
        ] {
            assert_eq!(of(sizes), usual, "{sizes:?}");
        }
    }

    #[test]
    fn a_dump_that_stays_broken_does_not_become_the_usual_size() {
        let mut sizes = vec![1000, 1000, 1000];
        for _ in 0..50 {
            sizes.push(3);
            assert_eq!(of(&sizes), Some(1000));
        }
        sizes.push(990);
        assert_eq!(of(&sizes), None);
    }

    #[test]
    fn each_source_is_compared_with_itself() {
        let good = Weighed { sources: vec![("pages", 1_000_000), ("db", 1000)], accepted: false };
        let bad = Weighed { sources: vec![("pages", 1_000_000), ("db", 20)], accepted: false };
        let found = shrunk(&[good.clone(), good, bad], Guard::default()).unwrap();
        assert_eq!((found.source.as_str(), found.size, found.usual), ("db", 20, 1000));
    }

    #[test]
    fn a_size_that_was_accepted_is_the_usual_one_from_then_on() {
        let plain = |size| Weighed { sources: vec![("db", size)], accepted: false };
        let accepted = Weighed { accepted: true, ..plain(10) };
        assert_eq!(shrunk(&[plain(1000), accepted.clone()], Guard::default()), None);
        assert_eq!(shrunk(&[plain(1000), plain(10), accepted.clone(), plain(9)], Guard::default()), None);
        assert_eq!(shrunk(&[plain(1000), accepted, plain(1)], Guard::default()).unwrap().usual, 10);
    }

    #[test]
    fn a_share_is_written_with_its_sign() {
        for (text, share) in [
            ("50%", Some(50)),
            ("1%", Some(1)),
            ("99 %", Some(99)),
            ("0%", None),
            ("100%", None),
            ("50", None),
            ("-5%", None),
            ("%", None),
            ("+5%", None),
        ] {
            assert_eq!(Percent::parse(text).map(Percent::hundredths), share, "{text}");
        }
    }
}
