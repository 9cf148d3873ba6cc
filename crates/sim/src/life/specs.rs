//! Random Rollouts, and what they refer to.

use serde_json::{Value, json};

use crate::dice::Dice;

/// A Rollout of a life: what stays as long as it lives.
#[derive(Clone, Debug)]
pub(super) struct Subject {
    pub(super) name: &'static str,
    /// The Service that carries production traffic; in a dispute the same for several.
    pub(super) main: String,
    /// The kind of the object that lends it its pod template.
    pub(super) lender: Option<&'static str>,
    /// Pods that its disruption budget lets go at a time.
    pub(super) budget: Option<u64>,
    /// As first applied.
    pub(super) object: Value,
}

/// The objects of a life.
#[derive(Clone, Debug)]
pub(super) struct Site {
    pub(super) subjects: Vec<Subject>,
    /// Whether two Rollouts name the same Service.
    pub(super) is_disputed: bool,
}

/// Images of the versions that there are.
pub(super) const COLOURS: [&str; 4] = ["blue", "yellow", "red", "green"];
/// The Service of a dispute: it selects the pods of all.
pub(super) const SHARED: &str = "shared";

impl Site {
    pub(super) fn new(dice: &mut Dice) -> Self {
        let names = &["one", "two", "three", "four"][..3 + usize::from(dice.happens(1, 4))];
        let is_disputed = dice.happens(1, 3);
        let subjects = names.iter().enumerate().map(|(index, name)| {
            let is_party = is_disputed && index < 2;
            let main = if is_party { SHARED.to_owned() } else { format!("{name}-main") };
            subject(dice, name, main, index)
        });
        Self { subjects: subjects.collect(), is_disputed }
    }

    /// All objects as they are applied first.
    pub(super) fn objects(&self) -> Vec<Value> {
        let mut objects = self.services();
        for subject in &self.subjects {
            objects.extend(lender(subject));
            objects.extend(budget(subject));
            objects.push(subject.object.clone());
        }
        objects
    }

    /// All Services.
    pub(super) fn services(&self) -> Vec<Value> {
        let of_subject = |subject: &Subject| {
            let own =
                |suffix: &str| service(&format!("{}-{suffix}", subject.name), &json!({"app": subject.name}));
            [own("main"), own("next"), own("more")]
        };
        let mut services: Vec<Value> = self.subjects.iter().flat_map(of_subject).collect();
        if self.is_disputed {
            services.push(service(SHARED, &json!({"site": "shop"})));
        }
        services
    }
}

fn service(name: &str, selector: &Value) -> Value {
    json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": name},
        "spec": {"selector": selector, "ports": [{"port": 80}]}})
}

fn subject(dice: &mut Dice, name: &'static str, main: String, index: usize) -> Subject {
    // Of each four Rollouts one is blue-green and one a canary, whatever the dice say.
    let kind = match index {
        0 => Kind::BlueGreen,
        1 => Kind::Canary,
        _ => Kind::of(dice),
    };
    let kinds = ["Deployment", "Deployment", "PodTemplate", "ReplicaSet"];
    let lender = dice.happens(1, 5).then(|| dice.aside().one_of(&kinds));
    let mut spec = json!({
        "replicas": 1 + dice.roll(6),
        "revisionHistoryLimit": 1 + dice.roll(3),
        "strategy": strategy(dice, kind, (name, &main)),
    });
    if spec["replicas"] == 1
        && let Some(members) = spec.as_object_mut()
    {
        // Whoever means one may say nothing.
        members.remove("replicas");
    }
    if dice.happens(1, 4) {
        spec["minReadySeconds"] = json!(1 + dice.roll(4));
    }
    if dice.happens(1, 3) {
        spec["progressDeadlineSeconds"] = json!(8 + dice.roll(60));
        spec["progressDeadlineAbort"] = json!(dice.happens(1, 2));
    }
    if dice.happens(1, 4) {
        spec["rollbackWindow"] = json!({"revisions": 1 + dice.roll(3)});
    }
    if let Some(kind) = lender {
        let scale_down = dice.one_of(&["never", "onsuccess", "progressively"]);
        let version = version_of(kind);
        spec["workloadRef"] =
            json!({"apiVersion": version, "kind": kind, "name": base(name), "scaleDown": scale_down});
        if kind == "PodTemplate" {
            // It has none to lend.
            spec["selector"] = json!({"matchLabels": {"app": name}});
        }
    } else {
        spec["selector"] = json!({"matchLabels": {"app": name}});
        spec["template"] = template(name, "blue");
    }
    let object = json!({"apiVersion": "argoproj.io/v1alpha1", "kind": "Rollout", "metadata": {"name": name}, "spec": spec});
    let budget = dice.happens(1, 4).then(|| dice.roll(3));
    Subject { name, main, lender, budget, object }
}

/// Whoever evicts its pods must ask this first.
fn budget(subject: &Subject) -> Option<Value> {
    let name = subject.name;
    subject.budget.map(|count| {
        json!({"apiVersion": "policy/v1", "kind": "PodDisruptionBudget", "metadata": {"name": name},
            "spec": {"maxUnavailable": count, "selector": {"matchLabels": {"app": name}}}})
    })
}

fn base(name: &str) -> String {
    format!("{name}-base")
}

fn version_of(lender: &str) -> &'static str {
    if lender == "PodTemplate" { "v1" } else { "apps/v1" }
}

/// The object whose template a Rollout uses.
pub(super) fn lender(subject: &Subject) -> Option<Value> {
    let (name, kind) = (subject.name, subject.lender?);
    let template = template(name, "blue");
    let mut object = json!({"apiVersion": version_of(kind), "kind": kind, "metadata": {"name": base(name)}});
    if kind == "PodTemplate" {
        object["template"] = template;
    } else {
        // Nobody would scale a ReplicaSet down that lends its template.
        let replicas = if kind == "ReplicaSet" { 0 } else { 2 };
        object["spec"] =
            json!({"replicas": replicas, "selector": {"matchLabels": {"app": name}}, "template": template});
    }
    Some(object)
}

fn template(name: &str, image: &str) -> Value {
    json!({"metadata": {"labels": {"app": name, "site": "shop"}},
        "spec": {"containers": [{"name": "web", "image": format!("demo:{image}")}]}})
}

/// What moves the traffic.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    BlueGreen,
    Canary,
    Routed,
}

impl Kind {
    pub(super) fn of(dice: &mut Dice) -> Self {
        dice.one_of(&[Self::BlueGreen, Self::Canary, Self::Routed, Self::Routed])
    }
}

/// A strategy. Every member is there, be it as null: a patch with it leaves nothing of the one before.
pub(super) fn strategy(dice: &mut Dice, kind: Kind, of: (&str, &str)) -> Value {
    match kind {
        Kind::BlueGreen => json!({"blueGreen": blue_green(dice, of), "canary": null}),
        Kind::Canary => json!({"canary": canary(dice, false, of), "blueGreen": null}),
        Kind::Routed => json!({"canary": canary(dice, true, of), "blueGreen": null}),
    }
}

fn delay(dice: &mut Dice) -> Value {
    dice.one_of(&[Value::Null, json!(0), json!(5), json!(20)])
}

fn metadata(dice: &mut Dice, role: &str) -> Value {
    dice.one_of(&[Value::Null, json!({"labels": {"role": role}})])
}

fn blue_green(dice: &mut Dice, (name, main): (&str, &str)) -> Value {
    json!({
        "activeService": main,
        "previewService": dice.one_of(&[json!(format!("{name}-next")), Value::Null]),
        "previewReplicaCount": dice.one_of(&[Value::Null, json!(1), json!(2)]),
        "autoPromotionEnabled": dice.one_of(&[Value::Null, json!(true), json!(false)]),
        "autoPromotionSeconds": dice.one_of(&[Value::Null, json!(3), json!(30)]),
        "scaleDownDelaySeconds": delay(dice),
        "abortScaleDownDelaySeconds": delay(dice),
        "scaleDownDelayRevisionLimit": dice.one_of(&[Value::Null, json!(0), json!(1)]),
        "maxUnavailable": dice.one_of(&[Value::Null, json!(0), json!("50%")]),
        "activeMetadata": metadata(dice, "active"),
        "previewMetadata": metadata(dice, "preview"),
        "antiAffinity": dice.one_of(&[Value::Null, json!({"requiredDuringSchedulingIgnoredDuringExecution": {}})]),
    })
}

fn canary(dice: &mut Dice, is_routed: bool, (name, main): (&str, &str)) -> Value {
    let mut aside = dice.aside();
    let is_dynamic = is_routed && dice.happens(1, 3);
    let max_weight = if is_routed { dice.one_of(&[None, None, Some(20), Some(1_000)]) } else { None };
    let has_services = is_routed || dice.happens(1, 2);
    let (surge, unavailable) = limits(dice);
    let service = |name: String| if has_services { json!(name) } else { Value::Null };
    let only_routed = |value: Value| if is_routed { value } else { Value::Null };
    let takes_turns = is_routed && aside.happens(1, 5);
    // Without Services the route goes by versions.
    let by_version = is_routed && !takes_turns && aside.aside().happens(1, 8);
    let if_in_turns = |value: Value| if takes_turns { value } else { Value::Null };
    let if_fixed = |value: Value| if takes_turns || by_version { Value::Null } else { value };
    let plugins = json!({"example/mesh": {}});
    let own = |suffix: &str| format!("{name}-{suffix}");
    // Now and then others are named, or the same in other roles.
    let [main, next] = match aside.roll(10) {
        0 => [own("next"), main.to_owned()],
        1 => [own("more"), own("next")],
        2 => [own("next"), own("more")],
        3 => [main.to_owned(), own("more")],
        _ => [main.to_owned(), own("next")],
    };
    json!({
        "pingPong": if_in_turns(json!({"pingService": main, "pongService": next})),
        "stableService": if_fixed(service(main)),
        "canaryService": if_fixed(service(next)),
        "trafficRouting": only_routed(json!({
            "nginx": if_fixed(json!({"stableIngress": "web"})),
            "plugins": if takes_turns || by_version { plugins } else { Value::Null },
            "maxTrafficWeight": max_weight,
        })),
        "replicaProgressThreshold": threshold(&mut aside),
        "scaleDownDelayRevisionLimit": only_routed(aside.one_of(&[Value::Null, json!(0), json!(1)])),
        "steps": steps(dice, is_routed, max_weight.unwrap_or(100)),
        "maxSurge": surge,
        "maxUnavailable": unavailable,
        "dynamicStableScale": is_dynamic,
        "minPodsPerReplicaSet": only_routed(dice.one_of(&[Value::Null, json!(2)])),
        "abortScaleDownDelaySeconds": only_routed(delay(dice)),
        "scaleDownDelaySeconds": if is_dynamic { Value::Null } else { only_routed(delay(dice)) },
        "canaryMetadata": metadata(dice, "canary"),
        "stableMetadata": metadata(dice, "stable"),
        "antiAffinity": dice.one_of(&[Value::Null,
            json!({"preferredDuringSchedulingIgnoredDuringExecution": {"weight": 5}})]),
    })
}

/// From how many available pods on a step has enough.
fn threshold(dice: &mut Dice) -> Value {
    let some = json!({"type": dice.one_of(&["Percent", "Pods"]), "value": dice.one_of(&[1, 2, 50, 90])});
    if dice.happens(1, 5) { some } else { Value::Null }
}

pub(super) fn limits(dice: &mut Dice) -> (Value, Value) {
    dice.one_of(&[
        (json!(0), json!(1)),
        (json!(2), json!(0)),
        (json!("50%"), json!("50%")),
        (json!("100%"), json!(0)),
        (Value::Null, Value::Null),
    ])
}

fn steps(dice: &mut Dice, is_routed: bool, max_weight: u64) -> Value {
    let step = |dice: &mut Dice| match dice.roll(7) {
        0 | 1 => json!({"pause": {}}),
        2 => json!({"pause": {"duration": dice.roll(20)}}),
        3 if is_routed => json!({"setCanaryScale": {"replicas": dice.roll(6)}}),
        4 if is_routed => json!({"setCanaryScale": {"weight": dice.roll(max_weight.min(100) + 1)}}),
        5 if is_routed => json!({"setCanaryScale": {"matchTrafficWeight": true}}),
        _ => json!({"setWeight": dice.roll(max_weight + 1)}),
    };
    (0..dice.roll(6)).map(|_| step(dice)).collect()
}

/// The spec in which everything that a Rollout may wait for is given to it.
pub(super) fn calm(dice: &mut Dice, subject: &Subject) -> Value {
    let own = format!("{}-main", subject.name);
    let kind = Kind::of(dice);
    let mut strategy = strategy(dice, kind, (subject.name, &own));
    let automatic = json!({"autoPromotionEnabled": true, "autoPromotionSeconds": null});
    let max = strategy["canary"]["trafficRouting"]["maxTrafficWeight"].as_u64().unwrap_or(100);
    let without_pauses = json!({"steps": [{"setWeight": max / 2}]});
    for (kind, more) in [("blueGreen", automatic), ("canary", without_pauses)] {
        if let (Some(members), Some(more)) = (strategy[kind].as_object_mut(), more.as_object()) {
            members.extend(more.clone());
        }
    }
    let mut object = subject.object.clone();
    let spec = &mut object["spec"];
    let image = dice.one_of(&COLOURS);
    if subject.lender.is_none() {
        spec["template"] = template(subject.name, image);
    }
    for (member, value) in [
        ("paused", json!(false)),
        ("replicas", json!(4)),
        ("restartAt", Value::Null),
        ("progressDeadlineSeconds", Value::Null),
        ("progressDeadlineAbort", Value::Null),
        ("strategy", strategy),
    ] {
        spec[member] = value;
    }
    object
}
