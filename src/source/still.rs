//! Which containers are meant, and which stand still while a source is read.

use super::Engine;
use crate::value::Template;
use serde::{Deserialize, Serialize};
use std::fmt;

/// Which containers are meant. Serialised as the spec writes it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Which {
    /// The one of that name or id.
    Name(Template),
    /// Those with a label.
    Label(Label),
}

/// Running containers with a label.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Label {
    /// `KEY` or `KEY=VALUE`.
    pub label: Template,
    /// Only those of this compose project; where none is named, all that are found must be of one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub project: Option<Template>,
    /// Whether several are meant, each as an object of its own.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub all: bool,
}

/// Containers that stand still while a source is read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Still {
    /// Stopped before, started after.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub stopped: Vec<Which>,
    /// Paused before, unpaused after.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub paused: Vec<Which>,
    /// Which engine's command line to drive.
    pub engine: Engine,
    /// How much may wait in a file to be stored, so that what stands still need not wait for a slow destination, in
    /// bytes; none means 16 GiB, and never more than half of what is free.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub spool: Option<u64>,
}

impl Which {
    /// Whether it may mean several, each as an object of its own.
    #[must_use]
    pub fn is_all(&self) -> bool {
        match self {
            Self::Name(_) => false,
            Self::Label(label) => label.all,
        }
    }
}

impl fmt::Display for Which {
    /// For people: the name, or `labelled L`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => name.fmt(f),
            Self::Label(Label { label, project: _, all: _ }) => write!(f, "labelled {label}"),
        }
    }
}
