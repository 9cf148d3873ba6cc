//! Random users, pods and faults around one basic canary: after every write the invariants hold, and once the inputs stop the world comes to rest.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a test")]

mod guide;
mod lives;

use std::time::Duration;

use serde_json::{Value, json};
use tidegate_api::rollout::Phase;
use tidegate_ops::operations::PromoteOptions;
use tidegate_sim::{Dice, Options, Pace, World, run};

use guide::{AT, MANIFEST, NAME};
use lives::{colour, disturb, has_come_to_rest, kill_one, limits, misbehave, reaction, seeds};

fn steps(dice: &mut Dice) -> Value {
    let count = dice.roll(6);
    let step = |dice: &mut Dice| match dice.roll(5) {
        0 => json!({"pause": {}}),
        1 => json!({"pause": {"duration": dice.roll(20)}}),
        _ => json!({"setWeight": dice.roll(101)}),
    };
    (0..count).map(|_| step(dice)).collect()
}

fn edit(dice: &mut Dice) -> Value {
    let image = colour(dice);
    let template = json!({"spec": {"containers": [{
        "name": NAME, "image": format!("argoproj/rollouts-demo:{image}"),
        "ports": [{"name": "http", "containerPort": 8080, "protocol": "TCP"}],
        "resources": {"requests": {"memory": "32Mi", "cpu": "5m"}},
    }]}});
    match dice.roll(9) {
        8 => json!({"spec": {"strategy": {"canary": {"steps": [{"setWeight": 101}]}}}}),
        0 => json!({"spec": {"replicas": dice.roll(12)}}),
        1 => json!({"spec": {"paused": dice.roll(2) == 0}}),
        2 => json!({"spec": {"strategy": {"canary": {"steps": steps(dice)}}}}),
        3 => {
            let (surge, unavailable) = limits(dice);
            json!({"spec": {"strategy": {"canary": {"maxSurge": surge, "maxUnavailable": unavailable}}}})
        }
        4 => json!({"spec": {"replicas": dice.roll(12), "template": template}}),
        5 => json!({"spec": {"template": {"metadata": {"labels": {"app": "wrong"}}}}}),
        _ => json!({"spec": {"paused": false, "template": template}}),
    }
}

async fn act(world: &mut World, dice: &mut Dice) {
    let full = PromoteOptions { full: true, ..PromoteOptions::default() };
    let skip = PromoteOptions { skip_current_step: true, ..PromoteOptions::default() };
    // A refusal is an answer too: what cannot be promoted is not promoted.
    match dice.roll(16) {
        0 | 1 => drop(world.promote(AT.0, AT.1, PromoteOptions::default()).await),
        2 => drop(world.promote(AT.0, AT.1, full).await),
        3 => drop(world.abort(AT.0, AT.1).await),
        4 => drop(world.retry(AT.0, AT.1).await),
        5 => drop(world.undo(AT.0, AT.1, 0).await),
        6 => world.start_controller(),
        7 => disturb(world, dice),
        8 => misbehave(world, dice),
        9 => kill_one(world, AT.0, ("pods", "pod"), dice).await,
        10 => kill_one(world, AT.0, ("replicasets.apps", "replicaset"), dice).await,
        11 => drop(world.promote(AT.0, AT.1, skip).await),
        _ => {
            let patch = edit(dice);
            world.patch(AT.0, AT.1, &patch, false).await.unwrap();
        }
    }
}

fn live(seed: u64) {
    let mut dice = Dice::new(seed);
    let options = Options { seed, reaction: reaction(&mut dice), ..Options::default() };
    run(Pace::Virtual, options, |mut world| async move {
        world.prepare().await;
        world.apply("default", MANIFEST).await.unwrap();
        for _ in 0..(10 + dice.roll(30)) {
            world.pass(Duration::from_millis(dice.roll(4) * dice.roll(4_000))).await;
            act(&mut world, &mut dice).await;
        }
        world.server.update_kubelet(|kubelet| kubelet.rules.clear());
        world.pass(Duration::from_secs(60)).await;
        has_come_to_rest(&mut world, AT).await;
        // Whatever it waits for is given to it: then it must get there.
        let calm = json!({"spec": {"paused": false, "replicas": 4,
            "template": {"metadata": {"labels": {"app": NAME}}},
            "strategy": {"canary": {"steps": [], "maxSurge": null, "maxUnavailable": null}}}});
        world.patch(AT.0, AT.1, &calm, false).await.unwrap();
        world.pass(Duration::from_secs(5)).await;
        world.retry(AT.0, AT.1).await.unwrap();
        world.pass(Duration::from_secs(60)).await;
        has_come_to_rest(&mut world, AT).await;
        let end = world.inspector.observation(AT.0, AT.1).unwrap();
        assert_eq!(end.rollout.status.phase, Some(Phase::Healthy), "{}", world.summary(AT.0, AT.1));
        assert_eq!(end.rollout.status.stable_rs, end.rollout.status.current_pod_hash);
        assert_eq!(end.ready.values().sum::<i32>(), 4, "{}", world.summary(AT.0, AT.1));
    });
}

#[test]
fn random_lives_break_no_invariant() {
    for seed in seeds((1..=150).chain([1_634_390_044_547_283_751])) {
        println!("TIDEGATE_SEED={seed}");
        live(seed);
    }
}
