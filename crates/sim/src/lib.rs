//! Worlds in one process: the controller that ships, an in-memory cluster, users, faults, and a linter that sees every write.
//!
//! Time is virtual unless asked otherwise: a world runs in a current-thread runtime whose clock is paused, and everything
//! in it derives from a seed. In reading order: `world` (the whole), `takeover` (one that begins in the middle), `pace` (how fast its time runs), `manifest` (files, with the
//! place of every field), `router` (who moves traffic), `user` and `apply` (what people do), `inspector` (invariants after every write) with `seen` (what it tells of a Rollout), `faults` (what goes
//! wrong between controller and cluster), `view` (what people see), `timeline` (what happened to a Rollout, in rows), `scenario`
//! (scripts with golden transcripts).

pub mod apply;
pub mod dice;
pub mod faults;
pub mod inspector;
pub mod life;
pub mod manifest;
mod meter;
mod pace;
pub mod router;
pub mod scenario;
mod seen;
mod takeover;
pub mod timeline;
pub mod user;
pub mod view;
pub mod world;

pub use dice::Dice;
pub use faults::{Fault, Faults, Rates};
pub use inspector::{Counts, Inspector};
pub use meter::Failed;
pub use pace::Pace;
pub use router::Routing;
pub use seen::Seen;
pub use user::UserError;
pub use world::{Options, Side, World, run};
