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
use tidegate_api::rollout::Phase;
use tidegate_core::invariants::{abort_has_ended, is_at_rest};
use tidegate_kubesim::{PodState, Reaction, Stage};
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

/// Sometimes the workload controllers are slow, and the ReplicaSets' status with them.
fn reaction(dice: &mut Dice) -> Reaction {
    let millis = [0, 0, 20, 100, 300][usize::try_from(dice.roll(5)).unwrap()];
    Reaction { replica_set: Duration::from_millis(millis), garbage: Duration::from_millis(2 * millis) }
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

async fn kill_one(world: &World, resource: &str, kind: &str, dice: &mut Dice) {
    let objects = world.server.list(resource, Some(AT.0));
    let count = u64::try_from(objects.len()).unwrap();
    if count > 0 {
        let object = &objects[usize::try_from(dice.roll(count)).unwrap()];
        // It may be gone already.
        drop(world.delete(AT.0, kind, object["metadata"]["name"].as_str().unwrap(), false).await);
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
        9 => kill_one(world, "pods", "pod", dice).await,
        10 => kill_one(world, "replicasets.apps", "replicaset", dice).await,
        11 => drop(world.promote(AT.0, AT.1, skip).await),
        _ => {
            let patch = edit(dice);
            world.patch(AT.0, AT.1, &patch, false).await.unwrap();
        }
    }
}

fn live(seed: u64) {
    let mut dice = Dice(seed);
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
        guide::rest(&mut world).await;
        let rest = world.inspector.observation(AT.0, AT.1).unwrap();
        assert_eq!(abort_has_ended(&rest), None);
        has_come_to_rest(&mut world).await;
        // Whatever it waits for is given to it: then it must get there.
        let calm = json!({"spec": {"paused": false, "replicas": 4,
            "template": {"metadata": {"labels": {"app": NAME}}},
            "strategy": {"canary": {"steps": [], "maxSurge": null, "maxUnavailable": null}}}});
        world.patch(AT.0, AT.1, &calm, false).await.unwrap();
        world.pass(Duration::from_secs(5)).await;
        world.retry(AT.0, AT.1).await.unwrap();
        world.pass(Duration::from_secs(60)).await;
        has_come_to_rest(&mut world).await;
        let end = world.inspector.observation(AT.0, AT.1).unwrap();
        assert_eq!(end.rollout.status.phase, Some(Phase::Healthy), "{}", world.summary(AT.0, AT.1));
        assert_eq!(end.rollout.status.stable_rs, end.rollout.status.current_pod_hash);
        assert_eq!(end.ready.values().sum::<i32>(), 4, "{}", world.summary(AT.0, AT.1));
    });
}

/// Nothing was broken, nothing is left to do, nothing is done for a day, and where it is not Healthy it says why.
async fn has_come_to_rest(world: &mut World) {
    guide::rest(world).await;
    let violations = world.inspector.violations();
    assert!(violations.is_empty(), "{violations:?}");
    let before = world.controller_writes();
    world.pass(Duration::from_secs(86_400)).await;
    assert_eq!(world.controller_writes(), before, "writes in a day at rest: {}", world.summary(AT.0, AT.1));
    let plan = world.second_plan(AT.0, AT.1).await.unwrap();
    let rest = world.inspector.observation(AT.0, AT.1).unwrap();
    assert_eq!(is_at_rest(&plan, &rest), None, "{}", world.summary(AT.0, AT.1));
}

#[test]
#[allow(clippy::disallowed_methods, reason = "a test's own switch")]
fn random_lives_break_no_invariant() {
    let fresh = || RandomState::new().build_hasher().finish();
    let count = std::env::var("TIDEGATE_FRESH").ok().and_then(|count| count.parse().ok()).unwrap_or(10);
    let seeds: Vec<u64> = match std::env::var("TIDEGATE_SEED") {
        Ok(seed) => vec![seed.parse().expect("TIDEGATE_SEED is a number")],
        Err(_) => (1..=150).chain([1_634_390_044_547_283_751]).chain((0..count).map(|_| fresh())).collect(),
    };
    for seed in seeds {
        println!("TIDEGATE_SEED={seed}");
        live(seed);
    }
}
