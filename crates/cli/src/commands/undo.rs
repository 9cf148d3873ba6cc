use serde_json::Value;
use tidegate_ops::Target;
use tidegate_ops::operations::undo;

use super::perform::perform;
use super::{Context, names};
use crate::cluster::{Listed, Slim};
use crate::failure::{Failure, Problem};
use crate::go;
use crate::ui::Ui;
use crate::view::{missing, selection, typed};

/// Go back to the pod template of an earlier revision
///
/// The template is taken from the ReplicaSet of that revision, without what the controller has put into it. What follows is an
/// update like any other, with all its steps; if the earlier revision is still the stable one, it is a return to it. Without
/// --to-revision it is the revision before the newest.
#[derive(Debug, clap::Args)]
#[command(override_usage = "ROLLOUT_NAME", after_help = EXAMPLES)]
pub(crate) struct Args {
    #[arg(hide = true)]
    names: Vec<String>,
    /// The revision to go back to; 0 = the one before the newest
    #[arg(long, value_name = "int", allow_hyphen_values = true, value_parser = go::int, default_value = "0")]
    to_revision: i64,
}

const EXAMPLES: &str = "\
  # Go back to the revision before
  kubectl argo rollouts undo guestbook

  # Go back to revision 3
  kubectl argo rollouts undo guestbook --to-revision=3";

pub(crate) async fn run(ui: &mut Ui<'_>, context: &Context<'_>, args: &Args) -> Result<(), Failure> {
    let name = names::one(&args.names)?;
    let cluster = context.cluster().await?;
    let rollout = cluster.get::<Slim>(&Target::rollout(name)).await;
    let rollout = rollout.map_err(|error| missing(cluster, error))?.0;
    let selection = selection(&typed(rollout.clone())?);
    let mut replica_sets: Vec<Value> = Vec::new();
    cluster
        .list(Listed::ReplicaSets, Some(cluster.namespace()), &selection, &mut replica_sets)
        .await
        .map_err(|error| {
            let problem = error.into_problem();
            let text = format!("failed to retrieve replica sets from rollout {name}: {}", problem.text);
            Problem { text, ..problem }
        })?;
    let operation = undo(&rollout, &replica_sets, args.to_revision)?;
    perform(cluster, &operation).await.map_err(|error| {
        let problem = error.into_problem();
        let text = format!("failed restoring revision {}: {}", args.to_revision, problem.text);
        Problem { text, ..problem }
    })?;
    Ok(ui.line(&operation.message)?)
}
