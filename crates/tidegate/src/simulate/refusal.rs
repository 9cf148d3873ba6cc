//! What controller and API server say of a manifest, as fields of the file and texts.

use tidegate_sim::UserError;
use tidegate_sim::manifest::{Content, Node};

use super::repair::Repair;
use super::{quantity, schema};

/// A finding of the controller's validation, `<path>: <text>`, taken apart; the path is empty where there is none.
pub(super) fn of_spec(finding: &str) -> (String, String) {
    match finding.split_once(": ") {
        Some((path, text)) if path.starts_with("spec") && !path.contains(' ') => {
            (path.to_owned(), text.to_owned())
        }
        _ => (String::new(), finding.to_owned()),
    }
}

/// The text of an InvalidSpec condition without the words around the finding.
pub(super) fn of_condition(message: &str) -> (String, String) {
    let finding = message.strip_prefix("The Rollout \"").and_then(|rest| rest.split_once("\" is invalid: "));
    of_spec(finding.map_or(message, |(_, finding)| finding))
}

/// The path as the file has it. The controller's paths leave out the strategy, as those of Argo Rollouts do.
pub(super) fn real_path(rollout: &Node, path: &str) -> String {
    let Some(rest) = path.strip_prefix("spec.strategy.").filter(|_| !rollout.has(path)) else {
        return path.to_owned();
    };
    if rest == "strategy" {
        return "spec.strategy".to_owned();
    }
    if rest.starts_with("canary.") || rest.starts_with("blueGreen.") {
        return path.to_owned();
    }
    let strategy = ["canary", "blueGreen"]
        .into_iter()
        .find(|strategy| rollout.at(&["spec", "strategy", strategy]).is_some());
    strategy.map_or(path.to_owned(), |strategy| format!("spec.strategy.{strategy}.{rest}"))
}

/// Something that the API server said.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Said {
    /// Empty where it names no field.
    pub(super) path: String,
    pub(super) text: String,
    /// What to do with the field so that the server says more.
    pub(super) repair: Repair,
}

impl Said {
    fn last((path, text): (String, String)) -> Self {
        Self { path, text, repair: Repair::Nothing }
    }
}

/// What the API server said. `known` are paths of values that it cannot mean, as they were put right before.
pub(super) fn of_server(object: &Node, error: &UserError, known: &[String]) -> Vec<Said> {
    let mut causes = error.causes();
    // It says of the object as a whole that more would be looked at if the rest was right.
    causes.retain(|(field, _)| field != "<nil>");
    if !causes.is_empty() {
        let words = |field: &str, text: String| {
            text.strip_prefix(&format!("{field}: ")).map_or(text.clone(), str::to_owned)
        };
        return causes
            .into_iter()
            // The place of a scale's number begins with a dot.
            .map(|(field, text)| Said::last((field.trim_start_matches('.').to_owned(), words(&field, text))))
            .collect();
    }
    let message = error.to_string();
    let strict = strict(&message);
    if !strict.is_empty() {
        let said = |(path, text)| Said { path, text, repair: Repair::Removal };
        return strict.into_iter().map(said).collect();
    }
    if message.contains("quantities must match the regular expression") {
        let unreadable = quantity::unreadable(object).into_iter().filter(|(path, _)| !known.contains(path));
        let said = unreadable.map(|(path, text)| Said { path, text, repair: Repair::StandIn("1".into()) });
        let said: Vec<Said> = said.collect();
        if !said.is_empty() {
            return said;
        }
    }
    vec![undecodable(object, &message, known).unwrap_or_else(|| Said::last((String::new(), message)))]
}

/// `strict decoding error: unknown field "spec.a", duplicate field "spec.b"`.
fn strict(message: &str) -> Vec<(String, String)> {
    let Some((_, errors)) = message.split_once("strict decoding error: ") else { return Vec::new() };
    let mut found = Vec::new();
    for (kind, text) in [("unknown field \"", "unknown field"), ("duplicate field \"", "is there twice")] {
        let paths = errors.split(kind).skip(1).filter_map(|rest| rest.split_once('"'));
        found.extend(paths.map(|(path, _)| (path.to_owned(), text.to_owned())));
    }
    found
}

/// `json: cannot unmarshal number into Go struct field EnvVar.spec.template.spec.containers.env.value of type string`: the
/// path has no places in lists, so the first value on it that is of the wrong type is meant.
fn undecodable(object: &Node, message: &str, known: &[String]) -> Option<Said> {
    let (_, rest) = message.split_once("Go struct field ")?;
    let (field, go_type) = rest.split_once(" of type ")?;
    let (holder, path) = field.split_once('.')?;
    let wanted = match go_type {
        "string" => "string",
        "bool" => "boolean",
        "float64" => "number",
        _ if go_type.starts_with("int") || go_type.starts_with("uint") => "integer",
        _ if go_type.starts_with("[]") => "array",
        _ => "object",
    };
    let mut keys: Vec<&str> = path.split('.').collect();
    // The metadata of custom resources is decoded by itself.
    if holder == "ObjectMeta" && keys[0] != "metadata" && !keys.contains(&"spec") {
        keys.insert(0, "metadata");
    }
    let mut found = Vec::new();
    values_at(object, &keys, String::new(), &mut found);
    found.into_iter().filter(|(path, _)| !known.contains(path)).find_map(|(path, node)| {
        let text = schema::misfit(node, wanted)?;
        Some(Said { path, text, repair: Repair::StandIn(schema::stand_in(wanted)) })
    })
}

/// The values at these keys, in whatever lists and maps on the way, with their paths.
fn values_at<'a>(node: &'a Node, keys: &[&str], path: String, found: &mut Vec<(String, &'a Node)>) {
    if let Content::List(items) = &node.content {
        for (index, item) in items.iter().enumerate() {
            values_at(item, keys, format!("{path}[{index}]"), found);
        }
        // A list may itself be what is not as it should be.
        if keys.is_empty() {
            found.push((path, node));
        }
        return;
    }
    let Some((key, rest)) = keys.split_first() else {
        found.extend(node.fields().iter().map(|field| (schema::below(&path, &field.key), &field.value)));
        return found.push((path, node));
    };
    if let Some(field) = node.field(key) {
        values_at(&field.value, rest, schema::below(&path, key), found);
    }
}

#[cfg(test)]
mod tests {
    use tidegate_sim::manifest::read;

    use super::*;

    fn node(text: &str) -> Node {
        read(text).documents.remove(0)
    }

    #[test]
    fn findings_are_taken_apart() {
        let pair = |path: &str, text: &str| (path.to_owned(), text.to_owned());
        assert_eq!(
            of_spec("spec.replicas: Invalid value: -1: no"),
            pair("spec.replicas", "Invalid value: -1: no")
        );
        assert_eq!(of_spec("template must be empty"), pair("", "template must be empty"));
        let message =
            "The Rollout \"web\" is invalid: spec.strategy.canary.stableService: Invalid value: \"x\": no";
        assert_eq!(
            of_condition(message),
            pair("spec.strategy.canary.stableService", "Invalid value: \"x\": no")
        );
        assert_eq!(of_condition("something else"), pair("", "something else"));
    }

    #[test]
    fn the_strategy_is_put_into_paths() {
        let canary = node("spec: {strategy: {canary: {steps: [{setWeight: 101}]}}}");
        for (path, expected) in [
            ("spec.strategy.steps[0].setWeight", "spec.strategy.canary.steps[0].setWeight"),
            ("spec.strategy.maxSurge", "spec.strategy.canary.maxSurge"),
            ("spec.strategy.canary.stableService", "spec.strategy.canary.stableService"),
            ("spec.strategy.strategy", "spec.strategy"),
            ("spec.replicas", "spec.replicas"),
        ] {
            assert_eq!(real_path(&canary, path), expected);
        }
        let blue_green = node("spec: {strategy: {blueGreen: {}}}");
        assert_eq!(
            real_path(&blue_green, "spec.strategy.activeService"),
            "spec.strategy.blueGreen.activeService"
        );
    }

    #[test]
    fn strict_decoding_errors_name_fields() {
        let message = "Service in version \"v1\" cannot be handled as a Service: strict decoding error: \
                       unknown field \"spec.selctor\", unknown field \"spec.ports[0].prot\", duplicate field \"spec.type\"";
        let found = strict(message);
        let found: Vec<_> = found.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
        assert_eq!(
            found,
            [
                ("spec.selctor", "unknown field"),
                ("spec.ports[0].prot", "unknown field"),
                ("spec.type", "is there twice")
            ]
        );
        assert_eq!(strict("anything else"), []);
    }

    #[test]
    fn a_value_that_cannot_be_decoded_is_found_in_lists() {
        let object = node("spec: {containers: [{env: [{value: a}]}, {env: [{value: b}, {value: 5}]}]}");
        let message = "json: cannot unmarshal number into Go struct field EnvVar.spec.containers.env.value of type string";
        let expected =
            ("spec.containers[1].env[1].value", "must be a text, is the number 5; put it in quotes");
        let found = undecodable(&object, message, &[]).unwrap();
        assert_eq!((found.path.as_str(), found.text.as_str()), expected);
        assert_eq!(found.repair, Repair::StandIn("".into()));
        assert_eq!(undecodable(&object, message, &[found.path]), None);
        let labels = node("metadata: {labels: {a: b, c: true}}");
        for path in ["ObjectMeta.metadata.labels", "ObjectMeta.labels"] {
            let message = format!("json: cannot unmarshal bool into Go struct field {path} of type string");
            let expected = ("metadata.labels.c", "must be a text, is true; put it in quotes");
            let found = undecodable(&labels, &message, &[]).unwrap();
            assert_eq!((found.path.as_str(), found.text.as_str()), expected);
        }
    }
}
