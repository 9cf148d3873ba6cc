//! Files, folders and standard input as Kubernetes objects, each with its place.

use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};

use tidegate_sim::manifest::{self, Node};

use super::problem::{Problem, Where};

/// What `-f -` is called in messages.
const STANDARD_INPUT: &str = "stdin";

/// A file that was read.
pub(super) struct Source {
    /// As the user named it.
    pub(super) name: String,
    pub(super) text: String,
}

/// One object of the input.
pub(super) struct Object {
    pub(super) file: String,
    pub(super) node: Node,
    pub(super) api_version: String,
    pub(super) kind: String,
    pub(super) name: String,
    /// As written; empty where it names none.
    pub(super) namespace: String,
}

impl Object {
    pub(super) fn is_rollout(&self) -> bool {
        self.kind == "Rollout" && self.api_version == tidegate_api::rollout::API_VERSION
    }

    /// The line of a field, or of the nearest above it that is in the file.
    pub(super) fn line_of(&self, path: &str) -> Where {
        Where::Line(self.file.clone(), self.node.place_of(path).line)
    }
}

/// Reads what the user named; a folder stands for the manifests in it.
pub(super) fn sources(paths: &[PathBuf]) -> (Vec<Source>, Vec<Problem>) {
    let (mut sources, mut problems) = (Vec::new(), Vec::new());
    for path in paths {
        match files(path) {
            Ok(files) if files.is_empty() => {
                let at = Where::File(path.display().to_string());
                problems.push(Problem::new(at, "no .yaml, .yml or .json in this folder"));
            }
            Ok(files) => {
                for file in files {
                    match source(&file) {
                        Ok(source) => sources.push(source),
                        Err(problem) => problems.push(problem),
                    }
                }
            }
            Err(error) => problems.push(unreadable(path, &error)),
        }
    }
    (sources, problems)
}

fn files(path: &Path) -> std::io::Result<Vec<PathBuf>> {
    if !path.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let mut files = Vec::new();
    for entry in std::fs::read_dir(path)? {
        let file = entry?.path();
        let extension = file.extension().and_then(|extension| extension.to_str());
        if matches!(extension, Some("yaml" | "yml" | "json")) && file.is_file() {
            files.push(file);
        }
    }
    files.sort();
    Ok(files)
}

/// One file, or standard input for `-`.
pub(super) fn source(path: &Path) -> Result<Source, Problem> {
    if path == Path::new("-") {
        let mut text = String::new();
        let read = std::io::stdin().read_to_string(&mut text);
        return match read {
            Ok(_) => Ok(Source { name: STANDARD_INPUT.to_owned(), text }),
            Err(error) => Err(unreadable(Path::new(STANDARD_INPUT), &error)),
        };
    }
    match std::fs::read_to_string(path) {
        Ok(text) => Ok(Source { name: path.display().to_string(), text }),
        Err(error) => Err(unreadable(path, &error)),
    }
}

fn unreadable(path: &Path, error: &std::io::Error) -> Problem {
    let text = match error.kind() {
        ErrorKind::NotFound => "no such file or folder".to_owned(),
        ErrorKind::InvalidData => "not a text in UTF-8".to_owned(),
        ErrorKind::PermissionDenied => "may not be read".to_owned(),
        _ => error.to_string(),
    };
    Problem::new(Where::File(path.display().to_string()), text)
}

/// The objects of all sources, in order; the items of a List are objects of their own.
pub(super) fn objects(sources: &[Source]) -> (Vec<Object>, Vec<Problem>) {
    let (mut objects, mut problems) = (Vec::new(), Vec::new());
    for source in sources {
        let reading = manifest::read(&source.text);
        for fault in reading.faults {
            let problem = Problem::new(Where::Character(source.name.clone(), fault.place), fault.text);
            problems.push(if source.text.contains("{{") {
                problem.hint("templates must be rendered first: helm template CHART | tidegate simulate -f -")
            } else {
                problem
            });
        }
        for document in reading.documents {
            add(document, &source.name, &mut objects, &mut problems);
        }
    }
    (objects, problems)
}

fn add(node: Node, file: &str, objects: &mut Vec<Object>, problems: &mut Vec<Problem>) {
    let text = |keys: &[&str]| node.text(keys).to_owned();
    let (api_version, kind) = (text(&["apiVersion"]), text(&["kind"]));
    if kind == "List" && api_version == "v1" {
        for item in node.at(&["items"]).map(Node::items).unwrap_or_default() {
            add(item.clone(), file, objects, problems);
        }
        return;
    }
    let at = Where::Line(file.to_owned(), node.place.line);
    let missing = |field: &str| format!("{field} is missing, or no text");
    let problem = match (api_version.as_str(), kind.as_str()) {
        ("", "") => Some("this is no Kubernetes object: it has neither apiVersion nor kind".to_owned()),
        ("", _) => Some(missing("apiVersion")),
        (_, "") => Some(missing("kind")),
        _ => None,
    };
    if let Some(problem) = problem {
        return problems.push(Problem::new(at, problem));
    }
    let (name, namespace) = (text(&["metadata", "name"]), text(&["metadata", "namespace"]));
    objects.push(Object { file: file.to_owned(), node, api_version, kind, name, namespace });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_taken_apart() {
        let text = "apiVersion: v1\nkind: List\nitems:\n- apiVersion: v1\n  kind: Service\n  metadata: {name: a}\n- kind: x\n- 5\n";
        let source = Source { name: "f".to_owned(), text: text.to_owned() };
        let (objects, problems) = objects(&[source]);
        let found: Vec<_> = objects.iter().map(|it| (it.kind.as_str(), it.name.as_str())).collect();
        assert_eq!(found, [("Service", "a")]);
        let texts: Vec<_> = problems.iter().map(|it| format!("{}{}", it.at, it.text)).collect();
        assert_eq!(
            texts,
            [
                "f:7: apiVersion is missing, or no text",
                "f:8: this is no Kubernetes object: it has neither apiVersion nor kind",
            ]
        );
    }
}
