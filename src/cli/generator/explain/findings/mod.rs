//! Findings that are no rule's: of a spec, of planning it, and of `eightbells.toml`.

mod around;
mod form;
mod jobs;

/// A finding that has a page.
#[derive(Debug)]
pub(super) struct Finding {
    /// Its name in kebab case.
    pub id: &'static str,
    /// How bad it is, in words.
    pub level: &'static str,
    /// What it finds, in one line.
    pub finds: &'static str,
    /// Why that is wrong, and what to do.
    pub page: &'static str,
}

const fn error(id: &'static str, finds: &'static str, page: &'static str) -> Finding {
    Finding { id, level: "error", finds, page }
}

const fn warning(id: &'static str, finds: &'static str, page: &'static str) -> Finding {
    Finding { id, level: "warning", finds, page }
}

/// Every one.
pub(super) fn all() -> impl Iterator<Item = &'static Finding> {
    form::FORM.iter().chain(jobs::JOBS).chain(around::AROUND)
}

/// The one of that name.
pub(super) fn find(id: &str) -> Option<&'static Finding> {
    all().find(|finding| finding.id == id)
}

impl Finding {
    /// Its line in a list.
    pub(super) fn row(&self) -> String {
        format!("{:34} {:8} {}\n", self.id, self.level, self.finds)
    }

    /// Its page.
    pub(super) fn page(&self) -> String {
        format!("{} ({}): {}\n\n{}\n", self.id, self.level, self.finds, self.page)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;
    use std::path::Path;

    /// The ids that a source file gives to findings: the texts in kebab case that are the first of a call of `error`,
    /// `warning` or `note`, the second of `push`, or chosen for one.
    fn ids_in(text: &str, ids: &mut BTreeSet<String>) {
        let code = text.split("#[cfg(test)]").next().unwrap_or_default();
        for call in
            ["error(", "warning(", "note(", "Severity::Error,", "Severity::Warning,", "let id = ", "at,", "Some(span),"]
        {
            for after in code.split(call).skip(1) {
                let statement = after.split(';').next().unwrap_or_default();
                let chosen = call == "let id = ";
                let texts = statement.split('"').skip(1).step_by(2);
                let first = statement.trim_start().starts_with('"');
                ids.extend(
                    texts.take(if chosen { 9 } else { usize::from(first) }).filter(|id| is_id(id)).map(str::to_owned),
                );
            }
        }
    }

    fn is_id(text: &str) -> bool {
        text.contains('-') && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
    }

    fn ids_below(folder: &Path, ids: &mut BTreeSet<String>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                ids_below(&path, ids);
            } else if path.file_stem().is_some_and(|name| name != "tests") {
                ids_in(&std::fs::read_to_string(&path).unwrap(), ids);
            }
        }
    }

    #[test]
    fn every_id_that_the_source_gives_to_a_finding_has_a_page_and_every_page_an_id() {
        let mut ids = BTreeSet::new();
        for folder in ["spec", "plan", "lint/settings", "cli"] {
            ids_below(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src").join(folder), &mut ids);
        }
        let pages: BTreeSet<String> = all().map(|finding| finding.id.to_owned()).collect();
        let without: Vec<_> = ids.iter().filter(|id| !pages.contains(*id) && crate::lint::find(id).is_none()).collect();
        let of_none: Vec<_> = pages.difference(&ids).collect();
        assert!(
            without.is_empty() && of_none.is_empty(),
            "without a page: {without:?}; a page of nothing: {of_none:?}"
        );
        assert_eq!(pages.len(), all().count(), "a page is there twice");
    }

    /// What is told of the bad specs of the tests: whatever the source is searched for, these are really given.
    #[test]
    fn every_id_that_a_bad_spec_shows_has_a_page() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/snapshots");
        let mut seen = 0;
        for entry in std::fs::read_dir(folder).unwrap() {
            let text = std::fs::read_to_string(entry.unwrap().path()).unwrap();
            for line in text.lines() {
                let found = ["error[", "warning[", "note["].into_iter().find_map(|level| line.strip_prefix(level));
                let Some((id, _)) = found.and_then(|rest| rest.split_once("]: ")) else { continue };
                assert!(find(id).is_some() || crate::lint::find(id).is_some(), "{id}");
                seen += 1;
            }
        }
        assert!(seen > 200, "{seen}");
    }
}
