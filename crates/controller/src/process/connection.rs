//! Which API server, and as whom: flags over kubeconfig files over the service account of the pod.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use http::header::USER_AGENT;
use http::{HeaderValue, Request, Response};
use kube::client::{Body, ClientBuilder};
use kube::config::{
    AuthInfo, Cluster, Config, Context, KubeConfigOptions, Kubeconfig, KubeconfigError, NamedAuthInfo,
    NamedCluster, NamedContext,
};

use tokio::time::Instant;
use tower::Service;

use super::flags::{Flags, given, given_path, go_bool};
use super::surroundings::Surroundings;
use super::version;
use crate::watch_state::first_cause;

/// From this `--kloglevel` on requests are logged, as kubectl does.
const VERBOSE: i64 = 6;

/// Flags about the way to the API server, as kubectl has them.
#[derive(clap::Args)]
pub(crate) struct ConnectionFlags {
    /// Act as this user (impersonation)
    #[arg(long = "as", value_name = "string", allow_hyphen_values = true)]
    impersonate: Option<String>,
    /// Act as a member of this group; may be repeated
    #[arg(long = "as-group", value_name = "stringArray", allow_hyphen_values = true)]
    impersonate_groups: Vec<String>,
    /// Act as the user with this uid
    #[arg(long = "as-uid", value_name = "string", allow_hyphen_values = true)]
    impersonate_uid: Option<String>,
    /// File with the certificates of authorities to trust
    #[arg(long, value_name = "string", allow_hyphen_values = true)]
    certificate_authority: Option<String>,
    /// File with the client's certificate
    #[arg(long, value_name = "string", allow_hyphen_values = true)]
    client_certificate: Option<String>,
    /// File with the client's key
    #[arg(long, value_name = "string", allow_hyphen_values = true)]
    client_key: Option<String>,
    /// The cluster of the kubeconfig to talk to
    #[arg(long, value_name = "string", allow_hyphen_values = true)]
    cluster: Option<String>,
    /// The context of the kubeconfig to use
    #[arg(long, value_name = "string", allow_hyphen_values = true)]
    context: Option<String>,
    /// Do not check the certificate of the API server: anybody may be at the other end
    #[arg(long, num_args = 0..=1, require_equals = true, value_parser = go_bool)]
    #[arg(default_missing_value = "true", default_value = "false", value_name = "bool")]
    insecure_skip_tls_verify: bool,
    /// The kubeconfig to read, instead of those in KUBECONFIG or ~/.kube/config
    #[arg(long, value_name = "string", allow_hyphen_values = true)]
    kubeconfig: Option<PathBuf>,
    /// The namespace that --namespaced means; alone it limits nothing
    #[arg(short, long, value_name = "string", allow_hyphen_values = true)]
    pub(crate) namespace: Option<String>,
    /// Password for basic authentication
    #[arg(long, value_name = "string", allow_hyphen_values = true)]
    password: Option<String>,
    /// Proxy on the way to the API server: http://, https:// or socks5://
    #[arg(long, value_name = "string", allow_hyphen_values = true)]
    proxy_url: Option<String>,
    /// Address of the API server
    #[arg(long, value_name = "string", allow_hyphen_values = true)]
    server: Option<String>,
    /// The name that the API server's certificate must be valid for, instead of its address
    #[arg(long, value_name = "string", allow_hyphen_values = true)]
    tls_server_name: Option<String>,
    /// Bearer token that identifies the user
    #[arg(long, value_name = "string", allow_hyphen_values = true)]
    token: Option<String>,
    /// The user of the kubeconfig to be
    #[arg(long, value_name = "string", allow_hyphen_values = true)]
    user: Option<String>,
    /// User for basic authentication
    #[arg(long, value_name = "string", allow_hyphen_values = true)]
    username: Option<String>,
}

/// A way to an API server that has not been tried yet.
pub(crate) struct Connection {
    config: Config,
    tells_requests: bool,
}

impl Connection {
    /// Reads flags, files and service account.
    ///
    /// # Errors
    /// When they do not say where to go, or cannot be read.
    pub(crate) async fn find(flags: &Flags, surroundings: &Surroundings) -> Result<Self, String> {
        let tells_requests = flags.kloglevel >= VERBOSE;
        let flags = &flags.connection;
        let files = files(flags, surroundings);
        let kubeconfig = read(&files, flags)?;
        let is_empty = kubeconfig.clusters.is_empty() && kubeconfig.contexts.is_empty();
        let mut config = if is_empty && given(flags.server.as_ref()).is_none() {
            if !surroundings.is_in_cluster {
                let looked: Vec<String> = files.iter().map(|file| file.display().to_string()).collect();
                return Err(format!(
                    "no API server is configured: this is no pod, and there is no kubeconfig (looked at {}); name one \
                     with --kubeconfig or KUBECONFIG, or a server with --server",
                    if looked.is_empty() { "none".to_owned() } else { looked.join(", ") }
                ));
            }
            in_cluster(flags)?
        } else {
            of_kubeconfig(kubeconfig, flags).await?
        };
        check_proxy(&config)?;
        let agent = format!("{}/{}", super::NAME, version());
        config.headers.push((USER_AGENT, HeaderValue::from_str(&agent).expect("a version is plain text")));
        // The shell repeats what is worth repeating, from a new decision.
        config.default_retry = false;
        config.disable_compression = true;
        Ok(Self { config, tells_requests })
    }

    /// The namespace of the pod's service account, or of the kubeconfig's context.
    pub(crate) fn default_namespace(&self) -> &str {
        &self.config.default_namespace
    }

    /// `10.96.0.1:443`, without whatever else an address may hold.
    pub(crate) fn server(&self) -> String {
        let uri = &self.config.cluster_url;
        let port = uri.port_u16().unwrap_or(if uri.scheme_str() == Some("http") { 80 } else { 443 });
        format!("{}:{port}", uri.host().unwrap_or_default())
    }

    /// What [`crate::client`] is made of, with connections of its own. It speaks HTTP/1.1, one connection for each request
    /// under way: watches of different kinds do not share the fate of one connection, as they would with HTTP/2, and a handful
    /// is all there are.
    ///
    /// # Errors
    /// When certificates, credentials or the proxy cannot be used.
    pub(crate) fn service(
        &self,
    ) -> Result<
        impl Service<Request<Body>, Response = Response<Body>, Error = kube::Error, Future: Send + 'static>
        + Send
        + 'static,
        String,
    > {
        let builder = ClientBuilder::try_from(self.config.clone()).map_err(|error| match error {
            kube::Error::Auth(error) => format!("there are no credentials: {}", first_cause(&error)),
            kube::Error::InferKubeconfig(error) => format!("the kubeconfig cannot be used: {error}"),
            other => format!("no connection can be made: {}", first_cause(&other)),
        })?;
        let client = builder.build();
        let tells_requests = self.tells_requests;
        Ok(tower::service_fn(move |request: Request<Body>| {
            let client = client.clone();
            let asked = tells_requests.then(|| (request.method().clone(), request.uri().to_string()));
            async move {
                let (began, answer) = (Instant::now(), client.send(request).await);
                if let Some((method, uri)) = asked {
                    let status = answer.as_ref().map_or(0, |answer| answer.status().as_u16());
                    let time_ms = began.elapsed().as_secs_f64() * 1000.0;
                    tracing::info!(%method, uri, status, time_ms, "request");
                }
                answer
            }
        }))
    }
}

fn in_cluster(flags: &ConnectionFlags) -> Result<Config, String> {
    let mut config = Config::incluster()
        .map_err(|error| format!("the service account of this pod cannot be used: {error}"))?;
    override_user(&mut config.auth_info, flags);
    if let Some(proxy) = given(flags.proxy_url.as_ref()) {
        config.proxy_url = Some(proxy.parse().map_err(|_| "--proxy-url is no address".to_owned())?);
    }
    if let Some(name) = given(flags.tls_server_name.as_ref()) {
        config.tls_server_name = Some(name.to_owned());
    }
    config.accept_invalid_certs |= flags.insecure_skip_tls_verify;
    Ok(config)
}

/// The kubeconfig files to read; those that were not named may be absent.
fn files(flags: &ConnectionFlags, surroundings: &Surroundings) -> Vec<PathBuf> {
    if let Some(path) = given_path(flags.kubeconfig.as_ref()) {
        return vec![path.clone()];
    }
    let split = |list: &OsStr| -> Vec<PathBuf> {
        std::env::split_paths(list).filter(|path| !path.as_os_str().is_empty()).collect()
    };
    match surroundings.kubeconfig.as_deref().map(split).filter(|files| !files.is_empty()) {
        Some(files) => files,
        None => surroundings.home.iter().map(|home| home.join(".kube").join("config")).collect(),
    }
}

fn read(files: &[PathBuf], flags: &ConnectionFlags) -> Result<Kubeconfig, String> {
    let is_named = given_path(flags.kubeconfig.as_ref()).is_some();
    let files = files.iter().filter(|file| is_named || file.exists());
    files.map(|file| read_one(file)).try_fold(Kubeconfig::default(), |merged, next| {
        merged.merge(next?).map_err(|error| format!("the kubeconfig files do not fit together: {error}"))
    })
}

fn read_one(file: &Path) -> Result<Kubeconfig, String> {
    let name = file.display();
    Kubeconfig::read_from(file).map_err(|error| match error {
        KubeconfigError::ReadConfig(error, _) => format!("kubeconfig {name} cannot be read: {error}"),
        // The whole text of the parser's error quotes the file, secrets and all.
        KubeconfigError::Parse(error) => {
            let at = error.location().map(|at| format!(" (line {}, column {})", at.line(), at.column()));
            format!("{name} is no kubeconfig{}", at.unwrap_or_default())
        }
        other => format!("kubeconfig {name} cannot be used: {other}"),
    })
}

async fn of_kubeconfig(mut kubeconfig: Kubeconfig, flags: &ConnectionFlags) -> Result<Config, String> {
    let text = |flag: &Option<String>| given(flag.as_ref()).map(ToOwned::to_owned);
    if kubeconfig.contexts.is_empty() {
        add_context(&mut kubeconfig);
    }
    // One of each is chosen below, so it makes no difference that the others are changed, too.
    for cluster in kubeconfig.clusters.iter_mut().filter_map(|named| named.cluster.as_mut()) {
        override_cluster(cluster, flags);
    }
    for user in &mut kubeconfig.auth_infos {
        override_user(user.auth_info.get_or_insert_default(), flags);
    }
    let options = KubeConfigOptions {
        context: text(&flags.context),
        cluster: text(&flags.cluster),
        user: text(&flags.user),
    };
    let has_proxy = has_proxy(&kubeconfig, &options);
    let config = Config::from_custom_kubeconfig(kubeconfig, &options).await;
    let mut config = config.map_err(|error| {
        let error = match error {
            KubeconfigError::CurrentContextNotSet => {
                "no context is chosen; choose one with --context".to_owned()
            }
            other => other.to_string(),
        };
        format!("the kubeconfig cannot be used: {error}")
    })?;
    // The library would take that of the environment, even for a server on this machine.
    config.proxy_url = config.proxy_url.filter(|_| has_proxy);
    if config.cluster_url.host().is_none_or(str::is_empty) {
        return Err(format!(
            "the kubeconfig cannot be used: {:?} is no address",
            config.cluster_url.to_string()
        ));
    }
    Ok(config)
}

/// The library's own refusal would repeat the address, which may hold a password.
fn check_proxy(config: &Config) -> Result<(), String> {
    let scheme = config.proxy_url.as_ref().map(|proxy| proxy.scheme_str().unwrap_or_default());
    match scheme {
        None | Some("http" | "https" | "socks5") => Ok(()),
        Some(_) => {
            Err("the proxy's address is none: it begins with http://, https:// or socks5://".to_owned())
        }
    }
}

/// Whether a proxy is named for the cluster that is chosen.
fn has_proxy(kubeconfig: &Kubeconfig, options: &KubeConfigOptions) -> bool {
    let context = options.context.as_ref().or(kubeconfig.current_context.as_ref());
    let mut contexts = kubeconfig.contexts.iter().filter(|named| Some(&named.name) == context);
    let of_context = contexts.find_map(|named| Some(&named.context.as_ref()?.cluster));
    let cluster = options.cluster.as_ref().or(of_context);
    let mut clusters = kubeconfig.clusters.iter().filter(|named| Some(&named.name) == cluster);
    let proxy = clusters.find_map(|named| named.cluster.as_ref()?.proxy_url.as_ref());
    proxy.is_some_and(|proxy| !proxy.is_empty())
}

/// Where flags say all.
fn add_context(kubeconfig: &mut Kubeconfig) {
    let name = "flags".to_owned();
    let named = NamedCluster { name: name.clone(), cluster: Some(Cluster::default()), ..Default::default() };
    kubeconfig.clusters.push(named);
    let named = NamedAuthInfo { name: name.clone(), auth_info: None, ..Default::default() };
    kubeconfig.auth_infos.push(named);
    let context = Context { cluster: name.clone(), user: Some(name.clone()), ..Context::default() };
    let named = NamedContext { name: name.clone(), context: Some(context), ..Default::default() };
    kubeconfig.contexts.push(named);
    kubeconfig.current_context = Some(name);
}

fn override_cluster(cluster: &mut Cluster, flags: &ConnectionFlags) {
    let text = |flag: &Option<String>| given(flag.as_ref()).map(ToOwned::to_owned);
    if let Some(server) = text(&flags.server) {
        let scheme = if server.contains("://") { "" } else { "https://" };
        cluster.server = Some(format!("{scheme}{server}"));
        // The name was meant for the server of the kubeconfig.
        cluster.tls_server_name = None;
    }
    if let Some(name) = text(&flags.tls_server_name) {
        cluster.tls_server_name = Some(name);
    }
    if let Some(proxy) = text(&flags.proxy_url) {
        cluster.proxy_url = Some(proxy);
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
}

fn override_user(user: &mut AuthInfo, flags: &ConnectionFlags) {
    let text = |flag: &Option<String>| given(flag.as_ref()).map(ToOwned::to_owned);
    if let Some(token) = text(&flags.token) {
        // One way to say who we are is enough.
        user.token = Some(token.into());
        (user.token_file, user.exec, user.auth_provider) = (None, None, None);
        (user.username, user.password) = (None, None);
    }
    if let Some(name) = text(&flags.username) {
        user.username = Some(name);
    }
    if let Some(password) = text(&flags.password) {
        user.password = Some(password.into());
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
}
