//! Stored objects as answers show them: in the version that was asked for, whole, as a table, or as metadata alone.

use std::borrow::Cow;
use std::sync::Arc;

use jiff::Timestamp;
use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::{Value, json};

use crate::body::Body;
use crate::json::at;
use crate::negotiation::{Form, Forms, negotiate};
use crate::request::Query;
use crate::resources::Resource;
use crate::status::ApiError;
use crate::table;

/// The stored object as this version of its resource shows it.
pub(crate) fn present<'a>(object: &'a Value, resource: &Resource) -> Cow<'a, Value> {
    if resource.version == resource.storage_version {
        return Cow::Borrowed(object);
    }
    let mut shown = object.clone();
    shown["apiVersion"] = resource.api_version().into();
    Cow::Owned(shown)
}

/// How a request wants objects of a resource to be shown.
#[derive(Clone, Debug)]
pub(crate) struct View {
    resource: Arc<Resource>,
    form: Form,
    include: Include,
}

/// What a row of a table holds besides its cells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Include {
    Metadata,
    Object,
    None,
}

impl View {
    /// What the Accept header and the query ask for.
    pub(crate) fn of_request(
        resource: &Arc<Resource>,
        accept: &str,
        query: &Query,
    ) -> Result<Self, ApiError> {
        let form = negotiate(accept, Forms::Objects)?;
        let include = match query.get("includeObject") {
            "" | "Metadata" => Include::Metadata,
            "Object" => Include::Object,
            "None" => Include::None,
            other if form.kind == "Table" => {
                let message = format!(
                    "Unable to convert to Table as requested: includeObject: Invalid value: \"{other}\": must be \
                     'Metadata', 'Object', 'None', or empty"
                );
                return Err(ApiError::bad_request(message));
            }
            _ => Include::Metadata,
        };
        Ok(Self { resource: Arc::clone(resource), form, include })
    }

    /// Whether objects are shown as rows.
    pub(crate) fn is_table(&self) -> bool {
        self.form.kind == "Table"
    }

    /// One object. `headed`: whether a table names its columns; the later events of a watch leave them out.
    pub(crate) fn object<'a>(&self, object: &'a Value, headed: bool, now: Timestamp) -> Cow<'a, Value> {
        if self.form.is_plain() {
            return present(object, &self.resource);
        }
        if !self.is_table() {
            return Cow::Owned(self.metadata_of(object));
        }
        let version = at(object, &["metadata", "resourceVersion"]);
        let mut table = self.table(&json!({"resourceVersion": version}), headed);
        table["rows"] = json!([self.row(object, now)]);
        Cow::Owned(table)
    }

    /// A list; `metadata` is the list's own.
    pub(crate) fn list(&self, metadata: &Value, objects: &[Arc<Value>], now: Timestamp) -> Body {
        if self.is_table() {
            let mut table = self.table(metadata, true);
            table["rows"] = objects.iter().map(|object| self.row(object, now)).collect();
            return Body::document(&table);
        }
        let (kind, version) = if self.form.is_plain() {
            (self.resource.list_kind.clone(), self.resource.api_version())
        } else {
            ("PartialObjectMetadataList".to_owned(), self.version())
        };
        let head = json!({"kind": kind, "apiVersion": version, "metadata": metadata}).to_string();
        let items: Vec<Item<'_>> = objects.iter().map(|object| Item { object, view: self }).collect();
        let items = serde_json::to_string(&items).expect("JSON values can be written as JSON");
        Body::raw(format!("{},\"items\":{items}}}", &head[..head.len() - 1]))
    }

    fn version(&self) -> String {
        format!("meta.k8s.io/{}", self.form.version)
    }

    fn table(&self, metadata: &Value, headed: bool) -> Value {
        let columns = if headed { table::columns(&self.resource).into() } else { Value::Null };
        json!({
            "kind": "Table", "apiVersion": self.version(), "metadata": metadata, "columnDefinitions": columns,
        })
    }

    fn row(&self, object: &Value, now: Timestamp) -> Value {
        let mut row = table::row(object, &self.resource, now);
        row["object"] = match self.include {
            Include::Metadata => self.metadata_of(object),
            Include::Object => present(object, &self.resource).into_owned(),
            Include::None => Value::Null,
        };
        row
    }

    fn metadata_of(&self, object: &Value) -> Value {
        json!({
            "kind": "PartialObjectMetadata", "apiVersion": self.version(), "metadata": at(object, &["metadata"]),
        })
    }
}

/// An element of a list. Lists of built-in types leave `kind` and `apiVersion` out of their elements.
struct Item<'a> {
    object: &'a Value,
    view: &'a View,
}

impl Serialize for Item<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if !self.view.form.is_plain() {
            return self.view.metadata_of(self.object).serialize(serializer);
        }
        if self.view.resource.is_custom() {
            return present(self.object, &self.view.resource).serialize(serializer);
        }
        let mut map = serializer.serialize_map(None)?;
        for (key, value) in self.object.as_object().into_iter().flatten() {
            if key != "kind" && key != "apiVersion" {
                map.serialize_entry(key, value)?;
            }
        }
        map.end()
    }
}
