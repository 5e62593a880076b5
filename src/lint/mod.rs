//! What is wrong with unit files, told before a machine does.
//!
//! ```
//! use eightbells::lint::lint_unit_texts;
//! use eightbells::target::Target;
//!
//! let timer = "[Timer]\nOnUnitActiveSec=4h\nUnit=a.service\n";
//! let target = Target::parse("systemd:252").unwrap();
//! let report = lint_unit_texts(&[("a.timer", timer), ("a.service", "[Service]\nExecStart=/bin/true\n")], target);
//! let ids: Vec<_> = report.sorted().iter().map(|found| found.id).collect();
//! assert_eq!(ids, ["timer-never-fires"]);
//! ```
//!
//! | module | what |
//! |---|---|
//! | [`Files`], [`Unit`] | the files given, and the units that they make with their drop-ins |
//! | [`Rule`], `rules` | one row of data a rule, its doc comment the page that `eightbells explain` prints |
//! | [`directives`] | every section and key of systemd with its type and the versions that know it |
//! | [`exposure`] | the score of `systemd-analyze security`, and what would lower it |
//! | [`fleet`] | `[X-Fleet]` as fleet reads, refuses and schedules it |

mod allow;
mod circles;
mod diff;
pub mod directives;
mod engine;
pub mod exposure;
mod files;
mod fix;
pub mod fleet;
mod github;
mod parallel;
mod rule;
mod rules;
mod sarif;
mod settings;
mod unit;
mod values;

pub use diff::unified_diff;
pub use engine::{Config, Level, lint, lint_unit_texts};
pub use files::{File, Files, Given, SUFFIXES};
pub use fix::{Fixed, Mended, fix};
pub use github::render_github;
pub use rule::{Context, Fixable, Found, Rule};
pub use rules::{all, find, nearest};
pub use sarif::render_sarif;
pub use settings::{AllowedPaths, BadPathPattern, FailOn, PathPattern, PathSettings, SETTINGS_FILE, Settings};
pub use unit::{Line, Unit};
