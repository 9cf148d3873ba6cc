//! What upstream has stored passes our definitions unchanged, in a simulated API server: nothing pruned, defaulted or refused.

use std::fs;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::{Value, json};
use tidegate_api::crd;
use tidegate_kubesim::{ApiServer, Config};

use crate::kind_of;

/// A server with all definitions. They have no subresources here, so that a creation stores the status too.
fn server() -> ApiServer {
    let server = ApiServer::new(Config::default());
    for definition in crd::all() {
        let mut definition = definition.clone();
        definition["spec"]["versions"][0]["subresources"] = json!({});
        server.create("test", "customresourcedefinitions", "", definition).unwrap();
    }
    server
}

fn plural(kind: &str) -> Option<String> {
    let found = crd::all().iter().find(|definition| kind_of(definition) == kind)?;
    Some(found["spec"]["names"]["plural"].as_str().unwrap().to_owned())
}

/// Every object of our kinds in the YAML files below `folder`, those in lists too.
fn objects(folder: &Path) -> Vec<(PathBuf, Value)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(objects(&path));
        } else if path.extension().is_some_and(|extension| extension == "yaml") {
            for document in serde_yaml_ng::Deserializer::from_str(&fs::read_to_string(&path).unwrap()) {
                let document = Value::deserialize(document).unwrap();
                let items = document["items"].as_array().cloned().unwrap_or_else(|| vec![document]);
                let ours = items.into_iter().filter(|item| item["kind"].as_str().and_then(plural).is_some());
                found.extend(ours.map(|item| (path.clone(), item)));
            }
        }
    }
    found
}

/// What an object is about, without what a server writes.
fn content(object: &Value) -> [&Value; 5] {
    let metadata = &object["metadata"];
    [&metadata["name"], &metadata["labels"], &metadata["annotations"], &object["spec"], &object["status"]]
}

fn check(folder: &str) -> usize {
    let found = objects(&Path::new(env!("CARGO_MANIFEST_DIR")).join(folder));
    for (path, object) in &found {
        let plural = plural(object["kind"].as_str().unwrap()).unwrap();
        let namespace = if object["kind"] == "ClusterAnalysisTemplate" { "" } else { "default" };
        let mut new = object.clone();
        let metadata = new["metadata"].as_object_mut().unwrap();
        metadata.retain(|key, _| ["name", "labels", "annotations"].contains(&key.as_str()));
        let stored = server().create("test", &plural, namespace, new);
        let stored = stored.unwrap_or_else(|error| panic!("{}: {error:?}", path.display()));
        assert_eq!(content(&stored), content(object), "{}", path.display());
    }
    found.len()
}

#[tokio::test(start_paused = true)]
async fn captured_objects_pass_unchanged() {
    let count = check("../../fixtures/upstream");
    assert!(count > 30, "only {count} objects found");
}

#[tokio::test(start_paused = true)]
async fn examples_pass_unchanged() {
    assert!(check("../../examples") > 0);
}

#[tokio::test(start_paused = true)]
async fn objects_with_every_member_pass_unchanged() {
    assert!(check("tests/data/rollouts") > 30);
    assert_eq!(check("tests/data/kinds"), 4);
}
