//! What Prometheus reads of a small life, and whether the documentation knows it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde_json::json;
use tidegate_controller::{Build, Config};

use crate::world::{self, Running, World, pass};

const GOLDEN: &str = "tests/metrics/small_life.txt";
#[cfg(target_os = "linux")]
const DOCS: &str = "../../docs/metrics.md";

fn start(world: &World) -> Running {
    let build = Build { version: "v0.1.0+abc1234".into(), commit: "abc1234def".into() };
    world.start(Config { build, ..world.config() })
}

/// One metric of the text.
#[derive(Debug, Default)]
struct Metric {
    type_: String,
    #[cfg_attr(not(target_os = "linux"), allow(dead_code))]
    help: String,
    /// Series by name and labels, as written.
    samples: BTreeMap<String, f64>,
}

/// Reads the text as strictly as the format allows: `HELP` and `TYPE` come first and once, metrics are not interleaved, no
/// series occurs twice, buckets ascend and end with the count.
fn read(text: &str) -> BTreeMap<String, Metric> {
    let mut metrics: BTreeMap<String, Metric> = BTreeMap::new();
    let mut current = String::new();
    assert!(text.ends_with('\n'));
    for line in text.lines() {
        if let Some(rest) = line.strip_prefix("# HELP ") {
            let (name, help) = rest.split_once(' ').unwrap();
            assert!(!metrics.contains_key(name), "{name} is announced twice");
            metrics.insert(name.to_owned(), Metric { help: help.to_owned(), ..Metric::default() });
            name.clone_into(&mut current);
        } else if let Some(rest) = line.strip_prefix("# TYPE ") {
            let (name, type_) = rest.split_once(' ').unwrap();
            assert_eq!(name, current, "TYPE follows HELP");
            let metric = metrics.get_mut(name).unwrap();
            assert_eq!(metric.type_, "");
            type_.clone_into(&mut metric.type_);
        } else {
            let (series, value) = line.rsplit_once(' ').unwrap();
            let name = series.split('{').next().unwrap();
            let metric = metrics.get_mut(&current).unwrap();
            let suffixes: &[&str] =
                if metric.type_ == "histogram" { &["_bucket", "_sum", "_count"] } else { &[""] };
            assert!(suffixes.iter().any(|suffix| name == format!("{current}{suffix}")), "{line}");
            let value = value.parse().unwrap();
            assert!(metric.samples.insert(series.to_owned(), value).is_none(), "{series} occurs twice");
        }
    }
    for (name, metric) in metrics.iter().filter(|(_, metric)| metric.type_ == "histogram") {
        for (series, count) in metric.samples.iter().filter(|(series, _)| series.contains("_count")) {
            let last = series.replace("_count", "_bucket");
            let last = match last.strip_suffix('}') {
                Some(labelled) => format!("{labelled},le=\"+Inf\"}}"),
                None => format!("{last}{{le=\"+Inf\"}}"),
            };
            assert_eq!(metric.samples.get(&last), Some(count), "{name}: {last}");
        }
    }
    metrics
}

fn value(metrics: &BTreeMap<String, Metric>, series: &str) -> Option<f64> {
    let name = series.split('{').next().unwrap();
    let name = ["_bucket", "_sum", "_count"]
        .iter()
        .filter_map(|suffix| name.strip_suffix(suffix))
        .find(|name| metrics.contains_key(*name))
        .unwrap_or(name);
    metrics.get(name)?.samples.get(series).copied()
}

/// Without what depends on the machine.
fn of_any_machine(text: &str) -> String {
    let lines = text.lines().filter(|line| !line.contains("process_"));
    lines.map(|line| line.replace("amd64", "ARCH").replace("arm64", "ARCH") + "\n").collect()
}

#[tokio::test(start_paused = true)]
async fn the_text_of_a_small_life() {
    let world = World::new();
    let running = start(&world);
    world.create_rollout("x");
    pass(10.0).await;
    world.update("x", "demo:2");
    pass(60.0).await;
    world.update("x", "demo:3");
    pass(10.0).await;
    world.patch("x", &json!({"spec": {"paused": true}}));
    pass(90.0).await;
    let text = running.handle.metrics_text();
    let metrics = read(&text);
    assert!(metrics.values().all(|metric| !metric.samples.is_empty()));
    assert!(value(&metrics, "process_resident_memory_bytes").is_none_or(|bytes| bytes > 1e6));
    assert_eq!(value(&metrics, "rollout_duration_seconds_count{status=\"Promoted\"}"), Some(2.0));

    let actual = of_any_machine(&text);
    let golden = std::fs::read_to_string(GOLDEN).unwrap_or_default();
    if actual != golden {
        let new = Path::new(env!("CARGO_TARGET_TMPDIR")).join("metrics.txt");
        std::fs::write(&new, actual).unwrap();
        panic!("{GOLDEN} is not what is told; compare it with {}", new.display());
    }
}

#[tokio::test(start_paused = true)]
async fn phases_replicas_and_pauses_follow_the_rollout() {
    let world = World::new();
    let running = start(&world);
    let told = |series: &str| value(&read(&running.handle.metrics_text()), series);
    assert_eq!(told("rollout_info_replicas_desired{name=\"x\",namespace=\"default\"}"), None);
    world.create_rollout("x");
    pass(10.0).await;
    world.update("x", "demo:2");
    pass(10.0).await;
    let info = |phase: &str| {
        format!(
            r#"rollout_info{{name="x",namespace="default",phase="{phase}",strategy="canary",traffic_router=""}}"#
        )
    };
    let phase = |phase: &str| {
        format!(r#"rollout_phase{{name="x",namespace="default",phase="{phase}",strategy="canary"}}"#)
    };
    assert_eq!((told(&info("Paused")), told(&info("Completed"))), (Some(1.0), None));
    assert_eq!((told(&phase("Paused")), told(&phase("Completed"))), (Some(1.0), Some(0.0)));
    assert_eq!(told("rollout_info_replicas_updated{name=\"x\",namespace=\"default\"}"), Some(1.0));
    // A person keeps it waiting for two minutes.
    world.patch("x", &json!({"spec": {"paused": true}}));
    pass(120.0).await;
    world.patch("x", &json!({"spec": {"paused": null}}));
    pass(60.0).await;
    assert_eq!(world.phase("x"), "Healthy");
    assert_eq!((told(&info("Completed")), told(&phase("Completed"))), (Some(1.0), Some(1.0)));
    assert_eq!(told("rollout_manual_pause_duration_seconds_sum{status=\"Promoted\"}"), Some(120.0));
    let sum = |name: &str| told(&format!("{name}_sum{{status=\"Promoted\"}}")).unwrap();
    let difference = sum("rollout_duration_seconds") - sum("rollout_progression_duration_seconds");
    assert!((difference - 120.0).abs() < 1e-6, "{difference}");
    assert_eq!(told("rollout_manual_pause_duration_seconds_bucket{status=\"Promoted\",le=\"0\"}"), Some(1.0));
    // Superseded, and aborted.
    world.update("x", "demo:3");
    pass(10.0).await;
    world.update("x", "demo:4");
    pass(10.0).await;
    world
        .server
        .merge_patch(
            "user",
            ("rollouts.argoproj.io", "status"),
            ("default", "x"),
            &json!({"status": {"abort": true}}),
        )
        .unwrap();
    pass(10.0).await;
    for how in ["Superseded", "Aborted"] {
        let count = format!("rollout_duration_seconds_count{{status=\"{how}\"}}");
        assert_eq!(told(&count), Some(1.0), "{how}");
    }
    assert_eq!(told(&phase("Abort")), Some(1.0));
}

#[tokio::test(start_paused = true)]
async fn numbers_of_a_deleted_rollout_go_after_a_last_scrape() {
    let world = World::new();
    let running = start(&world);
    world.create_rollout("x");
    world.create_rollout("y");
    pass(10.0).await;
    world.server.delete("user", "rollouts.argoproj.io", ("default", "x"), &json!(null)).unwrap();
    pass(1.0).await;
    let about_x = || {
        let metrics = read(&running.handle.metrics_text());
        let with_x = metrics.iter().filter(|(_, it)| it.samples.keys().any(|it| it.contains("name=\"x\"")));
        with_x.map(|(name, _)| name.clone()).collect::<BTreeSet<_>>()
    };
    let counted = ["controller_clientset_k8s_request_total", "rollout_events_total", "rollout_reconcile"];
    assert_eq!(about_x().iter().map(String::as_str).collect::<Vec<_>>(), counted);
    pass(63.0).await;
    assert_eq!(about_x().len(), 3);
    pass(2.0).await;
    assert_eq!(about_x(), BTreeSet::new());
    assert!(running.handle.metrics_text().contains("name=\"y\""));
}

#[tokio::test(start_paused = true)]
async fn failures_and_requests_are_counted() {
    let world = World::new();
    let running = start(&world);
    pass(1.0).await;
    world.server.fail_writes(|attempt| {
        let ours = attempt.resource == "rollouts/status" || attempt.resource.starts_with("rollouts");
        (ours && attempt.actor == world::CONTROLLER)
            .then(|| tidegate_kubesim::ApiError::new(500, "InternalError", "no"))
    });
    world.create_rollout("x");
    pass(30.0).await;
    let metrics = read(&running.handle.metrics_text());
    let failed = value(&metrics, "rollout_reconcile_error{name=\"x\",namespace=\"default\"}").unwrap();
    let refused = "controller_clientset_k8s_request_total\
                   {kind=\"rollouts\",name=\"x\",namespace=\"default\",status_code=\"500\",verb=\"Patch\"}";
    assert!(failed > 5.0);
    assert_eq!(value(&metrics, refused), Some(failed));
    assert!(value(&metrics, "workqueue_retries_total{name=\"Rollouts\"}").unwrap() >= failed);
}

/// The table of `docs/metrics.md`, drawn from the text.
#[cfg(target_os = "linux")]
fn table(metrics: &BTreeMap<String, Metric>) -> String {
    let mut table = "| name | type | labels | meaning |\n| --- | --- | --- | --- |\n".to_owned();
    for (name, Metric { type_, help, samples }) in metrics {
        let series = samples.keys().next().unwrap();
        let labels = series.split_once('{').map_or("", |(_, labels)| labels);
        let labels: Vec<_> = labels
            .split('"')
            .step_by(2)
            .filter_map(|part| part.trim_start_matches(',').strip_suffix('='))
            .filter(|label| *label != "le")
            .collect();
        table += &format!("| `{name}` | {type_} | {} | {help} |\n", labels.join(", "));
    }
    table
}

// Elsewhere `process_*` is absent.
#[cfg(target_os = "linux")]
#[tokio::test(start_paused = true)]
async fn the_documentation_has_every_metric() {
    let world = World::new();
    let running = start(&world);
    world.create_rollout("x");
    pass(10.0).await;
    world.faults.refuse("/status");
    world.update("x", "demo:2");
    pass(10.0).await;
    let metrics = read(&running.handle.metrics_text());
    let table = table(&metrics);
    let docs = std::fs::read_to_string(DOCS).unwrap();
    assert!(docs.contains(&table), "{DOCS} should contain this table:\n{table}");
}
