//! Random users, pods and faults: after every write the invariants hold, and once the inputs stop the world comes to rest.
//!
//! Seeds: a fixed range, and a few fresh ones that are printed. `TIDEGATE_SEED=N` plays one seed alone,
//! `TIDEGATE_FRESH=N` that many fresh ones.

#![allow(clippy::unwrap_used, reason = "a test")]

mod guide;

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};
use std::time::Duration;

use serde_json::{Value, json};
use tidegate_core::invariants::abort_has_ended;
use tidegate_kubesim::{PodState, Stage};
use tidegate_ops::operations::PromoteOptions;
use tidegate_sim::{Fault, Options, Pace, World, run};

use guide::{AT, MANIFEST, NAME};

/// A small generator (splitmix64): the same numbers for the same seed, everywhere.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % sides
    }
}

fn steps(dice: &mut Dice) -> Value {
    let count = dice.roll(6);
    let step = |dice: &mut Dice| match dice.roll(5) {
        0 => json!({"pause": {}}),
        1 => json!({"pause": {"duration": dice.roll(20)}}),
        _ => json!({"setWeight": dice.roll(101)}),
    };
    (0..count).map(|_| step(dice)).collect()
}

fn limits(dice: &mut Dice) -> (Value, Value) {
    match dice.roll(5) {
        0 => (json!(0), json!(1)),
        1 => (json!(2), json!(0)),
        2 => (json!("50%"), json!("50%")),
        3 => (json!("100%"), json!(0)),
        _ => (Value::Null, Value::Null),
    }
}

fn edit(dice: &mut Dice) -> Value {
    let image = colour(dice);
    let template = json!({"spec": {"containers": [{
        "name": NAME, "image": format!("argoproj/rollouts-demo:{image}"),
        "ports": [{"name": "http", "containerPort": 8080, "protocol": "TCP"}],
        "resources": {"requests": {"memory": "32Mi", "cpu": "5m"}},
    }]}});
    match dice.roll(8) {
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

fn colour(dice: &mut Dice) -> &'static str {
    ["blue", "yellow", "red", "green"][usize::try_from(dice.roll(4)).unwrap()]
}

/// From now on pods of one colour do something else: never become ready, crash, fail later, or behave.
fn misbehave(world: &World, dice: &mut Dice) {
    let after = |millis| Duration::from_millis(millis);
    let ready = Stage { after: after(800), state: PodState::Ready };
    let stages = match dice.roll(5) {
        0 => vec![],
        1 => vec![Stage { after: after(300), state: PodState::Crashed }],
        2 => vec![ready, Stage { after: after(4_000), state: PodState::Unready }],
        3 => vec![Stage { after: after(6_000), state: PodState::Ready }],
        _ => vec![ready],
    };
    world.server.update_kubelet(|kubelet| kubelet.set_image(colour(dice), stages));
}

async fn kill_a_pod(world: &World, dice: &mut Dice) {
    let pods = world.server.list("pods", Some(AT.0));
    let count = u64::try_from(pods.len()).unwrap();
    if count > 0 {
        let pod = &pods[usize::try_from(dice.roll(count)).unwrap()];
        // It may be gone already.
        drop(world.delete(AT.0, "pod", pod["metadata"]["name"].as_str().unwrap(), false).await);
    }
}

async fn act(world: &mut World, dice: &mut Dice) {
    let full = PromoteOptions { full: true, ..PromoteOptions::default() };
    // A refusal is an answer too: what cannot be promoted is not promoted.
    match dice.roll(14) {
        0 | 1 => drop(world.promote(AT.0, AT.1, PromoteOptions::default()).await),
        2 => drop(world.promote(AT.0, AT.1, full).await),
        3 => drop(world.abort(AT.0, AT.1).await),
        4 => drop(world.retry(AT.0, AT.1).await),
        5 => drop(world.undo(AT.0, AT.1, 0).await),
        6 => world.start_controller(),
        7 => {
            let fault = match dice.roll(5) {
                0 => Fault::Conflict,
                1 => Fault::AlreadyExists,
                2 => Fault::TimeoutAfter,
                3 => Fault::ServerError,
                _ => Fault::StaleStore(Duration::from_secs(dice.roll(12))),
            };
            world.faults.arm(1 + dice.roll(4), fault);
        }
        8 => misbehave(world, dice),
        9 => kill_a_pod(world, dice).await,
        _ => {
            let patch = edit(dice);
            world.patch(AT.0, AT.1, &patch, false).await.unwrap();
        }
    }
}

fn live(seed: u64) {
    run(Pace::Virtual, Options { seed, ..Options::default() }, |mut world| async move {
        let mut dice = Dice(seed);
        world.prepare().await;
        world.apply("default", MANIFEST).await.unwrap();
        for _ in 0..(10 + dice.roll(30)) {
            world.pass(Duration::from_millis(dice.roll(4) * dice.roll(4_000))).await;
            act(&mut world, &mut dice).await;
        }
        world.server.update_kubelet(|kubelet| kubelet.rules.clear());
        // Inputs stop: what is wrong is put right, and nobody waits for a person any more.
        let calm = json!({"spec": {"paused": false, "replicas": 4, "template": {"metadata": {"labels": {"app": NAME}}}}});
        world.patch(AT.0, AT.1, &calm, false).await.unwrap();
        world.pass(Duration::from_secs(60)).await;
        guide::rest(&mut world).await;
        let rest = world.inspector.observation(AT.0, AT.1).unwrap();
        assert_eq!(abort_has_ended(&rest), None);
        let violations = world.inspector.violations();
        assert!(violations.is_empty(), "{violations:?}");
        let plan = world.second_plan(AT.0, AT.1).await.unwrap();
        assert!(plan.writes.is_empty(), "{:?}", plan.writes);
        let before = world.controller_writes();
        world.pass(Duration::from_secs(86_400)).await;
        assert_eq!(world.controller_writes(), before, "writes in a day at rest");
        let ready: i32 = world.inspector.observation(AT.0, AT.1).unwrap().ready.values().sum();
        assert!(ready >= 4, "{}", world.summary(AT.0, AT.1));
    });
}

#[test]
#[allow(clippy::disallowed_methods, reason = "a test's own switch")]
fn random_lives_break_no_invariant() {
    let fresh = || RandomState::new().build_hasher().finish();
    let count = std::env::var("TIDEGATE_FRESH").ok().and_then(|count| count.parse().ok()).unwrap_or(10);
    let seeds: Vec<u64> = match std::env::var("TIDEGATE_SEED").ok().and_then(|seed| seed.parse().ok()) {
        Some(seed) => vec![seed],
        None => (1..=150).chain([1_634_390_044_547_283_751]).chain((0..count).map(|_| fresh())).collect(),
    };
    for seed in seeds {
        println!("TIDEGATE_SEED={seed}");
        live(seed);
    }
}
