//! What is logged of a small life.

use std::io::Write;
use std::sync::{Arc, LazyLock, Mutex};

use tidegate_controller::logs::{self, Format};
use tracing::Dispatch;
use tracing::level_filters::LevelFilter;
use tracing::subscriber::{DefaultGuard, NoSubscriber};

use crate::world::{World, pass};

/// Hears nothing. Where there is only one log, a line of code is asked for once by the thread that reaches it first: that of another
/// test, which has none, would silence it for all. With a second one, all logs are asked.
static ANOTHER: LazyLock<Dispatch> = LazyLock::new(|| Dispatch::new(NoSubscriber::new()));

#[derive(Clone, Default)]
struct Memory(Arc<Mutex<Vec<u8>>>);

impl Write for Memory {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Memory {
    /// Collects the log of this thread while the guard lives.
    fn start(format: Format, world: &World) -> (Self, DefaultGuard) {
        LazyLock::force(&ANOTHER);
        let (memory, clock) = (Self::default(), world.clock);
        let log = logs::subscriber(format, LevelFilter::INFO, move || clock.now(), memory.clone());
        (memory, tracing::subscriber::set_default(log))
    }

    fn lines(&self) -> Vec<String> {
        let text = String::from_utf8(self.0.lock().unwrap().clone()).unwrap();
        text.lines().map(str::to_owned).collect()
    }
}

#[tokio::test(start_paused = true)]
async fn what_people_search_for_is_there() {
    let world = World::new();
    let (log, _guard) = Memory::start(Format::Text, &world);
    let _running = world.start(world.config());
    world.create_rollout("x");
    pass(10.0).await;
    let replica_set =
        world.server.list("replicasets", None)[0]["metadata"]["name"].as_str().unwrap().to_owned();
    let (version, lines) = (world.rollout("x")["metadata"]["resourceVersion"].clone(), log.lines());
    let expected = [
        "level=info msg=\"Started syncing rollout\" generation=1 namespace=default resourceVersion=".to_owned(),
        "level=info msg=\"Reconciliation completed\" generation=1 namespace=default resourceVersion=".to_owned(),
        format!("resourceVersion={} rollout=x time_ms=0", version.as_str().unwrap()),
        format!("level=info msg=\"Enqueueing parent of default/{replica_set}: Rollout default/x\""),
        "level=info msg=\"rollout enqueue due to update event\" namespace=default rollout=x".to_owned(),
        "level=info msg=\"No status changes. Skipping patch\" generation=1 namespace=default".to_owned(),
        "level=info msg=\"Patched: {\\\"status\\\":{".to_owned(),
        "level=info msg=\"Rollout resource added to informer: default/x\" event_reason=RolloutAddedToInformer \
         namespace=default rollout=x"
            .to_owned(),
    ];
    for part in &expected {
        assert!(lines.iter().any(|line| line.contains(part)), "{part}\n{}", lines.join("\n"));
    }
    assert!(lines.iter().all(|line| line.starts_with("time=\"2026-01-01T00:00:")));
    // Templates carry secrets in their environment.
    assert!(!lines.iter().any(|line| line.contains("demo:1")), "{}", lines.join("\n"));
}

#[tokio::test(start_paused = true)]
async fn failures_say_what_failed_in_json_too() {
    let world = World::new();
    let (log, _guard) = Memory::start(Format::Json, &world);
    let _running = world.start(world.config());
    world.create_rollout("x");
    pass(10.0).await;
    world.faults.refuse("/status");
    world.update("x", "demo:2");
    pass(1.0).await;
    let lines: Vec<serde_json::Value> =
        log.lines().iter().map(|line| serde_json::from_str(line).unwrap()).collect();
    let failed = lines.iter().find(|line| line["level"] == "warning" && line["error"].is_string()).unwrap();
    assert_eq!(failed["msg"], "writing Rollout default/x failed");
    assert_eq!((&failed["namespace"], &failed["rollout"]), (&"default".into(), &"x".into()));
    let error = lines.iter().find(|line| line["level"] == "error").unwrap();
    assert!(error["msg"].as_str().unwrap().starts_with("rollout syncHandler error: "), "{error}");
}
