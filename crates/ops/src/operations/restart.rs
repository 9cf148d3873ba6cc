use jiff::Timestamp;
use serde_json::json;
use tidegate_api::duration::parse_go_duration;
use tidegate_api::meta::Time;

use super::{Operation, Patch, Target};
use crate::OpError;

/// Asks for new pods of the same version, from `now + delay` on.
///
/// `delay` is a Go duration as the user wrote it (`30s`, `1h30m`, also negative); empty means at once.
///
/// # Errors
/// When `delay` is no Go duration, or the time it leads to cannot be written.
pub fn restart(rollout: &str, delay: &str, now: Timestamp) -> Result<Operation, OpError> {
    let delay = if delay.is_empty() { "0s" } else { delay };
    let span = parse_go_duration(delay)?;
    let at = now.checked_add(span).map_err(|_| OpError::RestartOutOfRange(delay.to_owned()))?;
    let body = json!({ "spec": { "restartAt": Time::truncated(at).to_string() } });
    Ok(Operation {
        patches: vec![Patch::merge(Target::rollout(rollout), body)],
        message: format!("rollout '{rollout}' restarts in {delay}"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(delay: &str, restart_at: &str, message: &str) {
        let operation = restart("guestbook", delay, "2026-11-23T05:27:31.9Z".parse().unwrap()).unwrap();
        assert_eq!(operation.patches[0].body, json!({"spec": {"restartAt": restart_at}}));
        assert_eq!(operation.message, message);
    }

    #[test]
    fn it_asks_for_a_time_in_whole_seconds() {
        check("", "2026-11-23T05:27:31Z", "rollout 'guestbook' restarts in 0s");
        check("10s", "2026-11-23T05:27:41Z", "rollout 'guestbook' restarts in 10s");
        check("1h30m", "2026-11-23T06:57:31Z", "rollout 'guestbook' restarts in 1h30m");
        check("100ms", "2026-11-23T05:27:32Z", "rollout 'guestbook' restarts in 100ms");
        check("-1m", "2026-11-23T05:26:31Z", "rollout 'guestbook' restarts in -1m");
    }

    #[test]
    fn what_is_no_duration_is_refused() {
        let error = restart("guestbook", "zz", Timestamp::UNIX_EPOCH).unwrap_err();
        assert_eq!(error.to_string(), r#"time: invalid duration "zz""#);
        assert!(error.hint().is_some());
        let error = restart("guestbook", "1h", Timestamp::MAX).unwrap_err();
        assert_eq!(error.to_string(), "time of restart is out of range: now + 1h");
    }
}
