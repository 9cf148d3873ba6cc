//! Kubernetes' own types as data, drawn from the OpenAPI that a kube-apiserver publishes.
//!
//! `cargo xtask codegen --kubernetes DIR` reads `DIR`, an `openapi-spec/v3` folder of the Go module `k8s.io/kubernetes`, and writes
//! two files. Both are gzip-compressed JSON with sorted members, the same bytes on each run:
//!
//! - `crates/kubesim/src/data/kubernetes.json.gz`, all that the simulated API server knows of the resources it serves:
//!   `{"version": "v1.37.2", "resources": [RESOURCE..], "schemas": {NAME: SCHEMA}}`
//! - `crates/api/src/data/pod_template_schema.json.gz`, all that a pod template can hold, for the schemas of our own resources:
//!   `{"version": "v1.37.2", "schemas": {NAME: SCHEMA}}`, the closure of `io.k8s.api.core.v1.PodTemplateSpec` and
//!   `io.k8s.api.batch.v1.JobSpec`. It is made of the first file, so plain `codegen` keeps it fresh without the folder.
//!
//! A NAME is OpenAPI's (`io.k8s.api.core.v1.Container`). A SCHEMA is OpenAPI's as published, `x-kubernetes-*` extensions, defaults and
//! formats included; a reference is `{"$ref": "#/components/schemas/NAME"}`, alone or as the only member of an `allOf` with `default`
//! and `description` beside it. The pod template's schemas have no `description` anywhere.
//!
//! A default that is a zero value (`0`, `""`, `false`, `{}`) comes from OpenAPI's generator, which gives one to every member that
//! Go's encoder always writes: it says how Go prints an absent member and is no default that a user could tell. Defaults that are set by
//! functions (`restartPolicy: Always`) are not in OpenAPI at all.
//!
//! A RESOURCE is `{"group", "version", "plural", "kind", "namespaced", "verbs", "subresources"}`; an entry of `subresources` has
//! `name`, `group`, `version`, `kind` and `verbs`.

mod packed;
mod resources;
mod schemas;

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use packed::{pack, unpack};

/// Where the server's types are.
const SERVED: &str = "crates/kubesim/src/data/kubernetes.json.gz";
/// Where the pod template's types are.
const POD_TEMPLATE: &str = "crates/api/src/data/pod_template_schema.json.gz";

/// What pod templates and the jobs of metrics are made of.
const POD_TEMPLATE_ROOTS: [&str; 2] = ["io.k8s.api.core.v1.PodTemplateSpec", "io.k8s.api.batch.v1.JobSpec"];

/// What the simulated API server serves: the OpenAPI file's name, and the plurals.
const RESOURCES: &[(&str, &[&str])] = &[
    (
        "api__v1",
        &[
            "configmaps",
            "endpoints",
            "events",
            "limitranges",
            "namespaces",
            "nodes",
            "persistentvolumeclaims",
            "pods",
            "podtemplates",
            "replicationcontrollers",
            "resourcequotas",
            "secrets",
            "serviceaccounts",
            "services",
        ],
    ),
    ("apis__apiextensions.k8s.io__v1", &["customresourcedefinitions"]),
    ("apis__apps__v1", &["daemonsets", "deployments", "replicasets", "statefulsets"]),
    ("apis__autoscaling__v2", &["horizontalpodautoscalers"]),
    ("apis__batch__v1", &["cronjobs", "jobs"]),
    ("apis__coordination.k8s.io__v1", &["leases"]),
    ("apis__discovery.k8s.io__v1", &["endpointslices"]),
    ("apis__networking.k8s.io__v1", &["ingresses"]),
    ("apis__policy__v1", &["poddisruptionbudgets"]),
];

/// Draws everything anew from the OpenAPI folder.
pub(crate) fn renew(root: &Path, folder: &Path) -> Result<(), String> {
    let served = draw(folder)?;
    write_file(root, SERVED, &served)?;
    write(root)
}

/// Writes what is made of the server's types, if it is not as it should be.
pub(crate) fn write(root: &Path) -> Result<(), String> {
    write_file(root, POD_TEMPLATE, &pod_template(&read_file(root, SERVED)?)?)
}

/// Fails if what is made of the server's types is not as it should be.
pub(crate) fn check(root: &Path) -> Result<(), String> {
    if read_file(root, POD_TEMPLATE)? == pod_template(&read_file(root, SERVED)?)? {
        return Ok(());
    }
    Err(format!("stale: {POD_TEMPLATE}; run `cargo xtask codegen` and commit the result"))
}

fn read_file(root: &Path, path: &str) -> Result<Value, String> {
    let bytes = fs::read(root.join(path)).map_err(|error| format!("{path}: {error}"))?;
    unpack(&bytes).map_err(|error| format!("{path}: {error}"))
}

/// Writes a file unless it says the same already; compressors may differ in their bytes and still say the same.
fn write_file(root: &Path, path: &str, value: &Value) -> Result<(), String> {
    if read_file(root, path).is_ok_and(|found| found == *value) {
        println!("{path} is up to date");
        return Ok(());
    }
    let to = root.join(path);
    if let Some(folder) = to.parent() {
        fs::create_dir_all(folder).map_err(|error| format!("{path}: {error}"))?;
    }
    fs::write(to, pack(value)?).map_err(|error| format!("{path}: {error}"))?;
    println!("{path} written");
    Ok(())
}

/// Reads the OpenAPI folder and returns the server's types.
fn draw(folder: &Path) -> Result<Value, String> {
    let version = version(folder)?;
    let mut all = schemas::Schemas::default();
    let mut served = Vec::new();
    for (file, plurals) in RESOURCES {
        let document = read(&folder.join(format!("{file}_openapi.json")))?;
        all.add(&document["components"]["schemas"])?;
        for plural in *plurals {
            let resource = resources::from_paths(&document["paths"], plural);
            served.push(resource.ok_or_else(|| format!("{file}: no paths of {plural}"))?);
        }
    }
    let kinds = served.iter().flat_map(resources::kinds);
    let roots = all.of_kinds(kinds.chain(resources::shared_kinds()));
    let schemas = all.closure(roots.iter().map(String::as_str))?;
    Ok(json!({"version": version, "resources": served, "schemas": schemas}))
}

/// The part of the server's types that pod templates need.
fn pod_template(served: &Value) -> Result<Value, String> {
    let mut all = schemas::Schemas::default();
    all.add(&served["schemas"])?;
    let schemas = all.closure(POD_TEMPLATE_ROOTS.into_iter())?;
    Ok(json!({"version": served["version"], "schemas": schemas::without_descriptions(&schemas)}))
}

/// The version of the Go module that the folder lies in; the files themselves do not say.
fn version(folder: &Path) -> Result<String, String> {
    let path = folder.canonicalize().map_err(|error| format!("{}: {error}", folder.display()))?;
    let parts = path.iter().filter_map(|part| part.to_str());
    let found = parts.filter_map(|part| part.strip_prefix("kubernetes@")).next_back().map(str::to_owned);
    found.ok_or_else(|| format!("{}: not below a folder kubernetes@VERSION", folder.display()))
}

fn read(path: &Path) -> Result<Value, String> {
    let text = fs::read(path).map_err(|error| format!("{}: {error}", path.display()))?;
    serde_json::from_slice(&text).map_err(|error| format!("{}: {error}", path.display()))
}

#[cfg(test)]
mod tests;
