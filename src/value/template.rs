//! Text with placeholders: `moinmoin{instance}`, `{{` for a brace.

use super::TimeFormat;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use std::ops::Range;

/// A name in braces that stands for something known only later.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Placeholder {
    /// `{instance}`: the unit's instance, unescaped.
    Instance,
    /// `{job}`: the job's name.
    Job,
    /// `{host}`: the host that runs it.
    Host,
    /// `{source}`: the source's name.
    Source,
    /// `{scratch}`: a folder made before the dump and removed after it.
    Scratch,
    /// `{time:FORMAT}`: the run's one instant.
    Time(TimeFormat),
}

impl Placeholder {
    /// The names that may stand in braces.
    pub const NAMES: [&'static str; 6] = ["instance", "job", "host", "source", "scratch", "time:%Y-%m-%d"];

    fn parse(inner: &str) -> Result<Self, String> {
        match inner {
            "instance" => Ok(Self::Instance),
            "job" => Ok(Self::Job),
            "host" => Ok(Self::Host),
            "source" => Ok(Self::Source),
            "scratch" => Ok(Self::Scratch),
            other => match other.strip_prefix("time:") {
                Some(format) => TimeFormat::parse(format).map(Self::Time).map_err(|e| e.to_string()),
                None => Err(unknown(other)),
            },
        }
    }
}

fn unknown(inner: &str) -> String {
    if inner == "time" {
        return "`{time}` needs a format, for example `{time:%Y-%m-%dT%H-%M-%SZ}`".into();
    }
    format!("`{{{inner}}}` is not a placeholder")
}

impl fmt::Display for Placeholder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Instance => f.write_str("{instance}"),
            Self::Job => f.write_str("{job}"),
            Self::Host => f.write_str("{host}"),
            Self::Source => f.write_str("{source}"),
            Self::Scratch => f.write_str("{scratch}"),
            Self::Time(format) => write!(f, "{{time:{format}}}"),
        }
    }
}

/// A part of a [`Template`].
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Piece {
    /// Text that stands for itself, braces already single.
    Text(String),
    /// Something filled in later.
    Placeholder(Placeholder),
}

/// Why a text is not a template.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct TemplateError {
    /// What is wrong.
    pub message: String,
    /// Where, in bytes of the text.
    pub range: Range<usize>,
}

/// Why a template cannot be filled in.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` has no value here")]
pub struct ExpandError(pub Placeholder);

/// What the placeholders stand for in one run.
#[derive(Debug, Clone)]
pub struct Context {
    /// The job's name.
    pub job: String,
    /// The instance, unescaped; none for a job without instances.
    pub instance: Option<String>,
    /// The host's name.
    pub host: String,
    /// The source at hand.
    pub source: Option<String>,
    /// The scratch folder, where there is one.
    pub scratch: Option<String>,
    /// The run's instant in the archive's time zone.
    pub time: jiff::Zoned,
}

/// Text with placeholders. Serialised as its text.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Template(Vec<Piece>);

impl Template {
    /// Reads a text; `{{` and `}}` are braces.
    ///
    /// # Errors
    /// An unknown placeholder, a brace that is not closed, or one that was never opened, with its place.
    pub fn parse(text: &str) -> Result<Self, TemplateError> {
        let mut pieces: Vec<Piece> = vec![];
        let mut literal = String::new();
        let mut rest = text.char_indices().peekable();
        while let Some((at, c)) = rest.next() {
            match c {
                '{' | '}' if rest.next_if(|(_, next)| *next == c).is_some() => literal.push(c),
                '{' => {
                    let (placeholder, end) = placeholder_at(text, at)?;
                    push_text(&mut pieces, &mut literal);
                    pieces.push(Piece::Placeholder(placeholder));
                    while rest.next_if(|(i, _)| *i < end).is_some() {}
                }
                '}' => {
                    let message = "a `}` without its `{`: write `}}` for a brace".to_owned();
                    return Err(TemplateError { message, range: at..at + 1 });
                }
                other => literal.push(other),
            }
        }
        push_text(&mut pieces, &mut literal);
        Ok(Self(pieces))
    }

    /// A template that is just this text, whatever it holds.
    #[must_use]
    pub fn literal(text: impl Into<String>) -> Self {
        let text = text.into();
        Self(if text.is_empty() { vec![] } else { vec![Piece::Text(text)] })
    }

    /// Its parts, in order; neighbouring texts are one.
    #[must_use]
    pub fn pieces(&self) -> &[Piece] {
        &self.0
    }

    /// The placeholders in it.
    pub fn placeholders(&self) -> impl Iterator<Item = &Placeholder> {
        self.0.iter().filter_map(|piece| match piece {
            Piece::Text(_) => None,
            Piece::Placeholder(p) => Some(p),
        })
    }

    /// True where `{instance}` occurs.
    #[must_use]
    pub fn uses_instance(&self) -> bool {
        self.placeholders().any(|p| *p == Placeholder::Instance)
    }

    /// Its text where it holds no placeholder.
    #[must_use]
    pub fn as_literal(&self) -> Option<&str> {
        match self.0.as_slice() {
            [] => Some(""),
            [Piece::Text(text)] => Some(text),
            _ => None,
        }
    }

    /// Fills the placeholders in.
    ///
    /// # Errors
    /// A placeholder for which `context` has nothing.
    pub fn expand(&self, context: &Context) -> Result<String, ExpandError> {
        self.0.iter().map(|piece| expand_piece(piece, context)).collect()
    }
}

fn expand_piece(piece: &Piece, context: &Context) -> Result<String, ExpandError> {
    let placeholder = match piece {
        Piece::Text(text) => return Ok(text.clone()),
        Piece::Placeholder(placeholder) => placeholder,
    };
    match placeholder {
        Placeholder::Instance => context.instance.clone(),
        Placeholder::Job => Some(context.job.clone()),
        Placeholder::Host => Some(context.host.clone()),
        Placeholder::Source => context.source.clone(),
        Placeholder::Scratch => context.scratch.clone(),
        Placeholder::Time(format) => Some(format.print(&context.time)),
    }
    .ok_or_else(|| ExpandError(placeholder.clone()))
}

fn push_text(pieces: &mut Vec<Piece>, literal: &mut String) {
    if !literal.is_empty() {
        pieces.push(Piece::Text(std::mem::take(literal)));
    }
}

/// The placeholder whose `{` stands at `open`, and the offset after its `}`.
fn placeholder_at(text: &str, open: usize) -> Result<(Placeholder, usize), TemplateError> {
    let after = text.get(open + 1..).unwrap_or("");
    let Some(length) = after.find('}') else {
        let message = "a `{` that is never closed: write `{{` for a brace".to_owned();
        return Err(TemplateError { message, range: open..open + 1 });
    };
    let inner = after.get(..length).unwrap_or("");
    let end = open + length + 2;
    let placeholder = Placeholder::parse(inner).map_err(|message| TemplateError { message, range: open..end })?;
    Ok((placeholder, end))
}

impl fmt::Display for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|piece| match piece {
            Piece::Text(text) => f.write_str(&text.replace('{', "{{").replace('}', "}}")),
            Piece::Placeholder(placeholder) => placeholder.fmt(f),
        })
    }
}

impl Serialize for Template {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Template {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn context() -> Context {
        let time = "2014-11-02T01:02:03[UTC]".parse().unwrap();
        let instance = Some("80".to_owned());
        Context { job: "j".into(), instance, host: "h".into(), source: None, scratch: None, time }
    }

    #[test]
    fn placeholders_are_filled_in_and_doubled_braces_are_single() {
        let template = Template::parse("m{instance}-{{x}}-{time:%Y%m%d}").unwrap();
        assert_eq!(template.expand(&context()).unwrap(), "m80-{x}-20141102");
        assert_eq!(template.to_string(), "m{instance}-{{x}}-{time:%Y%m%d}");
    }

    #[test]
    fn a_placeholder_without_value_is_an_error() {
        let error = Template::parse("{scratch}/x").unwrap().expand(&context()).unwrap_err();
        assert_eq!(error.to_string(), "`{scratch}` has no value here");
    }

    #[test]
    fn faults_have_their_place() {
        for (text, range) in [("ab{instanc}c", 2..11), ("a{b", 1..2), ("a}b", 1..2), ("{time}", 0..6)] {
            assert_eq!(Template::parse(text).unwrap_err().range, range, "{text}");
        }
    }

    #[test]
    fn any_literal_survives_printing_and_parsing() {
        for text in ["", "{", "}}{", "a{instance}", "%i", "ü{{"] {
            let template = Template::literal(text);
            assert_eq!(Template::parse(&template.to_string()).unwrap(), template);
        }
    }
}
