//! Every member of the five kinds is what upstream's contract says, and there are no others.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::facts::{Facts, File};
use crate::flat::flatten;
use crate::{definition, kind_of, schema_of};

fn contract() -> File {
    File::parse(include_str!("../data/crd_facts.txt"))
}

/// The facts about a kind in a definition, in the notation of the contract, which also says where Kubernetes' own types stand.
fn found(definition: &Value, expected: &Facts) -> Facts {
    let foreign = |path: &str| {
        let ty = expected.get(path)?.split(' ').next()?;
        ["pod-template", "job-spec"].into_iter().find(|known| *known == ty)
    };
    flatten(schema_of(definition), &foreign)
}

fn differences(expected: &Facts, found: &Facts) -> Vec<String> {
    let paths: BTreeSet<&String> = expected.keys().chain(found.keys()).collect();
    let lines = paths.into_iter().filter_map(|path| match (expected.get(path), found.get(path)) {
        (Some(expected), None) => Some(format!("{path} is missing: {expected}")),
        (None, Some(found)) => Some(format!("{path} is too many: {found}")),
        (Some(expected), Some(found)) if expected != found => {
            Some(format!("{path} is {found}, not {expected}"))
        }
        _ => None,
    });
    lines.collect()
}

#[test]
fn members_are_those_of_the_contract() {
    let contract = contract();
    for kind in contract.kinds() {
        let expected = contract.members(kind);
        assert_eq!(
            differences(&expected, &found(definition(kind), &expected)),
            Vec::<String>::new(),
            "{kind}"
        );
    }
    let definitions: BTreeSet<&str> = tidegate_api::crd::all().iter().map(kind_of).collect();
    assert_eq!(definitions, contract.kinds().into_iter().collect());
}

/// The comparison notices what it is there for.
#[test]
fn a_change_is_noticed() {
    let expected = contract().members("AnalysisRun");
    let after = |change: &dyn Fn(&mut Value)| {
        let mut definition = definition("AnalysisRun").clone();
        change(&mut definition["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]);
        differences(&expected, &found(&definition, &expected))
    };
    assert_eq!(after(&|_| {}), Vec::<String>::new());
    let without = after(&|spec| drop(spec["properties"].as_object_mut().unwrap().remove("terminate")));
    assert_eq!(without, ["spec.terminate is missing: boolean"]);
    let with = after(&|spec| spec["properties"]["more"] = json!({"type": "string"}));
    assert_eq!(with, ["spec.more is too many: string"]);
    let other_type = after(&|spec| spec["properties"]["terminate"]["type"] = "string".into());
    assert_eq!(other_type, ["spec.terminate is string, not boolean"]);
    let optional = after(&|spec| spec["required"] = json!([]));
    assert_eq!(optional, ["spec.metrics is []object, not []object required"]);
    let default = after(&|spec| spec["properties"]["terminate"]["default"] = false.into());
    assert_eq!(default, ["spec.terminate is boolean default=false, not boolean"]);
    let limit = after(&|spec| spec["properties"]["ttlStrategy"]["maxProperties"] = 1.into());
    assert_eq!(limit, ["spec.ttlStrategy is object maxProperties=1, not object"]);
}

#[test]
fn every_shape_is_used() {
    let text = include_str!("../data/crd_facts.txt");
    for shape in contract().shapes() {
        assert!(text.lines().any(|line| line.ends_with(&format!("= {shape}"))), "{shape}");
    }
}

#[test]
fn names_columns_and_subresources_are_those_of_the_contract() {
    let contract = contract();
    for kind in contract.kinds() {
        let definition = definition(kind);
        let names = &definition["spec"]["names"];
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let found = [
            &names["plural"],
            &names["singular"],
            &names["shortNames"][0],
            &names["listKind"],
            &definition["spec"]["scope"],
        ];
        assert_eq!(contract.about(kind, "names"), [found.map(text).join(" ")]);
        assert_eq!(names["shortNames"].as_array().unwrap().len(), 1, "{kind}");
        assert_eq!(names.get("categories"), None, "{kind}");

        let version = &definition["spec"]["versions"][0];
        let columns = version["additionalPrinterColumns"].as_array().unwrap().iter();
        let found: Vec<String> = columns
            .map(|column| {
                assert_eq!(column.get("priority"), None, "{column}");
                [&column["name"], &column["type"], &column["jsonPath"]].map(text).join(" ")
            })
            .collect();
        assert_eq!(found, contract.about(kind, "column"));

        assert_eq!(subresources(&version["subresources"]), contract.about(kind, "subresource"));
    }
}

fn subresources(found: &Value) -> Vec<String> {
    let members = found.as_object().expect("there, if empty").iter();
    members
        .map(|(name, value)| {
            let paths = ["specReplicasPath", "statusReplicasPath", "labelSelectorPath"]
                .map(|key| value[key].as_str());
            let words = [name.as_str()].into_iter().chain(paths.into_iter().flatten());
            words.collect::<Vec<_>>().join(" ")
        })
        .collect()
}

#[test]
fn there_is_one_version_and_no_webhook() {
    for definition in tidegate_api::crd::all() {
        let spec = definition["spec"].as_object().unwrap();
        let names = &definition["spec"]["names"];
        assert_eq!(definition["apiVersion"], "apiextensions.k8s.io/v1");
        assert_eq!(
            definition["metadata"],
            json!({"name": format!("{}.argoproj.io", names["plural"].as_str().unwrap())})
        );
        let members: Vec<&String> = spec.keys().collect();
        assert_eq!(members, ["group", "names", "scope", "versions"]);
        assert_eq!(spec["group"], "argoproj.io");
        let versions = spec["versions"].as_array().unwrap();
        assert_eq!(versions.len(), 1);
        let version = &versions[0];
        assert_eq!(
            [&version["name"], &version["served"], &version["storage"]],
            [&json!("v1alpha1"), &json!(true), &json!(true)]
        );
    }
}
