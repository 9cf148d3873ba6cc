//! Random sequences of requests to kubesim and to a real kube-apiserver.
//!
//! In reading order: `dice`, `kinds` and `edits` (objects and changes as data), `request` (requests as data, and what they are for one server),
//! `drill` (sequences that ask for everything in turn) and `generate` (those and random ones, from seeds), `memory` and `play` (a sequence on one server), `compare`, `known` (differences that stay),
//! `coverage` (what was asked, what must be). A difference is shrunk and printed with its seed; `TIDEGATE_SEED=N cargo test --workspace
//! --test e2e random_requests -- --nocapture` plays that sequence alone, `TIDEGATE_SEQUENCES=N` only the first N ones. Owners of fields
//! (`managedFields`) are compared in all of them, without their times.

mod compare;
mod coverage;
mod dice;
mod drill;
mod edits;
mod generate;
mod kinds;
mod known;
mod memory;
mod play;
mod request;

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};
use std::io::Write as _;

use compare::{Difference, differences};
use coverage::Coverage;
use futures::StreamExt;
use known::{CAP, KNOWN};
use kube::Client;
use kube::config::{KubeConfigOptions, Kubeconfig};
use memory::Memory;
use play::{Played, play, settle};
use request::Request;
use tidegate_e2e::{User, storage};
use tidegate_kubesim::ApiServer;

/// Sequences that are always played, drills first; with the fresh ones more than 20 000 requests.
const FIXED: u64 = 850;
/// Sequences at the same time. etcd's disk is what they wait for.
const TOGETHER: usize = 8;
/// Faults that are shrunk and told of.
const TOLD: usize = 12;

/// A kubesim that knows our resources.
fn kubesim() -> Client {
    let server = ApiServer::new(tidegate_kubesim::Config::default());
    for definition in tidegate_api::crd::all() {
        server.create("admin", "customresourcedefinitions", "", definition.clone()).unwrap();
    }
    Client::new(server, "default")
}

/// Both servers.
struct Pair {
    theirs: Client,
    namespaces: Cell<u64>,
}

impl Pair {
    async fn play(&self, requests: &[Request]) -> (Played, Played) {
        let number = self.namespaces.replace(self.namespaces.get() + 1);
        let namespace = format!("n{number}x");
        let ours = play(&kubesim(), &namespace, requests, None).await;
        let theirs = play(&self.theirs, &namespace, requests, Some(&ours)).await;
        (ours, theirs)
    }

    /// The shortest sequence found that shows the same fault.
    async fn shrink(&self, requests: &[Request], fault: &Difference) -> Vec<Request> {
        let mut least = requests.to_vec();
        if let Some(last) = fault.request {
            least.truncate(last + 1);
        }
        let mut at = 0;
        let mut tries = 0;
        while at < least.len() && tries < 120 {
            let mut smaller = simpler(&least, at).into_iter();
            let mut better = None;
            for candidate in smaller.by_ref() {
                tries += 1;
                let (ours, theirs) = self.play(&candidate).await;
                let shows = differences(&candidate, &ours, &theirs);
                let same = |it: &Difference| {
                    it.known().is_none()
                        && (it.resource, &it.verb, &it.at) == (fault.resource, &fault.verb, &fault.at)
                };
                if shows.iter().any(same) {
                    better = Some(candidate);
                    break;
                }
            }
            match better {
                Some(candidate) => least = candidate,
                None => at += 1,
            }
        }
        least
    }
}

/// The sequence without one request, or with that one simpler.
fn simpler(requests: &[Request], at: usize) -> Vec<Vec<Request>> {
    let mut all = Vec::new();
    let mut without = requests.to_vec();
    without.remove(at);
    all.push(without);
    let mut with = |change: &dyn Fn(&mut Request)| {
        let mut changed = requests.to_vec();
        change(&mut changed[at]);
        if changed != requests {
            all.push(changed);
        }
    };
    for edit in 0..requests[at].edits.len() {
        with(&|request| _ = request.edits.remove(edit));
    }
    for option in 0..requests[at].query.len() {
        with(&|request| _ = request.query.remove(option));
    }
    with(&|request| request.version = request::Version::None);
    with(&|request| request.uid = request::Uid::None);
    all
}

/// The sequence as text: what is sent when nothing is known of the objects.
fn text(requests: &[Request]) -> String {
    let lines = requests.iter().map(|request| {
        let sent = request.render("n", &Memory::default());
        let body = sent.body.map(|body| body.to_string()).unwrap_or_default();
        let (kind, version, uid) = (sent.content_type, request.version, request.uid);
        format!("      {} {} [{kind}, version {version:?}, uid {uid:?}] {body}", sent.method, sent.path)
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// Written past the test harness, which shows what is printed only of tests that fail.
macro_rules! say {
    ($($words:tt)*) => { writeln!(std::io::stderr(), $($words)*).unwrap() };
}

#[test]
#[allow(clippy::explicit_write, reason = "past the harness")]
fn random_requests_are_answered_as_by_the_real_server() {
    assert!(KNOWN.len() <= CAP, "{} known differences", KNOWN.len());
    let plane = storage();
    let seeds = dice::seeds(0..FIXED);
    let alone = seeds.len() == 1;
    let is_whole = !alone && !dice::is_sample();
    let fresh: Vec<_> = seeds.iter().filter(|seed| **seed >= FIXED).collect();
    say!("fresh seeds: {fresh:?}");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let report = runtime.block_on(async {
        let kubeconfig = Kubeconfig::read_from(plane.kubeconfig(User::Admin)).unwrap();
        let options = KubeConfigOptions::default();
        let mut config = kube::Config::from_custom_kubeconfig(kubeconfig, &options).await.unwrap();
        config.default_retry = false;
        let pair = Pair { theirs: Client::try_from(config).unwrap(), namespaces: Cell::new(0) };
        settle(&pair.theirs).await;
        compare_all(&pair, &seeds).await
    });
    let (coverage, seen, faults) = report;
    // Deterministic, for only the fixed sequences count here.
    let missing = if alone { Vec::new() } else { coverage.missing() };
    say!("{coverage}\nexpected and never seen: {}\n{}", missing.len(), missing.join("\n"));
    assert!(faults.is_empty(), "kubesim (first) and kube-apiserver (second) differ:\n{}", faults.join("\n"));
    if is_whole {
        let gone: Vec<_> =
            (0..KNOWN.len()).filter(|known| !seen.contains(known)).map(|it| KNOWN[it]).collect();
        assert!(gone.is_empty(), "no longer different: {gone:?}");
        assert!(coverage.requests() >= 20_000, "only {} requests", coverage.requests());
        assert!(missing.is_empty(), "{} cells that are expected were never seen", missing.len());
    }
}

#[test]
fn kubesim_answers_a_sequence_the_same_twice() {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
    runtime.block_on(async {
        for seed in dice::seeds(0..60) {
            let requests = generate::sequence(seed);
            let first = play(&kubesim(), "n", &requests, None).await;
            let second = play(&kubesim(), "n", &requests, None).await;
            assert_eq!(first, second, "TIDEGATE_SEED={seed}");
        }
    });
}

/// What was asked, which known differences were seen, and the texts of unknown ones.
async fn compare_all(pair: &Pair, seeds: &[u64]) -> (Coverage, BTreeSet<usize>, Vec<String>) {
    let mut coverage = Coverage::default();
    let mut seen = BTreeSet::new();
    // By signature: how often, and the first place.
    let mut faults: BTreeMap<String, (usize, u64, Difference)> = BTreeMap::new();
    let mut played = futures::stream::iter(seeds)
        .map(|seed| async move {
            let requests = generate::sequence(*seed);
            let (ours, theirs) = pair.play(&requests).await;
            (*seed, requests, ours, theirs)
        })
        .buffer_unordered(TOGETHER);
    while let Some((seed, requests, ours, theirs)) = played.next().await {
        for (request, answer) in requests.iter().zip(&theirs.answers) {
            coverage.count(seed < FIXED, request, answer);
        }
        for difference in differences(&requests, &ours, &theirs) {
            match difference.known() {
                Some(known) if seed < FIXED => _ = seen.insert(known),
                Some(_) => {}
                None => faults.entry(difference.signature()).or_insert((0, seed, difference)).0 += 1,
            }
        }
    }
    let mut faults: Vec<_> = faults.into_iter().collect();
    faults.sort_by_key(|(_, (count, _, _))| std::cmp::Reverse(*count));
    let shrinks = !dice::is_sample();
    let mut told = Vec::new();
    for (number, (signature, (count, seed, difference))) in faults.into_iter().enumerate() {
        let mut line = format!("{count} x {signature}\n    TIDEGATE_SEED={seed}");
        if let (Some(at), false) = (difference.request, shrinks) {
            let request = text(&generate::sequence(seed)[at..=at]);
            line = format!("{line}\n{request}\n      {}", difference.text);
        }
        if number < TOLD && shrinks {
            let least = pair.shrink(&generate::sequence(seed), &difference).await;
            line = format!("{line}, shrunk to:\n{}\n    {}", text(&least), difference.text);
        }
        told.push(line);
    }
    (coverage, seen, told)
}
