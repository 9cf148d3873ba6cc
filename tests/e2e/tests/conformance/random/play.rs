//! One sequence on one server: what it answered and what its watches told.

use std::collections::BTreeSet;
use std::time::Duration;

use futures::{AsyncBufReadExt, StreamExt};
use http::Request as HttpRequest;
use kube::Client;
use kube::client::Body;
use serde_json::{Value, json};

use super::kinds::KINDS;
use super::memory::Memory;
use super::request::{Request, Version};
use crate::conformance::exchange::{Owners, normalise};

/// How long a server may take to tell of what was done already.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long we wait for events that nobody expects.
const SURPRISE: Duration = Duration::from_millis(20);

/// What a server answered, without what no two servers share.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Answer {
    /// 0 when a request made the server panic, which closes the connection: kube-apiserver does so when a Service that lost
    /// its addresses becomes an `ExternalName`.
    pub(super) code: u16,
    pub(super) body: Value,
    pub(super) warnings: Vec<String>,
    /// The header that says when to try again.
    pub(super) retry: Option<String>,
    /// Whether the version is new.
    pub(super) version: &'static str,
}

/// Of one sequence.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Played {
    pub(super) answers: Vec<Answer>,
    /// By kind: (kind, events).
    pub(super) events: Vec<(usize, Vec<Value>)>,
}

/// Plays all requests in a new namespace. `expected` are the numbers of events that the other server told.
pub(super) async fn play(
    client: &Client,
    namespace: &str,
    requests: &[Request],
    expected: Option<&Played>,
) -> Played {
    let body = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}});
    let made = send(client, "POST", "/api/v1/namespaces", "application/json", Some(&body)).await;
    assert_eq!(made.code, 201, "{}", made.body);
    let before = made.body["metadata"]["resourceVersion"].as_str().unwrap().to_owned();
    let mut memory = Memory::default();
    let mut answers = Vec::new();
    for request in requests {
        let sent = request.render(namespace, &memory);
        let known = memory.known_version(request.kind, request.name, Version::Fresh);
        if let (Some(version), "PATCH", Some(_)) = (known, sent.method, expected) {
            catch_up(client, &KINDS[request.kind].collection(namespace), &version).await;
        }
        let mut answer = send(client, sent.method, &sent.path, sent.content_type, sent.body.as_ref()).await;
        if answer.code < 300 {
            answer.version = memory.learn(request, namespace, &answer.body);
        }
        normalise(&mut answer.body, Owners::Shown);
        hide(&mut answer.body);
        answers.push(answer);
    }
    let kinds: BTreeSet<usize> = requests.iter().map(|request| request.kind).collect();
    let mut events = Vec::new();
    for kind in kinds {
        let mut known = expected.iter().flat_map(|played| &played.events);
        let count = known.find(|(known, _)| *known == kind).map(|(_, events)| events.len());
        events.push((kind, watch(client, namespace, kind, &before, count).await));
    }
    Played { answers, events }
}

/// Waits until a server has heard of its own write. kube-apiserver tries a patch on the object that it last heard of and, where that
/// is not the present one, again; it sends the warnings of both tries.
async fn catch_up(client: &Client, collection: &str, version: &str) {
    let path = format!("{collection}?resourceVersion={version}&resourceVersionMatch=NotOlderThan");
    let heard = send(client, "GET", &path, "application/json", None).await;
    assert_eq!(heard.code, 200, "{path}: {}", heard.body);
}

/// Waits until a server can tell of every kind: storages of new definitions take a moment.
pub(super) async fn settle(client: &Client) {
    for kind in KINDS {
        let path = kind.collection("default");
        let told = tokio::time::timeout(PATIENCE * 12, async {
            while send(client, "GET", &path, "application/json", None).await.code != 200 {
                tokio::time::sleep(SURPRISE).await;
            }
        });
        told.await.unwrap_or_else(|_| panic!("{path} is not served"));
    }
}

async fn send(client: &Client, method: &str, path: &str, content_type: &str, body: Option<&Value>) -> Answer {
    let request = HttpRequest::builder()
        .method(method)
        .uri(path)
        .header("content-type", content_type)
        .header("user-agent", "conformance")
        .body(Body::from(body.map(|body| body.to_string().into_bytes()).unwrap_or_default()))
        .unwrap();
    let Ok(response) = client.send(request).await else {
        return Answer { code: 0, body: Value::Null, warnings: Vec::new(), retry: None, version: "none" };
    };
    let code = response.status().as_u16();
    let warnings = response.headers().get_all("warning").iter();
    let warnings = warnings.map(|value| value.to_str().unwrap_or("not text").to_owned());
    let mut warnings: Vec<String> = warnings.filter(|text| text.contains(" field \\\"")).collect();
    warnings.sort();
    let retry = response.headers().get("retry-after").map(|value| value.to_str().unwrap().to_owned());
    let bytes = response.into_body().collect_bytes().await.unwrap();
    let text = String::from_utf8_lossy(&bytes).into_owned();
    let body = serde_json::from_str(&text).unwrap_or(json!(text));
    Answer { code, body, warnings, retry, version: "none" }
}

/// The events of one kind since a version: `count` and those that come directly after; all that are there, when there is no count.
async fn watch(
    client: &Client,
    namespace: &str,
    kind: usize,
    since: &str,
    count: Option<usize>,
) -> Vec<Value> {
    let kind = &KINDS[kind];
    let own = if kind.namespaced { String::new() } else { format!("&labelSelector=run%3D{namespace}") };
    let path = format!("{}?watch=true&resourceVersion={since}{own}", kind.collection(namespace));
    let request = HttpRequest::get(path).header("user-agent", "conformance").body(Vec::new()).unwrap();
    let mut lines = client.request_stream(request).await.unwrap().lines();
    let mut events = Vec::new();
    loop {
        let patience = if count.is_some_and(|count| events.len() < count) { PATIENCE } else { SURPRISE };
        let Ok(Some(line)) = tokio::time::timeout(patience, lines.next()).await else { return events };
        let mut event: Value = serde_json::from_str(&line.unwrap()).unwrap();
        if event["type"] != "BOOKMARK" && !is_told_by_itself(&event["object"]) {
            normalise(&mut event, Owners::Shown);
            hide(&mut event);
            events.push(event);
        }
    }
}

/// Hides what a server chooses by itself.
fn hide(value: &mut Value) {
    match value {
        Value::Object(members) => {
            // When a pod was evicted, which no request says.
            if members.get("type").is_some_and(|ty| ty == "DisruptionTarget") {
                members.remove("lastTransitionTime");
            }
            for (key, value) in members.iter_mut().filter(|(key, _)| *key != "managedFields") {
                let chosen = match key.as_str() {
                    "clusterIP" => value.as_str().is_some_and(|text| text.starts_with("10.")),
                    "clusterIPs" => value[0].as_str().is_some_and(|text| text.starts_with("10.")),
                    "nodePort" => value.is_number(),
                    _ => false,
                };
                if chosen {
                    *value = json!(key);
                } else {
                    hide(value);
                }
            }
        }
        Value::Array(items) => {
            items.retain(|item| !is_told_by_itself(item));
            items.iter_mut().for_each(hide);
        }
        Value::String(text) => *text = without_suffix(text),
        _ => {}
    }
}

/// An Event of the real server's own: its repair loop may come upon a Service whose address is being given or taken.
fn is_told_by_itself(object: &Value) -> bool {
    object["reportingComponent"] == "ipallocator-repair-controller"
}

/// A text in which `gen-x7f2q` is `gen-SUFFIX`.
fn without_suffix(text: &str) -> String {
    const LENGTH: usize = 5;
    let mut parts = text.split("gen-");
    let mut whole = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let suffix = part.bytes().take_while(u8::is_ascii_alphanumeric).count();
        whole += "gen-";
        whole += if suffix == LENGTH { "SUFFIX" } else { &part[..suffix] };
        whole += &part[suffix..];
    }
    whole
}
