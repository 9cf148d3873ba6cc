//! What a write must carry so that it does no harm in a world that has changed since it was decided on.

use serde_json::Value;

use super::{Violation, violation};
use crate::plan::{Plan, Purpose, Request, Write};
use crate::snapshot::{Evidence, Snapshot};

/// Sizes test what they were counted by, statuses the version that they were decided on, and nothing becomes stable that was not read
/// live.
#[must_use]
pub fn writes_are_guarded(snapshot: &Snapshot, plan: &Plan) -> Option<Violation> {
    plan.writes.iter().find_map(|write| {
        let what = unguarded_size(write).or_else(|| unguarded_status(snapshot, write))?;
        Some(violation("guard", format!("{}: {what}", write.object)))
    })
}

fn unguarded_size(write: &Write) -> Option<String> {
    let (Purpose::Scale { from, to }, Request::JsonPatch { body, .. }) = (write.purpose, &write.request)
    else {
        return None;
    };
    let operations = body.as_array().map_or(&[][..], Vec::as_slice);
    let is_tested = |path: &str| operations.iter().any(|it| it["op"] == "test" && it["path"] == path);
    let shrinks = (to < from).then_some("/metadata/resourceVersion");
    let mut needed = ["/metadata/uid", "/spec/replicas"].into_iter().chain(shrinks);
    let path = needed.find(|path| !is_tested(path))?;
    Some(format!("{from} to {to} pods, and {path} is not tested"))
}

fn unguarded_status(snapshot: &Snapshot, write: &Write) -> Option<String> {
    let (Purpose::Status, Request::MergePatch { body, resource_version, .. }) =
        (write.purpose, &write.request)
    else {
        return None;
    };
    if resource_version.is_empty() {
        return Some("a status without the version that it was decided on".into());
    }
    let hash = body.pointer("/status/stableRS").and_then(Value::as_str)?;
    let stable = snapshot.replica_sets.iter().find(|rs| rs.hash() == hash)?;
    let evidence = Evidence::ReplicaSet(stable.metadata.name.clone());
    (!snapshot.is_fresh(&evidence)).then(|| format!("{hash} becomes stable, and was not read live"))
}
