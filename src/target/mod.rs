//! What units are generated for, and what that can do.

mod feature;

pub use feature::Feature;

use std::fmt;

/// The version of systemd that a fleet-era CoreOS shipped and that a `fleet` target assumes.
pub const FLEET_SYSTEMD_DEFAULT: u16 = 215;
/// The version that a `systemd` target assumes: Debian 12's.
pub const SYSTEMD_DEFAULT: u16 = 252;
/// The oldest version that units are generated for.
pub const SYSTEMD_OLDEST: u16 = 215;

/// What units are generated for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Target {
    /// Who schedules them.
    pub scheduler: Scheduler,
    /// The systemd that runs them, at least [`SYSTEMD_OLDEST`].
    pub systemd: u16,
}

/// Who decides where units run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scheduler {
    /// CoreOS fleet, over a cluster.
    Fleet,
    /// systemd alone, on this machine.
    Systemd(Scope),
}

/// Which systemd of a machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// The system's.
    System,
    /// A user's.
    User,
}

impl Target {
    /// Whether this target's systemd has a feature.
    #[must_use]
    pub fn has(self, feature: Feature) -> bool {
        self.systemd >= feature.since()
    }

    /// Reads `fleet`, `fleet:215`, `systemd`, `systemd:252` or `systemd:252:user`, as `--target` takes it.
    ///
    /// # Errors
    /// What is none of these, in words.
    pub fn parse(text: &str) -> Result<Self, TargetError> {
        let mut parts = text.split(':');
        let (scheduler, default) = match parts.next() {
            Some("fleet") => (Scheduler::Fleet, FLEET_SYSTEMD_DEFAULT),
            Some("systemd") => (Scheduler::Systemd(Scope::System), SYSTEMD_DEFAULT),
            _ => return Err(TargetError::Unknown(text.into())),
        };
        let systemd = parts.next().map_or(Ok(default), |v| v.parse().map_err(|_| TargetError::Version(v.into())))?;
        if systemd < SYSTEMD_OLDEST {
            return Err(TargetError::TooOld(systemd));
        }
        let scheduler = match (parts.next(), scheduler) {
            (None, scheduler) => scheduler,
            (Some("system"), Scheduler::Systemd(_)) => Scheduler::Systemd(Scope::System),
            (Some("user"), Scheduler::Systemd(_)) => Scheduler::Systemd(Scope::User),
            (Some(_), _) => return Err(TargetError::Unknown(text.into())),
        };
        if parts.next().is_some() { Err(TargetError::Unknown(text.into())) } else { Ok(Self { scheduler, systemd }) }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.scheduler {
            Scheduler::Fleet => write!(f, "fleet:{}", self.systemd),
            Scheduler::Systemd(Scope::System) => write!(f, "systemd:{}", self.systemd),
            Scheduler::Systemd(Scope::User) => write!(f, "systemd:{}:user", self.systemd),
        }
    }
}

/// Why a text is not a target.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TargetError {
    /// Not one of the forms.
    #[error("`{0}` is not a target; there are `fleet`, `fleet:215`, `systemd`, `systemd:252`, `systemd:252:user`")]
    Unknown(String),
    /// The version is not a number.
    #[error("`{0}` is not a version of systemd; a whole number such as 252 is expected")]
    Version(String),
    /// A version that units are not generated for.
    #[error("systemd {0} is too old; units are generated for {SYSTEMD_OLDEST} and later")]
    TooOld(u16),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_prints_so_that_it_parses_back() {
        for text in ["fleet:215", "fleet:229", "systemd:252", "systemd:255:user"] {
            assert_eq!(Target::parse(text).unwrap().to_string(), text);
        }
        assert_eq!(Target::parse("fleet").unwrap().systemd, FLEET_SYSTEMD_DEFAULT);
    }

    #[test]
    fn what_is_not_a_target_is_refused() {
        for text in ["", "cron", "fleet:x", "fleet:215:user", "systemd:252:user:x", "systemd:99"] {
            assert!(Target::parse(text).is_err(), "{text}");
        }
    }
}
