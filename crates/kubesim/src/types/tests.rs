//! What was drawn from OpenAPI, and what is made of it.

use serde_json::json;

use super::*;

const POD: &str = "io.k8s.api.core.v1.Pod";
const REPLICA_SET: &str = "io.k8s.api.apps.v1.ReplicaSet";

fn decoded(mut object: Value, name: &str) -> (Result<Unknown, DecodeError>, Value) {
    let result = decode(&mut object, named(name).unwrap());
    (result, object)
}

#[test]
fn every_line_of_our_own_defaults_names_one_member() {
    let own = published::own_defaults();
    assert!(own.len() > 50);
    for (ty, member, _) in own {
        let ending = format!(".{ty}");
        let known: Vec<&Struct> =
            TABLE.structs.iter().filter(|known| known.name.ends_with(&ending)).collect();
        assert_eq!(known.len(), 1, "{ty}");
        assert!(known[0].fields.contains_key(member), "{ty} has no {member}");
    }
}

#[test]
fn defaults_are_what_go_would_write() {
    let default = |ty: &str, member: &str| named(ty).unwrap().default_of(member).cloned();
    let core = |name: &str| format!("io.k8s.api.core.v1.{name}");
    for (ty, member, expected) in [
        // Defaults proper, from OpenAPI and from our own list.
        ("ContainerPort", "protocol", Some(json!("TCP"))),
        ("PodSpec", "restartPolicy", Some(json!("Always"))),
        // A struct that is no pointer is always written.
        ("Container", "resources", Some(json!({}))),
        ("ContainerStatus", "restartCount", Some(json!(0))),
        ("Event", "firstTimestamp", Some(json!(null))),
        // OpenAPI says `default: ""`, but Go leaves it out.
        ("LocalObjectReference", "name", None),
        ("ContainerPort", "hostPort", None),
    ] {
        assert!(named(&core(ty)).unwrap().fields().contains_key(member));
        assert_eq!(default(&core(ty), member), expected, "{ty}.{member}");
    }
}

#[test]
fn merge_keys_are_those_of_go() {
    let key = |ty: &str, member: &str| named(ty).unwrap().fields()[member].merge_key.clone();
    assert_eq!(key("io.k8s.api.core.v1.PodSpec", "containers").as_deref(), Some("name"));
    assert_eq!(key("io.k8s.api.core.v1.Container", "args"), None);
    assert_eq!(OBJECT_META.fields()["finalizers"].merge_key.as_deref(), Some(""));
}

#[test]
fn a_wrong_type_is_told_as_go_tells_it() {
    for (object, expected) in [
        (
            json!({"spec": {"template": {"spec": {"containers": [
                {"name": "a", "env": [{"name": "A", "value": 1}]}]}}}}),
            "json: cannot unmarshal number into Go struct field EnvVar.spec.template.spec.containers.env.value of type string",
        ),
        (
            json!({"spec": {"replicas": "five"}}),
            "json: cannot unmarshal string into Go struct field ReplicaSetSpec.spec.replicas of type int32",
        ),
        (
            json!({"spec": {"template": []}}),
            "json: cannot unmarshal array into Go struct field ReplicaSetSpec.spec.template of type v1.PodTemplateSpec",
        ),
    ] {
        assert_eq!(decoded(object, REPLICA_SET).0.unwrap_err().to_string(), expected);
    }
    let (result, _) = decoded(json!({"data": {"a": "no?"}}), "io.k8s.api.core.v1.Secret");
    assert_eq!(result.unwrap_err().to_string(), "illegal base64 data at input byte 2");
}

#[test]
fn unknown_and_empty_members_are_dropped() {
    let object = json!({"kind": "Pod", "metadata": {"labels": {}, "managedFields": []}, "extra": {"a": 1},
        "spec": {"nope": 1, "securityContext": {}, "nodeName": null, "containers": [{"name": "a"}, {"image": "i", "x": 1}]}});
    let (unknown, object) = decoded(object, POD);
    assert_eq!(unknown.unwrap(), ["extra", "spec.nope", "spec.containers[1].x"]);
    let expected = json!({"kind": "Pod", "metadata": {},
        "spec": {"securityContext": {}, "containers": [{"name": "a"}, {"image": "i"}]}});
    assert_eq!(object, expected);
}

#[test]
fn defaults_reach_into_lists() {
    let mut object = json!({"containers": [{"name": "a", "ports": [{"containerPort": 1, "protocol": ""}]}]});
    set_defaults(object.as_object_mut().unwrap(), named("io.k8s.api.core.v1.PodSpec").unwrap());
    assert_eq!(object["containers"][0]["ports"][0]["protocol"], "TCP");
    assert_eq!(object["terminationGracePeriodSeconds"], 30);
}
