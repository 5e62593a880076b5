//! Where in the spec each value was written.

use crate::diag::Span;
use std::collections::BTreeMap;

/// How a value came about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// Written at the job (or destination, or at the top).
    Written,
    /// Taken from `defaults:`.
    Default,
}

/// Where a value was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The value's own text.
    pub span: Span,
    /// How it got where it is.
    pub origin: Origin,
}

/// The places of all values by their route, keys joined with dots and list indices in brackets:
/// `jobs.wiki.schedule.every`, `jobs.wiki.store[0].keep`. A value that nobody wrote has none.
#[derive(Debug, Clone, Default)]
pub struct Places(BTreeMap<String, Place>);

impl Places {
    /// Notes a value's place.
    pub fn insert(&mut self, route: impl Into<String>, place: Place) {
        self.0.insert(route.into(), place);
    }

    /// The place of exactly this value.
    #[must_use]
    pub fn exact(&self, route: &str) -> Option<&Place> {
        self.0.get(route)
    }

    /// The place of a value, or of the nearest value around it that somebody wrote.
    #[must_use]
    pub fn nearest(&self, route: &str) -> Option<&Place> {
        let mut route = route;
        loop {
            if let Some(place) = self.0.get(route) {
                return Some(place);
            }
            let end = route.rfind(['.', '['])?;
            route = route.get(..end)?;
        }
    }

    /// All routes with their places, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Place)> {
        self.0.iter().map(|(route, place)| (route.as_str(), place))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diag::Sources;

    #[test]
    fn a_value_nobody_wrote_is_placed_at_what_is_around_it() {
        let file = Sources::default().add("a", "x");
        let place = Place { span: Span { file, start: 0, end: 1 }, origin: Origin::Written };
        let mut places = Places::default();
        places.insert("jobs.a.store[0]", place.clone());
        assert_eq!(places.nearest("jobs.a.store[0].keep.within"), Some(&place));
        assert_eq!(places.nearest("jobs.a.store[1]"), None);
        assert_eq!(places.exact("jobs.a.store[0].keep"), None);
    }
}
