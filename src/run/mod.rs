//! The runner: dump → tar → compress → store → commit → prune, and the way back.
//!
//! Effects live here (and in `cli`) only. This module never imports `plan`, `render`, `lint` or `unit`.

pub mod dump;
pub mod etcd;
pub mod journal;
pub mod lock;
pub mod os;
pub mod scratch;
pub mod secret;
pub mod store;
pub mod tls;
