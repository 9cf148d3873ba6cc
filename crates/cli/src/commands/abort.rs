use tidegate_ops::operations::abort;

use super::perform::perform;
use super::{Context, names};
use crate::failure::Failure;
use crate::ui::Ui;
use crate::view::{missing, rollout_to_change};

/// Abort an update: all traffic goes back to the stable version
///
/// The update stops where it is, the stable version gets all traffic and its full number of pods, and the pods of the new
/// version are scaled down. The Rollout is Degraded until it is retried (`retry rollout`), or its spec is changed back. A
/// Rollout that is fully promoted has nothing to abort, and is left alone.
///
/// Several Rollouts are aborted in the order in which they are named, up to the first that cannot be.
#[derive(Debug, clap::Args)]
#[command(override_usage = "ROLLOUT_NAME...", after_help = EXAMPLES)]
pub(crate) struct Args {
    #[arg(hide = true)]
    names: Vec<String>,
}

const EXAMPLES: &str = "\
  # Abort the update of a Rollout
  kubectl argo rollouts abort guestbook";

pub(crate) async fn run(ui: &mut Ui<'_>, context: &Context<'_>, args: &Args) -> Result<(), Failure> {
    for name in names::some(&args.names)? {
        names::check(name)?;
        let cluster = context.cluster().await?;
        let operation = abort(&rollout_to_change(cluster, name).await?);
        perform(cluster, &operation).await.map_err(|error| missing(cluster, error))?;
        ui.line(&operation.message)?;
    }
    Ok(())
}
