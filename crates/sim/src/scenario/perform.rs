//! Carries out what users, nodes and machines do in a scenario; waiting is [`super::wait`]'s.

use std::borrow::Cow;
use std::path::PathBuf;
use std::time::Duration;

use serde_json::{Map, Value, json};
use tidegate_api::labels;
use tidegate_kubesim::{PodState, Stage};
use tidegate_ops::operations::ContainerImage;

use super::command::{Action, Change, Command, CommandError, Fate, MachineEvent, Manifest};
use super::look;
use super::rest::check_rest;
use crate::user::UserError;
use crate::view::plain;
use crate::world::{LONG, World};

/// Where commands are given.
#[derive(Clone, Debug)]
pub struct Context {
    /// The namespace of commands that name none.
    pub namespace: String,
    /// Where paths of files begin.
    pub folder: PathBuf,
}

/// What a user was shown: output, or a refusal.
pub type Shown = Result<String, UserError>;

/// Carries out a command that does not wait; `None`: it is one that waits.
///
/// # Errors
/// When a file cannot be read.
pub async fn perform(
    world: &mut World,
    command: &Command,
    context: &Context,
) -> Result<Option<Shown>, CommandError> {
    let namespace = command.namespace.as_deref().unwrap_or(&context.namespace);
    Ok(Some(match &command.action {
        Action::Wait(_) | Action::Attend(_) | Action::WaitUntil(_) => return Ok(None),
        Action::Apply { manifest } => world.apply(namespace, &text(manifest, context)?).await,
        Action::Replace { manifest } => world.replace(namespace, &text(manifest, context)?).await,
        Action::Delete { kind, name, orphan } => world.delete(namespace, kind, name, *orphan).await,
        Action::PatchObject { kind, name, patch } => world.patch_object(namespace, (kind, name), patch).await,
        Action::Events => Ok(look::new_events(world, namespace)),
        Action::Member { kind, name, pointer } => world.member(namespace, (kind, name), pointer).await,
        Action::Pods { label } => Ok(look::pods(world, namespace, label)),
        Action::Rollout { name, change } => on_rollout(world, (namespace, name), change).await,
        Action::Traffic => Ok(look::traffic(world, namespace)),
        Action::Machine(MachineEvent::StartAnew) => {
            start_anew(world).await?;
            Ok(String::new())
        }
        Action::Machine(MachineEvent::ComeToRest) => {
            let broken = check_rest(world, LONG).await.err();
            return broken
                .map_or(Ok(Some(Ok(String::new()))), |it| Err(CommandError::LeftUndone(it.to_string())));
        }
        Action::Machine(event) => {
            on_machines(world, namespace, event).await;
            Ok(String::new())
        }
    }))
}

fn text<'a>(manifest: &'a Manifest, context: &Context) -> Result<Cow<'a, str>, CommandError> {
    match manifest {
        Manifest::Text(text) => Ok(Cow::Borrowed(text)),
        Manifest::File(path) => {
            let read = std::fs::read_to_string(context.folder.join(path));
            let read = read.map_err(|source| CommandError::File { path: path.clone(), source });
            read.map(Cow::Owned)
        }
    }
}

/// On how many nodes pods are spread, by their names.
const NODES: usize = 3;

/// Deletes what may be gone already.
async fn lose(world: &World, namespace: &str, kind: &str, object: &Value) {
    if let Some(name) = object["metadata"]["name"].as_str() {
        drop(world.delete(namespace, kind, name, false).await);
    }
}

fn nth(mut objects: Vec<Value>, n: usize) -> Option<Value> {
    n.checked_rem(objects.len()).map(|index| objects.swap_remove(index))
}

/// Gives a ReplicaSet other labels than those that its Rollout selects by.
async fn relabel(world: &World, namespace: &str, replica_set: &Value) {
    let labels = replica_set["spec"]["selector"]["matchLabels"].as_object();
    let of_rollout = labels.into_iter().flatten().filter(|(key, _)| *key != labels::POD_TEMPLATE_HASH);
    let stray: Map<String, Value> = of_rollout.map(|(key, _)| (key.clone(), json!("stray"))).collect();
    let name = replica_set["metadata"]["name"].as_str().unwrap_or_default();
    let patch = json!({"metadata": {"labels": stray}});
    // It may be gone by now.
    drop(world.patch_object(namespace, ("replicaset", name), &patch).await);
}

/// How long a controller may take to come to rest.
const REST: Duration = Duration::from_secs(3_600);

/// Longer than anything lasts that ends by itself.
const TIMERS: Duration = Duration::from_secs(120);

/// Whatever a lost event, a forgotten timer or a stale store has kept a controller from, the next one does at its start.
async fn start_anew(world: &mut World) -> Result<(), CommandError> {
    let is_judged = world.gate().is_some();
    if is_judged {
        let mut rests = world.come_to_rest(REST).await;
        // Also what nobody has set a timer for is due by then.
        world.pass(TIMERS).await;
        rests &= world.come_to_rest(REST).await;
        if !rests {
            let text = "the world does not come to rest within an hour";
            return Err(CommandError::LeftUndone(text.to_owned()));
        }
    }
    let lines = world.inspector.trace().len();
    let before = world.controller_writes();
    world.start_controller();
    if !is_judged {
        return Ok(());
    }
    world.settle(REST).await;
    let writes = world.controller_writes() - before;
    if writes == 0 {
        return Ok(());
    }
    let first = world.inspector.trace().into_iter().skip(lines).collect::<Vec<_>>().join("; ");
    let first: String = first.chars().take(400).collect();
    Err(CommandError::LeftUndone(format!(
        "a controller that starts anew makes {writes} writes that the one before it had left undone: {first}"
    )))
}

async fn on_machines(world: &mut World, namespace: &str, event: &MachineEvent) {
    match event {
        MachineEvent::CrashAtWrite { n, side } => world.crash_at_write(*n, *side),
        MachineEvent::Twin(time) => world.start_twin(*time),
        MachineEvent::ClusterClock(offset) => world.set_clock_of_cluster(*offset),
        MachineEvent::ControllerClock(offset) => world.set_clock_of_controller(*offset),
        MachineEvent::ServerAway(time) => world.restart_server(*time),
        MachineEvent::Fault { n, fault } => world.faults.arm(*n, *fault),
        MachineEvent::Faults(rates) => world.faults.set_rates(rates.clone()),
        MachineEvent::CalmMachines => world.calm(),
        MachineEvent::Calm => {
            world.calm();
            world.server.update_kubelet(|kubelet| kubelet.rules.clear());
        }
        MachineEvent::LoseNode(n) => {
            world.note("node lost");
            for pod in world.objects("pods", namespace) {
                let name = pod["metadata"]["name"].as_str().unwrap_or_default();
                if name.bytes().map(usize::from).sum::<usize>() % NODES == n % NODES {
                    lose(world, namespace, "pod", &pod).await;
                }
            }
        }
        MachineEvent::LoseReplicaSet(n) => {
            if let Some(replica_set) = nth(world.objects("replicasets.apps", namespace), *n) {
                world.note("replicaset lost");
                lose(world, namespace, "replicaset", &replica_set).await;
            }
        }
        MachineEvent::Relabel(n) => {
            let mut idle = world.objects("replicasets.apps", namespace);
            idle.retain(|it| {
                it["spec"]["replicas"] == 0 && it["status"]["replicas"].as_i64().unwrap_or(0) == 0
            });
            if let Some(replica_set) = nth(idle, *n) {
                relabel(world, namespace, &replica_set).await;
            }
        }
        MachineEvent::Crash => world.crash_controller(),
        MachineEvent::Start | MachineEvent::StartAnew | MachineEvent::ComeToRest => world.start_controller(),
        MachineEvent::Silence(time) => {
            world.note("silence");
            world.faults.silence_watches(*time);
        }
        MachineEvent::Lose { image } => {
            let pods = world.objects("pods", namespace);
            let is_of_image = |pod: &&Value| {
                pod["spec"]["containers"][0]["image"].as_str().is_some_and(|it| it.contains(image))
                    && pod["metadata"]["deletionTimestamp"].is_null()
            };
            if let Some(pod) = pods.iter().find(is_of_image) {
                world.note("pod lost");
                lose(world, namespace, "pod", pod).await;
            }
        }
        MachineEvent::Pods { image, fate } => world.server.update_kubelet(|kubelet| match fate {
            Fate::Start => kubelet.rules.retain(|rule| rule.image != *image),
            Fate::StartAfter(after) => {
                kubelet.set_image(image, vec![Stage { after: *after, state: PodState::Ready }]);
            }
            Fate::FailAfter(after) => {
                let mut stages = kubelet.stages.clone();
                stages.push(Stage { after: *after, state: PodState::Unready });
                kubelet.set_image(image, stages);
            }
            Fate::NeverReady => kubelet.set_image(image, Vec::new()),
            Fate::Crash => {
                let after = Duration::from_millis(300);
                kubelet.set_image(image, vec![Stage { after, state: PodState::Crashed }]);
            }
        }),
    }
}

async fn on_rollout(world: &World, (namespace, name): (&str, &str), change: &Change) -> Shown {
    match change {
        Change::Show => Ok(match world.tree(namespace, name) {
            Some(lines) => plain(&lines),
            None => format!("Error: rollout.argoproj.io \"{name}\" not found"),
        }),
        Change::Scale(replicas) => world.scale(namespace, name, *replicas).await,
        Change::Patch { patch, status } => world.patch(namespace, name, patch, *status).await,
        Change::SetImage(images) => {
            let images: Vec<_> =
                images.iter().map(|(container, image)| ContainerImage { container, image }).collect();
            world.set_image(namespace, name, &images).await
        }
        Change::Promote(options) => world.promote(namespace, name, *options).await,
        Change::Abort => world.abort(namespace, name).await,
        Change::Retry => world.retry(namespace, name).await,
        Change::Restart(delay) => world.restart(namespace, name, delay).await,
        Change::Pause => world.pause(namespace, name).await,
        Change::Undo(revision) => world.undo(namespace, name, *revision).await,
    }
}
