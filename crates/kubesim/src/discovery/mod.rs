//! Discovery: which groups, versions and resources there are, one by one or [aggregated].

mod aggregated;

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::sync::Arc;

use http::header;
use http::request::Parts;
use serde_json::{Value, json};

use crate::dispatch::header_of;
use crate::negotiation::{Forms, negotiate};
use crate::reply::{Answer, Reply};
use crate::request::Route;
use crate::resources::{Registry, Resource};
use crate::status::ApiError;
use crate::types;

/// The order in which Kubernetes tells of its groups; others follow by name.
const GROUPS: [&str; 9] = [
    "",
    "apps",
    "autoscaling",
    "batch",
    "networking.k8s.io",
    "policy",
    "apiextensions.k8s.io",
    "coordination.k8s.io",
    "discovery.k8s.io",
];

/// Answers a discovery request.
pub(crate) fn answer(registry: &Registry, route: &Route, parts: &Parts) -> Answer {
    let forms = match route {
        Route::CoreVersions | Route::Groups => Forms::Discovery,
        _ => Forms::None,
    };
    let form = negotiate(header_of(parts, header::ACCEPT), forms)?;
    if !form.is_plain() {
        let list = aggregated::list(registry, matches!(route, Route::CoreVersions), &form.version);
        let reply = Reply::cacheable(list.to_string(), parts.headers.get(header::IF_NONE_MATCH));
        return Ok(reply.with(header::CONTENT_TYPE, &form.media_type()));
    }
    plain(registry, route).map(|document| Reply::document(&document))
}

fn plain(registry: &Registry, route: &Route) -> Result<Value, ApiError> {
    Ok(match route {
        Route::CoreVersions => json!({"kind": "APIVersions", "versions": ["v1"]}),
        Route::Groups => {
            let named = groups(registry).into_iter().filter(|group| !group.name.is_empty());
            let groups: Vec<Value> = named.map(|group| shown(&group)).collect();
            json!({"kind": "APIGroupList", "apiVersion": "v1", "groups": groups})
        }
        Route::Group(name) => {
            let group = groups(registry).into_iter().find(|group| group.name == *name);
            let mut document = shown(&group.ok_or_else(ApiError::no_such_path)?);
            document["kind"] = "APIGroup".into();
            document["apiVersion"] = "v1".into();
            document
        }
        Route::Resources(group, version) => resources(registry, group, version)?,
        Route::Version => {
            let version = types::version();
            let mut numbers = version.trim_start_matches('v').split('.');
            json!({
                "major": numbers.next().unwrap_or_default(), "minor": numbers.next().unwrap_or_default(),
                "gitVersion": version, "gitCommit": "", "gitTreeState": "clean",
                "buildDate": "2026-01-01T00:00:00Z", "goVersion": "", "compiler": "", "platform": "linux/amd64",
            })
        }
        _ => return Err(ApiError::no_such_path()),
    })
}

/// A group and its versions, the preferred one first, each with its resources.
struct Group<'a> {
    name: &'a str,
    versions: Vec<(&'a str, Vec<&'a Arc<Resource>>)>,
}

/// The versions of a group, the preferred one first.
type Versions<'a> = BTreeMap<Reverse<VersionRank>, (&'a str, Vec<&'a Arc<Resource>>)>;

fn groups(registry: &Registry) -> Vec<Group<'_>> {
    let mut found: BTreeMap<(usize, &str), Versions<'_>> = BTreeMap::new();
    for resource in registry.all() {
        let place = GROUPS.iter().position(|known| *known == resource.group).unwrap_or(GROUPS.len());
        let versions = found.entry((place, &resource.group)).or_default();
        let rank = Reverse(VersionRank::of(&resource.version));
        versions.entry(rank).or_insert((&resource.version, Vec::new())).1.push(resource);
    }
    let group = |((_, name), versions): (_, BTreeMap<_, _>)| Group {
        name,
        versions: versions.into_values().collect(),
    };
    found.into_iter().map(group).collect()
}

/// How much a version is preferred: stable ones, then beta, then alpha, then other words; later ones first.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct VersionRank {
    maturity: u8,
    major: u32,
    minor: u32,
    other: Reverse<String>,
}

impl VersionRank {
    fn of(version: &str) -> Self {
        let numbered = || {
            let rest = version.strip_prefix('v')?;
            let (major, rest) = rest.split_at(rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len()));
            let (maturity, minor) = match (rest.strip_prefix("beta"), rest.strip_prefix("alpha")) {
                _ if rest.is_empty() => (3, "0"),
                (Some(minor), _) => (2, minor),
                (_, Some(minor)) => (1, minor),
                _ => return None,
            };
            Some(Self {
                maturity,
                major: major.parse().ok()?,
                minor: minor.parse().ok()?,
                other: Reverse(String::new()),
            })
        };
        numbered().unwrap_or_else(|| Self {
            maturity: 0,
            major: 0,
            minor: 0,
            other: Reverse(version.to_owned()),
        })
    }
}

fn shown(group: &Group<'_>) -> Value {
    let name = group.name;
    let versions: Vec<Value> = group
        .versions
        .iter()
        .map(|(version, _)| json!({"groupVersion": format!("{name}/{version}"), "version": version}))
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
    let below = subresources(resource).map(|Below { name, kind, group, verbs }| {
        let mut entry = json!({
            "name": format!("{}/{name}", resource.plural), "singularName": "", "namespaced": resource.namespaced,
            "kind": kind, "verbs": verbs,
        });
        if let Some(group) = group {
            entry["group"] = group.into();
            entry["version"] = "v1".into();
        }
        entry
    });
    std::iter::once(main).chain(below).collect()
}

/// A subresource that is served.
struct Below<'a> {
    name: &'static str,
    kind: &'a str,
    /// The group of its kind, where it is not the resource's; the version is v1.
    group: Option<&'static str>,
    verbs: &'static [&'static str],
}

fn subresources(resource: &Resource) -> impl Iterator<Item = Below<'_>> {
    const VERBS: &[&str] = &["get", "patch", "update"];
    let below = |name, kind, group, verbs| Below { name, kind, group, verbs };
    let eviction = resource.is("pods").then(|| below("eviction", "Eviction", Some("policy"), &["create"]));
    let scale = resource.scale.is_some().then(|| below("scale", "Scale", Some("autoscaling"), VERBS));
    let status = resource.status.then(|| below("status", resource.kind.as_str(), None, VERBS));
    eviction.into_iter().chain(scale).chain(status)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_preferred_by_maturity_and_number() {
        let mut versions = ["v1alpha1", "foo", "v1", "v2beta3", "v10", "v2beta10", "v1alpha2", "bar", "v2"];
        versions.sort_by_key(|version| Reverse(VersionRank::of(version)));
        assert_eq!(
            versions,
            ["v10", "v2", "v1", "v2beta10", "v2beta3", "v1alpha2", "v1alpha1", "bar", "foo"]
        );
    }
}
