//! What may change of a pod's spec: images, tolerations that are added, a shorter deadline.

use serde_json::Value;

use super::pod;
use crate::field::Cause;
use crate::json::{at, list, set};

const FIXED: &str = "pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)";

/// Adds what is wrong with a spec in itself and as a change of the old one.
pub(super) fn check([new, old]: [&Value; 2], causes: &mut Vec<Cause>) {
    if new == old {
        return;
    }
    pod::check_spec(new, "spec", causes);
    for kind in ["containers", "initContainers"] {
        if list(new, &[kind]).len() != list(old, &[kind]).len() {
            let detail = "pod updates may not add or remove containers";
            causes.push(Cause::forbidden(&format!("spec.{kind}"), detail));
            return;
        }
    }
    if !check_deadline([new, old], causes) {
        return;
    }
    check_tolerations([new, old], causes);
    if fixed_part(new, old) != *old {
        causes.push(Cause::forbidden("spec", FIXED));
    }
}

/// Whether there is more to look at.
fn check_deadline([new, old]: [&Value; 2], causes: &mut Vec<Cause>) -> bool {
    let field = "spec.activeDeadlineSeconds";
    let [asked, before] = [new, old].map(|spec| at(spec, &["activeDeadlineSeconds"]));
    match (asked.as_i64(), before.as_i64()) {
        (Some(seconds), _) if !(0..=i64::from(i32::MAX)).contains(&seconds) => {
            causes.push(Cause::invalid(field, asked, "must be between 0 and 2147483647, inclusive"));
            return false;
        }
        (Some(seconds), Some(before)) if before < seconds => {
            causes.push(Cause::invalid(field, asked, "must be less than or equal to previous value"));
            return false;
        }
        (None, Some(_)) => {
            causes.push(Cause::invalid(field, asked, "must not update from a positive integer to nil value"));
        }
        _ => {}
    }
    true
}

fn check_tolerations([new, old]: [&Value; 2], causes: &mut Vec<Cause>) {
    let without_time = |toleration: &Value| {
        let mut toleration = toleration.clone();
        set(&mut toleration, &["tolerationSeconds"], Value::Null);
        toleration
    };
    let kept: Vec<Value> = list(new, &["tolerations"]).iter().map(without_time).collect();
    if list(old, &["tolerations"]).iter().any(|toleration| !kept.contains(&without_time(toleration))) {
        let detail = "existing toleration can not be modified except its tolerationSeconds";
        causes.push(Cause::forbidden("spec.tolerations", detail));
    }
}

/// The new spec with what may change as it was.
fn fixed_part(new: &Value, old: &Value) -> Value {
    let mut fixed = new.clone();
    for kind in ["containers", "initContainers"] {
        for (index, container) in list(old, &[kind]).iter().enumerate() {
            fixed[kind][index]["image"] = at(container, &["image"]).clone();
        }
    }
    for key in ["activeDeadlineSeconds", "tolerations"] {
        set(&mut fixed, &[key], at(old, &[key]).clone());
    }
    fixed
}
