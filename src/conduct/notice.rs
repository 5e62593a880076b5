//! Who is told how a run goes.

use crate::value::{Template, Value};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Somebody who is told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Notice {
    /// How.
    pub way: Way,
    /// Of what.
    pub on: Vec<Event>,
}

/// What somebody may be told of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Event {
    /// The dump is about to begin.
    Start,
    /// Everything is everywhere.
    Success,
    /// There is an archive, but not everything is well.
    Partial,
    /// There is no archive.
    Failure,
}

impl Event {
    /// Every one, with its word in a spec.
    pub const ALL: [(&'static str, Self); 4] =
        [("start", Self::Start), ("success", Self::Success), ("partial", Self::Partial), ("failure", Self::Failure)];

    /// Its word in a spec.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Start => "start",
            Self::Success => "success",
            Self::Partial => "partial",
            Self::Failure => "failure",
        }
    }
}

/// How somebody is told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Way {
    /// A watch that expects a ping, in the manner of healthchecks.io: `URL/start`, `URL`, `URL/fail`.
    Ping(Ping),
    /// A request with the report as JSON.
    Webhook(Webhook),
    /// A message through an ntfy server.
    Ntfy(Ntfy),
    /// A mail.
    Mail(Mail),
}

/// A watch that expects a ping.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ping {
    /// The check's address.
    pub url: Value,
}

/// A request with the report as JSON.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Webhook {
    /// Where to.
    pub url: Value,
    /// The method.
    pub method: Method,
    /// More headers.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub headers: BTreeMap<String, Value>,
}

/// A request's method.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Method {
    /// `POST`
    Post,
    /// `PUT`
    Put,
}

/// A message through an ntfy server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ntfy {
    /// The topic's address.
    pub url: Value,
    /// An access token.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<Value>,
}

/// A mail, handed to the host's `sendmail`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mail {
    /// To whom.
    pub to: Vec<String>,
    /// From whom; none means what the program says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// The program and its arguments, which reads the message with its headers.
    pub sendmail: Vec<Template>,
}

impl Mail {
    /// The program where the spec names none: the addresses are in the headers, and a dot alone ends nothing.
    pub const SENDMAIL_DEFAULT: [&'static str; 3] = ["/usr/sbin/sendmail", "-t", "-i"];
}

impl Notice {
    /// What somebody is told of where the spec does not say.
    #[must_use]
    pub fn on_default(way: &Way) -> Vec<Event> {
        match way {
            Way::Ping(_) => Event::ALL.map(|(_, event)| event).to_vec(),
            Way::Webhook(_) => vec![Event::Success, Event::Partial, Event::Failure],
            Way::Ntfy(_) | Way::Mail(_) => vec![Event::Partial, Event::Failure],
        }
    }

    /// The address that it speaks to, where it speaks to one.
    #[must_use]
    pub fn url(&self) -> Option<&Value> {
        match &self.way {
            Way::Ping(Ping { url })
            | Way::Webhook(Webhook { url, method: _, headers: _ })
            | Way::Ntfy(Ntfy { url, token: _ }) => Some(url),
            Way::Mail(_) => None,
        }
    }

    /// Every value that may be a reference.
    pub fn values(&self) -> impl Iterator<Item = &Value> {
        let more: Vec<&Value> = match &self.way {
            Way::Ping(Ping { url: _ }) | Way::Mail(_) => vec![],
            Way::Webhook(Webhook { url: _, method: _, headers }) => headers.values().collect(),
            Way::Ntfy(Ntfy { url: _, token }) => token.iter().collect(),
        };
        self.url().into_iter().chain(more)
    }
}
