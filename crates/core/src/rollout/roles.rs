//! Labels and annotations that pods carry for their role (`canaryMetadata`, `stableMetadata`, `activeMetadata`, `previewMetadata`).
//!
//! What a ReplicaSet's pods carry stands in its annotation `rollout.argoproj.io/ephemeral-metadata`. A change goes to the template
//! first, so that new pods have it; until all older pods have it too, the annotation also says what they may still carry.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use tidegate_api::labels::EPHEMERAL_METADATA;
use tidegate_api::rollout::{PodMetadata, RolloutStatus};
use tidegate_api::template;

use super::revisions;
use super::view::View;
use crate::plan::{Purpose, Request, Write};
use crate::snapshot::{Pod, ReplicaSet, Snapshot};

/// What the annotation records; upstream reads and writes all but `pending`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
struct Record {
    #[serde(flatten)]
    carried: PodMetadata,
    /// What pods that were made before the last change may still carry.
    #[serde(skip_serializing_if = "Option::is_none")]
    pending: Option<PodMetadata>,
}

impl Record {
    fn of(rs: &ReplicaSet) -> Self {
        let text = rs.metadata.annotations.get(EPHEMERAL_METADATA);
        text.and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default()
    }

    /// The annotation's value; null where there is nothing to record.
    fn text(&self) -> Value {
        if *self == Self::default() { Value::Null } else { json!(json!(self).to_string()) }
    }
}

/// The versions whose pods are to be looked at one by one.
pub(super) fn pending(snapshot: &Snapshot) -> impl Iterator<Item = String> {
    let uid = snapshot.rollout.metadata.uid.as_str();
    let own = snapshot.replica_sets.iter().filter(move |rs| rs.metadata.controller_uid() == Some(uid));
    own.filter(|rs| Record::of(rs).pending.is_some()).map(|rs| rs.hash().to_owned())
}

/// Gives a new version's template what its pods carry from the start, and says what to record of it.
pub(super) fn inject(view: &View<'_>, template: &mut Value) -> Option<String> {
    let carried = if view.rollout().status.stable_rs.is_empty() || view.stable.is_none() {
        metadata(view).settled
    } else {
        metadata(view).new
    };
    for (key, value) in &carried.labels {
        template["metadata"]["labels"][key] = json!(value);
    }
    for (key, value) in &carried.annotations {
        template["metadata"]["annotations"][key] = json!(value);
    }
    Record { carried, pending: None }.text().as_str().map(str::to_owned)
}

/// What a strategy gives to the two roles.
struct ByRole {
    new: PodMetadata,
    settled: PodMetadata,
}

fn metadata(view: &View<'_>) -> ByRole {
    let (new, settled) = match (view.canary(), view.blue_green()) {
        (Some(canary), _) => (&canary.canary_metadata, &canary.stable_metadata),
        (_, Some(blue_green)) => (&blue_green.preview_metadata, &blue_green.active_metadata),
        (None, None) => (&None, &None),
    };
    ByRole { new: new.clone().unwrap_or_default(), settled: settled.clone().unwrap_or_default() }
}

/// The next writes that give every pod what its role asks for.
pub(super) fn writes(view: &View<'_>, status: &RolloutStatus) -> Vec<Write> {
    let Some(new) = view.new.filter(|_| view.invalid.is_none()) else { return Vec::new() };
    let ByRole { new: of_new, settled } = metadata(view);
    let is_settled = status.stable_rs.is_empty() || view.is_finished(status);
    let wanted = |rs: &ReplicaSet| {
        if rs.metadata.uid == new.metadata.uid {
            if is_settled { settled.clone() } else { of_new.clone() }
        } else if rs.hash() == status.stable_rs {
            settled.clone()
        } else {
            PodMetadata::default()
        }
    };
    view.owned.iter().flat_map(|rs| towards(view, rs, wanted(rs))).collect()
}

fn towards(view: &View<'_>, rs: &ReplicaSet, wanted: PodMetadata) -> Vec<Write> {
    let record = Record::of(rs);
    if record.carried != wanted {
        let has_pods = rs.replicas > 0 || rs.status.replicas > 0 || !rs.is_observed();
        let pending = has_pods.then(|| together(&record));
        return vec![template_write(view, rs, &record.carried, &Record { carried: wanted, pending })];
    }
    let (Some(before), Some(pods)) = (&record.pending, view.snapshot.pods.found()) else { return Vec::new() };
    let own = pods.iter().filter(|pod| {
        pod.metadata.controller_uid() == Some(rs.metadata.uid.as_str())
            && pod.metadata.deletion_timestamp.is_none()
    });
    let writes: Vec<Write> = own.filter_map(|pod| pod_write(view, rs, pod, (before, &wanted))).collect();
    if writes.is_empty() {
        let record = Record { carried: wanted, pending: None };
        let body = json!({"metadata": {"annotations": {EPHEMERAL_METADATA: record.text()}}});
        return vec![revisions::metadata_patch(view, rs, body)];
    }
    writes
}

/// Everything that a pod may carry so far.
fn together(record: &Record) -> PodMetadata {
    let mut all = record.pending.clone().unwrap_or_default();
    all.labels.extend(record.carried.labels.clone());
    all.annotations.extend(record.carried.annotations.clone());
    all
}

fn template_write(view: &View<'_>, rs: &ReplicaSet, before: &PodMetadata, record: &Record) -> Write {
    let own = own_metadata(view, rs);
    let wanted = &record.carried;
    let body = json!({
        "metadata": {"annotations": {EPHEMERAL_METADATA: record.text()}},
        "spec": {"template": {"metadata": {
            "labels": changes(&before.labels, &wanted.labels, &own.labels),
            "annotations": changes(&before.annotations, &wanted.annotations, &own.annotations),
        }}},
    });
    revisions::metadata_patch(view, rs, body)
}

/// What the template says itself of keys that a role has overwritten.
fn own_metadata(view: &View<'_>, rs: &ReplicaSet) -> PodMetadata {
    let is_new = view.new.is_some_and(|new| new.metadata.uid == rs.metadata.uid);
    match view.template.filter(|_| is_new) {
        Some(template) => {
            let annotations = template["metadata"]["annotations"].as_object();
            let text = |(key, value): (&String, &Value)| Some((key.clone(), value.as_str()?.to_owned()));
            PodMetadata {
                labels: template::labels(template),
                annotations: annotations.into_iter().flatten().filter_map(text).collect(),
            }
        }
        // A ReplicaSet's labels are those that its template had when it was made.
        None => PodMetadata { labels: rs.metadata.labels.clone(), annotations: BTreeMap::new() },
    }
}

/// The merge patch from what is carried to what is wanted: what is no longer wanted falls back to the template's own.
fn changes(
    before: &BTreeMap<String, String>,
    wanted: &BTreeMap<String, String>,
    own: &BTreeMap<String, String>,
) -> Map<String, Value> {
    let gone = before.keys().filter(|key| !wanted.contains_key(*key));
    let fallen_back = gone.map(|key| (key.clone(), own.get(key).map_or(Value::Null, |value| json!(value))));
    fallen_back.chain(wanted.iter().map(|(key, value)| (key.clone(), json!(value)))).collect()
}

/// The patch of one pod; `None`: it carries what it shall.
fn pod_write(
    view: &View<'_>,
    rs: &ReplicaSet,
    pod: &Pod,
    (before, wanted): (&PodMetadata, &PodMetadata),
) -> Option<Write> {
    let own = own_metadata(view, rs);
    let differing = |mut patch: Map<String, Value>, present: &BTreeMap<String, String>| {
        patch.retain(|key, value| present.get(key).map(String::as_str) != value.as_str());
        patch
    };
    let labels = changes(&before.labels, &wanted.labels, &own.labels);
    let annotations = changes(&before.annotations, &wanted.annotations, &own.annotations);
    let labels = differing(labels, &pod.metadata.labels);
    let annotations = differing(annotations, &pod.metadata.annotations);
    if labels.is_empty() && annotations.is_empty() {
        return None;
    }
    Some(Write {
        object: view.object("Pod", &pod.metadata.name),
        // Late, it would take from the pod what it has been given since.
        request: Request::MergePatch {
            body: json!({"metadata": {"labels": labels, "annotations": annotations}}),
            resource_version: pod.metadata.resource_version.clone(),
            subresource: None,
        },
        purpose: Purpose::PodMetadata,
        events: Vec::new(),
    })
}
