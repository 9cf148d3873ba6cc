//! `cargo xtask bench`: everything that is promised in figures, measured, and one table of it.

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::chain::{announce, cargo, output};

/// Where criterion keeps its results.
const CRITERION: &str = "target/criterion";
/// A figure of the load test: (phase, member, what it is, unit, at most).
const LOAD: [(&str, &str, &str, &str, f64); 9] = [
    ("start", "binary_mib", "controller binary", "MiB", 20.0),
    ("start", "rss_mib", "memory at start", "MiB", 15.0),
    ("create", "converged_s", "all created and Healthy", "s", f64::INFINITY),
    ("update", "converged_s", "all updated and Healthy", "s", 40.0),
    ("update", "cpu_s", "controller's processor time for the update", "s", 8.0),
    ("update", "object_writes_per_rollout", "successful writes per update, without events", "", 10.0),
    ("update", "peak_mib", "most memory", "MiB", 50.0),
    ("rest", "requests", "requests in 20 s of rest, without Lease and watches", "", 0.0),
    ("rest", "cpu_percent", "processor at rest", "%", f64::INFINITY),
];
/// A figure of criterion: (folder below `target/criterion`, what it is, at most nanoseconds).
const DECISIONS: [(&str, &str, f64); 2] = [
    ("plan, ten ReplicaSets", "one decision with ten ReplicaSets", 50_000.0),
    ("worlds/idle day of ten Rollouts", "a simulated idle day of ten Rollouts", 100_000_000.0),
];

/// Measures, prints the table, and fails where a figure is above its limit.
pub(crate) fn run(root: &Path) -> Result<(), String> {
    // What an earlier run has left must not count as measured.
    let _ = fs::remove_dir_all(root.join(CRITERION));
    cargo(root, &["bench", "-p", "tidegate-core", "--bench", "plan"])?;
    cargo(root, &["bench", "-p", "tidegate-controller", "--bench", "load"])?;
    cargo(root, &["bench", "-p", "tidegate-sim", "--bench", "worlds"])?;
    cargo(root, &["build", "--release", "-p", "tidegate-controller"])?;
    announce("cargo bench -p tidegate-e2e --bench scale");
    let load = output(root, &["bench", "-p", "tidegate-e2e", "--bench", "scale"])?;
    println!("{load}");
    let decisions = DECISIONS.iter().map(|row| decision(root, *row).ok_or(row.1));
    let load = LOAD.iter().map(|row| figure(&load, *row).ok_or(row.2));
    let rows: Vec<Row> =
        decisions.chain(load).collect::<Result<_, _>>().map_err(|what| format!("no figure for: {what}"))?;
    print!("{}", table(&rows));
    let above: Vec<&str> =
        rows.iter().filter(|row| row.value > row.limit).map(|row| row.what.as_str()).collect();
    if above.is_empty() { Ok(()) } else { Err(format!("above their limits: {}", above.join(", "))) }
}

/// One measured figure.
#[derive(Debug, PartialEq)]
struct Row {
    what: String,
    value: f64,
    unit: &'static str,
    limit: f64,
}

fn decision(root: &Path, (name, what, limit): (&str, &str, f64)) -> Option<Row> {
    let file = root.join(CRITERION).join(name).join("new/estimates.json");
    let estimates: Value = serde_json::from_str(&fs::read_to_string(file).ok()?).ok()?;
    let value = estimates["median"]["point_estimate"].as_f64()? / 1_000.0;
    Some(Row { what: what.to_owned(), value, unit: "µs", limit: limit / 1_000.0 })
}

/// A member of the line that the load test has printed for a phase.
fn figure(
    load: &str,
    (phase, member, what, unit, limit): (&str, &str, &str, &'static str, f64),
) -> Option<Row> {
    let lines = load.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let line = lines.into_iter().find(|line| line["phase"] == phase)?;
    Some(Row { what: what.to_owned(), value: line[member].as_f64()?, unit, limit })
}

fn table(rows: &[Row]) -> String {
    let mut text = format!("{:<52} {:>10} {:>10}\n", "", "measured", "at most");
    for Row { what, value, unit, limit } in rows {
        let limit = if limit.is_finite() { format!("{limit} {unit}") } else { String::new() };
        let value = format!("{value:.1} {unit}");
        text += &format!("{what:<52} {:>10} {:>10}\n", value.trim_end(), limit.trim_end());
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_figure_is_found_in_the_line_of_its_phase() {
        let load =
            "starting\n{\"phase\": \"create\", \"cpu_s\": 9.0}\n{\"phase\": \"update\", \"cpu_s\": 2.25}\n";
        let row = figure(load, ("update", "cpu_s", "processor time", "s", 8.0)).unwrap();
        assert_eq!(row, Row { what: "processor time".to_owned(), value: 2.25, unit: "s", limit: 8.0 });
        assert_eq!(figure(load, ("rest", "cpu_s", "", "s", 8.0)), None);
        let shown = table(&[row]);
        assert!(
            shown.contains("processor time") && shown.contains("2.2 s") && shown.contains("8 s"),
            "{shown}"
        );
    }
}
