//! How long simulated time takes: an idle day of ten Rollouts with the real watch time-outs, and the guide from end to end.

use std::time::{Duration, Instant};

use criterion::{Criterion, criterion_group, criterion_main};
use tidegate_ops::operations::{ContainerImage, PromoteOptions};
use tidegate_sim::{Options, Pace, run};

const MANIFEST: &str = include_str!("../../../examples/rollouts-demo.yaml");
const DAY: Duration = Duration::from_secs(86_400);

#[allow(clippy::disallowed_methods, reason = "a stopwatch is what a benchmark is")]
fn stopwatch() -> Instant {
    Instant::now()
}

/// Real time that `days` simulated days at rest take.
fn idle(days: u64) -> Duration {
    run(Pace::Virtual, Options::default(), |mut world| async move {
        world.prepare().await;
        for number in 0..10 {
            let manifest =
                MANIFEST.replace("rollouts-demo", &format!("rollout-{number}")).replace("argoproj/", "");
            world.apply("default", &manifest).await.expect("the manifest is valid");
        }
        assert!(world.settle(Duration::from_secs(60)).await, "ten Rollouts come to rest");
        let before = world.controller_writes();
        let began = stopwatch();
        for _ in 0..days {
            world.pass(DAY).await;
        }
        let took = began.elapsed();
        assert_eq!(world.controller_writes(), before, "at rest nothing is written");
        took
    })
}

fn guide() {
    run(Pace::Virtual, Options::default(), |mut world| async move {
        let (namespace, name) = ("default", "rollouts-demo");
        world.prepare().await;
        world.apply(namespace, MANIFEST).await.expect("the manifest is valid");
        world.settle(DAY).await;
        let image = ContainerImage { container: name, image: "argoproj/rollouts-demo:yellow" };
        world.set_image(namespace, name, &[image]).await.expect("the container exists");
        world.settle(DAY).await;
        world.promote(namespace, name, PromoteOptions::default()).await.expect("it waits for that");
        world.pass(Duration::from_secs(40)).await;
        assert!(world.summary(namespace, name).starts_with("Healthy"));
    });
}

fn worlds(c: &mut Criterion) {
    let mut group = c.benchmark_group("worlds");
    group.sample_size(10);
    group.bench_function("idle day of ten Rollouts", |b| b.iter_custom(idle));
    group.bench_function("guide, steps 1 to 4", |b| b.iter(guide));
    group.finish();
}

criterion_group!(benches, worlds);
criterion_main!(benches);
