use tidegate_ops::operations::pause;

use super::perform::perform;
use super::{Context, names};
use crate::failure::Failure;
use crate::ui::Ui;
use crate::view::missing;

/// Pause a Rollout: no step begins until it is promoted
///
/// Sets `spec.paused`. Weights stay where they are, and the number of pods still follows `spec.replicas`. `promote` takes the
/// pause back.
#[derive(Debug, clap::Args)]
#[command(override_usage = "ROLLOUT_NAME...", after_help = EXAMPLES)]
pub(crate) struct Args {
    #[arg(hide = true)]
    names: Vec<String>,
}

const EXAMPLES: &str = "\
  # Pause a Rollout
  kubectl argo rollouts pause guestbook";

pub(crate) async fn run(ui: &mut Ui<'_>, context: &Context<'_>, args: &Args) -> Result<(), Failure> {
    for name in names::some(&args.names)? {
        names::check(name)?;
        let cluster = context.cluster().await?;
        let operation = pause(name);
        perform(cluster, &operation).await.map_err(|error| missing(cluster, error))?;
        ui.line(&operation.message)?;
    }
    Ok(())
}
