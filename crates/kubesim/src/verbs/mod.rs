//! What each verb does.

pub(crate) mod create;
pub(crate) mod delete;
pub(crate) mod evict;
pub(crate) mod list_options;
pub(crate) mod read;
pub(crate) mod scale;
pub(crate) mod update;
