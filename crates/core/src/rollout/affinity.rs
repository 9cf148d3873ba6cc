//! Anti-affinity between versions: new pods keep off the nodes where stable's are (`antiAffinity`). No part of the hash.

use serde_json::{Value, json};
use tidegate_api::labels::POD_TEMPLATE_HASH;
use tidegate_api::rollout::AntiAffinity;

use super::view::View;
use crate::snapshot::ReplicaSet;

const PREFERRED: &str = "preferredDuringSchedulingIgnoredDuringExecution";
const REQUIRED: &str = "requiredDuringSchedulingIgnoredDuringExecution";

fn configured<'a>(view: &View<'a>) -> Option<&'a AntiAffinity> {
    let canary = view.canary().and_then(|canary| canary.anti_affinity.as_ref());
    canary.or_else(|| view.blue_green()?.anti_affinity.as_ref())
}

/// Adds the term to a new version's template, after the user's own. A first version has nobody to keep away from.
pub(super) fn inject(view: &View<'_>, template: &mut Value) {
    add(view, &view.wanted_hash, template);
}

/// The same for a version of this hash.
fn add(view: &View<'_>, hash: &str, template: &mut Value) {
    let stable = view.rollout().status.stable_rs.as_str();
    let Some(anti_affinity) = configured(view).filter(|_| !stable.is_empty() && stable != hash) else {
        return;
    };
    let term = json!({
        "labelSelector": {"matchExpressions": [
            {"key": POD_TEMPLATE_HASH, "operator": "In", "values": [stable]},
        ]},
        "namespaces": [view.rollout().metadata.namespace],
        "topologyKey": "kubernetes.io/hostname",
    });
    let (list, entry) = match &anti_affinity.preferred_during_scheduling_ignored_during_execution {
        Some(preferred) => (PREFERRED, json!({"weight": preferred.weight, "podAffinityTerm": term})),
        None => (REQUIRED, term),
    };
    let terms = &mut template["spec"]["affinity"]["podAntiAffinity"][list];
    match terms {
        Value::Array(terms) => terms.push(entry),
        terms => *terms = json!([entry]),
    }
}

/// The merge patch of the new version's affinity, where it names another version than it shall.
pub(super) fn refreshed(view: &View<'_>, new: &ReplicaSet) -> Option<Value> {
    let status = &view.rollout().status;
    let wanted = match configured(view) {
        Some(_) if status.stable_rs.is_empty() || view.is_finished(status) => return None,
        Some(_) => Some(status.stable_rs.as_str()),
        None => None,
    };
    if new.keeps_away_from.as_deref() == wanted {
        return None;
    }
    let mut template = view.template?.clone();
    add(view, new.hash(), &mut template);
    let mut affinity = template["spec"]["affinity"].clone();
    if affinity.is_object() {
        // Whatever is not named in a merge patch stays.
        for list in [PREFERRED, REQUIRED] {
            let terms = affinity["podAntiAffinity"][list].clone();
            affinity["podAntiAffinity"][list] = terms;
        }
    }
    Some(affinity)
}
