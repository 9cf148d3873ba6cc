//! Random writes of a Deployment, and what the field manager of `k8s.io/apimachinery` v0.37.2 made of them.
//!
//! A line is a sequence of writes of one object: who writes, what, and the object or the refusal that came of it. They were
//! recorded with the types of `data/kubernetes.json.gz`, without defaults and times.

use std::io::Read;

use flate2::read::GzDecoder;
use serde_json::Value;

use super::apply::Configuration;
use super::managed::{self, Managed};
use super::subject::Subject;
use super::{ENTRIES, transfer, without_entries};
use crate::json::{at, list, text};
use crate::types;
use crate::{ApiServer, Config};

const NOW: &str = "2026-01-01T00:00:00Z";
const RECORDED: &[u8] = include_bytes!("recorded.jsonl.gz");

/// What becomes of a write of `live`: the new object and its owners, or every cause of a refusal.
fn play(subject: &Subject, live: &Value, write: &Value) -> Result<(Value, Managed), Vec<String>> {
    let owners = managed::decode(at(live, &ENTRIES)).unwrap();
    let base = if live.is_null() { subject.empty.clone() } else { without_entries(live) };
    let manager = text(write, &["manager"]);
    if let Some(new) = write.get("update") {
        let given = managed::decode(at(new, &ENTRIES)).unwrap();
        let owners = match subject.subresource {
            "" if write["reset"] == true => Managed::new(),
            "" if !given.is_empty() => given,
            _ => owners,
        };
        let new = without_entries(new);
        let is_forgotten = owners.is_empty() && !live.is_null();
        let owners = match is_forgotten {
            true => owners,
            false => transfer::update(subject, [&base, &new], owners, manager, NOW),
        };
        return Ok((new, owners));
    }
    let configuration = Configuration::of(write["apply"].clone(), manager, write["force"] == true);
    configuration.applied_to(&base, owners, subject, NOW).map_err(|error| {
        let causes = error.details.get("causes").map_or(&[][..], |causes| list(causes, &[]));
        let mut causes: Vec<String> = causes
            .iter()
            .map(|cause| format!("{} {}", text(cause, &["field"]), text(cause, &["message"])))
            .collect();
        causes.sort();
        if causes.is_empty() { vec![error.message] } else { causes }
    })
}

/// Without what Go's types may leave out: nulls, zeros and what is empty.
fn bare(value: &Value) -> Value {
    let is_void = |value: &Value| match value {
        Value::Null | Value::Bool(false) => true,
        Value::Number(number) => number.as_i64() == Some(0),
        Value::String(text) => text.is_empty(),
        Value::Object(members) => members.is_empty(),
        Value::Array(items) => items.is_empty(),
        _ => false,
    };
    match value {
        Value::Object(members) => {
            let members = members.iter().map(|(key, value)| (key.clone(), bare(value)));
            Value::Object(members.filter(|(_, value)| !is_void(value)).collect())
        }
        Value::Array(items) => Value::Array(items.iter().map(bare).collect()),
        other => other.clone(),
    }
}

/// The entries without times, in an order of their own.
fn timeless(entries: &Value) -> Vec<String> {
    let mut entries: Vec<String> = list(entries, &[])
        .iter()
        .map(|entry| {
            let mut entry = entry.clone();
            crate::json::set(&mut entry, &["time"], Value::Null);
            entry.to_string()
        })
        .collect();
    entries.sort();
    entries
}

/// Asserts that a write came to what was recorded of it.
fn check(place: &str, found: Result<(Value, Managed), Vec<String>>, write: &Value) {
    let ty = types::named("io.k8s.api.apps.v1.Deployment").unwrap();
    let Some(expected) = write.get("result") else {
        let expected: Vec<String> = match write.get("conflicts") {
            Some(conflicts) => serde_json::from_value(conflicts.clone()).unwrap(),
            None => vec![text(write, &["error"]).to_owned()],
        };
        match found {
            Err(causes) => assert_eq!(causes, expected, "{place}"),
            // What no schema refuses, decoding does.
            Ok((mut object, _)) => {
                assert!(expected[0].starts_with("failed to convert new object"), "{place}: {expected:?}");
                types::decode(&mut object, ty).unwrap_err();
            }
        }
        return;
    };
    let (mut object, owners) = found.unwrap_or_else(|causes| panic!("{place}: {causes:#?}"));
    types::decode(&mut object, ty).unwrap();
    crate::json::set(&mut object, &["metadata", "uid"], at(expected, &["metadata", "uid"]).clone());
    assert_eq!(timeless(&managed::encode(&owners)), timeless(at(expected, &ENTRIES)), "{place}");
    assert_eq!(bare(&object), bare(&without_entries(expected)), "{place}");
}

#[tokio::test]
async fn owners_are_those_that_apimachinery_made() {
    let server = ApiServer::new(Config::default());
    let subjects = ["", "status"].map(|subresource| {
        server.with(|state| {
            let resource = state.registry.get("apps", "v1", "deployments").unwrap();
            Subject::of(state, &resource, subresource)
        })
    });
    let mut lines = String::new();
    GzDecoder::new(RECORDED).read_to_string(&mut lines).unwrap();
    let mut refused = 0;
    for (number, line) in lines.lines().enumerate() {
        let writes: Vec<Value> = serde_json::from_str(line).unwrap();
        let mut live = Value::Null;
        for (step, write) in writes.iter().enumerate() {
            let subject = &subjects[usize::from(write["subresource"] == "status")];
            check(&format!("sequence {number}, write {step}"), play(subject, &live, write), write);
            match write.get("result") {
                Some(result) => live = result.clone(),
                None => refused += 1,
            }
        }
    }
    assert!(refused > 50, "{refused} refusals are too few to tell anything");
}
