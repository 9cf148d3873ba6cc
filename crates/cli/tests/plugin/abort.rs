//! `abort`.

use serde_json::json;

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
