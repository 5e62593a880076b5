//! The runner's arguments, as one type for the unit that carries them and the program that reads them.

use crate::value::{format_duration, parse_duration};
use std::fmt::{self, Write as _};
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

/// The arguments of `eightbells-run backup`.
#[derive(Debug, Clone, Default, PartialEq, Eq, clap::Args)]
pub struct BackupArgs {
    /// The spec: a path, or `etcd:KEY`. Without it the compiled job is read from `EIGHTBELLS_JOB`
    #[arg(long, value_name = "SPEC", requires = "job")]
    pub spec: Option<SpecLocation>,
    /// The job in the spec
    #[arg(long, value_name = "NAME", requires = "spec")]
    pub job: Option<String>,
    /// The instance, escaped as in a unit's name
    #[arg(long, value_name = "INSTANCE", allow_hyphen_values = true)]
    pub instance: Option<Instance>,
    /// The compiled job that the unit was made for, as SHA-256; another one is refused
    #[arg(long, value_name = "SHA256", requires = "spec")]
    pub digest: Option<String>,
    /// Wait for a random time up to this before anything else
    #[arg(long, value_name = "DURATION", value_parser = parse_duration)]
    pub jitter: Option<Duration>,
    /// Wait for so long where another run of the job is under way; what the job says otherwise
    #[arg(long, value_name = "DURATION", value_parser = parse_duration)]
    pub wait: Option<Duration>,
    /// Say what would be done, and do nothing
    #[arg(long)]
    pub dry_run: bool,
}

/// An instance, as text or as the unit's own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Instance {
    /// This instance, escaped.
    Escaped(String),
    /// Whatever the unit's instance is: `%i` in its text.
    OfUnit,
}

impl Instance {
    /// An instance as `systemd-escape` writes it.
    #[must_use]
    pub fn escaped(text: &str) -> Self {
        let mut escaped = String::new();
        for (at, byte) in text.bytes().enumerate() {
            match byte {
                b'/' => escaped.push('-'),
                b'.' if at > 0 => escaped.push('.'),
                b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b':' | b'_' => escaped.push(char::from(byte)),
                other => drop(write!(escaped, "\\x{other:02x}")),
            }
        }
        Self::Escaped(escaped)
    }

    /// The instance unescaped, as `systemd-escape --unescape` does it: `-` is a slash, `\xNN` a byte. None where it is
    /// not escaped text, or not UTF-8, or the unit's own, which only systemd knows.
    #[must_use]
    pub fn unescaped(&self) -> Option<String> {
        let Self::Escaped(text) = self else { return None };
        let mut bytes = vec![];
        let mut rest = text.as_str();
        while let Some(c) = rest.chars().next() {
            rest = rest.get(c.len_utf8()..).unwrap_or("");
            match c {
                '-' => bytes.push(b'/'),
                '\\' => {
                    let digits = rest.strip_prefix('x').and_then(|hex| hex.get(..2))?;
                    bytes.push(
                        u8::from_str_radix(digits, 16)
                            .ok()
                            .filter(|_| digits.bytes().all(|b| b.is_ascii_hexdigit()))?,
                    );
                    rest = rest.get(3..).unwrap_or("");
                }
                other => bytes.extend(other.to_string().bytes()),
            }
        }
        String::from_utf8(bytes).ok()
    }
}

impl FromStr for Instance {
    type Err = std::convert::Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(Self::Escaped(text.to_owned()))
    }
}

/// Where a spec is read from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SpecLocation {
    /// A file.
    File(PathBuf),
    /// A key in the etcd that the environment names.
    Etcd(String),
}

/// Why a text is not a spec's location.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SpecLocationError {
    /// No key after `etcd:`.
    #[error("`etcd:` needs a key that begins with `/`, as in `etcd:/eightbells/backups`")]
    NoKey,
    /// Nothing at all.
    #[error("a path is expected, or `etcd:KEY`")]
    Empty,
}

impl FromStr for SpecLocation {
    type Err = SpecLocationError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.strip_prefix("etcd:") {
            Some(key) if key.starts_with('/') => Ok(Self::Etcd(key.into())),
            Some(_) => Err(SpecLocationError::NoKey),
            None if text.is_empty() => Err(SpecLocationError::Empty),
            None => Ok(Self::File(text.into())),
        }
    }
}

impl fmt::Display for SpecLocation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => path.display().fmt(f),
            Self::Etcd(key) => write!(f, "etcd:{key}"),
        }
    }
}

/// One word of a command line in a unit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Word {
    /// This text.
    Text(String),
    /// The unit's escaped instance.
    Instance,
}

impl BackupArgs {
    /// The words after the program's path.
    #[must_use]
    pub fn words(&self) -> Vec<Word> {
        let Self { spec, job, instance, digest, jitter, wait, dry_run } = self;
        let mut words = vec![Word::Text("backup".into())];
        let mut option = |name: &str, value: Option<Word>| {
            if let Some(value) = value {
                words.push(Word::Text(name.into()));
                words.push(value);
            }
        };
        option("--spec", spec.as_ref().map(|s| Word::Text(s.to_string())));
        option("--job", job.clone().map(Word::Text));
        option("--digest", digest.clone().map(Word::Text));
        option("--jitter", jitter.map(|j| Word::Text(format_duration(j))));
        option("--wait", wait.map(|w| Word::Text(format_duration(w))));
        option(
            "--instance",
            instance.as_ref().map(|i| match i {
                Instance::Escaped(text) => Word::Text(text.clone()),
                Instance::OfUnit => Word::Instance,
            }),
        );
        if *dry_run {
            words.push(Word::Text("--dry-run".into()));
        }
        words
    }
}

/// The arguments of `eightbells-run drill` that units have; what is to be done stands in the job.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DrillArgs {
    /// The spec; none where the compiled job is in the environment.
    pub spec: Option<SpecLocation>,
    /// The job in the spec.
    pub job: Option<String>,
    /// The instance.
    pub instance: Option<Instance>,
    /// The compiled job that the unit was made for, as SHA-256.
    pub digest: Option<String>,
    /// A random time up to this is waited for before anything else.
    pub jitter: Option<Duration>,
}

impl DrillArgs {
    /// The words after the program's path.
    #[must_use]
    pub fn words(&self) -> Vec<Word> {
        let Self { spec, job, instance, digest, jitter } = self.clone();
        let mut words = BackupArgs { spec, job, instance, digest, jitter, wait: None, dry_run: false }.words();
        if let Some(verb) = words.first_mut() {
            *verb = Word::Text("drill".into());
        }
        words
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser as _;
    use proptest::prelude::*;

    #[derive(clap::Parser)]
    struct Runner {
        #[command(flatten)]
        args: BackupArgs,
    }

    fn read(words: &[Word]) -> BackupArgs {
        let text = |word: &Word| match word {
            Word::Text(text) => text.clone(),
            Word::Instance => "%i".into(),
        };
        Runner::try_parse_from(words.iter().map(text)).unwrap().args
    }

    proptest! {
        #[test]
        fn the_arguments_of_a_unit_are_read_back(
            job in "[a-z][a-z0-9-]{0,9}", path in "/[a-z/%$ ]{0,9}", instance in proptest::option::of("[-a-z0-9\\\\]{1,9}"),
            jitter in proptest::option::of(0u64..100_000), wait in proptest::option::of(0u64..100_000), dry_run: bool,
            in_spec: bool,
        ) {
            let spec = in_spec.then(|| SpecLocation::File(path.into()));
            let args = BackupArgs {
                job: spec.is_some().then_some(job), digest: spec.is_some().then(|| "ab".into()), spec,
                instance: instance.map(Instance::Escaped), jitter: jitter.map(Duration::from_secs),
                wait: wait.map(Duration::from_secs), dry_run,
            };
            prop_assert_eq!(read(&args.words()), args);
        }
    }

    #[test]
    fn instances_are_unescaped_as_systemd_escape_does_it() {
        for (escaped, text) in
            [("80", "80"), ("a-b", "a/b"), ("a\\x2db", "a-b"), ("\\xc3\\xa4", "ä"), ("", ""), ("ä", "ä")]
        {
            assert_eq!(Instance::Escaped(escaped.into()).unescaped().as_deref(), Some(text), "{escaped}");
            assert_eq!(Instance::escaped(text).unescaped().as_deref(), Some(text), "{escaped}");
        }
        for bad in ["\\", "\\x2", "\\xzz", "\\x+1", "\\xff", "a\\n"] {
            assert_eq!(Instance::Escaped(bad.into()).unescaped(), None, "{bad}");
        }
    }

    #[test]
    fn the_unit_s_instance_is_its_specifier() {
        let args = BackupArgs { instance: Some(Instance::OfUnit), ..BackupArgs::default() };
        assert_eq!(args.words().last(), Some(&Word::Instance));
    }
}
