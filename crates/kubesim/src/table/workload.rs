//! Controllers of pods.

use serde_json::{Value, json};

use super::age;
use super::cells::{Cells, condition, labels, or};
use crate::clock::parse_time;
use crate::json::{at, is_terminating, list};

const TEMPLATE: [&str; 3] = ["spec", "template", "spec"];
const SELECTOR: [&str; 2] = ["spec", "selector"];

pub(super) fn replica_set(cells: &Cells<'_>) -> Vec<Value> {
    let [names, images] = cells.containers(&TEMPLATE);
    // A ReplicationController's selector is a plain map.
    let selector = at(cells.object, &SELECTOR);
    let is_plain = at(selector, &["matchLabels"]).is_null() && at(selector, &["matchExpressions"]).is_null();
    vec![
        cells.name(),
        cells.number(&["spec", "replicas"]).into(),
        cells.number(&["status", "replicas"]).into(),
        cells.number(&["status", "readyReplicas"]).into(),
        cells.age(),
        names,
        images,
        if is_plain { labels(selector) } else { cells.selector(&SELECTOR) },
    ]
}

pub(super) fn deployment(cells: &Cells<'_>) -> Vec<Value> {
    let [names, images] = cells.containers(&TEMPLATE);
    vec![
        cells.name(),
        ready_of_wanted(cells),
        cells.number(&["status", "updatedReplicas"]).into(),
        cells.number(&["status", "availableReplicas"]).into(),
        cells.age(),
        names,
        images,
        cells.selector(&SELECTOR),
    ]
}

pub(super) fn daemon_set(cells: &Cells<'_>) -> Vec<Value> {
    let counts = [
        "desiredNumberScheduled",
        "currentNumberScheduled",
        "numberReady",
        "updatedNumberScheduled",
        "numberAvailable",
    ];
    let [names, images] = cells.containers(&TEMPLATE);
    let mut row = vec![cells.name()];
    row.extend(counts.map(|count| json!(cells.number(&["status", count]))));
    row.push(labels(at(cells.object, &[&TEMPLATE[..], &["nodeSelector"]].concat())));
    row.extend([cells.age(), names, images, cells.selector(&SELECTOR)]);
    row
}

pub(super) fn stateful_set(cells: &Cells<'_>) -> Vec<Value> {
    let [names, images] = cells.containers(&TEMPLATE);
    vec![cells.name(), ready_of_wanted(cells), cells.age(), names, images]
}

fn ready_of_wanted(cells: &Cells<'_>) -> Value {
    format!("{}/{}", cells.number(&["status", "readyReplicas"]), cells.number(&["spec", "replicas"])).into()
}

pub(super) fn job(cells: &Cells<'_>) -> Vec<Value> {
    let [names, images] = cells.containers(&TEMPLATE);
    let succeeded = cells.number(&["status", "succeeded"]);
    let parallelism = cells.number(&["spec", "parallelism"]);
    let completions = match at(cells.object, &["spec", "completions"]).as_i64() {
        Some(wanted) => format!("{succeeded}/{wanted}"),
        None if parallelism > 1 => format!("{succeeded}/1 of {parallelism}"),
        None => format!("{succeeded}/1"),
    };
    vec![
        cells.name(),
        job_status(cells.object).into(),
        completions.into(),
        job_duration(cells).into(),
        cells.age(),
        names,
        images,
        cells.selector(&SELECTOR),
    ]
}

fn job_status(job: &Value) -> &'static str {
    let holds = |ty: &str| condition(job, ty) == "True";
    if holds("Complete") {
        "Complete"
    } else if holds("Failed") {
        "Failed"
    } else if is_terminating(job) {
        "Terminating"
    } else {
        let later = ["Suspended", "FailureTarget", "SuccessCriteriaMet"];
        later.into_iter().find(|ty| holds(ty)).unwrap_or("Running")
    }
}

fn job_duration(cells: &Cells<'_>) -> String {
    let Some(started) = parse_time(cells.text(&["status", "startTime"])) else { return String::new() };
    let ended = parse_time(cells.text(&["status", "completionTime"])).unwrap_or(cells.now);
    age::human(ended.duration_since(started))
}

pub(super) fn cron_job(cells: &Cells<'_>) -> Vec<Value> {
    let template = ["spec", "jobTemplate", "spec"];
    let [names, images] = cells.containers(&[&template[..], &["template", "spec"]].concat());
    let last = match cells.text(&["status", "lastScheduleTime"]) {
        "" => "<none>".to_owned(),
        time => cells.since_time(time),
    };
    vec![
        cells.name(),
        cells.text(&["spec", "schedule"]).into(),
        or(cells.text(&["spec", "timeZone"]), "<none>").into(),
        match at(cells.object, &["spec", "suspend"]).as_bool() {
            Some(true) => "True".into(),
            Some(false) => "False".into(),
            None => "<unset>".into(),
        },
        list(cells.object, &["status", "active"]).len().into(),
        last.into(),
        cells.age(),
        names,
        images,
        cells.selector(&[&template[..], &["selector"]].concat()),
    ]
}
