//! What probes and Prometheus are told.

use crate::world::World;

#[test]
fn health_and_metrics_are_upstreams() {
    let world = World::new();
    let mut controller = world.start(&[]);
    controller.logs("Started controller");
    let (head, body) = controller.health("/healthz");
    assert!(head.starts_with("http/1.1 200 ok"), "{head}");
    assert!(head.contains("\r\ncontent-type: text/plain; charset=utf-8"), "{head}");
    assert!(head.contains("\r\nx-content-type-options: nosniff"), "{head}");
    assert_eq!(body, "ok");
    let (head, body) = controller.health("/readyz");
    assert!(head.starts_with("http/1.1 200 ok") && body == "ok: leading\n", "{head}\n{body}");
    assert!(controller.health("/metrics").0.starts_with("http/1.1 404"));
    let (head, body) = controller.metrics("/metrics");
    assert!(head.contains("\r\ncontent-type: text/plain; version=0.0.4; charset=utf-8"), "{head}");
    assert!(body.contains("argo_rollouts_controller_info{version=\"v"), "{body}");
    assert!(controller.metrics("/healthz").0.starts_with("http/1.1 404"));
}

#[test]
fn a_missing_definition_is_told_once_and_waited_for() {
    let world = World::without_rollouts();
    let mut controller = world.start(&[]);
    let text = "cannot list rollouts.argoproj.io in all namespaces: the API server does not know \
                rollouts.argoproj.io; apply the CustomResourceDefinition crds/rollouts.argoproj.io.yaml";
    assert!(controller.logs(text).contains(" level=warning "));
    let (head, body) = controller.health("/readyz");
    assert!(head.starts_with("http/1.1 503"), "{head}");
    assert!(body.contains(&format!("\nrollouts.argoproj.io not listed yet: {text}\n")), "{body}");
    assert_eq!(controller.health("/healthz").1, "ok");
    world.install_rollouts();
    controller.logs("Started controller");
    assert_eq!(controller.health("/readyz").1, "ok: leading\n");
    controller.signal("-TERM");
    let (log, _) = controller.end();
    assert_eq!(log.matches(text).count(), 1, "{log}");
}

#[test]
fn a_server_that_is_away_is_told_and_waited_for() {
    let world = World::new();
    let mut controller = world.start(&["--server=https://127.0.0.1:1"]);
    let text = "cannot get leases.coordination.k8s.io argo-rollouts-controller-lock in namespace argo-rollouts: no \
                answer from the API server: Connection refused (os error 111)";
    assert!(controller.logs(text).contains(" level=warning "));
    let (head, body) = controller.health("/readyz");
    assert!(head.starts_with("http/1.1 503"), "{head}");
    assert_eq!(body, format!("not ready: leader election: {text}\n"));
}
