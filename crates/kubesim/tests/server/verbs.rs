//! get, list, create, update, delete, and what they refuse.

use std::time::Duration;

use serde_json::{Value, json};

use crate::client::{
    MAPS, MERGE, PODS, SERVICES, SETS, STRATEGIC, config_map, create, get, labelled, message, patch,
    replica_set, send, server,
};

#[tokio::test(start_paused = true)]
async fn create_sets_identity_and_refuses_a_second() {
    let server = server();
    let map = create(&server, MAPS, config_map("a", json!({"k": "v"}))).await;
    assert_eq!(map["metadata"]["namespace"], "default");
    assert_eq!(map["metadata"]["creationTimestamp"], "2026-01-01T00:00:00Z");
    assert_eq!(map["metadata"]["uid"].as_str().unwrap().len(), 36);
    assert_eq!(map["metadata"].get("generation"), None);
    let (code, status) = send(&server, "POST", MAPS, config_map("a", json!({}))).await;
    assert_eq!((code, message(&status)), (409, "configmaps \"a\" already exists"));
    assert_eq!(status["reason"], "AlreadyExists");
    assert_eq!(status["details"], json!({"name": "a", "kind": "configmaps"}));
    assert_eq!(get(&server, &format!("{MAPS}/a")).await, map);
}

#[tokio::test(start_paused = true)]
async fn names_are_generated_and_checked() {
    let server = server();
    let generated = json!({"metadata": {"generateName": "a-"}});
    let first = create(&server, MAPS, generated.clone()).await;
    let second = create(&server, MAPS, generated).await;
    let name = first["metadata"]["name"].as_str().unwrap();
    assert!(name.starts_with("a-") && name.len() == 7, "{name}");
    assert_ne!(first["metadata"]["name"], second["metadata"]["name"]);
    let both = json!({"metadata": {"name": name, "generateName": "a-"}});
    let (code, status) = send(&server, "POST", MAPS, both).await;
    assert_eq!((code, status["details"]["retryAfterSeconds"].as_i64()), (409, Some(1)));
    let (code, status) = send(&server, "POST", MAPS, json!({"metadata": {}})).await;
    assert_eq!(code, 422);
    assert_eq!(
        message(&status),
        "ConfigMap \"\" is invalid: metadata.name: Required value: name or generateName is required"
    );
    let (code, status) = send(&server, "POST", MAPS, config_map("A_b", json!({}))).await;
    assert_eq!((code, status["details"]["causes"][0]["field"].as_str()), (422, Some("metadata.name")));
}

#[tokio::test(start_paused = true)]
async fn dry_runs_store_nothing() {
    let server = server();
    let before = server.resource_version();
    create(&server, &format!("{MAPS}?dryRun=All"), config_map("a", json!({}))).await;
    assert_eq!(server.resource_version(), before);
    assert_eq!(send(&server, "GET", &format!("{MAPS}/a"), Value::Null).await.0, 404);
    assert_eq!(
        send(&server, "POST", &format!("{MAPS}?dryRun=Some"), config_map("a", json!({}))).await.0,
        422
    );
}

#[tokio::test(start_paused = true)]
async fn what_is_not_there_is_404_and_what_is_not_allowed_405() {
    let server = server();
    let (code, status) = send(&server, "GET", &format!("{PODS}/x"), Value::Null).await;
    assert_eq!((code, message(&status)), (404, "pods \"x\" not found"));
    let (code, status) = send(&server, "GET", "/apis/none/v1/things", Value::Null).await;
    assert_eq!((code, message(&status)), (404, "the server could not find the requested resource"));
    let (code, status) = send(&server, "POST", "/api/v1/pods", json!({})).await;
    assert_eq!((code, status["reason"].as_str()), (405, Some("MethodNotAllowed")));
    let elsewhere = "/api/v1/namespaces/nowhere/configmaps";
    let (code, status) = send(&server, "POST", elsewhere, config_map("a", json!({}))).await;
    assert_eq!((code, message(&status)), (404, "namespaces \"nowhere\" not found"));
}

#[tokio::test(start_paused = true)]
async fn lists_select_and_page() {
    let server = server();
    for (name, tier) in [("a", "front"), ("b", "back"), ("c", "front"), ("d", "none")] {
        create(&server, MAPS, labelled(name, json!({"tier": tier}))).await;
    }
    let names = |list: &Value| -> Vec<String> {
        let items = list["items"].as_array().unwrap();
        items.iter().map(|item| item["metadata"]["name"].as_str().unwrap().to_owned()).collect()
    };
    let selected = get(&server, &format!("{MAPS}?labelSelector=tier%20in%20(front,back),tier!=back")).await;
    assert_eq!(names(&selected), ["a", "c"]);
    assert_eq!(selected["kind"], "ConfigMapList");
    assert_eq!(selected["items"][0].get("kind"), None);
    assert_eq!(names(&get(&server, &format!("{MAPS}?fieldSelector=metadata.name=b")).await), ["b"]);
    let first = get(&server, &format!("{MAPS}?limit=3")).await;
    assert_eq!(names(&first), ["a", "b", "c"]);
    assert_eq!(first["metadata"]["remainingItemCount"], 1);
    let token = first["metadata"]["continue"].as_str().unwrap();
    let second = get(&server, &format!("{MAPS}?limit=3&continue={token}")).await;
    assert_eq!(names(&second), ["d"]);
    assert_eq!(second["metadata"]["resourceVersion"], first["metadata"]["resourceVersion"]);
    assert_eq!(second["metadata"].get("continue"), None);
    create(&server, MAPS, config_map("e", json!({}))).await;
    server.compact();
    let (code, status) = send(&server, "GET", &format!("{MAPS}?limit=3&continue={token}"), Value::Null).await;
    assert_eq!((code, status["reason"].as_str()), (410, Some("Expired")));
    let (code, status) = send(&server, "GET", &format!("{MAPS}?resourceVersion=9999"), Value::Null).await;
    assert_eq!((code, status["reason"].as_str()), (504, Some("Timeout")));
}

#[tokio::test(start_paused = true)]
async fn lists_show_the_version_that_is_asked_for() {
    let server = server();
    let first = create(&server, MAPS, config_map("a", json!({"k": "1"}))).await;
    let version = first["metadata"]["resourceVersion"].as_str().unwrap().to_owned();
    create(&server, MAPS, config_map("b", json!({}))).await;
    send(&server, "DELETE", &format!("{MAPS}/a"), Value::Null).await;
    for query in ["resourceVersionMatch=Exact", "limit=5"] {
        let list = get(&server, &format!("{MAPS}?resourceVersion={version}&{query}")).await;
        assert_eq!(list["metadata"]["resourceVersion"], version);
        assert_eq!(list["items"].as_array().unwrap().len(), 1, "{query}");
        assert_eq!(list["items"][0]["metadata"], first["metadata"], "{query}");
    }
    for query in ["", "&limit=1&fieldSelector=metadata.name=b", "&limit=1&resourceVersionMatch=NotOlderThan"]
    {
        let newer = get(&server, &format!("{MAPS}?resourceVersion={version}{query}")).await;
        assert_eq!(newer["items"][0]["metadata"]["name"], "b", "{query}");
    }
    server.compact();
    let path = format!("{MAPS}?resourceVersion={version}&resourceVersionMatch=Exact");
    assert_eq!(send(&server, "GET", &path, Value::Null).await.0, 410);
    for number in ["limit=one", "timeoutSeconds=9223372036854775808"] {
        assert_eq!(send(&server, "GET", &format!("{MAPS}?{number}"), Value::Null).await.0, 400, "{number}");
    }
    let path = format!("{MAPS}?sendInitialEvents=true");
    for method in ["GET", "DELETE"] {
        assert_eq!(send(&server, method, &path, Value::Null).await.0, 422, "{method}");
    }
}

#[tokio::test(start_paused = true)]
async fn put_checks_version_uid_and_name() {
    let server = server();
    let mut map = create(&server, MAPS, config_map("a", json!({"k": "1"}))).await;
    let path = format!("{MAPS}/a");
    map["data"]["k"] = "2".into();
    let (code, updated) = send(&server, "PUT", &path, map.clone()).await;
    assert_eq!((code, updated["data"]["k"].as_str()), (200, Some("2")));
    let (code, status) = send(&server, "PUT", &path, map.clone()).await;
    assert_eq!(code, 409);
    assert_eq!(
        message(&status),
        "Operation cannot be fulfilled on configmaps \"a\": the object has been modified; please apply your changes \
         to the latest version and try again"
    );
    map["metadata"]["resourceVersion"] = Value::Null;
    map["metadata"]["creationTimestamp"] = "2020-01-01T00:00:00Z".into();
    let (code, same) = send(&server, "PUT", &path, map.clone()).await;
    assert_eq!((code, &same), (200, &updated), "nothing changed, so the version stays");
    map["metadata"]["uid"] = "other".into();
    let (code, status) = send(&server, "PUT", &path, map.clone()).await;
    assert_eq!(code, 409);
    assert!(message(&status).contains("Precondition failed: UID in precondition: other"), "{status}");
    let (code, status) = send(&server, "PUT", &path, config_map("b", json!({}))).await;
    assert_eq!(
        (code, message(&status)),
        (400, "the name of the object (b) does not match the name on the URL (a)")
    );
}

#[tokio::test(start_paused = true)]
async fn generation_follows_spec_only() {
    let server = server();
    let mut set = create(&server, SETS, replica_set("web", 1, "demo:1")).await;
    let path = format!("{SETS}/web");
    assert_eq!(set["metadata"]["generation"], 1);
    set["metadata"]["annotations"] = json!({"a": "b"});
    set["status"]["replicas"] = json!(9);
    let (_, labelled) = send(&server, "PUT", &path, set).await;
    assert_eq!(
        (labelled["metadata"]["generation"].as_i64(), &labelled["status"]["replicas"]),
        (Some(1), &json!(0))
    );
    let mut scaled = labelled.clone();
    scaled["spec"]["replicas"] = json!(2);
    let (_, scaled) = send(&server, "PUT", &path, scaled).await;
    assert_eq!(scaled["metadata"]["generation"], 2);
    let mut reported = scaled.clone();
    reported["status"] = json!({"replicas": 2, "observedGeneration": 2});
    reported["spec"]["replicas"] = json!(7);
    let (_, reported) = send(&server, "PUT", &format!("{path}/status"), reported).await;
    assert_eq!(reported["metadata"]["generation"], 2);
    assert_eq!(reported["spec"]["replicas"], 2);
    assert_eq!(reported["status"]["replicas"], 2);
}

#[tokio::test(start_paused = true)]
async fn scale_reads_and_writes_replicas() {
    let server = server();
    create(&server, SETS, replica_set("web", 3, "demo:1")).await;
    let path = format!("{SETS}/web/scale");
    let mut scale = get(&server, &path).await;
    assert_eq!(
        (scale["spec"]["replicas"].as_i64(), scale["status"]["selector"].as_str()),
        (Some(3), Some("app=web"))
    );
    scale["spec"]["replicas"] = json!(5);
    let (code, answer) = send(&server, "PUT", &path, scale.clone()).await;
    assert_eq!(
        (code, answer["kind"].as_str(), answer["spec"]["replicas"].as_i64()),
        (200, Some("Scale"), Some(5))
    );
    assert_eq!(send(&server, "PUT", &path, scale.clone()).await.0, 409);
    let set = get(&server, &format!("{SETS}/web")).await;
    assert_eq!(
        (set["spec"]["replicas"].as_i64(), set["metadata"]["generation"].as_i64()),
        (Some(5), Some(2))
    );
    let kind = json!({"kind": "Other", "spec": {"replicas": 5}});
    assert_eq!(patch(&server, STRATEGIC, &path, kind.clone()).await.0, 200);
    assert_eq!(patch(&server, MERGE, &path, kind).await.0, 422);
    scale["metadata"] = json!({"name": "web"});
    scale["spec"]["replicas"] = json!(-1);
    assert_eq!(send(&server, "PUT", &path, scale).await.0, 422);
}

#[tokio::test(start_paused = true)]
async fn delete_honours_preconditions_and_finalizers() {
    let server = server();
    let mut map = config_map("a", json!({}));
    map["metadata"]["finalizers"] = json!(["example.com/hold"]);
    let map = create(&server, MAPS, map).await;
    let path = format!("{MAPS}/a");
    let (code, status) = send(&server, "DELETE", &path, json!({"preconditions": {"uid": "other"}})).await;
    assert_eq!(code, 409);
    assert!(
        message(&status).contains("the UID in the precondition (other) does not match the UID in record")
    );
    let (code, _) = send(&server, "DELETE", &path, json!({"preconditions": {"resourceVersion": "1"}})).await;
    assert_eq!(code, 409);
    let uid = map["metadata"]["uid"].clone();
    let (code, held) = send(&server, "DELETE", &path, json!({"preconditions": {"uid": uid}})).await;
    assert_eq!((code, held["metadata"]["deletionTimestamp"].as_str()), (200, Some("2026-01-01T00:00:00Z")));
    let mut more = get(&server, &path).await;
    more["metadata"]["finalizers"] = json!(["example.com/hold", "example.com/late"]);
    let (code, status) = send(&server, "PUT", &path, more.clone()).await;
    assert_eq!(code, 422);
    assert!(message(&status).contains("no new finalizers can be added if the object is being deleted"));
    more["metadata"]["finalizers"] = json!([]);
    assert_eq!(send(&server, "PUT", &path, more).await.0, 200);
    assert_eq!(send(&server, "GET", &path, Value::Null).await.0, 404);
}

#[tokio::test(start_paused = true)]
async fn options_that_are_none_delete_nothing() {
    let server = server();
    create(&server, MAPS, config_map("a", json!({}))).await;
    let path = format!("{MAPS}/a");
    for options in [
        json!({"dryRun": "All"}),
        json!({"gracePeriodSeconds": "5"}),
        json!({"gracePeriodSeconds": 1.5}),
        json!({"orphanDependents": "true"}),
        json!({"preconditions": {"uid": 5}}),
        json!({"preconditions": "none"}),
        json!({"propagationPolicy": ["Orphan"]}),
        json!({"kind": "CreateOptions", "apiVersion": "v1"}),
        config_map("a", json!({})),
    ] {
        for path in [&path, MAPS] {
            let (code, status) = send(&server, "DELETE", path, options.clone()).await;
            assert_eq!((code, status["reason"].as_str()), (400, Some("BadRequest")), "{options}: {status}");
        }
    }
    assert_eq!(send(&server, "DELETE", &path, json!({"propagationPolicy": ""})).await.0, 422);
    assert_eq!(send(&server, "DELETE", &format!("{path}?gracePeriodSeconds=x"), Value::Null).await.0, 400);
    get(&server, &path).await;
    let options = json!({"kind": "DeleteOptions", "apiVersion": "apps/v1", "unknown": 1});
    assert_eq!(send(&server, "DELETE", &path, options).await.0, 200);
}

#[tokio::test(start_paused = true)]
async fn a_grace_period_can_only_be_shortened() {
    let server = server();
    let path = format!("{PODS}/a");
    let pod = json!({"metadata": {"name": "a"}, "spec": {"nodeName": "n1", "containers": [{"name": "c", "image": "i"}]}});
    create(&server, PODS, pod.clone()).await;
    let delete = async |seconds: Value| {
        let options = if seconds.is_null() { json!({}) } else { json!({"gracePeriodSeconds": seconds}) };
        let (code, pod) = send(&server, "DELETE", &path, options).await;
        assert_eq!(code, 200, "{pod}");
        let metadata = &pod["metadata"];
        (metadata["deletionTimestamp"].clone(), metadata["deletionGracePeriodSeconds"].clone())
    };
    let at = |second: &str, grace: i64| (json!(format!("2026-01-01T00:00:{second}Z")), json!(grace));
    assert_eq!(delete(json!(40)).await, at("40", 40));
    tokio::time::advance(Duration::from_secs(10)).await;
    let version = server.resource_version();
    assert_eq!(delete(json!(50)).await, at("40", 40), "no longer one");
    assert_eq!(delete(Value::Null).await, at("40", 40), "nor the pod's own");
    assert_eq!(server.resource_version(), version);
    assert_eq!(delete(json!(20)).await, at("20", 20), "counted from the first request");
    assert_eq!(delete(json!(5)).await, at("10", 1), "not in the past");
    get(&server, &path).await;
    assert_eq!(delete(json!(0)).await.1, 0);
    assert_eq!(send(&server, "GET", &path, Value::Null).await.0, 404);
    create(&server, PODS, pod).await;
    assert_eq!(delete(json!(-7)).await, at("11", 1), "less than nothing is a second");
}

#[tokio::test(start_paused = true)]
async fn delete_answers_with_a_status_and_collections_go_by_selector() {
    let server = server();
    for (name, tier) in [("a", "x"), ("b", "y"), ("c", "x")] {
        create(&server, MAPS, labelled(name, json!({"tier": tier}))).await;
    }
    let (code, answer) = send(&server, "DELETE", &format!("{MAPS}/b"), Value::Null).await;
    assert_eq!(
        (code, answer["status"].as_str(), answer["details"]["name"].as_str()),
        (200, Some("Success"), Some("b"))
    );
    create(&server, MAPS, labelled("b", json!({"tier": "y"}))).await;
    let (code, _) = send(&server, "DELETE", &format!("{MAPS}?labelSelector=tier=x"), Value::Null).await;
    assert_eq!((code, server.list("configmaps", None).len()), (200, 1));
}

#[tokio::test(start_paused = true)]
async fn replica_sets_get_the_defaults_of_a_real_server() {
    let server = server();
    let set = create(&server, SETS, replica_set("web", 1, "demo:blue")).await;
    let expected = json!({
        "containers": [{
            "name": "main", "image": "demo:blue", "imagePullPolicy": "IfNotPresent", "resources": {},
            "ports": [{"name": "http", "containerPort": 8080, "protocol": "TCP"}],
            "terminationMessagePath": "/dev/termination-log", "terminationMessagePolicy": "File",
        }],
        "dnsPolicy": "ClusterFirst", "restartPolicy": "Always", "schedulerName": "default-scheduler",
        "securityContext": {}, "terminationGracePeriodSeconds": 30,
    });
    assert_eq!(set["spec"]["template"]["spec"], expected);
    assert_eq!(set["status"], json!({"replicas": 0}));
}

#[tokio::test(start_paused = true)]
async fn invalid_replica_sets_are_refused_in_kubernetes_words() {
    let server = server();
    let refused = async |change: fn(&mut Value)| {
        let mut set = replica_set("web", 1, "demo:1");
        change(&mut set);
        let (code, status) = send(&server, "POST", SETS, set).await;
        format!("{code} {}", message(&status))
    };
    let container = "spec.template.spec.containers[0]";
    assert_eq!(
        refused(|set| set["spec"]["template"]["spec"]["containers"][0]["image"] = "".into()).await,
        format!("422 ReplicaSet.apps \"web\" is invalid: {container}.image: Required value")
    );
    assert_eq!(
        refused(|set| set["spec"]["template"]["metadata"]["labels"] = json!({"app": "x"})).await,
        "422 ReplicaSet.apps \"web\" is invalid: spec.template.metadata.labels: Invalid value: {\"app\":\"x\"}: \
         `selector` does not match template `labels`"
    );
    assert_eq!(
        refused(|set| {
            set["spec"]["replicas"] = json!(-1);
            set["spec"]["template"]["spec"]["restartPolicy"] = "Never".into();
        })
        .await,
        "422 ReplicaSet.apps \"web\" is invalid: [spec.replicas: Invalid value: -1: must be greater than or equal to \
         0, spec.template.spec.restartPolicy: Unsupported value: \"Never\": supported values: \"Always\"]"
    );
    assert_eq!(
        refused(|set| set["spec"]["replicas"] = "five".into()).await,
        "400 ReplicaSet in version \"v1\" cannot be handled as a ReplicaSet: json: cannot unmarshal string into Go \
         struct field ReplicaSetSpec.spec.replicas of type int32"
    );
    assert_eq!(
        refused(|set| {
            set["spec"]["template"]["spec"]["containers"][0]["resources"] =
                json!({"requests": {"cpu": "much"}});
        })
        .await,
        "400 ReplicaSet in version \"v1\" cannot be handled as a ReplicaSet: quantities must match the regular \
         expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"
    );
}

#[tokio::test(start_paused = true)]
async fn a_selector_is_immutable() {
    let server = server();
    let mut set = create(&server, SETS, replica_set("web", 1, "demo:1")).await;
    set["spec"]["selector"]["matchLabels"] = json!({"app": "web", "v": "1"});
    set["spec"]["template"]["metadata"]["labels"] = json!({"app": "web", "v": "1"});
    let (code, status) = send(&server, "PUT", &format!("{SETS}/web"), set).await;
    assert_eq!(code, 422);
    assert_eq!(
        message(&status),
        "ReplicaSet.apps \"web\" is invalid: spec.selector: Invalid value: \
         {\"matchLabels\":{\"app\":\"web\",\"v\":\"1\"}}: field is immutable"
    );
}

#[tokio::test(start_paused = true)]
async fn services_get_addresses_and_defaults() {
    let server = server();
    let service = json!({"metadata": {"name": "web"}, "spec": {"selector": {"app": "web"},
        "ports": [{"name": "http", "port": 80, "targetPort": "http"}]}});
    let stored = create(&server, SERVICES, service.clone()).await;
    let ip = stored["spec"]["clusterIP"].clone();
    assert!(ip.as_str().unwrap().starts_with("10.0."), "{ip}");
    let expected = json!({"clusterIP": ip, "clusterIPs": [ip], "internalTrafficPolicy": "Cluster",
        "ipFamilies": ["IPv4"], "ipFamilyPolicy": "SingleStack", "selector": {"app": "web"},
        "ports": [{"name": "http", "port": 80, "protocol": "TCP", "targetPort": "http"}],
        "sessionAffinity": "None", "type": "ClusterIP"});
    assert_eq!((&stored["spec"], &stored["status"]), (&expected, &json!({"loadBalancer": {}})));
    let mut other = service;
    other["metadata"]["name"] = "api".into();
    assert_ne!(create(&server, SERVICES, other).await["spec"]["clusterIP"], ip);
}

#[tokio::test(start_paused = true)]
async fn requests_and_stored_changes_are_counted_apart() {
    let server = server();
    let map = create(&server, MAPS, config_map("a", json!({}))).await;
    let path = format!("{MAPS}/a");
    send(&server, "PUT", &path, map).await;
    send(&server, "GET", &path, Value::Null).await;
    send(&server, "POST", MAPS, config_map("a", json!({}))).await;
    let seen: Vec<(&str, u64, u64, u64)> = server
        .tallies()
        .iter()
        .filter(|(key, _)| key.actor == "test")
        .map(|(key, tally)| (key.verb, tally.requests, tally.failures, tally.stored))
        .collect();
    assert_eq!(seen, [("create", 2, 1, 1), ("get", 1, 0, 0), ("update", 1, 0, 0)]);
    assert_eq!(server.stored_by("test"), 1);
}
