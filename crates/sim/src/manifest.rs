//! Manifests as kubectl reads them, and where in the file each field stands.
//!
//! In reading order: `node` (a document with places), `path` (from the path of a field to its place), `scalar` (what a plain
//! word means), `read` (from text to documents).

mod node;
mod path;
mod read;
mod scalar;

pub use node::{Content, Field, Node, Place};
pub use path::pointer;
pub use read::{Fault, Reading, read};
