use serde_json::{Value, json};

use super::*;

fn selector(json: Value) -> LabelSelector {
    serde_json::from_value(json).unwrap()
}

fn expression(key: &str, operator: &str, values: &[&str]) -> LabelSelector {
    selector(json!({"matchExpressions": [{"key": key, "operator": operator, "values": values}]}))
}

fn labels(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}

#[test]
fn every_requirement_must_hold() {
    let app = labels(&[("app", "demo"), ("tier", "web")]);
    let check = |json, expected: bool| assert_eq!(selector(json).matches(&app), expected);
    check(json!({}), true);
    check(json!({"matchLabels": {"app": "demo"}}), true);
    check(json!({"matchLabels": {"app": "demo", "zone": "a"}}), false);
    check(json!({"matchLabels": null, "matchExpressions": null}), true);
    let both = |operator: &str| json!({"matchLabels": {"app": "demo"}, "matchExpressions": [{"key": "tier", "operator": operator}]});
    check(both("Exists"), true);
    check(both("DoesNotExist"), false);
}

#[test]
fn operators() {
    let app = labels(&[("app", "demo")]);
    let check = |key, operator, values: &[&str], expected: bool| {
        assert_eq!(expression(key, operator, values).matches(&app), expected, "{key} {operator} {values:?}");
    };
    check("app", "In", &["demo", "x"], true);
    check("app", "In", &["x"], false);
    check("tier", "In", &["x"], false);
    check("app", "NotIn", &["x"], true);
    check("app", "NotIn", &["demo"], false);
    check("tier", "NotIn", &["x"], true);
    check("tier", "DoesNotExist", &[], true);
    check("app", "Exists", &["surplus"], false);
    check("app", "In", &[], false);
    check("app", "NotIn", &[], false);
    check("app", "Gt", &["1"], false);
}

#[test]
fn text() {
    let mixed = selector(json!({
        "matchLabels": {"app": "demo", "zone": ""},
        "matchExpressions": [
            {"key": "tier", "operator": "In", "values": ["web", "api"]},
            {"key": "env", "operator": "NotIn", "values": ["test"]},
            {"key": "blue", "operator": "Exists"},
            {"key": "legacy", "operator": "DoesNotExist"},
        ],
    }));
    assert_eq!(mixed.to_string(), "app=demo,blue,env notin (test),!legacy,tier in (api,web),zone=");
    assert_eq!(mixed.to_query(), mixed.to_string());
    assert_eq!(LabelSelector::default().to_string(), "<none>");
    assert_eq!(LabelSelector::default().to_query(), "");
    assert_eq!(expression("app", "Foo", &[]).to_string(), "<error>");
}

#[test]
fn kubernetes_words_for_what_is_wrong() {
    let check = |selector: LabelSelector, expected: &[&str]| {
        assert_eq!(selector.validate("spec.selector"), expected);
    };
    check(expression("app", "In", &["demo"]), &[]);
    check(
        expression("app", "Foo", &[]),
        &[
            "spec.selector.matchExpressions[0].operator: Invalid value: \"Foo\": not a valid selector operator",
        ],
    );
    check(
        expression("app", "In", &[]),
        &[
            "spec.selector.matchExpressions[0].values: Required value: must be specified when `operator` is 'In' or \
           'NotIn'",
        ],
    );
    check(
        expression("app", "Exists", &["a"]),
        &[
            "spec.selector.matchExpressions[0].values: Forbidden: may not be specified when `operator` is 'Exists' or \
           'DoesNotExist'",
        ],
    );
    check(
        selector(json!({"matchLabels": {"app": "-x"}})),
        &[
            "spec.selector.matchLabels: Invalid value: \"-x\": a valid label must be an empty string or consist of \
           alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. \
           'MyValue',  or 'my_value',  or '12345', regex used for validation is \
           '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')",
        ],
    );
}

#[test]
fn label_keys() {
    let long = "a".repeat(64);
    let check = |key: &str, expected: &[&str]| {
        let errors = selector(json!({"matchLabels": {key: ""}})).validate("s");
        let start = format!("s.matchLabels: Invalid value: {key:?}: ");
        let texts: Vec<&str> = errors.iter().map(|error| error.strip_prefix(&start).unwrap()).collect();
        assert_eq!(texts.len(), expected.len(), "{texts:?}");
        for (text, expected) in texts.iter().zip(expected) {
            assert!(text.starts_with(expected), "{text}");
        }
    };
    for valid in ["app", "A_b.c-1", "example.com/app", "a.b-c.d/X", &long[1..]] {
        check(valid, &[]);
    }
    check("", &["name part must be non-empty", "name part must consist of alphanumeric characters"]);
    check("/app", &["prefix part must be non-empty"]);
    check("a/b/c", &["a qualified name must consist of alphanumeric characters"]);
    check("Example.com/app", &["prefix part a lowercase RFC 1123 subdomain must consist of"]);
    check("a..b/app", &["prefix part a lowercase RFC 1123 subdomain must consist of"]);
    check("app_", &["name part must consist of alphanumeric characters"]);
    check(&long, &["name part must be no more than 63 "]);
}
