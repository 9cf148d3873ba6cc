//! A client that says what it sends and sees what is answered.

use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use http::Request;
use http_body::Body as _;
use http_body_util::{BodyExt, Full};
use serde_json::{Value, json};
use tidegate_kubesim::{ApiServer, Body, Config};
use tower::Service;

pub(crate) const JSON_PATCH: &str = "application/json-patch+json";
pub(crate) const MERGE: &str = "application/merge-patch+json";
pub(crate) const STRATEGIC: &str = "application/strategic-merge-patch+json";

pub(crate) fn server() -> ApiServer {
    ApiServer::new(Config::default())
}

/// Sends a request and returns the response.
pub(crate) async fn open(
    server: &ApiServer,
    method: &str,
    path: &str,
    content_type: &str,
    body: &Value,
) -> http::Response<Body> {
    let body = if body.is_null() { String::new() } else { body.to_string() };
    let request = Request::builder()
        .method(method)
        .uri(path)
        .header("content-type", content_type)
        .header("user-agent", "test")
        .body(Full::new(Bytes::from(body)))
        .unwrap();
    server.clone().call(request).await.unwrap()
}

/// Sends a request and reads its answer: the code and the document.
pub(crate) async fn send(server: &ApiServer, method: &str, path: &str, body: Value) -> (u16, Value) {
    read(open(server, method, path, "application/json", &body).await).await
}

pub(crate) async fn patch(server: &ApiServer, kind: &str, path: &str, body: Value) -> (u16, Value) {
    read(open(server, "PATCH", path, kind, &body).await).await
}

/// Sends a request without a body and with an Accept header, and returns the response.
pub(crate) async fn ask(server: &ApiServer, path: &str, accept: &str) -> http::Response<Body> {
    let request =
        Request::builder().uri(path).header("accept", accept).body(Full::new(Bytes::new())).unwrap();
    server.clone().call(request).await.unwrap()
}

/// The document that is answered to an Accept header.
pub(crate) async fn accepting(server: &ApiServer, path: &str, accept: &str) -> Value {
    let (code, document) = read(ask(server, path, accept).await).await;
    assert_eq!(code, 200, "GET {path}: {document}");
    document
}

pub(crate) async fn read(response: http::Response<Body>) -> (u16, Value) {
    let code = response.status().as_u16();
    let bytes = response.into_body().collect().await.unwrap().to_bytes();
    (code, serde_json::from_slice(&bytes).unwrap())
}

pub(crate) async fn get(server: &ApiServer, path: &str) -> Value {
    let (code, object) = send(server, "GET", path, Value::Null).await;
    assert_eq!(code, 200, "GET {path}: {object}");
    object
}

/// Creates an object that must be accepted.
pub(crate) async fn create(server: &ApiServer, path: &str, object: Value) -> Value {
    let (code, answer) = send(server, "POST", path, object).await;
    assert_eq!(code, 201, "POST {path}: {answer}");
    answer
}

/// An open watch, read event by event.
pub(crate) struct Watch {
    body: Body,
}

/// What a watch says next.
#[derive(Debug, PartialEq)]
pub(crate) enum Next {
    Event(Value),
    Nothing,
    End,
}

impl Watch {
    pub(crate) async fn open(server: &ApiServer, path: &str) -> Self {
        Self::accepting(server, path, "application/json").await
    }

    pub(crate) async fn accepting(server: &ApiServer, path: &str, accept: &str) -> Self {
        let response = ask(server, path, accept).await;
        assert_eq!(response.status(), 200);
        Self { body: response.into_body() }
    }

    /// What is known now, without waiting.
    pub(crate) fn next(&mut self) -> Next {
        let mut context = Context::from_waker(Waker::noop());
        match Pin::new(&mut self.body).poll_frame(&mut context) {
            Poll::Pending => Next::Nothing,
            Poll::Ready(None) => Next::End,
            Poll::Ready(Some(frame)) => {
                let bytes = frame.unwrap().into_data().unwrap();
                assert!(bytes.ends_with(b"\n"));
                Next::Event(serde_json::from_slice(&bytes).unwrap())
            }
        }
    }

    /// Type and name of each event that is known now; `...` when the watch goes on and `.` when it has ended.
    pub(crate) fn told(&mut self) -> Vec<String> {
        let mut told = Vec::new();
        loop {
            match self.next() {
                Next::Nothing => told.push("...".to_owned()),
                Next::End => told.push(".".to_owned()),
                Next::Event(event) => {
                    let name = event["object"]["metadata"]["name"].as_str().unwrap_or("");
                    told.push(format!("{} {name}", event["type"].as_str().unwrap()).trim().to_owned());
                    continue;
                }
            }
            return told;
        }
    }
}

pub(crate) const PODS: &str = "/api/v1/namespaces/default/pods";
pub(crate) const MAPS: &str = "/api/v1/namespaces/default/configmaps";
pub(crate) const SETS: &str = "/apis/apps/v1/namespaces/default/replicasets";
pub(crate) const SERVICES: &str = "/api/v1/namespaces/default/services";
pub(crate) const CRDS: &str = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";

pub(crate) fn config_map(name: &str, data: Value) -> Value {
    json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": data})
}

pub(crate) fn labelled(name: &str, labels: Value) -> Value {
    json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "labels": labels}})
}

pub(crate) fn replica_set(name: &str, replicas: i64, image: &str) -> Value {
    json!({"apiVersion": "apps/v1", "kind": "ReplicaSet", "metadata": {"name": name}, "spec": {
        "replicas": replicas, "selector": {"matchLabels": {"app": name}},
        "template": {"metadata": {"labels": {"app": name}}, "spec": {"containers": [
            {"name": "main", "image": image, "ports": [{"name": "http", "containerPort": 8080}]}]}}}})
}

pub(crate) fn message(answer: &Value) -> &str {
    answer["message"].as_str().unwrap_or("")
}
