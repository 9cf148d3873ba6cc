use serde_json::{Value, json};

use super::{Operation, Patch, Target, TargetKind};
use crate::{OpError, field};

/// One `CONTAINER=IMAGE` of a command line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ContainerImage<'a> {
    /// Name of a container, init container or ephemeral container; `*` = all of them.
    pub container: &'a str,
    /// The image reference.
    pub image: &'a str,
}

impl<'a> ContainerImage<'a> {
    /// Reads `CONTAINER=IMAGE`, split at the first `=`; `None` if either side is empty.
    #[must_use]
    pub fn parse(text: &'a str) -> Option<Self> {
        let (container, image) = text.split_once('=')?;
        (!container.is_empty() && !image.is_empty()).then_some(Self { container, image })
    }
}

/// Changes images in the pod template of a Rollout, or of the object that [`Target::of_template`] names.
///
/// A JSON patch that tests the container's name before each change: nothing else is overwritten, and a container that has
/// moved meanwhile is an error instead of a wrong image.
///
/// # Errors
/// When a container does not exist, or the object is of a kind without a pod template that we know.
pub fn set_image(workload: &Value, images: &[ContainerImage<'_>]) -> Result<Operation, OpError> {
    let kind = field::text(workload, "/kind");
    let kind = match TargetKind::of_workload(kind) {
        Some(kind) => kind,
        None if kind == TargetKind::Rollout.as_str() => TargetKind::Rollout,
        None => return Err(OpError::UnsupportedWorkload(kind.to_owned())),
    };
    let mut operations = Vec::new();
    for change in images {
        operations.extend(changes(workload, kind, *change)?);
    }
    let name = field::text(workload, "/metadata/name");
    let message = format!("{} {name:?} image updated", kind.as_str().to_lowercase());
    let target = Target { kind, name: name.to_owned() };
    Ok(Operation { patches: vec![Patch::json(target, operations)], message })
}

fn changes(workload: &Value, kind: TargetKind, change: ContainerImage<'_>) -> Result<Vec<Value>, OpError> {
    let mut operations = Vec::new();
    let mut known = Vec::new();
    for section in ["initContainers", "containers", "ephemeralContainers"] {
        let path = format!("{}/spec/{section}", kind.template_path());
        for (index, container) in field::list(workload, &path).iter().enumerate() {
            let name = field::text(container, "/name");
            known.push(name.to_owned());
            if name != change.container && change.container != "*" {
                continue;
            }
            let path = format!("{path}/{index}");
            // `replace` wants the member to exist; `add` sets it in either case.
            let op = if container.get("image").is_some() { "replace" } else { "add" };
            operations.push(json!({ "op": "test", "path": format!("{path}/name"), "value": name }));
            operations.push(json!({ "op": op, "path": format!("{path}/image"), "value": change.image }));
        }
    }
    if operations.is_empty() {
        return Err(OpError::NoSuchContainer { name: change.container.to_owned(), known });
    }
    Ok(operations)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn workload(kind: &str) -> Value {
        let template = json!({"spec": {
            "initContainers": [{"name": "setup", "image": "busybox"}],
            "containers": [{"name": "proxy", "image": "envoy:1"}, {"name": "web"}],
        }});
        match kind {
            "PodTemplate" => json!({"kind": kind, "metadata": {"name": "x"}, "template": template}),
            _ => json!({"kind": kind, "metadata": {"name": "x"}, "spec": {"template": template}}),
        }
    }

    #[track_caller]
    fn check(kind: &str, images: &[&str], expected: &Value, message: &str) {
        let images: Vec<_> = images.iter().map(|text| ContainerImage::parse(text).unwrap()).collect();
        let operation = set_image(&workload(kind), &images).unwrap();
        assert_eq!(operation.patches.len(), 1);
        assert_eq!(&operation.patches[0].body, expected);
        assert_eq!(operation.patches[0].target.kind.as_str(), kind);
        assert_eq!(operation.message, message);
    }

    #[test]
    fn only_the_named_container_is_touched() {
        let expected = json!([
            {"op": "test", "path": "/spec/template/spec/containers/0/name", "value": "proxy"},
            {"op": "replace", "path": "/spec/template/spec/containers/0/image", "value": "envoy@sha256:0=1"},
        ]);
        check("Rollout", &["proxy=envoy@sha256:0=1"], &expected, r#"rollout "x" image updated"#);
        let expected = json!([
            {"op": "test", "path": "/template/spec/containers/1/name", "value": "web"},
            {"op": "add", "path": "/template/spec/containers/1/image", "value": "demo:red"},
        ]);
        check("PodTemplate", &["web=demo:red"], &expected, r#"podtemplate "x" image updated"#);
    }

    #[test]
    fn a_star_means_all_and_several_pairs_are_one_patch() {
        let all =
            set_image(&workload("Deployment"), &[ContainerImage { container: "*", image: "a" }]).unwrap();
        assert_eq!(all.patches[0].body.as_array().unwrap().len(), 6);
        assert_eq!(all.message, r#"deployment "x" image updated"#);
        let two = [ContainerImage::parse("setup=a").unwrap(), ContainerImage::parse("web=b").unwrap()];
        let operation = set_image(&workload("Rollout"), &two).unwrap();
        assert_eq!(operation.patches[0].body.as_array().unwrap().len(), 4);
    }

    #[test]
    fn an_unknown_container_is_refused() {
        let typo = ContainerImage { container: "typo", image: "a" };
        let error = set_image(&workload("Rollout"), &[typo]).unwrap_err();
        assert_eq!(error.to_string(), r#"unable to find container named "typo""#);
        assert_eq!(error.hint().unwrap(), "containers of the pod template: setup, proxy, web; `*` means all");
    }

    #[test]
    fn pairs_need_two_sides() {
        for text in ["web", "=a", "web="] {
            assert_eq!(ContainerImage::parse(text), None, "{text}");
        }
    }

    #[test]
    fn the_template_is_where_the_reference_points() {
        let rollout =
            |reference: Value| json!({"metadata": {"name": "x"}, "spec": {"workloadRef": reference}});
        let target = Target::of_template(&rollout(json!({"kind": "PodTemplate", "name": "y"}))).unwrap();
        assert_eq!(target, Target { kind: TargetKind::PodTemplate, name: "y".to_owned() });
        assert_eq!(Target::of_template(&rollout(Value::Null)).unwrap(), Target::rollout("x"));
        let error = |reference| Target::of_template(&rollout(reference)).unwrap_err().to_string();
        assert_eq!(
            error(json!({"kind": "Deployment", "name": 7})),
            "spec.workloadRef.name is not a string: 7"
        );
        assert_eq!(error(json!({"kind": "Job", "name": "y"})), "workload of type Job is not supported");
    }
}
