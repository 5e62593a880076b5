//! How much of a machine a service is exposed to, as `systemd-analyze security --offline=yes` of systemd 252 puts it.
//!
//! A score of 0.0 is a service that can reach nothing, 10.0 one that can reach all. It is the weighted mean of
//! [`assessments`], each of which judges one directive (src/analyze/analyze-security.c). Groups of system calls are
//! those of 252, and their calls those that x86-64 has.
//!
//! ```
//! use eightbells::lint::{Files, exposure};
//!
//! let mut files = Files::new(None);
//! files.add("a.service", "[Service]\nExecStart=/bin/true\nDynamicUser=yes\n");
//! let units = files.units();
//! let assessment = exposure::assess(&units[0]).unwrap();
//! assert_eq!(assessment.score.to_string(), "8.4");
//! assert_eq!(assessment.level, exposure::Level::Exposed);
//! assert_eq!(assessment.gains[0].lines, ["CapabilityBoundingSet="]);
//! ```

mod calls;
mod gains;
mod network;
mod sets;
mod settings;
mod table;

pub(in crate::lint) use calls::{is_call_or_group, is_errno};
pub use gains::Gain;
pub(in crate::lint) use network::is_prefix;
pub(in crate::lint) use sets::{is_address_family, is_architecture};
pub(in crate::lint) use settings::is_device;

use super::Unit;
use settings::Settings;
use std::fmt;

/// A score in tenths, from 0 to 100 and printed as `9.6`: lower is safer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Score {
    /// Tenths, rounded up.
    pub tenths: u64,
}

impl Score {
    /// Reads `5`, `5.0` or `4.7`.
    ///
    /// # Errors
    /// Anything but a number from 0 to 10 with at most one decimal.
    pub fn parse(text: &str) -> Result<Self, ScoreError> {
        let wrong = || ScoreError(text.to_owned());
        let (whole, tenth) = text.split_once('.').unwrap_or((text, "0"));
        let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
        if tenth.len() != 1 || !digits(whole) || !digits(tenth) {
            return Err(wrong());
        }
        let number = |part: &str| part.parse::<u64>().map_err(|_| wrong());
        let tenths = number(whole)?.saturating_mul(10).saturating_add(number(tenth)?);
        if tenths <= 100 { Ok(Self { tenths }) } else { Err(wrong()) }
    }
}

/// What is no score.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a score; it is a number from 0.0 to 10.0 with one decimal")]
pub struct ScoreError(String);

impl fmt::Display for Score {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.tenths / 10, self.tenths % 10)
    }
}

/// systemd's words for scores.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// 0.0.
    Perfect,
    /// From 0.1 on.
    Safe,
    /// From 1.0 on.
    Ok,
    /// From 5.0 on.
    Medium,
    /// From 7.5 on.
    Exposed,
    /// From 9.0 on.
    Unsafe,
    /// 10.0.
    Dangerous,
}

impl Level {
    /// The level of a score.
    #[must_use]
    pub fn of(score: Score) -> Self {
        match score.tenths {
            0 => Self::Perfect,
            1..=9 => Self::Safe,
            10..=49 => Self::Ok,
            50..=74 => Self::Medium,
            75..=89 => Self::Exposed,
            90..=99 => Self::Unsafe,
            _ => Self::Dangerous,
        }
    }

    /// As systemd prints it.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Perfect => "PERFECT",
            Self::Safe => "SAFE",
            Self::Ok => "OK",
            Self::Medium => "MEDIUM",
            Self::Exposed => "EXPOSED",
            Self::Unsafe => "UNSAFE",
            Self::Dangerous => "DANGEROUS",
        }
    }
}

/// What a unit is exposed to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Assessment {
    /// In all.
    pub score: Score,
    /// In a word.
    pub level: Level,
    /// Assessment by assessment, in systemd's order.
    pub parts: Vec<Part>,
    /// What could be added, and how much safer it alone would make the unit; the biggest first, none that gains nothing.
    /// Directives that the unit's target does not know are left out.
    pub gains: Vec<Gain>,
}

/// One assessment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// systemd's name for it, such as `PrivateTmp=`.
    pub id: &'static str,
    /// What the service can do where the assessment is bad.
    pub danger: &'static str,
    /// How bad it is: its share of the score. None where it does not apply to the unit.
    pub exposure: Option<Score>,
}

/// Assesses a unit with its drop-ins; none where its type runs nothing (timers, targets, paths).
#[must_use]
pub fn assess(unit: &Unit<'_>) -> Option<Assessment> {
    let settings = Settings::of(unit)?;
    let sum = Sum::of(&settings);
    let score = sum.score();
    Some(Assessment {
        score,
        level: Level::of(score),
        parts: sum.parts(),
        gains: gains::find(&settings, unit.target().systemd),
    })
}

/// How many assessments there are, and what each weighs.
pub fn assessments() -> impl Iterator<Item = (&'static str, u64)> {
    table::ROWS.iter().map(|row| (row.id, row.weight))
}

/// Every row judged.
struct Sum {
    judged: Vec<(&'static table::Row, Option<u64>)>,
}

impl Sum {
    fn of(settings: &Settings) -> Self {
        let settings = settings.clone().implied();
        Self { judged: table::ROWS.iter().map(|row| (row, row.badness(&settings))).collect() }
    }

    fn weight(&self) -> u64 {
        self.judged.iter().filter(|(_, badness)| badness.is_some()).map(|(row, _)| row.weight).sum()
    }

    fn badness(&self) -> u64 {
        self.judged.iter().filter_map(|(row, badness)| Some((badness.as_ref()? * row.weight).div_ceil(row.range))).sum()
    }

    fn score(&self) -> Score {
        Score { tenths: (self.badness() * 100).div_ceil(self.weight().max(1)) }
    }

    /// The score in hundredths, not rounded up, so that small differences are seen.
    fn hundredths(&self) -> u64 {
        self.badness() * 1000 / self.weight().max(1)
    }

    fn parts(&self) -> Vec<Part> {
        let weight = self.weight().max(1);
        let tenths = |row: &table::Row, badness: u64| (badness * row.weight * 100).div_ceil(row.range).div_ceil(weight);
        let part = |(row, badness): &(&'static table::Row, Option<u64>)| Part {
            id: row.id,
            danger: row.danger,
            exposure: badness.map(|badness| Score { tenths: tenths(row, badness) }),
        };
        self.judged.iter().map(part).collect()
    }
}
