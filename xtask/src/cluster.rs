//! A Kubernetes control plane on free ports of the loopback interface: etcd, kube-apiserver, kube-controller-manager,
//! kube-scheduler, and KWOK, which plays one node and its pods.
//!
//! In reading order: `guarded` (a program that ends with us), `files` (keys, tokens, policies, kubeconfigs), this module (the
//! programs and their flags), `command` (`cargo xtask cluster`).

pub(crate) mod command;
mod files;
mod guarded;

use std::net::{Ipv4Addr, TcpListener};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::Duration;

pub use guarded::{Guarded, wait_until};

use crate::setup::{self, Programs};

/// How long anything may take to be ready on a busy machine.
const LIMIT: Duration = Duration::from_secs(180);
/// The controllers that a Rollout meets.
const CONTROLLERS: &str = "clusterrole-aggregation-controller,deployment-controller,disruption-controller,endpoints-controller,\
    endpointslice-controller,garbage-collector-controller,horizontal-pod-autoscaler-controller,job-controller,namespace-controller,\
    replicaset-controller";
/// Where ports are looked for. The system gives none of these away by itself, as it does for outgoing connections: they stay free
/// until a program binds them, also while it is restarted.
const PORTS: Range<u16> = 20_000..30_000;
/// The one node.
pub const NODE: &str = "n0";

/// Who may speak to the API server, each with a token of the same name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum User {
    /// May do everything.
    Admin,
    /// May do everything; a controller under test. Its requests are in the audit log.
    Ctl,
    /// May do what RBAC grants to the user `guest`, which is nothing at first.
    Guest,
}

impl User {
    const ALL: [Self; 3] = [Self::Admin, Self::Ctl, Self::Guest];

    /// The name that RBAC and the audit log know.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Admin => "admin",
            Self::Ctl => "ctl",
            Self::Guest => "guest",
        }
    }
}

/// A running control plane. Dropping it, or the death of this process, ends its programs.
#[derive(Debug)]
pub struct ControlPlane {
    folder: PathBuf,
    programs: Programs,
    ports: Ports,
    api_server: Option<Guarded>,
    /// In the order in which they are stopped.
    others: Vec<Guarded>,
}

#[derive(Clone, Copy, Debug)]
struct Ports {
    etcd: u16,
    etcd_peer: u16,
    api_server: u16,
}

impl Ports {
    fn free() -> Result<Self, String> {
        static TRIED: AtomicU16 = AtomicU16::new(0);
        // Other processes do the same at the same time.
        let first = std::process::id().wrapping_mul(331);
        let mut ports = (0..PORTS.len()).map(|_| {
            let number = first.wrapping_add(TRIED.fetch_add(1, Ordering::Relaxed).into());
            PORTS.start + (number % u32::from(PORTS.end - PORTS.start)) as u16
        });
        let mut port = || {
            let free = ports.find(|port| TcpListener::bind((Ipv4Addr::LOCALHOST, *port)).is_ok());
            free.ok_or_else(|| format!("no port of {PORTS:?} is free"))
        };
        Ok(Self { etcd: port()?, etcd_peer: port()?, api_server: port()? })
    }
}

impl ControlPlane {
    /// Starts one that keeps everything in `folder`, which must be empty or absent, and waits until it can run pods.
    ///
    /// # Errors
    /// When a program is missing or does not become ready; its log in `folder` is named then.
    pub fn start(folder: &Path) -> Result<Self, String> {
        let mut this = Self::start_storage(folder)?;
        this.start_others()?;
        this.kubectl(&["create", "-f", &this.path(files::NODE)])?;
        wait_until("the node is ready", LIMIT, || {
            this.check()?;
            Ok(this.kubectl(&["wait", "--for=condition=Ready", "node", NODE, "--timeout=0"]).is_ok())
        })?;
        Ok(this)
    }

    /// The same without anything that acts on what is stored: etcd and kube-apiserver alone.
    ///
    /// # Errors
    /// As [`Self::start`].
    pub fn start_storage(folder: &Path) -> Result<Self, String> {
        let programs = Programs::find()?;
        let ports = Ports::free()?;
        files::write(folder)?;
        let mut this =
            Self { folder: folder.to_path_buf(), programs, ports, api_server: None, others: Vec::new() };
        this.start_etcd()?;
        this.start_api_server()?;
        Ok(this)
    }

    /// A kubeconfig for this user.
    #[must_use]
    pub fn kubeconfig(&self, user: User) -> PathBuf {
        files::kubeconfig(&self.folder, user)
    }

    /// What the user `ctl` has asked for: one JSON object (audit.k8s.io/v1 Event) per line.
    #[must_use]
    pub fn audit_log(&self) -> PathBuf {
        self.folder.join(files::AUDIT_LOG)
    }

    /// Where everything is kept.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Runs kubectl as admin and returns what it printed.
    ///
    /// # Errors
    /// With what it printed to stderr, when it fails.
    pub fn kubectl(&self, args: &[&str]) -> Result<String, String> {
        let mut command = Command::new(setup::usable_kubectl_or_built()?);
        command.arg("--kubeconfig").arg(self.kubeconfig(User::Admin)).args(args);
        let output = command.output().map_err(|error| format!("kubectl: {error}"))?;
        if output.status.success() {
            Ok(String::from_utf8_lossy(&output.stdout).into_owned())
        } else {
            Err(String::from_utf8_lossy(&output.stderr).trim().to_owned())
        }
    }

    /// Stops the API server as a node's reboot would.
    pub fn stop_api_server(&mut self) {
        self.api_server = None;
    }

    /// Starts it again on the same port, and waits until it is ready.
    ///
    /// # Errors
    /// When it does not become ready.
    pub fn start_api_server(&mut self) -> Result<(), String> {
        let port = self.ports.api_server;
        let mut command = Command::new(self.programs.file("kube-apiserver"));
        command.args([
            format!("--etcd-servers=http://127.0.0.1:{}", self.ports.etcd),
            "--bind-address=127.0.0.1".to_owned(),
            format!("--secure-port={port}"),
            format!("--cert-dir={}", self.path(files::CERTIFICATES)),
            format!("--token-auth-file={}", self.path(files::TOKENS)),
            "--service-account-issuer=https://kubernetes.default.svc".to_owned(),
            format!("--service-account-key-file={}", self.path(files::PUBLIC_KEY)),
            format!("--service-account-signing-key-file={}", self.path(files::KEY)),
            "--service-cluster-ip-range=10.96.0.0/16".to_owned(),
            "--authorization-mode=RBAC".to_owned(),
            // Pods need no token of their own here, and no controller would take a new node's taint away.
            "--disable-admission-plugins=ServiceAccount,TaintNodesByCondition".to_owned(),
            format!("--audit-policy-file={}", self.path(files::AUDIT_POLICY)),
            format!("--audit-log-path={}", self.path(files::AUDIT_LOG)),
            "--endpoint-reconciler-type=none".to_owned(),
        ]);
        let mut server = self.spawn("kube-apiserver", command)?;
        let certificate = self.folder.join(files::CERTIFICATES).join("apiserver.crt");
        server.wait_until("has its certificate", LIMIT, || certificate.is_file())?;
        files::write_kubeconfigs(&self.folder, port)?;
        server.wait_until("is ready", LIMIT, || self.kubectl(&["get", "--raw", "/readyz"]).is_ok())?;
        self.api_server = Some(server);
        Ok(())
    }

    /// Fails when one of the programs has ended.
    pub(crate) fn check(&mut self) -> Result<(), String> {
        self.others.iter_mut().chain(&mut self.api_server).try_for_each(Guarded::check)
    }

    fn start_etcd(&mut self) -> Result<(), String> {
        let (client, peer) = (self.ports.etcd, self.ports.etcd_peer);
        let mut command = Command::new(self.programs.file("etcd"));
        command.args([
            format!("--data-dir={}", self.path("etcd")),
            format!("--listen-client-urls=http://127.0.0.1:{client}"),
            format!("--advertise-client-urls=http://127.0.0.1:{client}"),
            format!("--listen-peer-urls=http://127.0.0.1:{peer}"),
            format!("--initial-advertise-peer-urls=http://127.0.0.1:{peer}"),
            format!("--initial-cluster=default=http://127.0.0.1:{peer}"),
            // Nothing here outlives the machine.
            "--unsafe-no-fsync".to_owned(),
        ]);
        let mut etcd = self.spawn("etcd", command)?;
        let address = (Ipv4Addr::LOCALHOST, client);
        etcd.wait_until("listens", LIMIT, || std::net::TcpStream::connect(address).is_ok())?;
        self.others.push(etcd);
        Ok(())
    }

    fn start_others(&mut self) -> Result<(), String> {
        let kubeconfig = format!("--kubeconfig={}", self.kubeconfig(User::Admin).display());
        let mut manager = Command::new(self.programs.file("kube-controller-manager"));
        manager.args([
            &kubeconfig,
            &format!("--controllers={CONTROLLERS}"),
            "--leader-elect=false",
            "--secure-port=0",
            // Its own limits must not be what is measured.
            "--kube-api-qps=1000",
            "--kube-api-burst=2000",
            "--concurrent-replicaset-syncs=20",
            // Limits of autoscalers are obeyed at once; there are no metrics to wait for.
            "--horizontal-pod-autoscaler-sync-period=1s",
        ]);
        let mut scheduler = Command::new(self.programs.file("kube-scheduler"));
        scheduler.args([
            &kubeconfig,
            "--leader-elect=false",
            "--secure-port=0",
            "--kube-api-qps=1000",
            "--kube-api-burst=2000",
        ]);
        let mut kwok = Command::new(self.programs.file("kwok"));
        kwok.args([
            &kubeconfig,
            &format!("--config={}", self.path(files::STAGES)),
            "--manage-all-nodes=true",
            // Pods without an address would be behind no Service.
            "--cidr=10.0.0.0/16",
            "--node-lease-duration-seconds=0",
        ]);
        for (name, command) in
            [("kube-controller-manager", manager), ("kube-scheduler", scheduler), ("kwok", kwok)]
        {
            let program = self.spawn(name, command)?;
            self.others.insert(0, program);
        }
        Ok(())
    }

    fn spawn(&self, name: &str, mut command: Command) -> Result<Guarded, String> {
        // They are Go programs: collecting garbage would take a fifth of a small machine, which has memory enough.
        command.env("GOGC", "400");
        Guarded::spawn(name, &command, &self.folder.join(format!("{name}.log")))
    }

    fn path(&self, file: &str) -> String {
        self.folder.join(file).display().to_string()
    }
}

impl Drop for ControlPlane {
    fn drop(&mut self) {
        // Whoever speaks to the API server goes first, and etcd last.
        let etcd = self.others.pop();
        self.others.clear();
        self.api_server = None;
        drop(etcd);
    }
}
