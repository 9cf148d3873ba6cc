//! Random worlds with faults.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a test")]

use tidegate_sim::life;

#[test]
fn one() {
    let seed: u64 = std::env::var("TIDEGATE_SEED").map_or(1, |seed| seed.parse().unwrap());
    let played = life::play(&life::script(seed));
    println!("{}\n{:#?}", played.script, played.record.counts);
    println!("{:?} {:?}", played.record.struck, played.record.failed);
    if let Some(broken) = &played.broken {
        let (script, broken) = life::shrink(&played, broken, 600);
        println!("SHRUNK {broken}\n{}", life::play(&script).script);
    }
    assert!(played.broken.is_none(), "{}", played.broken.unwrap());
}

#[test]
fn many() {
    let count: u64 = std::env::var("TIDEGATE_LIVES").map_or(100, |seed| seed.parse().unwrap());
    let summary = life::campaign::run(
        0..count,
        2,
        |seed| life::play(&life::script(seed)),
        |seed, played, _| {
            if let Some(broken) = &played.broken {
                println!("{seed}: {}", broken.to_string().chars().take(400).collect::<String>());
            }
            true
        },
    );
    println!(
        "{:#?}",
        (
            &summary.struck,
            &summary.counts,
            summary.failed,
            summary.lives,
            summary.writes,
            summary.broken.len()
        )
    );
}
