//! Where two servers differ in one sequence.
//!
//! Of what was done, the whole object must agree, and the events of watches, but for identities and times. Of a refusal its code and
//! `reason`, what it is about (`details`: name, group, kind) and the fields and reasons of its causes must agree, in any order. Its
//! texts need not: they are Go's words, often with the whole object in them, and no client of ours reads them. `conformance::steps`
//! compares the texts of what controller and plugin send. Of warnings those are compared, of requests that succeed, that tell of fields.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::known::{KNOWN, Known};
use super::play::{Answer, Played};
use super::request::{Request, Verb};
use crate::conformance::exchange;

/// One difference.
#[derive(Clone, Debug)]
pub(super) struct Difference {
    /// Which request; none is the watch.
    pub(super) request: Option<usize>,
    pub(super) resource: &'static str,
    /// `Create`, `MergePatch/Status`, `watch`.
    pub(super) verb: String,
    /// A JSON pointer into the answer, or `code`, `causes`, `version`, `warnings`, `retry`.
    pub(super) at: String,
    /// kubesim's value and kube-apiserver's.
    pub(super) text: String,
}

impl Difference {
    pub(super) fn known(&self) -> Option<usize> {
        KNOWN.iter().position(|known| known.covers(self))
    }

    /// What makes two differences the same fault.
    pub(super) fn signature(&self) -> String {
        let text: String = self.text.chars().take(400).collect();
        format!("{} {} {}: {text}", self.resource, self.verb, self.at)
    }
}

impl Known {
    fn covers(&self, difference: &Difference) -> bool {
        (self.resource.is_empty() || self.resource.split('|').any(|it| it == difference.resource))
            && difference.verb.starts_with(self.verb)
            && difference.at.starts_with(self.at)
            && difference.text.contains(self.text)
    }
}

/// How a table or a report calls a request.
pub(super) fn verb_of(request: &Request) -> String {
    match request.subresource {
        super::request::Sub::None => format!("{:?}", request.verb),
        sub => format!("{:?}/{sub:?}", request.verb),
    }
}

/// All differences up to where the two servers no longer hold the same.
pub(super) fn differences(requests: &[Request], ours: &Played, theirs: &Played) -> Vec<Difference> {
    let mut found = Vec::new();
    let answers = ours.answers.iter().zip(&theirs.answers);
    for (number, (request, (ours, theirs))) in requests.iter().zip(answers).enumerate() {
        // What a panic leaves behind is nobody's contract. It is known of Services alone: elsewhere a lost answer is a difference.
        if theirs.code == 0 && request.kind().plural == "services" {
            return found;
        }
        for (at, text) in of_answers(ours, theirs) {
            let resource = request.kind().plural;
            // After one page both tell how many remain, where they know it.
            if matches!(request.verb, Verb::List | Verb::NextPage) && at == "/metadata/remainingItemCount" {
                continue;
            }
            found.push(Difference { request: Some(number), resource, verb: verb_of(request), at, text });
        }
        let parts_ways = |it: &Difference| it.known().is_none() || it.at == "code" || it.at == "version";
        if found.iter().any(parts_ways) {
            return found;
        }
    }
    for ((kind, ours), (_, theirs)) in ours.events.iter().zip(&theirs.events) {
        let mut differ = Vec::new();
        if ours.len() == theirs.len() {
            exchange::compare("", &json!(ours), &json!(theirs), &mut differ);
        } else {
            differ.push(("".to_owned(), format!("{} and {}", names(ours), names(theirs))));
        }
        let resource = super::kinds::KINDS[*kind].plural;
        let all = differ.into_iter().map(|(at, text)| Difference {
            request: None,
            resource,
            verb: "watch".to_owned(),
            at,
            text,
        });
        found.extend(all);
    }
    found
}

fn of_answers(ours: &Answer, theirs: &Answer) -> Vec<(String, String)> {
    let mut found = Vec::new();
    if ours.code != theirs.code {
        // The rest follows from it.
        let text = format!("{} {} and {} {}", ours.code, brief(&ours.body), theirs.code, brief(&theirs.body));
        return vec![("code".to_owned(), text)];
    }
    if ours.code >= 400 {
        of_refusals(&ours.body, &theirs.body, &mut found);
    } else {
        exchange::compare("", &ours.body, &theirs.body, &mut found);
    }
    if ours.code < 300 && ours.warnings != theirs.warnings {
        found.push(("warnings".to_owned(), format!("{:?} and {:?}", ours.warnings, theirs.warnings)));
    }
    if ours.retry != theirs.retry {
        found.push(("retry".to_owned(), format!("{:?} and {:?}", ours.retry, theirs.retry)));
    }
    if ours.version != theirs.version {
        found.push(("version".to_owned(), format!("{} and {}", ours.version, theirs.version)));
    }
    found
}

fn of_refusals(ours: &Value, theirs: &Value, found: &mut Vec<(String, String)>) {
    for at in ["/status", "/reason", "/details/name", "/details/group", "/details/kind"] {
        let [ours, theirs] = [ours, theirs].map(|body| body.pointer(at).unwrap_or(&Value::Null));
        if ours != theirs {
            found.push((at.to_owned(), format!("{ours} and {theirs}")));
        }
    }
    if found.is_empty() {
        let [one, other] = [ours, theirs].map(causes);
        if one != other {
            let only = |these: &BTreeSet<String>, those: &BTreeSet<String>| {
                these.difference(those).cloned().collect::<Vec<_>>().join(", ")
            };
            let text = format!(
                "only [{}] and only [{}]; {} and {}",
                only(&one, &other),
                only(&other, &one),
                brief(ours),
                brief(theirs)
            );
            found.push(("causes".to_owned(), text));
        }
    }
}

/// `ADDED one, MODIFIED one`.
fn names(events: &[Value]) -> String {
    let word = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let events = events.iter().map(|event| {
        let metadata = &event["object"]["metadata"];
        format!(
            "{} {} {}",
            word(&event["type"]),
            word(&metadata["name"]),
            metadata["deletionGracePeriodSeconds"]
        )
    });
    events.collect::<Vec<_>>().join(", ")
}

/// `spec.replicas FieldValueInvalid` of each cause that names a field.
fn causes(status: &Value) -> BTreeSet<String> {
    let causes = status["details"]["causes"].as_array().into_iter().flatten();
    let causes = causes.filter(|cause| cause["field"].is_string());
    let word = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    causes.map(|cause| format!("{} {}", word(&cause["field"]), word(&cause["reason"]))).collect()
}

/// The message of a Status; nothing of an object.
fn brief(body: &Value) -> String {
    body["message"].as_str().unwrap_or("an object").chars().take(300).collect()
}
