//! Watches: what they tell, and how they end.

use std::time::Duration;

use serde_json::{Value, json};
use tidegate_kubesim::ApiServer;

use crate::client::{MAPS, MERGE, Next, Watch, config_map, create, labelled, patch, send, server};

async fn touch(server: &ApiServer, name: &str, change: Value) {
    let (code, answer) = patch(server, MERGE, &format!("{MAPS}/{name}"), change).await;
    assert_eq!(code, 200, "{answer}");
}

#[tokio::test(start_paused = true)]
async fn a_watch_tells_each_change_after_its_version() {
    let server = server();
    create(&server, MAPS, config_map("a", json!({}))).await;
    let version = server.resource_version();
    let mut watch = Watch::open(&server, &format!("{MAPS}?watch=true&resourceVersion={version}")).await;
    assert_eq!(watch.told(), ["..."]);
    create(&server, MAPS, config_map("b", json!({}))).await;
    touch(&server, "a", json!({"data": {"k": "v"}})).await;
    touch(&server, "a", json!({"data": {"k": "v"}})).await;
    send(&server, "DELETE", &format!("{MAPS}/b"), Value::Null).await;
    assert_eq!(watch.told(), ["ADDED b", "MODIFIED a", "DELETED b", "..."]);
    let mut later = Watch::open(&server, &format!("{MAPS}?watch=true&resourceVersion={}", version + 1)).await;
    assert_eq!(later.told(), ["MODIFIED a", "DELETED b", "..."]);
}

#[tokio::test(start_paused = true)]
async fn a_deletion_carries_its_own_version() {
    let server = server();
    create(&server, MAPS, config_map("a", json!({}))).await;
    let mut watch =
        Watch::open(&server, &format!("{MAPS}?watch=true&resourceVersion={}", server.resource_version()))
            .await;
    send(&server, "DELETE", &format!("{MAPS}/a"), Value::Null).await;
    let Next::Event(event) = watch.next() else { panic!("no event") };
    assert_eq!(event["object"]["metadata"]["resourceVersion"], server.resource_version().to_string());
}

#[tokio::test(start_paused = true)]
async fn entering_and_leaving_a_selection_are_additions_and_deletions() {
    let server = server();
    create(&server, MAPS, labelled("a", json!({"on": "no"}))).await;
    let path =
        format!("{MAPS}?watch=true&labelSelector=on=yes&resourceVersion={}", server.resource_version());
    let mut watch = Watch::open(&server, &path).await;
    touch(&server, "a", json!({"data": {"k": "1"}})).await;
    touch(&server, "a", json!({"metadata": {"labels": {"on": "yes"}}})).await;
    touch(&server, "a", json!({"data": {"k": "2"}})).await;
    touch(&server, "a", json!({"metadata": {"labels": {"on": "no"}}})).await;
    assert_eq!(watch.told(), ["ADDED a", "MODIFIED a", "DELETED a", "..."]);
}

#[tokio::test(start_paused = true)]
async fn without_a_version_the_present_comes_first() {
    let server = server();
    create(&server, MAPS, config_map("a", json!({}))).await;
    let mut watch = Watch::open(&server, &format!("{MAPS}?watch=true")).await;
    assert_eq!(watch.told(), ["ADDED a", "..."]);
    let streaming = "watch=true&sendInitialEvents=true&allowWatchBookmarks=true";
    let path = format!("{MAPS}?{streaming}&resourceVersionMatch=NotOlderThan");
    let mut watch = Watch::open(&server, &path).await;
    assert!(matches!(watch.next(), Next::Event(_)));
    let Next::Event(bookmark) = watch.next() else { panic!("no bookmark") };
    assert_eq!(bookmark["object"]["metadata"]["annotations"], json!({"k8s.io/initial-events-end": "true"}));
    let (code, _) = send(&server, "GET", &format!("{MAPS}?{streaming}"), Value::Null).await;
    assert_eq!(code, 422);
}

#[tokio::test(start_paused = true)]
async fn a_timeout_ends_the_stream_with_a_bookmark_of_what_was_passed_over() {
    let server = server();
    let version = server.resource_version();
    let path =
        format!("{MAPS}?watch=true&resourceVersion={version}&timeoutSeconds=10&allowWatchBookmarks=true");
    let (mut passing, mut idle) = (Watch::open(&server, &path).await, Watch::open(&server, &path).await);
    tokio::time::advance(Duration::from_secs(9)).await;
    assert_eq!(passing.told(), ["..."]);
    tokio::time::advance(Duration::from_secs(2)).await;
    assert_eq!(idle.told(), ["."]);
    let pods = "/api/v1/namespaces";
    create(&server, pods, json!({"metadata": {"name": "other"}})).await;
    assert_eq!(passing.told(), ["BOOKMARK", "."]);
    assert_eq!(server.open_watches(), 2);
    drop((passing, idle));
    assert_eq!(server.open_watches(), 0);
}

#[tokio::test(start_paused = true)]
async fn compacted_versions_are_gone() {
    let server = server();
    let version = server.resource_version();
    create(&server, MAPS, config_map("a", json!({}))).await;
    let mut current =
        Watch::open(&server, &format!("{MAPS}?watch=true&resourceVersion={}", server.resource_version()))
            .await;
    let mut lagging = Watch::open(&server, &format!("{MAPS}?watch=true&resourceVersion={version}")).await;
    server.compact();
    let Next::Event(event) = lagging.next() else { panic!("no event") };
    assert_eq!((event["type"].as_str(), event["object"]["code"].as_i64()), (Some("ERROR"), Some(410)));
    assert_eq!(event["object"]["reason"], "Expired");
    assert_eq!(lagging.next(), Next::End);
    assert_eq!(current.told(), ["..."]);
    let mut late = Watch::open(&server, &format!("{MAPS}?watch=true&resourceVersion={version}")).await;
    assert_eq!(late.told(), ["ERROR", "."]);
}

#[tokio::test(start_paused = true)]
async fn watches_can_be_made_to_expire_or_close() {
    let server = server();
    let path = format!("{MAPS}?watch=true&resourceVersion={}", server.resource_version());
    let mut watch = Watch::open(&server, &path).await;
    server.expire_watches();
    assert_eq!(watch.told(), ["ERROR", "."]);
    let mut watch = Watch::open(&server, &path).await;
    server.close_watches();
    assert_eq!(watch.told(), ["."]);
}

#[tokio::test(start_paused = true)]
async fn a_watch_lasts_no_longer_than_there_is_time() {
    let server = server();
    let mut watch = Watch::open(&server, &format!("{MAPS}?watch=true&timeoutSeconds={}", i64::MAX)).await;
    assert_eq!(watch.told(), ["..."]);
    for seconds in ["9223372036854775808", "x", "1.5"] {
        let path = format!("{MAPS}?watch=true&timeoutSeconds={seconds}");
        assert_eq!(send(&server, "GET", &path, Value::Null).await.0, 400, "{seconds}");
    }
    let mut watch = Watch::open(&server, &format!("{MAPS}?watch=true&timeoutSeconds=-1")).await;
    tokio::time::advance(std::time::Duration::from_millis(1)).await;
    assert_eq!(watch.told(), ["."]);
}

#[tokio::test(start_paused = true)]
async fn a_watch_from_a_version_to_come_waits_for_it() {
    let server = server();
    create(&server, MAPS, config_map("a", json!({}))).await;
    let ahead = server.resource_version() + 2;
    let mut watch = Watch::open(&server, &format!("{MAPS}?watch=yes&resourceVersion={ahead}")).await;
    assert_eq!(watch.told(), ["..."]);
    server.compact();
    for name in ["b", "c", "d"] {
        create(&server, MAPS, config_map(name, json!({}))).await;
    }
    assert_eq!(watch.told(), ["ADDED d", "..."]);
    let path =
        format!("{MAPS}?watch&resourceVersion=9999&sendInitialEvents=true&resourceVersionMatch=NotOlderThan");
    let mut watch = Watch::open(&server, &path).await;
    let Next::Event(event) = watch.next() else { panic!("no event") };
    assert_eq!((event["type"].as_str(), event["object"]["code"].as_i64()), (Some("ERROR"), Some(504)));
    assert_eq!(watch.next(), Next::End);
}
