//! `get rollout --watch`.

use std::pin::pin;
use std::time::Duration;

use futures::StreamExt;
use serde_json::Value;
use tidegate_ops::info::{Objects, RolloutInfo};
use tidegate_ops::text::{Color, Look, Piece, Row, Screen, Size, Style, fit, render, rollout_lines};
use tokio::time::{Instant, MissedTickBehavior};

use super::super::Context;
use crate::cluster::{Change, Changes, Cluster, Link, Listed, Mirror, Selection};
use crate::failure::{Failure, Problem};
use crate::interrupt::{Resizes, interrupted};
use crate::ui::Ui;
use crate::view::{looked_at, not_found, rollout, selection, typed};

/// Ages move once in so long.
const SECOND: Duration = Duration::from_secs(1);
/// There is no more than one redraw in so long.
const REST: Duration = Duration::from_millis(200);

/// Shows a Rollout until the user has seen enough, it is gone, or the time is over.
pub(super) async fn watch(
    ui: &mut Ui<'_>,
    context: &Context<'_>,
    name: &str,
    color: Color,
    limit: Option<Duration>,
) -> Result<(), Failure> {
    let cluster = context.cluster().await?;
    let mut interrupt = pin!(interrupted());
    let mut end = pin!(end(limit));
    let mut followed = tokio::select! {
        biased;
        () = &mut interrupt => return Ok(()),
        () = &mut end => return Err(exceeded().into()),
        followed = Followed::begin(cluster, name) => followed?,
    };
    let mut picture = Picture::new(ui, color);
    let mut clock = pin!(keep_time(cluster));
    let mut resizes = Resizes::new();
    let mut second = tokio::time::interval(SECOND);
    second.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut drawn = None;
    let mut due: Option<Instant> = None;
    loop {
        let wait = pin!(tokio::time::sleep_until(due.unwrap_or_else(Instant::now)));
        let is_urgent = tokio::select! {
            biased;
            () = &mut interrupt => return Ok(()),
            () = &mut end => return Err(exceeded().into()),
            () = resizes.next() => true,
            () = wait, if due.is_some() => true,
            _ = second.tick() => true,
            Some(change) = followed.changes.next() => followed.note(change, ui)?,
            () = &mut clock => false,
        };
        context.tell_requests(ui);
        if followed.link.is_mended(cluster) {
            picture.mended(ui);
        }
        // Until everything was told once there is nothing to show.
        if !followed.is_complete() {
            continue;
        }
        if is_urgent && due.is_none() {
            due = Some(drawn.map_or_else(Instant::now, |drawn: Instant| drawn + REST));
        }
        if due.is_some_and(|due| due <= Instant::now()) {
            let info = followed.info()?;
            picture.draw(ui, &info, followed.link.note(), cluster)?;
            drawn = Some(Instant::now());
            due = None;
        }
    }
}

async fn end(limit: Option<Duration>) {
    match limit {
        Some(limit) => tokio::time::sleep(limit).await,
        None => std::future::pending().await,
    }
}

fn exceeded() -> Problem {
    Problem::new("Rollout watch exceeded timeout")
}

/// A server whose clock goes its own way, perhaps faster, is asked for its time once a second.
async fn keep_time(cluster: &Cluster) {
    loop {
        tokio::time::sleep(SECOND).await;
        if cluster.has_own_clock() {
            // Without an answer the last one counts, and the watch tells that the connection is lost.
            let _ = tokio::time::timeout(SECOND * 5, cluster.look_at_the_clock(true)).await;
        }
    }
}

/// A Rollout and what belongs to it, as the watches tell.
struct Followed<'a> {
    cluster: &'a Cluster,
    name: &'a str,
    changes: Changes,
    /// What the watches of ReplicaSets and pods ask for.
    selection: Selection,
    rollouts: Mirror<Value>,
    replica_sets: Mirror<Value>,
    pods: Mirror<Value>,
    link: Link,
}

impl<'a> Followed<'a> {
    /// The Rollout is read once, so that what is wrong is said as without a watch.
    async fn begin(cluster: &'a Cluster, name: &'a str) -> Result<Self, Failure> {
        let selection = selection(&rollout(cluster, name).await?);
        let keep = std::convert::identity::<Value>;
        let mut followed = Self {
            cluster,
            name,
            changes: Changes::new(),
            selection,
            rollouts: Mirror::new(Listed::Rollouts, keep),
            replica_sets: Mirror::new(Listed::ReplicaSets, keep),
            pods: Mirror::new(Listed::Pods, keep),
            link: Link::default(),
        };
        followed.open();
        Ok(followed)
    }

    fn open(&mut self) {
        self.changes.clear();
        let namespace = Some(self.cluster.namespace());
        let named = Selection::named(self.name);
        for (listed, selection) in [
            (Listed::Rollouts, &named),
            (Listed::ReplicaSets, &self.selection),
            (Listed::Pods, &self.selection),
        ] {
            self.changes.push(self.cluster.changes(listed, namespace, selection));
        }
    }

    /// Whether the change can be seen.
    fn note(&mut self, mut change: Change, ui: &mut Ui<'_>) -> Result<bool, Failure> {
        if let Change::Lost(error) = change {
            let is_first = self.link.lose(error, self.is_complete())?;
            if let Some(note) = self.link.note().filter(|_| is_first && !ui.surroundings().has_screen) {
                ui.warn(&note);
            }
            return Ok(true);
        }
        let mirrors = [&mut self.rollouts, &mut self.replica_sets, &mut self.pods];
        let is_seen = mirrors.into_iter().any(|mirror| mirror.note(&mut change));
        if self.rollouts.is_complete() && self.rollouts.entries().is_empty() {
            let problem = not_found(self.cluster, self.name);
            return Err(
                Problem { hint: Some("it was deleted while it was watched".to_owned()), ..problem }.into()
            );
        }
        Ok(is_seen)
    }

    fn is_complete(&self) -> bool {
        [&self.rollouts, &self.replica_sets, &self.pods].into_iter().all(Mirror::is_complete)
    }

    fn info(&mut self) -> Result<RolloutInfo, Failure> {
        let objects = |mirror: &Mirror<Value>| mirror.entries().values().cloned().collect::<Vec<_>>();
        let rollout = typed(objects(&self.rollouts).pop().unwrap_or_default())?;
        let selection = selection(&rollout);
        if selection != self.selection {
            self.selection = selection;
            self.open();
        }
        let (replica_sets, pods) = (objects(&self.replica_sets), objects(&self.pods));
        Ok(RolloutInfo::of(&Objects { rollout: &rollout, replica_sets: &replica_sets, pods: &pods }))
    }
}

/// How the view is shown: in place on a terminal, one after the other elsewhere.
enum Picture {
    InPlace(Screen),
    InOrder { color: Color, last: Option<RolloutInfo> },
}

impl Picture {
    fn new(ui: &Ui<'_>, color: Color) -> Self {
        if ui.surroundings().has_screen {
            Self::InPlace(Screen::new(color))
        } else {
            Self::InOrder { color, last: None }
        }
    }

    fn draw(
        &mut self,
        ui: &mut Ui<'_>,
        info: &RolloutInfo,
        note: Option<String>,
        cluster: &Cluster,
    ) -> Result<(), Failure> {
        let lines = rollout_lines(info, looked_at(cluster, info));
        match self {
            Self::InPlace(screen) => {
                let size = ui.size();
                let note: Option<Row> =
                    note.map(|note| vec![Piece::new("⚠ ", Look::Of(Style::Red)), Piece::plain(note)]);
                // The last row of the terminal is the cursor's.
                let height = size.height.saturating_sub(1 + note.iter().len());
                let mut rows = fit(lines, Size { height, ..size });
                rows.extend(note);
                if let Some(frame) = screen.draw(rows, size) {
                    ui.write(&frame)?;
                }
            }
            Self::InOrder { color, last } => {
                if last.as_ref() == Some(info) {
                    return Ok(());
                }
                let between = if last.is_some() { "\n" } else { "" };
                ui.write(&format!("{between}{}", render(&lines, *color)))?;
                *last = Some(info.clone());
            }
        }
        Ok(())
    }

    /// The connection, which was lost, is back.
    fn mended(&self, ui: &mut Ui<'_>) {
        if let Self::InOrder { .. } = self {
            ui.warn("the API server answers again");
        }
    }
}
