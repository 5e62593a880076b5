//! Fixes made: in rounds, until none is left that makes the files better.
//!
//! A fix is kept only if linting the new text proves it: its finding is gone, no error has come up that was not there,
//! and there is less to tell than before. So a second run changes nothing.

use super::engine::{self, Config};
use super::files::Files;
use crate::diag::{Diagnostic, Edit, FileId, Fix, Report, Safety, Severity, Span};
use std::collections::BTreeMap;

/// How often a rule is told of one unit while fixing: more than ever is found, less than a hostile file could ask for.
const TOLD_MAX: usize = 300;
/// How often a round lints the files anew. Each fix that does not prove good costs a few times; a file with very many of
/// them is none that people wrote.
const TRIALS_MAX: usize = 24;
/// No text needs so many rounds: each makes every fix that does not touch another.
const ROUNDS_MAX: usize = 50;

/// A file that was changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mended {
    /// Which of the files it is, in the order in which they were added.
    pub place: usize,
    /// The path by which the user knows it.
    pub path: String,
    /// Its text as it was read.
    pub before: Vec<u8>,
    /// Its text with the fixes.
    pub after: Vec<u8>,
}

/// What came of fixing files.
#[derive(Debug)]
pub struct Fixed {
    /// The files that were changed, in the order in which they were given.
    pub files: Vec<Mended>,
    /// How many findings were fixed, by rule.
    pub made: BTreeMap<&'static str, usize>,
    /// What is left, at its place in the new texts.
    pub left: Report,
}

/// Makes every fix that is as safe as asked for.
///
/// A finding that is allowed, or whose rule is off, is not fixed. Files keep their line ends, also a missing last one,
/// and every byte that no fix is about.
#[must_use]
pub fn fix(mut files: Files, config: &Config, most: Safety) -> Fixed {
    let before: Vec<Vec<u8>> = files.all.iter().map(|file| file.text.text().to_vec()).collect();
    let mut made = BTreeMap::new();
    for _ in 0..ROUNDS_MAX {
        let round = Round { config, told: engine::told(&files, config, TOLD_MAX) };
        let kept = round.choose(&mut files, most);
        if kept.is_empty() {
            break;
        }
        for finding in kept {
            *made.entry(finding.id).or_insert(0) += 1;
        }
    }
    let mended = files.all.iter().zip(before).enumerate().filter(|(_, (file, before))| file.text.text() != before);
    let mended = mended.map(|(place, (file, before))| {
        let path = files.sources.get(file.id()).map_or_else(String::new, |source| source.name.clone());
        Mended { place, path, before, after: file.text.text().to_vec() }
    });
    Fixed { files: mended.collect(), made, left: engine::lint(files, config) }
}

/// The findings of the texts as they stand.
struct Round<'a> {
    config: &'a Config,
    told: Vec<Diagnostic>,
}

impl Round<'_> {
    /// Makes the fixes that can be made at once and prove good; the findings that they were for.
    fn choose(&self, files: &mut Files, most: Safety) -> Vec<&Diagnostic> {
        let wanted = self.apart(files, most);
        let texts = texts(files, &wanted);
        let mut trial = Trial { round: self, before: Tally::of(&self.told), texts, kept: vec![], left: TRIALS_MAX };
        trial.take(files, &wanted);
        let kept = trial.kept.clone();
        trial.write(files, &kept);
        kept
    }

    /// Findings with a fix, in order, none of which touches one before it.
    fn apart(&self, files: &Files, most: Safety) -> Vec<&Diagnostic> {
        let mut taken: BTreeMap<FileId, Vec<(usize, usize)>> = BTreeMap::new();
        let mut apart = Vec::new();
        for finding in &self.told {
            let Some(fix) = finding.fix.as_ref().filter(|fix| fix.safety <= most) else { continue };
            if self.is_doubtful(finding) {
                continue;
            }
            let free = |edit: &Edit| !touches(taken.get(&edit.span.file), &edit.span);
            if !fix.edits.is_empty() && fix.edits.iter().all(|edit| free(edit) && is_sound(edit, files)) {
                for Edit { span, text: _ } in &fix.edits {
                    taken.entry(span.file).or_default().push((span.start, span.end));
                }
                apart.push(finding);
            }
        }
        apart
    }
}

impl Round<'_> {
    /// Whether a place that the finding relies on has an error of its own: a second value that is ignored leaves the first
    /// in force.
    fn is_doubtful(&self, finding: &Diagnostic) -> bool {
        finding.others.iter().any(|other| {
            let errors = self.told.iter().filter(|it| it.severity == Severity::Error && !std::ptr::eq(*it, finding));
            let mut spans = errors.filter_map(|it| it.span.as_ref()).filter(|span| span.file == other.span.file);
            spans.any(|span| span.start < other.span.end && other.span.start < span.end)
        })
    }
}

fn touches(taken: Option<&Vec<(usize, usize)>>, span: &Span) -> bool {
    taken.is_some_and(|taken| taken.iter().any(|(start, end)| span.start <= *end && *start <= span.end))
}

/// Whether an edit lies in its file, and puts nothing that was read from a text in the place of bytes that are none.
fn is_sound(edit: &Edit, files: &Files) -> bool {
    let old = files.text(edit.span.file).and_then(|text| text.get(edit.span.start..edit.span.end));
    old.is_some_and(|old| edit.text.is_empty() || std::str::from_utf8(old).is_ok())
}

/// The texts that fixes touch.
fn texts(files: &Files, chosen: &[&Diagnostic]) -> BTreeMap<FileId, Vec<u8>> {
    let edits = chosen.iter().filter_map(|finding| finding.fix.as_ref()).flat_map(|fix| &fix.edits);
    edits.filter_map(|edit| Some((edit.span.file, files.text(edit.span.file)?.to_vec()))).collect()
}

/// Fixes tried together.
struct Trial<'a> {
    round: &'a Round<'a>,
    before: Tally,
    texts: BTreeMap<FileId, Vec<u8>>,
    kept: Vec<&'a Diagnostic>,
    /// How often more the files may be linted.
    left: usize,
}

impl<'a> Trial<'a> {
    /// Keeps what proves good: all at once if that does, else each half by itself.
    fn take(&mut self, files: &mut Files, more: &[&'a Diagnostic]) {
        if more.is_empty() || self.left == 0 {
            return;
        }
        self.left -= 1;
        let with: Vec<&Diagnostic> = self.kept.iter().chain(more).copied().collect();
        self.write(files, &with);
        let after = Tally::of(&engine::told(files, self.round.config, TOLD_MAX));
        if after.is_better(&self.before, &with) {
            self.kept = with;
        } else if more.len() > 1 {
            let (first, second) = more.split_at(more.len() / 2);
            self.take(files, first);
            self.take(files, second);
        }
    }

    /// Puts these fixes, and no others, into the files.
    fn write(&self, files: &mut Files, chosen: &[&Diagnostic]) {
        let mut edits: BTreeMap<FileId, Vec<&Edit>> = BTreeMap::new();
        for edit in chosen.iter().filter_map(|finding| finding.fix.as_ref()).flat_map(|fix: &Fix| &fix.edits) {
            edits.entry(edit.span.file).or_default().push(edit);
        }
        for (id, text) in &self.texts {
            let changed = edits.get(id).map_or_else(|| text.clone(), |edits| edited(text, edits));
            files.replace_if_other(*id, changed);
        }
    }
}

/// A text with its edits made.
fn edited(text: &[u8], edits: &[&Edit]) -> Vec<u8> {
    let mut edits = edits.to_vec();
    edits.sort_by_key(|edit| edit.span.start);
    let mut out = Vec::with_capacity(text.len());
    let mut at = 0;
    for edit in edits {
        out.extend_from_slice(text.get(at..edit.span.start).unwrap_or_default());
        out.extend_from_slice(edit.text.as_bytes());
        at = edit.span.end;
    }
    out.extend_from_slice(text.get(at..).unwrap_or_default());
    out
}

/// How often each rule was told of each file, and how bad all of it is.
struct Tally {
    counts: BTreeMap<(Option<FileId>, &'static str), usize>,
    errors: BTreeMap<(Option<FileId>, &'static str), usize>,
    /// Errors, warnings, notes.
    weight: [usize; 3],
}

impl Tally {
    fn of(told: &[Diagnostic]) -> Self {
        let mut tally = Self { counts: BTreeMap::new(), errors: BTreeMap::new(), weight: [0; 3] };
        for finding in told {
            let key = (finding.span.as_ref().map(|span| span.file), finding.id);
            *tally.counts.entry(key).or_insert(0) += 1;
            let [errors, warnings, notes] = &mut tally.weight;
            match finding.severity {
                Severity::Error => {
                    *errors += 1;
                    *tally.errors.entry(key).or_insert(0) += 1;
                }
                Severity::Warning => *warnings += 1,
                Severity::Note => *notes += 1,
            }
        }
        tally
    }

    /// Whether the fixed findings are gone, no error is new, and all in all there is less.
    fn is_better(&self, before: &Self, fixed: &[&Diagnostic]) -> bool {
        let mut gone: BTreeMap<(Option<FileId>, &'static str), usize> = BTreeMap::new();
        for finding in fixed {
            *gone.entry((finding.span.as_ref().map(|span| span.file), finding.id)).or_insert(0) += 1;
        }
        let count = |counts: &BTreeMap<_, usize>, key| counts.get(key).copied().unwrap_or(0);
        let all_gone = gone.iter().all(|(key, n)| count(&self.counts, key) + n <= count(&before.counts, key));
        let none_new = self.errors.iter().all(|(key, n)| *n <= count(&before.errors, key));
        all_gone && none_new && self.weight < before.weight
    }
}
