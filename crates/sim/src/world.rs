//! A world: cluster, controller and user over one clock.

mod launcher;

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use http::HeaderValue;
use http::header::USER_AGENT;
use jiff::{SignedDuration, Timestamp};
use kube::Client;
use serde_json::Value;
use tidegate_controller::{Clock, Gate, Handle};
use tidegate_core::Plan;
use tidegate_core::invariants::Knowledge;
use tidegate_core::rollout;
use tidegate_kubesim::{ApiServer, Kubelet, Reaction};
use tokio::sync::Notify;
use tokio::time::Instant;
use tower::ServiceExt;

use crate::faults::Faults;
use crate::inspector::Inspector;
use crate::pace::Pace;
use crate::router::{Routing, StandIn};

use launcher::{Incarnation, Launcher, Slot, lock};

/// The controller's name in the cluster's records.
pub const CONTROLLER: &str = "rollouts-controller";
/// The user's name in the cluster's records.
pub const USER: &str = "kubectl";

/// How long after its end a second controller's doings are still noticed.
const SETTLED: SignedDuration = SignedDuration::from_secs(5);

/// On which side of a write something happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// Before it has any effect.
    Before,
    /// After its effect, before its answer.
    After,
}

/// How a world begins.
#[derive(Clone, Debug)]
pub struct Options {
    /// Uids, pod names and the fraction of a second at which the world begins derive from it.
    pub seed: u64,
    /// Wall time at the beginning, less the fraction.
    pub epoch: Timestamp,
    /// How pods behave.
    pub kubelet: Kubelet,
    /// How long the workload controllers take to notice a change, and so how far ReplicaSets' status lags.
    pub reaction: Reaction,
    /// Rollouts that the controller works on at the same time.
    pub workers: usize,
    /// Whether the controller goes on with the other Rollouts after a panic, as the one that ships does. A simulation
    /// wants to see it.
    pub survives_panics: bool,
    /// The router that stands in for whatever `trafficRouting` names; `None`: there is no router, as in the version that ships.
    pub routing: Option<Routing>,
    /// Whether the cluster keeps the owners of fields and serves server-side apply, which makes its writes slower.
    pub field_ownership: bool,
    /// Whether the cluster knows Rollouts only, and none of the other kinds of ours, whose definitions are large.
    pub only_rollouts: bool,
}

impl Default for Options {
    /// Seed 1, 2026-01-01, pods ready after 0.8 s, workload controllers that react at once, ten workers, panics that are seen, a
    /// router that obeys at once and cannot be asked whether it has, no owners of fields, all kinds.
    fn default() -> Self {
        Self {
            seed: 1,
            epoch: Timestamp::from_second(1_767_225_600).unwrap_or(Timestamp::UNIX_EPOCH),
            kubelet: Kubelet::default(),
            reaction: Reaction::default(),
            workers: 10,
            survives_panics: false,
            routing: Some(Routing::default()),
            field_ownership: false,
            only_rollouts: false,
        }
    }
}

impl Options {
    /// Real life happens between the ticks of the API's one-second times: worlds begin at any fraction.
    fn start(&self) -> Timestamp {
        let mixed = self.seed.wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(31);
        let fraction = i64::try_from(mixed % 1_000).unwrap_or(0);
        self.epoch + jiff::SignedDuration::from_millis(fraction)
    }
}

/// Makes a world, runs `act` in it and returns what it returns. The world ends with it. Only a world that keeps pace with
/// real time can have sockets.
///
/// # Panics
/// When the operating system gives no runtime.
pub fn run<T, F>(pace: Pace, options: Options, act: impl FnOnce(World) -> F) -> T
where
    F: Future<Output = T>,
{
    let runtime = pace.runtime().expect("the operating system gives a runtime");
    runtime.block_on(async move {
        let _driver = pace.drive();
        act(World::new(&options)).await
    })
}

/// Longer than the longest deadline that a Rollout has unless it says otherwise.
pub(crate) const LONG: Duration = Duration::from_secs(700);

/// Cluster, controller and user.
pub struct World {
    /// The cluster.
    pub server: ApiServer,
    /// What the linter has seen so far.
    pub inspector: Inspector,
    /// What goes wrong between controller and cluster.
    pub faults: Faults,
    pub(crate) user: Client,
    launcher: Launcher,
    controller: Slot,
    only_rollouts: bool,
    /// How often the controller was ended or joined, by name.
    upheavals: BTreeMap<&'static str, u64>,
    /// Told of every stored change.
    changed: Arc<Notify>,
    /// How often each event had happened when it was shown to the user.
    pub(crate) shown_events: BTreeMap<String, i64>,
}

impl World {
    fn new(options: &Options) -> Self {
        let epoch = options.start();
        let server = ApiServer::new(tidegate_kubesim::Config {
            epoch,
            seed: options.seed,
            kubelet: options.kubelet.clone(),
            reaction: options.reaction,
            field_ownership: options.field_ownership,
            ..tidegate_kubesim::Config::default()
        });
        let lags = options.reaction.replica_set > Duration::ZERO;
        let faults = Faults::none(options.seed);
        let knowledge = if lags { Knowledge::Published } else { Knowledge::Exact };
        let clock = Clock::starting_at(epoch);
        let confirmation = options.routing.and_then(|routing| Some((clock, routing.confirmation?)));
        let inspector = Inspector::new(knowledge, confirmation, faults.clone());
        inspector.attach(&server);
        let changed = Arc::new(Notify::new());
        let news = Arc::clone(&changed);
        server.observe(move |_| news.notify_one());
        server.spawn_controllers();
        let user = named(&server, USER);
        let launcher = Launcher {
            server: server.clone(),
            inspector: inspector.clone(),
            faults: faults.clone(),
            clock,
            workers: options.workers,
            survives_panics: options.survives_panics,
            router: options.routing.map(|routing| StandIn::new(clock, routing)),
        };
        Self {
            user: Client::new(user, "default"),
            inspector,
            faults,
            server,
            launcher,
            controller: Slot::default(),
            only_rollouts: options.only_rollouts,
            upheavals: BTreeMap::new(),
            changed,
            shown_events: BTreeMap::new(),
        }
    }

    /// A world with our resources and a running controller.
    ///
    /// # Panics
    /// When the cluster refuses one of our own resource definitions.
    pub async fn prepare(&mut self) {
        self.define_resources();
        self.start_controller();
        self.pass(Duration::from_millis(100)).await;
    }

    pub(crate) fn define_resources(&self) {
        let is_wanted =
            |definition: &&Value| !self.only_rollouts || definition["spec"]["names"]["plural"] == "rollouts";
        for definition in tidegate_api::crd::all().iter().filter(is_wanted) {
            self.server
                .create(USER, "customresourcedefinitions", "", definition.clone())
                .expect("our resource definitions are accepted by the cluster");
        }
    }

    /// Wall time.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.server.now()
    }

    /// Lets time pass.
    pub async fn pass(&self, time: Duration) {
        tokio::time::sleep(time).await;
    }

    /// Waits until something has been stored, and from there to the next multiple of `grain` since `since`, so that what happens
    /// together is seen together. `false`: nothing was stored until `end`. One waiter at a time.
    pub async fn next_look(&self, since: Instant, grain: Duration, end: Instant) -> bool {
        if tokio::time::timeout_at(end, self.changed.notified()).await.is_err() {
            return false;
        }
        let passed = since.elapsed().as_nanos() / grain.as_nanos().max(1);
        let marks = u32::try_from(passed + 1).unwrap_or(u32::MAX);
        tokio::time::sleep_until((since + grain.saturating_mul(marks)).min(end)).await;
        true
    }

    /// Starts a controller process; a running one is crashed first.
    ///
    /// # Panics
    /// When the controller refuses its configuration, or when the running one had ended by itself before.
    pub fn start_controller(&mut self) {
        self.crash_controller();
        *lock(&self.controller) = Some(self.launcher.launch());
    }

    /// Ends the controller process between two instructions, as a lost node would.
    ///
    /// # Panics
    /// When it had ended by itself before.
    pub fn crash_controller(&mut self) {
        assert!(!self.controller_has_ended(), "the controller has ended by itself");
        let running = lock(&self.controller).take();
        if let Some(incarnation) = running {
            incarnation.crash();
            self.note("crash");
        }
    }

    /// The controller ends instead of sending its `n`-th write from now, or instead of receiving the answer; a second later another
    /// one starts.
    pub fn crash_at_write(&mut self, n: u64, side: Side) {
        let Some(gate) = self.gate() else { return };
        match side {
            Side::Before => gate.close_before_write(gate.writes() + n),
            Side::After => gate.close_after_write(gate.effects() + n),
        }
        let (slot, launcher) = (Arc::clone(&self.controller), self.launcher.clone());
        tokio::spawn(async move {
            gate.closed().await;
            tokio::time::sleep(Duration::from_secs(1)).await;
            let mut slot = lock(&slot);
            // Somebody may have ended or replaced it meanwhile.
            if let Some(incarnation) = slot.as_ref().filter(|it| it.gate.is_closed()) {
                incarnation.crash();
                *slot = Some(launcher.launch());
            }
        });
        self.note("crash at a write");
    }

    /// A second controller takes over while the first goes on for a while, as one does that has lost its lease and does not know.
    pub fn start_twin(&mut self, time: Duration) {
        let first = lock(&self.controller).replace(self.launcher.launch());
        let Some(first) = first else { return };
        assert!(!first.has_ended(), "the controller has ended by itself");
        self.note("twin");
        let until = SignedDuration::try_from(time).unwrap_or_default() + SETTLED;
        self.inspector.expect_twins(self.now() + until);
        tokio::spawn(async move {
            tokio::time::sleep(time).await;
            first.crash();
        });
    }

    /// The server's clock is off by this much against the controller's: a jump of what both stamp and compare.
    pub fn set_clock_of_cluster(&mut self, offset: SignedDuration) {
        self.server.set_clock_offset(offset);
        self.note("clock");
    }

    /// The next controller's clock is off by this much; it starts at once.
    pub fn set_clock_of_controller(&mut self, offset: SignedDuration) {
        self.launcher.clock.offset = offset;
        self.start_controller();
        self.note("clock");
    }

    /// The server is away for a while: watches end, and nothing is answered.
    pub fn restart_server(&mut self, time: Duration) {
        self.server.close_watches();
        self.faults.refuse_connections(time);
    }

    /// What can still strike by itself does not.
    pub fn calm(&mut self) {
        self.faults.calm();
        self.server.set_clock_offset(SignedDuration::ZERO);
        self.launcher.clock.offset = SignedDuration::ZERO;
        if let Some(gate) = self.gate() {
            gate.close_before_write(u64::MAX);
            gate.close_after_write(u64::MAX);
        }
    }

    pub(crate) fn note(&mut self, upheaval: &'static str) {
        *self.upheavals.entry(upheaval).or_default() += 1;
    }

    /// How often each fault has struck so far, by name, with crashes, twins, jumps of clocks, silence, and what was lost.
    #[must_use]
    pub fn struck(&self) -> BTreeMap<&'static str, u64> {
        let mut struck = self.faults.struck();
        for (name, count) in &self.upheavals {
            *struck.entry(name).or_default() += count;
        }
        struck
    }

    /// The gate in front of the running controller.
    #[must_use]
    pub fn gate(&self) -> Option<Gate> {
        lock(&self.controller).as_ref().map(|incarnation| incarnation.gate.clone())
    }

    /// Whether the controller has ended by itself, which it never should.
    #[must_use]
    pub fn controller_has_ended(&self) -> bool {
        lock(&self.controller).as_ref().is_some_and(Incarnation::has_ended)
    }

    /// Waits until nothing has changed for three seconds, or longer where pods start slowly; `false`: that did not happen within `limit`.
    pub async fn settle(&self, limit: Duration) -> bool {
        let quiet = Duration::from_secs(3).max(self.slowest_stage() + Duration::from_secs(1));
        let deadline = Instant::now() + limit;
        let mut seen = (self.server.resource_version(), Instant::now());
        loop {
            self.pass(Duration::from_millis(100)).await;
            let (version, now) = (self.server.resource_version(), Instant::now());
            if version != seen.0 || !self.is_idle() {
                seen = (version, now);
            }
            if now.duration_since(seen.1) >= quiet {
                return true;
            }
            if now >= deadline || self.inspector.is_hopeless() {
                return false;
            }
        }
    }

    /// How long a pod may look as if nothing came any more.
    fn slowest_stage(&self) -> Duration {
        let kubelet = self.server.kubelet();
        let stages = kubelet.rules.iter().flat_map(|rule| &rule.stages).chain(&kubelet.stages);
        stages.map(|stage| stage.after).max().unwrap_or_default()
    }

    /// Waits until the world has settled and no timer runs that would change something; `false`: that did not happen within `limit`. Timers that have fired many times without a change, for longer than a deadline takes, ask again and again.
    pub async fn come_to_rest(&self, limit: Duration) -> bool {
        const FRUITLESS: u32 = 30;
        let deadline = Instant::now() + limit;
        let (mut fruitless, mut changed_at) = (0, Instant::now());
        while self.settle(limit).await {
            let Some(wake_at) = self.next_timer().await else { return true };
            let wait = Duration::try_from(wake_at.duration_since(self.now())).unwrap_or(Duration::ZERO);
            let is_in_vain = fruitless >= FRUITLESS && changed_at.elapsed() >= LONG;
            if is_in_vain || Instant::now() + wait > deadline {
                return true;
            }
            let before = self.server.resource_version();
            self.pass(wait + Duration::from_millis(100)).await;
            if before == self.server.resource_version() {
                fruitless += 1;
            } else {
                (fruitless, changed_at) = (0, Instant::now());
            }
        }
        false
    }

    /// When the controller wants to look at one of the Rollouts again.
    async fn next_timer(&self) -> Option<Timestamp> {
        let mut next: Option<Timestamp> = None;
        for key in self.rollouts() {
            let plan = self.second_plan(&key.namespace, &key.name).await;
            next = next.into_iter().chain(plan.and_then(|plan| plan.wake_at)).min();
        }
        // What was refused is tried again.
        let queued = self.handle().and_then(|handle| handle.next_deadline());
        let wait = queued.map(|at| at.saturating_duration_since(Instant::now()));
        let tried =
            wait.and_then(|wait| jiff::SignedDuration::try_from(wait).ok()).map(|wait| self.now() + wait);
        next.into_iter().chain(tried).min()
    }

    /// How often the controller that runs has looked at what is there because its watches were behind its own writes.
    pub(crate) fn live_reads(&self) -> u64 {
        self.handle().map_or(0, |handle| handle.metrics().live_reads)
    }

    fn handle(&self) -> Option<Handle> {
        lock(&self.controller).as_ref().map(|incarnation| incarnation.handle.clone())
    }

    fn is_idle(&self) -> bool {
        self.handle().is_none_or(|handle| handle.is_idle())
    }

    /// Waits until `reached` holds for the Rollout; `false`: it did not within `limit`.
    pub async fn until(
        &self,
        limit: Duration,
        (namespace, name): (&str, &str),
        mut reached: impl FnMut(&Value) -> bool,
    ) -> bool {
        let deadline = Instant::now() + limit;
        loop {
            if self.server.get("rollouts.argoproj.io", namespace, name).is_some_and(|object| reached(&object))
            {
                return true;
            }
            if Instant::now() >= deadline {
                return false;
            }
            self.pass(Duration::from_millis(100)).await;
        }
    }

    /// What the controller would write now: the plan on a fresh snapshot. `None`: no controller, or it knows no such Rollout.
    pub async fn second_plan(&self, namespace: &str, name: &str) -> Option<Plan> {
        let handle = self.handle()?;
        let snapshot = handle.complete_snapshot(namespace, name).await.ok()??;
        Some(rollout::plan(&snapshot, self.now()))
    }

    /// Changes stored by the controller so far, events aside.
    #[must_use]
    pub fn controller_writes(&self) -> u64 {
        let tallies = self.server.tallies();
        let ours = tallies.iter().filter(|(key, _)| key.actor == CONTROLLER && key.resource != "events");
        ours.map(|(_, tally)| tally.stored).sum()
    }
}

/// A handle on the server that signs its requests.
pub(crate) fn named(
    server: &ApiServer,
    name: &'static str,
) -> impl tower::Service<
    http::Request<kube::client::Body>,
    Response = http::Response<tidegate_kubesim::Body>,
    Error = std::convert::Infallible,
    Future: Send,
> + Clone
+ Send
+ 'static {
    server.clone().map_request(move |mut request: http::Request<kube::client::Body>| {
        request.headers_mut().insert(USER_AGENT, HeaderValue::from_static(name));
        request
    })
}
