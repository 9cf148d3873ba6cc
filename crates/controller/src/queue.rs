//! What is to be worked on, and when: first in first out, without duplicates, with deadlines and back-off.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use tokio::time::Instant;

use crate::metrics::{Load, Times};

const FIRST_BACK_OFF: Duration = Duration::from_millis(1);
const LONGEST_BACK_OFF: Duration = Duration::from_secs(10);

/// A queue of one kind. It waits for nothing itself: whoever takes from it sleeps until [`Queue::next_deadline`].
#[derive(Debug)]
pub struct Queue<K> {
    /// With the time at which each became ready.
    ready: VecDeque<(K, Instant)>,
    is_ready: BTreeSet<K>,
    working: BTreeMap<K, Work>,
    deadlines: BTreeMap<K, Instant>,
    by_deadline: BTreeSet<(Instant, K)>,
    failures: BTreeMap<K, u32>,
    counters: Counters,
    waited: Times,
    worked: Times,
}

/// The work on an item.
#[derive(Debug)]
struct Work {
    since: Instant,
    /// The item is to be queued again afterwards.
    again: bool,
}

/// What a queue has seen since it was made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Items that became ready.
    pub adds: u64,
    /// Items that were put back with a back-off.
    pub retries: u64,
    /// Items whose work ended.
    pub done: u64,
}

impl<K: Ord + Clone> Default for Queue<K> {
    fn default() -> Self {
        Self {
            ready: VecDeque::new(),
            is_ready: BTreeSet::new(),
            working: BTreeMap::new(),
            deadlines: BTreeMap::new(),
            by_deadline: BTreeSet::new(),
            failures: BTreeMap::new(),
            counters: Counters::default(),
            waited: Times::default(),
            worked: Times::default(),
        }
    }
}

impl<K: Ord + Clone> Queue<K> {
    /// Queues an item because something outside has changed: its back-off starts afresh.
    pub fn add(&mut self, key: K, now: Instant) {
        self.failures.remove(&key);
        self.add_again(key, now);
    }

    /// Queues an item and leaves its back-off as it is.
    pub fn add_again(&mut self, key: K, now: Instant) {
        if let Some(work) = self.working.get_mut(&key) {
            work.again = true;
        } else if self.is_ready.insert(key.clone()) {
            self.counters.adds += 1;
            self.ready.push_back((key, now));
        }
    }

    /// Queues an item at `at`, or at its present deadline when that is earlier.
    pub fn add_at(&mut self, key: K, at: Instant) {
        let deadline = self.deadlines.entry(key.clone()).or_insert(at);
        if *deadline < at {
            return;
        }
        self.by_deadline.remove(&(*deadline, key.clone()));
        *deadline = at;
        self.by_deadline.insert((at, key));
    }

    /// Queues an item after its back-off, which doubles with each failure in a row.
    pub fn retry(&mut self, key: K, now: Instant) {
        let failures = self.failures.entry(key.clone()).or_insert(0);
        let back_off = FIRST_BACK_OFF.saturating_mul(1 << (*failures).min(20)).min(LONGEST_BACK_OFF);
        *failures = failures.saturating_add(1);
        self.counters.retries += 1;
        self.add_at(key, now + back_off);
    }

    /// The work on an item has succeeded: its back-off starts afresh.
    pub fn succeed(&mut self, key: &K) {
        self.failures.remove(key);
    }

    /// The item to work on now. Its deadline is void: the work will say when it wants to be asked again.
    pub fn take(&mut self, now: Instant) -> Option<K> {
        self.release_due(now);
        let (key, since) = self.ready.pop_front()?;
        self.waited.observe(now.saturating_duration_since(since));
        self.is_ready.remove(&key);
        self.clear_deadline(&key);
        self.working.insert(key.clone(), Work { since: now, again: false });
        Some(key)
    }

    /// The work on an item has ended; what was added meanwhile is queued now.
    pub fn done(&mut self, key: &K, now: Instant) {
        self.counters.done += 1;
        let Some(work) = self.working.remove(key) else { return };
        self.worked.observe(now.saturating_duration_since(work.since));
        if work.again {
            self.add_again(key.clone(), now);
        }
    }

    /// Forgets an item that is gone. Work on it may be under way and is not queued again.
    pub fn forget(&mut self, key: &K) {
        self.clear_deadline(key);
        self.failures.remove(key);
        if self.is_ready.remove(key) {
            self.ready.retain(|(other, _)| other != key);
        }
        if let Some(work) = self.working.get_mut(key) {
            work.again = false;
        }
    }

    /// When an item becomes ready without anybody's doing.
    pub fn next_deadline(&self) -> Option<Instant> {
        self.by_deadline.first().map(|(at, _)| *at)
    }

    /// Items that are ready.
    pub fn len(&self) -> usize {
        self.ready.len()
    }

    /// Whether no item is ready.
    pub fn is_empty(&self) -> bool {
        self.ready.is_empty()
    }

    /// Whether nothing is ready and nothing is being worked on. Deadlines may be pending.
    pub fn is_idle(&self) -> bool {
        self.ready.is_empty() && self.working.is_empty()
    }

    /// What it has seen.
    pub fn counters(&self) -> Counters {
        self.counters
    }

    /// The same with times, and with what is under way.
    pub(crate) fn load(&self, now: Instant) -> Load {
        Load {
            adds: self.counters.adds,
            retries: self.counters.retries,
            depth: self.ready.len(),
            waited: self.waited.clone(),
            worked: self.worked.clone(),
            unfinished: self.working.values().map(|work| now.saturating_duration_since(work.since)).collect(),
        }
    }

    fn release_due(&mut self, now: Instant) {
        while self.by_deadline.first().is_some_and(|(at, _)| *at <= now) {
            let Some((at, key)) = self.by_deadline.pop_first() else { return };
            self.deadlines.remove(&key);
            self.add_again(key, at);
        }
    }

    fn clear_deadline(&mut self, key: &K) {
        if let Some(at) = self.deadlines.remove(key) {
            self.by_deadline.remove(&(at, key.clone()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(n: u64) -> Duration {
        Duration::from_millis(n)
    }

    fn taken(queue: &mut Queue<&'static str>, now: Instant) -> Vec<&'static str> {
        std::iter::from_fn(|| queue.take(now)).collect()
    }

    #[tokio::test(start_paused = true)]
    async fn first_in_first_out_without_duplicates() {
        let mut queue = Queue::default();
        for key in ["b", "a", "b", "c", "a"] {
            queue.add(key, Instant::now());
        }
        assert_eq!(queue.len(), 3);
        assert_eq!(taken(&mut queue, Instant::now()), ["b", "a", "c"]);
        assert_eq!(queue.counters().adds, 3);
    }

    #[tokio::test(start_paused = true)]
    async fn an_item_that_is_worked_on_is_queued_again_afterwards() {
        let now = Instant::now();
        let mut queue = Queue::default();
        queue.add("a", Instant::now());
        assert_eq!(queue.take(now), Some("a"));
        queue.add("a", Instant::now());
        queue.add("a", Instant::now());
        assert_eq!(queue.take(now), None);
        queue.done(&"a", Instant::now());
        assert_eq!(queue.take(now), Some("a"));
        queue.done(&"a", Instant::now());
        assert!(queue.is_idle());
    }

    #[tokio::test(start_paused = true)]
    async fn keeps_the_earliest_deadline() {
        let now = Instant::now();
        let mut queue = Queue::default();
        queue.add_at("a", now + ms(50));
        queue.add_at("a", now + ms(20));
        queue.add_at("a", now + ms(70));
        queue.add_at("b", now + ms(20));
        assert_eq!(queue.next_deadline(), Some(now + ms(20)));
        assert_eq!(queue.take(now + ms(19)), None);
        assert_eq!(taken(&mut queue, now + ms(20)), ["a", "b"]);
        assert_eq!(queue.next_deadline(), None);
    }

    #[tokio::test(start_paused = true)]
    async fn taking_an_item_voids_its_deadline() {
        let now = Instant::now();
        let mut queue = Queue::default();
        queue.add_at("a", now + ms(20));
        queue.add("a", Instant::now());
        assert_eq!(queue.take(now), Some("a"));
        queue.done(&"a", Instant::now());
        assert_eq!(queue.take(now + ms(20)), None);
    }

    #[tokio::test(start_paused = true)]
    async fn a_deadline_that_comes_during_the_work_counts() {
        let now = Instant::now();
        let mut queue = Queue::default();
        queue.add("a", Instant::now());
        queue.take(now);
        queue.add_at("a", now + ms(5));
        assert_eq!(queue.take(now + ms(5)), None);
        queue.done(&"a", Instant::now());
        assert_eq!(queue.take(now + ms(5)), Some("a"));
    }

    /// Fails at once, `times` times in a row; answers how long it waited each time.
    fn waits(queue: &mut Queue<&'static str>, now: &mut Instant, times: usize) -> Vec<u64> {
        let mut waits = Vec::new();
        for _ in 0..times {
            assert_eq!(queue.take(*now), Some("a"));
            queue.done(&"a", Instant::now());
            queue.retry("a", *now);
            let next = queue.next_deadline().unwrap();
            waits.push(u64::try_from((next - *now).as_millis()).unwrap());
            *now = next;
        }
        waits
    }

    #[tokio::test(start_paused = true)]
    async fn back_off_doubles_up_to_ten_seconds() {
        let mut queue = Queue::default();
        queue.add("a", Instant::now());
        let waits = waits(&mut queue, &mut Instant::now(), 40);
        assert_eq!(waits[..5], [1, 2, 4, 8, 16]);
        assert_eq!(waits[13..16], [8192, 10_000, 10_000]);
        assert_eq!(waits[39], 10_000);
    }

    #[tokio::test(start_paused = true)]
    async fn outside_events_and_success_reset_the_back_off() {
        let mut now = Instant::now();
        let mut queue = Queue::default();
        queue.add("a", Instant::now());
        assert_eq!(waits(&mut queue, &mut now, 3), [1, 2, 4]);
        queue.add("a", Instant::now());
        assert_eq!(waits(&mut queue, &mut now, 2), [1, 2]);
        queue.succeed(&"a");
        assert_eq!(waits(&mut queue, &mut now, 2), [1, 2]);
        queue.add_again("a", Instant::now());
        assert_eq!(waits(&mut queue, &mut now, 2), [4, 8]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_forgotten_item_does_not_come_back() {
        let now = Instant::now();
        let mut queue = Queue::default();
        queue.add("a", Instant::now());
        queue.add_at("a", now + ms(5));
        queue.forget(&"a");
        assert_eq!(queue.take(now + ms(5)), None);
        queue.add("b", Instant::now());
        queue.take(now);
        queue.add("b", Instant::now());
        queue.forget(&"b");
        queue.done(&"b", Instant::now());
        assert!(queue.is_idle());
    }

    #[tokio::test(start_paused = true)]
    async fn tells_how_long_items_waited_and_were_worked_on() {
        let now = Instant::now();
        let mut queue = Queue::default();
        queue.add("a", now);
        queue.add("b", now);
        queue.add_at("c", now + ms(50));
        queue.take(now + ms(20));
        let load = queue.load(now + ms(50));
        assert_eq!((load.depth, load.adds, &*load.unfinished), (1, 2, &[ms(30)][..]));
        queue.done(&"a", now + ms(2020));
        queue.take(now + ms(2030));
        // Became ready at its deadline, whenever anybody looked.
        queue.take(now + ms(2050));
        let expected = ("waited 4.05 s", "worked 2 s");
        let load = queue.load(now + ms(2050));
        let told = (format!("waited {} s", load.waited.sum()), format!("worked {} s", load.worked.sum()));
        assert_eq!((told.0.as_str(), told.1.as_str()), expected);
        assert_eq!(load.unfinished, [ms(20), ms(0)]);
    }
}
