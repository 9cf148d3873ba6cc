//! Updates that a status write has ended, for the metrics of durations: read off the status before and after it.

use tidegate_api::meta::Time;
use tidegate_api::rollout::{CompletionStatus, RolloutDuration, RolloutStatus};

/// An update that is over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EndedUpdate {
    /// How it ended.
    pub how: CompletionStatus,
    /// From its start to its end.
    pub seconds: i64,
    /// How much of that it waited for people.
    pub manual_pause_seconds: i64,
}

/// What one status write has ended: an update that a newer one took the place of, and then maybe that newer one.
#[must_use]
pub fn ended_updates(before: &RolloutStatus, after: &RolloutStatus) -> Vec<EndedUpdate> {
    let Some(duration) = &after.duration else { return Vec::new() };
    let mut ended = Vec::new();
    let known = before.duration.as_ref();
    if let Some(known) = known.filter(|known| known.finished_at.is_none())
        && let Some(next) = duration.rollout_started_at
        && is_another(before, after, known, duration)
    {
        ended.extend(until(next, known, CompletionStatus::Superseded));
    }
    let is_news = known.is_none_or(|known| {
        (known.rollout_started_at, known.finished_at) != (duration.rollout_started_at, duration.finished_at)
    });
    if let (true, Some(end), Some(how)) = (is_news, duration.finished_at, &duration.completion_status) {
        ended.extend(until(end, duration, how.clone()));
    }
    ended
}

/// Starts have a grain of one second; within it, only another template tells two updates apart, unless it is the way back.
fn is_another(
    before: &RolloutStatus,
    after: &RolloutStatus,
    known: &RolloutDuration,
    duration: &RolloutDuration,
) -> bool {
    let goes_back = matches!(
        duration.completion_status,
        Some(CompletionStatus::RolledBack | CompletionStatus::FastRolledBack)
    );
    known.rollout_started_at != duration.rollout_started_at
        || (before.current_pod_hash != after.current_pod_hash && !goes_back)
}

fn until(end: Time, duration: &RolloutDuration, how: CompletionStatus) -> Option<EndedUpdate> {
    let since = |start: Time| (end.timestamp().as_second() - start.timestamp().as_second()).max(0);
    let open_pause = duration.manual_pause_started_at.map_or(0, since);
    Some(EndedUpdate {
        how,
        seconds: since(duration.rollout_started_at?),
        manual_pause_seconds: duration.total_manual_pause_duration_seconds.unwrap_or(0) + open_pause,
    })
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn status(hash: &str, duration: &Value) -> RolloutStatus {
        serde_json::from_value(json!({"currentPodHash": hash, "duration": duration})).unwrap()
    }

    fn at(second: u8) -> String {
        format!("2026-01-01T00:00:{second:02}Z")
    }

    fn check(before: &RolloutStatus, after: &RolloutStatus, expected: &[(&str, i64, i64)]) {
        let ended = ended_updates(before, after);
        let ended: Vec<_> =
            ended.iter().map(|it| (it.how.as_str(), it.seconds, it.manual_pause_seconds)).collect();
        assert_eq!(ended, expected);
    }

    #[test]
    fn an_end_is_told_once() {
        let open = status("a", &json!({"rolloutStartedAt": at(10)}));
        let paused = status("a", &json!({"rolloutStartedAt": at(10), "manualPauseStartedAt": at(15)}));
        let done = json!({"rolloutStartedAt": at(10), "finishedAt": at(40), "completionStatus": "Promoted",
            "totalManualPauseDurationSeconds": 5});
        let done = status("a", &done);
        check(&RolloutStatus::default(), &open, &[]);
        check(&open, &paused, &[]);
        check(&paused, &done, &[("Promoted", 30, 5)]);
        check(&done, &done, &[]);
    }

    #[test]
    fn a_newer_update_takes_the_place_of_one_that_waits() {
        let paused = status(
            "a",
            &json!({"rolloutStartedAt": at(10), "manualPauseStartedAt": at(15), "totalManualPauseDurationSeconds": 1}),
        );
        check(&paused, &status("b", &json!({"rolloutStartedAt": at(35)})), &[("Superseded", 25, 21)]);
        // Within the second of the start.
        let open = status("a", &json!({"rolloutStartedAt": at(10)}));
        check(&open, &status("b", &json!({"rolloutStartedAt": at(10)})), &[("Superseded", 0, 0)]);
        let both = json!({"rolloutStartedAt": at(20), "finishedAt": at(20), "completionStatus": "Promoted"});
        check(&open, &status("b", &both), &[("Superseded", 10, 0), ("Promoted", 0, 0)]);
    }

    #[test]
    fn the_way_back_is_the_same_update() {
        let open = status("b", &json!({"rolloutStartedAt": at(10)}));
        let back = status("a", &json!({"rolloutStartedAt": at(10), "completionStatus": "RolledBack"}));
        check(&open, &back, &[]);
        let done =
            json!({"rolloutStartedAt": at(10), "finishedAt": at(20), "completionStatus": "RolledBack"});
        check(&back, &status("a", &done), &[("RolledBack", 10, 0)]);
    }
}
