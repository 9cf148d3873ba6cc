//! Objects as tables and as metadata alone, in gets, lists and watches.

use serde_json::{Value, json};

use crate::client::{
    CRDS, MAPS, Next, PODS, Watch, accepting, ask, config_map, create, message, read, send, server,
};

const TABLE: &str = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json;as=Table;v=v1beta1;g=meta.k8s.io,\
                     application/json";

fn names(columns: &Value) -> Vec<&str> {
    columns.as_array().unwrap().iter().map(|column| column["name"].as_str().unwrap()).collect()
}

#[tokio::test(start_paused = true)]
async fn a_list_is_a_table_to_those_who_ask() {
    let server = server();
    create(&server, MAPS, config_map("a", json!({"x": "1", "y": "2"}))).await;
    create(&server, MAPS, config_map("b", json!({}))).await;
    tokio::time::advance(std::time::Duration::from_secs(150)).await;
    let table = accepting(&server, MAPS, TABLE).await;
    assert_eq!(
        (table["kind"].as_str(), table["apiVersion"].as_str()),
        (Some("Table"), Some("meta.k8s.io/v1"))
    );
    assert_eq!(table["metadata"]["resourceVersion"], server.resource_version().to_string());
    assert_eq!(names(&table["columnDefinitions"]), ["Name", "Data", "Age"]);
    assert_eq!(table["columnDefinitions"][0]["format"], "name");
    let rows: Vec<&Value> = table["rows"].as_array().unwrap().iter().map(|row| &row["cells"]).collect();
    assert_eq!(rows, [&json!(["a", 2, "2m30s"]), &json!(["b", 0, "2m30s"])]);
    let object = &table["rows"][0]["object"];
    assert_eq!((object["kind"].as_str(), object.get("data")), (Some("PartialObjectMetadata"), None));
    assert_eq!(object["metadata"]["namespace"], "default");
}

#[tokio::test(start_paused = true)]
async fn rows_hold_as_much_of_their_object_as_is_asked_for() {
    let server = server();
    create(&server, MAPS, config_map("a", json!({"x": "1"}))).await;
    let whole = accepting(&server, &format!("{MAPS}?includeObject=Object"), TABLE).await;
    let object = &whole["rows"][0]["object"];
    assert_eq!((object["kind"].as_str(), &object["data"]), (Some("ConfigMap"), &json!({"x": "1"})));
    let bare = accepting(&server, &format!("{MAPS}/a?includeObject=None"), TABLE).await;
    assert_eq!(bare["rows"][0]["object"], Value::Null);
    let (code, status) = read(ask(&server, &format!("{MAPS}?includeObject=x"), TABLE).await).await;
    assert_eq!(code, 400);
    assert_eq!(
        message(&status),
        "Unable to convert to Table as requested: includeObject: Invalid value: \"x\": must be 'Metadata', 'Object', \
         'None', or empty"
    );
}

#[tokio::test(start_paused = true)]
async fn pages_of_a_table_continue() {
    let server = server();
    for name in ["a", "b", "c"] {
        create(&server, MAPS, config_map(name, json!({}))).await;
    }
    let first = accepting(&server, &format!("{MAPS}?limit=2"), TABLE).await;
    assert_eq!(first["metadata"]["remainingItemCount"], 1);
    let token = first["metadata"]["continue"].as_str().unwrap();
    let rest = accepting(&server, &format!("{MAPS}?limit=2&continue={token}"), TABLE).await;
    assert_eq!(rest["rows"][0]["cells"][0], "c");
    assert_eq!(rest["metadata"].get("continue"), None);
}

#[tokio::test(start_paused = true)]
async fn a_watched_table_names_its_columns_once() {
    let server = server();
    create(&server, MAPS, config_map("a", json!({}))).await;
    let mut watch = Watch::accepting(&server, &format!("{MAPS}?watch=true"), TABLE).await;
    let mut next = || match watch.next() {
        Next::Event(event) => event,
        other => panic!("expected an event, got {other:?}"),
    };
    let first = next();
    assert_eq!((first["type"].as_str(), first["object"]["kind"].as_str()), (Some("ADDED"), Some("Table")));
    assert_eq!(names(&first["object"]["columnDefinitions"]), ["Name", "Data", "Age"]);
    create(&server, MAPS, config_map("b", json!({"x": ""}))).await;
    let second = next();
    assert_eq!(second["object"]["columnDefinitions"], Value::Null);
    assert_eq!(second["object"]["rows"][0]["cells"], json!(["b", 1, "0s"]));
    send(&server, "DELETE", &format!("{MAPS}/b"), Value::Null).await;
    assert_eq!(next()["type"], "DELETED");
}

#[tokio::test(start_paused = true)]
async fn metadata_alone_can_be_asked_for() {
    let server = server();
    create(&server, MAPS, config_map("a", json!({"x": "1"}))).await;
    let one = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1";
    let object = accepting(&server, &format!("{MAPS}/a"), one).await;
    assert_eq!((object["kind"].as_str(), object.get("data")), (Some("PartialObjectMetadata"), None));
    assert_eq!(object["metadata"]["name"], "a");
    let many = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1";
    let list = accepting(&server, MAPS, many).await;
    assert_eq!(list["kind"], "PartialObjectMetadataList");
    assert_eq!(list["items"], json!([object]));
}

#[tokio::test(start_paused = true)]
async fn pods_and_definitions_have_columns_of_their_own() {
    let server = server();
    server.spawn_controllers();
    let spec = json!({"containers": [{"name": "a", "image": "i:1"}]});
    create(&server, PODS, json!({"metadata": {"name": "p"}, "spec": spec})).await;
    tokio::time::sleep(std::time::Duration::from_secs(2)).await;
    let table = accepting(&server, PODS, TABLE).await;
    let cells = table["rows"][0]["cells"].as_array().unwrap();
    assert_eq!(cells[..5], ["p", "1/1", "Running", "0", "2s"]);
    let pod = server.get("pods", "default", "p").unwrap();
    assert_eq!(cells[5..7], [pod["status"]["podIP"].clone(), pod["spec"]["nodeName"].clone()]);
    let nodes = accepting(&server, "/api/v1/nodes", TABLE).await;
    let node = nodes["rows"][0]["cells"].as_array().unwrap();
    let of_pod = [&pod["spec"]["nodeName"], &pod["status"]["hostIP"]];
    assert_eq!(([&node[0], &node[5]], &node[1]), (of_pod, &json!("Ready")));
    assert_eq!(names(&accepting(&server, CRDS, TABLE).await["columnDefinitions"]), ["Name", "Created At"]);
}

#[tokio::test(start_paused = true)]
async fn what_nobody_can_read_is_not_sent() {
    let server = server();
    let (code, status) = read(ask(&server, MAPS, "application/vnd.kubernetes.protobuf").await).await;
    assert_eq!((code, status["reason"].as_str()), (406, Some("NotAcceptable")));
    assert_eq!(message(&status), "only the following media types are accepted: application/json");
    let list = accepting(&server, MAPS, "application/vnd.kubernetes.protobuf, application/json").await;
    assert_eq!(list["kind"], "ConfigMapList");
}
