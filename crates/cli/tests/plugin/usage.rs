//! Command lines that are not understood.

use crate::process::{plugin, run};
use crate::transcript::Transcript;
use crate::world::World;

#[test]
fn missing_or_surplus_names_are_answered_with_usage() {
    for (line, usage) in [
        ("", "COMMAND"),
        ("get", "get <rollout> RESOURCE_NAME"),
        ("get foo", "get <rollout> RESOURCE_NAME"),
        ("get rollout", "get rollout ROLLOUT_NAME"),
        ("get rollout a b", "get rollout ROLLOUT_NAME"),
        ("list", "list <rollout>"),
        ("list foo", "list <rollout>"),
        ("retry", "retry <rollout> RESOURCE_NAME"),
        ("retry rollout", "retry rollout ROLLOUT_NAME..."),
        ("set", "set <image> RESOURCE_NAME VALUE"),
        ("set image", "set image ROLLOUT_NAME CONTAINER=IMAGE..."),
        ("set image a", "set image ROLLOUT_NAME CONTAINER=IMAGE..."),
        ("abort", "abort ROLLOUT_NAME..."),
        ("pause", "pause ROLLOUT_NAME..."),
        ("promote", "promote ROLLOUT_NAME"),
        ("promote a b", "promote ROLLOUT_NAME"),
        ("restart", "restart ROLLOUT"),
        ("status", "status ROLLOUT_NAME"),
        ("undo", "undo ROLLOUT_NAME"),
    ] {
        let words: Vec<&str> = line.split(' ').filter(|word| !word.is_empty()).collect();
        let outcome = run(&mut plugin("/nowhere".as_ref(), &words));
        let first = format!("Usage:\n  kubectl-argo-rollouts {usage} [flags]\n");
        assert!(outcome.err.starts_with(&first), "{line}: {}", outcome.err);
        assert!(!outcome.err.contains("Error:"), "{line}: {}", outcome.err);
        assert_eq!((outcome.out.as_str(), outcome.code), ("", Some(1)), "{line}");
    }
}

#[test]
fn mistakes_are_told_in_one_line() {
    let world = World::empty();
    let mut transcript = Transcript::default();
    for line in [
        "foo",
        "get rollout x --bogus",
        "--version",
        "get rollout x -z",
        "get rollout x -n",
        "get rollout x --watch=perhaps",
        "status x --timeout 5",
        "undo x --to-revision two",
        "version --loglevel foo",
        "get rollout x --request-timeout soon",
        "get rollout x -n a/b",
    ] {
        transcript.run(&world, line);
    }
    transcript.about("What comes with later versions.");
    for line in [
        "get experiment x",
        "list experiments",
        "retry exp x",
        "terminate analysisrun x",
        "terminate",
        "create -f x.yaml",
        "dashboard",
        "lint -f x.yaml",
        "notifications template get",
    ] {
        transcript.run(&world, line);
    }
    transcript.check("usage");
}
