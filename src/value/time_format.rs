//! The formats of `{time:…}`: fields of fixed width, so that what is printed parses back.

use std::fmt;

/// One field of a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TimeField {
    /// `%Y`, four digits.
    Year,
    /// `%m`, 01–12.
    Month,
    /// `%d`, 01–31.
    Day,
    /// `%j`, day of the year, 001–366.
    DayOfYear,
    /// `%H`, 00–23.
    Hour,
    /// `%M`, 00–59.
    Minute,
    /// `%S`, 00–59.
    Second,
    /// `%s`, seconds since 1970, ten digits.
    Epoch,
}

impl TimeField {
    /// All fields with the letter that names each.
    const ALL: [(char, Self); 8] = [
        ('Y', Self::Year),
        ('m', Self::Month),
        ('d', Self::Day),
        ('j', Self::DayOfYear),
        ('H', Self::Hour),
        ('M', Self::Minute),
        ('S', Self::Second),
        ('s', Self::Epoch),
    ];

    /// How many digits it prints.
    #[must_use]
    pub fn width(self) -> usize {
        match self {
            Self::Year => 4,
            Self::DayOfYear => 3,
            Self::Epoch => 10,
            Self::Month | Self::Day | Self::Hour | Self::Minute | Self::Second => 2,
        }
    }

    /// Its value at an instant.
    #[must_use]
    pub fn of(self, time: &jiff::Zoned) -> i64 {
        match self {
            Self::Year => time.year().into(),
            Self::Month => time.month().into(),
            Self::Day => time.day().into(),
            Self::DayOfYear => time.day_of_year().into(),
            Self::Hour => time.hour().into(),
            Self::Minute => time.minute().into(),
            Self::Second => time.second().into(),
            Self::Epoch => time.timestamp().as_second(),
        }
    }
}

/// A part of a [`TimeFormat`].
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TimePart {
    /// Text that stands for itself.
    Text(String),
    /// Digits.
    Field(TimeField),
}

/// Why a text is not a time format.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TimeFormatError {
    /// A letter that we do not print.
    #[error(
        "`%{0}` is not known in `{{time:…}}`; there are %Y %m %d %j %H %M %S %s, %F for %Y-%m-%d and %T for %H:%M:%S"
    )]
    Unknown(char),
    /// A `%` at the end.
    #[error("a `%` with nothing after it in `{{time:…}}`")]
    Unfinished,
    /// No text at all.
    #[error("an empty time format, write for example `{{time:%Y-%m-%dT%H-%M-%SZ}}`")]
    Empty,
}

/// A format of `{time:…}`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TimeFormat(Vec<TimePart>);

impl TimeFormat {
    /// Reads a format such as `%Y-%m-%dT%H-%M-%SZ`.
    ///
    /// # Errors
    /// A field that is not of fixed width or not known.
    pub fn parse(format: &str) -> Result<Self, TimeFormatError> {
        let mut parts = vec![];
        let mut chars = format.chars();
        while let Some(c) = chars.next() {
            if c == '%' {
                field(&mut parts, chars.next().ok_or(TimeFormatError::Unfinished)?)?;
            } else {
                text(&mut parts, c);
            }
        }
        if parts.is_empty() { Err(TimeFormatError::Empty) } else { Ok(Self(parts)) }
    }

    /// Its parts.
    #[must_use]
    pub fn parts(&self) -> &[TimePart] {
        &self.0
    }

    /// The instant in this format.
    #[must_use]
    pub fn print(&self, time: &jiff::Zoned) -> String {
        let print = |part: &TimePart| match part {
            TimePart::Text(text) => text.clone(),
            TimePart::Field(field) => format!("{:0width$}", field.of(time), width = field.width()),
        };
        self.0.iter().map(print).collect()
    }
}

fn text(parts: &mut Vec<TimePart>, c: char) {
    if let Some(TimePart::Text(before)) = parts.last_mut() {
        before.push(c);
    } else {
        parts.push(TimePart::Text(c.into()));
    }
}

fn field(parts: &mut Vec<TimePart>, letter: char) -> Result<(), TimeFormatError> {
    let expanded = match letter {
        'F' => "%Y-%m-%d",
        'T' => "%H:%M:%S",
        '%' => {
            text(parts, '%');
            return Ok(());
        }
        other => {
            let known = TimeField::ALL.iter().find(|(c, _)| *c == other);
            let (_, field) = known.ok_or(TimeFormatError::Unknown(other))?;
            parts.push(TimePart::Field(*field));
            return Ok(());
        }
    };
    for part in TimeFormat::parse(expanded)?.0 {
        match part {
            TimePart::Text(t) => t.chars().for_each(|c| text(parts, c)),
            TimePart::Field(_) => parts.push(part),
        }
    }
    Ok(())
}

impl fmt::Display for TimeFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|part| match part {
            TimePart::Text(text) => f.write_str(&text.replace('%', "%%")),
            TimePart::Field(field) => {
                let letter = TimeField::ALL.iter().find(|(_, known)| known == field).map_or('?', |(c, _)| *c);
                write!(f, "%{letter}")
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_print_in_fixed_width() {
        let time = "0033-01-02T03:04:05[UTC]".parse().unwrap();
        assert_eq!(TimeFormat::parse("%F_%T.%j%%").unwrap().print(&time), "0033-01-02_03:04:05.002%");
    }

    #[test]
    fn what_does_not_parse_back_is_refused() {
        assert_eq!(TimeFormat::parse("%B"), Err(TimeFormatError::Unknown('B')));
        assert_eq!(TimeFormat::parse("%Y%"), Err(TimeFormatError::Unfinished));
        assert_eq!(TimeFormat::parse(""), Err(TimeFormatError::Empty));
    }
}
