//! What `object_store` has no call for: how an object is stored, its versions, uploads that nobody completed.

use super::Bucket;
use super::sign::Signer;
use super::uploads::{self, Begun};
use crate::run::journal::Obligation;
use crate::run::os;
use crate::run::store::again::again;
use crate::run::store::{StoreError, StoreErrorKind};
use jiff::Timestamp;
use object_store::client::{HttpClient, HttpError, HttpRequest, HttpRequestBody, HttpResponse};
use object_store::path::Path;
use reqwest::Method;
use reqwest::header::HeaderMap;
use std::fmt::Write as _;
use std::sync::Arc;

/// How many pages of uploads, a thousand on each, are read at the most.
const PAGES_MAX: usize = 20;

/// Requests of our own, signed as those of `object_store` are.
#[derive(Debug)]
pub(super) struct Asking {
    pub(super) http: HttpClient,
    pub(super) signer: Arc<Signer>,
    /// The bucket's address, without a final `/`.
    pub(super) root: String,
}

/// How an object is stored, as far as the server tells.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Stored {
    pub(super) version: Option<String>,
    pub(super) storage_class: Option<String>,
    pub(super) encryption: Option<String>,
    pub(super) lock_mode: Option<String>,
    pub(super) locked_until: Option<Timestamp>,
    pub(super) legal_hold: bool,
}

impl Stored {
    fn of(headers: &HeaderMap) -> Self {
        let text = |name: &str| Some(headers.get(name)?.to_str().ok()?.to_owned());
        Self {
            version: text("x-amz-version-id").filter(|version| version != "null"),
            storage_class: text("x-amz-storage-class"),
            encryption: text("x-amz-server-side-encryption"),
            lock_mode: text("x-amz-object-lock-mode"),
            locked_until: text("x-amz-object-lock-retain-until-date").and_then(|text| text.parse().ok()),
            legal_hold: text("x-amz-object-lock-legal-hold").is_some_and(|text| text.eq_ignore_ascii_case("ON")),
        }
    }

    /// Why it cannot be removed now.
    fn held(&self, now: Timestamp) -> Option<String> {
        let mode = self.lock_mode.as_deref().unwrap_or_default().to_lowercase();
        let until =
            self.locked_until.filter(|until| *until > now).map(|until| format!("locked until {until} ({mode})"));
        let hold = self.legal_hold.then(|| "locked until its legal hold is taken away".to_owned());
        hold.or(until)
    }
}

impl Asking {
    async fn ask(&self, method: Method, key: &str, query: &[(&str, &str)]) -> Result<HttpResponse, HttpError> {
        let mut address = format!("{}/{}", self.root, escaped(key, b"/"));
        for (number, (name, value)) in query.iter().enumerate() {
            let mark = if number == 0 { '?' } else { '&' };
            let _ = write!(address, "{mark}{}={}", escaped(name, b""), escaped(value, b""));
        }
        let mut request = HttpRequest::new(HttpRequestBody::empty());
        *request.method_mut() = method;
        *request.uri_mut() =
            address.parse().map_err(|error| HttpError::new(object_store::client::HttpErrorKind::Unknown, error))?;
        self.signer.sign(&mut request)?;
        self.http.execute(request).await
    }
}

/// As S3 signs it: every byte but letters, digits and `-._~`.
fn escaped(text: &str, also: &[u8]) -> String {
    text.bytes().fold(String::with_capacity(text.len()), |mut escaped, byte| {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) || also.contains(&byte) {
            escaped.push(char::from(byte));
        } else {
            let _ = write!(escaped, "%{byte:02X}");
        }
        escaped
    })
}

impl Bucket {
    async fn ask(
        &self,
        asking: &Asking,
        doing: &str,
        method: Method,
        key: &str,
        query: &[(&str, &str)],
    ) -> Result<HttpResponse, StoreError> {
        again(async |_| {
            let answer = asking.ask(method.clone(), key, query).await;
            let generic = |error| object_store::Error::Generic { store: "S3", source: Box::new(error) };
            answer.map_err(|error: HttpError| self.failed(doing, generic(error)))
        })
        .await
    }

    async fn stored(&self, asking: &Asking, key: &Path) -> Result<Stored, StoreError> {
        let doing = format!("cannot look at `{key}`");
        let answer = self.ask(asking, &doing, Method::HEAD, key.as_ref(), &[]).await?;
        Ok(Stored::of(answer.headers()))
    }

    /// Whether the server did what it was told to with an object.
    pub(super) async fn is_as_told(&self, key: &Path) -> Result<(), StoreError> {
        let name = key.filename().unwrap_or_default();
        let Some(asking) = self.asking.as_ref().filter(|_| self.storing.is_told_of(name)) else { return Ok(()) };
        let stored = match self.stored(asking, key).await {
            Ok(stored) => stored,
            // A key that may only write.
            Err(error) if error.kind() == StoreErrorKind::Denied => return Ok(()),
            Err(error) => return Err(error),
        };
        let Some(ignored) = self.storing.ignored(name, &stored) else { return Ok(()) };
        let message = format!(
            "{} stored `{key}` as if there were no `{ignored}:`, without saying that it does not know it",
            self.place
        );
        let error = StoreError::new(StoreErrorKind::Other, message);
        Err(error.help(match ignored {
            "object_lock" => {
                "take `object_lock:` out, or use a bucket that was made with Object Lock, and a key that may look at locks (s3:GetObjectRetention, s3:GetObjectLegalHold)"
            }
            "server_side_encryption" => "take `server_side_encryption:` out, or use a server that encrypts",
            _ => "take `storage_class:` out, or name a class that the server has",
        }))
    }

    /// Removes objects that may be locked, each in its one version: a delete without version would only hide it, and what
    /// is hidden lies there for ever. Nothing goes where one of them is locked still.
    pub(super) async fn delete_locked(&self, asking: &Asking, keys: &[Path]) -> Result<(), StoreError> {
        let mut there = vec![];
        for key in keys {
            match self.stored(asking, key).await {
                Ok(stored) => there.push((key, stored)),
                Err(error) if error.kind() == StoreErrorKind::Missing => {}
                Err(error) => return Err(error),
            }
        }
        let now = os::now();
        if let Some((key, why)) = there.iter().find_map(|(key, stored)| Some((key, stored.held(now)?))) {
            return Err(StoreError::new(StoreErrorKind::Locked, format!("`{key}` is {why}")));
        }
        for (key, stored) in there {
            let doing = format!("cannot delete `{key}`");
            let version = stored.version.as_deref().map(|version| ("versionId", version));
            let query: Vec<(&str, &str)> = version.into_iter().collect();
            match self.ask(asking, &doing, Method::DELETE, key.as_ref(), &query).await {
                Ok(_) => {}
                Err(error) if error.kind() == StoreErrorKind::Missing => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Uploads in parts below the prefix that are neither complete nor aborted, live ones among them; none where the server
    /// cannot tell, or the key may not ask.
    pub(super) async fn uploads(&self, asking: &Asking) -> Result<Option<Vec<Begun>>, StoreError> {
        let prefix = format!("{}{}", self.folder, self.stem);
        let (mut found, mut from) = (vec![], None::<(String, String)>);
        for _ in 0..PAGES_MAX {
            let mut query = vec![("uploads", ""), ("prefix", prefix.as_str())];
            if let Some((key, id)) = &from {
                query.extend([("key-marker", key.as_str()), ("upload-id-marker", id.as_str())]);
            }
            let answer = match self.ask(asking, "cannot list unfinished uploads", Method::GET, "", &query).await {
                Ok(answer) => answer,
                Err(error) if matches!(error.kind(), StoreErrorKind::Other | StoreErrorKind::Denied) => {
                    tracing::debug!("{error}: {:?}", std::error::Error::source(&error).map(ToString::to_string));
                    return Ok(None);
                }
                Err(error) => return Err(error),
            };
            let page = uploads::read_page(&self.body(answer).await?);
            let page = page.map_err(|error| self.unread("unfinished uploads", error))?;
            found.extend(page.begun);
            match page.next {
                Some(next) if Some(&next) != from.as_ref() => from = Some(next),
                Some(_) | None => break,
            }
        }
        Ok(Some(found))
    }

    /// When an upload took its last part; none where it has none.
    pub(super) async fn last_part(&self, asking: &Asking, upload: &Begun) -> Result<Option<Timestamp>, StoreError> {
        let (mut last, mut from) = (None, String::new());
        loop {
            let mut query = vec![("uploadId", upload.id.as_str())];
            if !from.is_empty() {
                query.push(("part-number-marker", from.as_str()));
            }
            let doing = format!("cannot look at the upload of `{}`", upload.key);
            let answer = self.ask(asking, &doing, Method::GET, &upload.key, &query).await?;
            let parts = uploads::read_parts(&self.body(answer).await?);
            let parts = parts.map_err(|error| self.unread("an upload's parts", error))?;
            last = last.max(parts.last);
            match parts.next {
                Some(next) if next != from => from = next,
                Some(_) | None => return Ok(last),
            }
        }
    }

    /// Aborts every upload of a key; false where the server does not tell of any.
    pub(super) async fn clean_all(self: Arc<Self>, key: String) -> Result<bool, StoreError> {
        let Some(asking) = &self.asking else { return Ok(false) };
        let Some(uploads) = self.uploads(asking).await? else { return Ok(false) };
        for upload in uploads.into_iter().filter(|upload| upload.key == key) {
            Arc::clone(&self).clean(upload.key, upload.id).await?;
        }
        Ok(true)
    }

    /// Uploads of objects that are `ours` which were begun before a time, and took no part since.
    pub(super) async fn stale(
        &self,
        ours: &(dyn Fn(&str) -> bool + Sync),
        before: Timestamp,
    ) -> Result<Vec<Obligation>, StoreError> {
        let Some(asking) = &self.asking else { return Ok(vec![]) };
        let mut stale = vec![];
        for upload in self.uploads(asking).await?.unwrap_or_default() {
            let name = upload.key.strip_prefix(&self.folder).and_then(|name| name.strip_prefix(&self.stem));
            if !name.is_some_and(ours) || upload.at.is_none_or(|at| at >= before) {
                continue;
            }
            match self.last_part(asking, &upload).await {
                Ok(last) if last.is_some_and(|at| at >= before) => continue,
                Ok(_) => {}
                // Somebody has just completed or aborted it.
                Err(error) if error.kind() == StoreErrorKind::Missing => continue,
                Err(error) => return Err(error),
            }
            stale.push(Obligation::MultipartUpload {
                destination: self.destination.clone(),
                key: upload.key,
                upload_id: Some(upload.id),
            });
        }
        Ok(stale)
    }

    async fn body(&self, answer: HttpResponse) -> Result<String, StoreError> {
        let bytes = answer.into_body().bytes().await;
        let generic = |error: HttpError| object_store::Error::Generic { store: "S3", source: Box::new(error) };
        let bytes = bytes.map_err(|error| self.failed("an answer broke off", generic(error)))?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }

    fn unread(&self, what: &str, error: impl std::error::Error + Send + Sync + 'static) -> StoreError {
        let message = format!("the list of {what} from {} cannot be read", self.place);
        StoreError::new(StoreErrorKind::Other, message).because(error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_escaped_as_they_are_signed() {
        assert_eq!(escaped("a b/c+d~é", b"/"), "a%20b/c%2Bd~%C3%A9");
        assert_eq!(escaped("a/b=c&d", b""), "a%2Fb%3Dc%26d");
    }

    #[test]
    fn what_holds_an_object_is_said() {
        let now = Timestamp::UNIX_EPOCH;
        let locked = Stored {
            lock_mode: Some("COMPLIANCE".into()),
            locked_until: Some("1970-01-02T00:00:00Z".parse().unwrap()),
            ..Stored::default()
        };
        assert_eq!(locked.held(now).unwrap(), "locked until 1970-01-02T00:00:00Z (compliance)");
        assert_eq!(locked.held("1970-01-02T00:00:00Z".parse().unwrap()), None);
        assert!(Stored { legal_hold: true, ..Stored::default() }.held(now).unwrap().contains("legal hold"));
    }
}
