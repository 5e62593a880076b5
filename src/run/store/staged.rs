//! Names that objects have until they are whole, at destinations where files can be renamed.

use super::StoreError;
use crate::run::os::RunId;

/// What the names of files begin with that are not whole yet.
pub(super) const STAGED_PREFIX: &str = ".eightbells-";

/// A new one.
pub(super) fn staged_name() -> Result<String, StoreError> {
    let run = RunId::random().map_err(|error| StoreError::io("a random name cannot be had", error))?;
    Ok(format!("{STAGED_PREFIX}{run}"))
}

/// Whether a name is one: no other is ever removed for being left over.
pub(super) fn is_staged(name: &str) -> bool {
    name.starts_with(STAGED_PREFIX) && !name.contains('/')
}
