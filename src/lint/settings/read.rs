//! The file read: every fault at its place, all in one go.

use super::{AllowedPaths, FailOn, PathPattern, PathSettings, Settings};
use crate::diag::{Diagnostic, FileId, Report, Severity, Span};
use crate::lint::engine::Level;
use crate::lint::exposure::Score;
use crate::lint::rules;
use crate::target::Target;
use std::ops::Range;
use toml::Spanned;
use toml::de::{DeString, DeTable, DeValue};

/// The keys of the file, of an entry of `paths`, and of one of `allow`.
const KEYS: [&str; 7] = ["target", "fail_on", "max_exposure", "exclude", "rules", "paths", "allow"];
const PATHS_KEYS: [&str; 3] = ["match", "target", "max_exposure"];
const ALLOW_KEYS: [&str; 3] = ["rule", "paths", "reason"];

/// The words for severities.
const LEVELS: [(&str, Level); 4] = [
    ("off", Level::Off),
    ("note", Level::As(Severity::Note)),
    ("warning", Level::As(Severity::Warning)),
    ("error", Level::As(Severity::Error)),
];

type Key<'i> = Spanned<DeString<'i>>;
type Value<'i> = Spanned<DeValue<'i>>;

/// Reads the settings in a text of the report.
pub(in crate::lint) fn read(text: &str, file: FileId, report: &mut Report) -> Settings {
    let (table, errors) = DeTable::parse_recoverable(text);
    for error in errors {
        let span = error.span().unwrap_or(0..0);
        report.error("config-syntax", &Span { file, start: span.start, end: span.end }, error.message().trim());
    }
    let mut reader = Reader { file, report };
    if reader.report.has_errors() { Settings::default() } else { reader.settings(table.get_ref()) }
}

struct Reader<'r> {
    file: FileId,
    report: &'r mut Report,
}

impl Reader<'_> {
    fn settings(&mut self, table: &DeTable<'_>) -> Settings {
        let mut settings = Settings::default();
        for (key, value) in table {
            match key.get_ref().as_ref() {
                "target" => settings.target = self.parsed(key, value, Target::parse),
                "fail_on" => settings.fail_on = self.parsed(key, value, FailOn::parse),
                "max_exposure" => settings.exposure_max = self.score(key, value),
                "exclude" => settings.exclude = self.patterns(key, value),
                "rules" => self.rules(key, value, &mut settings),
                "paths" => {
                    settings.paths = self.tables(key, value).into_iter().filter_map(|it| self.paths(&it)).collect();
                }
                "allow" => {
                    settings.allow = self.tables(key, value).into_iter().filter_map(|it| self.allow(&it)).collect();
                }
                _ => self.unknown(key, &KEYS),
            }
        }
        settings
    }

    fn rules(&mut self, key: &Key<'_>, value: &Value<'_>, settings: &mut Settings) {
        let Some(table) = value.get_ref().as_table() else {
            return self.wrong(key, value, "a table of rules and severities, `[rules]`");
        };
        for (name, value) in table {
            let rule = self.rule(name.get_ref(), name.span());
            let level = value.get_ref().as_str().and_then(|text| LEVELS.iter().find(|(word, _)| *word == text));
            match level {
                Some((_, level)) => settings.levels.extend(rule.map(|rule| (rule, *level))),
                None => self.wrong(name, value, "one of `off`, `note`, `warning`, `error`"),
            }
        }
    }

    fn paths(&mut self, table: &Spanned<DeTable<'_>>) -> Option<PathSettings> {
        let mut settings = PathSettings { matches: vec![], target: None, exposure_max: None };
        for (key, value) in table.get_ref() {
            match key.get_ref().as_ref() {
                "match" => settings.matches = self.patterns(key, value),
                "target" => settings.target = self.parsed(key, value, Target::parse),
                "max_exposure" => settings.exposure_max = self.score(key, value),
                _ => self.unknown(key, &PATHS_KEYS),
            }
        }
        self.needs(table, "paths", &["match"]).then_some(settings)
    }

    fn allow(&mut self, table: &Spanned<DeTable<'_>>) -> Option<AllowedPaths> {
        let (mut rule, mut paths, mut reason) = (None, vec![], String::new());
        for (key, value) in table.get_ref() {
            match key.get_ref().as_ref() {
                "rule" => {
                    rule = self.text(key, value).and_then(|text| Some((self.rule(text, value.span())?, value.span())));
                }
                "paths" => paths = self.patterns(key, value),
                "reason" => self.text(key, value).unwrap_or_default().trim().clone_into(&mut reason),
                _ => self.unknown(key, &ALLOW_KEYS),
            }
        }
        let complete = self.needs(table, "allow", &ALLOW_KEYS);
        if complete && reason.is_empty() {
            self.error("config-value", table.span(), "`reason` is empty".to_owned()).help("write why");
        }
        let (rule, span) = rule.filter(|_| complete)?;
        Some(AllowedPaths { rule, paths, reason, span: self.span(span) })
    }

    /// Whether a table has every key that it needs; what is missing is told.
    fn needs(&mut self, table: &Spanned<DeTable<'_>>, name: &str, keys: &[&str]) -> bool {
        let missing: Vec<&&str> = keys.iter().filter(|key| !table.get_ref().contains_key(**key)).collect();
        for key in &missing {
            self.error("config-missing-key", table.span(), format!("an entry of `{name}` needs `{key}`"));
        }
        missing.is_empty()
    }

    fn tables<'v, 'i>(&mut self, key: &Key<'_>, value: &'v Value<'i>) -> Vec<Spanned<DeTable<'i>>>
    where
        'i: 'v,
    {
        let Some(items) = value.get_ref().as_array() else {
            self.wrong(key, value, &format!("a list of tables, `[[{}]]`", key.get_ref()));
            return vec![];
        };
        let mut tables = vec![];
        for item in items {
            match item.get_ref().as_table() {
                Some(table) => tables.push(Spanned::new(item.span(), table.clone())),
                None => self.wrong(key, item, &format!("a list of tables, `[[{}]]`", key.get_ref())),
            }
        }
        tables
    }

    fn patterns(&mut self, key: &Key<'_>, value: &Value<'_>) -> Vec<PathPattern> {
        let Some(items) = value.get_ref().as_array() else {
            self.wrong(key, value, "a list of patterns, `[\"units/**\"]`");
            return vec![];
        };
        if items.is_empty() {
            self.error("config-value", value.span(), format!("`{}` is empty", key.get_ref()));
        }
        items.iter().filter_map(|item| self.parsed(key, item, PathPattern::parse)).collect()
    }

    fn parsed<T, E: ToString>(
        &mut self,
        key: &Key<'_>,
        value: &Value<'_>,
        parse: impl Fn(&str) -> Result<T, E>,
    ) -> Option<T> {
        let text = self.text(key, value)?;
        let parsed = parse(text);
        if let Err(error) = &parsed {
            self.error("config-value", value.span(), error.to_string());
        }
        parsed.ok()
    }

    fn text<'v>(&mut self, key: &Key<'_>, value: &'v Value<'_>) -> Option<&'v str> {
        let text = value.get_ref().as_str();
        if text.is_none() {
            self.wrong(key, value, "a text in quotes");
        }
        text
    }

    fn score(&mut self, key: &Key<'_>, value: &Value<'_>) -> Option<Score> {
        let digits = match value.get_ref() {
            DeValue::Integer(number) => number.as_str(),
            DeValue::Float(number) => number.as_str(),
            DeValue::String(_) | DeValue::Boolean(_) | DeValue::Datetime(_) | DeValue::Array(_) | DeValue::Table(_) => {
                self.wrong(key, value, "a number from 0.0 to 10.0");
                return None;
            }
        };
        let score = Score::parse(digits);
        if let Err(error) = &score {
            self.error("config-value", value.span(), error.to_string());
        }
        score.ok()
    }

    fn rule(&mut self, name: &str, span: Range<usize>) -> Option<&'static str> {
        let rule = rules::find(name).map(|rule| rule.id);
        if rule.is_none() {
            let told = self.error("config-unknown-rule", span, format!("there is no rule `{name}`"));
            match rules::nearest(name) {
                Some(near) => told.label(format!("did you mean `{near}`?")),
                None => told.help("`eightbells explain` lists all rules"),
            };
        }
        rule
    }

    fn unknown(&mut self, key: &Key<'_>, keys: &[&'static str]) {
        let name = key.get_ref();
        let told = self.error("config-unknown-key", key.span(), format!("there is no key `{name}` here"));
        match rules::nearest_of(name, keys) {
            Some(near) => told.label(format!("did you mean `{near}`?")),
            None => told.help(format!("there are {}", keys.join(", "))),
        };
    }

    fn wrong(&mut self, key: &Key<'_>, value: &Value<'_>, expected: &str) {
        self.error("config-value", value.span(), format!("`{}` is not {expected}", key.get_ref()));
    }

    fn error(&mut self, id: &'static str, span: Range<usize>, message: String) -> &mut Diagnostic {
        let span = self.span(span);
        self.report.error(id, &span, message)
    }

    fn span(&self, range: Range<usize>) -> Span {
        Span { file: self.file, start: range.start, end: range.end }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diag::{Colour, render_human};

    fn told(text: &str) -> (Settings, String) {
        let mut report = Report::default();
        let file = report.sources.add("eightbells.toml", text);
        let settings = read(text, file, &mut report);
        (settings, render_human(&report, Colour::Never))
    }

    #[test]
    fn every_key_is_read() {
        let (settings, told) = told(
            "target = 'systemd:229'\nfail_on = 'note'\nmax_exposure = 5.5\nexclude = ['old']\n\
             [rules]\nunknown-key = 'off'\n[[paths]]\nmatch = ['fleet/**']\ntarget = 'fleet:215'\nmax_exposure = 9\n\
             [[allow]]\nrule = 'secret-in-url'\npaths = ['x.service']\nreason = 'a test'\n",
        );
        assert_eq!(told, "");
        assert_eq!(settings.target_of("a.service").unwrap().systemd, 229);
        assert_eq!(settings.target_of("fleet/a.service").unwrap().systemd, 215);
        assert_eq!(settings.exposure_max_of("a.service").unwrap().tenths, 55);
        assert_eq!(settings.exposure_max_of("fleet/a.service").unwrap().tenths, 90);
        assert!(settings.excludes("old/a.service") && !settings.excludes("a.service"));
        assert_eq!(settings.levels.get("unknown-key"), Some(&Level::Off));
        assert!(settings.fail_on.unwrap().holds(Severity::Note));
        assert!(settings.allow[0].covers("secret-in-url", "x.service"));
        assert!(!settings.allow[0].covers("secret-in-url", "y.service"));
    }

    #[test]
    fn every_fault_is_told_at_its_place_in_one_go() {
        let (_, told) = told(
            "tarjet = 'systemd'\ntarget = 'sistemd'\nfail_on = 3\nmax_exposure = 11.0\nexclude = ['[a', 5]\n\
             [rules]\nunknown-keys = 'off'\nduplicate-key = 'fatal'\n[[paths]]\ntarget = 'fleet'\n\
             [[allow]]\nrule = 'secret-in-url'\npaths = ['x.service']\n",
        );
        for part in [
            "there is no key `tarjet` here",
            "did you mean `target`?",
            "eightbells.toml:1:1",
            "eightbells.toml:2:10",
            "`fail_on` is not a text in quotes",
            "`11.0` is not a score",
            "`[a` is no pattern of paths",
            "eightbells.toml:5:18",
            "there is no rule `unknown-keys`",
            "did you mean `unknown-key`?",
            "`duplicate-key` is not one of `off`, `note`, `warning`, `error`",
            "an entry of `paths` needs `match`",
            "an entry of `allow` needs `reason`",
        ] {
            assert!(told.contains(part), "{part} is not in\n{told}");
        }
    }

    #[test]
    fn what_is_no_toml_is_told_with_its_place() {
        let (_, told) = told("target = \nfail_on = 'note'\n");
        assert!(told.contains("error[config-syntax]") && told.contains("eightbells.toml:1:"), "{told}");
    }
}
