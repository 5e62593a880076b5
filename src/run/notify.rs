//! Telling somebody how a run goes: a ping, a webhook, ntfy, a mail. Whatever goes wrong here is a warning, and all of it
//! takes a bounded time.

mod mail;
mod web;

use crate::conduct::{Event, Method, Way};
use crate::run::os::{Environment, SpawnError, Stop};
use crate::run::secret::{SecretError, Secrets};
use crate::value::{Context, ExpandError, Value};
use secrecy::{ExposeSecret as _, SecretString};
use std::time::Duration;

/// How long one notice may take, with all its tries.
const WITHIN: Duration = Duration::from_secs(30);
/// Pauses between tries.
const PAUSES: [Duration; 2] = [Duration::from_secs(1), Duration::from_secs(3)];

/// What is told.
#[derive(Debug, Clone)]
pub struct News {
    /// Of what kind it is.
    pub event: Event,
    /// In one line.
    pub title: String,
    /// In several lines, without any secret.
    pub text: String,
    /// As JSON, without any secret.
    pub json: String,
}

/// Why somebody was not told. No text of these holds an address: it may be a secret.
#[derive(Debug, thiserror::Error)]
pub enum NoticeError {
    /// A placeholder has no value.
    #[error("a value cannot be filled in")]
    Expand(#[from] ExpandError),
    /// A reference has no value.
    #[error("a value is not known")]
    Secret(#[from] SecretError),
    /// The address is none.
    #[error("the address is none that begins with `https://` or `http://`")]
    Address,
    /// A header's value cannot be sent.
    #[error("the value of the header `{0}` holds what a header cannot")]
    Header(String),
    /// Nothing is there, or it is not understood.
    #[error("the server cannot be reached: {0}")]
    Connection(String),
    /// It answers with something else than success.
    #[error("the server answers {0}")]
    Status(u16),
    /// It took too long.
    #[error("it took longer than {} s", WITHIN.as_secs())]
    Late,
    /// The mail program cannot be started.
    #[error("the mail program cannot be started; is it installed?")]
    Spawn(#[from] SpawnError),
    /// The mail program failed.
    #[error("the mail program failed: {0}")]
    Program(String),
}

impl NoticeError {
    /// Whether the same may work a moment later.
    fn may_pass(&self) -> bool {
        match self {
            Self::Connection(_) => true,
            Self::Status(status) => *status >= 500 || matches!(status, 408 | 429),
            Self::Expand(_)
            | Self::Secret(_)
            | Self::Address
            | Self::Header(_)
            | Self::Late
            | Self::Spawn(_)
            | Self::Program(_) => false,
        }
    }
}

/// Somebody to tell, every value filled in.
#[derive(Debug, Clone)]
pub struct Teller {
    way: Ready,
    stop: Stop,
}

#[derive(Debug, Clone)]
enum Ready {
    Ping { url: SecretString },
    Webhook { url: SecretString, method: Method, headers: Vec<(String, SecretString)> },
    Ntfy { url: SecretString, token: Option<SecretString> },
    Mail(mail::Envelope),
}

impl Teller {
    /// Fills every value in.
    ///
    /// # Errors
    /// A value that is not known.
    pub fn new(
        way: &Way,
        secrets: &Secrets,
        context: &Context,
        environment: &Environment,
        stop: &Stop,
    ) -> Result<Self, NoticeError> {
        let text = |value: &Value| secrets.text(value, context).map_err(NoticeError::from);
        let way = match way {
            Way::Ping(ping) => Ready::Ping { url: text(&ping.url)? },
            Way::Webhook(hook) => {
                let header = |(name, value): (&String, &Value)| Ok((name.clone(), text(value)?));
                let headers = hook.headers.iter().map(header).collect::<Result<_, NoticeError>>()?;
                Ready::Webhook { url: text(&hook.url)?, method: hook.method, headers }
            }
            Way::Ntfy(ntfy) => Ready::Ntfy { url: text(&ntfy.url)?, token: ntfy.token.as_ref().map(text).transpose()? },
            Way::Mail(mail) => Ready::Mail(mail::Envelope::new(mail, context, environment)?),
        };
        Ok(Self { way, stop: stop.clone() })
    }

    /// Tells, in a bounded time, and again where that can help.
    ///
    /// # Errors
    /// The last try's.
    pub async fn tell(&self, news: &News) -> Result<(), NoticeError> {
        let telling = async {
            let mut pauses = PAUSES.into_iter();
            loop {
                match (self.once(news).await, pauses.next()) {
                    (Err(error), Some(pause)) if error.may_pass() => tokio::time::sleep(pause).await,
                    (done, _) => return done,
                }
            }
        };
        tokio::select! {
            told = tokio::time::timeout(WITHIN, telling) => told.unwrap_or(Err(NoticeError::Late)),
            () = self.stop.wait() => Err(NoticeError::Late),
        }
    }

    async fn once(&self, news: &News) -> Result<(), NoticeError> {
        match &self.way {
            Ready::Ping { url } => web::ping(url.expose_secret(), news).await,
            Ready::Webhook { url, method, headers } => web::post(url.expose_secret(), *method, headers, news).await,
            Ready::Ntfy { url, token } => web::ntfy(url.expose_secret(), token.as_ref(), news).await,
            Ready::Mail(envelope) => envelope.send(news, &self.stop).await,
        }
    }
}
