//! Diagnostics: what is wrong, where, and what to do about it.
//!
//! A [`Diagnostic`] names a place as a byte [`Span`] of a [`SourceFile`]; a [`Report`] gathers all of them, so that
//! every fault is told in one go. Line and column are computed only when a report is shown.

mod fix;
mod human;
mod json;
mod report;
mod sources;

pub use fix::{Edit, Fix, Safety};
pub use human::{Colour, render_findings, render_human};
pub use json::render_json;
pub use report::{Diagnostic, Label, Report, Severity};
pub use sources::{FileId, Position, SourceFile, Sources, Span};
