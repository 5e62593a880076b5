//! `[X-Fleet]` as fleet reads, refuses and schedules it (fleet v1.0.0: `job/job.go`, `api/units.go`, `agent/state.go`).

mod glob;
mod machine;
mod options;

pub use glob::{BadPattern, glob_matches};
pub use machine::{Agent, Machine, Verdict};
pub(in crate::lint) use options::metadata_pair;
pub use options::{Options, Refusal, Release, expand, is_known_key, is_truthy, split_values};
