//! Requests as data: they name objects by index and versions by role, so that one sequence can be sent to both servers, each with
//! its own uids and versions, and be made shorter.

use serde_json::{Value, json};

use super::kinds::{KINDS, Kind};
use super::memory::Memory;

/// One request of a sequence.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Request {
    /// Into [`KINDS`].
    pub(super) kind: usize,
    /// Into [`NAMES`].
    pub(super) name: usize,
    pub(super) verb: Verb,
    pub(super) subresource: Sub,
    pub(super) version: Version,
    pub(super) uid: Uid,
    /// What an apply says beside the object's identity; nothing is all of the base.
    pub(super) part: Option<&'static str>,
    /// Changes of the body: (JSON pointer, value); no value removes.
    pub(super) edits: Vec<Edit>,
    /// `key=value` of the query.
    pub(super) query: Vec<&'static str>,
}

pub(super) type Edit = (&'static str, Option<&'static str>);

pub(super) const NAMES: [&str; 3] = ["one", "two", "gone"];

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Verb {
    Create,
    /// With `generateName`.
    Generate,
    Get,
    List,
    /// The page after the last list's.
    NextPage,
    Update,
    JsonPatch,
    /// With a test that fails.
    FailedTest,
    MergePatch,
    StrategicPatch,
    /// Server-side apply.
    Apply,
    Delete,
    DeleteCollection,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Sub {
    None,
    Status,
    Scale,
    Eviction,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Version {
    None,
    Fresh,
    Stale,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Uid {
    None,
    Right,
    Wrong,
}

/// What goes over the wire.
#[derive(Clone, Debug)]
pub(super) struct Rendered {
    pub(super) method: &'static str,
    pub(super) path: String,
    pub(super) content_type: &'static str,
    pub(super) body: Option<Value>,
}

impl Request {
    pub(super) fn kind(&self) -> &'static Kind {
        &KINDS[self.kind]
    }

    pub(super) fn is_dry(&self) -> bool {
        self.query.contains(&"dryRun=All")
    }

    /// What it is for one server, which has told `memory`.
    pub(super) fn render(&self, namespace: &str, memory: &Memory) -> Rendered {
        let kind = self.kind();
        let name = kind.called(NAMES[self.name], namespace);
        let collection = matches!(
            self.verb,
            Verb::Create | Verb::Generate | Verb::List | Verb::NextPage | Verb::DeleteCollection
        ) && self.subresource == Sub::None;
        let mut path = kind.collection(namespace);
        if !collection {
            path = format!("{path}/{name}");
        }
        path += match self.subresource {
            Sub::None => "",
            Sub::Status => "/status",
            Sub::Scale => "/scale",
            Sub::Eviction => "/eviction",
        };
        let query = self.options(namespace, memory);
        if !query.is_empty() {
            path = format!("{path}?{}", query.join("&"));
        }
        let (method, content_type) = match self.verb {
            Verb::Create | Verb::Generate => ("POST", "application/json"),
            Verb::Get | Verb::List | Verb::NextPage => ("GET", "application/json"),
            Verb::Update => ("PUT", "application/json"),
            Verb::JsonPatch | Verb::FailedTest => ("PATCH", "application/json-patch+json"),
            Verb::MergePatch => ("PATCH", "application/merge-patch+json"),
            Verb::StrategicPatch => ("PATCH", "application/strategic-merge-patch+json"),
            Verb::Apply => ("PATCH", "application/apply-patch+yaml"),
            Verb::Delete | Verb::DeleteCollection => ("DELETE", "application/json"),
        };
        Rendered { method, path, content_type, body: self.body(namespace, memory) }
    }

    fn options(&self, namespace: &str, memory: &Memory) -> Vec<String> {
        let mut query: Vec<String> = self.query.iter().map(|&option| option.to_owned()).collect();
        if self.verb == Verb::NextPage {
            query = vec![format!("limit=1&continue={}", memory.page(self.kind))];
        }
        let is_page = self.query.contains(&"limit=1");
        // Whether another page of a version follows depends on what the others that play at the same time have made, where namespaces do
        // not keep them apart.
        let is_alone = self.kind().namespaced || !is_page;
        if let (Verb::List, true, Some(version)) =
            (self.verb, is_alone, memory.known_version(self.kind, self.name, self.version))
        {
            query.push(format!("resourceVersion={version}"));
            // A page of a version is of just that one without being told.
            if !is_page {
                query.push("resourceVersionMatch=Exact".to_owned());
            }
        }
        let is_of_many = matches!(self.verb, Verb::List | Verb::NextPage | Verb::DeleteCollection);
        if is_of_many && !self.kind().namespaced {
            let own = format!("run%3D{namespace}");
            match query.iter_mut().find(|option| option.starts_with("labelSelector=")) {
                Some(selector) => *selector = format!("{selector},{own}"),
                None => query.push(format!("labelSelector={own}")),
            }
        }
        query
    }

    fn body(&self, namespace: &str, memory: &Memory) -> Option<Value> {
        let kind = self.kind();
        let version = memory.version(self.kind, self.name, self.version);
        let uid = memory.uid(self.kind, self.name, self.uid);
        let mut body = match self.verb {
            Verb::Get | Verb::List | Verb::NextPage => return None,
            Verb::Delete | Verb::DeleteCollection => {
                let mut options = json!({"apiVersion": "v1", "kind": "DeleteOptions"});
                if let Some(version) = version {
                    options["preconditions"]["resourceVersion"] = json!(version);
                }
                if let Some(uid) = uid {
                    options["preconditions"]["uid"] = json!(uid);
                }
                for edit in &self.edits {
                    apply(&mut options, edit);
                }
                return Some(options);
            }
            Verb::JsonPatch | Verb::FailedTest => return Some(self.json_patch(version, uid)),
            Verb::MergePatch | Verb::StrategicPatch => json!({}),
            Verb::Create | Verb::Generate | Verb::Update | Verb::Apply => match self.subresource {
                Sub::Scale => json!({
                    "apiVersion": "autoscaling/v1", "kind": "Scale",
                    "metadata": {"name": kind.called(NAMES[self.name], namespace), "namespace": namespace},
                    "spec": {"replicas": 2},
                }),
                Sub::Eviction => json!({
                    "apiVersion": "policy/v1", "kind": "Eviction",
                    "metadata": {"name": NAMES[self.name], "namespace": namespace},
                }),
                Sub::None | Sub::Status => match self.part {
                    Some(part) => kind.part(NAMES[self.name], namespace, part),
                    None => kind.object(NAMES[self.name], namespace),
                },
            },
        };
        if self.verb == Verb::Generate {
            body["metadata"]["generateName"] = json!("gen-");
            body["metadata"].as_object_mut().unwrap().remove("name");
        }
        if let Some(version) = version {
            body["metadata"]["resourceVersion"] = json!(version);
        }
        if let Some(uid) = uid {
            body["metadata"]["uid"] = json!(uid);
        }
        // Nobody applies a null: what is not to be there is left out.
        let edits = self.edits.iter().filter(|(_, value)| value.is_some() || self.verb != Verb::Apply);
        for edit in edits {
            apply(&mut body, edit);
        }
        if let (false, "another") = (kind.namespaced, body["metadata"]["name"].as_str().unwrap_or_default()) {
            body["metadata"]["name"] = json!(kind.called("another", namespace));
        }
        Some(body)
    }

    fn json_patch(&self, version: Option<String>, uid: Option<String>) -> Value {
        let mut operations = Vec::new();
        let mut put = |path: &str, value: Value| {
            operations.push(json!({"op": "replace", "path": path, "value": value}));
        };
        if let Some(version) = version {
            put("/metadata/resourceVersion", json!(version));
        }
        if let Some(uid) = uid {
            put("/metadata/uid", json!(uid));
        }
        if self.verb == Verb::FailedTest {
            operations.push(json!({"op": "test", "path": "/metadata/name", "value": "another"}));
        }
        operations.extend(self.edits.iter().map(|(path, value)| match value {
            Some(value) => json!({"op": "add", "path": path, "value": parse(value)}),
            None => json!({"op": "remove", "path": path}),
        }));
        Value::Array(operations)
    }
}

fn parse(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{text}: {error}"))
}

/// Changes `body` as the edit says; what lies on the way is made. In a merge patch nothing stands for `null`.
fn apply(body: &mut Value, (pointer, value): &Edit) {
    let keys: Vec<String> =
        pointer.split('/').skip(1).map(|key| key.replace("~1", "/").replace("~0", "~")).collect();
    let Some((last, way)) = keys.split_last() else { return };
    let mut at = body;
    for key in way {
        at = match at {
            Value::Array(items) => match key.parse::<usize>().ok().and_then(|index| items.get_mut(index)) {
                Some(item) => item,
                None => return,
            },
            other => {
                if !other.is_object() {
                    *other = json!({});
                }
                other.as_object_mut().unwrap().entry(key.clone()).or_insert_with(|| json!({}))
            }
        };
    }
    match at {
        Value::Array(items) => {
            if let Some(item) = last.parse::<usize>().ok().and_then(|index| items.get_mut(index)) {
                *item = value.map_or(Value::Null, parse);
            }
        }
        other => {
            if !other.is_object() {
                *other = json!({});
            }
            other.as_object_mut().unwrap().insert(last.clone(), value.map_or(Value::Null, parse));
        }
    }
}
