//! A snapshot of etcd's v3 key space, as the server streams it: a database file, and its SHA-256 behind it.

use super::log::Tail;
use super::start::Start;
use super::{Dump, DumpError, Judge, Work};
use crate::contract::{Etcd, EtcdApi};
use crate::run::digest::Sha256;
use crate::run::etcd;
use crate::run::os::{Cut, Limits, Stop};
use crate::source::EtcdSnapshot;
use std::io::{self, Read};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::{Builder, JoinHandle};

/// How long the digest behind the file is, in bytes.
const DIGEST: usize = 32;
/// How many pieces may wait to be read; a server sends 32 KiB at a time.
const PIECES: usize = 16;

/// The thread that reads from the server.
pub(super) struct Download {
    thread: JoinHandle<Result<(), DumpError>>,
    stop: Stop,
}

impl Download {
    /// Waits for its end; its stream must have been read to its end or dropped.
    pub(super) fn finish(self) -> Result<(), DumpError> {
        let gone = |_| DumpError::Unknown { what: "etcd".into(), source: io::Error::other("its thread is gone") };
        self.thread.join().map_err(gone)?
    }

    /// Ends it soon.
    pub(super) fn cancel(self) {
        self.stop.stop();
    }
}

/// The bytes that the thread sends.
struct Pieces {
    received: Receiver<Vec<u8>>,
    piece: Vec<u8>,
    at: usize,
}

impl Read for Pieces {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.at == self.piece.len() {
            match self.received.recv() {
                Ok(piece) => (self.piece, self.at) = (piece, 0),
                // Whether this is the end is the thread's to tell.
                Err(_) => return Ok(0),
            }
        }
        let rest = self.piece.get(self.at..).unwrap_or_default();
        let given = rest.len().min(buffer.len());
        for (to, from) in buffer.iter_mut().zip(rest) {
            *to = *from;
        }
        self.at += given;
        Ok(given)
    }
}

pub(super) fn start(snapshot: &EtcdSnapshot, start: Start<'_>) -> Result<Dump, DumpError> {
    let EtcdSnapshot { endpoints, user, password, ca_file, cert_file, key_file } = snapshot.clone();
    let password = password.map(|value| start.with.secrets.text(&value, &start.context)).transpose()?;
    let (api, timeout) = (EtcdApi::V3, None);
    let server = Etcd { endpoints, api, user, password: None, ca_file, cert_file, key_file, timeout };
    let stop = start.limits.stop.child();
    let limits = Limits { stop: stop.clone(), ..start.limits.clone() };
    let (sender, received) = sync_channel(PIECES);
    let work = move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|source| DumpError::Unknown { what: "etcd".into(), source })?;
        runtime.block_on(download(&server, password.as_ref(), sender, &limits))
    };
    let thread = Builder::new().name("etcd".into()).spawn(work);
    let thread = thread.map_err(|source| DumpError::Unknown { what: "etcd".into(), source })?;
    let pieces = Pieces { received, piece: vec![], at: 0 };
    let mut dump = start.dump("etcd", Work::Thread(Download { thread, stop }), pieces, Judge::Stream);
    dump.running.how = Some("through etcd's own stream of snapshots".into());
    Ok(dump)
}

async fn download(
    server: &Etcd,
    password: Option<&secrecy::SecretString>,
    sender: SyncSender<Vec<u8>>,
    limits: &Limits,
) -> Result<(), DumpError> {
    let cut = |cut| DumpError::Cut { what: "etcd".into(), cut };
    let mut whole = Whole::default();
    let reading = etcd::snapshot(server, password, |piece| {
        whole.feed(&piece);
        sender.send(piece).is_ok()
    });
    let deadline = async {
        match limits.deadline {
            Some(deadline) => tokio::time::sleep_until(deadline.into()).await,
            None => std::future::pending().await,
        }
    };
    tokio::select! {
        read = reading => read?,
        () = limits.stop.wait() => return Err(cut(Cut::Stopped)),
        () = deadline => return Err(cut(Cut::TimedOut)),
    }
    whole.judge()
}

/// Compares the digest behind the file with what came before it.
#[derive(Default)]
struct Whole {
    digest: Sha256,
    held: Vec<u8>,
}

impl Whole {
    fn feed(&mut self, piece: &[u8]) {
        self.held.extend(piece);
        let known = self.held.len().saturating_sub(DIGEST);
        self.digest.update(self.held.get(..known).unwrap_or_default());
        self.held.drain(..known);
    }

    fn judge(self) -> Result<(), DumpError> {
        if self.held.len() == DIGEST && self.digest.finish().as_slice() == self.held {
            return Ok(());
        }
        Err(DumpError::NotWhole { fault: "the snapshot and the digest behind it do not agree", tail: Tail::default() })
    }
}
