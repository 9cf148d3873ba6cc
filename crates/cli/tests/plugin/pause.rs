//! `pause`.

use serde_json::json;

use crate::transcript::Transcript;
use crate::world::World;

#[test]
fn a_rollout_is_paused() {
    let world = World::frozen("guide/00-deployed");
    let mut transcript = Transcript::default();
    transcript.run(&world, "pause rollouts-demo");
    assert_eq!(world.rollout("rollouts-demo")["spec"]["paused"], json!(true));
    let before = world.version();
    transcript.about("A Rollout that does not exist.").run(&world, "pause nope");
    transcript.about("In another namespace.").run(&world, "pause rollouts-demo -n default");
    assert_eq!(world.version(), before);
    transcript
        .about("Several, up to the first that cannot be.")
        .run(&world, "pause rollouts-demo nope rollouts-demo");
    transcript.check("pause");
}
