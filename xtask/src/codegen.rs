//! Files that are made from the Rust types and committed: the CustomResourceDefinitions under `crds/`.

use std::fs;
use std::path::Path;

use serde_json::{Map, Value};

const HEADER: &str = "# Generated from crates/api by `cargo xtask codegen`. Do not edit.\n";
const COMMAND: &str = "cargo xtask codegen";

/// What is generated: path below the repository, and content.
fn files() -> Result<Vec<(String, String)>, String> {
    let definitions = tidegate_api::crd::all().iter();
    definitions
        .map(|definition| {
            let name = definition["metadata"]["name"].as_str().unwrap_or_default();
            Ok((format!("crds/{name}.yaml"), yaml(definition)?))
        })
        .collect()
}

/// Writes every file that is not as it should be.
pub(crate) fn write(root: &Path) -> Result<(), String> {
    for (path, content) in files()? {
        let to = root.join(&path);
        if is_current(&to, &content) {
            println!("{path} is up to date");
            continue;
        }
        if let Some(folder) = to.parent() {
            fs::create_dir_all(folder).map_err(|error| format!("{path}: {error}"))?;
        }
        fs::write(&to, content).map_err(|error| format!("{path}: {error}"))?;
        println!("{path} written");
    }
    Ok(())
}

/// Fails if a file is not as it should be.
pub(crate) fn check(root: &Path) -> Result<(), String> {
    let files = files()?;
    let stale: Vec<&str> = files
        .iter()
        .filter(|(path, content)| !is_current(&root.join(path), content))
        .map(|(path, _)| path.as_str())
        .collect();
    if stale.is_empty() {
        return Ok(());
    }
    Err(format!("stale: {}; run `{COMMAND}` and commit the result", stale.join(", ")))
}

fn is_current(path: &Path, content: &str) -> bool {
    fs::read_to_string(path).is_ok_and(|found| found == content)
}

fn yaml(object: &Value) -> Result<String, String> {
    let text = serde_yaml_ng::to_string(&sorted(object)).map_err(|error| error.to_string())?;
    Ok(format!("{HEADER}{text}"))
}

/// The same value with the members of all objects in alphabetical order, whatever map `serde_json` was built with.
pub(crate) fn sorted(value: &Value) -> Value {
    match value {
        Value::Array(items) => items.iter().map(sorted).collect(),
        Value::Object(members) => {
            let mut members: Vec<(&String, &Value)> = members.iter().collect();
            members.sort_by_key(|(key, _)| *key);
            let members = members.into_iter().map(|(key, value)| (key.clone(), sorted(value)));
            Value::Object(members.collect::<Map<_, _>>())
        }
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_written_is_current_until_it_is_edited() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/xtask-codegen-test");
        let _ = fs::remove_dir_all(&root);
        let error = check(&root).unwrap_err();
        assert!(error.contains("crds/rollouts.argoproj.io.yaml"), "{error}");
        assert!(error.contains(COMMAND), "{error}");
        write(&root).unwrap();
        check(&root).unwrap();
        let path = root.join("crds/rollouts.argoproj.io.yaml");
        let edited = fs::read_to_string(&path).unwrap() + "# mine\n";
        fs::write(&path, edited).unwrap();
        check(&root).unwrap_err();
    }

    #[test]
    fn the_files_say_what_the_types_say() {
        let kinds =
            ["analysisruns", "analysistemplates", "clusteranalysistemplates", "experiments", "rollouts"];
        let expected = kinds.map(|plural| format!("crds/{plural}.argoproj.io.yaml"));
        let mut paths: Vec<String> = files().unwrap().into_iter().map(|(path, _)| path).collect();
        paths.sort();
        assert_eq!(paths, expected);
        for ((path, content), definition) in files().unwrap().into_iter().zip(tidegate_api::crd::all()) {
            let read: Value = serde_yaml_ng::from_str(&content).unwrap();
            assert_eq!(read["kind"], "CustomResourceDefinition", "{path}");
            assert_eq!(read, *definition, "{path}");
        }
    }
}
