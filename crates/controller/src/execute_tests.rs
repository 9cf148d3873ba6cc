use serde_json::json;
use tidegate_core::Purpose;

use super::*;
use crate::test_server::{Seen, refusal, serve};

const MANAGER: &str = "rollouts-controller";

fn write(kind: &str, request: Request) -> Write {
    let object = ObjectRef { kind: kind.into(), namespace: "a".into(), name: "b".into() };
    Write { object, request, purpose: Purpose::Metadata, events: Vec::new() }
}

fn merge_patch() -> Request {
    Request::MergePatch {
        body: json!({"status": {"abort": true}}),
        resource_version: "5".into(),
        subresource: Some(Subresource::Status),
    }
}

fn json_patch() -> Request {
    Request::JsonPatch {
        body: json!([{"op": "test", "path": "/metadata/uid", "value": "u"}]),
        subresource: None,
    }
}

/// Carries out writes against a server that answers each with version 10.
async fn seen(writes: &[Write]) -> Vec<Seen> {
    let (clients, log) = serve(|_| (200, json!({"metadata": {"resourceVersion": "10"}})));
    let mut versions = Versions::new();
    for write in writes {
        carry_out(&clients, write, Priority::Traffic, &mut versions, MANAGER).await.unwrap();
    }
    log.lock().unwrap().clone()
}

async fn failure(request: Request, answer: (u16, Value)) -> WriteError {
    let (clients, _) = serve(move |_| answer.clone());
    carry_out(&clients, &write("ReplicaSet", request), Priority::Traffic, &mut Versions::new(), MANAGER)
        .await
        .unwrap_err()
}

#[tokio::test(start_paused = true)]
async fn requests_on_the_wire() {
    let delete = Request::Delete { uid: "u".into(), resource_version: "4".into() };
    let seen = seen(&[
        write("ReplicaSet", Request::Create { body: json!({"kind": "ReplicaSet"}) }),
        write("ReplicaSet", json_patch()),
        write("ReplicaSet", delete),
    ])
    .await;
    let lines: Vec<String> =
        seen.iter().map(|it| format!("{} {} {}", it.method, it.uri, it.content)).collect();
    assert_eq!(
        lines,
        [
            "POST /apis/apps/v1/namespaces/a/replicasets?fieldManager=rollouts-controller&fieldValidation=Ignore application/json",
            "PATCH /apis/apps/v1/namespaces/a/replicasets/b?fieldManager=rollouts-controller&fieldValidation=Ignore application/json-patch+json",
            "DELETE /apis/apps/v1/namespaces/a/replicasets/b application/json",
        ]
    );
    assert_eq!(seen[2].body["preconditions"], json!({"uid": "u", "resourceVersion": "4"}));
    assert_eq!(seen[2].body["propagationPolicy"], "Background");
}

#[tokio::test(start_paused = true)]
async fn a_merge_patch_follows_the_writes_before_it() {
    let seen = seen(&[write("Rollout", merge_patch()), write("Rollout", merge_patch())]).await;
    assert_eq!(
        seen[0].uri,
        "/apis/argoproj.io/v1alpha1/namespaces/a/rollouts/b/status?fieldManager=rollouts-controller&fieldValidation=Ignore"
    );
    assert_eq!(seen[0].content, "application/merge-patch+json");
    assert_eq!(seen[0].body, json!({"metadata": {"resourceVersion": "5"}, "status": {"abort": true}}));
    assert_eq!(seen[1].body["metadata"]["resourceVersion"], "10");
}

#[tokio::test(start_paused = true)]
async fn a_deleted_object_is_gone_unless_a_finalizer_keeps_it() {
    let delete = || write("ReplicaSet", Request::Delete { uid: "u".into(), resource_version: "4".into() });
    let (clients, _) = serve(|_| (200, json!({"kind": "Status", "status": "Success"})));
    let answer =
        carry_out(&clients, &delete(), Priority::Traffic, &mut Versions::new(), MANAGER).await.unwrap();
    assert_eq!(answer.mark(), Some(Mark::Gone("u".into())));
    let kept = json!({"metadata": {"deletionTimestamp": "2026-01-01T00:00:00Z", "resourceVersion": "10"}});
    let (clients, _) = serve(move |_| (200, kept.clone()));
    let answer =
        carry_out(&clients, &delete(), Priority::Traffic, &mut Versions::new(), MANAGER).await.unwrap();
    assert_eq!(answer.mark(), Some(Mark::Version(10)));
}

#[tokio::test(start_paused = true)]
async fn refusals_become_what_decisions_know() {
    let create = || Request::Create { body: json!({}) };
    let of = |code, reason, message| failure(merge_patch(), refusal(code, reason, message));
    assert_eq!(of(409, "Conflict", "changed").await, WriteError::Conflict);
    assert_eq!(of(404, "NotFound", "gone").await, WriteError::NotFound);
    assert_eq!(of(403, "Forbidden", "no").await, WriteError::Forbidden("no".into()));
    assert_eq!(of(429, "TooManyRequests", "slow").await, WriteError::Refused("slow".into()));
    assert_eq!(of(500, "InternalError", "oops").await, WriteError::Refused("oops".into()));
    assert_eq!(of(504, "Timeout", "late").await, WriteError::Unanswered("late".into()));
    let taken = failure(create(), refusal(409, "AlreadyExists", "taken")).await;
    assert_eq!(taken, WriteError::AlreadyExists);
    let (_, mut status) = refusal(422, "Invalid", "bad");
    status["details"]["causes"] =
        json!([{"reason": "FieldValueRequired", "field": "spec.x", "message": "Required"}]);
    let expected =
        WriteError::Invalid { message: "bad".into(), causes: vec![("spec.x".into(), "Required".into())] };
    assert_eq!(failure(create(), (422, status.clone())).await, expected);
    assert_eq!(failure(json_patch(), (422, status)).await, expected);
}

#[tokio::test(start_paused = true)]
async fn a_failed_test_operation_is_a_conflict() {
    let text = "the server rejected our request due to an error in our request";
    assert_eq!(failure(json_patch(), refusal(422, "Invalid", text)).await, WriteError::Conflict);
}

#[tokio::test(start_paused = true)]
async fn silence_and_broken_answers_leave_the_outcome_open() {
    let pending = tower::service_fn(|_: http::Request<kube::client::Body>| {
        std::future::pending::<Result<http::Response<kube::client::Body>, std::convert::Infallible>>()
    });
    let clients = Clients::new(crate::client(pending, &crate::Gate::new()), None);
    let error = carry_out(
        &clients,
        &write("Rollout", merge_patch()),
        Priority::Traffic,
        &mut Versions::new(),
        MANAGER,
    )
    .await;
    assert!(matches!(error, Err(WriteError::Unanswered(_))), "{error:?}");
    let reset = tower::service_fn(|_: http::Request<kube::client::Body>| async {
        Err::<http::Response<kube::client::Body>, _>(std::io::Error::other("connection reset"))
    });
    let clients = Clients::new(crate::client(reset, &crate::Gate::new()), None);
    let error = carry_out(
        &clients,
        &write("Rollout", merge_patch()),
        Priority::Traffic,
        &mut Versions::new(),
        MANAGER,
    )
    .await;
    assert!(
        matches!(&error, Err(WriteError::Unanswered(text)) if text.contains("connection reset")),
        "{error:?}"
    );
}

#[test]
fn a_write_is_as_urgent_as_what_waits_for_it() {
    let of = |purpose| Write { purpose, ..write("Rollout", merge_patch()) };
    let up = || of(Purpose::Scale { from: 1, to: 2 });
    let down = || of(Purpose::Scale { from: 2, to: 1 });
    let plan = [of(Purpose::Status), up(), of(Purpose::Status), down()];
    let priorities: Vec<Priority> = (0..plan.len()).map(|number| priority(&plan[number..])).collect();
    let (traffic, other) = (Priority::Traffic, Priority::Bookkeeping);
    assert_eq!(priorities, [traffic, traffic, other, other]);
}
