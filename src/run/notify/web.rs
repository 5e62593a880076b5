//! Notices that are a request.

use super::{News, NoticeError};
use crate::conduct::{Event, Method};
use crate::run::tls;
use reqwest::header::{HeaderName, HeaderValue};
use reqwest::redirect::Policy;
use reqwest::{Client, RequestBuilder, Url};
use secrecy::{ExposeSecret as _, SecretString};
use std::time::Duration;

/// How long one request may take.
const REQUEST_WITHIN: Duration = Duration::from_secs(10);
/// How long a server may take to accept a connection.
const CONNECT_WITHIN: Duration = Duration::from_secs(5);
/// healthchecks.io keeps 100 kB of a ping's body ("Attaching Logs").
const PING_BODY_MAX_BYTES: usize = 100_000;
/// ntfy makes a longer message an attachment (docs.ntfy.sh, "Limitations").
const NTFY_BODY_MAX_BYTES: usize = 4_000;

/// Where a ping of an event goes: to the check itself only where all is well, since an error that was pinged as an end
/// would silence the watch.
fn ping_address(url: &str, event: Event) -> Result<Url, NoticeError> {
    let mut url = address(url)?;
    let more = match event {
        Event::Success => return Ok(url),
        Event::Start => "start",
        Event::Partial | Event::Failure => "fail",
    };
    url.path_segments_mut().map_err(|()| NoticeError::Address)?.pop_if_empty().push(more);
    Ok(url)
}

pub(super) async fn ping(url: &str, news: &News) -> Result<(), NoticeError> {
    let url = ping_address(url, news.event)?;
    let body = shortened(&format!("{}\n{}", news.title, news.text), PING_BODY_MAX_BYTES);
    send(client()?.post(url).body(body)).await
}

pub(super) async fn post(
    url: &str,
    method: Method,
    headers: &[(String, SecretString)],
    news: &News,
) -> Result<(), NoticeError> {
    let (client, url) = (client()?, address(url)?);
    let request = match method {
        Method::Post => client.post(url),
        Method::Put => client.put(url),
    };
    let mut request = request.header("content-type", "application/json").body(news.json.clone());
    for (name, value) in headers {
        request = request.header(header_name(name)?, header_value(name, value.expose_secret())?);
    }
    send(request).await
}

pub(super) async fn ntfy(url: &str, token: Option<&SecretString>, news: &News) -> Result<(), NoticeError> {
    let (priority, tag) = match news.event {
        Event::Start => ("min", "hourglass"),
        Event::Success => ("low", "white_check_mark"),
        Event::Partial => ("default", "warning"),
        Event::Failure => ("high", "rotating_light"),
    };
    // A header is ASCII; the text below says the same.
    let title: String = news.title.chars().map(|c| if c.is_ascii_graphic() || c == ' ' { c } else { '?' }).collect();
    let request = client()?.post(address(url)?).header("title", title).header("priority", priority).header("tags", tag);
    let mut request = request.body(shortened(&news.text, NTFY_BODY_MAX_BYTES));
    if let Some(token) = token {
        let bearer = format!("Bearer {}", token.expose_secret());
        request = request.header("authorization", header_value("authorization", &bearer)?);
    }
    send(request).await
}

fn address(text: &str) -> Result<Url, NoticeError> {
    let url = Url::parse(text.trim()).map_err(|_| NoticeError::Address)?;
    if matches!(url.scheme(), "http" | "https") { Ok(url) } else { Err(NoticeError::Address) }
}

/// Nothing is followed to another address: a header may hold a secret.
fn client() -> Result<Client, NoticeError> {
    tls::install_provider();
    let client = Client::builder().redirect(Policy::none()).timeout(REQUEST_WITHIN).connect_timeout(CONNECT_WITHIN);
    let client = client.user_agent(concat!("eightbells/", env!("CARGO_PKG_VERSION"))).build();
    client.map_err(|error| NoticeError::Connection(chain(&error.without_url())))
}

async fn send(request: RequestBuilder) -> Result<(), NoticeError> {
    let answer = request.send().await.map_err(|error| NoticeError::Connection(chain(&error.without_url())))?;
    if answer.status().is_success() { Ok(()) } else { Err(NoticeError::Status(answer.status().as_u16())) }
}

fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        text = format!("{text}: {cause}");
        next = cause.source();
    }
    text
}

fn header_name(name: &str) -> Result<HeaderName, NoticeError> {
    name.parse().map_err(|_| NoticeError::Header(name.to_owned()))
}

fn header_value(name: &str, value: &str) -> Result<HeaderValue, NoticeError> {
    let mut value = HeaderValue::from_str(value).map_err(|_| NoticeError::Header(name.to_owned()))?;
    value.set_sensitive(true);
    Ok(value)
}

/// The end of a text that is too long: there it says how it ended.
fn shortened(text: &str, most: usize) -> String {
    let from = text.len().saturating_sub(most);
    let from = (from..text.len()).find(|at| text.is_char_boundary(*at)).unwrap_or(text.len());
    text.get(from..).unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_is_never_pinged_as_an_end() {
        let at = |event| ping_address("https://hc.example/uuid?x=1", event).unwrap().to_string();
        assert_eq!(at(Event::Success), "https://hc.example/uuid?x=1");
        assert_eq!(at(Event::Start), "https://hc.example/uuid/start?x=1");
        assert_eq!(at(Event::Partial), "https://hc.example/uuid/fail?x=1");
        assert_eq!(at(Event::Failure), "https://hc.example/uuid/fail?x=1");
        assert!(ping_address("file:///etc/passwd", Event::Failure).is_err());
    }

    #[test]
    fn a_long_text_keeps_its_end() {
        assert_eq!(shortened("äbc", 3), "bc");
        assert_eq!(shortened("abc", 9), "abc");
    }
}
