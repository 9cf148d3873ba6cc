//! What is stored survives reading and writing, and every member of the schemas is among what was tried.
//!
//! The data are Rollouts captured from upstream, and one object of each kind with every member set.

#![allow(clippy::unwrap_used, reason = "the helpers below are part of the tests")]

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tidegate_api::analysis::{AnalysisRun, AnalysisTemplate, ClusterAnalysisTemplate};
use tidegate_api::crd;
use tidegate_api::experiment::Experiment;
use tidegate_api::rollout::Rollout;

/// Every object below `tests/data/{folder}`, with the file it stands in.
fn objects(folder: &str) -> Vec<(String, Value)> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(folder);
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let file = path.file_name().unwrap().to_string_lossy().into_owned();
        for document in serde_yaml_ng::Deserializer::from_str(&fs::read_to_string(&path).unwrap()) {
            found.push((file.clone(), Value::deserialize(document).unwrap()));
        }
    }
    found.sort_by(|(a, _), (b, _)| a.cmp(b));
    found
}

/// The object with every member in a file below `tests/data`.
fn kitchen_sink(folder: &str, file: &str) -> Value {
    let mut found = objects(folder).into_iter().filter(|(found, _)| found == file);
    found.next().unwrap().1
}

#[track_caller]
fn rewritten<T: Serialize + DeserializeOwned>(stored: &Value) -> Value {
    let read: T = serde_json::from_value(stored.clone()).unwrap();
    serde_json::to_value(&read).unwrap()
}

#[test]
fn stored_rollouts_survive() {
    let rollouts = objects("rollouts");
    assert!(rollouts.len() > 30, "only {} Rollouts found", rollouts.len());
    for (file, mut stored) in rollouts {
        let found = rewritten::<Rollout>(&stored);
        // Upstream leaves out the two struct-valued members in a patch that changes neither.
        let status = stored["status"].as_object_mut().unwrap();
        for strategy in ["blueGreen", "canary"] {
            status.entry(strategy).or_insert(json!({}));
        }
        // Clients clear a flag by writing false, which is as good as absent.
        status.retain(|_, value| *value != false);
        assert_eq!(found, stored, "{file}");
    }
}

#[track_caller]
fn survives<T: Serialize + DeserializeOwned>(file: &str) {
    let stored = kitchen_sink("kinds", file);
    assert_eq!(rewritten::<T>(&stored), stored);
}

#[test]
fn the_other_kinds_survive() {
    survives::<AnalysisRun>("analysis-run.yaml");
    survives::<AnalysisTemplate>("analysis-template.yaml");
    survives::<ClusterAnalysisTemplate>("cluster-analysis-template.yaml");
    survives::<Experiment>("experiment.yaml");
}

#[test]
fn nulls_and_foreign_members_are_tolerated() {
    let stored = json!({
        "metadata": {"name": "demo", "labels": null, "managedFields": [{}], "creationTimestamp": null},
        "spec": {"paused": null, "strategy": {"canary": {"steps": null, "future": 1}}},
        "status": {
            "abort": null, "pauseConditions": null, "conditions": null, "canary": null, "observedGeneration": null,
            "currentStepIndex": null, "phase": null, "future": {"a": 1},
        },
    });
    let expected = json!({
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Rollout",
        "metadata": {"name": "demo"},
        "spec": {"strategy": {"canary": {}}},
        "status": {"blueGreen": {}, "canary": {}},
    });
    assert_eq!(rewritten::<Rollout>(&stored), expected);

    let without_status: Rollout = serde_json::from_value(json!({"spec": {}, "status": null})).unwrap();
    assert_eq!(without_status, Rollout::default());
}

/// A file under lint may lack what the schema requires; what is wrong with it is told in other words than serde's.
#[test]
fn what_the_schema_requires_may_be_absent_where_lint_looks() {
    let run: AnalysisRun =
        serde_json::from_value(json!({"spec": {"metrics": null}, "status": null})).unwrap();
    assert_eq!(run, AnalysisRun::default());
    let metric = json!({"name": "demo", "interval": null, "provider": {"plugin": null}});
    let template = json!({"metadata": {"name": "demo"}, "spec": {"metrics": [metric], "args": null}});
    let expected = json!({
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "ClusterAnalysisTemplate",
        "metadata": {"name": "demo"},
        "spec": {"metrics": [{"name": "demo", "provider": {}}]},
    });
    assert_eq!(rewritten::<ClusterAnalysisTemplate>(&template), expected);
    let experiment = json!({"spec": {"templates": [{"name": "a", "template": {}}]}, "status": null});
    let found = rewritten::<Experiment>(&experiment);
    assert_eq!((&found["spec"], &found["status"]), (&experiment["spec"], &json!({})));
}

/// `elsewhere`: what other files have, or belongs to Kubernetes.
#[track_caller]
fn has_every_member(kitchen_sink: &Value, elsewhere: &[&str], least: usize) {
    let kind = kitchen_sink["kind"].as_str().unwrap();
    let definition = crd::all().iter().find(|it| it["spec"]["names"]["kind"] == kind).unwrap();
    let mut described = BTreeSet::new();
    described_paths(&definition["spec"]["versions"][0]["schema"]["openAPIV3Schema"], "", &mut described);
    described.retain(|path| !elsewhere.iter().any(|prefix| path.starts_with(prefix)));
    let mut present = BTreeSet::new();
    present_paths(kitchen_sink, "", &mut present);
    let missing: Vec<&String> = described.difference(&present).collect();
    assert!(missing.is_empty(), "described, but not in the {kind}'s file: {missing:#?}");
    assert!(described.len() >= least, "{kind}: only {} members described", described.len());
}

#[test]
fn the_kitchen_sinks_have_every_member_of_the_schemas() {
    has_every_member(&kitchen_sink("rollouts", "kitchen-sink.yaml"), &[".spec.template."], 300);
    let of_kind = |file| kitchen_sink("kinds", file);
    has_every_member(&of_kind("analysis-run.yaml"), &[".spec.metrics[].provider.job.spec."], 180);
    has_every_member(&of_kind("analysis-template.yaml"), &[".spec.metrics[]."], 20);
    has_every_member(&of_kind("cluster-analysis-template.yaml"), &[".spec.metrics[]."], 20);
    has_every_member(&of_kind("experiment.yaml"), &[".spec.templates[].template."], 70);
}

fn described_paths(schema: &Value, path: &str, paths: &mut BTreeSet<String>) {
    for (name, member) in schema["properties"].as_object().into_iter().flatten() {
        let path = format!("{path}.{name}");
        described_paths(member, &path, paths);
        paths.insert(path);
    }
    if schema["items"].is_object() {
        described_paths(&schema["items"], &format!("{path}[]"), paths);
    }
}

fn present_paths(value: &Value, path: &str, paths: &mut BTreeSet<String>) {
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                let path = format!("{path}.{name}");
                present_paths(member, &path, paths);
                paths.insert(path);
            }
        }
        Value::Array(items) => items.iter().for_each(|item| present_paths(item, &format!("{path}[]"), paths)),
        _ => {}
    }
}
