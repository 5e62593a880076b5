//! tar's command line.

/// What a `tar` that makes an archive packs, and where it puts it.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Tar {
    /// None is the standard output.
    pub file: Option<String>,
    pub folder: Option<String>,
    pub members: Vec<String>,
    pub exclude: Vec<String>,
    pub compression: Option<&'static str>,
    pub one_file_system: bool,
}

/// Reads the words after `tar`; none where it makes no archive.
pub(super) fn parse(words: &[String]) -> Option<Tar> {
    let mut tar = Tar::default();
    let mut creates = false;
    let mut words = words.iter().peekable();
    let mut first = true;
    while let Some(word) = words.next() {
        if let Some(long) = word.strip_prefix("--") {
            let (name, value) =
                long.split_once('=').map_or((long, None), |(name, value)| (name, Some(value.to_owned())));
            let mut value = || value.clone().or_else(|| words.next().cloned());
            match name {
                "create" => creates = true,
                "file" => tar.file = value(),
                "directory" => tar.folder = value(),
                "exclude" => tar.exclude.extend(value()),
                "gzip" => tar.compression = Some("gzip"),
                "zstd" | "xz" | "bzip2" => tar.compression = Some("zstd"),
                "one-file-system" => tar.one_file_system = true,
                _ => {}
            }
        } else if word.len() > 1 && (word.starts_with('-') || first) {
            for letter in word.trim_start_matches('-').chars() {
                match letter {
                    'c' => creates = true,
                    'f' => tar.file = words.next().cloned(),
                    'C' => tar.folder = words.next().cloned(),
                    'z' => tar.compression = Some("gzip"),
                    'J' | 'j' => tar.compression = Some("zstd"),
                    _ => {}
                }
            }
        } else {
            tar.members.push(word.clone());
        }
        first = false;
    }
    tar.file = tar.file.filter(|file| file != "-");
    creates.then_some(tar)
}

impl Tar {
    /// The members' full paths.
    pub(super) fn paths(&self) -> Vec<String> {
        let folder = self.folder.as_deref().map(|folder| folder.trim_end_matches('/'));
        let full = |member: &String| match folder {
            Some(folder) if !member.starts_with('/') => {
                let rest = member.trim_start_matches("./");
                if rest.is_empty() || rest == "." { folder.to_owned() } else { format!("{folder}/{rest}") }
            }
            Some(_) | None => member.clone(),
        };
        self.members.iter().map(full).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str) -> Option<Tar> {
        parse(&line.split(' ').map(str::to_owned).collect::<Vec<_>>())
    }

    #[test]
    fn old_and_new_ways_to_write_options_are_read() {
        let tar = read("czf /b/x.tgz -C /srv www ./a").unwrap();
        assert_eq!((tar.file.as_deref(), tar.compression), (Some("/b/x.tgz"), Some("gzip")));
        assert_eq!(tar.paths(), ["/srv/www", "/srv/a"]);
        let tar = read("--create --file=- --exclude=*.tmp --exclude cache --directory /srv .").unwrap();
        assert_eq!((tar.file.clone(), tar.paths(), tar.exclude.len()), (None, vec!["/srv".to_owned()], 2));
        assert_eq!(read("-x -f a.tar"), None);
        assert_eq!(read("xzf a.tar"), None);
    }
}
