//! The Services of a Rollout when it is deleted, with the real garbage collector: they are released, and serve whoever is left.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use tidegate_e2e::{Place, Start, Traffic, shared};

use crate::demo::{service, with_strategy};

const MARK: &str = "argo-rollouts.argoproj.io/managed-by-rollouts";

/// A canary of this name with two Services, and these.
fn objects(name: &str) -> [Value; 3] {
    let [stable, canary] = [format!("{name}-stable"), format!("{name}-canary")];
    let strategy = json!({"canary": {"stableService": stable, "canaryService": canary}});
    [service(&stable, name), service(&canary, name), with_strategy(name, "demo:blue", 2, &strategy)]
}

#[test]
fn deletion_releases_services_whatever_becomes_of_the_pods() {
    let plane = shared();
    let place = Place::new(plane, "deleted");
    let _controller = Start::new(plane, &place, "only").ready();
    for name in ["background", "foreground", "orphan"] {
        place.apply(&objects(name));
    }
    for name in ["background", "foreground", "orphan"] {
        let rollout = place.until_phase(name, "Healthy");
        let hash = rollout["status"]["stableRS"].as_str().unwrap();
        for service in [format!("{name}-stable"), format!("{name}-canary")] {
            place.wait("its version is selected", || place.selected_by(&service) == hash);
            assert_eq!(mark(&place, &service), name);
        }
    }
    let traffic = Traffic::of(&place, "orphan-stable", 2);
    let orphans = place.pods("app=orphan");
    for name in ["background", "foreground", "orphan"] {
        place.kubectl(&format!("delete rollout {name} --cascade={name}"));
    }
    for name in ["background", "foreground"] {
        is_released(&place, name);
        place.wait("its pods are gone", || place.pods(&format!("app={name}")).is_empty());
    }
    is_released(&place, "orphan");
    place.wait("only the orphan is left", || {
        let replica_sets = place.replica_sets();
        replica_sets.len() == 1 && replica_sets[0]["metadata"]["ownerReferences"].is_null()
    });
    assert_eq!(place.pods("app=orphan"), orphans);

    // Applied again, it takes over what it had: no pod and no ReplicaSet is made.
    place.apply(&objects("orphan"));
    let again = place.until_phase("orphan", "Healthy");
    let replica_sets = place.replica_sets();
    assert_eq!(replica_sets.len(), 1, "{replica_sets:#?}");
    let owner = &replica_sets[0]["metadata"]["ownerReferences"][0];
    assert_eq!([&owner["uid"], &owner["controller"]], [&again["metadata"]["uid"], &json!(true)]);
    assert_eq!(place.pods("app=orphan"), orphans);
    place.wait("its Services are its own again", || {
        place.selected_by("orphan-stable") == again["status"]["stableRS"].as_str().unwrap()
    });
    traffic.assert_never_below(2);
}

#[test]
fn a_service_that_is_named_no_more_is_released() {
    let plane = shared();
    let place = Place::new(plane, "released");
    let _controller = Start::new(plane, &place, "only").ready();
    place.apply(&objects("demo"));
    place.until_phase("demo", "Healthy");
    place.wait("its version is selected", || !place.selected_by("demo-canary").is_empty());
    place.kubectl(
        r#"patch rollout demo --type=merge -p {"spec":{"strategy":{"canary":{"canaryService":null}}}}"#,
    );
    place.wait("it is released", || selector(&place, "demo-canary") == json!({"app": "demo"}));
    assert_eq!(mark(&place, "demo-canary"), Value::Null);
    // What names it still keeps its own.
    assert_eq!(mark(&place, "demo-stable"), "demo");
    let names: BTreeSet<String> = place.pods("app=demo");
    assert_eq!(names.len(), 2);
}

#[track_caller]
fn is_released(place: &Place, name: &str) {
    for service in [format!("{name}-stable"), format!("{name}-canary")] {
        place.wait(&format!("{service} is released"), || {
            selector(place, &service) == json!({"app": name}) && mark(place, &service).is_null()
        });
    }
}

fn selector(place: &Place, service: &str) -> Value {
    place.get("api/v1", "services", service).unwrap()["spec"]["selector"].clone()
}

fn mark(place: &Place, service: &str) -> Value {
    place.get("api/v1", "services", service).unwrap()["metadata"]["annotations"][MARK].clone()
}
