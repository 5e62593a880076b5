//! GNU tar: how it is called, and what its words and its exit status mean together.

use super::DumpError;
use super::log::Log;
use crate::run::os::{Ended, Environment, Limits, Program};
use std::ffi::OsString;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// Its options for every archive that we make: nothing of a file is lost, and the same files give the same bytes.
const OPTIONS: [&str; 8] = [
    "--create",
    "--file=-",
    "--format=posix",
    "--pax-option=exthdr.name=%d/PaxHeaders/%f,delete=atime,delete=ctime",
    "--xattrs",
    "--acls",
    "--sparse",
    "--numeric-owner",
];
/// How many remarks of a kind are kept; a million unreadable files are counted, not listed.
const REMARKS_MAX: usize = 200;

/// GNU tar, as it is on this host.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct GnuTar {
    /// Whether it reads folders in the order of their names: since 1.28, of 2014.
    sorts: bool,
}

impl GnuTar {
    /// GNU tar with our options; what to read is added to it.
    pub(super) fn program(self, environment: &Environment) -> Program {
        let sort = self.sorts.then_some("--sort=name");
        Program::new("tar", environment).env("LC_ALL", "C").args(OPTIONS).args(sort)
    }

    /// What `tar --version` prints; none where it is not GNU's.
    fn of(version: &str) -> Option<Self> {
        let (_, number) = version.lines().next()?.split_once("GNU tar")?;
        let mut parts = number.trim_matches([')', ' ']).split('.').map(|part| part.parse::<u32>().unwrap_or(0));
        let number = (parts.next().unwrap_or(0), parts.next().unwrap_or(0));
        Some(Self { sorts: number >= (1, 28) })
    }
}

/// The option for one pattern of what to leave out.
pub(super) fn exclude(pattern: &str) -> OsString {
    format!("--exclude={pattern}").into()
}

/// Finds out which `tar` there is, and makes sure that it is GNU's.
pub(super) fn find(environment: &Environment, limits: &Limits) -> Result<GnuTar, DumpError> {
    let version = Program::new("tar", environment).env("LC_ALL", "C").arg("--version");
    match version.capture(limits.at_most(Duration::from_secs(20))) {
        Err(error) if error.source.kind() == std::io::ErrorKind::NotFound => Err(DumpError::NoTar),
        Err(error) => Err(DumpError::Spawn(error)),
        Ok(captured) => match captured.ended.cut {
            Some(cut) => Err(DumpError::Cut { what: "tar".into(), cut }),
            None => GnuTar::of(&String::from_utf8_lossy(&captured.stdout)).ok_or(DumpError::ForeignTar),
        },
    }
}

/// What one line of tar's says of the archive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Meaning {
    /// Nothing worth repeating.
    Chatter,
    /// A file changed or vanished while it was read.
    Changed,
    /// Something was left out, or an attribute was, that a backup may lack.
    Odd,
    /// A file could not be read.
    Unreadable,
    /// The archive is complete but for what was said before.
    Delayed,
    /// Anything else.
    Unknown,
}

/// Messages by how they end, after the name.
const ENDS: [(&str, Meaning); 14] = [
    (": file changed as we read it", Meaning::Changed),
    (": File removed before we read it", Meaning::Changed),
    (": Directory removed before we read it", Meaning::Changed),
    (": socket ignored", Meaning::Odd),
    (": door ignored", Meaning::Odd),
    (": Unknown file type; file ignored", Meaning::Odd),
    (": file is on a different filesystem; not dumped", Meaning::Chatter),
    (" from member names", Meaning::Chatter),
    (" from hard link targets", Meaning::Chatter),
    ("Exiting with failure status due to previous errors", Meaning::Delayed),
    ("Error exit delayed from previous errors", Meaning::Delayed),
    // busybox, in containers
    ("error exit delayed from previous errors", Meaning::Delayed),
    ("removing leading '/' from member names", Meaning::Chatter),
    (": socket: not supported", Meaning::Odd),
];

/// What a file could not be asked for, between its name and the system's reason.
const CANNOT_READ: [&str; 8] = [
    ": Cannot open",
    ": Cannot stat",
    ": Cannot read",
    ": Cannot readlink",
    ": Cannot savedir",
    ": Cannot seek",
    ": Cannot fdopendir",
    ": Read error at byte",
];

/// Attributes that a file system may refuse to tell; the file itself is there.
const ATTRIBUTES: [&str; 4] = ["xattr", "acl", "ACL", "SELinux"];

/// What follows the program's name; a wrapper may have called it by its path.
fn of_tar(line: &str) -> Option<&str> {
    let (program, said) = line.split_once(": ")?;
    matches!(program.rsplit('/').next(), Some("tar" | "gtar")).then_some(said)
}

fn meaning(line: &str) -> Meaning {
    let Some(line) = of_tar(line) else { return Meaning::Unknown };
    if let Some((_, meaning)) = ENDS.iter().find(|(end, _)| line.ends_with(end)) {
        return *meaning;
    }
    if let Some((name_and_verb, reason)) = line.rsplit_once(": ") {
        return with_reason(line, name_and_verb, reason);
    }
    if line.ends_with("padding with zeros") && line.contains(": File shrank by ") {
        Meaning::Changed
    } else {
        Meaning::Unknown
    }
}

/// `NAME: Cannot VERB: REASON`, the reason being the system's; also `NAME: File shrank by N bytes; padding with zeros`.
fn with_reason(line: &str, name_and_verb: &str, reason: &str) -> Meaning {
    if line.contains(": File shrank by ") && line.ends_with("padding with zeros") {
        return Meaning::Changed;
    }
    // busybox of a file that vanished between being listed and being looked at
    if !name_and_verb.contains(": ") && reason == "No such file or directory" {
        return Meaning::Changed;
    }
    if name_and_verb.starts_with("can't open '") || name_and_verb.starts_with("can't stat '") {
        return Meaning::Unreadable;
    }
    let (name, verb) = name_and_verb.rsplit_once(": ").unwrap_or(("", name_and_verb));
    let of_attribute = ATTRIBUTES.iter().any(|word| verb.contains(word));
    if of_attribute
        && (name.ends_with(": Warning") || verb.starts_with("Cannot ") || verb.starts_with("Warning: Cannot "))
    {
        return Meaning::Odd;
    }
    let said = format!(": {verb}");
    if CANNOT_READ.iter().any(|start| said.starts_with(start)) { Meaning::Unreadable } else { Meaning::Unknown }
}

/// What a tar said, sorted.
#[derive(Debug, Clone, Default)]
pub(super) struct Remarks {
    sorted: Arc<Mutex<Sorted>>,
    /// Whether tar is told every name: one that vanished meanwhile is a name that it cannot find.
    listed: bool,
}

#[derive(Debug, Clone, Default)]
struct Sorted {
    warnings: Vec<String>,
    unreadable: Vec<String>,
    changed: bool,
    unknown: bool,
    delayed: bool,
    /// Beyond [`REMARKS_MAX`].
    more_warnings: usize,
    more_unreadable: usize,
}

/// What remains to be said of an archive that is good.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Verdict {
    pub warnings: Vec<String>,
    pub unreadable: Vec<String>,
}

impl Remarks {
    pub(super) fn new(listed: bool) -> Self {
        Self { sorted: Arc::default(), listed }
    }

    /// Adds a warning of our own.
    pub(super) fn warn(&self, text: &str, log: &Log) {
        log.line("tar", text);
        self.sorted.lock().unwrap_or_else(PoisonError::into_inner).warn(log.clean(text));
    }

    /// A function for [`crate::run::os::Process::spawn`]: sorts each line, and logs what is worth it.
    pub(super) fn sink(&self, log: &Log) -> impl FnMut(String) + Send + 'static {
        let (remarks, log) = (self.clone(), log.clone());
        move |line| remarks.note(&line, &log)
    }

    /// Sorts one line.
    pub(super) fn note(&self, line: &str, log: &Log) {
        let vanished = self.listed && line.ends_with(": Cannot stat: No such file or directory");
        let meaning = if vanished { Meaning::Changed } else { meaning(line) };
        if meaning != Meaning::Chatter {
            log.line("tar", line);
        }
        let text = log.clean(of_tar(line).unwrap_or(line));
        let mut sorted = self.sorted.lock().unwrap_or_else(PoisonError::into_inner);
        match meaning {
            Meaning::Chatter => {}
            Meaning::Changed => {
                sorted.changed = true;
                sorted.warn(text);
            }
            Meaning::Odd => sorted.warn(text),
            Meaning::Unreadable if sorted.unreadable.len() < REMARKS_MAX => sorted.unreadable.push(text),
            Meaning::Unreadable => sorted.more_unreadable += 1,
            Meaning::Delayed => sorted.delayed = true,
            Meaning::Unknown => {
                sorted.unknown = true;
                sorted.warn(text);
            }
        }
    }

    /// What tar's exit status makes of it: only what is known and explained passes.
    pub(super) fn judge(&self, ended: Ended, log: &Log) -> Result<Verdict, DumpError> {
        let sorted = self.sorted.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(cut) = ended.cut {
            return Err(DumpError::Cut { what: "tar".into(), cut });
        }
        let explained = match ended.status.code() {
            Some(0) => true,
            Some(1) => !sorted.unknown && (sorted.changed || sorted.has_unreadable() && sorted.delayed),
            Some(2) => {
                let vanished = self.listed && sorted.changed;
                !sorted.unknown && (sorted.has_unreadable() || vanished) && sorted.delayed
            }
            Some(_) | None => false,
        };
        if explained {
            Ok(sorted.verdict())
        } else {
            Err(DumpError::Failed { what: "tar".into(), how: ended.describe(), tail: log.tail() })
        }
    }
}

impl Sorted {
    fn warn(&mut self, text: String) {
        if self.warnings.len() < REMARKS_MAX {
            self.warnings.push(text);
        } else {
            self.more_warnings += 1;
        }
    }

    fn has_unreadable(&self) -> bool {
        !self.unreadable.is_empty()
    }

    fn verdict(self) -> Verdict {
        let Self { mut warnings, mut unreadable, changed: _, unknown: _, delayed: _, more_warnings, more_unreadable } =
            self;
        for (list, more) in [(&mut warnings, more_warnings), (&mut unreadable, more_unreadable)] {
            if more > 0 {
                list.push(format!("… and {more} more"));
            }
        }
        Verdict { warnings, unreadable }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::secret::Secrets;
    use std::os::unix::process::ExitStatusExt as _;
    use std::process::ExitStatus;

    #[test]
    fn tar_s_words_are_understood_whatever_the_names_hold() {
        for (line, expected) in [
            ("tar: a: file changed as we read it", Meaning::Changed),
            ("tar: a/b: File removed before we read it", Meaning::Changed),
            ("tar: a: File shrank by 12 bytes; padding with zeros", Meaning::Changed),
            ("tar: a: b: File shrank by 1 byte; padding with zeros", Meaning::Changed),
            ("tar: a: Cannot open: Permission denied", Meaning::Unreadable),
            ("tar: a: Cannot stat: Input/output error", Meaning::Unreadable),
            ("tar: a: file changed as we read it: Cannot open: Permission denied", Meaning::Unreadable),
            ("tar: a: Read error at byte 0, while reading 512 bytes: Input/output error", Meaning::Unreadable),
            ("tar: a: Warning: Cannot flistxattr: Operation not permitted", Meaning::Odd),
            ("tar: a: Warning: Cannot acl_get_file: No such file or directory", Meaning::Odd),
            ("tar: a: socket ignored", Meaning::Odd),
            ("tar: Removing leading `/' from member names", Meaning::Chatter),
            ("tar: Removing leading `/' from hard link targets", Meaning::Chatter),
            ("tar: can't open 'a': Permission denied", Meaning::Unreadable),
            ("/usr/bin/tar: a: socket ignored", Meaning::Odd),
            ("cat: a: Cannot open: Permission denied", Meaning::Unknown),
            ("tar: a: No such file or directory", Meaning::Changed),
            ("tar: a: No space left on device", Meaning::Unknown),
            ("tar: -: Cannot write: Broken pipe", Meaning::Unknown),
            ("tar: -: Wrote only 4096 of 10240 bytes", Meaning::Unknown),
            ("tar: Error is not recoverable: exiting now", Meaning::Unknown),
            ("tar: short read", Meaning::Unknown),
            ("tar: xattr: Cannot open: Permission denied", Meaning::Unreadable),
            ("segmentation fault", Meaning::Unknown),
            ("tar: ", Meaning::Unknown),
        ] {
            assert_eq!(meaning(line), expected, "{line}");
        }
    }

    fn judge(lines: &[&str], code: i32) -> Result<Verdict, DumpError> {
        let log = Log::new("s", Arc::new(Secrets::default()));
        let remarks = Remarks::default();
        for line in lines {
            remarks.note(line, &log);
        }
        remarks.judge(Ended { status: ExitStatus::from_raw(code << 8), cut: None }, &log)
    }

    #[test]
    fn only_what_is_explained_passes() {
        let changed = "tar: a: file changed as we read it";
        let denied = "tar: a: Cannot open: Permission denied";
        let delayed = "tar: Exiting with failure status due to previous errors";
        let unknown = "tar: the moon is full";
        assert_eq!(judge(&[changed], 1).unwrap().warnings, ["a: file changed as we read it"]);
        assert_eq!(judge(&[denied, delayed], 2).unwrap().unreadable, ["a: Cannot open: Permission denied"]);
        assert_eq!(judge(&[unknown], 0).unwrap().warnings, ["the moon is full"]);
        for (lines, code) in [
            (&[][..], 1),
            (&[unknown, changed], 1),
            (&[denied], 2),
            (&[denied, unknown, delayed], 2),
            (&[delayed], 2),
            (&[changed], 2),
            (&[changed], 64),
        ] {
            assert!(judge(lines, code).is_err(), "{lines:?} {code}");
        }
    }

    #[test]
    fn a_tar_tells_whether_it_sorts() {
        let sorts = |version: &str| GnuTar::of(version).map(|tar| tar.sorts);
        assert_eq!(sorts("tar (GNU tar) 1.34\nCopyright"), Some(true));
        assert_eq!((sorts("tar (GNU tar) 1.27.1\n"), sorts("tar (GNU tar) 2.0")), (Some(false), Some(true)));
        assert_eq!((sorts("tar (busybox) 1.35"), sorts("bsdtar 3.6.2"), sorts("")), (None, None, None));
    }

    #[test]
    fn a_million_remarks_are_counted_not_kept() {
        let many = vec!["tar: a: file changed as we read it"; 5000];
        let warnings = judge(&many, 1).unwrap().warnings;
        assert_eq!((warnings.len(), warnings.last().unwrap().as_str()), (REMARKS_MAX + 1, "… and 4800 more"));
    }
}
