//! The client under the client: it ends a request that stands still, however slow it may be, and turns refusals into typed errors
//! that say whether trying again can help.

use super::paced::Paced;
use super::refusal::{Refusal, innermost};
use super::sign::Signer;
use crate::run::store::sent::Sent;
use object_store::ClientOptions;
use object_store::client::{
    HttpClient, HttpConnector, HttpError, HttpErrorKind, HttpRequest, HttpResponse, HttpService,
};
use reqwest::StatusCode;
use reqwest::header::{CONTENT_RANGE, RANGE};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

/// How long any request may take before its answer begins, its body apart.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(60);
/// How much of a request the kernel may hold for a slow connection, in bytes (`net.ipv4.tcp_wmem` of Linux).
const UNDERWAY_MAX: u64 = 4 << 20;
/// The slowest that a connection may be without being taken for a stalled one, in bytes a second.
const SPEED_MIN: u64 = 64 * 1024;

/// Makes the client; what is said of connections was said to the one below.
#[derive(Debug)]
pub(super) struct Wire {
    below: HttpClient,
    signer: Option<Arc<Signer>>,
}

impl Wire {
    pub(super) fn through(paced: Paced) -> Self {
        Self { below: HttpClient::new(paced), signer: None }
    }

    pub(super) fn client(&self) -> HttpClient {
        let Self { below, signer } = self;
        HttpClient::new(WireClient { below: below.clone(), signer: signer.clone() })
    }

    /// The same with what signs requests to which headers are added.
    pub(super) fn signing(self, signer: Option<Arc<Signer>>) -> Self {
        Self { signer, ..self }
    }
}

impl HttpConnector for Wire {
    fn connect(&self, _: &ClientOptions) -> object_store::Result<HttpClient> {
        Ok(self.client())
    }
}

#[derive(Debug)]
struct WireClient {
    below: HttpClient,
    signer: Option<Arc<Signer>>,
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
            let mut request = match &self.signer {
                Some(signer) => signer.add(request)?,
                None => request,
            };
            let time = patience(request.body().content_length());
            let sent = Sent::begun();
            request.extensions_mut().insert(sent.clone());
            let of_range = request.headers().contains_key(RANGE);
            let answer = sent.unless_silent(time, self.below.execute(request)).await;
            let answer = answer.ok_or_else(|| HttpError::new(HttpErrorKind::Timeout, NoAnswer(time)))?;
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

/// How long a request with so many bytes may stand still. Its last bytes may be on their way in the kernel meanwhile, which
/// takes them from us long before the server has them.
fn patience(bytes: usize) -> Duration {
    ANSWER_TIMEOUT + Duration::from_secs((bytes as u64).min(UNDERWAY_MAX) / SPEED_MIN)
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
