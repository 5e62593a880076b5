//! What starting any kind of source needs: its limits, its words filled in, its obligations, its stream.

use super::gnu_tar::Remarks;
use super::log::Log;
use super::members::Counted;
use super::owed::Debts;
use super::{Dump, DumpError, Judge, Running, Surroundings, Verdict, Work};
use crate::archive::source_of;
use crate::run::journal::Obligation;
use crate::run::os::{Limits, Output, Process, Program};
use crate::source::Source;
use crate::value::{Context, ExpandError, Template};
use std::io::Read;
use std::sync::{Arc, Mutex};

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
        let context =
            Context { source: Some(source_of(&source.name).to_owned()), scratch: None, ..with.context.clone() };
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

    /// What a program needs that is fed.
    pub(super) fn for_feeding(self) -> (Log, Limits, Debts) {
        let Self { source: _, with: _, context: _, limits, log, owed } = self;
        (log, limits, owed)
    }

    /// What was promised, to be kept when it is dropped.
    pub(super) fn into_owed(self) -> Debts {
        self.owed
    }

    /// A dump whose stream is a tar program's; of one folder, where `tree` names it.
    pub(super) fn tar(self, program: Program, tree: Option<String>) -> Result<Dump, DumpError> {
        self.tar_with(program, Remarks::default(), tree)
    }

    /// The same, with remarks to which others add.
    pub(super) fn tar_with(self, program: Program, remarks: Remarks, tree: Option<String>) -> Result<Dump, DumpError> {
        let sink = remarks.sink(&self.log);
        let (process, output) = Process::spawn(program, self.limits.clone(), sink)?;
        Ok(self.dump("tar", Work::Process(process), output, Judge::Tar { remarks, tree }))
    }

    /// A dump whose stream is what a program prints.
    pub(super) fn stdout(self, name: &str, program: Program) -> Result<Dump, DumpError> {
        let (process, output) = Process::spawn(program, self.limits.clone(), self.log.sink(name))?;
        Ok(self.dump(name, Work::Process(process), output, Judge::Status))
    }

    /// A dump whose stream is what a program prints, seen by a reader that tells whether it is whole.
    pub(super) fn checked<R: Read + Send + 'static>(
        self,
        name: &str,
        program: Program,
        reader: impl FnOnce(Output, Verdict) -> R,
    ) -> Result<Dump, DumpError> {
        let (process, output) = Process::spawn(program, self.limits.clone(), self.log.sink(name))?;
        let verdict: Verdict = Arc::new(Mutex::new(Some("it was not read to its end")));
        let stream = reader(output, Arc::clone(&verdict));
        Ok(self.dump(name, Work::Process(process), stream, Judge::Checked(verdict)))
    }

    /// A dump of a stream, and what is behind it.
    pub(super) fn dump(self, name: &str, work: Work, stream: impl Read + Send + 'static, judge: Judge) -> Dump {
        let Self { source, with: _, context: _, limits: _, log, owed } = self;
        let (stream, counts) = Counted::new(stream, matches!(judge, Judge::Tar { .. }));
        let running = Running {
            work,
            what: name.to_owned(),
            judge,
            log,
            counts,
            allow_empty: source.allow_empty,
            warnings: vec![],
            how: None,
            container: None,
            server: None,
            standing: None,
            owed,
        };
        Dump { stream: Box::new(stream), running }
    }
}
