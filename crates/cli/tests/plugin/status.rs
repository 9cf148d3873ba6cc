//! `status`.

use serde_json::json;

use crate::process::{ERR, OUT, Running, plugin};
use crate::transcript::Transcript;
use crate::world::World;

#[test]
fn a_state_is_shown_once() {
    let mut transcript = Transcript::default();
    let paused = World::frozen("guide/01-updated-paused-at-20");
    transcript.run(&paused, "status rollouts-demo --watch=false");
    transcript
        .about("Waiting, too, when a pause is enough.")
        .run(&paused, "status rollouts-demo --stop-at-pause");
    let healthy = World::frozen("guide/00-deployed");
    transcript.about("Healthy.").run(&healthy, "status rollouts-demo --watch=0");
    transcript.run(&healthy, "status rollouts-demo");
    let aborted = World::frozen("guide-abort/01-red-aborted");
    transcript.about("Degraded.").run(&aborted, "status rollouts-demo -w=false");
    transcript.run(&aborted, "status rollouts-demo");
    transcript.about("None of that name.").run(&healthy, "status nope");
    transcript.run(&healthy, "status nope --watch=false");
    transcript.about("No duration.").run(&healthy, "status rollouts-demo --timeout soon");
    transcript.check("status");
}

#[test]
fn an_update_is_followed_to_its_end() {
    let world = World::passing("guide/01-updated-paused-at-20");
    let mut status = Running::start(&mut plugin(&world.folder.0, &["status", "rollouts-demo"]));
    status.wait_for(OUT, "Paused - CanaryPauseStep\n");
    world.patch_status("rollouts-demo", &json!({"pauseConditions": null}));
    status.wait_for(OUT, "Progressing - waiting for rollout to unpause\n");
    world.patch_status(
        "rollouts-demo",
        &json!({"controllerPause": null, "phase": "Progressing", "message": "m"}),
    );
    status.wait_for(OUT, "Progressing - m\n");
    world.patch_status("rollouts-demo", &json!({"readyReplicas": 1}));
    world.patch_status("rollouts-demo", &json!({"phase": "Healthy", "message": null}));
    let outcome = status.end();
    let expected =
        "Paused - CanaryPauseStep\nProgressing - waiting for rollout to unpause\nProgressing - m\nHealthy\n";
    assert_eq!((outcome.out.as_str(), outcome.err.as_str(), outcome.code), (expected, "", Some(0)));
}

#[test]
fn every_other_end_has_its_words_and_code() {
    let world = World::passing("guide/01-updated-paused-at-20");
    let mut transcript = Transcript::default();
    let mut end = |line: &str, act: &dyn Fn(&Running)| {
        let words: Vec<&str> = line.split(' ').collect();
        let mut status = Running::start(&mut plugin(&world.folder.0, &words));
        status.wait_for(OUT, "Paused - CanaryPauseStep\n");
        act(&status);
        transcript.note(line, &status.end());
    };
    end("status rollouts-demo --timeout 300ms", &|_| {});
    end("status rollouts-demo", &|status| status.signal("-INT"));
    end("status rollouts-demo -t 1h", &|status| status.signal("-TERM"));
    end("status rollouts-demo -w", &|_| {
        world.patch_status("rollouts-demo", &json!({"phase": "Degraded", "message": "RolloutAborted: why"}));
    });
    world.patch_status("rollouts-demo", &json!({"phase": "Paused", "message": "CanaryPauseStep"}));
    end("status rollouts-demo", &|_| world.delete("rollouts-demo"));
    transcript.check("status-ends");
}

#[test]
fn a_lost_connection_is_made_anew() {
    let world = World::passing("guide/01-updated-paused-at-20");
    let wire = crate::server::Wire::to(world.address);
    let server = format!("https://{}", wire.address);
    let mut status =
        Running::start(&mut plugin(&world.folder.0, &["status", "rollouts-demo", "-s", &server]));
    status.wait_for(OUT, "Paused");
    world.wait_for_watches(1);
    wire.cut();
    status.wait_for(ERR, "trying again");
    world.patch_status(
        "rollouts-demo",
        &json!({"phase": "Healthy", "message": null, "pauseConditions": null}),
    );
    world.patch_status("rollouts-demo", &json!({"controllerPause": null}));
    wire.mend();
    let outcome = status.end();
    assert_eq!((outcome.out.lines().last(), outcome.code), (Some("Healthy"), Some(0)), "{outcome:?}");
}
