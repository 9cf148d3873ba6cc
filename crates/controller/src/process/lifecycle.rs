//! From the first log line to the exit code: lead, work, stop, give the lease back.

use std::io;
use std::sync::Arc;

use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::timeout;
use tower::Layer;

use super::connection::Connection;
use super::flags::{Flags, given_path};
use super::health::Health;
use super::listen::{Answer, Answers, Port};
use super::records::Records;
use super::settings::Settings;
use super::signals::Signals;
use super::surroundings::Surroundings;
use super::{COMMIT, version};
use crate::clock::Clock;
use crate::config::{Config, OnFailure};
use crate::controller::Controller;
use crate::gate::Gate;
use crate::leader::{Elector, Lost};
use crate::metrics::{Build, Requests};

/// Runs the controller; the exit code.
///
/// # Errors
/// Why it cannot start.
pub(super) async fn run(flags: &Flags, surroundings: &Surroundings, clock: Clock) -> Result<u8, String> {
    let mut signals = Signals::new().map_err(|error| format!("signals cannot be heard: {error}"))?;
    let connection = Connection::find(flags, surroundings).await?;
    let settings = Settings::new(flags, surroundings, connection.default_namespace());
    let health_port = bind(flags.healthz_port, "--healthzPort")?;
    let metrics_port = bind(flags.metrics_port, "--metricsPort")?;
    tracing::info!(
        version = version(),
        namespace = settings.scope.namespace.as_deref().unwrap_or_default(),
        instanceID = flags.instance_id,
        metricsPort = metrics_port.number,
        healthzPort = health_port.number,
        "Argo Rollouts controller starting"
    );
    tracing::info!(server = connection.server(), "using the API server");

    let records =
        given_path(flags.record_dir.as_ref()).map(|folder| Records::in_folder(folder)).transpose()?;

    let (stop, stopping) = watch::channel(false);
    let gate = Gate::new();
    let requests = Requests::default();
    let elector = elector(&settings, &connection, (clock, &requests))?;
    let config = Config {
        scope: settings.scope,
        workers: settings.workers,
        rate_limit: Some(settings.rate_limit),
        shutdown: Some(stopping.clone()),
        build: Build { version: version(), commit: COMMIT.unwrap_or_default().to_owned() },
        requests: requests.clone(),
        on_failure: records.map(|records| Box::new(move |recording| records.keep(&recording)) as OnFailure),
        ..Config::new(clock)
    };
    let client = crate::client(requests.layer(connection.service()?), &gate);
    let controller = Controller::new(config, client).map_err(|error| error.to_string())?;
    let health = Health {
        controller: controller.handle(),
        election: elector.as_ref().map(|elector| (elector.standing(), elector.times())),
        stopping: stopping.clone(),
    };
    let mut servers = JoinSet::new();
    servers.spawn(health_port.serve(Arc::new(move |path| health.answer(path))));
    let handle = controller.handle();
    servers.spawn(metrics_port.serve(metrics(move || handle.metrics_text())));

    let asked_twice = async {
        signals.next().await;
        tracing::info!("stopping: no work is begun any more");
        stop.send_replace(true);
        signals.next().await;
    };
    Ok(tokio::select! {
        biased;
        () = asked_twice => {
            tracing::warn!("stopped at once by a second signal");
            1
        }
        code = lead(elector, controller, &gate, stopping) => code,
    })
}

fn bind(port: u16, flag: &str) -> Result<Port, String> {
    Port::bind(port).map_err(|error| match error.kind() {
        io::ErrorKind::AddrInUse => format!("port {port} is taken; choose another one with {flag}"),
        _ => format!("cannot listen on port {port} ({flag}): {error}"),
    })
}

/// `/metrics` in Prometheus' format; `text` is made anew for each request.
fn metrics(text: impl Fn() -> String + Send + Sync + 'static) -> Answers {
    Arc::new(move |path| {
        let answer = || Answer {
            status: http::StatusCode::OK,
            content_type: "text/plain; version=0.0.4; charset=utf-8",
            body: text(),
        };
        (path == "/metrics").then(answer)
    })
}

fn elector(
    settings: &Settings,
    connection: &Connection,
    (clock, requests): (Clock, &Requests),
) -> Result<Option<Elector>, String> {
    let Some(candidate) = settings.candidate.clone() else { return Ok(None) };
    tracing::info!("Leaderelection get id {}", candidate.identity);
    tracing::info!("Using leader election lease lock name {}", candidate.name);
    // Apart from the controller's in every respect: connections, rate and gate.
    let client = crate::client(requests.layer(connection.service()?), &Gate::new());
    Ok(Some(Elector::new(client, candidate, clock)))
}

/// Waits for its turn to lead, works until it is asked to stop, and gives the lease back.
async fn lead(
    mut elector: Option<Elector>,
    controller: Controller,
    gate: &Gate,
    mut stopping: watch::Receiver<bool>,
) -> u8 {
    let mut is_leader = true;
    if let Some(elector) = &mut elector {
        is_leader = tokio::select! {
            biased;
            _ = stopping.wait_for(|stop| *stop) => false,
            () = elector.acquire(gate) => true,
        };
    }
    if is_leader {
        tracing::info!("Starting Controllers");
        tracing::info!("Waiting for controller's informer caches to sync");
        tokio::select! {
            biased;
            lost = keep(elector.as_mut(), gate) => {
                tracing::error!(fatal = true, "leader election lost: {lost}");
                return 1;
            }
            () = controller.run() => {}
        }
    }
    gate.close();
    if let Some(mut elector) = elector {
        // A try to get the lease may have been under way, so even a standby looks.
        match timeout(elector.times().renew_deadline, elector.release()).await {
            Ok(Ok(())) => {}
            _ if !is_leader => {}
            Ok(Err(error)) => tracing::warn!("the lease was not given back: {error}; it runs out by itself"),
            Err(_) => tracing::warn!("the lease was not given back in time; it runs out by itself"),
        }
    }
    tracing::info!("stopped");
    0
}

/// Ends when the lease is lost; never where there is no election.
async fn keep(elector: Option<&mut Elector>, gate: &Gate) -> Lost {
    match elector {
        Some(elector) => elector.keep(gate).await,
        None => std::future::pending().await,
    }
}
