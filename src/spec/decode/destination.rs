//! `destinations:` and `etcd:`.

use super::fields::{Decoder, Field, Fields};
use super::scalar::Holds;
use crate::contract::{Etcd, EtcdApi};
use crate::destination::{Addressing, Destination, DestinationKind, Local, S3};
use crate::value::{Reference, Value};

impl Decoder<'_> {
    pub(super) fn destination(&mut self, name: String, field: &Field<'_>) -> Option<Destination> {
        let mut fields = self.fields(field)?;
        let kind = self.one_of(&mut fields, &["local", "s3"], "a destination");
        let local = fields.take("local", self);
        let s3 = fields.take("s3", self);
        fields.finish(self);
        let kind = match kind? {
            "local" => self.local(&local?).map(DestinationKind::Local),
            _ => self.s3(&s3?).map(|s3| DestinationKind::S3(Box::new(s3))),
        };
        Some(Destination { name, kind: kind? })
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
                self.report.error("missing-key", &fields.span, format!("{what} needs one of {known}"));
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
        let (region, prefix, access_key) = (value("region", self), value("prefix", self), value("access_key", self));
        let bucket =
            fields.need("bucket", self, "the bucket's name; the bucket must exist").and_then(|f| self.value(&f, holds));
        let secret_key = fields.take("secret_key", self).and_then(|f| self.secret(&f, holds));
        let session_token = fields.take("session_token", self).and_then(|f| self.secret(&f, holds));
        if fields.has("access_key") != fields.has("secret_key") {
            let message = "`access_key` and `secret_key` go together";
            self.report
                .error("missing-key", field.span(), message)
                .help("leave both out for a bucket that everybody may write to");
        }
        let default = if endpoint_field.is_some() { Addressing::Path } else { Addressing::Virtual };
        let words = [("path", Addressing::Path), ("virtual", Addressing::Virtual)];
        let addressing = fields.take("addressing", self).and_then(|f| self.word(&f, &words)).unwrap_or(default);
        let ca_file = fields.take("ca_file", self).and_then(|f| self.template(&f, holds));
        let allow_http = fields.take("allow_http", self).and_then(|f| self.boolean(&f)).unwrap_or(false);
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
        })
    }

    fn endpoint_is_safe(&mut self, field: &Field<'_>, endpoint: Option<&Value>, allow_http: bool) {
        let Some(text) = endpoint.and_then(Value::text).map(ToString::to_string) else { return };
        if let Some(rest) = text.strip_prefix("http://") {
            if !allow_http && !is_loopback(rest) {
                let message = "plain http to another machine: everybody on the way reads the archives";
                self.report
                    .error("plain-http", field.span(), message)
                    .help("use https://, or say `allow_http: true` where the network is yours alone");
            }
        } else if !text.starts_with("https://") {
            let message = format!("`{text}` is no address: it begins with neither https:// nor http://");
            self.report.error("endpoint-invalid", field.span(), message);
        }
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
        if fields.has("user") != fields.has("password") {
            self.report.error("missing-key", field.span(), "`user` and `password` go together");
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
            if text.starts_with("http://") || text.starts_with("https://") {
                endpoints.push(text);
            } else {
                let message = format!("`{text}` is no address: it begins with neither http:// nor https://");
                self.report.error("endpoint-invalid", item.span(), message);
            }
        }
        if endpoints.is_empty() {
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
