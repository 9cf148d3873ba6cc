//! The commands, one file each: arguments, then `run(ui, context, args)`. The doc comment of the arguments is the manual.

pub(crate) mod abort;
pub(crate) mod complete;
pub(crate) mod completion;
pub(crate) mod get;
pub(crate) mod list;
pub(crate) mod pause;
pub(crate) mod promote;
pub(crate) mod restart;
pub(crate) mod retry;
pub(crate) mod set;
pub(crate) mod status;
pub(crate) mod undo;
pub(crate) mod version;

mod context;
pub(crate) mod names;
mod perform;

pub(crate) use context::Context;
