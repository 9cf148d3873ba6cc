//! `abort`.

use serde_json::json;

use crate::process::{plugin, run};
use crate::server::{Reply, serve_and_record};
use crate::transcript::Transcript;
use crate::world::World;

#[test]
fn an_update_is_aborted_and_what_is_finished_is_left_alone() {
    let mut transcript = Transcript::default();
    let paused = World::frozen("guide/01-updated-paused-at-20");
    transcript.about("An update in progress.").run(&paused, "abort rollouts-demo");
    assert_eq!(paused.rollout("rollouts-demo")["status"]["abort"], json!(true));

    let finished = World::frozen("guide/05-yellow-stable");
    let before = finished.version();
    transcript.about("Nothing to abort.").run(&finished, "abort rollouts-demo");
    transcript.about("A Rollout that does not exist ends it.").run(&finished, "abort nope rollouts-demo");
    transcript.about("What is no name of an object.").run(&finished, "abort rollout/rollouts-demo");
    assert_eq!(finished.version(), before);
    transcript.check("abort");
}

#[test]
fn a_rollout_that_cannot_be_read_is_aborted_all_the_same() {
    let (address, asked) = serve_and_record(|_| {
        let rollout = r#"{"metadata": {"name": "x"}, "spec": {"replicas": "many"},
            "status": {"currentPodHash": "b", "stableRS": "a"}}"#;
        Reply::Answer(200, "", rollout.to_owned())
    });
    let server = format!("http://{address}");
    let outcome = run(&mut plugin("/nowhere".as_ref(), &["abort", "x", "-s", &server]));
    assert_eq!((outcome.out.as_str(), outcome.code), ("rollout 'x' aborted\n", Some(0)), "{outcome:?}");
    assert!(asked.lock().unwrap()[1].starts_with("PATCH "));
    let outcome = run(&mut plugin("/nowhere".as_ref(), &["promote", "x", "-s", &server]));
    assert!(outcome.err.starts_with("Error: rollout.argoproj.io \"x\" cannot be read: "), "{outcome:?}");
}
