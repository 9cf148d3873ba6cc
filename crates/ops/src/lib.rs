//! What a user can do with a Rollout, and what a user sees of it.
//!
//! Pure: it never prints, and knows nothing of clients, clocks or terminals; `now` is an argument, colours are names.
//! Modules in reading order: `operations` (promote, abort, ... as patches), `status` (the phase a client may trust), `info`
//! (a Rollout with its ReplicaSets and pods), `text` (styled lines of it), `error`.

mod error;
mod field;
pub mod info;
pub mod operations;
pub mod status;
pub mod text;

pub use error::{ErrorKind, OpError};
pub use operations::{Operation, Patch, PatchKind, Subresource, Target, TargetKind};
