//! ReplicaSets and Deployments.

use serde_json::{Value, json};

use super::metadata::check_labels;
use super::pod;
use crate::field::Cause;
use crate::json::{at, list, text};
use crate::selector::LabelSelector;

/// Adds what is wrong with a workload.
pub(super) fn check(object: &Value, old: Option<&Value>, causes: &mut Vec<Cause>) {
    if let Some(old) = old {
        let selector = at(object, &["spec", "selector"]);
        if selector != at(old, &["spec", "selector"]) {
            causes.push(Cause::invalid("spec.selector", selector, "field is immutable"));
        }
        if at(old, &["spec"]) == at(object, &["spec"]) {
            return;
        }
    }
    check_strategy(at(object, &["spec", "strategy"]), causes);
    for field in ["replicas", "minReadySeconds", "revisionHistoryLimit", "progressDeadlineSeconds"] {
        not_negative(at(object, &["spec", field]), &format!("spec.{field}"), causes);
    }
    check_progress_deadline(object, causes);
    check_selector(object, causes);
    let template = at(object, &["spec", "template"]);
    pod::check_template(template, "spec.template", causes);
    let policy = text(template, &["spec", "restartPolicy"]);
    if policy != "Always" {
        let path = "spec.template.spec.restartPolicy";
        causes.push(Cause::unsupported(path, &policy.into(), &["Always".to_owned()]));
    }
    if !at(template, &["spec", "activeDeadlineSeconds"]).is_null() {
        let path = "spec.template.spec.activeDeadlineSeconds";
        causes.push(Cause::forbidden(path, "activeDeadlineSeconds in ReplicaSet is not Supported"));
    }
}

/// Adds what is wrong with a Deployment's strategy; ReplicaSets have none.
fn check_strategy(strategy: &Value, causes: &mut Vec<Cause>) {
    if strategy.is_null() {
        return;
    }
    let rolling = at(strategy, &["rollingUpdate"]);
    match text(strategy, &["type"]) {
        "Recreate" if rolling.is_null() => {}
        "Recreate" => {
            let detail = "may not be specified when strategy `type` is 'Recreate'";
            causes.push(Cause::forbidden("spec.strategy.rollingUpdate", detail));
        }
        "RollingUpdate" => {
            let [unavailable, surge] = ["maxUnavailable", "maxSurge"].map(|key| at(rolling, &[key]));
            check_percentage(unavailable, "spec.strategy.rollingUpdate.maxUnavailable", true, causes);
            check_percentage(surge, "spec.strategy.rollingUpdate.maxSurge", false, causes);
            let amount = |value: &Value| match value.as_str() {
                Some(text) => text.strip_suffix('%').and_then(|digits| digits.parse().ok()).unwrap_or(0),
                None => value.as_i64().unwrap_or(0),
            };
            if amount(unavailable) == 0 && amount(surge) == 0 {
                let field = "spec.strategy.rollingUpdate.maxUnavailable";
                causes.push(Cause::invalid(field, unavailable, "may not be 0 when `maxSurge` is 0"));
            }
        }
        _ => {
            let supported = ["Recreate", "RollingUpdate"].map(str::to_owned);
            causes.push(Cause::unsupported("spec.strategy", strategy, &supported));
        }
    }
}

fn check_progress_deadline(object: &Value, causes: &mut Vec<Cause>) {
    let deadline = at(object, &["spec", "progressDeadlineSeconds"]);
    let ready = at(object, &["spec", "minReadySeconds"]).as_i64().unwrap_or(0);
    if deadline.as_i64().is_some_and(|deadline| deadline <= ready) {
        let detail = "must be greater than minReadySeconds";
        causes.push(Cause::invalid("spec.progressDeadlineSeconds", deadline, detail));
    }
}

fn check_selector(object: &Value, causes: &mut Vec<Cause>) {
    let selector = at(object, &["spec", "selector"]);
    if selector.is_null() {
        causes.push(Cause::required("spec.selector", ""));
    }
    check_label_selector(selector, "spec.selector", causes);
    let parsed = LabelSelector::from_spec(selector);
    if parsed.is_empty() {
        let detail = "empty selector is invalid for deployment";
        causes.push(Cause::invalid("spec.selector", selector, detail));
        return;
    }
    let labels = at(object, &["spec", "template", "metadata", "labels"]);
    if !parsed.matches(labels) {
        let detail = "`selector` does not match template `labels`";
        let shown = if labels.is_null() { json!({}) } else { labels.clone() };
        causes.push(Cause::invalid("spec.template.metadata.labels", &shown, detail));
    }
}

/// Adds what is wrong with a selector of labels.
pub(super) fn check_label_selector(selector: &Value, path: &str, causes: &mut Vec<Cause>) {
    check_labels(at(selector, &["matchLabels"]), &format!("{path}.matchLabels"), causes);
    for (index, expression) in list(selector, &["matchExpressions"]).iter().enumerate() {
        check_expression(expression, &format!("{path}.matchExpressions[{index}]"), causes);
    }
}

fn check_expression(expression: &Value, path: &str, causes: &mut Vec<Cause>) {
    let has_values = !list(expression, &["values"]).is_empty();
    let path_of = |field| format!("{path}.{field}");
    match text(expression, &["operator"]) {
        "In" | "NotIn" if !has_values => {
            let detail = "must be specified when `operator` is 'In' or 'NotIn'";
            causes.push(Cause::required(&path_of("values"), detail));
        }
        "Exists" | "DoesNotExist" if has_values => {
            let detail = "may not be specified when `operator` is 'Exists' or 'DoesNotExist'";
            causes.push(Cause::forbidden(&path_of("values"), detail));
        }
        "In" | "NotIn" | "Exists" | "DoesNotExist" => {}
        other => {
            let detail = "not a valid selector operator";
            causes.push(Cause::invalid(&path_of("operator"), &other.into(), detail));
        }
    }
}

/// Adds a cause when `value` is a negative number.
pub(super) fn not_negative(value: &Value, path: &str, causes: &mut Vec<Cause>) {
    if value.as_i64().is_some_and(|number| number < 0) {
        causes.push(Cause::invalid(path, value, "must be greater than or equal to 0"));
    }
}

/// Adds a cause when `value` is neither a number that is not negative nor a percentage, which may be limited to 100.
pub(super) fn check_percentage(value: &Value, path: &str, is_limited: bool, causes: &mut Vec<Cause>) {
    let Some(text) = value.as_str() else { return not_negative(value, path, causes) };
    match text.strip_suffix('%').filter(|digits| digits.bytes().all(|byte| byte.is_ascii_digit())) {
        Some(digits) if !digits.is_empty() => {
            if is_limited && digits.parse::<u64>().is_ok_and(|percent| percent > 100) {
                causes.push(Cause::invalid(path, value, "must not be greater than 100%"));
            }
        }
        _ => {
            let detail = "a valid percent string must be a numeric string followed by an ending '%' (e.g. '1%',  or '93%', regex used for validation is '[0-9]+%')";
            causes.push(Cause::invalid(path, value, detail));
        }
    }
}
