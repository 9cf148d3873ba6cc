//! HorizontalPodAutoscalers and PodDisruptionBudgets.

use serde_json::Value;

use super::cells::{Cells, plain};
use crate::json::{at, list, text};

/// Metrics shown before the others are counted.
const SHOWN: usize = 2;

pub(super) fn autoscaler(cells: &Cells<'_>) -> Vec<Value> {
    let target = at(cells.object, &["spec", "scaleTargetRef"]);
    let least = at(cells.object, &["spec", "minReplicas"]);
    vec![
        cells.name(),
        format!("{}/{}", text(target, &["kind"]), text(target, &["name"])).into(),
        metrics(cells.object).into(),
        if least.is_null() { "<unset>".to_owned() } else { least.to_string() }.into(),
        cells.number(&["spec", "maxReplicas"]).into(),
        cells.number(&["status", "currentReplicas"]).into(),
        cells.age(),
    ]
}

fn metrics(object: &Value) -> String {
    let current = list(object, &["status", "currentMetrics"]);
    let wanted = list(object, &["spec", "metrics"]);
    if wanted.is_empty() {
        return "<none>".to_owned();
    }
    let mut all: Vec<String> = wanted
        .iter()
        .enumerate()
        .map(|(index, metric)| shown(metric, current.get(index).unwrap_or(&Value::Null)))
        .collect();
    let more = all.len().saturating_sub(SHOWN);
    all.truncate(SHOWN);
    let all = all.join(", ");
    if more > 0 { format!("{all} + {more} more...") } else { all }
}

fn shown(metric: &Value, status: &Value) -> String {
    let kind = match text(metric, &["type"]) {
        "Resource" => "resource",
        "ContainerResource" => "containerResource",
        "Pods" => "pods",
        "Object" => "object",
        "External" => "external",
        _ => return "<unknown type>".to_owned(),
    };
    let (target, now) = (at(metric, &[kind, "target"]), at(status, &[kind, "current"]));
    let value = |holder: &Value, key: &str| match at(holder, &[key]) {
        Value::Null => "<unknown>".to_owned(),
        value => plain(value),
    };
    let percent = |holder: &Value, none: &str| match at(holder, &["averageUtilization"]) {
        Value::Null => none.to_owned(),
        value => format!("{value}%"),
    };
    let is_average = !at(target, &["averageValue"]).is_null();
    match kind {
        "resource" | "containerResource" => {
            let name = text(metric, &[kind, "name"]);
            if is_average {
                format!("{name}: {}/{}", value(now, "averageValue"), value(target, "averageValue"))
            } else {
                format!("{name}: {}/{}", percent(now, "<unknown>"), percent(target, "<auto>"))
            }
        }
        "pods" => format!("{}/{}", value(now, "averageValue"), value(target, "averageValue")),
        _ if is_average => format!("{}/{} (avg)", value(now, "averageValue"), value(target, "averageValue")),
        _ => format!("{}/{}", value(now, "value"), value(target, "value")),
    }
}

pub(super) fn disruption_budget(cells: &Cells<'_>) -> Vec<Value> {
    let bound = |key: &str| match at(cells.object, &["spec", key]) {
        Value::Null => "N/A".to_owned(),
        bound => plain(bound),
    };
    vec![
        cells.name(),
        bound("minAvailable").into(),
        bound("maxUnavailable").into(),
        cells.number(&["status", "disruptionsAllowed"]).into(),
        cells.age(),
    ]
}
