//! The getting-started guide by hand: real kubectl, the plugin's binary, and the playground's port; each moment as upstream's
//! plugin showed it.

use std::fs;
use std::process::{Child, Stdio};

use crate::playground::{Playground, captured, essence, poll};

const GET: &str = "kubectl argo rollouts get rollout rollouts-demo";

/// The guide's second terminal: `get rollout --watch`, written to a file.
struct SecondTerminal<'a> {
    playground: &'a Playground,
    child: Child,
}

impl<'a> SecondTerminal<'a> {
    fn open(playground: &'a Playground) -> Self {
        let file = fs::File::create(playground.folder.join("watch.txt")).unwrap();
        let child =
            playground.shell(&format!("exec {GET} --watch")).stdout(Stdio::from(file)).spawn().unwrap();
        Self { playground, child }
    }

    /// All views that it has shown, in order.
    fn views(&self) -> Vec<String> {
        let text = fs::read_to_string(self.playground.folder.join("watch.txt")).unwrap();
        // A view begins with the Rollout's name, and what stands before the next one is complete.
        text.split("Name: ").skip(1).map(|view| essence(&format!("Name: {view}"))).collect()
    }

    /// Waits until these captured moments were shown, one after the other.
    #[track_caller]
    fn showed(&self, moments: &[(&str, &str)]) {
        for &(scenario, moment) in moments {
            let expected = captured(scenario, moment);
            let came = poll(|| self.views().contains(&expected));
            let views = self.views().join("\n\n");
            assert!(came, "{scenario}/{moment} was not shown:\n{expected}\n\nthe views are:\n{views}");
        }
        let views = self.views();
        let places: Vec<_> = moments
            .iter()
            .map(|(scenario, moment)| {
                let expected = captured(scenario, moment);
                views.iter().position(|view| *view == expected)
            })
            .collect();
        assert!(places.is_sorted(), "the moments came in this order: {places:?}");
    }
}

impl Drop for SecondTerminal<'_> {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Playground {
    /// Waits for a phase with kubectl's own means.
    #[track_caller]
    fn phase(&self, phase: &str) {
        let wait = "kubectl wait rollout/rollouts-demo --timeout=60s --for=jsonpath={.status.phase}";
        assert_eq!(self.ok(&format!("{wait}={phase}")), "rollout.argoproj.io/rollouts-demo condition met\n");
    }

    #[track_caller]
    fn is_as_captured(&self, scenario: &str, moment: &str) {
        let expected = captured(scenario, moment);
        let mut last = String::new();
        let came = poll(|| {
            last = essence(&self.ok(GET));
            last == expected
        });
        assert!(came, "{scenario}/{moment}:\n{expected}\n\nit is:\n{last}");
    }
}

#[test]
fn the_guide_ends_as_it_says() {
    let playground = Playground::start(5);
    playground.ok(&playground.commands[0]);
    playground.phase("Healthy");
    playground.is_as_captured("guide", "00-deployed");
    {
        assert_eq!(playground.commands[1], format!("{GET} --watch"));
        let watch = SecondTerminal::open(&playground);
        watch.showed(&[("guide", "00-deployed")]);
        assert_eq!(playground.ok(&playground.commands[2]), "rollout \"rollouts-demo\" image updated\n");
        playground.phase("Paused");
        playground.is_as_captured("guide", "01-updated-paused-at-20");
        // A user promotes what is on the screen.
        watch.showed(&[("guide", "01-updated-paused-at-20")]);
        playground.plays(
            "$ kubectl argo rollouts promote rollouts-demo
rollout 'rollouts-demo' promoted",
        );
        playground.phase("Healthy");
        playground.is_as_captured("guide", "05-yellow-stable");
        watch.showed(&[
            ("guide", "00-deployed"),
            ("guide", "01-updated-paused-at-20"),
            ("guide", "02-promoted-paused-at-40"),
            ("guide", "03-paused-at-60"),
            ("guide", "04-paused-at-80"),
            ("guide", "05-yellow-stable"),
        ]);
    }
    playground.plays(
        "$ kubectl argo rollouts set image rollouts-demo rollouts-demo=argoproj/rollouts-demo:red
rollout \"rollouts-demo\" image updated",
    );
    playground.phase("Paused");
    playground.until(GET, |view| view.contains("revision:3") && view.contains("Ready:         5"));
    playground.plays(
        "$ kubectl argo rollouts abort rollouts-demo
rollout 'rollouts-demo' aborted",
    );
    playground.phase("Degraded");
    let aborted = playground.until(GET, |view| view.matches("✔ Running").count() == 5);
    assert!(
        aborted.contains("Message:         RolloutAborted: Rollout aborted update to revision 3"),
        "{aborted}"
    );
    let pods = playground.ok("kubectl get pods -o name");
    playground.plays(
        "$ kubectl argo rollouts set image rollouts-demo rollouts-demo=argoproj/rollouts-demo:yellow
rollout \"rollouts-demo\" image updated",
    );
    playground.phase("Healthy");
    assert_eq!(playground.ok("kubectl get pods -o name"), pods, "no pod is replaced");
    let healthy = playground.ok(GET);
    assert!(healthy.contains("revision:4") && healthy.contains("Status:          ✔ Healthy"), "{healthy}");

    let folder = playground.folder.clone();
    assert_eq!(playground.stop(), Some(0));
    assert!(!folder.exists(), "it takes its files with it");
}

#[test]
fn abort_retry_and_undo_are_as_captured() {
    let playground = Playground::start(5);
    let update = |color: &str| {
        let command = format!(
            "kubectl argo rollouts set image rollouts-demo rollouts-demo=argoproj/rollouts-demo:{color}"
        );
        assert_eq!(playground.ok(&command), "rollout \"rollouts-demo\" image updated\n");
    };
    let begin = |namespace: &str| {
        playground.ok(&format!("kubectl create namespace {namespace}"));
        playground.ok(&format!("kubectl config set-context --current --namespace {namespace}"));
        playground.ok("sed s/:blue/:yellow/ rollouts-demo.yaml | kubectl apply -f -");
        playground.phase("Healthy");
    };
    begin("guide-abort");
    update("red");
    playground.phase("Paused");
    playground.is_as_captured("guide-abort", "00-red-paused-at-20");
    playground.ok("kubectl argo rollouts abort rollouts-demo");
    playground.phase("Degraded");
    playground.is_as_captured("guide-abort", "01-red-aborted");
    update("yellow");
    playground.phase("Healthy");
    playground.is_as_captured("guide-abort", "02-yellow-again-healthy");

    begin("guide-retry");
    update("red");
    playground.phase("Paused");
    playground.ok("kubectl argo rollouts abort rollouts-demo");
    playground.phase("Degraded");
    playground.plays(
        "$ kubectl argo rollouts retry rollout rollouts-demo
rollout 'rollouts-demo' retried",
    );
    playground.phase("Paused");
    playground.is_as_captured("guide-retry", "00-red-retried");
    playground.plays(
        "$ kubectl argo rollouts promote rollouts-demo --full
rollout 'rollouts-demo' fully promoted",
    );
    playground.phase("Healthy");
    playground.is_as_captured("guide-retry", "01-red-promoted-full");

    begin("guide-undo");
    update("red");
    playground.phase("Paused");
    playground.ok("kubectl argo rollouts promote rollouts-demo --full");
    playground.phase("Healthy");
    playground.plays(
        "$ kubectl argo rollouts undo rollouts-demo
rollout 'rollouts-demo' undo",
    );
    playground.phase("Paused");
    playground.is_as_captured("guide-undo", "00-undo-paused");
}
