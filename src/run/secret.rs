//! References resolved: read once at the start of a run, and kept out of everything that is printed.

mod read;
mod redact;

pub use read::SecretError;

use crate::conduct::{Conduct, Notice};
use crate::contract::{Job, StoreAt};
use crate::destination::{Destination, DestinationKind, Parts};
use crate::run::etcd;
use crate::run::os::Environment;
use crate::source::Role;
use crate::value::{Context, ExpandError, Reference, Value};
use redact::Redactor;
use secrecy::{ExposeSecret as _, SecretString};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// All references of a job, resolved.
#[derive(Debug, Default)]
pub struct Secrets {
    values: BTreeMap<Place, SecretString>,
    redactor: Redactor,
}

/// Where a value is read from, placeholders filled in.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// A key in etcd.
    Etcd(String),
    /// A variable of the runner's environment.
    Env(String),
    /// A file of the host.
    File(String),
    /// A systemd credential, and the file that systemd reads it from.
    Credential(String, Option<String>),
    /// A program.
    Command(Vec<String>),
}

/// What a value is to its job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Position {
    /// Known to everybody: a bucket, a path.
    Open,
    /// Never to be shown.
    Secret,
    /// A variable of a dump's: secret where it is a reference.
    Variable,
    /// The same, and the run goes on without it.
    Wished,
}

impl Place {
    fn new(reference: &Reference, context: &Context) -> Result<Self, ExpandError> {
        Ok(match reference {
            Reference::Etcd(key) => Self::Etcd(key.expand(context)?),
            Reference::Env(name) => Self::Env(name.clone()),
            Reference::File(path) => Self::File(path.expand(context)?),
            Reference::Credential { name, path } => Self::Credential(name.clone(), path.clone()),
            Reference::Command(words) => {
                Self::Command(words.iter().map(|word| word.expand(context)).collect::<Result<_, _>>()?)
            }
        })
    }
}

impl fmt::Debug for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for Place {
    /// As the spec writes it; of a program only its name, since its arguments may tell too much.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Etcd(key) => write!(f, "{{etcd: {key}}}"),
            Self::Env(name) => write!(f, "{{env: {name}}}"),
            Self::File(path) => write!(f, "{{file: {path}}}"),
            Self::Credential(name, _) => write!(f, "{{credential: {name}}}"),
            Self::Command(words) => write!(
                f,
                "{{command: [{}{}]}}",
                words.first().map_or("", String::as_str),
                if words.len() > 1 { ", …" } else { "" }
            ),
        }
    }
}

impl Secrets {
    /// Reads every reference of the job; etcd is asked once for all of its keys.
    ///
    /// # Errors
    /// The first reference that could not be read, with what to do about it.
    pub async fn resolve(job: &Job, context: &Context, environment: &Environment) -> Result<Self, SecretError> {
        let mut secrets = Self::default();
        let (mut keys, mut wished) = (BTreeSet::new(), BTreeSet::new());
        let positions = positions(job, context);
        for (value, context, position) in &positions {
            let Some(reference) = value.reference() else { continue };
            match Place::new(reference, context)? {
                Place::Etcd(key) if *position == Position::Wished => drop(wished.insert(key)),
                Place::Etcd(key) => drop(keys.insert(key)),
                place if *position == Position::Wished => {
                    let _ = secrets.read(place, environment, *position).await;
                }
                place => secrets.read(place, environment, *position).await?,
            }
        }
        secrets.read_etcd(job, context, environment, &keys).await?;
        if !wished.is_empty() {
            let _ = secrets.read_etcd(job, context, environment, &wished).await;
        }
        for (value, context, position) in &positions {
            let noted = secrets.note(value, context, *position);
            if *position != Position::Wished {
                noted?;
            }
        }
        Ok(secrets)
    }

    /// What of a run's conduct can be read without etcd and without an error: where the rest cannot, whoever is to be
    /// told of it may be known still.
    pub async fn what_can_be(conduct: &Conduct, context: &Context, environment: &Environment) -> Self {
        let mut secrets = Self::default();
        for value in conduct.values() {
            let place = value.reference().and_then(|reference| Place::new(reference, context).ok());
            if let Some(place) = place.filter(|place| !matches!(place, Place::Etcd(_)))
                && secrets.read(place, environment, Position::Variable).await.is_ok()
            {
                let _ = secrets.note(value, context, Position::Variable);
            }
        }
        secrets
    }

    async fn read(&mut self, place: Place, environment: &Environment, position: Position) -> Result<(), SecretError> {
        if self.values.contains_key(&place) {
            return Ok(());
        }
        let text = read::read(&place, environment).await?;
        checked(&place, text.expose_secret(), position)?;
        self.values.insert(place, text);
        Ok(())
    }

    async fn read_etcd(
        &mut self,
        job: &Job,
        context: &Context,
        environment: &Environment,
        keys: &BTreeSet<String>,
    ) -> Result<(), SecretError> {
        let etcd = match (&job.etcd, keys.first()) {
            (None, Some(key)) => return Err(SecretError::NoEtcd { key: key.clone() }),
            (Some(etcd), _) if !keys.is_empty() || job.conduct.concurrency.is_some() => etcd,
            (Some(_), _) | (None, None) => return Ok(()),
        };
        let mut password = None;
        if let Some(reference) = &etcd.password {
            let place = Place::new(reference, context)?;
            if matches!(place, Place::Etcd(_)) {
                return Err(SecretError::PasswordInEtcd);
            }
            self.read(place.clone(), environment, Position::Secret).await?;
            password = self.values.get(&place).cloned();
            self.redactor.add(password.as_ref().map_or("", |password| password.expose_secret()));
        }
        for (key, value) in etcd::read(etcd, password.as_ref(), keys).await? {
            self.values.insert(Place::Etcd(key), value);
        }
        Ok(())
    }

    /// Checks a value that was read, and remembers what must not be shown.
    fn note(&mut self, value: &Value, context: &Context, position: Position) -> Result<(), SecretError> {
        let secret = match position {
            Position::Open => false,
            Position::Secret => true,
            Position::Variable | Position::Wished => value.reference().is_some(),
        };
        if let Some(reference) = value.reference() {
            let place = Place::new(reference, context)?;
            let text = self.values.get(&place).ok_or_else(|| SecretError::NotResolved { place: place.clone() })?;
            checked(&place, text.expose_secret(), position)?;
        }
        if secret && let Ok(text) = self.text(value, context) {
            self.redactor.add(text.expose_secret());
        }
        Ok(())
    }

    /// A value's text: written out and filled in, or the reference's value.
    ///
    /// # Errors
    /// A placeholder without value, or a reference that is not the job's.
    pub fn text(&self, value: &Value, context: &Context) -> Result<SecretString, SecretError> {
        match value {
            Value::Text(template) => Ok(template.expand(context)?.into()),
            Value::Reference(reference) => {
                let place = Place::new(reference, context)?;
                self.values.get(&place).cloned().ok_or(SecretError::NotResolved { place })
            }
        }
    }

    /// etcd's own password, where the job has one.
    #[must_use]
    pub fn etcd_password(&self, job: &Job, context: &Context) -> Option<&SecretString> {
        let reference = job.etcd.as_ref()?.password.as_ref()?;
        self.values.get(&Place::new(reference, context).ok()?)
    }

    /// Replaces every secret in a text by `***`; what a child process prints goes through here, and what a server
    /// answers. Also finds a secret that was written as part of an address, as base 64 or inside JSON.
    #[must_use]
    pub fn redact(&self, text: &str) -> String {
        self.redactor.redact(text)
    }
}

/// An empty value would fail later with a worse message; a NUL cannot be passed on.
fn checked(place: &Place, text: &str, position: Position) -> Result<(), SecretError> {
    if text.contains('\0') {
        return Err(SecretError::HoldsNul { place: place.clone() });
    }
    match position {
        Position::Open | Position::Secret if text.is_empty() => Err(SecretError::Empty { place: place.clone() }),
        Position::Open | Position::Secret | Position::Variable | Position::Wished => Ok(()),
    }
}

/// Every value of a job that may be a reference, with what placeholders mean there.
fn positions<'a>(job: &'a Job, context: &Context) -> Vec<(&'a Value, Context, Position)> {
    let mut all = vec![];
    for StoreAt { to: Destination { name: _, kind, limit: _ }, keep: _ } in &job.store {
        let found = of_destination(kind);
        all.extend(found.into_iter().map(|(value, position)| (value, context.clone(), position)));
    }
    let passphrase = job.archive.encrypt.iter().filter_map(|encrypt| encrypt.passphrase.as_ref());
    all.extend(passphrase.map(|value| (value, context.clone(), Position::Secret)));
    for source in &job.sources {
        let context = Context { source: Some(source.name.clone()), ..context.clone() };
        all.extend(source.values().into_iter().map(|(value, role)| (value, context.clone(), role.into())));
    }
    all.extend(job.conduct.hooks.values().map(|value| (value, context.clone(), Position::Variable)));
    let wished = job.conduct.notify.iter().flat_map(Notice::values);
    all.extend(wished.map(|value| (value, context.clone(), Position::Wished)));
    all
}

fn of_destination(kind: &DestinationKind) -> Vec<(&Value, Position)> {
    let Parts { open, secret, files: _ } = kind.parts();
    let open = open.into_iter().map(|value| (value, Position::Open));
    open.chain(secret.into_iter().map(|value| (value, Position::Secret))).collect()
}

impl From<Role> for Position {
    fn from(role: Role) -> Self {
        match role {
            Role::Open => Self::Open,
            Role::Secret => Self::Secret,
            Role::Variable => Self::Variable,
        }
    }
}

#[cfg(test)]
mod tests;
