//! The normal form of a pod template.

use serde_json::{Map, Value, json};

use super::Injected;
use super::defaults::{Depends, RULES};
use crate::hash::POD_TEMPLATE;
use crate::hash::fields::Kind;
use crate::hash::{quantity, scalar};
use crate::labels::POD_TEMPLATE_HASH;

pub(super) fn form(template: &Value, injected: &Injected) -> Value {
    let mut template = if template.is_null() { json!({}) } else { template.clone() };
    drop_injected(&mut template, injected);
    clean(&POD_TEMPLATE.root, &mut template);
    template
}

fn drop_injected(template: &mut Value, injected: &Injected) {
    let metadata = |template: &mut Value, member: &str, drop: &mut dyn FnMut(&str) -> bool| {
        if let Some(Value::Object(members)) = template.pointer_mut(&format!("/metadata/{member}")) {
            members.retain(|key, _| !drop(key));
        }
    };
    metadata(template, "labels", &mut |key| key == POD_TEMPLATE_HASH || injected.labels.contains_key(key));
    metadata(template, "annotations", &mut |key| injected.annotations.contains_key(key));
    drop_anti_affinity(template);
}

/// The lists of anti-affinity terms, and where in an entry the term stands.
const ANTI_AFFINITY_TERMS: [(&str, &str); 2] = [
    ("requiredDuringSchedulingIgnoredDuringExecution", ""),
    ("preferredDuringSchedulingIgnoredDuringExecution", "/podAffinityTerm"),
];

/// The hash that the first term that selects by the hash label names.
pub(super) fn keeps_away_from(template: &Value) -> Option<&str> {
    let anti = template.pointer("/spec/affinity/podAntiAffinity")?;
    let terms = |(list, term): &(&str, &'static str)| {
        let term = *term;
        let entries = anti.get(*list).and_then(Value::as_array).into_iter().flatten();
        entries.filter_map(move |entry| entry.pointer(term))
    };
    let expressions = ANTI_AFFINITY_TERMS.iter().flat_map(terms).filter_map(|term| {
        let expressions = term.pointer("/labelSelector/matchExpressions")?.as_array()?;
        expressions.iter().find(|expression| expression["key"] == POD_TEMPLATE_HASH)
    });
    expressions.filter_map(|expression| expression.pointer("/values/0")?.as_str()).next()
}

/// Takes out the terms that select by the hash label, and what they leave empty.
fn drop_anti_affinity(template: &mut Value) {
    let Some(Value::Object(affinity)) = template.pointer_mut("/spec/affinity") else { return };
    if let Some(Value::Object(anti)) = affinity.get_mut("podAntiAffinity") {
        for (list, term) in ANTI_AFFINITY_TERMS {
            if let Some(Value::Array(terms)) = anti.get_mut(list) {
                terms.retain(|entry| !entry.pointer(term).is_some_and(selects_by_hash));
            }
        }
    }
    for kind in ["podAntiAffinity", "podAffinity", "nodeAffinity"] {
        if affinity.get(kind).is_some_and(asks_for_nothing) {
            affinity.remove(kind);
        }
    }
    if asks_for_nothing(&Value::Object(affinity.clone()))
        && let Some(Value::Object(spec)) = template.get_mut("spec")
    {
        spec.remove("affinity");
    }
}

fn selects_by_hash(term: &Value) -> bool {
    let expressions = term.pointer("/labelSelector/matchExpressions").and_then(Value::as_array);
    expressions.into_iter().flatten().any(|expression| expression["key"] == POD_TEMPLATE_HASH)
}

fn asks_for_nothing(affinity: &Value) -> bool {
    let empty = |value: &Value| value.is_null() || value.as_array().is_some_and(Vec::is_empty);
    affinity.as_object().is_some_and(|members| members.values().all(empty))
}

/// Brings a value of this kind into normal form. A value that Go could not decode stays as it is.
fn clean(kind: &Kind, value: &mut Value) {
    match (kind, &mut *value) {
        (Kind::Pointer(inner), _) => clean(inner, value),
        (Kind::Struct(index), Value::Object(members)) => clean_struct(*index, members),
        (Kind::List(inner), Value::Array(items)) => {
            items.iter_mut().for_each(|item| clean_element(inner, item));
        }
        (Kind::Map(inner), Value::Object(members)) if matches!(**inner, Kind::Quantity) => {
            members.values_mut().for_each(|amount| clean_quantity(amount, true));
        }
        (Kind::Map(inner), Value::Object(members)) => {
            members.values_mut().for_each(|item| clean_element(inner, item));
        }
        (Kind::Quantity, _) => clean_quantity(value, false),
        (Kind::Int | Kind::IntOrString, Value::Number(_)) => {
            if let Some(number) = scalar::whole(value) {
                *value = Value::from(number);
            }
        }
        (Kind::Time, Value::String(text)) => {
            if let Some(time) = scalar::time_text(text) {
                *text = time;
            }
        }
        _ => {}
    }
}

/// An item of a list or map, where null stands for the zero value.
fn clean_element(kind: &Kind, value: &mut Value) {
    if value.is_null() {
        *value = match kind {
            Kind::Text => Value::from(""),
            Kind::Int => Value::from(0),
            Kind::Struct(_) => json!({}),
            _ => return,
        };
    }
    clean(kind, value);
}

fn clean_quantity(value: &mut Value, milli: bool) {
    let text = match value {
        Value::String(text) => quantity::by_value(text.trim(), milli),
        Value::Number(number) => quantity::by_value(&scalar::number_text(number), milli),
        Value::Null => Some("0".to_owned()),
        _ => None,
    };
    if let Some(text) = text {
        *value = Value::from(text);
    }
}

fn clean_struct(index: usize, members: &mut Map<String, Value>) {
    let of = POD_TEMPLATE.type_at(index);
    let rules = &RULES[index];
    for member in &rules.always {
        if members.get(*member).is_none_or(Value::is_null) {
            members.insert((*member).to_owned(), json!({}));
        }
    }
    for (name, value) in members.iter_mut() {
        if let Some(position) = of.position(name)
            && !value.is_null()
        {
            clean(&of.fields[position].kind, value);
        }
    }
    // Empty members go before the defaults come, so that a default has only one kind of gap to fill.
    members.retain(|name, value| {
        of.position(name).map_or(!value.is_null(), |position| has_meaning(&of.fields[position].kind, value))
    });
    for (member, default) in &rules.constants {
        if !members.contains_key(*member) {
            members.insert((*member).to_owned(), default.clone());
        }
    }
    match rules.depends {
        Some(Depends::VolumeSource) => default_volume_source(members),
        Some(Depends::PullPolicy { image, policy }) => default_pull_policy(members, image, policy),
        Some(Depends::Pod) => default_pod(members),
        None => {}
    }
}

/// Whether a clean value differs from none at all for Go's comparison, in which nil and empty are equal but a pointer to nothing
/// much is not.
fn has_meaning(kind: &Kind, value: &Value) -> bool {
    match kind {
        _ if value.is_null() => false,
        Kind::Struct(_) => value.as_object().is_none_or(|members| !members.is_empty()),
        Kind::Quantity => value.as_str() != Some("0"),
        Kind::IntOrString => value.as_i64() != Some(0),
        Kind::Pointer(_) => true,
        _ => !kind.is_empty(value),
    }
}

fn default_volume_source(volume: &mut Map<String, Value>) {
    if volume.keys().all(|member| member == "name") {
        volume.insert("emptyDir".to_owned(), json!({}));
    }
}

fn default_pull_policy(members: &mut Map<String, Value>, image: &str, policy: &str) {
    if members.contains_key(policy) {
        return;
    }
    let latest = members.get(image).and_then(Value::as_str).is_some_and(is_latest);
    members.insert(policy.to_owned(), Value::from(if latest { "Always" } else { "IfNotPresent" }));
}

/// Whether an image is `latest`, said or implied. What is no image reference is not.
fn is_latest(image: &str) -> bool {
    let (name, digest) = image.split_once('@').map_or((image, None), |(name, digest)| (name, Some(digest)));
    let (registry, rest) = match name.split_once('/') {
        Some((first, rest))
            if first.contains(['.', ':'])
                || first == "localhost"
                || first.contains(|c: char| c.is_ascii_uppercase()) =>
        {
            (Some(first), rest)
        }
        _ => (None, name),
    };
    let (path, tag) = rest.split_once(':').map_or((rest, None), |(path, tag)| (path, Some(tag)));
    is_path(path) && registry != Some("") && tag.map_or(digest.is_none(), |tag| tag == "latest")
}

/// Lower-case words joined by separators, joined by slashes.
fn is_path(path: &str) -> bool {
    let word = |word: &str| {
        let inside = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
        word.starts_with(inside)
            && word.ends_with(inside)
            && word.chars().all(|c| inside(c) || "._-".contains(c))
    };
    path.split('/').all(word)
}

fn default_pod(spec: &mut Map<String, Value>) {
    if let Some(alias) = spec.remove("serviceAccount")
        && !spec.contains_key("serviceAccountName")
    {
        spec.insert("serviceAccountName".to_owned(), alias);
    }
    if spec.get("hostNetwork") == Some(&Value::Bool(true)) {
        for list in ["containers", "initContainers"] {
            let containers = spec.get_mut(list).and_then(Value::as_array_mut);
            for container in containers.into_iter().flatten() {
                default_host_ports(container);
            }
        }
    }
}

/// API servers before 1.28 stored the host port that the host network implies.
fn default_host_ports(container: &mut Value) {
    let ports = container.get_mut("ports").and_then(Value::as_array_mut);
    for port in ports.into_iter().flatten().filter_map(Value::as_object_mut) {
        if let Some(number) = port.get("containerPort").cloned()
            && !port.contains_key("hostPort")
        {
            port.insert("hostPort".to_owned(), number);
        }
    }
}
