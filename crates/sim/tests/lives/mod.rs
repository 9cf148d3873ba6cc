//! What random lives are made of: seeds, faults, pods that misbehave, and what must hold in the end.

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};
use std::time::Duration;

use serde_json::{Value, json};
use tidegate_core::invariants::{abort_has_ended, is_at_rest};
use tidegate_kubesim::{PodState, Reaction, Stage};
use tidegate_sim::{Dice, Fault, World};

/// Seeds to play: `fixed` and a few fresh ones, which are printed. `TIDEGATE_SEED=N` plays one alone, `TIDEGATE_FRESH=N` that
/// many fresh ones.
#[allow(clippy::disallowed_methods, reason = "a test's own switch")]
pub(crate) fn seeds(fixed: impl Iterator<Item = u64>) -> Vec<u64> {
    let fresh = || RandomState::new().build_hasher().finish();
    let count = std::env::var("TIDEGATE_FRESH").ok().and_then(|count| count.parse().ok()).unwrap_or(10);
    match std::env::var("TIDEGATE_SEED") {
        Ok(seed) => vec![seed.parse().expect("TIDEGATE_SEED is a number")],
        Err(_) => fixed.chain((0..count).map(|_| fresh())).collect(),
    }
}

pub(crate) fn limits(dice: &mut Dice) -> (Value, Value) {
    match dice.roll(5) {
        0 => (json!(0), json!(1)),
        1 => (json!(2), json!(0)),
        2 => (json!("50%"), json!("50%")),
        3 => (json!("100%"), json!(0)),
        _ => (Value::Null, Value::Null),
    }
}

/// Sometimes the workload controllers are slow, and the ReplicaSets' status with them.
pub(crate) fn reaction(dice: &mut Dice) -> Reaction {
    let millis = [0, 0, 20, 100, 300][usize::try_from(dice.roll(5)).unwrap()];
    Reaction { replica_set: Duration::from_millis(millis), garbage: Duration::from_millis(2 * millis) }
}

pub(crate) fn colour(dice: &mut Dice) -> &'static str {
    ["blue", "yellow", "red", "green"][usize::try_from(dice.roll(4)).unwrap()]
}

/// From now on pods of one colour do something else: never become ready, crash, fail later, or behave.
pub(crate) fn misbehave(world: &World, dice: &mut Dice) {
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

pub(crate) async fn kill_one(
    world: &World,
    namespace: &str,
    (resource, kind): (&str, &str),
    dice: &mut Dice,
) {
    let objects = world.server.list(resource, Some(namespace));
    let count = u64::try_from(objects.len()).unwrap();
    if count > 0 {
        let object = &objects[usize::try_from(dice.roll(count)).unwrap()];
        // It may be gone already.
        drop(world.delete(namespace, kind, object["metadata"]["name"].as_str().unwrap(), false).await);
    }
}

/// Something goes wrong at one of the next writes.
pub(crate) fn disturb(world: &World, dice: &mut Dice) {
    let fault = match dice.roll(5) {
        0 => Fault::Conflict,
        1 => Fault::AlreadyExists,
        2 => Fault::TimeoutAfter,
        3 => Fault::ServerError,
        _ => Fault::StaleStore(Duration::from_secs(dice.roll(12))),
    };
    world.faults.arm(1 + dice.roll(4), fault);
}

/// Nothing was broken, nothing is left to do, nothing is done for a day, and where it is not Healthy it says why.
pub(crate) async fn has_come_to_rest(world: &mut World, (namespace, name): (&str, &str)) {
    let summary = || world.summary(namespace, name);
    let rests = world.come_to_rest(Duration::from_secs(14_400)).await;
    let violations = world.inspector.violations();
    let evidence = || serde_json::to_string(&world.inspector.evidence()).unwrap();
    assert!(rests, "never at rest: {}\n{:?}\n{}", summary(), violations.first(), evidence());
    assert!(!world.controller_has_ended(), "the controller has ended by itself");
    assert!(violations.is_empty(), "{violations:?}\n{}", evidence());
    let (before, known) = (world.controller_writes(), world.inspector.trace().len());
    world.pass(Duration::from_secs(86_400)).await;
    let news = || world.inspector.trace()[known..].join("\n");
    assert_eq!(world.controller_writes(), before, "writes in a day at rest: {}\n{}", summary(), news());
    let plan = world.second_plan(namespace, name).await.unwrap();
    let rest = world.inspector.observation(namespace, name).unwrap();
    let state = || format!("{}\n{}", summary(), serde_json::to_string(&rest).unwrap());
    assert_eq!(is_at_rest(&plan, &rest), None, "{}", state());
    assert_eq!(abort_has_ended(&rest), None, "{}", state());
}
