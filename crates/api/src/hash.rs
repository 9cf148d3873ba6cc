//! The hashes by which upstream names ReplicaSets and notices edits of the canary steps.
//!
//! Both are FNV-1a 32 over the JSON that Go's `encoding/json` prints for the typed object, written in Kubernetes' "safe" alphabet.
//! The bytes must be upstream's exactly, else every Rollout would be deployed anew when the controller is swapped. What Go knows
//! of the types (order of members, which are left out when empty) is data: `data/pod_template_fields.json`, drawn by
//! `xtask/hash-table` from Kubernetes' own types, and `data/step_fields.json`, written by hand.

pub(crate) mod encode;
pub(crate) mod fields;
pub(crate) mod quantity;
pub(crate) mod scalar;

use std::fmt;
use std::sync::LazyLock;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use encode::{Encoder, Sink};
use fields::{Kind, Table};

/// The value of the label `rollouts-pod-template-hash`: what tells the ReplicaSets of one Rollout apart.
///
/// Computed ones have 1 to 10 characters out of `456789bcdf`, but a hash read from an object is kept whatever it is: the label in
/// use is always the one found on the ReplicaSet.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct PodTemplateHash(String);

impl PodTemplateHash {
    /// The hash as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for PodTemplateHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl AsRef<str> for PodTemplateHash {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl From<String> for PodTemplateHash {
    fn from(hash: String) -> Self {
        Self(hash)
    }
}

impl From<&str> for PodTemplateHash {
    fn from(hash: &str) -> Self {
        Self(hash.to_owned())
    }
}

/// The hash of `spec.template` as it is stored (no defaults added, no hash label, no injected metadata or affinity), with
/// `status.collisionCount`. A count of 0 is not the same as none.
///
/// Total: a value of a type that Go could not decode is hashed as it stands, and members that Kubernetes does not know (or not yet)
/// count too, after the known ones of their object. Members that are null are absent.
pub fn pod_template_hash(template: &Value, collision_count: Option<i32>) -> PodTemplateHash {
    let mut sum = Fnv::default();
    Encoder::new(&POD_TEMPLATE, &mut sum).print(template);
    if let Some(count) = collision_count {
        sum.put(&count.to_le_bytes());
        sum.put(&[0; 4]);
    }
    PodTemplateHash(sum.safe_text())
}

/// The text behind [`pod_template_hash`]: the template as Go prints it. Two texts side by side explain why two hashes differ.
pub fn pod_template_json(template: &Value) -> String {
    text(&POD_TEMPLATE, template)
}

/// The hash of `spec.strategy.canary.steps` for `status.currentStepHash`; none and an empty list are the same.
pub fn step_hash(steps: Option<&Value>) -> String {
    let mut sum = Fnv::default();
    match present(steps) {
        Some(steps) => Encoder::new(&STEPS, &mut sum).print(steps),
        None => sum.put(b"null"),
    }
    sum.safe_text()
}

/// The text behind [`step_hash`]: the steps as Go prints them, `null` if there are none.
pub fn step_json(steps: Option<&Value>) -> String {
    present(steps).map_or_else(|| "null".to_owned(), |steps| text(&STEPS, steps))
}

/// Empty lists do not survive upstream's round trip through its types, which leaves them out.
fn present(steps: Option<&Value>) -> Option<&Value> {
    steps.filter(|steps| !steps.is_null() && steps.as_array().is_none_or(|list| !list.is_empty()))
}

fn text(table: &Table, value: &Value) -> String {
    let mut bytes = Vec::new();
    Encoder::new(table, &mut bytes).print(value);
    String::from_utf8(bytes).expect("made of whole strings")
}

pub(crate) static POD_TEMPLATE: LazyLock<Table> =
    LazyLock::new(|| Table::parse(include_str!("data/pod_template_fields.json"), "PodTemplateSpec"));

static STEPS: LazyLock<Table> = LazyLock::new(|| {
    let mut table = Table::parse(include_str!("data/step_fields.json"), "CanaryStep");
    table.root = Kind::List(Box::new(table.root));
    table
});

/// FNV-1a, 32 bit.
struct Fnv(u32);

impl Default for Fnv {
    fn default() -> Self {
        Self(0x811c_9dc5)
    }
}

impl Sink for Fnv {
    fn put(&mut self, bytes: &[u8]) {
        self.0 = bytes.iter().fold(self.0, |sum, byte| (sum ^ u32::from(*byte)).wrapping_mul(0x0100_0193));
    }
}

impl Fnv {
    /// The sum in decimal, each digit replaced by the letter of the alphabet without vowels at its character code.
    fn safe_text(&self) -> String {
        const ALPHABET: &[u8; 27] = b"bcdfghjklmnpqrstvwxz2456789";
        self.0
            .to_string()
            .bytes()
            .map(|digit| char::from(ALPHABET[usize::from(digit) % ALPHABET.len()]))
            .collect()
    }
}
