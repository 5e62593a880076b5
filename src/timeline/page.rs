//! A timeline as SVG, and as an HTML page that needs nothing from a network.

use super::load::Spread;
use super::{Row, Timeline};
use crate::schedule::report::timestamp;
use crate::value::format_duration;
use askama::Template;
use jiff::{SignedDuration, Timestamp, ToSpan as _};
use std::fmt::Write as _;

/// Widths are in percent of the plot's, so that it can be stretched; heights in pixels.
const WIDTH: f64 = 100.0;
const ROW: f64 = 24.0;
const TOP: f64 = 28.0;
const LOAD: f64 = 80.0;
/// The narrowest that a run is drawn, in percent.
const RUN_LEAST: f64 = 0.15;
/// How wide the plot of a lone SVG file is, in pixels.
const PLOT: f64 = 1_000.0;

/// What the templates print.
#[derive(Debug)]
struct Drawing {
    title: String,
    height: f64,
    labels: f64,
    plot: f64,
    days: Vec<Day>,
    rows: Vec<DrawnRow>,
    loads: Vec<DrawnLoad>,
    load_top: f64,
    load_bottom: f64,
    bottom: f64,
    most: usize,
    collisions: Vec<String>,
    advice: Vec<String>,
}

#[derive(Debug)]
struct Day {
    x: f64,
    name: String,
}

#[derive(Debug)]
struct DrawnRow {
    y: f64,
    middle: f64,
    label: String,
    about: String,
    runs: Vec<DrawnRun>,
}

#[derive(Debug)]
struct DrawnRun {
    x: f64,
    width: f64,
    text: String,
}

#[derive(Debug)]
struct DrawnLoad {
    id: usize,
    name: String,
    peak: usize,
    points: String,
}

#[derive(Template)]
#[template(path = "timeline.svg")]
struct Svg<'a> {
    drawing: &'a Drawing,
    standalone: bool,
}

#[derive(Template)]
#[template(path = "timeline.html")]
struct Page<'a> {
    drawing: &'a Drawing,
    svg: String,
}

/// The timeline as an SVG file.
///
/// # Errors
/// None in practice: a template that cannot print.
pub fn svg(line: &Timeline) -> Result<String, askama::Error> {
    Svg { drawing: &draw(line), standalone: true }.render()
}

/// The timeline as an HTML page: zoom, tooltips, keyboard, light and dark, a table of all runs.
///
/// # Errors
/// As [`svg`].
pub fn html(line: &Timeline) -> Result<String, askama::Error> {
    let drawing = draw(line);
    let svg = Svg { drawing: &drawing, standalone: false }.render()?;
    Page { drawing: &drawing, svg }.render()
}

fn draw(line: &Timeline) -> Drawing {
    let longest = line.rows.iter().map(|row| row.label.chars().count()).max().unwrap_or(0);
    let labels = (number(longest) * 8.0 + 16.0).clamp(120.0, 320.0);
    let rows: Vec<DrawnRow> = line.rows.iter().enumerate().map(|(index, row)| drawn_row(line, index, row)).collect();
    let load_top = TOP + ROW * number(rows.len()) + 24.0;
    let most = Spread::ALL.into_iter().map(|spread| line.peak(spread)).max().unwrap_or(0).max(1);
    let loads = Spread::ALL.into_iter().enumerate().map(|(id, spread)| drawn_load(line, id, spread, load_top, most));
    Drawing {
        title: format!(
            "Backup runs, {} to {}",
            timestamp(line.question.from, &line.question.zone),
            timestamp(line.question.until(), &line.question.zone)
        ),
        height: load_top + LOAD + 24.0,
        labels,
        plot: PLOT,
        days: days(line),
        rows,
        loads: loads.collect(),
        load_top,
        load_bottom: load_top + LOAD,
        bottom: load_top + LOAD + 16.0,
        most,
        collisions: collisions(line),
        advice: line.advice(),
    }
}

fn drawn_row(line: &Timeline, index: usize, row: &Row) -> DrawnRow {
    let y = TOP + ROW * number(index);
    let takes =
        row.duration.map_or_else(|| "duration not known yet".into(), |d| format!("takes {}", format_duration(d)));
    let runs = row.runs.iter().map(|at| {
        let x = line.question.place(*at) * WIDTH;
        let length = SignedDuration::try_from(row.length()).unwrap_or(SignedDuration::ZERO);
        let end = line.question.place(at.checked_add(length).unwrap_or(Timestamp::MAX)) * WIDTH;
        let jitter =
            if row.jitter.is_zero() { String::new() } else { format!(", up to {} later", format_duration(row.jitter)) };
        let text = format!("{} {}{jitter}, {takes}", row.label, timestamp(*at, &line.question.zone));
        DrawnRun { x, width: (end - x).clamp(RUN_LEAST, (WIDTH - x).max(RUN_LEAST)), text }
    });
    let about = format!("{}: {} run{}", row.schedule, row.runs.len(), if row.runs.len() == 1 { "" } else { "s" });
    DrawnRow { y, middle: y + 15.0, label: row.label.clone(), about, runs: runs.collect() }
}

fn drawn_load(line: &Timeline, id: usize, spread: Spread, top: f64, most: usize) -> DrawnLoad {
    let height = |running: usize| top + LOAD - LOAD * number(running) / number(most);
    let mut points = format!("0,{:.2}", height(0));
    let mut before = 0;
    for (at, running) in line.load(spread) {
        let x = (line.question.place(at) * WIDTH).min(WIDTH);
        let _ = write!(points, " {x:.2},{:.2} {x:.2},{:.2}", height(before), height(running));
        before = running;
    }
    let _ = write!(points, " {WIDTH:.2},{:.2}", height(before));
    DrawnLoad { id, name: spread.words(), peak: line.peak(spread), points }
}

/// Where days begin; over a long time only some of them are named.
fn days(line: &Timeline) -> Vec<Day> {
    const NAMED_MAX: usize = 14;
    let zone = &line.question.zone;
    let mut day = line.question.from.to_zoned(zone.clone()).start_of_day().ok();
    let mut starts = vec![];
    while let Some(start) = day.filter(|day| day.timestamp() < line.question.until()) {
        if start.timestamp() >= line.question.from {
            starts.push(start.clone());
        }
        day = start.checked_add(1.day()).ok();
    }
    let step = starts.len().div_ceil(NAMED_MAX).max(1);
    let named = starts.iter().step_by(step);
    let day = |start: &jiff::Zoned| Day {
        x: line.question.place(start.timestamp()) * WIDTH,
        name: start.strftime("%a %d %b").to_string(),
    };
    named.map(day).collect()
}

fn collisions(line: &Timeline) -> Vec<String> {
    const TOLD_MAX: usize = 200;
    line.clashes().iter().take(TOLD_MAX).map(|clash| clash.words(line)).collect()
}

#[expect(clippy::cast_precision_loss, reason = "a place on a screen needs no more than 52 bits")]
fn number(n: usize) -> f64 {
    n as f64
}

#[cfg(test)]
mod tests {
    use super::super::tests::{job, of};
    use super::*;

    #[test]
    fn a_page_needs_nothing_from_a_network_and_escapes_what_it_is_given() {
        let line = of(&job("wiki", "    instances: [\"<b>&\"]\n    schedule: {every: 4h}\n"), 7);
        let page = html(&line).unwrap();
        assert!(!page.contains("<b>&") && page.contains("wiki@&#60;b&#62;&#38;"), "{page}");
        for outside in ["http://", "https://", "src=", "@import", "url("] {
            let found = page.replace("http://www.w3.org/2000/svg", "");
            assert!(!found.contains(outside), "{outside}");
        }
        assert_eq!(page.matches("<rect class=\"run\"").count(), 42);
    }

    #[test]
    fn a_drawing_names_its_days() {
        let drawn = svg(&of(&job("a", "    schedule: {calendar: \"02:00\"}\n"), 7)).unwrap();
        assert!(drawn.starts_with("<svg xmlns=\"http://www.w3.org/2000/svg\""), "{drawn}");
        assert!(drawn.contains("Fri 27 Nov") && drawn.contains("Thu 03 Dec"), "{drawn}");
    }
}
