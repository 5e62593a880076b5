//! Which containers are meant, and `while:`.

use super::fields::{Decoder, Field, Fields};
use super::scalar::Holds;
use crate::source::{At, Engine, Label, SourceKind, Still, Which};
use crate::spec::yaml::Content;

impl Decoder<'_> {
    /// A container's name, or `{label: KEY=VALUE}`; `all` says whether several may be meant, each as an object.
    pub(super) fn which(&mut self, field: &Field<'_>, holds: Holds, all: bool) -> Option<Which> {
        let is_map = matches!(field.node.content, Content::Map(_)) && !self.unquoted_placeholder(field.node);
        if !is_map {
            let named = !matches!(field.node.content, Content::Map(_));
            return if named { self.template(field, holds).map(Which::Name) } else { None };
        }
        let mut fields = self.fields(field)?;
        let label = fields.need("label", self, "a label that it has: `{label: \"com.example.backup=yes\"}`");
        let label = label.and_then(|f| self.template(&f, holds));
        let project = fields.take("project", self).and_then(|f| self.template(&f, holds));
        let several =
            if all { fields.take("all", self).and_then(|f| self.boolean(&f)).unwrap_or(false) } else { false };
        fields.finish(self);
        Some(Which::Label(Label { label: label?, project, all: several }))
    }

    pub(super) fn engine(&mut self, fields: &mut Fields<'_>) -> Engine {
        let engines = [("auto", Engine::Auto), ("docker", Engine::Docker), ("podman", Engine::Podman)];
        fields.take("engine", self).and_then(|f| self.word(&f, &engines)).unwrap_or(Engine::Auto)
    }

    /// `while:`, which containers stand still.
    pub(super) fn still(&mut self, field: &Field<'_>, instances: bool) -> Option<Still> {
        let holds = Holds { time: false, source: false, ..Holds::at_run(Some(instances)) };
        let mut fields = self.fields(field)?;
        let mut list = |key, decoder: &mut Self| {
            let taken: Option<Field<'_>> = fields.take(key, decoder);
            let lone = |field: &Field<'_>| matches!(field.node.content, Content::Map(_));
            let items = match &taken {
                Some(field) if lone(field) => vec![field.clone()],
                Some(field) => decoder.items(field, true),
                None => vec![],
            };
            items.iter().filter_map(|item| decoder.which(item, holds, false)).collect::<Vec<_>>()
        };
        let (stopped, paused) = (list("stopped", self), list("paused", self));
        let engine = self.engine(&mut fields);
        let spool = fields.take("spool", self).and_then(|f| self.size(&f)).map(|size| size.0);
        let neither = !fields.has("stopped") && !fields.has("paused");
        if neither {
            let message = "`while` names no container";
            self.report.error("missing-key", &fields.span, message).help("add `stopped: [NAME]`, or `paused: [NAME]`");
        }
        fields.finish(self);
        Some(Still { stopped, paused, engine, spool })
    }

    /// Nothing can be asked of a container that stands still.
    pub(super) fn reads_what_stands_still(&mut self, field: &Field<'_>, kind: &SourceKind, still: &Still) {
        let read = match kind {
            SourceKind::Container(container) => Some(&container.container),
            SourceKind::Database(database) => match &database.at {
                At::Container { container, engine: _ } => Some(container),
                At::Host { socket: _ } | At::Network { host: _, port: _ } => None,
            },
            SourceKind::Paths(_) | SourceKind::Command(_) | SourceKind::Volume(_) | SourceKind::EtcdSnapshot(_) => None,
        };
        let Some(read) = read.filter(|read| still.stopped.iter().chain(&still.paused).any(|which| which == *read))
        else {
            return;
        };
        let message = format!("the source reads from the container `{read}`, which is to stand still meanwhile");
        self.report
            .error("container-stands-still", &field.key.span, message)
            .help("read its data where the host has it: `volume: NAME`, or `paths: [FOLDER]`");
    }
}
