//! Eight Bells: backup jobs as a YAML spec, turned into systemd and fleet units, linted, and run.
//!
//! The modules stand in layers, and arrows go down only (ARCHITECTURE.md has the map):
//!
//! ```text
//! 4  bin → cli
//! 3  render   lint   timeline │  run
//! 2  plan     unit        │
//! 1  spec schedule value source archive destination retention target contract conduct
//! 0  diag
//! ```
//!
//! `run`, with its heavy dependencies, sits behind the default feature of the same name; the generator and the
//! linter build without it.

pub mod archive;
pub mod cli;
pub mod conduct;
pub mod contract;
pub mod destination;
pub mod diag;
pub mod lint;
pub mod plan;
pub mod render;
pub mod retention;
#[cfg(feature = "run")]
pub mod run;
pub mod schedule;
pub mod source;
pub mod spec;
pub mod target;
pub mod timeline;
pub mod unit;
pub mod value;
