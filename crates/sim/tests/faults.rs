//! The guide under crashes and faults: whatever happens at whichever write, the end is the same.

#![allow(clippy::unwrap_used, reason = "a test")]

mod guide;

use std::time::Duration;

use tidegate_core::invariants::{Essence, abort_has_ended};
use tidegate_kubesim::Reaction;
use tidegate_sim::{Fault, Options, Pace, World, run};

use guide::{AT, MANIFEST};

/// Plays the guide in a world that `disturb` has prepared, and tells what it came to and how many writes it took.
fn play(disturb: impl FnOnce(&World)) -> (Essence, u64) {
    run(Pace::Virtual, Options::default(), |mut world| async move {
        world.prepare().await;
        disturb(&world);
        guide::play(&mut world).await;
        let essence = guide::judge(&mut world).await;
        assert!(world.faults.is_spent(), "the fault never struck");
        (essence, world.controller_writes())
    })
}

#[test]
fn a_crash_before_or_after_any_write_leads_to_the_same_end() {
    let (expected, writes) = play(|_| {});
    assert!(writes > 30, "the guide is a run worth disturbing: {writes} writes");
    for n in 1..=writes {
        let mut gate = None;
        let (before, _) = play(|world| {
            gate = world.gate();
            gate.as_ref().unwrap().close_before_write(n);
        });
        assert!(gate.unwrap().is_closed(), "no crash before write {n}");
        assert_eq!(before, expected, "crash before write {n}");
        let mut gate = None;
        let (after, _) = play(|world| {
            gate = world.gate();
            gate.as_ref().unwrap().close_after_write(n);
        });
        assert!(gate.unwrap().is_closed(), "no crash after write {n}");
        assert_eq!(after, expected, "crash after write {n}");
    }
}

fn strike_everywhere(fault: Fault) {
    let (expected, writes) = play(|_| {});
    for n in 1..=writes {
        let (end, _) = play(|world| world.faults.arm(n, fault));
        assert_eq!(end, expected, "{fault:?} at write {n}");
    }
}

#[test]
fn a_conflict_at_any_write_leads_to_the_same_end() {
    strike_everywhere(Fault::Conflict);
}

#[test]
fn a_create_that_existed_already_leads_to_the_same_end() {
    strike_everywhere(Fault::AlreadyExists);
}

#[test]
fn a_lost_answer_at_any_write_leads_to_the_same_end() {
    strike_everywhere(Fault::TimeoutAfter);
}

#[test]
fn a_server_error_at_any_write_leads_to_the_same_end() {
    strike_everywhere(Fault::ServerError);
}

#[test]
fn a_store_that_falls_behind_at_any_write_leads_to_the_same_end() {
    strike_everywhere(Fault::StaleStore(Duration::from_secs(3)));
}

#[test]
fn a_store_that_falls_far_behind_is_read_past() {
    strike_everywhere(Fault::StaleStore(Duration::from_secs(20)));
}

#[test]
fn watches_that_end_in_every_way_lose_nothing() {
    let (expected, _) = play(|_| {});
    let (end, _) = run(Pace::Virtual, Options::default(), |mut world| async move {
        world.prepare().await;
        let server = world.server.clone();
        tokio::spawn(async move {
            for round in 0..400 {
                tokio::time::sleep(Duration::from_millis(730)).await;
                match round % 3 {
                    0 => server.close_watches(),
                    1 => server.expire_watches(),
                    _ => server.compact(),
                }
            }
        });
        guide::play(&mut world).await;
        (guide::judge(&mut world).await, ())
    });
    assert_eq!(end, expected);
}

#[test]
fn deleted_and_applied_again_keeps_its_hash_even_if_garbage_stays_a_while() {
    let garbage = Duration::from_millis(1500);
    let options = Options { reaction: Reaction { garbage, ..Reaction::default() }, ..Options::default() };
    run(Pace::Virtual, options, |mut world| async move {
        world.prepare().await;
        world.apply("default", MANIFEST).await.unwrap();
        guide::healthy(&mut world).await;
        let before = world.inspector.observation(AT.0, AT.1).unwrap();
        world.delete(AT.0, "rollout", AT.1, false).await.unwrap();
        world.apply("default", MANIFEST).await.unwrap();
        guide::healthy(&mut world).await;
        guide::rest(&mut world).await;
        let after = world.inspector.observation(AT.0, AT.1).unwrap();
        assert_ne!(after.rollout.metadata.uid, before.rollout.metadata.uid);
        assert_eq!(after.rollout.status.collision_count, None);
        assert_eq!(after.rollout.status.stable_rs, before.rollout.status.stable_rs);
    });
}

#[test]
fn an_abort_at_any_instant_ends_on_stable() {
    for tenths in (0..460).step_by(3) {
        run(Pace::Virtual, Options { seed: tenths + 1, ..Options::default() }, |mut world| async move {
            world.prepare().await;
            world.apply("default", MANIFEST).await.unwrap();
            guide::healthy(&mut world).await;
            guide::image(&world, "yellow").await;
            // The first ten tenths are before the pause; from there on the update is promoted.
            world.pass(Duration::from_millis(100 * tenths.min(12))).await;
            if tenths > 12 {
                guide::paused_at(&mut world, 1).await;
                guide::promote(&world).await;
                world.pass(Duration::from_millis(100 * (tenths - 12))).await;
            }
            let before = world.inspector.observation(AT.0, AT.1).unwrap();
            let under_way = before.rollout.status.stable_rs != before.rollout.status.current_pod_hash;
            world.abort(AT.0, AT.1).await.unwrap();
            guide::rest(&mut world).await;
            let after = world.inspector.observation(AT.0, AT.1).unwrap();
            assert_eq!(abort_has_ended(&after), None, "abort after {tenths} tenths of a second");
            if under_way {
                assert!(after.rollout.status.abort, "{}", world.summary(AT.0, AT.1));
                assert_eq!(after.rollout.status.stable_rs, before.rollout.status.stable_rs);
            }
            guide::judge(&mut world).await;
        });
    }
}
