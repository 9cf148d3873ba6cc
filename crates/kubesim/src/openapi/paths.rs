//! The paths of a resource, with what clients look up in their operations: kind, parameters, media types, schemas.

use serde_json::{Map, Value, json};

use super::reference;
use crate::resources::Resource;
use crate::types;

/// Where the document of the resource's group and version is found: `api/v1`, `apis/apps/v1`.
pub(super) fn root(resource: &Resource) -> String {
    if resource.group.is_empty() {
        format!("api/{}", resource.version)
    } else {
        format!("apis/{}/{}", resource.group, resource.version)
    }
}

/// One operation: method, verb as OpenAPI calls it, and the verb of the API.
type Operation = (&'static str, &'static str, &'static str);

const ON_LIST: [Operation; 3] =
    [("get", "list", "list"), ("post", "post", "create"), ("delete", "deletecollection", "deletecollection")];
const ON_ONE: [Operation; 4] = [
    ("get", "get", "get"),
    ("put", "put", "update"),
    ("patch", "patch", "patch"),
    ("delete", "delete", "delete"),
];
const BELOW: [Operation; 3] = [("get", "get", "get"), ("put", "put", "update"), ("patch", "patch", "patch")];

/// The paths of a resource whose objects have the schema of that name.
pub(super) fn of(resource: &Resource, schema: &str) -> Map<String, Value> {
    let root = root(resource);
    let place = if resource.namespaced { "namespaces/{namespace}/" } else { "" };
    let list = format!("/{root}/{place}{}", resource.plural);
    let one = format!("{list}/{{name}}");
    let itself = Shown { resource, kind: kind(resource, &resource.kind), schema };
    let is_served = |operation: &&Operation| resource.verbs.iter().any(|verb| verb == operation.2);
    let served = |all: &[Operation]| all.iter().filter(is_served).copied().collect::<Vec<_>>();
    let mut paths = Map::new();
    paths.insert(list, itself.item(&served(&ON_LIST), &[]));
    paths.insert(one.clone(), itself.item(&served(&ON_ONE), &["name"]));
    if resource.namespaced {
        paths.insert(format!("/{root}/{}", resource.plural), itself.item(&ON_LIST[..1], &[]));
    }
    if resource.status {
        paths.insert(format!("{one}/status"), itself.item(&BELOW, &["name"]));
    }
    if resource.scale.is_some() {
        let kind = json!({"group": "autoscaling", "version": "v1", "kind": "Scale"});
        let schema = types::schema_of("autoscaling", "v1", "Scale").unwrap_or_default();
        let scale = Shown { resource, kind, schema };
        paths.insert(format!("{one}/scale"), scale.item(&BELOW, &["name"]));
    }
    paths
}

fn kind(resource: &Resource, kind: &str) -> Value {
    json!({"group": resource.group, "version": resource.version, "kind": kind})
}

/// What the operations of a path are about.
struct Shown<'a> {
    resource: &'a Resource,
    kind: Value,
    schema: &'a str,
}

impl Shown<'_> {
    fn item(&self, operations: &[Operation], names: &[&str]) -> Value {
        let mut item: Map<String, Value> = operations
            .iter()
            .map(|(method, action, _)| ((*method).to_owned(), self.operation(action)))
            .collect();
        let namespace = self.resource.namespaced.then_some("namespace");
        let parameters: Vec<Value> = names.iter().copied().chain(namespace).map(in_path).collect();
        if !parameters.is_empty() {
            item.insert("parameters".to_owned(), parameters.into());
        }
        Value::Object(item)
    }

    fn operation(&self, action: &str) -> Value {
        let parameters: &[&str] = match action {
            "get" => &[],
            "list" => &["continue", "fieldSelector", "labelSelector", "limit", "resourceVersion", "watch"],
            "delete" | "deletecollection" => &["dryRun", "gracePeriodSeconds", "propagationPolicy"],
            "patch" => &["dryRun", "fieldManager", "fieldValidation", "force"],
            _ => &["dryRun", "fieldManager", "fieldValidation"],
        };
        let parameters: Vec<Value> = parameters.iter().map(|name| in_query(name)).collect();
        let code = if action == "post" { "201" } else { "200" };
        let answer =
            json!({"description": "OK", "content": {"application/json": {"schema": self.answer(action)}}});
        let mut operation = json!({
            "x-kubernetes-action": action, "x-kubernetes-group-version-kind": self.kind,
            "parameters": parameters, "responses": {code: answer},
        });
        if let Some(content) = self.body(action) {
            operation["requestBody"] = json!({"content": content});
        }
        operation
    }

    fn answer(&self, action: &str) -> Value {
        match action {
            "list" => json!({"type": "object"}),
            "delete" | "deletecollection" => reference("io.k8s.apimachinery.pkg.apis.meta.v1.Status"),
            _ => reference(self.schema),
        }
    }

    fn body(&self, action: &str) -> Option<Value> {
        let patch = || json!({"schema": {"type": "object"}});
        match action {
            "post" | "put" => Some(json!({"application/json": {"schema": reference(self.schema)}})),
            "patch" => {
                let mut content = json!({
                    "application/apply-patch+yaml": patch(), "application/json-patch+json": patch(),
                    "application/merge-patch+json": patch(),
                });
                if !self.resource.is_custom() {
                    content["application/strategic-merge-patch+json"] = patch();
                }
                Some(content)
            }
            "delete" | "deletecollection" => {
                let options = reference("io.k8s.apimachinery.pkg.apis.meta.v1.DeleteOptions");
                Some(json!({"application/json": {"schema": options}}))
            }
            _ => None,
        }
    }
}

fn in_path(name: &str) -> Value {
    json!({"name": name, "in": "path", "required": true, "schema": {"type": "string", "uniqueItems": true}})
}

fn in_query(name: &str) -> Value {
    let ty = match name {
        "limit" | "gracePeriodSeconds" => "integer",
        "watch" | "force" => "boolean",
        _ => "string",
    };
    json!({"name": name, "in": "query", "schema": {"type": ty, "uniqueItems": true}})
}
