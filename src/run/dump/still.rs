//! Containers that stand still while a source is read: stopped or paused before, started again as soon as the last byte
//! was read, however long the upload takes, and come what may.

use super::container::{Engine, Found, State};
use super::owed::Debts;
use super::spool::{Filled, Filling, spool};
use super::start::Start;
use super::{Dump, DumpError};
use crate::run::dump::ContainerError;
use crate::run::journal::{Halt, Obligation};
use crate::run::os::{self, Limits};
use crate::source::Still;
use crate::value::Bytes;
use std::path::Path;
use std::time::{Duration, Instant};

/// How long stopping or starting a container may take.
const HALT_WITHIN: Duration = Duration::from_secs(600);
/// What may wait to be stored where the spec says nothing, in bytes; never more than half of what is free.
const SPOOL_MAX_BYTES: u64 = 16 << 30;

/// What stands still.
pub(super) struct Held {
    names: Vec<String>,
    since: Instant,
    debts: Debts,
}

/// What a source's containers do while it is read, until it was.
pub(super) struct Standing {
    /// None once its end was waited for.
    filling: Option<Filling<Woken>>,
}

/// What was made to move again.
#[derive(Debug)]
pub(super) struct Woken {
    names: Vec<String>,
    stood: Duration,
    troubles: Vec<String>,
}

/// Stops and pauses what is to stand still and moves now; what does not move is left alone, and stays so.
pub(super) fn hold(still: &Still, start: &Start<'_>) -> Result<Held, DumpError> {
    let Still { stopped, paused, engine, spool: _ } = still;
    let engine = Engine::find(*engine, &start.with.environment, &start.limits)?;
    let mut found: Vec<(Found, Halt)> = vec![];
    for (which, halt) in [(stopped, Halt::Stopped), (paused, Halt::Paused)] {
        for which in which {
            let several = engine.which(which, start)?;
            found.extend(several.into_iter().map(|found| (found, halt)));
        }
    }
    let mut held = Held { names: vec![], since: Instant::now(), debts: Debts::default() };
    for (found, halt) in found {
        if held.names.contains(&found.name) {
            continue;
        }
        match (found.state, halt) {
            (State::Running, Halt::Stopped) if found.removed_when_stopped => {
                return Err(ContainerError::RemovedWhenStopped { name: found.name }.into());
            }
            (State::Running, _) => {
                held.names.push(found.name.clone());
                held.halt(&found, halt, start)?;
            }
            (State::Paused | State::Other, _) => {
                tracing::info!("the container `{}` does not run, and is left as it is", found.name);
            }
        }
    }
    Ok(held)
}

impl Held {
    fn halt(&mut self, found: &Found, halt: Halt, start: &Start<'_>) -> Result<(), DumpError> {
        let (engine, container, name) = (found.engine.name.clone(), found.id.clone(), found.name.clone());
        self.debts.owe(Obligation::ContainerHalted { engine, container, name, halt }, start.with)?;
        tracing::info!("the container `{}` is {} while `{}` is read", found.name, halt.done(), start.source.name);
        // Not ended by a stop of the run: the engine would go on stopping it after it was told to start it again.
        let verb = match halt {
            Halt::Stopped => "stop",
            Halt::Paused => "pause",
        };
        found.engine.order(verb, found, &Limits::default().at_most(HALT_WITHIN))?;
        Ok(())
    }

    fn wake(self) -> Woken {
        let Self { names, since, debts } = self;
        let troubles = debts.settle();
        let stood = since.elapsed();
        if !names.is_empty() {
            tracing::info!("{} moved again after {:.1} s", list(&names), stood.as_secs_f64());
        }
        Woken { names, stood, troubles }
    }

    /// Reads a dump's stream at once into a spool, and wakes what stands still as soon as that is done.
    pub(super) fn during(self, dump: Dump, still: &Still, folder: &Path, source: &str) -> Result<Dump, DumpError> {
        let free = os::free_bytes(folder).unwrap_or(0) / 2;
        let most = still.spool.unwrap_or(SPOOL_MAX_BYTES).min(free);
        let Dump { stream, mut running } = dump;
        let failed = |error| DumpError::Scratch { path: folder.to_owned(), source: error };
        let (stream, filling) = spool(stream, folder, most, move || self.wake()).map_err(failed)?;
        tracing::debug!("up to {} of `{source}` may wait to be stored", Bytes(most));
        running.standing = Some(Standing { filling: Some(filling) });
        Ok(Dump { stream: Box::new(stream), running })
    }
}

impl Standing {
    /// How long what stood still did, for people, and what could not be woken.
    pub(super) fn finish(mut self) -> (Option<String>, Vec<String>) {
        let filled = self.filling.take().and_then(Filling::finish);
        let Some(Filled { most, end: Woken { names, stood, troubles } }) = filled else {
            return (None, vec!["it is not known whether what stood still moves again".into()]);
        };
        let seconds = stood.as_secs_f64();
        let how = format!("{} stood still for {seconds:.1} s, up to {} waited to be stored", list(&names), Bytes(most));
        ((!names.is_empty()).then_some(how), troubles)
    }

    /// The stream is not wanted any more.
    pub(super) fn close(&self) {
        if let Some(filling) = &self.filling {
            filling.close();
        }
    }
}

impl Drop for Standing {
    /// The run does not go on before everything moves again.
    fn drop(&mut self) {
        self.close();
        for trouble in self.filling.take().and_then(Filling::finish).into_iter().flat_map(|filled| filled.end.troubles)
        {
            tracing::warn!("{trouble}");
        }
    }
}

fn list(names: &[String]) -> String {
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

/// Starts or unpauses what an obligation names, unless someone did already.
pub(super) fn wake(
    engine: &str,
    container: &str,
    halt: Halt,
    environment: &os::Environment,
) -> Result<(), ContainerError> {
    let engine = Engine::named(engine, environment);
    let limits = Limits::default().at_most(HALT_WITHIN);
    let found = match engine.look(container, &limits) {
        // It was made anew meanwhile, under another id: whoever did that started it.
        Err(ContainerError::Missing { .. }) => return Ok(()),
        other => other?,
    };
    match (found.state, halt) {
        (State::Running, _) | (State::Paused, Halt::Stopped) | (State::Other, Halt::Paused) => Ok(()),
        (State::Other, Halt::Stopped) => engine.order("start", &found, &limits),
        (State::Paused, Halt::Paused) => engine.order("unpause", &found, &limits),
    }
}
