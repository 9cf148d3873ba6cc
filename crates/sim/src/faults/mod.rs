//! What goes wrong between a controller and the cluster: faults at chosen writes, faults by rates and dice, stores that fall
//! behind, and a server that is away. In reading order: `rates` (what there is), this module (what strikes when), `layer` (how).

mod layer;
mod rates;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use crate::dice::Dice;

pub use layer::Faulty;
pub(crate) use rates::names;
pub use rates::{Fault, NoRate, Rates};

/// How old an answer may be by the time when the last write that rests on it arrives, where requests are slow: several in a row are.
const STALENESS: Duration = Duration::from_secs(10);

/// How long after a fault it may matter: as long as the latest write is on its way.
const AFTERMATH: Duration = Duration::from_secs(12);

#[derive(Debug)]
struct State {
    /// Faults by the number of the write that meets them; 1 is the first.
    armed: BTreeMap<u64, Fault>,
    writes: u64,
    rates: Rates,
    dice: Dice,
    silent_until: Option<Instant>,
    away_until: Option<Instant>,
    /// Until when decisions may rest on answers that were slow.
    slow_until: Option<Instant>,
    /// Until when the controller may not know what has happened.
    troubled_until: Option<Instant>,
    /// When the request was sent that arrives now, if it was under way for a while.
    sent: Option<Instant>,
    /// How often each fault has struck, by name.
    struck: BTreeMap<&'static str, u64>,
    /// Writes that were struck by rates.
    strikes: Vec<(u64, Fault)>,
}

/// The faults of a world; clones are the same.
#[derive(Clone, Debug)]
pub struct Faults {
    state: Arc<Mutex<State>>,
}

/// A request, as far as faults tell them apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum RequestKind {
    Create,
    /// A write of what is there.
    Write,
    Read,
    Watch,
    /// An event about an object: nobody waits for it.
    Telling,
}

impl Faults {
    /// Nothing goes wrong until told so; what goes wrong by rates then derives from the seed.
    #[must_use]
    pub fn none(seed: u64) -> Self {
        let state = State {
            armed: BTreeMap::new(),
            writes: 0,
            rates: Rates::default(),
            dice: Dice::new(seed),
            silent_until: None,
            away_until: None,
            slow_until: None,
            troubled_until: None,
            sent: None,
            struck: BTreeMap::new(),
            strikes: Vec::new(),
        };
        Self { state: Arc::new(Mutex::new(state)) }
    }

    /// The `n`-th write from now meets `fault`; 1 is the next one.
    pub fn arm(&self, n: u64, fault: Fault) {
        let mut state = self.lock();
        let at = state.writes + n;
        state.armed.insert(at, fault);
    }

    /// Whether no armed fault is left.
    #[must_use]
    pub fn is_spent(&self) -> bool {
        self.lock().armed.is_empty()
    }

    /// From now on faults strike with these rates.
    pub fn set_rates(&self, rates: Rates) {
        self.lock().rates = rates;
    }

    /// Nothing that was armed or has a rate strikes any more.
    pub fn calm(&self) {
        let mut state = self.lock();
        state.armed.clear();
        state.rates = Rates::default();
    }

    /// Watches deliver nothing for this long.
    pub fn silence_watches(&self, time: Duration) {
        self.lock().silence(time);
    }

    /// No request reaches the server for this long.
    pub(crate) fn refuse_connections(&self, time: Duration) {
        let mut state = self.lock();
        let end = Instant::now() + time;
        state.away_until = Some(end);
        state.trouble(end);
        *state.struck.entry("restart").or_default() += 1;
    }

    /// How often each fault has struck so far, by name.
    #[must_use]
    pub fn struck(&self) -> BTreeMap<&'static str, u64> {
        self.lock().struck.clone()
    }

    /// The writes that faults by rates have struck, by number; 1 is the first write of the world.
    #[must_use]
    pub fn strikes(&self) -> Vec<(u64, Fault)> {
        self.lock().strikes.clone()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts a request and tells what goes wrong with it.
    fn at_request(&self, kind: RequestKind) -> Option<Fault> {
        let mut state = self.lock();
        match kind {
            RequestKind::Telling => None,
            RequestKind::Read => state.strike(Fault::strikes_reads),
            RequestKind::Watch => {
                let fault = state.strike(Fault::strikes_reads);
                if fault.is_some() {
                    // Nothing is heard of its kind until the next try.
                    state.trouble(Instant::now());
                }
                fault
            }
            RequestKind::Create | RequestKind::Write => {
                state.writes += 1;
                let number = state.writes;
                if let Some(fault) = state.armed.remove(&number) {
                    if let Fault::StaleStore(time) = fault {
                        state.silence(time);
                    }
                    if fault.hides() {
                        state.trouble(Instant::now());
                    }
                    *state.struck.entry(fault.name()).or_default() += 1;
                    return Some(fault);
                }
                let is_create = kind == RequestKind::Create;
                let applies =
                    |fault: Fault| !fault.is_of_watches() && (is_create || fault != Fault::AlreadyExists);
                let fault = state.strike(applies)?;
                state.strikes.push((number, fault));
                Some(fault)
            }
        }
    }

    /// What goes wrong with an event of a watch.
    fn at_event(&self) -> Option<Fault> {
        self.lock().strike(Fault::is_of_watches)
    }

    /// A delay up to `most`.
    fn delay(&self, most: Duration) -> Duration {
        let millis = u64::try_from(most.as_millis()).unwrap_or(u64::MAX);
        Duration::from_millis(self.lock().dice.roll(millis.saturating_add(1)))
    }

    /// What happened within this time the sender of the request that is being carried out could not know: it was under way, and
    /// so were the answers that it rests on.
    pub(crate) fn unknown(&self) -> Duration {
        let state = self.lock();
        let under_way = state.sent.map_or(Duration::ZERO, |sent| sent.elapsed());
        let is_slow = state.slow_until.is_some_and(|until| until > Instant::now());
        under_way + if is_slow { STALENESS } else { Duration::ZERO }
    }

    /// Whether nothing has gone wrong lately: the controller knows what has happened, as far as it was published.
    pub(crate) fn is_quiet(&self) -> bool {
        self.lock().troubled_until.is_none_or(|until| until <= Instant::now())
    }

    fn silent_until(&self) -> Option<Instant> {
        self.lock().silent_until.filter(|until| *until > Instant::now())
    }

    fn is_away(&self) -> bool {
        self.lock().away_until.is_some_and(|until| until > Instant::now())
    }
}

impl State {
    fn silence(&mut self, time: Duration) {
        let end = Instant::now() + time;
        self.silent_until = Some(end);
        self.trouble(end);
    }

    /// Something is wrong until `end`, and is made up for some time after.
    fn trouble(&mut self, end: Instant) {
        self.troubled_until = self.troubled_until.max(Some(end + AFTERMATH));
    }

    /// Rolls for the faults that apply, and counts the one that strikes.
    fn strike(&mut self, applies: impl Fn(Fault) -> bool) -> Option<Fault> {
        // Without rates no dice are thrown.
        self.rates.iter().next()?;
        let number = self.dice.roll(1000);
        let fault = self.rates.at(number, applies)?;
        *self.struck.entry(fault.name()).or_default() += 1;
        if fault.hides() {
            self.trouble(Instant::now());
        }
        if fault == Fault::Slow {
            self.slow_until = Some(Instant::now() + STALENESS);
        }
        Some(fault)
    }
}
