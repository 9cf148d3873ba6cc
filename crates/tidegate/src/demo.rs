//! `tidegate demo`: the getting-started guide, played and checked.
//!
//! In reading order: `guide` (its steps and what each must come to), `play` (one step after the other, in a world),
//! `transcript` (the play as lines), `live` (the play on a terminal).

mod guide;
mod live;
mod play;
#[cfg(test)]
mod tests;
mod transcript;

use std::io::{self, Write};

use tidegate_cli::Surroundings;
use tidegate_kubesim::Kubelet;
use tidegate_sim::{Options, Pace};

pub(crate) use guide::MANIFEST;
use live::Live;
use play::Show;
use transcript::Transcript;

/// Play the getting-started guide by itself: deploy, update, promote, abort
///
/// The controller, an API server and its pods run inside this process: no cluster
/// is needed, and nothing outside is touched. On a terminal the rollout is redrawn
/// in place; into a pipe or file it is written step by step.
///
/// Exit code 0: every step ended as the guide says.
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Args {
    /// Do not wait: virtual time, printed step by step
    #[arg(long)]
    fast: bool,
}

/// Plays the demo; `false`: a step did not end as the guide says, and `out` was told which and how.
pub(crate) fn run(args: &Args, surroundings: &Surroundings, out: &mut impl Write) -> io::Result<bool> {
    let color = surroundings.color();
    let kubelet = crate::pods::believable();
    if surroundings.has_screen && !args.fast {
        return on_stage(Pace::Real, kubelet, Live::new(out, color, surroundings.size));
    }
    let width = surroundings.has_screen.then(|| (surroundings.size)().width);
    let pace = if args.fast { Pace::Virtual } else { Pace::Real };
    on_stage(pace, kubelet, Transcript::new(out, color, width))
}

fn on_stage(pace: Pace, kubelet: Kubelet, show: impl Show) -> io::Result<bool> {
    let options = Options { kubelet, routing: None, ..Options::default() };
    tidegate_sim::run(pace, options, |world| play::play(world, show))
}
