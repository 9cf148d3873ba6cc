//! The server on a port of this machine: HTTP/1.1 and HTTP/2 over TLS, and the kubeconfig that leads to it.
//!
//! It listens on loopback addresses only. Certificates and the token that it asks for are made anew for each listener and
//! are known to nobody but the reader of its kubeconfig.

use std::convert::Infallible;
use std::fmt;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use http::{HeaderMap, HeaderValue, Request, Response, header};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use jiff::fmt::rfc2822::DateTimePrinter;
use rcgen::{BasicConstraints, CertificateParams, DistinguishedName, DnType, IsCa, Issuer, KeyPair};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use tower::Service;

use crate::body::Body;
use crate::server::ApiServer;
use crate::status::ApiError;

/// Names under which the certificate is valid.
const NAMES: [&str; 3] = ["localhost", "127.0.0.1", "::1"];
/// Paths that a real server shows to everybody.
const PUBLIC: [&str; 4] = ["/healthz", "/livez", "/readyz", "/version"];

/// Why a listener cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum ListenError {
    /// The port is taken, or the system gives none.
    #[error("cannot listen on 127.0.0.1:{port}")]
    Bind {
        /// As asked for; 0 = any.
        port: u16,
        /// Why not.
        source: io::Error,
    },
    /// Certificates or keys cannot be made.
    #[error("cannot make a certificate: {0}")]
    Certificate(String),
    /// The system gives no random numbers.
    #[error("cannot make a token: {0}")]
    Token(String),
}

/// A server that waits for connections on a port of 127.0.0.1.
pub struct Listener {
    server: ApiServer,
    socket: TcpListener,
    address: SocketAddr,
    tls: TlsAcceptor,
    authority: String,
    token: Arc<str>,
}

impl fmt::Debug for Listener {
    /// Without the token.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Listener").field("address", &self.address).finish_non_exhaustive()
    }
}

impl Listener {
    /// Binds the port, 0 = any that is free. Connections wait until [`Listener::serve`].
    ///
    /// # Errors
    /// When the port is taken, or the system refuses ports, keys or random numbers.
    pub async fn bind(server: ApiServer, port: u16) -> Result<Self, ListenError> {
        let bind_error = |source| ListenError::Bind { port, source };
        let socket = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await.map_err(bind_error)?;
        let address = socket.local_addr().map_err(bind_error)?;
        let (authority, tls) = certificates().map_err(|error| ListenError::Certificate(error.to_string()))?;
        Ok(Self { server, socket, address, tls, authority, token: token()?.into() })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// A kubeconfig whose only context, called `name`, leads here as an administrator. It holds a secret.
    pub fn kubeconfig(&self, name: &str) -> String {
        let authority = STANDARD.encode(&self.authority);
        let (address, token) = (self.address, &self.token);
        format!(
            "apiVersion: v1\nkind: Config\ncurrent-context: {name}\nclusters:\n- name: {name}\n  cluster:\n    \
             server: https://{address}\n    certificate-authority-data: {authority}\nusers:\n- name: {name}\n  \
             user:\n    token: {token}\ncontexts:\n- name: {name}\n  context:\n    cluster: {name}\n    \
             namespace: default\n    user: {name}\n"
        )
    }

    /// Answers until it is dropped; open connections, watches too, end with it.
    pub async fn serve(self) {
        let mut connections = JoinSet::new();
        loop {
            tokio::select! {
                biased;
                Some(_) = connections.join_next() => {}
                accepted = self.socket.accept() => {
                    // A connection that is gone before it was accepted, or one too many: the next one is as good.
                    let Ok((stream, _)) = accepted else { continue };
                    let (tls, server, token) = (self.tls.clone(), self.server.clone(), Arc::clone(&self.token));
                    connections.spawn(connection(tls, stream, server, token));
                }
            }
        }
    }
}

/// Answers the requests of one connection. Whatever ends it concerns its client alone.
async fn connection(tls: TlsAcceptor, stream: TcpStream, server: ApiServer, token: Arc<str>) {
    // Answers are small and awaited; a delay costs more than a packet.
    let _ = stream.set_nodelay(true);
    let Ok(stream) = tls.accept(stream).await else { return };
    let service = service_fn(move |request| answer(server.clone(), Arc::clone(&token), request));
    let _ = auto::Builder::new(TokioExecutor::new()).serve_connection(TokioIo::new(stream), service).await;
}

async fn answer(
    mut server: ApiServer,
    token: Arc<str>,
    request: Request<Incoming>,
) -> Result<Response<Body>, Infallible> {
    let mut response =
        if PUBLIC.contains(&request.uri().path()) || is_authenticated(request.headers(), &token) {
            server.call(request).await?
        } else {
            crate::dispatch::failure(&ApiError::new(401, "Unauthorized", "Unauthorized"))
        };
    if let Some(date) = date(&server) {
        response.headers_mut().insert(header::DATE, date);
    }
    Ok(response)
}

/// The time there: without it, the protocol's library would tell the time of this machine.
fn date(server: &ApiServer) -> Option<HeaderValue> {
    const PRINTER: DateTimePrinter = DateTimePrinter::new();
    let text = PRINTER.timestamp_to_rfc9110_string(&server.now()).ok()?;
    HeaderValue::from_str(&text).ok()
}

fn is_authenticated(headers: &HeaderMap, token: &str) -> bool {
    let given = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    given.and_then(|value| value.strip_prefix("Bearer ")) == Some(token)
}

/// An authority of its own, as PEM, and an acceptor with a certificate that it signed.
fn certificates() -> Result<(String, TlsAcceptor), Box<dyn std::error::Error + Send + Sync>> {
    let authority_key = KeyPair::generate()?;
    let mut authority = CertificateParams::default();
    authority.distinguished_name = named("kubesim-ca");
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority_pem = authority.self_signed(&authority_key)?.pem();
    let issuer = Issuer::new(authority, authority_key);

    let key = KeyPair::generate()?;
    let mut params = CertificateParams::new(NAMES.map(str::to_owned))?;
    params.distinguished_name = named("kube-apiserver");
    let certificate = params.signed_by(&key, &issuer)?.der().clone();
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));

    let provider = Arc::new(tokio_rustls::rustls::crypto::ring::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key)?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok((authority_pem, TlsAcceptor::from(Arc::new(config))))
}

fn named(name: &str) -> DistinguishedName {
    let mut distinguished = DistinguishedName::new();
    distinguished.push(DnType::CommonName, name);
    distinguished
}

fn token() -> Result<String, ListenError> {
    let mut bytes = [0_u8; 24];
    getrandom::fill(&mut bytes).map_err(|error| ListenError::Token(error.to_string()))?;
    Ok(URL_SAFE_NO_PAD.encode(bytes))
}
