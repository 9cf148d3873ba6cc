//! Controller processes: how one is started, and how it ends.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use tidegate_controller::router::Router;
use tidegate_controller::{Clock, Config, Controller, Gate, Handle};
use tidegate_core::{Plan, Snapshot};
use tidegate_kubesim::ApiServer;
use tokio::task::JoinHandle;

use super::{CONTROLLER, named};
use crate::faults::Faults;
use crate::inspector::Inspector;
use crate::router::StandIn;

/// One life of a controller process.
pub(super) struct Incarnation {
    pub(super) gate: Gate,
    pub(super) handle: Handle,
    task: JoinHandle<()>,
}

impl Incarnation {
    /// Ends it between two instructions, as a lost node would.
    pub(super) fn crash(&self) {
        self.gate.close();
        self.task.abort();
    }

    /// Whether it has ended by itself, which it never should.
    pub(super) fn has_ended(&self) -> bool {
        self.task.is_finished() && !self.gate.is_closed()
    }
}

/// Everything that it takes to start a controller.
#[derive(Clone)]
pub(super) struct Launcher {
    pub(super) server: ApiServer,
    pub(super) inspector: Inspector,
    pub(super) faults: Faults,
    pub(super) clock: Clock,
    pub(super) workers: usize,
    pub(super) survives_panics: bool,
    pub(super) router: Option<Arc<StandIn>>,
}

impl Launcher {
    pub(super) fn launch(&self) -> Incarnation {
        let gate = Gate::new();
        let service = self.faults.layer(named(&self.server, CONTROLLER));
        let client = tidegate_controller::client(service, &gate);
        let inspector = self.inspector.clone();
        let mut config = Config::new(self.clock);
        config.workers = self.workers;
        config.survives_panics = self.survives_panics;
        config.router = self.router.clone().map(|router| router as Arc<dyn Router>);
        config.on_plan = Some(Box::new(move |snapshot: &Snapshot, now: Timestamp, plan: &Plan| {
            inspector.planned(snapshot, now, plan);
        }));
        let controller = Controller::new(config, client).expect("the configuration is complete");
        let handle = controller.handle();
        let task = tokio::spawn(controller.run());
        Incarnation { gate, handle, task }
    }
}

/// The controller that is at work, if any.
pub(super) type Slot = Arc<Mutex<Option<Incarnation>>>;

pub(super) fn lock(slot: &Slot) -> MutexGuard<'_, Option<Incarnation>> {
    slot.lock().unwrap_or_else(PoisonError::into_inner)
}
