//! What others do to the paper cluster.

use serde_json::{Value, json};

use super::Paper;

impl Paper {
    /// Somebody makes a Service select a version.
    pub(in crate::rollout::tests) fn point(&mut self, service: &str, hash: &str) {
        self.services.get_mut(service).unwrap()["spec"]["selector"]["rollouts-pod-template-hash"] =
            json!(hash);
    }

    /// The version of a Service.
    pub(in crate::rollout::tests) fn service_version(&self, name: &str) -> String {
        self.services[name]["metadata"]["resourceVersion"].as_str().unwrap().to_owned()
    }

    /// A Service is another Rollout's.
    pub(in crate::rollout::tests) fn mark(&mut self, service: &str, by: &str) {
        let service = self.services.get_mut(service).unwrap();
        service["metadata"]["annotations"] = json!({"argo-rollouts.argoproj.io/managed-by-rollouts": by});
    }

    pub(in crate::rollout::tests) fn remove_service(&mut self, name: &str) {
        self.services.remove(name);
    }

    /// So many pods of an image are ready.
    pub(in crate::rollout::tests) fn leave_pods(&mut self, image: &str, left: i32) {
        for rs in self.replica_sets.values_mut() {
            if rs["spec"]["template"]["spec"]["containers"][0]["image"] == image {
                rs["status"]["readyReplicas"] = json!(left);
                rs["status"]["availableReplicas"] = json!(left);
            }
        }
    }

    /// The pods of an image are new: ready, but not for long enough yet.
    pub(in crate::rollout::tests) fn leave_pods_unavailable(&mut self, image: &str) {
        for rs in self.replica_sets.values_mut() {
            if rs["spec"]["template"]["spec"]["containers"][0]["image"] == image {
                rs["status"]["availableReplicas"] = json!(0);
            }
        }
    }

    /// Somebody else's ReplicaSet has the name that this template would get.
    pub(in crate::rollout::tests) fn occupy(&mut self, template: &Value) {
        let name = format!("demo-{}", tidegate_api::hash::pod_template_hash(template, None));
        let object = json!({
            "metadata": {"name": name, "uid": "uid-other", "ownerReferences": [
                {"apiVersion": "v1", "kind": "Other", "name": "x", "uid": "uid-x", "controller": true}]},
            "spec": {"replicas": 0, "template": {}},
        });
        self.replica_sets.insert(name, object);
    }

    pub(in crate::rollout::tests) fn orphan_all(&mut self) {
        for rs in self.replica_sets.values_mut() {
            rs["metadata"].as_object_mut().unwrap().remove("ownerReferences");
        }
    }

    /// The Rollout is deleted, and another one is made of its name, of which no watch tells; what was made of this template is collected.
    pub(in crate::rollout::tests) fn succeed_silently(&mut self, template: &Value) {
        self.successor = Some("uid-3".to_owned());
        self.made = Some(format!("demo-{}", tidegate_api::hash::pod_template_hash(template, None)));
    }

    /// The Rollout is deleted without its dependents and applied again.
    pub(in crate::rollout::tests) fn recreate(&mut self) {
        self.rollout.as_object_mut().unwrap().remove("status");
        self.rollout["metadata"] = json!({
            "name": "demo", "namespace": "default", "uid": "uid-2", "generation": 1, "resourceVersion": "900"});
    }
}
