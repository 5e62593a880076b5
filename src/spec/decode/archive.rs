//! `archive:`.

use super::fields::{Decoder, Field};
use super::scalar::Holds;
use crate::archive::{Archive, ArchiveName, Compression, FRAME_MAX_BYTES, FRAME_MIN_BYTES};
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
        let timezone = fields.take("timezone", self).and_then(|f| self.timezone(&f)).filter(|zone| zone != "UTC");
        fields.finish(self);
        Archive { name: name.unwrap_or(default.name), compression, timezone, frame_size }
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
