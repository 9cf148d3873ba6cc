//! Strategic merge patches of lists, with their directives.

use crate::conformance::random::request::Edit;

const SPEC: &str = "/spec/template/spec";

/// Of a Deployment.
pub(super) const STRATEGIC: &[Edit] = &[
    (
        "/spec/template/spec/containers",
        Some(
            r#"[{"name": "demo", "image": "demo:blue", "args": ["x", "y"],
                "env": [{"name": "A", "value": "1"}, {"name": "B", "value": "2"}],
                "ports": [{"containerPort": 80, "name": "http"}, {"containerPort": 81, "name": "more"}]},
                {"name": "side", "image": "side:1"}]"#,
        ),
    ),
    (SPEC, Some(r#"{"$setElementOrder/containers": [{"name": "side"}, {"name": "demo"}]}"#)),
    (
        SPEC,
        Some(
            r#"{"$setElementOrder/containers": [{"name": "demo"}, {"name": "new"}, {"name": "side"}],
                "containers": [{"name": "new", "image": "n"}]}"#,
        ),
    ),
    (SPEC, Some(r#"{"containers": [{"name": "new", "image": "n"}, {"name": "demo", "image": "demo:red"}]}"#)),
    (SPEC, Some(r#"{"containers": [{"name": "side", "image": "side:2"}, {"name": "new", "image": "n"}]}"#)),
    (SPEC, Some(r#"{"containers": [{"name": "demo", "$patch": "delete"}]}"#)),
    (SPEC, Some(r#"{"containers": [{"$patch": "replace"}, {"name": "only", "image": "o"}]}"#)),
    (
        SPEC,
        Some(
            r#"{"containers": [{"name": "demo", "env": [{"name": "C", "value": "3"}],
                "$setElementOrder/env": [{"name": "B"}, {"name": "C"}, {"name": "A"}]}]}"#,
        ),
    ),
    (
        SPEC,
        Some(
            r#"{"containers": [{"name": "demo", "env": [{"name": "A", "$patch": "delete"}, {"name": "B", "value": "5"}]}]}"#,
        ),
    ),
    (
        SPEC,
        Some(
            r#"{"containers": [{"name": "demo", "ports": [{"containerPort": 80, "protocol": "UDP"}],
                "$setElementOrder/ports": [{"containerPort": 81}, {"containerPort": 80}]}]}"#,
        ),
    ),
    (SPEC, Some(r#"{"containers": [{"name": "demo", "args": ["z"]}]}"#)),
    (
        SPEC,
        Some(r#"{"containers": [{"name": "demo", "$retainKeys": ["name", "image"], "image": "demo:red"}]}"#),
    ),
    (SPEC, Some(r#"{"containers": [{"name": "demo", "$deleteFromPrimitiveList/args": ["x"]}]}"#)),
    (
        SPEC,
        Some(
            r#"{"containers": [{"name": "new", "image": "n", "env": [{"name": "A", "$patch": "delete"}]}]}"#,
        ),
    ),
    (
        SPEC,
        Some(
            r#"{"$setElementOrder/containers": [{"name": "side"}], "containers": [{"name": "demo", "image": "r"}]}"#,
        ),
    ),
    (SPEC, Some(r#"{"$setElementOrder/containers": [{"image": "side"}]}"#)),
    (SPEC, Some(r#"{"$setElementOrder/containers": "side"}"#)),
    (SPEC, Some(r#"{"$setElementOrder/unknown": ["side"]}"#)),
    (SPEC, Some(r#"{"containers": [{"name": "demo", "$patch": "merge"}]}"#)),
    (SPEC, Some(r#"{"containers": [{"$patch": "delete"}]}"#)),
    (SPEC, Some(r#"{"containers": ["demo"]}"#)),
    (SPEC, Some(r#"{"$retainKeys": ["containers"], "restartPolicy": "Always"}"#)),
    (SPEC, Some(r#"{"$retainKeys": "containers"}"#)),
    (SPEC, Some(r#"{"$patch": "replace", "containers": [{"name": "only", "image": "o"}]}"#)),
    (SPEC, Some(r#"{"$patch": "sideways"}"#)),
    ("/spec/strategy", Some(r#"{"$retainKeys": ["type"], "type": "Recreate"}"#)),
    ("/spec/strategy", Some(r#"{"$patch": "replace", "type": "RollingUpdate"}"#)),
    ("/spec/strategy", Some(r#"{"$patch": "delete"}"#)),
    ("/metadata/finalizers", Some(r#"["example.com/more", "example.com/wait"]"#)),
    ("/metadata/$setElementOrder~1finalizers", Some(r#"["example.com/wait", "example.com/more"]"#)),
    ("/metadata/$deleteFromPrimitiveList~1finalizers", Some(r#"["example.com/wait"]"#)),
    ("/metadata/finalizers", Some(r#"["example.com/last"]"#)),
    ("/metadata/$deleteFromPrimitiveList~1finalizers", Some("null")),
];
