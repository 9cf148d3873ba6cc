//! The commands of a scenario.
//!
//! | command | does |
//! | --- | --- |
//! | `kubectl apply -f FILE`, `kubectl delete KIND NAME [--cascade=orphan]`, `kubectl scale rollout NAME --replicas N`, `kubectl patch rollout NAME [--subresource=status] -p JSON`, `kubectl get events` | what they do in a cluster; `get events` prints the new ones |
//! | `kubectl argo rollouts get rollout\|set image\|promote\|abort\|retry rollout\|pause\|undo ...` | what the plugin does |
//! | `wait TIME`, `wait until WORDS` | lets time pass, or waits (at most an hour) until the one-line summary of a Rollout contains WORDS; prints each summary that comes by |
//! | `traffic` | which share of requests each version answers |
//! | `crash`, `start` | ends or starts the controller process |
//! | `pods of IMAGE never ready`, `pods of IMAGE start` | pods whose image contains IMAGE do not become ready, or do so again |
//! | `silence TIME` | watches deliver nothing for a while |

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use serde_json::Value;
use tidegate_ops::operations::{ContainerImage, PromoteOptions};

use crate::user::UserError;
use crate::view::plain;
use crate::world::World;

/// Namespace that scripts play in.
const NAMESPACE: &str = "default";

/// Why a command of a script cannot be carried out. What a user would see as an error is output, not this.
#[derive(Debug, thiserror::Error)]
pub enum CommandError {
    /// Not a command.
    #[error("no such command; see the list in tidegate_sim::scenario::command")]
    Unknown,
    /// A time that is none.
    #[error("`{0}` is no time; write 500ms, 5s, 2m or 1h")]
    Time(String),
    /// A file that cannot be read.
    #[error("{path}: {source}")]
    File {
        /// As written.
        path: String,
        /// Why not.
        source: std::io::Error,
    },
    /// A patch that is no JSON.
    #[error("the patch is no JSON: {0}")]
    Json(#[from] serde_json::Error),
    /// What was waited for did not come.
    #[error("waited an hour for `{wanted}`; it is `{summary}`")]
    Waited {
        /// The words.
        wanted: String,
        /// The summary at the end.
        summary: String,
    },
}

/// Carries out one command and returns what it printed.
pub(super) async fn execute(world: &mut World, line: &str, base: &Path) -> Result<String, CommandError> {
    let words = split(line);
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let outcome = match words.as_slice() {
        ["kubectl", "argo", "rollouts", command @ ..] => plugin(world, command).await?,
        ["kubectl", command @ ..] => kubectl(world, command, base).await?,
        ["wait", "until", wanted @ ..] => return wait_until(world, &wanted.join(" ")).await,
        ["wait", time] => return Ok(watch(world, duration(time)?).await),
        ["traffic"] => Ok(traffic(world)),
        ["crash"] => {
            world.crash_controller();
            Ok(String::new())
        }
        ["start"] => {
            world.start_controller();
            Ok(String::new())
        }
        ["silence", time] => {
            world.faults.silence_watches(duration(time)?);
            Ok(String::new())
        }
        ["pods", "of", image, fate @ ..] => Ok(pods(world, image, &fate.join(" "))?),
        _ => return Err(CommandError::Unknown),
    };
    Ok(outcome.unwrap_or_else(|error| format!("Error: {error}")))
}

type Shown = Result<String, UserError>;

async fn kubectl(world: &mut World, command: &[&str], base: &Path) -> Result<Shown, CommandError> {
    Ok(match command {
        ["apply", "-f", file] => {
            let path = base.join(file);
            let manifest = std::fs::read_to_string(&path)
                .map_err(|source| CommandError::File { path: (*file).to_owned(), source })?;
            world.apply(NAMESPACE, &manifest).await
        }
        ["delete", kind, name] => world.delete(NAMESPACE, kind, name, false).await,
        ["delete", kind, name, "--cascade=orphan"] => world.delete(NAMESPACE, kind, name, true).await,
        ["scale", "rollout", name, "--replicas", replicas] => {
            let replicas = replicas.parse().map_err(|_| CommandError::Unknown)?;
            world.scale(NAMESPACE, name, replicas).await
        }
        ["patch", "rollout", name, "-p", patch] => {
            world.patch(NAMESPACE, name, &serde_json::from_str::<Value>(patch)?, false).await
        }
        ["patch", "rollout", name, "--subresource=status", "-p", patch] => {
            world.patch(NAMESPACE, name, &serde_json::from_str::<Value>(patch)?, true).await
        }
        ["get", "events"] => Ok(new_events(world)),
        _ => return Err(CommandError::Unknown),
    })
}

async fn plugin(world: &World, command: &[&str]) -> Result<Shown, CommandError> {
    let promote =
        |full, skip_current_step, skip_all_steps| PromoteOptions { full, skip_current_step, skip_all_steps };
    Ok(match command {
        ["get", "rollout", name] => Ok(match world.tree(NAMESPACE, name) {
            Some(lines) => plain(&lines),
            None => format!("Error: rollout.argoproj.io \"{name}\" not found"),
        }),
        ["set", "image", name, image] => match ContainerImage::parse(image) {
            Some(image) => world.set_image(NAMESPACE, name, &[image]).await,
            None => return Err(CommandError::Unknown),
        },
        ["promote", name] => world.promote(NAMESPACE, name, promote(false, false, false)).await,
        ["promote", name, "--full"] => world.promote(NAMESPACE, name, promote(true, false, false)).await,
        ["promote", name, "--skip-current-step"] => {
            world.promote(NAMESPACE, name, promote(false, true, false)).await
        }
        ["promote", name, "--skip-all-steps"] => {
            world.promote(NAMESPACE, name, promote(false, false, true)).await
        }
        ["abort", name] => world.abort(NAMESPACE, name).await,
        ["retry", "rollout", name] => world.retry(NAMESPACE, name).await,
        ["pause", name] => world.pause(NAMESPACE, name).await,
        ["undo", name] => world.undo(NAMESPACE, name, 0).await,
        ["undo", name, "--to-revision", revision] => {
            let revision = revision.parse().map_err(|_| CommandError::Unknown)?;
            world.undo(NAMESPACE, name, revision).await
        }
        _ => return Err(CommandError::Unknown),
    })
}

fn traffic(world: &World) -> String {
    let services = world.server.list("services", Some(NAMESPACE));
    let lines: Vec<_> = services
        .iter()
        .filter_map(|service| service["metadata"]["name"].as_str())
        .map(|name| world.traffic(NAMESPACE, name, 20))
        .collect();
    plain(&lines)
}

fn pods(world: &World, image: &str, fate: &str) -> Result<String, CommandError> {
    match fate {
        "never ready" => world.server.update_kubelet(|kubelet| kubelet.set_image(image, Vec::new())),
        "start" => world.server.update_kubelet(|kubelet| kubelet.rules.retain(|rule| rule.image != image)),
        _ => return Err(CommandError::Unknown),
    }
    Ok(String::new())
}

fn rollout_names(world: &World) -> Vec<String> {
    let rollouts = world.server.list("rollouts.argoproj.io", Some(NAMESPACE));
    rollouts.iter().filter_map(|object| Some(object["metadata"]["name"].as_str()?.to_owned())).collect()
}

/// Events that were written, or counted up, since they were shown last.
fn new_events(world: &mut World) -> String {
    let mut lines = Vec::new();
    for name in rollout_names(world) {
        for (type_, reason, message, count) in world.events(NAMESPACE, &name) {
            let line = format!("{type_} {reason} {message}");
            let shown = world.shown_events.insert(format!("{name} {line}"), count).unwrap_or(0);
            match count - shown {
                0 => {}
                _ if count == 1 => lines.push(line),
                _ => lines.push(format!("{line} (x{count})")),
            }
        }
    }
    lines.join("\n")
}

/// Summaries of all Rollouts as they change, each behind the seconds since the wait began.
struct Watch {
    began: jiff::Timestamp,
    last: BTreeMap<String, String>,
    lines: Vec<String>,
}

impl Watch {
    fn begin(world: &World) -> Self {
        Self { began: world.now(), last: BTreeMap::new(), lines: Vec::new() }
    }

    fn look(&mut self, world: &World) {
        let names = rollout_names(world);
        let passed = world.now().duration_since(self.began).as_millis();
        for name in &names {
            let summary = world.summary(NAMESPACE, name);
            if self.last.get(name) == Some(&summary) {
                continue;
            }
            let of = if names.len() > 1 { format!("{name}: ") } else { String::new() };
            self.lines.push(format!("{:>6}.{} s  {of}{summary}", passed / 1000, passed % 1000 / 100));
            self.last.insert(name.clone(), summary);
        }
        self.last.retain(|name, _| names.contains(name));
    }

    fn is_seen(&self, wanted: &str) -> bool {
        self.last.values().any(|summary| summary.contains(wanted))
    }
}

async fn watch(world: &World, time: Duration) -> String {
    let mut watch = Watch::begin(world);
    let deadline = tokio::time::Instant::now() + time;
    watch.look(world);
    while tokio::time::Instant::now() < deadline {
        world.pass(Duration::from_millis(100)).await;
        watch.look(world);
    }
    watch.lines.join("\n")
}

async fn wait_until(world: &World, wanted: &str) -> Result<String, CommandError> {
    let mut watch = Watch::begin(world);
    for _ in 0..36_000 {
        world.pass(Duration::from_millis(100)).await;
        watch.look(world);
        if watch.is_seen(wanted) {
            return Ok(watch.lines.join("\n"));
        }
    }
    let summary = watch.last.into_values().collect::<Vec<_>>().join("; ");
    Err(CommandError::Waited { wanted: wanted.to_owned(), summary })
}

fn duration(text: &str) -> Result<Duration, CommandError> {
    let parsed = tidegate_api::duration::parse_go_duration(text).ok();
    parsed.and_then(|time| Duration::try_from(time).ok()).ok_or_else(|| CommandError::Time(text.to_owned()))
}

/// Words of a command line; single quotes keep blanks together.
fn split(line: &str) -> Vec<String> {
    let mut words = vec![];
    for (index, part) in line.split('\'').enumerate() {
        if index % 2 == 1 {
            words.push(part.to_owned());
        } else {
            words.extend(part.split_whitespace().map(str::to_owned));
        }
    }
    words
}
