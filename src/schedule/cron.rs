//! Crontab lines (crontab(5)), turned into calendar events.
//!
//! ```
//! use eightbells::schedule::CronLine;
//!
//! let events = |line| -> Vec<String> {
//!     CronLine::parse(line).unwrap().specs().iter().map(ToString::to_string).collect()
//! };
//! assert_eq!(events("30 2 * * *"), ["*-*-* 02:30:00"]);
//! assert_eq!(events("*/15 9-17 * * mon-fri"), ["Mon..Fri *-*-* 09..17:00/15:00"]);
//! assert_eq!(events("0 4 1 * 7"), ["*-*-01 04:00:00", "Sun *-*-* 04:00:00"]);
//! assert_eq!(events("@weekly"), ["Sun *-*-* 00:00:00"]);
//! ```
//!
//! Where crons differ, this is Vixie's, as Debian ships it:
//!
//! - **Day of month and day of week.** Where neither field begins with `*`, a day that fits *either* is meant, and the
//!   line becomes two events (a timer with both runs once where they coincide). A field that begins with `*` does not
//!   count as restricted, `*/2` included: `0 0 */2 * mon` means the odd days that are Mondays.
//! - A step needs a range or `*`: `5/15` is refused, `5-59/15` is fine.
//! - Names are the first three letters, in any case, alone or in ranges. Sunday is 0 or 7, and `sun` is 0.
//! - No seconds, no `L`, `W`, `#` or `?`, no user, no command.
//!
//! What cannot be carried over: cron runs a job that falls into a spring-forward gap right after it, and one in the
//! repeated hour once; systemd does as its calendar events say.

mod error;

use error::plural;
pub use error::{CronError, CronField, CronProblem};

use std::ops::Range;

use super::calendar::{CalendarSpec, Part, Values, Weekdays};

/// The times of a crontab line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CronLine {
    specs: Vec<CalendarSpec>,
}

impl CronLine {
    /// Reads the five fields of a crontab line, or a nickname such as `@daily`.
    ///
    /// # Errors
    /// Where cron would refuse the text, with the field, the place and the reason.
    pub fn parse(text: &str) -> Result<Self, CronError> {
        let words = words(text);
        let Some(first) = words.first() else { return Err(CronError::line(CronProblem::Empty, 0..text.len())) };
        if first.text.starts_with('@') {
            return nickname(first, words.get(1));
        }
        let [minute, hour, day, month, weekday] = words.as_slice() else {
            return Err(match words.get(CronField::ALL.len()..) {
                Some([surplus, ..]) => CronError::line(CronProblem::TooManyFields, surplus.at..text.trim_end().len()),
                Some([]) | None => CronError::line(CronProblem::FieldsMissing(words.len()), text.len()..text.len()),
            });
        };
        let minute = minute.set(CronField::Minute)?;
        let hour = hour.set(CronField::Hour)?;
        let day = day.set(CronField::DayOfMonth)?;
        let month = month.set(CronField::Month)?;
        let weekday = weekday.set(CronField::DayOfWeek)?;
        Ok(Self { specs: specs(&minute, &hour, &day, &month, &weekday) })
    }

    /// The events, in the local zone: one, or two where a day of the month or a day of the week is meant.
    #[must_use]
    pub fn specs(&self) -> &[CalendarSpec] {
        &self.specs
    }

    /// As [`CronLine::specs`].
    #[must_use]
    pub fn into_specs(self) -> Vec<CalendarSpec> {
        self.specs
    }
}

fn specs(minute: &Set, hour: &Set, day: &Set, month: &Set, weekday: &Set) -> Vec<CalendarSpec> {
    let at = |days: Weekdays, day: Values| {
        CalendarSpec::of_fields(days, month.values(), day, hour.values(), minute.values())
    };
    let (day_values, weekdays) = (day.values(), weekday.weekdays());
    if day.starred || weekday.starred {
        return vec![at(weekdays, day_values)];
    }
    if day_values == Values::Every || weekdays == Weekdays::EVERY {
        return vec![at(Weekdays::EVERY, Values::Every)];
    }
    vec![at(Weekdays::EVERY, day_values), at(weekdays, Values::Every)]
}

fn nickname(word: &Word<'_>, next: Option<&Word<'_>>) -> Result<CronLine, CronError> {
    const NICKNAMES: [(&str, &str); 7] = [
        ("@hourly", "0 * * * *"),
        ("@daily", "0 0 * * *"),
        ("@midnight", "0 0 * * *"),
        ("@weekly", "0 0 * * 0"),
        ("@monthly", "0 0 1 * *"),
        ("@yearly", "0 0 1 1 *"),
        ("@annually", "0 0 1 1 *"),
    ];
    if word.text == "@reboot" {
        return Err(CronError::line(CronProblem::Reboot, word.span()));
    }
    let Some((_, line)) = NICKNAMES.iter().find(|(name, _)| *name == word.text) else {
        return Err(CronError::line(CronProblem::UnknownNickname(word.text.to_owned()), word.span()));
    };
    match next {
        Some(surplus) => Err(CronError::line(CronProblem::TooManyFields, surplus.span())),
        None => CronLine::parse(line),
    }
}

/// A piece of the line, and where it begins.
#[derive(Clone, Copy)]
struct Word<'t> {
    text: &'t str,
    at: usize,
}

/// The words between blanks; what follows the sixth does not matter.
fn words(text: &str) -> Vec<Word<'_>> {
    let mut words = Vec::new();
    let mut at = 0;
    for piece in text.split([' ', '\t']) {
        if !piece.is_empty() {
            words.push(Word { text: piece, at });
        }
        if words.len() > CronField::ALL.len() {
            break;
        }
        at += piece.len() + 1;
    }
    words
}

/// The values of a field.
struct Set {
    field: CronField,
    /// Bit n stands for the value n.
    bits: u64,
    parts: Vec<Part>,
    /// The field begins with `*`.
    starred: bool,
}

impl Set {
    fn insert(&mut self, part: Part) {
        let (_, to) = self.field.bounds();
        let last = match (part.last, part.step) {
            (Some(last), _) => last,
            (None, Some(_)) => to,
            (None, None) => part.start,
        };
        let step = part.step.map_or(1, |step| step as usize);
        self.bits |= (part.start..=last).step_by(step).fold(0, |bits, value| bits | 1 << value);
        self.parts.push(part);
        // Repeats must not make the list long.
        if self.parts.len() > 2 * PARTS_MAX {
            self.parts.sort_unstable();
            self.parts.dedup();
        }
    }

    /// The field as systemd lists it: in the line's own parts, or one by one if those are too many.
    fn values(&self) -> Values {
        let (from, to) = self.field.bounds();
        if (from..=to).all(|value| self.bits & 1 << value != 0) {
            return Values::Every;
        }
        let values = Values::of(self.parts.iter().copied());
        if matches!(&values, Values::Of(parts) if parts.len() > PARTS_MAX) {
            return Values::of((from..=to).filter(|value| self.bits & 1 << value != 0).map(Part::one));
        }
        values
    }

    /// cron counts from Sunday, 7 being Sunday again; systemd from Monday.
    fn weekdays(&self) -> Weekdays {
        let bit = |from: u32, to: u8| u8::from(self.bits & 1 << from != 0) << to;
        let sunday = bit(0, 6) | bit(7, 6);
        Weekdays::of_bits((1..=6).fold(sunday, |bits, day: u8| bits | bit(day.into(), day - 1)))
    }
}

/// No field has more values than this many.
const PARTS_MAX: usize = 60;

impl Word<'_> {
    fn span(&self) -> Range<usize> {
        self.at..self.at + self.text.len()
    }

    fn set(&self, field: CronField) -> Result<Set, CronError> {
        let mut set = Set { field, bits: 0, parts: Vec::new(), starred: self.text.starts_with('*') };
        let mut at = self.at;
        for text in self.text.split(',') {
            let element = Word { text, at };
            let part =
                element.part(field).map_err(|(problem, span)| CronError { problem, span, field: Some(field) })?;
            set.insert(part);
            at += text.len() + 1;
        }
        Ok(set)
    }

    /// One element of a list: `*`, a value or a range, perhaps with a step.
    fn part(&self, field: CronField) -> Result<Part, Fault> {
        let (from, to) = field.bounds();
        let (range, step) = self.split('/');
        let step = step.map(|step| step.step()).transpose()?;
        if range.text == "*" {
            let step = step.unwrap_or(1);
            return Ok(match step {
                // Without an end, systemd 252 goes wrong where the field does: it may miss the first of a month.
                _ if step > to - from => Part::one(from),
                _ if field == CronField::DayOfMonth || (to + 1 - from) % step > 0 || step == 1 => {
                    Part { start: from, last: Some(to), step: Some(step) }.normalized()
                }
                _ => Part { start: from, last: None, step: Some(step) },
            });
        }
        let (first, last) = range.split('-');
        let start = first.value(field)?;
        match (last, step) {
            (None, None) => Ok(Part::one(start)),
            (None, Some(step)) => Err((CronProblem::StepAlone(format!("{start}-{to}/{step}")), self.span())),
            (Some(last), step) => {
                let last = last.value(field)?;
                if last < start {
                    return Err((CronProblem::RangeDown(plural(field)), range.span()));
                }
                let step = step.unwrap_or(1).min(to);
                Ok(Part { start, last: Some(last), step: Some(step) }.normalized())
            }
        }
    }

    fn split(&self, separator: char) -> (Self, Option<Self>) {
        match self.text.split_once(separator) {
            None => (*self, None),
            Some((text, rest)) => (Self { text, at: self.at }, Some(Self { text: rest, at: self.at + text.len() + 1 })),
        }
    }

    fn step(&self) -> Result<u32, Fault> {
        let digits = !self.text.is_empty() && self.text.bytes().all(|byte| byte.is_ascii_digit());
        // Steps beyond any field's end are all alike.
        let step = if digits { self.text.parse().unwrap_or(u32::MAX) } else { 0 };
        if step > 0 { Ok(step) } else { Err((CronProblem::Step, self.span())) }
    }

    fn value(&self, field: CronField) -> Result<u32, Fault> {
        let (from, to) = field.bounds();
        let out_of_range = || (CronProblem::Value(field), self.span());
        if self.text.is_empty() {
            return Err((CronProblem::ValueMissing, self.span()));
        }
        if self.text.bytes().all(|byte| byte.is_ascii_digit()) {
            return self.text.parse().ok().filter(|value| (from..=to).contains(value)).ok_or_else(out_of_range);
        }
        if let Some((_, value)) =
            field.names().iter().zip(from..).find(|(name, _)| name.eq_ignore_ascii_case(self.text))
        {
            return Ok(value);
        }
        match self.text.char_indices().find(|(_, letter)| !letter.is_ascii_alphanumeric()) {
            Some((offset, letter)) => {
                let at = self.at + offset;
                Err((CronProblem::Unexpected(letter), at..at + letter.len_utf8()))
            }
            None => Err(out_of_range()),
        }
    }
}

type Fault = (CronProblem, Range<usize>);

#[cfg(test)]
mod tests;
