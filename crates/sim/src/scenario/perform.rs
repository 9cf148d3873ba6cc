//! Carries out what users, nodes and machines do in a scenario; waiting is [`super::wait`]'s.

use std::path::PathBuf;
use std::time::Duration;

use serde_json::Value;
use tidegate_kubesim::{PodState, Stage};
use tidegate_ops::operations::ContainerImage;

use super::command::{Action, Change, Command, CommandError, Fate, MachineEvent};
use super::look;
use crate::user::UserError;
use crate::view::plain;
use crate::world::World;

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
        Action::Wait(_) | Action::WaitUntil(_) => return Ok(None),
        Action::Apply { file } => {
            let manifest = std::fs::read_to_string(context.folder.join(file))
                .map_err(|source| CommandError::File { path: file.clone(), source })?;
            world.apply(namespace, &manifest).await
        }
        Action::Delete { kind, name, orphan } => world.delete(namespace, kind, name, *orphan).await,
        Action::PatchObject { kind, name, patch } => world.patch_object(namespace, (kind, name), patch).await,
        Action::Events => Ok(look::new_events(world, namespace)),
        Action::Member { kind, name, pointer } => world.member(namespace, (kind, name), pointer).await,
        Action::Pods { label } => Ok(look::pods(world, namespace, label)),
        Action::Rollout { name, change } => on_rollout(world, (namespace, name), change).await,
        Action::Traffic => Ok(look::traffic(world, namespace)),
        Action::Machine(event) => {
            on_machines(world, namespace, event).await;
            Ok(String::new())
        }
    }))
}

async fn on_machines(world: &mut World, namespace: &str, event: &MachineEvent) {
    match event {
        MachineEvent::Crash => world.crash_controller(),
        MachineEvent::Start => world.start_controller(),
        MachineEvent::Silence(time) => world.faults.silence_watches(*time),
        MachineEvent::Lose { image } => {
            let pods = world.objects("pods", namespace);
            let is_of_image = |pod: &&Value| {
                pod["spec"]["containers"][0]["image"].as_str().is_some_and(|it| it.contains(image))
                    && pod["metadata"]["deletionTimestamp"].is_null()
            };
            if let Some(name) = pods.iter().find(is_of_image).and_then(|pod| pod["metadata"]["name"].as_str())
            {
                // The pod is there, so the answer says nothing.
                drop(world.delete(namespace, "pod", name, false).await);
            }
        }
        MachineEvent::Pods { image, fate } => world.server.update_kubelet(|kubelet| match fate {
            Fate::Start => kubelet.rules.retain(|rule| rule.image != *image),
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
