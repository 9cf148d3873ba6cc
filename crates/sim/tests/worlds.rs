//! Two thousand worlds with faults: every promise is kept in all of them, and everything that may occur occurs often enough.
//!
//! `TIDEGATE_SEED=N` plays one alone and, if it breaks a promise, prints a shortened script of it; `TIDEGATE_LIVES=N` plays so many;
//! `TIDEGATE_SEEDS=A..B` plays them up to the first that breaks one.

#![allow(clippy::unwrap_used, clippy::print_stdout, clippy::explicit_write, reason = "a test")]

use std::collections::BTreeMap;
use std::hash::{BuildHasher, RandomState};
use std::io::Write as _;
use std::ops::Range;

use tidegate_sim::life::{self, Played, campaign::Summary};
use tidegate_sim::scenario::Script;

/// A world is made of small allocations.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// How often each thing must have occurred in two thousand worlds, at least.
const LEAST: [(&str, &[(&str, u64)]); 5] = [
    (
        "faults",
        &[
            ("already-exists", 100),
            ("clock", 300),
            ("conflict", 1_000),
            ("crash", 1_000),
            ("crash at a write", 1_000),
            ("event-lost", 1_000),
            ("event-twice", 1_000),
            ("late-write", 1_000),
            ("node lost", 500),
            ("pod lost", 200),
            ("replicaset lost", 300),
            ("restart", 300),
            ("server-error", 1_000),
            ("silence", 300),
            ("slow", 1_000),
            ("timeout-after", 1_000),
            ("timeout-before", 1_000),
            ("too-many-requests", 1_000),
            ("twin", 500),
            ("watch-cut", 1_000),
            ("watch-expired", 1_000),
            ("watch-lag", 1_000),
        ],
    ),
    (
        "writes",
        &[
            ("Adopt", 300),
            ("CleanUp", 300),
            ("CreateReplicaSet", 5_000),
            ("DefaultReplicas", 300),
            ("Evict", 500),
            ("Metadata", 5_000),
            ("NoteSize", 500),
            ("PodMetadata", 2_000),
            ("Release", 50),
            ("Route", 5_000),
            ("ScaleDown", 5_000),
            ("ScaleUp", 5_000),
            ("ScaleWorkload", 300),
            ("Status", 50_000),
            ("SwitchService", 5_000),
        ],
    ),
    (
        "phases",
        &[
            ("Degraded", 5_000),
            ("Healthy", 50_000),
            ("none", 5_000),
            ("Paused", 5_000),
            ("Progressing", 50_000),
        ],
    ),
    (
        "waits",
        &[
            ("metadata.ownerReferences", 50),
            ("metadata.uid", 3),
            ("refused", 500),
            ("spec", 500),
            ("spec.paused", 300),
            ("spec.replicas", 3_000),
            ("spec.restartAt", 500),
            ("spec.selector", 3_000),
            ("spec.strategy.canary.canaryService", 3),
            ("status.abort", 300),
            ("status.availableReplicas", 20_000),
            ("status.canary.weights", 500),
            ("status.canary.weights.verified", 300),
            ("status.pauseConditions", 3_000),
            ("status.replicas", 300),
        ],
    ),
    (
        "timers",
        &[
            ("a missing object is looked for again", 300),
            ("a pause ends", 300),
            ("a restart goes on", 1_000),
            ("a restart is due", 100),
            ("a scale-down delay ends", 1_000),
            ("counters are written", 3_000),
            ("the progress deadline is exceeded", 50),
        ],
    ),
];

#[allow(clippy::disallowed_methods, reason = "a test's own switch")]
fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|text| text.parse().unwrap_or_else(|_| panic!("{name} is a number")))
}

#[allow(clippy::disallowed_methods, reason = "a test's own switch")]
fn range(name: &str) -> Option<Range<u64>> {
    let text = std::env::var(name).ok()?;
    let read = || text.split_once("..").and_then(|(from, to)| Some(from.parse().ok()?..to.parse().ok()?));
    Some(read().unwrap_or_else(|| panic!("{name} is A..B")))
}

/// Written past the test harness, which shows what is printed only of tests that fail.
macro_rules! say {
    ($($words:tt)*) => { writeln!(std::io::stdout(), $($words)*).unwrap() };
}

fn seen(seed: u64, played: &Played) {
    if let Some(broken) = &played.broken {
        println!("TIDEGATE_SEED={seed} breaks {}", broken.to_string().chars().take(600).collect::<String>());
    }
}

#[test]
fn two_thousand_worlds_keep_every_promise() {
    if let Some(seed) = number("TIDEGATE_SEED") {
        return one(seed);
    }
    if let Some(seeds) = range("TIDEGATE_SEEDS") {
        return up_to_the_first(seeds);
    }
    let lives = number("TIDEGATE_LIVES").unwrap_or(2_000);
    let fresh: Vec<u64> =
        (0..number("TIDEGATE_FRESH").unwrap_or(5)).map(|n| RandomState::new().hash_one(n)).collect();
    say!("fresh seeds: {fresh:?}");
    let seed = |index: u64| match index.checked_sub(lives) {
        Some(index) => fresh[usize::try_from(index).unwrap()],
        None => index,
    };
    let jobs = std::thread::available_parallelism().map_or(1, usize::from);
    let all = 0..lives + fresh.len() as u64;
    let play = |index| life::play(&life::script(seed(index)));
    let summary = life::campaign::run(all, jobs, play, |index, played, _| {
        seen(seed(index), played);
        true
    });
    let rare = rare(&summary, lives);
    assert!(summary.broken.is_empty(), "{} seeds break a promise", summary.broken.len());
    assert!(rare.is_empty(), "too rare in {lives} worlds: {rare:?}");
}

/// Seeds are begun in their order: none below the smallest that breaks a promise is left out.
fn up_to_the_first(seeds: Range<u64>) {
    let jobs = std::thread::available_parallelism().map_or(1, usize::from);
    let play = |seed| life::play(&life::script(seed));
    let summary = life::campaign::run(seeds, jobs, play, |seed, played, _| {
        seen(seed, played);
        played.broken.is_none()
    });
    assert!(summary.broken.is_empty(), "a promise is broken");
}

fn one(seed: u64) {
    let played = life::play(&life::script(seed));
    println!("{}", played.script);
    let Some(broken) = &played.broken else { return };
    let (script, broken) = life::shrink(&played, broken, 600);
    let again = life::play(&script);
    println!("SHRUNK {broken}\n{}", again.script);
    println!("every stored change:\n{}", again.record.trace.join("\n"));
    panic!("seed {seed}: {broken}");
}

/// Prints how often everything occurred; what did not occur often enough.
fn rare(summary: &Summary, lives: u64) -> Vec<String> {
    let Summary { counts, writes, plans, failed, .. } = summary;
    say!("{} worlds, {plans} decisions, {writes} stored writes", summary.lives);
    say!("requests failed: {} by us, {} by others", failed.ours, failed.theirs);
    let struck = summary.struck.iter().map(|(name, count)| ((*name).to_owned(), *count)).collect();
    let maps: [&BTreeMap<String, u64>; 5] =
        [&struck, &counts.writes, &counts.phases, &counts.waits, &counts.timers];
    let mut rare = Vec::new();
    for ((what, least), map) in LEAST.iter().zip(maps) {
        say!("{what}");
        for (name, count) in map {
            say!("  {name:<40} {count:>9}");
        }
        for (name, least) in *least {
            let count = map.get(*name).copied().unwrap_or(0);
            if count < least * lives / 2_000 {
                rare.push(format!("{what}: {name} {count} of {least}"));
            }
        }
        let is_known = |name: &&String| least.iter().any(|(known, _)| known == name);
        let unknown = map.keys().filter(|name| !is_known(name));
        rare.extend(unknown.map(|name| format!("{what}: {name} has no minimum")));
    }
    rare
}

/// A user who wants what cannot be: the end of the script never comes.
const IMPOSSIBLE: &str = r#"# seed: 3
$ kubectl apply -f - <<< '{"apiVersion":"argoproj.io/v1alpha1","kind":"Rollout","metadata":{"name":"web"},"spec":{"replicas":2,"selector":{"matchLabels":{"app":"web"}},"strategy":{"canary":{"maxSurge":1,"steps":[{"pause":{}}]}},"template":{"metadata":{"labels":{"app":"web"}},"spec":{"containers":[{"image":"demo:blue","name":"web"}]}}}}'
$ faults conflict=100 slow=20
$ wait 5s
$ lose node 1
$ kubectl argo rollouts set image web web=demo:red
$ wait 20s
$ kubectl scale rollout web --replicas 3
$ calm
$ wait until all Healthy
"#;

#[test]
fn a_broken_promise_is_shortened_to_what_it_takes() {
    let played = life::play(&Script::parse(IMPOSSIBLE).unwrap());
    let broken = played.broken.clone().unwrap();
    assert!(broken.text.contains("waited an hour for `all Healthy`"), "{broken}");
    let (script, shrunk) = life::shrink(&played, &broken, 200);
    assert_eq!(shrunk.kind(), broken.kind());
    let text = script.to_string();
    let commands: Vec<&str> = text.lines().filter_map(|line| line.strip_prefix("$ ")).collect();
    assert_eq!(commands.len(), 5, "{text}");
    assert!(commands[0].starts_with("kubectl apply"), "{text}");
    // What makes it an end that must come stays.
    let set_image = "kubectl argo rollouts set image web web=demo:red";
    assert_eq!(commands[2..], [set_image, "calm", "wait until all Healthy"]);
    assert_eq!(life::play(&script).broken, Some(shrunk));
}
