//! Pod templates and job specs: Kubernetes' own types, with upstream's four changes.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::facts::{Facts, File};
use crate::flat::flatten;
use crate::{definition, schema_of};

fn facts() -> File {
    File::parse(include_str!("../data/pod_template_facts.txt"))
}

/// The schema at a path of member names; `[]` for the items of a list.
#[track_caller]
fn at<'a>(schema: &'a Value, path: &str) -> &'a Value {
    path.split('.').fold(schema, |schema, step| match step.strip_suffix("[]") {
        Some(list) => &schema["properties"][list]["items"],
        None => &schema["properties"][step],
    })
}

/// Every place of a pod template among the five kinds.
fn templates() -> Vec<(&'static str, &'static Value)> {
    const JOB: &str = "spec.metrics[].provider.job.spec.template";
    let places = [
        ("Rollout", "spec.template"),
        ("Experiment", "spec.templates[].template"),
        ("AnalysisRun", JOB),
        ("AnalysisTemplate", JOB),
        ("ClusterAnalysisTemplate", JOB),
    ];
    places.map(|(kind, path)| (kind, at(schema_of(definition(kind)), path))).to_vec()
}

fn check(schema: &Value, section: &str) {
    let expected = facts().members(section);
    let is_template = |path: &str| (section == "job-spec" && path == "template").then_some("pod-template");
    let found = flatten(schema, &is_template);
    for (path, fact) in &expected {
        assert_eq!(found.get(path), Some(fact), "{path}");
    }
}

#[test]
fn facts_hold() {
    for (_, template) in templates() {
        check(template, "pod-template");
    }
    for kind in ["AnalysisRun", "AnalysisTemplate", "ClusterAnalysisTemplate"] {
        check(at(schema_of(definition(kind)), "spec.metrics[].provider.job.spec"), "job-spec");
    }
}

#[test]
fn all_templates_are_the_same() {
    let described = |kind| ["Rollout", "Experiment"].contains(&kind);
    let bare: Vec<Value> = templates()
        .into_iter()
        .map(|(kind, template)| {
            let mut template = template.clone();
            let description = template.as_object_mut().unwrap().remove("description");
            assert_eq!(description.is_some(), described(kind), "{kind}");
            template
        })
        .collect();
    assert!(bare.iter().all(|template| *template == bare[0]));
}

fn flat_template() -> Facts {
    flatten(templates()[0].1, &|_| None)
}

/// The last two steps of the paths whose facts contain `word`.
fn ends(facts: &Facts, word: &str) -> BTreeSet<String> {
    let paths = facts.iter().filter(|(_, fact)| fact.split(' ').any(|found| found.starts_with(word)));
    paths
        .map(|(path, _)| {
            path.rsplitn(3, '.').take(2).collect::<Vec<_>>().into_iter().rev().collect::<Vec<_>>().join(".")
        })
        .collect()
}

/// Nothing but these defaults is stored in a pod template.
#[test]
fn defaults_are_few() {
    let expected = [
        "configMapKeyRef.name",
        "configMapRef.name",
        "fileKeyRef.optional",
        "grpc.service",
        "imagePullSecrets[].name",
        "ports[].protocol",
        "secretKeyRef.name",
        "secretRef.name",
    ];
    assert_eq!(ends(&flat_template(), "default="), expected.map(str::to_owned).into());
    // Nor in a Job, which has no others.
    let job = at(schema_of(definition("AnalysisRun")), "spec.metrics[].provider.job.spec");
    assert_eq!(ends(&flatten(job, &|_| None), "default="), expected.map(str::to_owned).into());
}

#[test]
fn what_is_untyped_is_listed() {
    let found = flat_template();
    let untyped: Vec<&str> =
        found.iter().filter(|(_, fact)| *fact == "untyped").map(|(path, _)| path.as_str()).collect();
    let expected = [
        "spec.containers[].resources.limits",
        "spec.containers[].resources.requests",
        "spec.ephemeralContainers[].resources.limits",
        "spec.ephemeralContainers[].resources.requests",
        "spec.initContainers[].resources.limits",
        "spec.initContainers[].resources.requests",
        "spec.volumes",
    ];
    assert_eq!(untyped, expected);
    let metadata: Vec<&String> = found.keys().filter(|path| path.starts_with("metadata.")).collect();
    assert_eq!(metadata, ["metadata.annotations", "metadata.labels"]);
}

#[test]
fn no_value_is_refused_that_the_controller_should_judge() {
    for (path, fact) in flat_template() {
        assert!(!fact.contains("enum="), "{path}: {fact}");
    }
}

/// Every type of Kubernetes that is written out is understood: nothing is left of OpenAPI's own notation.
#[test]
fn every_member_has_a_known_type() {
    let found = flat_template();
    assert!(found.len() > 800, "only {} members", found.len());
    let strange: Vec<_> = found.iter().filter(|(_, fact)| fact.contains("unknown type")).collect();
    assert!(strange.is_empty(), "{strange:#?}");
    let quantity = at(templates()[0].1, "spec.overhead");
    assert_eq!(
        quantity["additionalProperties"],
        json!({
            "anyOf": [{"type": "integer"}, {"type": "string"}],
            "pattern": r"^(\+|-)?(([0-9]+(\.[0-9]*)?)|(\.[0-9]+))(([KMGTPE]i)|[numkMGTPE]|([eE](\+|-)?(([0-9]+(\.[0-9]*)?)|(\.[0-9]+))))?$",
            "x-kubernetes-int-or-string": true,
        })
    );
}
