//! What upstream's controller, plugin and Argo CD expect to find in objects that a controller has written: hand-back.

use std::collections::BTreeMap;

use serde_json::Value;

const HASH: &str = "rollouts-pod-template-hash";

/// Everything that is not as upstream expects it; empty for objects that may be handed back.
pub(crate) fn complaints(objects: &[Value]) -> Vec<String> {
    let of_kind = |kind: &'static str| objects.iter().filter(move |object| object["kind"] == kind);
    let mut complaints = Complaints::default();
    for rollout in of_kind("Rollout") {
        let uid = &rollout["metadata"]["uid"];
        let is_ours = |it: &&Value| it["metadata"]["ownerReferences"][0]["uid"] == *uid;
        let replica_sets: Vec<&Value> = of_kind("ReplicaSet").filter(is_ours).collect();
        for replica_set in &replica_sets {
            complaints.of_replica_set(rollout, replica_set);
        }
        complaints.of_status(rollout, &replica_sets);
        for service in of_kind("Service") {
            complaints.of_service(rollout, service, &replica_sets);
        }
    }
    complaints.found
}

#[derive(Default)]
struct Complaints {
    at: String,
    found: Vec<String>,
}

impl Complaints {
    fn expect(&mut self, holds: bool, what: &str) {
        if !holds {
            self.found.push(format!("{}: {what}", self.at));
        }
    }

    fn of_replica_set(&mut self, rollout: &Value, replica_set: &Value) {
        let metadata = &replica_set["metadata"];
        let hash = text(&metadata["labels"][HASH]);
        self.at = format!("ReplicaSet {}", text(&metadata["name"]));
        let name = format!("{}-{hash}", text(&rollout["metadata"]["name"]));
        self.expect(text(&metadata["name"]) == name, "it is not named by its hash");
        let spec = &replica_set["spec"];
        self.expect(spec["selector"]["matchLabels"][HASH] == hash, "its selector lacks the hash");
        self.expect(spec["template"]["metadata"]["labels"][HASH] == hash, "its pods lack the hash");
        let owner = &metadata["ownerReferences"][0];
        let is_owner = owner["apiVersion"] == "argoproj.io/v1alpha1"
            && owner["kind"] == "Rollout"
            && owner["name"] == rollout["metadata"]["name"]
            && owner["controller"] == true
            && owner["blockOwnerDeletion"] == true;
        self.expect(is_owner, "its owner reference is not upstream's");
        let annotation = |key: &str| text(&metadata["annotations"][key]);
        let is_number = |text: &str| text.parse::<u32>().is_ok();
        self.expect(is_number(annotation("rollout.argoproj.io/revision")), "it has no revision");
        self.expect(
            is_number(annotation("rollout.argoproj.io/desired-replicas")),
            "desired-replicas is no number",
        );
        let history = annotation("rollout.argoproj.io/revision-history");
        self.expect(history.is_empty() || history.split(',').all(is_number), "revision-history is no list");
        let deadline = annotation("scale-down-deadline");
        self.expect(deadline.is_empty() || is_time(deadline), "scale-down-deadline is no time");
        self.of_injected(annotation("rollout.argoproj.io/ephemeral-metadata"), &spec["template"]["metadata"]);
    }

    /// What is recorded as injected stands in the template.
    fn of_injected(&mut self, recorded: &str, template: &Value) {
        if recorded.is_empty() {
            return;
        }
        let injected: Option<BTreeMap<String, BTreeMap<String, String>>> =
            serde_json::from_str(recorded).ok();
        let Some(injected) = injected else { return self.expect(false, "ephemeral-metadata cannot be read") };
        for (of, members) in injected {
            for (key, value) in members {
                self.expect(template[&of][&key] == value.as_str(), "its template lacks what was injected");
            }
        }
    }

    fn of_service(&mut self, rollout: &Value, service: &Value, replica_sets: &[&Value]) {
        let metadata = &service["metadata"];
        let hash = text(&service["spec"]["selector"][HASH]);
        let owner = &metadata["annotations"]["argo-rollouts.argoproj.io/managed-by-rollouts"];
        if !names(&rollout["spec"]["strategy"], text(&metadata["name"])) {
            return;
        }
        self.at = format!("Service {}", text(&metadata["name"]));
        self.expect(*owner == rollout["metadata"]["name"], "it does not say who manages it");
        self.expect(
            replica_sets.iter().any(|it| it["metadata"]["labels"][HASH] == hash),
            "it selects nothing",
        );
    }

    fn of_status(&mut self, rollout: &Value, replica_sets: &[&Value]) {
        let status = &rollout["status"];
        self.at = "Rollout".to_owned();
        self.expect(
            status["observedGeneration"] == rollout["metadata"]["generation"].to_string().as_str(),
            "observedGeneration",
        );
        let phases = ["Healthy", "Progressing", "Paused", "Degraded"];
        self.expect(phases.contains(&text(&status["phase"])), "phase");
        for condition in list(&status["conditions"]) {
            let full =
                ["type", "status", "reason", "message"].iter().all(|key| !text(&condition[*key]).is_empty());
            let times =
                ["lastTransitionTime", "lastUpdateTime"].iter().all(|key| is_time(text(&condition[*key])));
            self.expect(full && times, &format!("condition {}", text(&condition["type"])));
        }
        for pause in list(&status["pauseConditions"]) {
            self.expect(!text(&pause["reason"]).is_empty() && is_time(text(&pause["startTime"])), "a pause");
        }
        let is_paused = !list(&status["pauseConditions"]).is_empty();
        self.expect((status["controllerPause"] == true) == is_paused, "controllerPause");
        self.expect((status["abort"] == true) == is_time(text(&status["abortedAt"])), "abort and abortedAt");
        let restarted = text(&status["restartedAt"]);
        self.expect(restarted.is_empty() || is_time(restarted), "restartedAt");
        if list(&status["conditions"]).iter().any(|condition| condition["type"] == "InvalidSpec") {
            return;
        }
        self.of_versions(rollout, replica_sets);
        self.of_strategy(rollout);
    }

    fn of_versions(&mut self, rollout: &Value, replica_sets: &[&Value]) {
        let status = &rollout["status"];
        let with_hash = |hash: &str| replica_sets.iter().find(|it| it["metadata"]["labels"][HASH] == hash);
        let new = with_hash(text(&status["currentPodHash"]));
        self.expect(new.is_some(), "currentPodHash names nothing");
        self.expect(with_hash(text(&status["stableRS"])).is_some(), "stableRS names nothing");
        let revision = "rollout.argoproj.io/revision";
        let of_new = new.map(|new| new["metadata"]["annotations"][revision].clone());
        let annotations = &rollout["metadata"]["annotations"];
        self.expect(
            of_new.is_some_and(|it| it == annotations[revision]),
            "its revision is not the new one's",
        );
        self.expect(
            status["workloadObservedGeneration"] == annotations["rollout.argoproj.io/workload-generation"],
            "workloadObservedGeneration",
        );
        for (key, value) in status["duration"].as_object().into_iter().flatten() {
            self.expect(!key.ends_with("At") || is_time(text(value)), "duration");
        }
    }

    fn of_strategy(&mut self, rollout: &Value) {
        let (status, strategy) = (&rollout["status"], &rollout["spec"]["strategy"]);
        self.expect(!text(&status["selector"]).is_empty(), "selector");
        self.expect(
            status["blueGreen"].is_object() && status["canary"].is_object(),
            "blueGreen and canary are absent",
        );
        if strategy["canary"].is_object() {
            self.expect(!text(&status["currentStepHash"]).is_empty(), "currentStepHash");
            let steps = list(&strategy["canary"]["steps"]).len();
            let index = status["currentStepIndex"].as_u64();
            self.expect(index.is_some() == (steps > 0), "currentStepIndex");
            self.expect(index.unwrap_or(0) <= steps as u64, "currentStepIndex is beyond the end");
        }
        if let Some(weights) = status["canary"]["weights"].as_object() {
            let weight = |role: &str| weights[role]["weight"].as_i64();
            let sum = weight("canary").zip(weight("stable")).map(|(canary, stable)| canary + stable);
            self.expect(sum == Some(100), "the weights do not sum up");
            for role in ["canary", "stable"] {
                let full = ["podTemplateHash", "serviceName"]
                    .iter()
                    .all(|key| !text(&weights[role][*key]).is_empty());
                self.expect(full, &format!("weight of {role}"));
            }
        }
    }
}

fn names(strategy: &Value, service: &str) -> bool {
    let members = [
        ("blueGreen", "activeService"),
        ("blueGreen", "previewService"),
        ("canary", "stableService"),
        ("canary", "canaryService"),
    ];
    members.iter().any(|(kind, member)| strategy[*kind][*member] == service)
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

/// RFC 3339 in UTC with whole seconds, as Kubernetes writes it.
fn is_time(text: &str) -> bool {
    const SHAPE: &str = "0000-00-00T00:00:00Z";
    let fits = |(is, shape): (char, char)| if shape == '0' { is.is_ascii_digit() } else { is == shape };
    text.len() == SHAPE.len() && text.chars().zip(SHAPE.chars()).all(fits)
}
