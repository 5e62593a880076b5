//! An HTTP client whose requests' bodies go out no faster than a limit says: `object_store`'s own sends a part as fast as the
//! connection takes it, so that a limit on what it is handed would only make it send in bursts.

use crate::run::store::Throttle;
use crate::run::store::sent::Sent;
use crate::run::store::throttle::slowed;
use bytes::Bytes;
use futures_util::TryStreamExt as _;
use http_body_util::{BodyDataStream, BodyExt as _};
use object_store::client::{HttpError, HttpErrorKind, HttpRequest, HttpResponse, HttpResponseBody, HttpService};
use reqwest::{Body, Client, Request};
use std::io;
use std::pin::Pin;

/// A client and what slows it.
#[derive(Debug, Clone)]
pub(super) struct Paced {
    pub(super) client: Client,
    pub(super) throttle: Throttle,
}

impl HttpService for Paced {
    fn call<'life, 'call>(
        &'life self,
        request: HttpRequest,
    ) -> Pin<Box<dyn Future<Output = Result<HttpResponse, HttpError>> + Send + 'call>>
    where
        'life: 'call,
        Self: 'call,
    {
        Box::pin(async move {
            let (parts, body) = request.into_parts();
            let sent = parts.extensions.get::<Sent>().cloned();
            let url = parts.uri.to_string().parse();
            let url =
                url.map_err(|_| HttpError::new(HttpErrorKind::Unknown, io::Error::other("a request to nowhere")))?;
            let mut request = Request::new(parts.method, url);
            *request.headers_mut() = parts.headers;
            // What has a length must keep it: a stream would be sent in chunks, which S3 refuses.
            *request.body_mut() = Some(match body.content_length() {
                0 => Body::from(Bytes::new()),
                length => {
                    request.headers_mut().insert(reqwest::header::CONTENT_LENGTH, length.into());
                    let pieces = slowed(BodyDataStream::new(body), self.throttle.clone());
                    Body::wrap_stream(pieces.inspect_ok(move |_| sent.iter().for_each(Sent::mark)))
                }
            });
            let answer = self.client.execute(request).await.map_err(broken)?;
            let (status, headers) = (answer.status(), answer.headers().clone());
            let mut told = HttpResponse::new(HttpResponseBody::new(Body::from(answer).map_err(broken)));
            (*told.status_mut(), *told.headers_mut()) = (status, headers);
            Ok(told)
        })
    }
}

/// Every request that breaks off may be made again: parts have numbers, and a name that is taken is looked at.
fn broken(error: reqwest::Error) -> HttpError {
    let kind = if error.is_connect() {
        HttpErrorKind::Connect
    } else if error.is_timeout() {
        HttpErrorKind::Timeout
    } else if error.is_builder() {
        HttpErrorKind::Unknown
    } else {
        HttpErrorKind::Request
    };
    HttpError::new(kind, error.without_url())
}
