//! The life of somebody's own Rollouts: they are applied, updated and promoted, or go through a script of their owner's, while the
//! machinery around them fails. Their specs stay as they are. At the end nothing fails any more, whatever they wait for is given,
//! and all must get to Healthy.

use std::fmt::Write as _;
use std::time::Duration;

use serde_json::Value;
use tidegate_api::duration::parse_go_duration;

use super::{machines, written};
use crate::dice::Dice;
use crate::scenario::Script;

/// What is to be lived through.
#[derive(Clone, Debug, Default)]
pub struct Own {
    /// What is applied at the beginning, in this order.
    pub objects: Vec<Value>,
    /// The Rollouts among it that are updated.
    pub rollouts: Vec<Updated>,
    /// The course of events, one command each, instead of updates.
    pub course: Option<Vec<String>>,
    /// Where commands and objects that name no namespace are.
    pub namespace: String,
    /// How long pods take to become ready.
    pub ready_after: Duration,
}

/// A Rollout, and what its updates are.
#[derive(Clone, Debug, Default)]
pub struct Updated {
    /// Its name.
    pub name: String,
    /// `web=demo:2 sidecar=proxy:2`, one of each update.
    pub updates: Vec<String>,
    /// The new images of each update.
    pub images: Vec<Vec<String>>,
}

/// Lines that happen to machines in a life, by how often each comes.
type Act = fn(&mut Dice) -> Vec<String>;

const ACTS: [(u64, Act); 9] = [
    (3, machines::faults),
    (2, machines::fault),
    (2, machines::crash),
    (4, machines::crash_at_write),
    (3, machines::twin),
    (1, machines::clock),
    (2, machines::server_away),
    (2, machines::silence),
    (2, machines::node_lost),
];

/// How long bad pods are left alone at once.
const MOMENTS: Duration = Duration::from_secs(20);

impl Own {
    /// The life of a seed, as a script.
    ///
    /// # Panics
    /// When a command of the course spans lines.
    #[must_use]
    pub fn script(&self, seed: u64) -> Script {
        let mut dice = Dice::new(seed);
        let mut text = format!("# Seed {seed}: these Rollouts, and machinery that fails.\n# seed: {seed}\n");
        let mut set = |name: &str, value: String| {
            // Writing to a String does not fail.
            let _ = writeln!(text, "# {name}: {value}");
        };
        set("router", "none".to_owned());
        if self.namespace != "default" {
            set("namespace", self.namespace.clone());
        }
        let names: Vec<&str> = self.rollouts.iter().map(|rollout| rollout.name.as_str()).collect();
        set("rollouts", names.join(" "));
        set("ready after", in_millis(self.ready_after));
        set("workers", (1 + dice.roll(4)).to_string());
        set("reaction", format!("{}ms", dice.one_of(&[0, 0, 20, 100, 300])));
        let mut lines = Vec::new();
        if dice.happens(1, 2) {
            lines.extend(machines::faults(&mut dice));
        }
        lines.extend(self.objects.iter().map(|object| written("apply", object)));
        match &self.course {
            Some(course) => self.strike_around(&mut dice, course, &mut lines),
            None => self.update(&mut dice, &mut lines),
        }
        lines.extend(self.ending());
        for line in lines {
            let _ = writeln!(text, "$ {line}");
        }
        Script::parse(&text).expect("a life is a script")
    }

    /// Deployed, updated once or twice, the second time perhaps in the middle of the first.
    fn update(&self, dice: &mut Dice, lines: &mut Vec<String>) {
        self.strike(dice, (2, self.course_time()), lines);
        if dice.happens(3, 4) {
            lines.push(attend(self.course_time()));
        }
        let rounds = self.rollouts.iter().map(|rollout| rollout.updates.len()).max().unwrap_or(0);
        let rounds = if dice.happens(1, 3) { rounds } else { rounds.min(1) };
        for round in 0..rounds {
            let fate = self.fate(dice, round);
            lines.extend(fate.iter().map(|(image, fate)| format!("pods of {image} {fate}")));
            if dice.happens(2, 3) {
                lines.extend(machines::faults(dice));
            }
            for rollout in &self.rollouts {
                let images = rollout.updates.get(round).map(|images| set_image(&rollout.name, images));
                lines.extend(images);
            }
            // Bad pods do well again before long, or there would be nothing but waiting.
            let longest = if fate.is_some() { MOMENTS } else { self.course_time() };
            self.strike(dice, (8, longest), lines);
            lines.extend(fate.iter().map(|(image, _)| format!("pods of {image} start")));
            self.strike(dice, (4, self.course_time()), lines);
        }
    }

    /// What pods of an update do for a while: those of the versions before it run well.
    fn fate(&self, dice: &mut Dice, round: usize) -> Option<(String, String)> {
        let of_round = |rollout: &Updated| rollout.images.get(round).cloned().unwrap_or_default();
        let images: Vec<String> = self.rollouts.iter().flat_map(of_round).collect();
        if images.is_empty() || dice.happens(1, 2) {
            return None;
        }
        let late = in_millis(self.ready_after + Duration::from_millis(500 + dice.roll(20_000)));
        let short = in_millis(Duration::from_millis(1_000 + dice.roll(5_000)));
        let fates = [
            format!("start after {late}"),
            "crash".to_owned(),
            "never ready".to_owned(),
            format!("fail after {short}"),
        ];
        Some((dice.one_of(&images).clone(), dice.one_of(&fates)))
    }

    /// At most so many things happen to machines, with time between them: moments, or up to `longest`.
    fn strike(&self, dice: &mut Dice, (most, longest): (u64, Duration), lines: &mut Vec<String>) {
        for _ in 0..dice.roll(most + 1) {
            lines.extend(self.act(dice));
            // Much happens in a short while, then nothing for long: both are hit.
            let short = dice.roll(4) * dice.roll(4_000);
            let all = u64::try_from(longest.as_millis()).unwrap_or(u64::MAX);
            let millis = if dice.happens(1, 4) { dice.roll(all) } else { short };
            if millis > 0 {
                lines.push(attend(Duration::from_millis(millis)));
            }
        }
    }

    fn act(&self, dice: &mut Dice) -> Vec<String> {
        let of_pods = 2;
        let whole: u64 = ACTS.iter().map(|(weight, _)| weight).sum();
        let mut left = dice.roll(whole + of_pods);
        for (weight, act) in ACTS {
            match left.checked_sub(weight) {
                Some(rest) => left = rest,
                None => return act(dice),
            }
        }
        let images: Vec<&String> = self.rollouts.iter().flat_map(|it| it.images.iter().flatten()).collect();
        if images.is_empty() { Vec::new() } else { vec![format!("lose a pod of {}", dice.one_of(&images))] }
    }

    /// The course as its owner wrote it, with acts on machines between its lines.
    fn strike_around(&self, dice: &mut Dice, course: &[String], lines: &mut Vec<String>) {
        if dice.happens(1, 2) {
            lines.extend(machines::faults(dice));
        }
        for line in course {
            for _ in 0..dice.roll(3) {
                lines.extend(self.act(dice));
            }
            lines.push(line.clone());
        }
    }

    /// Nothing fails any more, and each Rollout is given what it may wait for: then all must get there.
    fn ending(&self) -> Vec<String> {
        let mut lines = vec!["calm".to_owned(), "wait 90s".to_owned(), "start".to_owned()];
        let each = |command: &str| {
            let names = self.rollouts.iter().map(|rollout| &rollout.name);
            names.map(|name| format!("kubectl argo rollouts {command} {name}")).collect::<Vec<_>>()
        };
        lines.push("wait 5s".to_owned());
        lines.extend(each("retry rollout"));
        lines.push("wait 5s".to_owned());
        lines.extend(each("promote --full"));
        lines.push(attend(self.course_time()));
        lines.push("wait until all Healthy".to_owned());
        lines.push(format!("wait {}s", self.longest_delay().as_secs() + 60));
        lines
    }

    /// About how long an update takes, as far as the specs say.
    fn course_time(&self) -> Duration {
        let of_rollout = |spec: &Value| {
            let canary = spec["strategy"]["canary"]["steps"].as_array().into_iter().flatten();
            let pauses: Duration = canary.map(|step| time(&step["pause"]["duration"])).sum();
            let pods = spec["replicas"].as_u64().unwrap_or(1).min(1_000);
            let of_pod = self.ready_after + time(&spec["minReadySeconds"]) + Duration::from_secs(2);
            let auto = time(&spec["strategy"]["blueGreen"]["autoPromotionSeconds"]);
            let of_pods = of_pod * u32::try_from(pods).unwrap_or(u32::MAX);
            Duration::from_secs(10) + pauses + auto + of_pods
        };
        self.specs().map(of_rollout).max().unwrap_or_default()
    }

    /// The longest that a ReplicaSet waits until it is scaled down.
    fn longest_delay(&self) -> Duration {
        let of_rollout = |spec: &Value| {
            let strategies = ["canary", "blueGreen"].map(|name| &spec["strategy"][name]);
            let delays = strategies.iter().flat_map(|strategy| {
                ["scaleDownDelaySeconds", "abortScaleDownDelaySeconds"].map(|name| time(&strategy[name]))
            });
            delays.max().unwrap_or_default()
        };
        self.specs().map(of_rollout).max().unwrap_or_default()
    }

    fn specs(&self) -> impl Iterator<Item = &Value> {
        self.objects.iter().filter(|object| object["kind"] == "Rollout").map(|object| &object["spec"])
    }
}

fn set_image(name: &str, images: &str) -> String {
    format!("kubectl argo rollouts set image {name} {images}")
}

fn attend(time: Duration) -> String {
    format!("attend {}", in_millis(time))
}

fn in_millis(time: Duration) -> String {
    format!("{}ms", time.as_millis())
}

/// Seconds as a number, or a Go duration as text; nothing otherwise.
fn time(value: &Value) -> Duration {
    let seconds = value.as_u64().or_else(|| value.as_str()?.parse().ok());
    let parsed = || Duration::try_from(parse_go_duration(value.as_str()?).ok()?).ok();
    seconds.map(Duration::from_secs).or_else(parsed).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn own() -> Own {
        let rollout = json!({
            "apiVersion": "argoproj.io/v1alpha1", "kind": "Rollout", "metadata": {"name": "web"},
            "spec": {
                "replicas": 3,
                "selector": {"matchLabels": {"app": "web"}},
                "template": {
                    "metadata": {"labels": {"app": "web"}, "annotations": {"note": "it's"}},
                    "spec": {"containers": [{"name": "web", "image": "demo:1"}]},
                },
                "strategy": {"canary": {"steps": [
                    {"setWeight": 34}, {"pause": {}}, {"pause": {"duration": "2m"}}, {"pause": {"duration": 30}},
                ]}},
            },
        });
        Own {
            objects: vec![rollout],
            rollouts: vec![Updated {
                name: "web".to_owned(),
                updates: vec!["web=demo:2".to_owned(), "web=demo:3".to_owned()],
                images: vec![vec!["demo:2".to_owned()], vec!["demo:3".to_owned()]],
            }],
            course: None,
            namespace: "shop".to_owned(),
            ready_after: Duration::from_millis(800),
        }
    }

    #[test]
    fn a_seed_is_a_script_that_can_be_read_again() {
        let own = own();
        for seed in 0..100 {
            let script = own.script(seed);
            assert_eq!(Script::parse(&script.to_string()).unwrap(), script, "{script}");
            crate::scenario::understood(&script).unwrap();
            assert_eq!(script.setting.namespace, "shop");
        }
        assert_eq!(own.course_time(), Duration::from_millis(10_000 + 150_000 + 3 * 2_800));
    }

    #[test]
    fn whatever_fails_a_rollout_gets_there() {
        let own = own();
        let mut struck = std::collections::BTreeSet::new();
        for seed in 1..=12 {
            let played = super::super::play(&own.script(seed));
            assert_eq!(played.broken, None, "seed {seed}: {}", played.script);
            let seen = &played.record.rollouts[&("shop".to_owned(), "web".to_owned())];
            assert!(seen.low_water.is_some() && seen.sent > 100_000, "seed {seed}: {seen:?}");
            struck.extend(played.record.struck.into_keys());
        }
        assert!(struck.len() > 10, "{struck:?}");
    }

    #[test]
    fn pods_of_what_ran_before_an_update_run_well() {
        let own = own();
        let mut fates = std::collections::BTreeSet::new();
        for seed in 0..200 {
            let text = own.script(seed).to_string();
            let mut asked = 1;
            for line in text.lines() {
                if let Some(words) = line.strip_prefix("$ pods of demo:") {
                    let (version, fate) = words.split_once(' ').unwrap();
                    // They are said before the update to them.
                    assert_eq!(
                        version.parse::<i32>().unwrap(),
                        if fate == "start" { asked } else { asked + 1 },
                        "{text}"
                    );
                    fates.insert((version.to_owned(), fate.split(' ').next().unwrap_or_default().to_owned()));
                }
                asked += i32::from(line.contains("set image"));
            }
        }
        // Of both updates, pods start late, crash, never get ready and fail, and do well again.
        assert_eq!(fates.len(), 8, "{fates:?}");
    }

    #[test]
    fn a_course_is_followed_in_its_order() {
        let course = ["wait until Healthy", "kubectl argo rollouts set image web web=demo:bad", "wait 5s"];
        let own = Own { course: Some(course.map(str::to_owned).to_vec()), ..own() };
        let text = own.script(3).to_string();
        let mut rest = text.as_str();
        for line in course {
            rest = rest.split_once(&format!("$ {line}\n")).unwrap().1;
        }
        assert!(rest.contains("$ wait until all Healthy"), "{rest}");
    }
}
