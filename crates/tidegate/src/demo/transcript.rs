//! The play as lines, for pipes and files: each change when it happens, the tree when a step is over.

use std::io::{self, Write};
use std::time::Duration;

use tidegate_ops::text::{Color, Look, Piece, Row, Size, Style, cut, fit, paint, wrap};
use tidegate_sim::World;

use super::guide::{Action, NAME, NAMESPACE, Step};
use super::play::{Facts, Scene, Show, Verdict};
use crate::traffic::Traffic;

/// Columns of a rule where no terminal says how many there are.
const WIDTH: usize = 80;

/// Writes lines and never goes back.
pub(super) struct Transcript<W> {
    out: W,
    color: Color,
    /// Longer lines are cut.
    width: Option<usize>,
    scene: Option<Scene>,
    traffic: Traffic,
    last: String,
    /// The guide's second terminal is open.
    watches: bool,
    /// The step's command was given.
    is_answered: bool,
}

impl<W: Write> Transcript<W> {
    pub(super) fn new(out: W, color: Color, width: Option<usize>) -> Self {
        Self {
            out,
            color,
            width,
            scene: None,
            traffic: Traffic::of(NAMESPACE, NAME),
            last: String::new(),
            watches: false,
            is_answered: false,
        }
    }

    fn line(&mut self, row: &[Piece]) -> io::Result<()> {
        let row = cut(row, self.width.unwrap_or(usize::MAX));
        writeln!(self.out, "{}", paint(&row, self.color))
    }

    fn rule(&self, title: &str) -> Row {
        let columns = self.width.unwrap_or(WIDTH).min(WIDTH);
        let left = columns.saturating_sub(title.chars().count() + 4);
        vec![Piece::dim("── "), Piece::bold(title), Piece::dim(format!(" {}", "─".repeat(left)))]
    }

    fn tree(&mut self, world: &World) -> io::Result<()> {
        let room = Size { width: self.width.unwrap_or(usize::MAX), ..Size::ENDLESS };
        for row in fit(world.tree(NAMESPACE, NAME).unwrap_or_default(), room) {
            self.line(&row)?;
        }
        let mut traffic = vec![Piece::plain("Traffic:         ")];
        traffic.extend(self.traffic.bar_with_words(world, 20, self.color));
        self.line(&[])?;
        self.line(&traffic)?;
        self.line(&[])
    }
}

impl<W: Write> Show for Transcript<W> {
    fn begin(&mut self, scene: Scene) -> io::Result<()> {
        if self.scene.is_none() {
            self.line(&[
                Piece::bold("Tidegate demo"),
                Piece::plain(": the getting-started guide of Argo Rollouts, by itself."),
            ])?;
            self.line(&[Piece::plain(
                "Controller, API server and pods run in this process; no cluster is touched.",
            )])?;
        }
        let step = scene.step;
        self.scene = Some(scene);
        self.is_answered = false;
        self.watches |= step.action == Action::Watch;
        self.line(&[])?;
        self.line(&self.rule(&format!("{}/7  {}", scene.number, step.title)))?;
        self.line(&[Piece::plain(step.sentence)])?;
        self.line(&[])?;
        let columns = self.width.unwrap_or(usize::MAX).saturating_sub(2);
        for (line, prompt) in
            wrap(&step.action.command(), columns, " \\", "  ").iter().zip(["$ ", "  ", "  "])
        {
            self.line(&[Piece::dim(prompt), Piece::bold(line)])?;
        }
        Ok(())
    }

    fn lead_in(&self, _step: &Step) -> Duration {
        Duration::ZERO
    }

    fn answer(&mut self, output: &str) -> io::Result<()> {
        self.is_answered = true;
        for line in output.lines() {
            self.line(&[Piece::plain(line)])?;
        }
        self.line(&[])
    }

    async fn look(&mut self, world: &World, _reached: usize) -> io::Result<()> {
        let Some(scene) = self.scene else { return Ok(()) };
        let summary = world.summary(NAMESPACE, NAME);
        if !self.is_answered || summary == self.last {
            return Ok(());
        }
        let seconds = scene.began.elapsed().as_secs_f64();
        let mut line = vec![Piece::plain(format!("{seconds:>6.1} s  "))];
        line.extend(self.traffic.bar(world, 10, self.color));
        line.push(Piece::plain(format!("  {summary}")));
        self.last = summary;
        self.line(&line)?;
        self.out.flush()
    }

    fn end(&mut self, world: &World, verdict: &Verdict) -> io::Result<()> {
        let Some(scene) = self.scene else { return Ok(()) };
        if scene.step.action != Action::Watch {
            self.line(&[])?;
        }
        if self.watches || verdict.is_err() {
            self.tree(world)?;
        }
        let row = match (verdict, scene.step.states.last()) {
            (Err(how), _) => {
                vec![
                    Piece::new("✖", Look::Of(Style::Red)),
                    Piece::plain(format!(" Step {}, {}: {how}", scene.number, scene.step.title)),
                ]
            }
            (Ok(()), Some(state)) => {
                vec![
                    Piece::new("✔", Look::Of(Style::Green)),
                    Piece::plain(format!(" As the guide says: {state}")),
                ]
            }
            (Ok(()), None) => vec![],
        };
        self.line(&row)?;
        self.out.flush()
    }

    fn finish(&mut self, facts: Facts) -> io::Result<()> {
        self.line(&[])?;
        self.line(&self.rule("Done"))?;
        for row in facts.rows() {
            self.line(&row)?;
        }
        self.out.flush()
    }
}
