//! An API server of a few lines, for tests of single requests.

use std::convert::Infallible;
use std::sync::{Arc, Mutex};

use http::{Method, Response, StatusCode};
use kube::client::Body;
use serde_json::{Value, json};
use tower::service_fn;

use crate::clients::{Clients, client};
use crate::gate::Gate;

/// A request as the server saw it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Seen {
    pub(crate) method: Method,
    pub(crate) uri: String,
    pub(crate) content: String,
    pub(crate) body: Value,
}

pub(crate) type Log = Arc<Mutex<Vec<Seen>>>;

/// Clients of a server that answers with `answer`, and what it has seen.
pub(crate) fn serve(answer: impl Fn(&Seen) -> (u16, Value) + Send + Sync + 'static) -> (Clients, Log) {
    let log = Log::default();
    let (seen_by, answer) = (log.clone(), Arc::new(answer));
    let server = service_fn(move |request: http::Request<Body>| {
        let (log, answer) = (seen_by.clone(), answer.clone());
        async move {
            let (parts, body) = request.into_parts();
            let bytes = body.collect_bytes().await.expect("a body of the client");
            let content =
                parts.headers.get("content-type").map_or("", |it| it.to_str().expect("text")).to_owned();
            let seen = Seen {
                method: parts.method,
                uri: parts.uri.to_string(),
                content,
                body: serde_json::from_slice(&bytes).unwrap_or(Value::Null),
            };
            let (code, body) = answer(&seen);
            log.lock().unwrap().push(seen);
            let mut response = Response::new(Body::from(body.to_string().into_bytes()));
            *response.status_mut() = StatusCode::from_u16(code).expect("a status code");
            Ok::<_, Infallible>(response)
        }
    });
    (Clients::new(client(server, &Gate::new()), None), log)
}

/// The body of a refusal.
pub(crate) fn refusal(code: u16, reason: &str, message: &str) -> (u16, Value) {
    let status = json!({
        "kind": "Status", "apiVersion": "v1", "status": "Failure",
        "reason": reason, "message": message, "code": code,
    });
    (code, status)
}
