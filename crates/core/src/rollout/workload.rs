//! `spec.workloadRef`: the template comes from another object, which may be a Deployment that still runs pods of its own.

use serde_json::json;
use tidegate_api::labels::WORKLOAD_GENERATION;
use tidegate_api::rollout::{RolloutStatus, WorkloadScaleDown};

use super::view::View;
use crate::plan::{Plan, Purpose, Request, Write};
use crate::snapshot::{Evidence, ReplicaSet};

/// Notes which generation of the workload the Rollout follows; a pass of its own, because the new version copies it.
pub(super) fn note_generation(view: &View<'_>) -> Option<Plan> {
    let rollout = view.rollout();
    let workload = view.snapshot.workload.found().filter(|_| rollout.spec.workload_ref.is_some())?;
    let generation = workload.metadata.generation.to_string();
    if rollout.metadata.annotations.get(WORKLOAD_GENERATION) == Some(&generation) {
        return None;
    }
    let write = Write {
        object: view.object("Rollout", &rollout.metadata.name),
        request: Request::MergePatch {
            body: json!({"metadata": {"annotations": {WORKLOAD_GENERATION: generation}}}),
            resource_version: rollout.metadata.resource_version.clone(),
            subresource: None,
        },
        purpose: Purpose::Metadata,
        events: Vec::new(),
    };
    Some(Plan { writes: vec![write], ..Plan::default() })
}

/// Takes the Deployment's own pods away as the Rollout's first version takes over, which must answer in their place: the write, and
/// what it rests on. It is never deleted, and never grows.
pub(super) fn scale_down(view: &View<'_>, status: &RolloutStatus) -> Option<(Write, Evidence)> {
    let when = view.rollout().spec.workload_ref.as_ref()?.scale_down.as_ref()?;
    let workload = view.snapshot.workload.found().filter(|workload| workload.kind == "Deployment")?;
    // Later ones leave it as they have found it, or as a user wants it.
    let is_first = |new: &&ReplicaSet| is_revision_one(new) || view.rollout().status.stable_rs.is_empty();
    let first = view.new.filter(|_| view.invalid.is_none()).filter(is_first)?;
    let size = workload.replicas.unwrap_or(1);
    let available = first.available();
    if available == 0 || view.replicas == 0 {
        // Nobody else answers yet.
        return None;
    }
    let is_enough = available >= view.replicas || view.is_enough(available, view.replicas);
    let is_taken_over = view.is_finished(status) && is_enough;
    let target = match when {
        WorkloadScaleDown::OnSuccess | WorkloadScaleDown::Progressively if is_taken_over => 0,
        WorkloadScaleDown::Progressively => (view.replicas - available).max(0),
        _ => return None,
    };
    if target >= size {
        return None;
    }
    let metadata = &workload.metadata;
    let write = Write {
        object: view.object("Deployment", &metadata.name),
        request: Request::JsonPatch {
            body: json!([
                {"op": "test", "path": "/metadata/uid", "value": metadata.uid},
                {"op": "test", "path": "/metadata/resourceVersion", "value": metadata.resource_version},
                {"op": "test", "path": "/spec/replicas", "value": size},
                {"op": "replace", "path": "/spec/replicas", "value": target},
            ]),
            subresource: None,
        },
        purpose: Purpose::ScaleWorkload { from: size, to: target },
        events: Vec::new(),
    };
    Some((write, Evidence::ReplicaSet(first.metadata.name.clone())))
}

/// Whether nobody asks for it any more once this status is written: only revision 1 does when it is stable.
pub(super) fn is_last_chance(view: &View<'_>, status: &RolloutStatus) -> bool {
    view.stable_moves(status) && !view.new.is_some_and(is_revision_one)
}

fn is_revision_one(rs: &ReplicaSet) -> bool {
    rs.revision() == Some(1)
}
