//! The client under the client: it gives each request a time that fits its size, and turns refusals into typed errors
//! that say whether trying again can help.

use super::paced::Paced;
use super::refusal::{Refusal, innermost};
use super::sign::Signer;
use crate::run::store::Throttle;
use object_store::ClientOptions;
use object_store::client::{
    HttpClient, HttpConnector, HttpError, HttpErrorKind, HttpRequest, HttpResponse, HttpService, ReqwestConnector,
};
use reqwest::StatusCode;
use reqwest::header::{CONTENT_RANGE, RANGE};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

/// How long any request may take before its answer begins, its body apart.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(60);
/// The slowest that a connection may be without being taken for a stalled one, in bytes a second.
const SPEED_MIN: u64 = 64 * 1024;

/// How many requests may share a destination's limit while one waits.
const SHARERS_MAX: u32 = 4;

/// Makes the client.
#[derive(Debug, Default)]
pub(super) struct Wire {
    below: ReqwestConnector,
    /// What takes its place where uploads are slowed.
    paced: Option<Paced>,
    signer: Option<Arc<Signer>>,
}

impl Wire {
    /// One whose uploads are slowed.
    pub(super) fn through(paced: Paced) -> Self {
        Self { paced: Some(paced), ..Self::default() }
    }

    /// The same with what signs requests to which headers are added.
    pub(super) fn signing(self, signer: Option<Arc<Signer>>) -> Self {
        Self { signer, ..self }
    }
}

impl HttpConnector for Wire {
    fn connect(&self, options: &ClientOptions) -> object_store::Result<HttpClient> {
        let Self { below, paced, signer } = self;
        let (below, throttle) = match paced {
            None => (below.connect(options)?, None),
            Some(paced) => (HttpClient::new(paced.clone()), Some(paced.throttle.clone())),
        };
        Ok(HttpClient::new(WireClient { below, throttle, signer: signer.clone() }))
    }
}

#[derive(Debug)]
struct WireClient {
    below: HttpClient,
    signer: Option<Arc<Signer>>,
    throttle: Option<Throttle>,
}

#[derive(Debug, thiserror::Error)]
#[error("no answer within {} s", .0.as_secs())]
struct NoAnswer(Duration);

impl HttpService for WireClient {
    fn call<'life, 'call>(
        &'life self,
        request: HttpRequest,
    ) -> Pin<Box<dyn Future<Output = Result<HttpResponse, HttpError>> + Send + 'call>>
    where
        'life: 'call,
        Self: 'call,
    {
        Box::pin(async move {
            let request = match &self.signer {
                Some(signer) => signer.add(request)?,
                None => request,
            };
            let length = request.body().content_length();
            let slowed = self.throttle.as_ref().map(|throttle| throttle.time_of(length)).unwrap_or_default();
            // Others may pass through the same throttle: a part of another source's, an index, a manifest.
            let time = patience(length) + slowed.saturating_mul(SHARERS_MAX);
            let of_range = request.headers().contains_key(RANGE);
            let answer = tokio::time::timeout(time, self.below.execute(request)).await;
            let answer = answer.map_err(|_| HttpError::new(HttpErrorKind::Timeout, NoAnswer(time)))?;
            let answer = answer.map_err(without_login)?;
            if answer.status().is_success() {
                Ok(if of_range { told_as_partial(answer) } else { answer })
            } else {
                Err(refused(answer).await)
            }
        })
    }
}

/// A proxy that keeps a tunnel shut for want of a login keeps it shut however often it is asked.
fn without_login(error: HttpError) -> HttpError {
    if innermost(&error).ends_with("proxy authorization required") {
        return HttpError::new(HttpErrorKind::Unknown, Refusal::of_proxy());
    }
    error
}

/// rclone's server sends the range that it was asked for, and says which, under the status of a whole object.
fn told_as_partial(mut answer: HttpResponse) -> HttpResponse {
    if answer.headers().contains_key(CONTENT_RANGE) {
        *answer.status_mut() = StatusCode::PARTIAL_CONTENT;
    }
    answer
}

/// How long a request with so many bytes may take.
fn patience(bytes: usize) -> Duration {
    ANSWER_TIMEOUT + Duration::from_secs(bytes as u64 / SPEED_MIN)
}

async fn refused(answer: HttpResponse) -> HttpError {
    let status = answer.status().as_u16();
    let header = |name| answer.headers().get(name).and_then(|value| value.to_str().ok()).map(ToOwned::to_owned);
    let (code, region) = (header("x-ms-error-code"), header("x-amz-bucket-region"));
    let body = tokio::time::timeout(ANSWER_TIMEOUT, answer.into_body().bytes()).await;
    let body = body.ok().and_then(Result::ok).unwrap_or_default();
    let refusal = Refusal::read(status, code, region, &String::from_utf8_lossy(&body));
    // The kind decides whether the request is tried again: `Request` always is, `Unknown` never.
    let kind = if refusal.is_transient() { HttpErrorKind::Request } else { HttpErrorKind::Unknown };
    HttpError::new(kind, refusal)
}
