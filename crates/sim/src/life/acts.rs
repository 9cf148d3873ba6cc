//! What happens in a life, one line of a script after the other.

use serde_json::{Value, json};

use super::specs::{COLOURS, Kind, Site, Subject, calm, lender, strategy};
use super::{machines, written};
use crate::dice::Dice;

/// Lines that people and things add to a life, by how often each comes.
type Act = fn(&mut Dice, &Site) -> Vec<String>;

const ACTS: [(u64, Act); 33] = [
    (12, image),
    (7, promote),
    (3, promote_full),
    (4, abort),
    (4, retry),
    (3, second_thoughts),
    (3, undo),
    (2, restart),
    (2, user_pause),
    (6, edit),
    (3, scale),
    (2, oscillation),
    (2, put_back),
    (2, deletion),
    (1, deleted_and_applied),
    (3, pods),
    (2, pod_lost),
    (2, |dice, _| machines::node_lost(dice)),
    (2, replica_set_lost),
    (1, replica_set_relabelled),
    (2, service_lost),
    (2, service_edited),
    (2, budget_edited),
    (2, |dice, _| machines::faults(dice)),
    (1, |dice, _| machines::fault(dice)),
    (2, |dice, _| machines::crash(dice)),
    (4, |dice, _| machines::crash_at_write(dice)),
    (2, |dice, _| machines::twin(dice)),
    (1, |dice, _| machines::clock(dice)),
    (1, |dice, _| machines::server_away(dice)),
    (1, |dice, _| machines::silence(dice)),
    (3, lost_in_silence),
    (1, invalid),
];

/// The acts of a life, with time between them.
pub(super) fn acts(dice: &mut Dice, site: &Site) -> Vec<String> {
    let mut lines = Vec::new();
    if dice.happens(2, 3) {
        lines.extend(machines::faults(dice));
    }
    lines.push("wait 4s".to_owned());
    let whole: u64 = ACTS.iter().map(|(weight, _)| weight).sum();
    for _ in 0..8 + dice.roll(20) {
        let mut left = dice.roll(whole);
        for (weight, act) in ACTS {
            match left.checked_sub(weight) {
                Some(rest) => left = rest,
                None => {
                    lines.extend(act(dice, site));
                    break;
                }
            }
        }
        let millis = dice.roll(4) * dice.roll(4_000);
        if millis > 0 {
            lines.push(format!("wait {millis}ms"));
        }
    }
    lines
}

/// Nothing goes wrong any more, and each Rollout is given what it may wait for: then all must get there.
pub(super) fn ending(dice: &mut Dice, site: &Site) -> Vec<String> {
    let mut lines = Vec::new();
    if dice.happens(1, 2) {
        // Whatever somebody still has to see to, the controller has come as far as it can.
        lines.extend(["calm machines", "wait 30s", "come to rest"].map(str::to_owned));
    }
    lines.extend(["calm", "wait 90s", "start anew"].map(str::to_owned));
    lines.extend(site.services().iter().map(applied));
    for subject in &site.subjects {
        lines.extend(lender(subject).iter().map(applied));
        lines.push(applied(&calm(dice, subject)));
    }
    lines.push("wait 5s".to_owned());
    lines.extend(site.subjects.iter().map(|subject| on(subject, "retry rollout")));
    lines.push("wait 120s".to_owned());
    lines.push("wait until all Healthy".to_owned());
    lines
}

fn applied(object: &Value) -> String {
    written("apply", object)
}

fn some<'a>(dice: &mut Dice, site: &'a Site) -> &'a Subject {
    let index = usize::try_from(dice.roll(site.subjects.len() as u64)).unwrap_or(0);
    &site.subjects[index]
}

fn on(subject: &Subject, command: &str) -> String {
    format!("kubectl argo rollouts {command} {}", subject.name)
}

fn patch(subject: &Subject, spec: &Value) -> Vec<String> {
    vec![format!("kubectl patch rollout {} -p '{}'", subject.name, json!({"spec": spec}))]
}

fn image(dice: &mut Dice, site: &Site) -> Vec<String> {
    let (subject, image) = (some(dice, site), dice.one_of(&COLOURS));
    vec![format!("{} web=demo:{image}", on(subject, "set image"))]
}

fn promote(dice: &mut Dice, site: &Site) -> Vec<String> {
    vec![on(some(dice, site), "promote")]
}

fn promote_full(dice: &mut Dice, site: &Site) -> Vec<String> {
    let option = dice.one_of(&["--full", "--full", "--skip-current-step", "--skip-all-steps"]);
    vec![format!("{} {option}", on(some(dice, site), "promote"))]
}

fn abort(dice: &mut Dice, site: &Site) -> Vec<String> {
    vec![on(some(dice, site), "abort")]
}

fn retry(dice: &mut Dice, site: &Site) -> Vec<String> {
    vec![on(some(dice, site), "retry rollout")]
}

/// An update is under way when its pods go and nobody tells us: what its timers lead to rests on old news.
fn lost_in_silence(dice: &mut Dice, site: &Site) -> Vec<String> {
    let mut lines = image(dice, site);
    lines.push(format!("wait {}ms", 800 + dice.roll(6_000)));
    lines.extend([format!("silence {}s", 5 + dice.roll(15)), format!("lose node {}", dice.roll(3))]);
    lines
}

/// Somebody who changes his mind faster than a request arrives.
fn second_thoughts(dice: &mut Dice, site: &Site) -> Vec<String> {
    let (subject, image) = (some(dice, site), dice.one_of(&COLOURS));
    let mut lines = vec![format!("fault late-write at write {}", 1 + dice.roll(6))];
    for _ in 0..2 + dice.roll(3) {
        let command = match dice.roll(6) {
            0 | 1 => on(subject, "abort"),
            2 => on(subject, "retry rollout"),
            3 => format!("{} --full", on(subject, "promote")),
            4 => on(subject, "undo"),
            _ => format!("{} web=demo:{image}", on(subject, "set image")),
        };
        lines.extend([command, format!("wait {}ms", 200 + dice.roll(3_000))]);
    }
    lines
}

fn undo(dice: &mut Dice, site: &Site) -> Vec<String> {
    vec![on(some(dice, site), "undo")]
}

fn restart(dice: &mut Dice, site: &Site) -> Vec<String> {
    vec![format!("{}{}", on(some(dice, site), "restart"), dice.one_of(&["", " --in 10s"]))]
}

fn user_pause(dice: &mut Dice, site: &Site) -> Vec<String> {
    let is_paused = dice.happens(1, 2);
    patch(some(dice, site), &json!({"paused": is_paused}))
}

fn edit(dice: &mut Dice, site: &Site) -> Vec<String> {
    let subject = some(dice, site);
    let spec = match dice.roll(6) {
        0..=2 => {
            let kind = Kind::of(dice);
            json!({"strategy": strategy(dice, kind, (subject.name, &subject.main))})
        }
        3 => json!({"rollbackWindow": dice.one_of(&[Value::Null, json!({"revisions": 2})])}),
        4 => json!({
            "progressDeadlineSeconds": 5 + dice.roll(30), "progressDeadlineAbort": dice.happens(1, 2),
        }),
        _ => json!({"minReadySeconds": dice.roll(4), "revisionHistoryLimit": dice.roll(3)}),
    };
    patch(subject, &spec)
}

fn invalid(dice: &mut Dice, site: &Site) -> Vec<String> {
    let subject = some(dice, site);
    let broken = json!({"strategy": {"canary": {"steps": [{"setWeight": 1_001}]}}});
    let mut lines = patch(subject, &broken);
    lines.push(format!("wait {}s", dice.roll(5)));
    lines.extend(patch(subject, &json!({"strategy": subject.object["spec"]["strategy"]})));
    lines
}

fn scaled(subject: &Subject, replicas: u64) -> String {
    format!("kubectl scale rollout {} --replicas {replicas}", subject.name)
}

fn scale(dice: &mut Dice, site: &Site) -> Vec<String> {
    let replicas = dice.roll(8);
    vec![scaled(some(dice, site), replicas)]
}

/// An autoscaler that cannot decide.
fn oscillation(dice: &mut Dice, site: &Site) -> Vec<String> {
    let subject = some(dice, site);
    let (low, high) = (1 + dice.roll(3), 4 + dice.roll(5));
    let millis = 200 + dice.roll(3_000);
    let round =
        [scaled(subject, low), format!("wait {millis}ms"), scaled(subject, high), format!("wait {millis}ms")];
    std::iter::repeat_n(round, 3).flatten().collect()
}

/// Whoever keeps a cluster as it stands in a repository: fields that others have set are gone.
fn put_back(dice: &mut Dice, site: &Site) -> Vec<String> {
    let subject = some(dice, site);
    let services = site.services();
    let own: Vec<&Value> = services
        .iter()
        .filter(|service| {
            let name = service["metadata"]["name"].as_str().unwrap_or_default();
            name == subject.main || name.starts_with(subject.name)
        })
        .collect();
    let objects = match dice.roll(3) {
        0 => own,
        1 => vec![&subject.object],
        _ => own.into_iter().chain([&subject.object]).collect(),
    };
    let round: Vec<String> = objects.iter().map(|object| written("replace", object)).collect();
    let pause = format!("wait {}ms", 100 + dice.roll(5_000));
    let times = usize::try_from(1 + dice.roll(3)).unwrap_or(1);
    std::iter::repeat_n(round.into_iter().chain([pause]).collect::<Vec<_>>(), times).flatten().collect()
}

fn deletion(dice: &mut Dice, site: &Site) -> Vec<String> {
    let subject = some(dice, site);
    let cascade = dice.one_of(&["", "", " --cascade=orphan"]);
    vec![format!("kubectl delete rollout {}{cascade}", subject.name)]
}

fn deleted_and_applied(dice: &mut Dice, site: &Site) -> Vec<String> {
    let mut lines = deletion(dice, site);
    let pause = dice.roll(3_000);
    if pause > 0 {
        lines.push(format!("wait {pause}ms"));
    }
    lines.extend(site.subjects.iter().map(|subject| applied(&subject.object)));
    lines
}

/// From now on pods of one image do something else.
fn pods(dice: &mut Dice, _: &Site) -> Vec<String> {
    let fate = dice.one_of(&["never ready", "crash", "fail after 4s", "start after 6s", "start", "start"]);
    vec![format!("pods of demo:{} {fate}", dice.one_of(&COLOURS))]
}

fn pod_lost(dice: &mut Dice, _: &Site) -> Vec<String> {
    vec![format!("lose a pod of demo:{}", dice.one_of(&COLOURS))]
}

fn replica_set_lost(dice: &mut Dice, _: &Site) -> Vec<String> {
    vec![format!("lose replicaset {}", dice.roll(12))]
}

fn replica_set_relabelled(dice: &mut Dice, _: &Site) -> Vec<String> {
    vec![format!("relabel replicaset {}", dice.roll(12))]
}

fn service_lost(dice: &mut Dice, site: &Site) -> Vec<String> {
    let subject = some(dice, site);
    let mut lines = vec![format!("kubectl delete svc {}", subject.main)];
    if dice.happens(3, 4) {
        lines.push(format!("wait {}ms", 1 + dice.roll(8_000)));
        lines.extend(site.services().iter().map(applied));
    }
    lines
}

/// Somebody takes the Service away from us: another selector, or another owner.
fn service_edited(dice: &mut Dice, site: &Site) -> Vec<String> {
    let subject = some(dice, site);
    let edits = [
        json!({"spec": {"selector": {"rollouts-pod-template-hash": null}}}),
        json!({"spec": {"selector": {"rollouts-pod-template-hash": "abc"}}}),
        json!({"metadata": {"annotations": {"argo-rollouts.argoproj.io/managed-by-rollouts": null}}}),
        json!({"metadata": {"labels": {"team": "blue"}}}),
    ];
    vec![format!("kubectl patch svc {} -p '{}'", subject.main, dice.one_of(&edits))]
}

/// Somebody lets more pods go at a time than before, or fewer; perhaps while they are being restarted.
fn budget_edited(dice: &mut Dice, site: &Site) -> Vec<String> {
    let bound: Vec<&Subject> = site.subjects.iter().filter(|subject| subject.budget.is_some()).collect();
    if bound.is_empty() {
        return Vec::new();
    }
    let subject = dice.one_of(&bound);
    let edit = |count: u64| {
        format!("kubectl patch pdb {} -p '{}'", subject.name, json!({"spec": {"maxUnavailable": count}}))
    };
    if dice.happens(1, 2) {
        return vec![edit(dice.roll(3))];
    }
    let pause = format!("wait {}ms", 1_000 + dice.roll(4_000));
    vec![edit(0), on(subject, "restart"), pause, edit(1)]
}
