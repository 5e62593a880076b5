//! How an S3 destination stores objects, and the proxy in between.

use super::fields::{Decoder, Field, Fields};
use super::scalar::Holds;
use crate::destination::{Checksum, DestinationKind, Encryption, LockMode, ObjectLock};
use crate::diag::Span;
use crate::retention::Keep;
use crate::spec::yaml::Content;
use crate::value::{Value, format_duration};

/// What goes with each object.
pub(super) struct Storing {
    pub storage_class: Option<String>,
    pub server_side_encryption: Option<Encryption>,
    pub checksum: Option<Checksum>,
    pub object_lock: Option<ObjectLock>,
}

/// More than any service's storage class has, in bytes.
const STORAGE_CLASS_MAX: usize = 64;

impl Decoder<'_> {
    pub(super) fn storing(&mut self, fields: &mut Fields<'_>, holds: Holds) -> Storing {
        let storage_class = fields.take("storage_class", self).and_then(|f| self.storage_class(&f));
        let server_side_encryption =
            fields.take("server_side_encryption", self).and_then(|f| self.server_side_encryption(&f, holds));
        let words = [("sha256", Checksum::Sha256), ("crc64nvme", Checksum::Crc64nvme)];
        let checksum = fields.take("checksum", self).and_then(|f| self.word(&f, &words));
        let object_lock = fields.take("object_lock", self).and_then(|f| self.object_lock(&f));
        Storing { storage_class, server_side_encryption, checksum, object_lock }
    }

    /// Every service has classes of its own, so that the shape alone is looked at.
    fn storage_class(&mut self, field: &Field<'_>) -> Option<String> {
        let class = self.plain(field)?;
        let shaped = class.len() <= STORAGE_CLASS_MAX
            && class.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'));
        if !shaped {
            let message = format!("`{class}` is no storage class");
            self.report
                .error("storage-class-invalid", field.span(), message)
                .help("write it as the service does: `STANDARD_IA`, `GLACIER_IR`");
            return None;
        }
        Some(class)
    }

    fn server_side_encryption(&mut self, field: &Field<'_>, holds: Holds) -> Option<Encryption> {
        if !matches!(field.node.content, Content::Map(_)) {
            let is_kms = self.word(field, &[("aes256", false), ("kms", true)])?;
            return Some(if is_kms { Encryption::Kms } else { Encryption::Aes256 });
        }
        let mut fields = self.fields(field)?;
        let key = fields.need("kms_key_id", self, "the key's id, ARN or alias; without one write `kms`");
        let key = key.and_then(|f| self.value(&f, holds));
        if let Some(customer) = ["customer_key", "sse_customer_key"].into_iter().find_map(|key| fields.quietly(key)) {
            let message = "keys of the customer's (SSE-C) are not spoken here";
            let help = "`archive: {encrypt: …}` encrypts before anything is sent, with keys that no server sees";
            self.report.error("customer-key-refused", &customer.span, message).help(help);
        }
        fields.finish(self);
        key.map(Encryption::KmsKeyId)
    }

    fn object_lock(&mut self, field: &Field<'_>) -> Option<ObjectLock> {
        let mut fields = self.fields(field)?;
        let words = [("governance", LockMode::Governance), ("compliance", LockMode::Compliance)];
        let mode = fields.take("mode", self).and_then(|f| self.word(&f, &words));
        let lasts = fields.take("for", self).and_then(|f| self.duration(&f));
        let legal_hold = fields.take("legal_hold", self).and_then(|f| self.boolean(&f)).unwrap_or(false);
        self.together(&fields, "mode", "for");
        let empty = fields.present(&["mode", "for", "legal_hold"]).is_empty();
        fields.finish(self);
        if empty {
            let message = "this does not say what locks an archive";
            self.report
                .error("object-lock-invalid", field.span(), message)
                .help("write `{mode: governance, for: 30d}`, `{mode: compliance, for: 30d}` or `{legal_hold: true}`");
            return None;
        }
        Some(ObjectLock { mode, lasts, legal_hold })
    }

    /// The address of a proxy. What holds a password is a reference as a whole.
    pub(super) fn proxy(&mut self, field: &Field<'_>, holds: Holds) -> Option<Value> {
        let value = self.value(field, holds)?;
        let Some(text) = value.text().map(ToString::to_string) else { return Some(value) };
        let authority = text.split_once("://").and_then(|(_, rest)| rest.split('/').next()).unwrap_or_default();
        if authority.contains('@') {
            self.masked.push(field.span().clone());
            let message = "the proxy's address holds a user, whose password would stand there for all to read";
            self.report
                .error("secret-in-spec", field.span(), message)
                .help("keep the whole address elsewhere: `proxy: {file: PATH}`, or another reference");
            return None;
        }
        self.is_address(field, &text).then_some(value)
    }

    /// What a policy lets go before the lock does stays all the same.
    pub(super) fn lock_outlives_keep(&mut self, place: &Span, kind: &DestinationKind, keep: &Keep) {
        let (DestinationKind::S3(s3), Keep::Policy(policy)) = (kind, keep) else { return };
        let Some(ObjectLock { mode: _, lasts, legal_hold }) = &s3.object_lock else { return };
        let message = match (lasts, policy.longest()) {
            (_, _) if *legal_hold => {
                "`keep` lets nothing go here: archives stay until somebody takes their legal hold away".to_owned()
            }
            (Some(lasts), Some(kept)) if kept < *lasts => {
                let (kept, lasts) = (format_duration(kept), format_duration(*lasts));
                format!("`keep` lets archives go after {kept} at the latest, and their lock holds them for {lasts}")
            }
            (Some(_) | None, _) => return,
        };
        self.report
            .warning("lock-outlives-keep", place, message)
            .help("pruning tells of what is locked and leaves it; keep archives at least as long as they are locked");
    }
}
