//! Destinations in the object storage of Azure and Google.

use super::fields::{Decoder, Field, Fields};
use super::scalar::Holds;
use crate::destination::{Azure, Gcs};
use crate::value::{Template, Value};

/// What the destinations here have in common.
struct Common {
    endpoint: Option<Value>,
    prefix: Option<Value>,
    ca_file: Option<Template>,
    allow_http: bool,
}

impl Decoder<'_> {
    pub(super) fn azure(&mut self, field: &Field<'_>) -> Option<Azure> {
        let mut fields = self.fields(field)?;
        let holds = Holds { source: false, time: false, ..Holds::at_run(None) };
        let account = fields.need("account", self, "the storage account's name").and_then(|f| self.value(&f, holds));
        let container = fields.need("container", self, "the container's name; the container must exist");
        let container = container.and_then(|f| self.value(&f, holds));
        self.one_of(&mut fields, &["access_key", "sas_token"], "a container of Azure's");
        let access_key = fields.take("access_key", self).and_then(|f| self.secret(&f, holds));
        let sas_token = fields.take("sas_token", self).and_then(|f| self.secret(&f, holds));
        let Common { endpoint, prefix, ca_file, allow_http } = self.common(&mut fields, holds);
        fields.finish(self);
        let (account, container) = (account?, container?);
        Some(Azure { endpoint, account, container, access_key, sas_token, prefix, ca_file, allow_http })
    }

    pub(super) fn gcs(&mut self, field: &Field<'_>) -> Option<Gcs> {
        let mut fields = self.fields(field)?;
        let holds = Holds { source: false, time: false, ..Holds::at_run(None) };
        let bucket = fields.need("bucket", self, "the bucket's name; the bucket must exist");
        let bucket = bucket.and_then(|f| self.value(&f, holds));
        let help = "a reference to the JSON key of a service account: {file: /etc/eightbells/gcs.json}";
        let service_account = fields.need("service_account", self, help).and_then(|f| self.secret(&f, holds));
        let Common { endpoint, prefix, ca_file, allow_http } = self.common(&mut fields, holds);
        fields.finish(self);
        Some(Gcs { endpoint, bucket: bucket?, service_account: service_account?, prefix, ca_file, allow_http })
    }

    fn common(&mut self, fields: &mut Fields<'_>, holds: Holds) -> Common {
        let endpoint_field = fields.take("endpoint", self);
        let endpoint = endpoint_field.as_ref().and_then(|f| self.value(f, holds));
        let prefix = fields.take("prefix", self).and_then(|f| self.prefix(&f, holds));
        let ca_file = fields.take("ca_file", self).and_then(|f| self.path(&f, holds));
        let allow_http = fields.take("allow_http", self).and_then(|f| self.boolean(&f)).unwrap_or(false);
        if let Some(field) = &endpoint_field {
            self.endpoint_is_safe(field, endpoint.as_ref(), allow_http);
        }
        Common { endpoint, prefix, ca_file, allow_http }
    }
}
