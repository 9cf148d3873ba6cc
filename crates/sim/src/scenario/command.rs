//! The commands of a scenario, read before any of them is carried out.
//!
//! | command | does |
//! | --- | --- |
//! | `kubectl apply -f FILE`, `kubectl replace -f FILE` (or `-f - <<< 'TEXT'`), `kubectl delete KIND NAME [--cascade=orphan]`, `kubectl scale rollout NAME --replicas N`, `kubectl patch KIND NAME [--subresource=status] -p JSON`, `kubectl get events` | what they do in a cluster; `get events` prints the new ones |
//! | `kubectl get KIND NAME -o jsonpath={.PATH}`, `kubectl get pods -L LABEL` | one member of an object; the pods with one of their labels |
//! | `kubectl argo rollouts get rollout\|set image\|promote\|abort\|retry rollout\|restart\|pause\|undo ...` | what the plugin does |
//! | `wait TIME`, `wait until WORDS`, `wait until all WORDS` | lets time pass, or waits until the one-line summary of a Rollout, or of each, contains WORDS |
//! | `attend TIME` | lets time pass, while somebody promotes each Rollout that waits for a person |
//! | `traffic` | which share of requests each version answers, per Service and per route |
//! | `crash`, `crash before\|after write N`, `start` | ends the controller process, at once or at its Nth write from now (then another one starts a second later); starts it |
//! | `start anew` | once nothing is left to do, another controller starts, and must find nothing to do either |
//! | `twin TIME` | another controller takes over, and the old one goes on for a while without knowing |
//! | `clock of cluster\|controller TIME` | that clock is off by this much, `-5s` is behind; the controller starts anew for it |
//! | `apiserver away TIME` | watches end, and nothing is answered for a while |
//! | `pods of IMAGE never ready\|crash\|start\|start after TIME\|fail after TIME` | what pods do whose image contains IMAGE: not become ready, crash, become ready as usual or later, lose it again |
//! | `lose a pod of IMAGE`, `lose node N`, `lose replicaset N` | one pod whose image contains IMAGE is gone, as with its node; all pods of one of three nodes; the Nth ReplicaSet by name |
//! | `silence TIME` | watches deliver nothing for a while |
//! | `fault NAME at write N`, `faults NAME=RATE ...`, `faults none` | the controller's Nth write from now meets a fault; faults strike by rates, of a thousand |
//! | `calm` | faults, crashes that are still to come, wrong clocks and bad pods are over |
//! | `calm machines` | the same, but bad pods stay bad |
//! | `come to rest` | waits until nothing is left to do, and judges that: whatever is not healthy says why, an abort has ended, nothing was forgotten |

use std::fmt;
use std::time::Duration;

use jiff::SignedDuration;
use serde_json::Value;
use tidegate_ops::operations::PromoteOptions;

use super::parse;
use super::words::Words;
use crate::faults::{Fault, NoRate, Rates};
use crate::world::Side;

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
    /// A rate that is none.
    #[error(transparent)]
    Rate(#[from] NoRate),
    /// A controller that starts anew does what the one before it had left.
    #[error("{0}")]
    LeftUndone(String),
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
        /// Where the objects are.
        manifest: Manifest,
    },
    /// `kubectl replace -f FILE`.
    Replace {
        /// Where the objects are.
        manifest: Manifest,
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
    /// `attend TIME`.
    Attend(Duration),
    /// `wait until [all] WORDS`.
    WaitUntil(Wanted),
    /// `traffic`.
    Traffic,
    /// Something that happens to machines.
    Machine(MachineEvent),
}

/// What is waited for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// They stand in a summary.
    pub words: String,
    /// In that of each Rollout, not only of one.
    pub of_all: bool,
}

impl Wanted {
    /// Whether these summaries, one of each Rollout, are what is waited for.
    pub fn is_met<'a>(&self, summaries: impl IntoIterator<Item = &'a String>) -> bool {
        let mut summaries = summaries.into_iter();
        let has_words = |summary: &String| summary.contains(&self.words);
        if self.of_all { summaries.all(has_words) } else { summaries.any(has_words) }
    }
}

impl fmt::Display for Wanted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", if self.of_all { "all " } else { "" }, self.words)
    }
}

/// Where the objects of a command are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Manifest {
    /// `-f FILE`, as written.
    File(String),
    /// `-f - <<< 'TEXT'`.
    Text(String),
}

/// What happens to machines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MachineEvent {
    /// `crash`: the controller process ends.
    Crash,
    /// `crash before|after write N`, from now; another one starts a second later.
    CrashAtWrite {
        /// 1 is the next.
        n: u64,
        /// On which side of it.
        side: Side,
    },
    /// `twin TIME`: another controller takes over, while the first goes on for this long.
    Twin(Duration),
    /// `clock of cluster TIME`.
    ClusterClock(SignedDuration),
    /// `clock of controller TIME`.
    ControllerClock(SignedDuration),
    /// `apiserver away TIME`.
    ServerAway(Duration),
    /// `fault NAME at write N`, from now.
    Fault {
        /// 1 is the next.
        n: u64,
        /// What it meets.
        fault: Fault,
    },
    /// `faults NAME=RATE ...`.
    Faults(Rates),
    /// `calm`: faults, crashes that are still to come, wrong clocks and bad pods are over.
    Calm,
    /// `calm machines`: the same, but bad pods stay bad.
    CalmMachines,
    /// `come to rest`: nothing is left to do, and that is judged.
    ComeToRest,
    /// `lose node N`: all pods of one of three nodes are gone.
    LoseNode(usize),
    /// `lose replicaset N`: the Nth by name, from 0, is deleted; counted around.
    LoseReplicaSet(usize),
    /// `start`: a new one begins.
    Start,
    /// `start anew`: the same, and it must find nothing to do.
    StartAnew,
    /// `silence TIME`: watches deliver nothing.
    Silence(Duration),
    /// `lose a pod of IMAGE`: the first one by name is deleted.
    Lose {
        /// A part of its image.
        image: String,
    },
    /// `pods of IMAGE never ready|crash|start ...`.
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
    /// They become ready, but so late.
    StartAfter(Duration),
    /// They become ready as usual, and cease to be so long after.
    FailAfter(Duration),
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
            ["wait", "until", "all", words @ ..] if !words.is_empty() => {
                Action::WaitUntil(Wanted { words: words.join(" "), of_all: true })
            }
            ["wait", "until", words @ ..] if !words.is_empty() => {
                Action::WaitUntil(Wanted { words: words.join(" "), of_all: false })
            }
            ["attend", time] => Action::Attend(parse::duration(time)?),
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
        let file = Manifest::File("a.yaml".to_owned());
        check("kubectl apply -f a.yaml", Action::Apply { manifest: file.clone() });
        check("kubectl replace -f a.yaml", Action::Replace { manifest: file });
        let text = Manifest::Text("{\"kind\": \"Service\"}".to_owned());
        check("kubectl apply -f - <<< '{\"kind\": \"Service\"}'", Action::Apply { manifest: text });
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
        check("attend 2m", Action::Attend(Duration::from_secs(120)));
        let wanted = |words: &str, of_all| Action::WaitUntil(Wanted { words: words.to_owned(), of_all });
        check("wait until step 1/8", wanted("step 1/8", false));
        check("wait until all Healthy", wanted("Healthy", true));
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
    fn what_happens_to_machines_is_understood() {
        let machine = |line: &str, event| check(line, Action::Machine(event));
        machine("crash before write 3", MachineEvent::CrashAtWrite { n: 3, side: Side::Before });
        machine("crash after write 1", MachineEvent::CrashAtWrite { n: 1, side: Side::After });
        machine("twin 10s", MachineEvent::Twin(Duration::from_secs(10)));
        machine("clock of cluster -1500ms", MachineEvent::ClusterClock(SignedDuration::from_millis(-1500)));
        machine("clock of controller 2s", MachineEvent::ControllerClock(SignedDuration::from_secs(2)));
        machine("apiserver away 4s", MachineEvent::ServerAway(Duration::from_secs(4)));
        machine("fault conflict at write 2", MachineEvent::Fault { n: 2, fault: Fault::Conflict });
        machine("faults none", MachineEvent::Faults(Rates::default()));
        machine("faults slow=5 conflict=1", MachineEvent::Faults("conflict=1 slow=5".parse().unwrap()));
        machine("calm", MachineEvent::Calm);
        machine("calm machines", MachineEvent::CalmMachines);
        machine("come to rest", MachineEvent::ComeToRest);
        machine("start anew", MachineEvent::StartAnew);
        machine("lose node 2", MachineEvent::LoseNode(2));
        machine("lose replicaset 0", MachineEvent::LoseReplicaSet(0));
        let slow = Fate::StartAfter(Duration::from_secs(9));
        machine("pods of red start after 9s", MachineEvent::Pods { image: "red".to_owned(), fate: slow });
        let short = Fate::FailAfter(Duration::from_secs(4));
        machine("pods of red fail after 4s", MachineEvent::Pods { image: "red".to_owned(), fate: short });
        let error = Command::parse("faults slow=often").unwrap_err().to_string();
        assert!(error.starts_with("`slow=often` is no rate"), "{error}");
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
            "crash before write 0",
            "crash around write 1",
            "fault flood at write 1",
            "kubectl apply -f - <<<",
            "kubectl delete -f a.yaml",
        ] {
            assert!(matches!(Command::parse(line), Err(CommandError::Unknown)), "{line}");
        }
        assert!(matches!(Command::parse("wait soon"), Err(CommandError::Time(_))));
        assert!(matches!(Command::parse("wait until"), Err(CommandError::Time(_))));
        assert!(matches!(Command::parse("kubectl patch rollout web -p '{'"), Err(CommandError::Json(_))));
    }
}
