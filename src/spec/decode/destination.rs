//! `destinations:` and `etcd:`.

use super::fields::{Decoder, Field, Fields};
use super::s3::Storing;
use super::scalar::Holds;
use crate::contract::{Etcd, EtcdApi};
use crate::destination::{Addressing, Destination, DestinationKind, Limit, Local, S3};
use crate::spec::places::Place;
use crate::spec::yaml::Content;
use crate::value::{Reference, Value};

/// What a destination can be.
const KINDS: [&str; 7] = ["local", "s3", "azure", "gcs", "sftp", "webdav", "rclone"];

impl Decoder<'_> {
    pub(super) fn destination(&mut self, name: String, field: &Field<'_>) -> Option<Destination> {
        let mut fields = self.fields(field)?;
        let kind = self.one_of(&mut fields, &KINDS, "a destination");
        let limit = fields.take("limit", self).map(|f| self.limit(&f)).unwrap_or_default();
        let taken = KINDS.map(|kind| fields.take(kind, self));
        fields.finish(self);
        let kind = kind?;
        let field = KINDS.into_iter().zip(taken).find(|(name, _)| *name == kind)?.1?;
        let kind = match kind {
            "local" => self.local(&field).map(DestinationKind::Local),
            "azure" => self.azure(&field).map(|azure| DestinationKind::Azure(Box::new(azure))),
            "gcs" => self.gcs(&field).map(|gcs| DestinationKind::Gcs(Box::new(gcs))),
            "sftp" => self.sftp(&field).map(|sftp| DestinationKind::Sftp(Box::new(sftp))),
            "webdav" => self.webdav(&field).map(|webdav| DestinationKind::Webdav(Box::new(webdav))),
            "rclone" => self.rclone(&field).map(|rclone| DestinationKind::Rclone(Box::new(rclone))),
            _ => self.s3(&field).map(|s3| DestinationKind::S3(Box::new(s3))),
        };
        Some(Destination { name, kind: kind?, limit })
    }

    /// One rate for both ways, or a rate for each.
    fn limit(&mut self, field: &Field<'_>) -> Limit {
        if !matches!(field.node.content, Content::Map(_)) {
            let rate = self.rate(field);
            for way in ["upload", "download"] {
                let place = Place { span: field.span().clone(), origin: field.node.origin };
                self.places.insert(format!("{}.{way}", field.route), place);
            }
            return Limit { upload: rate, download: rate };
        }
        let Some(mut fields) = self.fields(field) else { return Limit::default() };
        let (upload, download) = (fields.take("upload", self), fields.take("download", self));
        if upload.is_none() && download.is_none() {
            let message = "`limit` has neither `upload` nor `download`";
            self.report.error("missing-key", &fields.span, message).help("for example {upload: 10MiB/s}");
        }
        fields.finish(self);
        let mut rate = |field: Option<Field<'_>>| field.and_then(|f| self.rate(&f));
        Limit { upload: rate(upload), download: rate(download) }
    }

    /// Exactly one of several keys; says so otherwise.
    pub(super) fn one_of(
        &mut self,
        fields: &mut Fields<'_>,
        keys: &[&'static str],
        what: &str,
    ) -> Option<&'static str> {
        let known = keys.iter().map(|k| format!("`{k}`")).collect::<Vec<_>>().join(", ");
        match fields.present(keys).as_slice() {
            [one] => Some(one),
            [] => {
                let message = format!("`{}` has none of {known}", fields.name);
                self.report.error("missing-key", &fields.span, message).label("one of them is needed");
                None
            }
            [first, second, ..] => {
                let span = fields.key_span(second).unwrap_or_else(|| fields.span.clone());
                let message = format!("`{second}` beside `{first}`: {what} has exactly one of {known}");
                let also = fields.key_span(first);
                let diagnostic = self.report.error("too-many-keys", &span, message);
                if let Some(also) = also {
                    diagnostic.also(&also, "the other one");
                }
                None
            }
        }
    }

    fn local(&mut self, field: &Field<'_>) -> Option<Local> {
        let mut fields = self.fields(field)?;
        let holds = Holds { source: false, time: false, ..Holds::at_run(None) };
        let path = fields.need("path", self, "the folder's absolute path");
        let value = path.as_ref().and_then(|f| self.value(f, holds));
        if let (Some(field), Some(Value::Text(template))) = (&path, &value) {
            self.is_absolute(field, &template.to_string());
        }
        let create = fields.take("create", self).and_then(|f| self.boolean(&f)).unwrap_or(true);
        fields.finish(self);
        Some(Local { path: value?, create })
    }

    fn s3(&mut self, field: &Field<'_>) -> Option<S3> {
        let mut fields = self.fields(field)?;
        let holds = Holds { source: false, time: false, ..Holds::at_run(None) };
        let endpoint_field = fields.take("endpoint", self);
        let endpoint = endpoint_field.as_ref().and_then(|f| self.value(f, holds));
        let mut value = |key, decoder: &mut Self| {
            let taken: Option<Field<'_>> = fields.take(key, decoder);
            taken.and_then(|f| decoder.value(&f, holds))
        };
        let (region, access_key) = (value("region", self), value("access_key", self));
        let prefix = fields.take("prefix", self).and_then(|f| self.prefix(&f, holds));
        let bucket =
            fields.need("bucket", self, "the bucket's name; the bucket must exist").and_then(|f| self.value(&f, holds));
        let secret_key = fields.take("secret_key", self).and_then(|f| self.secret(&f, holds));
        let session_token = fields.take("session_token", self).and_then(|f| self.secret(&f, holds));
        self.together(&fields, "access_key", "secret_key");
        if fields.has("session_token") && !fields.has("secret_key") {
            self.together(&fields, "session_token", "secret_key");
        }
        let default = if endpoint_field.is_some() { Addressing::Path } else { Addressing::Virtual };
        let words = [("path", Addressing::Path), ("virtual", Addressing::Virtual)];
        let addressing = fields.take("addressing", self).and_then(|f| self.word(&f, &words)).unwrap_or(default);
        let ca_file = fields.take("ca_file", self).and_then(|f| self.path(&f, holds));
        let allow_http = fields.take("allow_http", self).and_then(|f| self.boolean(&f)).unwrap_or(false);
        let proxy = fields.take("proxy", self).and_then(|f| self.proxy(&f, holds));
        let Storing { storage_class, server_side_encryption, checksum, object_lock } = self.storing(&mut fields, holds);
        fields.finish(self);
        if let Some(endpoint_field) = &endpoint_field {
            self.endpoint_is_safe(endpoint_field, endpoint.as_ref(), allow_http);
        }
        let bucket = bucket?;
        Some(S3 {
            endpoint,
            region,
            bucket,
            access_key,
            secret_key,
            session_token,
            prefix,
            addressing,
            ca_file,
            allow_http,
            proxy,
            storage_class,
            server_side_encryption,
            checksum,
            object_lock,
        })
    }

    /// Tells where only one of two keys is there.
    pub(super) fn together(&mut self, fields: &Fields<'_>, one: &str, other: &str) {
        let (there, missing) = match (fields.key_span(one), fields.key_span(other)) {
            (Some(span), None) => (span, other),
            (None, Some(span)) => (span, one),
            (Some(_), Some(_)) | (None, None) => return,
        };
        let message = format!("`{one}` and `{other}` go together, and there is no `{missing}`");
        self.report.error("missing-key", &there, message);
    }

    pub(super) fn prefix(&mut self, field: &Field<'_>, holds: Holds) -> Option<Value> {
        let value = self.value(field, holds)?;
        let text = value.text().map(ToString::to_string).unwrap_or_default();
        if text.starts_with('/') {
            let message = "a prefix that begins with `/` makes a folder without a name";
            let right = text.trim_start_matches('/');
            self.report.error("prefix-invalid", field.span(), message).label(format!("write `{right}`"));
        } else if !text.is_empty() && !text.ends_with('/') {
            let message = format!("objects will be called `{text}NAME`: the prefix does not end in `/`");
            self.report.warning("prefix-without-slash", field.span(), message).label(format!("write `{text}/`"));
        }
        Some(value)
    }

    pub(super) fn endpoint_is_safe(&mut self, field: &Field<'_>, endpoint: Option<&Value>, allow_http: bool) {
        let Some(text) = endpoint.and_then(Value::text).map(ToString::to_string) else { return };
        if let Some(rest) = text.strip_prefix("http://")
            && !allow_http
            && !is_loopback(rest)
        {
            let message = "plain http to another machine: everybody on the way reads the archives";
            self.report
                .error("plain-http", field.span(), message)
                .help("use https://, or say `allow_http: true` where the network is yours alone");
        }
        self.is_address(field, &text);
    }

    /// Whether a text is the address of a server; tells where it is not.
    pub(super) fn is_address(&mut self, field: &Field<'_>, text: &str) -> bool {
        let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
        let Some(rest) = rest else {
            let message = format!("`{}` is no address: it begins with neither `https://` nor `http://`", field.name());
            let diagnostic = self.report.error("endpoint-invalid", field.span(), message);
            if !text.contains("://") {
                diagnostic.help("for example `https://s3.example.org` or `http://127.0.0.1:2379`");
            }
            return false;
        };
        let good = !rest.is_empty() && !rest.starts_with(['/', ':']) && !rest.contains(char::is_whitespace);
        if !good {
            let message = format!("`{}` is no address: it names no host", field.name());
            self.report.error("endpoint-invalid", field.span(), message);
        }
        good
    }

    pub(super) fn etcd(&mut self, field: &Field<'_>) -> Option<Etcd> {
        let mut fields = self.fields(field)?;
        let endpoints = fields.need("endpoints", self, "the addresses, for example [\"http://127.0.0.1:2379\"]");
        let endpoints = endpoints.map(|f| self.endpoints(&f)).unwrap_or_default();
        let words = [("v2", EtcdApi::V2), ("v3", EtcdApi::V3)];
        let api = fields.take("api", self).and_then(|f| self.word(&f, &words)).unwrap_or_default();
        let user = fields.take("user", self).and_then(|f| self.plain(&f));
        let password = fields.take("password", self);
        let holds = Holds { source: false, time: false, ..Holds::at_run(Some(false)) };
        let secret = password.as_ref().and_then(|f| self.secret(f, holds));
        if let (Some(field), Some(Value::Reference(Reference::Etcd(_)))) = (&password, &secret) {
            self.report.error("etcd-password-in-etcd", field.span(), "etcd's own password cannot be read from etcd");
        }
        for (one, other) in [("user", "password"), ("cert_file", "key_file")] {
            self.together(&fields, one, other);
        }
        let mut file = |key, decoder: &mut Self| {
            let taken: Option<Field<'_>> = fields.take(key, decoder);
            taken.and_then(|f| decoder.absolute(&f))
        };
        let (ca_file, cert_file, key_file) = (file("ca_file", self), file("cert_file", self), file("key_file", self));
        let timeout = fields.take("timeout", self).and_then(|f| self.duration(&f));
        fields.finish(self);
        let password = secret.and_then(|v| v.reference().cloned());
        Some(Etcd { endpoints, api, user, password, ca_file, cert_file, key_file, timeout })
    }

    fn endpoints(&mut self, field: &Field<'_>) -> Vec<String> {
        let mut endpoints = vec![];
        for item in self.items(field, true) {
            let Some(text) = self.plain(&item) else { continue };
            if self.is_address(&item, &text) {
                endpoints.push(text);
            }
        }
        if endpoints.is_empty() && matches!(&field.node.content, Content::List(items) if items.is_empty()) {
            self.report.error("empty-value", field.span(), "etcd needs at least one endpoint");
        }
        endpoints
    }
}

/// Whether what follows the scheme of an address names this machine.
pub(super) fn is_loopback(rest: &str) -> bool {
    let authority = rest.split('/').next().unwrap_or("");
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    let name = host
        .strip_prefix('[')
        .and_then(|h| h.split(']').next())
        .unwrap_or_else(|| host.split(':').next().unwrap_or(""));
    name == "localhost" || name == "::1" || (name.starts_with("127.") && name.parse::<std::net::Ipv4Addr>().is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_this_machine_is_loopback() {
        for address in ["127.0.0.1:9000", "localhost", "[::1]:9000/x", "127.1.2.3"] {
            assert!(is_loopback(address), "{address}");
        }
        for address in
            ["127.0.0.1.evil.example", "localhost.evil", "10.0.0.1", "[2001:db8::1]", "127.0.0.1@evil.example"]
        {
            assert!(!is_loopback(address), "{address}");
        }
    }
}
