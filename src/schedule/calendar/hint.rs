//! What was probably meant by a text that is no calendar event.
//!
//! A guess is offered only where it parses.

use jiff::tz;

use super::parse::{SHORTHANDS, parse_plainly};
use super::{CalendarError, CalendarProblem};
use crate::schedule::cron::CronLine;
use crate::schedule::timespan::TimeSpan;

/// Longer texts are not guessed at: no event that people write comes near.
const GUESS_MAX_BYTES: usize = 200;
/// How alike two words must be, from 0 to 1, for one to be taken for a misspelling of the other.
const LIKENESS_MIN: f64 = 0.8;

const WEEKDAYS: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];

pub(super) fn for_error(text: &str, error: &CalendarError) -> Option<String> {
    if text.len() > GUESS_MAX_BYTES {
        return None;
    }
    let guesses: [fn(&str, &CalendarError) -> Option<String>; 12] = [
        cron,
        moment,
        misspelled,
        wrapped_weekdays,
        midnight,
        starred_step,
        weekday_last,
        zone,
        offset,
        time_span,
        twelve_hours,
        tidied,
    ];
    guesses.iter().find_map(|guess| guess(text, error))
}

/// The text, if it is an event.
fn event(text: String) -> Option<String> {
    parse_plainly(&text, None).is_ok().then_some(text)
}

fn did_you_mean(text: String) -> Option<String> {
    event(text).map(|text| format!("did you mean `{text}`?"))
}

fn cron(text: &str, _: &CalendarError) -> Option<String> {
    if text.trim() == "@reboot" {
        return Some("a timer runs at boot by `OnBootSec=`, which is no calendar event".to_owned());
    }
    if let Some(word) = text.strip_prefix('@')
        && event(word.to_owned()).is_some()
    {
        return Some(format!("systemd writes it `{word}`"));
    }
    let line = CronLine::parse(text).ok()?;
    let events: Vec<String> = line.specs().iter().map(|spec| format!("`{spec}`")).collect();
    Some(format!("this is cron's notation; as a calendar event it is {}", events.join(" and ")))
}

/// `tomorrow`: a point in time, which does not recur.
fn moment(text: &str, _: &CalendarError) -> Option<String> {
    ["now", "today", "yesterday", "tomorrow"]
        .contains(&text)
        .then(|| format!("`{text}` is a moment that does not come again: write a date, or a word such as `daily`"))
}

fn misspelled(text: &str, error: &CalendarError) -> Option<String> {
    let nearest = match error.problem() {
        CalendarProblem::UnknownWord(word) => {
            let words = SHORTHANDS.iter().map(|(name, _)| *name).filter(|name| *name != "anually");
            nearest(word, words.chain(WEEKDAYS))?
        }
        CalendarProblem::Weekday => nearest(text.get(error.span())?, WEEKDAYS.into_iter())?,
        _ => return None,
    };
    if text.get(error.span())?.eq_ignore_ascii_case(nearest) {
        return Some(format!("`{nearest}` stands alone, or before a time zone"));
    }
    Some(format!("did you mean `{nearest}`?"))
}

/// The most alike of the words.
fn nearest<'w>(word: &str, words: impl Iterator<Item = &'w str>) -> Option<&'w str> {
    let word = word.to_ascii_lowercase();
    words
        .map(|name| (strsim::jaro_winkler(&word, &name.to_ascii_lowercase()), name))
        .filter(|(likeness, _)| *likeness >= LIKENESS_MIN)
        .max_by(|(one, _), (other, _)| one.total_cmp(other))
        .map(|(_, name)| name)
}

/// `Sat..Mon`: the days one by one.
fn wrapped_weekdays(text: &str, error: &CalendarError) -> Option<String> {
    if *error.problem() != CalendarProblem::WeekdayRangeDown {
        return None;
    }
    let span = error.span();
    let (range, rest) = (text.get(span.clone())?, text.get(span.end..)?);
    let range = range.rsplit(',').next()?;
    let (first, last) = range.split_once("..").or_else(|| range.split_once('-'))?;
    let index = |name: &str| WEEKDAYS.iter().position(|day| name.get(..3).is_some_and(|n| n.eq_ignore_ascii_case(day)));
    let (first, last) = (index(first)?, index(last)?);
    let days: Vec<&str> = WEEKDAYS.iter().cycle().skip(first).take((7 + last - first) % 7 + 1).copied().collect();
    let kept = text.get(..span.end - range.len())?;
    event(format!("{kept}{}{rest}", days.join(",")))
        .map(|text| format!("weekdays begin with Monday, and a range does not wrap: write `{text}`"))
}

fn midnight(text: &str, _: &CalendarError) -> Option<String> {
    let fixed = event(text.replacen("24:00", "00:00", 1)).filter(|fixed| fixed != text)?;
    Some(format!("midnight is `00:00`, of the day that begins: `{fixed}`"))
}

/// `*/15`: a step needs a number to start from.
fn starred_step(text: &str, error: &CalendarError) -> Option<String> {
    if *error.problem() != CalendarProblem::StarNotAlone || !text.contains("*/") {
        return None;
    }
    let every = |text: String| event(text).map(|text| format!("a step starts from a number: write `{text}`"));
    if let Some(step) = text.strip_prefix("*/") {
        // Alone it can only be cron's first field.
        return every(format!("*:0/{step}"));
    }
    // Dates count from 1, times from 0.
    let split = text.rfind(' ').map_or(0, |blank| if text.contains(':') { blank } else { text.len() });
    let (date, time) = text.split_at_checked(split)?;
    every(format!("{}{}", date.replace("*/", "1/"), time.replace("*/", "0/")))
}

fn zone(_: &str, error: &CalendarError) -> Option<String> {
    let CalendarProblem::UnknownZone(name) = error.problem() else { return None };
    let names: Vec<String> = tz::db().available().map(|name| name.to_string()).collect();
    if let Some(right) = names.iter().find(|right| right.eq_ignore_ascii_case(name)) {
        return Some(format!("case matters: write `{right}`"));
    }
    if (3..=5).contains(&name.len()) && name.bytes().all(|byte| byte.is_ascii_uppercase()) {
        return Some(format!("what `{name}` means depends on the machine: name a place, such as `Europe/Berlin`"));
    }
    nearest(name, names.iter().map(String::as_str)).map(|right| format!("did you mean `{right}`?"))
}

/// `10:00 +02:00`.
fn offset(text: &str, _: &CalendarError) -> Option<String> {
    let (body, offset) = text.rsplit_once(' ')?;
    let digits = offset.strip_prefix(['+', '-'])?;
    let numeric = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit() || byte == b':');
    (numeric && event(body.to_owned()).is_some())
        .then(|| "an offset is no time zone: write `UTC`, or name a place, such as `Europe/Berlin`".to_owned())
}

fn time_span(text: &str, _: &CalendarError) -> Option<String> {
    let span = TimeSpan::parse(text).ok()?;
    // A bare number is a span to systemd, but hardly to its writer.
    let meant = text.contains(|letter: char| letter.is_ascii_alphabetic());
    meant.then(|| format!("a time span names no moment: `every: {span}` repeats after it"))
}

/// `2:30pm`.
fn twelve_hours(text: &str, _: &CalendarError) -> Option<String> {
    let lower = text.to_ascii_lowercase();
    let (time, add) = match (lower.strip_suffix("pm"), lower.strip_suffix("am")) {
        (Some(time), _) => (time.trim_end(), 12),
        (None, Some(time)) => (time.trim_end(), 0),
        (None, None) => return None,
    };
    let split = time.rfind(' ').map_or(0, |blank| blank + 1);
    let (before, time) = time.split_at_checked(split)?;
    let (hour, minute) = time.split_once(':').unwrap_or((time, "00"));
    let hour: u8 = hour.parse().ok().filter(|hour| (1..=12).contains(hour))?;
    let kept = text.get(..before.len())?;
    event(format!("{kept}{:02}:{minute}", hour % 12 + add)).map(|text| format!("hours count to 23: write `{text}`"))
}

/// `10:00 Mon`.
fn weekday_last(text: &str, _: &CalendarError) -> Option<String> {
    let (first, last) = text.trim().rsplit_once(' ')?;
    if !last.starts_with(|letter: char| letter.is_ascii_alphabetic()) {
        return None;
    }
    event(format!("{last} {first}")).map(|text| format!("weekdays go first: write `{text}`"))
}

/// Blanks too many, an `T` between date and time, an hour alone.
fn tidied(text: &str, _: &CalendarError) -> Option<String> {
    let words: Vec<&str> = text.split_whitespace().collect();
    let text = words.join(" ");
    did_you_mean(text.clone())
        .or_else(|| did_you_mean(text.replacen(['T', 't'], " ", 1)))
        .or_else(|| did_you_mean(text.replacen('T', " ", 1).trim_end_matches('Z').to_owned() + " UTC"))
        .or_else(|| did_you_mean(text.replace(", ", ",")))
        .or_else(|| did_you_mean(format!("{text}:00")))
}
