//! Eight Bells: backup jobs as a YAML spec, turned into systemd and fleet units, linted, and run.
//!
//! The modules stand in layers, and arrows go down only (ARCHITECTURE.md has the map):
//!
//! ```text
//! 4  bin → cli
//! 3  render   lint        │  run
//! 2  plan     unit        │
//! 1  spec schedule value source archive destination retention target contract
//! 0  diag os
//! ```
//!
//! `run`, with its heavy dependencies, sits behind the default feature of the same name; the generator and the
//! linter build without it.

pub mod cli;
pub mod diag;
pub mod schedule;
pub mod unit;
