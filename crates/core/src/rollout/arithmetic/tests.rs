use std::collections::{BTreeSet, VecDeque};

use super::{Limits, Pods, Split, drain_others, next_sizes, split};

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
