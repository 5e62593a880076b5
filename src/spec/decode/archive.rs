//! `archive:`.

use super::fields::{Decoder, Field};
use super::scalar::Holds;
use crate::archive::{
    Archive, ArchiveName, Compression, Encrypt, FRAME_MAX_BYTES, FRAME_MIN_BYTES, RecipientError, recipient_kind,
};
use crate::spec::yaml::Content;
use crate::value::Bytes;

/// How many threads may compress.
const THREADS_MAX: i64 = 64;

impl Decoder<'_> {
    pub(super) fn archive(
        &mut self,
        field: Option<&Field<'_>>,
        instances: bool,
        global: bool,
        sources: usize,
    ) -> Archive {
        let default = Archive { name: ArchiveName::for_job(instances, global), ..Archive::default() };
        let Some(field) = field else { return default };
        let Some(mut fields) = self.fields(field) else { return default };
        let name_field = fields.take("name", self);
        let holds = Holds::at_run(Some(instances));
        let name =
            name_field.as_ref().and_then(|f| self.archive_name(f, Holds { percent: true, ..holds }, global, sources));
        let compression =
            fields.take("compression", self).and_then(|f| self.compression(&f)).unwrap_or(default.compression);
        let frame_size = fields.take("frame_size", self).and_then(|f| self.frame_size(&f));
        let encrypt = fields.take("encrypt", self).and_then(|f| self.encrypt(&f, holds));
        let timezone = fields.take("timezone", self).and_then(|f| self.timezone(&f)).filter(|zone| zone != "UTC");
        fields.finish(self);
        Archive { name: name.unwrap_or(default.name), compression, timezone, frame_size, encrypt }
    }

    fn archive_name(&mut self, field: &Field<'_>, holds: Holds, global: bool, sources: usize) -> Option<ArchiveName> {
        let text = self.text(field)?.to_owned();
        let template = self.template(field, holds)?;
        if let Some((specifier, ())) =
            [("%i", ()), ("%p", ())].into_iter().find(|(s, ())| strip_times(&text).contains(s))
        {
            let message = format!("`{specifier}` means itself here, and not what it means in a unit");
            self.report.error("specifier-in-spec", field.span(), message).help("write `{instance}` or `{job}`");
        }
        let name = match ArchiveName::new(template) {
            Ok(name) => name,
            Err(error) => {
                self.report
                    .error("archive-name-invalid", field.span(), error.to_string())
                    .help("for example \"{job}_{source}_{time:%Y-%m-%dT%H-%M-%SZ}\"");
                return None;
            }
        };
        if !name.tells_seconds() {
            let message =
                "two runs that begin within this name's time would be called the same, and the second would fail";
            self.report
                .warning("archive-name-coarse", field.span(), message)
                .help("let the time tell hour, minute and second");
        }
        if sources > 1 && !name.uses_source() {
            self.report
                .error("archive-name-invalid", field.span(), "several sources would be called the same")
                .help("put `{source}` into the name");
        }
        if global && !name.uses_host() {
            self.report
                .error("archive-name-invalid", field.span(), "every host would call its archives the same")
                .help("put `{host}` into the name of a `global` job");
        }
        Some(name)
    }

    fn compression(&mut self, field: &Field<'_>) -> Option<Compression> {
        let threads = Compression::THREADS_DEFAULT;
        let gzip = Compression::Gzip { level: Compression::GZIP_LEVEL_DEFAULT, threads };
        let zstd = Compression::Zstd { level: Compression::ZSTD_LEVEL_DEFAULT, threads };
        if !matches!(field.node.content, Content::Map(_)) {
            return self.word(field, &[("none", Compression::None), ("gzip", gzip), ("zstd", zstd)]);
        }
        let mut fields = self.fields(field)?;
        let kind = self.one_of(&mut fields, &["gzip", "zstd"], "a compression");
        let (gzip, zstd) = (fields.take("gzip", self), fields.take("zstd", self));
        fields.finish(self);
        let is_gzip = kind? == "gzip";
        let mut inner = self.fields(&if is_gzip { gzip? } else { zstd? })?;
        let level = inner.take("level", self).and_then(|f| self.integer(&f, 1, if is_gzip { 9 } else { 19 }));
        let threads = inner.take("threads", self).and_then(|f| self.integer(&f, 1, THREADS_MAX));
        inner.finish(self);
        let threads = threads.and_then(|n| u32::try_from(n).ok()).unwrap_or(Compression::THREADS_DEFAULT);
        Some(if is_gzip {
            let level = level.and_then(|n| u32::try_from(n).ok()).unwrap_or(Compression::GZIP_LEVEL_DEFAULT);
            Compression::Gzip { level, threads }
        } else {
            let level = level.and_then(|n| i32::try_from(n).ok()).unwrap_or(Compression::ZSTD_LEVEL_DEFAULT);
            Compression::Zstd { level, threads }
        })
    }

    fn frame_size(&mut self, field: &Field<'_>) -> Option<u64> {
        let Bytes(bytes) = self.size(field)?;
        if (FRAME_MIN_BYTES..=FRAME_MAX_BYTES).contains(&bytes) {
            return Some(bytes);
        }
        let (least, most) = (Bytes(FRAME_MIN_BYTES), Bytes(FRAME_MAX_BYTES));
        let message = format!("a frame of {} is not between {least} and {most}", Bytes(bytes));
        self.report
            .error("out-of-range", field.span(), message)
            .help("each thread holds a frame in memory, and a part of an archive is read by whole frames");
        None
    }
}

impl Decoder<'_> {
    fn encrypt(&mut self, field: &Field<'_>, holds: Holds) -> Option<Encrypt> {
        let holds = Holds { source: false, time: false, ..holds };
        let mut fields = self.fields(field)?;
        let for_people = fields.present(&["recipients", "recipients_file"]);
        let (list, file) = (fields.take("recipients", self), fields.take("recipients_file", self));
        let passphrase = fields.take("passphrase", self);
        match (for_people.first(), &passphrase) {
            (Some(first), Some(passphrase)) => {
                let message = format!("`passphrase` beside `{first}`: age takes a passphrase alone");
                let also = fields.key_span(first);
                let diagnostic = self.report.error("too-many-keys", &passphrase.key.span, message);
                if let Some(also) = also {
                    diagnostic.also(&also, "the other one");
                }
            }
            (None, None) if !fields.has("passphrase") => {
                let message = format!("`{}` names nobody who could read the archives", fields.name);
                let help =
                    "name `recipients` (public keys of age or ssh-ed25519), `recipients_file`, or a `passphrase`";
                self.report.error("missing-key", &fields.span, message).help(help);
            }
            (Some(_), None) | (None, Some(_) | None) => {}
        }
        fields.finish(self);
        let recipients = list.as_ref().map(|f| self.recipients(f)).unwrap_or_default();
        if let (Some(list), [_], None) = (&list, recipients.as_slice(), &file) {
            let message = "one recipient only: if its secret key is lost, so is every archive";
            self.report
                .warning("one-recipient", list.span(), message)
                .help("add a second one whose key is kept elsewhere, such as on paper");
        }
        let recipients_file = file.and_then(|f| self.path(&f, holds));
        let passphrase = passphrase.and_then(|f| self.secret(&f, holds));
        Some(Encrypt { recipients, recipients_file, passphrase })
    }

    /// Each once; what is none is told of at its place.
    fn recipients(&mut self, field: &Field<'_>) -> Vec<String> {
        let mut found: Vec<String> = vec![];
        let items = self.items(field, true);
        if items.is_empty() && matches!(field.node.content, Content::List(_)) {
            self.report.error("empty-value", field.span(), "nobody could read the archives");
        }
        for item in items {
            let Some(text) = self.text(&item).map(|text| text.trim().to_owned()) else { continue };
            match recipient_kind(&text) {
                Ok(_) if found.contains(&text) => {
                    self.report.warning("recipient-twice", item.span(), "this recipient is here twice");
                }
                Ok(_) => found.push(text),
                Err(RecipientError::Secret) => {
                    self.masked.push(item.span().clone());
                    let message = "this is a secret key, and a secret does not stand in a spec";
                    let help = "write its public key, which `age-keygen -y FILE` prints, and make a new key: this one is known";
                    self.report.error("secret-in-spec", item.span(), message).help(help);
                }
                Err(error) => {
                    let help = "`age-keygen` makes a key and prints its recipient; ssh-ed25519 keys work as in `authorized_keys`";
                    self.report.error("recipient-invalid", item.span(), format!("this is {error}")).help(help);
                }
            }
        }
        found
    }
}

/// The text without its `{time:…}`, whose `%` are its own.
fn strip_times(text: &str) -> String {
    let mut rest = text;
    let mut out = String::new();
    while let Some((before, after)) = rest.split_once("{time:") {
        out.push_str(before);
        rest = after.split_once('}').map_or("", |(_, after)| after);
    }
    out + rest
}
