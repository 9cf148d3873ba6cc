//! The CustomResourceDefinitions against upstream's contract, against Kubernetes' rules, and with objects that upstream has stored.
//!
//! In reading order: `facts` (reads the contract's facts), `flat` (a schema in the same notation), `contract` (the comparison),
//! `pod_template` (Kubernetes' own types), `rules` (what an API server demands, size, descriptions), `stored` (captured objects).

#![allow(clippy::unwrap_used, reason = "the helpers below are part of the tests")]

mod contract;
mod facts;
mod flat;
mod pod_template;
mod rules;
mod stored;

use serde_json::Value;

/// The definition of a kind.
#[track_caller]
fn definition(kind: &str) -> &'static Value {
    let found = tidegate_api::crd::all().iter().find(|definition| kind_of(definition) == kind);
    found.unwrap_or_else(|| panic!("no definition of {kind}"))
}

fn kind_of(definition: &Value) -> &str {
    definition["spec"]["names"]["kind"].as_str().unwrap()
}

/// The schema of a definition's only version.
fn schema_of(definition: &Value) -> &Value {
    &definition["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
}
