//! Where the API server keeps the kinds that the controller reads and writes.

use kube::api::ApiResource;

/// A kind of Kubernetes object, with its place in the API.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Kind {
    group: &'static str,
    version: &'static str,
    pub(crate) kind: &'static str,
    plural: &'static str,
}

pub(crate) const ROLLOUT: Kind = Kind::new("argoproj.io", "v1alpha1", "Rollout", "rollouts");
pub(crate) const REPLICA_SET: Kind = Kind::new("apps", "v1", "ReplicaSet", "replicasets");
pub(crate) const SERVICE: Kind = Kind::new("", "v1", "Service", "services");
pub(crate) const EVENT: Kind = Kind::new("", "v1", "Event", "events");
pub(crate) const LEASE: Kind = Kind::new("coordination.k8s.io", "v1", "Lease", "leases");
pub(crate) const POD: Kind = Kind::new("", "v1", "Pod", "pods");
pub(crate) const DEPLOYMENT: Kind = Kind::new("apps", "v1", "Deployment", "deployments");
pub(crate) const POD_TEMPLATE: Kind = Kind::new("", "v1", "PodTemplate", "podtemplates");

/// Kinds that can lend a pod template.
pub(crate) const WORKLOADS: [Kind; 3] = [DEPLOYMENT, REPLICA_SET, POD_TEMPLATE];

impl Kind {
    const fn new(
        group: &'static str,
        version: &'static str,
        kind: &'static str,
        plural: &'static str,
    ) -> Self {
        Self { group, version, kind, plural }
    }

    /// The kind of an object that a plan writes.
    pub(crate) fn written(kind: &str) -> Option<Self> {
        [ROLLOUT, REPLICA_SET, SERVICE, DEPLOYMENT, POD].into_iter().find(|known| known.kind == kind)
    }

    /// A kind of written objects that are followed only because they lend their templates.
    pub(crate) fn lender(kind: &str) -> Option<Self> {
        (kind == DEPLOYMENT.kind).then_some(DEPLOYMENT)
    }

    /// The kind behind a `workloadRef`. As in `tidegate_core`, the version does not count: the same object is served in
    /// every version of its group, and is read in ours.
    pub(crate) fn workload(api_version: &str, kind: &str) -> Option<Self> {
        let group = match api_version.split_once('/') {
            Some((group, version)) if !version.contains('/') => group,
            _ => "",
        };
        WORKLOADS.into_iter().find(|known| known.kind == kind && known.group == group)
    }

    /// `rollouts.argoproj.io`, `services`: the resource as roles and messages name it.
    pub(crate) fn qualified_name(self) -> String {
        if self.group.is_empty() { self.plural.to_owned() } else { format!("{}.{}", self.plural, self.group) }
    }

    /// `rollouts`.
    pub(crate) fn plural(self) -> &'static str {
        self.plural
    }

    /// `apps/v1`, `v1`.
    pub(crate) fn api_version(self) -> String {
        if self.group.is_empty() {
            self.version.to_owned()
        } else {
            format!("{}/{}", self.group, self.version)
        }
    }

    /// Path of all objects of a namespace.
    pub(crate) fn collection(self, namespace: &str) -> String {
        let prefix = if self.group.is_empty() { "api" } else { "apis" };
        format!("/{prefix}/{}/namespaces/{namespace}/{}", self.api_version(), self.plural)
    }

    /// Path of one object.
    pub(crate) fn object(self, namespace: &str, name: &str) -> String {
        format!("{}/{name}", self.collection(namespace))
    }

    /// The same for kube's own requests.
    pub(crate) fn resource(self) -> ApiResource {
        ApiResource {
            group: self.group.to_owned(),
            version: self.version.to_owned(),
            api_version: self.api_version(),
            kind: self.kind.to_owned(),
            plural: self.plural.to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths() {
        assert_eq!(ROLLOUT.object("a", "b"), "/apis/argoproj.io/v1alpha1/namespaces/a/rollouts/b");
        assert_eq!(EVENT.collection("a"), "/api/v1/namespaces/a/events");
        assert_eq!(
            [ROLLOUT, SERVICE].map(Kind::qualified_name),
            ["rollouts.argoproj.io".to_owned(), "services".to_owned()]
        );
        assert_eq!(Kind::workload("apps/v1", "Deployment"), Some(DEPLOYMENT));
        assert_eq!(Kind::workload("v1", "PodTemplate"), Some(POD_TEMPLATE));
        assert_eq!(Kind::workload("apps/v1beta1", "Deployment"), Some(DEPLOYMENT));
    }

    #[test]
    fn every_workload_that_decisions_ask_for_has_a_place_and_no_other() {
        let kinds = ["Deployment", "ReplicaSet", "PodTemplate", "StatefulSet"];
        for api_version in
            ["apps/v1", "apps/v1beta2", "v1", "v2", "", "apps", "extensions/v1beta1", "a/b/c", "/v1"]
        {
            for kind in kinds {
                let reference = tidegate_api::rollout::WorkloadRef {
                    api_version: api_version.into(),
                    kind: kind.into(),
                    name: "x".into(),
                    scale_down: None,
                };
                let asked_for = tidegate_core::rollout::validate::workload_kind_is_supported(&reference);
                let known = Kind::workload(api_version, kind);
                assert_eq!(known.is_some(), asked_for, "{api_version} {kind}");
            }
        }
    }
}
