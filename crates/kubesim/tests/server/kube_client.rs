//! The server behind a real kube client.

use std::time::Duration;

use futures::{StreamExt, TryStreamExt};
use k8s_openapi::api::apps::v1::ReplicaSet;
use k8s_openapi::api::core::v1::{ConfigMap, Pod};
use kube::api::{DeleteParams, ListParams, Patch, PatchParams, PostParams};
use kube::runtime::watcher;
use kube::{Api, Client, Error};
use serde_json::json;

use crate::client::{replica_set, server};

#[tokio::test(start_paused = true)]
async fn a_kube_client_creates_patches_lists_and_deletes() {
    let server = server();
    server.spawn_controllers();
    let client = Client::new(server.clone(), "default");
    let sets: Api<ReplicaSet> = Api::default_namespaced(client.clone());
    let wanted: ReplicaSet = serde_json::from_value(replica_set("web", 2, "demo:1")).unwrap();
    let created = sets.create(&PostParams::default(), &wanted).await.unwrap();
    assert_eq!(created.metadata.generation, Some(1));
    let patch = json!({"metadata": {"resourceVersion": "1"}, "spec": {"replicas": 3}});
    let conflict = sets.patch("web", &PatchParams::default(), &Patch::Merge(&patch)).await.unwrap_err();
    assert!(matches!(conflict, Error::Api(status) if status.code == 409 && status.reason == "Conflict"));
    tokio::time::sleep(Duration::from_secs(2)).await;
    let pods: Api<Pod> = Api::default_namespaced(client);
    assert_eq!(pods.list(&ListParams::default().labels("app=web")).await.unwrap().items.len(), 2);
    sets.delete("web", &DeleteParams::default()).await.unwrap();
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!(pods.list(&ListParams::default()).await.unwrap().items.len(), 0);
    assert!(sets.get_opt("web").await.unwrap().is_none());
}

/// Names that a watcher tells of; `!` marks deletions and `|` the end of a first list.
async fn follow(client: Client, config: watcher::Config, seen: tokio::sync::mpsc::UnboundedSender<String>) {
    let maps: Api<ConfigMap> = Api::default_namespaced(client);
    let mut events = watcher::watcher(maps, config).boxed();
    loop {
        let said = match events.try_next().await {
            Ok(Some(watcher::Event::Apply(map) | watcher::Event::InitApply(map))) => {
                map.metadata.name.unwrap()
            }
            Ok(Some(watcher::Event::Delete(map))) => format!("!{}", map.metadata.name.unwrap()),
            Ok(Some(watcher::Event::InitDone)) => "|".to_owned(),
            Ok(Some(watcher::Event::Init)) => continue,
            Ok(None) => return,
            Err(error) => {
                tokio::time::sleep(Duration::from_secs(1)).await;
                format!("error: {error}")
            }
        };
        let _ = seen.send(said);
    }
}

async fn check_watcher(config: watcher::Config) {
    let server = server();
    let client = Client::new(server.clone(), "default");
    let map = |name: &str| json!({"metadata": {"name": name}});
    server.create("test", "configmaps", "default", map("a")).unwrap();
    let (sender, mut receiver) = tokio::sync::mpsc::unbounded_channel();
    tokio::spawn(follow(client, config, sender));
    tokio::time::sleep(Duration::from_secs(1000)).await;
    server.create("test", "configmaps", "default", map("b")).unwrap();
    server.delete("test", "configmaps", ("default", "a"), &json!(null)).unwrap();
    tokio::time::sleep(Duration::from_secs(1)).await;
    let mut seen = Vec::new();
    while let Ok(said) = receiver.try_recv() {
        seen.push(said);
    }
    assert_eq!(seen, ["a", "|", "b", "!a"]);
    server.close_watches();
    server.create("test", "configmaps", "default", map("c")).unwrap();
    server.compact();
    tokio::time::sleep(Duration::from_secs(60)).await;
    let mut seen = Vec::new();
    while let Ok(said) = receiver.try_recv() {
        seen.push(said);
    }
    assert_eq!(seen.last().map(String::as_str), Some("|"), "a relist follows a 410: {seen:?}");
    assert!(seen.contains(&"c".to_owned()), "{seen:?}");
}

#[tokio::test(start_paused = true)]
async fn watchers_list_and_watch() {
    check_watcher(watcher::Config::default()).await;
}

#[tokio::test(start_paused = true)]
async fn watchers_stream_their_lists() {
    check_watcher(watcher::Config::default().streaming_lists()).await;
}

#[tokio::test(start_paused = true)]
#[allow(clippy::disallowed_methods, reason = "it measures what an idle day costs in real time")]
async fn an_idle_day_costs_little() {
    let server = server();
    let client = Client::new(server.clone(), "default");
    let (sender, _receiver) = tokio::sync::mpsc::unbounded_channel();
    for _ in 0..4 {
        tokio::spawn(follow(client.clone(), watcher::Config::default(), sender.clone()));
    }
    server.spawn_controllers();
    let begun = std::time::Instant::now();
    tokio::time::sleep(Duration::from_secs(86_400)).await;
    let spent = begun.elapsed();
    println!("an idle day took {spent:?}");
    let watches: u64 =
        server.tallies().iter().filter(|(key, _)| key.verb == "watch").map(|(_, tally)| tally.requests).sum();
    assert!((1000..1400).contains(&watches), "{watches}");
    assert!(spent < Duration::from_millis(1000), "an idle day took {spent:?}");
}
