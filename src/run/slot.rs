//! A place in a group of runs over a whole cluster: a key in etcd under a lease, which ends with the host that holds it.

use crate::conduct::Concurrency;
use crate::contract::Etcd;
use crate::run::etcd::{EtcdError, Lease, Session};
use crate::run::os::Stop;
use secrecy::SecretString;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use tokio::task::JoinHandle;

/// Below this, groups have their folders in etcd.
const ROOT: &str = "/eightbells/concurrency";
/// How often a full group is looked at again.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// The lease is renewed this many times in its life.
const RENEWALS: u32 = 3;

/// Why a run has no place in its group.
#[derive(Debug, thiserror::Error)]
pub enum SlotError {
    /// The group is full for longer than the run may wait; exit code 75.
    #[error("the group `{group}` is full ({max} at a time): {holders}")]
    Full {
        /// The group.
        group: String,
        /// How many may run at once.
        max: u32,
        /// Who runs, as far as etcd tells.
        holders: String,
    },
    /// SIGTERM or SIGINT.
    #[error("the run was told to stop")]
    Stopped,
    /// etcd is not there, or refuses.
    #[error(
        "no place in the group `{group}` can be had, and without etcd nobody knows how many run: its user needs to read and write below `{ROOT}/{group}/`"
    )]
    Etcd {
        /// The group.
        group: String,
        /// Why.
        source: EtcdError,
    },
}

/// A place in a group. Where it is dropped without [`Slot::give_back`], it ends with its lease.
#[derive(Debug)]
pub struct Slot {
    session: Session,
    lease: Lease,
    lost: Arc<AtomicBool>,
    renewing: JoinHandle<()>,
}

impl Slot {
    /// Takes a place, waiting for one where the group is full.
    ///
    /// # Errors
    /// See [`SlotError`].
    pub async fn take(
        etcd: &Etcd,
        password: Option<&SecretString>,
        wanted: &Concurrency,
        holder: &str,
        stop: &Stop,
    ) -> Result<Self, SlotError> {
        tokio::select! {
            taken = Box::pin(wait(etcd, password, wanted, holder)) => taken,
            () = stop.wait() => Err(SlotError::Stopped),
        }
    }

    /// Whether the lease ended before the run: another run may have the place by now.
    #[must_use]
    pub fn is_lost(&self) -> bool {
        self.lost.load(Ordering::Relaxed)
    }

    /// Frees the place; where etcd does not hear it, the lease's end does.
    pub async fn give_back(self) {
        self.renewing.abort();
        if let Err(error) = self.session.revoke(self.lease).await {
            tracing::warn!("the place in the group is freed by its lease's end only: {error}");
        }
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.renewing.abort();
    }
}

async fn wait(
    etcd: &Etcd,
    password: Option<&SecretString>,
    wanted: &Concurrency,
    holder: &str,
) -> Result<Slot, SlotError> {
    let Concurrency { group, max, wait: patience, lease: life } = wanted;
    let failed = |source| SlotError::Etcd { group: group.clone(), source };
    let begun = Instant::now();
    let mut session = Session::open(etcd, password).await.map_err(failed)?;
    let mut told = false;
    loop {
        let holders = match attempt(&session, wanted, holder).await {
            Ok(Attempt::Taken(lease)) => return Ok(hold(session, lease, *life)),
            Ok(Attempt::Full(holders)) => holders,
            Err(error) if begun.elapsed() >= *patience || !is_away(&error) => return Err(failed(error)),
            // It was there a moment ago; it may come back.
            Err(_) => {
                session = match Session::open(etcd, password).await {
                    Ok(session) => session,
                    Err(error) if begun.elapsed() >= *patience || !is_away(&error) => return Err(failed(error)),
                    Err(_) => session,
                };
                vec![]
            }
        };
        if begun.elapsed() >= *patience {
            let holders = if holders.is_empty() { "nobody knows who".to_owned() } else { holders.join(", ") };
            return Err(SlotError::Full { group: group.clone(), max: *max, holders });
        }
        if !told {
            tracing::info!("waiting for a place in the group `{group}`, which {} hold", holders.join(", "));
            told = true;
        }
        tokio::time::sleep(LOOK_EVERY.min(patience.saturating_sub(begun.elapsed()))).await;
    }
}

/// Whether etcd does not answer; what it refuses, it refuses a second later too.
fn is_away(error: &EtcdError) -> bool {
    matches!(error, EtcdError::Unreachable { .. })
}

enum Attempt {
    Taken(Lease),
    Full(Vec<String>),
}

async fn attempt(session: &Session, wanted: &Concurrency, holder: &str) -> Result<Attempt, EtcdError> {
    let Concurrency { group, max, wait: _, lease: life } = wanted;
    let folder = format!("{ROOT}/{group}/");
    let holders = session.values_below(&folder).await?;
    if u32::try_from(holders.len()).unwrap_or(u32::MAX) >= *max {
        return Ok(Attempt::Full(holders));
    }
    let lease = session.grant(*life).await?;
    for place in 0..*max {
        if session.create(&format!("{folder}{place}"), holder, lease).await? {
            return Ok(Attempt::Taken(lease));
        }
    }
    session.revoke(lease).await?;
    Ok(Attempt::Full(session.values_below(&folder).await?))
}

fn hold(session: Session, lease: Lease, life: Duration) -> Slot {
    let lost = Arc::new(AtomicBool::new(false));
    let (renewed, told) = (session.clone(), Arc::clone(&lost));
    let renewing = tokio::spawn(async move {
        let mut good = Instant::now();
        loop {
            tokio::time::sleep(life / RENEWALS).await;
            match renewed.renew(lease).await {
                Ok(true) => good = Instant::now(),
                Ok(false) => break,
                Err(error) => {
                    tracing::warn!("the place in the group could not be renewed: {error}");
                    if good.elapsed() > life {
                        break;
                    }
                }
            }
        }
        told.store(true, Ordering::Relaxed);
        tracing::warn!("the place in the group was lost; the run goes on, and another one may run beside it");
    });
    Slot { session, lease, lost, renewing }
}
