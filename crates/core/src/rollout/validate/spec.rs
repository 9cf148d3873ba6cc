//! Members of the spec that both strategies share: rows 1 to 11 of the contract's list of spec checks.

use tidegate_api::rollout::RolloutSpec;

use super::{SpecError, Subject, template};

const NOT_NEGATIVE: &str = "must be greater than or equal to 0";

pub(super) fn check(subject: &Subject<'_>, errors: &mut Vec<SpecError>) {
    let spec = &subject.rollout.spec;
    not_negative("spec.replicas", spec.replicas_or_default(), errors);
    if spec.workload_ref.is_none() {
        own_selector(spec, errors);
    } else if template::has_metadata(spec.template.as_ref()) {
        errors.push(SpecError::internal("spec.template", template::NOT_EMPTY));
    }
    match subject.selector {
        Some(selector) if !selector.validate("spec.selector").is_empty() => {
            errors.push(SpecError::invalid("spec.selector", selector, "invalid label selector"));
        }
        _ if spec.workload_ref.is_some() && subject.template.is_none() => {}
        _ => template::check(subject.template, subject.selector, errors),
    }
    seconds_and_limits(spec, errors);
}

fn own_selector(spec: &RolloutSpec, errors: &mut Vec<SpecError>) {
    let path = "spec.selector";
    let Some(selector) = &spec.selector else {
        return errors.push(SpecError::required(path, "Rollout has missing field '.spec.selector'"));
    };
    errors.extend(selector.validate(path).into_iter().map(SpecError::raw));
    if selector.is_empty() {
        errors.push(SpecError::invalid(path, selector, "empty selector is invalid for deployment"));
    }
}

fn seconds_and_limits(spec: &RolloutSpec, errors: &mut Vec<SpecError>) {
    let deadline = spec.progress_deadline_seconds_or_default();
    not_negative("spec.minReadySeconds", spec.min_ready_seconds, errors);
    not_negative("spec.revisionHistoryLimit", spec.revision_history_limit_or_default(), errors);
    not_negative("spec.progressDeadlineSeconds", deadline, errors);
    if deadline <= spec.min_ready_seconds {
        let detail = "must be greater than minReadySeconds";
        errors.push(SpecError::invalid("spec.progressDeadlineSeconds", &deadline, detail));
    }
}

fn not_negative(path: &str, value: i32, errors: &mut Vec<SpecError>) {
    if value < 0 {
        errors.push(SpecError::invalid(path, &value, NOT_NEGATIVE));
    }
}
