//! Pod templates: what they contain, and whether two of them are the same.
//!
//! A ReplicaSet in the cluster never equals the template it was made from: the API server fills in defaults, and the controller
//! adds its hash label, ephemeral metadata and an anti-affinity term. Two templates are the same here if their normal forms are:
//! defaults filled in, additions taken out, nothing left of the difference between absent and empty, or between `0.5` and `500m`.
//! Upstream's contract is the comparison by which it re-uses a ReplicaSet that carries another hash.

mod defaults;
mod normal;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::hash::encode::{Sink, put_untyped};

/// Labels and annotations that a controller added to a ReplicaSet's template and that are no part of it: upstream's record of them
/// is the annotation `rollout.argoproj.io/ephemeral-metadata` on the ReplicaSet.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Injected {
    /// Keys and values of the labels.
    pub labels: BTreeMap<String, String>,
    /// Keys and values of the annotations.
    pub annotations: BTreeMap<String, String>,
}

impl Injected {
    /// Reads the annotation's value, `{"labels":{..},"annotations":{..}}`. One that cannot be read records nothing.
    pub fn recorded(annotation: &str) -> Self {
        serde_json::from_str(annotation).unwrap_or_default()
    }
}

/// The normal form of a pod template; equal for templates that ask for the same pods.
///
/// Compared with the template: what `injected` names is removed (only keys count), so are the label `rollouts-pod-template-hash`
/// and anti-affinity terms that select by it. Kubernetes' defaults for a ReplicaSet's template are filled in (not those that only
/// pods get: requests from limits, `enableServiceLinks`). Members that are empty without meaning are left out, `serviceAccount` is
/// folded into `serviceAccountName`, quantities have one spelling. Members unknown to us stay as they are, and count.
pub fn normalized(template: &Value, injected: &Injected) -> Value {
    normal::form(template, injected)
}

/// A fingerprint of a template's normal form: 128 bits of SHA-256, printed as 32 hex digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct TemplateDigest([u8; 16]);

/// The pod-template hash that an injected anti-affinity term keeps the template's pods away from.
pub fn keeps_away_from(template: &Value) -> Option<&str> {
    normal::keeps_away_from(template)
}

/// The digest of [`normalized`].
pub fn template_digest(template: &Value, injected: &Injected) -> TemplateDigest {
    struct Hasher(Sha256);
    impl Sink for Hasher {
        fn put(&mut self, bytes: &[u8]) {
            self.0.update(bytes);
        }
    }
    let mut hasher = Hasher(Sha256::new());
    put_untyped(&mut hasher, &normalized(template, injected));
    let sum = hasher.0.finalize();
    let mut digest = [0; 16];
    digest.copy_from_slice(&sum[..16]);
    TemplateDigest(digest)
}

impl fmt::Display for TemplateDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", u128::from_be_bytes(self.0))
    }
}

impl fmt::Debug for TemplateDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TemplateDigest({self})")
    }
}

/// A text that is not 32 hex digits.
#[derive(Debug, thiserror::Error)]
#[error("a template digest has 32 hex digits: {0:?}")]
pub struct DigestError(String);

impl FromStr for TemplateDigest {
    type Err = DigestError;

    fn from_str(text: &str) -> Result<Self, DigestError> {
        let hex = text.len() == 32 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        let number = hex.then(|| u128::from_str_radix(text, 16).ok()).flatten();
        number.map(|number| Self(number.to_be_bytes())).ok_or_else(|| DigestError(text.to_owned()))
    }
}

impl TryFrom<String> for TemplateDigest {
    type Error = DigestError;

    fn try_from(text: String) -> Result<Self, DigestError> {
        text.parse()
    }
}

impl From<TemplateDigest> for String {
    fn from(digest: TemplateDigest) -> Self {
        digest.to_string()
    }
}

/// The images of the containers, in order, as written. Init containers and ephemeral ones are not among them, nor are containers
/// without an image.
pub fn images(template: &Value) -> Vec<&str> {
    images_of(template, "containers")
}

/// The images of the init containers, in order, as written.
pub fn init_images(template: &Value) -> Vec<&str> {
    images_of(template, "initContainers")
}

fn images_of<'a>(template: &'a Value, containers: &str) -> Vec<&'a str> {
    let list = template["spec"][containers].as_array();
    list.into_iter().flatten().filter_map(|container| container["image"].as_str()).collect()
}

/// The template's labels; a value that is not a string is taken for empty.
pub fn labels(template: &Value) -> BTreeMap<String, String> {
    let members = template["metadata"]["labels"].as_object();
    members
        .into_iter()
        .flatten()
        .map(|(key, value)| (key.clone(), value.as_str().unwrap_or_default().to_owned()))
        .collect()
}
