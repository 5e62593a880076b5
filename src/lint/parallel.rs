//! The same work on many things, on all cores, the results in the order of the things.

use std::num::NonZero;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::{self, Builder, ScopedJoinHandle};

/// How many things a thread takes at a time. With fewer than two such stretches there is one thread only: a handful of
/// files is linted in less time than another thread takes to start.
const STRETCH: usize = 32;

/// What `work` makes of each thing.
pub(super) fn map<T: Sync, R: Send>(things: &[T], work: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let stretches: Vec<&[T]> = things.chunks(STRETCH).collect();
    let threads = thread::available_parallelism().map_or(1, NonZero::get).min(stretches.len());
    if threads < 2 {
        return things.iter().map(work).collect();
    }
    let next = AtomicUsize::new(0);
    let mut done = thread::scope(|scope| {
        let worker = || some(&stretches, &next, &work);
        // Where no thread can be had, those that there are do the work.
        let others: Vec<_> = (1..threads).filter_map(|_| Builder::new().spawn_scoped(scope, worker).ok()).collect();
        let own = worker();
        others.into_iter().map(joined).fold(own, |all, theirs| [all, theirs].into_iter().flatten().collect())
    });
    done.sort_by_key(|(place, _)| *place);
    done.into_iter().flat_map(|(_, results)| results).collect()
}

/// Works on stretches that nobody has taken yet, until there are none.
fn some<T, R>(stretches: &[&[T]], next: &AtomicUsize, work: &impl Fn(&T) -> R) -> Vec<(usize, Vec<R>)> {
    let mut done = Vec::new();
    loop {
        let place = next.fetch_add(1, Ordering::Relaxed);
        let Some(stretch) = stretches.get(place) else { return done };
        done.push((place, stretch.iter().map(work).collect()));
    }
}

/// A thread's result; its panic goes on here.
fn joined<R>(worker: ScopedJoinHandle<'_, R>) -> R {
    worker.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_come_in_the_order_of_the_things() {
        for count in [0, 1, STRETCH, 10 * STRETCH + 1] {
            let things: Vec<usize> = (0..count).collect();
            assert_eq!(map(&things, |thing| thing * 2), things.iter().map(|thing| thing * 2).collect::<Vec<_>>());
        }
    }
}
