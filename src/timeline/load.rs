//! How many runs are under way at once.

use super::Timeline;
use crate::schedule::report::timestamp;
use crate::value::format_duration;
use jiff::{SignedDuration, Timestamp};
use std::collections::BTreeMap;
use std::time::Duration;

/// A stretch of time over which runs are spread to see what it would change.
pub const SPREAD_TRIED: Duration = Duration::from_secs(15 * 60);

/// Runs that are under way at the same time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Collision {
    /// When the last of them joins.
    pub at: Timestamp,
    /// Whose they are.
    pub rows: Vec<usize>,
}

/// The same runs that collide again and again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Clash {
    /// Whose they are.
    pub rows: Vec<usize>,
    /// How often.
    pub times: usize,
    /// When first.
    pub first: Timestamp,
}

impl Clash {
    /// In words: how often, who, since when.
    pub(super) fn words(&self, line: &Timeline) -> String {
        let names = self.rows.iter().filter_map(|row| line.rows.get(*row)).map(|row| row.label.as_str());
        let names: Vec<&str> = names.collect();
        let first = timestamp(self.first, &line.question.zone);
        let times =
            if self.times == 1 { format!("once, {first}") } else { format!("{} times, first {first}", self.times) };
        format!("{} at once: {} ({times})", names.len(), names.join(", "))
    }
}

/// How starts are moved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Spread {
    /// Not at all.
    AsWritten,
    /// By a delay of up to that long, another one for each run.
    Jitter(Duration),
    /// Each row by its own share of that long, the same for all of its runs.
    Even(Duration),
}

impl Spread {
    /// The three that are compared.
    pub(super) const ALL: [Self; 3] = [Self::AsWritten, Self::Jitter(SPREAD_TRIED), Self::Even(SPREAD_TRIED)];

    /// In words.
    pub(super) fn words(self) -> String {
        match self {
            Self::AsWritten => "as written".into(),
            Self::Jitter(length) => format!("with `jitter: {}`", format_duration(length)),
            Self::Even(length) => format!("starts spread evenly over {}", format_duration(length)),
        }
    }

    fn delay(self, row: usize, rows: usize, run: usize) -> Duration {
        match self {
            Self::AsWritten => Duration::ZERO,
            Self::Jitter(length) => length.mul_f64(between(row.wrapping_mul(7_919).wrapping_add(run))),
            Self::Even(length) => share(length, row, rows),
        }
    }
}

fn share(length: Duration, row: usize, rows: usize) -> Duration {
    let (row, rows) = (u32::try_from(row).unwrap_or(u32::MAX), u32::try_from(rows.max(1)).unwrap_or(u32::MAX));
    length / rows * row
}

/// Numbers from 0 to 1 that fall evenly and look like chance, the same every time: multiples of the golden ratio.
#[expect(clippy::cast_precision_loss, reason = "any number will do")]
fn between(n: usize) -> f64 {
    (n as f64 * 0.618_033_988_749_895).fract()
}

impl Timeline {
    /// Moments at which a run begins or ends, with the row, in order; ends come before beginnings.
    fn changes(&self, spread: Spread) -> Vec<(Timestamp, bool, usize)> {
        let mut changes = vec![];
        for (index, row) in self.rows.iter().enumerate() {
            for (number, start) in row.runs.iter().enumerate() {
                let delay = spread.delay(index, self.rows.len(), number);
                let start = after(*start, delay);
                changes.push((start, true, index));
                changes.push((after(start, row.length()), false, index));
            }
        }
        changes.sort_unstable();
        changes
    }

    /// How many runs are under way after each change, as steps.
    #[must_use]
    pub fn load(&self, spread: Spread) -> Vec<(Timestamp, usize)> {
        let mut steps: Vec<(Timestamp, usize)> = vec![];
        let mut running = 0_usize;
        for (at, begins, _) in self.changes(spread) {
            running = if begins { running + 1 } else { running.saturating_sub(1) };
            match steps.last_mut() {
                Some(last) if last.0 == at => last.1 = running,
                _ => steps.push((at, running)),
            }
        }
        steps
    }

    /// The most that are under way at once.
    #[must_use]
    pub fn peak(&self, spread: Spread) -> usize {
        self.load(spread).into_iter().map(|(_, running)| running).max().unwrap_or(0)
    }

    /// Every moment at which a run joins others.
    #[must_use]
    pub fn collisions(&self) -> Vec<Collision> {
        let mut running: Vec<usize> = vec![];
        let mut found: Vec<Collision> = vec![];
        for (at, begins, row) in self.changes(Spread::AsWritten) {
            if !begins {
                running.retain(|other| *other != row);
                continue;
            }
            running.push(row);
            if running.len() < 2 {
                continue;
            }
            match found.last_mut() {
                Some(last) if last.at == at => last.rows.clone_from(&running),
                _ => found.push(Collision { at, rows: running.clone() }),
            }
        }
        found
    }

    /// Collisions by who collides, the largest crowds and the most frequent first.
    #[must_use]
    pub fn clashes(&self) -> Vec<Clash> {
        let mut groups: BTreeMap<Vec<usize>, (usize, Timestamp)> = BTreeMap::new();
        for Collision { at, mut rows } in self.collisions() {
            rows.sort_unstable();
            groups.entry(rows).or_insert((0, at)).0 += 1;
        }
        let clash = |(rows, (times, first))| Clash { rows, times, first };
        let mut clashes: Vec<Clash> = groups.into_iter().map(clash).collect();
        clashes.sort_by_key(|clash| std::cmp::Reverse((clash.rows.len(), clash.times)));
        clashes
    }

    /// What a jitter or an even spread would change, a sentence each; nothing where nothing collides.
    #[must_use]
    pub fn advice(&self) -> Vec<String> {
        let now = self.peak(Spread::AsWritten);
        if now < 2 {
            return vec![];
        }
        let tried = Spread::ALL.into_iter().filter(|spread| *spread != Spread::AsWritten);
        let peaks = tried.map(|spread| (spread.words(), self.peak(spread)));
        peaks.map(|(words, peak)| format!("{words}, at most {peak} would run at once instead of {now}")).collect()
    }
}

fn after(at: Timestamp, delay: Duration) -> Timestamp {
    at.checked_add(SignedDuration::try_from(delay).unwrap_or(SignedDuration::MAX)).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests {
    use super::super::tests::{job, of};
    use super::*;

    fn at_two(names: &[&str]) -> Timeline {
        let jobs: String = names.iter().map(|name| job(name, "    schedule: {calendar: \"02:00\"}\n")).collect();
        of(&jobs, 2)
    }

    #[test]
    fn runs_in_the_same_minute_collide() {
        let line = at_two(&["a", "b", "c"]);
        let found = line.collisions();
        assert_eq!(found.len(), 2, "once a day");
        assert_eq!(found[0].rows, [0, 1, 2]);
        assert_eq!(line.peak(Spread::AsWritten), 3);
        let clashes = line.clashes();
        assert_eq!(clashes.len(), 1);
        assert_eq!(clashes[0].words(&line), "3 at once: a, b, c (2 times, first Fri 2026-11-27 02:00:00 UTC)");
    }

    #[test]
    fn spreading_evenly_keeps_them_apart() {
        let line = at_two(&["a", "b", "c"]);
        assert_eq!(line.peak(Spread::Even(SPREAD_TRIED)), 1);
        assert!(line.peak(Spread::Jitter(SPREAD_TRIED)) <= 2);
        assert_eq!(line.advice().len(), 2);
    }

    #[test]
    fn one_after_the_other_is_no_collision() {
        let jobs =
            job("a", "    schedule: {calendar: \"02:00\"}\n") + &job("b", "    schedule: {calendar: \"02:01\"}\n");
        let line = of(&jobs, 1);
        assert!(line.collisions().is_empty(), "a run that ends as another begins");
        assert!(line.advice().is_empty());
    }
}
