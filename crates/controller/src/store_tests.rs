use serde_json::json;

use super::*;

fn service(name: &str, version: u64) -> Watched {
    Watched::new(json!({
        "metadata": {"namespace": "a", "name": name, "uid": format!("uid-{name}"), "resourceVersion": version.to_string()},
        "spec": {"selector": {"version": version.to_string()}},
    }))
}

fn broken(name: &str, version: u64) -> Watched {
    Watched::new(json!({
        "metadata": {"namespace": "a", "name": name, "uid": format!("uid-{name}"), "resourceVersion": version.to_string()},
        "spec": {"selector": 7},
    }))
}

fn listed(services: &[Watched]) -> Vec<Event<Watched>> {
    let mut events = vec![Event::Init];
    events.extend(services.iter().cloned().map(Event::InitApply));
    events.push(Event::InitDone);
    events
}

fn deliver(store: &mut Store<Service>, events: Vec<Event<Watched>>) -> Vec<String> {
    events.into_iter().flat_map(|event| store.deliver(event)).map(|change| change.key.name).collect()
}

fn store(services: &[Watched]) -> Store<Service> {
    let mut store = Store::default();
    deliver(&mut store, listed(services));
    store
}

fn version_of(store: &Store<Service>, name: &str) -> Option<String> {
    Some(store.get(&Key::new("a", name))?.metadata.resource_version.clone())
}

#[test]
fn is_complete_after_the_first_full_list() {
    let mut store = Store::<Service>::default();
    store.deliver(Event::Init);
    store.deliver(Event::InitApply(service("x", 1)));
    assert!(!store.is_complete());
    store.deliver(Event::InitDone);
    assert!(store.is_complete());
    store.deliver(Event::Init);
    assert!(store.is_complete());
}

#[test]
fn a_relist_reports_what_is_new_what_has_changed_and_what_is_gone() {
    let mut store = store(&[service("changed", 1), service("gone", 2), service("same", 3)]);
    let changed =
        deliver(&mut store, listed(&[service("changed", 5), service("new", 4), service("same", 3)]));
    assert_eq!(changed, ["changed", "new", "gone"]);
    assert_eq!(version_of(&store, "gone"), None);
    assert_eq!(version_of(&store, "changed").as_deref(), Some("5"));
}

#[test]
fn a_relist_that_is_broken_off_removes_nothing() {
    let mut store = store(&[service("x", 1), service("y", 2)]);
    deliver(&mut store, vec![Event::Init, Event::InitApply(service("x", 1))]);
    assert_eq!(version_of(&store, "y").as_deref(), Some("2"));
    let gone = deliver(&mut store, listed(&[service("x", 1)]));
    assert_eq!(gone, ["y"]);
}

#[test]
fn late_and_repeated_deliveries_change_nothing() {
    let mut store = store(&[]);
    assert_eq!(deliver(&mut store, vec![Event::Apply(service("x", 5))]), ["x"]);
    assert!(
        deliver(&mut store, vec![Event::Apply(service("x", 5)), Event::Apply(service("x", 4))]).is_empty()
    );
    assert!(deliver(&mut store, vec![Event::Delete(service("x", 3))]).is_empty());
    assert_eq!(version_of(&store, "x").as_deref(), Some("5"));
    assert_eq!(deliver(&mut store, vec![Event::Delete(service("x", 6))]), ["x"]);
    assert!(deliver(&mut store, vec![Event::Apply(service("x", 5))]).is_empty());
    assert_eq!(version_of(&store, "x"), None);
    assert_eq!(deliver(&mut store, vec![Event::Apply(service("x", 7))]), ["x"]);
    // Another object's later version does not make this one late.
    assert_eq!(deliver(&mut store, vec![Event::Apply(service("y", 2))]), ["y"]);
}

#[test]
fn versions_are_numbers() {
    let mut store = store(&[service("x", 9)]);
    assert_eq!(deliver(&mut store, vec![Event::Apply(service("x", 10))]), ["x"]);
}

#[test]
fn knows_what_it_has_delivered() {
    let mut store = store(&[service("x", 5)]);
    let key = |name| Key::new("a", name);
    assert!(store.has_delivered(&key("x"), &Mark::Version(5)));
    assert!(!store.has_delivered(&key("x"), &Mark::Version(6)));
    assert!(!store.has_delivered(&key("created"), &Mark::Version(7)));
    assert!(!store.has_delivered(&key("x"), &Mark::Gone("uid-x".into())));
    assert!(store.has_delivered(&key("x"), &Mark::Gone("uid-of-before".into())));
    store.deliver(Event::Delete(service("x", 8)));
    assert!(store.has_delivered(&key("x"), &Mark::Gone("uid-x".into())));
    assert!(store.has_delivered(&key("x"), &Mark::Version(6)));
    // Created at 7 and deleted by others before it was delivered here.
    assert!(store.has_delivered(&key("created"), &Mark::Version(7)));
}

#[test]
fn keeps_the_last_readable_spec_of_what_cannot_be_read() {
    let mut store = store(&[service("x", 1), broken("never", 2), service("z", 3)]);
    assert_eq!(version_of(&store, "never"), None);
    assert!(store.is_complete());
    let changes = store.deliver(Event::Apply(broken("x", 4)));
    assert!(changes[0].unreadable.as_ref().is_some_and(|it| it.error.contains("invalid type")));
    let x = store.get(&Key::new("a", "x")).unwrap();
    assert_eq!((x.selector["version"].as_str(), x.metadata.resource_version.as_str()), ("1", "4"));
    assert!(store.has_delivered(&Key::new("a", "x"), &Mark::Version(4)));
    assert_eq!(deliver(&mut store, vec![Event::Apply(service("x", 5))]), ["x"]);
    assert_eq!(store.keys().count(), 2);
}

#[test]
fn what_is_kept_reads_as_what_was_delivered() {
    let template = json!({"metadata": {"labels": {"app": "x"}, "annotations": null}, "spec": {"containers": [
        {"name": "c", "image": "i", "resources": {"limits": {"cpu": 0.5}}, "unknown": [1e30, -0.0, "ü\u{1f600}"]}]}});
    let object = json!({
        "apiVersion": "argoproj.io/v1alpha1", "kind": "Rollout",
        "metadata": {"namespace": "a", "name": "x", "uid": "u", "resourceVersion": "1", "generation": 3, "labels": null,
            "ownerReferences": [{"apiVersion": "v1", "kind": "K", "name": "n", "uid": "o", "controller": true}]},
        "spec": {"selector": {"matchExpressions": [{"key": "k", "operator": "Odd", "values": ["v"]}]}, "template": template,
            "strategy": {"canary": {"maxSurge": "25%", "steps": [{"pause": {}}, {"setWeight": 0}, {"pause": {"duration": "1h"}}]}}},
        "status": {"abort": null, "phase": "Odd", "currentStepIndex": 0, "conditions": [], "canary": {}, "blueGreen": {},
            "pauseConditions": [{"reason": "CanaryPauseStep", "startTime": "2026-01-01T01:00:00+01:00"}]},
    });
    let mut store = Store::<Rollout>::default();
    store.deliver(Event::Apply(Watched::new(object.clone())));
    let key = Key::new("a", "x");
    assert_eq!(store.get(&key), Some(<Rollout as Slim>::parse(&object).unwrap()));
    let identity = Identity { uid: "u".into(), controller: Some("o".into()) };
    assert_eq!(store.identity(&key), Some(&identity));
}

#[test]
fn remembers_a_bounded_number_of_deletions() {
    let mut store = store(&[]);
    for version in 0..2000 {
        store.deliver(Event::Delete(service(&format!("s{version}"), version)));
    }
    assert_eq!(store.tombstones.len(), TOMBSTONES);
    assert!(store.tombstones.contains_key(&Key::new("a", "s1999")));
}

#[test]
fn knows_nothing_of_an_unreadable_object_that_took_the_place_of_another() {
    let mut store = store(&[service("x", 1)]);
    let mut another = broken("x", 4).value;
    another["metadata"]["uid"] = json!("uid-of-another");
    let changes = store.deliver(Event::Apply(Watched::new(another)));
    assert_eq!(&*changes[0].before.as_ref().unwrap().uid, "uid-x");
    assert_eq!(version_of(&store, "x"), None);
}
