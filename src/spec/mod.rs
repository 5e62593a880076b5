//! The spec: what its author wrote, read strictly, with every fault at its place.

mod model;
mod places;

pub use model::{Fleet, IoClass, Job, JobIn, Relations, Service, Spec, StoreEntry};
pub use places::{Origin, Place, Places};
