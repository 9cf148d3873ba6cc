//! Structural schemas of CustomResourceDefinitions: pruning and defaulting here, validation in [`validate`].
//!
//! Transition rules (`x-kubernetes-validations`) are not evaluated, with one exception: the rule `self == oldSelf` is recognised
//! literally and makes its field immutable. Every other rule is ignored.

mod parse;
mod validate;

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use parse::{Limits, Pattern};

/// A node of a structural schema.
#[derive(Clone, Debug, Default)]
pub(crate) struct Schema {
    ty: Option<String>,
    nullable: bool,
    int_or_string: bool,
    preserve_unknown: bool,
    properties: BTreeMap<String, Schema>,
    /// The schema of map values.
    additional: Option<Box<Schema>>,
    items: Option<Box<Schema>>,
    required: Vec<String>,
    default: Option<Value>,
    choices: Vec<Value>,
    limits: Limits,
    pattern: Option<Pattern>,
    format: Option<String>,
    all_of: Vec<Schema>,
    any_of: Vec<Schema>,
    one_of: Vec<Schema>,
    not: Option<Box<Schema>>,
    /// `map` or `set` for lists without duplicates.
    list_type: Option<String>,
    list_keys: Vec<String>,
    /// Whether there is any rule here or below.
    pub(crate) has_rules: bool,
    /// The messages of the rules `self == oldSelf`.
    immutable: Vec<String>,
}

const ROOT_FIELDS: [&str; 3] = ["apiVersion", "kind", "metadata"];

impl Schema {
    /// Drops the fields that the schema does not name, except the object's type and metadata, and tells their paths in order.
    pub(crate) fn prune(&self, object: &mut Value) -> Vec<String> {
        let kept: Vec<(&str, Value)> =
            ROOT_FIELDS.into_iter().filter_map(|key| Some((key, object.get_mut(key)?.take()))).collect();
        let mut dropped = Vec::new();
        self.prune_value(object, "", &mut dropped);
        let fields = crate::json::fields(object);
        for (key, value) in kept {
            fields.insert(key.to_owned(), value);
        }
        // A schema without a root's own fields does not make them unknown.
        dropped.retain(|path| !ROOT_FIELDS.contains(&path.as_str()));
        dropped.sort();
        dropped
    }

    fn prune_value(&self, value: &mut Value, path: &str, dropped: &mut Vec<String>) {
        match value {
            Value::Array(items) => {
                let Some(schema) = &self.items else { return };
                for (index, item) in items.iter_mut().enumerate() {
                    schema.prune_value(item, &format!("{path}[{index}]"), dropped);
                }
            }
            Value::Object(fields) => self.prune_fields(fields, path, dropped),
            _ => {}
        }
    }

    fn prune_fields(&self, fields: &mut Map<String, Value>, path: &str, dropped: &mut Vec<String>) {
        let below = |key: &str| if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") };
        if !self.preserve_unknown && self.additional.is_none() {
            fields.retain(|key, _| {
                let is_known = self.properties.contains_key(key);
                if !is_known {
                    dropped.push(below(key));
                }
                is_known
            });
        }
        for (key, value) in fields {
            if let (Value::Object(_) | Value::Array(_), Some(schema)) =
                (&value, self.properties.get(key).or(self.additional.as_deref()))
            {
                schema.prune_value(value, &below(key), dropped);
            }
        }
    }

    /// Sets defaults of absent fields, and drops nulls where null is no value.
    pub(crate) fn set_defaults(&self, value: &mut Value) {
        match value {
            Value::Array(items) => {
                if let Some(schema) = &self.items {
                    items.iter_mut().for_each(|item| schema.set_defaults(item));
                }
            }
            Value::Object(fields) => {
                self.drop_nulls(fields);
                for (key, schema) in &self.properties {
                    if let (Some(default), false) = (&schema.default, fields.contains_key(key)) {
                        fields.insert(key.clone(), default.clone());
                    }
                }
                for (key, value) in fields {
                    if let Some(schema) = self.properties.get(key).or(self.additional.as_deref()) {
                        schema.set_defaults(value);
                    }
                }
            }
            _ => {}
        }
    }

    fn drop_nulls(&self, fields: &mut Map<String, Value>) {
        let schema = |key: &str| self.properties.get(key).or(self.additional.as_deref());
        fields.retain(|key, value| !value.is_null() || schema(key).is_none_or(|schema| schema.nullable));
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn schema() -> Schema {
        Schema::parse(&json!({"type": "object", "properties": {
        "spec": {"type": "object", "default": {}, "properties": {
            "replicas": {"type": "integer", "default": 3},
            "free": {"type": "object", "x-kubernetes-preserve-unknown-fields": true,
                "properties": {"known": {"type": "object", "properties": {"a": {"type": "string"}}}}},
            "map": {"type": "object", "additionalProperties": {"type": "object",
                "properties": {"v": {"type": "integer", "default": 1}}}},
            "list": {"type": "array", "items": {"type": "object", "properties": {"b": {"type": "string"}}}},
            "may": {"type": "string", "nullable": true},
        }}}}))
    }

    #[test]
    fn pruning_keeps_what_is_known_or_preserved() {
        let mut object = json!({"apiVersion": "a/v1", "kind": "A", "metadata": {"name": "x"}, "other": 1, "spec": {
            "nope": 1, "free": {"any": 1, "known": {"a": "", "b": ""}}, "map": {"k": {"v": 2, "w": 3}},
            "list": [{"b": "1", "c": "2"}]}});
        let dropped = schema().prune(&mut object);
        assert_eq!(dropped, ["other", "spec.free.known.b", "spec.list[0].c", "spec.map.k.w", "spec.nope"]);
        let expected = json!({"apiVersion": "a/v1", "kind": "A", "metadata": {"name": "x"}, "spec": {
            "free": {"any": 1, "known": {"a": ""}}, "map": {"k": {"v": 2}}, "list": [{"b": "1"}]}});
        assert_eq!(object, expected);
    }

    #[test]
    fn defaults_cascade_and_nulls_go() {
        let mut object = json!({});
        schema().set_defaults(&mut object);
        assert_eq!(object, json!({"spec": {"replicas": 3}}));
        let mut object = json!({"spec": {"replicas": null, "map": {"k": {}}, "may": null, "list": null}});
        schema().set_defaults(&mut object);
        assert_eq!(object, json!({"spec": {"replicas": 3, "map": {"k": {"v": 1}}, "may": null}}));
    }
}
