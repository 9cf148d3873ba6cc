use jiff::Timestamp;
use tidegate_api::meta::Time;
use tidegate_api::rollout::Rollout;

use crate::info::{Objects, RolloutInfo, StrategyInfo};

/// What stands for a value that there is none of.
const NONE: &str = "-";

/// A line of `list rollouts`, without the time at which it is printed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListRow {
    namespace: String,
    name: String,
    strategy: &'static str,
    status: String,
    step: String,
    set_weight: String,
    ready: String,
    desired: String,
    up_to_date: String,
    available: String,
}

impl ListRow {
    /// The line of a Rollout.
    #[must_use]
    pub fn of(rollout: &Rollout) -> Self {
        let info = RolloutInfo::of(&Objects { rollout, replica_sets: &[], pods: &[] });
        let counts = info.replicas;
        let (strategy, step, set_weight) = match info.strategy {
            StrategyInfo::Canary(canary) => ("Canary", canary.step, canary.set_weight.to_string()),
            StrategyInfo::BlueGreen => ("BlueGreen", String::new(), NONE.to_owned()),
            StrategyInfo::None => ("unknown", String::new(), NONE.to_owned()),
        };
        Self {
            namespace: info.namespace,
            name: info.name,
            strategy,
            status: info.status.phase.to_string(),
            step: if step.is_empty() { NONE.to_owned() } else { step },
            set_weight,
            ready: format!("{}/{}", counts.ready, counts.current),
            desired: counts.desired.to_string(),
            up_to_date: counts.updated.to_string(),
            available: counts.available.to_string(),
        }
    }

    /// A Rollout of which no more than the name is known: `status` says why.
    #[must_use]
    pub fn without_details(namespace: &str, name: &str, status: &str) -> Self {
        let none = || NONE.to_owned();
        Self {
            namespace: namespace.to_owned(),
            name: name.to_owned(),
            strategy: "unknown",
            status: status.to_owned(),
            step: none(),
            set_weight: none(),
            ready: none(),
            desired: none(),
            up_to_date: none(),
            available: none(),
        }
    }

    /// The line of a Rollout that is gone.
    #[must_use]
    pub fn deleted(&self) -> Self {
        let gone = Self::without_details(&self.namespace, &self.name, "Deleted");
        Self { strategy: self.strategy, ..gone }
    }
}

/// The columns that are shown only if asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ListColumns {
    /// When the line was printed.
    pub timestamp: bool,
    /// Where the Rollout is.
    pub namespace: bool,
}

/// Lines in columns; what is printed later is aligned with what was printed before, as far as that is wide enough.
#[derive(Clone, Debug)]
pub struct ListTable {
    columns: ListColumns,
    widths: Vec<usize>,
}

impl ListTable {
    /// One without lines.
    #[must_use]
    pub fn new(columns: ListColumns) -> Self {
        Self { columns, widths: Vec::new() }
    }

    /// The titles, if wanted, and the lines, each with a line end.
    #[must_use]
    pub fn text(&mut self, with_titles: bool, rows: &[ListRow], now: Timestamp) -> String {
        let mut lines: Vec<Vec<String>> = Vec::new();
        if with_titles {
            lines.push(self.padded([
                "TIMESTAMP",
                "NAMESPACE",
                "NAME",
                "STRATEGY",
                "STATUS",
                "STEP",
                "SET-WEIGHT",
                "READY",
                "DESIRED",
                "UP-TO-DATE",
                "AVAILABLE",
            ]));
        }
        let now = Time::truncated(now).to_string();
        lines.extend(rows.iter().map(|row| {
            self.padded([
                &now,
                &row.namespace,
                &row.name,
                row.strategy,
                &row.status,
                &row.step,
                &row.set_weight,
                &row.ready,
                &row.desired,
                &row.up_to_date,
                &row.available,
            ])
        }));
        self.aligned(&lines)
    }

    /// The cells that are shown, each at least as wide as upstream has it.
    fn padded(&self, cells: [&str; 11]) -> Vec<String> {
        const LEAST: [usize; 11] = [20, 9, 10, 9, 12, 4, 10, 5, 7, 10, 9];
        let is_shown = |column: usize| match column {
            0 => self.columns.timestamp,
            1 => self.columns.namespace,
            _ => true,
        };
        let cells = cells.into_iter().zip(LEAST).enumerate();
        cells
            .filter(|(column, _)| is_shown(*column))
            .map(|(_, (cell, least))| format!("{cell:<least$}"))
            .collect()
    }

    fn aligned(&mut self, lines: &[Vec<String>]) -> String {
        for line in lines {
            self.widths.resize(line.len(), 0);
            for (width, cell) in self.widths.iter_mut().zip(line) {
                *width = (*width).max(cell.chars().count());
            }
        }
        let mut text = String::new();
        for line in lines {
            let last = line.len() - 1;
            for (cell, width) in line[..last].iter().zip(&self.widths) {
                text.push_str(&format!("{cell:<width$}  "));
            }
            text.push_str(&line[last]);
            text.push('\n');
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn row(object: &Value) -> ListRow {
        ListRow::of(&serde_json::from_value(object.clone()).unwrap())
    }

    fn blue_green() -> Value {
        json!({
            "metadata": {"name": "bluegreen-kitchensink", "namespace": "default"},
            "spec": {"replicas": 2, "strategy": {"blueGreen": {"activeService": "a"}}},
            "status": {
                "phase": "Paused", "readyReplicas": 2, "replicas": 3, "updatedReplicas": 1,
                "availableReplicas": 2,
            },
        })
    }

    fn canary() -> Value {
        json!({
            "metadata": {"name": "x", "namespace": "default"},
            "spec": {"strategy": {"canary": {"steps": [{"setWeight": 20}, {"pause": {}}]}}},
            "status": {"phase": "Healthy", "currentStepIndex": 1},
        })
    }

    fn now() -> Timestamp {
        "2026-11-23T04:35:45.9Z".parse().unwrap()
    }

    #[test]
    fn all_columns_are_upstreams_to_the_last_blank() {
        let mut table = ListTable::new(ListColumns { timestamp: true, namespace: true });
        let expected = "\
TIMESTAMP             NAMESPACE  NAME                   STRATEGY   STATUS        STEP  SET-WEIGHT  READY  DESIRED  UP-TO-DATE  AVAILABLE
2026-11-23T04:35:45Z  default    bluegreen-kitchensink  BlueGreen  Paused        -     -           2/3    2        1           2        \n";
        assert_eq!(table.text(true, &[row(&blue_green())], now()), expected);
    }

    #[test]
    fn later_lines_keep_the_columns() {
        let mut table = ListTable::new(ListColumns::default());
        let expected = "\
NAME                   STRATEGY   STATUS        STEP  SET-WEIGHT  READY  DESIRED  UP-TO-DATE  AVAILABLE
bluegreen-kitchensink  BlueGreen  Paused        -     -           2/3    2        1           2        \n";
        assert_eq!(table.text(true, &[row(&blue_green())], now()), expected);
        let expected = "\
x                      Canary     Healthy       1/2   20          0/0    1        0           0        \n";
        assert_eq!(table.text(false, &[row(&canary())], now()), expected);
        let expected = "\
x                      Canary     Deleted       -     -           -      -        -           -        \n";
        assert_eq!(table.text(false, &[row(&canary()).deleted()], now()), expected);
    }

    #[test]
    fn what_has_no_strategy_is_unknown() {
        let none = row(&json!({"metadata": {"name": "x"}, "spec": {}}));
        let mut table = ListTable::new(ListColumns::default());
        let text = table.text(false, &[none], now());
        assert!(text.starts_with("x           unknown    "), "{text}");
        assert_eq!(table.text(false, &[], now()), "");
    }
}
