//! The play on a terminal, redrawn in place.

use std::io::{self, Write};
use std::time::Duration;

use tidegate_ops::text::{Color, Look, Piece, Row, Screen, Size, Style, fit, width, wrap};
use tidegate_sim::World;

use super::guide::{NAME, NAMESPACE, STEPS, State, Step};
use super::play::{Facts, Scene, Show, Verdict};
use crate::traffic::Traffic;

/// How long the reader has for the sentence before the command is typed.
const BEFORE_TYPING: Duration = Duration::from_millis(400);
/// How long a key takes.
const KEY: Duration = Duration::from_millis(6);
/// A terminal with fewer rows gets one empty line only.
const ROOMY: usize = 32;
/// Rows wider than this are hard to read.
const WIDEST: usize = 120;

/// Draws the play on a screen.
pub(super) struct Live<W> {
    out: W,
    screen: Screen,
    size: fn() -> Size,
    traffic: Traffic,
    scene: Option<Scene>,
    /// What the command printed; `None`: it was not given yet.
    output: Option<String>,
    /// Traffic and tree as last seen, and why the rollout waits.
    seen: Seen,
    /// Below everything, when a step failed or all are over.
    closing: Vec<Row>,
}

/// The rollout at one moment.
#[derive(Default)]
struct Seen {
    /// States of the step that were reached.
    reached: usize,
    traffic: Row,
    waits: String,
    tree: Vec<tidegate_ops::text::Line>,
}

impl<W: Write> Live<W> {
    pub(super) fn new(out: W, color: Color, size: fn() -> Size) -> Self {
        Self {
            out,
            screen: Screen::new(color),
            size,
            traffic: Traffic::of(NAMESPACE, NAME),
            scene: None,
            output: None,
            seen: Seen::default(),
            closing: Vec::new(),
        }
    }

    fn see(&mut self, world: &World) {
        let columns = (self.size)().width.min(WIDEST);
        // A multiple of ten: every pod of five has the same part of the bar.
        let cells = (columns.saturating_sub(34) / 10 * 10).clamp(10, 60);
        self.seen.traffic = self.traffic.bar_with_words(world, cells, self.screen.color());
        self.seen.tree = world.tree(NAMESPACE, NAME).unwrap_or_default();
    }

    fn draw(&mut self) -> io::Result<()> {
        let Some(scene) = self.scene else { return Ok(()) };
        let size = (self.size)();
        let mut rows = self.head(scene, size);
        let below = self.closing.len() + usize::from(!self.closing.is_empty());
        // The last row of the terminal is the cursor's.
        let room = size.height.saturating_sub(1 + rows.len() + below);
        rows.extend(fit(self.seen.tree.clone(), Size { height: room, ..size }));
        if !self.closing.is_empty() {
            rows.push(Row::new());
            rows.extend(self.closing.clone());
        }
        let Some(frame) = self.screen.draw(rows, size) else { return Ok(()) };
        self.out.write_all(frame.as_bytes())?;
        self.out.flush()
    }

    /// All that stands above the tree.
    fn head(&self, scene: Scene, size: Size) -> Vec<Row> {
        let is_roomy = size.height >= ROOMY;
        let mut rows = vec![rule(scene, size.width.min(WIDEST))];
        rows.extend(
            wrap(scene.step.sentence, size.width, "", "").into_iter().map(|line| vec![Piece::plain(line)]),
        );
        rows.extend(is_roomy.then(Row::new));
        rows.extend(self.command(scene, size.width));
        let output = self.output.as_deref().unwrap_or_default();
        rows.extend(output.lines().map(|line| vec![Piece::dim(line)]));
        rows.push(Row::new());
        rows.push([vec![Piece::plain("Traffic  ")], self.seen.traffic.clone()].concat());
        rows.push(guide_row(scene.step.states, self.seen.reached));
        // While a step goes on, a report without a reason only means that the controller does not say.
        let is_at_rest = self.output.is_none() || self.seen.reached == scene.step.states.len();
        let is_over = is_at_rest && self.seen.waits.is_empty();
        let waits = if is_over { "for nothing" } else { &self.seen.waits };
        rows.push(vec![Piece::plain("Waits    "), Piece::plain(waits)]);
        rows.extend(is_roomy.then(Row::new));
        rows
    }

    /// The command as far as it is typed, over as many lines as it needs.
    fn command(&self, scene: Scene, columns: usize) -> Vec<Row> {
        let typing = scene.began.elapsed().saturating_sub(BEFORE_TYPING);
        let mut typed = usize::try_from(typing.as_millis() / KEY.as_millis()).unwrap_or(usize::MAX);
        if self.output.is_some() {
            typed = usize::MAX;
        }
        let lines = wrap(&scene.step.action.command(), columns.saturating_sub(2), " \\", "  ");
        let mut rows = Vec::new();
        for (index, line) in lines.iter().enumerate() {
            let shown: String = line.chars().take(typed).collect();
            let is_cut = typed < line.chars().count();
            typed = typed.saturating_sub(line.chars().count());
            let prompt = if index == 0 { "$ " } else { "  " };
            let mut row = vec![Piece::dim(prompt), Piece::bold(shown)];
            row.extend(is_cut.then(|| Piece::plain("▌")));
            rows.push(row);
            if is_cut {
                // Lines that are still to come keep their place, so that nothing below moves.
                rows.resize(lines.len(), Row::new());
                break;
            }
        }
        rows
    }
}

/// `━━ 3/7  Update to yellow ━━━━━━━ Tidegate demo ━━ 12 s ━━`
fn rule(scene: Scene, columns: usize) -> Row {
    let mut row = vec![
        Piece::dim("━━ "),
        Piece::bold(format!("{}/{}  {} ", scene.number, STEPS.len(), scene.step.title)),
    ];
    let right = format!(" Tidegate demo ━━ {:>2} s ━━", scene.play_began.elapsed().as_secs());
    let left = columns.saturating_sub(width(&row) + right.chars().count());
    row.push(Piece::dim("━".repeat(left)));
    row.push(Piece::dim(right));
    row
}

/// What the guide wants to be seen, ticked as far as it was.
fn guide_row(states: &[State], reached: usize) -> Row {
    let mut row = vec![Piece::plain("Guide    ")];
    for (index, state) in states.iter().enumerate() {
        let mark = match index {
            index if index < reached => Piece::new("✔", Look::Of(Style::Green)),
            index if index == reached => Piece::new("◌", Look::Of(Style::BrightBlue)),
            _ => Piece::dim("·"),
        };
        let text = if states.len() == 1 { state.to_string() } else { state.sizes() };
        row.extend([mark, Piece::plain(format!(" {text}  "))]);
    }
    row
}

/// Why the controller waits, by its own report; empty: it does not say.
async fn waits(world: &World) -> String {
    let Some(plan) = world.second_plan(NAMESPACE, NAME).await else { return String::new() };
    let Some(wait) = plan.report.waits.first() else { return String::new() };
    let end = plan.wake_at.filter(|end| end.to_string() == wait.until);
    match end.map(|end| end.duration_since(world.now()).as_millis()) {
        Some(left) => format!("{} s more: {}", (left.max(0) + 999) / 1_000, wait.because),
        None => match wait.object.split_once('/') {
            Some((kind, name)) if kind != "Rollout" => {
                format!("{name} {}: {}; until {}", wait.field, wait.because, wait.until)
            }
            _ => format!("until {}: {}", wait.until, wait.because),
        },
    }
}

impl<W: Write> Show for Live<W> {
    fn begin(&mut self, scene: Scene) -> io::Result<()> {
        self.scene = Some(scene);
        self.output = None;
        self.seen.reached = 0;
        self.draw()
    }

    fn lead_in(&self, step: &Step) -> Duration {
        let keys = u32::try_from(step.action.command().chars().count()).unwrap_or(u32::MAX);
        BEFORE_TYPING + KEY.saturating_mul(keys)
    }

    fn answer(&mut self, output: &str) -> io::Result<()> {
        self.output = Some(output.to_owned());
        self.draw()
    }

    async fn look(&mut self, world: &World, reached: usize) -> io::Result<()> {
        self.see(world);
        self.seen.reached = reached;
        self.seen.waits = waits(world).await;
        self.draw()
    }

    fn end(&mut self, world: &World, verdict: &Verdict) -> io::Result<()> {
        self.see(world);
        if let (Err(how), Some(scene)) = (verdict, self.scene) {
            let columns = (self.size)().width.saturating_sub(2);
            let text = format!("Step {}, {}: {how}", scene.number, scene.step.title);
            let mark = std::iter::once(Piece::new("✖ ", Look::Of(Style::Red)))
                .chain(std::iter::repeat(Piece::plain("  ")));
            let lines = wrap(&text, columns, "", "");
            self.closing = mark.zip(lines).map(|(mark, line)| vec![mark, Piece::plain(line)]).collect();
        }
        self.draw()
    }

    fn finish(&mut self, facts: Facts) -> io::Result<()> {
        self.closing = facts.rows().into();
        self.draw()
    }
}
