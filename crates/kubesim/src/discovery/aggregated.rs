//! All groups in one document, as clients ask for it since Kubernetes 1.26.

use serde_json::{Value, json};

use super::{Below, Group, groups, subresources};
use crate::resources::{Registry, Resource};

/// The list below `/api` (the core group) or `/apis` (all others), in a version of `apidiscovery.k8s.io`.
pub(super) fn list(registry: &Registry, core: bool, version: &str) -> Value {
    let groups = groups(registry).into_iter().filter(|group| group.name.is_empty() == core);
    let items: Vec<Value> = groups.map(|group| shown(&group)).collect();
    json!({
        "kind": "APIGroupDiscoveryList", "apiVersion": format!("apidiscovery.k8s.io/{version}"), "metadata": {},
        "items": items,
    })
}

fn shown(group: &Group<'_>) -> Value {
    let versions: Vec<Value> = group
        .versions
        .iter()
        .map(|(version, resources)| {
            let resources: Vec<Value> = resources.iter().map(|resource| entry(resource)).collect();
            json!({"version": version, "resources": resources, "freshness": "Current"})
        })
        .collect();
    let metadata = if group.name.is_empty() { json!({}) } else { json!({"name": group.name}) };
    json!({"metadata": metadata, "versions": versions})
}

fn entry(resource: &Resource) -> Value {
    let own = |kind: &str| json!({"group": resource.group, "version": resource.version, "kind": kind});
    let mut entry = json!({
        "resource": resource.plural, "responseKind": own(&resource.kind),
        "scope": if resource.namespaced { "Namespaced" } else { "Cluster" },
        "singularResource": resource.singular, "verbs": resource.verbs,
    });
    if !resource.short_names.is_empty() {
        entry["shortNames"] = json!(resource.short_names);
    }
    if !resource.categories.is_empty() {
        entry["categories"] = json!(resource.categories);
    }
    let below: Vec<Value> = subresources(resource)
        .map(|Below { name, kind, group, verbs }| {
            let kind = match group {
                Some(group) => json!({"group": group, "version": "v1", "kind": kind}),
                None => own(kind),
            };
            json!({"subresource": name, "responseKind": kind, "verbs": verbs})
        })
        .collect();
    if !below.is_empty() {
        entry["subresources"] = below.into();
    }
    entry
}
