//! Resources, their verbs and subresources, as OpenAPI's paths tell of them.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

/// Group, version and kind.
pub(super) type Kind = (String, String, String);

/// Verbs in the order of discovery documents: alphabetical.
type Verbs = BTreeSet<&'static str>;

/// The resource called `plural`, or nothing when no path leads to it.
pub(super) fn from_paths(paths: &Value, plural: &str) -> Option<Value> {
    let mut verbs = Verbs::new();
    let mut kind = None;
    let mut is_namespaced = false;
    let mut subresources: BTreeMap<String, (Kind, Verbs)> = BTreeMap::new();
    for (path, item) in paths.as_object()? {
        let Some(place) = Place::of(path, plural) else { continue };
        for (method, operation) in item.as_object()? {
            let Some(verb) = verb(operation, method) else { continue };
            let Some(found) = kind_of(operation) else { continue };
            is_namespaced |= place.is_namespaced;
            match &place.subresource {
                None => {
                    kind = Some(found);
                    verbs.insert(verb);
                    // A watch is a list with a parameter.
                    verbs.extend((verb == "list").then_some("watch"));
                }
                Some(name) => {
                    subresources.entry(name.clone()).or_insert((found, Verbs::new())).1.insert(verb);
                }
            }
        }
    }
    let (group, version, kind) = kind?;
    let subresources: Vec<Value> = subresources
        .into_iter()
        .map(|(name, ((group, version, kind), verbs))| {
            json!({"name": name, "group": group, "version": version, "kind": kind, "verbs": verbs})
        })
        .collect();
    Some(json!({
        "group": group, "version": version, "plural": plural, "kind": kind, "namespaced": is_namespaced,
        "verbs": verbs, "subresources": subresources,
    }))
}

/// What a path says of a resource.
struct Place {
    is_namespaced: bool,
    subresource: Option<String>,
}

impl Place {
    fn of(path: &str, plural: &str) -> Option<Self> {
        let parts: Vec<&str> = path.trim_matches('/').split('/').collect();
        let (["api", _, parts @ ..] | ["apis", _, _, parts @ ..]) = parts.as_slice() else { return None };
        let (is_namespaced, rest) = match parts {
            ["namespaces", "{namespace}", rest @ ..] if !rest.is_empty() => (true, rest),
            rest => (false, rest),
        };
        let subresource = match rest {
            [name] | [name, "{name}"] if *name == plural => None,
            [name, "{name}", subresource] if *name == plural => Some((*subresource).to_owned()),
            _ => return None,
        };
        Some(Self { is_namespaced, subresource })
    }
}

fn verb(operation: &Value, method: &str) -> Option<&'static str> {
    match (operation["x-kubernetes-action"].as_str()?, method) {
        ("get", _) | ("connect", "get") => Some("get"),
        ("list", _) => Some("list"),
        ("post", _) | ("connect", "post") => Some("create"),
        ("put", _) | ("connect", "put") => Some("update"),
        ("patch", _) | ("connect", "patch") => Some("patch"),
        ("delete", _) | ("connect", "delete") => Some("delete"),
        ("deletecollection", _) => Some("deletecollection"),
        _ => None,
    }
}

fn kind_of(operation: &Value) -> Option<Kind> {
    let found = &operation["x-kubernetes-group-version-kind"];
    let part = |key: &str| found[key].as_str().map(str::to_owned);
    Some((part("group")?, part("version")?, part("kind")?))
}

/// The kinds that a resource's requests and answers have: itself, its list, its subresources'.
pub(super) fn kinds(resource: &Value) -> Vec<Kind> {
    let kind = |value: &Value, ending: &str| {
        let part = |key: &str| value[key].as_str().unwrap_or_default().to_owned();
        (part("group"), part("version"), part("kind") + ending)
    };
    let subresources = resource["subresources"].as_array().into_iter().flatten();
    let own = [kind(resource, ""), kind(resource, "List")];
    own.into_iter().chain(subresources.map(|value| kind(value, ""))).collect()
}

/// Kinds of requests and answers that belong to no resource.
pub(super) fn shared_kinds() -> impl Iterator<Item = Kind> {
    ["DeleteOptions", "Status", "WatchEvent"]
        .into_iter()
        .map(|kind| (String::new(), "v1".to_owned(), kind.to_owned()))
}
