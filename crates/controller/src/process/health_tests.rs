//! Probes, with every state that the parts can be in.

use std::convert::Infallible;

use http::{Request, Response};
use jiff::Timestamp;
use kube::client::Body;
use tokio::time::{Instant, advance};

use super::*;
use crate::clock::Clock;
use crate::config::Config;
use crate::controller::Controller;
use crate::gate::Gate;

struct Parts {
    health: Health,
    election: watch::Sender<Standing>,
    stop: watch::Sender<bool>,
    /// Not before it runs is anything listed.
    controller: Controller,
}

/// A controller whose server has no objects, or refuses everything.
fn parts(is_refused: bool) -> Parts {
    let server = tower::service_fn(move |request: Request<Body>| {
        let is_watch = request.uri().query().is_some_and(|query| query.contains("watch=true"));
        let (code, text) = match is_refused {
            true => (403, r#"{"kind": "Status", "apiVersion": "v1", "code": 403, "message": "not you"}"#),
            false => (
                200,
                r#"{"kind": "List", "apiVersion": "v1", "metadata": {"resourceVersion": "5"}, "items": []}"#,
            ),
        };
        async move {
            if is_watch {
                std::future::pending::<()>().await;
            }
            let mut response = Response::new(Body::from(text.as_bytes().to_vec()));
            *response.status_mut() = StatusCode::from_u16(code).unwrap();
            Ok::<_, Infallible>(response)
        }
    });
    let client = crate::client(server, &Gate::new());
    let controller = Controller::new(Config::new(Clock::starting_at(Timestamp::UNIX_EPOCH)), client).unwrap();
    let standing = Standing { role: Role::Unknown, error: None, tried: Instant::now() };
    let (election, standing) = watch::channel(standing);
    let (stop, stopping) = watch::channel(false);
    let election_of_health = Some((standing, Times::default()));
    let health = Health { controller: controller.handle(), election: election_of_health, stopping };
    Parts { health, election, stop, controller }
}

impl Parts {
    #[track_caller]
    fn check(&self, path: &str, status: u16, body: &str) {
        let answer = self.health.answer(path).unwrap();
        assert_eq!((answer.status.as_u16(), answer.body.as_str()), (status, body), "{path}");
    }

    fn stands(&self, role: Role, error: Option<&str>) {
        let error = error.map(str::to_owned);
        self.election.send_replace(Standing { role, error, tried: Instant::now() });
    }
}

#[tokio::test(start_paused = true)]
async fn a_standby_is_ready_once_it_reaches_the_server() {
    let parts = parts(false);
    parts.check("/healthz", 200, "ok");
    parts.check("/readyz", 503, "not ready: leader election: no answer yet\n");
    parts.stands(Role::Standby, Some("cannot get it"));
    parts.check("/readyz", 503, "not ready: leader election: cannot get it\n");
    parts.stands(Role::Standby, None);
    parts.check("/readyz", 200, "ok: standing by\n");
    parts.stop.send_replace(true);
    parts.check("/readyz", 503, "not ready: stopping\n");
    assert_eq!(parts.health.answer("/"), None);
}

#[tokio::test(start_paused = true)]
async fn a_leader_is_ready_once_it_sees_its_objects() {
    let mut parts = parts(false);
    parts.stands(Role::Leader, None);
    parts.check(
        "/readyz",
        503,
        "not ready:\nreplicasets.apps not listed yet\nrollouts.argoproj.io not listed yet\nservices not listed yet\n",
    );
    let other = self::parts(false).controller;
    let running = tokio::spawn(std::mem::replace(&mut parts.controller, other).run());
    tokio::time::sleep(Duration::from_secs(1)).await;
    parts.check("/readyz", 200, "ok: leading\n");
    // The lease is still good for a while.
    parts.stands(Role::Leader, Some("cannot update it"));
    parts.check("/readyz", 200, "ok: leading\n");
    parts.health.election = None;
    parts.check("/readyz", 200, "ok: leading\n");
    running.abort();
}

#[tokio::test(start_paused = true)]
async fn a_leader_that_may_not_look_is_not_ready() {
    let mut parts = parts(true);
    parts.stands(Role::Leader, None);
    let other = self::parts(true).controller;
    let running = tokio::spawn(std::mem::replace(&mut parts.controller, other).run());
    tokio::time::sleep(Duration::from_secs(1)).await;
    let line = |name: &str| {
        format!(
            "{name} not listed yet: cannot list {name} in all namespaces: not you; grant the controller the verbs list \
             and watch on {name}\n"
        )
    };
    let lines: String = ["replicasets.apps", "rollouts.argoproj.io", "services"].map(line).concat();
    parts.check("/readyz", 503, &format!("not ready:\n{lines}"));
    running.abort();
}

#[tokio::test(start_paused = true)]
async fn an_election_that_stands_still_is_a_reason_to_restart() {
    let parts = parts(false);
    parts.stands(Role::Leader, None);
    advance(Duration::from_secs(45)).await;
    parts.check("/healthz", 200, "ok");
    advance(Duration::from_secs(1)).await;
    parts.check("/healthz", 500, "leader election stands still: no try for 46 s\n");
}
