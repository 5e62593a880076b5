//! The one module that asks the operating system: clock, host name, environment, processes, signals, disk space.

mod environment;
mod notify;
mod pipe;
mod process;
mod program;
mod stop;
mod streams;

pub use environment::{Environment, RunId, free_bytes, host_name, is_root, now, process_id};
pub use notify::{Manager, stderr_is_journal};
pub use process::{Captured, Cut, Ended, GRACE, Limits, Output, Process, SpawnError};
pub use program::{Input, Program};
pub use stop::Stop;
pub use streams::{Running, Streams};
