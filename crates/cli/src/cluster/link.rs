use tokio::time::Instant;

use super::{Cluster, ClusterError};
use crate::failure::Problem;

/// A server that refuses this often in a row will go on refusing; one that has just started may refuse at first.
const REFUSALS: u32 = 5;

/// Whether a watch has its server.
#[derive(Debug, Default)]
pub(crate) struct Link {
    lost: Option<Lost>,
}

#[derive(Debug)]
struct Lost {
    why: String,
    last: Instant,
    refusals: u32,
}

impl Link {
    /// Notes a failure; whether it is the first since the server answered. `has_begun`: the watch has told something, so the
    /// server was willing once.
    ///
    /// # Errors
    /// When asking again is of no use.
    pub(crate) fn lose(&mut self, error: ClusterError, has_begun: bool) -> Result<bool, Problem> {
        let before = self.lost.as_ref().map_or(0, |lost| lost.refusals);
        let refusals = if error.is_permanent() { before + 1 } else { 0 };
        if refusals > if has_begun { REFUSALS } else { 0 } {
            return Err(error.into_problem());
        }
        let is_new = self.lost.is_none();
        self.lost = Some(Lost { why: error.into_problem().text, last: Instant::now(), refusals });
        Ok(is_new)
    }

    /// Whether the server, which was lost, has answered meanwhile.
    pub(crate) fn is_mended(&mut self, cluster: &Cluster) -> bool {
        let is_mended = self.lost.as_ref().is_some_and(|lost| cluster.has_succeeded_since(lost.last));
        if is_mended {
            self.lost = None;
        }
        is_mended
    }

    /// What to tell the user while the server is lost.
    pub(crate) fn note(&self) -> Option<String> {
        self.lost.as_ref().map(|lost| format!("{}; trying again", lost.why))
    }
}
