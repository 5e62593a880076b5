//! `archive:`.

use super::Decoder;
use super::cursor::{At, Map};
use super::template::Scope;
use super::words::shown;
use crate::archive::{Archive, ArchiveName, Compression};
use crate::spec::node::Kind;

/// Threads of one zstd; more gains nothing and costs memory.
const ZSTD_THREADS_MAX: i64 = 64;

/// What of a job its archives' names depend on.
#[derive(Debug, Clone, Copy)]
pub(super) struct Naming {
    pub(super) instances: bool,
    /// Whether every host of a fleet runs the job.
    pub(super) global: bool,
}

impl Decoder {
    /// How a job's archives are packed and named.
    pub(super) fn archive(&mut self, at: Option<&At<'_>>, naming: Naming) -> Option<Archive> {
        let default = ArchiveName::for_job(naming.instances, naming.global);
        let Some(at) = at else { return Some(Archive { name: default, ..Archive::default() }) };
        let mut map = self.map(at)?;
        let [name, compression, timezone] = ["name", "compression", "timezone"].map(|name| map.take(name));
        self.done(map);
        let name = name.map_or(Some(default), |at| self.archive_name(&at, naming));
        let compression = compression.map_or(Some(Archive::default().compression), |at| self.compression(&at));
        let timezone = match timezone {
            Some(at) => Some(self.timezone(&at)?),
            None => None,
        };
        Some(Archive { name: name?, compression: compression?, timezone })
    }

    fn archive_name(&mut self, at: &At<'_>, naming: Naming) -> Option<ArchiveName> {
        let template = self.template(at, Scope::name(naming.instances))?;
        let name = match ArchiveName::new(template) {
            Ok(name) => name,
            Err(error) => {
                let message = format!("`{}` cannot name archives", shown(at.node.text().unwrap_or("")));
                self.faults.error("archive-name", at.span(), message).label(error.to_string());
                return None;
            }
        };
        if !name.tells_seconds() {
            let message = "the time in the name is not exact to the second: a second run within it would be refused";
            self.faults.warning("archive-name-coarse", at.span(), message).help("for example `{time:%Y-%m-%dT%H-%M-%SZ}`");
        }
        if naming.global && !name.uses_host() {
            let message = "every host runs this job, and the name has no `{host}`: their archives would be taken for each other's";
            self.faults.error("archive-name", at.span(), message).help("put `{host}` into the name");
        }
        Some(name)
    }

    fn compression(&mut self, at: &At<'_>) -> Option<Compression> {
        let gzip = Compression::Gzip { level: Compression::GZIP_LEVEL_DEFAULT };
        let zstd = Compression::Zstd { level: Compression::ZSTD_LEVEL_DEFAULT, threads: Compression::ZSTD_THREADS_DEFAULT };
        match &at.node.kind {
            Kind::Scalar(_) => self.choice(at, &[("zstd", zstd), ("gzip", gzip), ("none", Compression::None)]),
            Kind::Map(_) if at.node.unquoted_placeholder().is_none() => self.levels(at),
            Kind::Null | Kind::List(_) | Kind::Map(_) => {
                self.wrong_type(at, "`zstd`, `gzip` or `none`");
                None
            }
        }
    }

    fn levels(&mut self, at: &At<'_>) -> Option<Compression> {
        let mut map = self.map(at)?;
        let (gzip, zstd) = (map.take("gzip"), map.take("zstd"));
        self.done(map);
        match (gzip, zstd) {
            (Some(gzip), None) => self.gzip(&gzip),
            (None, Some(zstd)) => self.zstd(&zstd),
            (Some(_), Some(second)) => {
                self.faults.error("value-invalid", second.key_span(), "`compression` is `gzip` or `zstd`, not both");
                None
            }
            (None, None) => None,
        }
    }

    fn gzip(&mut self, at: &At<'_>) -> Option<Compression> {
        let mut map: Map<'_> = self.map(at)?;
        let level = map.take("level");
        self.done(map);
        let level = level.map_or(Some(Compression::GZIP_LEVEL_DEFAULT), |at| self.number(&at, 1..=9))?;
        Some(Compression::Gzip { level })
    }

    fn zstd(&mut self, at: &At<'_>) -> Option<Compression> {
        let mut map: Map<'_> = self.map(at)?;
        let (level, threads) = (map.take("level"), map.take("threads"));
        self.done(map);
        let level = level.map_or(Some(Compression::ZSTD_LEVEL_DEFAULT), |at| self.number(&at, 1..=19));
        let threads = threads.map_or(Some(Compression::ZSTD_THREADS_DEFAULT), |at| self.number(&at, 1..=ZSTD_THREADS_MAX));
        Some(Compression::Zstd { level: level?, threads: threads? })
    }
}
