//! Lines taken apart into commands.

use std::time::Duration;

use jiff::SignedDuration;
use tidegate_ops::operations::{ContainerImage, PromoteOptions};

use super::command::{Action, Change, CommandError, Fate, MachineEvent, Manifest};
use super::words::Words;
use crate::faults::Fault;
use crate::world::Side;

pub(super) fn machine_event(words: &[&str]) -> Result<MachineEvent, CommandError> {
    let pods = |image: &str, fate| MachineEvent::Pods { image: image.to_owned(), fate };
    let side = |side: &str| match side {
        "before" => Ok(Side::Before),
        "after" => Ok(Side::After),
        _ => Err(no_word(side, "side of a write", "before or after")),
    };
    Ok(match words {
        ["crash", at, "write", n] => MachineEvent::CrashAtWrite { n: ordinal(n)?, side: side(at)? },
        ["twin", time] => MachineEvent::Twin(duration(time)?),
        ["clock", "of", "cluster", time] => MachineEvent::ClusterClock(offset(time)?),
        ["clock", "of", "controller", time] => MachineEvent::ControllerClock(offset(time)?),
        ["apiserver", "away", time] => MachineEvent::ServerAway(duration(time)?),
        ["fault", name, "at", "write", n] => {
            let wanted = || format!("one of {}", crate::faults::names());
            let fault = Fault::named(name).ok_or_else(|| no_word(name, "fault", &wanted()))?;
            MachineEvent::Fault { n: ordinal(n)?, fault }
        }
        ["faults", rates @ ..] if !rates.is_empty() => MachineEvent::Faults(rates.join(" ").parse()?),
        ["calm"] => MachineEvent::Calm,
        ["calm", "machines"] => MachineEvent::CalmMachines,
        ["come", "to", "rest"] => MachineEvent::ComeToRest,
        ["lose", "node", n] => MachineEvent::LoseNode(index(n)?),
        ["lose", "replicaset", n] => MachineEvent::LoseReplicaSet(index(n)?),
        ["relabel", "replicaset", n] => MachineEvent::Relabel(index(n)?),
        ["pods", "of", image, "start", "after", time] => pods(image, Fate::StartAfter(duration(time)?)),
        ["pods", "of", image, "fail", "after", time] => pods(image, Fate::FailAfter(duration(time)?)),
        ["lose", "a", "pod", "of", image] => MachineEvent::Lose { image: (*image).to_owned() },
        ["crash"] => MachineEvent::Crash,
        ["start"] => MachineEvent::Start,
        ["start", "anew"] => MachineEvent::StartAnew,
        ["silence", time] => MachineEvent::Silence(duration(time)?),
        ["pods", "of", image, "never", "ready"] => pods(image, Fate::NeverReady),
        ["pods", "of", image, "crash"] => pods(image, Fate::Crash),
        ["pods", "of", image, "start"] => pods(image, Fate::Start),
        _ => return Err(CommandError::Unknown),
    })
}

/// The number of a write, from 1.
fn ordinal(text: &str) -> Result<u64, CommandError> {
    let number = text.parse().ok().filter(|n| *n > 0);
    number.ok_or_else(|| no_word(text, "number of a write", "1 for the next one, 2, ..."))
}

fn index(text: &str) -> Result<usize, CommandError> {
    text.parse().map_err(|_| no_word(text, "number", "0, 1, ..."))
}

fn no_word(word: &str, what: &'static str, wanted: &str) -> CommandError {
    CommandError::Word { word: word.to_owned(), what, wanted: wanted.to_owned() }
}

pub(super) fn kubectl(mut words: Words) -> Result<Action, CommandError> {
    let (file, replicas) = (words.value(&["-f", "--filename"]), words.value(&["--replicas"]));
    let (patch, subresource) = (words.value(&["-p", "--patch"]), words.value(&["--subresource"]));
    let (cascade, patch_type) = (words.value(&["--cascade"]), words.value(&["--type"]));
    let (output, label) = (words.value(&["-o", "--output"]), words.value(&["-L", "--label-columns"]));
    if patch_type.is_some_and(|kind| kind != "merge") || subresource.as_ref().is_some_and(|it| it != "status")
    {
        return Err(CommandError::Unknown);
    }
    let left = words.left();
    let (verb, rest) = left[1..].split_first().ok_or(CommandError::Unknown)?;
    let manifest = |file: String| match (file.as_str(), rest) {
        ("-", ["<<<", text]) => Ok(Manifest::Text((*text).to_owned())),
        (_, []) if file != "-" => Ok(Manifest::File(file)),
        _ => Err(CommandError::Unknown),
    };
    if *verb == "get" && [&file, &replicas, &patch, &cascade].iter().all(|it| it.is_none()) {
        return get(rest, output, label);
    }
    if output.is_some() || label.is_some() {
        return Err(CommandError::Unknown);
    }
    match (*verb, file, replicas, patch) {
        ("apply", Some(file), None, None) => Ok(Action::Apply { manifest: manifest(file)? }),
        ("replace", Some(file), None, None) => Ok(Action::Replace { manifest: manifest(file)? }),
        ("scale", None, Some(replicas), None) => {
            let number = replicas.parse().map_err(|_| no_word(&replicas, "number of pods", "0, 1, ..."))?;
            rollout(rest).map(|name| Action::Rollout { name, change: Change::Scale(number) })
        }
        ("patch", None, None, Some(patch)) => {
            let (patch, status) = (serde_json::from_str(&patch)?, subresource.is_some());
            match (rollout(rest), rest) {
                (Ok(name), _) => Ok(Action::Rollout { name, change: Change::Patch { patch, status } }),
                (_, [kind, name]) if !status => {
                    Ok(Action::PatchObject { kind: (*kind).to_owned(), name: (*name).to_owned(), patch })
                }
                _ => Err(CommandError::Unknown),
            }
        }
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

/// The name in `rollout NAME`.
fn rollout(rest: &[&str]) -> Result<String, CommandError> {
    match rest {
        ["rollout" | "rollouts" | "ro", name] => Ok((*name).to_owned()),
        _ => Err(CommandError::Unknown),
    }
}

fn get(rest: &[&str], output: Option<String>, label: Option<String>) -> Result<Action, CommandError> {
    match (rest, output, label) {
        (["events"], None, None) => Ok(Action::Events),
        (["pods"], None, Some(label)) => Ok(Action::Pods { label }),
        ([kind, name], Some(output), None) => Ok(Action::Member {
            kind: (*kind).to_owned(),
            name: (*name).to_owned(),
            pointer: pointer(&output).ok_or(CommandError::Unknown)?,
        }),
        _ => Err(CommandError::Unknown),
    }
}

/// `jsonpath={.spec.a\.b}` as a JSON pointer, as far as it is a plain path.
fn pointer(output: &str) -> Option<String> {
    let path = output.strip_prefix("jsonpath={.")?.strip_suffix('}')?;
    let dot = "\u{0}";
    let members = path.replace("\\.", dot).replace('/', "~1");
    let pointer: String = members.split('.').map(|member| format!("/{member}")).collect();
    Some(pointer.replace(dot, "."))
}

pub(super) fn plugin(mut words: Words) -> Result<Action, CommandError> {
    let options = PromoteOptions {
        full: words.flag("--full"),
        skip_current_step: words.flag("--skip-current-step"),
        skip_all_steps: words.flag("--skip-all-steps"),
    };
    let (revision, delay) = (words.value(&["--to-revision"]), words.value(&["-i", "--in"]));
    let left = words.left();
    let command = left.get(3..).unwrap_or_default();
    let has_options = options != PromoteOptions::default() || revision.is_some() || delay.is_some();
    let (name, change) = match command {
        ["promote", name] if revision.is_none() && delay.is_none() => (name, Change::Promote(options)),
        ["restart", name] if options == PromoteOptions::default() && revision.is_none() => {
            (name, Change::Restart(delay.unwrap_or_default()))
        }
        ["undo", name] if options == PromoteOptions::default() && delay.is_none() => {
            let text = revision.as_deref().unwrap_or("0");
            let wanted = "0 for the one before, 1, ...";
            (name, Change::Undo(text.parse().map_err(|_| no_word(text, "revision", wanted))?))
        }
        _ if has_options => return Err(CommandError::Unknown),
        ["get", "rollout", name] => (name, Change::Show),
        ["set", "image", name, images @ ..] if !images.is_empty() => {
            let pair = |text: &&str| {
                let none = || no_word(text, "image of a container", "CONTAINER=IMAGE");
                let image = ContainerImage::parse(text).ok_or_else(none)?;
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

/// A time that may be negative.
fn offset(text: &str) -> Result<SignedDuration, CommandError> {
    tidegate_api::duration::parse_go_duration(text).map_err(|_| CommandError::Time(text.to_owned()))
}

pub(super) fn duration(text: &str) -> Result<Duration, CommandError> {
    let parsed = tidegate_api::duration::parse_go_duration(text).ok();
    parsed.and_then(|time| Duration::try_from(time).ok()).ok_or_else(|| CommandError::Time(text.to_owned()))
}
