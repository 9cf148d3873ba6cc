//! The status that is being decided, with the events and reasons that come with it.

use tidegate_api::rollout::{RolloutStatus, reason};

use crate::plan::{Event, Timer};
use crate::report::Wait;

/// The next status in the making.
pub(super) struct Draft {
    pub(super) status: RolloutStatus,
    pub(super) events: Vec<Event>,
    pub(super) waits: Vec<Wait>,
    /// Why the controller itself aborts the update in this decision.
    pub(super) abort_message: Option<String>,
    timers: Vec<Timer>,
}

impl Draft {
    pub(super) fn of(status: &RolloutStatus) -> Self {
        Self {
            status: status.clone(),
            events: Vec::new(),
            waits: Vec::new(),
            abort_message: None,
            timers: Vec::new(),
        }
    }

    pub(super) fn event(&mut self, event: Event) {
        self.events.push(event);
    }

    pub(super) fn timer(&mut self, timer: Timer) {
        self.timers.push(timer);
    }

    pub(super) fn timers(self) -> Vec<Timer> {
        self.timers
    }

    /// A user has emptied the list of pauses, and that has not been acted on yet.
    pub(super) fn is_resumed(&self) -> bool {
        self.status.controller_pause && self.status.pause_conditions.is_empty()
    }

    /// Forgets every pause of the controller and says so, if there was one.
    pub(super) fn end_pauses(&mut self) {
        if self.clear_pauses() {
            self.event(Event::normal(reason::ROLLOUT_RESUMED, "Rollout is resumed"));
        }
    }

    /// Forgets every pause of the controller; whether there was one.
    pub(super) fn clear_pauses(&mut self) -> bool {
        let paused = self.status.controller_pause || !self.status.pause_conditions.is_empty();
        self.status.controller_pause = false;
        self.status.pause_conditions.clear();
        paused
    }
}
