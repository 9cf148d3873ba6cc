//! The captured runs of the guide, played again on a real control plane with kubectl and the plugin: at each moment both agree,
//! except where a row of `docs/differences.md` says otherwise.

use tidegate_e2e::shared;

use crate::captured::Row;
use crate::demo::NAME;
use crate::play::Play;

#[test]
fn the_guide_is_as_captured() {
    let plane = shared();
    let play = Play::start(plane, "guide");
    play.deploy(("guide", "00-deployed"), "demo:blue");
    play.is_as_captured("00-deployed", &[]);
    play.image("demo:yellow");
    play.paused_at(1);
    play.is_as_captured("01-updated-paused-at-20", &[]);
    play.place.plugin("promote rollouts-demo");
    play.paused_at(3);
    play.is_as_captured("02-promoted-paused-at-40", &[Row::ResumeIsAnEvent]);
    play.paused_at(5);
    play.is_as_captured("03-paused-at-60", &[Row::ResumeIsAnEvent]);
    play.paused_at(7);
    play.is_as_captured("04-paused-at-80", &[Row::ResumeIsAnEvent, Row::upstream_drops_in_guide(3)]);
    play.place.until_phase(NAME, "Healthy");
    play.is_as_captured("05-yellow-stable", &[Row::ResumeIsAnEvent, Row::upstream_drops_in_guide(7)]);
}

#[test]
fn an_abort_is_as_captured() {
    let plane = shared();
    let play = Play::start(plane, "guide-abort");
    play.deploy(("guide-abort", "00-red-paused-at-20"), "demo:yellow");
    play.image("demo:red");
    play.paused_at(1);
    play.is_as_captured("00-red-paused-at-20", &[]);
    play.place.plugin("abort rollouts-demo");
    play.place.until_phase(NAME, "Degraded");
    play.is_as_captured("01-red-aborted", &[Row::AbortComesFirst]);
    play.image("demo:yellow");
    play.place.until_phase(NAME, "Healthy");
    play.is_as_captured("02-yellow-again-healthy", &[Row::AbortComesFirst]);
}

#[test]
fn an_undo_is_as_captured() {
    let plane = shared();
    let play = Play::start(plane, "guide-undo");
    play.deploy(("guide-retry", "00-red-retried"), "demo:yellow");
    play.image("demo:red");
    play.paused_at(1);
    play.place.plugin("promote rollouts-demo --full");
    play.place.until_phase(NAME, "Healthy");
    play.place.plugin("undo rollouts-demo");
    play.paused_at(1);
    play.is_as_captured("00-undo-paused", &[Row::SizesOnTheWay, Row::UpstreamReorders]);
}

#[test]
fn a_retry_leads_to_the_captured_states() {
    let plane = shared();
    let play = Play::start(plane, "guide-retry");
    play.deploy(("guide-retry", "00-red-retried"), "demo:yellow");
    play.image("demo:red");
    play.paused_at(1);
    play.place.plugin("abort rollouts-demo");
    play.place.until_phase(NAME, "Degraded");
    play.place.plugin("retry rollout rollouts-demo");
    play.paused_at(1);
    // The captured run was aborted before its pause, so that its events are others.
    play.is_in_captured_state("00-red-retried");
    play.place.plugin("promote rollouts-demo --full");
    play.place.until_phase(NAME, "Healthy");
    play.is_in_captured_state("01-red-promoted-full");
}
