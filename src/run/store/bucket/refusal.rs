//! What a server's refusal means, and what to do about it.

use super::Service;
use crate::run::store::{StoreError, StoreErrorKind};
use object_store::client::{HttpError, HttpErrorKind};
use std::error::Error;

/// How much of a server's own words is repeated, in characters.
const WORDS_MAX: usize = 300;

/// What a proxy answers who wants a login, or another one (RFC 9110, 15.5.8).
const PROXY_WANTS_LOGIN: u16 = 407;

/// A server's no.
#[derive(Debug, Clone, thiserror::Error)]
#[error("the server answered {status}{}", self.words())]
pub(super) struct Refusal {
    status: u16,
    /// The service's own name for it: `NoSuchBucket`.
    code: Option<String>,
    message: Option<String>,
    /// Where the bucket is, if the server says so.
    region: Option<String>,
    /// The header that it does not know, if it says so.
    header: Option<String>,
}

impl Refusal {
    /// `code` is what Azure says in a header, for answers that have no body.
    pub(super) fn read(status: u16, code: Option<String>, region: Option<String>, body: &str) -> Self {
        let header = element(body, "Header").map(|header| header.to_lowercase());
        Self { status, code: element(body, "Code").or(code), message: element(body, "Message"), region, header }
    }

    /// A proxy's, which wants to know who asks.
    pub(super) fn of_proxy() -> Self {
        Self::read(PROXY_WANTS_LOGIN, None, None, "")
    }

    fn words(&self) -> String {
        match (&self.code, &self.message) {
            (Some(code), Some(message)) => format!(" {code}: {message}"),
            (Some(word), None) | (None, Some(word)) => format!(" {word}"),
            (None, None) => String::new(),
        }
    }

    fn is(&self, codes: &[&str]) -> bool {
        self.code.as_ref().is_some_and(|code| codes.contains(&code.as_str()))
    }

    /// Whether the same request may be granted a little later.
    pub(super) fn is_transient(&self) -> bool {
        let busy = self.is(&[
            "SlowDown",
            "InternalError",
            "ServiceUnavailable",
            "RequestTimeout",
            "ThrottlingException",
            "OperationAborted",
            // Azure's.
            "ServerBusy",
            "OperationTimedOut",
            "ContainerBeingDeleted",
        ]);
        busy || matches!(self.status, 408 | 429 | 500 | 502 | 503 | 504)
    }

    fn says(&self, words: &[&str]) -> bool {
        let message = self.message.as_deref().unwrap_or_default().to_lowercase();
        words.iter().any(|word| message.contains(word))
    }

    /// Whether it is about an object that may not be removed yet; each server has its own words for it.
    fn is_locked(&self) -> bool {
        let protected = self.says(&["worm protected", "protected by object lock", "object is locked"]);
        self.is(&["ObjectLocked", "BlobImmutableDueToPolicy"]) || (protected && !self.is_transient())
    }

    fn kind(&self) -> StoreErrorKind {
        if self.is_locked() {
            return StoreErrorKind::Locked;
        }
        if self.is(&["QuotaExceeded", "XMinioStorageFull", "EntityTooLarge", "InsufficientStorage"]) {
            return StoreErrorKind::Full;
        }
        // Azure's, of a list of blocks that was committed by a request whose answer was lost.
        if self.is(&["InvalidBlockList"]) {
            return StoreErrorKind::Missing;
        }
        // S3's own, under status 400.
        if self.is(&["ExpiredToken", "InvalidToken", "TokenRefreshRequired"]) {
            return StoreErrorKind::Denied;
        }
        match self.status {
            404 => StoreErrorKind::Missing,
            409 | 412 if !self.is_transient() => StoreErrorKind::Exists,
            401 | 403 | PROXY_WANTS_LOGIN => StoreErrorKind::Denied,
            507 => StoreErrorKind::Full,
            _ if self.is_transient() => StoreErrorKind::Busy,
            _ => StoreErrorKind::Other,
        }
    }

    fn help(&self, service: Service) -> Option<String> {
        if self.status == PROXY_WANTS_LOGIN {
            return Some("correct the user and the password in what `proxy:` refers to".to_owned());
        }
        let code = self.code.as_deref().unwrap_or_default();
        if matches!(self.status, 301 | 307)
            || matches!(
                code,
                "AuthorizationHeaderMalformed" | "PermanentRedirect" | "IllegalLocationConstraintException"
            )
        {
            return Some(self.region_help());
        }
        if self.is(&["ObjectLockConfigurationNotFoundError"])
            || self.says(&["object lock configuration", "objectlockconfiguration"])
        {
            return Some(NO_LOCKS.to_owned());
        }
        if let Some(key) = self.header.as_deref().and_then(key_of) {
            return Some(format!("the server does not know what `{key}:` asks for: take it out"));
        }
        if code.starts_with("KMS.") {
            return Some(NO_ENCRYPTION.to_owned());
        }
        let known = HELPS.iter().find(|(codes, _)| codes.contains(&code)).map(|(_, text)| *text);
        let general = || matches!(self.status, 401 | 403).then(|| general_help(service));
        known.or_else(general).map(ToOwned::to_owned)
    }

    fn region_help(&self) -> String {
        let region = self.region.as_ref().map(|region| format!(" `{region}`")).unwrap_or_default();
        format!("the bucket is in another region: set `region:` to the bucket's{region}, and `endpoint:` with it")
    }
}

const NO_ENCRYPTION: &str =
    "the server cannot encrypt so: correct `server_side_encryption:` and what the key may do, or take it out";
const NO_LOCKS: &str = "the bucket was made without Object Lock: make one with it, or take `object_lock:` out";

/// The spec's key that a header comes from.
fn key_of(header: &str) -> Option<&'static str> {
    let keys = [
        ("x-amz-storage-class", "storage_class"),
        ("x-amz-server-side-encryption", "server_side_encryption"),
        ("x-amz-object-lock", "object_lock"),
        ("x-amz-checksum", "checksum"),
        ("x-amz-sdk-checksum", "checksum"),
    ];
    keys.into_iter().find(|(begin, _)| header.starts_with(begin)).map(|(_, key)| key)
}

/// What to do about what services call by these names.
const HELPS: &[(&[&str], &str)] = &[
    (&["NoSuchBucket"], "the bucket does not exist: make it, or correct `bucket:`"),
    (&["InvalidAccessKeyId"], "the server does not know this access key: correct `access_key:`"),
    (
        &["SignatureDoesNotMatch"],
        "the secret key is not this access key's: correct `secret_key:`; or the `region:` is another one",
    ),
    (&["RequestTimeTooSkewed"], "this machine's clock is wrong: set it, and keep it right with NTP"),
    (&["ExpiredToken", "InvalidToken", "TokenRefreshRequired"], "the temporary key has expired: have a new one made"),
    (&["InvalidStorageClass"], "the server has no such class: correct `storage_class:`, or take it out"),
    (
        &["InvalidObjectState"],
        "it lies in a class that is not read at once: have the service bring it back first (restore-object), then try again",
    ),
    (&["InvalidEncryptionAlgorithmError"], NO_ENCRYPTION),
    (&["ContainerNotFound"], "the container does not exist: make it, or correct `container:`"),
    (
        &["AuthenticationFailed"],
        "`access_key:` is not this account's, or `sas_token:` is wrong or has expired; a clock that is wrong by 15 minutes \
         does it, too",
    ),
    (
        &["AuthorizationPermissionMismatch", "AuthorizationResourceTypeMismatch", "AuthorizationServiceMismatch"],
        "the SAS token may not do this: it must be for blobs, containers and objects, to read, add, create, write, delete and \
         list",
    ),
    (
        &["AuthorizationFailure"],
        "`access_key:` is not this account's, or `sas_token:` is wrong, has expired or may not do this; or the account's \
         network rules keep this machine out",
    ),
    (
        &["AuthenticationRequired"],
        "Google does not know the key: correct `service_account:`; a clock that is wrong does it, too",
    ),
    (
        &["BlobImmutableDueToPolicy"],
        "the container's immutability policy keeps it: let `keep` hold archives for longer",
    ),
];

/// What to do about a refusal whose name says nothing more.
fn general_help(service: Service) -> &'static str {
    match service {
        Service::S3 => {
            "correct the access key and the secret key, or give the key the right to list, read, write and \
                        delete objects in this bucket"
        }
        Service::Azure => "correct `access_key:` or `sas_token:`, or what it may do in this container",
        Service::Gcs => {
            "give the service account the role `roles/storage.objectAdmin` in this bucket, or correct `service_account:`"
        }
    }
}

/// The text of the first element of that name, unescaped where that matters to people.
fn element(body: &str, name: &str) -> Option<String> {
    let (_, after) = body.split_once(&format!("<{name}>"))?;
    let (text, _) = after.split_once(&format!("</{name}>"))?;
    let text = text
        .replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&quot;", "\"")
        .replace("&apos;", "'")
        .replace("&amp;", "&");
    let text: String = text.chars().filter(|c| !c.is_control()).take(WORDS_MAX).collect();
    (!text.is_empty()).then_some(text)
}

/// What `object_store` tells, as what it means for us.
pub(super) fn store_error(service: Service, doing: &str, error: object_store::Error) -> StoreError {
    if let Some(refusal) = find::<Refusal>(&error) {
        let told = StoreError::new(refusal.kind(), doing).because(refusal.clone());
        return refusal.help(service).into_iter().fold(told, StoreError::help);
    }
    let transport = find::<HttpError>(&error).map(HttpError::kind);
    let cause = transport.is_some().then(|| innermost(&error));
    match transport {
        None => StoreError::new(kind_of(&error), doing).because(error),
        Some(kind) => unreachable_server(doing, kind, cause.unwrap_or_default()),
    }
}

/// The first error of that type among an error and its causes.
fn find<'a, E: Error + 'static>(error: &'a (dyn Error + 'static)) -> Option<&'a E> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(found) = error.downcast_ref() {
            return Some(found);
        }
        next = error.source();
    }
    None
}

fn kind_of(error: &object_store::Error) -> StoreErrorKind {
    match error {
        object_store::Error::NotFound { .. } => StoreErrorKind::Missing,
        object_store::Error::AlreadyExists { .. } | object_store::Error::Precondition { .. } => StoreErrorKind::Exists,
        object_store::Error::PermissionDenied { .. } | object_store::Error::Unauthenticated { .. } => {
            StoreErrorKind::Denied
        }
        _ => StoreErrorKind::Other,
    }
}

/// The cause of all, which says most: `Connection refused`.
pub(super) fn innermost(error: &dyn Error) -> String {
    let mut words: Vec<String> = vec![];
    let mut next = Some(error);
    while let Some(error) = next {
        words.push(error.to_string());
        next = error.source();
    }
    words.pop().unwrap_or_default()
}

fn unreachable_server(doing: &str, kind: HttpErrorKind, cause: String) -> StoreError {
    let told = StoreError::new(StoreErrorKind::Busy, doing);
    let certificate = cause.contains("certificate") || cause.contains("UnknownIssuer");
    let help = match kind {
        _ if certificate => "the server's certificate is not trusted: give its authority's with `ca_file:`",
        HttpErrorKind::Connect => "is the address right, the server up, and the network reached from here?",
        HttpErrorKind::Timeout => "the server took too long, or the connection is stalled: try again later",
        _ => "the connection broke off: try again later",
    };
    told.because(cause).help(help)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(status: u16, code: &str) -> Refusal {
        Refusal::read(
            status,
            None,
            None,
            &format!("<?xml?><Error><Code>{code}</Code><Message>it&apos;s &lt;so&gt;</Message></Error>"),
        )
    }

    #[test]
    fn refusals_are_told_apart() {
        for (status, code, kind) in [
            (404, "NoSuchKey", StoreErrorKind::Missing),
            (404, "NoSuchBucket", StoreErrorKind::Missing),
            (403, "SignatureDoesNotMatch", StoreErrorKind::Denied),
            (400, "ExpiredToken", StoreErrorKind::Denied),
            (412, "PreconditionFailed", StoreErrorKind::Exists),
            (503, "SlowDown", StoreErrorKind::Busy),
            (500, "InternalError", StoreErrorKind::Busy),
            (409, "OperationAborted", StoreErrorKind::Busy),
            (403, "QuotaExceeded", StoreErrorKind::Full),
            (507, "XMinioStorageFull", StoreErrorKind::Full),
            (400, "InvalidRequest", StoreErrorKind::Other),
            (404, "ContainerNotFound", StoreErrorKind::Missing),
            (403, "AuthenticationFailed", StoreErrorKind::Denied),
            (409, "BlobAlreadyExists", StoreErrorKind::Exists),
            (409, "ContainerBeingDeleted", StoreErrorKind::Busy),
            (409, "BlobImmutableDueToPolicy", StoreErrorKind::Locked),
            (503, "ServerBusy", StoreErrorKind::Busy),
            (400, "InvalidBlockList", StoreErrorKind::Missing),
            (401, "AuthenticationRequired", StoreErrorKind::Denied),
        ] {
            assert_eq!(refusal(status, code).kind(), kind, "{status} {code}");
        }
        assert_eq!(refusal(403, "AccessDenied").to_string(), "the server answered 403 AccessDenied: it's <so>");
    }

    #[test]
    fn what_to_do_is_said() {
        assert!(refusal(404, "NoSuchBucket").help(Service::S3).unwrap().contains("bucket"));
        assert!(refusal(403, "InvalidAccessKeyId").help(Service::S3).unwrap().contains("access_key"));
        assert!(refusal(403, "SignatureDoesNotMatch").help(Service::S3).unwrap().contains("secret_key"));
        let elsewhere = Refusal::read(301, None, Some("eu-west-1".into()), "");
        assert!(elsewhere.help(Service::S3).unwrap().contains("`eu-west-1`"));
        assert_eq!(refusal(404, "NoSuchKey").help(Service::S3), None);
        let silent = Refusal::read(404, Some("ContainerNotFound".into()), None, "");
        assert!(silent.help(Service::Azure).unwrap().contains("`container:`"));
        for (service, key) in
            [(Service::S3, "secret"), (Service::Azure, "sas_token"), (Service::Gcs, "service_account")]
        {
            assert!(refusal(403, "AccessDenied").help(service).unwrap().contains(key), "{service:?}");
        }
    }

    #[test]
    fn what_is_locked_is_not_what_may_not_be_done() {
        for (status, code, message) in [
            (403, "AccessDenied", "Access Denied because object protected by object lock."),
            (400, "InvalidRequest", "Object is WORM protected and cannot be overwritten"),
        ] {
            let body = format!("<Error><Code>{code}</Code><Message>{message}</Message></Error>");
            assert_eq!(Refusal::read(status, None, None, &body).kind(), StoreErrorKind::Locked, "{message}");
        }
        let body = "<Code>InvalidRequest</Code><Message>Bucket is missing Object Lock Configuration</Message>";
        let refusal = Refusal::read(400, None, None, body);
        assert_eq!(refusal.kind(), StoreErrorKind::Other);
        assert!(refusal.help(Service::S3).unwrap().contains("`object_lock:`"));
    }

    #[test]
    fn the_key_that_a_server_does_not_know_is_named() {
        let unknown = |header: &str| {
            let body = format!("<Error><Code>NotImplemented</Code><Header>{header}</Header></Error>");
            Refusal::read(501, None, None, &body).help(Service::S3)
        };
        assert!(unknown("x-amz-storage-class").unwrap().contains("`storage_class:`"));
        assert!(unknown("X-Amz-Server-Side-Encryption-Aws-Kms-Key-Id").unwrap().contains("`server_side_encryption:`"));
        assert_eq!(unknown("If-None-Match"), None);
        assert!(refusal(400, "KMS.NotFoundException").help(Service::S3).unwrap().contains("`server_side_encryption:`"));
    }

    #[test]
    fn a_server_s_words_are_cut_and_cleaned() {
        let long = Refusal::read(400, None, None, &format!("<Message>\x1b[2J{}</Message>", "x".repeat(10_000)));
        assert!(long.to_string().len() < 400);
        assert!(!long.to_string().contains('\x1b'));
    }
}
