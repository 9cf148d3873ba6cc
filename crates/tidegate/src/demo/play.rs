//! Plays the guide in a world, one step after the other, and checks what each comes to.

use std::io;
use std::time::Duration;

use tidegate_ops::text::{Look, Piece, Row, Style};
use tidegate_sim::World;
use tokio::time::Instant;

use super::guide::{NAME, NAMESPACE, STEPS, Step};

/// How often the world is looked at.
const TICK: Duration = Duration::from_millis(50);
/// How long a step may take: the longest has pauses of thirty seconds.
const LIMIT: Duration = Duration::from_secs(90);

/// Whoever shows the play.
pub(super) trait Show {
    /// A step begins; its command is not given yet.
    fn begin(&mut self, scene: Scene) -> io::Result<()>;
    /// How long the reader is left with a step before its command is given.
    fn lead_in(&self, step: &Step) -> Duration;
    /// The command was given, and printed this.
    fn answer(&mut self, output: &str) -> io::Result<()>;
    /// Time has passed. `reached` states of the step have been seen.
    async fn look(&mut self, world: &World, reached: usize) -> io::Result<()>;
    /// The step is over; an error says how it ended otherwise than the guide says.
    fn end(&mut self, world: &World, verdict: &Verdict) -> io::Result<()>;
    /// All steps have ended as the guide says.
    fn finish(&mut self, facts: Facts) -> io::Result<()>;
}

/// A step, and when it began.
#[derive(Clone, Copy)]
pub(super) struct Scene {
    /// From 1.
    pub(super) number: usize,
    pub(super) step: &'static Step,
    pub(super) play_began: Instant,
    pub(super) began: Instant,
}

/// Whether a step ended as the guide says, or else how it ended.
pub(super) type Verdict = Result<(), String>;

/// What can be said of the whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Facts {
    pub(super) took: Duration,
    /// Fewest ready pods since the first deployment was complete.
    pub(super) fewest_ready: i32,
}

impl Facts {
    /// In words.
    pub(super) fn rows(&self) -> [Row; 2] {
        let all_done = vec![
            Piece::new("✔", Look::Of(Style::Green)),
            Piece::bold(format!(" All {} steps ended as the guide says", STEPS.len())),
            Piece::plain(format!(", in {} s.", self.took.as_secs())),
        ];
        let ready = self.fewest_ready;
        let kept = format!("  Never fewer than {ready} of 5 pods were ready; no write broke an invariant.");
        [all_done, vec![Piece::plain(kept)]]
    }
}

/// Plays all steps, up to the first that ends otherwise than the guide says; tells whether there was none.
pub(super) async fn play(mut world: World, mut show: impl Show) -> io::Result<bool> {
    world.prepare().await;
    let play_began = Instant::now();
    for (step, number) in STEPS.iter().zip(1..) {
        let scene = Scene { number, step, play_began, began: Instant::now() };
        show.begin(scene)?;
        let verdict = play_step(&world, &mut show, step).await?;
        let verdict = verdict.and_then(|()| invariants_hold(&world));
        show.end(&world, &verdict)?;
        if verdict.is_err() {
            return Ok(false);
        }
    }
    let fewest_ready = world.inspector.low_water(NAMESPACE, NAME).map_or(0, |(ready, _)| ready);
    show.finish(Facts { took: play_began.elapsed(), fewest_ready })?;
    Ok(true)
}

async fn play_step(world: &World, show: &mut impl Show, step: &Step) -> io::Result<Verdict> {
    look_on(world, show, show.lead_in(step), 0).await?;
    let pods = pod_names(world);
    match step.action.perform(world).await {
        Ok(output) => show.answer(&output)?,
        Err(error) => return Ok(Err(format!("the command was refused: {error}"))),
    }
    let deadline = Instant::now() + LIMIT;
    for (state, reached) in step.states.iter().zip(0..) {
        while !state.holds(world) {
            if Instant::now() >= deadline {
                return Ok(Err(otherwise(world, state)));
            }
            show.look(world, reached).await?;
            world.pass(TICK).await;
        }
    }
    look_on(world, show, step.rest, step.states.len()).await?;
    let last = step.states.last().filter(|state| !state.holds(world));
    Ok(match last {
        Some(state) => Err(otherwise(world, state)),
        None if step.keeps_pods && pods != pod_names(world) => Err("pods were replaced".to_owned()),
        None => Ok(()),
    })
}

/// Lets time pass before the reader's eyes.
async fn look_on(world: &World, show: &mut impl Show, time: Duration, reached: usize) -> io::Result<()> {
    let end = Instant::now() + time;
    loop {
        show.look(world, reached).await?;
        let left = end.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Ok(());
        }
        world.pass(left.min(TICK)).await;
    }
}

fn otherwise(world: &World, wanted: impl std::fmt::Display) -> String {
    format!("the guide says {wanted}; it is: {}", world.summary(NAMESPACE, NAME))
}

fn invariants_hold(world: &World) -> Verdict {
    let violations = world.inspector.violations();
    violations.first().map_or(Ok(()), |(time, violation)| Err(format!("{time} {violation}")))
}

fn pod_names(world: &World) -> Vec<String> {
    let pods = world.server.list("pods", Some(NAMESPACE));
    pods.iter().filter_map(|pod| Some(pod["metadata"]["name"].as_str()?.to_owned())).collect()
}
