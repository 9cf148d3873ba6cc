//! Scaling, deletion and re-creation, and two controllers that share a cluster by instance id.

use serde_json::json;
use tidegate_e2e::{Place, Start, shared};

use crate::demo::{NAME, is_paused_at, rollout, set_image, size};

#[test]
fn scaling_goes_through_the_scale_subresource() {
    let plane = shared();
    let place = Place::new(plane, "scale");
    let controller = Start::new(plane, &place, "only").ready();
    place.apply(&[rollout(NAME, "demo:blue", 1)]);
    place.until_phase(NAME, "Healthy");
    assert_eq!(
        place.kubectl("scale rollout rollouts-demo --replicas=7"),
        "rollout.argoproj.io/rollouts-demo scaled\n"
    );
    place.until(NAME, "seven pods are available", |rollout| rollout["status"]["availableReplicas"] == 7);
    let scale = place.get("apis/argoproj.io/v1alpha1", "rollouts", "rollouts-demo/scale").unwrap();
    assert_eq!(scale["status"], json!({"replicas": 7, "selector": "app=rollouts-demo"}));
    let available = "rollout_info_replicas_available{name=\"rollouts-demo\",namespace=\"scale\"} 7\n";
    place.wait("Prometheus is told of seven pods", || controller.metrics().contains(available));
    assert!(controller.metrics().contains("controller_clientset_k8s_request_total{kind=\"replicasets\""));

    place.plugin(&set_image(NAME, "demo:yellow"));
    place.until(NAME, "it is paused", |rollout| is_paused_at(rollout, 1));
    place.kubectl("scale rollout rollouts-demo --replicas=10");
    // A fifth of ten.
    place.wait("both versions have their share of ten", || {
        let replica_sets = place.replica_sets();
        size(&replica_sets, "demo:yellow") == Some(2) && size(&replica_sets, "demo:blue") == Some(8)
    });
    place.plugin("promote rollouts-demo --full");
    place.until_phase(NAME, "Healthy");
    assert_eq!(size(&place.replica_sets(), "demo:yellow"), Some(10));
}

#[test]
fn what_is_deleted_and_created_again_begins_anew() {
    let plane = shared();
    let place = Place::new(plane, "again");
    let _controller = Start::new(plane, &place, "only").ready();
    place.apply(&[rollout(NAME, "demo:blue", 1)]);
    let first = place.until_phase(NAME, "Healthy");
    place.kubectl("delete rollout rollouts-demo --wait=false");
    // At once: what ran for the first has the same names.
    place.wait("the first is gone", || {
        let present = place.rollout(NAME);
        present["metadata"]["uid"] != first["metadata"]["uid"]
    });
    place.apply(&[rollout(NAME, "demo:blue", 1)]);
    place.until_phase(NAME, "Healthy");
    let uid = place.rollout(NAME)["metadata"]["uid"].clone();
    place.wait("only its own ReplicaSet is left", || {
        let replica_sets = place.replica_sets();
        replica_sets.len() == 1 && replica_sets[0]["metadata"]["ownerReferences"][0]["uid"] == uid
    });
    assert_eq!(place.rollout(NAME)["metadata"]["annotations"]["rollout.argoproj.io/revision"], "1");
    place.kubectl("delete rollout rollouts-demo");
    place.wait("nothing is left", || place.replica_sets().is_empty());
}

#[test]
fn two_instances_share_a_cluster_and_touch_only_their_own() {
    let plane = shared();
    let place = Place::new(plane, "instances");
    let labelled = |name: &str, instance: Option<&str>| {
        let mut object = rollout(name, "demo:blue", 1);
        if let Some(instance) = instance {
            object["metadata"]["labels"] =
                json!({"argo-rollouts.argoproj.io/controller-instance-id": instance});
        }
        object
    };
    place.apply(&[
        labelled("plain", None),
        labelled("first", Some("first")),
        labelled("second", Some("second")),
    ]);
    let first = Start::new(plane, &place, "first").flag("--instance-id=first").ready();
    place.until_phase("first", "Healthy");
    assert_eq!(place.rollout("plain")["status"], json!(null));
    let _second = Start::new(plane, &place, "second").flag("--instance-id=second").ready();
    place.until_phase("second", "Healthy");
    assert_eq!(place.rollout("plain")["status"], json!(null));
    let _plain = Start::new(plane, &place, "plain").ready();
    place.until_phase("plain", "Healthy");
    let leases = place.list("apis/coordination.k8s.io/v1", "leases");
    let names: Vec<&str> = leases.iter().map(|lease| lease["metadata"]["name"].as_str().unwrap()).collect();
    let name = "argo-rollouts-controller-lock";
    assert_eq!(names, [name, &format!("{name}-first"), &format!("{name}-second")]);
    assert_eq!(first.stop(), Some(0));
    let lease = place.get("apis/coordination.k8s.io/v1", "leases", &format!("{name}-first")).unwrap();
    assert_eq!(lease["spec"]["holderIdentity"], "", "the lease is given back: {lease:#}");
}
