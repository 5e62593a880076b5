//! `eightbells status`: each pair of units, whether its timer runs, when it fires next, and how the last run ended.

use super::systemd::Seen;
use super::wanted::{Pair, Wanted};
use super::{PlaceArgs, Places, everywhere, fleet, systemd};
use crate::cli::output::{Failure, print, say};
use crate::contract::exit;
use clap::Args;
use serde_json::{Value, json};

/// What `status` is told.
#[derive(Debug, Args)]
pub(in crate::cli::generator) struct StatusArgs {
    #[command(flatten)]
    place: PlaceArgs,
    /// Print JSON: a list with an object for each pair of units
    #[arg(long)]
    json: bool,
}

/// One pair of units at one place.
#[derive(Debug)]
struct Row {
    place: String,
    timer: String,
    state: String,
    next: String,
    last: String,
    result: String,
}

impl Row {
    fn is_good(&self) -> bool {
        matches!(self.state.as_str(), "active" | "launched")
            && matches!(self.result.as_str(), "" | "success" | "running")
    }

    fn json(&self) -> Value {
        let Self { place, timer, state, next, last, result } = self;
        json!({"place": place, "timer": timer, "state": state, "next": next, "last": last, "result": result})
    }
}

/// Exits 1 where a timer does not run, or a last run failed.
pub(in crate::cli::generator) fn status(args: &StatusArgs) -> Result<(), Failure> {
    let wanted = Wanted::read(&args.place.spec, &args.place.target)?;
    let mut rows = vec![];
    let looked = match args.place.places(&wanted, true) {
        Places::Systemd(hosts, scope) => everywhere(&hosts, |host| {
            let seen = systemd::look(host, &wanted, scope)?;
            rows.extend(wanted.pairs.iter().map(|pair| of_systemd(host.name(), pair, &seen)));
            Ok(())
        }),
        Places::Fleet(clusters) => everywhere(&clusters, |cluster| {
            let seen = fleet::look(cluster, &wanted)?;
            rows.extend(wanted.pairs.iter().map(|pair| of_fleet(&cluster.name, pair, &seen)));
            Ok(())
        }),
    };
    if args.json {
        print(&format!("{:#}\n", Value::Array(rows.iter().map(Row::json).collect())))?;
    } else {
        print(&table(&rows))?;
    }
    looked?;
    let bad = rows.iter().filter(|row| !row.is_good()).count();
    if bad == 0 {
        return Ok(());
    }
    say(&format!("{bad} of {} not as it should be", rows.len()));
    Err(Failure::said(exit::FAILED))
}

fn of_systemd(place: &str, pair: &Pair, seen: &Seen) -> Row {
    let timer = |name: &str| seen.property(&pair.timer, name).to_owned();
    let service = |name: &str| seen.property(&pair.service, name).to_owned();
    let next = [timer("NextElapseUSecRealtime"), timer("NextElapseUSecMonotonic")];
    let next = next.into_iter().find(|next| !matches!(next.as_str(), "" | "infinity")).unwrap_or_default();
    let ran = !matches!(service("ExecMainStartTimestamp").as_str(), "" | "n/a");
    let result = match (seen.runs(&pair.service), ran) {
        (true, _) => "running".to_owned(),
        (false, false) => String::new(),
        (false, true) if service("Result") == "exit-code" => format!("exit {}", service("ExecMainStatus")),
        (false, true) => service("Result"),
    };
    let state = match timer("LoadState").as_str() {
        "loaded" => timer("ActiveState"),
        other => other.to_owned(),
    };
    Row { place: place.into(), timer: pair.timer.clone(), state, next, last: service("ExecMainExitTimestamp"), result }
}

fn of_fleet(place: &str, pair: &Pair, seen: &fleet::Seen) -> Row {
    let state = seen.states.get(&pair.timer).cloned().unwrap_or_else(|| "not-found".into());
    let result = if seen.running.contains(&pair.service) { "running" } else { "" };
    let unknown = String::new;
    Row {
        place: place.into(),
        timer: pair.timer.clone(),
        state,
        next: unknown(),
        last: unknown(),
        result: result.into(),
    }
}

fn table(rows: &[Row]) -> String {
    let head = ["TIMER", "STATE", "NEXT", "LAST RUN ENDED", "RESULT", "PLACE"].map(str::to_owned);
    let cells = |row: &Row| {
        let dash = |text: &String| if text.is_empty() { "-".to_owned() } else { text.clone() };
        [&row.timer, &row.state, &row.next, &row.last, &row.result, &row.place].map(dash)
    };
    let lines: Vec<[String; 6]> = std::iter::once(head).chain(rows.iter().map(cells)).collect();
    let width = |column: usize| lines.iter().filter_map(|line| line.get(column)).map(|c| c.chars().count()).max();
    let widths: Vec<usize> = (0..6).map(|column| width(column).unwrap_or(0)).collect();
    let row = |line: &[String; 6]| {
        let cells = line.iter().zip(&widths).map(|(cell, width)| format!("{cell:width$}"));
        format!("{}\n", cells.collect::<Vec<_>>().join("  ").trim_end())
    };
    lines.iter().map(row).collect()
}
