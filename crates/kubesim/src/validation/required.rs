//! Members that OpenAPI calls required, for the types that have no validation of their own here.

use serde_json::{Map, Value};

use crate::field::Cause;
use crate::types::{Type, TypeId};

/// What is missing of an object before defaults are set. Its metadata and status are none of the user's business.
pub(crate) fn missing(object: &Value, ty: TypeId) -> Vec<Cause> {
    let mut causes = Vec::new();
    if let Some(members) = object.as_object() {
        check_struct(members, ty, "", &mut causes);
    }
    causes
}

fn check_struct(members: &Map<String, Value>, ty: TypeId, path: &str, causes: &mut Vec<Cause>) {
    for (key, field) in ty.fields() {
        if path.is_empty() && matches!(key.as_str(), "metadata" | "status") {
            continue;
        }
        let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
        match members.get(key) {
            Some(value) => check_value(value, &field.ty, &path, causes),
            // What Go always writes is as good as empty.
            None if ty.default_of(key).is_some_and(Value::is_object) => {
                check_value(&Value::Object(Map::new()), &field.ty, &path, causes);
            }
            // Go does not tell an empty list from an absent one, and most lists may be empty.
            None if field.required && !matches!(field.ty, Type::List(_) | Type::Map(_)) => {
                causes.push(Cause::required(&path, ""));
            }
            None => {}
        }
    }
}

fn check_value(value: &Value, ty: &Type, path: &str, causes: &mut Vec<Cause>) {
    match (ty, value) {
        (Type::Struct(ty), Value::Object(members)) => check_struct(members, *ty, path, causes),
        (Type::List(inner), Value::Array(items)) => {
            for (index, item) in items.iter().enumerate() {
                check_value(item, inner, &format!("{path}[{index}]"), causes);
            }
        }
        (Type::Map(inner), Value::Object(entries)) => {
            for (key, entry) in entries {
                check_value(entry, inner, &format!("{path}[{key}]"), causes);
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_required_is_missed() {
        let ty = crate::types::named("io.k8s.api.autoscaling.v2.HorizontalPodAutoscaler").unwrap();
        let check =
            |object: Value| -> Vec<String> { missing(&object, ty).iter().map(ToString::to_string).collect() };
        let all = [
            "spec.maxReplicas: Required value",
            "spec.scaleTargetRef.kind: Required value",
            "spec.scaleTargetRef.name: Required value",
        ];
        assert_eq!(check(json!({"spec": {}})), all);
        assert_eq!(check(json!({"metadata": {}})), all);
        let target = json!({"kind": "Rollout", "name": "a"});
        let metrics = json!([{"type": "Resource", "resource": {"name": "cpu"}}]);
        assert_eq!(
            check(json!({"spec": {"maxReplicas": 3, "scaleTargetRef": target, "metrics": metrics}})),
            ["spec.metrics[0].resource.target.type: Required value"]
        );
    }
}
