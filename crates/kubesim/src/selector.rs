//! Label and field selectors, as queries write them and as specs do.

use serde_json::Value;

use crate::json::{at, list, text};
use crate::resources::Resource;
use crate::status::ApiError;

#[derive(Clone, Debug, PartialEq, Eq)]
enum Requirement {
    In(String, Vec<String>),
    NotIn(String, Vec<String>),
    Exists(String),
    Absent(String),
}

/// A label selector; the empty one matches everything.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct LabelSelector {
    requirements: Vec<Requirement>,
    matches_nothing: bool,
}

impl LabelSelector {
    /// Reads `a=b,c!=d,e in (f,g),h,!i`.
    pub(crate) fn parse(query: &str) -> Result<Self, ApiError> {
        let mut requirements = Vec::new();
        for part in split_outside_parentheses(query) {
            let part = part.trim();
            if part.is_empty() {
                continue;
            }
            let requirement = parse_requirement(part).ok_or_else(|| {
                ApiError::bad_request(format!(
                    "unable to parse requirement: found '{part}', expected: a selector"
                ))
            })?;
            requirements.push(requirement);
        }
        Ok(Self { requirements, matches_nothing: false })
    }

    /// Reads `matchLabels` and `matchExpressions`; an absent selector matches nothing.
    pub(crate) fn from_spec(spec: &Value) -> Self {
        let mut requirements = Vec::new();
        for (key, value) in at(spec, &["matchLabels"]).as_object().into_iter().flatten() {
            requirements.push(Requirement::In(key.clone(), vec![value.as_str().unwrap_or("").to_owned()]));
        }
        for expression in list(spec, &["matchExpressions"]) {
            let key = text(expression, &["key"]).to_owned();
            let values = || -> Vec<String> {
                list(expression, &["values"]).iter().filter_map(Value::as_str).map(str::to_owned).collect()
            };
            requirements.push(match text(expression, &["operator"]) {
                "In" => Requirement::In(key, values()),
                "NotIn" => Requirement::NotIn(key, values()),
                "Exists" => Requirement::Exists(key),
                _ => Requirement::Absent(key),
            });
        }
        Self { requirements, matches_nothing: spec.is_null() }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.requirements.is_empty() && !self.matches_nothing
    }

    /// Whether `labels` (a map, or null) satisfies every requirement.
    pub(crate) fn matches(&self, labels: &Value) -> bool {
        let value = |key: &str| labels.get(key).and_then(Value::as_str);
        let is_one_of =
            |key: &str, values: &[String]| value(key).is_some_and(|value| values.iter().any(|v| v == value));
        !self.matches_nothing
            && self.requirements.iter().all(|requirement| match requirement {
                Requirement::In(key, values) => is_one_of(key, values),
                Requirement::NotIn(key, values) => !is_one_of(key, values),
                Requirement::Exists(key) => value(key).is_some(),
                Requirement::Absent(key) => value(key).is_none(),
            })
    }
}

impl std::fmt::Display for LabelSelector {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let parts: Vec<String> = self
            .requirements
            .iter()
            .map(|requirement| match requirement {
                Requirement::In(key, values) => match values.as_slice() {
                    [one] => format!("{key}={one}"),
                    several => format!("{key} in ({})", several.join(",")),
                },
                Requirement::NotIn(key, values) => format!("{key} notin ({})", values.join(",")),
                Requirement::Exists(key) => key.clone(),
                Requirement::Absent(key) => format!("!{key}"),
            })
            .collect();
        formatter.write_str(&parts.join(","))
    }
}

fn split_outside_parentheses(query: &str) -> Vec<&str> {
    let mut depth = 0usize;
    query
        .split(|c| {
            match c {
                '(' => depth += 1,
                ')' => depth = depth.saturating_sub(1),
                _ => {}
            }
            c == ',' && depth == 0
        })
        .collect()
}

fn parse_requirement(part: &str) -> Option<Requirement> {
    let is_name = |text: &str| {
        !text.is_empty()
            && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '/'))
    };
    let key = |text: &str| Some(text.trim().to_owned()).filter(|key| is_name(key));
    if let Some((name, values)) = part.split_once('(') {
        let values = values.trim_end().strip_suffix(')')?;
        let values = values.split(',').map(|value| value.trim().to_owned()).collect();
        let (name, operator) = name.trim().rsplit_once(' ')?;
        return match operator {
            "in" => Some(Requirement::In(key(name)?, values)),
            "notin" => Some(Requirement::NotIn(key(name)?, values)),
            _ => None,
        };
    }
    if let Some((name, value)) = part.split_once("!=") {
        return Some(Requirement::NotIn(key(name)?, vec![value.trim().to_owned()]));
    }
    if let Some((name, value)) = part.split_once("==").or_else(|| part.split_once('=')) {
        return Some(Requirement::In(key(name)?, vec![value.trim().to_owned()]));
    }
    match part.strip_prefix('!') {
        Some(name) => Some(Requirement::Absent(key(name)?)),
        None => Some(Requirement::Exists(key(part)?)),
    }
}

/// A field selector: paths that must, or must not, equal a value.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct FieldSelector {
    terms: Vec<(String, bool, String)>,
}

/// The fields by which a resource can be selected, besides name and namespace.
fn selectable(resource: &str) -> &'static [&'static str] {
    match resource {
        "pods" => &[
            "spec.nodeName",
            "spec.host",
            "spec.restartPolicy",
            "spec.schedulerName",
            "spec.serviceAccountName",
            "spec.hostNetwork",
            "status.phase",
            "status.podIP",
            "status.podIPs",
            "status.nominatedNodeName",
        ],
        "events" => &[
            "involvedObject.kind",
            "involvedObject.namespace",
            "involvedObject.name",
            "involvedObject.uid",
            "involvedObject.apiVersion",
            "involvedObject.resourceVersion",
            "involvedObject.fieldPath",
            "reason",
            "reportingComponent",
            "source",
            "type",
        ],
        "namespaces" => &["status.phase"],
        "nodes" => &["spec.unschedulable"],
        "replicationcontrollers" => &["status.replicas"],
        "secrets" => &["type"],
        "services" => &["spec.clusterIP", "spec.type"],
        "jobs.batch" => &["status.successful"],
        _ => &[],
    }
}

impl FieldSelector {
    /// Reads `metadata.name=x,status.phase!=Running` for the resource with this qualified name.
    pub(crate) fn parse(query: &str, resource: &Resource) -> Result<Self, ApiError> {
        let mut terms = Vec::new();
        for part in query.split(',').filter(|part| !part.is_empty()) {
            let (field, wanted, value) = if let Some((field, value)) = part.split_once("!=") {
                (field, false, value)
            } else if let Some((field, value)) = part.split_once("==").or_else(|| part.split_once('=')) {
                (field, true, value)
            } else {
                let message = format!("invalid selector: '{query}'; can't understand '{part}'");
                return Err(ApiError::bad_request(message));
            };
            let is_known = match field {
                "metadata.name" => true,
                "metadata.namespace" => {
                    let has_none = resource.is_custom() || resource.is("nodes") || resource.is("namespaces");
                    resource.namespaced || !has_none
                }
                _ => selectable(&resource.id).contains(&field),
            };
            if !is_known {
                let message = format!("field label not supported: {field}");
                return Err(ApiError::bad_request(message));
            }
            terms.push((field.to_owned(), wanted, value.to_owned()));
        }
        Ok(Self { terms })
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.terms.is_empty()
    }

    /// Whether objects of this name are looked at: where a name is asked for, no other is.
    pub(crate) fn may_be_called(&self, name: &str) -> bool {
        self.terms.iter().all(|(field, wanted, value)| field != "metadata.name" || !wanted || value == name)
    }

    /// Whether at most one name is asked for.
    pub(crate) fn names_one(&self) -> bool {
        self.terms.iter().any(|(field, wanted, _)| field == "metadata.name" && *wanted)
    }

    /// Whether every term holds for `object`.
    pub(crate) fn matches(&self, object: &Value) -> bool {
        self.terms.iter().all(|(field, wanted, value)| (selectable_value(object, field) == *value) == *wanted)
    }
}

/// What a field selector sees of an object. Some fields are not where their names say, and numbers and flags are never empty.
fn selectable_value(object: &Value, field: &str) -> String {
    let (path, zero) = match field {
        "source" if text(object, &["source", "component"]).is_empty() => ("reportingComponent", ""),
        "source" => ("source.component", ""),
        "spec.host" => ("spec.nodeName", ""),
        "spec.hostNetwork" | "spec.unschedulable" => (field, "false"),
        "status.replicas" => (field, "0"),
        "status.successful" => ("status.succeeded", "0"),
        // A name that is known and never filled in.
        "status.podIPs" => return String::new(),
        other => (other, ""),
    };
    let path: Vec<&str> = path.split('.').collect();
    match at(object, &path) {
        Value::Null => zero.to_owned(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// What a list or watch selects.
#[derive(Clone, Debug, Default)]
pub(crate) struct Selector {
    pub(crate) labels: LabelSelector,
    pub(crate) fields: FieldSelector,
}

impl Selector {
    pub(crate) fn is_empty(&self) -> bool {
        self.labels.is_empty() && self.fields.is_empty()
    }

    pub(crate) fn matches(&self, object: &Value) -> bool {
        self.labels.matches(at(object, &["metadata", "labels"])) && self.fields.matches(object)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn queries_select_as_kubernetes_does() {
        let labels = json!({"app": "web", "tier": "front"});
        for (query, expected) in [
            ("", true),
            ("app=web", true),
            ("app==web,tier=front", true),
            ("app!=web", false),
            ("missing!=web", true),
            ("app in (api, web)", true),
            ("app notin (api,web)", false),
            ("missing notin (api)", true),
            ("app,!missing", true),
            ("!app", false),
            ("missing", false),
        ] {
            assert_eq!(LabelSelector::parse(query).unwrap().matches(&labels), expected, "{query}");
        }
        assert_eq!(LabelSelector::parse("app in web").unwrap_err().code, 400);
    }

    #[test]
    fn an_absent_selector_matches_nothing_and_an_empty_one_everything() {
        assert!(!LabelSelector::from_spec(&Value::Null).matches(&json!({})));
        assert!(LabelSelector::from_spec(&json!({})).matches(&Value::Null));
    }

    #[test]
    fn fields_are_seen_as_a_real_server_sees_them() {
        let registry = crate::resources::Registry::with_built_ins();
        let event = json!({"source": {"component": "a", "host": "h"}, "reportingComponent": "b"});
        let told = json!({"source": {}, "reportingComponent": "b"});
        for (group, plural, query, object, expected) in [
            ("", "events", "source=a", &event, true),
            ("", "events", "source=b", &event, false),
            ("", "events", "source=b", &told, true),
            ("", "events", "reportingComponent=b", &event, true),
            ("", "secrets", "type=Opaque", &json!({"type": "Opaque"}), true),
            ("", "services", "spec.type=ClusterIP", &json!({"spec": {"type": "ClusterIP"}}), true),
            ("", "services", "spec.clusterIP!=None", &json!({"spec": {"clusterIP": "None"}}), false),
            ("", "pods", "spec.hostNetwork=false", &json!({"spec": {}}), true),
            ("", "pods", "spec.hostNetwork=true", &json!({"spec": {"hostNetwork": true}}), true),
            ("", "pods", "spec.host=n1", &json!({"spec": {"nodeName": "n1"}}), true),
            ("", "pods", "status.podIPs=", &json!({"status": {"podIPs": [{"ip": "10.0.0.1"}]}}), true),
            ("", "nodes", "spec.unschedulable=false", &json!({}), true),
            ("", "replicationcontrollers", "status.replicas=0", &json!({}), true),
            ("batch", "jobs", "status.successful=2", &json!({"status": {"succeeded": 2}}), true),
        ] {
            let resource = registry.get(group, "v1", plural).unwrap();
            let selector = FieldSelector::parse(query, &resource).unwrap();
            assert_eq!(selector.matches(object), expected, "{plural} {query}");
        }
        for (group, plural, query) in [
            ("apps", "replicasets", "status.replicas=1"),
            ("", "nodes", "metadata.namespace=a"),
            ("", "configmaps", "type=a"),
        ] {
            let resource = registry.get(group, "v1", plural).unwrap();
            assert_eq!(FieldSelector::parse(query, &resource).unwrap_err().code, 400, "{plural} {query}");
        }
    }

    #[test]
    fn field_selectors_know_which_fields_a_resource_has() {
        let pod = json!({"metadata": {"name": "a"}, "status": {"phase": "Running"}});
        let pods = crate::resources::Registry::with_built_ins().get("", "v1", "pods").unwrap();
        let parse = |query| FieldSelector::parse(query, &pods);
        assert!(parse("metadata.name=a,status.phase!=Failed").unwrap().matches(&pod));
        assert!(!parse("metadata.name=b").unwrap().matches(&pod));
        assert_eq!(parse("spec.color=red").unwrap_err().message, "field label not supported: spec.color");
    }
}
