//! Changes that objects of every kind, and bodies that are no objects, can have: good and bad.

use super::request::Edit;

/// Changes that every kind can have.
pub(super) const METADATA: &[Edit] = &[
    ("/metadata/labels/tier", Some("\"front\"")),
    ("/metadata/labels/app", Some("\"other\"")),
    ("/metadata/labels/app", None),
    ("/metadata/labels", Some("{\"bad key!\": \"x\"}")),
    ("/metadata/labels", Some("{\"app\": \"not a label value\"}")),
    ("/metadata/labels", Some("{\"app\": 1}")),
    ("/metadata/labels", Some("{}")),
    ("/metadata/labels", None),
    ("/metadata/labels", Some("[]")),
    ("/metadata/annotations", Some("{\"note\": \"one\"}")),
    ("/metadata/annotations", Some("{\"note\": \"two\", \"Bad Key\": \"\"}")),
    ("/metadata/annotations", Some("{\"UPPER/ok\": \"\"}")),
    ("/metadata/annotations", Some("{\"note\": true}")),
    ("/metadata/annotations", None),
    ("/metadata/finalizers", Some("[\"example.com/wait\"]")),
    ("/metadata/finalizers", Some("[\"example.com/wait\", \"example.com/more\"]")),
    ("/metadata/finalizers", Some("[\"plain\"]")),
    ("/metadata/finalizers", Some("[\"foregroundDeletion\", \"orphan\"]")),
    ("/metadata/finalizers", Some("[]")),
    ("/metadata/finalizers", None),
    (
        "/metadata/ownerReferences",
        Some("[{\"apiVersion\": \"v1\", \"kind\": \"Pod\", \"name\": \"x\", \"uid\": \"u\"}]"),
    ),
    (
        "/metadata/ownerReferences",
        Some(
            "[{\"apiVersion\": \"apps/v1\", \"kind\": \"ReplicaSet\", \"name\": \"x\", \"uid\": \"u\", \"controller\": true, \"blockOwnerDeletion\": true}]",
        ),
    ),
    (
        "/metadata/ownerReferences",
        Some(
            "[{\"apiVersion\": \"v1\", \"kind\": \"Pod\", \"name\": \"x\", \"uid\": \"u\", \"controller\": true}, {\"apiVersion\": \"v1\", \"kind\": \"Pod\", \"name\": \"y\", \"uid\": \"v\", \"controller\": true}]",
        ),
    ),
    (
        "/metadata/ownerReferences",
        Some("[{\"apiVersion\": \"v1\", \"kind\": \"\", \"name\": \"\", \"uid\": \"\"}]"),
    ),
    ("/metadata/ownerReferences", Some("[{\"kind\": \"Pod\"}]")),
    (
        "/metadata/ownerReferences",
        Some("[{\"apiVersion\": \"v1\", \"kind\": \"Event\", \"name\": \"x\", \"uid\": \"u\"}]"),
    ),
    ("/metadata/ownerReferences", None),
    ("/metadata/name", Some("\"Bad_Name\"")),
    ("/metadata/name", Some("\"\"")),
    ("/metadata/name", Some("\"another\"")),
    ("/metadata/name", None),
    ("/metadata/name", Some("5")),
    ("/metadata/namespace", Some("\"elsewhere\"")),
    ("/metadata/generation", Some("7")),
    ("/metadata/creationTimestamp", Some("\"2020-01-01T00:00:00Z\"")),
    ("/metadata/creationTimestamp", Some("\"noon\"")),
    ("/metadata/creationTimestamp", None),
    ("/metadata/deletionTimestamp", Some("\"2020-01-01T00:00:00Z\"")),
    ("/metadata/deletionGracePeriodSeconds", Some("5")),
    ("/metadata/unknown", Some("1")),
    ("/metadata/resourceVersion", Some("\"abc\"")),
    ("/metadata/generateName", Some("\"Xgen-\"")),
    ("/metadata", Some("3")),
    ("/unknown", Some("{\"a\": 1}")),
    ("/kind", Some("\"Other\"")),
    ("/kind", None),
    ("/apiVersion", Some("\"v2\"")),
    ("/apiVersion", None),
];

/// Changes of `DeleteOptions`.
pub(super) const DELETE: &[Edit] = &[
    ("/propagationPolicy", Some("\"Background\"")),
    ("/propagationPolicy", Some("\"Foreground\"")),
    ("/propagationPolicy", Some("\"Orphan\"")),
    ("/propagationPolicy", Some("\"Sideways\"")),
    ("/orphanDependents", Some("true")),
    ("/orphanDependents", Some("false")),
    ("/gracePeriodSeconds", Some("0")),
    ("/gracePeriodSeconds", Some("7")),
    ("/gracePeriodSeconds", Some("-1")),
    ("/dryRun", Some("[\"All\"]")),
    ("/dryRun", Some("[\"Some\"]")),
    ("/unknown", Some("1")),
    ("/propagationPolicy", Some("\"\"")),
    NO_DRY_RUN,
    ("/dryRun", Some("\"All\"")),
    ("/gracePeriodSeconds", Some("\"5\"")),
    ("/gracePeriodSeconds", Some("1.5")),
    ("/orphanDependents", Some("\"true\"")),
    ("/propagationPolicy", Some("1")),
    ("/preconditions", Some("\"none\"")),
    ("/kind", Some("\"CreateOptions\"")),
    ("/kind", Some("\"Pod\"")),
    ("/apiVersion", Some("\"apps/v1\"")),
];

/// What is no list of dry runs.
pub(super) const NO_DRY_RUN: Edit = ("/dryRun", Some("true"));

/// Changes of a Scale.
pub(super) const SCALE: &[Edit] = &[
    ("/spec/replicas", Some("3")),
    ("/spec/replicas", Some("0")),
    ("/spec/replicas", Some("-1")),
    ("/spec/replicas", Some("\"many\"")),
    ("/spec/replicas", None),
    ("/spec/unknown", Some("1")),
    ("/spec", None),
    ("/metadata/name", Some("\"another\"")),
    ("/kind", Some("\"Other\"")),
];

/// Changes of an Eviction.
pub(super) const EVICTION: &[Edit] = &[
    ("/deleteOptions", Some("{\"gracePeriodSeconds\": 0}")),
    ("/deleteOptions", Some("{\"gracePeriodSeconds\": 5}")),
    ("/deleteOptions", Some("{\"dryRun\": [\"All\"]}")),
    ("/deleteOptions", Some("{\"preconditions\": {\"uid\": \"x\"}}")),
    ("/deleteOptions", Some("{\"preconditions\": {\"resourceVersion\": \"1\"}}")),
    ("/metadata/name", Some("\"another\"")),
    ("/metadata/namespace", Some("\"elsewhere\"")),
    ("/unknown", Some("1")),
    ("/kind", Some("\"Other\"")),
];

/// What of every kind can be applied.
pub(super) const PARTS: &[&str] = &[
    "{}",
    r#"{"metadata": {"labels": {"tier": "applied"}}}"#,
    r#"{"metadata": {"labels": {"tier": "front", "app": "applied"}}}"#,
    r#"{"metadata": {"annotations": {"note": "applied"}}}"#,
    r#"{"metadata": {"finalizers": ["example.com/wait"]}}"#,
    r#"{"metadata": {"labels": {"bad key!": "x"}}}"#,
    r#"{"metadata": {"labels": 5}}"#,
    r#"{"metadata": {"managedFields": []}}"#,
    r#"{"unknown": 1}"#,
];
