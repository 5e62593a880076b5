//! A TCP proxy in front of an HTTP server that holds the traffic at a request of one's choice, or refuses it.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use super::loopback;

/// How long a held request is kept: longer than any patience under test.
const HELD: Duration = Duration::from_secs(600);

/// Where the traffic is held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hold {
    /// The server has not seen the request.
    Before,
    /// The server has the beginning of the request.
    Midway,
    /// The server has done what was asked; the client has no answer.
    Answer,
}

#[derive(Debug, Clone, Copy)]
enum Deed {
    Hold(Hold),
    /// Answers with this status and word instead of the server.
    Refuse(u16, &'static str),
}

#[derive(Default)]
struct State {
    /// What the request's first line holds, what is done then, and how often.
    set: Option<(&'static [&'static str], Deed, usize)>,
    caught: bool,
    thrown: bool,
}

type Shared = Arc<(Mutex<State>, Condvar)>;

/// The proxy; it stops accepting when the value is gone.
pub struct Trap {
    port: u16,
    stopped: Arc<AtomicBool>,
    shared: Shared,
}

impl Trap {
    /// Listens in front of a server of the loopback interface; everything passes until something is set.
    pub fn start(upstream: u16) -> Self {
        let listener = TcpListener::bind(loopback(0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let trap = Self { port, stopped: Arc::default(), shared: Arc::default() };
        let (stopped, shared) = (Arc::clone(&trap.stopped), Arc::clone(&trap.shared));
        thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                if stopped.load(Ordering::SeqCst) {
                    return;
                }
                let Ok(server) = TcpStream::connect(loopback(upstream)) else { continue };
                let (client_too, server_too) = (client.try_clone().unwrap(), server.try_clone().unwrap());
                let (up, down, held) = (Arc::clone(&shared), Arc::clone(&shared), Arc::new(AtomicBool::new(false)));
                let held_too = Arc::clone(&held);
                thread::spawn(move || requests(client, server, &up, &held));
                thread::spawn(move || answers(server_too, client_too, &down, &held_too));
            }
        });
        trap
    }

    /// Where it listens.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// From now on, requests whose first line holds all these words are held.
    pub fn hold(&self, words: &'static [&'static str], hold: Hold) {
        self.set(words, Deed::Hold(hold), usize::MAX);
    }

    /// So many of the next requests whose first line holds all these words are answered with an error of S3's.
    pub fn refuse(&self, words: &'static [&'static str], status: u16, error: &'static str, times: usize) {
        self.set(words, Deed::Refuse(status, error), times);
    }

    fn set(&self, words: &'static [&'static str], deed: Deed, times: usize) {
        *self.state() = State { set: Some((words, deed, times)), caught: false, thrown: false };
    }

    /// Whether something was held or refused since.
    pub fn caught(&self) -> bool {
        self.state().caught
    }

    /// What is held goes on, and everything passes.
    pub fn let_go(&self) {
        self.state().set = None;
        self.shared.1.notify_all();
    }

    /// What is held never arrives; everything else passes from now on.
    pub fn throw_away(&self) {
        let mut state = self.state();
        (state.set, state.thrown) = (None, true);
        drop(state);
        self.shared.1.notify_all();
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.shared.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Trap {
    fn drop(&mut self) {
        self.stopped.store(true, Ordering::SeqCst);
        self.throw_away();
        // The listener sits in accept(); one last connection wakes it.
        let _ = TcpStream::connect(loopback(self.port));
    }
}

/// What is done to a piece of a client's, which begins with a request's first line if it has one.
fn deed(piece: &[u8], shared: &Shared) -> Option<Deed> {
    let line = String::from_utf8_lossy(piece.split(|byte| *byte == b'\r').next()?).into_owned();
    let mut state = shared.0.lock().unwrap();
    let (words, deed, times) = state.set.as_mut()?;
    if *times == 0 || !line.ends_with(" HTTP/1.1") || !words.iter().all(|word| line.contains(word)) {
        return None;
    }
    *times -= 1;
    let deed = *deed;
    state.caught |= matches!(deed, Deed::Refuse(..));
    Some(deed)
}

/// Waits until what is held may go on; false where it is thrown away.
fn wait(shared: &Shared) -> bool {
    let mut state = shared.0.lock().unwrap();
    state.caught = true;
    let (state, _) = shared.1.wait_timeout_while(state, HELD, |state| state.set.is_some() && !state.thrown).unwrap();
    !state.thrown
}

fn requests(mut client: TcpStream, mut server: TcpStream, shared: &Shared, answer_held: &AtomicBool) {
    let mut buffer = vec![0; 16 * 1024];
    let mut midway = false;
    while let Ok(count @ 1..) = client.read(&mut buffer) {
        let piece = &buffer[..count];
        let mut goes_on = !midway || wait(shared);
        midway = false;
        match deed(piece, shared) {
            None => {}
            Some(Deed::Hold(Hold::Before)) => goes_on = wait(shared),
            Some(Deed::Hold(Hold::Midway)) => midway = true,
            Some(Deed::Hold(Hold::Answer)) => answer_held.store(true, Ordering::SeqCst),
            Some(Deed::Refuse(status, error)) => {
                let body = format!("<Error><Code>{error}</Code><Message>no</Message></Error>");
                let head = format!("HTTP/1.1 {status} X\r\nContent-Length: {}\r\nConnection: close", body.len());
                let _ = client.write_all(format!("{head}\r\n\r\n{body}").as_bytes());
                // The rest of the request is read to its end, so that the answer is not lost to a reset.
                let _ = client.shutdown(Shutdown::Write);
                let _ = client.set_read_timeout(Some(Duration::from_secs(5)));
                let _ = std::io::copy(&mut client, &mut std::io::sink());
                goes_on = false;
            }
        }
        if !goes_on || server.write_all(&buffer[..count]).is_err() {
            break;
        }
    }
    let _ = server.shutdown(Shutdown::Write);
    let _ = client.shutdown(Shutdown::Read);
}

fn answers(mut server: TcpStream, mut client: TcpStream, shared: &Shared, held: &AtomicBool) {
    let mut buffer = vec![0; 16 * 1024];
    while let Ok(count @ 1..) = server.read(&mut buffer) {
        if held.swap(false, Ordering::SeqCst) && !wait(shared) {
            break;
        }
        if client.write_all(&buffer[..count]).is_err() {
            break;
        }
    }
    let _ = client.shutdown(Shutdown::Both);
    let _ = server.shutdown(Shutdown::Both);
}
