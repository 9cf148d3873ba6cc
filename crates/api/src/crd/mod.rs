//! The CustomResourceDefinitions, generated from the types.
//!
//! In reading order: this file (names, scope, columns, subresources), `structural` (schemas in the form that Kubernetes demands),
//! `kubernetes` (schemas of Kubernetes' own types). They are what upstream's clients and autoscalers expect; upstream's descriptions
//! are replaced by our own, and there are none of Kubernetes' fields, which keeps each definition small enough for `kubectl apply`.

mod kubernetes;
mod structural;
#[cfg(test)]
mod tests;

use std::sync::LazyLock;

use schemars::{Schema, SchemaGenerator, json_schema};
use serde_json::{Value, json};

use crate::analysis::{AnalysisRun, AnalysisTemplate, ClusterAnalysisTemplate};
use crate::experiment::Experiment;
use crate::rollout::Rollout;
use structural::{KUBERNETES_TYPE, structural_schema};

/// All our CustomResourceDefinitions: Rollout, AnalysisRun, AnalysisTemplate, ClusterAnalysisTemplate, Experiment.
pub fn all() -> &'static [Value] {
    static ALL: LazyLock<Vec<Value>> = LazyLock::new(|| DEFINITIONS.iter().map(Definition::to_crd).collect());
    &ALL
}

/// The CustomResourceDefinition `rollouts.argoproj.io` alone.
pub fn rollout_crd() -> Value {
    DEFINITIONS[0].to_crd()
}

/// What a definition says besides its schema.
struct Definition {
    kind: &'static str,
    plural: &'static str,
    short_name: &'static str,
    scope: &'static str,
    schema: fn() -> Value,
    columns: &'static [Column],
    /// Whether there are the subresources `status` and `scale`. Clients write the status of the other kinds with the object itself.
    scales: bool,
}

/// A column of `kubectl get`.
struct Column {
    name: &'static str,
    ty: &'static str,
    path: &'static str,
    description: &'static str,
}

const DEFINITIONS: [Definition; 5] = [
    Definition {
        kind: "Rollout",
        plural: "rollouts",
        short_name: "ro",
        scope: "Namespaced",
        schema: structural_schema::<Rollout>,
        columns: &[
            Column {
                name: "Desired",
                ty: "integer",
                path: ".spec.replicas",
                description: "Number of desired pods",
            },
            Column {
                name: "Current",
                ty: "integer",
                path: ".status.replicas",
                description: "Total number of pods of this rollout",
            },
            Column {
                name: "Up-to-date",
                ty: "integer",
                path: ".status.updatedReplicas",
                description: "Total number of pods that run the newest template",
            },
            Column {
                name: "Available",
                ty: "integer",
                path: ".status.availableReplicas",
                description: "Total number of available pods of this rollout",
            },
            AGE,
        ],
        scales: true,
    },
    Definition {
        kind: "AnalysisRun",
        plural: "analysisruns",
        short_name: "ar",
        scope: "Namespaced",
        schema: structural_schema::<AnalysisRun>,
        columns: &[PHASE, AGE],
        scales: false,
    },
    Definition {
        kind: "AnalysisTemplate",
        plural: "analysistemplates",
        short_name: "at",
        scope: "Namespaced",
        schema: structural_schema::<AnalysisTemplate>,
        columns: &[AGE],
        scales: false,
    },
    Definition {
        kind: "ClusterAnalysisTemplate",
        plural: "clusteranalysistemplates",
        short_name: "cat",
        scope: "Cluster",
        schema: structural_schema::<ClusterAnalysisTemplate>,
        columns: &[AGE],
        scales: false,
    },
    Definition {
        kind: "Experiment",
        plural: "experiments",
        short_name: "exp",
        scope: "Namespaced",
        schema: structural_schema::<Experiment>,
        columns: &[PHASE, AGE],
        scales: false,
    },
];

const PHASE: Column = Column {
    name: "Status",
    ty: "string",
    path: ".status.phase",
    description: "How far it is, or its verdict",
};

const AGE: Column = Column {
    name: "Age",
    ty: "date",
    path: ".metadata.creationTimestamp",
    description: "Time since it was created",
};

impl Definition {
    fn to_crd(&self) -> Value {
        let Self { kind, plural, short_name, scope, .. } = self;
        json!({
            "apiVersion": "apiextensions.k8s.io/v1",
            "kind": "CustomResourceDefinition",
            "metadata": {"name": format!("{plural}.argoproj.io")},
            "spec": {
                "group": "argoproj.io",
                "names": {
                    "kind": kind,
                    "listKind": format!("{kind}List"),
                    "plural": plural,
                    "shortNames": [short_name],
                    "singular": kind.to_lowercase(),
                },
                "scope": scope,
                "versions": [{
                    "name": "v1alpha1",
                    "served": true,
                    "storage": true,
                    "additionalPrinterColumns": self.columns.iter().map(Column::to_json).collect::<Vec<_>>(),
                    "schema": {"openAPIV3Schema": (self.schema)()},
                    "subresources": self.subresources(),
                }],
            },
        })
    }

    fn subresources(&self) -> Value {
        if !self.scales {
            return json!({});
        }
        json!({
            "scale": {
                "labelSelectorPath": ".status.selector",
                "specReplicasPath": ".spec.replicas",
                "statusReplicasPath": ".status.HPAReplicas",
            },
            "status": {},
        })
    }
}

impl Column {
    fn to_json(&self) -> Value {
        let Self { name, ty, path, description } = self;
        json!({"name": name, "type": ty, "jsonPath": path, "description": description})
    }
}

/// Any object, kept as it is.
pub(crate) fn free_form(_: &mut SchemaGenerator) -> Schema {
    json_schema!({"type": "object", "x-kubernetes-preserve-unknown-fields": true})
}

/// Kubernetes' `PodTemplateSpec`.
pub(crate) fn pod_template(_: &mut SchemaGenerator) -> Schema {
    json_schema!({(KUBERNETES_TYPE): kubernetes::POD_TEMPLATE})
}

/// Kubernetes' `JobSpec`.
pub(crate) fn job_spec(_: &mut SchemaGenerator) -> Schema {
    json_schema!({(KUBERNETES_TYPE): kubernetes::JOB_SPEC})
}
