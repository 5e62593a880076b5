//! The timer of a job.

use super::service::directives;
use super::{Cause, Line, Unit, UnitKind, Work, fleet};
use crate::schedule::{CalendarSpec, Trigger};
use crate::target::Feature;
use crate::value::format_duration;
use std::time::Duration;

/// Below this interval systemd's default of one minute's accuracy would show.
const ACCURACY_MATTERS_BELOW: Duration = Duration::from_secs(600);

pub(super) fn timer(cause: &Cause<'_>, every: Option<Duration>) -> Unit {
    let scheduler = if cause.is_fleet() {
        fleet::timer_section(cause)
    } else {
        let wanted = Line::new("WantedBy", "timers.target", cause.schedule_route(""));
        std::iter::once(wanted).chain(directives(cause, "Install")).collect()
    };
    Unit {
        name: super::service::unit_name(cause, UnitKind::Timer),
        kind: UnitKind::Timer,
        job: cause.job.name.clone(),
        unit: vec![cause.description(Some(match cause.work {
            Work::Backup => "when to run",
            Work::Drill(_) => "when to drill",
        }))],
        body: body(cause, every),
        scheduler,
        provenance: super::service::provenance(cause),
    }
}

fn body(cause: &Cause<'_>, every: Option<Duration>) -> Vec<Line> {
    let mut lines = match (every, &cause.schedule().trigger) {
        (Some(interval), _) => monotonic(interval, &cause.schedule_route("")),
        (None, Trigger::Every(interval)) => monotonic(*interval, &cause.schedule_route(".every")),
        (None, Trigger::Calendar { specs, catch_up }) => calendar(cause, specs, *catch_up),
    };
    match cause.schedule().jitter {
        // Older ones have the runner wait, see `service`.
        Some(jitter) if every.is_none() && cause.target.has(Feature::RandomizedDelay) => {
            lines.push(Line::new("RandomizedDelaySec", span(jitter), cause.schedule_route(".jitter")));
        }
        Some(_) | None => {}
    }
    lines.extend(directives(cause, "Timer"));
    lines
}

/// First at once when the timer starts, then an interval after each start. `OnBootSec=` in the past fires at the
/// timer's start and, unlike `OnActiveSec=`, not again when systemd is reloaded (systemd #31914), which fleet does at
/// each load of a unit. Without it the timer would never fire.
fn monotonic(interval: Duration, route: &str) -> Vec<Line> {
    let mut lines = vec![
        Line::new("OnBootSec", "0", route).comment("The first run: as soon as the timer starts."),
        Line::new("OnUnitActiveSec", span(interval), route),
    ];
    if interval < ACCURACY_MATTERS_BELOW {
        lines.push(Line::new("AccuracySec", "1s", route));
    }
    lines
}

fn calendar(cause: &Cause<'_>, specs: &[CalendarSpec], catch_up: bool) -> Vec<Line> {
    let route = cause.schedule_route("");
    let mut lines: Vec<Line> = specs
        .iter()
        .map(|spec| {
            // A step without an end may miss elapses; a systemd that has no word for the end keeps what was written.
            let text = spec.with_bounded_steps().text_for(cause.target.systemd);
            let text = text.or_else(|_| spec.text_for(cause.target.systemd)).unwrap_or_else(|_| spec.to_string());
            Line::new("OnCalendar", text, &route)
        })
        .collect();
    if catch_up {
        lines.push(Line::new("Persistent", "true", cause.schedule_route(".catch_up")));
    }
    lines
}

/// A duration as systemd reads it; its units are the same but for the minute.
pub(super) fn span(duration: Duration) -> String {
    let text = format_duration(duration);
    let words = text.split(' ').map(|word| match word.strip_suffix('m') {
        Some(minutes) => format!("{minutes}min"),
        None => word.to_owned(),
    });
    words.collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn minutes_are_not_months() {
        assert_eq!(span(Duration::from_secs(5400)), "1h 30min");
        assert_eq!(span(Duration::from_millis(1500)), "1s 500ms");
    }
}
