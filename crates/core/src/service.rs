//! Services that a Rollout has let go.
//!
//! A Service is marked by the name of the Rollout that makes it select one version. When that Rollout is gone, or names the
//! Service no more, the Service selects by its own labels again. One that carries a hash without the mark is left alone: a user
//! may have pinned it by hand.

use serde_json::{Value, json};
use tidegate_api::labels::{MANAGED_BY_ROLLOUTS, POD_TEMPLATE_HASH};
use tidegate_api::rollout::{Rollout, TrafficWeights};

use crate::plan::{ObjectRef, Purpose, Request, Write};
use crate::rollout::validate::service_refs;
use crate::snapshot::Service;
use crate::traffic;

/// The name of the Rollout that a Service is marked by.
#[must_use]
pub fn manager(service: &Service) -> Option<&str> {
    service.metadata.annotations.get(MANAGED_BY_ROLLOUTS).map(String::as_str)
}

/// Whether a Rollout names this Service of its namespace, or its traffic still comes by it. One that is being deleted does so until it
/// is gone.
#[must_use]
pub fn is_named_by(service: &str, rollout: &Rollout) -> bool {
    service_refs(rollout).iter().any(|(_, name)| name == service)
        || routed_by(rollout).any(|name| name == service)
}

/// Services to which the route of a Rollout was last seen to send requests, also where the spec names others.
pub fn routed_by(rollout: &Rollout) -> impl Iterator<Item = &str> {
    recorded(rollout).into_iter().flat_map(traffic::services)
}

/// Whether the data plane has yet to confirm the route of a Rollout: it may still send requests where it did before.
#[must_use]
pub fn is_unconfirmed(rollout: &Rollout) -> bool {
    recorded(rollout).is_some_and(|weights| weights.verified == Some(false))
}

fn recorded(rollout: &Rollout) -> Option<&TrafficWeights> {
    let canary = rollout.spec.strategy.as_ref()?.canary.as_ref()?;
    rollout.status.canary.weights.as_ref().filter(|_| canary.traffic_routing.is_some())
}

/// The write that lets a Service go, if nobody holds it. `manager` is the Rollout that it is marked by, as a live read has found
/// it: nobody knows of a Rollout that a store does not show whether it is another controller's.
#[must_use]
pub fn release(service: &Service, manager: Option<&Rollout>) -> Option<Write> {
    let metadata = &service.metadata;
    let mark = metadata.annotations.get(MANAGED_BY_ROLLOUTS)?;
    if manager.is_some_and(|rollout| is_named_by(&metadata.name, rollout)) {
        return None;
    }
    let annotation = format!("/metadata/annotations/{}", MANAGED_BY_ROLLOUTS.replace('/', "~1"));
    let mut patch = vec![json!({"op": "test", "path": "/metadata/uid", "value": metadata.uid})];
    remove(&mut patch, &annotation, mark);
    if let Some(hash) = service.selector.get(POD_TEMPLATE_HASH) {
        remove(&mut patch, &format!("/spec/selector/{POD_TEMPLATE_HASH}"), hash);
    }
    let object = ObjectRef {
        kind: "Service".to_owned(),
        namespace: metadata.namespace.clone(),
        name: metadata.name.clone(),
    };
    let request = Request::JsonPatch { body: Value::Array(patch), subresource: None };
    Some(Write { object, request, purpose: Purpose::SwitchService, events: Vec::new() })
}

/// Removes a member unless somebody else has changed it.
fn remove(patch: &mut Vec<Value>, path: &str, value: &str) {
    patch.push(json!({"op": "test", "path": path, "value": value}));
    patch.push(json!({"op": "remove", "path": path}));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn service(annotations: &Value, selector: &Value) -> Service {
        let metadata = json!({"namespace": "a", "name": "s", "uid": "u", "annotations": annotations});
        Service::parse(&json!({"metadata": metadata, "spec": {"selector": selector}})).unwrap()
    }

    fn rollout(names: &str) -> Rollout {
        let object = json!({
            "metadata": {"namespace": "a", "name": "x", "deletionTimestamp": "2026-01-01T00:00:00Z"},
            "spec": {"strategy": {"blueGreen": {"activeService": names}}},
        });
        serde_json::from_value(object).unwrap()
    }

    #[test]
    fn mark_and_hash_go_together_and_only_as_they_were_seen() {
        let marked = json!({MANAGED_BY_ROLLOUTS: "x"});
        let released =
            release(&service(&marked, &json!({"app": "x", POD_TEMPLATE_HASH: "abc"})), None).unwrap();
        let Request::JsonPatch { body, .. } = &released.request else { panic!("{released:?}") };
        let annotation = "/metadata/annotations/argo-rollouts.argoproj.io~1managed-by-rollouts";
        let hash = "/spec/selector/rollouts-pod-template-hash";
        let expected = json!([
            {"op": "test", "path": "/metadata/uid", "value": "u"},
            {"op": "test", "path": annotation, "value": "x"}, {"op": "remove", "path": annotation},
            {"op": "test", "path": hash, "value": "abc"}, {"op": "remove", "path": hash},
        ]);
        assert_eq!(*body, expected);
        let released = release(&service(&marked, &json!({"app": "x"})), None).unwrap();
        let Request::JsonPatch { body, .. } = &released.request else { panic!("{released:?}") };
        assert_eq!(body.as_array().unwrap().len(), 3);
    }

    #[test]
    fn what_is_named_or_not_marked_is_left_alone() {
        let (marked, pinned) = (json!({MANAGED_BY_ROLLOUTS: "x"}), json!({POD_TEMPLATE_HASH: "abc"}));
        assert_eq!(release(&service(&json!({}), &pinned), None), None);
        // Also by one that is being deleted.
        assert_eq!(release(&service(&marked, &pinned), Some(&rollout("s"))), None);
        assert!(release(&service(&marked, &pinned), Some(&rollout("other"))).is_some());
    }

    #[test]
    fn what_traffic_still_comes_by_is_kept() {
        let to = |service: &str, weight: i32| json!({"serviceName": service, "weight": weight});
        let routed = |by: &str, strategy: Value| {
            let weights = json!({"canary": to("s", 0), "stable": to(by, 100)});
            let object = json!({
                "metadata": {"namespace": "a", "name": "x"},
                "spec": {"strategy": {"canary": strategy}},
                "status": {"canary": {"weights": weights}},
            });
            serde_json::from_value::<Rollout>(object).unwrap()
        };
        let marked = service(&json!({MANAGED_BY_ROLLOUTS: "x"}), &json!({}));
        let router = json!({"trafficRouting": {"nginx": {"stableIngress": "web"}}});
        assert_eq!(release(&marked, Some(&routed("s", router.clone()))), None);
        assert!(release(&marked, Some(&routed("other", router))).is_some(), "it has no share");
        assert!(release(&marked, Some(&routed("s", json!({})))).is_some(), "nothing is routed any more");
    }
}
