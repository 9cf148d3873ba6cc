//! `status.duration`: when an update began, how long it waited for people, how it ended.

use tidegate_api::meta::Time;
use tidegate_api::rollout::{CompletionStatus, RolloutDuration, RolloutStatus};

use super::draft::Draft;
use super::view::View;
use crate::snapshot::ReplicaSet;

/// The attempt whose duration is recorded, as it stood before this decision.
pub(super) struct Attempt {
    is_open: bool,
    was_aborted: bool,
    promote_full: bool,
}

impl Attempt {
    pub(super) fn of(view: &View<'_>, draft: &Draft) -> Self {
        let duration = draft.status.duration.as_ref();
        Self {
            is_open: duration.is_some_and(|d| d.rollout_started_at.is_some() && d.finished_at.is_none()),
            was_aborted: view.rollout().status.aborted_at.is_some(),
            promote_full: draft.status.promote_full,
        }
    }

    /// Keeps `status.duration`: when the attempt began, how long it waited for people, how it ended.
    pub(super) fn record(self, view: &View<'_>, new: &ReplicaSet, draft: &mut Draft) {
        if view.invalid.is_some() {
            return;
        }
        let before = &view.rollout().status;
        let status = &mut draft.status;
        let now = Time::truncated(view.now);
        let template_changed = before.current_pod_hash != status.current_pod_hash;
        let changed = template_changed || before.current_step_hash != status.current_step_hash;
        let returns_to_stable = changed && new.hash() == before.stable_rs;
        let retried = self.was_aborted && !status.abort;
        let starts = (changed || retried) && !returns_to_stable && (!self.is_open || template_changed);
        let mut is_open = self.is_open;
        if starts {
            status.duration = Some(RolloutDuration { rollout_started_at: Some(now), ..Default::default() });
            is_open = true;
        }
        let finished = view.is_finished(status);
        let waits_for_people = view.rollout().spec.paused
            || (!status.pause_conditions.is_empty() && pause_needs_people(view, status));
        let Some(duration) = status.duration.as_mut().filter(|_| is_open) else { return };
        if returns_to_stable {
            duration.completion_status = Some(CompletionStatus::RolledBack);
        }
        let ends = status.abort || (finished && new.available() >= view.replicas);
        match duration.manual_pause_started_at {
            None if waits_for_people && !ends => duration.manual_pause_started_at = Some(now),
            Some(since) if !waits_for_people || ends => {
                let waited = now.timestamp().as_second() - since.timestamp().as_second();
                *duration.total_manual_pause_duration_seconds.get_or_insert(0) += waited.max(0);
                duration.manual_pause_started_at = None;
            }
            _ => {}
        }
        if ends {
            duration.finished_at = Some(now);
            let how = match (status.abort, self.promote_full) {
                (true, _) => CompletionStatus::Aborted,
                (false, true) => CompletionStatus::FastPromoted,
                (false, false) => CompletionStatus::Promoted,
            };
            duration.completion_status.get_or_insert(how);
        }
    }
}

/// The pause that the update has come to does not end by itself.
fn pause_needs_people(view: &View<'_>, status: &RolloutStatus) -> bool {
    if let Some(strategy) = view.blue_green() {
        return strategy.auto_promotion_enabled == Some(false);
    }
    let at = status.current_step_index.and_then(|index| usize::try_from(index).ok());
    let pause = at.and_then(|index| view.steps().get(index)).and_then(|step| step.pause.as_ref());
    pause.is_some_and(|pause| pause.duration.is_none())
}
