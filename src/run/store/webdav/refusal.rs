//! What a server's refusal means, and what to do about it.

use crate::run::store::{StoreError, StoreErrorKind};
use reqwest::header::{HeaderMap, LOCATION, RETRY_AFTER, WWW_AUTHENTICATE};
use std::error::Error;
use std::time::Duration;

/// What an answer means that is no success.
pub(super) fn of_answer(doing: &str, status: u16, headers: &HeaderMap) -> StoreError {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let (kind, help) = match status {
        401 if !text(WWW_AUTHENTICATE).is_empty() && !text(WWW_AUTHENTICATE).to_lowercase().contains("basic") => (
            StoreErrorKind::Denied,
            Some("the server wants another kind of login than `Basic`, which is all that is spoken here: let it offer that, over https".to_owned()),
        ),
        401 => (StoreErrorKind::Denied, Some("correct `user:` and `password:`".to_owned())),
        403 => (StoreErrorKind::Denied, Some("this user may not do that in this folder: look at its rights on the server".to_owned())),
        404 | 410 => (StoreErrorKind::Missing, None),
        405 | 501 => (StoreErrorKind::Other, Some("is `url:` a WebDAV folder, and is writing allowed there?".to_owned())),
        412 => (StoreErrorKind::Exists, None),
        413 => (StoreErrorKind::Full, Some("the server takes no file of this size: raise its limit (nginx: client_max_body_size)".to_owned())),
        507 => (StoreErrorKind::Full, Some("make room there, or keep fewer archives".to_owned())),
        408 | 423 | 425 | 429 | 500 | 502 | 503 | 504 => (StoreErrorKind::Busy, None),
        300..=399 => (StoreErrorKind::Other, Some(format!("the folder is at {}: correct `url:`", text(LOCATION)))),
        _ => (StoreErrorKind::Other, None),
    };
    let told = StoreError::new(kind, doing).because(format!("the server answered {status}"));
    help.into_iter().fold(told, StoreError::help).pausing(pause(text(RETRY_AFTER)))
}

/// `Retry-After` in seconds; a date is not worth the trouble.
fn pause(text: &str) -> Option<Duration> {
    text.trim().parse().ok().map(Duration::from_secs)
}

/// What it means that there is no answer.
pub(super) fn of_transport(doing: &str, error: reqwest::Error) -> StoreError {
    let error = error.without_url();
    let (connect, timeout) = (error.is_connect(), error.is_timeout());
    let cause = innermost(&error);
    let certificate = cause.contains("certificate") || cause.contains("UnknownIssuer");
    let (kind, help) = if certificate {
        (StoreErrorKind::Other, "the server's certificate is not trusted: give its authority's with `ca_file:`")
    } else if connect {
        (StoreErrorKind::Busy, "is the address right, the server up, and the network reached from here?")
    } else if timeout {
        (StoreErrorKind::Busy, "the server took too long, or the connection is stalled: try again later")
    } else {
        (StoreErrorKind::Busy, "the connection broke off: try again later")
    };
    StoreError::new(kind, doing).because(cause).help(help)
}

/// The cause of all, which says most: `Connection refused`.
fn innermost(error: &dyn Error) -> String {
    let mut said = error.to_string();
    let mut next = error.source();
    while let Some(error) = next {
        said = error.to_string();
        next = error.source();
    }
    said
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_busy_server_is_left_alone_as_long_as_it_asks() {
        let mut headers = HeaderMap::new();
        headers.insert(RETRY_AFTER, "7".parse().unwrap());
        let error = of_answer("x", 503, &headers);
        assert!(error.is_transient());
        assert_eq!(error.asked_pause(), Some(Duration::from_secs(7)));
    }

    #[test]
    fn refusals_are_told_apart() {
        for (status, kind) in [
            (401, StoreErrorKind::Denied),
            (403, StoreErrorKind::Denied),
            (404, StoreErrorKind::Missing),
            (412, StoreErrorKind::Exists),
            (413, StoreErrorKind::Full),
            (423, StoreErrorKind::Busy),
            (507, StoreErrorKind::Full),
            (418, StoreErrorKind::Other),
        ] {
            assert_eq!(of_answer("x", status, &HeaderMap::new()).kind(), kind, "{status}");
        }
    }

    #[test]
    fn another_login_than_basic_is_told() {
        let mut headers = HeaderMap::new();
        headers.insert(WWW_AUTHENTICATE, "Digest realm=\"x\"".parse().unwrap());
        assert!(of_answer("x", 401, &headers).helps()[0].contains("Basic"));
    }
}
