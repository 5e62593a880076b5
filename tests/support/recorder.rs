//! Servers that write down what they are told: one for HTTP, one for mail.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

use super::loopback;

/// A request as it came.
#[derive(Debug, Clone)]
pub struct Request {
    /// Its method and path.
    pub line: String,
    /// Its headers, a line each, names as they came.
    pub headers: Vec<String>,
    /// Its body.
    pub body: String,
}

/// An HTTP server that answers each request with the next of some statuses, and the last of them for ever.
#[derive(Debug)]
pub struct WebRecorder {
    port: u16,
    seen: Arc<Mutex<Vec<Request>>>,
}

impl WebRecorder {
    /// Starts one.
    pub fn start(statuses: &[u16]) -> Self {
        let listener = TcpListener::bind(loopback(0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let seen = Arc::new(Mutex::new(vec![]));
        let (record, statuses) = (Arc::clone(&seen), statuses.to_vec());
        thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                let Some(request) = read_request(&client) else { continue };
                let mut record = record.lock().unwrap();
                let status = statuses.get(record.len()).or(statuses.last()).unwrap();
                record.push(request);
                let answer = format!("HTTP/1.1 {status} X\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
                let _ = (&client).write_all(answer.as_bytes());
            }
        });
        Self { port, seen }
    }

    /// The address of a path there.
    pub fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    /// What came so far.
    pub fn seen(&self) -> Vec<Request> {
        self.seen.lock().unwrap().clone()
    }

    /// The method and path of what came so far.
    pub fn lines(&self) -> Vec<String> {
        self.seen().into_iter().map(|request| request.line).collect()
    }
}

fn read_request(client: &TcpStream) -> Option<Request> {
    let mut reader = BufReader::new(client);
    let mut lines = vec![];
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok().filter(|count| *count > 0)?;
        let line = line.trim_end().to_owned();
        if line.is_empty() {
            break;
        }
        lines.push(line);
    }
    let length = lines.iter().find_map(|line| line.to_ascii_lowercase().strip_prefix("content-length: ")?.parse().ok());
    let mut body = vec![0; length.unwrap_or(0)];
    reader.read_exact(&mut body).ok()?;
    let line = lines.remove(0).trim_end_matches(" HTTP/1.1").to_owned();
    Some(Request { line, headers: lines, body: String::from_utf8_lossy(&body).into_owned() })
}

/// A mail server that takes every message.
#[derive(Debug)]
pub struct MailRecorder {
    /// Where it listens.
    pub port: u16,
    seen: Arc<Mutex<Vec<String>>>,
}

impl MailRecorder {
    /// Starts one.
    pub fn start() -> Self {
        let listener = TcpListener::bind(loopback(0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let seen = Arc::new(Mutex::new(vec![]));
        let record = Arc::clone(&seen);
        thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                let _ = converse(&client, &record);
            }
        });
        Self { port, seen }
    }

    /// Every conversation with its message.
    pub fn seen(&self) -> Vec<String> {
        self.seen.lock().unwrap().clone()
    }
}

/// Just enough of RFC 5321.
fn converse(client: &TcpStream, record: &Mutex<Vec<String>>) -> std::io::Result<()> {
    let mut out = client;
    out.write_all(b"220 recorder\r\n")?;
    let (mut said, mut in_data) = (String::new(), false);
    for line in BufReader::new(client).lines() {
        let line = line?;
        said.push_str(&line);
        said.push('\n');
        let answer: &[u8] = match line.split(' ').next().unwrap_or("") {
            "." if in_data => {
                in_data = false;
                record.lock().unwrap().push(std::mem::take(&mut said));
                b"250 taken\r\n"
            }
            _ if in_data => continue,
            "DATA" => {
                in_data = true;
                b"354 go on\r\n"
            }
            "QUIT" => return out.write_all(b"221 bye\r\n"),
            _ => b"250 ok\r\n",
        };
        out.write_all(answer)?;
    }
    Ok(())
}
