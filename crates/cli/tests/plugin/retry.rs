//! `retry rollout`.

use crate::transcript::Transcript;
use crate::world::World;

#[test]
fn an_abort_is_taken_back() {
    let world = World::frozen("guide-abort/01-red-aborted");
    let mut transcript = Transcript::default();
    assert_eq!(world.rollout("rollouts-demo")["status"]["abort"], true);
    transcript.run(&world, "retry rollout rollouts-demo");
    assert_eq!(world.rollout("rollouts-demo")["status"]["abort"], false);
    transcript.about("By its other names.").run(&world, "retry ro rollouts-demo");
    transcript.run(&world, "retry rollouts rollouts-demo");
    let before = world.version();
    transcript.about("A Rollout that does not exist.").run(&world, "retry rollout nope");
    assert_eq!(world.version(), before);
    transcript.check("retry");
}
