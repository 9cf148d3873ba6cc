//! What people see on terminals of 80 and 120 columns: `get rollout --watch`, the demo, the playground.

use crate::playground::{Playground, poll};
use crate::tmux::Terminal;

const NARROW: (u16, u16) = (80, 24);
const WIDE: (u16, u16) = (120, 40);
const TIDEGATE: &str = env!("CARGO_BIN_EXE_tidegate");

/// A playground with a healthy demo in it, and a terminal that watches.
fn watched(size: (u16, u16)) -> (Playground, Terminal) {
    let playground = Playground::start(5);
    playground.ok("kubectl apply -f rollouts-demo.yaml");
    playground.ok("kubectl wait rollout/rollouts-demo --timeout=60s --for=jsonpath={.status.phase}=Healthy");
    let watch = playground.typed("kubectl argo rollouts get rollout rollouts-demo --watch");
    let terminal = Terminal::open(size, &watch);
    (playground, terminal)
}

fn update(playground: &Playground, tag: &str) {
    playground.ok(&format!(
        "kubectl argo rollouts set image rollouts-demo rollouts-demo=argoproj/rollouts-demo:{tag}"
    ));
}

#[track_caller]
fn nothing_wraps(screen: &str) {
    let branches = screen.lines().filter(|line| line.contains("──"));
    for line in branches.clone() {
        assert!(
            line.contains("ready:")
                || line.contains("revision:")
                || line.contains("ReplicaSet")
                || line.contains('…'),
            "cut in two: {line}\n{screen}"
        );
    }
    assert!(branches.count() > 0, "{screen}");
}

#[test]
fn a_watch_follows_in_place_and_ends_with_ctrl_c() {
    for size in [NARROW, WIDE] {
        let (playground, terminal) = watched(size);
        let healthy = terminal.shows(&["✔ Healthy", "revision:1", "ready:1/1"]);
        nothing_wraps(&healthy);
        update(&playground, "yellow");
        let paused = terminal.shows(&["॥ Paused", "revision:2", "canary", "1/8"]);
        nothing_wraps(&paused);
        assert_eq!(paused.matches("revision:2").count(), 1, "one view stands on the screen:\n{paused}");
        assert!(terminal.coloured().contains("\x1b[33m"), "the canary is yellow");
        terminal.press("C-c");
        let ended = terminal.shows(&["exit: 0"]);
        assert!(ended.contains("revision:2"), "the last view stays:\n{ended}");
    }
}

#[test]
fn a_watch_survives_another_size() {
    let (playground, terminal) = watched(WIDE);
    terminal.shows(&["✔ Healthy", "ready:1/1"]);
    terminal.resize((60, 14));
    update(&playground, "yellow");
    let small = terminal.shows(&["॥ Paused", "revision:2"]);
    nothing_wraps(&small);
    terminal.resize(WIDE);
    let large = terminal.shows(&["Desired:       5", "revision:1"]);
    assert_eq!(large.matches("revision:2").count(), 1, "{large}");
}

#[test]
fn a_watch_says_that_its_rollout_is_gone() {
    let (playground, terminal) = watched(NARROW);
    terminal.shows(&["✔ Healthy"]);
    playground.ok("kubectl delete rollout rollouts-demo");
    terminal.shows(&["rollout.argoproj.io \"rollouts-demo\" not found", "exit: 1"]);
}

#[test]
fn the_demo_plays_to_its_end() {
    let play = |size| Terminal::open(size, &format!("{TIDEGATE} demo"));
    let terminals = [NARROW, WIDE].map(play);
    for terminal in terminals {
        let screen = terminal.shows(&["All 7 steps ended as the guide says", "exit: 0"]);
        assert!(screen.contains("yellow 100 %"), "{screen}");
    }
}

#[test]
fn the_playground_shows_who_answers() {
    for size in [NARROW, WIDE] {
        let terminal = Terminal::open(size, &format!("{TIDEGATE} playground --speed 5"));
        let screen =
            terminal.shows(&["Nothing is there yet", "$ export KUBECONFIG=", "rollouts-demo:yellow"]);
        let joined = screen.replace(" \\\n    ", " ");
        let commands: Vec<&str> = joined.lines().filter_map(|line| line.strip_prefix("$ ")).collect();
        let [export, apply, _, set_image] = commands.as_slice() else { panic!("{screen}") };
        let type_in = |command: &str| {
            let output = std::process::Command::new("sh")
                .args(["-c", &format!("{export}\n{command}")])
                .output()
                .unwrap();
            assert!(output.status.success(), "$ {command}\n{}", String::from_utf8_lossy(&output.stderr));
        };
        type_in(apply);
        terminal.shows(&["blue 100 %", "Healthy"]);
        type_in(set_image);
        terminal.shows(&["blue 80 %", "yellow 20 %", "Paused"]);
        type_in(&set_image.replace(":yellow", ":bad-red"));
        terminal.shows(&["Progressing"]);
        let crashed = || {
            let pods = std::process::Command::new("sh")
                .args(["-c", &format!("{export}\nkubectl get pods")])
                .output()
                .unwrap();
            String::from_utf8_lossy(&pods.stdout).contains("CrashLoopBackOff")
        };
        assert!(poll(crashed), "a tag that contains `bad` crashes");
        terminal.press("C-c");
        terminal.shows(&["exit: 0"]);
    }
}
