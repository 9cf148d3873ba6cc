use tidegate_ops::operations::restart;

use super::perform::perform;
use super::{Context, names};
use crate::failure::Failure;
use crate::ui::Ui;
use crate::view::missing;

/// Replace the pods of a Rollout by new ones of the same version
///
/// Sets `spec.restartAt`: from that time on, pods that are older are deleted, a few at a time, and created anew. The version
/// does not change. The time is that of the API server's clock.
#[derive(Debug, clap::Args)]
#[command(override_usage = "ROLLOUT", after_help = EXAMPLES)]
pub(crate) struct Args {
    #[arg(hide = true)]
    names: Vec<String>,
    /// How long from now, such as 30s, 5m or 1h30m
    #[arg(short, long = "in", value_name = "string", allow_hyphen_values = true, default_value = "")]
    in_: String,
}

const EXAMPLES: &str = "\
  # Restart the pods of a Rollout now
  kubectl argo rollouts restart guestbook

  # In ten seconds
  kubectl argo rollouts restart guestbook --in 10s";

pub(crate) async fn run(ui: &mut Ui<'_>, context: &Context<'_>, args: &Args) -> Result<(), Failure> {
    let name = names::one(&args.names)?;
    // What is wrong with the delay can be said without a server.
    restart(name, &args.in_, ui.now())?;
    let cluster = context.cluster().await?;
    cluster.look_at_the_clock(false).await?;
    let operation = restart(name, &args.in_, cluster.now())?;
    perform(cluster, &operation).await.map_err(|error| missing(cluster, error))?;
    Ok(ui.line(&operation.message)?)
}
