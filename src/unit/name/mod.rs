//! Unit names as systemd knows them: a prefix, perhaps an instance, and a type.

mod escape;
mod mangle;
mod special;

use std::fmt;
use std::str::FromStr;

pub use escape::{EscapeError, escape, escape_path, unescape, unescape_path};
pub use mangle::{MangleError, mangle};
pub use special::{from_bus_path, is_hashed, is_slice, parent_slice};

/// The longest unit name in bytes, suffix included: systemd refuses `strlen >= UNIT_NAME_MAX`, which is 256
/// (src/basic/unit-name.h).
pub const UNIT_NAME_MAX_BYTES: usize = 255;

/// The type that a unit's suffix names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum UnitType {
    /// `.service`
    Service,
    /// `.socket`
    Socket,
    /// `.target`
    Target,
    /// `.device`
    Device,
    /// `.mount`
    Mount,
    /// `.automount`
    Automount,
    /// `.swap`
    Swap,
    /// `.timer`
    Timer,
    /// `.path`
    Path,
    /// `.slice`
    Slice,
    /// `.scope`
    Scope,
}

impl UnitType {
    /// Every type of systemd 252; `snapshot` (until 227) and `busname` (until 235) are gone.
    pub const ALL: [Self; 11] = [
        Self::Service,
        Self::Socket,
        Self::Target,
        Self::Device,
        Self::Mount,
        Self::Automount,
        Self::Swap,
        Self::Timer,
        Self::Path,
        Self::Slice,
        Self::Scope,
    ];

    /// The suffix without its dot.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Service => "service",
            Self::Socket => "socket",
            Self::Target => "target",
            Self::Device => "device",
            Self::Mount => "mount",
            Self::Automount => "automount",
            Self::Swap => "swap",
            Self::Timer => "timer",
            Self::Path => "path",
            Self::Slice => "slice",
            Self::Scope => "scope",
        }
    }

    /// The type that this suffix, without its dot, names. Case counts.
    #[must_use]
    pub fn from_suffix(suffix: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|unit_type| unit_type.as_str() == suffix)
    }
}

impl fmt::Display for UnitType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What follows the prefix.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum NameKind {
    /// `foo.service`
    Plain,
    /// `foo@.service`
    Template,
    /// `foo@bar.service`: the instance, escaped as it stands.
    Instance(String),
}

/// A valid unit name.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct UnitName {
    prefix: String,
    kind: NameKind,
    unit_type: UnitType,
}

/// Why a text is no unit name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum UnitNameError {
    /// More than [`UNIT_NAME_MAX_BYTES`].
    #[error("{0} bytes are more than the {UNIT_NAME_MAX_BYTES} of a unit name")]
    TooLong(usize),
    /// No dot, or nothing before it.
    #[error("a unit name ends in a dot and its type, such as `.service`")]
    NoSuffix,
    /// What follows the last dot is no type of unit.
    #[error("`{0}` is not a type of unit")]
    UnknownType(String),
    /// A character that must be escaped.
    #[error("`{0}` cannot stand in a unit name")]
    Character(char),
    /// Nothing before the `@` or the suffix.
    #[error("the name has no prefix")]
    EmptyPrefix,
    /// An empty instance where one is needed.
    #[error("the instance is empty")]
    EmptyInstance,
    /// A name without `@` has no instances.
    #[error("`{0}` is not a template")]
    NotATemplate(String),
}

impl UnitName {
    /// Reads a name by the rules of systemd's `unit_name_is_valid()`.
    ///
    /// # Errors
    /// Whatever systemd refuses.
    pub fn parse(name: &str) -> Result<Self, UnitNameError> {
        if name.len() > UNIT_NAME_MAX_BYTES {
            return Err(UnitNameError::TooLong(name.len()));
        }
        let (stem, suffix) = name.rsplit_once('.').ok_or(UnitNameError::NoSuffix)?;
        if stem.is_empty() {
            return Err(UnitNameError::NoSuffix);
        }
        let unit_type = UnitType::from_suffix(suffix).ok_or_else(|| UnitNameError::UnknownType(suffix.to_owned()))?;
        check_characters(stem, is_name_char)?;
        let (prefix, kind) = split(stem);
        if prefix.is_empty() {
            return Err(UnitNameError::EmptyPrefix);
        }
        Ok(Self { prefix: prefix.to_owned(), kind, unit_type })
    }

    /// `prefix.type`
    ///
    /// # Errors
    /// A prefix that systemd refuses, or too long a name.
    pub fn plain(prefix: &str, unit_type: UnitType) -> Result<Self, UnitNameError> {
        Self::build(prefix, NameKind::Plain, unit_type)
    }

    /// `prefix@.type`
    ///
    /// # Errors
    /// A prefix that systemd refuses, or too long a name.
    pub fn template(prefix: &str, unit_type: UnitType) -> Result<Self, UnitNameError> {
        Self::build(prefix, NameKind::Template, unit_type)
    }

    /// `prefix@instance.type`, of an instance that is escaped already; [`escape`] does it.
    ///
    /// # Errors
    /// A prefix or instance that systemd refuses, or too long a name.
    pub fn instance_of(prefix: &str, instance: &str, unit_type: UnitType) -> Result<Self, UnitNameError> {
        Self::build(prefix, NameKind::Instance(instance.to_owned()), unit_type)
    }

    fn build(prefix: &str, kind: NameKind, unit_type: UnitType) -> Result<Self, UnitNameError> {
        check_prefix(prefix)?;
        if let NameKind::Instance(instance) = &kind {
            check_instance(instance)?;
        }
        let name = Self { prefix: prefix.to_owned(), kind, unit_type };
        let bytes = name.len();
        if bytes > UNIT_NAME_MAX_BYTES { Err(UnitNameError::TooLong(bytes)) } else { Ok(name) }
    }

    fn len(&self) -> usize {
        let at = match &self.kind {
            NameKind::Plain => 0,
            NameKind::Template => 1,
            NameKind::Instance(instance) => 1 + instance.len(),
        };
        self.prefix.len() + at + 1 + self.unit_type.as_str().len()
    }

    /// What stands before the first `@`, or before the suffix: systemd's `%p`.
    #[must_use]
    pub fn prefix(&self) -> &str {
        &self.prefix
    }

    /// Plain, template or instance.
    #[must_use]
    pub fn kind(&self) -> &NameKind {
        &self.kind
    }

    /// The escaped instance, where the name has one: systemd's `%i`.
    #[must_use]
    pub fn instance(&self) -> Option<&str> {
        match &self.kind {
            NameKind::Instance(instance) => Some(instance),
            NameKind::Plain | NameKind::Template => None,
        }
    }

    /// Whether the name is a template's.
    #[must_use]
    pub fn is_template(&self) -> bool {
        self.kind == NameKind::Template
    }

    /// The type that the suffix names.
    #[must_use]
    pub fn unit_type(&self) -> UnitType {
        self.unit_type
    }

    /// The name without its suffix: systemd's `%N`.
    #[must_use]
    pub fn stem(&self) -> String {
        match &self.kind {
            NameKind::Plain => self.prefix.clone(),
            NameKind::Template => format!("{}@", self.prefix),
            NameKind::Instance(instance) => format!("{}@{instance}", self.prefix),
        }
    }

    /// The same name with another suffix.
    ///
    /// # Errors
    /// The longer suffix may make the name too long.
    pub fn with_type(&self, unit_type: UnitType) -> Result<Self, UnitNameError> {
        Self::build(&self.prefix, self.kind.clone(), unit_type)
    }

    /// The template of an instance; a template is its own, and a plain name has none.
    #[must_use]
    pub fn to_template(&self) -> Option<Self> {
        let named = self.kind != NameKind::Plain;
        named.then(|| Self { prefix: self.prefix.clone(), kind: NameKind::Template, unit_type: self.unit_type })
    }

    /// The template, or another instance of it, at this instance, which is escaped already.
    ///
    /// # Errors
    /// The name is a plain one, the instance is none, or the result is too long.
    pub fn instantiate(&self, instance: &str) -> Result<Self, UnitNameError> {
        match &self.kind {
            NameKind::Plain => Err(UnitNameError::NotATemplate(self.to_string())),
            NameKind::Template | NameKind::Instance(_) => Self::instance_of(&self.prefix, instance, self.unit_type),
        }
    }
}

impl fmt::Display for UnitName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.stem(), self.unit_type)
    }
}

impl FromStr for UnitName {
    type Err = UnitNameError;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        Self::parse(name)
    }
}

/// Whether systemd takes this for the part before `@` or the suffix.
///
/// # Errors
/// Empty, or a character that must be escaped; `@` is one here.
pub fn check_prefix(prefix: &str) -> Result<(), UnitNameError> {
    if prefix.is_empty() {
        return Err(UnitNameError::EmptyPrefix);
    }
    check_characters(prefix, |c| c != '@' && is_name_char(c))
}

/// Whether systemd takes this for the part between `@` and the suffix.
///
/// # Errors
/// Empty, or a character that must be escaped.
pub fn check_instance(instance: &str) -> Result<(), UnitNameError> {
    if instance.is_empty() {
        return Err(UnitNameError::EmptyInstance);
    }
    check_characters(instance, is_name_char)
}

fn check_characters(text: &str, allowed: fn(char) -> bool) -> Result<(), UnitNameError> {
    text.chars().find(|&c| !allowed(c)).map_or(Ok(()), |c| Err(UnitNameError::Character(c)))
}

fn is_name_char(c: char) -> bool {
    c.is_ascii_alphanumeric() || ":-_.\\@".contains(c)
}

fn split(stem: &str) -> (&str, NameKind) {
    match stem.split_once('@') {
        None => (stem, NameKind::Plain),
        Some((prefix, "")) => (prefix, NameKind::Template),
        Some((prefix, instance)) => (prefix, NameKind::Instance(instance.to_owned())),
    }
}
