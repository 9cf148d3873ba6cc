//! What the server tells of itself: discovery and OpenAPI.

use http::header;
use serde_json::{Value, json};
use tidegate_kubesim::ApiServer;

use crate::client::{CRDS, accepting, ask, create, get, send, server};

const AGGREGATED: &str = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json;\
                          g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList,application/json";

fn names<'a>(list: &'a Value, key: &str) -> Vec<&'a str> {
    list.as_array().unwrap().iter().map(|entry| entry[key].as_str().unwrap()).collect()
}

async fn with_gadgets() -> ApiServer {
    let server = server();
    let schema = json!({"type": "object", "description": "A gadget.", "properties": {"spec": {"type": "object",
        "properties": {"size": {"type": "integer", "description": "How large it is."}}}}});
    let version = |name: &str, storage: bool| {
        json!({"name": name, "served": true, "storage": storage, "schema": {"openAPIV3Schema": schema},
            "subresources": {"status": {}, "scale": {"specReplicasPath": ".spec.size", "statusReplicasPath": ".status.size"}}})
    };
    let definition = json!({"metadata": {"name": "gadgets.example.com"}, "spec": {"group": "example.com",
        "scope": "Namespaced", "names": {"plural": "gadgets", "kind": "Gadget", "shortNames": ["gd"]},
        "versions": [version("v1alpha1", true), version("v1", false)]}});
    create(&server, CRDS, definition).await;
    server
}

#[tokio::test(start_paused = true)]
async fn discovery_knows_what_is_served() {
    let server = with_gadgets().await;
    let groups = get(&server, "/apis").await;
    let found = names(&groups["groups"], "name");
    assert_eq!((found.first(), found.last()), (Some(&"apps"), Some(&"example.com")));
    assert!(found.contains(&"autoscaling") && found.contains(&"apiextensions.k8s.io"), "{found:?}");
    // The preferred version is the ripest, not the one that is stored.
    assert_eq!(groups["groups"].as_array().unwrap().last().unwrap()["preferredVersion"]["version"], "v1");
    let apps = get(&server, "/apis/apps/v1").await;
    let found = names(&apps["resources"], "name");
    for name in ["daemonsets", "deployments/status", "replicasets/scale", "statefulsets"] {
        assert!(found.contains(&name), "{found:?}");
    }
    let core = get(&server, "/api/v1").await;
    let namespaces = core["resources"].as_array().unwrap().iter().find(|entry| entry["name"] == "namespaces");
    assert!(!namespaces.unwrap()["verbs"].as_array().unwrap().contains(&json!("deletecollection")));
    assert_eq!(send(&server, "DELETE", "/api/v1/namespaces", Value::Null).await.0, 405);
    assert_eq!(get(&server, CRDS).await["items"].as_array().unwrap().len(), 1);
    assert_eq!(get(&server, "/version").await["gitVersion"], "v1.37.2");
}

#[tokio::test(start_paused = true)]
async fn subresources_that_are_not_served_are_not_told_of_and_say_so() {
    let server = server();
    let core = get(&server, "/api/v1").await;
    assert!(!names(&core["resources"], "name").iter().any(|name| name.ends_with("/binding")));
    for (method, path, expected) in [
        (
            "GET",
            "/api/v1/namespaces/default/pods/p/log",
            "this embedded API server does not serve pods/log: its pods run no containers",
        ),
        (
            "POST",
            "/api/v1/namespaces/default/pods/p/binding",
            "this embedded API server does not serve pods/binding: it is not simulated",
        ),
    ] {
        let (code, status) = send(&server, method, path, Value::Null).await;
        assert_eq!((code, status["message"].as_str()), (501, Some(expected)), "{path}");
    }
}

#[tokio::test(start_paused = true)]
async fn discovery_can_be_had_in_one_document() {
    let server = with_gadgets().await;
    let response = ask(&server, "/apis", AGGREGATED).await;
    let media = response.headers()[header::CONTENT_TYPE].to_str().unwrap().to_owned();
    assert_eq!(media, "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList");
    assert!(response.headers().contains_key(header::ETAG));
    let list = accepting(&server, "/apis", AGGREGATED).await;
    assert_eq!(
        (list["kind"].as_str(), list["apiVersion"].as_str()),
        (Some("APIGroupDiscoveryList"), Some("apidiscovery.k8s.io/v2"))
    );
    let group = list["items"].as_array().unwrap().last().unwrap();
    assert_eq!(group["metadata"], json!({"name": "example.com"}));
    assert_eq!(names(&group["versions"], "version"), ["v1", "v1alpha1"]);
    let kind =
        |group: &str, version: &str, kind: &str| json!({"group": group, "version": version, "kind": kind});
    let below = |name: &str, kind: Value| json!({"subresource": name, "responseKind": kind, "verbs": ["get", "patch", "update"]});
    assert_eq!(
        group["versions"][0]["resources"],
        json!([{"resource": "gadgets", "responseKind": kind("example.com", "v1", "Gadget"), "scope": "Namespaced",
            "singularResource": "gadget", "shortNames": ["gd"],
            "verbs": ["delete", "deletecollection", "get", "list", "patch", "create", "update", "watch"],
            "subresources": [below("scale", kind("autoscaling", "v1", "Scale")),
                below("status", kind("example.com", "v1", "Gadget"))]}])
    );
    let core = accepting(&server, "/api", AGGREGATED).await;
    assert_eq!((core["items"].as_array().unwrap().len(), &core["items"][0]["metadata"]), (1, &json!({})));
    let old = accepting(
        &server,
        "/api",
        "application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList",
    )
    .await;
    assert_eq!(old["apiVersion"], "apidiscovery.k8s.io/v2beta1");
}

#[tokio::test(start_paused = true)]
async fn openapi_describes_what_kubernetes_has() {
    let server = server();
    let index = get(&server, "/openapi/v3").await;
    let url = index["paths"]["apis/apps/v1"]["serverRelativeURL"].as_str().unwrap();
    assert!(url.starts_with("/openapi/v3/apis/apps/v1?hash="), "{url}");
    let document = get(&server, url).await;
    let patch = &document["paths"]["/apis/apps/v1/namespaces/{namespace}/replicasets/{name}"]["patch"];
    assert_eq!(
        patch["x-kubernetes-group-version-kind"],
        json!({"group": "apps", "version": "v1", "kind": "ReplicaSet"})
    );
    assert!(!patch["requestBody"]["content"]["application/strategic-merge-patch+json"].is_null());
    assert!(names(&patch["parameters"], "name").contains(&"fieldValidation"));
    let schemas = &document["components"]["schemas"];
    let containers = &schemas["io.k8s.api.core.v1.PodSpec"]["properties"]["containers"];
    assert_eq!(containers["x-kubernetes-patch-merge-key"], "name");
    assert!(containers["description"].as_str().unwrap().starts_with("List of containers"));
    assert_eq!(schemas.get("io.k8s.api.core.v1.ConfigMap"), None);
    let old = format!("{url}0");
    let response = ask(&server, &old, "application/json").await;
    assert_eq!(
        (response.status().as_u16(), response.headers()[header::LOCATION].to_str().unwrap()),
        (301, url)
    );
    assert_eq!(send(&server, "GET", "/openapi/v3/apis/nothing/v1", Value::Null).await.0, 404);
}

#[tokio::test(start_paused = true)]
async fn openapi_describes_custom_resources() {
    let server = with_gadgets().await;
    let url = |index: &Value| {
        index["paths"]["apis/example.com/v1"]["serverRelativeURL"].as_str().unwrap().to_owned()
    };
    let first = url(&get(&server, "/openapi/v3").await);
    let document = get(&server, &first).await;
    let gadget = &document["components"]["schemas"]["com.example.v1.Gadget"];
    assert_eq!(gadget["description"], "A gadget.");
    assert_eq!(
        gadget["x-kubernetes-group-version-kind"],
        json!([{"group": "example.com", "version": "v1", "kind": "Gadget"}])
    );
    assert_eq!(gadget["properties"]["spec"]["properties"]["size"]["description"], "How large it is.");
    assert!(gadget["properties"]["apiVersion"]["description"].is_string());
    let content = &document["paths"]["/apis/example.com/v1/namespaces/{namespace}/gadgets/{name}"]["patch"]["requestBody"]
        ["content"];
    assert_eq!(content.get("application/strategic-merge-patch+json"), None);
    assert!(document["components"]["schemas"]["io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta"].is_object());
    let patch = json!([{"op": "replace", "path": "/spec/versions/1/schema/openAPIV3Schema/description", "value": "Other."}]);
    server
        .merge_patch(
            "test",
            ("crds", ""),
            ("", "gadgets.example.com"),
            &json!({"metadata": {"labels": {"a": "b"}}}),
        )
        .unwrap();
    assert_eq!(url(&get(&server, "/openapi/v3").await), first);
    crate::client::patch(&server, crate::client::JSON_PATCH, &format!("{CRDS}/gadgets.example.com"), patch)
        .await;
    assert_ne!(url(&get(&server, "/openapi/v3").await), first);
}
