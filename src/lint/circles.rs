//! Units that wait for each other, or require each other, in a circle.

use super::parallel;
use super::rule::Context;
use super::rules::named;
use std::collections::{BTreeSet, HashMap, VecDeque};

/// How many circles are looked for; each is told once, and mending one may mend others.
const CIRCLES_MAX: usize = 100;

/// Between which units a circle is looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Edges {
    /// Those that wait for others.
    Order,
    /// Those that require others.
    Requirement,
}

/// What makes one unit need another.
pub(super) const REQUIRING: [&str; 3] = ["Requires", "BindsTo", "Requisite"];

/// For each place those that it leads to.
type Ways = Vec<Vec<usize>>;

/// The circles, each a list of places in the context that begins with its lowest, in the order of those.
pub(super) fn circles(context: &Context<'_>, edges: Edges) -> Vec<Vec<usize>> {
    let waits = ways(context, edges);
    let backwards = turned(&waits);
    let mut circles = Vec::new();
    let mut open = vec![(0..waits.len()).collect::<BTreeSet<usize>>()];
    while let Some(places) = open.pop().filter(|_| circles.len() < CIRCLES_MAX) {
        for knot in knots(&places, &waits, &backwards).into_iter().take(CIRCLES_MAX) {
            let circle = knot.first().map_or(Vec::new(), |first| way_back(*first, &waits, &knot));
            let met: BTreeSet<usize> = circle.iter().copied().collect();
            open.push(&knot - &met);
            circles.push(circle);
        }
    }
    circles.sort();
    circles.truncate(CIRCLES_MAX);
    circles
}

/// For each unit the places of those that it waits for, or requires, in ascending order.
fn ways(context: &Context<'_>, edges: Edges) -> Ways {
    let places: Vec<usize> = (0..context.units().len()).collect();
    let mut ways = vec![Vec::new(); places.len()];
    for (from, to) in parallel::map(&places, |place| pairs(context, edges, *place)).into_iter().flatten() {
        ways.get_mut(from).into_iter().for_each(|it: &mut Vec<usize>| it.push(to));
    }
    for to in &mut ways {
        to.sort_unstable();
        to.dedup();
    }
    ways
}

/// What a unit's own lines say: from which unit to which.
fn pairs(context: &Context<'_>, edges: Edges, place: usize) -> Vec<(usize, usize)> {
    let Some(unit) = context.units().get(place) else { return Vec::new() };
    let others = |keys: &[&str]| {
        let places = named(unit, keys).into_iter().filter_map(|name| context.place(&name, unit));
        places.filter(|other| *other != place).collect::<Vec<_>>()
    };
    let from_here = |keys| others(keys).into_iter().map(|other| (place, other));
    match edges {
        Edges::Order => {
            let before = others(&["Before"]).into_iter().map(|other| (other, place));
            from_here(&["After"]).chain(before).collect()
        }
        Edges::Requirement => from_here(&REQUIRING).collect(),
    }
}

fn turned(ways: &Ways) -> Ways {
    let mut turned = vec![Vec::new(); ways.len()];
    for (from, places) in ways.iter().enumerate() {
        for to in places {
            turned.get_mut(*to).into_iter().for_each(|it: &mut Vec<usize>| it.push(from));
        }
    }
    turned
}

/// The strongly connected parts of more than one place (Kosaraju's algorithm): each place of one is on a circle.
fn knots(places: &BTreeSet<usize>, ways: &Ways, backwards: &Ways) -> Vec<BTreeSet<usize>> {
    let mut left = places.clone();
    let mut knots = Vec::new();
    for root in in_order_of_leaving(places, ways).into_iter().rev() {
        let mut part = BTreeSet::new();
        let mut next = Vec::from_iter(left.remove(&root).then_some(root));
        while let Some(place) = next.pop() {
            part.insert(place);
            next.extend(backwards.get(place).into_iter().flatten().filter(|other| left.remove(other)));
        }
        if part.len() > 1 {
            knots.push(part);
        }
    }
    knots
}

/// The places in the order in which a walk that goes as deep as it can leaves them for good.
fn in_order_of_leaving(places: &BTreeSet<usize>, ways: &Ways) -> Vec<usize> {
    let mut left = Vec::with_capacity(places.len());
    let mut new = places.clone();
    for root in places {
        // The way from the root, each place with how many of its ways have been taken.
        let mut walk = Vec::from_iter(new.remove(root).then_some((*root, 0)));
        while let Some((place, taken)) = walk.last_mut() {
            if let Some(other) = ways.get(*place).and_then(|ways| ways.get(*taken)) {
                *taken += 1;
                walk.extend(new.remove(other).then_some((*other, 0)));
            } else {
                left.push(*place);
                walk.pop();
            }
        }
    }
    left
}

/// The shortest way from a unit back to itself among some; none where there is none.
fn way_back(first: usize, ways: &Ways, among: &BTreeSet<usize>) -> Vec<usize> {
    let mut came_from: HashMap<usize, usize> = HashMap::new();
    let mut next = VecDeque::from([first]);
    while let Some(place) = next.pop_front() {
        for other in ways.get(place).into_iter().flatten().filter(|other| among.contains(other)) {
            if *other == first {
                let back = std::iter::successors(Some(place), |at| came_from.get(at).copied());
                let mut way: Vec<usize> = back.collect();
                way.reverse();
                return way;
            }
            if !came_from.contains_key(other) {
                came_from.insert(*other, place);
                next.push_back(*other);
            }
        }
    }
    Vec::new()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn knots_of(ways: &[&[usize]]) -> Vec<Vec<usize>> {
        let ways: Ways = ways.iter().map(|it| it.to_vec()).collect();
        let found = knots(&(0..ways.len()).collect(), &ways, &turned(&ways));
        let mut found: Vec<Vec<usize>> = found.into_iter().map(|knot| knot.into_iter().collect()).collect();
        found.sort();
        found
    }

    #[test]
    fn what_lies_between_two_circles_is_in_none() {
        assert_eq!(knots_of(&[&[1], &[0, 2], &[3], &[4], &[3]]), [vec![0, 1], vec![3, 4]]);
        assert_eq!(knots_of(&[&[1, 2], &[2], &[]]), Vec::<Vec<usize>>::new());
        assert_eq!(knots_of(&[&[1], &[2], &[0, 3], &[1]]), [vec![0, 1, 2, 3]]);
    }

    #[test]
    fn the_way_back_is_the_shortest() {
        let ways: Ways = vec![vec![1], vec![2, 3], vec![3], vec![0]];
        assert_eq!(way_back(0, &ways, &(0..4).collect()), [0, 1, 3]);
    }
}
