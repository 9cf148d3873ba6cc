//! Kubernetes' defaults for the pod template of a workload, by the Go type in which they stand.
//!
//! They are those of the API server's `v1` for templates. The few that depend on other members are in the parent module.

use std::sync::LazyLock;

use serde_json::Value;

use crate::hash::POD_TEMPLATE;

/// Type, member, and the JSON that Kubernetes stores when the member is absent (or empty, if it is no pointer).
const DEFAULTS: &[(&str, &str, &str)] = &[
    ("PodSpec", "dnsPolicy", r#""ClusterFirst""#),
    ("PodSpec", "restartPolicy", r#""Always""#),
    ("PodSpec", "schedulerName", r#""default-scheduler""#),
    ("PodSpec", "securityContext", "{}"),
    ("PodSpec", "terminationGracePeriodSeconds", "30"),
    ("Container", "terminationMessagePath", r#""/dev/termination-log""#),
    ("Container", "terminationMessagePolicy", r#""File""#),
    ("EphemeralContainer", "terminationMessagePath", r#""/dev/termination-log""#),
    ("EphemeralContainer", "terminationMessagePolicy", r#""File""#),
    ("ContainerPort", "protocol", r#""TCP""#),
    ("ObjectFieldSelector", "apiVersion", r#""v1""#),
    ("FileKeySelector", "optional", "false"),
    ("Probe", "timeoutSeconds", "1"),
    ("Probe", "periodSeconds", "10"),
    ("Probe", "successThreshold", "1"),
    ("Probe", "failureThreshold", "3"),
    ("HTTPGetAction", "path", r#""/""#),
    ("HTTPGetAction", "scheme", r#""HTTP""#),
    ("GRPCAction", "service", r#""""#),
    ("SecretVolumeSource", "defaultMode", "420"),
    ("ConfigMapVolumeSource", "defaultMode", "420"),
    ("DownwardAPIVolumeSource", "defaultMode", "420"),
    ("ProjectedVolumeSource", "defaultMode", "420"),
    ("ServiceAccountTokenProjection", "expirationSeconds", "3600"),
    ("HostPathVolumeSource", "type", r#""""#),
    ("PersistentVolumeClaimSpec", "volumeMode", r#""Filesystem""#),
    ("ISCSIVolumeSource", "iscsiInterface", r#""default""#),
    ("RBDVolumeSource", "pool", r#""rbd""#),
    ("RBDVolumeSource", "user", r#""admin""#),
    ("RBDVolumeSource", "keyring", r#""/etc/ceph/keyring""#),
    ("AzureDiskVolumeSource", "cachingMode", r#""ReadWrite""#),
    ("AzureDiskVolumeSource", "fsType", r#""ext4""#),
    ("AzureDiskVolumeSource", "readOnly", "false"),
    ("AzureDiskVolumeSource", "kind", r#""Shared""#),
    ("ScaleIOVolumeSource", "storageMode", r#""ThinProvisioned""#),
    ("ScaleIOVolumeSource", "fsType", r#""xfs""#),
];

/// What a struct type of the pod template asks for beyond the clean-up of its members.
#[derive(Default)]
pub(super) struct Rules {
    /// Members that are always there, being structs without a pointer, and have defaults inside.
    pub(super) always: Vec<&'static str>,
    pub(super) constants: Vec<(&'static str, Value)>,
    pub(super) depends: Option<Depends>,
}

/// Defaults that depend on other members of the same object.
#[derive(Clone, Copy)]
pub(super) enum Depends {
    /// A volume without a source is an `emptyDir`.
    VolumeSource,
    /// The pull policy follows the tag of the image in the first member.
    PullPolicy { image: &'static str, policy: &'static str },
    /// The alias `serviceAccount`; the ports of the host network.
    Pod,
}

/// The rules by index of the type in the table.
pub(super) static RULES: LazyLock<Vec<Rules>> = LazyLock::new(|| {
    let rules = |name: &str| Rules {
        always: always(name),
        constants: DEFAULTS
            .iter()
            .filter(|(of, ..)| *of == name)
            .map(|(_, member, json)| (*member, constant(json)))
            .collect(),
        depends: depends(name),
    };
    POD_TEMPLATE.names().map(rules).collect()
});

fn constant(json: &str) -> Value {
    serde_json::from_str(json).expect("the table above is JSON")
}

fn always(type_name: &str) -> Vec<&'static str> {
    match type_name {
        "PodTemplateSpec" | "PersistentVolumeClaimTemplate" => vec!["spec"],
        _ => Vec::new(),
    }
}

fn depends(type_name: &str) -> Option<Depends> {
    match type_name {
        "Volume" => Some(Depends::VolumeSource),
        "Container" | "EphemeralContainer" => {
            Some(Depends::PullPolicy { image: "image", policy: "imagePullPolicy" })
        }
        "ImageVolumeSource" => Some(Depends::PullPolicy { image: "reference", policy: "pullPolicy" }),
        "PodSpec" => Some(Depends::Pod),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hash::fields::{Field, Kind, Type};

    #[test]
    fn every_default_has_its_place_in_kubernetes_types() {
        for (name, member, _) in DEFAULTS {
            let of = type_named(name);
            assert!(of.position(member).is_some(), "{name} has no {member}");
        }
    }

    fn type_named(name: &str) -> &'static Type {
        let index = POD_TEMPLATE.names().position(|known| known == name);
        POD_TEMPLATE.type_at(index.unwrap_or_else(|| panic!("no type {name}")))
    }

    #[test]
    fn structs_with_defaults_inside_are_reached_when_absent() {
        for (index, name) in POD_TEMPLATE.names().enumerate() {
            let inside = |field: &&Field| match &field.kind {
                Kind::Struct(inner) => !RULES[*inner].constants.is_empty() || RULES[*inner].depends.is_some(),
                _ => false,
            };
            let expected: Vec<_> =
                type_named(name).fields.iter().filter(inside).map(|field| field.name.as_str()).collect();
            assert_eq!(RULES[index].always, expected, "{name}");
        }
    }
}
