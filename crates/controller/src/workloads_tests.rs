use serde_json::json;

use super::*;
use crate::kind;

fn reference(name: &str) -> WorkloadRef {
    WorkloadRef {
        api_version: "apps/v1".into(),
        kind: "Deployment".into(),
        name: name.into(),
        scale_down: None,
    }
}

fn place(name: &str) -> Option<Place> {
    Place::of("a", &reference(name))
}

fn deployment(name: &str, uid: &str, version: u64, generation: i64) -> Value {
    json!({
        "metadata": {
            "namespace": "a", "name": name, "uid": uid, "resourceVersion": version.to_string(), "generation": generation,
            "annotations": {LAST_APPLIED_CONFIGURATION: "{}", "kept": "yes"},
        },
        "spec": {"replicas": 2, "template": {"spec": {}}},
    })
}

fn rollout() -> Key {
    Key::new("a", "x")
}

fn listed(objects: &[Value]) -> Vec<Event<Watched>> {
    let items = objects.iter().cloned().map(|object| Event::InitApply(Watched::new(object)));
    std::iter::once(Event::Init).chain(items).chain([Event::InitDone]).collect()
}

/// The versions that concern somebody.
fn deliver(workloads: &mut Workloads, events: Vec<Event<Watched>>) -> Vec<u64> {
    events
        .into_iter()
        .flat_map(|event| workloads.deliver(kind::DEPLOYMENT, event))
        .map(|it| it.version)
        .collect()
}

fn version(workloads: &Workloads, name: &str) -> Option<String> {
    match workloads.find("a", &reference(name))? {
        Observed::Found(found) => Some(found.metadata.resource_version),
        other => panic!("{other:?}"),
    }
}

fn kept(workloads: &Workloads) -> usize {
    workloads.by_kind.values().map(|lenders| lenders.store.keys().count()).sum()
}

#[tokio::test(start_paused = true)]
async fn only_what_a_rollout_refers_to_is_kept() {
    let mut workloads = Workloads::default();
    workloads.refer(&rollout(), place("d"));
    let told = deliver(&mut workloads, listed(&[deployment("d", "u", 1, 1), deployment("other", "v", 2, 1)]));
    assert_eq!((told, kept(&workloads)), (vec![1], 1));
    let Some(Observed::Found(found)) = workloads.find("a", &reference("d")) else { panic!("it was listed") };
    assert_eq!((found.kind.as_str(), found.replicas), ("Deployment", Some(2)));
    assert_eq!(found.metadata.annotations.keys().collect::<Vec<_>>(), ["kept"]);
    workloads.refer(&rollout(), place("other"));
    assert_eq!((version(&workloads, "d"), kept(&workloads)), (None, 0));
    // It was not kept, so it is read live, and followed from there on.
    assert_eq!(version(&workloads, "other"), None);
    workloads.learn(kind::DEPLOYMENT, deployment("other", "v", 2, 1));
    assert_eq!(version(&workloads, "other").as_deref(), Some("2"));
    workloads.refer(&rollout(), None);
    assert_eq!((kept(&workloads), workloads.lender_of.len()), (0, 0));
    assert!(workloads.by_kind["Deployment"].lends_to.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_change_of_the_spec_concerns_its_rollouts_and_one_of_the_status_nobody() {
    let mut workloads = Workloads::default();
    workloads.refer(&rollout(), place("d"));
    deliver(&mut workloads, listed(&[deployment("d", "u", 1, 1)]));
    let apply = |object| vec![Event::Apply(Watched::new(object))];
    assert_eq!(deliver(&mut workloads, apply(deployment("d", "u", 2, 1))), Vec::<u64>::new());
    assert_eq!(version(&workloads, "d").as_deref(), Some("2"));
    assert_eq!(deliver(&mut workloads, apply(deployment("d", "u", 3, 2))), [3]);
    assert_eq!(deliver(&mut workloads, apply(deployment("d", "another", 4, 2))), [4]);
    // Deleted and made again while nobody watched.
    assert_eq!(deliver(&mut workloads, listed(&[deployment("d", "third", 9, 2)])), [9]);
    let gone = vec![Event::Delete(Watched::new(deployment("d", "third", 10, 2)))];
    assert_eq!((deliver(&mut workloads, gone), version(&workloads, "d")), (vec![10], None));
    assert_eq!(deliver(&mut workloads, apply(deployment("d", "fourth", 11, 2))), [11]);
    assert_eq!(deliver(&mut workloads, listed(&[])), [0]);
    // A late answer does not bring it back once its deletion was seen.
    deliver(&mut workloads, apply(deployment("d", "u", 12, 1)));
    deliver(&mut workloads, vec![Event::Delete(Watched::new(deployment("d", "u", 14, 1)))]);
    assert_eq!(workloads.learn(kind::DEPLOYMENT, deployment("d", "u", 13, 1)), []);
    assert_eq!(version(&workloads, "d"), None);
}

#[tokio::test(start_paused = true)]
async fn a_watch_that_is_not_listed_or_fails_is_not_trusted() {
    let mut workloads = Workloads::default();
    workloads.refer(&rollout(), place("d"));
    workloads.learn(kind::DEPLOYMENT, deployment("d", "u", 1, 1));
    assert_eq!(version(&workloads, "d"), None);
    deliver(&mut workloads, listed(&[deployment("d", "u", 1, 1)]));
    assert_eq!(version(&workloads, "d").as_deref(), Some("1"));
    workloads.failed(kind::DEPLOYMENT);
    deliver(&mut workloads, vec![Event::Init]);
    assert_eq!(version(&workloads, "d"), None);
    tokio::time::advance(MISTRUST).await;
    assert_eq!(version(&workloads, "d").as_deref(), Some("1"));
    workloads.failed(kind::DEPLOYMENT);
    deliver(&mut workloads, vec![Event::Apply(Watched::new(deployment("other", "v", 3, 1)))]);
    assert_eq!(version(&workloads, "d").as_deref(), Some("1"));
}

#[tokio::test(start_paused = true)]
async fn what_was_not_found_is_not_asked_for_again_until_it_comes() {
    let mut workloads = Workloads::default();
    let find = |workloads: &Workloads| workloads.find("a", &reference("d"));
    workloads.miss(place("d").unwrap());
    workloads.refer(&rollout(), place("d"));
    deliver(&mut workloads, listed(&[]));
    assert_eq!(find(&workloads), None);
    workloads.miss(place("d").unwrap());
    assert_eq!(find(&workloads), Some(Observed::Missing));
    assert_eq!(deliver(&mut workloads, vec![Event::Apply(Watched::new(deployment("d", "u", 5, 1)))]), [5]);
    assert_eq!(version(&workloads, "d").as_deref(), Some("5"));
    // The answer was older than what the watch has shown.
    workloads.miss(place("d").unwrap());
    deliver(&mut workloads, vec![Event::Delete(Watched::new(deployment("d", "u", 6, 1)))]);
    assert_eq!(find(&workloads), None);
    workloads.miss(place("d").unwrap());
    workloads.failed(kind::DEPLOYMENT);
    assert_eq!(find(&workloads), None);
}
