//! Custom resources, by the columns that their definitions name.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::cells::Cells;
use super::json_path::JsonPath;
use super::{Column, built_in};
use crate::json::{at, list, text};

/// The `additionalPrinterColumns` of a CustomResourceDefinition's version.
#[derive(Clone, Debug, Default)]
pub(crate) struct CustomColumns(Vec<(Column, Option<JsonPath>)>);

impl CustomColumns {
    /// Reads a version of a CustomResourceDefinition; without columns of its own it shows the age.
    pub(crate) fn parse(version: &Value) -> Self {
        let given = list(version, &["additionalPrinterColumns"]);
        let age = json!([{"name": "Age", "type": "date", "jsonPath": ".metadata.creationTimestamp"}]);
        let columns = if given.is_empty() { list(&age, &[]) } else { given };
        Self(
            columns
                .iter()
                .map(|column| (described(column), JsonPath::parse(text(column, &["jsonPath"]))))
                .collect(),
        )
    }

    /// The columns, with the name first.
    pub(super) fn all(&self) -> Vec<Column> {
        let own = self.0.iter().map(|(column, _)| column.clone());
        std::iter::once(built_in("Name")).chain(own).collect()
    }

    pub(super) fn cells(&self, object: &Value, now: Timestamp) -> Vec<Value> {
        let cells = Cells { object, now };
        let own = self.0.iter().map(|(column, path)| {
            let found = path.as_ref().and_then(|path| path.first(object));
            found.map_or(Value::Null, |value| cell(value, &column.ty, &cells))
        });
        std::iter::once(cells.name()).chain(own).collect()
    }
}

fn described(column: &Value) -> Column {
    let path = text(column, &["jsonPath"]);
    let description = match text(column, &["description"]) {
        "" => format!("Custom resource definition column (in JSONPath format): {path}"),
        description => description.to_owned(),
    };
    Column {
        name: text(column, &["name"]).to_owned(),
        ty: text(column, &["type"]).to_owned(),
        format: text(column, &["format"]).to_owned(),
        description,
        priority: at(column, &["priority"]).as_i64().unwrap_or(0),
    }
}

/// The value as the column's type wants it; null when it does not fit.
fn cell(value: &Value, ty: &str, cells: &Cells<'_>) -> Value {
    match (ty, value) {
        ("string", Value::Null) => "<nil>".into(),
        ("string", value) => super::cells::plain(value).into(),
        ("integer", value) if value.is_number() => value
            .as_i64()
            .map_or_else(|| value.as_f64().map_or(Value::Null, |number| json!(number as i64)), Value::from),
        ("number", value) if value.is_number() => value.clone(),
        ("boolean", value) if value.is_boolean() => value.clone(),
        ("date", Value::String(time)) => match cells.since_time(time).as_str() {
            "<unknown>" => "<invalid>".into(),
            since => since.into(),
        },
        _ => Value::Null,
    }
}
