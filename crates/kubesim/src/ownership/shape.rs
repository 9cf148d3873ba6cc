//! How values of a type are owned: field by field, element by element or whole. Read from OpenAPI, of Kubernetes' own types and of
//! CustomResourceDefinitions alike.

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::path::Step;

/// How values of a type are owned. A type that may be anything has all three parts.
#[derive(Clone, Debug, Default)]
pub(crate) struct Shape {
    pub(crate) scalar: Option<Scalar>,
    pub(crate) list: Option<ListShape>,
    pub(crate) map: Option<MapShape>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scalar {
    Number,
    String,
    Bool,
    Any,
}

#[derive(Clone, Debug)]
pub(crate) struct ListShape {
    pub(crate) kind: ListKind,
    pub(crate) items: Type,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ListKind {
    /// Owned whole.
    Atomic,
    /// Elements are told apart by their values.
    Set,
    /// Elements are told apart by these members.
    Map(Vec<String>),
}

#[derive(Clone, Debug)]
pub(crate) struct MapShape {
    /// Whether it is owned whole.
    pub(crate) is_atomic: bool,
    pub(crate) fields: BTreeMap<String, FieldShape>,
    /// The type of members that have no name in the schema; nothing where there may be none.
    pub(crate) values: Option<Type>,
}

#[derive(Clone, Debug)]
pub(crate) struct FieldShape {
    ty: Type,
    default: Option<Value>,
    is_required: bool,
}

/// A type: by name, or as it is.
#[derive(Clone, Debug)]
pub(crate) enum Type {
    /// A type of Kubernetes' own, and whether its field says that it is (not) owned whole.
    Named(String, Option<bool>),
    Inline(Arc<Shape>),
    /// Whatever the value is: objects member by member, lists whole.
    Deduced,
    /// Whatever the value is, owned whole.
    Untyped,
}

static DEDUCED: LazyLock<Shape> = LazyLock::new(|| anything(false, Type::Deduced));
static UNTYPED: LazyLock<Shape> = LazyLock::new(|| anything(true, Type::Untyped));

fn anything(is_atomic: bool, values: Type) -> Shape {
    Shape {
        scalar: Some(Scalar::Any),
        list: Some(ListShape { kind: ListKind::Atomic, items: Type::Untyped }),
        map: Some(MapShape { is_atomic, fields: BTreeMap::new(), values: Some(values) }),
    }
}

/// A type's parts, ready to be looked at.
#[derive(Clone, Copy)]
pub(crate) struct Resolved<'a> {
    pub(crate) shape: &'a Shape,
    is_atomic: Option<bool>,
}

/// The part of a type by which a value is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    Map,
    Scalar,
    List,
}

impl Type {
    /// The type of an object's metadata.
    fn metadata() -> Self {
        Self::Named("io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta".to_owned(), None)
    }

    pub(crate) fn resolve(&self) -> Resolved<'_> {
        let (shape, is_atomic) = match self {
            Self::Named(name, is_atomic) => (BUILT_IN.get(name).unwrap_or(&DEDUCED), *is_atomic),
            Self::Inline(shape) => (&**shape, None),
            Self::Deduced => (&*DEDUCED, None),
            Self::Untyped => (&*UNTYPED, None),
        };
        Resolved { shape, is_atomic }
    }
}

impl<'a> Resolved<'a> {
    /// The part that fits the value; null fits the first that there is.
    pub(crate) fn part(self, value: &Value) -> Part {
        let shape = self.shape;
        let fits = match value {
            Value::Array(_) => shape.list.as_ref().map(|_| Part::List),
            Value::Bool(_) | Value::Number(_) | Value::String(_) => shape.scalar.map(|_| Part::Scalar),
            Value::Null | Value::Object(_) => None,
        };
        let first = || match (&shape.map, shape.scalar) {
            (Some(_), _) => Part::Map,
            (None, Some(_)) => Part::Scalar,
            (None, None) => Part::List,
        };
        fits.unwrap_or_else(first)
    }

    /// Whether objects of the type are owned whole.
    pub(crate) fn is_atomic_map(self) -> bool {
        self.is_atomic.unwrap_or_else(|| self.shape.map.as_ref().is_some_and(|map| map.is_atomic))
    }

    /// Whether lists of the type are owned whole.
    pub(crate) fn is_atomic_list(self) -> bool {
        self.is_atomic == Some(true)
            || self.shape.list.as_ref().is_none_or(|list| list.kind == ListKind::Atomic)
    }

    /// Whether values of the type, whatever they are, are owned whole.
    pub(crate) fn is_whole(self) -> bool {
        let shape = self.shape;
        let is_list = shape.map.is_none() && shape.scalar.is_none() && shape.list.is_some();
        if is_list { self.is_atomic_list() } else { shape.map.is_some() && self.is_atomic_map() }
    }

    /// The type of a member; nothing when there may be none of that name.
    pub(crate) fn member(self, name: &str) -> Option<&'a Type> {
        let map = self.shape.map.as_ref()?;
        map.fields.get(name).map(|field| &field.ty).or(map.values.as_ref())
    }

    /// Whether the schema names the member.
    pub(crate) fn names(self, name: &str) -> bool {
        self.shape.map.as_ref().is_some_and(|map| map.fields.contains_key(name))
    }

    pub(crate) fn items(self) -> &'a Type {
        self.shape.list.as_ref().map_or(&Type::Deduced, |list| &list.items)
    }

    /// The type of what a step leads to.
    pub(crate) fn after(self, step: &Step) -> Option<&'a Type> {
        match step {
            Step::Field(name) => self.member(name),
            Step::Key(_) | Step::Value(_) | Step::Index(_) => {
                self.shape.list.as_ref().map(|list| &list.items)
            }
        }
    }

    /// The step to an element of a list that is not owned whole, or why there is none.
    pub(crate) fn step_to(self, element: &Value) -> Result<Step, String> {
        match self.shape.list.as_ref().map(|list| &list.kind) {
            Some(ListKind::Map(keys)) if !keys.is_empty() => self.key_of(element, keys),
            Some(ListKind::Set | ListKind::Map(_)) => {
                let why = match element {
                    Value::Object(_) => "associative list without keys has an element that's a map type",
                    Value::Array(_) => "not supported: associative list with lists as elements",
                    Value::Null => "associative list without keys has an element that's an explicit null",
                    _ => return Ok(Step::Value(element.clone())),
                };
                Err(why.to_owned())
            }
            _ => Err("invalid indexing of non-associative list".to_owned()),
        }
    }

    fn key_of(self, element: &Value, keys: &[String]) -> Result<Step, String> {
        let members = match element {
            Value::Object(members) => members,
            Value::Null => return Err("associative list with keys may not have a null element".to_owned()),
            _ => return Err("associative list with keys may not have non-map elements".to_owned()),
        };
        let items = self.items().resolve();
        let default = |key: &String| items.shape.map.as_ref()?.fields.get(key)?.default.clone();
        let mut found: Vec<(String, Value)> = keys
            .iter()
            .filter_map(|key| Some((key.clone(), members.get(key).cloned().or_else(|| default(key))?)))
            .collect();
        if found.is_empty() {
            let keys: Vec<String> = keys.iter().map(|key| format!("{key:?}")).collect();
            return Err(format!(
                "associative list with keys has an element that omits all key fields [{}] (and doesn't have default \
                 values for any key fields)",
                keys.join(" ")
            ));
        }
        found.sort_by(|one, two| one.0.cmp(&two.0));
        Ok(Step::Key(found))
    }
}

/// What Go makes of a struct that nobody has written to: structs that are no pointers, and members that are never left out.
pub(crate) fn zero(ty: &Type) -> Value {
    let resolved = ty.resolve();
    let fields = resolved.shape.map.iter().flat_map(|map| &map.fields);
    let members: Map<String, Value> = fields
        .filter_map(|(name, field)| {
            let value = match &field.default {
                Some(Value::Object(_)) => zero(&field.ty),
                Some(default) if field.is_required => default.clone(),
                None if field.is_required => Value::Null,
                _ => return None,
            };
            Some((name.clone(), value))
        })
        .collect();
    Value::Object(members)
}

/// OpenAPI's schema, as far as ownership asks for it.
#[derive(Clone, Deserialize, Default)]
#[serde(default)]
struct Node {
    #[serde(rename = "$ref")]
    reference: Option<String>,
    #[serde(rename = "allOf")]
    all_of: Vec<Node>,
    #[serde(rename = "type")]
    ty: Option<String>,
    format: Option<String>,
    properties: BTreeMap<String, Node>,
    items: Option<Box<Node>>,
    #[serde(rename = "additionalProperties")]
    additional: Option<Additional>,
    required: Vec<String>,
    default: Option<Value>,
    #[serde(rename = "x-kubernetes-list-type")]
    list_type: Option<String>,
    #[serde(rename = "x-kubernetes-list-map-keys")]
    list_keys: Vec<String>,
    #[serde(rename = "x-kubernetes-map-type")]
    map_type: Option<String>,
    #[serde(rename = "x-kubernetes-patch-strategy")]
    patch_strategy: Option<String>,
    #[serde(rename = "x-kubernetes-patch-merge-key")]
    merge_key: Option<String>,
    #[serde(rename = "x-kubernetes-preserve-unknown-fields")]
    preserves_unknown: bool,
}

#[derive(Clone, Deserialize)]
#[serde(untagged)]
enum Additional {
    Allowed(bool),
    Typed(Box<Node>),
}

impl Node {
    /// The name of the schema that stands in this one's place.
    fn target(&self) -> Option<&str> {
        let reference = match (&self.reference, self.all_of.as_slice()) {
            (Some(reference), _) => Some(reference),
            (None, [only]) => only.reference.as_ref(),
            _ => None,
        };
        reference.and_then(|path| path.rsplit('/').next())
    }

    /// Whether objects are owned whole, where the schema says so.
    fn is_atomic_map(&self) -> Option<bool> {
        self.map_type.as_deref().map(|ty| ty == "atomic")
    }

    /// `free`: whether a schema above preserves unknown fields.
    fn ty(&self, free: bool) -> Type {
        match self.target() {
            Some(name) => Type::Named(name.to_owned(), self.is_atomic_map()),
            None => Type::Inline(Arc::new(self.shape(free))),
        }
    }

    fn shape(&self, free: bool) -> Shape {
        let free = free || self.preserves_unknown;
        let scalar = |scalar| Shape { scalar: Some(scalar), ..Shape::default() };
        match (self.ty.as_deref(), self.format.as_deref()) {
            (Some("object"), _) => Shape { map: Some(self.map(free)), ..Shape::default() },
            (Some("array"), _) => Shape { list: Some(self.list(free)), ..Shape::default() },
            (Some("integer" | "number"), _) => scalar(Scalar::Number),
            (Some("boolean"), _) => scalar(Scalar::Bool),
            (Some("string"), None | Some("" | "byte")) => scalar(Scalar::String),
            (Some(_), _) => scalar(Scalar::Any),
            (None, _) => {
                Shape { scalar: Some(Scalar::Any), list: Some(self.list(free)), map: Some(self.map(free)) }
            }
        }
    }

    fn map(&self, free: bool) -> MapShape {
        let fields = self.properties.iter().map(|(name, member)| {
            let is_required = self.required.contains(name);
            (name.clone(), FieldShape { ty: member.ty(free), default: member.default.clone(), is_required })
        });
        let values = match &self.additional {
            Some(Additional::Typed(node)) => Some(node.ty(free)),
            Some(Additional::Allowed(true)) => Some(Type::Deduced),
            Some(Additional::Allowed(false)) => None,
            None => (free || self.properties.is_empty()).then_some(Type::Deduced),
        };
        MapShape { is_atomic: self.is_atomic_map() == Some(true), fields: fields.collect(), values }
    }

    fn list(&self, free: bool) -> ListShape {
        let is_merged = || {
            self.patch_strategy.as_deref().is_some_and(|strategy| strategy.split(',').next() == Some("merge"))
        };
        let kind = match self.list_type.as_deref() {
            Some("map") => ListKind::Map(self.list_keys.clone()),
            Some("set") => ListKind::Set,
            None if is_merged() => match &self.merge_key {
                Some(key) => ListKind::Map(vec![key.clone()]),
                None => ListKind::Set,
            },
            _ => ListKind::Atomic,
        };
        ListShape { kind, items: self.items.as_ref().map_or(Type::Deduced, |items| items.ty(free)) }
    }
}

#[derive(Deserialize)]
struct Document {
    schemas: BTreeMap<String, Node>,
}

/// The shapes of Kubernetes' own types, by OpenAPI's names.
static BUILT_IN: LazyLock<BTreeMap<String, Shape>> = LazyLock::new(|| {
    let document: Document =
        serde_json::from_str(&crate::types::unpacked()).expect("the committed data have the form of OpenAPI");
    let shape = |name: &str, node: &Node| {
        if name.ends_with(".resource.Quantity") {
            return Shape { scalar: Some(Scalar::Any), ..Shape::default() };
        }
        if name.ends_with(".runtime.RawExtension") { UNTYPED.clone() } else { node.shape(false) }
    };
    document.schemas.iter().map(|(name, node)| (name.clone(), shape(name, node))).collect()
});

/// The shape of custom resources with this `openAPIV3Schema`.
pub(crate) fn of_schema(schema: &Value) -> Shape {
    let node = if schema.is_object() {
        schema.clone()
    } else {
        json!({"x-kubernetes-preserve-unknown-fields": true})
    };
    // What is no schema is no shape either: then everything is taken as it comes.
    let mut node: Node =
        serde_json::from_value(node).unwrap_or_else(|_| Node { preserves_unknown: true, ..Node::default() });
    node.ty = Some("object".to_owned());
    let mut shape = node.shape(false);
    if let Some(map) = &mut shape.map {
        if map.fields.is_empty() {
            map.values = Some(Type::Deduced);
        }
        let text = Type::Inline(Arc::new(Shape { scalar: Some(Scalar::String), ..Shape::default() }));
        for (name, ty) in [("apiVersion", text.clone()), ("kind", text), ("metadata", Type::metadata())] {
            map.fields.insert(name.to_owned(), FieldShape { ty, default: None, is_required: false });
        }
    }
    shape
}
