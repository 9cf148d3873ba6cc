//! `retry`: the group.

pub(crate) mod rollout;

use std::ffi::OsString;

use super::Context;
use crate::failure::Failure;
use crate::ui::Ui;

/// Take an abort back
#[derive(Debug, clap::Args)]
#[command(override_usage = "<rollout> RESOURCE_NAME", after_help = rollout::EXAMPLES)]
pub(crate) struct Args {
    #[command(subcommand)]
    pub(crate) command: Option<Retry>,
}

#[derive(Debug, clap::Subcommand)]
pub(crate) enum Retry {
    #[command(visible_aliases = ["ro", "rollouts"])]
    Rollout(rollout::Args),
    #[command(external_subcommand)]
    Unknown(Vec<OsString>),
}

pub(crate) async fn run(ui: &mut Ui<'_>, context: &Context<'_>, args: &Args) -> Result<(), Failure> {
    match &args.command {
        Some(Retry::Rollout(args)) => rollout::run(ui, context, args).await,
        Some(Retry::Unknown(_)) | None => Err(Failure::Usage),
    }
}
