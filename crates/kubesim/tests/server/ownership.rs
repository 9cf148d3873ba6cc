//! Who owns which fields, and server-side apply.

use serde_json::{Value, json};

use crate::client::{MAPS, config_map, create, message, patch, server};

const APPLY: &str = "application/apply-patch+yaml";

/// Applies a configuration as `manager`.
async fn apply(server: &tidegate_kubesim::ApiServer, manager: &str, path: &str, body: Value) -> (u16, Value) {
    let separator = if path.contains('?') { '&' } else { '?' };
    patch(server, APPLY, &format!("{path}{separator}fieldManager={manager}"), body).await
}

/// Owner, operation, subresource if any, and fields of each entry.
fn owners(object: &Value) -> Vec<(String, Value)> {
    let entries = object["metadata"]["managedFields"].as_array().cloned().unwrap_or_default();
    entries
        .iter()
        .map(|entry| {
            let words = ["manager", "operation", "subresource"].map(|key| entry[key].as_str().unwrap_or(""));
            (words.join(" ").trim().to_owned(), entry["fieldsV1"].clone())
        })
        .collect()
}

#[tokio::test(start_paused = true)]
async fn what_is_created_is_owned_by_who_created_it() {
    let server = server();
    let map = create(&server, MAPS, config_map("a", json!({"k": "1"}))).await;
    let entry = json!({"manager": "test", "operation": "Update", "apiVersion": "v1", "time": "2026-01-01T00:00:00Z",
        "fieldsType": "FieldsV1", "fieldsV1": {"f:data": {".": {}, "f:k": {}}}});
    assert_eq!(map["metadata"]["managedFields"], json!([entry]));
}

#[tokio::test(start_paused = true)]
async fn an_apply_takes_what_others_own_only_by_force() {
    let server = server();
    create(&server, MAPS, config_map("a", json!({"k": "1"}))).await;
    let path = format!("{MAPS}/a");
    let (code, answer) = apply(&server, "me", &path, config_map("a", json!({"k": "2"}))).await;
    assert_eq!(code, 409);
    assert_eq!(message(&answer), "Apply failed with 1 conflict: conflict with \"test\" using v1: .data.k");
    let (code, map) =
        apply(&server, "me", &format!("{path}?force=true"), config_map("a", json!({"k": "2"}))).await;
    assert_eq!((code, &map["data"]), (200, &json!({"k": "2"})));
    let test = json!({"f:data": {}});
    assert_eq!(
        owners(&map),
        [("me Apply".to_owned(), json!({"f:data": {"f:k": {}}})), ("test Update".to_owned(), test)]
    );
}
