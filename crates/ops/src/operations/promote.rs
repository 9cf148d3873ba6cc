use serde_json::{Value, json};
use tidegate_api::rollout::{AnalysisPhase, Rollout};

use super::{Operation, Patch, Target};
use crate::OpError;
use crate::status::{canary_steps, is_fully_promoted, is_spec_observed};

/// How far to promote. All false: past what the Rollout waits for now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PromoteOptions {
    /// Skip all pauses, steps and analyses (`--full`).
    pub full: bool,
    /// Skip the current step, without resuming a pause (deprecated `--skip-current-step`).
    pub skip_current_step: bool,
    /// Skip all steps, without resuming a pause (deprecated `--skip-all-steps`).
    pub skip_all_steps: bool,
}

impl PromoteOptions {
    /// What can be said before the Rollout is read.
    ///
    /// # Errors
    /// When both skips are asked for.
    pub fn check(self) -> Result<(), OpError> {
        if self.skip_current_step && self.skip_all_steps { Err(OpError::BothSkips) } else { Ok(()) }
    }
}

/// Lets an update go on.
///
/// A pause is ended; a canary in the middle of another step skips it; a user's pause (`spec.paused`) is taken back and, if
/// it is all that holds the Rollout, nothing else is changed. Patches that move the step index or end a pause only apply to
/// the version that was read, so that two promotes at once do not skip two steps.
///
/// # Errors
/// When a skip is asked for that the strategy does not have.
pub fn promote(rollout: &Rollout, options: PromoteOptions) -> Result<Operation, OpError> {
    options.check()?;
    if options.skip_current_step || options.skip_all_steps {
        return skip(rollout, options.skip_all_steps);
    }
    Ok(if options.full { promote_fully(rollout) } else { promote_once(rollout) })
}

/// Whether a promote decided on `before` still means the same on `now`: same revision, step and pauses. Ask this after a
/// patch was refused with 409, because the controller may have counted pods as well as moved on.
#[must_use]
pub fn is_same_position(before: &Rollout, now: &Rollout) -> bool {
    let (old, new) = (&before.status, &now.status);
    before.metadata.uid == now.metadata.uid
        && before.metadata.generation == now.metadata.generation
        && old.current_pod_hash == new.current_pod_hash
        && old.current_step_index == new.current_step_index
        && old.pause_conditions == new.pause_conditions
        && old.controller_pause == new.controller_pause
        && old.abort == new.abort
}

fn skip(rollout: &Rollout, all: bool) -> Result<Operation, OpError> {
    let strategy = rollout.spec.strategy.as_ref();
    if strategy.is_some_and(|strategy| strategy.blue_green.is_some()) {
        return Err(OpError::SkipOfBlueGreen);
    }
    let steps = canary_steps(rollout).len();
    if steps == 0 {
        return Err(OpError::SkipWithoutSteps);
    }
    let at = step_index(rollout);
    if at >= steps {
        return Ok(nothing_to_promote(rollout, "has finished all steps"));
    }
    let index = if all { steps } else { at + 1 };
    // A pause that is left this way is over; it must not count for a pause that comes next.
    let mut status = json!({ "currentStepIndex": index });
    if rollout.status.controller_pause {
        status["pauseConditions"] = Value::Null;
        status["controllerPause"] = json!(false);
    }
    Ok(done(rollout, vec![Patch::locked_status(rollout, &status)], "promoted"))
}

fn promote_fully(rollout: &Rollout) -> Operation {
    let mut patches = Vec::new();
    if !is_fully_promoted(rollout) {
        let body = json!({ "status": { "promoteFull": true } });
        patches.push(Patch::status(&rollout.metadata.name, body));
    }
    patches.extend(unpause(rollout));
    if patches.is_empty() {
        return nothing_to_promote(rollout, settled_because(rollout));
    }
    done(rollout, patches, "fully promoted")
}

fn promote_once(rollout: &Rollout) -> Operation {
    let mut patches = Vec::new();
    if let Some(status) = resume(rollout) {
        patches.push(Patch::locked_status(rollout, &status));
    } else if !rollout.spec.paused {
        if let Some(because) = holds_still_because(rollout) {
            return nothing_to_promote(rollout, because);
        }
        let status = json!({ "pauseConditions": null, "currentStepIndex": step_index(rollout) + 1 });
        patches.push(Patch::locked_status(rollout, &status));
    }
    patches.extend(unpause(rollout));
    done(rollout, patches, "promoted")
}

/// What ends the controller's pause, if there is one. An inconclusive analysis step would be run again, so it is skipped.
fn resume(rollout: &Rollout) -> Option<Value> {
    let status = &rollout.status;
    if status.pause_conditions.is_empty() {
        return None;
    }
    let run = status.canary.current_step_analysis_run_status.as_ref();
    let inconclusive = run.is_some_and(|run| run.status == AnalysisPhase::Inconclusive);
    if !inconclusive || !status.controller_pause {
        return Some(json!({ "pauseConditions": null }));
    }
    let mut resumed = json!({ "pauseConditions": null, "controllerPause": false });
    let steps = canary_steps(rollout).len();
    if steps > 0 {
        resumed["currentStepIndex"] = (step_index(rollout) + 1).min(steps).into();
    }
    Some(resumed)
}

/// Why a Rollout that nothing pauses has no step to skip either; `None`: it is in the middle of one.
fn holds_still_because(rollout: &Rollout) -> Option<&'static str> {
    let status = &rollout.status;
    if status.abort {
        return Some("is aborted, retry it first");
    }
    if is_fully_promoted(rollout) {
        return Some(settled_because(rollout));
    }
    if status.controller_pause {
        return Some("is already resuming");
    }
    let steps = canary_steps(rollout).len();
    if steps == 0 {
        return Some("is not paused");
    }
    (step_index(rollout) >= steps).then_some("has finished all steps")
}

fn settled_because(rollout: &Rollout) -> &'static str {
    if is_spec_observed(rollout) { "is fully promoted" } else { "has a spec update that is not yet observed" }
}

fn unpause(rollout: &Rollout) -> Option<Patch> {
    let target = || Target::rollout(&rollout.metadata.name);
    rollout.spec.paused.then(|| Patch::merge(target(), json!({ "spec": { "paused": false } })))
}

/// 0-based index of the current step; 0 when it was never set.
fn step_index(rollout: &Rollout) -> usize {
    rollout.status.current_step_index.and_then(|index| usize::try_from(index).ok()).unwrap_or(0)
}

fn done(rollout: &Rollout, patches: Vec<Patch>, what: &str) -> Operation {
    Operation { patches, message: format!("rollout '{}' {what}", rollout.metadata.name) }
}

fn nothing_to_promote(rollout: &Rollout, because: &str) -> Operation {
    Operation::nothing(format!("nothing to promote: rollout '{}' {because}", rollout.metadata.name))
}

#[cfg(test)]
mod tests;
