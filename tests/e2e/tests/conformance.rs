//! Each shape of request that the controller and the plugin send goes to kubesim and to a real kube-apiserver; their answers
//! agree: code, object or Status with its texts, events of watches. Times and identities differ, of course.

mod exchange;
mod pods;
mod random;
mod steps;

use std::collections::BTreeSet;

use exchange::{Answer, Exchange, Shape, Step};
use kube::Client;
use kube::config::{KubeConfigOptions, Kubeconfig};
use serde_json::{Value, json};
use tidegate_e2e::{Place, Start, User, shared, storage};
use tidegate_kubesim::ApiServer;

use crate::demo::{NAME, is_paused_at, rollout, service, set_image, until_older};

/// Differences that are known: (step, what differs as a JSON pointer into the answer, why). One that no longer shows fails too.
const KNOWN: [(&str, &str, &str); 13] = [
    ("watch from no version", "code", NOT_A_VERSION),
    ("watch from no version", "/code", NOT_A_VERSION),
    ("watch from no version", "/message", NOT_A_VERSION),
    ("watch from no version", "/reason", NOT_A_VERSION),
    ("status of another type", "/details/causes/0/message", STATUS_ALONE),
    ("status of another type", "/message", STATUS_ALONE),
    ("annotation of another type", "/details/causes/0/message", WHOLE_OBJECT),
    ("annotation of another type", "/message", WHOLE_OBJECT),
    ("bad selector", "/message", "kubesim does not say at which word a selector goes wrong"),
    ("no such subresource", "/details", SUBRESOURCE),
    ("no such subresource", "/message", SUBRESOURCE),
    ("no such resource", "", PLAIN_TEXT),
    ("no such group", "", PLAIN_TEXT),
];

const NOT_A_VERSION: &str =
    "kubesim takes it for a bad request, kube-apiserver for a failure of its own; no client of ours asks so";
const STATUS_ALONE: &str = "kube-apiserver names the place in a status from there on";
const WHOLE_OBJECT: &str = "the text holds the object as it is, times and all";
const SUBRESOURCE: &str = "kube-apiserver names the object, whatever is missing of it";
const PLAIN_TEXT: &str =
    "kube-apiserver answers paths that it does not know as plain text; clients go by the code";

#[test]
fn kubesim_answers_as_the_real_server() {
    let plane = storage();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let (ours, theirs) = runtime.block_on(async {
        let server = ApiServer::new(tidegate_kubesim::Config::default());
        for definition in tidegate_api::crd::all() {
            server.create("admin", "customresourcedefinitions", "", definition.clone()).unwrap();
        }
        let ours = play(Client::new(server, "default")).await;
        let kubeconfig = Kubeconfig::read_from(plane.kubeconfig(User::Admin)).unwrap();
        let options = KubeConfigOptions::default();
        let mut config = kube::Config::from_custom_kubeconfig(kubeconfig, &options).await.unwrap();
        // As our programs do: a refusal is an answer.
        config.default_retry = false;
        (ours, play(Client::try_from(config).unwrap()).await)
    });
    let mut found = Vec::new();
    let mut seen = BTreeSet::new();
    for ((step, ours), (_, theirs)) in ours.iter().zip(&theirs) {
        for (pointer, difference) in ours.differences(theirs) {
            match KNOWN.iter().find(|(known, at, _)| known == step && *at == pointer) {
                Some(known) => _ = seen.insert(known),
                None => found.push(format!("{step} {pointer}: {difference}")),
            }
        }
    }
    assert!(found.is_empty(), "kubesim (first) and kube-apiserver (second) differ:\n{}", found.join("\n"));
    let gone: Vec<_> = KNOWN.iter().filter(|known| !seen.contains(known)).collect();
    assert!(gone.is_empty(), "no longer different: {gone:?}");
}

#[test]
fn every_shape_of_request_that_the_controller_sends_is_compared() {
    let plane = shared();
    let place = Place::new(plane, "shapes");
    let controller = Start::new(plane, &place, "only").ready();
    let mut object = rollout(NAME, "demo:blue", 1);
    object["spec"]["revisionHistoryLimit"] = json!(0);
    place.apply(&[object]);
    let [deployment, mut borrower] = crate::demo::borrower("onsuccess", 2);
    borrower["metadata"]["name"] = json!("borrower");
    borrower["spec"]["strategy"] = json!({"canary": {
        "stableService": "stable", "stableMetadata": {"labels": {"role": "stable"}},
        "canaryMetadata": {"labels": {"role": "canary"}},
    }});
    place.apply(&[deployment, service("stable", NAME), borrower]);
    for image in ["demo:yellow", "demo:red"] {
        place.until_phase(NAME, "Healthy");
        place.plugin(&set_image(NAME, image));
        place.until(NAME, "it is paused", |rollout| is_paused_at(rollout, 1));
        place.plugin("promote rollouts-demo --full");
    }
    place.until_phase(NAME, "Healthy");
    place.wait("what is old is deleted", || {
        let mut replica_sets = place.replica_sets();
        replica_sets.retain(|it| it["metadata"]["ownerReferences"][0]["name"] == NAME);
        replica_sets.len() == 1
    });
    place.until_phase("borrower", "Healthy");
    place.plugin(&format!("set image borrower {NAME}=demo:yellow"));
    place.wait("pods of the new version are stable", || {
        let hash = place.rollout("borrower")["status"]["currentPodHash"].as_str().unwrap().to_owned();
        let pods = place.pods("role=stable");
        pods.len() == 2 && pods == place.pods(&format!("rollouts-pod-template-hash={hash}"))
    });
    until_older(&place);
    place.plugin("restart borrower");
    place.until("borrower", "it is restarted", |rollout| {
        rollout["status"]["restartedAt"] == rollout["spec"]["restartAt"]
    });
    place.kubectl("delete rollout borrower");
    place.wait("its Service is released", || place.selected_by("stable").is_empty());
    assert_eq!(controller.stop(), Some(0));
    let log = std::fs::read_to_string(plane.audit_log()).unwrap();
    let lines = log.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let ours =
        lines.filter(|line| line["objectRef"]["namespace"] == "shapes" && line["user"]["username"] == "ctl");
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let sent: BTreeSet<Shape> = ours
        .map(|line| {
            let object = &line["objectRef"];
            (text(&line["verb"]), text(&object["resource"]), text(&object["subresource"]))
        })
        .collect();
    assert!(sent.len() > 20, "{sent:?}");
    for resource in ["services", "pods", "deployments"] {
        assert!(sent.contains(&("patch".into(), resource.into(), String::new())), "{sent:?}");
    }
    assert!(sent.contains(&("create".into(), "pods".into(), "eviction".into())), "{sent:?}");
    let compared: BTreeSet<Shape> = steps::all().iter().map(Step::shape).collect();
    let missing: Vec<_> = sent.difference(&compared).collect();
    assert!(missing.is_empty(), "sent, but not compared: {missing:?}");
}

async fn play(client: Client) -> Vec<(&'static str, Answer)> {
    let mut exchange = Exchange::new(client);
    for step in steps::all() {
        exchange.send(step).await;
    }
    exchange.answers()
}
