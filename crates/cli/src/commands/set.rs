//! `set`: the group.

pub(crate) mod image;

use std::ffi::OsString;

use super::Context;
use crate::failure::Failure;
use crate::ui::Ui;

/// Change values of a Rollout
#[derive(Debug, clap::Args)]
#[command(override_usage = "<image> RESOURCE_NAME VALUE", after_help = image::EXAMPLES)]
pub(crate) struct Args {
    #[command(subcommand)]
    pub(crate) command: Option<Set>,
}

#[derive(Debug, clap::Subcommand)]
pub(crate) enum Set {
    Image(image::Args),
    #[command(external_subcommand)]
    Unknown(Vec<OsString>),
}

pub(crate) async fn run(ui: &mut Ui<'_>, context: &Context<'_>, args: &Args) -> Result<(), Failure> {
    match &args.command {
        Some(Set::Image(args)) => image::run(ui, context, args).await,
        Some(Set::Unknown(_)) | None => Err(Failure::Usage),
    }
}
