//! Schemas of several OpenAPI documents, and what is reachable among them.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use serde_json::{Map, Value};

use super::resources::Kind;

const KINDS: &str = "x-kubernetes-group-version-kind";
const PREFIX: &str = "#/components/schemas/";

/// Schemas by name.
#[derive(Default)]
pub(super) struct Schemas {
    by_name: BTreeMap<String, Value>,
}

impl Schemas {
    /// Adds the schemas of a document; one that is known must say the same again, but for the kinds that it stands for.
    pub(super) fn add(&mut self, schemas: &Value) -> Result<(), String> {
        for (name, schema) in schemas.as_object().ok_or("a document without schemas")? {
            let Some(known) = self.by_name.get_mut(name) else {
                self.by_name.insert(name.clone(), schema.clone());
                continue;
            };
            let mut added = schema.clone();
            let kinds: BTreeMap<String, Value> = [&*known, schema]
                .into_iter()
                .flat_map(|schema| schema[KINDS].as_array().cloned().unwrap_or_default())
                .map(|kind| (kind.to_string(), kind))
                .collect();
            if !kinds.is_empty() {
                let kinds: Vec<Value> = kinds.into_values().collect();
                for schema in [&mut *known, &mut added] {
                    schema[KINDS] = kinds.clone().into();
                }
            }
            if added != *known {
                return Err(format!("{name} differs between documents"));
            }
        }
        Ok(())
    }

    /// The names of the schemas that stand for these kinds.
    pub(super) fn of_kinds(&self, kinds: impl Iterator<Item = Kind>) -> BTreeSet<String> {
        let wanted: BTreeSet<Kind> = kinds.collect();
        let stands = |schema: &Value| {
            schema[KINDS].as_array().into_iter().flatten().any(|kind| {
                let part = |key: &str| kind[key].as_str().unwrap_or_default().to_owned();
                wanted.contains(&(part("group"), part("version"), part("kind")))
            })
        };
        self.by_name.iter().filter(|(_, schema)| stands(schema)).map(|(name, _)| name.clone()).collect()
    }

    /// The schemas called `roots` and all that they refer to.
    pub(super) fn closure<'a>(&self, roots: impl Iterator<Item = &'a str>) -> Result<Value, String> {
        let mut waiting: VecDeque<String> = roots.map(str::to_owned).collect();
        let mut found = Map::new();
        while let Some(name) = waiting.pop_front() {
            if found.contains_key(&name) {
                continue;
            }
            let schema = self.by_name.get(&name).ok_or_else(|| format!("no schema is called {name}"))?;
            references(schema, &mut waiting);
            found.insert(name, schema.clone());
        }
        Ok(Value::Object(found))
    }
}

fn references(schema: &Value, found: &mut VecDeque<String>) {
    match schema {
        Value::Object(members) => {
            for (key, value) in members {
                match value.as_str().filter(|_| key == "$ref").and_then(|value| value.strip_prefix(PREFIX)) {
                    Some(name) => found.push_back(name.to_owned()),
                    None => references(value, found),
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| references(item, found)),
        _ => {}
    }
}

/// The same schemas without their prose. A member that is called `description` is no prose.
pub(super) fn without_descriptions(schemas: &Value) -> Value {
    let members = schemas.as_object().into_iter().flatten();
    Value::Object(members.map(|(name, schema)| (name.clone(), bare(schema))).collect())
}

fn bare(schema: &Value) -> Value {
    match schema {
        Value::Object(members) => {
            let kept = members.iter().filter(|(key, _)| *key != "description");
            let kept = kept.map(|(key, value)| {
                let value = match key.as_str() {
                    "properties" => without_descriptions(value),
                    "default" => value.clone(),
                    _ => bare(value),
                };
                (key.clone(), value)
            });
            Value::Object(kept.collect())
        }
        Value::Array(items) => items.iter().map(bare).collect(),
        other => other.clone(),
    }
}
