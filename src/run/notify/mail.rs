//! Notices by mail, through the host's `sendmail`: every mail server brings one, it queues and tries again for days, and
//! it knows the host's relay, its password and its certificates, so that none of these is ours to hold.

use super::{News, NoticeError};
use crate::conduct::Mail;
use crate::run::os::{Environment, Input, Limits, Program, Stop};
use crate::value::Context;
use std::fmt::Write as _;
use std::time::Duration;

/// How long the program may take.
const PROGRAM_WITHIN: Duration = Duration::from_secs(20);
/// A longer line is broken: RFC 5322, section 2.1.1, allows 998.
const LINE_MAX_BYTES: usize = 900;
/// What a header's word may hold encoded (RFC 2047, section 2: 75 characters, its frame included).
const ENCODED_MAX_CHARS: usize = 60;

/// A mail's recipients and the program that takes it.
#[derive(Debug, Clone)]
pub(super) struct Envelope {
    to: Vec<String>,
    from: Option<String>,
    words: Vec<String>,
    environment: Environment,
}

impl Envelope {
    pub(super) fn new(mail: &Mail, context: &Context, environment: &Environment) -> Result<Self, NoticeError> {
        let Mail { to, from, sendmail } = mail;
        let words = sendmail.iter().map(|word| word.expand(context)).collect::<Result<_, _>>()?;
        Ok(Self { to: to.clone(), from: from.clone(), words, environment: environment.clone() })
    }

    pub(super) async fn send(&self, news: &News, stop: &Stop) -> Result<(), NoticeError> {
        let (name, args) = self.words.split_first().ok_or_else(|| NoticeError::Program("it has no words".into()))?;
        let program = Program::new(name, &self.environment).args(args).stdin(Input::Bytes(self.message(news)));
        let limits = Limits { stop: stop.clone(), deadline: None }.at_most(PROGRAM_WITHIN);
        let sent = tokio::task::spawn_blocking(move || program.capture(limits)).await;
        let sent = sent.map_err(|error| NoticeError::Program(error.to_string()))??;
        if sent.ended.well() {
            return Ok(());
        }
        let said = sent.lines().join("; ");
        Err(NoticeError::Program(format!("{}; it said: {said}", sent.ended.describe())))
    }

    fn message(&self, news: &News) -> Vec<u8> {
        let mut text = String::new();
        if let Some(from) = &self.from {
            let _ = writeln!(text, "From: {from}");
        }
        let _ = writeln!(text, "To: {}", self.to.join(", "));
        let _ = writeln!(text, "Subject: {}", header_text(&news.title));
        text.push_str("MIME-Version: 1.0\nContent-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: 8bit\n");
        // RFC 3834: no holiday greeting is sent to a program.
        text.push_str("Auto-Submitted: auto-generated\n\n");
        for line in news.text.lines() {
            text.push_str(&broken(line));
            text.push('\n');
        }
        text.into_bytes()
    }
}

/// A header's text: as it is where it is ASCII, else in encoded words (RFC 2047), a line each.
fn header_text(text: &str) -> String {
    if text.bytes().all(|byte| byte.is_ascii_graphic() || byte == b' ') {
        return text.to_owned();
    }
    let mut words = vec![String::new()];
    for c in text.chars() {
        let encoded = c.to_string().bytes().fold(String::new(), |mut encoded, byte| {
            if byte.is_ascii_alphanumeric() {
                encoded.push(char::from(byte));
            } else {
                let _ = write!(encoded, "={byte:02X}");
            }
            encoded
        });
        match words.last_mut() {
            Some(last) if last.len() + encoded.len() <= ENCODED_MAX_CHARS => last.push_str(&encoded),
            Some(_) | None => words.push(encoded),
        }
    }
    words.iter().map(|word| format!("=?utf-8?q?{word}?=")).collect::<Vec<_>>().join("\n ")
}

fn broken(line: &str) -> String {
    let mut broken = String::new();
    let mut length = 0;
    for c in line.chars() {
        if length + c.len_utf8() > LINE_MAX_BYTES {
            broken.push('\n');
            length = 0;
        }
        broken.push(c);
        length += c.len_utf8();
    }
    broken
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_hold_any_text_and_no_second_header() {
        assert_eq!(header_text("job on web1: failed"), "job on web1: failed");
        assert_eq!(header_text("wö"), "=?utf-8?q?w=C3=B6?=");
        assert_eq!(header_text("a\nBcc: x@y"), "=?utf-8?q?a=0ABcc=3A=20x=40y?=");
        let long = header_text(&"ö".repeat(40));
        assert!(long.lines().all(|line| line.len() <= 76), "{long}");
    }

    #[test]
    fn lines_are_broken_between_characters() {
        let line = broken(&"ö".repeat(1000));
        assert!(
            line.lines().all(|line| line.len() <= LINE_MAX_BYTES) && line.replace('\n', "").chars().count() == 1000
        );
    }
}
