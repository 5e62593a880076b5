//! Requests to a WebDAV server.

use super::multistatus::{self, Resource};
use super::refusal;
use crate::run::store::again::again;
use crate::run::store::sent::Sent;
use crate::run::store::{StoreError, StoreErrorKind};
use reqwest::header::HeaderMap;
use reqwest::{Certificate, Client, Method, RequestBuilder, Response, Url};
use secrecy::{ExposeSecret, SecretString};
use std::time::Duration;

/// How long a server may take to accept a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a request without a body may take before its answer begins; a list of thousands is made in that time.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(60);
/// The longest list that is read, in bytes: some 300,000 files.
const LIST_MAX_BYTES: usize = 256 << 20;
/// What is asked of a resource.
const ASKED: &str = "<?xml version=\"1.0\" encoding=\"utf-8\"?><propfind xmlns=\"DAV:\"><prop><resourcetype/><getcontentlength/>\
                     <quota-available-bytes/></prop></propfind>";

/// Where a folder is, and how to get in.
#[derive(Debug, Clone)]
pub struct WebDavOptions {
    /// The destination's name in the spec.
    pub destination: String,
    /// The folder's address.
    pub url: String,
    /// Who logs in.
    pub user: Option<String>,
    /// With what.
    pub password: Option<SecretString>,
    /// Whether the folder is made where it is missing.
    pub create: bool,
    /// Certificates in PEM form to trust besides the system's.
    pub ca_pem: Option<Vec<u8>>,
    /// Whether `http://` to another machine is allowed.
    pub allow_http: bool,
}

/// A folder's server.
#[derive(Debug)]
pub(super) struct Server {
    client: Client,
    pub(super) root: Url,
    pub(super) options: WebDavOptions,
}

impl Server {
    pub(super) fn open(options: WebDavOptions) -> Result<Self, StoreError> {
        let wrong = |what: String| {
            StoreError::new(StoreErrorKind::Other, format!("the destination `{}`: {what}", options.destination))
        };
        let mut root = Url::parse(&options.url)
            .map_err(|error| wrong(format!("`url: {}` is no address", options.url)).because(error))?;
        let here = matches!(root.host_str(), Some("localhost" | "127.0.0.1" | "[::1]"));
        match root.scheme() {
            "https" => {}
            "http" if here || options.allow_http => {}
            "http" => {
                return Err(wrong("plain http would carry the password and the archives unencrypted".into())
                    .help("use https://, or say `allow_http: true` where the network is yours alone"));
            }
            other => return Err(wrong(format!("`{other}:` is not a scheme for WebDAV, https: is"))),
        }
        if !root.path().ends_with('/') {
            root.set_path(&format!("{}/", root.path()));
        }
        let client = client(&options, root.scheme() == "http").map_err(|error| {
            wrong("no connection can be set up".into())
                .because(error)
                .help("if the host has no certificates: install them (Debian: ca-certificates), or give `ca_file:`")
        })?;
        Ok(Self { client, root, options })
    }

    /// For people, without anything secret.
    pub(super) fn place(&self) -> String {
        let mut url = self.root.clone();
        let _ = url.set_password(None);
        url.to_string()
    }

    /// The address of a name in the folder.
    pub(super) fn url(&self, name: &str) -> Url {
        let mut url = self.root.clone();
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().push(name);
        }
        url
    }

    pub(super) fn request(&self, method: &str, url: Url) -> RequestBuilder {
        let method = Method::from_bytes(method.as_bytes()).unwrap_or(Method::GET);
        let request = self.client.request(method, url);
        match &self.options.user {
            None => request,
            Some(user) => request.basic_auth(user, self.options.password.as_ref().map(ExposeSecret::expose_secret)),
        }
    }

    /// Sends a request; an answer that is no success is an error.
    pub(super) async fn send(&self, doing: &str, request: RequestBuilder) -> Result<Response, StoreError> {
        self.send_within(doing, request, ANSWER_TIMEOUT).await
    }

    pub(super) async fn send_within(
        &self,
        doing: &str,
        request: RequestBuilder,
        time: Duration,
    ) -> Result<Response, StoreError> {
        self.send_unless_silent(doing, request, (&Sent::begun(), time)).await
    }

    /// The same, of a request whose body tells when it is taken; it may be slow for as long as it likes.
    pub(super) async fn send_unless_silent(
        &self,
        doing: &str,
        request: RequestBuilder,
        (sent, time): (&Sent, Duration),
    ) -> Result<Response, StoreError> {
        let doing = format!("{doing} at {}", self.place());
        let answer = sent.unless_silent(time, request.send()).await;
        let answer = answer.ok_or_else(|| {
            let message = format!("{doing}: no answer within {} s", time.as_secs());
            StoreError::new(StoreErrorKind::Busy, message)
        })?;
        let answer = answer.map_err(|error| refusal::of_transport(&doing, error))?;
        if answer.status().is_success() {
            Ok(answer)
        } else {
            Err(refusal::of_answer(&doing, answer.status().as_u16(), answer.headers()))
        }
    }

    /// What lies at an address: `depth` 0 for it alone, 1 with what is in it.
    pub(super) async fn find(&self, doing: &str, url: &Url, depth: &str) -> Result<Vec<Resource>, StoreError> {
        again(|_| self.find_once(doing, url, depth)).await
    }

    async fn find_once(&self, doing: &str, url: &Url, depth: &str) -> Result<Vec<Resource>, StoreError> {
        let request = self.request("PROPFIND", url.clone()).header("Depth", depth).body(ASKED);
        let request = request.header("Content-Type", "application/xml; charset=utf-8");
        let mut answer = self.send(doing, request).await?;
        let mut text = vec![];
        let failed = |error| refusal::of_transport(&format!("{doing} at {}", self.place()), error);
        while let Some(piece) = answer.chunk().await.map_err(failed)? {
            text.extend_from_slice(&piece);
            if text.len() > LIST_MAX_BYTES {
                return Err(StoreError::new(StoreErrorKind::Other, format!("{doing}: the list is too long")));
            }
        }
        multistatus::parse(&String::from_utf8_lossy(&text)).map_err(|error| {
            StoreError::new(StoreErrorKind::Other, format!("{doing} at {}", self.place()))
                .because(error)
                .help("is `url:` a WebDAV folder?")
        })
    }

    /// A request without a body that may be made twice.
    pub(super) async fn ask(
        &self,
        doing: &str,
        method: &str,
        url: &Url,
        headers: &HeaderMap,
    ) -> Result<Response, StoreError> {
        again(|_| self.send(doing, self.request(method, url.clone()).headers(headers.clone()))).await
    }
}

fn client(options: &WebDavOptions, plain: bool) -> Result<Client, reqwest::Error> {
    // Another part of the program may have chosen one already; any will do.
    crate::run::tls::install_provider();
    let own = options.ca_pem.as_deref().map(Certificate::from_pem_bundle).transpose()?.unwrap_or_default();
    let builder =
        || Client::builder().no_proxy().connect_timeout(CONNECT_TIMEOUT).redirect(reqwest::redirect::Policy::none());
    // A client for plain http cannot be made on a host without certificates either, unless it is told not to look.
    if plain {
        return builder().tls_certs_only(own).build();
    }
    match builder().tls_certs_merge(own.clone()).build() {
        Err(_) if !own.is_empty() => builder().tls_certs_only(own).build(),
        other => other,
    }
}
