use serde_json::json;

use super::*;

/// A workspace of crates that use each other as given: (user, used, kind).
fn metadata(uses: &[(&str, &str, Option<&str>)]) -> Value {
    let mut names: Vec<&str> = uses.iter().flat_map(|(user, used, _)| [*user, *used]).collect();
    names.sort_unstable();
    names.dedup();
    let of = |name: &str| uses.iter().filter(move |(user, ..)| *user == name).collect::<Vec<_>>();
    let packages: Vec<Value> = names
        .iter()
        .map(|name| {
            let dependencies: Vec<Value> = of(name)
                .iter()
                .map(|(_, used, kind)| {
                    let path = is_ours(used).then(|| format!("/ws/crates/{}", short(used)));
                    json!({"name": used, "kind": kind, "path": path})
                })
                .collect();
            let manifest = format!("/ws/crates/{}/Cargo.toml", short(name));
            json!({"id": name, "name": name, "manifest_path": manifest, "dependencies": dependencies})
        })
        .collect();
    let nodes: Vec<Value> = names
        .iter()
        .map(|name| {
            let deps: Vec<Value> = of(name)
                .iter()
                .map(|(_, used, kind)| json!({"pkg": used, "dep_kinds": [{"kind": kind}]}))
                .collect();
            json!({"id": name, "deps": deps})
        })
        .collect();
    let members: Vec<&&str> = names.iter().filter(|name| is_ours(name)).collect();
    json!({
        "workspace_root": "/ws", "packages": packages, "workspace_members": members, "resolve": {"nodes": nodes},
    })
}

#[track_caller]
fn check(uses: &[(&str, &str, Option<&str>)], expected: &[&str]) {
    let found: Vec<String> = check_metadata(&metadata(uses))
        .iter()
        .map(|it| format!("{} {}: {}", it.path, it.rule, it.text.split(';').next().unwrap_or_default()))
        .collect();
    assert_eq!(found, expected);
}

#[test]
fn what_the_table_permits_passes() {
    check(
        &[
            ("tidegate-core", "tidegate-api", None),
            ("tidegate-sim", "tidegate-controller", None),
            ("tidegate-sim", "tidegate-core", None),
            ("tidegate", "tidegate-ops", None),
            ("xtask", "tidegate-api", None),
            ("tidegate-controller", "tokio", None),
        ],
        &[],
    );
}

#[test]
fn what_is_absent_from_the_table_is_forbidden() {
    let layers = |user: &str, used: &str| {
        format!("crates/{}/Cargo.toml layers: `{used}` may not be used by `{user}`", short(user))
    };
    for (user, used) in [
        ("tidegate-api", "tidegate-core"),
        ("tidegate-core", "tidegate-ops"),
        ("tidegate-kubesim", "tidegate-api"),
        ("tidegate-controller", "tidegate-ops"),
        ("tidegate-controller", "tidegate-kubesim"),
        ("tidegate-cli", "tidegate-controller"),
        ("tidegate-cli", "tidegate-sim"),
        ("tidegate-dashboard", "tidegate-kubesim"),
        ("tidegate-sim", "tidegate-cli"),
        ("xtask", "tidegate-core"),
    ] {
        check(&[(user, used, None)], &[&layers(user, used)]);
        check(&[(user, used, Some("build"))], &[&layers(user, used)]);
    }
}

#[test]
fn tests_may_use_the_simulator_and_nothing_else() {
    check(
        &[
            ("tidegate-core", "tidegate-sim", Some("dev")),
            ("tidegate-controller", "tidegate-kubesim", Some("dev")),
        ],
        &[],
    );
    check(
        &[("tidegate-core", "tidegate-ops", Some("dev"))],
        &["crates/core/Cargo.toml layers: `tidegate-ops` may not be used by `tidegate-core`"],
    );
}

#[test]
fn a_crate_must_be_in_the_table() {
    check(
        &[("tidegate-extra", "serde", None)],
        &["crates/extra/Cargo.toml unknown-crate: `name = \"tidegate-extra\"` is not in the table of crates"],
    );
}

#[test]
fn pure_crates_are_pure_to_the_bottom() {
    check(
        &[("tidegate-api", "serde", None), ("serde", "middle", None), ("middle", "rand", None)],
        &[
            "crates/api/Cargo.toml impure: `serde` leads a pure crate to IO: tidegate-api -> serde -> middle -> rand",
        ],
    );
    check(
        &[("tidegate-core", "tokio", None)],
        &["crates/core/Cargo.toml impure: `tokio` leads a pure crate to IO: tidegate-core -> tokio"],
    );
}

#[test]
fn tests_and_build_scripts_of_pure_crates_may_be_impure() {
    check(
        &[
            ("tidegate-core", "criterion", Some("dev")),
            ("criterion", "rand", None),
            ("tidegate-api", "tokio", Some("build")),
        ],
        &[],
    );
}

#[test]
fn the_table_has_no_circle() {
    for (name, _) in MAY_USE {
        assert!(!permitted(name).contains(name), "{name}");
    }
}

#[test]
fn this_workspace_keeps_to_the_table() {
    let findings = super::check(&Path::new(env!("CARGO_MANIFEST_DIR")).join("..")).unwrap();
    assert_eq!(findings, []);
}
