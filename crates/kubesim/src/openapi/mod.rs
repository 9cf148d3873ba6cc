//! OpenAPI v3 documents: what `kubectl explain` reads, and what `kubectl apply` looks up merge keys in.
//!
//! Each group and version has a document of its own, of the schemas as Kubernetes publishes them or as a
//! CustomResourceDefinition gives them, and of paths with as much of each operation as clients look at.

mod custom;
mod paths;

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, LazyLock};

use http::header;
use http::request::Parts;
use serde_json::{Map, Value, json};

use crate::dispatch::header_of;
use crate::json::at;
use crate::negotiation::{Forms, negotiate};
use crate::reply::{Answer, Reply, hash};
use crate::request::Query;
use crate::resources::{CRDS, Registry, Resource};
use crate::state::State;
use crate::status::ApiError;
use crate::store::Key;
use crate::types;

const PREFIX: &str = "#/components/schemas/";

/// A document as it is sent.
struct Document {
    text: String,
    hash: String,
}

/// The documents of Kubernetes' own groups, which are always the same.
static BUILT_IN: LazyLock<BTreeMap<String, Document>> = LazyLock::new(|| {
    let registry = Registry::with_built_ins();
    versions(&registry).into_iter().map(|(path, resources)| (path, document(&resources, &|_| None))).collect()
});

/// Answers a request for what follows `/openapi/v3/` in its path.
pub(crate) fn answer(state: &State, path: &str, parts: &Parts) -> Answer {
    negotiate(header_of(parts, header::ACCEPT), Forms::None)?;
    let known = parts.headers.get(header::IF_NONE_MATCH);
    if path.is_empty() {
        let paths: Map<String, Value> = versions(&state.registry)
            .into_iter()
            .map(|(path, resources)| {
                let hash = with_document(state, &path, &resources, |document| document.hash.clone());
                let url = format!("/openapi/v3/{path}?hash={hash}");
                (path, json!({"serverRelativeURL": url}))
            })
            .collect();
        return Ok(Reply::cacheable(json!({"paths": paths}).to_string(), known));
    }
    let (_, resources) = versions(&state.registry)
        .into_iter()
        .find(|(known, _)| known == path)
        .ok_or_else(ApiError::no_such_path)?;
    let asked = Query::parse(parts.uri.query().unwrap_or("")).get("hash").to_owned();
    with_document(state, path, &resources, |document| {
        if !asked.is_empty() && asked != document.hash {
            // The client's index is out of date; the address that holds is told, as a real server does.
            let url = format!("/openapi/v3/{path}?hash={}", document.hash);
            return Ok(Reply::new(301, crate::body::Body::text("")).with(header::LOCATION, &url));
        }
        Ok(Reply::cacheable(document.text.clone(), known))
    })
}

/// The resources of each group and version, by the path of their document: `api/v1`, `apis/apps/v1`.
fn versions(registry: &Registry) -> BTreeMap<String, Vec<Arc<Resource>>> {
    let mut versions: BTreeMap<String, Vec<Arc<Resource>>> = BTreeMap::new();
    for resource in registry.all() {
        versions.entry(paths::root(resource)).or_default().push(Arc::clone(resource));
    }
    versions
}

fn with_document<T>(
    state: &State,
    path: &str,
    resources: &[Arc<Resource>],
    act: impl FnOnce(&Document) -> T,
) -> T {
    if let Some(document) = BUILT_IN.get(path).filter(|_| resources.iter().all(|known| !known.is_custom())) {
        return act(document);
    }
    let definition = |id: &str| state.store.get(CRDS, &Key::new("", id)).map(Arc::clone);
    act(&document(resources, &definition))
}

type Definitions<'a> = &'a dyn Fn(&str) -> Option<Arc<Value>>;

fn document(resources: &[Arc<Resource>], definition: Definitions<'_>) -> Document {
    let mut own = BTreeMap::new();
    let mut paths = Map::new();
    for resource in resources {
        let schema = match definition(&resource.id).filter(|_| resource.is_custom()) {
            Some(definition) => {
                let name = custom::schema_name(resource);
                own.insert(name.clone(), custom::schema(resource, &definition));
                name
            }
            None => types::schema_of(&resource.group, &resource.version, &resource.kind)
                .unwrap_or_default()
                .to_owned(),
        };
        paths.extend(paths::of(resource, &schema));
    }
    let text = json!({
        "openapi": "3.0.0", "info": {"title": "Kubernetes", "version": types::version()}, "paths": paths,
        "components": {"schemas": closure(&paths, own)},
    })
    .to_string();
    Document { hash: hash(&text), text }
}

/// The schemas that `paths` refer to, and those that these refer to: a document's own, or published ones.
fn closure(paths: &Map<String, Value>, mut own: BTreeMap<String, Value>) -> Map<String, Value> {
    let published = at(types::document(), &["schemas"]);
    let mut waiting = VecDeque::new();
    paths.values().for_each(|item| references(item, &mut waiting));
    let mut found = Map::new();
    while let Some(name) = waiting.pop_front() {
        if found.contains_key(&name) {
            continue;
        }
        let Some(schema) = own.remove(&name).or_else(|| published.get(&name).cloned()) else { continue };
        references(&schema, &mut waiting);
        found.insert(name, schema);
    }
    found
}

fn references(value: &Value, found: &mut VecDeque<String>) {
    match value {
        Value::Object(members) => {
            for (key, value) in members {
                match value.as_str().filter(|_| key == "$ref").and_then(|path| path.strip_prefix(PREFIX)) {
                    Some(name) => found.push_back(name.to_owned()),
                    None => references(value, found),
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| references(item, found)),
        _ => {}
    }
}

fn reference(name: &str) -> Value {
    json!({"$ref": format!("{PREFIX}{name}")})
}
