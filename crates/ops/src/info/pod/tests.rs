use serde_json::json;

use super::*;

#[track_caller]
fn check(pod: &Value, status: &str, ready: i64, restarts: i64) {
    let info = PodInfo::of(pod);
    assert_eq!((info.status.as_str(), info.ready, info.restarts), (status, ready, restarts), "{pod}");
}

fn pod(statuses: &Value) -> Value {
    json!({"spec": {"containers": [{}, {}]}, "status": {"phase": "Pending", "containerStatuses": statuses}})
}

#[test]
fn the_phase_or_its_reason() {
    check(&pod(&json!([])), "Pending", 0, 0);
    check(&json!({"status": {"phase": "Failed", "reason": "Evicted"}}), "Evicted", 0, 0);
    check(&json!({}), "", 0, 0);
    assert_eq!(PodInfo::of(&pod(&json!([]))).containers, 2);
}

#[test]
fn the_first_container_in_trouble_has_the_word() {
    let running = json!({"ready": true, "restartCount": 1, "state": {"running": {}}});
    let crashed = json!({"restartCount": 4, "state": {"waiting": {"reason": "CrashLoopBackOff"}}});
    let killed = json!({"state": {"terminated": {"signal": 9}}});
    let failed = json!({"state": {"terminated": {"exitCode": 3}}});
    let done = json!({"state": {"terminated": {"reason": "Completed"}}});
    check(&pod(&json!([running, crashed])), "CrashLoopBackOff", 1, 5);
    check(&pod(&json!([killed, crashed])), "Signal:9", 0, 4);
    check(&pod(&json!([failed])), "ExitCode:3", 0, 0);
    check(&pod(&json!([done])), "Completed", 0, 0);
    check(&pod(&json!([done, running])), "Running", 1, 1);
}

#[test]
fn a_running_pod_that_is_not_ready_still_runs() {
    let mut unready = pod(&json!([{"ready": false, "state": {"running": {}}}]));
    unready["status"]["phase"] = json!("Running");
    check(&unready, "Running", 0, 0);
}

#[track_caller]
fn check_init(statuses: &Value, status: &str, restarts: i64) {
    let pod = json!({
        "spec": {"containers": [{}], "initContainers": [{"name": "side", "restartPolicy": "Always"}, {"name": "b"}]},
        "status": {
            "phase": "Pending",
            "initContainerStatuses": statuses,
            "containerStatuses": [{"restartCount": 9, "state": {"waiting": {"reason": "PodInitializing"}}}],
        },
    });
    check(&pod, status, 0, restarts);
}

#[test]
fn init_containers_come_first() {
    let sidecar = json!({"name": "side", "started": true, "ready": true, "state": {"running": {}}});
    let b = |state: Value| json!({"name": "b", "restartCount": 2, "state": state});
    check_init(&json!([b(json!({"running": {}}))]), "Init:0/2", 2);
    check_init(&json!([sidecar, b(json!({"waiting": {"reason": "PodInitializing"}}))]), "Init:1/2", 2);
    check_init(&json!([b(json!({"waiting": {"reason": "ErrImagePull"}}))]), "Init:ErrImagePull", 2);
    check_init(&json!([b(json!({"terminated": {"exitCode": 1}}))]), "Init:ExitCode:1", 2);
    check_init(&json!([b(json!({"terminated": {"exitCode": 137, "signal": 9}}))]), "Init:Signal:9", 2);
    check_init(&json!([b(json!({"terminated": {"exitCode": 1, "reason": "Error"}}))]), "Init:Error", 2);
    check_init(&json!([sidecar, b(json!({"terminated": {"exitCode": 0}}))]), "PodInitializing", 9);
    let slow = json!({"name": "side", "started": true, "ready": false, "state": {"running": {}}});
    check_init(&json!([slow]), "Init:0/2", 0);
}

#[test]
fn deletion_has_the_last_word() {
    let mut gone = pod(&json!([{"ready": true, "state": {"running": {}}}]));
    gone["metadata"] = json!({"deletionTimestamp": "2026-11-23T05:27:31Z"});
    check(&gone, "Terminating", 1, 0);
    gone["status"]["reason"] = json!("NodeLost");
    check(&gone, "Unknown", 1, 0);
}
