//! The kinds of argoproj.io.

use super::{Kind, POD_PARTS, REPLICAS, kind};
use crate::conformance::random::request::Edit;

const ARGO: &str = "argoproj.io/v1alpha1";

const METRICS: &str = r#"{"spec": {"args": [{"name": "service"}], "metrics": [{"name": "ok", "interval": "10s", "provider": {"job": {"spec": {"template": {"spec": {"containers": [{"name": "c", "image": "i"}]}}}}}}]}}"#;

const METRIC_EDITS: &[Edit] = &[
    ("/spec/metrics/0/interval", Some("\"1m\"")),
    ("/spec/metrics/0/count", Some("3")),
    ("/spec/metrics/0/count", Some("\"3\"")),
    ("/spec/metrics/0/count", Some("[]")),
    ("/spec/metrics/0/unknown", Some("{}")),
    ("/spec/metrics/0/name", None),
    ("/spec/metrics/0", Some("{\"name\": \"bare\"}")),
    ("/spec/metrics", Some("{}")),
    ("/spec/metrics", Some("[]")),
    ("/spec/metrics", None),
    ("/spec/args", Some("[{\"name\": \"a\", \"value\": \"1\"}, {\"name\": \"b\"}]")),
    ("/spec/args/0/name", Some("4")),
    ("/spec/unknown", Some("1")),
    ("/spec", None),
    ("/spec", Some("\"text\"")),
];

const METRIC_PARTS: &[&str] = &[
    r#"{"spec": {"args": [{"name": "a", "value": "1"}]}}"#,
    r#"{"spec": {"metrics": [{"name": "other", "provider": {"web": {"url": "x"}}}]}}"#,
    r#"{"spec": {"args": {}}}"#,
    r#"{"spec": {"unknown": 1}}"#,
];

pub(super) const ROLLOUT: Kind = Kind {
    custom: true,
    status: true,
    scale: true,
    edits: &[
        REPLICAS[0],
        REPLICAS[1],
        REPLICAS[2],
        REPLICAS[3],
        REPLICAS[4],
        REPLICAS[5],
        ("/spec/paused", Some("true")),
        ("/spec/paused", Some("\"yes\"")),
        ("/spec/template/spec/containers/0/image", Some("\"demo:red\"")),
        ("/spec/template/spec/containers/0/name", None),
        ("/spec/template/spec/containers/0/unknown", Some("1")),
        ("/spec/template/spec/unknown", Some("1")),
        ("/spec/template/spec/containers", Some("\"none\"")),
        ("/spec/selector", None),
        ("/spec/selector/matchLabels/app", Some("\"x\"")),
        ("/spec/strategy/canary/steps/0/setWeight", Some("50")),
        ("/spec/strategy/canary/steps/0/setWeight", Some("\"half\"")),
        ("/spec/strategy/canary/steps/1/pause/duration", Some("5")),
        ("/spec/strategy/canary/steps/1/pause/duration", Some("true")),
        ("/spec/strategy/canary/maxSurge", Some("\"50%\"")),
        ("/spec/strategy/canary/maxSurge", Some("{}")),
        ("/spec/strategy", Some("{\"blueGreen\": {}}")),
        ("/spec/strategy", Some("{\"blueGreen\": {\"activeService\": \"a\", \"extra\": 1}}")),
        ("/spec/restartAt", Some("\"2026-01-01T00:00:00Z\"")),
        ("/spec/restartAt", Some("\"soon\"")),
        ("/spec/unknown", Some("{\"deep\": [1]}")),
        (
            "/spec/template/spec/containers/0/resources",
            Some("{\"limits\": {\"cpu\": 1, \"memory\": \"1Gi\"}}"),
        ),
        ("/spec/template/spec/containers/0/resources", Some("{\"limits\": {\"cpu\": \"lots\"}}")),
        ("/spec/template/metadata/labels", Some("{\"app\": 1}")),
        ("/spec", Some("[]")),
        ("/spec", None),
        ("/status", Some("{\"phase\": \"Healthy\"}")),
    ],
    status_edits: &[
        ("/status/phase", Some("\"Healthy\"")),
        ("/status/replicas", Some("2")),
        ("/status/replicas", Some("\"two\"")),
        ("/status/unknown", Some("1")),
        ("/status/canary", Some("{\"weights\": null}")),
        (
            "/status/conditions",
            Some(
                "[{\"type\": \"Progressing\", \"status\": \"True\", \"reason\": \"r\", \"message\": \"m\", \"lastTransitionTime\": \"2026-01-01T00:00:00Z\", \"lastUpdateTime\": \"2026-01-01T00:00:00Z\"}]",
            ),
        ),
        ("/status/conditions", Some("[{\"type\": \"Progressing\"}]")),
        ("/status", None),
        ("/status", Some("[]")),
        ("/spec/replicas", Some("9")),
        ("/metadata/labels/tier", Some("\"status\"")),
        ("/metadata/finalizers", Some("[]")),
    ],
    parts: &[
        POD_PARTS[0],
        POD_PARTS[2],
        POD_PARTS[4],
        POD_PARTS[5],
        POD_PARTS[6],
        r#"{"spec": {"strategy": {"canary": {"steps": [{"setWeight": 50}]}}}}"#,
        r#"{"spec": {"strategy": {"canary": {"maxSurge": 1}}}}"#,
        r#"{"spec": {"paused": true}}"#,
    ],
    status_parts: &[
        r#"{"status": {"phase": "Healthy"}}"#,
        r#"{"status": {"phase": "Degraded", "replicas": 1}}"#,
        r#"{"status": {"replicas": "two"}}"#,
    ],
    ..kind(
        "rollouts",
        ARGO,
        "Rollout",
        r#"{"spec": {"replicas": 2, "selector": {"matchLabels": {"app": "demo"}}, "template": {"metadata": {"labels": {"app": "demo"}}, "spec": {"containers": [{"name": "demo", "image": "demo:blue"}]}}, "strategy": {"canary": {"steps": [{"setWeight": 20}, {"pause": {"duration": "10s"}}]}}}}"#,
    )
};

pub(super) const EXPERIMENT: Kind = Kind {
    custom: true,
    edits: &[
        ("/spec/duration", Some("\"5m\"")),
        ("/spec/duration", Some("5")),
        ("/spec/templates/0/replicas", Some("2")),
        ("/spec/templates/0/replicas", Some("\"2\"")),
        ("/spec/templates/0/name", None),
        ("/spec/templates/0/unknown", Some("1")),
        ("/spec/templates", None),
        ("/spec/templates", Some("{}")),
        ("/spec/analyses", Some("[{\"name\": \"a\", \"templateName\": \"t\"}]")),
        ("/spec/analyses", Some("[{\"name\": \"a\"}]")),
        ("/spec/analyses", Some("[{}]")),
        ("/spec/terminate", Some("true")),
        ("/spec", None),
    ],
    status_edits: &[
        ("/status/phase", Some("\"Running\"")),
        ("/status/availableAt", Some("\"2026-01-01T00:00:00Z\"")),
        ("/status/availableAt", Some("\"later\"")),
        ("/status/templateStatuses", Some("[{\"name\": \"x\", \"replicas\": 1}]")),
        ("/status/unknown", Some("1")),
        ("/status", None),
        ("/spec/duration", Some("\"1h\"")),
    ],
    parts: &[
        r#"{"spec": {"duration": "5m"}}"#,
        r#"{"spec": {"terminate": true}}"#,
        r#"{"spec": {"duration": 5}}"#,
        r#"{"spec": {"templates": {}}}"#,
    ],
    ..kind(
        "experiments",
        ARGO,
        "Experiment",
        r#"{"spec": {"templates": [{"name": "a", "selector": {"matchLabels": {"app": "a"}}, "template": {"metadata": {"labels": {"app": "a"}}, "spec": {"containers": [{"name": "c", "image": "i"}]}}}]}}"#,
    )
};

pub(super) const RUN: Kind = Kind {
    custom: true,
    edits: METRIC_EDITS,
    status_edits: &[
        ("/status/phase", Some("\"Running\"")),
        ("/status/phase", None),
        ("/status/message", Some("\"m\"")),
        ("/status/metricResults", Some("[{\"name\": \"ok\", \"phase\": \"Running\", \"count\": 1}]")),
        ("/status/metricResults", Some("[{\"name\": \"ok\"}]")),
        ("/status/unknown", Some("1")),
        ("/status", None),
        ("/spec/terminate", Some("true")),
    ],
    parts: METRIC_PARTS,
    ..kind("analysisruns", ARGO, "AnalysisRun", METRICS)
};

pub(super) const TEMPLATE: Kind = Kind {
    custom: true,
    edits: METRIC_EDITS,
    parts: METRIC_PARTS,
    ..kind("analysistemplates", ARGO, "AnalysisTemplate", METRICS)
};

pub(super) const CLUSTER_TEMPLATE: Kind = Kind {
    custom: true,
    namespaced: false,
    edits: METRIC_EDITS,
    parts: METRIC_PARTS,
    ..kind("clusteranalysistemplates", ARGO, "ClusterAnalysisTemplate", METRICS)
};
