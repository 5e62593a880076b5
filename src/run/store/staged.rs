//! Names that objects have until they are whole, at destinations where files can be renamed.
//!
//! `.eightbells-OWNER-SECONDS-RANDOM`: whose it is and when it was begun stand in the name, so that what a run left can be
//! told from a live one's even where the run's notes are lost with their host.

use super::{Object, StoreError};
use crate::run::digest::hex;
use crate::run::journal::Obligation;
use crate::run::os::{self, RunId};
use jiff::Timestamp;
use sha2::{Digest as _, Sha256};

/// What the names of files begin with that are not whole yet.
pub(super) const STAGED_PREFIX: &str = ".eightbells-";
/// How many bytes of the digest tell owners apart.
const OWNER_BYTES: usize = 8;

/// Who makes things that are to be put back: the runs of one job's instance on one host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Owner(String);

impl Owner {
    /// The runs of a job's instance on the host of that name.
    #[must_use]
    pub fn new(host: &str, job: &str, instance: Option<&str>) -> Self {
        let mut digest = Sha256::new();
        for part in [Some(host), Some(job), instance] {
            // No two lists of parts give the same bytes: a length before each, and none where there is no part.
            let length = part.map_or(u64::MAX, |part| part.len() as u64);
            digest.update(length.to_be_bytes());
            digest.update(part.unwrap_or_default());
        }
        Self(hex(digest.finalize().get(..OWNER_BYTES).unwrap_or_default()))
    }

    /// When a staged object was begun; none of another owner's, and of any other name.
    #[must_use]
    pub fn began(&self, name: &str) -> Option<Timestamp> {
        let rest = name.strip_prefix(STAGED_PREFIX)?.strip_prefix(self.0.as_str())?.strip_prefix('-')?;
        let (seconds, random) = rest.split_once('-')?;
        let hex = random.len() == 16 && random.bytes().all(|byte| byte.is_ascii_hexdigit());
        let digits = !seconds.is_empty() && seconds.bytes().all(|byte| byte.is_ascii_digit());
        let seconds = seconds.parse().ok().filter(|_| hex && digits)?;
        Timestamp::from_second(seconds).ok()
    }
}

/// A new one; without an owner nobody but the run itself ever removes it.
pub(super) fn staged_name(owner: Option<&Owner>) -> Result<String, StoreError> {
    let random = RunId::random().map_err(|error| StoreError::io("a random name cannot be had", error))?;
    let seconds = os::now().as_second();
    Ok(match owner {
        Some(Owner(owner)) => format!("{STAGED_PREFIX}{owner}-{seconds}-{random}"),
        None => format!("{STAGED_PREFIX}{random}"),
    })
}

/// Whether a name is one: no other is ever removed for being left over.
pub(super) fn is_staged(name: &str) -> bool {
    name.starts_with(STAGED_PREFIX) && !name.contains('/')
}

/// The files among these that are not whole yet, at the destination of that name.
pub(super) fn staged_objects(destination: &str, files: Vec<Object>) -> Vec<Obligation> {
    let staged = files.into_iter().map(|Object { name, size: _ }| name).filter(|name| is_staged(name));
    staged.map(|name| Obligation::StagedObject { destination: destination.to_owned(), name }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_tells_its_owner_when_it_was_begun_and_others_nothing() {
        let owner = Owner::new("host", "job", Some("80"));
        let name = staged_name(Some(&owner)).unwrap();
        assert!(is_staged(&name));
        let age = os::now().duration_since(owner.began(&name).unwrap());
        assert!((0..60).contains(&age.as_secs()), "{name}");
        for other in
            [("host", "job", None), ("host", "job8", Some("0")), ("hos", "tjob", Some("80")), ("h2", "job", Some("80"))]
        {
            let (host, job, instance) = other;
            assert_eq!(Owner::new(host, job, instance).began(&name), None, "{other:?}");
        }
        assert_ne!(Owner::new("h", "j", None), Owner::new("h", "j", Some("")));
    }

    #[test]
    fn what_is_not_a_staged_name_of_this_form_is_nobody_s() {
        let owner = Owner::new("host", "job", None);
        let Owner(hex) = &owner;
        for name in [
            staged_name(None).unwrap(),
            format!(".eightbells-{hex}-1700000000-0123456789abcde"),
            format!(".eightbells-{hex}-1700000000-0123456789abcdeg"),
            format!(".eightbells-{hex}--0123456789abcdef"),
            format!(".eightbells-{hex}-+1-0123456789abcdef"),
            format!(".eightbells-{hex}-99999999999999999999-0123456789abcdef"),
            format!("eightbells-{hex}-1700000000-0123456789abcdef"),
            ".eightbells-restore-x".to_owned(),
        ] {
            assert_eq!(owner.began(&name), None, "{name}");
        }
        assert!(owner.began(&format!(".eightbells-{hex}-1700000000-0123456789abcdef")).is_some());
    }
}
