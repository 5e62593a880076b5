//! A TCP proxy that spoils connections on purpose: it delays, cuts, stalls, garbles or resets.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use super::{free_port, loopback};

/// How long a stalled connection is kept: longer than any patience under test.
const STALL: Duration = Duration::from_secs(600);

/// What is done to one direction of a connection. Bytes are counted from the connection's start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// Nothing.
    None,
    /// Each piece waits so long before it goes on.
    Delay(Duration),
    /// The same, and the kernel takes next to nothing beforehand.
    Trickle(Duration),
    /// After so many bytes both directions are closed in good order, as a crashing server's are.
    CutAfter(u64),
    /// After so many bytes nothing passes any more, and nothing is closed.
    StallAfter(u64),
    /// After so many bytes both sides get a reset.
    ResetAfter(u64),
    /// The byte at this offset is inverted.
    GarbleAt(u64),
    /// Of so many bytes always the last is inverted.
    GarbleEach(u64),
}

impl Fault {
    fn limit(self) -> Option<u64> {
        match self {
            Self::None | Self::Delay(_) | Self::Trickle(_) | Self::GarbleAt(_) | Self::GarbleEach(_) => None,
            Self::CutAfter(limit) | Self::StallAfter(limit) | Self::ResetAfter(limit) => Some(limit),
        }
    }
}

/// What is done to a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Faults {
    /// On the way to the server.
    pub up: Fault,
    /// On the way to the client.
    pub down: Fault,
}

impl Faults {
    /// Everything passes.
    pub const NONE: Self = Self { up: Fault::None, down: Fault::None };

    /// Spoils what the client sends.
    pub fn up(fault: Fault) -> Self {
        Self { up: fault, ..Self::NONE }
    }

    /// Spoils what the server answers.
    pub fn down(fault: Fault) -> Self {
        Self { down: fault, ..Self::NONE }
    }
}

/// The proxy; it stops accepting when the value is gone.
#[derive(Debug)]
pub struct ChaosProxy {
    port: u16,
    stopped: Arc<AtomicBool>,
    seen: Arc<AtomicUsize>,
}

impl ChaosProxy {
    /// Listens in front of the server at `upstream`'s port. `plan` tells what becomes of each connection, counted
    /// from 0.
    pub fn start(upstream: u16, plan: impl Fn(usize) -> Faults + Send + 'static) -> Self {
        let listener = TcpListener::bind(loopback(0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let stopped = Arc::new(AtomicBool::new(false));
        let seen = Arc::new(AtomicUsize::new(0));
        let proxy = Self { port, stopped: Arc::clone(&stopped), seen: Arc::clone(&seen) };
        thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                if stopped.load(Ordering::SeqCst) {
                    return;
                }
                let number = seen.fetch_add(1, Ordering::SeqCst);
                connect(client, loopback(upstream), plan(number));
            }
        });
        proxy
    }

    /// One that spoils only its first `count` connections.
    pub fn spoil_first(upstream: u16, count: usize, faults: Faults) -> Self {
        Self::start(upstream, move |number| if number < count { faults } else { Faults::NONE })
    }

    /// Where it listens.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// How many connections it has seen.
    pub fn connections(&self) -> usize {
        self.seen.load(Ordering::SeqCst)
    }

    /// A port that takes connections and never says a word.
    pub fn silent() -> Self {
        let nobody = free_port();
        Self::start(nobody, |_| Faults { up: Fault::StallAfter(0), down: Fault::StallAfter(0) })
    }
}

impl Drop for ChaosProxy {
    fn drop(&mut self) {
        self.stopped.store(true, Ordering::SeqCst);
        // The listener sits in accept(); one last connection wakes it.
        let _ = TcpStream::connect(loopback(self.port));
    }
}

fn connect(client: TcpStream, upstream: SocketAddr, faults: Faults) {
    if faults.up == Fault::StallAfter(0) && faults.down == Fault::StallAfter(0) {
        thread::spawn(move || hold(client));
        return;
    }
    if let Fault::Trickle(_) = faults.up {
        rustix::net::sockopt::set_socket_recv_buffer_size(&client, 32 * 1024).unwrap();
    }
    let Ok(server) = TcpStream::connect(upstream) else {
        return;
    };
    let (client_again, server_again) = (client.try_clone().unwrap(), server.try_clone().unwrap());
    thread::spawn(move || pump(client, server, faults.up));
    thread::spawn(move || pump(server_again, client_again, faults.down));
}

fn hold(client: TcpStream) {
    thread::sleep(STALL);
    drop(client);
}

/// Carries bytes one way until the end, or until the fault has its turn.
fn pump(mut from: TcpStream, mut to: TcpStream, fault: Fault) {
    let mut buffer = vec![0; 16 * 1024];
    let mut passed = 0;
    while let Ok(count @ 1..) = from.read(&mut buffer) {
        let Some(piece) = buffer.get_mut(..count) else {
            return;
        };
        let keep = spoil(piece, passed, fault);
        passed += count as u64;
        if to.write_all(&piece[..keep]).is_err() {
            break;
        }
        if fault.limit().is_some_and(|limit| passed >= limit) {
            return end(&from, &to, fault);
        }
    }
    let _ = to.shutdown(Shutdown::Write);
}

/// Does to a piece what the fault says; how many of its bytes go on.
fn spoil(piece: &mut [u8], passed: u64, fault: Fault) -> usize {
    let left_of = |limit: u64| usize::try_from(limit.saturating_sub(passed)).unwrap_or(usize::MAX).min(piece.len());
    match fault {
        Fault::None => piece.len(),
        Fault::Delay(pause) | Fault::Trickle(pause) => {
            thread::sleep(pause);
            piece.len()
        }
        Fault::CutAfter(limit) | Fault::StallAfter(limit) | Fault::ResetAfter(limit) => left_of(limit),
        Fault::GarbleAt(offset) => {
            let place = offset.checked_sub(passed).and_then(|place| usize::try_from(place).ok());
            if let Some(byte) = place.and_then(|place| piece.get_mut(place)) {
                *byte = !*byte;
            }
            piece.len()
        }
        Fault::GarbleEach(length) => {
            for (byte, at) in piece.iter_mut().zip(passed + 1..) {
                *byte = if at % length == 0 { !*byte } else { *byte };
            }
            piece.len()
        }
    }
}

fn end(from: &TcpStream, to: &TcpStream, fault: Fault) {
    match fault {
        Fault::None | Fault::Delay(_) | Fault::Trickle(_) | Fault::GarbleAt(_) | Fault::GarbleEach(_) => {}
        Fault::StallAfter(_) => thread::sleep(STALL),
        Fault::CutAfter(_) => {
            for side in [from, to] {
                let _ = side.shutdown(Shutdown::Both);
            }
        }
        // Linux answers the dissolving of a connection with RST, whoever else holds the socket.
        Fault::ResetAfter(_) => {
            for side in [from, to] {
                let _ = rustix::net::connect_unspec(side);
            }
        }
    }
}
