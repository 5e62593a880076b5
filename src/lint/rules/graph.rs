//! Dependencies between units.

use super::name::dependencies;
use crate::diag::{Fix, Safety};
use crate::lint::rule::{Context, rule};
use crate::lint::{Line, Rule, Unit};
use std::collections::{BTreeSet, HashMap, VecDeque};

pub(super) static RULES: [&Rule; 5] =
    [&REQUIRES_WITHOUT_AFTER, &ORDERING_CYCLE, &REQUIREMENT_CYCLE, &DEPENDS_ON_ITSELF, &REQUIRES_AND_CONFLICTS];

rule! {
    /// `Requires=` starts both units at the same time; the order is another matter. Without `After=` this unit starts
    /// before the other is up, and `Requires=` notices a failure too late. Write both.
    REQUIRES_WITHOUT_AFTER = "requires-without-after", Warning, "a service is required and not waited for",
    source: "systemd.unit(5), Requires=", fix: Unsafely, check: Some(|unit, context, found| {
        let ordered = names(unit, &["After", "Before"]);
        for key in ["Requires", "BindsTo"] {
            for line in unit.list("Unit", key) {
                for word in line.value().split_whitespace().filter(|word| word.ends_with(".service")) {
                    let name = unit.expand(word);
                    let other_way = context.resolve(&name, unit).is_some_and(|it| names(it, &["Before", "After"]).contains(unit.name()));
                    if !ordered.contains(&name) && !other_way {
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
        let required = names(unit, &["Requires", "BindsTo", "Requisite"]);
        for line in unit.list("Unit", "Conflicts") {
            if let Some(both) = line.value().split_whitespace().find(|word| required.contains(&unit.expand(word))) {
                found.line(&line, format!("`{both}` is required as well"));
            }
        }
    })
}

fn names(unit: &Unit<'_>, keys: &[&str]) -> BTreeSet<String> {
    let lines: Vec<Line<'_>> = keys.iter().flat_map(|key| unit.list("Unit", key)).collect();
    lines
        .iter()
        .flat_map(|line| line.value().split_whitespace().map(|word| unit.expand(word)).collect::<Vec<_>>())
        .collect()
}

/// What makes one unit need another.
const REQUIRING: [&str; 3] = ["Requires", "BindsTo", "Requisite"];

/// Between which units a circle is looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::lint) enum Edges {
    /// Those that wait for others.
    Order,
    /// Those that require others.
    Requirement,
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

/// How many circles are looked for; each is told once, and mending one may mend others.
const CIRCLES_MAX: usize = 100;

/// The circles of units, each a list of places in the context.
pub(in crate::lint) fn circles(context: &Context<'_>, edges: Edges) -> Vec<Vec<usize>> {
    let firsts = match edges {
        Edges::Order => edges_of(context, &[("After", true), ("Before", false)]),
        Edges::Requirement => edges_of(context, &REQUIRING.map(|key| (key, true))),
    };
    let mut left = peeled(&firsts);
    let mut circles = Vec::new();
    while let Some(first) = left.first().copied().filter(|_| circles.len() < CIRCLES_MAX) {
        match way_back(first, &firsts, &left) {
            Some(circle) => {
                left.retain(|place| !circle.contains(place));
                circles.push(circle);
            }
            None => {
                left.remove(&first);
            }
        }
    }
    circles
}

/// For each unit the places of those that keys of it, or of theirs where the flag is false, put before it.
fn edges_of(context: &Context<'_>, keys: &[(&str, bool)]) -> Vec<BTreeSet<usize>> {
    let mut firsts = vec![BTreeSet::new(); context.units().len()];
    for (place, unit) in context.units().iter().enumerate() {
        for (key, is_own) in keys {
            for name in names(unit, &[key]) {
                let Some(other) = context.place(&name, unit).filter(|other| *other != place) else { continue };
                let (waiting, first) = if *is_own { (place, other) } else { (other, place) };
                firsts.get_mut(waiting).into_iter().for_each(|it: &mut BTreeSet<usize>| it.extend([first]));
            }
        }
    }
    firsts
}

/// The places that are left when units that wait for none are taken away, again and again, and then those for which
/// none waits: those in circles, and between two.
fn peeled(waits: &[BTreeSet<usize>]) -> BTreeSet<usize> {
    let mut backwards = vec![BTreeSet::new(); waits.len()];
    for (place, firsts) in waits.iter().enumerate() {
        for first in firsts {
            backwards.get_mut(*first).into_iter().for_each(|it: &mut BTreeSet<usize>| it.extend([place]));
        }
    }
    let without_ends = peel((0..waits.len()).collect(), waits, &backwards);
    peel(without_ends, &backwards, waits)
}

fn peel(mut left: BTreeSet<usize>, waits: &[BTreeSet<usize>], backwards: &[BTreeSet<usize>]) -> BTreeSet<usize> {
    let count = |place: usize| waits.get(place).map_or(0, |it| it.iter().filter(|it| left.contains(it)).count());
    let mut counts: Vec<usize> = (0..waits.len()).map(count).collect();
    let mut free: Vec<usize> = left.iter().copied().filter(|place| counts.get(*place) == Some(&0)).collect();
    while let Some(place) = free.pop() {
        left.remove(&place);
        for other in backwards.get(place).into_iter().flatten().filter(|other| left.contains(other)) {
            if let Some(count) = counts.get_mut(*other) {
                *count -= 1;
                if *count == 0 {
                    free.push(*other);
                }
            }
        }
    }
    left
}

/// The shortest way from a unit back to itself.
fn way_back(first: usize, waits: &[BTreeSet<usize>], left: &BTreeSet<usize>) -> Option<Vec<usize>> {
    let mut came_from: HashMap<usize, usize> = HashMap::new();
    let mut next = VecDeque::from([first]);
    while let Some(place) = next.pop_front() {
        for other in waits.get(place).into_iter().flatten().filter(|other| left.contains(other)) {
            if *other == first {
                let back = std::iter::successors(Some(place), |at| came_from.get(at).copied());
                let mut way: Vec<usize> = back.collect();
                way.reverse();
                return Some(way);
            }
            if !came_from.contains_key(other) {
                came_from.insert(*other, place);
                next.push_back(*other);
            }
        }
    }
    None
}
