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
//! | `relabel replicaset N` | somebody edits the labels of the Nth ReplicaSet without pods: its Rollout's selector does not select it any more |
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
    /// A word of a command that is none of those that may stand there.
    #[error("`{word}` is no {what}; write {wanted}")]
    Word {
        /// As written.
        word: String,
        /// What it is taken for.
        what: &'static str,
        /// What may stand there.
        wanted: String,
    },
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
    /// The same, and there was no Rollout at all.
    #[error("no Rollout is there after an hour of waiting for `{0}`")]
    NoRollout(String),
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
    /// Whether these summaries, one of each Rollout, are what is waited for. Where there is none, nothing is.
    pub fn is_met<'a>(&self, summaries: impl IntoIterator<Item = &'a String>) -> bool {
        let mut summaries = summaries.into_iter().peekable();
        let has_words = |summary: &String| summary.contains(&self.words);
        if self.of_all {
            summaries.peek().is_some() && summaries.all(has_words)
        } else {
            summaries.any(has_words)
        }
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
    /// `relabel replicaset N`: its Rollout's selector does not select it any more.
    Relabel(usize),
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
    /// When it is no command, or a time, number, name or patch in it is none.
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

    /// The file whose objects it applies or replaces, as written.
    #[must_use]
    pub fn file(&self) -> Option<&str> {
        match &self.action {
            Action::Apply { manifest: Manifest::File(file) }
            | Action::Replace { manifest: Manifest::File(file) } => Some(file),
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
#[path = "command_tests.rs"]
mod tests;
