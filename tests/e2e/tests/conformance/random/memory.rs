//! What one server has told in one sequence: uids, versions, tokens of pages.

use std::collections::BTreeMap;

use serde_json::Value;

use super::request::{NAMES, Request, Uid, Version};

#[derive(Debug, Default)]
pub(super) struct Memory {
    /// By kind and name, oldest first.
    versions: BTreeMap<(usize, usize), Vec<String>>,
    uids: BTreeMap<(usize, usize), String>,
    pages: BTreeMap<usize, String>,
}

impl Memory {
    pub(super) fn version(&self, kind: usize, name: usize, role: Version) -> Option<String> {
        let known = self.versions.get(&(kind, name));
        match role {
            Version::None => None,
            Version::Fresh => {
                Some(known.and_then(|known| known.last()).map_or("1", String::as_str).to_owned())
            }
            Version::Stale => {
                Some(known.filter(|known| known.len() > 1).map_or("1", |known| known[0].as_str()).to_owned())
            }
        }
    }

    /// The same, where the object has ever been seen.
    pub(super) fn known_version(&self, kind: usize, name: usize, role: Version) -> Option<String> {
        self.versions.get(&(kind, name)).and_then(|_| self.version(kind, name, role))
    }

    pub(super) fn uid(&self, kind: usize, name: usize, role: Uid) -> Option<String> {
        const NOBODY: &str = "00000000-0000-0000-0000-000000000000";
        match role {
            Uid::None => None,
            Uid::Right => Some(self.uids.get(&(kind, name)).map_or(NOBODY, String::as_str).to_owned()),
            Uid::Wrong => Some(NOBODY.to_owned()),
        }
    }

    /// The token of the last list; none is no token.
    pub(super) fn page(&self, kind: usize) -> &str {
        self.pages.get(&kind).map_or("", String::as_str)
    }

    /// Learns from the answer. Says whether the object's version is the one known before.
    pub(super) fn learn(&mut self, request: &Request, namespace: &str, body: &Value) -> &'static str {
        let metadata = &body["metadata"];
        if body["kind"] != "Status" && body["items"].is_array() {
            let token = metadata["continue"].as_str().unwrap_or_default();
            self.pages.insert(request.kind, token.to_owned());
            return "of a list";
        }
        let Some(version) = metadata["resourceVersion"].as_str() else { return "none" };
        if metadata["name"] != request.kind().called(NAMES[request.name], namespace) {
            return "of another";
        }
        let key = (request.kind, request.name);
        let known = self.versions.entry(key).or_default();
        if known.last().is_some_and(|known| known == version) {
            return "as before";
        }
        if !request.is_dry() {
            known.push(version.to_owned());
            if let Some(uid) = metadata["uid"].as_str() {
                self.uids.insert(key, uid.to_owned());
            }
        }
        "new"
    }
}
