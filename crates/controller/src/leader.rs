//! Leader election by a Lease, so that of several controllers one acts. Upstream's controllers take part: name, times and the
//! fields of the Lease are theirs.
//!
//! Clocks of other machines are not trusted: what counts is how long ago, on our own monotonic clock, the Lease was last seen
//! to change. A leader acts only until `renew deadline` after it *sent* its last successful renewal, which is earlier than
//! anybody else may take over; its [`Gate`] closes by itself then, also if the process slept meanwhile. Kubernetes has no
//! fencing, so a request that had left before is for the guards of writes to stop.

mod record;

use std::time::Duration;

use http::{Request, header};
use kube::Client;
use serde_json::Value;
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until, timeout, timeout_at};

use crate::clock::Clock;
use crate::gate::Gate;
use crate::kind::LEASE;
use crate::watch_state::{refusal, without_answer};
use record::Record;

/// How often giving the lease back is tried when somebody writes to it at the same time.
const RELEASES: usize = 3;

/// How long what lasts in an election.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Times {
    /// `--leader-election-lease-duration`: how long others wait for a sign of life before they take over.
    pub lease_duration: Duration,
    /// `--leader-election-renew-deadline`: how long a leader acts without a renewal.
    pub renew_deadline: Duration,
    /// `--leader-election-retry-period`: the pause between two tries.
    pub retry_period: Duration,
}

/// Why an election with these times would have two leaders, or none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TimesError {
    /// The record counts in seconds.
    #[error("the lease duration must be at least 1s")]
    TooShort,
    /// A leader would still act when others take over.
    #[error("the lease duration, in whole seconds, must be longer than the renew deadline")]
    Lease,
    /// A leader would have no second try. Upstream's library asks for the same.
    #[error("the renew deadline must be longer than 1.2 times the retry period")]
    Deadline,
    /// Requests without a pause.
    #[error("the retry period must be longer than 0")]
    Retry,
}

impl Default for Times {
    /// 15 s, 10 s and 2 s.
    fn default() -> Self {
        Self {
            lease_duration: Duration::from_secs(15),
            renew_deadline: Duration::from_secs(10),
            retry_period: Duration::from_secs(2),
        }
    }
}

impl Times {
    /// Whether they can work.
    ///
    /// # Errors
    /// When they cannot.
    pub fn check(&self) -> Result<(), TimesError> {
        if self.lease_duration < Duration::from_secs(1) {
            Err(TimesError::TooShort)
        } else if Duration::from_secs(self.lease_duration.as_secs()) <= self.renew_deadline {
            Err(TimesError::Lease)
        } else if self.renew_deadline <= self.retry_period * 6 / 5 {
            Err(TimesError::Deadline)
        } else if self.retry_period.is_zero() {
            Err(TimesError::Retry)
        } else {
            Ok(())
        }
    }
}

/// Who takes part in which election.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// Namespace of the Lease.
    pub namespace: String,
    /// Name of the Lease.
    pub name: String,
    /// No other process may ever have the same.
    pub identity: String,
    /// Must pass [`Times::check`].
    pub times: Times,
}

/// What a candidate is at the moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Role {
    /// It has not seen the Lease yet.
    #[default]
    Unknown,
    /// Somebody else leads, or nobody does yet.
    Standby,
    /// It leads.
    Leader,
}

/// How the election stands, seen from one candidate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    /// What it is.
    pub role: Role,
    /// Why its last try failed.
    pub error: Option<String>,
    /// When it last tried.
    pub tried: Instant,
}

/// Why a leader is none any more.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Lost {
    /// It could not renew in time.
    #[error("the lease was not renewed within {}s{}", .after.as_secs_f64(), because(.error.as_deref()))]
    Overdue {
        /// The renew deadline.
        after: Duration,
        /// Why its last try failed.
        error: Option<String>,
    },
    /// Somebody else has it.
    #[error("{holder} has taken the lease")]
    Taken {
        /// The new leader's identity.
        holder: String,
    },
}

fn because(error: Option<&str>) -> String {
    error.map(|error| format!(": {error}")).unwrap_or_default()
}

/// Why a try has failed. None is final.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("cannot {verb} {} {name} in namespace {namespace}: {why}", LEASE.qualified_name())]
pub struct LeaseError {
    verb: &'static str,
    name: String,
    namespace: String,
    why: String,
    code: Option<u16>,
}

/// The Lease as it was last seen.
#[derive(Debug)]
struct Seen {
    lease: Value,
    record: Record,
    /// When its record was first seen to be this one.
    at: Instant,
}

/// One candidate at work.
pub struct Elector {
    client: Client,
    candidate: Candidate,
    clock: Clock,
    seen: Option<Seen>,
    /// When the renewal that was last successful was sent.
    renewed: Option<Instant>,
    standing: watch::Sender<Standing>,
}

impl Elector {
    /// A candidate that has not tried yet. `client` should serve nobody else, least of all through a [`Gate`] of this election.
    #[must_use]
    pub fn new(client: Client, candidate: Candidate, clock: Clock) -> Self {
        let standing = Standing { role: Role::Unknown, error: None, tried: Instant::now() };
        Self { client, candidate, clock, seen: None, renewed: None, standing: watch::Sender::new(standing) }
    }

    /// How long what lasts.
    #[must_use]
    pub fn times(&self) -> Times {
        self.candidate.times
    }

    /// How the election stands, from now on.
    #[must_use]
    pub fn standing(&self) -> watch::Receiver<Standing> {
        self.standing.subscribe()
    }

    /// Tries until it leads. `gate` is then open, and stays so until the renew deadline.
    pub async fn acquire(&mut self, gate: &Gate) {
        loop {
            let began = Instant::now();
            let outcome = self.attempt().await;
            let leads = outcome == Ok(true);
            self.note(if leads { Role::Leader } else { Role::Standby }, outcome);
            if leads && let Some(deadline) = self.deadline().filter(|deadline| *deadline > Instant::now()) {
                gate.keep_open_until(deadline);
                tracing::info!("I am the new leader: {}", self.candidate.identity);
                return;
            }
            sleep_until(began + self.candidate.times.retry_period).await;
        }
    }

    /// Renews the lease as long as that works, and closes the gate when it does no more.
    pub async fn keep(&mut self, gate: &Gate) -> Lost {
        let lost = loop {
            let next = Instant::now() + self.candidate.times.retry_period;
            let deadline = self.deadline().unwrap_or(next);
            sleep_until(next.min(deadline)).await;
            // Looked at first: after a long sleep, the answer to a try may already wait.
            if Instant::now() >= deadline {
                break self.overdue();
            }
            let Ok(outcome) = timeout_at(deadline, self.attempt()).await else { break self.overdue() };
            match &outcome {
                Ok(true) => {
                    gate.keep_open_until(self.deadline().unwrap_or(deadline));
                    // The answer came when the gate had closed, for ever: what is renewed would be of no use to anybody.
                    if gate.is_closed() {
                        break self.overdue();
                    }
                }
                Ok(false) => {
                    let holder = self.seen.as_ref().map(|seen| seen.record.holder.clone());
                    break Lost::Taken { holder: holder.unwrap_or_default() };
                }
                Err(_) => {}
            }
            self.note(Role::Leader, outcome);
        };
        gate.close();
        lost
    }

    /// Gives the lease back if it has it, so that the next leader need not wait for its end. It must not act any more.
    ///
    /// # Errors
    /// When it cannot be written; it then runs out by itself.
    pub async fn release(&mut self) -> Result<(), LeaseError> {
        let mut outcome = Ok(());
        for _ in 0..RELEASES {
            // What was seen last may be from before a try that was cut short.
            self.look().await?;
            let Some(seen) = self.seen.as_ref().filter(|_| self.holds()) else { return Ok(()) };
            let lease = record::released(&seen.lease, self.clock.now());
            outcome = self.put(&lease).await.map(drop);
            if !matches!(outcome, Err(LeaseError { code: Some(409), .. })) {
                break;
            }
        }
        outcome
    }

    /// When it must stop to act.
    fn deadline(&self) -> Option<Instant> {
        Some(self.renewed? + self.candidate.times.renew_deadline)
    }

    fn overdue(&self) -> Lost {
        let after = self.candidate.times.renew_deadline;
        Lost::Overdue { after, error: self.standing.borrow().error.clone() }
    }

    /// Tries once to get the lease, or to keep it; whether it has it.
    async fn attempt(&mut self) -> Result<bool, LeaseError> {
        if self.holds() {
            match self.claim().await {
                // Somebody has written to it, or deleted it.
                Err(LeaseError { code: Some(404 | 409), .. }) => {}
                outcome => return outcome.map(|()| true),
            }
        }
        let is_there = self.look().await?;
        if !is_there {
            self.create().await?;
        } else if self.holds() || self.is_free() {
            self.claim().await?;
        } else {
            return Ok(false);
        }
        Ok(true)
    }

    fn holds(&self) -> bool {
        self.seen.as_ref().is_some_and(|seen| seen.record.holder == self.candidate.identity)
    }

    fn is_free(&self) -> bool {
        self.seen
            .as_ref()
            .is_none_or(|Seen { record, at, .. }| record.holder.is_empty() || at.elapsed() >= record.duration)
    }

    /// Reads the Lease; whether there is one.
    async fn look(&mut self) -> Result<bool, LeaseError> {
        let request = Request::get(self.path()).body(Vec::new());
        match self.send("get", request).await {
            Ok(lease) => self.saw(lease),
            Err(LeaseError { code: Some(404), .. }) => {
                self.seen = None;
                return Ok(false);
            }
            Err(error) => return Err(error),
        }
        Ok(true)
    }

    /// Writes ourselves into the Lease that was seen.
    async fn claim(&mut self) -> Result<(), LeaseError> {
        let Some(seen) = &self.seen else { return Ok(()) };
        let lease = record::claimed(&seen.lease, &self.candidate, self.clock.now());
        let sent = Instant::now();
        let lease = self.put(&lease).await?;
        self.saw(lease);
        self.renewed = Some(sent);
        Ok(())
    }

    async fn create(&mut self) -> Result<(), LeaseError> {
        let lease = record::first(&self.candidate, self.clock.now());
        let sent = Instant::now();
        let request = Request::post(LEASE.collection(&self.candidate.namespace))
            .header(header::CONTENT_TYPE, "application/json")
            .body(lease.to_string().into_bytes());
        let lease = self.send("create", request).await?;
        self.saw(lease);
        self.renewed = Some(sent);
        Ok(())
    }

    async fn put(&self, lease: &Value) -> Result<Value, LeaseError> {
        let request = Request::put(self.path())
            .header(header::CONTENT_TYPE, "application/json")
            .body(lease.to_string().into_bytes());
        self.send("update", request).await
    }

    fn path(&self) -> String {
        LEASE.object(&self.candidate.namespace, &self.candidate.name)
    }

    async fn send(
        &self,
        verb: &'static str,
        request: http::Result<Request<Vec<u8>>>,
    ) -> Result<Value, LeaseError> {
        let Candidate { name, namespace, times, .. } = &self.candidate;
        let failed = |why: String, code| LeaseError {
            verb,
            name: name.clone(),
            namespace: namespace.clone(),
            why,
            code,
        };
        let request = request.map_err(|error| failed(error.to_string(), None))?;
        // Half of it, so that there is time for another try after a connection that fell silent.
        let limit = times.renew_deadline / 2;
        match timeout(limit, self.client.request(request)).await {
            Ok(Ok(lease)) => Ok(lease),
            Ok(Err(kube::Error::Api(status))) => {
                let mut why = refusal(&status, &format!("the verb {verb}"), LEASE);
                if status.code == 404 && verb == "create" {
                    why += "; create the namespace, or name another one in POD_NAMESPACE";
                }
                Err(failed(why, Some(status.code)))
            }
            Ok(Err(error)) => Err(failed(without_answer(&error), None)),
            Err(_) => Err(failed(format!("no answer within {}s", limit.as_secs_f64()), None)),
        }
    }

    fn saw(&mut self, lease: Value) {
        let record = Record::of(&lease);
        let known = self.seen.take();
        let is_new_holder = known.as_ref().is_none_or(|known| known.record.holder != record.holder);
        if is_new_holder && !record.holder.is_empty() {
            tracing::info!("New leader elected: {}", record.holder);
        }
        let at = known.filter(|known| known.record == record).map_or_else(Instant::now, |known| known.at);
        self.seen = Some(Seen { lease, record, at });
    }

    /// Tells of the outcome of a try; logs an error unless it was the last one, too.
    fn note(&self, role: Role, outcome: Result<bool, LeaseError>) {
        let error = outcome.err().map(|error| error.to_string());
        if let Some(error) = &error
            && self.standing.borrow().error.as_ref() != Some(error)
        {
            tracing::warn!("{error}; trying again");
        }
        self.standing.send_replace(Standing { role, error, tried: Instant::now() });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_leave_no_room_for_two_leaders() {
        let times = |lease: u64, deadline: u64, retry: u64| {
            let [lease_duration, renew_deadline, retry_period] =
                [lease, deadline, retry].map(Duration::from_millis);
            Times { lease_duration, renew_deadline, retry_period }.check()
        };
        assert_eq!(Times::default().check(), Ok(()));
        assert_eq!(times(1000, 900, 749), Ok(()));
        assert_eq!(times(999, 900, 100), Err(TimesError::TooShort));
        assert_eq!(times(10_000, 10_000, 2000), Err(TimesError::Lease));
        // Others would wait for 10 seconds, which is what the record can say.
        assert_eq!(times(10_900, 10_500, 2000), Err(TimesError::Lease));
        assert_eq!(times(15_000, 2400, 2000), Err(TimesError::Deadline));
        assert_eq!(times(15_000, 10_000, 0), Err(TimesError::Retry));
    }
}
