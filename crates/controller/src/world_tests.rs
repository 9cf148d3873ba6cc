use serde_json::{Value, json};

use super::*;

fn metadata(namespace: &str, name: &str, version: u64) -> Value {
    json!({
        "namespace": namespace, "name": name, "uid": format!("uid-{name}"),
        "resourceVersion": version.to_string(), "creationTimestamp": "2026-01-01T00:00:00Z",
    })
}

fn rollout(name: &str, version: u64) -> Watched {
    Watched::new(json!({"metadata": metadata("a", name, version), "spec": {}}))
}

fn replica_set(name: &str, version: u64, owner: Option<&str>) -> Watched {
    let mut object = json!({"metadata": metadata("a", name, version), "spec": {"template": {}}});
    if let Some(owner) = owner {
        object["metadata"]["ownerReferences"] = json!([{
            "apiVersion": "argoproj.io/v1alpha1", "kind": "Rollout", "controller": true,
            "name": owner, "uid": format!("uid-{owner}"),
        }]);
    }
    Watched::new(object)
}

fn service(name: &str, version: u64) -> Watched {
    Watched::new(json!({"metadata": metadata("a", name, version), "spec": {}}))
}

/// A world of these Rollouts, complete.
fn world(rollouts: Vec<Watched>) -> World {
    let mut world = World::default();
    for kind in [kind::REPLICA_SET, kind::SERVICE] {
        world.deliver(kind, Event::Init);
        assert_eq!(world.deliver(kind, Event::InitDone), []);
    }
    world.deliver(kind::ROLLOUT, Event::Init);
    for rollout in rollouts {
        world.deliver(kind::ROLLOUT, Event::InitApply(rollout));
    }
    assert_eq!(world.deliver(kind::ROLLOUT, Event::InitDone), [Effect::Completed]);
    world
}

/// The names of the Rollouts that an event touches.
fn touches(world: &mut World, kind: Kind, event: Event<Watched>) -> Vec<String> {
    let touched = world.deliver(kind, event).into_iter().filter_map(|effect| match effect {
        Effect::Touched { rollout, .. } => Some(rollout.name),
        _ => None,
    });
    touched.collect()
}

#[test]
fn a_replica_set_touches_its_old_and_its_new_controller() {
    let mut world = world(vec![rollout("x", 1), rollout("y", 2), rollout("z", 3)]);
    let apply = |it| Event::Apply(it);
    assert_eq!(touches(&mut world, kind::REPLICA_SET, apply(replica_set("r", 4, Some("x")))), ["x"]);
    assert_eq!(touches(&mut world, kind::REPLICA_SET, apply(replica_set("r", 5, Some("y")))), ["x", "y"]);
    // Without a controller it may be anybody's of the namespace.
    assert_eq!(touches(&mut world, kind::REPLICA_SET, apply(replica_set("r", 6, None))), ["x", "y", "z"]);
    assert_eq!(
        touches(&mut world, kind::REPLICA_SET, apply(replica_set("r", 7, Some("z")))),
        ["x", "y", "z"]
    );
    assert_eq!(touches(&mut world, kind::REPLICA_SET, Event::Delete(replica_set("r", 8, Some("z")))), ["z"]);
    assert_eq!(touches(&mut world, kind::REPLICA_SET, apply(replica_set("s", 9, Some("foreign")))), [""; 0]);
}

#[test]
fn a_deletion_found_by_a_relist_touches_the_owner() {
    let mut world = world(vec![rollout("x", 1)]);
    world.deliver(kind::REPLICA_SET, Event::Apply(replica_set("r", 4, Some("x"))));
    world.deliver(kind::REPLICA_SET, Event::Init);
    assert_eq!(touches(&mut world, kind::REPLICA_SET, Event::InitDone), ["x"]);
    assert!(world.owned.is_empty() && world.orphans.is_empty());
}

#[test]
fn a_rollout_sees_its_own_replica_sets_and_orphans_by_age_and_name() {
    let mut world = world(vec![rollout("x", 1)]);
    for (name, owner) in [("c", Some("x")), ("a", None), ("b", Some("x")), ("d", Some("y"))] {
        world.deliver(kind::REPLICA_SET, Event::Apply(replica_set(name, 5, owner)));
    }
    let mut older = replica_set("older", 6, Some("x"));
    older.value["metadata"]["creationTimestamp"] = json!("2025-01-01T00:00:00Z");
    world.deliver(kind::REPLICA_SET, Event::Apply(older));
    let x = world.rollouts.get(&Key::new("a", "x")).unwrap();
    let names: Vec<String> =
        world.replica_sets_of(&x.metadata).into_iter().map(|it| it.metadata.name).collect();
    assert_eq!(names, ["older", "a", "b", "c"]);
}

#[test]
fn a_service_touches_the_rollouts_that_asked_for_it() {
    let mut world = world(vec![rollout("x", 1), rollout("y", 2)]);
    let (x, y) = (Key::new("a", "x"), Key::new("a", "y"));
    let asked = |names: &[&str]| names.iter().map(|name| Key::new("a", name)).collect();
    world.asks_for(&x, asked(&["s", "t"]));
    world.asks_for(&y, asked(&["t"]));
    assert_eq!(touches(&mut world, kind::SERVICE, Event::Apply(service("s", 5))), ["x"]);
    assert_eq!(touches(&mut world, kind::SERVICE, Event::Apply(service("t", 6))), ["x", "y"]);
    world.asks_for(&x, asked(&["s"]));
    assert_eq!(touches(&mut world, kind::SERVICE, Event::Apply(service("t", 7))), ["y"]);
    world.deliver(kind::ROLLOUT, Event::Delete(rollout("y", 8)));
    assert_eq!(touches(&mut world, kind::SERVICE, Event::Delete(service("t", 9))), [""; 0]);
    assert_eq!(world.asked_by.len(), 1);
}

#[test]
fn rollouts_appear_once_and_vanish_once() {
    let mut world = world(vec![rollout("x", 1)]);
    let x = Key::new("a", "x");
    let by = object_ref(kind::ROLLOUT, &x);
    let touched = |version| touched(&x, &by, version);
    assert_eq!(world.deliver(kind::ROLLOUT, Event::Apply(rollout("x", 2))), [touched(2)]);
    let vanished = Effect::Vanished { rollout: x.clone() };
    let appeared = Effect::Appeared { rollout: x.clone() };
    let mut again = rollout("x", 3);
    again.value["metadata"]["uid"] = json!("uid-again");
    let again = Watched::new(again.value);
    // Deleted and created again while the watch was down.
    world.deliver(kind::ROLLOUT, Event::Init);
    let effects = world.deliver(kind::ROLLOUT, Event::InitApply(again.clone()));
    assert_eq!(effects, [vanished, appeared, touched(3)]);
    world.deliver(kind::ROLLOUT, Event::InitDone);
    let gone = world.deliver(
        kind::ROLLOUT,
        Event::Delete(Watched::new({
            let mut value = again.value;
            value["metadata"]["resourceVersion"] = json!("4");
            value
        })),
    );
    assert_eq!(gone, [Effect::Vanished { rollout: x.clone() }]);
    assert!(world.by_uid.is_empty());
}

/// `x` at this version, with a spec that cannot be read.
fn unreadable(version: u64) -> Value {
    let mut broken = rollout("x", version).value;
    broken["spec"] = json!({"replicas": 3_000_000_000_u64});
    broken
}

#[test]
fn an_unreadable_rollout_keeps_its_last_readable_spec_and_nothing_else() {
    let mut first = rollout("x", 1).value;
    first["spec"] = json!({"replicas": 4});
    let mut world = world(vec![Watched::new(first)]);
    let key = Key::new("a", "x");
    let mut broken = unreadable(2);
    broken["metadata"]["generation"] = json!(7);
    broken["metadata"]["labels"] = json!({"a": "b"});
    broken["metadata"]["annotations"] =
        json!({"kubectl.kubernetes.io/last-applied-configuration": "{}", "c": "d"});
    broken["metadata"]["deletionTimestamp"] = json!("2026-01-02T00:00:00Z");
    broken["status"] = json!({"abort": true});
    let effects = world.deliver(kind::ROLLOUT, Event::Apply(Watched::new(broken)));
    let [Effect::Unreadable { uid, .. }, again] = &effects[..] else { panic!("{effects:?}") };
    assert_eq!((uid.as_str(), again), ("uid-x", &touched(&key, &object_ref(kind::ROLLOUT, &key), 2)));
    let x = world.rollouts.get(&key).unwrap();
    assert_eq!((x.metadata.resource_version.as_str(), x.metadata.generation), ("2", 7));
    assert_eq!((x.metadata.labels.len(), x.metadata.annotations.len()), (1, 1));
    assert!(x.metadata.deletion_timestamp.is_some());
    assert_eq!((x.spec.replicas, x.status.abort), (Some(4), true));
    // Nor does a status that cannot be read either keep the rest back.
    let mut worse = unreadable(3);
    worse["status"] = json!({"abort": "perhaps"});
    world.deliver(kind::ROLLOUT, Event::Apply(Watched::new(worse)));
    let x = world.rollouts.get(&key).unwrap();
    assert_eq!((x.metadata.resource_version.as_str(), x.status.abort), ("3", true));
    world.deliver(kind::ROLLOUT, Event::Apply(Watched::new(unreadable(4))));
    assert!(!world.rollouts.get(&key).unwrap().status.abort);
}

#[test]
fn an_unreadable_rollout_in_the_place_of_another_is_not_that_other() {
    let mut world = world(vec![rollout("x", 1)]);
    let key = Key::new("a", "x");
    let mut broken = unreadable(2);
    broken["metadata"]["uid"] = json!("uid-again");
    let effects = world.deliver(kind::ROLLOUT, Event::Apply(Watched::new(broken)));
    let [Effect::Unreadable { .. }, gone] = &effects[..] else { panic!("{effects:?}") };
    assert_eq!(*gone, Effect::Vanished { rollout: key.clone() });
    assert!(world.rollouts.get(&key).is_none() && world.by_uid.is_empty());
}

#[test]
fn a_rollout_that_is_gone_asks_for_nothing() {
    let mut world = world(vec![]);
    world.asks_for(&Key::new("a", "x"), [Key::new("a", "s")].into());
    assert!(world.asked_by.is_empty() && world.asked_for.is_empty());
    assert_eq!(touches(&mut world, kind::SERVICE, Event::Apply(service("s", 5))), [""; 0]);
}
