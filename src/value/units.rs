//! Durations and sizes, always written with their unit: `4h`, `1h 30m`, `16MiB`.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use std::time::Duration;

/// Why a text is not a duration or a size.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UnitError {
    /// No number where one is needed.
    #[error("a number is expected, as in `{0}`")]
    NoNumber(&'static str),
    /// A number without unit.
    #[error("`{number}` needs a unit, as in `{number}{example}`")]
    NoUnit {
        /// The number.
        number: String,
        /// A unit that would do.
        example: &'static str,
    },
    /// An unknown unit.
    #[error("`{unit}` is not a unit here; there are {known}")]
    UnknownUnit {
        /// What was written.
        unit: String,
        /// What could have been.
        known: &'static str,
    },
    /// More than can be held.
    #[error("the value is too large")]
    TooLarge,
}

const DURATION_UNITS: &str = "ms, s, m (or min), h, d and w";
const RATE_UNITS: &str = "KiB/s, MiB/s, GiB/s (1024), kB/s, MB/s, GB/s (1000) and kbit/s, Mbit/s, Gbit/s (bits)";
const SIZE_UNITS: &str = "B, KiB, MiB, GiB, TiB (1024) and kB, MB, GB, TB (1000)";

/// A duration such as `4h`, `90s`, `1h 30m` or `2d`; `m` is a minute.
///
/// # Errors
/// A missing number or unit, an unknown unit, or a value over 2^64 milliseconds.
pub fn parse_duration(text: &str) -> Result<Duration, UnitError> {
    let mut total = Duration::ZERO;
    let mut rest = text.trim();
    if rest.is_empty() {
        return Err(UnitError::NoNumber("4h"));
    }
    while !rest.is_empty() {
        let (number, unit, after) = number_and_unit(rest, "4h", "h")?;
        let milliseconds = duration_unit(unit)?;
        let part = number.checked_mul(milliseconds).ok_or(UnitError::TooLarge)?;
        total = total.checked_add(Duration::from_millis(part)).ok_or(UnitError::TooLarge)?;
        rest = after.trim_start();
    }
    Ok(total)
}

fn duration_unit(unit: &str) -> Result<u64, UnitError> {
    Ok(match unit {
        "ms" => 1,
        "s" | "sec" => 1_000,
        "m" | "min" => 60_000,
        "h" | "hour" | "hours" => 3_600_000,
        "d" | "day" | "days" => 86_400_000,
        "w" | "week" | "weeks" => 604_800_000,
        other => return Err(UnitError::UnknownUnit { unit: other.into(), known: DURATION_UNITS }),
    })
}

/// Splits `4h rest` into 4, `h` and ` rest`.
fn number_and_unit<'a>(
    text: &'a str,
    sample: &'static str,
    example: &'static str,
) -> Result<(u64, &'a str, &'a str), UnitError> {
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, rest) = text.split_at(digits);
    if number.is_empty() {
        return Err(UnitError::NoNumber(sample));
    }
    let rest = rest.trim_start();
    let letters = rest.find(|c: char| !c.is_alphabetic()).unwrap_or(rest.len());
    let (unit, after) = rest.split_at(letters);
    if unit.is_empty() {
        return Err(UnitError::NoUnit { number: number.into(), example });
    }
    Ok((number.parse().map_err(|_| UnitError::TooLarge)?, unit, after))
}

/// A duration in its largest whole units: `1h 30m`.
#[must_use]
pub fn format_duration(duration: Duration) -> String {
    let mut rest = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
    let mut parts = vec![];
    for (unit, size) in [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1)] {
        if rest >= size {
            parts.push(format!("{}{unit}", rest / size));
            rest %= size;
        }
    }
    if parts.is_empty() { "0s".into() } else { parts.join(" ") }
}

/// A number of bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Bytes(pub u64);

impl Bytes {
    /// A size such as `16MiB` or `5GB`.
    ///
    /// # Errors
    /// A missing number or unit, an unknown unit, or a value over 2^64.
    pub fn parse(text: &str) -> Result<Self, UnitError> {
        let (number, unit, after) = number_and_unit(text.trim(), "16MiB", "MiB")?;
        let factor: u64 = match (unit, after.is_empty()) {
            ("B", true) => 1,
            ("KiB", true) => 1 << 10,
            ("MiB", true) => 1 << 20,
            ("GiB", true) => 1 << 30,
            ("TiB", true) => 1 << 40,
            ("kB" | "KB", true) => 1_000,
            ("MB", true) => 1_000_000,
            ("GB", true) => 1_000_000_000,
            ("TB", true) => 1_000_000_000_000,
            _ => return Err(UnitError::UnknownUnit { unit: format!("{unit}{after}"), known: SIZE_UNITS }),
        };
        number.checked_mul(factor).map(Self).ok_or(UnitError::TooLarge)
    }
}

impl fmt::Display for Bytes {
    /// Rounded to a tenth of the largest unit that it fills: `1.5 MiB`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let units = [("TiB", 1u64 << 40), ("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)];
        match units.into_iter().find(|(_, size)| self.0 >= *size) {
            None => write!(f, "{} B", self.0),
            Some((unit, size)) => {
                let tenths = (u128::from(self.0) * 10 + u128::from(size) / 2) / u128::from(size);
                write!(f, "{}.{} {unit}", tenths / 10, tenths % 10)
            }
        }
    }
}

/// How many bytes pass in a second: more than none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Rate(u64);

impl Rate {
    /// So many KiB a second; none is taken for one.
    #[must_use]
    pub const fn kibibytes(count: u32) -> Self {
        Self(if count == 0 { 1024 } else { count as u64 * 1024 })
    }

    /// A rate such as `10MiB/s`, `5MB/s` or `100Mbit/s`; a bit is the eighth of a byte.
    ///
    /// # Errors
    /// A missing number or unit, an unknown unit, none at all, or more than 2^64 bytes a second.
    pub fn parse(text: &str) -> Result<Self, UnitError> {
        let (number, unit, after) = number_and_unit(text.trim(), "10MiB/s", "MiB/s")?;
        let unknown = || UnitError::UnknownUnit { unit: format!("{unit}{after}"), known: RATE_UNITS };
        if after != "/s" {
            return Err(unknown());
        }
        let bits: Option<u64> = match unit {
            "kbit" | "Kbit" => Some(1_000),
            "Mbit" => Some(1_000_000),
            "Gbit" => Some(1_000_000_000),
            _ => None,
        };
        let bytes = match bits {
            Some(bits) => number.checked_mul(bits).ok_or(UnitError::TooLarge)? / 8,
            None => match Bytes::parse(&format!("{number}{unit}")) {
                Ok(Bytes(bytes)) => bytes,
                Err(UnitError::UnknownUnit { .. }) => return Err(unknown()),
                Err(other) => return Err(other),
            },
        };
        if bytes == 0 { Err(UnitError::NoNumber("10MiB/s")) } else { Ok(Self(bytes)) }
    }

    /// How many bytes pass in a time.
    #[must_use]
    pub fn bytes_in(self, time: Duration) -> u64 {
        let bytes = u128::from(self.0).saturating_mul(time.as_micros()) / 1_000_000;
        u64::try_from(bytes).unwrap_or(u64::MAX)
    }

    /// How long so many bytes take.
    #[must_use]
    pub fn time_of(self, bytes: u64) -> Duration {
        let nanoseconds = u128::from(bytes).saturating_mul(1_000_000_000) / u128::from(self.0.max(1));
        Duration::from_nanos(u64::try_from(nanoseconds).unwrap_or(u64::MAX))
    }
}

impl fmt::Display for Rate {
    /// In the largest unit of which it is a multiple, so that it reads back exactly: `10MiB/s`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let units = [
            ("GiB", 1u64 << 30),
            ("GB", 1_000_000_000),
            ("MiB", 1 << 20),
            ("MB", 1_000_000),
            ("KiB", 1 << 10),
            ("kB", 1_000),
            ("B", 1),
        ];
        let fitting = units.into_iter().find(|(_, size)| self.0.is_multiple_of(*size));
        let (unit, size) = fitting.unwrap_or(("B", 1));
        write!(f, "{}{unit}/s", self.0 / size)
    }
}

impl Serialize for Rate {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Rate {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).map_err(serde::de::Error::custom)
    }
}

/// Durations in JSON as the text that the spec would hold.
pub mod duration_serde {
    use super::{Deserialize, Deserializer, Duration, Serializer, format_duration, parse_duration};

    /// Writes the text.
    ///
    /// # Errors
    /// Those of the serializer.
    pub fn serialize<S: Serializer>(duration: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&format_duration(*duration))
    }

    /// Reads the text.
    ///
    /// # Errors
    /// What is not a duration.
    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
        let text = String::deserialize(deserializer)?;
        parse_duration(&text).map_err(serde::de::Error::custom)
    }
}

/// Like [`duration_serde`], for a duration that may be absent.
pub mod optional_duration_serde {
    use super::{Deserialize, Deserializer, Duration, Serialize, Serializer, format_duration, parse_duration};

    /// Writes the text, or nothing.
    ///
    /// # Errors
    /// Those of the serializer.
    pub fn serialize<S: Serializer>(duration: &Option<Duration>, serializer: S) -> Result<S::Ok, S::Error> {
        duration.map(format_duration).serialize(serializer)
    }

    /// Reads the text, if there is one.
    ///
    /// # Errors
    /// What is not a duration.
    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Duration>, D::Error> {
        let text = Option::<String>::deserialize(deserializer)?;
        text.map(|t| parse_duration(&t).map_err(serde::de::Error::custom)).transpose()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_carry_their_units() {
        assert_eq!(parse_duration("1h 30m"), Ok(Duration::from_secs(5400)));
        assert_eq!(parse_duration("2d"), Ok(Duration::from_secs(172_800)));
        assert_eq!(parse_duration("4"), Err(UnitError::NoUnit { number: "4".into(), example: "h" }));
        assert!(matches!(parse_duration("4x"), Err(UnitError::UnknownUnit { .. })));
        assert!(matches!(parse_duration(""), Err(UnitError::NoNumber(_))));
        assert_eq!(parse_duration("99999999999999999999w"), Err(UnitError::TooLarge));
    }

    #[test]
    fn durations_print_so_that_they_parse_back() {
        for seconds in [0, 1, 59, 60, 3600, 5400, 86_400, 172_801] {
            let duration = Duration::from_secs(seconds);
            assert_eq!(parse_duration(&format_duration(duration)), Ok(duration));
        }
    }

    #[test]
    fn sizes_carry_their_units() {
        assert_eq!(Bytes::parse("16MiB"), Ok(Bytes(16 << 20)));
        assert_eq!(Bytes::parse("5 GB"), Ok(Bytes(5_000_000_000)));
        assert!(Bytes::parse("16").is_err());
        assert_eq!(Bytes(1_572_864).to_string(), "1.5 MiB");
    }

    #[test]
    fn rates_are_sizes_or_bits_a_second_and_read_back_exactly() {
        for (text, bytes, shown) in [
            ("10MiB/s", 10 << 20, "10MiB/s"),
            ("100 Mbit/s", 12_500_000, "12500kB/s"),
            ("512KiB/s", 512 << 10, "512KiB/s"),
            ("1GB/s", 1_000_000_000, "1GB/s"),
            ("1001B/s", 1001, "1001B/s"),
        ] {
            let rate = Rate::parse(text).unwrap();
            assert_eq!((rate.0, rate.to_string().as_str()), (bytes, shown));
            assert_eq!(Rate::parse(shown), Ok(rate));
        }
        for wrong in ["10MiB", "10M", "10Mbps", "10MiB/h", "MiB/s", "0MiB/s", "1kbit/sec", "10", "99999999999TiB/s"] {
            assert!(Rate::parse(wrong).is_err(), "{wrong}");
        }
        let rate = Rate::parse("2MiB/s").unwrap();
        assert_eq!(
            (rate.bytes_in(Duration::from_millis(250)), rate.time_of(1 << 20)),
            (512 << 10, Duration::from_millis(500))
        );
    }
}
