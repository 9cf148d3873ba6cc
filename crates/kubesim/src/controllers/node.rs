//! The node on which all pods claim to run.

use serde_json::{Value, json};

use crate::types;

/// Where pods' addresses begin.
const POD_CIDR: &str = "10.88.0.0/16";

/// The address of the node, and so of the host of its pods.
pub(crate) const ADDRESS: &str = "127.0.0.1";

/// A node that is ready, as its kubelet would tell at `now`.
pub(crate) fn ready(name: &str, now: &str) -> Value {
    let condition = |ty: &str, status: &str, reason: &str, message: &str| {
        json!({
            "type": ty, "status": status, "reason": reason, "message": message, "lastHeartbeatTime": now,
            "lastTransitionTime": now,
        })
    };
    let room = json!({"cpu": "64", "memory": "256Gi", "pods": "10000"});
    json!({
        "apiVersion": "v1", "kind": "Node",
        "metadata": {"name": name, "labels": {
            "kubernetes.io/hostname": name, "kubernetes.io/os": "linux", "kubernetes.io/arch": "amd64",
        }},
        "spec": {"podCIDR": POD_CIDR, "podCIDRs": [POD_CIDR]},
        "status": {
            "addresses": [{"type": "InternalIP", "address": ADDRESS}, {"type": "Hostname", "address": name}],
            "capacity": room, "allocatable": room,
            "conditions": [
                condition("MemoryPressure", "False", "KubeletHasSufficientMemory", "kubelet has sufficient memory available"),
                condition("DiskPressure", "False", "KubeletHasNoDiskPressure", "kubelet has no disk pressure"),
                condition("PIDPressure", "False", "KubeletHasSufficientPID", "kubelet has sufficient PID available"),
                condition("Ready", "True", "KubeletReady", "kubelet is posting ready status"),
            ],
            "nodeInfo": {
                "architecture": "amd64", "bootID": "", "containerRuntimeVersion": "simulated://1",
                "kernelVersion": "simulated", "kubeProxyVersion": "", "kubeletVersion": types::version(),
                "machineID": "", "operatingSystem": "linux", "osImage": "simulated", "systemUUID": "",
            },
        },
    })
}
