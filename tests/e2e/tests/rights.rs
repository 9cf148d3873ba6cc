//! A controller that lacks one right after the other: it says what it lacks, asks seldom, and serves whom it can.

use std::fs;
use std::thread;
use std::time::Duration;

use http::Method;
use serde_json::{Value, json};
use tidegate_e2e::{ControlPlane, Place, Start, User, shared, wait_until};

use crate::demo::{NAME, borrower, rollout, service, set_image, until_older, with_strategy};

/// Has a token of its own, and one right less in each namespace.
const GUEST: &str = "guest";
/// Is impersonated; may read everywhere, and write in one namespace.
const READER: &str = "reader";

/// The rights of upstream's role, as far as they are used: (group, resource, verbs); the table of `docs/controller.md`.
const RIGHTS: [(&str, &str, &[&str]); 10] = [
    ("argoproj.io", "rollouts", &["get", "list", "watch", "patch"]),
    ("argoproj.io", "rollouts/status", &["patch"]),
    ("apps", "replicasets", &["create", "get", "list", "watch", "patch", "delete"]),
    ("", "services", &["get", "list", "watch", "patch"]),
    ("", "events", &["create", "patch"]),
    ("coordination.k8s.io", "leases", &["create", "get", "update"]),
    ("", "pods", &["list", "patch"]),
    ("", "pods/eviction", &["create"]),
    ("apps", "deployments", &["get", "list", "watch", "patch"]),
    ("", "podtemplates", &["get", "list", "watch"]),
];

/// What is taken away, and where a user reads of it.
#[derive(Clone, Copy, Debug)]
struct Denial {
    resource: &'static str,
    verb: &'static str,
    told: Told,
    what: What,
}

/// What the right is needed for.
#[derive(Clone, Copy, Debug, PartialEq)]
enum What {
    /// For the first deployment.
    Anything,
    /// The first pods come with a ReplicaSet; only later sizes are patches.
    Scale,
    /// A stable and a canary Service.
    Services,
    /// `restartAt`.
    Restart,
    /// Labels of pods that become stable.
    Roles,
    /// A Deployment's template, and its end.
    Borrow,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Told {
    /// By a Warning event on the Rollout.
    Event,
    /// By a condition of the Rollout.
    Condition,
    /// By the controller's log, and by `/readyz`: no Rollout can be served.
    NotReady,
    /// By the controller's log alone: nobody is harmed.
    Log,
    /// By the controller's last line of log: it cannot keep its lease.
    End,
}

const DENIALS: [Denial; 16] = [
    denial("replicasets", "create", Told::Condition, What::Anything),
    denial("replicasets", "patch", Told::Event, What::Scale),
    denial("rollouts/status", "patch", Told::Event, What::Anything),
    denial("rollouts", "patch", Told::Event, What::Anything),
    denial("events", "create", Told::Log, What::Anything),
    denial("rollouts", "list", Told::NotReady, What::Anything),
    denial("replicasets", "watch", Told::NotReady, What::Anything),
    denial("services", "list", Told::NotReady, What::Anything),
    denial("services", "patch", Told::Event, What::Services),
    denial("pods", "list", Told::Event, What::Restart),
    denial("pods", "patch", Told::Event, What::Roles),
    denial("pods/eviction", "create", Told::Event, What::Restart),
    denial("deployments", "get", Told::Event, What::Borrow),
    denial("deployments", "list", Told::Log, What::Borrow),
    denial("deployments", "patch", Told::Event, What::Borrow),
    denial("leases", "update", Told::End, What::Anything),
];

const fn denial(resource: &'static str, verb: &'static str, told: Told, what: What) -> Denial {
    Denial { resource, verb, told, what }
}

impl What {
    /// Applies a Rollout that needs the right, and has it used.
    fn prepare(self, place: &Place) {
        let strategy = |strategy: Value| with_strategy(NAME, "demo:blue", 2, &json!({"canary": strategy}));
        match self {
            Self::Anything => place.apply(&[rollout(NAME, "demo:blue", 1)]),
            Self::Scale => {
                place.apply(&[rollout(NAME, "demo:blue", 1)]);
                place.until_phase(NAME, "Healthy");
                place.kubectl("scale rollout rollouts-demo --replicas=7");
            }
            Self::Services => {
                let services = [service("stable", NAME), service("canary", NAME)];
                place.apply(&services);
                place.apply(&[strategy(json!({"stableService": "stable", "canaryService": "canary"}))]);
            }
            Self::Restart => {
                place.apply(&[strategy(json!({"maxUnavailable": 1}))]);
                place.until_phase(NAME, "Healthy");
                until_older(place);
                place.plugin("restart rollouts-demo");
            }
            Self::Roles => {
                let labels = |role: &str| json!({"labels": {"role": role}});
                place.apply(&[strategy(json!({
                    "canaryMetadata": labels("canary"), "stableMetadata": labels("stable"),
                }))]);
                place.until_phase(NAME, "Healthy");
                place.plugin(&set_image(NAME, "demo:yellow"));
            }
            Self::Borrow => place.apply(&borrower("onsuccess", 2)),
        }
    }

    /// Whether everything has come of it.
    fn is_done(self, place: &Place) -> bool {
        match self {
            Self::Anything | Self::Scale => true,
            Self::Services => ["stable", "canary"].iter().all(|it| !place.selected_by(it).is_empty()),
            Self::Restart => {
                let rollout = place.rollout(NAME);
                rollout["status"]["restartedAt"] == rollout["spec"]["restartAt"]
            }
            Self::Roles => place.pods("role=stable").len() == 2 && place.pods("role=canary").is_empty(),
            Self::Borrow => {
                let deployment = place.get("apis/apps/v1", "deployments", "base").unwrap();
                deployment["spec"]["replicas"] == 0
            }
        }
    }
}

/// Grants a user everything in this namespace but one verb.
fn grant(place: &Place, user: &str, denied: Option<Denial>) {
    let rules: Vec<Value> = RIGHTS
        .iter()
        .map(|(group, resource, verbs)| {
            let is_denied = |verb: &str| denied.is_some_and(|it| it.resource == *resource && it.verb == verb);
            let verbs: Vec<&str> = verbs.iter().copied().filter(|verb| !is_denied(verb)).collect();
            (group, resource, verbs)
        })
        .filter(|(_, _, verbs)| !verbs.is_empty())
        .map(
            |(group, resource, verbs)| json!({"apiGroups": [group], "resources": [resource], "verbs": verbs}),
        )
        .collect();
    let root = "apis/rbac.authorization.k8s.io/v1";
    let role = json!({
        "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role",
        "metadata": {"name": "controller"}, "rules": rules,
    });
    let binding = json!({
        "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding", "metadata": {"name": "controller"},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "controller"},
        "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": user}],
    });
    for (plural, body) in [("roles", role), ("rolebindings", binding)] {
        let existing = place.get(root, plural, "controller");
        let path = place.path(root, plural);
        let (method, path) = if existing.is_some() {
            (Method::PUT, format!("{path}/controller"))
        } else {
            (Method::POST, path)
        };
        place.request(method, &path, "application/json", &body).unwrap();
    }
}

/// Requests of a user in this namespace so far that were refused.
fn refused(plane: &ControlPlane, user: &str, namespace: &str) -> usize {
    let log = fs::read_to_string(plane.audit_log()).unwrap();
    let lines = log.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let is_refused = |line: &Value| {
        [&line["user"], &line["impersonatedUser"]].iter().any(|who| who["username"] == user)
            && line["objectRef"]["namespace"] == namespace
            && line["responseStatus"]["code"] == 403
    };
    lines.filter(is_refused).count()
}

#[test]
fn every_missing_right_is_told_and_asked_for_seldom() {
    let plane = shared();
    thread::scope(|scope| {
        for denial in DENIALS {
            let plane = &plane;
            scope.spawn(move || check(plane, denial));
        }
    });
}

fn check(plane: &ControlPlane, denial: Denial) {
    let name = format!("deny-{}-{}", denial.verb, denial.resource.replace('/', "-"));
    let place = Place::new(plane, &name);
    grant(&place, GUEST, Some(denial));
    let start = || Start::new(plane, &place, "guest").kubeconfig(plane.kubeconfig(User::Guest));
    let mut controller = start().start();
    denial.what.prepare(&place);
    let resource = denial.resource;
    let text = format!("cannot {} resource \"{resource}\"", denial.verb);
    let is_told = || {
        let rollout = place.rollout(NAME);
        match denial.told {
            Told::Event => {
                place.events(NAME).iter().any(|it| it.starts_with("Warning") && it.contains(&text))
            }
            Told::Condition => {
                rollout["status"]["conditions"].to_string().contains(&text.replace('"', "\\\""))
            }
            Told::NotReady => {
                controller.readiness().starts_with("HTTP/1.1 503")
                    && controller.process.log().contains(&text.replace('"', "\\\""))
            }
            Told::Log => controller.process.log().contains(resource),
            Told::End => {
                let log = controller.process.log();
                log.contains("level=fatal") && log.contains(&text.replace('"', "\\\""))
            }
        }
    };
    let came = wait_until("it is told", tidegate_e2e::LIMIT, || Ok(is_told()));
    assert!(
        came.is_ok(),
        "{denial:?} is told by {:?}; events {:#?}, log:\n{}",
        denial.told,
        place.events(NAME),
        controller.process.log()
    );
    if denial.told == Told::Log {
        place.until_phase(NAME, "Healthy");
    }
    // A back-off of up to ten seconds lets few attempts through, whatever the machine does meanwhile.
    let before = refused(plane, GUEST, &name);
    assert!(before < 60, "{denial:?}: {before} attempts");

    grant(&place, GUEST, None);
    if denial.told == Told::End {
        // As a Deployment would.
        assert_eq!(controller.stop(), Some(1));
        controller = start().start();
    }
    controller.until_ready();
    place.until_phase(NAME, "Healthy");
    place.wait(&format!("everything is done that {denial:?} forbade"), || denial.what.is_done(&place));
    assert_eq!(controller.stop(), Some(0), "{denial:?}");
}

#[test]
fn what_is_denied_in_one_namespace_disturbs_no_other() {
    let plane = shared();
    let [denied, granted] = [Place::new(plane, "denied"), Place::new(plane, "granted")];
    let reads = json!({
        "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole", "metadata": {"name": "reads"},
        "rules": [
            {"apiGroups": ["argoproj.io"], "resources": ["rollouts"], "verbs": ["get", "list", "watch"]},
            {"apiGroups": ["apps"], "resources": ["replicasets"], "verbs": ["get", "list", "watch"]},
            {"apiGroups": [""], "resources": ["services"], "verbs": ["get", "list", "watch"]},
        ],
    });
    let binding = json!({
        "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRoleBinding", "metadata": {"name": "reads"},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "reads"},
        "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": READER}],
    });
    for (plural, body) in [("clusterroles", reads), ("clusterrolebindings", binding)] {
        let path = format!("/apis/rbac.authorization.k8s.io/v1/{plural}");
        granted.request(Method::POST, &path, "application/json", &body).unwrap();
    }
    grant(&granted, READER, None);
    let marked = |name: &str| {
        let mut object = rollout(name, "demo:blue", 1);
        object["metadata"]["labels"] = json!({"argo-rollouts.argoproj.io/controller-instance-id": "rights"});
        object
    };
    let start = Start::new(plane, &granted, "cluster").for_all_namespaces().flag("--instance-id=rights");
    let _controller = start.flag(&format!("--as={READER}")).flag("--qps=1000").flag("--burst=2000").ready();
    let names: Vec<String> = (0..20).map(|number| format!("denied-{number}")).collect();
    let objects: Vec<Value> = names.iter().map(|name| marked(name)).collect();
    denied.apply(&objects);
    granted.apply(&[marked(NAME)]);
    granted.until_phase(NAME, "Healthy");
    granted.plugin(&set_image(NAME, "demo:yellow"));
    granted.until(NAME, "it is paused", |rollout| crate::demo::is_paused_at(rollout, 1));
    // Back-offs of two seconds and more, three requests a try: the ReplicaSet, the status, the event. Without back-off it would
    // be as many as the client lets through, a thousand a second.
    let before = refused(plane, READER, "denied");
    let _ = wait_until("ten seconds pass", Duration::from_secs(10), || Ok(false));
    let tries = refused(plane, READER, "denied") - before;
    assert!(tries < 20 * 4 * 3, "{tries} requests for 20 Rollouts in ten seconds");
}
