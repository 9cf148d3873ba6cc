//! Which API server, and as whom: flags over kubeconfig files over the service account of a pod.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::Uri;
use kube::Config;
use kube::config::{AuthInfo, Cluster, Context, ExecAuthCluster, Kubeconfig, KubeconfigError};

use super::error;
use super::origin::{Exec, Origin};
use super::proxy::Proxies;
use crate::failure::Problem;
use crate::flags::{Flags, given};
use crate::surroundings::Surroundings;

/// How to reach an API server, and where that was found.
pub(crate) struct Settings {
    pub(crate) config: Config,
    pub(super) origin: Origin,
}

/// Contexts that the kubeconfig files have; none where they cannot be read.
pub(crate) fn contexts(flags: &Flags, surroundings: &Surroundings) -> Vec<String> {
    let files = Files::read(flags, surroundings).map(|files| files.merged).unwrap_or_default();
    files.contexts.into_iter().map(|context| context.name).collect()
}

/// Reads and merges.
pub(crate) fn settings(flags: &Flags, surroundings: &Surroundings) -> Result<Settings, Problem> {
    let files = Files::read(flags, surroundings)?;
    let server = given(flags.server.as_ref());
    if files.is_empty() && server.is_none() {
        if surroundings.in_cluster {
            return in_cluster(flags);
        }
        return Err(files.nothing_configured());
    }
    let choice = Choice::of(&files.merged, flags)?;
    let origin = origin(&choice, &files, flags)?;
    let config = choice.into_config(&origin, &surroundings.proxies)?;
    Ok(Settings { config, origin })
}

fn in_cluster(flags: &Flags) -> Result<Settings, Problem> {
    let mut config = Config::incluster()
        .map_err(|error| Problem::new(format!("the service account of this pod cannot be used: {error}")))?;
    override_user(&mut config.auth_info, flags)?;
    let origin = Origin {
        server: config.cluster_url.clone(),
        context: None,
        files: Vec::new(),
        is_from_flag: false,
        user: None,
        exec: None,
    };
    Ok(Settings { config, origin })
}

/// The kubeconfig files that there are.
#[derive(Default)]
struct Files {
    paths: Vec<PathBuf>,
    merged: Kubeconfig,
}

impl Files {
    /// A file that the user names must exist; those of KUBECONFIG and the user's own may be absent.
    fn read(flags: &Flags, surroundings: &Surroundings) -> Result<Self, Problem> {
        if let Some(path) = flags.kubeconfig.as_ref().filter(|path| !path.as_os_str().is_empty()) {
            return Ok(Self { paths: vec![path.clone()], merged: read(path)? });
        }
        let listed = surroundings.kubeconfig.as_deref().map(split).unwrap_or_default();
        let paths = if listed.is_empty() {
            surroundings.home.iter().map(|home| home.join(".kube").join("config")).collect()
        } else {
            listed
        };
        let mut files = Self { paths, merged: Kubeconfig::default() };
        for path in files.paths.iter().filter(|path| path.exists()) {
            let merged = std::mem::take(&mut files.merged);
            files.merged = merged.merge(read(path)?).map_err(|error| {
                Problem::new(format!("error loading config file {:?}: {error}", path.display().to_string()))
            })?;
        }
        Ok(files)
    }

    fn is_empty(&self) -> bool {
        let merged = &self.merged;
        merged.contexts.is_empty() && merged.clusters.is_empty() && merged.auth_infos.is_empty()
    }

    fn names(&self) -> Vec<String> {
        self.paths.iter().map(|path| path.display().to_string()).collect()
    }

    fn nothing_configured(&self) -> Problem {
        let looked = self.names().join(", ");
        let looked = if looked.is_empty() { String::new() } else { format!(" (looked at {looked})") };
        Problem::new(format!("invalid configuration: no cluster is configured{looked}"))
            .hint("name a kubeconfig with --kubeconfig or KUBECONFIG, or a server with --server")
    }
}

fn split(list: &OsStr) -> Vec<PathBuf> {
    std::env::split_paths(list).filter(|path| !path.as_os_str().is_empty()).collect()
}

fn read(path: &Path) -> Result<Kubeconfig, Problem> {
    let name = path.display().to_string();
    Kubeconfig::read_from(path).map_err(|error| match error {
        KubeconfigError::ReadConfig(error, _) if error.kind() == std::io::ErrorKind::NotFound => {
            Problem::new(format!("stat {name}: no such file or directory"))
        }
        KubeconfigError::ReadConfig(error, _) => {
            Problem::new(format!("error loading config file {name:?}: {error}"))
        }
        // The whole text of the parser's error quotes the file, secrets and all.
        KubeconfigError::Parse(error) => {
            let location =
                error.location().map(|at| format!(" at line {}, column {}", at.line(), at.column()));
            let location = location.unwrap_or_default();
            Problem::new(format!("error loading config file {name:?}: it is no kubeconfig{location}"))
        }
        other => Problem::new(format!("error loading config file {name:?}: {other}")),
    })
}

/// A context and what it names, with what the flags say instead.
struct Choice {
    context: Option<String>,
    namespace: Option<String>,
    cluster: Cluster,
    user_name: Option<String>,
    user: AuthInfo,
}

impl Choice {
    fn of(merged: &Kubeconfig, flags: &Flags) -> Result<Self, Problem> {
        let (name, context) = context(merged, flags)?;
        let of_context = |what: &str, named: &str| {
            let context = name.as_deref().unwrap_or_default();
            invalid(format!("{what} {named:?} was not found for context {context:?}"))
        };
        let wanted = given(flags.cluster.as_ref());
        let cluster = match wanted.or(context.as_ref().map(|context| context.cluster.as_str())) {
            None | Some("") => Cluster::default(),
            Some(cluster) => {
                let found = merged.clusters.iter().find(|known| known.name == cluster);
                found.and_then(|found| found.cluster.clone()).ok_or_else(|| match wanted {
                    Some(_) => unknown("cluster", cluster, merged.clusters.iter().map(|known| &known.name)),
                    None => of_context("cluster", cluster),
                })?
            }
        };
        let wanted = given(flags.user.as_ref());
        let of_the_context = context.as_ref().and_then(|context| context.user.as_deref());
        let user_name = wanted.or(of_the_context).filter(|name| !name.is_empty()).map(ToOwned::to_owned);
        let user = match user_name.as_deref() {
            None => AuthInfo::default(),
            Some(user) => {
                let found = merged.auth_infos.iter().find(|known| known.name == user);
                found.and_then(|found| found.auth_info.clone()).ok_or_else(|| match wanted {
                    Some(_) => unknown("auth info", user, merged.auth_infos.iter().map(|known| &known.name)),
                    None => of_context("user", user),
                })?
            }
        };
        let mut choice = Self {
            context: name,
            namespace: context.and_then(|context| context.namespace).filter(|name| !name.is_empty()),
            cluster,
            user_name,
            user,
        };
        override_cluster(&mut choice.cluster, flags);
        override_user(&mut choice.user, flags)?;
        choice.check()?;
        Ok(choice)
    }

    /// What the client library would only say when it connects, or not at all.
    fn check(&self) -> Result<(), Problem> {
        let user = self.user_name.as_deref().unwrap_or_default();
        if let Some(exec) = &self.user.exec {
            if exec.command.as_deref().unwrap_or_default().is_empty() {
                let what = format!("command must be specified for {user} to use exec authentication plugin");
                return Err(invalid(what));
            }
            if exec.api_version.as_deref().unwrap_or_default().is_empty() {
                let what =
                    format!("apiVersion must be specified for {user} to use exec authentication plugin");
                return Err(invalid(what));
            }
        }
        let is_somebody = self.user.impersonate.as_deref().is_some_and(|user| !user.is_empty());
        let has_more = self.user.impersonate_uid.is_some()
            || self.user.impersonate_groups.as_ref().is_some_and(|groups| !groups.is_empty());
        if has_more && !is_somebody {
            let what =
                format!("requesting uid, groups or user-extra for {user} without impersonating a user");
            return Err(invalid(what).hint("name the user with --as"));
        }
        Ok(())
    }

    /// What the client library wants to know. It could read a kubeconfig by itself, but has its own idea of proxies.
    fn into_config(self, origin: &Origin, proxies: &Proxies) -> Result<Config, Problem> {
        let Self { cluster, mut user, namespace, .. } = self;
        let from = |problem: Problem| problem.hint(format!("the settings come from {}", origin.of_address()));
        let mut config = Config::new(origin.server.clone());
        config.root_cert = authorities(&cluster).map_err(from)?;
        config.proxy_url = proxy(&cluster, &origin.server, proxies).map_err(from)?;
        if let Some(exec) = user.exec.as_mut().filter(|exec| exec.provide_cluster_info) {
            let told = ExecAuthCluster::try_from(&cluster);
            exec.cluster = Some(told.map_err(|error| error::of_kubeconfig(&error, origin))?);
        }
        config.default_namespace = namespace.unwrap_or_else(|| "default".to_owned());
        config.accept_invalid_certs = cluster.insecure_skip_tls_verify.unwrap_or(false);
        config.disable_compression = cluster.disable_compression.unwrap_or(false);
        config.tls_server_name = cluster.tls_server_name.filter(|name| !name.is_empty());
        config.auth_info = user;
        Ok(config)
    }
}

/// Certificates of the authorities to trust, as DER; `None`: those of the system. Data in the kubeconfig overrides a file.
fn authorities(cluster: &Cluster) -> Result<Option<Vec<Vec<u8>>>, Problem> {
    let data = cluster.certificate_authority_data.as_deref().filter(|data| !data.is_empty());
    let file = cluster.certificate_authority.as_deref().filter(|file| !file.is_empty());
    let text = match (data, file) {
        (Some(data), _) => {
            STANDARD.decode(data).map_err(|_| invalid("certificate-authority-data is not base64"))?
        }
        (None, Some(file)) => std::fs::read(file).map_err(|error| {
            invalid(format!(
                "unable to read certificate-authority {file}: {}",
                error::plain(&error.to_string())
            ))
        })?,
        (None, None) => return Ok(None),
    };
    let blocks = pem::parse_many(text).unwrap_or_default().into_iter();
    let certificates: Vec<Vec<u8>> =
        blocks.filter(|block| block.tag() == "CERTIFICATE").map(pem::Pem::into_contents).collect();
    if certificates.is_empty() {
        return Err(invalid("certificate-authority holds no certificate"));
    }
    Ok(Some(certificates))
}

/// The kubeconfig's own proxy counts for every server.
fn proxy(cluster: &Cluster, server: &Uri, proxies: &Proxies) -> Result<Option<Uri>, Problem> {
    let own = cluster.proxy_url.as_deref().filter(|proxy| !proxy.is_empty());
    let Some(proxy) = own.or(proxies.of(server)) else { return Ok(None) };
    let full = if proxy.contains("://") { proxy.to_owned() } else { format!("http://{proxy}") };
    let is_known = |proxy: &Uri| matches!(proxy.scheme_str(), Some("http" | "https" | "socks5"));
    match full.parse().ok().filter(is_known) {
        Some(proxy) => Ok(Some(proxy)),
        // It may hold a password.
        None => Err(invalid("the proxy's address is none; it begins with http://, https:// or socks5://")),
    }
}

/// The context that is wanted; none is needed where flags say all.
fn context(merged: &Kubeconfig, flags: &Flags) -> Result<(Option<String>, Option<Context>), Problem> {
    let current = merged.current_context.as_deref().filter(|name| !name.is_empty());
    let names = || merged.contexts.iter().map(|known| &known.name);
    let Some(name) = given(flags.context.as_ref()).or(current) else {
        if flags.server.is_some() || flags.cluster.is_some() {
            return Ok((None, None));
        }
        let choices = names().cloned().collect::<Vec<_>>().join(", ");
        return Err(invalid("no context is chosen")
            .hint(format!("choose one with --context or `kubectl config use-context`: {choices}")));
    };
    let found = merged.contexts.iter().find(|known| known.name == name);
    match found.and_then(|found| found.context.clone()) {
        Some(context) => Ok((Some(name.to_owned()), Some(context))),
        None => {
            let problem = invalid(format!("context was not found for specified context: {name}"));
            let known = names().cloned().collect::<Vec<_>>().join(", ");
            Err(if known.is_empty() { problem } else { problem.hint(format!("contexts there are: {known}")) })
        }
    }
}

fn invalid(what: impl std::fmt::Display) -> Problem {
    Problem::new(format!("invalid configuration: {what}"))
}

fn unknown<'a>(what: &str, name: &str, known: impl Iterator<Item = &'a String>) -> Problem {
    let known = known.cloned().collect::<Vec<_>>().join(", ");
    let problem = Problem::new(format!("{what} {name:?} does not exist"));
    if known.is_empty() { problem } else { problem.hint(format!("the kubeconfig has: {known}")) }
}

fn override_cluster(cluster: &mut Cluster, flags: &Flags) {
    let text = |flag: &Option<String>| given(flag.as_ref()).map(ToOwned::to_owned);
    if let Some(server) = text(&flags.server) {
        cluster.server = Some(server);
        // The name was meant for the server of the kubeconfig.
        cluster.tls_server_name = None;
    }
    if let Some(name) = text(&flags.tls_server_name) {
        cluster.tls_server_name = Some(name);
    }
    if let Some(file) = text(&flags.certificate_authority) {
        cluster.certificate_authority = Some(file);
        cluster.certificate_authority_data = None;
        cluster.insecure_skip_tls_verify = None;
    }
    if flags.insecure_skip_tls_verify {
        cluster.insecure_skip_tls_verify = Some(true);
        cluster.certificate_authority = None;
        cluster.certificate_authority_data = None;
    }
    let is_secure = cluster.certificate_authority.is_some()
        || cluster.certificate_authority_data.is_some()
        || cluster.insecure_skip_tls_verify == Some(true);
    if let Some(server) = &mut cluster.server
        && !server.is_empty()
        && !server.contains("://")
    {
        *server = format!("{}://{server}", if is_secure { "https" } else { "http" });
    }
}

fn override_user(user: &mut AuthInfo, flags: &Flags) -> Result<(), Problem> {
    let text = |flag: &Option<String>| given(flag.as_ref()).map(ToOwned::to_owned);
    if let Some(token) = text(&flags.token) {
        *user = AuthInfo {
            token: Some(token.into()),
            client_certificate: user.client_certificate.take(),
            client_certificate_data: user.client_certificate_data.take(),
            client_key: user.client_key.take(),
            client_key_data: user.client_key_data.take(),
            impersonate: user.impersonate.take(),
            impersonate_uid: user.impersonate_uid.take(),
            impersonate_groups: user.impersonate_groups.take(),
            impersonate_user_extra: user.impersonate_user_extra.take(),
            ..AuthInfo::default()
        };
    }
    if let Some(file) = text(&flags.client_certificate) {
        user.client_certificate = Some(file);
        user.client_certificate_data = None;
    }
    if let Some(file) = text(&flags.client_key) {
        user.client_key = Some(file);
        user.client_key_data = None;
    }
    if let Some(name) = text(&flags.impersonate) {
        user.impersonate = Some(name);
    }
    if let Some(uid) = text(&flags.impersonate_uid) {
        user.impersonate_uid = Some(uid);
    }
    if !flags.impersonate_groups.is_empty() {
        user.impersonate_groups = Some(flags.impersonate_groups.clone());
    }
    let headers = [&user.impersonate, &user.impersonate_uid].into_iter().flatten();
    let headers = headers.chain(user.impersonate_groups.iter().flatten());
    for value in headers {
        if http::HeaderValue::from_str(value).is_err() {
            return Err(Problem::new(format!("{value:?} is no name to impersonate")));
        }
    }
    Ok(())
}

fn origin(choice: &Choice, files: &Files, flags: &Flags) -> Result<Origin, Problem> {
    let Some(server) = choice.cluster.server.as_deref().filter(|server| !server.is_empty()) else {
        return Err(invalid("the cluster has no server defined")
            .hint(format!("it is that of {}", files.names().join(", "))));
    };
    let server: Uri = server
        .parse()
        .ok()
        .filter(|uri: &Uri| uri.host().is_some_and(|host| !host.is_empty()))
        .ok_or_else(|| invalid(format!("{server:?} is no address of a server")))?;
    let exec = choice.user.exec.as_ref().map(|exec| Exec {
        command: exec.command.clone().unwrap_or_default(),
        install_hint: exec.install_hint.clone().filter(|hint| !hint.is_empty()),
    });
    Ok(Origin {
        server,
        context: choice.context.clone(),
        files: files.names(),
        is_from_flag: given(flags.server.as_ref()).is_some(),
        user: choice.user_name.clone(),
        exec,
    })
}
