//! Hashes against upstream's vectors, captured runs of upstream, and Go's own encoder.

use std::io::{BufRead, BufReader};

use flate2::read::GzDecoder;
use serde_json::{Value, json};
use tidegate_api::hash::{pod_template_hash, pod_template_json, step_hash, step_json};

fn lines(gzipped: &'static [u8]) -> impl Iterator<Item = String> {
    BufReader::new(GzDecoder::new(gzipped)).lines().map(|line| line.expect("UTF-8"))
}

fn check_hashes(template: &Value, absent: &str, zero: &str, one: &str) {
    assert_eq!(pod_template_hash(template, None).as_str(), absent);
    assert_eq!(pod_template_hash(template, Some(0)).as_str(), zero);
    assert_eq!(pod_template_hash(template, Some(1)).as_str(), one);
}

#[test]
fn known_templates() {
    let template = |image| json!({"metadata": {"labels": {"foo": "bar"}}, "spec": {"containers": [{"name": "container-name", "image": image}]}});
    check_hashes(&template("foo/bar"), "7fc44855c7", "66bb55df45", "bff89b8bd");
    check_hashes(&template("foo/bar1"), "8b7644c4b", "5d5d7468bb", "77d8fb8dff");
    check_hashes(&template("foo/bar2"), "5cb4fd98cf", "9979bf56c", "76d5dc7ff4");
    let e2e = json!({"metadata": {"labels": {"app": "canary-scaledowndelay"}}, "spec": {"containers": [{
        "name": "canary-scaledowndelay", "image": "nginx:1.19-alpine",
        "ports": [{"name": "http", "containerPort": 80, "protocol": "TCP"}],
        "resources": {"requests": {"cpu": "5m", "memory": "16Mi"}}}]}});
    assert_eq!(pod_template_hash(&e2e, None).as_str(), "674d8cf959");
}

#[test]
fn captured_rollouts() {
    let runs: Value = serde_json::from_str(include_str!("data/captured_hashes.json")).expect("JSON");
    let runs = runs.as_array().expect("a list");
    assert!(runs.len() > 20);
    for run in runs {
        let hash = pod_template_hash(&run["template"], None);
        // An undo puts back the template of a ReplicaSet, defaults and all; upstream then finds that ReplicaSet by equality.
        let by_hash = run.get("foundByEquality").is_none();
        assert_eq!(run["podHash"] == hash.as_str(), by_hash, "{}", run["from"]);
        if let Some(expected) = run["stepHash"].as_str() {
            assert_eq!(step_hash(run.get("steps")), expected, "{}", run["from"]);
        }
    }
}

#[test]
fn templates_as_go_encodes_them() {
    let mut count = 0;
    for line in lines(include_bytes!("data/hash_corpus.jsonl.gz")) {
        let case: Value = serde_json::from_str(&line).expect("JSON");
        let collisions = case["collisions"].as_i64().map(|count| i32::try_from(count).expect("small"));
        let template = &case["template"];
        let hash = pod_template_hash(template, collisions);
        assert_eq!(Some(hash.as_str()), case["hash"].as_str(), "{line}\n{}", pod_template_json(template));
        count += 1;
    }
    assert_eq!(count, 5000);
}

#[test]
fn quantities_as_kubernetes_prints_them() {
    let (mut count, mut errors) = (0, 0);
    for line in lines(include_bytes!("data/quantities.txt.gz")) {
        let (written, printed) = line.split_once('\t').expect("two columns");
        let expected = if printed == "error" { written } else { printed };
        let template =
            json!({"spec": {"overhead": {"q": serde_json::from_str::<Value>(written).expect("JSON")}}});
        let text = pod_template_json(&template);
        assert_eq!(
            text,
            format!(r#"{{"metadata":{{}},"spec":{{"containers":null,"overhead":{{"q":{expected}}}}}}}"#),
            "{written}"
        );
        count += 1;
        errors += usize::from(printed == "error");
    }
    assert_eq!(count, 4000);
    assert!(errors > 100 && errors < 2000);
}

fn check_text(template: &Value, expected: &str) {
    assert_eq!(pod_template_json(template), expected);
}

#[test]
fn what_go_could_not_decode_is_hashed_as_it_stands() {
    check_text(&json!(null), r#"{"metadata":{},"spec":{"containers":null}}"#);
    check_text(&json!("text"), r#""text""#);
    check_text(
        &json!({"spec": {"containers": [{"name": 5, "ports": [{"containerPort": "80"}], "resources": []}]}}),
        r#"{"metadata":{},"spec":{"containers":[{"name":5,"ports":[{"containerPort":"80"}],"resources":[]}]}}"#,
    );
    check_text(
        &json!({"spec": {"terminationGracePeriodSeconds": 1.5}}),
        r#"{"metadata":{},"spec":{"containers":null,"terminationGracePeriodSeconds":1.5}}"#,
    );
}

#[test]
fn unknown_members_follow_the_known_in_order() {
    check_text(
        &json!({"spec": {"zeta": {"b": null, "a": "<"}, "alpha": 1e21, "nothing": null, "hostname": "h", "containers": []}, "also": []}),
        r#"{"metadata":{},"spec":{"containers":[],"hostname":"h","alpha":1e+21,"zeta":{"a":"\u003c","b":null}},"also":[]}"#,
    );
}

#[test]
fn members_newer_than_upstreams_kubernetes_have_their_place() {
    let with = json!({"spec": {"containers": [], "hostnameOverride": "h", "schedulingGroup": {}}});
    check_text(
        &with,
        r#"{"metadata":{},"spec":{"containers":[],"hostnameOverride":"h","schedulingGroup":{}}}"#,
    );
}

#[test]
fn known_steps() {
    assert_eq!(step_hash(None), "5ffbfbbd64");
    for (steps, hash) in [
        (json!(null), "5ffbfbbd64"),
        (json!([]), "5ffbfbbd64"),
        (json!([{"pause": {}}]), "6b9b86fbd5"),
        (json!([{"pause": {}}, {"pause": {}}]), "79c9b9f6bf"),
        (json!([{"setWeight": 10}]), "54b5fccf74"),
    ] {
        assert_eq!(step_hash(Some(&steps)), hash, "{steps}");
    }
}

#[test]
fn steps_of_every_kind() {
    let metadata = json!({"labels": {"b": "2", "a": "1"}, "annotations": {}});
    for (step, expected) in [
        (json!({"setWeight": 0}), r#"{"setWeight":0}"#),
        (json!({"pause": {"duration": 10}}), r#"{"pause":{"duration":10}}"#),
        (json!({"pause": {"duration": "1h"}, "setWeight": null}), r#"{"pause":{"duration":"1h"}}"#),
        (
            json!({"experiment": {"duration": "5m", "templates": [{"specRef": "canary", "name": "c", "replicas": 0, "service": {}}], "analyses": [{"templateName": "t", "name": "n", "clusterScope": false}]}}),
            r#"{"experiment":{"templates":[{"name":"c","specRef":"canary","replicas":0,"metadata":{},"service":{}}],"duration":"5m","analyses":[{"name":"n","templateName":"t","clusterScope":false}],"analysisRunMetadata":{}}}"#,
        ),
        (
            json!({"experiment": {"analysisRunMetadata": metadata, "scaleDownDelaySeconds": 0, "dryRun": [{"metricName": ".*"}]}}),
            r#"{"experiment":{"templates":null,"dryRun":[{"metricName":".*"}],"analysisRunMetadata":{"labels":{"a":"1","b":"2"}},"scaleDownDelaySeconds":0}}"#,
        ),
        (
            json!({"analysis": {"args": [{"valueFrom": {"podTemplateHashValue": "Latest"}, "name": "a"}, {"name": "b", "value": "<"}], "templates": [{"clusterScope": true, "templateName": "t"}]}}),
            r#"{"analysis":{"templates":[{"templateName":"t","clusterScope":true}],"args":[{"name":"a","valueFrom":{"podTemplateHashValue":"Latest"}},{"name":"b","value":"\u003c"}]}}"#,
        ),
        (
            json!({"analysis": {"analysisRunMetadata": {}, "measurementRetention": [{"limit": 3, "metricName": "m"}]}}),
            r#"{"analysis":{"measurementRetention":[{"metricName":"m","limit":3}],"analysisRunMetadata":{}}}"#,
        ),
        (
            json!({"setCanaryScale": {"replicas": 0, "matchTrafficWeight": false, "weight": 5}}),
            r#"{"setCanaryScale":{"weight":5,"replicas":0}}"#,
        ),
        (
            json!({"setHeaderRoute": {"match": [{"headerName": "h"}, {"headerValue": {"regex": "r", "exact": ""}, "headerName": "i"}], "name": "r"}}),
            r#"{"setHeaderRoute":{"name":"r","match":[{"headerName":"h","headerValue":null},{"headerName":"i","headerValue":{"regex":"r"}}]}}"#,
        ),
        (
            json!({"setMirrorRoute": {"percentage": 0, "match": [{"headers": {"z": {"prefix": "p"}, "a": null}, "path": {"exact": "/"}, "method": {}}], "name": "m"}}),
            r#"{"setMirrorRoute":{"name":"m","match":[{"method":{},"path":{"exact":"/"},"headers":{"a":{},"z":{"prefix":"p"}}}],"percentage":0}}"#,
        ),
        (
            json!({"plugin": {"config": {"b": [null, 1.50], "a": {}}, "name": "p"}}),
            r#"{"plugin":{"name":"p","config":{"a":{},"b":[null,1.5]}}}"#,
        ),
    ] {
        assert_eq!(step_json(Some(&json!([step]))), format!("[{expected}]"));
    }
}
