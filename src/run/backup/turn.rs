//! A run's turn among the runs of its group.

use super::report::Problem;
use super::{BackupError, Run};
#[cfg(feature = "etcd")]
use crate::run::slot::{Slot, SlotError};

/// Why it is not a run's turn.
pub(super) enum TurnError {
    /// The group is full.
    Full(String),
    Stopped,
    /// Nobody knows.
    Failed(Problem),
}

impl From<TurnError> for BackupError {
    fn from(error: TurnError) -> Self {
        match error {
            TurnError::Full(message) => Self::Full(message),
            TurnError::Stopped => Self::Stopped,
            TurnError::Failed(problem) => Self::Full(problem.to_string()),
        }
    }
}

/// Waits for a place in the job's group, where it has one.
#[cfg(feature = "etcd")]
pub(super) async fn take(run: &Run<'_>) -> Result<Option<Slot>, TurnError> {
    let (Some(wanted), Some(etcd)) = (&run.job.conduct.concurrency, &run.job.etcd) else { return Ok(None) };
    let password = run.with.secrets.etcd_password(run.job, &run.with.context);
    let context = &run.with.context;
    let instance = context.instance.as_ref().map(|instance| format!(" ({instance})")).unwrap_or_default();
    let holder = format!("{}{instance} on {} since {}", run.job.name, context.host, run.time);
    match Slot::take(etcd, password, wanted, &holder, &run.with.stop).await {
        Ok(slot) => Ok(Some(slot)),
        Err(SlotError::Stopped) => Err(TurnError::Stopped),
        Err(error @ SlotError::Full { .. }) => Err(TurnError::Full(error.to_string())),
        Err(error @ SlotError::Etcd { .. }) => Err(TurnError::Failed(Problem::of(&error))),
    }
}

/// Gives the place back; what is to be said of it.
#[cfg(feature = "etcd")]
pub(super) async fn give_back(slot: Option<Slot>) -> Option<String> {
    let slot = slot?;
    let lost = slot.is_lost();
    slot.give_back().await;
    lost.then(|| "the place in the group was lost midway, and another run may have run beside this one".to_owned())
}

#[cfg(not(feature = "etcd"))]
pub(super) async fn take(run: &Run<'_>) -> Result<Option<()>, TurnError> {
    if run.job.conduct.concurrency.is_none() {
        return Ok(None);
    }
    Err(TurnError::Failed(Problem::new("this runner was built without the feature `etcd`, and knows no `concurrency`")))
}

#[cfg(not(feature = "etcd"))]
pub(super) async fn give_back(_: Option<()>) -> Option<String> {
    None
}
