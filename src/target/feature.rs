//! What came with which version of systemd.

/// Something that only some versions of systemd have. Versions are those of the man pages ("Added in version …") and,
/// where these are silent, of the NEWS file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Feature {
    /// `RandomizedDelaySec=`
    RandomizedDelay,
    /// `LoadCredential=`
    LoadCredential,
    /// `StateDirectory=`
    StateDirectory,
    /// `ReadWritePaths=` (before: `ReadWriteDirectories=`)
    ReadWritePaths,
    /// `EXTEND_TIMEOUT_USEC=`
    ExtendTimeout,
    /// `TimeoutStartSec=infinity` (before: `0`)
    TimeoutInfinity,
    /// `MemoryMax=` (before: `MemoryLimit=`)
    MemoryMax,
    /// `CPUWeight=` (before: `CPUShares=`)
    CpuWeight,
    /// `TasksMax=`
    TasksMax,
    /// `Persistent=`
    Persistent,
}

impl Feature {
    /// The first version that has it.
    #[must_use]
    pub fn since(self) -> u16 {
        match self {
            Self::RandomizedDelay | Self::TimeoutInfinity => 229,
            Self::LoadCredential => 247,
            Self::StateDirectory => 235,
            Self::ReadWritePaths | Self::MemoryMax => 231,
            Self::ExtendTimeout => 236,
            Self::CpuWeight => 232,
            Self::TasksMax => 227,
            Self::Persistent => 212,
        }
    }
}
