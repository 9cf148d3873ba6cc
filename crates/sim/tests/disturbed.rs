//! Blue-green, a routed canary and a workload under crashes and faults: whatever happens at whichever write, the end is the same.

#![allow(clippy::unwrap_used, reason = "a test")]

use std::time::Duration;

use serde_json::{Value, json};
use tidegate_core::invariants::{Essence, abort_has_ended, essence, is_at_rest};
use tidegate_ops::operations::{ContainerImage, PromoteOptions};
use tidegate_sim::{Fault, Options, Pace, Routing, World, run};

const AT: (&str, &str) = ("default", "web");

/// A Rollout and what it needs; how its life goes is the same for all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    BlueGreen,
    Routed,
    Confirmed,
    Workload,
}

impl Kind {
    fn objects(self) -> String {
        let file = match self {
            Self::BlueGreen => include_str!("../../../scenarios/blue-green/web.yaml").to_owned(),
            Self::Routed | Self::Confirmed => include_str!("../../../scenarios/routed/web.yaml").to_owned(),
            Self::Workload => [
                include_str!("../../../scenarios/workload/deployment.yaml"),
                include_str!("../../../scenarios/workload/progressively.yaml"),
            ]
            .join("---\n"),
        };
        file.replace("stableIngress: web", "stableIngress: web\n      abortScaleDownDelaySeconds: 5")
    }

    fn options(self) -> Options {
        let confirmation = (self == Self::Confirmed).then_some(Duration::from_secs(3));
        Options { routing: Some(Routing { confirmation, ..Routing::default() }), ..Options::default() }
    }
}

/// Starts a new controller where the last one has crashed.
fn revive(world: &mut World) {
    if world.gate().is_none_or(|gate| gate.is_closed()) {
        world.start_controller();
    }
}

async fn until(world: &mut World, what: &str, reached: impl Fn(&Value) -> bool) {
    for _ in 0..3000 {
        world.pass(Duration::from_millis(100)).await;
        revive(world);
        let rollout = world.server.get("rollouts.argoproj.io", AT.0, AT.1);
        let is_observed = |rollout: &Value| {
            rollout["status"]["observedGeneration"] == rollout["metadata"]["generation"].to_string().as_str()
        };
        if rollout.is_some_and(|rollout| is_observed(&rollout) && reached(&rollout)) {
            return;
        }
    }
    panic!("never {what}: {}", world.summary(AT.0, AT.1));
}

async fn image(world: &mut World, colour: &str) {
    let before = world.server.get("rollouts.argoproj.io", AT.0, AT.1).unwrap();
    let image = format!("demo:{colour}");
    world.set_image(AT.0, AT.1, &[ContainerImage { container: "web", image: &image }]).await.unwrap();
    let hash = before["status"]["currentPodHash"].clone();
    until(world, "updated", |rollout| rollout["status"]["currentPodHash"] != hash).await;
}

async fn paused(world: &mut World) {
    until(world, "paused", |rollout| rollout["status"]["phase"] == "Paused").await;
}

async fn healthy(world: &mut World) {
    until(world, "healthy", |rollout| rollout["status"]["phase"] == "Healthy").await;
}

async fn rest(world: &mut World) {
    for _ in 0..3 {
        assert!(
            world.come_to_rest(Duration::from_secs(3600)).await,
            "never at rest: {}",
            world.summary(AT.0, AT.1)
        );
        revive(world);
    }
}

/// Deployed, updated, promoted, updated, aborted, tried again, promoted in full, taken back while the old version is still up.
async fn live(world: &mut World, kind: Kind) {
    world.apply(AT.0, &kind.objects()).await.unwrap();
    healthy(world).await;
    image(world, "yellow").await;
    paused(world).await;
    let full = PromoteOptions { full: true, ..PromoteOptions::default() };
    world.promote(AT.0, AT.1, PromoteOptions::default()).await.unwrap();
    world.pass(Duration::from_secs(5)).await;
    revive(world);
    world.promote(AT.0, AT.1, full).await.unwrap();
    healthy(world).await;
    image(world, "red").await;
    paused(world).await;
    world.abort(AT.0, AT.1).await.unwrap();
    until(world, "aborted", |rollout| rollout["status"]["phase"] == "Degraded").await;
    rest(world).await;
    assert_eq!(abort_has_ended(&world.inspector.observation(AT.0, AT.1).unwrap()), None);
    world.retry(AT.0, AT.1).await.unwrap();
    paused(world).await;
    world.promote(AT.0, AT.1, full).await.unwrap();
    until(world, "promoted", |rollout| rollout["status"]["stableRS"] == rollout["status"]["currentPodHash"])
        .await;
    image(world, "yellow").await;
    world.pass(Duration::from_secs(5)).await;
    revive(world);
    world.promote(AT.0, AT.1, full).await.unwrap();
    healthy(world).await;
}

async fn judge(world: &mut World) -> Essence {
    // Watches that were silent speak again.
    world.pass(Duration::from_secs(30)).await;
    rest(world).await;
    let violations = world.inspector.violations();
    assert!(violations.is_empty(), "{violations:?}");
    let plan = world.second_plan(AT.0, AT.1).await.expect("the controller knows it");
    assert_eq!(is_at_rest(&plan, &world.inspector.observation(AT.0, AT.1).unwrap()), None);
    let before = world.controller_writes();
    world.pass(Duration::from_secs(86_400)).await;
    assert_eq!(world.controller_writes(), before, "writes in a day at rest");
    essence(&world.inspector.observation(AT.0, AT.1).unwrap())
}

/// What the world has come to, and how many writes it took.
fn play(kind: Kind, disturb: impl FnOnce(&World)) -> (Essence, u64) {
    run(Pace::Virtual, kind.options(), |mut world| async move {
        world.prepare().await;
        disturb(&world);
        live(&mut world, kind).await;
        let essence = judge(&mut world).await;
        assert!(world.faults.is_spent(), "the fault never struck");
        (essence, world.controller_writes())
    })
}

/// Before each odd write, after each even one: what lies between two writes is met once.
fn crash_everywhere(kind: Kind) {
    let (expected, writes) = play(kind, |_| {});
    assert!(writes > 30, "a run worth disturbing: {writes} writes");
    for n in 1..=writes {
        let (end, _) = play(kind, |world| {
            let gate = world.gate().unwrap();
            if n % 2 == 1 { gate.close_before_write(n) } else { gate.close_after_write(n) }
        });
        assert_eq!(end, expected, "{kind:?}: crash at write {n}");
    }
}

/// Each fault at every third write, so that neighbours meet different ones.
fn strike_everywhere(kind: Kind) {
    let (expected, writes) = play(kind, |_| {});
    let stale = Fault::StaleStore(Duration::from_secs(3));
    let faults = [Fault::Conflict, Fault::AlreadyExists, Fault::TimeoutAfter, Fault::ServerError, stale];
    for (first, fault) in (1..).zip(faults) {
        for n in (1 + first % 3..=writes).step_by(3) {
            let (end, _) = play(kind, |world| world.faults.arm(n, fault));
            assert_eq!(end, expected, "{kind:?}: {fault:?} at write {n}");
        }
    }
}

#[test]
fn a_crash_at_any_write_of_blue_green_leads_to_the_same_end() {
    crash_everywhere(Kind::BlueGreen);
}

#[test]
fn a_crash_at_any_write_of_a_routed_canary_leads_to_the_same_end() {
    crash_everywhere(Kind::Routed);
    crash_everywhere(Kind::Confirmed);
}

#[test]
fn a_crash_at_any_write_of_a_workload_leads_to_the_same_end() {
    crash_everywhere(Kind::Workload);
}

#[test]
fn a_fault_at_any_write_of_blue_green_leads_to_the_same_end() {
    strike_everywhere(Kind::BlueGreen);
}

#[test]
fn a_fault_at_any_write_of_a_routed_canary_leads_to_the_same_end() {
    strike_everywhere(Kind::Routed);
    strike_everywhere(Kind::Confirmed);
}

#[test]
fn a_fault_at_any_write_of_a_workload_leads_to_the_same_end() {
    strike_everywhere(Kind::Workload);
}

/// The commands that this file gives are refused where they make no sense: a run that skips them would prove little.
#[test]
fn the_undisturbed_runs_are_what_they_say() {
    for kind in [Kind::BlueGreen, Kind::Routed, Kind::Workload] {
        run(Pace::Virtual, kind.options(), |mut world| async move {
            world.prepare().await;
            live(&mut world, kind).await;
            let reasons: Vec<String> =
                world.events(AT.0, AT.1).into_iter().map(|(_, reason, ..)| reason).collect();
            for reason in ["RolloutPaused", "RolloutResumed", "RolloutAborted", "RolloutCompleted"] {
                assert!(reasons.iter().any(|it| it == reason), "{kind:?}: {reason} in {reasons:?}");
            }
            let rollout = world.server.get("rollouts.argoproj.io", AT.0, AT.1).unwrap();
            assert_eq!(rollout["status"]["phase"], json!("Healthy"));
        });
    }
}
