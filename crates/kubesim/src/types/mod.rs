//! Kubernetes' own types, read from its OpenAPI: what members there are, decoding, defaults and merge keys.
//!
//! The data are drawn by `cargo xtask codegen --kubernetes`. They are unpacked once per process, when they are first asked for.

mod decode;
mod published;

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde_json::{Map, Value};

pub(crate) use decode::{DecodeError, Unknown, decode, decode_at, no_metadata};
pub(crate) use published::{Row, document, rows, schema_of, unpacked, version};

/// A struct: its place in the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TypeId(usize);

/// The type of a value.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Type {
    String,
    /// A string in base64.
    Bytes,
    Int(u8),
    Bool,
    Float,
    Quantity,
    IntOrString,
    Time,
    /// A time with six digits after the second.
    MicroTime,
    Any,
    List(Box<Type>),
    Map(Box<Type>),
    Struct(TypeId),
}

/// A member of a struct.
#[derive(Clone, Debug)]
pub(crate) struct Field {
    pub(crate) ty: Type,
    /// Whether OpenAPI calls it required.
    pub(crate) required: bool,
    /// The key by which a strategic merge patch matches elements; empty for a set of scalars, nothing for lists that are replaced.
    pub(crate) merge_key: Option<String>,
    /// Whether a strategic merge patch replaces the member as a whole.
    pub(crate) is_replaced: bool,
}

/// A struct and its members.
#[derive(Debug)]
pub(crate) struct Struct {
    /// OpenAPI's name, `io.k8s.api.core.v1.PodSpec`.
    name: String,
    fields: BTreeMap<String, Field>,
    defaults: BTreeMap<String, Value>,
}

struct Table {
    structs: Vec<Struct>,
    by_name: BTreeMap<String, TypeId>,
}

static TABLE: LazyLock<Table> = LazyLock::new(published::table);

/// The metadata of every object.
pub(crate) static OBJECT_META: LazyLock<TypeId> = LazyLock::new(|| {
    named("io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta").expect("every object has metadata")
});

/// The struct with this name of OpenAPI.
pub(crate) fn named(name: &str) -> Option<TypeId> {
    TABLE.by_name.get(name).copied()
}

impl TypeId {
    /// The members of the struct.
    pub(crate) fn fields(self) -> &'static BTreeMap<String, Field> {
        &TABLE.structs[self.0].fields
    }

    /// What the member `key` is when it is absent.
    pub(crate) fn default_of(self, key: &str) -> Option<&'static Value> {
        self.defaults().get(key)
    }

    /// The members that Go writes though they are empty: null or an empty text.
    pub(crate) fn zeroes(self) -> impl Iterator<Item = (&'static String, &'static Value)> {
        self.defaults().iter().filter(|(_, value)| value.is_null() || value.as_str() == Some(""))
    }

    fn defaults(self) -> &'static BTreeMap<String, Value> {
        &TABLE.structs[self.0].defaults
    }

    /// The name that Go gives the struct: `PodSpec`.
    fn short_name(self) -> &'static str {
        let name = &TABLE.structs[self.0].name;
        name.rsplit('.').next().unwrap_or(name)
    }

    /// The name that Go gives the struct outside of its package: `v1.PodSpec`.
    fn qualified_name(self) -> &'static str {
        let name = &TABLE.structs[self.0].name;
        let start = name.rmatch_indices('.').nth(1).map_or(0, |(at, _)| at + 1);
        &name[start..]
    }
}

/// Sets the defaults of a struct wherever its members are absent.
pub(crate) fn set_defaults(object: &mut Map<String, Value>, ty: TypeId) {
    for (key, default) in ty.defaults() {
        if is_absent(object.get(key), default) {
            object.insert(key.clone(), default.clone());
        }
    }
    for (key, value) in object {
        if let (Value::Object(_) | Value::Array(_), Some(field)) = (&value, ty.fields().get(key)) {
            default_value(value, &field.ty);
        }
    }
}

/// Go does not tell an empty string from an absent one.
fn is_absent(value: Option<&Value>, default: &Value) -> bool {
    value.is_none_or(|value| default.is_string() && value.as_str() == Some(""))
}

fn default_value(value: &mut Value, ty: &Type) {
    match (ty, value) {
        (Type::Struct(ty), Value::Object(object)) => set_defaults(object, *ty),
        (Type::List(inner), Value::Array(items)) => {
            items.iter_mut().for_each(|item| default_value(item, inner));
        }
        (Type::Map(inner), Value::Object(entries)) => {
            entries.values_mut().for_each(|entry| default_value(entry, inner));
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests;
