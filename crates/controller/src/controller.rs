//! The running controller: watches fill the stores, a dispatcher works off the queue, one task writes events.

use std::panic::resume_unwind;
use std::sync::Arc;
use std::time::Duration;

use kube::Client;
use kube::runtime::watcher;
use tidegate_core::{Snapshot, rollout};
use tokio::sync::watch;
use tokio::task::{Id, JoinError, JoinSet};
use tokio::time::{Instant, sleep_until, timeout};

use crate::clients::Clients;
use crate::config::{Config, Error};
use crate::events::{Inbox, Recorder};
use crate::live;
use crate::reconcile::{FOLLOW_UPS, complete, reconcile};
use crate::service;
use crate::shell::{Metrics, Outcome, Shell};
use crate::snapshot::{self, ReadError};
use crate::store::Key;
use crate::watch::{Selection, follow};
use crate::watch_state::{WatchState, Watches};

/// Runs a controller until it is shut down or dropped. `client` is best made by [`crate::client`].
///
/// # Errors
/// When the configuration makes no sense.
pub async fn run(config: Config, client: Client) -> Result<(), Error> {
    Controller::new(config, client)?.run().await;
    Ok(())
}

/// A controller that is ready to run.
pub struct Controller {
    shell: Arc<Shell>,
    inbox: Inbox,
    selections: [Selection; 3],
    lenders: [Selection; 3],
    workers: usize,
    survives_panics: bool,
    shutdown: Option<watch::Receiver<bool>>,
    grace: Duration,
    watches: Watches,
}

impl Controller {
    /// Makes a controller; nothing is sent before it runs.
    ///
    /// # Errors
    /// When the configuration makes no sense.
    pub fn new(config: Config, client: Client) -> Result<Self, Error> {
        config.validate()?;
        let (recorder, inbox) = Recorder::new(config.event_capacity, config.clock);
        let clients = Clients::new(client, config.rate_limit);
        Ok(Self {
            inbox,
            selections: config.scope.selections(),
            lenders: config.scope.lenders(),
            workers: config.workers,
            survives_panics: config.survives_panics,
            shutdown: config.shutdown.clone(),
            grace: config.grace,
            watches: Watches::new(&config.scope.selections()),
            shell: Arc::new(Shell::new(config, clients, recorder)),
        })
    }

    /// A view of what this controller sees and has done, also while it runs.
    #[must_use]
    pub fn handle(&self) -> Handle {
        Handle { shell: self.shell.clone(), watches: self.watches.clone() }
    }

    /// Runs until it is shut down, which lets running work come to its end; dropping the future ends it at once, tasks included.
    pub async fn run(self) {
        let mut background = JoinSet::new();
        for selection in self.selections {
            let (shell, failing, kind) = (self.shell.clone(), self.shell.clone(), selection.kind);
            let (watches, failed_watches) = (self.watches.clone(), self.watches.clone());
            background.spawn(follow(
                shell.clients.unlimited(),
                selection,
                move |event| {
                    watches.heard(kind, &event);
                    shell.deliver(kind, event);
                },
                move |error| {
                    failed_watches.failed(kind, error);
                    failing.lock().metrics.watch_errors += 1;
                },
            ));
        }
        for selection in self.lenders {
            background.spawn(follow_lenders(self.shell.clone(), selection));
        }
        let shell = self.shell;
        let (mut writing, last_call) = (JoinSet::new(), self.inbox.last_call());
        writing.spawn(self.inbox.drain(shell.clients.clone(), shell.field_manager.clone()));
        let mut dispatcher = Dispatcher {
            shell,
            workers: self.workers,
            survives_panics: self.survives_panics,
            running: JoinSet::new(),
            items: Vec::new(),
        };
        tokio::select! {
            biased;
            () = asked_to_stop(self.shutdown) => {}
            Some(ended) = background.join_next() => if let Err(error) = ended { pass_on(error) },
            Some(ended) = writing.join_next() => if let Err(error) = ended { pass_on(error) },
            () = dispatcher.work() => {}
        }
        if timeout(self.grace, dispatcher.wind_up()).await.is_err() {
            let running = dispatcher.running.len();
            tracing::warn!(running, "work on Rollouts was cut short by the end of the process");
        }
        last_call.send_replace(true);
        // What is still unwritten after that is lost, as events may be.
        let _ = timeout(self.grace, writing.join_next()).await;
    }
}

/// Watches a kind of lenders from the moment at which a Rollout refers to one. Whatever becomes of it, live reads do without.
async fn follow_lenders(shell: Arc<Shell>, selection: Selection) {
    let kind = selection.kind;
    shell.is_wanted(kind).await;
    let watches = Watches::optional(&selection);
    let failed_watches = watches.clone();
    let (delivering, failing) = (shell.clone(), shell.clone());
    let deliver = move |event| {
        watches.heard(kind, &event);
        delivering.deliver_lender(kind, event);
    };
    let failed = move |error: &watcher::Error| {
        failed_watches.failed(kind, error);
        let mut state = failing.lock();
        state.metrics.watch_errors += 1;
        state.world.workloads.failed(kind);
    };
    follow(shell.clients.unlimited(), selection, deliver, failed).await;
}

async fn asked_to_stop(shutdown: Option<watch::Receiver<bool>>) {
    match shutdown {
        // An error means that whoever could ask is gone.
        Some(mut shutdown) => _ = shutdown.wait_for(|stop| *stop).await,
        None => std::future::pending().await,
    }
}

fn pass_on(error: JoinError) {
    if let Ok(panic) = error.try_into_panic() {
        resume_unwind(panic);
    }
}

/// What there is to work on.
#[derive(Clone)]
enum Item {
    Rollout(Key),
    /// A Service that a Rollout may have let go.
    Service(Key),
}

/// Takes from the queues and keeps up to `workers` items in work.
struct Dispatcher {
    shell: Arc<Shell>,
    workers: usize,
    survives_panics: bool,
    running: JoinSet<Outcome>,
    /// Which task works on what.
    items: Vec<(Id, Item)>,
}

impl Dispatcher {
    async fn work(&mut self) {
        let shell = self.shell.clone();
        loop {
            let deadline = self.start();
            let due = async {
                match deadline {
                    Some(at) => sleep_until(at).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                biased;
                Some(ended) = self.running.join_next_with_id() => self.finish(ended),
                () = shell.changed.notified() => {}
                () = due => {}
            }
        }
    }

    /// Lets running work come to its end without beginning any more.
    async fn wind_up(&mut self) {
        while let Some(ended) = self.running.join_next_with_id().await {
            self.finish(ended);
        }
    }

    /// Starts as much work as there are free workers; answers when more comes due, if a worker is free then.
    fn start(&mut self) -> Option<Instant> {
        while self.running.len() < self.workers {
            let mut state = self.shell.lock();
            let now = Instant::now();
            let item = state.queue.take(now).map(Item::Rollout);
            let item = item.or_else(|| state.releases.take(now).map(Item::Service));
            let Some(item) = item else { return state.next_deadline() };
            drop(state);
            let (shell, this) = (self.shell.clone(), item.clone());
            let task = self.running.spawn(async move {
                match this {
                    Item::Rollout(key) => {
                        tracing::debug!(resource = %key, "Start processing");
                        reconcile(&shell, &key).await
                    }
                    Item::Service(key) => service::release(&shell, &key).await,
                }
            });
            self.items.push((task.id(), item));
        }
        None
    }

    fn finish(&mut self, ended: Result<(Id, Outcome), JoinError>) {
        let (id, outcome, panic) = match ended {
            Ok((id, outcome)) => (id, outcome, None),
            Err(error) if self.survives_panics => (error.id(), Outcome::Retry(None), Some(error)),
            Err(error) => return pass_on(error),
        };
        let Some(place) = self.items.iter().position(|(known, _)| *known == id) else { return };
        let (_, item) = self.items.swap_remove(place);
        let mut state = self.shell.lock();
        let key = match item {
            Item::Rollout(key) => key,
            Item::Service(key) => return state.finish_release(&key, outcome, Instant::now()),
        };
        tracing::debug!(resource = %key, ?outcome, "Processing completed");
        if let Some(panic) = panic {
            tracing::error!(namespace = key.namespace, rollout = key.name, "Recovered from panic: {panic}");
            state.metrics.panics += 1;
            state.series.failed(&key);
        }
        state.finish(&key, outcome, Instant::now());
    }
}

/// A view of a controller from outside.
#[derive(Clone)]
pub struct Handle {
    shell: Arc<Shell>,
    watches: Watches,
}

impl Handle {
    /// What the stores know of a Rollout at this moment, with no need answered. `None`: it is unknown.
    #[must_use]
    pub fn snapshot(&self, namespace: &str, name: &str) -> Option<Snapshot> {
        let key = Key::new(namespace, name);
        let state = self.shell.lock();
        snapshot::from_stores(&state.world, state.memories.get(&key), &key)
    }

    /// The same with all needs answered, which may take live reads: what a plan would be made on now.
    ///
    /// # Errors
    /// When a live read fails.
    pub async fn complete_snapshot(
        &self,
        namespace: &str,
        name: &str,
    ) -> Result<Option<Snapshot>, ReadError> {
        let Some(mut snapshot) = self.snapshot(namespace, name) else { return Ok(None) };
        complete(&self.shell, &mut snapshot, None).await?;
        for _ in 0..FOLLOW_UPS {
            let needs = rollout::plan(&snapshot, self.shell.clock.now()).needs;
            if needs.is_empty() {
                break;
            }
            live::answer(&self.shell, &mut snapshot, needs).await?;
        }
        Ok(Some(snapshot))
    }

    /// The Rollouts of the store.
    #[must_use]
    pub fn rollouts(&self) -> Vec<Key> {
        self.shell.lock().world.rollouts.keys().cloned().collect()
    }

    /// Whether the stores are complete and nothing is queued or worked on. Timers may be pending.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        let state = self.shell.lock();
        state.world.is_complete() && state.is_idle()
    }

    /// How the watch of each required kind is doing.
    #[must_use]
    pub fn watches(&self) -> Vec<WatchState> {
        self.watches.states()
    }

    /// When the queue will act of itself.
    #[must_use]
    pub fn next_deadline(&self) -> Option<Instant> {
        self.shell.lock().next_deadline()
    }

    /// All metrics in Prometheus' text format, version 0.0.4.
    #[must_use]
    pub fn metrics_text(&self) -> String {
        self.shell.metrics_text()
    }

    /// Counters since the start.
    #[must_use]
    pub fn metrics(&self) -> Metrics {
        self.shell.metrics()
    }
}
