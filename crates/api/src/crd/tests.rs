//! Kubernetes' types in the definitions, beside what Go knows of them for the hashes.

use std::collections::BTreeSet;

use serde_json::Value;

use super::*;
use crate::hash::POD_TEMPLATE;
use crate::hash::fields::{Kind, Table};

/// The paths of all members of the table's type.
fn table_paths(table: &Table, kind: &Kind, path: &str, paths: &mut BTreeSet<String>) {
    match kind {
        Kind::Pointer(inner) => table_paths(table, inner, path, paths),
        Kind::List(inner) => table_paths(table, inner, &format!("{path}[]"), paths),
        Kind::Map(inner) => table_paths(table, inner, &format!("{path}.*"), paths),
        Kind::Struct(index) => {
            for field in &table.type_at(*index).fields {
                let path = format!("{path}.{}", field.name);
                table_paths(table, &field.kind, &path, paths);
                paths.insert(path);
            }
        }
        _ => {}
    }
}

fn schema_paths(schema: &Value, path: &str, paths: &mut BTreeSet<String>) {
    for (name, member) in schema["properties"].as_object().into_iter().flatten() {
        let path = format!("{path}.{name}");
        schema_paths(member, &path, paths);
        paths.insert(path);
    }
    for (keyword, step) in [("items", "[]"), ("additionalProperties", ".*")] {
        if schema[keyword].is_object() {
            schema_paths(&schema[keyword], &format!("{path}{step}"), paths);
        }
    }
}

/// A member that the schema lacks would be dropped from Rollouts before it is hashed, one that the table lacks would be hashed in
/// another place than upstream does. The two are drawn from different sources of the same Kubernetes.
#[test]
fn the_pod_template_has_the_members_that_are_hashed() {
    let mut hashed = BTreeSet::new();
    table_paths(&POD_TEMPLATE, &POD_TEMPLATE.root, "", &mut hashed);
    // Kept as they are, or not at all: what upstream's definitions change on purpose.
    hashed.retain(|path| {
        let is_kept = !path.starts_with(".spec.volumes[]");
        let is_dropped =
            path.starts_with(".metadata.") && path != ".metadata.labels" && path != ".metadata.annotations";
        is_kept && !is_dropped
    });
    let mut described = BTreeSet::new();
    schema_paths(&Value::Object(kubernetes::schema(kubernetes::POD_TEMPLATE)), "", &mut described);
    assert_eq!(
        hashed.difference(&described).collect::<Vec<_>>(),
        Vec::<&String>::new(),
        "hashed, but dropped"
    );
    assert_eq!(
        described.difference(&hashed).collect::<Vec<_>>(),
        Vec::<&String>::new(),
        "kept, but not hashed in order"
    );
    assert!(hashed.len() > 800, "only {} members", hashed.len());
}
