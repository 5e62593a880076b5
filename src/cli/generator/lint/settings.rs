//! The settings for each file: `eightbells.toml` in its folder or the nearest above.

use crate::cli::output::{self, Failure};
use crate::contract::exit;
use crate::lint::{Files, Given, SETTINGS_FILE};
use std::collections::HashMap;
use std::path::{Path, PathBuf};

/// Settings by their number, and the folder that their patterns begin at.
type Place = (usize, PathBuf);

/// Finds the settings for files, and adds them.
pub(super) struct Search<'f> {
    files: &'f mut Files,
    /// The one file of settings for all, where it is given.
    only: Option<Place>,
    /// Folders all of whose files are given.
    whole: Vec<PathBuf>,
    /// What is known of folders already.
    folders: HashMap<PathBuf, Option<Place>>,
    /// Folders as they were given, and what they are called in full.
    full: HashMap<PathBuf, PathBuf>,
}

impl<'f> Search<'f> {
    /// A search for the files that these paths name or hold.
    pub(super) fn new(files: &'f mut Files, paths: &[PathBuf], only: Option<&Path>) -> Result<Self, Failure> {
        let whole = paths.iter().filter(|path| path.is_dir()).filter_map(|path| std::fs::canonicalize(path).ok());
        let (folders, full) = (HashMap::new(), HashMap::new());
        let mut search = Self { files, only: None, whole: whole.collect(), folders, full };
        if let Some(file) = only {
            search.only = Some(search.read(file)?);
        }
        Ok(search)
    }

    /// The files with the settings for each, without those that are excluded.
    pub(super) fn of_all(mut self, paths: Vec<PathBuf>) -> Result<Vec<Given>, Failure> {
        let mut given = Vec::with_capacity(paths.len());
        for path in paths {
            let settings = self.of_file(&path)?;
            let excluded = settings.as_ref().is_some_and(|(number, below)| {
                self.files.settings(*number).is_some_and(|settings| settings.excludes(below))
            });
            if !excluded {
                given.push(Given { path, settings });
            }
        }
        Ok(given)
    }

    fn of_file(&mut self, path: &Path) -> Result<Option<(usize, String)>, Failure> {
        let folder = self.full_folder(path);
        let place = match &self.only {
            Some(only) => Some(only.clone()),
            None => self.of_folder(&folder)?,
        };
        let full = folder.join(path.file_name().unwrap_or_default());
        Ok(place
            .map(|(number, root)| (number, full.strip_prefix(&root).unwrap_or(&full).to_string_lossy().into_owned())))
    }

    /// The folder of a file, from the root on and without links.
    fn full_folder(&mut self, path: &Path) -> PathBuf {
        let folder = match path.parent() {
            Some(folder) if folder != Path::new("") => folder,
            Some(_) | None => Path::new("."),
        };
        if let Some(full) = self.full.get(folder) {
            return full.clone();
        }
        let full = std::fs::canonicalize(folder).or_else(|_| std::path::absolute(folder));
        let full = full.unwrap_or_else(|_| folder.to_owned());
        self.full.insert(folder.to_owned(), full.clone());
        full
    }

    /// Looks in a folder and those above, up to a repository's root.
    fn of_folder(&mut self, folder: &Path) -> Result<Option<Place>, Failure> {
        if let Some(known) = self.folders.get(folder) {
            return Ok(known.clone());
        }
        let file = folder.join(SETTINGS_FILE);
        let found = if file.is_file() {
            Some(self.read(&file)?)
        } else if folder.join(".git").exists() {
            None
        } else {
            folder.parent().map_or(Ok(None), |above| self.of_folder(above))?
        };
        self.folders.insert(folder.to_owned(), found.clone());
        Ok(found)
    }

    fn read(&mut self, file: &Path) -> Result<Place, Failure> {
        let wrong = |error: &std::io::Error| Failure { code: exit::CONFIG, ..Failure::io("read", file, error) };
        let text = std::fs::read_to_string(file).map_err(|error| wrong(&error))?;
        let full = std::fs::canonicalize(file).map_err(|error| wrong(&error))?;
        let folder = full.parent().unwrap_or(Path::new("/")).to_owned();
        let whole = self.whole.iter().any(|whole| folder.starts_with(whole));
        match self.files.configure(&shown(file), &text, whole) {
            Ok(number) => Ok((number, folder)),
            Err(report) => {
                output::show(&report);
                Err(Failure::said(exit::CONFIG))
            }
        }
    }
}

/// A path as the user would write it here.
fn shown(path: &Path) -> String {
    let here = std::env::current_dir().and_then(std::fs::canonicalize).unwrap_or_default();
    path.strip_prefix(here).unwrap_or(path).to_string_lossy().into_owned()
}
