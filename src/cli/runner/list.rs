//! `list`: what lies where, and which destinations miss a copy.

use super::Ground;
use super::choose::{since, until};
use super::place::{Place, PlaceArgs, Shelf};
use super::table::{printable, rough, state, table};
use crate::cli::output::{Failure, print, say};
use crate::contract::exit;
use crate::run::catalog::Set;
use crate::run::os;
use crate::value::Bytes;
use clap::Args;
use jiff::Timestamp;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::num::NonZeroUsize;

/// What `list` is told.
#[derive(Debug, Args)]
pub(super) struct ListArgs {
    #[command(flatten)]
    place: PlaceArgs,
    /// Only archives from this time on: 2026-11-20, or with a time of day; UTC unless it says otherwise
    #[arg(long, value_name = "TIME", value_parser = since)]
    since: Option<Timestamp>,
    /// Only archives up to this time; a bare date means its end
    #[arg(long, value_name = "TIME", value_parser = until)]
    until: Option<Timestamp>,
    /// Only the newest so many
    #[arg(long, value_name = "N")]
    last: Option<NonZeroUsize>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Whose set: at a bare destination several jobs' may have the same time.
type Key<'a> = (Timestamp, Option<(&'a str, Option<&'a str>)>);

/// The copies of one set, by destination.
struct Row<'a> {
    time: Timestamp,
    /// The job, at a bare destination.
    job: Option<String>,
    /// In the order of the destinations.
    copies: Vec<Option<&'a Set>>,
}

pub(super) async fn list(args: &ListArgs, ground: &Ground) -> Result<u8, Failure> {
    let place = args.place.open(ground).await?;
    let rows = chosen_rows(args, &place);
    let now = os::now();
    print(&if args.json { as_json(&place.shelves, &rows, now) } else { as_table(&place.shelves, &rows, now) })?;
    if !args.json {
        totals(&place.shelves, &rows);
    }
    Ok(if place.unread == 0 { exit::OK } else { exit::PARTIAL })
}

/// The rows that are asked for, the oldest first.
fn chosen_rows<'a>(args: &ListArgs, place: &'a Place) -> Vec<Row<'a>> {
    let mut by_key: BTreeMap<Key<'a>, Vec<Option<&'a Set>>> = BTreeMap::new();
    for (index, shelf) in place.shelves.iter().enumerate() {
        for set in &shelf.sets {
            let whose = set.manifest.as_ref().filter(|_| place.job.is_none());
            let whose = whose.map(|manifest| (manifest.job.as_str(), manifest.instance.as_deref()));
            let copies = by_key.entry((set.time, whose)).or_insert_with(|| vec![None; place.shelves.len()]);
            if let Some(copy) = copies.get_mut(index) {
                *copy = Some(set);
            }
        }
    }
    let wanted = |time: Timestamp| args.since.is_none_or(|t| time >= t) && args.until.is_none_or(|t| time <= t);
    let name = |(job, instance): (&str, Option<&str>)| {
        printable(&instance.map_or_else(|| job.to_owned(), |instance| format!("{job}@{instance}")))
    };
    let rows = by_key.into_iter().filter(|((time, _), _)| wanted(*time));
    let mut rows: Vec<Row<'a>> =
        rows.map(|((time, whose), copies)| Row { time, job: whose.map(name), copies }).collect();
    if let Some(last) = args.last {
        rows.drain(..rows.len().saturating_sub(last.get()));
    }
    rows
}

/// Good, or what is missing, and whether it is pinned.
fn standing(set: &Set, now: Timestamp) -> String {
    let pinned = if set.marks.is_pinned(now) { ", pinned" } else { "" };
    format!("{}{pinned}", state(set))
}

fn as_table(shelves: &[Shelf], rows: &[Row<'_>], now: Timestamp) -> String {
    let with_job = rows.iter().any(|row| row.job.is_some());
    let mut head: Vec<String> = ["TIME", "AGE", "SIZE"].map(str::to_owned).into();
    head.extend(with_job.then(|| "JOB".to_owned()));
    head.extend(shelves.iter().map(|shelf| printable(&shelf.name)));
    head.push("OBJECTS".into());
    let line = |row: &Row<'_>| {
        let there = || row.copies.iter().flatten();
        let size = there().map(|set| set.size()).max().unwrap_or(0);
        let age = std::time::Duration::try_from(now.duration_since(row.time)).map_or_else(|_| "future".into(), rough);
        let mut cells = vec![row.time.to_string(), age, Bytes(size).to_string()];
        cells.extend(row.job.clone().or_else(|| with_job.then(String::new)));
        cells.extend(row.copies.iter().map(|copy| copy.map_or_else(|| "-".into(), |set| standing(set, now))));
        let names = there().next().map(|set| set.objects.iter().map(|o| o.name.as_str()).collect::<Vec<_>>().join(" "));
        cells.push(names.unwrap_or_default());
        cells
    };
    table(&std::iter::once(head).chain(rows.iter().map(line)).collect::<Vec<_>>())
}

/// What each destination holds in all, and what it misses of what others have.
fn totals(shelves: &[Shelf], rows: &[Row<'_>]) {
    for (index, shelf) in shelves.iter().enumerate() {
        let copies = || rows.iter().filter_map(move |row| row.copies.get(index).copied().flatten());
        let good = copies().filter(|set| set.is_good()).count();
        let size = copies().map(Set::size).fold(0, u64::saturating_add);
        let missing = rows.iter().filter(|row| misses(row, index)).count();
        let missing = if missing == 0 { String::new() } else { format!(", misses {missing} that others have") };
        say(&format!("{}: {good} good of {}, {}{missing}", printable(&shelf.name), copies().count(), Bytes(size)));
    }
}

/// Whether another destination has a good copy where this one has none.
fn misses(row: &Row<'_>, index: usize) -> bool {
    let is_good = |copy: Option<&Set>| copy.is_some_and(Set::is_good);
    row.copies.iter().any(|copy| is_good(*copy)) && !is_good(row.copies.get(index).copied().flatten())
}

fn as_json(shelves: &[Shelf], rows: &[Row<'_>], now: Timestamp) -> String {
    let copy = |row: &Row<'_>, index: usize, shelf: &Shelf| -> Option<Value> {
        let set = row.copies.get(index).copied().flatten()?;
        let objects: Vec<_> = set.objects.iter().map(|o| json!({"name": o.name, "size": o.size})).collect();
        Some(json!({
            "destination": shelf.name, "time": set.time.to_string(), "good": set.is_good(), "state": state(set),
            "pinned": set.marks.is_pinned(now), "pinned_until": set.marks.pin.as_ref().and_then(|pin| pin.until),
            "size": set.size(), "objects": objects, "manifest": set.manifest,
        }))
    };
    let missing = |row: &Row<'_>| -> Vec<&str> {
        let lacking = shelves.iter().enumerate().filter(|(index, _)| misses(row, *index));
        lacking.map(|(_, shelf)| shelf.name.as_str()).collect()
    };
    let all: Vec<Value> = rows
        .iter()
        .flat_map(|row| {
            let missing = missing(row);
            shelves.iter().enumerate().filter_map(move |(index, shelf)| {
                let mut value = copy(row, index, shelf)?;
                if let Value::Object(map) = &mut value {
                    map.insert("missing_at".into(), json!(missing));
                }
                Some(value)
            })
        })
        .collect();
    format!("{:#}\n", Value::Array(all))
}
