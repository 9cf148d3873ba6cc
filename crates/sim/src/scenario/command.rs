//! The commands of a scenario, read before any of them is carried out.
//!
//! | command | does |
//! | --- | --- |
//! | `kubectl apply -f FILE`, `kubectl delete KIND NAME [--cascade=orphan]`, `kubectl scale rollout NAME --replicas N`, `kubectl patch rollout NAME [--subresource=status] -p JSON`, `kubectl get events` | what they do in a cluster; `get events` prints the new ones |
//! | `kubectl argo rollouts get rollout\|set image\|promote\|abort\|retry rollout\|pause\|undo ...` | what the plugin does |
//! | `wait TIME`, `wait until WORDS` | lets time pass, or waits until the one-line summary of a Rollout contains WORDS |
//! | `traffic` | which share of requests each version answers |
//! | `crash`, `start` | ends or starts the controller process |
//! | `pods of IMAGE never ready`, `pods of IMAGE start` | pods whose image contains IMAGE do not become ready, or do so again |
//! | `silence TIME` | watches deliver nothing for a while |

use std::time::Duration;

use serde_json::Value;
use tidegate_ops::operations::{ContainerImage, PromoteOptions};

use super::words::Words;

/// Why a line cannot be carried out. What a user would see as an error is output, not this.
#[derive(Debug, thiserror::Error)]
pub enum CommandError {
    /// Not a command.
    #[error("no such command; docs/scenarios.md has the list")]
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

/// One command, understood.
#[derive(Clone, Debug, PartialEq)]
pub struct Command {
    /// What it does.
    pub action: Action,
    /// `-n`; the namespace of the play when absent.
    pub namespace: Option<String>,
}

/// What a command does.
#[derive(Clone, Debug, PartialEq)]
pub enum Action {
    /// `kubectl apply -f FILE`.
    Apply {
        /// The file, as written.
        file: String,
    },
    /// `kubectl delete KIND NAME`.
    Delete {
        /// As written: `rollout`, `rs`, `service`, `pod`.
        kind: String,
        /// The object's name.
        name: String,
        /// What it owns stays.
        orphan: bool,
    },
    /// `kubectl get events`.
    Events,
    /// Something done to one Rollout.
    Rollout {
        /// Its name.
        name: String,
        /// What is done to it.
        change: Change,
    },
    /// `wait TIME`.
    Wait(Duration),
    /// `wait until WORDS`.
    WaitUntil(String),
    /// `traffic`.
    Traffic,
    /// Something that happens to machines.
    Machine(MachineEvent),
}

/// What happens to machines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MachineEvent {
    /// `crash`: the controller process ends.
    Crash,
    /// `start`: a new one begins.
    Start,
    /// `silence TIME`: watches deliver nothing.
    Silence(Duration),
    /// `pods of IMAGE never ready`, `pods of IMAGE start`.
    Pods {
        /// A part of their image.
        image: String,
        /// Whether they start, or never become ready.
        start: bool,
    },
}

/// What is done to a Rollout.
#[derive(Clone, Debug, PartialEq)]
pub enum Change {
    /// `get rollout`: nothing; it is shown.
    Show,
    /// `kubectl scale`.
    Scale(i32),
    /// `kubectl patch`.
    Patch {
        /// A merge patch.
        patch: Value,
        /// Of the status.
        status: bool,
    },
    /// `set image`, as (container, image).
    SetImage(Vec<(String, String)>),
    /// `promote`.
    Promote(PromoteOptions),
    /// `abort`.
    Abort,
    /// `retry rollout`.
    Retry,
    /// `pause`.
    Pause,
    /// `undo`; 0 = the revision before.
    Undo(i64),
}

impl Command {
    /// Understands a line, without `$ `.
    ///
    /// # Errors
    /// When it is no command, or a time, number or patch in it is none.
    pub fn parse(line: &str) -> Result<Self, CommandError> {
        let mut words = Words::of(line);
        let namespace = match words.left().first() {
            Some(&"kubectl") => words.value(&["-n", "--namespace"]),
            _ => None,
        };
        let action = match words.left().as_slice() {
            ["kubectl", "argo", "rollouts", ..] => plugin(words)?,
            ["kubectl", ..] => kubectl(words)?,
            ["wait", "until", wanted @ ..] if !wanted.is_empty() => Action::WaitUntil(wanted.join(" ")),
            ["wait", time] => Action::Wait(duration(time)?),
            ["traffic"] => Action::Traffic,
            words => Action::Machine(machine_event(words)?),
        };
        Ok(Self { action, namespace })
    }

    /// The Rollout that it names.
    #[must_use]
    pub fn rollout(&self) -> Option<&str> {
        match &self.action {
            Action::Rollout { name, .. } => Some(name),
            Action::Delete { kind, name, .. } if kind == "rollout" => Some(name),
            _ => None,
        }
    }

    /// Whether it is there for what it prints.
    #[must_use]
    pub fn is_look(&self) -> bool {
        matches!(self.action, Action::Events | Action::Traffic | Action::Rollout { change: Change::Show, .. })
    }
}

fn machine_event(words: &[&str]) -> Result<MachineEvent, CommandError> {
    let pods = |image: &str, start| MachineEvent::Pods { image: image.to_owned(), start };
    Ok(match words {
        ["crash"] => MachineEvent::Crash,
        ["start"] => MachineEvent::Start,
        ["silence", time] => MachineEvent::Silence(duration(time)?),
        ["pods", "of", image, "never", "ready"] => pods(image, false),
        ["pods", "of", image, "start"] => pods(image, true),
        _ => return Err(CommandError::Unknown),
    })
}

fn kubectl(mut words: Words) -> Result<Action, CommandError> {
    let (file, replicas) = (words.value(&["-f", "--filename"]), words.value(&["--replicas"]));
    let (patch, subresource) = (words.value(&["-p", "--patch"]), words.value(&["--subresource"]));
    let (cascade, patch_type) = (words.value(&["--cascade"]), words.value(&["--type"]));
    if patch_type.is_some_and(|kind| kind != "merge") || subresource.as_ref().is_some_and(|it| it != "status")
    {
        return Err(CommandError::Unknown);
    }
    let left = words.left();
    let (verb, rest) = left[1..].split_first().ok_or(CommandError::Unknown)?;
    let of_rollout = |change| match rest {
        ["rollout" | "rollouts" | "ro", name] => Ok(Action::Rollout { name: (*name).to_owned(), change }),
        _ => Err(CommandError::Unknown),
    };
    match (*verb, file, replicas, patch) {
        ("apply", Some(file), None, None) if rest.is_empty() => Ok(Action::Apply { file }),
        ("scale", None, Some(replicas), None) => {
            of_rollout(Change::Scale(replicas.parse().map_err(|_| CommandError::Unknown)?))
        }
        ("patch", None, None, Some(patch)) => {
            of_rollout(Change::Patch { patch: serde_json::from_str(&patch)?, status: subresource.is_some() })
        }
        ("get", None, None, None) if rest == ["events"] => Ok(Action::Events),
        ("delete", None, None, None) => match rest {
            [kind, name] => Ok(Action::Delete {
                kind: (*kind).to_owned(),
                name: (*name).to_owned(),
                orphan: cascade.as_deref() == Some("orphan"),
            }),
            _ => Err(CommandError::Unknown),
        },
        _ => Err(CommandError::Unknown),
    }
}

fn plugin(mut words: Words) -> Result<Action, CommandError> {
    let options = PromoteOptions {
        full: words.flag("--full"),
        skip_current_step: words.flag("--skip-current-step"),
        skip_all_steps: words.flag("--skip-all-steps"),
    };
    let revision = words.value(&["--to-revision"]);
    let left = words.left();
    let command = left.get(3..).unwrap_or_default();
    let has_options = options != PromoteOptions::default() || revision.is_some();
    let (name, change) = match command {
        ["promote", name] if revision.is_none() => (name, Change::Promote(options)),
        ["undo", name] if options == PromoteOptions::default() => {
            let revision = revision.as_deref().unwrap_or("0").parse().map_err(|_| CommandError::Unknown)?;
            (name, Change::Undo(revision))
        }
        _ if has_options => return Err(CommandError::Unknown),
        ["get", "rollout", name] => (name, Change::Show),
        ["set", "image", name, images @ ..] if !images.is_empty() => {
            let pair = |text: &&str| {
                let image = ContainerImage::parse(text).ok_or(CommandError::Unknown)?;
                Ok((image.container.to_owned(), image.image.to_owned()))
            };
            (name, Change::SetImage(images.iter().map(pair).collect::<Result<_, CommandError>>()?))
        }
        ["abort", name] => (name, Change::Abort),
        ["retry", "rollout", name] => (name, Change::Retry),
        ["pause", name] => (name, Change::Pause),
        _ => return Err(CommandError::Unknown),
    };
    Ok(Action::Rollout { name: (*name).to_owned(), change })
}

fn duration(text: &str) -> Result<Duration, CommandError> {
    let parsed = tidegate_api::duration::parse_go_duration(text).ok();
    parsed.and_then(|time| Duration::try_from(time).ok()).ok_or_else(|| CommandError::Time(text.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(line: &str, expected: Action) {
        assert_eq!(Command::parse(line).unwrap(), Command { action: expected, namespace: None }, "{line}");
    }

    fn web(change: Change) -> Action {
        Action::Rollout { name: "web".to_owned(), change }
    }

    #[test]
    fn what_a_user_types_is_understood() {
        check("kubectl apply -f a.yaml", Action::Apply { file: "a.yaml".to_owned() });
        check("kubectl scale rollout web --replicas=3", web(Change::Scale(3)));
        check("kubectl get events", Action::Events);
        check(
            "kubectl patch rollout web --type merge -p '{\"spec\": {\"paused\": true}}'",
            web(Change::Patch { patch: serde_json::json!({"spec": {"paused": true}}), status: false }),
        );
        let images = [("a", "b:1"), ("c", "d")].map(|(a, b)| (a.to_owned(), b.to_owned())).to_vec();
        check("kubectl argo rollouts set image web a=b:1 c=d", web(Change::SetImage(images)));
        let full = PromoteOptions { full: true, ..PromoteOptions::default() };
        check("kubectl argo rollouts promote web --full", web(Change::Promote(full)));
        check("kubectl argo rollouts undo web --to-revision 2", web(Change::Undo(2)));
        check("wait 90s", Action::Wait(Duration::from_secs(90)));
        check("wait until step 1/8", Action::WaitUntil("step 1/8".to_owned()));
        let event = MachineEvent::Pods { image: "bad".to_owned(), start: false };
        check("pods of bad never ready", Action::Machine(event));
        let command = Command::parse("kubectl argo rollouts abort web -n prod").unwrap();
        assert_eq!((command.rollout(), command.namespace.as_deref()), (Some("web"), Some("prod")));
    }

    #[test]
    fn everything_else_is_refused() {
        for line in [
            "",
            "fly to the moon",
            "kubectl",
            "kubectl argo rollouts",
            "kubectl argo rollouts abort",
            "kubectl argo rollouts abort web --full",
            "kubectl argo rollouts abort web --force",
            "kubectl argo rollouts promote web --to-revision 2",
            "kubectl argo rollouts set image web",
            "kubectl argo rollouts set image web a",
            "kubectl apply",
            "kubectl apply -f a extra",
            "kubectl scale rollout web",
            "kubectl scale rollout web --replicas many",
            "kubectl patch rollout web --type=json -p '[]'",
            "pods of bad sleep",
        ] {
            assert!(matches!(Command::parse(line), Err(CommandError::Unknown)), "{line}");
        }
        assert!(matches!(Command::parse("wait soon"), Err(CommandError::Time(_))));
        assert!(matches!(Command::parse("wait until"), Err(CommandError::Time(_))));
        assert!(matches!(Command::parse("kubectl patch rollout web -p '{'"), Err(CommandError::Json(_))));
    }
}
