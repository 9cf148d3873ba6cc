//! Who may use whom, over `cargo metadata`.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::path::Path;

use serde_json::Value;

use super::Finding;
use crate::chain::cargo_command;

/// Our crates, without the prefix `tidegate-`, and whom each may use. What those may use, it may name too: their types
/// are part of what it gets. Everything absent is forbidden.
const MAY_USE: [(&str, &[&str]); 15] = [
    ("api", &[]),
    ("core", &["api"]),
    ("routers", &["api", "core"]),
    ("providers", &["api", "core"]),
    ("notify", &["api", "core"]),
    ("ops", &["api", "core", "routers"]),
    ("outbound", &["api", "core", "providers", "notify", "routers"]),
    ("kubesim", &[]),
    ("controller", &["api", "core", "routers", "providers", "notify", "outbound"]),
    ("sim", &["controller", "ops", "kubesim"]),
    ("cli", &["ops"]),
    ("dashboard", &["ops"]),
    ("tidegate", &["sim", "kubesim", "controller", "cli", "dashboard"]),
    ("xtask", &["api"]),
    ("e2e", &["api", "xtask"]),
];
/// Everybody may test with these.
const FREE_IN_TESTS: [&str; 2] = ["kubesim", "sim"];
/// Crates that decide and never do.
pub(super) const PURE: [&str; 6] = ["api", "core", "routers", "providers", "notify", "ops"];
/// Crates that reach the network, the disk, the clock, the terminal or chance; pure crates do without, however deep.
const OUTSIDE: [&str; 40] = [
    "async-std",
    "axum",
    "chrono",
    "crossterm",
    "ctrlc",
    "curl",
    "dirs",
    "env_logger",
    "fastrand",
    "fs-err",
    "fs_extra",
    "futures-timer",
    "getrandom",
    "h2",
    "home",
    "hyper",
    "hyper-util",
    "iana-time-zone",
    "isahc",
    "kube",
    "kube-client",
    "kube-runtime",
    "mio",
    "native-tls",
    "notify",
    "openssl",
    "polling",
    "rand",
    "rand_core",
    "reqwest",
    "rustls",
    "signal-hook",
    "smol",
    "socket2",
    "tempfile",
    "tokio",
    "tonic",
    "ureq",
    "walkdir",
    "which",
];

/// All findings about the crates of the workspace at `root`.
pub(super) fn check(root: &Path) -> Result<Vec<Finding>, String> {
    let output = cargo_command()
        .args(["metadata", "--format-version", "1", "--locked"])
        .current_dir(root)
        .output()
        .map_err(|error| format!("`cargo metadata`: {error}"))?;
    if !output.status.success() {
        return Err(format!("`cargo metadata --locked`: {}", String::from_utf8_lossy(&output.stderr).trim()));
    }
    let metadata: Value = serde_json::from_slice(&output.stdout).map_err(|error| error.to_string())?;
    let mut findings = check_metadata(&metadata);
    for finding in &mut findings {
        let manifest = std::fs::read_to_string(root.join(&finding.path)).unwrap_or_default();
        let wanted = finding.text.split('`').nth(1).unwrap_or_default();
        let line = manifest.lines().position(|line| line.starts_with(wanted) && !wanted.is_empty());
        finding.line = line.map_or(1, |at| at + 1);
    }
    Ok(findings)
}

fn check_metadata(metadata: &Value) -> Vec<Finding> {
    let workspace = Workspace::of(metadata);
    let mut findings = Vec::new();
    for (id, package) in &workspace.members {
        findings.extend(uses(metadata, package));
        findings.extend(workspace.way_outside(id, package));
    }
    findings
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map(Vec::as_slice).unwrap_or_default()
}

fn short(package: &str) -> &str {
    package.strip_prefix("tidegate-").unwrap_or(package)
}

fn is_ours(name: &str) -> bool {
    name == "tidegate" || name == "xtask" || name.starts_with("tidegate-")
}

fn manifest(metadata: &Value, package: &Value) -> String {
    let path = text(&package["manifest_path"]).replace('\\', "/");
    let root = format!("{}/", text(&metadata["workspace_root"]).replace('\\', "/"));
    path.strip_prefix(&root).unwrap_or(&path).to_owned()
}

/// Whom a crate may name: those of the table, and those that they may name.
fn permitted(name: &str) -> BTreeSet<&'static str> {
    let row = |name: &str| MAY_USE.iter().find(|(user, _)| *user == name).map_or(&[][..], |(_, used)| *used);
    let mut found = BTreeSet::new();
    let mut waiting = row(name).to_vec();
    while let Some(used) = waiting.pop() {
        if found.insert(used) {
            waiting.extend(row(used));
        }
    }
    found
}

/// The crate's own manifest against the table.
fn uses(metadata: &Value, package: &Value) -> Vec<Finding> {
    let path = manifest(metadata, package);
    let user = short(text(&package["name"]));
    if !MAY_USE.iter().any(|(name, _)| *name == user) {
        let what = format!("`name = \"{}\"` is not in the table of crates; add it", text(&package["name"]));
        return vec![Finding::new(&path, 1, "unknown-crate", what)];
    }
    let permitted = permitted(user);
    let ours = list(&package["dependencies"])
        .iter()
        .filter(|it| is_ours(text(&it["name"])) && !it["path"].is_null());
    ours.filter_map(|dependency| {
        let name = text(&dependency["name"]);
        let is_free = dependency["kind"] == "dev" && FREE_IN_TESTS.contains(&short(name));
        let forbidden = !is_free && !permitted.contains(short(name)) && short(name) != user;
        let what = format!(
            "`{name}` may not be used by `{}`; move what is needed to where both may look, or pass it in",
            text(&package["name"])
        );
        forbidden.then(|| Finding::new(&path, 1, "layers", what))
    })
    .collect()
}

/// The resolved graph, as far as it is needed.
struct Workspace<'a> {
    /// id -> package, members only.
    members: BTreeMap<&'a str, &'a Value>,
    /// id -> name.
    names: BTreeMap<&'a str, &'a str>,
    /// id -> ids used by the built crate: neither tests nor build scripts.
    uses: BTreeMap<&'a str, Vec<&'a str>>,
}

impl<'a> Workspace<'a> {
    fn of(metadata: &'a Value) -> Self {
        let packages = || list(&metadata["packages"]).iter().map(|package| (text(&package["id"]), package));
        let ids: BTreeSet<&str> = list(&metadata["workspace_members"]).iter().map(text).collect();
        let is_built = |used: &&Value| list(&used["dep_kinds"]).iter().any(|kind| kind["kind"].is_null());
        let nodes = list(&metadata["resolve"]["nodes"]).iter().map(|node| {
            let used = list(&node["deps"]).iter().filter(is_built).map(|used| text(&used["pkg"]));
            (text(&node["id"]), used.collect())
        });
        Self {
            members: packages().filter(|(id, _)| ids.contains(id)).collect(),
            names: packages().map(|(id, package)| (id, text(&package["name"]))).collect(),
            uses: nodes.collect(),
        }
    }

    /// The shortest way from a pure crate to one that is not.
    fn way_outside(&self, id: &'a str, package: &Value) -> Option<Finding> {
        if !PURE.contains(&short(text(&package["name"]))) {
            return None;
        }
        let mut came_from: BTreeMap<&str, &str> = BTreeMap::new();
        let mut waiting = VecDeque::from([id]);
        let name = |id: &str| self.names.get(id).copied().unwrap_or_default();
        while let Some(at) = waiting.pop_front() {
            for used in self.uses.get(at).into_iter().flatten().copied() {
                if used == id || came_from.contains_key(used) {
                    continue;
                }
                came_from.insert(used, at);
                if OUTSIDE.contains(&name(used)) {
                    let mut way = vec![name(used)];
                    let mut step = used;
                    while let Some(before) = came_from.get(step) {
                        way.insert(0, name(before));
                        step = before;
                    }
                    let first = way.get(1).copied().unwrap_or_default();
                    let what =
                        format!("`{first}` leads a pure crate to IO: {}; do without", way.join(" -> "));
                    let path = format!("crates/{}/Cargo.toml", short(way[0]));
                    return Some(Finding::new(&path, 1, "impure", what));
                }
                waiting.push_back(used);
            }
        }
        None
    }
}

#[cfg(test)]
mod tests;
