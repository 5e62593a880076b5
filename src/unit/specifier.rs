//! `%` specifiers: which there are, what they become, and which a value holds.

use std::collections::BTreeMap;
use std::ops::Range;

use super::name::{self, UnitName};

/// One specifier of unit files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Specifier {
    /// The letter after the `%`.
    pub letter: char,
    /// The first version of systemd that knows it (from its NEWS; `0` for those older than 187). Before 236 an unknown
    /// one was kept as it stands, from then on it is an error.
    pub since: u16,
    /// What it becomes.
    pub meaning: &'static str,
}

/// Every specifier of unit files up to systemd 262, by letter.
pub const SPECIFIERS: [Specifier; 43] = [
    row('A', 249, "version of the operating system's image"),
    row('B', 246, "build of the operating system"),
    row('C', 236, "root of cache directories"),
    row('D', 255, "root of shared data directories"),
    row('E', 239, "root of configuration directories"),
    row('G', 240, "group id of the manager"),
    row('H', 190, "host name"),
    row('I', 0, "instance, unescaped"),
    row('J', 239, "last part of the prefix, unescaped"),
    row('L', 236, "root of log directories"),
    row('M', 249, "identifier of the operating system's image"),
    row('N', 0, "full name without the suffix"),
    row('P', 0, "prefix, unescaped"),
    row('R', 0, "control group root (deprecated)"),
    row('S', 236, "root of state directories"),
    row('T', 239, "directory for temporary files"),
    row('U', 197, "user id of the manager"),
    row('V', 239, "directory for larger temporary files"),
    row('W', 246, "variant of the operating system"),
    row('Y', 251, "directory of the unit file"),
    row('a', 246, "architecture"),
    row('b', 190, "boot id"),
    row('c', 0, "control group of the unit (deprecated)"),
    row('d', 251, "credentials directory"),
    row('f', 0, "instance or prefix as a path"),
    row('g', 240, "group of the manager"),
    row('h', 187, "home directory of the manager's user"),
    row('i', 0, "instance"),
    row('j', 239, "last part of the prefix"),
    row('l', 246, "short host name"),
    row('m', 190, "machine id"),
    row('n', 0, "full name"),
    row('o', 246, "operating system"),
    row('p', 0, "prefix"),
    row('q', 251, "pretty host name"),
    row('r', 0, "control group of the slice (deprecated)"),
    row('s', 187, "shell of the manager's user"),
    row('t', 0, "root of runtime directories"),
    row('u', 187, "user of the manager"),
    row('v', 206, "kernel release"),
    row('w', 246, "version of the operating system"),
    row('y', 251, "path of the unit file"),
    row('%', 0, "a percent sign"),
];

const fn row(letter: char, since: u16, meaning: &'static str) -> Specifier {
    Specifier { letter, since, meaning }
}

/// The specifier of a letter.
#[must_use]
pub fn lookup(letter: char) -> Option<&'static Specifier> {
    SPECIFIERS.iter().find(|specifier| specifier.letter == letter)
}

/// Doubles every `%`, so that the text stays as it is.
#[must_use]
pub fn escape(text: &str) -> String {
    text.replace('%', "%%")
}

/// A `%` and what follows it, in a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// What it is.
    pub what: Occurrence,
    /// Its two bytes in the value.
    pub span: Range<usize>,
}

/// What a `%` begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Occurrence {
    /// A specifier, `%%` among them.
    Known(&'static Specifier),
    /// An ASCII letter or digit that is none: fatal in `Exec…=`, and the line is ignored elsewhere.
    Unknown(char),
}

/// The specifiers of a value, known and unknown, in order. A `%` before any other character, and one at the end, is
/// text.
pub fn scan(value: &[u8]) -> impl Iterator<Item = Found> + '_ {
    let mut at = 0;
    std::iter::from_fn(move || {
        loop {
            let rest = value.get(at..)?;
            let percent = at + rest.iter().position(|byte| *byte == b'%')?;
            let letter = char::from(*value.get(percent + 1)?);
            at = percent + 2;
            let span = percent..at;
            if let Some(specifier) = lookup(letter) {
                return Some(Found { what: Occurrence::Known(specifier), span });
            }
            if letter.is_ascii_alphanumeric() {
                return Some(Found { what: Occurrence::Unknown(letter), span });
            }
        }
    })
}

/// A specifier that nothing knows, in an expansion.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`%{letter}` is not a specifier; a percent sign is written `%%`")]
pub struct UnknownSpecifier {
    /// What follows the `%`.
    pub letter: char,
    /// Where the `%` is in the text.
    pub at: usize,
}

/// What specifiers become. One that is known and has no value here stays as it is written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Values {
    by_letter: BTreeMap<char, Vec<u8>>,
}

impl Values {
    /// No values: every known specifier stays.
    #[must_use]
    pub fn none() -> Self {
        Self::default()
    }

    /// What follows from the unit's name alone.
    #[must_use]
    pub fn of_unit(unit: &UnitName) -> Self {
        let instance = unit.instance().unwrap_or_default();
        let last_part = unit.prefix().rsplit('-').next().unwrap_or_default();
        Self::none()
            .with('n', unit.to_string())
            .with('N', unit.stem())
            .with('p', unit.prefix())
            .with('i', instance)
            .with('j', last_part)
            .with_unescaped('P', unit.prefix())
            .with_unescaped('I', instance)
            .with_unescaped('J', last_part)
            .with_path(unit.instance().unwrap_or(unit.prefix()))
    }

    /// With what the system manager gives, which runs as root: user, group and directories.
    #[must_use]
    pub fn and_system_manager(self) -> Self {
        let users = self.with('u', "root").with('U', "0").with('g', "root").with('G', "0").with('h', "/root");
        let roots = users.with('t', "/run").with('S', "/var/lib").with('C', "/var/cache").with('L', "/var/log");
        roots.with('E', "/etc").with('D', "/usr/share").with('T', "/tmp").with('V', "/var/tmp")
    }

    /// With one value more, or another.
    #[must_use]
    pub fn with(mut self, letter: char, value: impl AsRef<[u8]>) -> Self {
        self.by_letter.insert(letter, value.as_ref().to_vec());
        self
    }

    fn with_unescaped(self, letter: char, escaped: &str) -> Self {
        match name::unescape(escaped) {
            Ok(text) => self.with(letter, text),
            Err(_) => self,
        }
    }

    fn with_path(self, escaped: &str) -> Self {
        match name::unescape_path(escaped) {
            Ok(path) => self.with('f', path),
            Err(_) => self,
        }
    }

    /// The value of one specifier.
    #[must_use]
    pub fn get(&self, letter: char) -> Option<&[u8]> {
        self.by_letter.get(&letter).map(Vec::as_slice)
    }

    /// Replaces the specifiers of a text.
    ///
    /// # Errors
    /// The first letter or digit after a `%` that no version of systemd knows.
    pub fn expand(&self, text: &[u8]) -> Result<Vec<u8>, UnknownSpecifier> {
        let mut out = Vec::with_capacity(text.len());
        let mut at = 0;
        for found in scan(text) {
            out.extend_from_slice(text.get(at..found.span.start).unwrap_or_default());
            at = found.span.end;
            match found.what {
                Occurrence::Unknown(letter) => return Err(UnknownSpecifier { letter, at: found.span.start }),
                Occurrence::Known(specifier) if specifier.letter == '%' => out.push(b'%'),
                Occurrence::Known(specifier) => {
                    out.extend_from_slice(self.get(specifier.letter).or(text.get(found.span)).unwrap_or_default());
                }
            }
        }
        out.extend_from_slice(text.get(at..).unwrap_or_default());
        Ok(out)
    }
}

/// Whether the instance that a name template makes holds more than the instance itself: `foo@%i.service` does not,
/// `foo@a%i.service` does (systemd refuses such in the `DefaultInstance=` of what it would make endlessly).
#[must_use]
pub fn contains_instance_superset(template: &str) -> bool {
    let Some((_, after)) = template.split_once('@') else { return false };
    let instance = after.rsplit_once('.').map_or(after, |(instance, _)| instance);
    let mut found = scan(instance.as_bytes());
    instance != "%i"
        && found.any(|found| matches!(found.what, Occurrence::Known(Specifier { letter: 'n' | 'N' | 'i', .. })))
}
