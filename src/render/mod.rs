//! A plan as text, through the templates in `templates/`. Templates print; the plan has decided.

use crate::plan::{Plan, Unit, UnitKind};
use crate::target::Scheduler;
use askama::Template;
use std::fmt;

/// Escapes what templates print apart from the plan's own lines, which are quoted already: a `%` is doubled, and
/// control characters do not print at all.
#[derive(Debug, Clone, Copy, Default)]
pub struct UnitEscaper;

impl askama::filters::Escaper for UnitEscaper {
    fn write_escaped_str<W: fmt::Write>(&self, mut dest: W, string: &str) -> fmt::Result {
        for c in string.chars() {
            match c {
                '%' => dest.write_str("%%")?,
                c if c.is_control() => return Err(fmt::Error),
                c => dest.write_char(c)?,
            }
        }
        Ok(())
    }
}

/// One file to be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    /// Its name, without a folder.
    pub name: String,
    /// Its whole text.
    pub text: String,
}

#[derive(Template)]
#[template(path = "fleet.service")]
struct FleetService<'a> {
    headline: &'a str,
    unit: &'a Unit,
}

#[derive(Template)]
#[template(path = "fleet.timer")]
struct FleetTimer<'a> {
    headline: &'a str,
    unit: &'a Unit,
}

#[derive(Template)]
#[template(path = "systemd.service")]
struct SystemdService<'a> {
    headline: &'a str,
    unit: &'a Unit,
}

#[derive(Template)]
#[template(path = "systemd.timer")]
struct SystemdTimer<'a> {
    headline: &'a str,
    unit: &'a Unit,
}

/// Why a plan could not be printed: a value that a checked spec does not hold.
#[derive(Debug, thiserror::Error)]
#[error("the unit `{name}` could not be printed")]
pub struct RenderError {
    /// The unit.
    pub name: String,
    #[source]
    source: askama::Error,
}

/// All units of a plan as text.
///
/// # Errors
/// A control character in a name, which a checked spec does not hold.
pub fn render(plan: &Plan) -> Result<Vec<File>, RenderError> {
    plan.units.iter().map(|unit| render_unit(plan.target.scheduler, unit)).collect()
}

/// One unit as text, ending in a line break.
///
/// # Errors
/// As [`render`].
pub fn render_unit(scheduler: Scheduler, unit: &Unit) -> Result<File, RenderError> {
    let headline = &format!("Made by eightbells from the job {}: change the spec and generate again.", unit.job);
    let text = match (scheduler, unit.kind) {
        (Scheduler::Fleet, UnitKind::Service) => FleetService { headline, unit }.render(),
        (Scheduler::Fleet, UnitKind::Timer) => FleetTimer { headline, unit }.render(),
        (Scheduler::Systemd(_), UnitKind::Service) => SystemdService { headline, unit }.render(),
        (Scheduler::Systemd(_), UnitKind::Timer) => SystemdTimer { headline, unit }.render(),
    };
    let text = text.map_err(|source| RenderError { name: unit.name.clone(), source })?;
    Ok(File { name: unit.name.clone(), text: format!("{}\n", text.trim_end_matches('\n')) })
}
