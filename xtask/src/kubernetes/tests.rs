//! What was drawn, and how it is drawn from a small document.

use std::path::PathBuf;

use serde_json::json;

use super::*;

fn committed(path: &str) -> Value {
    read_file(&Path::new(env!("CARGO_MANIFEST_DIR")).join(".."), path).unwrap()
}

/// A folder as the Go module has it, whose one file tells of gadgets, and of every other resource only that it is there.
fn folder() -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/xtask-kubernetes-test");
    let folder = root.join("kubernetes@v9.8.7/api");
    let _ = fs::remove_dir_all(&root);
    fs::create_dir_all(&folder).unwrap();
    for (file, plurals) in RESOURCES {
        let operation = |kind: &str| {
            json!({"x-kubernetes-action": "list", "x-kubernetes-group-version-kind":
            {"group": "g", "version": "v1", "kind": kind}})
        };
        let paths: serde_json::Map<String, Value> = plurals
            .iter()
            .map(|plural| (format!("/api/v1/{plural}"), json!({"get": operation(plural)})))
            .collect();
        let document = json!({"paths": paths, "components": {"schemas": {
            "a": {"x-kubernetes-group-version-kind": [{"group": "g", "version": "v1", "kind": "pods"}],
                "properties": {"b": {"allOf": [{"$ref": "#/components/schemas/b"}], "default": {}}}},
            "b": {"type": "string"}, "unused": {},
            "shared": {"x-kubernetes-group-version-kind": [
                {"group": "", "version": "v1", "kind": "Status"}, {"group": file, "version": "v1", "kind": "Status"}]},
        }}});
        fs::write(folder.join(format!("{file}_openapi.json")), document.to_string()).unwrap();
    }
    folder
}

#[test]
fn types_are_drawn_with_all_that_they_refer_to() {
    let drawn = draw(&folder()).unwrap();
    assert_eq!(drawn["version"], "v9.8.7");
    let names: Vec<&String> = drawn["schemas"].as_object().unwrap().keys().collect();
    assert_eq!(names, ["a", "b", "shared"]);
    let kinds = drawn["schemas"]["shared"]["x-kubernetes-group-version-kind"].as_array().unwrap();
    assert_eq!(kinds.len(), RESOURCES.len() + 1);
    let pods = drawn["resources"].as_array().unwrap().iter().find(|known| known["plural"] == "pods").unwrap();
    assert_eq!(pods["verbs"], json!(["list", "watch"]));
    let error = draw(Path::new(env!("CARGO_MANIFEST_DIR"))).unwrap_err();
    assert!(error.contains("not below a folder kubernetes@VERSION"), "{error}");
}

#[test]
fn paths_tell_verbs_and_subresources() {
    let operation = |action: &str, kind: &str| {
        json!({"x-kubernetes-action": action, "x-kubernetes-group-version-kind":
            {"group": "g", "version": "v1", "kind": kind}})
    };
    let paths = json!({
        "/apis/g/v1/gadgets": {"get": operation("list", "Gadget"), "parameters": []},
        "/apis/g/v1/namespaces/{namespace}/gadgets": {"post": operation("post", "Gadget")},
        "/apis/g/v1/namespaces/{namespace}/gadgets/{name}": {"put": operation("put", "Gadget")},
        "/apis/g/v1/namespaces/{namespace}/gadgets/{name}/turn": {"post": operation("connect", "Turn")},
        "/apis/g/v1/watch/gadgets": {"get": operation("watchlist", "Gadget")},
        "/apis/g/v1/others": {"get": operation("list", "Other")},
    });
    assert_eq!(
        resources::from_paths(&paths, "gadgets").unwrap(),
        json!({"group": "g", "version": "v1", "plural": "gadgets", "kind": "Gadget", "namespaced": true,
            "verbs": ["create", "list", "update", "watch"], "subresources": [
                {"name": "turn", "group": "g", "version": "v1", "kind": "Turn", "verbs": ["create"]}]})
    );
    assert_eq!(resources::from_paths(&paths, "none"), None);
}

#[test]
fn what_is_committed_knows_pods() {
    let served = committed(SERVED);
    let resource = |plural: &str| {
        let all = served["resources"].as_array().unwrap();
        all.iter().find(|resource| resource["plural"] == plural).unwrap().clone()
    };
    let every = ["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"];
    assert_eq!(resource("pods")["verbs"], json!(every));
    assert_eq!(resource("pods")["namespaced"], true);
    assert_eq!(resource("namespaces")["namespaced"], false);
    let scale = json!({"name": "scale", "group": "autoscaling", "version": "v1", "kind": "Scale",
        "verbs": ["get", "patch", "update"]});
    assert_eq!(resource("replicasets")["subresources"][0], scale);
    let container = &served["schemas"]["io.k8s.api.core.v1.Container"]["properties"];
    assert_eq!(container["env"]["x-kubernetes-patch-merge-key"], "name");
    assert!(container["image"]["description"].is_string());
}

#[test]
fn what_was_drawn_is_current_until_it_is_edited() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/xtask-kubernetes-data-test");
    let _ = fs::remove_dir_all(&root);
    assert!(check(&root).unwrap_err().starts_with(POD_TEMPLATE));
    write_file(&root, SERVED, &committed(SERVED)).unwrap();
    write(&root).unwrap();
    check(&root).unwrap();
    write_file(&root, POD_TEMPLATE, &json!({})).unwrap();
    assert!(check(&root).unwrap_err().contains("cargo xtask codegen"));
}

#[test]
fn the_pod_template_has_no_prose() {
    let schemas = pod_template(&committed(SERVED)).unwrap()["schemas"].clone();
    assert!(schemas["io.k8s.api.core.v1.Container"]["properties"]["image"]["description"].is_null());
    assert_eq!(schemas["io.k8s.api.core.v1.ContainerPort"]["properties"]["protocol"]["default"], "TCP");
    assert_eq!(schemas.get("io.k8s.api.core.v1.Pod"), None);
    let named = json!({"x": {"description": "d", "properties": {"description": {"type": "string", "description": "d"}}}});
    let bare = json!({"x": {"properties": {"description": {"type": "string"}}}});
    assert_eq!(schemas::without_descriptions(&named), bare);
}
