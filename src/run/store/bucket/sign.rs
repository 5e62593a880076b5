//! Requests that are signed here: those that `object_store` has no call for, and those of its own to which headers are
//! added that it has no word for.

use super::Credentials;
use object_store::aws::{AwsAuthorizer, AwsCredential};
use object_store::client::{HttpError, HttpErrorKind, HttpRequest};
use reqwest::header::HeaderMap;
use secrecy::ExposeSecret as _;

/// The header with the digest of a request's body, which is signed with the rest.
const DIGEST: &str = "x-amz-content-sha256";

/// Headers for one request, as an extension of it.
#[derive(Debug, Clone)]
pub(super) struct Besides(pub(super) HeaderMap);

/// Signs requests; what it prints for debugging holds no secret.
#[derive(Debug)]
pub(super) struct Signer {
    credential: AwsCredential,
    region: String,
}

impl Signer {
    pub(super) fn new(credentials: &Credentials, region: &str) -> Self {
        let Credentials { access_key, secret_key, session_token } = credentials;
        let credential = AwsCredential {
            key_id: access_key.clone(),
            secret_key: secret_key.expose_secret().to_owned(),
            token: session_token.as_ref().map(|token| token.expose_secret().to_owned()),
        };
        Self { credential, region: region.to_owned() }
    }

    /// Signs a request; one that was signed before keeps the digest of its body.
    pub(super) fn sign(&self, request: &mut HttpRequest) -> Result<(), HttpError> {
        let digest = request.headers().get(DIGEST).and_then(|value| bytes_of_hex(value.to_str().ok()?));
        let signed = AwsAuthorizer::new(&self.credential, "s3", &self.region).try_authorize(request, digest.as_deref());
        signed.map_err(|error| HttpError::new(HttpErrorKind::Unknown, error))
    }

    /// Adds the headers that came with a request, and signs it anew.
    pub(super) fn add(&self, mut request: HttpRequest) -> Result<HttpRequest, HttpError> {
        let Some(Besides(headers)) = request.extensions_mut().remove::<Besides>() else { return Ok(request) };
        for (name, value) in &headers {
            request.headers_mut().insert(name, value.clone());
        }
        self.sign(&mut request)?;
        Ok(request)
    }
}

fn bytes_of_hex(text: &str) -> Option<Vec<u8>> {
    let pairs = (0..text.len()).step_by(2).map(|at| text.get(at..at + 2));
    pairs.map(|pair| u8::from_str_radix(pair?, 16).ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_digest_is_read_and_what_is_none_is_not() {
        assert_eq!(bytes_of_hex("00ff10"), Some(vec![0, 255, 16]));
        assert_eq!(bytes_of_hex("UNSIGNED-PAYLOAD"), None);
        assert_eq!(bytes_of_hex("abc"), None);
    }
}
