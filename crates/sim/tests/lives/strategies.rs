//! Lives with Services, routes, blue-green, restarts, workloads and changes of strategy.

use std::time::Duration;

use serde_json::{Value, json};
use tidegate_api::rollout::Phase;
use tidegate_ops::operations::{ContainerImage, PromoteOptions};
use tidegate_sim::{Options, Pace, Routing, World, run};

use super::{Dice, colour, disturb, has_come_to_rest, kill_one, limits, misbehave, one_of, reaction};

const AT: (&str, &str) = ("default", "web");

fn template(image: &str) -> Value {
    json!({"metadata": {"labels": {"app": "web"}},
        "spec": {"containers": [{"name": "web", "image": format!("demo:{image}")}]}})
}

fn services() -> String {
    let service = |name: &str| {
        json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": name},
            "spec": {"selector": {"app": "web"}, "ports": [{"port": 80}]}})
    };
    format!("{}\n---\n{}", service("main"), service("next"))
}

/// Every member is there, be it as null: a patch leaves nothing of the strategy before.
fn blue_green(dice: &mut Dice) -> Value {
    let delays = [Value::Null, json!(0), json!(5), json!(20)];
    json!({
        "activeService": "main",
        "previewService": one_of(dice, &[json!("next"), Value::Null]),
        "previewReplicaCount": one_of(dice, &[Value::Null, json!(1), json!(2)]),
        "autoPromotionEnabled": one_of(dice, &[Value::Null, json!(true), json!(false)]),
        "autoPromotionSeconds": one_of(dice, &[Value::Null, json!(3), json!(30)]),
        "scaleDownDelaySeconds": one_of(dice, &delays),
        "abortScaleDownDelaySeconds": one_of(dice, &delays),
        "scaleDownDelayRevisionLimit": one_of(dice, &[Value::Null, json!(0), json!(1)]),
        "maxUnavailable": one_of(dice, &[Value::Null, json!(0), json!("50%")]),
        "activeMetadata": one_of(dice, &[Value::Null, json!({"labels": {"role": "active"}})]),
        "previewMetadata": one_of(dice, &[Value::Null, json!({"labels": {"role": "preview"}})]),
        "antiAffinity": one_of(dice, &[Value::Null, json!({"requiredDuringSchedulingIgnoredDuringExecution": {}})]),
    })
}

fn canary(dice: &mut Dice) -> Value {
    let delays = [Value::Null, json!(0), json!(5), json!(20)];
    let is_routed = dice.roll(3) > 0;
    let is_dynamic = is_routed && dice.roll(3) == 0;
    let has_services = is_routed || dice.roll(2) == 0;
    let (surge, unavailable) = limits(dice);
    let service = |name: &str| if has_services { json!(name) } else { Value::Null };
    let only_routed = |value: Value| if is_routed { value } else { Value::Null };
    json!({
        "stableService": service("main"),
        "canaryService": service("next"),
        "trafficRouting": only_routed(json!({"nginx": {"stableIngress": "web"}})),
        "steps": steps(dice, is_routed),
        "maxSurge": surge,
        "maxUnavailable": unavailable,
        "dynamicStableScale": is_dynamic,
        "minPodsPerReplicaSet": only_routed(one_of(dice, &[Value::Null, json!(2)])),
        "abortScaleDownDelaySeconds": only_routed(one_of(dice, &delays)),
        "scaleDownDelaySeconds": if is_dynamic { Value::Null } else { only_routed(one_of(dice, &delays)) },
        "canaryMetadata": one_of(dice, &[Value::Null, json!({"labels": {"role": "canary"}})]),
        "stableMetadata": one_of(dice, &[Value::Null, json!({"labels": {"role": "stable"}})]),
        "antiAffinity": one_of(dice, &[Value::Null,
            json!({"preferredDuringSchedulingIgnoredDuringExecution": {"weight": 5}})]),
    })
}

fn steps(dice: &mut Dice, is_routed: bool) -> Value {
    let step = |dice: &mut Dice| match dice.roll(7) {
        0 | 1 => json!({"pause": {}}),
        2 => json!({"pause": {"duration": dice.roll(20)}}),
        3 if is_routed => json!({"setCanaryScale": {"replicas": dice.roll(6)}}),
        4 if is_routed => json!({"setCanaryScale": {"weight": dice.roll(101)}}),
        5 if is_routed => json!({"setCanaryScale": {"matchTrafficWeight": true}}),
        _ => json!({"setWeight": dice.roll(101)}),
    };
    (0..dice.roll(6)).map(|_| step(dice)).collect()
}

fn strategy(dice: &mut Dice) -> Value {
    if dice.roll(2) == 0 {
        json!({"blueGreen": blue_green(dice), "canary": null})
    } else {
        json!({"canary": canary(dice), "blueGreen": null})
    }
}

/// A Rollout and what it refers to. With a workload the template is the Deployment's.
fn objects(dice: &mut Dice) -> String {
    let mut rollout = json!({
        "apiVersion": "argoproj.io/v1alpha1", "kind": "Rollout", "metadata": {"name": "web"},
        "spec": {"replicas": 1 + dice.roll(6), "revisionHistoryLimit": 1 + dice.roll(3), "strategy": strategy(dice)},
    });
    let selector = json!({"matchLabels": {"app": "web"}});
    if dice.roll(4) > 0 {
        rollout["spec"]["selector"] = selector;
        rollout["spec"]["template"] = template("blue");
        return rollout.to_string();
    }
    let scale_down = one_of(dice, &["never", "onsuccess", "progressively"]);
    rollout["spec"]["workloadRef"] =
        json!({"apiVersion": "apps/v1", "kind": "Deployment", "name": "base", "scaleDown": scale_down});
    let deployment = json!({
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "base"},
        "spec": {"replicas": dice.roll(5), "selector": selector, "template": template("blue")},
    });
    format!("{deployment}\n---\n{rollout}")
}

async fn image(world: &World, dice: &mut Dice) {
    let image = format!("demo:{}", colour(dice));
    // A Deployment that is gone has no image to set.
    drop(world.set_image(AT.0, AT.1, &[ContainerImage { container: "web", image: &image }]).await);
}

async fn edit(world: &World, dice: &mut Dice) {
    let spec = match dice.roll(7) {
        0 | 1 => json!({"strategy": strategy(dice)}),
        2 => json!({"paused": dice.roll(2) == 0}),
        3 => json!({"rollbackWindow": {"revisions": dice.roll(3)}}),
        4 => {
            json!({"progressDeadlineSeconds": 5 + dice.roll(30), "progressDeadlineAbort": dice.roll(2) == 0})
        }
        _ => json!({"replicas": dice.roll(8)}),
    };
    world.patch(AT.0, AT.1, &json!({"spec": spec}), false).await.unwrap();
}

async fn act(world: &mut World, dice: &mut Dice) {
    let full = PromoteOptions { full: true, ..PromoteOptions::default() };
    // A refusal is an answer too: what cannot be promoted is not promoted.
    match dice.roll(20) {
        0..=2 => drop(world.promote(AT.0, AT.1, PromoteOptions::default()).await),
        3 => drop(world.promote(AT.0, AT.1, full).await),
        4 => drop(world.abort(AT.0, AT.1).await),
        5 => drop(world.retry(AT.0, AT.1).await),
        6 => drop(world.undo(AT.0, AT.1, 0).await),
        7 => world.start_controller(),
        8 => disturb(world, dice),
        9 => misbehave(world, dice),
        10 => kill_one(world, AT.0, ("pods", "pod"), dice).await,
        11 => kill_one(world, AT.0, ("replicasets.apps", "replicaset"), dice).await,
        12 => drop(world.restart(AT.0, AT.1, one_of(dice, &["", "10s"])).await),
        13 => kill_one(world, AT.0, ("services", "service"), dice).await,
        14 => drop(world.apply(AT.0, &services()).await),
        15..=16 => edit(world, dice).await,
        _ => image(world, dice).await,
    }
}

/// One life, from its seed.
pub(crate) fn live(seed: u64) {
    let mut dice = Dice(seed.wrapping_mul(31));
    let seconds = |seconds| Some(Duration::from_secs(seconds));
    let routing = Routing {
        confirmation: one_of(&mut dice, &[None, seconds(2), seconds(15)]),
        refusal: one_of(&mut dice, &[None, Some(3)]),
    };
    let options =
        Options { seed, reaction: reaction(&mut dice), routing: Some(routing), ..Options::default() };
    run(Pace::Virtual, options, |mut world| async move {
        world.prepare().await;
        world.apply(AT.0, &services()).await.unwrap();
        world.apply(AT.0, &objects(&mut dice)).await.unwrap();
        for _ in 0..(10 + dice.roll(30)) {
            world.pass(Duration::from_millis(dice.roll(4) * dice.roll(4_000))).await;
            act(&mut world, &mut dice).await;
            println!("{} {}", world.now(), world.summary(AT.0, AT.1));
        }
        world.server.update_kubelet(|kubelet| kubelet.rules.clear());
        world.pass(Duration::from_secs(60)).await;
        has_come_to_rest(&mut world, AT).await;
        end_well(&mut world, &mut dice).await;
    });
}

/// Whatever it waits for is given to it: then it must get there.
async fn end_well(world: &mut World, dice: &mut Dice) {
    let automatic = json!({"autoPromotionEnabled": true, "autoPromotionSeconds": null});
    let without_pauses = json!({"steps": [{"setWeight": 50}]});
    world.apply(AT.0, &services()).await.unwrap();
    let mut strategy = strategy(dice);
    for (kind, more) in [("blueGreen", automatic), ("canary", without_pauses)] {
        if let Some(members) = strategy[kind].as_object_mut() {
            members.extend(more.as_object().unwrap().clone());
        }
    }
    let calm = json!({"spec": {"paused": false, "replicas": 4, "strategy": strategy}});
    world.patch(AT.0, AT.1, &calm, false).await.unwrap();
    world.pass(Duration::from_secs(5)).await;
    world.retry(AT.0, AT.1).await.unwrap();
    world.pass(Duration::from_secs(120)).await;
    has_come_to_rest(world, AT).await;
    let end = world.inspector.observation(AT.0, AT.1).unwrap();
    let summary = world.summary(AT.0, AT.1);
    let status = &end.rollout.status;
    assert_eq!(status.phase, Some(Phase::Healthy), "{summary}");
    assert_eq!(status.stable_rs, status.current_pod_hash, "{summary}");
    assert_eq!(end.ready.values().sum::<i32>(), 4, "{summary}");
    for pin in end.pins() {
        assert_eq!(pin.hash, status.stable_rs, "{summary}: {pin:?}");
    }
    for (service, endpoints) in &end.endpoints {
        assert!(*endpoints >= 4, "{summary}: Service {service} has {endpoints} endpoints");
    }
}
