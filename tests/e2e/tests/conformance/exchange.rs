//! Steps sent to one server, and what it answered.

use std::collections::BTreeMap;

use http::Request;
use kube::Client;
use kube::client::Body;
use serde_json::{Map, Value, json};

/// One request. `${STEP.version}` and `${STEP.uid}` in path or body stand for what an earlier step answered, `${STEP.continue}`
/// for the token of a list.
#[derive(Clone, Debug)]
pub(super) struct Step {
    pub(super) name: &'static str,
    pub(super) method: &'static str,
    pub(super) path: String,
    pub(super) content_type: &'static str,
    pub(super) body: Value,
    /// Of a watch: how many events there are. A busy server may end it before it has told them all; then it is asked again.
    pub(super) events: usize,
}

const RETRIES: usize = 20;

/// Verb, resource and subresource of a request, as an audit log names them.
pub(super) type Shape = (String, String, String);

impl Step {
    pub(super) fn shape(&self) -> Shape {
        let (path, query) = self.path.split_once('?').unwrap_or((&self.path, ""));
        let parts: Vec<&str> = path.split('/').skip(if path.starts_with("/apis") { 4 } else { 3 }).collect();
        let place = match parts.as_slice() {
            ["namespaces", _, place @ ..] if !place.is_empty() => place,
            place => place,
        };
        let [resource, name, subresource] = [0, 1, 2].map(|at| place.get(at).copied().unwrap_or_default());
        let verb = match self.method {
            "GET" if query.contains("watch=true") => "watch",
            "GET" if name.is_empty() => "list",
            "GET" => "get",
            "POST" => "create",
            "PUT" => "update",
            "PATCH" => "patch",
            _ => "delete",
        };
        (verb.to_owned(), resource.to_owned(), subresource.to_owned())
    }
}

/// What a server answered, without what no two servers share.
#[derive(Clone, Debug)]
pub(super) struct Answer {
    code: u16,
    /// An object, or the events of a watch.
    body: Value,
}

impl Answer {
    /// Where two answers differ, as (JSON pointer, text).
    pub(super) fn differences(&self, other: &Self) -> Vec<(String, String)> {
        let mut found = Vec::new();
        if self.code != other.code {
            found.push(("code".to_owned(), format!("{} and {}", self.code, other.code)));
        }
        compare("", &self.body, &other.body, &mut found);
        found
    }
}

pub(super) fn compare(at: &str, ours: &Value, theirs: &Value, found: &mut Vec<(String, String)>) {
    match (ours, theirs) {
        (Value::Object(a), Value::Object(b)) => {
            let keys: std::collections::BTreeSet<&String> = a.keys().chain(b.keys()).collect();
            for key in keys {
                let value = |of: &Map<String, Value>| of.get(key).cloned().unwrap_or_default();
                compare(&format!("{at}/{}", key.replace('/', "~1")), &value(a), &value(b), found);
            }
        }
        (Value::Array(a), Value::Array(b)) if a.len() == b.len() => {
            for (number, (a, b)) in a.iter().zip(b).enumerate() {
                compare(&format!("{at}/{number}"), a, b, found);
            }
        }
        (Value::Array(a), Value::Array(b)) => {
            let only = |these: &[Value], those: &[Value]| {
                Value::Array(these.iter().filter(|item| !those.contains(item)).cloned().collect())
            };
            let text = format!("{} and {}, only {} and {}", a.len(), b.len(), only(a, b), only(b, a));
            found.push((at.to_owned(), text));
        }
        _ if ours == theirs => {}
        _ => found.push((at.to_owned(), format!("{ours} and {theirs}"))),
    }
}

/// A conversation with one server.
pub(super) struct Exchange {
    client: Client,
    /// Answers as they came, for later steps.
    raw: BTreeMap<&'static str, Value>,
    answers: Vec<(&'static str, Answer)>,
}

impl Exchange {
    pub(super) fn new(client: Client) -> Self {
        Self { client, raw: BTreeMap::new(), answers: Vec::new() }
    }

    pub(super) fn answers(self) -> Vec<(&'static str, Answer)> {
        self.answers
    }

    pub(super) async fn send(&mut self, step: Step) {
        let mut answered = self.ask(&step).await;
        for _ in 0..RETRIES {
            if answered.1.as_array().is_none_or(|events| events.len() >= step.events) {
                break;
            }
            answered = self.ask(&step).await;
        }
        let (code, raw) = answered;
        let mut body = raw.clone();
        normalise(&mut body, Owners::Hidden);
        self.raw.insert(step.name, raw);
        self.answers.push((step.name, Answer { code, body }));
    }

    /// The code of the answer, and the object in it or the events of a watch.
    async fn ask(&self, step: &Step) -> (u16, Value) {
        let path = self.filled_in(&step.path);
        let body = if step.body.is_null() { String::new() } else { self.filled_in(&step.body.to_string()) };
        let request = Request::builder()
            .method(step.method)
            .uri(&path)
            .header("content-type", step.content_type)
            .header("user-agent", "conformance")
            .body(Body::from(body.into_bytes()))
            .unwrap();
        let response = self.client.send(request).await.unwrap();
        let code = response.status().as_u16();
        let bytes = response.into_body().collect_bytes().await.unwrap();
        let text = String::from_utf8(bytes.to_vec()).unwrap();
        if !path.contains("watch=true") || code != 200 {
            return (code, serde_json::from_str(&text).unwrap_or(json!(text)));
        }
        let events = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        // When bookmarks come is up to the server.
        (code, events.filter(|event| event["type"] != "BOOKMARK").collect())
    }

    fn filled_in(&self, text: &str) -> String {
        let mut filled = String::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once("${") {
            let (name, after) = after.split_once('}').expect("what is opened is closed");
            let (step, field) = name.split_once('.').expect("a step and a field");
            let metadata = &self.raw[step]["metadata"];
            let field = if field == "version" { "resourceVersion" } else { field };
            filled += before;
            filled += metadata[field].as_str().unwrap_or_else(|| panic!("{name}: {metadata}"));
            rest = after;
        }
        filled + rest
    }
}

/// Members of `metadata` that no two servers share.
const IDENTITIES: [&str; 5] =
    ["uid", "resourceVersion", "creationTimestamp", "deletionTimestamp", "continue"];

/// What becomes of `managedFields`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Owners {
    Hidden,
    /// Without their times, by which the server sorts them; so they are sorted anew.
    Shown,
}

/// Replaces identities and times by their names, wherever they stand.
pub(super) fn normalise(value: &mut Value, owners: Owners) {
    match value {
        Value::Object(members) => {
            match members.get_mut("managedFields") {
                Some(Value::Array(entries)) if owners == Owners::Shown => without_times(entries),
                _ => _ = members.remove("managedFields"),
            }
            // Whether a Status without details has an empty object or none is the same to every client.
            members.retain(|key, value| key != "details" || value != &json!({}));
            for (key, value) in members.iter_mut() {
                let is_identity = IDENTITIES.contains(&key.as_str()) && value.is_string();
                if is_identity && value != "" {
                    *value = json!(key);
                } else if key == "message" || key == "reason" {
                    *value = json!(without_identities(value.as_str().unwrap_or_default()));
                } else if key != "managedFields" {
                    normalise(value, owners);
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| normalise(item, owners)),
        _ => {}
    }
}

fn without_times(entries: &mut [Value]) {
    for entry in entries.iter_mut() {
        entry.as_object_mut().map(|entry| entry.remove("time"));
    }
    entries.sort_by_key(|entry| {
        let word = |key: &str| entry[key].as_str().unwrap_or_default().to_owned();
        [word("operation"), word("manager"), word("apiVersion"), word("subresource")]
    });
}

/// A text in which uids and versions are called so.
fn without_identities(text: &str) -> String {
    let words = text.split(' ').map(|word| {
        let core = word.trim_matches(|c: char| !c.is_ascii_alphanumeric());
        let is_uid = core.len() == 36 && core.bytes().filter(|byte| *byte == b'-').count() == 4;
        let is_version = !core.is_empty() && core.bytes().all(|byte| byte.is_ascii_digit()) && core.len() > 1;
        if is_uid {
            word.replace(core, "UID")
        } else if is_version {
            word.replace(core, "VERSION")
        } else {
            word.to_owned()
        }
    });
    words.collect::<Vec<_>>().join(" ")
}
