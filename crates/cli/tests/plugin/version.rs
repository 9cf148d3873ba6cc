//! `version`.

use crate::process::{plugin, run};

fn version(args: &[&str]) -> String {
    let outcome = run(&mut plugin("/nowhere".as_ref(), &[&["version"], args].concat()));
    assert_eq!((outcome.err.as_str(), outcome.code), ("", Some(0)));
    outcome.out
}

#[test]
fn it_tells_the_build_without_a_cluster() {
    let text = version(&[]);
    let lines: Vec<&str> = text.lines().collect();
    let keys: Vec<&str> = lines.iter().filter_map(|line| line.split_once(": ")).map(|(key, _)| key).collect();
    let expected = [
        "kubectl-argo-rollouts",
        "  BuildDate",
        "  GitCommit",
        "  GitTreeState",
        "  GoVersion",
        "  Compiler",
        "  Platform",
    ];
    assert_eq!(keys, expected);
    assert!(lines[0].starts_with(concat!("kubectl-argo-rollouts: v", env!("CARGO_PKG_VERSION"))), "{text}");
    assert!(lines[5].contains("rustc"), "{text}");
    assert!(lines.iter().all(|line| !line.ends_with(": ")), "{text}");
}

#[test]
fn short_is_the_first_line() {
    let long = version(&[]);
    assert_eq!(version(&["--short"]), format!("{}\n", long.lines().next().unwrap()));
    assert_eq!(version(&["--short=false"]), long);
}

#[test]
fn a_reader_that_goes_away_ends_it_quietly() {
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let child =
        plugin("/nowhere".as_ref(), &["version"]).stdout(writer).stderr(std::process::Stdio::piped()).spawn();
    let output = child.unwrap().wait_with_output().unwrap();
    assert_eq!((output.status.code(), String::from_utf8(output.stderr).unwrap()), (Some(141), String::new()));
}
