//! Kubernetes' own types: decoding, defaults and merge keys, read from `types.txt`.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde_json::{Map, Value};

use crate::quantity;

/// The type of a value.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Type {
    String,
    Int(u8),
    Bool,
    Float,
    Quantity,
    IntOrString,
    Time,
    Any,
    List(Box<Type>),
    Map(Box<Type>),
    Struct(String),
}

/// A field of a struct.
#[derive(Clone, Debug)]
pub(crate) struct Field {
    pub(crate) ty: Type,
    default: Option<Value>,
    /// The key by which a strategic merge patch matches elements; empty for a set of scalars.
    pub(crate) merge_key: Option<String>,
}

type Struct = BTreeMap<String, Field>;

static TYPES: LazyLock<BTreeMap<String, Struct>> = LazyLock::new(|| parse(include_str!("types.txt")));

/// The fields of the struct called `name`.
pub(crate) fn fields_of(name: &str) -> Option<&'static Struct> {
    TYPES.get(name)
}

fn parse(text: &str) -> BTreeMap<String, Struct> {
    let mut types: BTreeMap<String, Struct> = BTreeMap::new();
    let mut current = "";
    for line in text.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        match line.split(' ').collect::<Vec<_>>().as_slice() {
            ["struct", name] => current = name,
            ["object", name] => {
                current = name;
                let fields = types.entry(current.to_owned()).or_default();
                for (key, ty) in [("apiVersion", "string"), ("kind", "string"), ("metadata", "ObjectMeta")] {
                    fields.insert(key.to_owned(), parse_field(ty, &[]));
                }
            }
            [name, ty, flags @ ..] => {
                let fields = types.entry(current.to_owned()).or_default();
                fields.insert((*name).to_owned(), parse_field(ty, flags));
            }
            _ => {}
        }
    }
    types
}

fn parse_field(ty: &str, flags: &[&str]) -> Field {
    let flag = |mark| flags.iter().find_map(|flag| flag.strip_prefix(mark));
    let default = flag('=').map(|json| serde_json::from_str(json).expect("types.txt holds JSON defaults"));
    Field { ty: parse_type(ty), default, merge_key: flag('@').map(str::to_owned) }
}

fn parse_type(text: &str) -> Type {
    let inner = &text[1..text.len() - 1];
    match text {
        _ if text.starts_with('[') => Type::List(Box::new(parse_type(inner))),
        _ if text.starts_with('{') => Type::Map(Box::new(parse_type(inner))),
        "string" => Type::String,
        "int32" => Type::Int(32),
        "int64" => Type::Int(64),
        "bool" => Type::Bool,
        "float64" => Type::Float,
        "quantity" => Type::Quantity,
        "int-or-string" => Type::IntOrString,
        "time" => Type::Time,
        "any" => Type::Any,
        name => Type::Struct(name.to_owned()),
    }
}

/// Why a body is not of its type, as Go's decoder says it.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum DecodeError {
    #[error("json: cannot unmarshal {found} into Go struct field {holder}.{path} of type {wanted}")]
    Type { found: String, holder: String, path: String, wanted: String },
    #[error("quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'")]
    Quantity,
    #[error("parsing time \"{0}\" as \"2006-01-02T15:04:05Z07:00\": cannot parse \"{0}\" as \"2006\"")]
    Time(String),
}

/// Brings `value` into the shape of the struct `name`: fields of the wrong type fail, unknown and empty ones are dropped.
pub(crate) fn decode(value: &mut Value, name: &str) -> Result<(), DecodeError> {
    decode_struct(value, name, "")
}

fn decode_struct(value: &mut Value, name: &str, path: &str) -> Result<(), DecodeError> {
    let (Some(types), Value::Object(object)) = (fields_of(name), value) else { return Ok(()) };
    object.retain(|key, value| types.contains_key(key) && !value.is_null());
    for (key, field) in types {
        let Some(value) = object.get_mut(key) else { continue };
        let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
        decode_value(value, &field.ty, name, &path)?;
        let is_empty = match value {
            Value::Array(items) => items.is_empty(),
            Value::Object(entries) => entries.is_empty() && matches!(field.ty, Type::Map(_)),
            _ => false,
        };
        if is_empty {
            object.remove(key);
        }
    }
    Ok(())
}

fn decode_value(value: &mut Value, ty: &Type, holder: &str, path: &str) -> Result<(), DecodeError> {
    let fits = match ty {
        Type::Any => true,
        Type::String | Type::Time => value.is_string(),
        Type::Bool => value.is_boolean(),
        Type::Float => value.is_number(),
        Type::Int(32) => value.as_i64().is_some_and(|number| i32::try_from(number).is_ok()),
        Type::Int(_) => value.is_i64() || value.is_u64(),
        Type::IntOrString => value.is_string() || value.is_i64() || value.is_u64(),
        Type::Quantity => value.is_string() || value.is_number(),
        Type::List(_) => value.is_array(),
        Type::Map(_) | Type::Struct(_) => value.is_object(),
    };
    if !fits {
        return Err(DecodeError::Type {
            found: go_value(value),
            holder: holder.to_owned(),
            path: path.to_owned(),
            wanted: go_type(ty),
        });
    }
    match (ty, value) {
        (Type::Quantity, value) => decode_quantity(value),
        (Type::Time, Value::String(text)) if text.parse::<jiff::Timestamp>().is_err() => {
            Err(DecodeError::Time(text.clone()))
        }
        (Type::List(inner), Value::Array(items)) => {
            items.iter_mut().try_for_each(|item| decode_value(item, inner, holder, path))
        }
        (Type::Map(inner), Value::Object(entries)) => {
            entries.values_mut().try_for_each(|entry| decode_value(entry, inner, holder, path))
        }
        (Type::Struct(name), value) => decode_struct(value, name, path),
        _ => Ok(()),
    }
}

fn decode_quantity(value: &mut Value) -> Result<(), DecodeError> {
    let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    quantity::parse(&text).ok_or(DecodeError::Quantity)?;
    *value = Value::String(text);
    Ok(())
}

fn go_value(value: &Value) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::Bool(_) => "bool".to_owned(),
        Value::Number(number) if number.is_f64() => format!("number {number}"),
        Value::Number(_) => "number".to_owned(),
        Value::String(_) => "string".to_owned(),
        Value::Array(_) => "array".to_owned(),
        Value::Object(_) => "object".to_owned(),
    }
}

fn go_type(ty: &Type) -> String {
    match ty {
        Type::String => "string".to_owned(),
        Type::Int(bits) => format!("int{bits}"),
        Type::Bool => "bool".to_owned(),
        Type::Float => "float64".to_owned(),
        Type::Quantity => "resource.Quantity".to_owned(),
        Type::IntOrString => "intstr.IntOrString".to_owned(),
        Type::Time => "v1.Time".to_owned(),
        Type::Any => "interface {}".to_owned(),
        Type::List(inner) => format!("[]{}", go_type(inner)),
        Type::Map(inner) => format!("map[string]{}", go_type(inner)),
        Type::Struct(name) => format!("v1.{name}"),
    }
}

/// Sets the defaults of the struct `name` wherever its fields are absent.
pub(crate) fn set_defaults(object: &mut Map<String, Value>, name: &str) {
    for (key, field) in fields_of(name).into_iter().flatten() {
        if let Some(default) = &field.default
            && !object.contains_key(key)
        {
            object.insert(key.clone(), default.clone());
        }
        if let Some(value) = object.get_mut(key) {
            default_value(value, &field.ty);
        }
    }
}

fn default_value(value: &mut Value, ty: &Type) {
    match (ty, value) {
        (Type::Struct(name), Value::Object(object)) => set_defaults(object, name),
        (Type::List(inner), Value::Array(items)) => {
            items.iter_mut().for_each(|item| default_value(item, inner));
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn named(ty: &Type) -> Option<&str> {
        match ty {
            Type::Struct(name) => Some(name),
            Type::List(inner) | Type::Map(inner) => named(inner),
            _ => None,
        }
    }

    #[test]
    fn every_named_type_exists() {
        assert!(TYPES.len() > 50);
        for (name, fields) in TYPES.iter() {
            for (field, Field { ty, .. }) in fields {
                let known = named(ty).is_none_or(|ty| TYPES.contains_key(ty));
                assert!(known, "{name}.{field} has an unknown type");
            }
        }
    }

    #[test]
    fn a_wrong_type_is_told_as_go_tells_it() {
        let mut object = json!({"spec": {"template": {"spec": {"containers": [
            {"name": "a", "env": [{"name": "A", "value": 1}]}]}}}});
        assert_eq!(
            decode(&mut object, "ReplicaSet").unwrap_err().to_string(),
            "json: cannot unmarshal number into Go struct field EnvVar.spec.template.spec.containers.env.value of type string"
        );
        let mut object = json!({"spec": {"replicas": "five"}});
        assert_eq!(
            decode(&mut object, "ReplicaSet").unwrap_err().to_string(),
            "json: cannot unmarshal string into Go struct field ReplicaSetSpec.spec.replicas of type int32"
        );
    }

    #[test]
    fn unknown_and_empty_fields_are_dropped() {
        let mut object = json!({"kind": "Pod", "metadata": {"labels": {}, "managedFields": []},
            "spec": {"nope": 1, "securityContext": {}, "nodeName": null}});
        decode(&mut object, "Pod").unwrap();
        assert_eq!(object, json!({"kind": "Pod", "metadata": {}, "spec": {"securityContext": {}}}));
    }

    #[test]
    fn defaults_reach_into_lists() {
        let mut object = json!({"containers": [{"name": "a", "ports": [{"containerPort": 1}]}]});
        set_defaults(object.as_object_mut().unwrap(), "PodSpec");
        assert_eq!(object["containers"][0]["ports"][0]["protocol"], "TCP");
        assert_eq!(object["terminationGracePeriodSeconds"], 30);
    }
}
