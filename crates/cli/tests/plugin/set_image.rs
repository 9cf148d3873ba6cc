//! `set image`.

use serde_json::{Value, json};
use tidegate_kubesim::ApiError;

use crate::transcript::Transcript;
use crate::world::World;

fn image(object: &Value) -> &str {
    object["spec"]["template"]["spec"]["containers"][0]["image"].as_str().unwrap()
}

#[test]
fn images_are_changed_where_the_template_is() {
    let world = World::frozen("guide/00-deployed");
    let mut transcript = Transcript::default();
    let container =
        world.rollout("rollouts-demo")["spec"]["template"]["spec"]["containers"][0]["name"].clone();
    assert_eq!(container, "rollouts-demo");
    transcript.run(&world, "set image rollouts-demo rollouts-demo=demo:yellow");
    assert_eq!(image(&world.rollout("rollouts-demo")), "demo:yellow");
    transcript.about("All containers, by a digest.").run(&world, "set image rollouts-demo *=demo@sha256:0=1");
    assert_eq!(image(&world.rollout("rollouts-demo")), "demo@sha256:0=1");
    transcript.about("As it is already.").run(&world, "set image rollouts-demo *=demo@sha256:0=1");
    let before = world.version();
    transcript.about("A container that does not exist: nothing is changed.");
    transcript.run(&world, "set image rollouts-demo rollouts-demo=demo:red typo=demo:red");
    transcript.about("No pair.").run(&world, "set image rollouts-demo rollouts-demo");
    transcript.about("A Rollout that does not exist.").run(&world, "set image nope web=demo:red");
    assert_eq!(world.version(), before);

    let referring = World::frozen("workload-ref/00-adopted");
    let name = referring.act(|server| server.list("rollouts", None)[0]["metadata"]["name"].clone());
    let deployment = referring.act(|server| server.list("deployments", None)[0]["metadata"]["name"].clone());
    let deployment = deployment.as_str().unwrap().to_owned();
    transcript.about("A Rollout that refers to a Deployment.");
    transcript.run(&referring, &format!("set image {} *=demo:red", name.as_str().unwrap()));
    assert_eq!(image(&referring.object("deployments", &deployment)), "demo:red");
    transcript.check("set-image");
}

/// Lets the first `times` patches of Rollouts fail with 409.
fn conflicts(world: &World, times: u32) {
    world.act(move |server| {
        let mut left = times;
        server.fail_writes(move |attempt| {
            let is_hit = left > 0 && attempt.resource.starts_with("rollouts") && attempt.verb == "patch";
            left -= u32::from(is_hit);
            let message =
                "Operation cannot be fulfilled on rollouts \"rollouts-demo\": the object has been modified";
            is_hit.then(|| ApiError::new(409, "Conflict", message))
        });
    });
}

#[test]
fn conflicts_are_tried_again_a_few_times() {
    let mut transcript = Transcript::default();
    let world = World::frozen("guide/00-deployed");
    conflicts(&world, 4);
    transcript.run(&world, "set image rollouts-demo *=demo:red");
    assert_eq!(image(&world.rollout("rollouts-demo")), "demo:red");
    conflicts(&world, 5);
    transcript.about("For ever.").run(&world, "set image rollouts-demo *=demo:green");
    assert_eq!(image(&world.rollout("rollouts-demo")), "demo:red");
    transcript.check("set-image-conflict");
}

#[test]
fn what_others_have_set_is_kept() {
    let world = World::frozen("guide/00-deployed");
    let patch = json!({"metadata": {"annotations": {"a": "b"}}, "spec": {"replicas": 7}});
    world.patch(("rollouts", ""), "rollouts-demo", patch);
    Transcript::default().run(&world, "set image rollouts-demo *=demo:red");
    let rollout = world.rollout("rollouts-demo");
    assert_eq!((image(&rollout), &rollout["spec"]["replicas"]), ("demo:red", &json!(7)));
    assert_eq!(rollout["metadata"]["annotations"]["a"], "b");
}
