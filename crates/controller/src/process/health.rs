//! What probes are told.
//!
//! One thread does everything, so an answer of any kind shows that it is not stuck; a liveness probe that gets none restarts
//! the process, and meanwhile the lease runs out. Readiness is what a Deployment waits for before it takes an older pod away:
//! a leader that sees its objects, or a standby that would hear of the leader's end.

use std::time::Duration;

use http::StatusCode;
use tokio::sync::watch;

use super::listen::Answer;
use crate::controller::Handle;
use crate::leader::{Role, Standing, Times};
use crate::watch_state::WatchState;

/// A watch that broke and is mended within this time is an API server that was restarted.
const PATIENCE: Duration = Duration::from_secs(30);

/// What is known of the process's parts.
pub(crate) struct Health {
    pub(crate) controller: Handle,
    /// `None`: there is no election.
    pub(crate) election: Option<(watch::Receiver<Standing>, Times)>,
    /// Turns true when the process is to end.
    pub(crate) stopping: watch::Receiver<bool>,
}

impl Health {
    /// What a path is answered with.
    pub(crate) fn answer(&self, path: &str) -> Option<Answer> {
        match path {
            "/healthz" => Some(match self.standstill() {
                None => Answer::text(StatusCode::OK, "ok"),
                Some(text) => Answer::text(StatusCode::INTERNAL_SERVER_ERROR, text),
            }),
            "/readyz" => Some(match self.obstacle() {
                Ok(text) => Answer::text(StatusCode::OK, text),
                Err(text) => Answer::text(StatusCode::SERVICE_UNAVAILABLE, text),
            }),
            _ => None,
        }
    }

    /// A part that has stopped to move.
    fn standstill(&self) -> Option<String> {
        let (standing, times) = self.election.as_ref()?;
        // A try ends within three requests of half a renew deadline each and comes within a retry period of the last, which
        // is less than that.
        let limit = times.lease_duration * 3;
        let silent = standing.borrow().tried.elapsed();
        (silent > limit).then(|| format!("leader election stands still: no try for {} s\n", silent.as_secs()))
    }

    /// `Ok`: what it is ready for. `Err`: why it is not.
    fn obstacle(&self) -> Result<&'static str, String> {
        if *self.stopping.borrow() {
            return Err("not ready: stopping\n".to_owned());
        }
        if let Some((standing, _)) = &self.election {
            let Standing { role, error, .. } = &*standing.borrow();
            match (role, error) {
                (Role::Leader, _) => {}
                (_, Some(error)) => return Err(format!("not ready: leader election: {error}\n")),
                (Role::Standby, None) => return Ok("ok: standing by\n"),
                (Role::Unknown, None) => {
                    return Err("not ready: leader election: no answer yet\n".to_owned());
                }
            }
        }
        let obstacles: Vec<String> = self.controller.watches().iter().filter_map(obstacle_of).collect();
        if obstacles.is_empty() {
            Ok("ok: leading\n")
        } else {
            Err(format!("not ready:\n{}", obstacles.concat()))
        }
    }
}

fn obstacle_of(watch: &WatchState) -> Option<String> {
    let WatchState { resource, is_listed, failing } = watch;
    match failing {
        Some(failing) if !is_listed => Some(format!("{resource} not listed yet: {}\n", failing.error)),
        None if !is_listed => Some(format!("{resource} not listed yet\n")),
        Some(failing) if failing.since.elapsed() > PATIENCE => {
            let seconds = failing.since.elapsed().as_secs();
            Some(format!("{resource} not watched for {seconds} s: {}\n", failing.error))
        }
        _ => None,
    }
}

#[cfg(test)]
#[path = "health_tests.rs"]
mod tests;
