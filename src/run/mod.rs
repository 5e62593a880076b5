//! The runner: dump → tar → compress → store → commit → prune, and the way back.
//!
//! Effects live here (and in `cli`) only. This module never imports `plan`, `render`, `lint` or `unit`.

pub mod backup;
pub mod catalog;
pub mod cipher;
mod digest;
pub mod drill;
pub mod dump;
pub mod etcd;
pub mod fetch;
pub mod index;
pub mod journal;
pub mod lock;
pub mod manifest;
pub mod mark;
mod merge;
pub mod notify;
pub mod os;
pub mod pack;
pub mod partial;
pub mod progress;
pub mod prune;
pub mod restore;
pub mod scratch;
pub mod secret;
pub mod select;
#[cfg(feature = "etcd")]
pub mod slot;
pub mod store;
pub mod sync;
pub mod tar_check;
pub mod tar_walk;
pub mod tls;
mod untar;
