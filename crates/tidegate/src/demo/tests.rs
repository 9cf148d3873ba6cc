use std::time::Duration;

use tidegate_kubesim::{PodState, Stage};
use tidegate_ops::text::{Color, Size};

use super::*;

fn transcript(kubelet: Kubelet) -> (bool, String) {
    let mut out = Vec::new();
    let is_done = on_stage(Pace::Virtual, kubelet, Transcript::new(&mut out, Color::Off, None)).unwrap();
    (is_done, String::from_utf8(out).unwrap())
}

/// The rows of every frame, as they would stand on a terminal of this size.
fn frames(kubelet: Kubelet, size: fn() -> Size) -> (bool, Vec<Vec<String>>) {
    let mut out = Vec::new();
    let live = Live::new(&mut out, Color::Off, size);
    let is_done = on_stage(Pace::Virtual, kubelet, live).unwrap();
    let text = String::from_utf8(out).unwrap();
    let rows = |frame: &str| frame.lines().map(|row| row.replace("\x1b[K", "")).collect();
    let frames = text.split("\x1b[H").skip(1);
    (is_done, frames.map(|frame| rows(frame.split("\x1b[J").next().unwrap_or_default())).collect())
}

/// Pods of the second revision do not become ready.
fn without_yellow() -> Kubelet {
    let mut kubelet = crate::pods::believable();
    let crash = Stage { after: Duration::from_millis(100), state: PodState::Crashed };
    kubelet.set_image("yellow", vec![crash]);
    kubelet
}

#[test]
fn a_step_that_ends_otherwise_is_told() {
    let (is_done, text) = transcript(without_yellow());
    assert!(!is_done);
    let last = text.lines().last().unwrap();
    let expected = "\
✖ Step 3, Update to yellow: the guide says Paused (CanaryPauseStep) at step 1/8 with 4 blue, 1 yellow; it is: Progressing";
    assert!(last.starts_with(expected), "{last}");
    assert!(!text.contains("4/7"), "nothing is played behind it");
}

#[test]
fn a_terminal_is_told_too() {
    let (is_done, frames) = frames(without_yellow(), || Size { width: 80, height: 40 });
    assert!(!is_done);
    let told = frames
        .last()
        .unwrap()
        .iter()
        .any(|row| row.starts_with("✖ Step 3, Update to yellow: the guide says"));
    assert!(told, "{:#?}", frames.last());
}

#[test]
fn every_frame_fits_every_terminal() {
    let sizes: [fn() -> Size; 5] = [
        || Size { width: 120, height: 40 },
        || Size { width: 80, height: 40 },
        || Size { width: 80, height: 24 },
        || Size { width: 40, height: 12 },
        || Size { width: 7, height: 2 },
    ];
    for size in sizes {
        let (is_done, frames) = frames(crate::pods::believable(), size);
        assert!(is_done && frames.len() > 100, "{:?}", size());
        let Size { width, height } = size();
        for frame in &frames {
            assert!(frame.len() < height, "{frame:#?}");
            assert!(frame.iter().all(|row| row.chars().count() <= width), "{frame:#?}");
        }
    }
}

#[test]
fn at_80_columns_no_text_is_cut() {
    for size in [|| Size { width: 80, height: 40 }, || Size { width: 80, height: 30 }] {
        for frame in frames(crate::pods::believable(), size).1 {
            assert!(frame.iter().all(|row| !row.contains('…')), "{frame:#?}");
        }
    }
}
