//! The spec: what its author wrote, read strictly, with every fault at its place.
//!
//! Text becomes a tree of values that know their place (`yaml`), files and defaults are merged in that tree
//! (`merge`), and the tree is decoded by hand (`decode`), so that all faults are told in one go.

mod decode;
mod mask;
mod merge;
mod model;
mod places;
mod read;
mod secret_words;
mod show;
mod syntax;
mod yaml;

pub use model::{Fleet, IoClass, Job, JobIn, Relations, Service, Spec, StoreEntry};
pub use places::{Origin, Place, Places};
pub use read::{ReadError, SPEC_MAX_BYTES, load, load_text, read_file};
pub use show::show;
