//! The spec: what its author wrote, read strictly, with every fault at its place.
//!
//! Text becomes a tree of values that know their place (`yaml`), files and defaults are merged in that tree
//! (`merge`), and the tree is decoded by hand (`decode`), so that all faults are told in one go.
//!
//! # Grammar
//! At the top: `version: 1` (required), `target`, `runner`, `spec_path`, `spec_key`, `etcd`, `defaults`, `include`,
//! `destinations`, `jobs`, and any key that begins with `x-`, which is there for anchors.
//!
//! - A job: `description`, `instances`, `schedule`, `needs`, `wants`, `requisite`, `sources`, `archive`, `store`,
//!   `drill`, `job_in`, `fleet`, `service`; `schedule`, `sources` and `store` are required, of the job or of `defaults:`.
//! - `schedule:` has one of `every` (a minute or more), `calendar` and `cron` (one time or a list); `catch_up` and
//!   `timezone` go with the last two.
//! - A source has one of `paths`, `command` (with `extension`) and `container` (with `tree`, or `dump` and `extension`).
//! - `store:` is a list of `{to: NAME, keep: {within, last, at_least}}`, `{to: NAME, keep: all}` or `NAME`.
//! - A destination is `local` or `s3`. `addressing` is `path` where an endpoint is given, else `virtual`.
//! - `job_in` is `unit` on fleet and `file` elsewhere; `network_online` is on where a destination or etcd is on another
//!   machine.
//! - `fleet:` may stand in a spec for systemd, where it says nothing: one spec serves both.
//!
//! Of `defaults:`, the maps `archive`, `fleet`, `fleet.machine_metadata`, `service`, `service.directives` and its
//! sections are merged key by key into a job's; of everything else a job's value replaces the default whole. An
//! included file holds destinations, jobs and defaults, its paths counted from its own folder; a name that is there
//! twice is an error that shows both places.
//!
//! A text without quotes is a text, whatever older YAML readers make of `on` or `010` (they get a warning); numbers stand
//! for their text as written. Findings say what they mean at file, line and column; what looks like a secret is never
//! repeated in them.

mod decode;
pub mod keys;
mod mask;
mod merge;
mod model;
mod places;
mod read;
mod secret_words;
mod show;
mod syntax;
mod yaml;

pub use decode::nearest as nearest_word;
pub use model::{Drilled, Fleet, IoClass, Job, JobIn, Relations, Service, Spec, StoreEntry};
pub use places::{Origin, Place, Places};
pub use read::{ReadError, SPEC_MAX_BYTES, load, load_text, read_file};
pub use secret_words::{secret_in_text, tells_of_secret};
pub use show::show;
