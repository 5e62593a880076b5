//! What people say of a set, as small objects beside it: that it stays, or that its size is right.

use super::os;
use super::store::{Store, StoreError, StoreErrorKind};
use bytes::Bytes;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// What a mark says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MarkKind {
    /// The set is not pruned.
    Pin,
    /// The set may be as small as it is.
    Accepted,
}

impl MarkKind {
    const ALL: [Self; 2] = [Self::Pin, Self::Accepted];

    /// What follows the manifest's name in the mark's.
    #[must_use]
    pub fn suffix(self) -> &'static str {
        match self {
            Self::Pin => ".pin",
            Self::Accepted => ".accepted",
        }
    }

    /// What a name marks, and how; none for what is no mark.
    #[must_use]
    pub fn of(name: &str) -> Option<(&str, Self)> {
        Self::ALL.into_iter().find_map(|kind| Some((name.strip_suffix(kind.suffix())?, kind)))
    }
}

/// A mark's content.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mark {
    /// The version of this form.
    pub eightbells_mark: u32,
    /// When it was made.
    pub time: Timestamp,
    /// Where.
    pub host: String,
    /// When it ends; none where it does not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
}

impl Mark {
    /// A mark made here and now.
    #[must_use]
    pub fn new(until: Option<Timestamp>) -> Self {
        Self { eightbells_mark: 1, time: os::now(), host: os::host_name(), until }
    }

    /// Reads a mark. One that cannot be read does not end: whoever made it meant something.
    #[must_use]
    pub fn read(text: &[u8]) -> Self {
        serde_json::from_slice(text).unwrap_or_else(|_| Self::new(None))
    }

    /// Whether it holds at a time.
    #[must_use]
    pub fn holds(&self, now: Timestamp) -> bool {
        self.until.is_none_or(|until| until > now)
    }
}

/// Marks of a set.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Marks {
    /// That it stays.
    pub pin: Option<Mark>,
    /// That its size is right.
    pub accepted: bool,
    /// The marks' names.
    pub names: Vec<String>,
}

impl Marks {
    /// Whether it is pinned at a time.
    #[must_use]
    pub fn is_pinned(&self, now: Timestamp) -> bool {
        self.pin.as_ref().is_some_and(|pin| pin.holds(now))
    }

    /// Adds what a mark of that name says.
    pub fn add(&mut self, name: String, kind: MarkKind, text: &[u8]) {
        match kind {
            MarkKind::Pin => self.pin = Some(Mark::read(text)),
            MarkKind::Accepted => self.accepted = true,
        }
        self.names.push(name);
    }
}

/// Marks the set of a manifest; a mark of that kind that is there already is replaced.
///
/// # Errors
/// The mark cannot be stored; one that was there may be gone then.
pub async fn put(store: &dyn Store, manifest: &str, kind: MarkKind, mark: &Mark) -> Result<(), StoreError> {
    let name = format!("{manifest}{}", kind.suffix());
    let mut text = serde_json::to_string(mark).unwrap_or_default();
    text.push('\n');
    let begun = match store.begin(&name).await {
        Err(error) if error.kind() == StoreErrorKind::Exists => {
            store.delete(std::slice::from_ref(&name)).await?;
            store.begin(&name).await
        }
        other => other,
    };
    let mut upload = begun?;
    upload.write(Bytes::from(text)).await?;
    upload.stage().await?;
    upload.commit().await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_is_told_from_other_names() {
        assert_eq!(MarkKind::of("m.json.pin"), Some(("m.json", MarkKind::Pin)));
        assert_eq!(MarkKind::of("m.json.accepted"), Some(("m.json", MarkKind::Accepted)));
        assert_eq!(MarkKind::of("m.json"), None);
    }

    #[test]
    fn a_pin_that_cannot_be_read_holds_for_ever() {
        let far: Timestamp = "9000-01-01T00:00:00Z".parse().unwrap();
        assert!(Mark::read(b"\xff").holds(far));
        assert!(Mark::read(b"{}").holds(far));
        let until = Mark { until: Some("2026-12-01T00:00:00Z".parse().unwrap()), ..Mark::new(None) };
        let text = serde_json::to_vec(&until).unwrap();
        assert_eq!(Mark::read(&text), until);
        assert!(until.holds("2026-11-30T23:59:59Z".parse().unwrap()) && !until.holds(far));
    }
}
