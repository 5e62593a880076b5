//! Destinations behind servers that are no object storage.

use super::fields::{Decoder, Field};
use super::scalar::Holds;
use crate::destination::{Rclone, Sftp, WebDav};
use crate::value::Value;
use std::collections::BTreeMap;

impl Decoder<'_> {
    pub(super) fn sftp(&mut self, field: &Field<'_>) -> Option<Sftp> {
        let mut fields = self.fields(field)?;
        let holds = Holds { source: false, time: false, ..Holds::at_run(None) };
        let host = fields.need("host", self, "the host's name or address, or a `Host` of the SSH configuration");
        let host = host.and_then(|f| self.host(&f, holds));
        let port = fields.take("port", self).and_then(|f| self.integer(&f, 1, 65_535));
        let user = fields.take("user", self).and_then(|f| self.value(&f, holds));
        let path = fields.need("path", self, "the folder on that host").and_then(|f| self.remote_path(&f, holds));
        let create = fields.take("create", self).and_then(|f| self.boolean(&f)).unwrap_or(true);
        let identity_file = fields.take("identity_file", self).and_then(|f| self.path(&f, holds));
        let known_hosts = fields.take("known_hosts", self).and_then(|f| self.path(&f, holds));
        if let Some(key) = fields.quietly("password") {
            let message = "`ssh` takes a password from nobody but who types it";
            let help = "use a key, `identity_file:`, or the agent of the user who runs the job";
            self.report.error("password-refused", &key.span, message).help(help);
        }
        fields.finish(self);
        let port = port.and_then(|port| u16::try_from(port).ok());
        Some(Sftp { host: host?, port, user, path: path?, create, identity_file, known_hosts })
    }

    pub(super) fn webdav(&mut self, field: &Field<'_>) -> Option<WebDav> {
        let mut fields = self.fields(field)?;
        let holds = Holds { source: false, time: false, ..Holds::at_run(None) };
        let address = fields.need("url", self, "the folder's address: https://dav.example.org/backups/");
        let url = address.as_ref().and_then(|f| self.value(f, holds));
        let user = fields.take("user", self).and_then(|f| self.value(&f, holds));
        let password = fields.take("password", self).and_then(|f| self.secret(&f, holds));
        self.together(&fields, "user", "password");
        let create = fields.take("create", self).and_then(|f| self.boolean(&f)).unwrap_or(true);
        let ca_file = fields.take("ca_file", self).and_then(|f| self.path(&f, holds));
        let allow_http = fields.take("allow_http", self).and_then(|f| self.boolean(&f)).unwrap_or(false);
        fields.finish(self);
        if let Some(field) = &address {
            self.endpoint_is_safe(field, url.as_ref(), allow_http);
            self.names_no_user(field, url.as_ref());
        }
        Some(WebDav { url: url?, user, password, create, ca_file, allow_http })
    }

    /// An address without a user, whose password would stand there for all to read.
    fn names_no_user(&mut self, field: &Field<'_>, url: Option<&Value>) {
        let text = url.and_then(Value::text).map(ToString::to_string).unwrap_or_default();
        let authority = text.split_once("://").and_then(|(_, rest)| rest.split('/').next()).unwrap_or_default();
        if authority.contains('@') {
            self.masked.push(field.span().clone());
            let message = "the address names a user";
            self.report
                .error("endpoint-invalid", field.span(), message)
                .help("write `user:` and `password:` beside it");
        }
    }

    pub(super) fn rclone(&mut self, field: &Field<'_>) -> Option<Rclone> {
        let mut fields = self.fields(field)?;
        let holds = Holds { source: false, time: false, ..Holds::at_run(None) };
        let remote = fields.need("remote", self, "as rclone is told: `NAME:PATH`");
        let remote = remote.and_then(|f| self.remote(&f, holds));
        let config = fields.take("config", self).and_then(|f| self.path(&f, holds));
        let env = fields.take("env", self).map(|f| self.variables(&f, holds)).unwrap_or_default();
        let program = fields.take("program", self).and_then(|f| self.absolute(&f));
        fields.finish(self);
        Some(Rclone { remote: remote?, config, env, program })
    }

    /// `NAME:PATH`, which is no option and no folder of this host.
    fn remote(&mut self, field: &Field<'_>, holds: Holds) -> Option<Value> {
        let value = self.value(field, holds)?;
        let Some(text) = value.text().map(ToString::to_string) else { return Some(value) };
        if text.starts_with('-') || !text.contains(':') {
            let diagnostic = self.report.error("remote-invalid", field.span(), format!("`{text}` is no remote"));
            if text.starts_with('/') {
                diagnostic.help("a folder of this host is `local: {path: …}`");
            } else {
                diagnostic.help("write `NAME:PATH`, the name as `rclone listremotes` prints it");
            }
        }
        Some(value)
    }

    /// Variables with their values.
    fn variables(&mut self, field: &Field<'_>, holds: Holds) -> BTreeMap<String, Value> {
        let mut env = BTreeMap::new();
        for (name, key, field) in self.named(field) {
            let valid = self.is_variable(&key.span, &name);
            let Some(value) = self.value(&field, holds) else { continue };
            self.looks_like_a_secret(&name, &field, &value);
            if valid {
                env.insert(name, value);
            }
        }
        env
    }

    /// A host alone, which no program takes for an option.
    fn host(&mut self, field: &Field<'_>, holds: Holds) -> Option<Value> {
        let value = self.value(field, holds)?;
        let Some(text) = value.text().map(ToString::to_string) else { return Some(value) };
        let fault = if text.contains("://") {
            Some("it is an address: write the host alone, and `port:`, `user:` and `path:` beside it")
        } else if text.contains('@') {
            Some("it names a user: write `user:` beside it")
        } else if text.is_empty() || text.starts_with('-') || text.contains(['/', ' ']) {
            Some("write a name such as `backup.example.org`, or an address")
        } else {
            None
        };
        if let Some(help) = fault {
            self.report.error("host-invalid", field.span(), format!("`{text}` is no host")).help(help);
        }
        Some(value)
    }

    /// A path on another host, where no shell reads it.
    fn remote_path(&mut self, field: &Field<'_>, holds: Holds) -> Option<Value> {
        let value = self.value(field, holds)?;
        let text = value.text().map(ToString::to_string).unwrap_or_default();
        if let Some(rest) = text.strip_prefix("~/") {
            let message = "`~` is a folder's name to sftp, not the user's home";
            let diagnostic = self.report.error("relative-path", field.span(), message);
            diagnostic.label(format!("write `{rest}`")).help("a relative path begins where the session does: at home");
        }
        Some(value)
    }
}
