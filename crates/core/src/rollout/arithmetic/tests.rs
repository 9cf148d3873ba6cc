use std::collections::{BTreeSet, VecDeque};

use super::{Limits, Pods, Shares, Split, WayBack, drain_others, next_sizes, split};

fn limits(replicas: i32, max_surge: i32, max_unavailable: i32) -> Limits {
    Limits { replicas, max_surge, max_unavailable }
}

/// Every size change on the way from `from` to the weight's split, when all pods become available at once.
fn walk(limits: Limits, weight: i32, from: Split) -> Vec<Split> {
    let target = split(limits.replicas, limits.max_surge, weight);
    let mut at = from;
    let mut seen = vec![at];
    for _ in 0..100 {
        let all = |size| Pods::known(size, size);
        let next = next_sizes(target, limits, all(at.canary), all(at.stable), Pods::default());
        // One ReplicaSet per write, stable first.
        for step in [Split { stable: next.stable, ..at }, next] {
            if step != at {
                seen.push(step);
                at = step;
            }
        }
        if at == target {
            return seen;
        }
    }
    panic!("never arrives: {seen:?}");
}

fn text(walk: &[Split]) -> String {
    walk.iter().map(|s| format!("{}/{}", s.canary, s.stable)).collect::<Vec<_>>().join(" ")
}

#[test]
fn the_split_comes_closest_to_the_weight() {
    let cases = [
        (5, 2, 20, (1, 4)),
        (5, 2, 40, (2, 3)),
        (10, 3, 20, (2, 8)),
        (4, 1, 25, (1, 3)),
        (1, 1, 50, (1, 1)),
        (1, 1, 20, (1, 1)),
        (1, 0, 20, (0, 1)),
        (1, 0, 50, (1, 0)),
        (2, 1, 10, (1, 2)),
        (2, 0, 10, (1, 1)),
        (3, 1, 50, (2, 2)),
        (3, 0, 50, (2, 1)),
        (10, 1, 5, (1, 10)),
        (10, 3, 25, (3, 8)),
        (10, 0, 25, (3, 7)),
        (4, 1, 90, (4, 1)),
        (3, 0, 90, (2, 1)),
        (5, 2, 100, (5, 0)),
        (5, 2, 0, (0, 5)),
        (0, 1, 50, (0, 0)),
    ];
    for (replicas, surge, weight, (canary, stable)) in cases {
        assert_eq!(
            split(replicas, surge, weight),
            Split { canary, stable },
            "{replicas} replicas, surge {surge}, weight {weight}"
        );
    }
}

#[test]
fn both_sides_keep_a_pod_between_0_and_100() {
    for replicas in 1..=40 {
        for surge in 0..=2 {
            for weight in 1..100 {
                let got = split(replicas, surge, weight);
                let total = got.canary + got.stable;
                assert!(
                    total == replicas || (surge > 0 && total == replicas + 1),
                    "{replicas} {weight} {got:?}"
                );
                if replicas > 1 || surge > 0 {
                    assert!(got.canary > 0 && got.stable > 0, "{replicas} {surge} {weight} {got:?}");
                }
            }
        }
    }
}

#[test]
fn worked_examples() {
    let cases = [
        (limits(5, 2, 1), 20, (0, 5), "0/5 0/4 1/4"),
        (limits(10, 3, 2), 20, (0, 10), "0/10 0/8 2/8"),
        (limits(1, 1, 0), 50, (0, 1), "0/1 1/1"),
        (limits(2, 1, 0), 10, (0, 2), "0/2 1/2"),
        (limits(3, 0, 1), 50, (0, 3), "0/3 0/2 1/2 1/1 2/1"),
        (limits(10, 1, 0), 30, (0, 10), "0/10 1/10 1/9 2/9 2/8 3/8 3/7"),
        (limits(10, 0, 5), 30, (0, 10), "0/10 0/7 3/7"),
        (limits(10, 3, 0), 30, (0, 10), "0/10 3/10 3/7"),
        (limits(5, 2, 1), 0, (2, 3), "2/3 2/5 1/5 0/5"),
    ];
    for (limits, weight, (canary, stable), expected) in cases {
        assert_eq!(text(&walk(limits, weight, Split { canary, stable })), expected, "{limits:?} {weight}");
    }
}

#[test]
fn scaling_in_mid_update() {
    // Four replicas, no steps, surge 2, nothing may be unavailable, a canary that never becomes available.
    let dead = |size| Pods::known(size, 0);
    let full = |size| Pods::known(size, size);
    let to = |n| Split { canary: n, stable: 0 };
    let none = Pods::default();
    assert_eq!(next_sizes(to(4), limits(4, 2, 0), dead(0), full(4), none), Split { canary: 2, stable: 4 });
    assert_eq!(next_sizes(to(8), limits(8, 2, 0), dead(2), full(4), none), Split { canary: 6, stable: 4 });
    assert_eq!(next_sizes(to(4), limits(4, 2, 0), dead(6), full(4), none), Split { canary: 2, stable: 4 });
    // Surge of everything: the canary is complete at once, stable shrinks as far as availability allows.
    assert_eq!(next_sizes(to(4), limits(4, 4, 1), dead(0), full(4), none), Split { canary: 4, stable: 3 });
    assert_eq!(next_sizes(to(8), limits(8, 8, 2), dead(4), full(3), none), Split { canary: 8, stable: 3 });
    assert_eq!(next_sizes(to(4), limits(4, 4, 1), dead(8), full(3), none), Split { canary: 4, stable: 3 });
}

#[test]
fn others_shrink_before_anything_else_and_never_below_the_promise() {
    let pods = Pods::known;
    let other = pods(2, 1);
    let next = next_sizes(Split { canary: 1, stable: 4 }, limits(5, 2, 1), pods(0, 0), pods(4, 4), other);
    assert_eq!(next, Split { canary: 1, stable: 4 }, "grows into the surge, does not shrink");
    assert_eq!(drain_others(limits(5, 2, 1), 5, &[pods(2, 1), pods(3, 2)]), vec![0, 2]);
    assert_eq!(drain_others(limits(5, 2, 1), 3, &[pods(2, 1), pods(3, 2)]), vec![1, 2]);
    assert_eq!(drain_others(limits(5, 2, 1), 9, &[pods(2, 2), pods(3, 3)]), vec![0, 0]);
}

/// A third version whose pods never run is taken back while the second still has pods: all ways to share them out end on stable.
#[test]
fn a_dead_canary_makes_room_while_others_have_pods() {
    let to = |stable| Split { canary: 0, stable };
    for (replicas, max_surge, max_unavailable) in [(4, 1, 1), (4, 0, 1), (4, 1, 0), (10, 3, 2), (5, 1, 1)] {
        let limits = limits(replicas, max_surge, max_unavailable);
        for (stable, other) in (0..=replicas).flat_map(|stable| (0..=replicas).map(move |o| (stable, o))) {
            let dead = limits.max_total() - stable - other;
            if dead < 0 || stable + other < limits.min_available() {
                continue;
            }
            let (mut at, mut other) = (Split { canary: dead, stable }, other);
            for _ in 0..20 {
                let [stable, others] = [at.stable, other].map(|size| Pods::known(size, size));
                at = next_sizes(to(replicas), limits, Pods::known(at.canary, 0), stable, others);
                other = drain_others(limits, stable.available + other, &[others])[0];
            }
            assert_eq!((at, other), (to(replicas), 0), "{limits:?} from {stable}/{other}/{dead}");
        }
    }
}

/// All interleavings of "a pod becomes available" and "the sizes are recomputed", for up to five replicas.
#[test]
fn no_interleaving_breaks_availability_or_gets_stuck() {
    for replicas in 1..=5 {
        for surge in 0..=2 {
            for unavailable in 0..=2.min(replicas) {
                if surge == 0 && unavailable == 0 {
                    continue;
                }
                for weight in [0, 20, 50, 80, 100] {
                    explore(limits(replicas, surge, unavailable), weight);
                }
            }
        }
    }
}

fn explore(limits: Limits, weight: i32) {
    let target = split(limits.replicas, limits.max_surge, weight);
    for start_weight in [0, 50, 100] {
        let start = split(limits.replicas, limits.max_surge, start_weight);
        let full = |size| Pods::known(size, size);
        let mut queue = VecDeque::from([(full(start.canary), full(start.stable))]);
        let mut seen = BTreeSet::new();
        while let Some((canary, stable)) = queue.pop_front() {
            if !seen.insert((canary.size, canary.available, stable.size, stable.available)) {
                continue;
            }
            let before = canary.available + stable.available;
            let next = next_sizes(target, limits, canary, stable, Pods::default());
            let (c, s) = (canary.resized(next.canary), stable.resized(next.stable));
            let promise = limits.min_available().min(before);
            assert!(
                c.available + s.available >= promise,
                "{limits:?} {weight}: {canary:?} {stable:?} -> {c:?} {s:?}"
            );
            assert!(c.size + s.size <= (limits.replicas + limits.max_surge).max(canary.size + stable.size));
            let settled = c.available == c.size && s.available == s.size;
            if settled && (c, s) == (canary, stable) {
                assert_eq!(Split { canary: c.size, stable: s.size }, target, "{limits:?} {weight}: stuck");
            }
            queue.push_back((c, s));
            if c.available < c.size {
                queue.push_back((Pods::known(c.size, c.available + 1), s));
            }
            if s.available < s.size {
                queue.push_back((c, Pods::known(s.size, s.available + 1)));
            }
        }
    }
}

/// Nothing that is allowed is closer to the weight than what is chosen.
#[test]
fn no_other_split_is_closer() {
    for replicas in 1..=30 {
        for surge in 0..=1 {
            for weight in 0..=100 {
                let got = split(replicas, surge, weight);
                let off = |canary: i32, total: i32| {
                    f64::from((canary * 100 - weight * total).abs()) / f64::from(total)
                };
                let may_be_empty = weight == 0 || weight == 100 || (replicas == 1 && surge == 0);
                let best = (replicas..=replicas + surge)
                    .flat_map(|total| (0..=total).map(move |canary| (canary, total)))
                    .filter(|(canary, total)| may_be_empty || (*canary > 0 && canary < total))
                    .map(|(canary, total)| off(canary, total))
                    .fold(f64::MAX, f64::min);
                let is = off(got.canary, got.canary + got.stable);
                assert!(
                    (is - best).abs() < 1e-9,
                    "{replicas} {surge} {weight}: {got:?} is off by {is}, not {best}"
                );
            }
        }
    }
}

/// The same as the walk over all interleavings, by chance, for more replicas.
#[test]
#[allow(clippy::disallowed_methods, reason = "a test's own switch")]
fn random_walks_break_nothing_either() {
    let seed =
        std::env::var("TIDEGATE_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(20_261_127_u64);
    println!("TIDEGATE_SEED={seed}");
    let mut state = seed;
    let mut roll = |sides: i32| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        i32::try_from(state >> 33).unwrap() % sides
    };
    for _ in 0..3_000 {
        let replicas = 6 + roll(60);
        let (surge, unavailable) = (roll(replicas), roll(replicas));
        let limits = limits(replicas, surge, unavailable.max(i32::from(surge == 0)));
        let target = split(replicas, surge, roll(101));
        let start = split(replicas, surge, roll(101));
        let mut canary = Pods::known(start.canary, start.canary);
        let mut stable = Pods::known(start.stable, start.stable);
        for _ in 0..10_000 {
            let before = canary.available + stable.available;
            let next = next_sizes(target, limits, canary, stable, Pods::default());
            (canary, stable) = (canary.resized(next.canary), stable.resized(next.stable));
            assert!(
                canary.available + stable.available >= limits.min_available().min(before),
                "{limits:?} {target:?}"
            );
            let missing = |pods: Pods| pods.size - pods.available;
            if missing(canary) + missing(stable) == 0
                && (canary.size, stable.size) == (target.canary, target.stable)
            {
                break;
            }
            let pods = if roll(2) == 0 { &mut canary } else { &mut stable };
            *pods = Pods::known(pods.size, (pods.available + roll(3)).min(pods.size));
        }
        assert_eq!((canary.size, stable.size), (target.canary, target.stable), "{limits:?}: stuck");
    }
}

fn shares(replicas: i32, max_weight: i32, min_pods: i32) -> Shares {
    Shares { replicas, max_weight, min_pods }
}

#[test]
fn pods_of_a_share() {
    let cases = [
        (shares(5, 100, 0), 20, 1),
        (shares(3, 100, 0), 34, 2),
        (shares(10, 100, 0), 5, 1),
        (shares(7, 100, 0), 50, 4),
        (shares(1, 100, 0), 1, 1),
        (shares(10, 1000, 0), 333, 4),
        (shares(5, 100, 2), 20, 2),
        (shares(5, 100, 9), 20, 5),
        (shares(5, 100, 9), 0, 0),
        (shares(10, 100, 0), 25, 3),
        (shares(0, 100, 3), 50, 0),
        // A weight out of range, and numbers that 32 bits cannot multiply.
        (shares(10, 100, 0), 120, 10),
        (shares(10, 100, 0), -5, 0),
        (shares(30, 100_000_000, 0), 50_000_000, 15),
        (shares(i32::MAX, 100_000_000, 0), 100_000_000, i32::MAX),
    ];
    for (shares, weight, pods) in cases {
        assert_eq!(shares.pods(weight), pods, "{shares:?} {weight}");
        assert!(shares.needed(weight) <= shares.exact(weight), "{shares:?} {weight}");
    }
    assert_eq!(shares(10, 100, 0).bearable(4), 40);
    assert_eq!(shares(3, 100, 0).bearable(2), 66);
    assert_eq!(shares(3, 100, 0).bearable(9), 100);
    assert_eq!(shares(0, 100, 0).bearable(0), 100);
}

/// Ten replicas, steps 20, 40 and 60, aborted at 60: canary 6, stable 4.
#[test]
fn the_way_back_of_a_shrunken_stable() {
    let shares = shares(10, 100, 0);
    let stage = |back: WayBack| back.stage(shares, [20, 40, 60].into_iter());
    let (mut stable, mut canary, mut routed) = (4, 6, 60);
    let mut way = Vec::new();
    for _ in 0..20 {
        let back = WayBack { stable, routed };
        let stage = stage(back);
        routed = back.weight(shares, stage);
        // Pods follow what is routed; stable's become available at once.
        stable = stable.max(shares.exact(100 - stage));
        canary = canary.min(shares.exact(stage).max(shares.exact(routed)));
        way.push((stage, routed, canary, stable));
        if (routed, canary) == (0, 0) {
            break;
        }
    }
    way.dedup();
    let expected =
        [(40, 60, 6, 6), (40, 40, 4, 6), (20, 40, 4, 8), (20, 20, 2, 8), (0, 20, 2, 10), (0, 0, 0, 10)];
    assert_eq!(way, expected);
    // Stable that has all its pods takes everything at once.
    let complete = WayBack { stable: 10, routed: 60 };
    assert_eq!((stage(complete), complete.weight(shares, 0)), (0, 0));
}

/// Whatever the steps and the floor of pods: the weight comes to 0, and never to more than stable can bear.
#[test]
fn every_way_back_ends() {
    let weights = [0, 10, 25, 33, 50, 75, 99, 100];
    for replicas in 1..=10 {
        for min_pods in 0..=4 {
            for (first, second) in weights.iter().flat_map(|first| weights.map(|second| (*first, second))) {
                let shares = shares(replicas, 100, min_pods);
                let (mut routed, mut stable) = (second, shares.pods(100 - second));
                for pass in 0.. {
                    assert!(pass < 10, "{shares:?} {first} {second}: stays at {routed}");
                    let back = WayBack { stable, routed };
                    let stage = back.stage(shares, [first, second].into_iter());
                    let next = back.weight(shares, stage);
                    assert!(next <= routed, "{shares:?} {back:?}: {next}");
                    assert!(
                        next == routed || shares.bearable(stable) >= 100 - next,
                        "{shares:?} {back:?}: {next}"
                    );
                    if (next, routed) == (0, 0) {
                        break;
                    }
                    routed = next;
                    stable = stable.max(shares.pods(100 - stage)).max(shares.pods(100 - routed));
                }
            }
        }
    }
}
