//! `jobs:`.

use super::fields::{Decoder, Field, Fields};
use super::scalar::Holds;
use crate::archive::{Archive, ArchiveName, Compression};
use crate::destination::{Destination, DestinationKind};
use crate::retention::{Keep, Policy};
use crate::spec::model::{Job, JobIn, Relations, StoreEntry};
use crate::spec::yaml::Content;
use crate::target::{Scheduler, Target};
use crate::value::Template;
use std::collections::BTreeMap;
use std::num::NonZeroU32;

/// A unit's name has at most this many bytes, suffix included: systemd refuses `strlen >= UNIT_NAME_MAX` = 256
/// (src/basic/unit-name.h).
const UNIT_NAME_MAX_BYTES: usize = 255;

/// What a job is decoded in view of.
pub(super) struct Around<'a> {
    pub target: Target,
    pub destinations: &'a BTreeMap<String, Destination>,
}

impl Around<'_> {
    fn is_remote(&self, destination: &str) -> bool {
        self.destinations.get(destination).is_some_and(|d| match d.kind {
            DestinationKind::Local(_) => false,
            DestinationKind::S3(_) => true,
        })
    }
}

impl Decoder<'_> {
    pub(super) fn job(&mut self, name: String, field: &Field<'_>, around: &Around<'_>) -> Option<Job> {
        let mut fields = self.fields(field)?;
        let instances = fields.take("instances", self).map(|f| self.instances(&f)).unwrap_or_default();
        let has_instances = !instances.is_empty();
        let unit = Holds::in_unit(has_instances);
        let description = fields.take("description", self).and_then(|f| self.template(&f, unit));
        let description = description.unwrap_or_else(|| Template::literal(format!("{name} backup")));
        let schedule =
            fields.need("schedule", self, "when to run: `schedule: {every: 4h}`").and_then(|f| self.schedule(&f));
        let relations = Relations {
            needs: self.units(&mut fields, "needs", unit),
            wants: self.units(&mut fields, "wants", unit),
            requisite: self.units(&mut fields, "requisite", unit),
        };
        let sources = fields.need("sources", self, "what to back up: `sources: {files: {paths: [/srv]}}`");
        let sources = sources.map(|f| self.sources(&f, has_instances)).unwrap_or_default();
        let fleet = fields.take("fleet", self).map(|f| self.fleet(&f, unit)).unwrap_or_default();
        let archive = fields.take("archive", self);
        let archive = self.archive(archive.as_ref(), has_instances, fleet.global, sources.len());
        let store = fields
            .need("store", self, "where to: `store: [{to: DESTINATION}]`")
            .map(|f| self.store(&f))
            .unwrap_or_default();
        let ways = [("unit", JobIn::Unit), ("file", JobIn::File), ("etcd", JobIn::Etcd)];
        let default = if around.target.scheduler == Scheduler::Fleet { JobIn::Unit } else { JobIn::File };
        let job_in = fields.take("job_in", self).and_then(|f| self.word(&f, &ways)).unwrap_or(default);
        let service = fields.take("service", self);
        let remote = store.iter().any(|entry| around.is_remote(&entry.to));
        let service = self.service(service.as_ref(), unit, remote);
        fields.finish(self);
        Some(Job {
            name,
            description,
            instances,
            schedule: schedule?,
            relations,
            sources,
            archive,
            store,
            job_in,
            fleet,
            service,
        })
    }

    /// A job's name is its units': letters, digits and what fleet and systemd both take.
    pub(super) fn job_name(&mut self, key: &crate::spec::yaml::Node, name: &str) {
        let valid = name.starts_with(|c: char| c.is_ascii_alphanumeric())
            && name.chars().all(|c| c.is_ascii_alphanumeric() || "._-".contains(c));
        if !valid {
            let message = format!("`{name}` is no name of a job");
            self.report
                .error("name-invalid", &key.span, message)
                .help("use letters, digits, `.`, `_` and `-`, and begin with a letter or digit: units are called so");
        } else if name.len() + "@.service".len() > UNIT_NAME_MAX_BYTES {
            let message = format!("the unit's name would have over {UNIT_NAME_MAX_BYTES} bytes");
            self.report.error("name-too-long", &key.span, message);
        }
    }

    fn instances(&mut self, field: &Field<'_>) -> Vec<String> {
        let mut instances: Vec<String> = vec![];
        let items = self.items(field, false);
        if items.is_empty() && matches!(field.node.content, Content::List(_)) {
            self.report
                .error("empty-value", field.span(), "an empty list of instances")
                .help("leave `instances` out for a job without instances");
        }
        for item in items {
            let Some(text) = self.plain(&item) else { continue };
            if instances.contains(&text) {
                self.report.error("duplicate-instance", item.span(), format!("the instance `{text}` is here twice"));
                continue;
            }
            let route = field.route.trim_end_matches(".instances");
            let job = route.rsplit('.').next().unwrap_or("");
            // Each byte may be escaped to four (systemd-escape).
            let escaped: usize =
                text.bytes().map(|b| if b.is_ascii_alphanumeric() || b"_.:/".contains(&b) { 1 } else { 4 }).sum();
            if job.len() + escaped + "@.service".len() > UNIT_NAME_MAX_BYTES {
                self.report.error(
                    "name-too-long",
                    item.span(),
                    format!("the unit's name would have over {UNIT_NAME_MAX_BYTES} bytes with this instance"),
                );
            }
            instances.push(text);
        }
        instances
    }

    fn units(&mut self, fields: &mut Fields<'_>, key: &'static str, holds: Holds) -> Vec<Template> {
        let Some(field) = fields.take(key, self) else { return vec![] };
        self.unit_names(&field, holds)
    }

    /// Names of units, suffix included.
    pub(super) fn unit_names(&mut self, field: &Field<'_>, holds: Holds) -> Vec<Template> {
        const SUFFIXES: [&str; 11] =
            ["service", "timer", "target", "socket", "mount", "path", "device", "automount", "swap", "slice", "scope"];
        let mut names = vec![];
        for item in self.items(field, true) {
            let Some(template) = self.template(&item, holds) else { continue };
            let text = template.to_string();
            let suffix = text.rsplit_once('.').map_or("", |(_, suffix)| suffix);
            if text.contains(char::is_whitespace) {
                self.report
                    .error("unit-name-invalid", item.span(), format!("`{text}` holds a blank, and no unit's name does"))
                    .help("a list takes one name an item");
            } else if !SUFFIXES.contains(&suffix) {
                let message = format!("`{text}` is no unit's name: it ends in no type");
                self.report
                    .error("unit-name-invalid", item.span(), message)
                    .help(format!("write `{text}.service`, if a service is meant"));
            }
            names.push(template);
        }
        names
    }

    fn archive(&mut self, field: Option<&Field<'_>>, instances: bool, global: bool, sources: usize) -> Archive {
        let default = Archive { name: ArchiveName::for_job(instances, global), ..Archive::default() };
        let Some(field) = field else { return default };
        let Some(mut fields) = self.fields(field) else { return default };
        let name_field = fields.take("name", self);
        let holds = Holds::at_run(Some(instances));
        let name =
            name_field.as_ref().and_then(|f| self.archive_name(f, Holds { percent: true, ..holds }, global, sources));
        let compression =
            fields.take("compression", self).and_then(|f| self.compression(&f)).unwrap_or(default.compression);
        let timezone = fields.take("timezone", self).and_then(|f| self.timezone(&f)).filter(|zone| zone != "UTC");
        fields.finish(self);
        Archive { name: name.unwrap_or(default.name), compression, timezone }
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
        let gzip = Compression::Gzip { level: Compression::GZIP_LEVEL_DEFAULT };
        let zstd =
            Compression::Zstd { level: Compression::ZSTD_LEVEL_DEFAULT, threads: Compression::ZSTD_THREADS_DEFAULT };
        if !matches!(field.node.content, Content::Map(_)) {
            return self.word(field, &[("none", Compression::None), ("gzip", gzip), ("zstd", zstd)]);
        }
        let mut fields = self.fields(field)?;
        let kind = self.one_of(&mut fields, &["gzip", "zstd"], "a compression");
        let (gzip, zstd) = (fields.take("gzip", self), fields.take("zstd", self));
        fields.finish(self);
        if kind? == "gzip" {
            let mut inner = self.fields(&gzip?)?;
            let level = inner.take("level", self).and_then(|f| self.integer(&f, 1, 9));
            inner.finish(self);
            let level = level.and_then(|n| u32::try_from(n).ok()).unwrap_or(Compression::GZIP_LEVEL_DEFAULT);
            Some(Compression::Gzip { level })
        } else {
            let mut inner = self.fields(&zstd?)?;
            let level = inner.take("level", self).and_then(|f| self.integer(&f, 1, 19));
            let threads = inner.take("threads", self).and_then(|f| self.integer(&f, 1, 64));
            inner.finish(self);
            Some(Compression::Zstd {
                level: level.and_then(|n| i32::try_from(n).ok()).unwrap_or(Compression::ZSTD_LEVEL_DEFAULT),
                threads: threads.and_then(|n| u32::try_from(n).ok()).unwrap_or(Compression::ZSTD_THREADS_DEFAULT),
            })
        }
    }

    fn store(&mut self, field: &Field<'_>) -> Vec<StoreEntry> {
        let items = self.items(field, true);
        if items.is_empty() && matches!(field.node.content, Content::List(_)) {
            self.report.error("empty-value", field.span(), "a job needs at least one destination");
        }
        let mut entries: Vec<StoreEntry> = vec![];
        for item in items {
            let Some(entry) = self.store_entry(&item) else { continue };
            if entries.iter().any(|other| other.to == entry.to) {
                self.report.error("duplicate-destination", item.span(), format!("`{}` is here twice", entry.to));
            }
            entries.push(entry);
        }
        entries
    }

    fn store_entry(&mut self, item: &Field<'_>) -> Option<StoreEntry> {
        if !matches!(item.node.content, Content::Map(_)) {
            let to = self.plain(item)?;
            return Some(StoreEntry { to, keep: Keep::All });
        }
        let mut fields = self.fields(item)?;
        let to = fields.need("to", self, "the destination's name").and_then(|f| self.plain(&f));
        let keep = fields.take("keep", self).map(|f| self.keep(&f)).unwrap_or_default();
        fields.finish(self);
        Some(StoreEntry { to: to?, keep })
    }

    fn keep(&mut self, field: &Field<'_>) -> Keep {
        if matches!(field.node.content, Content::Text(_)) {
            return self.word(field, &[("all", ())]).map(|()| Keep::All).unwrap_or_default();
        }
        let Some(mut fields) = self.fields(field) else { return Keep::All };
        let within = fields.take("within", self).and_then(|f| self.duration(&f));
        let mut number = |key, decoder: &mut Self| {
            let taken: Option<Field<'_>> = fields.take(key, decoder);
            let value = taken.and_then(|f| decoder.integer(&f, 1, i64::from(u32::MAX)));
            value.and_then(|n| u32::try_from(n).ok()).and_then(NonZeroU32::new)
        };
        let (last, at_least) = (number("last", self), number("at_least", self));
        let empty = fields.present(&["within", "last"]).is_empty();
        fields.finish(self);
        if empty {
            let message = "this says nothing of what is kept";
            self.report.error("keep-invalid", field.span(), message).help("write {within: 30d}, {last: 10}, or `all`");
            return Keep::All;
        }
        Keep::Policy(Policy { within, last, at_least })
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
