//! The spec: what its author wrote, read strictly, with every fault at its place.
//!
//! [`load`] reads the YAML into a tree whose keys and values keep their places, merges `include:` into it, and decodes
//! it by hand, each job over `defaults:`. Every fault is told in one go; a [`Spec`] comes out only where there is none.

mod decode;
mod faults;
mod load;
mod mask;
mod model;
mod node;
mod places;
mod secret_words;
mod syntax;
mod yaml;

pub use load::{ReadError, SPEC_MAX_BYTES, load, load_text, read_file};
pub use model::{Fleet, IoClass, Job, JobIn, Relations, Service, Spec, StoreEntry};
pub use places::{Origin, Place, Places};
