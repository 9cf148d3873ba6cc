use serde_json::{Value, json};
use tidegate_ops::Target;
use tidegate_ops::operations::{ContainerImage, set_image};

use super::super::perform::perform;
use super::super::{Context, names};
use crate::cluster::{Cluster, ClusterError};
use crate::failure::{Failure, Problem};
use crate::ui::Ui;
use crate::view::missing;

/// Change images of a Rollout: the beginning of an update
///
/// Each CONTAINER is the name of a container, init container or ephemeral container of the pod template, or `*` for all of
/// them. Several pairs are changed at once. If the Rollout takes its pod template from another object (`spec.workloadRef`),
/// the images are changed there. Nothing else of the object is touched.
#[derive(Debug, clap::Args)]
#[command(override_usage = "ROLLOUT_NAME CONTAINER=IMAGE...", after_help = EXAMPLES)]
pub(crate) struct Args {
    #[arg(hide = true)]
    words: Vec<String>,
}

pub(super) const EXAMPLES: &str = "\
  # Change the image of a container
  kubectl argo rollouts set image guestbook web=guestbook:v2

  # Of two containers, in one update
  kubectl argo rollouts set image guestbook web=guestbook:v2 proxy=envoy:v1.30";

/// How often images are changed anew, because the pod template has changed meanwhile.
const ATTEMPTS: u32 = 5;

pub(crate) async fn run(ui: &mut Ui<'_>, context: &Context<'_>, args: &Args) -> Result<(), Failure> {
    let [name, pairs @ ..] = args.words.as_slice() else { return Err(Failure::Usage) };
    if pairs.is_empty() {
        return Err(Failure::Usage);
    }
    let pairs = pairs.iter().map(|text| pair(text)).collect::<Result<Vec<_>, _>>()?;
    names::check(name)?;
    let cluster = context.cluster().await?;
    let mut attempts = 1..=ATTEMPTS;
    loop {
        attempts.next();
        let (target, object) = template_holder(cluster, name).await?;
        let operation = set_image(&object, &pairs)?;
        match perform(cluster, &operation).await {
            Ok(()) => return Ok(ui.line(&operation.message)?),
            Err(error) if attempts.is_empty() || !has_moved(cluster, &target, &object, &error).await => {
                return Err(missing(cluster, error));
            }
            Err(_) => {}
        }
    }
}

fn pair(text: &str) -> Result<ContainerImage<'_>, Problem> {
    ContainerImage::parse(text).ok_or_else(|| {
        Problem::new(format!("invalid image {text:?}: it must be CONTAINER=IMAGE"))
            .hint("for example web=guestbook:v2")
    })
}

/// The object that holds the Rollout's pod template, as it is stored.
async fn template_holder(cluster: &Cluster, name: &str) -> Result<(Target, Value), Failure> {
    let read = async |target: &Target| -> Result<Value, Failure> {
        let mut object: Value = cluster.get(target).await.map_err(|error| missing(cluster, error))?;
        object["kind"] = json!(target.kind.as_str());
        Ok(object)
    };
    let rollout = read(&Target::rollout(name)).await?;
    let target = Target::of_template(&rollout)?;
    if target == Target::rollout(name) {
        return Ok((target, rollout));
    }
    names::check(&target.name)?;
    let workload = read(&target).await?;
    Ok((target, workload))
}

/// Whether a patch was refused because the object is not what it was any more: then it is worth another try.
async fn has_moved(cluster: &Cluster, target: &Target, before: &Value, error: &ClusterError) -> bool {
    if error.is_conflict() {
        return true;
    }
    if !error.is_failed_test() {
        return false;
    }
    let version = |object: &Value| object["metadata"]["resourceVersion"].clone();
    cluster.get::<Value>(target).await.is_ok_and(|now| version(&now) != version(before))
}
