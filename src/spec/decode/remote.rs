//! Destinations behind servers that are no object storage.

use super::fields::{Decoder, Field};
use super::scalar::Holds;
use crate::destination::Sftp;
use crate::value::Value;

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
