//! `tidegate playground`: an embedded cluster on a port of this machine, for people with a kubectl.
//!
//! In reading order: `folder` (the files that lead to it), `welcome` (what to do next), `view` (what happens in it).

mod folder;
mod view;
mod welcome;

use std::io::{self, Write};
use std::path::PathBuf;
use std::time::Duration;

use tidegate_cli::Surroundings;
use tidegate_kubesim::listener::{ListenError, Listener};
use tidegate_sim::{Options, Pace, World};
use tokio::signal::unix::{SignalKind, signal};

use crate::pods;

use folder::{Folder, FolderError};
use view::View;
use welcome::Welcome;

/// How often the cluster is looked at, in real time.
const TICK: Duration = Duration::from_millis(100);

/// Give me a cluster to play with: kubectl and the plugin work against it, until Ctrl-C
///
/// An API server with the rollouts controller, ReplicaSets and pods runs inside this
/// process and listens on a port of 127.0.0.1. Nothing outside is touched, nothing is
/// kept. It prints what to type in another terminal, then shows which version answers
/// which share of the requests.
///
/// Pods take about a second to start. Those of an image whose tag contains `bad` crash,
/// so that failure can be played too.
///
/// Example: tidegate playground --speed 10
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Args {
    /// Port of 127.0.0.1 to listen on; 0: any that is free
    #[arg(long, default_value_t = 0)]
    port: u16,
    /// Seconds that pass in the cluster in one second
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=1000))]
    speed: u32,
    /// Write the kubeconfig here instead of into a temporary folder; the file must not exist
    #[arg(long, value_name = "FILE")]
    kubeconfig: Option<PathBuf>,
}

/// Why there is no playground.
#[derive(Debug, thiserror::Error)]
enum PlaygroundError {
    #[error(transparent)]
    Listen(#[from] ListenError),
    #[error(transparent)]
    Folder(#[from] FolderError),
    #[error("cannot wait for signals")]
    Signals(#[source] io::Error),
    /// The view cannot be written.
    #[error(transparent)]
    Output(#[from] io::Error),
}

impl PlaygroundError {
    fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Listen(ListenError::Bind { port: 1.., .. }) => {
                Some("leave --port away to get one that is free")
            }
            Self::Folder(FolderError::Kubeconfig { .. }) => {
                Some("name a file that does not exist yet, in a folder that does")
            }
            _ => None,
        }
    }
}

/// Runs the playground until a signal ends it, and returns the exit code.
pub(crate) fn run(
    args: &Args,
    surroundings: &Surroundings,
    out: &mut impl Write,
    err: &mut impl Write,
) -> io::Result<u8> {
    let began = (surroundings.now)();
    let options = Options {
        epoch: began,
        seed: u64::from(began.subsec_nanosecond().unsigned_abs()),
        kubelet: pods::with_bad_ones(),
        survives_panics: true,
        routing: None,
        field_ownership: true,
        ..Options::default()
    };
    let pace = if args.speed == 1 { Pace::Real } else { Pace::Times(args.speed) };
    match tidegate_sim::run(pace, options, |world| play(world, args, surroundings, out)) {
        Ok(()) => Ok(0),
        Err(PlaygroundError::Output(error)) => Err(error),
        Err(error) => {
            let source = std::error::Error::source(&error).map_or(String::new(), |why| format!(": {why}"));
            writeln!(err, "error: {error}{source}")?;
            if let Some(hint) = error.hint() {
                writeln!(err, "hint: {hint}")?;
            }
            Ok(1)
        }
    }
}

async fn play(
    mut world: World,
    args: &Args,
    surroundings: &Surroundings,
    out: &mut impl Write,
) -> Result<(), PlaygroundError> {
    let mut stop = Stop::listen().map_err(PlaygroundError::Signals)?;
    world.prepare().await;
    let listener = Listener::bind(world.server.clone(), args.port).await?;
    let folder = Folder::create(args.kubeconfig.as_deref(), &listener.kubeconfig("playground"))?;
    let welcome = Welcome::new(listener.address(), &folder);
    let mut view = View::new(welcome, surroundings, out);
    let serving = tokio::spawn(listener.serve());
    let ended = loop {
        if let Err(error) = view.look(&world) {
            break Err(error.into());
        }
        tokio::select! {
            biased;
            () = stop.asked() => break Ok(()),
            () = world.pass(TICK * args.speed) => {}
        }
    };
    serving.abort();
    ended
}

/// What ends the playground from outside: Ctrl-C, a polite kill, or a terminal that is closed.
struct Stop {
    signals: [tokio::signal::unix::Signal; 3],
}

impl Stop {
    fn listen() -> io::Result<Self> {
        let of = |kind| signal(kind);
        let signals = [of(SignalKind::interrupt())?, of(SignalKind::terminate())?, of(SignalKind::hangup())?];
        Ok(Self { signals })
    }

    async fn asked(&mut self) {
        let [interrupt, terminate, hangup] = &mut self.signals;
        tokio::select! {
            biased;
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
            _ = hangup.recv() => {}
        }
    }
}
