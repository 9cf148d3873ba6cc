//! Reading `openAPIV3Schema`.

use std::collections::BTreeMap;

use regex_lite::Regex;
use serde_json::{Value, json};

use super::Schema;
use crate::json::{at, list, text};

/// Bounds on size and value.
#[derive(Clone, Debug, Default)]
pub(super) struct Limits {
    pub(super) minimum: Option<f64>,
    pub(super) maximum: Option<f64>,
    pub(super) exclusive_minimum: bool,
    pub(super) exclusive_maximum: bool,
    pub(super) multiple_of: Option<f64>,
    pub(super) min_length: Option<u64>,
    pub(super) max_length: Option<u64>,
    pub(super) min_items: Option<u64>,
    pub(super) max_items: Option<u64>,
    pub(super) min_properties: Option<u64>,
    pub(super) max_properties: Option<u64>,
}

/// A pattern and its source. One that does not compile here matches everything.
#[derive(Clone, Debug)]
pub(super) struct Pattern {
    pub(super) source: String,
    regex: Option<Regex>,
}

impl Pattern {
    fn new(source: &str) -> Self {
        Self { source: source.to_owned(), regex: Regex::new(source).ok() }
    }

    pub(super) fn matches(&self, text: &str) -> bool {
        self.regex.as_ref().is_none_or(|regex| regex.is_match(text))
    }
}

impl Schema {
    /// Reads a schema; null, the absent schema, preserves everything.
    pub(crate) fn parse(value: &Value) -> Self {
        let flag = |key| at(value, &[key]) == &json!(true);
        let word = |key| Some(text(value, &[key]).to_owned()).filter(|word| !word.is_empty());
        let schemas = |key| -> Vec<Self> { list(value, &[key]).iter().map(Self::parse).collect() };
        let boxed =
            |key| value.get(key).filter(|schema| schema.is_object()).map(|s| Box::new(Self::parse(s)));
        let additional_anything = flag("additionalProperties")
            .then(|| Box::new(Self { preserve_unknown: true, ..Self::default() }));
        let mut schema = Self {
            ty: word("type"),
            nullable: flag("nullable"),
            int_or_string: flag("x-kubernetes-int-or-string"),
            preserve_unknown: value.is_null() || flag("x-kubernetes-preserve-unknown-fields"),
            properties: properties(value),
            additional: boxed("additionalProperties").or(additional_anything),
            items: boxed("items"),
            required: strings(value, "required"),
            default: value.get("default").cloned(),
            choices: list(value, &["enum"]).to_vec(),
            limits: limits(value),
            pattern: word("pattern").map(|pattern| Pattern::new(&pattern)),
            format: word("format"),
            all_of: schemas("allOf"),
            any_of: schemas("anyOf"),
            one_of: schemas("oneOf"),
            not: boxed("not"),
            list_type: word("x-kubernetes-list-type"),
            list_keys: strings(value, "x-kubernetes-list-map-keys"),
            immutable: immutability(value),
            has_rules: value.get("x-kubernetes-validations").is_some(),
        };
        let is_ruled_below = schema.below().any(|schema| schema.has_rules);
        schema.has_rules |= is_ruled_below;
        schema
    }

    /// The schemas that this one is made of.
    fn below(&self) -> impl Iterator<Item = &Self> {
        let boxed = [&self.additional, &self.items, &self.not].into_iter().flatten().map(|schema| &**schema);
        let lists = [&self.all_of, &self.any_of, &self.one_of].into_iter().flatten();
        self.properties.values().chain(boxed).chain(lists)
    }
}

fn properties(value: &Value) -> BTreeMap<String, Schema> {
    let properties = at(value, &["properties"]).as_object();
    properties.into_iter().flatten().map(|(key, schema)| (key.clone(), Schema::parse(schema))).collect()
}

fn strings(value: &Value, key: &str) -> Vec<String> {
    list(value, &[key]).iter().filter_map(Value::as_str).map(str::to_owned).collect()
}

fn limits(value: &Value) -> Limits {
    let number = |key| at(value, &[key]).as_f64();
    let count = |key| at(value, &[key]).as_u64();
    Limits {
        minimum: number("minimum"),
        maximum: number("maximum"),
        exclusive_minimum: at(value, &["exclusiveMinimum"]) == &json!(true),
        exclusive_maximum: at(value, &["exclusiveMaximum"]) == &json!(true),
        multiple_of: number("multipleOf"),
        min_length: count("minLength"),
        max_length: count("maxLength"),
        min_items: count("minItems"),
        max_items: count("maxItems"),
        min_properties: count("minProperties"),
        max_properties: count("maxProperties"),
    }
}

fn immutability(value: &Value) -> Vec<String> {
    let rules = list(value, &["x-kubernetes-validations"]).iter();
    rules
        .filter(|rule| text(rule, &["rule"]).trim() == "self == oldSelf")
        .map(|rule| match text(rule, &["message"]) {
            "" => "failed rule: self == oldSelf".to_owned(),
            message => message.to_owned(),
        })
        .collect()
}
