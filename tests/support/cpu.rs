//! The processor's time that a thread has had. A test of how long something takes asks for this and not for the time
//! that has passed, since other tests and compilers run beside it. This file stands on the standard library alone.

use std::time::{Duration, Instant};

/// The time that `work` takes on this thread, without what other threads take; off Linux, the time that passes.
pub fn cpu_time_of<T>(work: impl FnOnce() -> T) -> (T, Duration) {
    let (cpu, begin) = (cpu_time(), Instant::now());
    let result = work();
    let taken = cpu.zip(cpu_time()).map_or_else(|| begin.elapsed(), |(before, after)| after.saturating_sub(before));
    (result, taken)
}

/// The first number of `/proc/thread-self/schedstat` (Linux Documentation/scheduler/sched-stats.rst), in nanoseconds. It
/// is brought up to date at the scheduler's ticks, some milliseconds apart, and whenever a thread yields.
fn cpu_time() -> Option<Duration> {
    std::thread::yield_now();
    let numbers = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    numbers.split_whitespace().next()?.parse().ok().map(Duration::from_nanos)
}
