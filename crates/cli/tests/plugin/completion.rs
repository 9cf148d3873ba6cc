//! `completion`, and the command that its scripts call.

use std::path::Path;
use std::process::Command;

use crate::process::{plugin, run};
use crate::transcript::Transcript;
use crate::world::World;

#[test]
fn candidates_come_with_a_directive() {
    let world = World::frozen("guide/01-updated-paused-at-20");
    let mut transcript = Transcript::default();
    let mut complete = |about: &str, words: &[&str]| {
        let outcome = run(&mut plugin(&world.folder.0, words));
        transcript.about(about);
        let line: Vec<&str> = words.iter().map(|word| if word.is_empty() { "''" } else { word }).collect();
        transcript.note(&line.join(" "), &outcome);
    };
    complete("Commands.", &["__complete", ""]);
    complete("Commands, as bash asks.", &["__completeNoDesc", "re"]);
    complete("Commands of a group.", &["__complete", "get", ""]);
    complete("Flags.", &["__complete", "get", "rollout", "--no"]);
    complete("Names of Rollouts.", &["__complete", "-n", "guide", "get", "ro", "-w", "rollouts-"]);
    complete("None of that namespace.", &["__complete", "promote", "--namespace=default", ""]);
    complete("Only the first name.", &["__complete", "abort", "rollouts-demo", ""]);
    complete("A flag's value.", &["__complete", "get", "rollout", "-n", ""]);
    complete("Files.", &["__complete", "--kubeconfig", ""]);
    complete("Contexts.", &["__complete", "--context", ""]);
    complete("Shells.", &["__complete", "completion", ""]);
    complete("No server.", &["__complete", "-s", "http://127.0.0.1:1", "abort", ""]);
    complete("Nothing makes sense.", &["__complete", "bogus", ""]);
    transcript.check("complete");
}

#[test]
fn scripts_exist_for_four_shells() {
    let world = World::empty();
    for shell in ["bash", "zsh", "fish", "powershell"] {
        let outcome = run(&mut plugin(&world.folder.0, &["completion", shell]));
        assert_eq!((outcome.err.as_str(), outcome.code), ("", Some(0)), "{shell}");
        assert!(outcome.out.contains("__complete") && outcome.out.ends_with('\n'), "{shell}");
    }
    let mut transcript = Transcript::default();
    transcript.run(&world, "completion").run(&world, "completion foo").run(&world, "completion bash zsh");
    transcript.check("completion");
}

#[test]
fn bash_understands_its_script() {
    let world = World::frozen("guide/01-updated-paused-at-20");
    let binary = Path::new(env!("CARGO_BIN_EXE_kubectl-argo-rollouts"));
    let complete = |line: &str| {
        // What bash does when the user presses the key at the end of `line`.
        let script = format!(
            "source <(kubectl-argo-rollouts completion bash)\nCOMP_LINE='{line}' COMP_POINT={}\n\
             _kubectl_argo_rollouts\nprintf '%s\\n' \"${{COMPREPLY[@]}}\"\n",
            line.len()
        );
        let path = format!("{}:/usr/bin:/bin", binary.parent().unwrap().display());
        let mut bash = Command::new("bash");
        bash.args(["--norc", "-c", &script]).env_clear().env("PATH", path).env("HOME", &world.folder.0);
        let outcome = run(&mut bash);
        assert_eq!((outcome.err.as_str(), outcome.code), ("", Some(0)), "{line}");
        outcome.out.split_whitespace().map(ToOwned::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(complete("kubectl-argo-rollouts pro"), ["promote"]);
    assert_eq!(complete("kubectl-argo-rollouts get "), ["rollout"]);
    assert_eq!(complete("kubectl-argo-rollouts --namespace=guide abort "), ["rollouts-demo"]);
    assert_eq!(complete("kubectl-argo-rollouts abort nothing"), Vec::<String>::new());
}
