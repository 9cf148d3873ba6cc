//! The kinds that the controller and the plugin use: a valid object of each, and ways to change it, good and bad.

mod custom;
mod strategic;
mod workload;

use serde_json::{Value, json};

use super::request::Edit;

#[derive(Clone, Copy, Debug)]
pub(super) struct Kind {
    pub(super) plural: &'static str,
    pub(super) api_version: &'static str,
    pub(super) name: &'static str,
    pub(super) custom: bool,
    pub(super) namespaced: bool,
    pub(super) status: bool,
    pub(super) scale: bool,
    /// All but `apiVersion`, `kind`, name and namespace.
    pub(super) base: &'static str,
    /// Of spec or data.
    pub(super) edits: &'static [Edit],
    pub(super) status_edits: &'static [Edit],
    /// Changes that only a strategic merge patch can say; the first one is a base that the others change.
    pub(super) strategic: &'static [Edit],
    /// What is applied beside the whole object.
    pub(super) parts: &'static [&'static str],
    pub(super) status_parts: &'static [&'static str],
}

impl Kind {
    /// `/apis/GROUP/VERSION`.
    pub(super) fn prefix(&self) -> String {
        let root = if self.api_version.contains('/') { "apis" } else { "api" };
        format!("/{root}/{}", self.api_version)
    }

    /// The path of all its objects in the namespace of a sequence.
    pub(super) fn collection(&self, namespace: &str) -> String {
        let within = if self.namespaced { format!("/namespaces/{namespace}") } else { String::new() };
        format!("{}{within}/{}", self.prefix(), self.plural)
    }

    /// What an object is called. Sequences do not share those that are in no namespace.
    pub(super) fn called(&self, name: &str, namespace: &str) -> String {
        if self.namespaced { name.to_owned() } else { format!("{namespace}-{name}") }
    }

    /// An object that says no more than `part`, which is JSON, beside what it is.
    pub(super) fn part(&self, name: &str, namespace: &str, part: &str) -> Value {
        let mut object: Value = serde_json::from_str(part).expect("parts are JSON");
        object["apiVersion"] = json!(self.api_version);
        object["kind"] = json!(self.name);
        object["metadata"]["name"] = json!(self.called(name, namespace));
        object
    }

    pub(super) fn object(&self, name: &str, namespace: &str) -> Value {
        let mut object: Value = serde_json::from_str(self.base).expect("bases are JSON");
        object["apiVersion"] = json!(self.api_version);
        object["kind"] = json!(self.name);
        object["metadata"] = json!({"name": self.called(name, namespace), "labels": {"app": name}});
        if !self.namespaced {
            object["metadata"]["labels"]["run"] = json!(namespace);
        }
        if self.plural == "events" {
            object["involvedObject"]["namespace"] = json!(namespace);
        }
        object
    }
}

pub(super) const fn kind(
    plural: &'static str,
    api_version: &'static str,
    name: &'static str,
    base: &'static str,
) -> Kind {
    Kind {
        plural,
        api_version,
        name,
        custom: false,
        namespaced: true,
        status: false,
        scale: false,
        base,
        edits: &[],
        status_edits: &[],
        strategic: &[],
        parts: &[],
        status_parts: &[],
    }
}

pub(super) const REPLICAS: [Edit; 6] = [
    ("/spec/replicas", Some("3")),
    ("/spec/replicas", Some("-1")),
    ("/spec/replicas", Some("\"3\"")),
    ("/spec/replicas", Some("1.5")),
    ("/spec/replicas", None),
    ("/spec/minReadySeconds", Some("5")),
];

/// What can be applied to objects with a pod template.
pub(super) const POD_PARTS: &[&str] = &[
    r#"{"spec": {"replicas": 3}}"#,
    r#"{"spec": {"minReadySeconds": 5}}"#,
    r#"{"spec": {"template": {"spec": {"containers": [{"name": "demo", "image": "demo:red"}]}}}}"#,
    r#"{"spec": {"template": {"spec": {"containers": [{"name": "demo", "env": [{"name": "A", "value": "1"}]}]}}}}"#,
    r#"{"spec": {"template": {"metadata": {"labels": {"more": "x"}}}}}"#,
    r#"{"spec": {"template": {"spec": {"containers": [{"image": "nameless"}]}}}}"#,
    r#"{"spec": {"replicas": "three"}}"#,
];

pub(super) const KINDS: &[Kind] = &[
    custom::ROLLOUT,
    custom::EXPERIMENT,
    custom::RUN,
    custom::TEMPLATE,
    custom::CLUSTER_TEMPLATE,
    workload::REPLICA_SET,
    workload::DEPLOYMENT,
    workload::POD,
    Kind {
        status: true,
        edits: &[
            ("/spec/selector/app", Some("\"demo\"")),
            ("/spec/selector", Some("{\"app\": \"demo\", \"hash\": \"abc\"}")),
            ("/spec/selector", None),
            ("/spec/ports/0/port", Some("81")),
            ("/spec/ports/0/port", Some("0")),
            ("/spec/ports/0/port", Some("\"http\"")),
            ("/spec/ports/0/targetPort", Some("\"http\"")),
            ("/spec/ports/0/targetPort", Some("8080")),
            ("/spec/ports/0/name", Some("\"web\"")),
            ("/spec/ports", Some("[{\"port\": 80}, {\"port\": 81}]")),
            ("/spec/ports", Some("[{\"port\": 80, \"name\": \"a\"}, {\"port\": 81, \"name\": \"b\"}]")),
            ("/spec/ports", Some("[]")),
            ("/spec/clusterIP", Some("\"None\"")),
            ("/spec/type", Some("\"ExternalName\"")),
            ("/spec/type", Some("\"Other\"")),
            ("/spec/sessionAffinity", Some("\"ClientIP\"")),
            ("/spec/sessionAffinity", Some("\"Other\"")),
            ("/spec/externalName", Some("\"example.com\"")),
            ("/spec/unknown", Some("1")),
            ("/spec", None),
        ],
        status_edits: &[
            (
                "/status/conditions",
                Some(
                    "[{\"type\": \"x\", \"status\": \"True\", \"reason\": \"R\", \"message\": \"m\", \"lastTransitionTime\": \"2026-01-01T00:00:00Z\"}]",
                ),
            ),
            ("/status/unknown", Some("1")),
            ("/spec/selector/app", Some("\"other\"")),
        ],
        parts: &[
            r#"{"spec": {"selector": {"app": "applied"}}}"#,
            r#"{"spec": {"ports": [{"port": 80, "name": "web"}]}}"#,
            r#"{"spec": {"ports": [{"port": 81, "name": "more"}]}}"#,
            r#"{"spec": {"ports": [{"name": "none"}]}}"#,
            r#"{"spec": {"ports": [{"port": 80}], "sessionAffinity": "ClientIP"}}"#,
        ],
        status_parts: &[
            r#"{"status": {"conditions": [{"type": "x", "status": "True", "reason": "R", "message": "m", "lastTransitionTime": "2026-01-01T00:00:00Z"}]}}"#,
        ],
        ..kind(
            "services",
            "v1",
            "Service",
            r#"{"spec": {"selector": {"app": "demo"}, "ports": [{"port": 80}]}}"#,
        )
    },
    Kind {
        edits: &[
            ("/data/key", Some("\"other\"")),
            ("/data/key", None),
            ("/data/key", Some("1")),
            ("/data", Some("{\"bad key\": \"x\"}")),
            ("/data", None),
            ("/data", Some("[]")),
            ("/binaryData", Some("{\"key\": \"eA==\"}")),
            ("/binaryData", Some("{\"bin\": \"eA==\"}")),
            ("/binaryData", Some("{\"bin\": \"not base64\"}")),
            ("/immutable", Some("true")),
            ("/immutable", Some("false")),
        ],
        parts: &[
            r#"{"data": {"key": "applied"}}"#,
            r#"{"data": {"more": "x"}}"#,
            r#"{"data": {"more": 1}}"#,
            r#"{"immutable": true}"#,
        ],
        ..kind("configmaps", "v1", "ConfigMap", r#"{"data": {"key": "value"}}"#)
    },
    Kind {
        edits: &[
            ("/data/key", Some("\"eQ==\"")),
            ("/data/key", Some("\"not base64\"")),
            ("/data/key", None),
            ("/data", Some("{\"bad key\": \"eA==\"}")),
            ("/data", None),
            ("/stringData", Some("{\"text\": \"plain\"}")),
            ("/type", Some("\"example.com/other\"")),
            ("/type", Some("\"kubernetes.io/tls\"")),
            ("/immutable", Some("true")),
        ],
        parts: &[
            r#"{"data": {"key": "eQ=="}}"#,
            r#"{"data": {"more": "eA=="}}"#,
            r#"{"stringData": {"text": "applied"}}"#,
            r#"{"data": {"more": 1}}"#,
        ],
        ..kind("secrets", "v1", "Secret", r#"{"data": {"key": "eA=="}}"#)
    },
    Kind {
        edits: &[
            ("/count", Some("2")),
            ("/count", Some("\"2\"")),
            ("/message", Some("\"other\"")),
            ("/type", Some("\"Odd\"")),
            ("/reason", None),
            ("/involvedObject/namespace", Some("\"elsewhere\"")),
            ("/involvedObject/name", Some("\"x\"")),
            ("/lastTimestamp", Some("\"2026-01-01T00:00:05Z\"")),
            ("/lastTimestamp", Some("\"late\"")),
            ("/eventTime", Some("\"2026-01-01T00:00:00.000000Z\"")),
            ("/involvedObject", None),
        ],
        parts: &[r#"{"count": 3}"#, r#"{"message": "applied", "type": "Warning"}"#, r#"{"count": "three"}"#],
        ..kind(
            "events",
            "v1",
            "Event",
            r#"{"involvedObject": {"apiVersion": "v1", "kind": "Pod", "name": "p", "uid": "u"}, "reason": "R", "message": "m", "type": "Normal", "count": 1, "source": {"component": "c"}, "firstTimestamp": "2026-01-01T00:00:00Z", "lastTimestamp": "2026-01-01T00:00:00Z"}"#,
        )
    },
    Kind {
        edits: &[
            ("/template/spec/containers/0/image", Some("\"demo:red\"")),
            ("/template/spec/containers/0/image", None),
            ("/template/spec/containers", Some("[]")),
            ("/template/metadata/labels/app", Some("\"x\"")),
            ("/template/unknown", Some("1")),
            ("/template", None),
        ],
        parts: &[
            r#"{"template": {"spec": {"containers": [{"name": "demo", "image": "demo:red"}]}}}"#,
            r#"{"template": {"metadata": {"labels": {"more": "x"}}}}"#,
            r#"{"template": {"spec": {"containers": [{"image": "nameless"}]}}}"#,
        ],
        ..kind(
            "podtemplates",
            "v1",
            "PodTemplate",
            r#"{"template": {"metadata": {"labels": {"app": "demo"}}, "spec": {"containers": [{"name": "demo", "image": "demo:blue"}]}}}"#,
        )
    },
    Kind {
        edits: &[
            ("/spec/holderIdentity", Some("\"two\"")),
            ("/spec/holderIdentity", None),
            ("/spec/leaseDurationSeconds", Some("0")),
            ("/spec/leaseDurationSeconds", Some("30")),
            ("/spec/leaseTransitions", Some("-1")),
            ("/spec/leaseTransitions", Some("1")),
            ("/spec/renewTime", Some("\"2026-01-01T00:00:05.000000Z\"")),
            ("/spec/renewTime", Some("\"2026-01-01T00:00:05Z\"")),
            ("/spec/renewTime", Some("\"now\"")),
            ("/spec/unknown", Some("1")),
            ("/spec", None),
        ],
        parts: &[
            r#"{"spec": {"holderIdentity": "two"}}"#,
            r#"{"spec": {"holderIdentity": "one", "leaseTransitions": 1}}"#,
            r#"{"spec": {"leaseDurationSeconds": "long"}}"#,
        ],
        ..kind(
            "leases",
            "coordination.k8s.io/v1",
            "Lease",
            r#"{"spec": {"holderIdentity": "one", "leaseDurationSeconds": 15, "acquireTime": "2026-01-01T00:00:00.000000Z"}}"#,
        )
    },
    Kind {
        status: true,
        edits: &[
            ("/spec/minAvailable", Some("1")),
            ("/spec/minAvailable", Some("\"50%\"")),
            ("/spec/minAvailable", Some("\"half\"")),
            ("/spec/minAvailable", Some("-1")),
            ("/spec/minAvailable", None),
            ("/spec/maxUnavailable", Some("1")),
            ("/spec/selector/matchLabels/app", Some("\"two\"")),
            ("/spec/selector", None),
            ("/spec/unhealthyPodEvictionPolicy", Some("\"AlwaysAllow\"")),
            ("/spec/unhealthyPodEvictionPolicy", Some("\"Other\"")),
            ("/spec", None),
        ],
        status_edits: &[
            (
                "/status",
                Some(
                    "{\"disruptionsAllowed\": 1, \"currentHealthy\": 2, \"desiredHealthy\": 1, \"expectedPods\": 2, \"observedGeneration\": 1}",
                ),
            ),
            (
                "/status",
                Some(
                    "{\"disruptionsAllowed\": 0, \"currentHealthy\": 1, \"desiredHealthy\": 1, \"expectedPods\": 1, \"observedGeneration\": 9}",
                ),
            ),
            ("/status/disruptionsAllowed", Some("-1")),
            ("/status/unknown", Some("1")),
            ("/status", None),
            ("/spec/minAvailable", Some("7")),
        ],
        parts: &[
            r#"{"spec": {"minAvailable": 2}}"#,
            r#"{"spec": {"maxUnavailable": 1}}"#,
            r#"{"spec": {"selector": {"matchLabels": {"app": "two"}}}}"#,
            r#"{"spec": {"minAvailable": []}}"#,
        ],
        status_parts: &[
            r#"{"status": {"disruptionsAllowed": 1, "currentHealthy": 2, "desiredHealthy": 1, "expectedPods": 2}}"#,
            r#"{"status": {"disruptionsAllowed": "one"}}"#,
        ],
        ..kind(
            "poddisruptionbudgets",
            "policy/v1",
            "PodDisruptionBudget",
            r#"{"spec": {"minAvailable": 1, "selector": {"matchLabels": {"app": "one"}}}}"#,
        )
    },
    Kind {
        status: true,
        edits: &[
            ("/spec/maxReplicas", Some("5")),
            ("/spec/maxReplicas", Some("0")),
            ("/spec/maxReplicas", None),
            ("/spec/minReplicas", Some("2")),
            ("/spec/minReplicas", Some("9")),
            ("/spec/minReplicas", Some("0")),
            ("/spec/scaleTargetRef/name", Some("\"\"")),
            ("/spec/scaleTargetRef", None),
            ("/spec/metrics", Some("[]")),
            (
                "/spec/metrics",
                Some(
                    "[{\"type\": \"Resource\", \"resource\": {\"name\": \"cpu\", \"target\": {\"type\": \"Utilization\", \"averageUtilization\": 50}}}]",
                ),
            ),
            ("/spec/unknown", Some("1")),
        ],
        status_edits: &[
            ("/status/currentReplicas", Some("2")),
            ("/status/currentReplicas", Some("-2")),
            ("/status/desiredReplicas", Some("3")),
            ("/status/unknown", Some("1")),
            ("/spec/maxReplicas", Some("7")),
        ],
        parts: &[
            r#"{"spec": {"maxReplicas": 5}}"#,
            r#"{"spec": {"minReplicas": 2}}"#,
            r#"{"spec": {"maxReplicas": "five"}}"#,
        ],
        status_parts: &[
            r#"{"status": {"currentReplicas": 2, "desiredReplicas": 2}}"#,
            r#"{"status": {"currentReplicas": "two"}}"#,
        ],
        ..kind(
            "horizontalpodautoscalers",
            "autoscaling/v2",
            "HorizontalPodAutoscaler",
            r#"{"spec": {"maxReplicas": 3, "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "demo"}}}"#,
        )
    },
];
