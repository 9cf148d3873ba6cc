//! The same seed gives the same trace: in one process twice, and in two processes that run at different times.

#![allow(clippy::unwrap_used, reason = "a test")]

use std::process::Command;
use std::time::{Duration, SystemTime};

use tidegate_ops::operations::{ContainerImage, PromoteOptions};
use tidegate_sim::{Options, Pace, life, run};

const MANIFEST: &str = include_str!("../../../examples/rollouts-demo.yaml");

/// Three Rollouts, two workers, an update each; every stored change of the world, in order.
fn trace(seed: u64) -> Vec<String> {
    let options = Options { seed, workers: 2, ..Options::default() };
    run(Pace::Virtual, options, |mut world| async move {
        world.prepare().await;
        let names = ["one", "two", "three"];
        for name in names {
            let manifest = MANIFEST.replace("rollouts-demo", name).replace("argoproj/", "");
            world.apply("default", &manifest).await.unwrap();
        }
        world.settle(Duration::from_secs(60)).await;
        for name in names {
            let image = format!("{name}:yellow");
            world
                .set_image("default", name, &[ContainerImage { container: name, image: &image }])
                .await
                .unwrap();
        }
        world.settle(Duration::from_secs(60)).await;
        for name in names {
            world.promote("default", name, PromoteOptions::default()).await.unwrap();
        }
        world.pass(Duration::from_secs(60)).await;
        for name in names {
            assert!(
                world.summary("default", name).starts_with("Healthy"),
                "{}",
                world.summary("default", name)
            );
        }
        world.inspector.trace()
    })
}

#[test]
fn one_process_twice() {
    let (first, second) = (trace(7), trace(7));
    assert!(first.len() > 200);
    let difference = first.iter().zip(&second).find(|(a, b)| a != b);
    assert_eq!(difference, None);
    assert_eq!(first.len(), second.len());
}

#[test]
fn another_seed_is_another_world() {
    assert_ne!(trace(7), trace(8));
}

/// Not a test of its own: what the other process prints.
#[test]
fn print_the_trace() {
    for line in trace(7) {
        println!("trace {line}");
    }
}

/// Not a test of its own either.
#[test]
fn print_the_lives() {
    for seed in 40..44 {
        for line in life::play(&life::script(seed)).record.trace {
            println!("trace {line}");
        }
    }
}

#[test]
fn two_processes_at_different_times() {
    processes_agree("print_the_trace", 200);
}

#[test]
fn two_processes_at_different_times_play_the_same_lives() {
    processes_agree("print_the_lives", 1_000);
}

/// Two processes that run this test in different seconds print the same trace, of `least` lines at least.
#[allow(clippy::disallowed_methods, reason = "the wall clock is what must make no difference")]
fn processes_agree(test: &str, least: usize) {
    let of_a_process = || {
        let this = std::env::current_exe().unwrap();
        let output = Command::new(this).args(["--exact", test, "--nocapture"]).output().unwrap();
        assert!(output.status.success());
        let text = String::from_utf8(output.stdout).unwrap();
        text.lines().filter(|line| line.starts_with("trace ")).map(str::to_owned).collect::<Vec<_>>()
    };
    let second = || SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs();
    let began = second();
    let first = of_a_process();
    assert!(first.len() > least);
    // Times of the API have a grain of one second: the last process runs in another second than the first.
    for _ in 0..1000 {
        let is_later = second() > began;
        assert_eq!(of_a_process(), first);
        if is_later {
            return;
        }
    }
    panic!("the clock stands still");
}
