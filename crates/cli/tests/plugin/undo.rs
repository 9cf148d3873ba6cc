//! `undo`.

use serde_json::Value;

use crate::transcript::Transcript;
use crate::world::World;

fn image(object: &Value) -> &str {
    object["spec"]["template"]["spec"]["containers"][0]["image"].as_str().unwrap()
}

#[test]
fn an_earlier_template_comes_back() {
    let world = World::frozen("guide/05-yellow-stable");
    let mut transcript = Transcript::default();
    assert_eq!(image(&world.rollout("rollouts-demo")), "demo:yellow");
    transcript.run(&world, "undo rollouts-demo");
    assert_eq!(image(&world.rollout("rollouts-demo")), "demo:blue");
    let before = world.version();
    transcript.about("Back already.").run(&world, "undo rollouts-demo");
    assert_eq!(world.version(), before);
    transcript.about("By number.").run(&world, "undo rollouts-demo --to-revision=2");
    assert_eq!(image(&world.rollout("rollouts-demo")), "demo:yellow");
    let before = world.version();
    transcript.about("Revisions that do not exist.").run(&world, "undo rollouts-demo --to-revision 7");
    transcript.run(&world, "undo rollouts-demo --to-revision -1");
    transcript.run(&world, "undo rollouts-demo --to-revision x");
    let first = World::frozen("guide/00-deployed");
    transcript.about("The first revision.").run(&first, "undo rollouts-demo");
    transcript.about("A Rollout that does not exist.").run(&world, "undo nope");
    assert_eq!(world.version(), before);
    transcript.check("undo");
}
