use std::io::{BufRead, BufReader};

use flate2::read::GzDecoder;
use serde_json::json;

use super::*;

fn plain(template: &Value) -> Value {
    normalized(template, &Injected::default())
}

fn digest(template: &Value) -> TemplateDigest {
    template_digest(template, &Injected::default())
}

#[test]
fn captured_replicasets_equal_the_templates_they_were_made_from() {
    let runs: Value =
        serde_json::from_str(include_str!("../../tests/data/captured_replicasets.json")).expect("JSON");
    let (mut same, mut other) = (0, 0);
    for run in runs.as_array().expect("a list") {
        for (hash, stored) in run["replicaSets"].as_object().expect("an object") {
            let expected = run["podHash"] == hash.as_str();
            let injected = Injected::recorded(stored["ephemeral"].as_str().expect("a string"));
            let stored = &stored["template"];
            assert_eq!(
                plain(&run["template"]) == normalized(stored, &injected),
                expected,
                "{} {hash}",
                run["from"]
            );
            assert_eq!(
                digest(&run["template"]) == template_digest(stored, &injected),
                expected,
                "{} {hash}",
                run["from"]
            );
            if expected { same += 1 } else { other += 1 }
        }
    }
    assert!(same > 20 && other > 20, "{same} {other}");
}

#[test]
fn the_normal_form_is_at_rest() {
    let runs: Value =
        serde_json::from_str(include_str!("../../tests/data/captured_replicasets.json")).expect("JSON");
    for run in runs.as_array().expect("a list") {
        let once = plain(&run["template"]);
        assert_eq!(plain(&once), once);
    }
}

fn lines(gzipped: &'static [u8]) -> impl Iterator<Item = Value> {
    let lines = BufReader::new(GzDecoder::new(gzipped)).lines();
    lines.map(|line| serde_json::from_str(&line.expect("UTF-8")).expect("JSON"))
}

#[test]
fn generated_templates_equal_what_kubernetes_stores_for_them() {
    let written = lines(include_bytes!("../../tests/data/hash_corpus.jsonl.gz"));
    let stored = lines(include_bytes!("../../tests/data/stored_corpus.jsonl.gz"));
    let mut digests = std::collections::BTreeSet::new();
    for (case, stored) in written.zip(stored) {
        let form = plain(&case["template"]);
        assert_eq!(form, plain(&stored), "{}", case["template"]);
        assert_eq!(form, plain(&form));
        digests.insert(digest(&stored));
    }
    assert_eq!(digests.len(), 1500, "templates that differ have digests that differ");
}

/// A whole template is checked, so that a default too many shows as well.
#[test]
fn a_minimal_template() {
    let template = json!({"metadata": {"creationTimestamp": null}, "spec": {"containers": [{"name": "a", "image": "b", "resources": {}}]}});
    let expected = json!({"spec": {
        "containers": [{"name": "a", "image": "b", "imagePullPolicy": "Always",
            "terminationMessagePath": "/dev/termination-log", "terminationMessagePolicy": "File"}],
        "dnsPolicy": "ClusterFirst", "restartPolicy": "Always", "schedulerName": "default-scheduler",
        "securityContext": {}, "terminationGracePeriodSeconds": 30}});
    assert_eq!(plain(&template), expected);
    assert_eq!(plain(&json!(null))["spec"]["dnsPolicy"], "ClusterFirst");
    assert_eq!(plain(&json!({}))["spec"]["dnsPolicy"], "ClusterFirst");
}

/// What a container becomes, without the members that every container gets.
#[track_caller]
fn check_container(container: &Value, expected: &Value) {
    for list in ["containers", "initContainers", "ephemeralContainers"] {
        let mut template = plain(&json!({"spec": {list: [container]}}));
        let mut container = template["spec"][list][0].take();
        for common in ["imagePullPolicy", "terminationMessagePath", "terminationMessagePolicy"] {
            assert!(container.as_object_mut().expect("an object").remove(common).is_some(), "{common}");
        }
        assert_eq!(&container, expected);
    }
}

#[test]
fn defaults_of_containers() {
    check_container(
        &json!({"ports": [{"containerPort": 1}, {"containerPort": 2, "protocol": "UDP", "hostPort": 0}]}),
        &json!({"ports": [{"containerPort": 1, "protocol": "TCP"}, {"containerPort": 2, "protocol": "UDP"}]}),
    );
    let timing = |mut probe: Value| {
        for (member, value) in
            [("timeoutSeconds", 1), ("periodSeconds", 10), ("successThreshold", 1), ("failureThreshold", 3)]
        {
            probe[member] = json!(value);
        }
        probe
    };
    for probe in ["livenessProbe", "readinessProbe", "startupProbe"] {
        check_container(
            &json!({probe: {"httpGet": {"port": 80}, "initialDelaySeconds": 0, "timeoutSeconds": 0}}),
            &json!({probe: timing(json!({"httpGet": {"port": 80, "path": "/", "scheme": "HTTP"}}))}),
        );
        check_container(
            &json!({probe: {"grpc": {"port": 5}}}),
            &json!({probe: timing(json!({"grpc": {"port": 5, "service": ""}}))}),
        );
        check_container(
            &json!({probe: {"exec": {"command": ["x"]}}}),
            &json!({probe: timing(json!({"exec": {"command": ["x"]}}))}),
        );
    }
    check_container(
        &json!({"lifecycle": {"preStop": {"httpGet": {"port": "a"}}, "postStart": {"httpGet": {"port": 1, "path": "/x"}}}}),
        &json!({"lifecycle": {"preStop": {"httpGet": {"port": "a", "path": "/", "scheme": "HTTP"}},
            "postStart": {"httpGet": {"port": 1, "path": "/x", "scheme": "HTTP"}}}}),
    );
    check_container(
        &json!({"env": [{"name": "a", "value": "", "valueFrom": {"fieldRef": {"fieldPath": "p"}}}, {"valueFrom": {"fileKeyRef": {"key": "k"}}},
            {"valueFrom": {"resourceFieldRef": {"resource": "limits.cpu", "divisor": "0"}}}]}),
        &json!({"env": [{"name": "a", "valueFrom": {"fieldRef": {"fieldPath": "p", "apiVersion": "v1"}}},
            {"valueFrom": {"fileKeyRef": {"key": "k", "optional": false}}}, {"valueFrom": {"resourceFieldRef": {"resource": "limits.cpu"}}}]}),
    );
    // Requests follow limits in pods only; amounts below a thousandth are rounded up.
    check_container(
        &json!({"resources": {"limits": {"cpu": 0.5, "memory": "1024Mi", "x": "1u"}, "requests": {}}}),
        &json!({"resources": {"limits": {"cpu": "500m", "memory": "1073741824", "x": "1m"}}}),
    );
}

#[test]
fn defaults_of_volumes() {
    for (source, expected) in [
        (json!({}), json!({"emptyDir": {}})),
        (json!({"emptyDir": {"medium": ""}}), json!({"emptyDir": {}})),
        (json!({"emptyDir": {"sizeLimit": "1Ki"}}), json!({"emptyDir": {"sizeLimit": "1024"}})),
        (
            json!({"secret": {"secretName": "s", "items": []}}),
            json!({"secret": {"secretName": "s", "defaultMode": 420}}),
        ),
        (json!({"secret": {"defaultMode": 0}}), json!({"secret": {"defaultMode": 0}})),
        (json!({"configMap": {"name": "c"}}), json!({"configMap": {"name": "c", "defaultMode": 420}})),
        (
            json!({"downwardAPI": {"items": [{"path": "p", "fieldRef": {"fieldPath": "f"}}]}}),
            json!({"downwardAPI": {"defaultMode": 420, "items": [{"path": "p", "fieldRef": {"fieldPath": "f", "apiVersion": "v1"}}]}}),
        ),
        (
            json!({"projected": {"sources": [{"serviceAccountToken": {"path": "t"}}, {"downwardAPI": {"items": [{"fieldRef": {}}]}}, {"configMap": {}}]}}),
            json!({"projected": {"defaultMode": 420, "sources": [{"serviceAccountToken": {"path": "t", "expirationSeconds": 3600}},
                {"downwardAPI": {"items": [{"fieldRef": {"apiVersion": "v1"}}]}}, {"configMap": {}}]}}),
        ),
        (json!({"hostPath": {"path": "/x"}}), json!({"hostPath": {"path": "/x", "type": ""}})),
        (json!({"iscsi": {"lun": 0}}), json!({"iscsi": {"iscsiInterface": "default"}})),
        (
            json!({"rbd": {"pool": "p"}}),
            json!({"rbd": {"pool": "p", "user": "admin", "keyring": "/etc/ceph/keyring"}}),
        ),
        (
            json!({"azureDisk": {}}),
            json!({"azureDisk": {"cachingMode": "ReadWrite", "fsType": "ext4", "readOnly": false, "kind": "Shared"}}),
        ),
        (json!({"scaleIO": {}}), json!({"scaleIO": {"storageMode": "ThinProvisioned", "fsType": "xfs"}})),
        (
            json!({"image": {"reference": "a:latest"}}),
            json!({"image": {"reference": "a:latest", "pullPolicy": "Always"}}),
        ),
        (
            json!({"ephemeral": {"volumeClaimTemplate": {"spec": {"resources": {"requests": {"storage": "1Gi"}}}}}}),
            json!({"ephemeral": {"volumeClaimTemplate": {"spec": {"volumeMode": "Filesystem", "resources": {"requests": {"storage": "1073741824"}}}}}}),
        ),
        (json!({"unheardOf": {"a": ""}}), json!({"unheardOf": {"a": ""}})),
    ] {
        let mut volume = source.clone();
        volume["name"] = json!("v");
        let mut expected = expected;
        expected["name"] = json!("v");
        assert_eq!(plain(&json!({"spec": {"volumes": [volume]}}))["spec"]["volumes"][0], expected);
    }
}

#[test]
fn pull_policy_by_tag() {
    for (image, always) in [
        ("nginx", true),
        ("nginx:latest", true),
        ("nginx:1.19", false),
        ("localhost:5000/team/app", true),
        ("localhost:5000/team/app:v1", false),
        ("Registry/app", true),
        ("app@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef", false),
        ("app:latest@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef", true),
        ("", false),
        ("Not/An Image", false),
        ("App", false),
    ] {
        let template = plain(&json!({"spec": {"containers": [{"image": image}]}}));
        let expected = if always { "Always" } else { "IfNotPresent" };
        assert_eq!(template["spec"]["containers"][0]["imagePullPolicy"], expected, "{image}");
    }
    let set = json!({"spec": {"containers": [{"image": "nginx", "imagePullPolicy": "Never"}]}});
    assert_eq!(plain(&set)["spec"]["containers"][0]["imagePullPolicy"], "Never");
}

#[track_caller]
fn check_same(a: &Value, b: &Value) {
    assert_eq!(plain(&json!({"spec": a})), plain(&json!({"spec": b})));
    assert_eq!(digest(&json!({"spec": a})), digest(&json!({"spec": b})));
}

#[track_caller]
fn check_different(a: &Value, b: &Value) {
    assert_ne!(digest(&json!({"spec": a})), digest(&json!({"spec": b})));
}

#[test]
fn equal_specs() {
    check_same(&json!({"serviceAccount": "s"}), &json!({"serviceAccountName": "s"}));
    check_same(
        &json!({"serviceAccount": "old", "serviceAccountName": "s"}),
        &json!({"serviceAccountName": "s"}),
    );
    check_same(&json!({"hostNetwork": false, "nodeSelector": {}, "hostname": ""}), &json!({}));
    check_same(&json!({"terminationGracePeriodSeconds": 30.0}), &json!({}));
    check_same(&json!({"overhead": {"cpu": "1e3"}}), &json!({"overhead": {"cpu": "1k"}}));
    check_same(&json!({"overhead": {"cpu": 1}}), &json!({"overhead": {"cpu": "1000m"}}));
    let port = |port: Value| json!({"hostNetwork": true, "containers": [{"ports": [port]}]});
    check_same(&port(json!({"containerPort": 80})), &port(json!({"containerPort": 80, "hostPort": 80})));
}

#[test]
fn different_specs() {
    check_different(&json!({"terminationGracePeriodSeconds": 0}), &json!({}));
    check_different(&json!({"automountServiceAccountToken": false}), &json!({}));
    check_different(&json!({"enableServiceLinks": true}), &json!({}));
    check_different(&json!({"overhead": {"cpu": "1"}}), &json!({"overhead": {"cpu": "2"}}));
    check_different(&json!({"notYetKnown": ""}), &json!({}));
    check_different(
        &json!({"containers": [{"ports": [{"containerPort": 80}]}]}),
        &json!({"containers": [{"ports": [{"containerPort": 80, "hostPort": 80}]}]}),
    );
    check_different(
        &json!({"containers": [{"name": "a"}, {"name": "b"}]}),
        &json!({"containers": [{"name": "b"}, {"name": "a"}]}),
    );
    check_different(&json!({"containers": [{"securityContext": {}}]}), &json!({"containers": [{}]}));
}

#[test]
fn injected_metadata_is_no_part_of_a_template() {
    let template = json!({"metadata": {"labels": {"app": "a"}}});
    let stored = json!({"metadata": {"labels": {"app": "a", "role": "canary", "rollouts-pod-template-hash": "4"}, "annotations": {"x": "y"}}});
    let injected = Injected::recorded(r#"{"labels":{"role":"canary"},"annotations":{"x":"y"}}"#);
    assert_eq!(template_digest(&stored, &injected), digest(&template));
    assert_ne!(digest(&stored), digest(&template));
    assert_eq!(Injected::recorded("nonsense"), Injected::default());
    assert_eq!(Injected::recorded(r#"{"labels":{"a":"b"}}"#).labels.len(), 1);
}

#[test]
fn injected_anti_affinity_is_no_part_of_a_template() {
    let injected = json!({"topologyKey": "kubernetes.io/hostname", "namespaces": ["n"],
        "labelSelector": {"matchExpressions": [{"key": "rollouts-pod-template-hash", "operator": "In", "values": ["4"]}]}});
    let own = json!({"topologyKey": "zone", "labelSelector": {"matchLabels": {"app": "a"}}});
    let preferred = |terms: Value| json!({"affinity": {"podAntiAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": terms}}});
    let required = |terms: Value| json!({"affinity": {"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": terms}}});
    let weighted = |term: &Value| json!({"weight": 1, "podAffinityTerm": term});
    check_same(&preferred(json!([weighted(&injected)])), &json!({}));
    check_same(&required(json!([injected])), &json!({}));
    check_same(&required(json!([own, injected])), &required(json!([own])));
    check_same(&preferred(json!([weighted(&own), weighted(&injected)])), &preferred(json!([weighted(&own)])));
    check_same(&json!({"affinity": {}}), &json!({}));
    check_same(&json!({"affinity": {"nodeAffinity": {}}}), &json!({}));
    check_different(&required(json!([own])), &json!({}));
    let mut both = required(json!([injected]));
    both["affinity"]["nodeAffinity"] =
        json!({"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [{}]}});
    check_different(&both, &json!({}));
}

#[test]
fn digests_as_text() {
    let of = digest(&json!({}));
    let text = of.to_string();
    assert_eq!(text.len(), 32);
    assert_eq!(text.parse::<TemplateDigest>().expect("its own text"), of);
    assert_eq!(serde_json::from_value::<TemplateDigest>(json!(text)).expect("its own text"), of);
    assert_eq!(serde_json::to_value(of).expect("a string"), json!(text));
    for bad in ["", "12", "+0000000000000000000000000000001", "g0000000000000000000000000000000"] {
        assert!(bad.parse::<TemplateDigest>().is_err(), "{bad}");
    }
}

#[test]
fn contents() {
    let template = json!({"metadata": {"labels": {"b": "2", "a": "1", "odd": 5}}, "spec": {
        "containers": [{"image": "x"}, {}, {"image": "y:1"}], "initContainers": [{"image": "z"}]}});
    assert_eq!(images(&template), ["x", "y:1"]);
    assert_eq!(init_images(&template), ["z"]);
    assert_eq!(
        labels(&template).into_iter().collect::<Vec<_>>(),
        [("a".into(), "1".into()), ("b".into(), "2".into()), ("odd".into(), String::new())]
    );
    assert!(images(&json!(null)).is_empty() && labels(&json!(null)).is_empty());
}
