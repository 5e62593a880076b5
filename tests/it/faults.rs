//! The table of faults: what is tried, what is visible at every destination afterwards, what the next run leaves.
//!
//! A row ends well where the run ended as documented, no destination shows a set that is not whole, all that was good
//! before is there still and can be verified, and the next run of the job succeeds and leaves nothing else behind.
//! `docs/faults.md` holds the table as measured; every row that runs is compared with it. `tests/long` runs all rows, and
//! with `EIGHTBELLS_WRITE_FAULTS` it writes them down.

use std::collections::BTreeSet;
use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::process::{Command, Output};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::backup::{Bench, code, files};
use crate::support::{output_of, repository, said, sized};

/// How many rows are tried at once: most of their time they wait.
const AT_ONCE: usize = 4;

/// What became of every fault of one kind.
pub struct Table {
    section: &'static str,
    all: Vec<String>,
    rows: Mutex<Vec<(String, String)>>,
}

impl Table {
    /// For these faults, of which a short run tries some only.
    pub fn of(section: &'static str, all: impl IntoIterator<Item = impl Into<String>>) -> Self {
        Self { section, all: all.into_iter().map(Into::into).collect(), rows: Mutex::default() }
    }

    /// Tries rows side by side: the long form all of them, the short one those that `chosen` tells.
    pub fn try_all<T: Sync>(&self, rows: &[T], chosen: impl Fn(&T) -> bool, each: impl Fn(&T) + Sync) {
        let rows: Vec<&T> = rows.iter().filter(|row| sized(chosen(row), true)).collect();
        let (next, failed) = (Mutex::new(rows.into_iter()), AtomicUsize::new(0));
        thread::scope(|scope| {
            for _ in 0..AT_ONCE {
                scope.spawn(|| {
                    loop {
                        let row = next.lock().unwrap_or_else(PoisonError::into_inner).next();
                        let Some(row) = row else { return };
                        // The other rows are tried all the same.
                        if catch_unwind(AssertUnwindSafe(|| each(row))).is_err() {
                            failed.fetch_add(1, Ordering::SeqCst);
                        }
                    }
                });
            }
        });
        assert_eq!(failed.into_inner(), 0, "{}: so many rows failed, each told above", self.section);
    }

    /// A fault was tried: how the run ended, how many good sets are gone, what is left after the next run.
    pub fn row(&self, fault: &str, ended: &str, lost: usize, left: &[String]) {
        assert_eq!((lost, left), (0, &[][..]), "{fault}");
        let line = format!("| {fault} | {ended} | none | none |");
        self.rows.lock().unwrap().push((fault.to_owned(), line));
    }

    /// Prints the table, and compares it with the documentation.
    #[expect(clippy::print_stdout, reason = "the table is what the test is for")]
    pub fn finish(self) {
        let rows = self.rows.into_inner().unwrap();
        println!("{}: {} faults tried, data lost: none, left over after the next run: none", self.section, rows.len());
        let line = |fault: &String| rows.iter().find(|(name, _)| name == fault).map(|(_, line)| line.clone());
        let measured: Vec<(&String, Option<String>)> = self.all.iter().map(|fault| (fault, line(fault))).collect();
        measured.iter().filter_map(|(_, line)| line.as_ref()).for_each(|line| println!("  {line}"));
        assert!(rows.iter().all(|(fault, _)| self.all.contains(fault)));
        let page = repository().join("docs/faults.md");
        let text = fs::read_to_string(&page).unwrap();
        let (begin, end) = (format!("<!-- {}: -->\n", self.section), format!("<!-- :{} -->\n", self.section));
        let (before, rest) = text.split_once(&begin).unwrap_or_else(|| panic!("no {begin}"));
        let (table, after) = rest.split_once(&end).unwrap_or_else(|| panic!("no {end}"));
        let head = "| fault | the run ended with | good archives lost | left over after the next run |\n| --- | --- | --- | --- |\n";
        if std::env::var_os("EIGHTBELLS_WRITE_FAULTS").is_some() {
            assert!(measured.iter().all(|(_, line)| line.is_some()), "only the long form is written down");
            let lines: Vec<&str> = measured.iter().filter_map(|(_, line)| line.as_deref()).collect();
            fs::write(&page, format!("{before}{begin}{head}{}\n{end}{after}", lines.join("\n"))).unwrap();
            return;
        }
        let told: Vec<&str> = table.strip_prefix(head).unwrap_or_default().lines().collect();
        assert_eq!(told.len(), self.all.len(), "docs/faults.md, {}: write it anew in the long form", self.section);
        for ((fault, line), told) in measured.iter().zip(told) {
            let same = line.as_ref().map_or_else(|| told.starts_with(&format!("| {fault} |")), |line| line == told);
            assert!(same, "docs/faults.md tells of `{fault}`: {told}\nmeasured: {line:?}");
        }
    }
}

/// `exit code 3`.
pub fn exit(code: i32) -> String {
    format!("exit code {code}")
}

/// Names tell seconds: waits for another one.
pub fn another_second() {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    thread::sleep(Duration::from_millis(1010 - u64::from(now.subsec_millis())));
}

/// Whole sets by the time in their names; panics at a set that shows itself and is not whole.
pub fn whole_sets(names: &[String], objects: usize) -> BTreeSet<String> {
    let time = |name: &String| name.rsplit('_').next().unwrap().split('.').next().unwrap().to_owned();
    let sets: BTreeSet<String> = names.iter().filter(|name| name.contains("_manifest_")).map(time).collect();
    for set in &sets {
        let count = names.iter().filter(|name| time(name) == *set).count();
        assert_eq!(count, objects + 1, "{set}: {names:?}");
    }
    sets
}

pub fn visible(names: Vec<String>) -> Vec<String> {
    names.into_iter().map(|name| name.rsplit('/').next().unwrap().to_owned()).filter(|n| !n.starts_with('.')).collect()
}

/// A job whose archives were good before something happens.
pub struct Trial {
    pub bench: Bench,
    /// How many archives a set has.
    objects: usize,
    /// The sets that were good before, at every destination.
    before: BTreeSet<String>,
    places: BTreeSet<PathBuf>,
    /// What the runner needs besides to reach its sources.
    pub environment: Vec<(String, String)>,
}

impl Trial {
    /// Runs the job once.
    pub fn begin(bench: Bench, objects: usize) -> Self {
        let output = bench.run();
        assert_eq!(code(&output), 0, "before anything: {}", said(&output));
        Self::begun(bench, objects)
    }

    /// The job ran already.
    pub fn begun(bench: Bench, objects: usize) -> Self {
        let before = whole_sets(&visible(bench.on_disk()), objects);
        another_second();
        Self { bench, objects, before, places: BTreeSet::new(), environment: vec![] }
    }

    /// Another folder of this host that must hold nothing but whole sets in the end.
    pub fn also(mut self, place: PathBuf) -> Self {
        self.places.insert(place);
        self
    }

    fn shelves(&self) -> Vec<Vec<String>> {
        let mut shelves = vec![self.bench.on_disk(), self.bench.in_bucket()];
        shelves.extend(self.places.iter().map(|place| files(place)));
        shelves.into_iter().filter(|shelf| !shelf.is_empty()).collect()
    }

    /// After the fault: nothing half-made shows itself, and what was good before can be verified where it was.
    pub fn look(&self, fault: &str) {
        for shelf in self.shelves() {
            whole_sets(&visible(shelf), self.objects);
        }
        let newest = self.before.last().unwrap();
        let manifest = visible(self.bench.on_disk()).into_iter().find(|name| name.ends_with(&format!("{newest}.json")));
        let manifest = manifest.unwrap_or_else(|| panic!("{fault}: {newest} is gone: {:?}", self.bench.on_disk()));
        let verified = self.bench.runner("verify").args(["--destination", "disk", "--at", &manifest]).output().unwrap();
        assert_eq!(code(&verified), 0, "after {fault}: {}", said(&verified));
    }

    /// From now on, the sets that are there count as those that were good before.
    pub fn keep_these(&mut self) {
        self.before = whole_sets(&visible(self.bench.on_disk()), self.objects);
    }

    /// What is there may go by the job's own rules from now on.
    pub fn let_all_go(&mut self) {
        self.before.clear();
    }

    /// The next run: it succeeds, what was good before is there still, everything can be verified, and nothing is left.
    pub fn recovers(&self, table: &Table, fault: &str, ended: &str) {
        another_second();
        let next = self.bench.runner("backup").envs(self.environment.clone()).output().unwrap();
        assert_eq!(code(&next), 0, "after {fault}: {}", said(&next));
        let now = whole_sets(&visible(self.bench.on_disk()), self.objects);
        let lost = self.before.iter().filter(|set| !now.contains(*set)).count();
        let verified = self.bench.runner("verify").output().unwrap();
        assert_eq!(code(&verified), 0, "after {fault}: {}", said(&verified));
        table.row(fault, ended, lost, &self.left_over());
    }

    /// What is anywhere besides whole sets and the runner's own records.
    pub fn left_over(&self) -> Vec<String> {
        let mut left = self.bench.uploads();
        for shelf in self.shelves() {
            left.extend(shelf.iter().filter(|name| name.rsplit('/').next().unwrap().starts_with('.')).cloned());
            let names = visible(shelf);
            let sets = whole_sets(&names, self.objects);
            left.extend(names.into_iter().filter(|name| !sets.iter().any(|set| name.contains(set))));
        }
        let state = self.bench.path("state");
        let known = ["job.lock", "job.journal", "job.reports"];
        left.extend(files(&state).into_iter().filter(|name| !known.contains(&name.as_str())));
        left.extend(files(&state.join("job.reports")).into_iter().filter(|name| name.starts_with('.')));
        if self.bench.owed() > 0 {
            left.push(fs::read_to_string(state.join("job.journal")).unwrap());
        }
        left.extend(processes(&self.bench));
        left
    }
}

/// Processes whose arguments tell of the bench's folder, the tests' servers apart.
fn processes(bench: &Bench) -> Vec<String> {
    let list = output_of(Command::new("ps").args(["-eo", "args"]));
    let folder = format!("{}/gate.sh", bench.folder.path().display());
    list.lines().filter(|line| line.contains(&folder)).map(ToOwned::to_owned).collect()
}

/// Runs the job; it must end so.
pub fn ends(bench: &Bench, fault: &str, expected: i32) -> Output {
    let output = bench.run();
    assert_eq!(code(&output), expected, "{fault}: {}", said(&output));
    output
}
