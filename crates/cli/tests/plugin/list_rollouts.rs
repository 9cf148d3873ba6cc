//! `list rollouts`.

use serde_json::json;

use crate::process::{OUT, Running, plugin};
use crate::transcript::Transcript;
use crate::world::World;

fn add(world: &World, namespace: &'static str, count: usize) {
    world.act(move |server| {
        for number in 0..count {
            let rollout = json!({
                "apiVersion": "argoproj.io/v1alpha1", "kind": "Rollout",
                "metadata": {"name": format!("more-{number:04}")},
                "spec": {
                    "selector": {"matchLabels": {"app": "x"}},
                    "template": {
                        "metadata": {"labels": {"app": "x"}},
                        "spec": {"containers": [{"name": "a", "image": "b"}]},
                    },
                    "strategy": {"blueGreen": {"activeService": "a"}},
                },
            });
            server.create("test", "rollouts", namespace, rollout).unwrap();
        }
    });
}

#[test]
fn rollouts_are_listed_in_columns() {
    let mut transcript = Transcript::default();
    let empty = World::empty();
    transcript.about("None.").run(&empty, "list rollouts");
    let world = World::frozen("guide/01-updated-paused-at-20");
    transcript.about("One.").run(&world, "list rollouts");
    add(&world, "default", 1);
    transcript.about("Of all namespaces.").run(&world, "list ro -A");
    transcript.run(&world, "list rollout --all-namespaces --timestamps");
    transcript.about("By name.").run(&world, "list rollouts -A --name more-0000");
    transcript.run(&world, "list rollouts --name nope");
    transcript.check("list-rollouts");
}

#[test]
fn long_lists_are_read_page_by_page() {
    let world = World::empty();
    add(&world, "default", 600);
    let outcome =
        crate::process::run(&mut plugin(&world.folder.0, &["list", "rollouts", "--loglevel", "debug"]));
    assert_eq!(outcome.out.lines().count(), 601);
    assert_eq!(outcome.err.lines().count(), 3, "pages of 250: {}", outcome.err);
    let names: Vec<&str> = outcome.out.lines().skip(1).filter_map(|line| line.split(' ').next()).collect();
    assert!(names.is_sorted() && names[0] == "more-0000" && names[599] == "more-0599");
}

#[test]
fn a_rollout_that_cannot_be_read_hides_no_other() {
    let broken = json!({"kind": "RolloutList", "metadata": {}, "items": [
        {"metadata": {"name": "a", "namespace": "default"}, "spec": {"replicas": "many"}},
        {"metadata": {"name": "b", "namespace": "default"}, "spec": {"replicas": 2}},
    ]});
    let address = crate::server::serve(move |_| crate::server::Reply::Answer(200, "", broken.to_string()));
    let server = format!("http://{address}");
    let outcome = crate::process::run(&mut plugin("/nowhere".as_ref(), &["list", "rollouts", "-s", &server]));
    let rows: Vec<Vec<&str>> = outcome.out.lines().map(|line| line.split_whitespace().collect()).collect();
    assert_eq!(rows[1][..3], ["a", "unknown", "Unreadable"], "{outcome:?}");
    assert_eq!(rows[2][..3], ["b", "unknown", "Progressing"], "{outcome:?}");
}

#[test]
fn a_watch_adds_lines_for_what_changes() {
    let world = World::passing("guide/01-updated-paused-at-20");
    let mut list = Running::start(&mut plugin(&world.folder.0, &["list", "rollouts", "--watch"]));
    list.wait_for(OUT, "Paused");
    world.patch_status("rollouts-demo", &json!({"currentStepIndex": 2}));
    list.wait_for(OUT, "2/8");
    // What is not shown adds no line.
    world.patch(("rollouts", ""), "rollouts-demo", json!({"metadata": {"labels": {"a": "b"}}}));
    world.patch_status("rollouts-demo", &json!({"currentStepIndex": 3}));
    list.wait_for(OUT, "3/8");
    world.delete("rollouts-demo");
    list.wait_for(OUT, "Deleted");
    list.signal("-INT");
    let outcome = list.end();
    let statuses: Vec<Vec<&str>> =
        outcome.out.lines().map(|line| line.split_whitespace().collect()).collect();
    let shown: Vec<(&str, &str)> = statuses.iter().map(|row| (row[2], row[3])).collect();
    let expected =
        [("STATUS", "STEP"), ("Paused", "1/8"), ("Paused", "2/8"), ("Paused", "3/8"), ("Deleted", "-")];
    assert_eq!(shown, expected);
    assert_eq!((outcome.err.as_str(), outcome.code), ("", None), "no handler: the signal ends it");
}
