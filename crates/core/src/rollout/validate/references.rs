//! The objects that a spec names: whether they exist, and whether they can serve this Rollout. Unlike spec checks these
//! give full paths, as upstream does.

use std::collections::BTreeMap;

use serde_json::Value;
use tidegate_api::labels::{MANAGED_BY_ROLLOUTS, POD_TEMPLATE_HASH};
use tidegate_api::rollout::{Rollout, WorkloadRef};

use super::{SpecError, template};
use crate::snapshot::{Observed, Service, Workload};

/// Why `spec.workloadRef` cannot be resolved, without a path, as upstream puts it into the condition. `None` also while
/// the workload was not read yet.
#[must_use]
pub fn workload(rollout: &Rollout, workload: &Observed<Workload>) -> Option<SpecError> {
    let reference = rollout.spec.workload_ref.as_ref()?;
    if template::has_metadata(rollout.spec.template.as_ref()) {
        return Some(SpecError::raw(template::NOT_EMPTY));
    }
    let Some(resource) = resource(reference) else {
        let text = format!("workload of type {}/{} is not supported", group(reference), reference.kind);
        return Some(SpecError::raw(text));
    };
    match workload {
        Observed::Unread | Observed::Found(_) => None,
        Observed::Missing => {
            let namespace = &rollout.metadata.namespace;
            Some(SpecError::raw(format!("{resource} \"{namespace}/{}\" not found", reference.name)))
        }
    }
}

/// Whether the kind of object can lend its pod template: a Deployment or ReplicaSet of group `apps`, or a PodTemplate, of
/// any version.
#[must_use]
pub fn workload_kind_is_supported(reference: &WorkloadRef) -> bool {
    resource(reference).is_some()
}

/// Resource and group as the API server's "not found" gives them.
fn resource(reference: &WorkloadRef) -> Option<&'static str> {
    match (group(reference), reference.kind.as_str()) {
        ("apps", "Deployment") => Some("deployments.apps"),
        ("apps", "ReplicaSet") => Some("replicasets.apps"),
        ("", "PodTemplate") => Some("podtemplates"),
        _ => None,
    }
}

/// The group, empty for the core group and for what cannot be read.
fn group(reference: &WorkloadRef) -> &str {
    match reference.api_version.split_once('/') {
        Some((group, version)) if !version.contains('/') => group,
        _ => "",
    }
}

/// Services that the spec names, as (path, name), in the order in which they are checked.
#[must_use]
pub fn service_refs(rollout: &Rollout) -> Vec<(String, String)> {
    let mut refs = Vec::new();
    let mut push = |path: &str, name: &str| {
        if !name.is_empty() {
            refs.push((format!("spec.strategy.{path}"), name.to_owned()));
        }
    };
    let Some(strategy) = &rollout.spec.strategy else { return refs };
    if let Some(blue_green) = &strategy.blue_green {
        push("blueGreen.activeService", &blue_green.active_service);
        push("blueGreen.previewService", &blue_green.preview_service);
    }
    if let Some(canary) = &strategy.canary {
        push("canary.stableService", &canary.stable_service);
        push("canary.canaryService", &canary.canary_service);
        if let Some(ping_pong) = &canary.ping_pong {
            push("canary.pingPong.pingService", &ping_pong.ping_service);
            push("canary.pingPong.pongService", &ping_pong.pong_service);
        }
    }
    refs
}

/// The first thing that is wrong with the Services that the spec names: all must exist, then each must select the pods of
/// `template` and belong to no other Rollout. Services are looked up by name; one that was not read yet is passed over.
#[must_use]
pub fn services(
    rollout: &Rollout,
    template: &Value,
    services: &BTreeMap<String, Observed<Service>>,
) -> Option<SpecError> {
    let refs = service_refs(rollout);
    let missing = refs.iter().find(|(_, name)| matches!(services.get(name), Some(Observed::Missing)));
    if let Some((path, name)) = missing {
        return Some(SpecError::invalid(path, name, &format!("service \"{name}\" not found")));
    }
    let labels = template::labels(template).unwrap_or_default();
    refs.iter().find_map(|(path, name)| {
        let fault = service_fault(services.get(name)?.found()?, &rollout.metadata.name, &labels)?;
        Some(SpecError::invalid(path, name, &format!("Service \"{name}\" {fault}")))
    })
}

fn service_fault(service: &Service, rollout: &str, labels: &BTreeMap<String, String>) -> Option<String> {
    let unmatched = service
        .selector
        .iter()
        .find(|(key, value)| *key != POD_TEMPLATE_HASH && labels.get(*key) != Some(*value));
    if let Some((key, _)) = unmatched {
        return Some(format!("has unmatch label \"{key}\" in rollout"));
    }
    let owner = service.metadata.annotations.get(MANAGED_BY_ROLLOUTS)?;
    (owner != rollout).then(|| "is managed by another Rollout".to_owned())
}
