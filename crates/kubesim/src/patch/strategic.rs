//! Strategic merge: lists of objects are merged by the keys that OpenAPI names.

use serde_json::{Map, Value};

use crate::json::{fields, text};
use crate::types::{Field, Type, TypeId};

/// Merges `patch` into `target`, an object of the type `ty`.
pub(super) fn merge(target: &mut Value, patch: &Value, ty: TypeId) {
    merge_struct(target, patch, Some(ty));
}

fn merge_struct(target: &mut Value, patch: &Value, ty: Option<TypeId>) {
    let Value::Object(patch) = patch else { return };
    match patch.get("$patch").and_then(Value::as_str) {
        Some("replace") => {
            let plain = patch.iter().filter(|(key, _)| !key.starts_with('$'));
            *target = Value::Object(plain.map(|(key, value)| (key.clone(), value.clone())).collect());
            return;
        }
        Some("delete") => {
            *target = Value::Object(Map::new());
            return;
        }
        _ => {}
    }
    if let Some(kept) = patch.get("$retainKeys").and_then(Value::as_array) {
        fields(target).retain(|key, _| kept.iter().any(|kept| kept == key));
    }
    let target = fields(target);
    for (key, value) in patch {
        if let Some(list) = key.strip_prefix("$deleteFromPrimitiveList/") {
            delete_from(target.get_mut(list), value);
        } else if key.starts_with('$') {
            // Orders of elements are not reproduced: they change no meaning that is simulated.
        } else if value.is_null() {
            target.remove(key);
        } else {
            let field = ty.and_then(|ty| ty.fields().get(key));
            merge_field(target.entry(key.clone()).or_insert(Value::Null), value, field);
        }
    }
}

fn delete_from(list: Option<&mut Value>, removed: &Value) {
    if let (Some(Value::Array(list)), Value::Array(removed)) = (list, removed) {
        list.retain(|item| !removed.contains(item));
    }
}

fn merge_field(target: &mut Value, patch: &Value, field: Option<&Field>) {
    match (patch, field.map(|field| (&field.ty, field.merge_key.as_deref()))) {
        (Value::Object(_), Some((Type::Struct(ty), _))) => merge_struct(target, patch, Some(*ty)),
        (Value::Object(_), _) => merge_struct(target, patch, None),
        (Value::Array(items), Some((Type::List(inner), Some(key)))) => {
            let mut merged = match target.take() {
                Value::Array(items) => items,
                _ => Vec::new(),
            };
            match inner.as_ref() {
                Type::Struct(ty) => merge_list(&mut merged, items, key, *ty),
                _ => merged
                    .extend(items.iter().filter(|item| !merged.contains(item)).cloned().collect::<Vec<_>>()),
            }
            *target = Value::Array(merged);
        }
        _ => *target = patch.clone(),
    }
}

fn merge_list(target: &mut Vec<Value>, patch: &[Value], key: &str, ty: TypeId) {
    if patch.iter().any(|item| text(item, &["$patch"]) == "replace") {
        target.clear();
    }
    for item in patch.iter().filter(|item| text(item, &["$patch"]) != "replace") {
        let found = target.iter().position(|known| known.get(key) == item.get(key));
        match (found, text(item, &["$patch"])) {
            (Some(at), "delete") => {
                target.remove(at);
            }
            (None, "delete") => {}
            (Some(at), _) => merge_struct(&mut target[at], item, Some(ty)),
            (None, _) => {
                let mut added = Value::Null;
                merge_struct(&mut added, item, Some(ty));
                target.push(added);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::types::named;

    fn ty(name: &str) -> TypeId {
        named(&format!("io.k8s.api.{name}")).unwrap()
    }

    #[test]
    fn lists_merge_by_key_and_directives_hold() {
        let mut target = json!({"spec": {"template": {"spec": {"containers": [
            {"name": "a", "image": "a:1", "env": [{"name": "X", "value": "1"}, {"name": "Y", "value": "2"}]},
            {"name": "b", "image": "b:1"}]}}}});
        let patch = json!({"spec": {"template": {"spec": {"containers": [
            {"name": "a", "image": "a:2", "env": [{"name": "X", "$patch": "delete"}, {"name": "Z", "value": "3"}]},
            {"name": "c", "image": "c:1"}]}}}});
        merge(&mut target, &patch, ty("apps.v1.ReplicaSet"));
        assert_eq!(
            target["spec"]["template"]["spec"]["containers"],
            json!([{"name": "a", "image": "a:2", "env": [{"name": "Y", "value": "2"}, {"name": "Z", "value": "3"}]},
                {"name": "b", "image": "b:1"}, {"name": "c", "image": "c:1"}])
        );
    }

    #[test]
    fn sets_atomic_lists_and_maps() {
        let mut target = json!({"metadata": {"finalizers": ["a"], "labels": {"x": "1", "y": "2"}},
            "spec": {"containers": [{"name": "a", "args": ["1", "2"]}]}});
        let patch = json!({"metadata": {"finalizers": ["b", "a"], "labels": {"x": null, "z": "3"},
            "$deleteFromPrimitiveList/finalizers": ["a"]},
            "spec": {"containers": [{"name": "a", "args": ["3"]}]}});
        merge(&mut target, &patch, ty("core.v1.Pod"));
        assert_eq!(target["metadata"]["labels"], json!({"y": "2", "z": "3"}));
        assert_eq!(target["spec"]["containers"][0]["args"], json!(["3"]));
        assert!(target["metadata"]["finalizers"].as_array().unwrap().contains(&json!("b")));
    }
}
