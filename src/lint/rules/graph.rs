//! Dependencies between units.

use super::name::dependencies;
use crate::diag::{Fix, Safety};
use crate::lint::circles::{Edges, REQUIRING};
use crate::lint::rule::{Context, rule};
use crate::lint::{Line, Rule, Unit};
use std::collections::BTreeSet;

pub(super) static RULES: [&Rule; 5] =
    [&REQUIRES_WITHOUT_AFTER, &ORDERING_CYCLE, &REQUIREMENT_CYCLE, &DEPENDS_ON_ITSELF, &REQUIRES_AND_CONFLICTS];

rule! {
    /// `Requires=` starts both units at the same time; the order is another matter. Without `After=` this unit starts
    /// before the other is up, and `Requires=` notices a failure too late. Write both.
    REQUIRES_WITHOUT_AFTER = "requires-without-after", Warning, "a service is required and not waited for",
    source: "systemd.unit(5), Requires=", fix: Unsafely, check: Some(|unit, context, found| {
        let own = named(unit, &["After", "Before"]);
        for key in ["Requires", "BindsTo"] {
            for line in unit.list("Unit", key) {
                for word in line.value().split_whitespace().filter(|word| word.ends_with(".service")) {
                    let name = unit.expand(word);
                    if found.is_full() {
                        return;
                    }
                    if !own.contains(&name) && !context.orders(&name, unit).contains(unit.name()) {
                        let (place, text) = line.line_after(&format!("After={word}"));
                        found.line(&line, format!("`{word}` is required, and started at the same time"))
                            .help(format!("add `After={word}`"))
                            .fix(Fix::new(Safety::Unsafe, format!("add `After={word}`")).replace(&place, text));
                    }
                }
            }
        }
    })
}

rule! {
    /// Each of these units waits for another of them to be up. systemd breaks the circle by not starting one of them,
    /// and not always the same.
    ORDERING_CYCLE = "ordering-cycle", Error, "units that wait for each other",
    source: "systemd.unit(5), Before=, After=", check: Some(|unit, context, found| {
        let Some(circle) = of_unit(context.circles(Edges::Order), unit, context) else { return };
        let message = format!("these units wait for each other: {} → {}", circle.join(" → "), unit.name());
        let next = circle.get(1).copied().unwrap_or_default();
        let own = unit.all("Unit", "After").find(|line| line_names(unit, line, next));
        match own.or_else(|| unit.all("Unit", "Before").next()).or_else(|| unit.all("Unit", "After").next()) {
            Some(line) => found.line(line, message),
            None => found.section(unit, "Unit", message),
        };
    })
}

rule! {
    /// Each of these units requires another of them, round to the first. systemd starts and stops them only all together:
    /// none can be restarted alone, and one that fails takes all others with it. Where one can do without the other, write
    /// `Wants=` there.
    REQUIREMENT_CYCLE = "requirement-cycle", Warning, "units that require each other",
    source: "systemd.unit(5), Requires=, BindsTo=, Requisite=", check: Some(|unit, context, found| {
        let Some(circle) = of_unit(context.circles(Edges::Requirement), unit, context) else { return };
        let message = format!("these units require each other: {} → {}", circle.join(" → "), unit.name());
        let next = circle.get(1).copied().unwrap_or_default();
        let mut lines = REQUIRING.iter().flat_map(|key| unit.all("Unit", key));
        match lines.find(|line| line_names(unit, line, next)) {
            Some(line) => found.line(line, message),
            None => found.section(unit, "Unit", message),
        };
    })
}

rule! {
    /// systemd drops a dependency of a unit on itself, with a warning. Most often another unit was meant, or a template
    /// names its own instance.
    DEPENDS_ON_ITSELF = "depends-on-itself", Warning, "a unit depends on itself",
    source: "systemd src/core/unit.c, unit_add_dependency()", fix: Safely, check: Some(|unit, _, found| {
        for line in dependencies(unit).filter(|line| !line.key().starts_with("On")) {
            let value = line.value();
            if value.split_whitespace().any(|word| unit.expand(word) == unit.name()) {
                let others: Vec<&str> = value.split_whitespace().filter(|word| unit.expand(word) != unit.name()).collect();
                let fix = Fix::new(Safety::Safe, "take the unit's own name out");
                let fix = if others.is_empty() { fix.delete(&line.whole()) } else { fix.replace(&line.span(), others.join(" ")) };
                found.line(line, format!("`{}=` names the unit itself", line.key())).fix(fix);
            }
        }
    })
}

rule! {
    /// The unit cannot run without the other and cannot run beside it: it never starts.
    REQUIRES_AND_CONFLICTS = "requires-and-conflicts", Error, "a unit is required and conflicts",
    source: "systemd.unit(5), Conflicts=", check: Some(|unit, _, found| {
        let required = named(unit, &["Requires", "BindsTo", "Requisite"]);
        for line in unit.list("Unit", "Conflicts") {
            if let Some(both) = line.value().split_whitespace().find(|word| required.contains(&unit.expand(word))) {
                found.line(&line, format!("`{both}` is required as well"));
            }
        }
    })
}

/// The units that keys of `[Unit]` name.
pub(in crate::lint) fn named(unit: &Unit<'_>, keys: &[&str]) -> BTreeSet<String> {
    let lines: Vec<Line<'_>> = keys.iter().flat_map(|key| unit.list("Unit", key)).collect();
    lines
        .iter()
        .flat_map(|line| line.value().split_whitespace().map(|word| unit.expand(word)).collect::<Vec<_>>())
        .collect()
}

/// The names of the circle that begins with a unit.
fn of_unit<'a>(circles: &[Vec<usize>], unit: &Unit<'_>, context: &Context<'a>) -> Option<Vec<&'a str>> {
    let is_first = |circle: &&Vec<usize>| {
        let first = circle.first().and_then(|place| context.units().get(*place));
        first.is_some_and(|first| first.name() == unit.name() && first.folder() == unit.folder())
    };
    let circle = circles.iter().find(is_first)?;
    Some(circle.iter().filter_map(|place| Some(context.units().get(*place)?.name())).collect())
}

/// Whether an assignment names a unit.
fn line_names(unit: &Unit<'_>, line: &Line<'_>, name: &str) -> bool {
    line.value().split_whitespace().any(|word| unit.expand(word) == name)
}
