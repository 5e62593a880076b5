//! From a path to a spec: reading, including, decoding.

use super::Spec;
use super::decode::Decoder;
use super::faults::Faults;
use super::node::{Form, Kind, Node, Scalar};
use super::{syntax, yaml};
use crate::diag::{Diagnostic, Report, Severity, Span};
use std::collections::HashMap;
use std::io::Read as _;
use std::path::{Component, Path, PathBuf};

/// A spec of more bytes is not read.
pub const SPEC_MAX_BYTES: u64 = 16 * 1024 * 1024;
/// A spec has at most this many files.
const FILES_MAX: usize = 256;

/// Why a file of the spec could not be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// There is none.
    #[error("there is no such file")]
    Missing,
    /// It may not be read.
    #[error("it may not be read by this user")]
    Denied,
    /// A folder, a device, a pipe.
    #[error("it is {0}, not a file")]
    NotAFile(&'static str),
    /// Longer than [`SPEC_MAX_BYTES`].
    #[error("it is longer than 16 MiB, more than any spec needs")]
    TooLarge,
    /// A spec that came from elsewhere cannot include files of this machine.
    #[error("a spec that is not a file cannot include files")]
    NoFiles,
    /// Anything else.
    #[error("it cannot be read")]
    Io(#[source] std::io::Error),
}

impl From<std::io::Error> for ReadError {
    fn from(error: std::io::Error) -> Self {
        match error.kind() {
            std::io::ErrorKind::NotFound | std::io::ErrorKind::NotADirectory => Self::Missing,
            std::io::ErrorKind::PermissionDenied => Self::Denied,
            _ => Self::Io(error),
        }
    }
}

/// Reads a file of a spec: a regular one of at most [`SPEC_MAX_BYTES`].
///
/// # Errors
/// See [`ReadError`]; nothing of a file that is too long, or no file, is read.
pub fn read_file(path: &str) -> Result<Vec<u8>, ReadError> {
    let about = std::fs::metadata(path)?;
    if about.is_dir() {
        return Err(ReadError::NotAFile("a folder"));
    }
    if !about.is_file() {
        return Err(ReadError::NotAFile("a device or pipe"));
    }
    if about.len() > SPEC_MAX_BYTES {
        return Err(ReadError::TooLarge);
    }
    let mut bytes = vec![];
    std::fs::File::open(path)?.take(SPEC_MAX_BYTES + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > SPEC_MAX_BYTES { Err(ReadError::TooLarge) } else { Ok(bytes) }
}

/// Reads a spec with what it includes; the spec is there where the report has no error.
///
/// `read` is asked for each file, by its path; [`read_file`] is meant for it.
#[must_use]
pub fn load(path: &str, read: &dyn Fn(&str) -> Result<Vec<u8>, ReadError>) -> (Option<Spec>, Report) {
    let mut loader = Loader { faults: Faults::new(), read, files: HashMap::new() };
    let root = loader.file(path, None);
    finish(loader.faults, root)
}

/// Reads a spec that is not a file, under a name for findings such as `etcd:/key`; it includes nothing.
#[must_use]
pub fn load_text(name: &str, text: &str) -> (Option<Spec>, Report) {
    let refuse = |_: &str| Err(ReadError::NoFiles);
    let mut loader = Loader { faults: Faults::new(), read: &refuse, files: HashMap::new() };
    let root = if text.len() as u64 > SPEC_MAX_BYTES {
        loader.unread(name, None, &ReadError::TooLarge);
        None
    } else {
        loader.text(name, text)
    };
    finish(loader.faults, root)
}

fn finish(faults: Faults, root: Option<Node>) -> (Option<Spec>, Report) {
    let mut decoder = Decoder::new(faults);
    let spec = root.and_then(|root| decoder.spec(&root));
    let report = decoder.faults.finish();
    (spec.filter(|_| !report.has_errors()), report)
}

struct Loader<'r> {
    faults: Faults,
    read: &'r dyn Fn(&str) -> Result<Vec<u8>, ReadError>,
    /// Files read, by their path without detours, with where they were asked for.
    files: HashMap<PathBuf, Option<Span>>,
}

impl Loader<'_> {
    /// A file's tree, with what it includes merged in.
    fn file(&mut self, path: &str, asked: Option<&Span>) -> Option<Node> {
        self.files.insert(without_detours(path), asked.cloned());
        let bytes = match (self.read)(path) {
            Ok(bytes) => bytes,
            Err(error) => {
                self.unread(path, asked, &error);
                return None;
            }
        };
        match String::from_utf8(bytes) {
            Ok(text) => self.text(path, &text),
            Err(error) => {
                self.not_text(path, asked, error.as_bytes(), error.utf8_error().valid_up_to());
                None
            }
        }
    }

    fn unread(&mut self, path: &str, asked: Option<&Span>, error: &ReadError) {
        let mut message = format!("`{path}` cannot be used: {error}");
        if let Some(cause) = std::error::Error::source(error) {
            message = format!("{message}: {cause}");
        }
        self.without_place("spec-unreadable", asked, message);
    }

    fn not_text(&mut self, path: &str, asked: Option<&Span>, bytes: &[u8], valid: usize) {
        let before = bytes.get(..valid).unwrap_or_default();
        let line = before.iter().filter(|b| **b == b'\n').count() + 1;
        let byte = bytes.get(valid).copied().unwrap_or(0);
        let message = format!("`{path}` is not text: byte 0x{byte:02x} in line {line} is not UTF-8");
        self.without_place("spec-unreadable", asked, message);
    }

    fn without_place(&mut self, id: &'static str, asked: Option<&Span>, message: String) {
        let mut found = Diagnostic::new(Severity::Error, id, message);
        if let Some(span) = asked {
            found.at(span);
        }
        self.faults.report.add(found);
    }

    fn text(&mut self, name: &str, text: &str) -> Option<Node> {
        let file = self.faults.report.sources.add(name, text);
        super::mask::mask_lines(&mut self.faults.report.sources, file);
        match yaml::parse(file, text) {
            Ok(node) if node.kind == Kind::Null => {
                self.without_place("spec-unreadable", None, format!("`{name}` is empty"));
                None
            }
            Ok(mut node) => {
                self.includes(name, &mut node);
                Some(node)
            }
            Err(error) => {
                syntax::tell(&mut self.faults, file, &error);
                None
            }
        }
    }

    /// Merges in what a file includes.
    fn includes(&mut self, name: &str, node: &mut Node) {
        let Kind::Map(entries) = &node.kind else { return };
        let Some((_, include)) = entries.iter().find(|(key, _)| key.text() == Some("include")) else { return };
        for (path, span) in self.include_paths(include) {
            let path = Path::new(name).parent().unwrap_or(Path::new("")).join(path);
            let path = path.to_string_lossy().into_owned();
            if self.may_include(&path, &span)
                && let Some(included) = self.file(&path, Some(&span))
            {
                self.merge(node, included);
            }
        }
    }

    fn include_paths(&mut self, include: &Node) -> Vec<(String, Span)> {
        let items = match &include.kind {
            Kind::List(items) => items.as_slice(),
            Kind::Scalar(_) => std::slice::from_ref(include),
            Kind::Null | Kind::Map(_) => {
                let message = format!("`include` must be a list of files, not {}", include.noun());
                self.faults.error("wrong-type", &include.span, message);
                return vec![];
            }
        };
        let mut paths = vec![];
        for item in items {
            match item.scalar() {
                Some(Scalar { text, form: Form::Plain | Form::Quoted }) if !text.is_empty() && !text.contains('\0') => {
                    paths.push((text.clone(), item.span.clone()));
                }
                Some(_) | None => {
                    self.faults.error("wrong-type", &item.span, "an item of `include` must be a file's path");
                }
            }
        }
        paths
    }

    fn may_include(&mut self, path: &str, span: &Span) -> bool {
        if self.files.len() >= FILES_MAX {
            self.faults.error("spec-limits", span, format!("a spec has at most {FILES_MAX} files"));
            return false;
        }
        let Some(first) = self.files.get(&without_detours(path)).cloned() else { return true };
        let found = self.faults.error("include-twice", span, format!("`{path}` is included already, or includes itself"));
        if let Some(first) = first {
            found.also(&first, "first");
        }
        false
    }

    /// Adds an included file's destinations, jobs and defaults to those of the file that includes it.
    fn merge(&mut self, into: &mut Node, included: Node) {
        let Kind::Map(entries) = included.kind else {
            let message = format!("an included file must be a mapping, not {}", included.noun());
            self.faults.error("wrong-type", &included.span, message);
            return;
        };
        for (key, value) in entries {
            match key.text() {
                Some("destinations" | "jobs" | "defaults") => append(into, key, value),
                Some("version" | "include") => {}
                Some(name) if name.starts_with("x-") => {}
                Some(_) | None => {
                    let message = format!("`{}` cannot stand in an included file", key.text().unwrap_or("this"));
                    let found = self.faults.error("unknown-key", &key.span, message);
                    found.help("it may hold `destinations`, `jobs`, `defaults`, `include` and keys that begin with `x-`");
                }
            }
        }
    }
}

/// Adds entries to the mapping under a key; the decoder tells of names that are then there twice.
fn append(into: &mut Node, key: Node, value: Node) {
    let Kind::Map(entries) = &mut into.kind else { return };
    let same = entries.iter_mut().find(|(known, _)| known.text() == key.text());
    match (same, value.kind) {
        (None, kind) => entries.push((key, Node { span: value.span, kind })),
        (Some((_, Node { kind: Kind::Map(present), .. })), Kind::Map(more)) => present.extend(more),
        (Some(_), kind) => entries.push((key, Node { span: value.span, kind })),
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
            other => short.push(other),
        }
    }
    short
}
