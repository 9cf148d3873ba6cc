//! The commands of a scenario, read before any of them is carried out.
//!
//! | command | does |
//! | --- | --- |
//! | `kubectl apply -f FILE`, `kubectl delete KIND NAME [--cascade=orphan]`, `kubectl scale rollout NAME --replicas N`, `kubectl patch KIND NAME [--subresource=status] -p JSON`, `kubectl get events` | what they do in a cluster; `get events` prints the new ones |
//! | `kubectl get KIND NAME -o jsonpath={.PATH}`, `kubectl get pods -L LABEL` | one member of an object; the pods with one of their labels |
//! | `kubectl argo rollouts get rollout\|set image\|promote\|abort\|retry rollout\|restart\|pause\|undo ...` | what the plugin does |
//! | `wait TIME`, `wait until WORDS` | lets time pass, or waits until the one-line summary of a Rollout contains WORDS |
//! | `traffic` | which share of requests each version answers, per Service and per route |
//! | `crash`, `start` | ends or starts the controller process |
//! | `pods of IMAGE never ready\|crash\|start` | pods whose image contains IMAGE do not become ready, crash, or start again |
//! | `lose a pod of IMAGE` | one pod whose image contains IMAGE is gone, as with its node |
//! | `silence TIME` | watches deliver nothing for a while |

use std::time::Duration;

use serde_json::Value;
use tidegate_ops::operations::PromoteOptions;

use super::parse;
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
        /// As written: `rollout`, `rs`, `service`, `pod` ...
        kind: String,
        /// The object's name.
        name: String,
        /// What it owns stays.
        orphan: bool,
    },
    /// `kubectl patch KIND NAME -p PATCH` of anything but a Rollout.
    PatchObject {
        /// As written.
        kind: String,
        /// The object's name.
        name: String,
        /// A merge patch.
        patch: Value,
    },
    /// `kubectl get events`.
    Events,
    /// `kubectl get KIND NAME -o jsonpath={.PATH}`.
    Member {
        /// As written.
        kind: String,
        /// The object's name.
        name: String,
        /// A JSON pointer.
        pointer: String,
    },
    /// `kubectl get pods -L LABEL`.
    Pods {
        /// The label that is shown.
        label: String,
    },
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
    /// `lose a pod of IMAGE`: the first one by name is deleted.
    Lose {
        /// A part of its image.
        image: String,
    },
    /// `pods of IMAGE never ready|crash|start`.
    Pods {
        /// A part of their image.
        image: String,
        /// What they do.
        fate: Fate,
    },
}

/// What pods do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// They become ready, as they do when nothing is said.
    Start,
    /// They do not become ready.
    NeverReady,
    /// Their container ends again and again; so do those that run.
    Crash,
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
    /// `restart`, at once or after this Go duration.
    Restart(String),
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
            ["kubectl", "argo", "rollouts", ..] => parse::plugin(words)?,
            ["kubectl", ..] => parse::kubectl(words)?,
            ["wait", "until", wanted @ ..] if !wanted.is_empty() => Action::WaitUntil(wanted.join(" ")),
            ["wait", time] => Action::Wait(parse::duration(time)?),
            ["traffic"] => Action::Traffic,
            words => Action::Machine(parse::machine_event(words)?),
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
        matches!(
            self.action,
            Action::Events
                | Action::Traffic
                | Action::Member { .. }
                | Action::Pods { .. }
                | Action::Rollout { change: Change::Show, .. }
        )
    }
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
        let event = |fate| Action::Machine(MachineEvent::Pods { image: "bad".to_owned(), fate });
        check("pods of bad never ready", event(Fate::NeverReady));
        check("pods of bad crash", event(Fate::Crash));
        check("lose a pod of bad", Action::Machine(MachineEvent::Lose { image: "bad".to_owned() }));
        check("kubectl argo rollouts restart web --in 10m", web(Change::Restart("10m".to_owned())));
        check("kubectl argo rollouts restart web", web(Change::Restart(String::new())));
        check("kubectl get pods -L role", Action::Pods { label: "role".to_owned() });
        check(
            "kubectl get svc web -o jsonpath={.spec.selector.a\\.b/c}",
            Action::Member {
                kind: "svc".to_owned(),
                name: "web".to_owned(),
                pointer: "/spec/selector/a.b~1c".to_owned(),
            },
        );
        check(
            "kubectl patch svc web -p '{}'",
            Action::PatchObject {
                kind: "svc".to_owned(),
                name: "web".to_owned(),
                patch: serde_json::json!({}),
            },
        );
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
            "kubectl patch svc web --subresource=status -p '{}'",
            "kubectl get svc web -o yaml",
            "kubectl get svc -L role",
            "kubectl argo rollouts abort web --in 5m",
            "pods of bad sleep",
        ] {
            assert!(matches!(Command::parse(line), Err(CommandError::Unknown)), "{line}");
        }
        assert!(matches!(Command::parse("wait soon"), Err(CommandError::Time(_))));
        assert!(matches!(Command::parse("wait until"), Err(CommandError::Time(_))));
        assert!(matches!(Command::parse("kubectl patch rollout web -p '{'"), Err(CommandError::Json(_))));
    }
}
