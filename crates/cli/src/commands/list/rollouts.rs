use std::collections::BTreeMap;
use std::time::Duration;

use futures::StreamExt;
use serde_json::Value;
use tidegate_ops::text::{ListColumns, ListRow, ListTable};
use tokio::time::MissedTickBehavior;

use super::super::{Context, names};
use crate::cluster::{Change, Changes, Collect, Key, Link, Listed, Mirror, Selection};
use crate::failure::Failure;
use crate::go;
use crate::ui::Ui;
use crate::view::typed;

/// List the Rollouts of a namespace, or of all
///
/// With --watch a line is added each time a Rollout changes in what is shown; one that is deleted gets the status `Deleted`.
/// Lost connections are made anew.
#[derive(Debug, clap::Args)]
#[command(override_usage = "", after_help = EXAMPLES)]
pub(crate) struct Args {
    #[arg(hide = true)]
    words: Vec<String>,
    /// Of all namespaces, with a column for them
    #[arg(short = 'A', long, num_args = 0..=1, require_equals = true, value_parser = go::bool)]
    #[arg(default_missing_value = "true", default_value = "false", value_name = "bool")]
    all_namespaces: bool,
    /// Only the Rollout of this name
    #[arg(long, value_name = "string", allow_hyphen_values = true, default_value = "")]
    name: String,
    /// Add a column for the time at which a line was written
    #[arg(long, num_args = 0..=1, require_equals = true, value_parser = go::bool)]
    #[arg(default_missing_value = "true", default_value = "false", value_name = "bool")]
    timestamps: bool,
    /// Go on with lines for what changes
    #[arg(short, long, num_args = 0..=1, require_equals = true, value_parser = go::bool)]
    #[arg(default_missing_value = "true", default_value = "false", value_name = "bool")]
    watch: bool,
}

pub(super) const EXAMPLES: &str = "\
  # List the Rollouts of the namespace
  kubectl argo rollouts list rollouts

  # Of all namespaces, and go on with what changes
  kubectl argo rollouts list rollouts --all-namespaces --watch --timestamps";

/// Lines are written together this often.
const FLUSH: Duration = Duration::from_millis(500);

pub(crate) async fn run(ui: &mut Ui<'_>, context: &Context<'_>, args: &Args) -> Result<(), Failure> {
    if !args.words.is_empty() {
        return Err(Failure::Usage);
    }
    let selection = if args.name.is_empty() {
        Selection::default()
    } else {
        names::check(&args.name)?;
        Selection::named(&args.name)
    };
    if args.watch {
        return watch(ui, context, args, &selection).await;
    }
    let cluster = context.cluster().await?;
    let namespace = (!args.all_namespaces).then(|| cluster.namespace());
    let mut rows = Rows(Vec::new());
    cluster.list(Listed::Rollouts, namespace, &selection, &mut rows).await?;
    if rows.0.is_empty() {
        ui.note("No resources found.");
        return Ok(());
    }
    Ok(ui.write(&table(args).text(true, &rows.0, cluster.now()))?)
}

fn table(args: &Args) -> ListTable {
    ListTable::new(ListColumns { timestamp: args.timestamps, namespace: args.all_namespaces })
}

async fn watch(
    ui: &mut Ui<'_>,
    context: &Context<'_>,
    args: &Args,
    selection: &Selection,
) -> Result<(), Failure> {
    let cluster = context.cluster().await?;
    let namespace = (!args.all_namespaces).then(|| cluster.namespace());
    let mut changes = Changes::new();
    changes.push(cluster.changes(Listed::Rollouts, namespace, selection));
    let mut mirror = Mirror::new(Listed::Rollouts, row);
    let mut link = Link::default();
    let mut table = table(args);
    let mut written: Option<BTreeMap<Key, ListRow>> = None;
    let mut flush = tokio::time::interval(FLUSH);
    flush.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        let is_due = tokio::select! {
            biased;
            _ = flush.tick() => true,
            Some(mut change) = changes.next() => {
                if let Change::Lost(error) = change {
                    if written.is_none() {
                        return Err(error.into());
                    }
                    if link.lose(error, true)? && let Some(note) = link.note() {
                        ui.warn(&note);
                    }
                    false
                } else {
                    // The first lines need not wait.
                    mirror.note(&mut change) && written.is_none()
                }
            }
        };
        if link.is_mended(cluster) {
            ui.warn("the API server answers again");
        }
        context.tell_requests(ui);
        if is_due && mirror.is_complete() {
            let news = news(written.as_ref(), mirror.entries());
            let text = table.text(written.is_none(), &news, cluster.now());
            if !text.is_empty() {
                ui.write(&text)?;
            }
            written = Some(mirror.entries().clone());
        }
    }
}

/// Lines for what is new, changed or gone.
fn news(before: Option<&BTreeMap<Key, ListRow>>, now: &BTreeMap<Key, ListRow>) -> Vec<ListRow> {
    let none = BTreeMap::new();
    let before = before.unwrap_or(&none);
    let changed = now.iter().filter(|(key, row)| before.get(*key) != Some(*row));
    let gone = before.iter().filter(|(key, _)| !now.contains_key(*key));
    changed.map(|(_, row)| row.clone()).chain(gone.map(|(_, row)| row.deleted())).collect()
}

/// A Rollout that cannot be read must not hide the others.
fn row(object: Value) -> ListRow {
    let text = |member: &str| object["metadata"][member].as_str().unwrap_or_default().to_owned();
    let (namespace, name) = (text("namespace"), text("name"));
    match typed(object) {
        Ok(rollout) => ListRow::of(&rollout),
        Err(_) => ListRow::without_details(&namespace, &name, "Unreadable"),
    }
}

/// Keeps a line of each Rollout.
struct Rows(Vec<ListRow>);

impl Collect for Rows {
    fn begin(&mut self) {
        self.0.clear();
    }

    fn add(&mut self, object: Value) {
        self.0.push(row(object));
    }
}
