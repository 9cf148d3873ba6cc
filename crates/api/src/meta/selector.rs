//! Label selectors: matching, Kubernetes' text form, validation.

use std::collections::BTreeMap;
use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{is_default, null_default};
use crate::open_enum::open_enum;

/// Selects objects by their labels; all requirements must hold, and an empty selector selects everything.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("x-kubernetes-map-type" = "atomic"))]
pub struct LabelSelector {
    /// Labels that must be present with these values.
    #[serde(default, deserialize_with = "null_default", skip_serializing_if = "is_default")]
    pub match_labels: BTreeMap<String, String>,
    /// Further requirements.
    #[serde(default, deserialize_with = "null_default", skip_serializing_if = "is_default")]
    #[schemars(extend("x-kubernetes-list-type" = "atomic"))]
    pub match_expressions: Vec<LabelSelectorRequirement>,
}

/// One requirement on one label.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct LabelSelectorRequirement {
    /// The label's key.
    pub key: String,
    /// How the label relates to `values`: `In`, `NotIn`, `Exists` or `DoesNotExist`.
    pub operator: SelectorOperator,
    /// At least one for `In` and `NotIn`, none for `Exists` and `DoesNotExist`.
    #[serde(default, deserialize_with = "null_default", skip_serializing_if = "is_default")]
    #[schemars(extend("x-kubernetes-list-type" = "atomic"))]
    pub values: Vec<String>,
}

open_enum! {
    /// How a label relates to a requirement's values.
    SelectorOperator {
        /// The label is present with one of the values.
        In = "In",
        /// The label is absent or has none of the values.
        NotIn = "NotIn",
        /// The label is present.
        Exists = "Exists",
        /// The label is absent.
        DoesNotExist = "DoesNotExist",
    }
}

impl LabelSelector {
    /// Whether there is no requirement at all.
    pub fn is_empty(&self) -> bool {
        self.match_labels.is_empty() && self.match_expressions.is_empty()
    }

    /// Whether every operator is known and has the number of values it needs.
    pub fn is_well_formed(&self) -> bool {
        self.match_expressions.iter().all(|expression| match expression.operator {
            SelectorOperator::In | SelectorOperator::NotIn => !expression.values.is_empty(),
            SelectorOperator::Exists | SelectorOperator::DoesNotExist => expression.values.is_empty(),
            SelectorOperator::Other(_) => false,
        })
    }

    /// Whether an object with these labels is selected; a selector that is not well formed selects nothing.
    pub fn matches(&self, labels: &BTreeMap<String, String>) -> bool {
        self.is_well_formed()
            && self.match_labels.iter().all(|(key, value)| labels.get(key) == Some(value))
            && self.match_expressions.iter().all(|expression| expression.matches(labels))
    }

    /// The text that the API server takes as `labelSelector`, requirements sorted by key: `app=demo,key in (a,b),!other`.
    /// Empty for an empty selector.
    pub fn to_query(&self) -> String {
        let mut requirements: Vec<(&str, String)> = self
            .match_labels
            .iter()
            .map(|(key, value)| (key.as_str(), format!("{key}={value}")))
            .chain(self.match_expressions.iter().map(|it| (it.key.as_str(), it.to_query())))
            .collect();
        requirements.sort_by_key(|(key, _)| *key);
        let texts: Vec<String> = requirements.into_iter().map(|(_, text)| text).collect();
        texts.join(",")
    }

    /// What is wrong with this selector, in Kubernetes' words; `path` is where it stands, such as `spec.selector`.
    pub fn validate(&self, path: &str) -> Vec<String> {
        let mut errors = Vec::new();
        for (key, value) in &self.match_labels {
            let path = format!("{path}.matchLabels");
            errors.extend(syntax::label_key(key).into_iter().map(|text| invalid(&path, key, &text)));
            errors.extend(syntax::label_value(value).into_iter().map(|text| invalid(&path, value, &text)));
        }
        for (index, expression) in self.match_expressions.iter().enumerate() {
            errors.extend(expression.validate(&format!("{path}.matchExpressions[{index}]")));
        }
        errors
    }
}

/// The text shown to people, as in `status.selector`: `<none>` for an empty selector, `<error>` for one that is not
/// well formed.
impl fmt::Display for LabelSelector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.is_empty(), self.is_well_formed()) {
            (true, _) => f.write_str("<none>"),
            (false, true) => f.write_str(&self.to_query()),
            (false, false) => f.write_str("<error>"),
        }
    }
}

impl LabelSelectorRequirement {
    fn matches(&self, labels: &BTreeMap<String, String>) -> bool {
        let value = labels.get(&self.key);
        let listed = value.is_some_and(|value| self.values.contains(value));
        match self.operator {
            SelectorOperator::In => listed,
            SelectorOperator::NotIn => !listed,
            SelectorOperator::Exists => value.is_some(),
            SelectorOperator::DoesNotExist => value.is_none(),
            SelectorOperator::Other(_) => false,
        }
    }

    fn to_query(&self) -> String {
        let key = &self.key;
        let mut values = self.values.clone();
        values.sort();
        let values = values.join(",");
        match &self.operator {
            SelectorOperator::In => format!("{key} in ({values})"),
            SelectorOperator::NotIn => format!("{key} notin ({values})"),
            SelectorOperator::Exists => key.clone(),
            SelectorOperator::DoesNotExist => format!("!{key}"),
            SelectorOperator::Other(operator) => format!("{key} {operator} ({values})"),
        }
    }

    fn validate(&self, path: &str) -> Vec<String> {
        let mut errors = Vec::new();
        match &self.operator {
            SelectorOperator::In | SelectorOperator::NotIn if self.values.is_empty() => errors.push(format!(
                "{path}.values: Required value: must be specified when `operator` is 'In' or 'NotIn'"
            )),
            SelectorOperator::Exists | SelectorOperator::DoesNotExist if !self.values.is_empty() => errors.push(
                format!("{path}.values: Forbidden: may not be specified when `operator` is 'Exists' or 'DoesNotExist'"),
            ),
            SelectorOperator::Other(operator) => {
                errors.push(invalid(&format!("{path}.operator"), operator, "not a valid selector operator"));
            }
            _ => {}
        }
        let key_errors = syntax::label_key(&self.key);
        errors.extend(key_errors.iter().map(|text| invalid(&format!("{path}.key"), &self.key, text)));
        for (index, value) in self.values.iter().enumerate() {
            let path = format!("{path}.values[{index}]");
            errors.extend(syntax::label_value(value).into_iter().map(|text| invalid(&path, value, &text)));
        }
        errors
    }
}

fn invalid(path: &str, value: &str, text: &str) -> String {
    format!("{path}: Invalid value: {value:?}: {text}")
}

/// What Kubernetes demands of the text of label keys and values.
mod syntax {
    const NAME: &str = "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an \
                        alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation \
                        is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')";
    const SUBDOMAIN: &str = "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or \
                             '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used \
                             for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";
    const VALUE: &str = "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', \
                         and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or \
                         '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')";

    pub(super) fn label_key(key: &str) -> Vec<String> {
        let (prefix, name) = match key.split_once('/') {
            None => (None, key),
            Some((prefix, name)) if !name.contains('/') => (Some(prefix), name),
            Some(_) => {
                return vec![format!(
                    "a qualified name {NAME} with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')"
                )];
            }
        };
        let mut errors = Vec::new();
        match prefix {
            Some("") => errors.push("prefix part must be non-empty".to_owned()),
            Some(prefix) => {
                errors.extend(too_long(prefix, 253).map(|text| format!("prefix part {text}")));
                if !is_subdomain(prefix) {
                    errors.push(format!("prefix part {SUBDOMAIN}"));
                }
            }
            None => {}
        }
        if name.is_empty() {
            errors.push("name part must be non-empty".to_owned());
        }
        errors.extend(too_long(name, 63).map(|text| format!("name part {text}")));
        if !is_name(name) {
            errors.push(format!("name part {NAME}"));
        }
        errors
    }

    pub(super) fn label_value(value: &str) -> Vec<String> {
        let mut errors: Vec<String> = too_long(value, 63).into_iter().collect();
        if !value.is_empty() && !is_name(value) {
            errors.push(VALUE.to_owned());
        }
        errors
    }

    fn too_long(text: &str, max: usize) -> Option<String> {
        (text.len() > max).then(|| format!("must be no more than {max} bytes"))
    }

    fn is_name(text: &str) -> bool {
        let inner = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
        text.bytes().all(inner)
            && text.as_bytes().first().is_some_and(u8::is_ascii_alphanumeric)
            && text.as_bytes().last().is_some_and(u8::is_ascii_alphanumeric)
    }

    fn is_subdomain(text: &str) -> bool {
        let outer = |byte: &u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
        text.split('.').all(|part| {
            part.bytes().all(|byte| byte == b'-' || outer(&byte))
                && part.as_bytes().first().is_some_and(outer)
                && part.as_bytes().last().is_some_and(outer)
        })
    }
}

#[cfg(test)]
mod tests;
