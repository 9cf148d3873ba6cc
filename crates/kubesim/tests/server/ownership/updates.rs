//! Writes that are no applies.

use std::time::Duration;

use serde_json::{Value, json};
use tidegate_kubesim::{ApiServer, Config};

use super::{APPLY, DEPLOYMENTS, applied, deployment, owned, owners};
use crate::client::{
    JSON_PATCH, MAPS, MERGE, SERVICES, STRATEGIC, config_map, create, get, labelled, message, patch, send,
    server,
};

#[tokio::test(start_paused = true)]
async fn what_is_created_is_owned_by_who_created_it() {
    let server = server();
    let map = create(&server, MAPS, config_map("a", json!({"k": "1"}))).await;
    let entry = json!({"manager": "test", "operation": "Update", "apiVersion": "v1", "time": "2026-01-01T00:00:00Z",
        "fieldsType": "FieldsV1", "fieldsV1": {"f:data": {".": {}, "f:k": {}}}});
    assert_eq!(map["metadata"]["managedFields"], json!([entry]));
    let map = create(&server, &format!("{MAPS}?fieldManager=me"), labelled("b", json!({"x": "y"}))).await;
    owned(&map, &[("me Update", json!({"f:metadata": {"f:labels": {".": {}, "f:x": {}}}}))]);
    // A server that gives a name does not own it.
    let mut nameless = config_map("", json!({}));
    nameless["metadata"] = json!({"generateName": "c-"});
    let map = create(&server, MAPS, nameless).await;
    owned(&map, &[("test Update", json!({"f:metadata": {"f:generateName": {}}}))]);
}

#[tokio::test(start_paused = true)]
async fn defaults_are_owned_by_who_left_them_out() {
    let server = server();
    let spec = json!({"replicas": 2, "template": {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [
        {"name": "main", "image": "demo:1", "ports": [{"containerPort": 80}], "env": [{"name": "A", "value": "1"}]}]}}});
    let made = create(&server, DEPLOYMENTS, deployment(spec)).await;
    let container = json!({".": {}, "f:env": {".": {}, "k:{\"name\":\"A\"}": {".": {}, "f:name": {}, "f:value": {}}},
        "f:image": {}, "f:imagePullPolicy": {}, "f:name": {},
        "f:ports": {".": {}, "k:{\"containerPort\":80,\"protocol\":\"TCP\"}": {".": {}, "f:containerPort": {}, "f:protocol": {}}},
        "f:resources": {}, "f:terminationMessagePath": {}, "f:terminationMessagePolicy": {}});
    let fields = json!({"f:spec": {"f:progressDeadlineSeconds": {}, "f:replicas": {}, "f:revisionHistoryLimit": {},
        "f:selector": {}, "f:strategy": {"f:rollingUpdate": {".": {}, "f:maxSurge": {}, "f:maxUnavailable": {}}, "f:type": {}},
        "f:template": {"f:metadata": {"f:labels": {".": {}, "f:app": {}}}, "f:spec": {
            "f:containers": {"k:{\"name\":\"main\"}": container}, "f:dnsPolicy": {}, "f:restartPolicy": {},
            "f:schedulerName": {}, "f:securityContext": {}, "f:terminationGracePeriodSeconds": {}}}}});
    owned(&made, &[("test Update", fields)]);
    let service = json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "a"},
        "spec": {"selector": {"app": "web"}, "ports": [{"port": 80}]}});
    let service = create(&server, SERVICES, service).await;
    assert!(service["spec"]["clusterIP"].is_string() && service["spec"]["ipFamilies"].is_array());
    // Neither the address nor its family, which the server allocates.
    let port = json!({".": {}, "k:{\"port\":80,\"protocol\":\"TCP\"}": {".": {}, "f:port": {}, "f:protocol": {}, "f:targetPort": {}}});
    let fields = json!({"f:spec": {"f:internalTrafficPolicy": {}, "f:ports": port, "f:selector": {}, "f:sessionAffinity": {}, "f:type": {}}});
    owned(&service, &[("test Update", fields)]);
    let namespace = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "n"}});
    let namespace = create(&server, "/api/v1/namespaces", namespace).await;
    let fields = json!({"f:metadata": {"f:labels": {".": {}, "f:kubernetes.io/metadata.name": {}}}});
    owned(&namespace, &[("test Update", fields)]);
}

#[tokio::test(start_paused = true)]
async fn fields_change_hands_when_they_are_written_and_go_when_they_are_removed() {
    let server = server();
    create(
        &server,
        &format!("{MAPS}?fieldManager=one"),
        config_map("a", json!({"k": "1", "l": "1", "m": "1"})),
    )
    .await;
    tokio::time::advance(Duration::from_secs(5)).await;
    let path = format!("{MAPS}/a");
    let change = json!({"data": {"k": "2", "l": null}});
    let (code, map) = patch(&server, MERGE, &format!("{path}?fieldManager=two"), change).await;
    assert_eq!(code, 200);
    owned(
        &map,
        &[
            ("one Update", json!({"f:data": {".": {}, "f:m": {}}})),
            ("two Update", json!({"f:data": {"f:k": {}}})),
        ],
    );
    let times: Vec<&str> =
        (0..2).map(|at| map["metadata"]["managedFields"][at]["time"].as_str().unwrap()).collect();
    assert_eq!(times, ["2026-01-01T00:00:00Z", "2026-01-01T00:00:05Z"]);
    // The same manager's next write joins its entry; the other kinds of patches are updates, too.
    let add = json!([{"op": "add", "path": "/data/n", "value": "1"}]);
    assert_eq!(patch(&server, JSON_PATCH, &format!("{path}?fieldManager=two"), add).await.0, 200);
    let (_, map) =
        patch(&server, STRATEGIC, &format!("{path}?fieldManager=two"), json!({"data": {"m": "2"}})).await;
    owned(
        &map,
        &[
            ("one Update", json!({"f:data": {}})),
            ("two Update", json!({"f:data": {"f:k": {}, "f:m": {}, "f:n": {}}})),
        ],
    );
    // An entry without fields goes.
    let (code, map) =
        send(&server, "PUT", &format!("{path}?fieldManager=three"), config_map("a", json!({}))).await;
    assert_eq!((code, owners(&map)), (200, vec![]));
}

#[tokio::test(start_paused = true)]
async fn a_write_that_changes_nothing_changes_no_owner_and_no_time() {
    let server = server();
    create(&server, MAPS, config_map("a", json!({"k": "1"}))).await;
    let path = format!("{MAPS}/a");
    let before = get(&server, &path).await;
    tokio::time::advance(Duration::from_secs(60)).await;
    let (code, after) =
        send(&server, "PUT", &format!("{path}?fieldManager=other"), config_map("a", json!({"k": "1"}))).await;
    assert_eq!((code, &after), (200, &before));
    let (code, after) =
        patch(&server, MERGE, &format!("{path}?fieldManager=other"), json!({"data": {"k": "1"}})).await;
    assert_eq!((code, &after), (200, &before));
    // What goes moves no time.
    let (_, map) = patch(&server, MERGE, &path, json!({"data": {"k": null, "l": null}})).await;
    owned(&map, &[]);
}

#[tokio::test(start_paused = true)]
async fn managers_are_named_by_the_query_or_by_the_user_agent() {
    let server = server();
    for (actor, expected) in [
        ("kubectl/v1.37.2 (linux/amd64) kubernetes/abc", "kubectl"),
        ("my\tcontroller", "mycontroller"),
        ("/none", "unknown"),
        (&"x".repeat(200), &"x".repeat(128)),
    ] {
        let map = server.create(
            actor,
            "configmaps",
            "default",
            json!({"metadata": {"generateName": "a-", "labels": {"a": "b"}}}),
        );
        assert_eq!(map.unwrap()["metadata"]["managedFields"][0]["manager"], expected);
    }
    let long = "x".repeat(129);
    for (query, told) in [
        (
            long.as_str(),
            "CreateOptions.meta.k8s.io \"\" is invalid: fieldManager: Too long: may not be more than 128 bytes",
        ),
        (
            "a%07b",
            "CreateOptions.meta.k8s.io \"\" is invalid: fieldManager: Invalid value: \"a\\u0007b\": invalid character U+0007 (at \
             position 1)",
        ),
    ] {
        let (code, status) =
            send(&server, "POST", &format!("{MAPS}?fieldManager={query}"), config_map("z", json!({}))).await;
        assert_eq!((code, message(&status)), (422, told));
    }
}

#[tokio::test(start_paused = true)]
async fn owners_can_be_forgotten_and_written() {
    let server = server();
    let path = format!("{MAPS}/a");
    for reset in [json!([]), json!([{}])] {
        create(&server, MAPS, config_map("a", json!({"k": "1"}))).await;
        let (code, map) = patch(&server, MERGE, &path, json!({"metadata": {"managedFields": reset}})).await;
        assert_eq!((code, map["metadata"].get("managedFields")), (200, None));
        // They are kept again from the next apply on.
        let (_, map) = patch(&server, MERGE, &path, json!({"data": {"k": "2"}})).await;
        assert_eq!(map["metadata"].get("managedFields"), None);
        let map = applied(&server, "me", &path, config_map("a", json!({"l": "1"}))).await;
        owned(
            &map,
            &[
                ("me Apply", json!({"f:data": {"f:l": {}}})),
                ("before-first-apply Update", json!({"f:data": {".": {}, "f:k": {}}})),
            ],
        );
        assert_eq!(send(&server, "DELETE", &path, Value::Null).await.0, 200);
    }
    let entry = |operation: &str| {
        json!([{"manager": "x", "operation": operation, "apiVersion": "v1", "fieldsType": "FieldsV1",
        "fieldsV1": {"f:data": {"f:k": {}}}}])
    };
    create(&server, MAPS, config_map("a", json!({"k": "1"}))).await;
    let (_, map) = patch(&server, MERGE, &path, json!({"metadata": {"managedFields": entry("Apply")}})).await;
    owned(&map, &[("x Apply", json!({"f:data": {"f:k": {}}}))]);
    // What is no entry changes nothing.
    let (code, after) =
        patch(&server, MERGE, &path, json!({"metadata": {"managedFields": entry("Take")}})).await;
    assert_eq!((code, after), (200, map));
}

#[tokio::test(start_paused = true)]
async fn no_more_than_ten_updates_are_told_apart() {
    let server = server();
    create(&server, MAPS, config_map("a", json!({"k0": "1"}))).await;
    let path = format!("{MAPS}/a");
    for number in 1..=11 {
        tokio::time::advance(Duration::from_secs(1)).await;
        let change = json!({"data": {format!("k{number}"): "1"}});
        assert_eq!(patch(&server, MERGE, &format!("{path}?fieldManager=m{number}"), change).await.0, 200);
    }
    let map = get(&server, &path).await;
    let names: Vec<String> =
        owners(&map).into_iter().map(|(owner, _)| owner.replace(" Update", "")).collect();
    assert_eq!(names, ["ancient-changes", "m3", "m4", "m5", "m6", "m7", "m8", "m9", "m10", "m11"]);
    let oldest = &map["metadata"]["managedFields"][0];
    assert_eq!(oldest["fieldsV1"], json!({"f:data": {".": {}, "f:k0": {}, "f:k1": {}, "f:k2": {}}}));
    assert_eq!(oldest["time"], "2026-01-01T00:00:02Z");
}

#[tokio::test(start_paused = true)]
async fn without_ownership_entries_are_what_is_sent_and_applies_are_refused() {
    let server = ApiServer::new(Config { field_ownership: false, ..Config::default() });
    let map = create(&server, MAPS, config_map("a", json!({"k": "1"}))).await;
    assert_eq!(map["metadata"].get("managedFields"), None);
    for kind in [APPLY, "application/apply-patch+cbor"] {
        let (code, status) = patch(&server, kind, &format!("{MAPS}/a?fieldManager=me"), json!({})).await;
        assert_eq!((code, status["reason"].as_str()), (415, Some("UnsupportedMediaType")));
        assert_eq!(
            message(&status),
            "this embedded API server does not serve server-side apply; apply without --server-side"
        );
    }
}
