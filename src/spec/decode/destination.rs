//! `destinations:`.

use super::Decoder;
use super::cursor::{At, Map};
use super::secret::Literal;
use super::template::Scope;
use crate::destination::{Addressing, Destination, DestinationKind, Local, S3};
use crate::value::{Template, Value};
use std::collections::BTreeMap;

impl Decoder {
    /// All destinations that are right.
    pub(super) fn destinations(&mut self, at: &At<'_>) -> BTreeMap<String, Destination> {
        let Some(map) = self.map(at) else { return BTreeMap::new() };
        let mut destinations = BTreeMap::new();
        for field in map.into_fields() {
            self.seen_destinations.insert(field.name.to_owned(), field.key_span().clone());
            if !self.name_fits(&field, "a destination's name") {
                continue;
            }
            if let Some(kind) = self.destination(&field) {
                destinations.insert(field.name.to_owned(), Destination { name: field.name.to_owned(), kind });
            }
        }
        destinations
    }

    fn destination(&mut self, at: &At<'_>) -> Option<DestinationKind> {
        let mut map = self.map(at)?;
        let (local, s3) = (map.take("local"), map.take("s3"));
        let key = map.key().clone();
        self.done(map);
        match (local, s3) {
            (Some(local), None) => self.local(&local).map(DestinationKind::Local),
            (None, Some(s3)) => self.s3(&s3).map(|s3| DestinationKind::S3(Box::new(s3))),
            (Some(_), Some(second)) => {
                let message = format!("`{}` is both `local` and `s3`", at.name);
                self.faults.error("value-invalid", second.key_span(), message).help("make two destinations of it");
                None
            }
            (None, None) => {
                let message = format!("`{}` does not say what it is", at.name);
                self.faults.error("missing-key", &key, message).help("for example `local: {path: /var/backups}` or `s3: {endpoint: …, bucket: …}`");
                None
            }
        }
    }

    fn local(&mut self, at: &At<'_>) -> Option<Local> {
        let mut map = self.map(at)?;
        let path = self.require(&mut map, "path", "/var/backups");
        let create = map.take("create");
        self.done(map);
        let create = create.map_or(Some(true), |at| self.boolean(&at));
        let path = path?;
        let value = self.value(&path, Scope::destination(), Literal::Allowed)?;
        if let Value::Text(template) = &value
            && !self.absolute(&path, &template.to_string())
        {
            return None;
        }
        Some(Local { path: value, create: create? })
    }

    fn s3(&mut self, at: &At<'_>) -> Option<S3> {
        let mut map = self.map(at)?;
        let bucket = self.require(&mut map, "bucket", "my-backups");
        let [endpoint, region, prefix, addressing, ca_file, allow_http] =
            ["endpoint", "region", "prefix", "addressing", "ca_file", "allow_http"].map(|name| map.take(name));
        let [access_key, secret_key, session_token] = ["access_key", "secret_key", "session_token"].map(|name| map.take(name));
        self.s3_keys(&map, access_key.as_ref(), secret_key.as_ref(), session_token.as_ref());
        self.done(map);
        let default = if endpoint.is_some() { Addressing::Path } else { Addressing::Virtual };
        let ways = [("path", Addressing::Path), ("virtual", Addressing::Virtual)];
        let addressing = addressing.map_or(Some(default), |at| self.choice(&at, &ways));
        let allow_http = allow_http.map_or(Some(false), |at| self.boolean(&at)).unwrap_or(false);
        let mut some = |at: Option<At<'_>>, literal| at.and_then(|at| self.value(&at, Scope::destination(), literal));
        let (region, bucket) = (some(region, Literal::Allowed), some(bucket, Literal::Allowed));
        let access_key = some(access_key, Literal::Allowed);
        let (secret_key, session_token) = (some(secret_key, Literal::Refused), some(session_token, Literal::Refused));
        Some(S3 {
            endpoint: endpoint.and_then(|at| self.s3_endpoint(&at, allow_http)),
            region,
            access_key,
            secret_key,
            session_token,
            prefix: prefix.and_then(|at| self.prefix(&at)),
            addressing: addressing?,
            ca_file: ca_file.and_then(|at| self.path_template(&at, Scope::destination())),
            allow_http,
            bucket: bucket?,
        })
    }

    fn s3_keys(&mut self, map: &Map<'_>, access: Option<&At<'_>>, secret: Option<&At<'_>>, token: Option<&At<'_>>) {
        self.pair(map, "access_key", access, "secret_key", secret);
        if let (Some(token), None) = (token, secret) {
            self.faults.error("missing-key", token.key_span(), "`session_token` without `access_key` and `secret_key`");
        }
    }

    fn s3_endpoint(&mut self, at: &At<'_>, allow_http: bool) -> Option<Value> {
        let value = self.value(at, Scope::destination(), Literal::Allowed)?;
        if let Some(text) = value.text().map(Template::to_string) {
            if !self.web_address(at, &text) {
                return None;
            }
            if text.starts_with("http://") && !allow_http && !is_loopback(&text) {
                let message = "`http://` sends everything in the clear, archives included";
                let found = self.faults.error("plain-http", at.span(), message);
                found.help("use `https://`, with `ca_file:` for a certificate of your own; or say `allow_http: true`");
            }
        }
        Some(value)
    }

    fn prefix(&mut self, at: &At<'_>) -> Option<Value> {
        let value = self.value(at, Scope::destination(), Literal::Allowed)?;
        if let Some(text) = value.text().map(Template::to_string) {
            if text.starts_with('/') {
                let message = "`prefix` begins with `/`, which makes a folder without a name";
                self.faults.error("value-invalid", at.span(), message).label(format!("write `{}`", text.trim_start_matches('/')));
                return None;
            }
            if !text.is_empty() && !text.ends_with('/') {
                let message = format!("`prefix` does not end in `/`: objects are called `{text}NAME`");
                self.faults.warning("prefix-without-slash", at.span(), message).label(format!("did you mean `{text}/`?"));
            }
        }
        Some(value)
    }
}

/// Whether an address is this machine's own.
pub(super) fn is_loopback(address: &str) -> bool {
    let rest = address.split_once("://").map_or(address, |(_, rest)| rest);
    let authority = rest.split('/').next().unwrap_or("");
    let authority = authority.rsplit('@').next().unwrap_or("");
    let host = match authority.strip_prefix('[') {
        Some(v6) => v6.split(']').next().unwrap_or(""),
        None => authority.split(':').next().unwrap_or(""),
    };
    host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback())
}
