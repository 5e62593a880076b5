//! A program that is fed by us, and what it says.

use super::BackError;
use crate::run::dump::DumpError;
use crate::run::dump::log::Log;
use crate::run::dump::owed::Debts;
use crate::run::os::{Input, Limits, Output, Process, Program};
use std::io::{self, Read, Write};
use std::os::fd::OwnedFd;
use std::thread::JoinHandle;

/// A program that reads from us. Dropping it closes its input and ends it, in this order of the fields; what it was fed must
/// mean nothing then.
pub(super) struct Fed {
    what: String,
    writer: io::PipeWriter,
    drained: JoinHandle<io::Result<()>>,
    process: Process,
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
        let drained = drained.map_err(unknown)?;
        Ok(Self { what: what.to_owned(), writer, drained, process, log, owed })
    }

    /// Feeds it all that `content` has. Where it stops reading, [`Fed::end`] tells why.
    pub(super) fn feed(&mut self, content: &mut dyn Read) -> Result<(), BackError> {
        pieces(content, |piece| Ok(self.write(piece)))
    }

    /// Feeds it these bytes; false where it does not read any more.
    pub(super) fn write(&mut self, bytes: &[u8]) -> bool {
        self.writer.write_all(bytes).is_ok()
    }

    /// Closes its input, and waits for its end.
    pub(super) fn end(self) -> Result<(), DumpError> {
        let Self { what, writer, drained, process, log, owed } = self;
        drop(writer);
        let drained = drained.join().unwrap_or_else(|_| Err(broken()));
        let ended = process.wait().map_err(|source| DumpError::Unknown { what: what.clone(), source })?;
        if let Some(cut) = ended.cut {
            return Err(DumpError::Cut { what, cut });
        }
        if !ended.status.success() {
            return Err(DumpError::Failed { what, how: ended.describe(), tail: log.tail() });
        }
        drained.map_err(|source| DumpError::Unknown { what, source })?;
        for trouble in owed.settle() {
            tracing::warn!("{trouble}");
        }
        Ok(())
    }
}

/// Hands content on piece by piece, until `take` wants no more of it.
pub(super) fn pieces(
    content: &mut dyn Read,
    mut take: impl FnMut(&[u8]) -> Result<bool, BackError>,
) -> Result<(), BackError> {
    let mut buffer = vec![0; 128 * 1024];
    loop {
        let length = content.read(&mut buffer).map_err(BackError::Content)?;
        let Some(piece) = buffer.get(..length).filter(|piece| !piece.is_empty()) else { return Ok(()) };
        if !take(piece)? {
            return Ok(());
        }
    }
}

fn broken() -> io::Error {
    io::Error::other("its output could not be read")
}

/// Reads a program's output to its end.
pub(super) fn unheeded(mut output: Output) -> io::Result<()> {
    io::copy(&mut output, &mut io::sink()).map(drop)
}
