//! What starting any kind of source needs: its limits, its words filled in, its obligations, its stream.

use super::gnu_tar::Remarks;
use super::log::Log;
use super::members::Counted;
use super::owed::Debts;
use super::{Dump, DumpError, Judge, Running, Surroundings};
use crate::run::journal::Obligation;
use crate::run::os::{Limits, Process, Program};
use crate::source::Source;
use crate::value::{Context, ExpandError, Template};

/// A source about to be dumped.
pub(super) struct Start<'a> {
    pub source: &'a Source,
    pub with: &'a Surroundings,
    pub context: Context,
    pub limits: Limits,
    pub log: Log,
    owed: Debts,
}

impl<'a> Start<'a> {
    pub(super) fn new(source: &'a Source, with: &'a Surroundings) -> Self {
        let context = Context { source: Some(source.name.clone()), scratch: None, ..with.context.clone() };
        let limits = Limits { stop: with.stop.clone(), deadline: None };
        let limits = source.timeout.map_or(limits.clone(), |time| limits.at_most(time));
        Self {
            source,
            with,
            context,
            limits,
            log: Log::new(&source.name, with.secrets.clone()),
            owed: Debts::default(),
        }
    }

    /// What marks this source's processes and folders: `RUN-SOURCE`.
    pub(super) fn mark(&self) -> String {
        format!("{}-{}", self.with.run, self.source.name)
    }

    pub(super) fn expand(&self, template: &Template) -> Result<String, ExpandError> {
        template.expand(&self.context)
    }

    pub(super) fn expand_all(&self, templates: &[Template]) -> Result<Vec<String>, ExpandError> {
        templates.iter().map(|template| self.expand(template)).collect()
    }

    /// Promises to undo something that is about to be made.
    pub(super) fn owe(&mut self, obligation: Obligation) -> Result<(), DumpError> {
        self.owed.owe(obligation, self.with)
    }

    /// Strikes out what was promised last: there is nothing to undo any more.
    pub(super) fn forget_last(&mut self) {
        self.owed.forget_last();
    }

    /// A dump whose stream is a tar program's; of one folder, where `tree` names it.
    pub(super) fn tar(self, program: Program, tree: Option<String>) -> Result<Dump, DumpError> {
        let remarks = Remarks::default();
        let sink = remarks.sink(&self.log);
        self.run(program, "tar", sink, Judge::Tar { remarks, tree })
    }

    /// A dump whose stream is what a program prints.
    pub(super) fn stdout(self, name: &str, program: Program) -> Result<Dump, DumpError> {
        let sink = self.log.sink(name);
        self.run(program, name, sink, Judge::Status)
    }

    fn run(
        self,
        program: Program,
        name: &str,
        sink: impl FnMut(String) + Send + 'static,
        judge: Judge,
    ) -> Result<Dump, DumpError> {
        let Self { source, with: _, context: _, limits, log, owed } = self;
        let (process, output) = Process::spawn(program, limits, sink)?;
        let (stream, counts) = Counted::new(output, matches!(judge, Judge::Tar { .. }));
        let running = Running {
            process,
            what: name.to_owned(),
            judge,
            log,
            counts,
            allow_empty: source.allow_empty,
            warnings: vec![],
            how: None,
            container: None,
            owed,
        };
        Ok(Dump { stream: Box::new(stream), running })
    }
}
