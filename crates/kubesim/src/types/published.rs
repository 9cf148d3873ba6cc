//! Reading the committed data.

use std::collections::BTreeMap;
use std::io::Read;
use std::sync::LazyLock;

use flate2::read::GzDecoder;
use serde::Deserialize;
use serde_json::Value;

use super::{Field, Struct, Table, Type, TypeId};

const PACKED: &[u8] = include_bytes!("../data/kubernetes.json.gz");
const DEFAULTS: &str = include_str!("../data/defaults.txt");

/// A resource as OpenAPI's paths tell of it.
#[derive(Debug, Deserialize)]
pub(crate) struct Row {
    pub(crate) group: String,
    pub(crate) version: String,
    pub(crate) plural: String,
    pub(crate) kind: String,
    pub(crate) namespaced: bool,
    pub(crate) verbs: Vec<String>,
    pub(crate) subresources: Vec<SubresourceRow>,
}

/// A subresource.
#[derive(Debug, Deserialize)]
pub(crate) struct SubresourceRow {
    pub(crate) name: String,
}

#[derive(Deserialize)]
struct Published {
    version: String,
    resources: Vec<Row>,
    schemas: BTreeMap<String, Node>,
}

/// A schema without its prose.
#[derive(Deserialize, Default)]
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
    additional: Option<Box<Node>>,
    required: Vec<String>,
    default: Option<Value>,
    #[serde(rename = "x-kubernetes-patch-strategy")]
    patch_strategy: Option<String>,
    #[serde(rename = "x-kubernetes-patch-merge-key")]
    merge_key: Option<String>,
    #[serde(rename = "x-kubernetes-group-version-kind")]
    kinds: Vec<Kind>,
}

#[derive(Deserialize)]
struct Kind {
    group: String,
    version: String,
    kind: String,
}

impl Node {
    fn reference(&self) -> Option<&str> {
        let target = self.reference.as_deref().and_then(|path| path.strip_prefix("#/components/schemas/"));
        target.or_else(|| self.all_of.first().and_then(Self::reference))
    }

    /// Whether an absent member is written by Go's encoder as this default all the same, or is given it by the server.
    ///
    /// OpenAPI's generator gives zero values also to members that are left out when they are zero; those are not required.
    fn sets_default(&self, is_required: bool) -> bool {
        match &self.default {
            None => false,
            Some(Value::Object(members)) => !members.is_empty() || self.reference().is_some(),
            Some(default) => is_required || !(is_zero(default)),
        }
    }
}

fn is_zero(value: &Value) -> bool {
    match value {
        Value::Bool(value) => !value,
        Value::Number(number) => number.as_f64() == Some(0.0),
        Value::String(text) => text.is_empty(),
        _ => false,
    }
}

/// The committed data as text.
pub(crate) fn unpacked() -> String {
    let mut text = String::new();
    GzDecoder::new(PACKED).read_to_string(&mut text).expect("the committed data are a gzip file");
    text
}

static PUBLISHED: LazyLock<Published> = LazyLock::new(|| {
    serde_json::from_str(&unpacked()).expect("the committed data have the form that codegen writes")
});

/// The version of Kubernetes that the data are from: `v1.37.2`.
pub(crate) fn version() -> &'static str {
    &PUBLISHED.version
}

/// The resources of the data.
pub(crate) fn rows() -> &'static [Row] {
    &PUBLISHED.resources
}

/// Everything as published, with descriptions. Only `kubectl explain` and its like ask for it.
pub(crate) fn document() -> &'static Value {
    static DOCUMENT: LazyLock<Value> =
        LazyLock::new(|| serde_json::from_str(&unpacked()).expect("the committed data are JSON"));
    &DOCUMENT
}

/// The OpenAPI name of a kind.
pub(crate) fn schema_of(group: &str, version: &str, kind: &str) -> Option<&'static str> {
    let stands = |node: &Node| {
        node.kinds.iter().any(|known| known.group == group && known.version == version && known.kind == kind)
    };
    PUBLISHED.schemas.iter().find(|(_, node)| stands(node)).map(|(name, _)| name.as_str())
}

/// The structs, with the defaults that OpenAPI and our own list tell of.
pub(super) fn table() -> Table {
    let schemas = &PUBLISHED.schemas;
    let is_struct = |node: &Node| !node.properties.is_empty();
    let names = schemas.iter().filter(|(_, node)| is_struct(node)).map(|(name, _)| name.clone());
    let by_name: BTreeMap<String, TypeId> =
        names.enumerate().map(|(index, name)| (name, TypeId(index))).collect();
    let defaults = own_defaults();
    let structs = by_name.keys().map(|name| {
        let node = &schemas[name];
        let members = node.properties.iter();
        let is_required = |key: &String| node.required.contains(key);
        let fields = members
            .clone()
            .map(|(key, member)| (key.clone(), field(member, is_required(key), schemas, &by_name)));
        let published = members
            .filter(|(key, member)| member.sets_default(is_required(key)))
            .filter_map(|(key, member)| Some((key.clone(), member.default.clone()?)));
        let ours = defaults
            .iter()
            .filter(|(ty, _, _)| is_end_of(ty, name))
            .map(|(_, key, default)| ((*key).to_owned(), default.clone()));
        Struct { name: name.clone(), fields: fields.collect(), defaults: published.chain(ours).collect() }
    });
    Table { structs: structs.collect(), by_name: by_name.clone() }
}

fn is_end_of(end: &str, name: &str) -> bool {
    name.strip_suffix(end).is_some_and(|rest| rest.ends_with('.'))
}

/// The lines of our own list: type, member, default.
pub(super) fn own_defaults() -> Vec<(&'static str, &'static str, Value)> {
    let lines = DEFAULTS.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines
        .map(|line| {
            let mut words = line.splitn(3, ' ');
            let mut word = || words.next().unwrap_or_default();
            let (ty, member) = (word(), word());
            (ty, member, serde_json::from_str(word()).expect("defaults.txt holds JSON defaults"))
        })
        .collect()
}

fn field(
    node: &Node,
    required: bool,
    schemas: &BTreeMap<String, Node>,
    names: &BTreeMap<String, TypeId>,
) -> Field {
    let has_strategy = |name: &str| {
        node.patch_strategy.as_deref().is_some_and(|strategy| strategy.split(',').any(|it| it == name))
    };
    Field {
        ty: type_of(node, schemas, names),
        required,
        merge_key: has_strategy("merge").then(|| node.merge_key.clone().unwrap_or_default()),
        is_replaced: has_strategy("replace"),
    }
}

fn type_of(node: &Node, schemas: &BTreeMap<String, Node>, names: &BTreeMap<String, TypeId>) -> Type {
    let inner = |node: &Node| Box::new(type_of(node, schemas, names));
    if let Some(name) = node.reference() {
        return match (names.get(name), schemas.get(name)) {
            (Some(id), _) => Type::Struct(*id),
            (None, _) if name.ends_with(".Quantity") => Type::Quantity,
            (None, _) if name.ends_with(".MicroTime") => Type::MicroTime,
            (None, Some(target)) => type_of(target, schemas, names),
            (None, None) => Type::Any,
        };
    }
    match (node.ty.as_deref(), node.format.as_deref()) {
        (_, Some("int-or-string")) => Type::IntOrString,
        (Some("string"), Some("date-time")) => Type::Time,
        (Some("string"), Some("byte")) => Type::Bytes,
        (Some("string"), _) => Type::String,
        (Some("integer"), Some("int32")) => Type::Int(32),
        (Some("integer"), _) => Type::Int(64),
        (Some("boolean"), _) => Type::Bool,
        (Some("number"), _) => Type::Float,
        (Some("array"), _) => node.items.as_deref().map_or(Type::Any, |node| Type::List(inner(node))),
        (Some("object"), _) => node.additional.as_deref().map_or(Type::Any, |node| Type::Map(inner(node))),
        _ => Type::Any,
    }
}
