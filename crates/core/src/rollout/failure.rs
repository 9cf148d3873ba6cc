//! What to do when a write of a plan failed: failures are inputs, not surprises.

use serde_json::json;
use tidegate_api::meta::Time;
use tidegate_api::rollout::condition_type::{INVALID_SPEC, PROGRESSING};
use tidegate_api::rollout::{ConditionStatus, KIND, Phase, Rollout, RolloutStatus, reason};

use super::conditions::{invalid_message, set};
use super::phase::degraded;
use crate::plan::{Event, Plan, Purpose, Request, Subresource, Write, WriteError};
use crate::report::{Report, Wait};
use crate::snapshot::Need;

/// The plan that follows when the write number `failed` of `plan` met `error`; the writes behind it were not made.
#[must_use]
pub fn after_failure(plan: &Plan, failed: usize, error: &WriteError) -> Plan {
    let Some(write) = plan.writes.get(failed) else { return Plan::default() };
    let again = Plan { retry: true, report: Report::because(refused(write, error)), ..Plan::default() };
    if let (Purpose::Evict, WriteError::Disruption(_)) = (write.purpose, error) {
        return after_refused_eviction(plan, failed, again.report);
    }
    let again = Plan { writes: harmless(plan, failed, error), ..again };
    if let (Purpose::Route, WriteError::Refused(text)) = (write.purpose, error) {
        return Plan { events: vec![Event::warning("TrafficRoutingError", text)], ..again };
    }
    if write.purpose != Purpose::CreateReplicaSet {
        // Trying again seldom helps against it, and the status may be the very thing that cannot be written.
        let is_lasting = matches!(error, WriteError::Forbidden(_));
        // A status may wait for it, which nobody would see otherwise.
        let is_waited_for = matches!(write.purpose, Purpose::ScaleWorkload { .. })
            && matches!(error, WriteError::Refused(_) | WriteError::Invalid { .. });
        let event = (is_lasting || is_waited_for).then(|| reconciliation_error(error));
        return Plan { events: event.into_iter().collect(), ..again };
    }
    let Some(rollout) = plan.basis.as_deref() else { return again };
    match error {
        WriteError::AlreadyExists => {
            Plan { needs: vec![Need::LiveReplicaSet(write.object.name.clone())], ..again }
        }
        WriteError::Invalid { message, causes } => Plan {
            retry: false,
            writes: status_write(rollout, plan, |status, now| {
                let text = match causes.first() {
                    // A ReplicaSet's labels are the template's.
                    Some((field, detail)) if field.starts_with("metadata.labels") => {
                        format!("spec.template.{field}: {detail}")
                    }
                    Some((field, detail)) => format!("{field}: {detail}"),
                    None => message.clone(),
                };
                let text = invalid_message(&rollout.metadata.name, &text);
                let what = (ConditionStatus::True, reason::INVALID_SPEC, text.as_str());
                set(status, now, INVALID_SPEC, what);
                Vec::new()
            }),
            ..again
        },
        WriteError::Refused(message) | WriteError::Forbidden(message) => Plan {
            writes: status_write(rollout, plan, |status, now| {
                // Whoever gets as far as a creation has a valid spec.
                status.conditions.retain(|condition| condition.type_ != INVALID_SPEC);
                let text = format!("Failed to create new replica set \"{}\": {message}", write.object.name);
                let what = (ConditionStatus::False, reason::REPLICA_SET_CREATE_ERROR, text.as_str());
                let changed = set(status, now, PROGRESSING, what);
                let event = Event::warning(reason::REPLICA_SET_CREATE_ERROR, text);
                changed.then_some(event).into_iter().collect()
            }),
            ..again
        },
        WriteError::Conflict
        | WriteError::NotFound
        | WriteError::Disruption(_)
        | WriteError::Unanswered(_) => again,
    }
}

/// What need not wait for a write that has failed: other pods, and, where it will be refused again, more pods and the status that
/// the decision has led to.
fn harmless(plan: &Plan, failed: usize, error: &WriteError) -> Vec<Write> {
    let Write { purpose, object, .. } = &plan.writes[failed];
    let is_refused =
        matches!(error, WriteError::Forbidden(_) | WriteError::Refused(_) | WriteError::Invalid { .. });
    let stands_for_itself = |write: &&Write| match (purpose, write.purpose) {
        // Whoever may not touch one pod may touch none.
        (Purpose::Evict | Purpose::PodMetadata, _) => !matches!(error, WriteError::Forbidden(_)),
        (Purpose::SwitchService | Purpose::Route | Purpose::Metadata, Purpose::Scale { from, to }) => {
            is_refused && to > from
        }
        (Purpose::Metadata, Purpose::Status) => is_refused && object.kind != KIND,
        (Purpose::ScaleWorkload { .. }, Purpose::Status) => matches!(error, WriteError::Forbidden(_)),
        _ => false,
    };
    plan.writes[failed + 1..].iter().filter(stands_for_itself).cloned().collect()
}

/// A disruption budget binds pods that are alike: those of other ReplicaSets may have another.
fn after_refused_eviction(plan: &Plan, failed: usize, report: Report) -> Plan {
    let replica_set = |write: &Write| write.object.name.rsplit_once('-').map(|(name, _)| name.to_owned());
    let refused = replica_set(&plan.writes[failed]);
    let rest = plan.writes[failed + 1..].iter();
    Plan {
        writes: rest.filter(|write| replica_set(write) != refused).cloned().collect(),
        wake_at: plan.wake_at,
        timers: plan.timers.clone(),
        report,
        ..Plan::default()
    }
}

/// What a user must know of a request that will not succeed by itself.
#[must_use]
pub fn reconciliation_error(error: &dyn std::error::Error) -> Event {
    Event::warning(reason::RECONCILIATION_ERROR, format!("Reconciliation failed with error: {error}"))
}

fn refused(write: &Write, error: &WriteError) -> Wait {
    Wait {
        object: format!("{}/{}", write.object.kind, write.object.name),
        field: String::new(),
        because: error.to_string(),
        since: None,
        until: "the write succeeds; it is tried again".into(),
    }
}

/// The status with one condition changed, and the phase that follows from it; nothing where it is so already.
fn status_write(
    rollout: &Rollout,
    plan: &Plan,
    change: impl FnOnce(&mut RolloutStatus, Time) -> Vec<Event>,
) -> Vec<Write> {
    let Some(decided_at) = plan.decided_at else { return Vec::new() };
    let mut status = rollout.status.clone();
    let events = change(&mut status, Time::truncated(decided_at));
    status.observed_generation = rollout.metadata.generation.to_string();
    if let Some(message) = degraded(&status) {
        status.phase = Some(Phase::Degraded);
        status.message = message;
    } else if status.phase == Some(Phase::Degraded) {
        status.phase = Some(Phase::Progressing);
        status.message = "more replicas need to be updated".into();
    }
    if status == rollout.status {
        return Vec::new();
    }
    vec![Write {
        object: crate::plan::ObjectRef {
            kind: "Rollout".into(),
            namespace: rollout.metadata.namespace.clone(),
            name: rollout.metadata.name.clone(),
        },
        request: Request::MergePatch {
            body: json!({"status": {
                "conditions": status.conditions,
                "observedGeneration": status.observed_generation,
                "phase": status.phase,
                "message": status.message,
            }}),
            resource_version: rollout.metadata.resource_version.clone(),
            subresource: Some(Subresource::Status),
        },
        purpose: Purpose::Status,
        events,
    }]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::ObjectRef;

    fn write((kind, purpose): (&str, Purpose)) -> Write {
        Write {
            object: ObjectRef { kind: kind.into(), namespace: "default".into(), name: "web-1".into() },
            request: Request::Evict { uid: "u".into() },
            purpose,
            events: Vec::new(),
        }
    }

    /// What is done after the first of these writes has failed.
    fn left(failed: (&str, Purpose), next: (&str, Purpose), error: &WriteError) -> usize {
        let plan = Plan { writes: vec![write(failed), write(next)], ..Plan::default() };
        let after = after_failure(&plan, 0, error);
        assert!(after.retry);
        after.writes.len()
    }

    #[test]
    fn a_status_does_not_wait_for_what_another_object_says_of_itself() {
        let status = (KIND, Purpose::Status);
        let refused = WriteError::Refused("by a webhook".into());
        assert_eq!(left(("ReplicaSet", Purpose::Metadata), status, &refused), 1);
        assert_eq!(left((KIND, Purpose::Metadata), status, &refused), 0, "its version is another one then");
        assert_eq!(
            left(("ReplicaSet", Purpose::Metadata), status, &WriteError::Conflict),
            0,
            "it is tried again"
        );
        assert_eq!(left(("Service", Purpose::SwitchService), status, &refused), 0);
        let lent = ("Deployment", Purpose::ScaleWorkload { from: 4, to: 0 });
        assert_eq!(left(lent, status, &WriteError::Forbidden("no".into())), 1, "it is not ours to scale");
        assert_eq!(left(lent, status, &refused), 0, "later versions do not ask for it any more");
    }

    #[test]
    fn a_refusal_that_a_status_waits_for_is_told() {
        let told = |purpose, error: &WriteError| {
            let writes = vec![write(("Deployment", purpose))];
            after_failure(&Plan { writes, ..Plan::default() }, 0, error).events.len()
        };
        let (lent, refused) =
            (Purpose::ScaleWorkload { from: 4, to: 0 }, WriteError::Refused("frozen".into()));
        assert_eq!((told(lent, &refused), told(lent, &WriteError::Conflict)), (1, 0));
        assert_eq!(
            told(Purpose::SwitchService, &refused),
            0,
            "it is tried again, and nothing is noted as done"
        );
        assert_eq!(told(Purpose::SwitchService, &WriteError::Forbidden("no".into())), 1);
    }

    #[test]
    fn only_more_pods_do_not_wait_for_the_traffic() {
        let refused = WriteError::Forbidden("no".into());
        let scale = |from, to| ("ReplicaSet", Purpose::Scale { from, to });
        for purpose in [Purpose::SwitchService, Purpose::Route, Purpose::Metadata] {
            assert_eq!(left(("Service", purpose), scale(1, 2), &refused), 1);
            assert_eq!(left(("Service", purpose), scale(2, 1), &refused), 0);
            assert_eq!(left(("Service", purpose), scale(2, 2), &refused), 0);
        }
        assert_eq!(left(("Service", Purpose::SwitchService), scale(1, 2), &WriteError::Conflict), 0);
    }

    #[test]
    fn other_pods_do_not_wait_for_one() {
        let pod = |purpose| ("Pod", purpose);
        let (relabel, conflict) = (Purpose::PodMetadata, WriteError::Conflict);
        assert_eq!(left(pod(relabel), pod(relabel), &conflict), 1);
        assert_eq!(left(pod(relabel), pod(relabel), &WriteError::Forbidden("no".into())), 0);
        assert_eq!(left(pod(Purpose::Evict), pod(Purpose::Evict), &conflict), 1);
    }
}
