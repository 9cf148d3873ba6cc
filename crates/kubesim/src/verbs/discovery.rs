//! Discovery: which groups, versions and resources there are.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::body::Body;
use crate::dispatch::Answer;
use crate::request::Route;
use crate::resources::{Registry, Resource};
use crate::status::ApiError;

/// Answers a discovery request.
pub(crate) fn answer(registry: &Registry, route: &Route) -> Answer {
    let document = match route {
        Route::CoreVersions => json!({"kind": "APIVersions", "versions": ["v1"]}),
        Route::Groups => {
            let groups: Vec<Value> =
                groups(registry).into_iter().map(|(name, group)| shown(&name, group)).collect();
            json!({"kind": "APIGroupList", "apiVersion": "v1", "groups": groups})
        }
        Route::Group(name) => {
            let group = groups(registry).remove(name).ok_or_else(ApiError::no_such_path)?;
            let mut document = shown(name, group);
            document["kind"] = "APIGroup".into();
            document["apiVersion"] = "v1".into();
            document
        }
        Route::Resources(group, version) => resources(registry, group, version)?,
        Route::Version => json!({
            "major": "1", "minor": "37", "gitVersion": "v1.37.2", "gitCommit": "", "gitTreeState": "clean",
            "buildDate": "2026-01-01T00:00:00Z", "goVersion": "", "compiler": "", "platform": "linux/amd64",
        }),
        Route::Health | Route::Objects(_) => return Err(ApiError::no_such_path()),
    };
    Ok((200, Body::document(&document)))
}

/// The named groups with their versions, the stored version first.
fn groups(registry: &Registry) -> BTreeMap<String, Vec<String>> {
    let mut groups: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for resource in registry.all().filter(|resource| !resource.group.is_empty()) {
        let versions = groups.entry(resource.group.clone()).or_default();
        if !versions.contains(&resource.version) {
            let at = if resource.version == resource.storage_version { 0 } else { versions.len() };
            versions.insert(at, resource.version.clone());
        }
    }
    groups
}

fn shown(name: &str, versions: Vec<String>) -> Value {
    let versions: Vec<Value> = versions
        .into_iter()
        .map(|version| json!({"groupVersion": format!("{name}/{version}"), "version": version}))
        .collect();
    json!({"name": name, "versions": versions, "preferredVersion": versions[0]})
}

fn resources(registry: &Registry, group: &str, version: &str) -> Result<Value, ApiError> {
    let served: Vec<_> =
        registry.all().filter(|resource| resource.group == group && resource.version == version).collect();
    let first = served.first().ok_or_else(ApiError::no_such_path)?;
    let entries: Vec<Value> = served.iter().flat_map(|resource| entries(resource)).collect();
    Ok(json!({
        "kind": "APIResourceList", "apiVersion": "v1", "groupVersion": first.api_version(), "resources": entries,
    }))
}

fn entries(resource: &Resource) -> Vec<Value> {
    let mut main = json!({
        "name": resource.plural, "singularName": resource.singular, "namespaced": resource.namespaced,
        "kind": resource.kind, "verbs": resource.verbs,
    });
    if !resource.short_names.is_empty() {
        main["shortNames"] = json!(resource.short_names);
    }
    if !resource.categories.is_empty() {
        main["categories"] = json!(resource.categories);
    }
    let below = |name: &str, kind: &str| {
        json!({
            "name": format!("{}/{name}", resource.plural), "singularName": "", "namespaced": resource.namespaced,
            "kind": kind, "verbs": ["get", "patch", "update"],
        })
    };
    let mut entries = vec![main];
    if resource.status {
        entries.push(below("status", &resource.kind));
    }
    if resource.scale.is_some() {
        let mut scale = below("scale", "Scale");
        scale["group"] = "autoscaling".into();
        scale["version"] = "v1".into();
        entries.push(scale);
    }
    entries
}
