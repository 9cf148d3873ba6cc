//! `get rollout` of captured moments: the text is upstream's, to the last blank.
//!
//! `fixtures/upstream/<scenario>/<moment>`: `objects.yaml` as stored, `get-rollout.txt` as upstream printed it. The moment
//! `restart/00-in-progress` is passed over: pods changed between its two files.

#![allow(clippy::unwrap_used, reason = "a test")]

use std::fs;
use std::path::Path;

use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use serde_json::Value;
use tidegate_api::rollout::Rollout;
use tidegate_ops::info::{Objects, RolloutInfo};
use tidegate_ops::text::{Color, render, rollout_lines};

struct World {
    rollout: Rollout,
    replica_sets: Vec<Value>,
    pods: Vec<Value>,
}

fn read(moment: &Path) -> World {
    let text = fs::read_to_string(moment.join("objects.yaml")).unwrap();
    let objects: Vec<Value> = serde_yaml_ng::Deserializer::from_str(&text)
        .map(|object| Value::deserialize(object).unwrap())
        .collect();
    let of_kind =
        |kind: &str| objects.iter().filter(|object| object["kind"] == kind).cloned().collect::<Vec<_>>();
    let rollout = of_kind("Rollout").remove(0);
    World {
        rollout: serde_json::from_value(rollout).unwrap(),
        replica_sets: of_kind("ReplicaSet"),
        pods: of_kind("Pod"),
    }
}

/// Upstream's clock when it printed: the printed age after the Rollout's creation, in the middle of that second.
fn printed_at(world: &World, printed: &str) -> Timestamp {
    let row = printed.lines().find(|line| line.starts_with('⟳')).unwrap();
    let age = row.split_whitespace().rfind(|word| word.starts_with(|c: char| c.is_ascii_digit())).unwrap();
    let age: i64 = age.strip_suffix('s').unwrap().parse().unwrap();
    let created = world.rollout.metadata.creation_timestamp.unwrap().timestamp();
    created + SignedDuration::from_secs(age) + SignedDuration::from_millis(500)
}

#[test]
fn every_captured_moment_is_printed_as_upstream_did() {
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/upstream");
    let mut moments = 0;
    for scenario in fs::read_dir(&data).unwrap() {
        for moment in fs::read_dir(scenario.unwrap().path()).unwrap() {
            let moment = moment.unwrap().path();
            if moment.ends_with("restart/00-in-progress") {
                continue;
            }
            let world = read(&moment);
            let expected = fs::read_to_string(moment.join("get-rollout.txt")).unwrap();
            let objects =
                Objects { rollout: &world.rollout, replica_sets: &world.replica_sets, pods: &world.pods };
            let lines = rollout_lines(&RolloutInfo::of(&objects), printed_at(&world, &expected));
            let printed = render(&lines, Color::Off);
            assert_eq!(printed, expected, "{}\n{printed}\n{expected}", moment.display());
            moments += 1;
        }
    }
    assert_eq!(moments, 32);
}
