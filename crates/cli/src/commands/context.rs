use tokio::sync::OnceCell;

use crate::cluster::Cluster;
use crate::failure::Failure;
use crate::flags::Flags;
use crate::surroundings::Surroundings;
use crate::ui::Ui;

/// What all commands run in.
pub(crate) struct Context<'a> {
    flags: &'a Flags,
    surroundings: &'a Surroundings,
    /// Requests are told, a line each.
    tells_requests: bool,
    cluster: OnceCell<Cluster>,
}

impl<'a> Context<'a> {
    pub(crate) fn new(flags: &'a Flags, surroundings: &'a Surroundings, tells_requests: bool) -> Self {
        Self { flags, surroundings, tells_requests, cluster: OnceCell::new() }
    }

    /// The API server, once it is needed.
    pub(crate) async fn cluster(&self) -> Result<&Cluster, Failure> {
        self.cluster.get_or_try_init(async || Cluster::open(self.flags, self.surroundings)).await
    }

    /// Tells of the requests since the last call, if the user wants to know.
    pub(crate) fn tell_requests(&self, ui: &mut Ui<'_>) {
        let requests = self.cluster.get().map(Cluster::take_requests).unwrap_or_default();
        if self.tells_requests {
            requests.iter().for_each(|request| ui.note(request));
        }
    }
}
