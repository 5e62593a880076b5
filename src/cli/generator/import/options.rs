//! Options of the programs that backup scripts call.

/// Options of a program that takes values with and without `=`.
pub(super) struct Options {
    pairs: Vec<(String, Option<String>)>,
    /// Words that are no options' values.
    pub plain: Vec<String>,
}

/// Options that take a value as the next word.
const WITH_VALUE: [&str; 18] = [
    "-h",
    "--host",
    "-p",
    "--port",
    "-P",
    "-U",
    "--username",
    "-u",
    "--user",
    "-d",
    "--dbname",
    "-f",
    "--file",
    "-r",
    "--result-file",
    "--endpoint-url",
    "-F",
    "-Z",
];

impl Options {
    pub(super) fn parse(words: &[String]) -> Self {
        let mut options = Self { pairs: vec![], plain: vec![] };
        let mut words = words.iter();
        while let Some(word) = words.next() {
            if !word.starts_with('-') {
                options.plain.push(word.clone());
            } else if let Some((name, value)) = word.split_once('=') {
                options.pairs.push((name.to_owned(), Some(value.to_owned())));
            } else if WITH_VALUE.contains(&word.as_str()) {
                options.pairs.push((word.clone(), words.next().cloned()));
            } else if let Some((name, value)) = joined(word) {
                options.pairs.push((name, Some(value)));
            } else {
                options.pairs.push((word.clone(), None));
            }
        }
        options
    }

    /// The value of an option that has one of these names.
    pub(super) fn value(&self, names: &[&str]) -> Option<String> {
        self.pairs.iter().find(|(name, _)| names.contains(&name.as_str()))?.1.clone()
    }

    /// Whether an option is there.
    pub(super) fn has(&self, names: &[&str]) -> bool {
        self.pairs.iter().any(|(name, _)| names.contains(&name.as_str()))
    }
}

/// `-uroot`: a letter and its value in one word.
fn joined(word: &str) -> Option<(String, String)> {
    let (name, value) = word.split_at_checked(2).filter(|(_, value)| !value.is_empty())?;
    let takes = WITH_VALUE.contains(&name) && !word.starts_with("--");
    takes.then(|| (name.to_owned(), value.to_owned()))
}
