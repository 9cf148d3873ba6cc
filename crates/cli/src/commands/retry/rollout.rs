use tidegate_ops::operations::retry;

use super::super::perform::perform;
use super::super::{Context, names};
use crate::failure::Failure;
use crate::ui::Ui;
use crate::view::missing;

/// Take the abort of a Rollout back: the update begins anew
///
/// The update runs from its first step on, as if it had just been asked for.
#[derive(Debug, clap::Args)]
#[command(override_usage = "ROLLOUT_NAME...", after_help = EXAMPLES)]
pub(crate) struct Args {
    #[arg(hide = true)]
    names: Vec<String>,
}

pub(super) const EXAMPLES: &str = "\
  # Try the aborted update of a Rollout again
  kubectl argo rollouts retry rollout guestbook";

pub(crate) async fn run(ui: &mut Ui<'_>, context: &Context<'_>, args: &Args) -> Result<(), Failure> {
    for name in names::some(&args.names)? {
        names::check(name)?;
        let cluster = context.cluster().await?;
        let operation = retry(name);
        perform(cluster, &operation).await.map_err(|error| missing(cluster, error))?;
        ui.line(&operation.message)?;
    }
    Ok(())
}
