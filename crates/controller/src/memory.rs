//! What the shell remembers of its own doings for each Rollout. Lost with the process, and missed only where an eviction or the switch
//! of a Service arrives that the process before had sent.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use jiff::Timestamp;
use tidegate_core::{Event, ObjectRef, Snapshot};
use tokio::time::Instant;

use crate::store::Mark;
use crate::world::World;

/// The memory of one Rollout.
#[derive(Debug, Default)]
pub(crate) struct Memory {
    /// Our last write to each object, until it has been seen.
    written: BTreeMap<ObjectRef, (Mark, Instant)>,
    /// When the first change of its ReplicaSets since our last status write arrived.
    pub(crate) counters_changed_at: Option<Timestamp>,
    /// Decisions that led to writes since this instant, for a second.
    burst: Option<(Instant, u32)>,
    /// When a request to the router was last sent that nobody has answered.
    pub(crate) route_unanswered_at: Option<Instant>,
    /// Pods, by uid, whose eviction nobody has answered, and until when it may still arrive.
    evictions: BTreeMap<String, Instant>,
    /// Services whose switch nobody has answered: the version that it was sent for, and until when it may still arrive.
    switches: BTreeMap<String, (String, Instant)>,
    /// The name of the ReplicaSet that was made last, until a write of the status has shown that the Rollout is there.
    made: Option<String>,
    /// The last event about what will not succeed by itself, until something does.
    told: Option<Event>,
}

/// What no watch tells of our requests: those that nobody has answered, as long as they may still arrive, and what may have been made in
/// vain.
#[derive(Clone, Debug, Default)]
pub(crate) struct Untold {
    /// Of pods, by uid.
    evictions: BTreeSet<String>,
    /// Services, each with the version that the switch was sent for.
    switches: BTreeMap<String, String>,
    /// A ReplicaSet, by name.
    made: Option<String>,
}

impl Untold {
    /// Notes it in a snapshot.
    pub(crate) fn beside(self, snapshot: Snapshot) -> Snapshot {
        let Self { evictions, switches, made } = self;
        Snapshot { evictions_under_way: evictions, switches_under_way: switches, made, ..snapshot }
    }
}

/// An API server may carry out a request for so long after it was sent: its own limit unless it is told another.
pub(crate) const UNDER_WAY: Duration = Duration::from_secs(60);

/// Nobody needs more decisions than this in a second. A controller that knows other things than one beside it, and has the lease no
/// more, would correct it without end.
const ACTS_IN_A_SECOND: u32 = 30;
const SECOND: Duration = Duration::from_secs(1);

/// Where a decision may read from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sight {
    /// The stores show everything that we have written.
    Stores,
    /// The stores are behind; wait for them, but no longer than this.
    Wait(Instant),
    /// They have been behind for too long: read live.
    Live,
}

impl Memory {
    /// Whether an event about what will not succeed by itself is news; it no longer is afterwards.
    pub(crate) fn is_news(&mut self, event: &Event) -> bool {
        let is_news = self.told.as_ref() != Some(event);
        if is_news {
            self.told = Some(event.clone());
        }
        is_news
    }

    /// Nothing is in the way any more.
    pub(crate) fn went_well(&mut self) {
        self.told = None;
    }

    /// Remembers what a write has left.
    pub(crate) fn wrote(&mut self, object: ObjectRef, mark: Mark, now: Instant) {
        self.written.insert(object, (mark, now));
    }

    /// A ReplicaSet of this name was made.
    pub(crate) fn made(&mut self, replica_set: &str) {
        self.made = Some(replica_set.to_owned());
    }

    /// A write of the Rollout itself was carried out.
    pub(crate) fn is_there(&mut self) {
        self.made = None;
    }

    /// Nobody has answered the eviction of the pod with this uid.
    pub(crate) fn eviction_unanswered(&mut self, uid: &str, now: Instant) {
        self.evictions.insert(uid.to_owned(), now + UNDER_WAY);
    }

    /// The pod with this uid is on its way out.
    pub(crate) fn evicted(&mut self, uid: &str) {
        self.evictions.remove(uid);
    }

    /// Nobody has answered the switch of this Service, which was sent for this version of it.
    pub(crate) fn switch_unanswered(&mut self, service: &str, version: &str, now: Instant) {
        self.switches.insert(service.to_owned(), (version.to_owned(), now + UNDER_WAY));
    }

    /// What no watch tells.
    pub(crate) fn untold(&self, now: Instant) -> Untold {
        let evictions = self.evictions.iter().filter(|(_, end)| now < **end);
        let switches = self.switches.iter().filter(|(_, (_, end))| now < *end);
        Untold {
            evictions: evictions.map(|(uid, _)| uid.clone()).collect(),
            switches: switches.map(|(name, (version, _))| (name.clone(), version.clone())).collect(),
            made: self.made.clone(),
        }
    }

    /// When the first request cannot arrive any longer.
    pub(crate) fn arrives_until(&self, now: Instant) -> Option<Instant> {
        let switches = self.switches.values().map(|(_, end)| end);
        self.evictions.values().chain(switches).copied().filter(|end| now < *end).min()
    }

    /// Counts a decision that leads to writes.
    pub(crate) fn acts(&mut self, now: Instant) {
        match &mut self.burst {
            Some((since, count)) if now < *since + SECOND => *count += 1,
            burst => *burst = Some((now, 1)),
        }
    }

    /// Until when no further decision is made; `None`: one may be made now.
    fn rests_until(&self, now: Instant) -> Option<Instant> {
        let (since, count) = self.burst?;
        let end = since + SECOND;
        (count >= ACTS_IN_A_SECOND && now < end).then_some(end)
    }

    /// Whether this version of this object is our own last write.
    pub(crate) fn is_own(&self, object: &ObjectRef, version: u64) -> bool {
        matches!(self.written.get(object), Some((Mark::Version(own), _)) if *own == version)
    }

    /// Where to read from now; forgets the writes that have been seen.
    pub(crate) fn sight(&mut self, world: &World, patience: Duration, now: Instant) -> Sight {
        self.written.retain(|object, (mark, _)| !world.has_delivered(object, mark));
        self.evictions.retain(|_, end| now < *end);
        self.switches.retain(|_, (_, end)| now < *end);
        if self.written.is_empty() {
            // An emptied map keeps room for eleven writes, and every Rollout has one.
            self.written = BTreeMap::new();
        }
        if let Some(end) = self.rests_until(now) {
            return Sight::Wait(end);
        }
        let Some(oldest) = self.written.values().map(|(_, at)| *at).min() else { return Sight::Stores };
        let limit = oldest + patience;
        if limit <= now { Sight::Live } else { Sight::Wait(limit) }
    }

    /// Forgets writes to objects of which neither the stores nor a live read know anything any more.
    pub(crate) fn retain(&mut self, mut exists: impl FnMut(&ObjectRef) -> bool) {
        self.written.retain(|object, _| exists(object));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn what_no_watch_tells_stands_in_the_snapshot_until_it_is_over() {
        let rollout = serde_json::json!({"metadata": {"name": "x", "namespace": "a"}, "spec": {}});
        let snapshot = || Snapshot::of(serde_json::from_value(rollout.clone()).unwrap());
        let mut memory = Memory::default();
        memory.made("x-1");
        memory.eviction_unanswered("pod", Instant::now());
        memory.switch_unanswered("service", "7", Instant::now());
        let told = memory.untold(Instant::now()).beside(snapshot());
        assert_eq!(told.made.as_deref(), Some("x-1"));
        assert!(told.evictions_under_way.contains("pod"));
        assert_eq!(told.switches_under_way["service"], "7");
        assert_eq!(memory.arrives_until(Instant::now()), Some(Instant::now() + UNDER_WAY));
        memory.is_there();
        tokio::time::advance(UNDER_WAY).await;
        assert_eq!(memory.untold(Instant::now()).beside(snapshot()), snapshot());
        assert_eq!(memory.arrives_until(Instant::now()), None);
    }

    #[tokio::test(start_paused = true)]
    async fn nobody_acts_without_end() {
        let world = World::default();
        let mut memory = Memory::default();
        let sight = |memory: &mut Memory| memory.sight(&world, SECOND, Instant::now());
        for _ in 0..ACTS_IN_A_SECOND {
            assert_eq!(sight(&mut memory), Sight::Stores);
            memory.acts(Instant::now());
        }
        let end = Instant::now() + SECOND;
        assert_eq!(sight(&mut memory), Sight::Wait(end));
        tokio::time::advance(SECOND).await;
        assert_eq!(sight(&mut memory), Sight::Stores);
        memory.acts(Instant::now());
        assert_eq!(sight(&mut memory), Sight::Stores);
    }
}
