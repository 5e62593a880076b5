//! Reading a spec and what it includes.

use super::yaml::{self, Content, Node};
use super::{Spec, decode, merge, syntax};
use crate::diag::{FileId, Report, Severity, Span};
use std::collections::HashMap;
use std::io::Read as _;
use std::path::{Component, Path, PathBuf};

/// A spec over this size is not read, in bytes: 16 MiB.
pub const SPEC_MAX_BYTES: u64 = 16 * 1024 * 1024;
/// More findings are only counted.
const FINDINGS_MAX: usize = 1_000;
/// A spec has at most this many files.
const FILES_MAX: usize = 256;
/// How deep includes may nest.
const INCLUDE_DEPTH_MAX: usize = 8;

/// Why a file could not be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The operating system says no.
    #[error("cannot read `{path}`: {reason}")]
    Io {
        /// The path.
        path: String,
        /// The operating system's words.
        reason: String,
    },
    /// A folder, a device or the like.
    #[error("`{path}` is {what}, not a file")]
    NotAFile {
        /// The path.
        path: String,
        /// What it is.
        what: &'static str,
    },
    /// Over [`SPEC_MAX_BYTES`].
    #[error("`{path}` has {bytes} bytes; a spec has at most {SPEC_MAX_BYTES}")]
    TooLarge {
        /// The path.
        path: String,
        /// Its size.
        bytes: u64,
    },
}

/// Reads a real file, for [`load`]: a regular file or a pipe, at most [`SPEC_MAX_BYTES`] long; `-` is standard input.
///
/// # Errors
/// See [`ReadError`].
pub fn read_file(path: &str) -> Result<Vec<u8>, ReadError> {
    let io = |error: std::io::Error| ReadError::Io { path: path.to_owned(), reason: error.to_string() };
    let mut reader: Box<dyn std::io::Read> = if path == "-" {
        Box::new(std::io::stdin())
    } else {
        let meta = std::fs::metadata(path).map_err(io)?;
        if meta.is_dir() {
            return Err(ReadError::NotAFile { path: path.into(), what: "a folder" });
        }
        if meta.is_file() && meta.len() > SPEC_MAX_BYTES {
            return Err(ReadError::TooLarge { path: path.into(), bytes: meta.len() });
        }
        Box::new(std::fs::File::open(path).map_err(io)?)
    };
    let mut bytes = vec![];
    reader.by_ref().take(SPEC_MAX_BYTES + 1).read_to_end(&mut bytes).map_err(io)?;
    match u64::try_from(bytes.len()) {
        Ok(length) if length <= SPEC_MAX_BYTES => Ok(bytes),
        _ => Err(ReadError::TooLarge { path: path.into(), bytes: SPEC_MAX_BYTES + 1 }),
    }
}

/// Reads a spec and everything that it includes, through `read`. The spec is there only where the report has no
/// errors.
pub fn load(path: &str, read: &dyn Fn(&str) -> Result<Vec<u8>, ReadError>) -> (Option<Spec>, Report) {
    let mut loader = Loader { read: Some(read), report: limited(), open: vec![], included: HashMap::new() };
    let root = loader.file(path, None);
    finish(root, loader.report)
}

/// Reads a spec from a text that can include nothing, such as a value in etcd.
#[must_use]
pub fn load_text(name: &str, text: &[u8]) -> (Option<Spec>, Report) {
    let mut loader = Loader { read: None, report: limited(), open: vec![], included: HashMap::new() };
    let root = loader.bytes(name, text.to_vec(), None);
    finish(root, loader.report)
}

fn limited() -> Report {
    let mut report = Report::default();
    report.limit(FINDINGS_MAX);
    report
}

fn finish(root: Option<Node>, mut report: Report) -> (Option<Spec>, Report) {
    let spec = root.map(|root| decode::spec(&root, &mut report));
    if report.untold() > 0 {
        let message = format!("{} more findings are not shown", report.untold());
        report.push(Severity::Error, "spec-limits", message).help("mend those above first");
    }
    (spec.filter(|_| !report.has_errors()), report)
}

type ReadFile<'a> = dyn Fn(&str) -> Result<Vec<u8>, ReadError> + 'a;

struct Loader<'a> {
    read: Option<&'a ReadFile<'a>>,
    report: Report,
    /// The files that are being read, each included by the one before.
    open: Vec<String>,
    /// Every included file, with where it is asked for.
    included: HashMap<PathBuf, Span>,
}

impl Loader<'_> {
    fn error(&mut self, at: Option<&Span>, id: &'static str, message: String) -> &mut crate::diag::Diagnostic {
        let diagnostic = self.report.push(Severity::Error, id, message);
        if let Some(span) = at { diagnostic.at(span) } else { diagnostic }
    }

    fn file(&mut self, path: &str, at: Option<&Span>) -> Option<Node> {
        let Some(read) = self.read else {
            self.error(at, "include-not-here", "a spec that is not a file cannot include files".into());
            return None;
        };
        match read(path) {
            Ok(bytes) => self.bytes(path, bytes, at),
            Err(error) => {
                self.error(at, "spec-unreadable", error.to_string());
                None
            }
        }
    }

    fn bytes(&mut self, name: &str, bytes: Vec<u8>, at: Option<&Span>) -> Option<Node> {
        let text = match String::from_utf8(bytes) {
            Ok(text) => text,
            Err(error) => {
                let offset = error.utf8_error().valid_up_to();
                let line = error.as_bytes().iter().take(offset).filter(|b| **b == b'\n').count() + 1;
                let message = format!("`{name}` is not UTF-8 text: byte {offset}, on line {line}, is wrong");
                self.error(at, "spec-not-utf8", message).help("is it really a spec, and not an archive or an image?");
                return None;
            }
        };
        let file = self.report.sources.add(name, text.as_str());
        super::mask::mask_lines(&mut self.report.sources, file, &text);
        let mut root = yaml::parse(file, &text).map_err(|error| syntax::tell(&mut self.report, file, &error)).ok()?;
        self.includes(name, file, &mut root);
        Some(root)
    }

    /// Replaces `include:` by what the files hold.
    fn includes(&mut self, name: &str, _file: FileId, root: &mut Node) {
        let Content::Map(entries) = &mut root.content else { return };
        let Some(index) = entries.iter().position(|(key, _)| key.key() == Some("include")) else { return };
        let (_, value) = entries.remove(index);
        self.open.push(name.to_owned());
        for (path, span) in self.include_paths(name, value) {
            if !self.may_include(&path, &span) {
                continue;
            }
            if let Some(included) = self.file(&path, Some(&span)) {
                merge::include(root, included, &mut self.report);
            }
        }
        self.open.pop();
    }

    /// Whether a file may be included; each is once.
    fn may_include(&mut self, path: &str, span: &Span) -> bool {
        let plain = without_detours(path);
        if self.open.iter().any(|open| without_detours(open) == plain) {
            self.error(Some(span), "include-loop", format!("`{path}` includes itself"));
            return false;
        }
        if self.open.len() > INCLUDE_DEPTH_MAX || self.included.len() >= FILES_MAX {
            let message = format!("a spec has at most {FILES_MAX} files, {INCLUDE_DEPTH_MAX} deep");
            self.error(Some(span), "spec-limits", message);
            return false;
        }
        let first = self.included.insert(plain, span.clone());
        if let Some(first) = &first {
            let message = format!("`{path}` is included twice");
            self.error(Some(span), "include-twice", message).also(first, "it is included here first");
        }
        first.is_none()
    }

    fn include_paths(&mut self, name: &str, value: Node) -> Vec<(String, Span)> {
        let items = match value.content {
            Content::List(items) => items,
            _ => vec![value],
        };
        let mut paths = vec![];
        for item in items {
            match &item.content {
                Content::Text(text) if !text.is_empty() => paths.push((beside(name, text), item.span)),
                other => {
                    let message = format!("`include:` takes paths, this is {}", other.noun());
                    self.report.error("wrong-type", &item.span, message);
                }
            }
        }
        paths
    }
}

/// A path as seen from the file that names it.
fn beside(name: &str, path: &str) -> String {
    match Path::new(name).parent() {
        Some(parent) if Path::new(path).is_relative() => parent.join(path).to_string_lossy().into_owned(),
        _ => path.to_owned(),
    }
}

/// A path without `.` and `..`, by its text alone.
fn without_detours(path: &str) -> PathBuf {
    let mut short = PathBuf::new();
    for part in Path::new(path).components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir if short.file_name().is_some() => {
                short.pop();
            }
            Component::Prefix(_) | Component::RootDir | Component::ParentDir | Component::Normal(_) => short.push(part),
        }
    }
    short
}
