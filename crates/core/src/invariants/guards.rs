//! What a write must carry so that it does no harm in a world that has changed since it was decided on.

use serde_json::Value;

use super::{Violation, violation};
use crate::plan::{Plan, Purpose, Request, Write};
use crate::snapshot::{Evidence, Snapshot};

/// Each write carries the guard that `ARCHITECTURE.md` lists for it, and nothing becomes stable that was not read live.
#[must_use]
pub fn writes_are_guarded(snapshot: &Snapshot, plan: &Plan) -> Option<Violation> {
    plan.writes.iter().find_map(|write| {
        let what = unguarded(write).or_else(|| unread(snapshot, write))?;
        Some(violation("guard", format!("{}: {what}", write.object)))
    })
}

/// What a request lacks; any other shape than the one of its purpose lacks everything.
fn unguarded(write: &Write) -> Option<String> {
    let (uid, size, version) = ("/metadata/uid", "/spec/replicas", "/metadata/resourceVersion");
    let pods = |from: i32, to: i32| format!("{from} to {to} pods, and ");
    match (write.purpose, &write.request) {
        (Purpose::Scale { from, to }, Request::JsonPatch { body, .. }) => {
            let more = if to < from { &[uid, size, version][..] } else { &[uid, size] };
            untested(body, more, &pods(from, to))
        }
        (Purpose::ScaleWorkload { from, to }, Request::JsonPatch { body, .. }) => {
            untested(body, &[uid, size, version], &pods(from, to))
        }
        (Purpose::SwitchService, Request::JsonPatch { body, .. }) => untested(body, &[uid, version], ""),
        (
            Purpose::Status
            | Purpose::Metadata
            | Purpose::DefaultReplicas
            | Purpose::Adopt
            | Purpose::Release
            | Purpose::PodMetadata,
            Request::MergePatch { resource_version, .. },
        ) => resource_version.is_empty().then(|| "goes without the version that it was decided on".into()),
        (Purpose::Evict, Request::Evict { uid }) => uid.is_empty().then(|| "goes without the uid".into()),
        (Purpose::CleanUp, Request::Delete { uid, resource_version }) => (uid.is_empty()
            || resource_version.is_empty())
        .then(|| "goes without the uid, or without the version that it was decided on".into()),
        // The name is taken, or it is not; what is routed says all.
        (Purpose::CreateReplicaSet, Request::Create { .. }) | (Purpose::Route, Request::Route { .. }) => None,
        (purpose, _) => Some(format!("{purpose:?} as a request that has no guard")),
    }
}

/// What a JSON patch does not test of all that it must.
fn untested(body: &Value, needed: &[&str], what: &str) -> Option<String> {
    let operations = body.as_array().map_or(&[][..], Vec::as_slice);
    let is_tested = |path: &str| operations.iter().any(|it| it["op"] == "test" && it["path"] == path);
    let path = needed.iter().find(|path| !is_tested(path))?;
    Some(format!("{what}{path} is not tested"))
}

/// A version that becomes stable on hearsay.
fn unread(snapshot: &Snapshot, write: &Write) -> Option<String> {
    let Request::MergePatch { body, .. } = &write.request else { return None };
    let hash = body.pointer("/status/stableRS").and_then(Value::as_str)?;
    let stable = snapshot.replica_sets.iter().find(|rs| rs.hash() == hash)?;
    let evidence = Evidence::ReplicaSet(stable.metadata.name.clone());
    (!snapshot.is_fresh(&evidence)).then(|| format!("{hash} becomes stable, and was not read live"))
}
