//! Names, labels, annotations and owner references.

use serde_json::Value;

use crate::field::Cause;
use crate::json::{at, list, name, text};
use crate::resources::Resource;

const SUBDOMAIN: &str = "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";
const LABEL_1123: &str = "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')";
const LABEL_VALUE: &str = "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')";
const QUALIFIED_NAME: &str = "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')";

/// What is wrong with the metadata of an object; `old` is the stored object on an update.
pub(crate) fn check(object: &Value, old: Option<&Value>, resource: &Resource) -> Vec<Cause> {
    let mut causes = Vec::new();
    // Names do not change; these two are looked at as if they were new each time.
    if old.is_none() || matches!(resource.id.as_str(), "configmaps" | "secrets" | "pods") {
        check_new(object, resource, &mut causes);
    }
    check_labels(at(object, &["metadata", "labels"]), "metadata.labels", &mut causes);
    for key in at(object, &["metadata", "annotations"]).as_object().into_iter().flatten().map(|(key, _)| key)
    {
        for problem in qualified_name(&key.to_lowercase()) {
            causes.push(Cause::invalid("metadata.annotations", &key.as_str().into(), &problem));
        }
    }
    check_owners(list(object, &["metadata", "ownerReferences"]), &mut causes);
    let finalizers = list(object, &["metadata", "finalizers"]);
    check_propagation(finalizers, &mut causes);
    let is_lenient = LENIENT.contains(&resource.id.as_str()) || resource.is("leases.coordination.k8s.io");
    let is_known = |finalizer: &str| ["", "foregroundDeletion", "kubernetes", "orphan"].contains(&finalizer);
    if !resource.is_custom() && !is_lenient {
        for (index, finalizer) in finalizers.iter().filter_map(Value::as_str).enumerate() {
            if !finalizer.contains('/') && !is_known(finalizer) {
                let field = format!("metadata.finalizers[{index}]");
                let detail = "name is neither a standard finalizer name nor is it fully qualified";
                causes.push(Cause::invalid(&field, &finalizer.into(), detail));
            }
        }
    }
    causes
}

/// Built-in resources whose metadata are only looked at as those of all objects are.
pub(crate) const LENIENT: [&str; 2] = ["events", "poddisruptionbudgets.policy"];

fn check_new(object: &Value, resource: &Resource, causes: &mut Vec<Cause>) {
    let prefix = text(object, &["metadata", "generateName"]);
    if !prefix.is_empty() {
        // What is put after it may make up for a dash at its end.
        let shown = match prefix.strip_suffix('-') {
            Some(start) if !start.is_empty() => format!("{start}a"),
            _ => prefix.to_owned(),
        };
        for problem in name_problems(&shown, resource) {
            causes.push(Cause::invalid("metadata.generateName", &prefix.into(), &problem));
        }
    }
    let own = name(object);
    if own.is_empty() {
        causes.push(Cause::required("metadata.name", "name or generateName is required"));
    }
    let problems = if own.is_empty() { Vec::new() } else { name_problems(own, resource) };
    for problem in problems {
        causes.push(Cause::invalid("metadata.name", &own.into(), &problem));
    }
    let finalizers = list(object, &["metadata", "finalizers"]);
    for finalizer in finalizers.iter().filter_map(Value::as_str) {
        for problem in qualified_name(finalizer) {
            causes.push(Cause::invalid("metadata.finalizers", &finalizer.into(), &problem));
        }
    }
}

/// Whoever deletes can wait for the dependents or let them go, and not both.
fn check_propagation(finalizers: &[Value], causes: &mut Vec<Cause>) {
    if ["foregroundDeletion", "orphan"].iter().all(|kept| finalizers.iter().any(|it| it == kept)) {
        let detail = "finalizer orphan and foregroundDeletion cannot be both set";
        causes.push(Cause::invalid("metadata.finalizers", &finalizers.into(), detail));
    }
}

fn name_problems(name: &str, resource: &Resource) -> Vec<String> {
    match resource.id.as_str() {
        "services" | "namespaces" => dns_label(name),
        "events" | "poddisruptionbudgets.policy" => path_segment(name),
        _ => dns_subdomain(name),
    }
}

fn path_segment(name: &str) -> Vec<String> {
    let dots = matches!(name, "." | "..").then(|| format!("may not be '{name}'"));
    let characters = ["/", "%"].into_iter().filter(|it| name.contains(it));
    dots.into_iter().chain(characters.map(|it| format!("may not contain '{it}'"))).collect()
}

/// Adds what is wrong with the keys and values of `labels`.
pub(crate) fn check_labels(labels: &Value, path: &str, causes: &mut Vec<Cause>) {
    for (key, value) in labels.as_object().into_iter().flatten() {
        for problem in qualified_name(key) {
            causes.push(Cause::invalid(path, &key.as_str().into(), &problem));
        }
        for problem in label_value(value.as_str().unwrap_or("")) {
            causes.push(Cause::invalid(path, value, &problem));
        }
    }
}

fn check_owners(owners: &[Value], causes: &mut Vec<Cause>) {
    for (index, owner) in owners.iter().enumerate() {
        for key in ["apiVersion", "kind", "name", "uid"] {
            if text(owner, &[key]).is_empty() {
                let path = format!("metadata.ownerReferences[{index}].{key}");
                causes.push(Cause::required(&path, "must not be empty"));
            }
        }
        if (text(owner, &["apiVersion"]), text(owner, &["kind"])) == ("v1", "Event") {
            let path = format!("metadata.ownerReferences[{index}]");
            causes.push(Cause::invalid(&path, owner, "/v1, Kind=Event is disallowed from being an owner"));
        }
    }
    let controllers: Vec<&Value> =
        owners.iter().filter(|owner| owner.get("controller") == Some(&Value::Bool(true))).collect();
    if let [first, second, ..] = controllers.as_slice() {
        let detail = format!(
            "Only one reference can have Controller set to true. Found \"true\" in references for {}/{} and {}/{}",
            text(first, &["kind"]),
            text(first, &["name"]),
            text(second, &["kind"]),
            text(second, &["name"])
        );
        causes.push(Cause::invalid("metadata.ownerReferences", &Value::Array(owners.to_vec()), &detail));
    }
}

fn too_long(text: &str, most: usize) -> Option<String> {
    (text.len() > most).then(|| format!("must be no more than {most} bytes"))
}

fn is_lower(c: char) -> bool {
    c.is_ascii_lowercase() || c.is_ascii_digit()
}

fn is_dns_label(text: &str) -> bool {
    text.starts_with(is_lower) && text.ends_with(is_lower) && text.chars().all(|c| is_lower(c) || c == '-')
}

fn is_word(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphanumeric())
        && text.ends_with(|c: char| c.is_ascii_alphanumeric())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'))
}

/// What is wrong with a name of up to 63 characters.
pub(crate) fn dns_label(text: &str) -> Vec<String> {
    let shape = (!is_dns_label(text)).then(|| LABEL_1123.to_owned());
    too_long(text, 63).into_iter().chain(shape).collect()
}

/// What is wrong with a name of labels with dots between them.
pub(super) fn dns_subdomain(text: &str) -> Vec<String> {
    let fits = text.split('.').all(is_dns_label);
    too_long(text, 253).into_iter().chain((!fits).then(|| SUBDOMAIN.to_owned())).collect()
}

fn label_value(text: &str) -> Vec<String> {
    let fits = text.is_empty() || is_word(text);
    too_long(text, 63).into_iter().chain((!fits).then(|| LABEL_VALUE.to_owned())).collect()
}

/// What is wrong with a name that may have a prefix.
pub(super) fn qualified_name(text: &str) -> Vec<String> {
    let (prefix, name) = match text.split_once('/') {
        Some((prefix, name)) => (Some(prefix), name),
        None => (None, text),
    };
    let mut problems = Vec::new();
    if let Some(prefix) = prefix {
        if prefix.is_empty() {
            problems.push("prefix part must be non-empty".to_owned());
        } else {
            problems
                .extend(dns_subdomain(prefix).into_iter().map(|problem| format!("prefix part {problem}")));
        }
    }
    if name.is_empty() {
        problems.push("name part must be non-empty".to_owned());
    } else if name.len() > 63 {
        problems.push("name part must be no more than 63 bytes".to_owned());
    }
    if !is_word(name) {
        problems.push(QUALIFIED_NAME.to_owned());
    }
    problems
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_have_their_shapes() {
        assert!(dns_subdomain("rollouts.argoproj.io").is_empty());
        assert!(dns_label("a-1").is_empty());
        for bad in ["", "A", "-a", "a-", "a_b", "a..b"] {
            assert_eq!(dns_subdomain(bad), [SUBDOMAIN], "{bad}");
        }
        assert_eq!(dns_label(&"a".repeat(64)), ["must be no more than 63 bytes"]);
    }

    #[test]
    fn label_keys_may_have_a_prefix() {
        assert!(qualified_name("example.com/My_Name.1").is_empty());
        assert_eq!(qualified_name("/a"), ["prefix part must be non-empty"]);
        assert_eq!(qualified_name("a b"), [QUALIFIED_NAME]);
        assert!(label_value("").is_empty());
        assert_eq!(label_value("a b"), [LABEL_VALUE]);
    }
}
