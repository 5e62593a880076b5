//! A program that is fed by us, and what it says.

use crate::run::dump::DumpError;
use crate::run::dump::log::Log;
use crate::run::dump::owed::Debts;
use crate::run::os::{Input, Limits, Output, Process, Program};
use std::io::{self, Read, Write};
use std::os::fd::OwnedFd;
use std::thread::JoinHandle;

/// A program that reads from us. Dropping it closes its input and ends it; what it was fed must mean nothing then.
pub(super) struct Fed {
    what: String,
    writer: Option<io::PipeWriter>,
    drained: Option<JoinHandle<io::Result<()>>>,
    process: Option<Process>,
    log: Log,
    owed: Debts,
}

impl Fed {
    /// Starts it; what it prints goes to `print`.
    pub(super) fn start(
        what: &str,
        program: Program,
        (log, limits, owed): (Log, Limits, Debts),
        print: impl FnOnce(Output) -> io::Result<()> + Send + 'static,
    ) -> Result<Self, DumpError> {
        let unknown = |source| DumpError::Unknown { what: what.to_owned(), source };
        let (reader, writer) = io::pipe().map_err(unknown)?;
        let program = program.stdin(Input::File(OwnedFd::from(reader)));
        let (process, output) = Process::spawn(program, limits, log.sink(what))?;
        let drained = std::thread::Builder::new().name("output".into()).spawn(move || print(output));
        let drained = Some(drained.map_err(unknown)?);
        Ok(Self { what: what.to_owned(), writer: Some(writer), drained, process: Some(process), log, owed })
    }

    /// Feeds it all that `content` has. Where it stops reading, [`Fed::end`] tells why.
    pub(super) fn feed(&mut self, content: &mut dyn Read) -> io::Result<()> {
        let mut buffer = vec![0; 128 * 1024];
        loop {
            let length = content.read(&mut buffer)?;
            let Some(piece) = buffer.get(..length).filter(|piece| !piece.is_empty()) else { return Ok(()) };
            if !self.write(piece) {
                return Ok(());
            }
        }
    }

    /// Feeds it these bytes; false where it does not read any more.
    pub(super) fn write(&mut self, bytes: &[u8]) -> bool {
        self.writer.as_mut().is_some_and(|writer| writer.write_all(bytes).is_ok())
    }

    /// Closes its input, and waits for its end.
    pub(super) fn end(mut self) -> Result<(), DumpError> {
        drop(self.writer.take());
        let what = self.what.clone();
        let drained = self.drained.take().map(|drained| drained.join().unwrap_or_else(|_| Err(broken())));
        let Some(process) = self.process.take() else { return Ok(()) };
        let ended = process.wait().map_err(|source| DumpError::Unknown { what: what.clone(), source })?;
        if let Some(cut) = ended.cut {
            return Err(DumpError::Cut { what, cut });
        }
        if !ended.status.success() {
            return Err(DumpError::Failed { what, how: ended.describe(), tail: self.log.tail() });
        }
        drained.unwrap_or(Ok(())).map_err(|source| DumpError::Unknown { what, source })?;
        for trouble in std::mem::take(&mut self.owed).settle() {
            tracing::warn!("{trouble}");
        }
        Ok(())
    }
}

impl Drop for Fed {
    fn drop(&mut self) {
        drop(self.writer.take());
        drop(self.process.take());
    }
}

fn broken() -> io::Error {
    io::Error::other("its output could not be read")
}

/// Reads a program's output to its end.
pub(super) fn unheeded(mut output: Output) -> io::Result<()> {
    io::copy(&mut output, &mut io::sink()).map(drop)
}
