//! Shapes of text.

/// What a text looks like. The patterns are for editors and say no to no text that the decoder takes; the decoder says
/// more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// Any text.
    Text,
    /// The name of a job, destination or group.
    Name,
    /// The name of a source.
    SourceName,
    /// An absolute path of the host.
    Path,
    /// A path that begins with `/` or `{scratch}`.
    ScratchPath,
    /// An absolute path, or `-` and one that may be missing.
    MaybePath,
    /// `fleet` or `systemd`, with a version.
    Target,
    /// A file's name without a folder.
    FileName,
    /// A duration with its units.
    Duration,
    /// A size with its unit.
    Size,
    /// A size or bits in a second.
    Rate,
    /// A share in percent.
    Share,
    /// A unit's name, suffix included.
    Unit,
    /// A unit's name or a pattern of one.
    UnitPattern,
    /// `http://` or `https://`, and a host.
    Address,
    /// A cron line of five fields, or `@daily` and the like.
    Cron,
    /// A time of day.
    Clock,
    /// The name of an environment variable.
    Variable,
    /// A user or a group, by name or number.
    Account,
    /// What a file's name ends in.
    Extension,
    /// Who can read an archive.
    Recipient,
    /// 8 or 32 hexadecimal digits.
    MachineId,
    /// The name of a directive of a unit file.
    Directive,
}

impl Shape {
    /// What it is called.
    #[must_use]
    pub fn noun(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Name => "a name of letters, digits, `.`, `_` and `-`",
            Self::SourceName => "a name of small letters, digits, `.`, `_` and `-`",
            Self::Path => "an absolute path",
            Self::ScratchPath => "a path that begins with `/` or `{scratch}`",
            Self::MaybePath => "an absolute path; with `-` before it, one that may be missing",
            Self::Target => "`fleet` or `systemd`, or one with a version: `systemd:252`",
            Self::FileName => "a file's name",
            Self::Duration => "a duration such as `4h`, `1h 30m`",
            Self::Size => "a size such as `512MiB`, `5GB`",
            Self::Rate => "a rate such as `10MiB/s`, `100Mbit/s`",
            Self::Share => "a share from `1%` to `99%`",
            Self::Unit => "a unit's name with its ending",
            Self::UnitPattern => "a unit's name or a pattern of one",
            Self::Address => "an address that begins with `https://` or `http://`",
            Self::Cron => "a cron line",
            Self::Clock => "a time of day such as `\"22:00\"`",
            Self::Variable => "the name of a variable",
            Self::Account => "a name or a number",
            Self::Extension => "small letters and digits",
            Self::Recipient => "an `age1…` or an `ssh-ed25519 …`",
            Self::MachineId => "8 or 32 hexadecimal digits",
            Self::Directive => "a directive's name",
        }
    }

    /// The regular expression of JSON Schema that it matches; none where any text does.
    #[must_use]
    pub fn pattern(self) -> Option<&'static str> {
        match self {
            Self::Text => None,
            Self::Name => Some("^[A-Za-z0-9][A-Za-z0-9._-]*$"),
            Self::SourceName => Some("^[a-z0-9][a-z0-9._-]*$"),
            Self::Path => Some("^/"),
            Self::ScratchPath => Some(r"^(/|\{scratch\})"),
            Self::MaybePath => Some("^-?/"),
            Self::Target => Some("^(fleet(:[0-9]+)?|systemd(:[0-9]+(:(system|user))?)?)$"),
            Self::FileName => Some("^[^/]+$"),
            Self::Duration => Some(r"^\s*([0-9]+\s*(ms|s|sec|m|min|h|hour|hours|d|day|days|w|week|weeks)\s*)+$"),
            Self::Size => Some(r"^\s*[0-9]+\s*(B|[KMGT]iB|[kKMGT]B)\s*$"),
            Self::Rate => Some(r"^\s*[0-9]+\s*(B|[KMGT]iB|[kKMGT]B|[kKMG]bit)/s\s*$"),
            Self::Share => Some(r"^0*[1-9][0-9]?\s*%$"),
            Self::Unit => Some(r"^\S+\.(service|timer|target|socket|mount|path|device|automount|swap|slice|scope)$"),
            Self::UnitPattern => Some(r"^\S+$"),
            Self::Address => Some("^https?://[^/:]"),
            Self::Cron => Some(r"^\s*(@[a-z]+|\S+\s+\S+\s+\S+\s+\S+\s+\S+)\s*$"),
            Self::Clock => Some("^[0-9]{1,2}:[0-9]{2}(:[0-9]{2})?$"),
            Self::Variable => Some("^[A-Za-z_][A-Za-z0-9_]*$"),
            Self::Account => Some("^([0-9]+|[A-Za-z_][A-Za-z0-9_-]{0,30})$"),
            Self::Extension => Some(r"^\.*[a-z0-9]+$"),
            Self::Recipient => Some(r"^\s*(age1|ssh-ed25519\s)"),
            Self::MachineId => Some("^([0-9A-Fa-f]{8}|[0-9A-Fa-f]{32})$"),
            Self::Directive => Some("^[A-Za-z0-9-]+$"),
        }
    }

    /// Whether a number of YAML, which stands for its text, may have it.
    #[must_use]
    pub fn takes_numbers(self) -> bool {
        match self {
            Self::Text
            | Self::Name
            | Self::SourceName
            | Self::FileName
            | Self::Account
            | Self::Extension
            | Self::MachineId
            | Self::Directive => true,
            Self::Path
            | Self::ScratchPath
            | Self::MaybePath
            | Self::Target
            | Self::Duration
            | Self::Size
            | Self::Rate
            | Self::Share
            | Self::Unit
            | Self::UnitPattern
            | Self::Address
            | Self::Cron
            | Self::Clock
            | Self::Variable
            | Self::Recipient => false,
        }
    }
}
