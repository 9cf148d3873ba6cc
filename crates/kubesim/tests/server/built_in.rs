//! Resources that are served as far as OpenAPI describes them.

use serde_json::{Value, json};

use crate::client::{create, message, send, server};

fn namespaced(group_version: &str, plural: &str) -> String {
    let root = if group_version == "v1" { "api" } else { "apis" };
    format!("/{root}/{group_version}/namespaces/default/{plural}")
}

fn template(policy: &str) -> Value {
    json!({"metadata": {"labels": {"app": "x"}}, "spec": {"restartPolicy": policy,
        "containers": [{"name": "a", "image": "i:1"}]}})
}

#[tokio::test(start_paused = true)]
async fn workloads_get_kubernetes_defaults() {
    let server = server();
    let selector = json!({"matchLabels": {"app": "x"}});
    let spec = json!({"selector": selector, "template": template("Always"), "serviceName": "x"});
    let set = create(
        &server,
        &namespaced("apps/v1", "statefulsets"),
        json!({"metadata": {"name": "x"}, "spec": spec}),
    )
    .await;
    for (member, expected) in [
        ("replicas", json!(1)),
        ("podManagementPolicy", json!("OrderedReady")),
        ("revisionHistoryLimit", json!(10)),
        ("updateStrategy", json!({"type": "RollingUpdate", "rollingUpdate": {"partition": 0}})),
        ("persistentVolumeClaimRetentionPolicy", json!({"whenDeleted": "Retain", "whenScaled": "Retain"})),
    ] {
        assert_eq!(set["spec"][member], expected, "{member}");
    }
    assert_eq!(set["spec"]["template"]["spec"]["terminationGracePeriodSeconds"], 30);
    assert_eq!(
        (&set["metadata"]["generation"], &set["status"]),
        (&json!(1), &json!({"replicas": 0, "availableReplicas": 0}))
    );
    let spec = json!({"schedule": "* * * * *", "jobTemplate": {"spec": {"template": template("Never")}}});
    let cron = create(
        &server,
        &namespaced("batch/v1", "cronjobs"),
        json!({"metadata": {"name": "x"}, "spec": spec}),
    )
    .await;
    assert_eq!(
        (&cron["spec"]["concurrencyPolicy"], &cron["spec"]["suspend"]),
        (&json!("Allow"), &json!(false))
    );
    let container = &cron["spec"]["jobTemplate"]["spec"]["template"]["spec"]["containers"][0];
    assert_eq!(container["imagePullPolicy"], "IfNotPresent");
}

#[tokio::test(start_paused = true)]
async fn a_job_knows_its_pods_by_its_uid() {
    let server = server();
    let spec = json!({"template": template("Never")});
    let job =
        create(&server, &namespaced("batch/v1", "jobs"), json!({"metadata": {"name": "j"}, "spec": spec}))
            .await;
    let uid = &job["metadata"]["uid"];
    assert_eq!(job["spec"]["selector"], json!({"matchLabels": {"batch.kubernetes.io/controller-uid": uid}}));
    let labels = &job["spec"]["template"]["metadata"]["labels"];
    assert_eq!(
        (&labels["job-name"], &labels["controller-uid"], &labels["app"]),
        (&json!("j"), uid, &json!("x"))
    );
    assert_eq!((&job["spec"]["completions"], &job["spec"]["backoffLimit"]), (&json!(1), &json!(6)));
}

#[tokio::test(start_paused = true)]
async fn secrets_hold_base64() {
    let server = server();
    let path = namespaced("v1", "secrets");
    let secret = create(&server, &path, json!({"metadata": {"name": "s"}, "stringData": {"a": "hi"}})).await;
    assert_eq!(
        (&secret["type"], &secret["data"], secret.get("stringData")),
        (&json!("Opaque"), &json!({"a": "aGk="}), None)
    );
    let (code, status) =
        send(&server, "POST", &path, json!({"metadata": {"name": "t"}, "data": {"a": "hi!"}})).await;
    assert_eq!(
        (code, message(&status)),
        (400, "Secret in version \"v1\" cannot be handled as a Secret: illegal base64 data at input byte 2")
    );
}

#[tokio::test(start_paused = true)]
async fn what_a_schema_requires_is_missed() {
    let server = server();
    let path = namespaced("autoscaling/v2", "horizontalpodautoscalers");
    let (code, status) = send(
        &server,
        "POST",
        &path,
        json!({"metadata": {"name": "h"}, "spec": {"scaleTargetRef":
            {"apiVersion": "argoproj.io/v1alpha1", "kind": "Rollout", "name": "r"}}}),
    )
    .await;
    assert_eq!(
        (code, message(&status)),
        (
            422,
            "HorizontalPodAutoscaler.autoscaling \"h\" is invalid: [spec.maxReplicas: Required value: must be set and \
             greater than 0, spec.maxReplicas: Invalid value: 0: must be greater than or equal to `minReplicas`]"
        )
    );
    let path = namespaced("networking.k8s.io/v1", "ingresses");
    let rules = json!([{"http": {"paths": [{"path": "/", "backend": {"service": {"name": "web", "port": {"number": 80}}}}]}}]);
    let (code, status) =
        send(&server, "POST", &path, json!({"metadata": {"name": "i"}, "spec": {"rules": rules}})).await;
    assert_eq!(
        (code, message(&status)),
        (
            422,
            "Ingress.networking.k8s.io \"i\" is invalid: spec.rules[0].http.paths[0].pathType: Required value"
        )
    );
}

#[tokio::test(start_paused = true)]
async fn nodes_tell_of_themselves() {
    let server = server();
    let status = json!({"capacity": {"cpu": "4"}, "conditions": [{"type": "Ready", "status": "True"}]});
    let node = create(&server, "/api/v1/nodes", json!({"metadata": {"name": "n"}, "status": status})).await;
    assert_eq!(node["status"]["allocatable"], json!({"cpu": "4"}));
}
