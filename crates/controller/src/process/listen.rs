//! Small HTTP servers on all addresses: one GET, one answer, and the connection ends.

use std::convert::Infallible;
use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderName, HeaderValue, X_CONTENT_TYPE_OPTIONS};
use http::{Method, Request, Response, StatusCode};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use socket2::{Domain, Socket, Type};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

/// Connections at the same time; further ones wait.
const CONNECTIONS: usize = 64;
/// How long a connection may last.
const TIME_LIMIT: Duration = Duration::from_secs(30);
/// How long to leave a system alone that has no more sockets.
const PAUSE: Duration = Duration::from_millis(100);

/// What a path is answered with; `None`: there is no such path.
pub(crate) type Answers = Arc<dyn Fn(&str) -> Option<Answer> + Send + Sync>;

/// An answer in plain text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) content_type: &'static str,
    pub(crate) body: String,
}

impl Answer {
    pub(crate) fn text(status: StatusCode, body: impl Into<String>) -> Self {
        Self { status, content_type: "text/plain; charset=utf-8", body: body.into() }
    }
}

/// A port that is ours; connections wait until [`Port::serve`].
pub(crate) struct Port {
    listener: TcpListener,
    /// As it is, if any free one was asked for.
    pub(crate) number: u16,
}

impl Port {
    /// Binds a port on all addresses: of IPv6 and IPv4, or of IPv4 where there is no IPv6. Must be called inside a runtime.
    pub(crate) fn bind(number: u16) -> io::Result<Self> {
        let listener = match listen((Ipv6Addr::UNSPECIFIED, number).into()) {
            Err(error) if error.kind() != io::ErrorKind::AddrInUse => {
                listen((Ipv4Addr::UNSPECIFIED, number).into())
            }
            outcome => outcome,
        }?;
        let number = listener.local_addr()?.port();
        Ok(Self { listener, number })
    }

    /// Answers until it is dropped.
    pub(crate) async fn serve(self, answers: Answers) {
        let mut connections = JoinSet::new();
        loop {
            tokio::select! {
                biased;
                Some(_) = connections.join_next() => {}
                accepted = self.listener.accept(), if connections.len() < CONNECTIONS => match accepted {
                    Ok((stream, _)) => _ = connections.spawn(timeout(TIME_LIMIT, converse(stream, answers.clone()))),
                    // The connection was gone before it was accepted, or the system is out of sockets.
                    Err(_) => sleep(PAUSE).await,
                },
            }
        }
    }
}

fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, None)?;
    if address.is_ipv6() {
        socket.set_only_v6(false)?;
    }
    // Connections of a process that has just ended do not hold up the next one.
    #[cfg(unix)]
    socket.set_reuse_address(true)?;
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(128)?;
    TcpListener::from_std(socket.into())
}

async fn converse(stream: TcpStream, answers: Answers) {
    let service = service_fn(move |request: Request<Incoming>| {
        let answer = answer(request.method(), request.uri().path(), &answers);
        async { Ok::<_, Infallible>(answer) }
    });
    // Whatever ends a connection concerns its client alone.
    let _ = http1::Builder::new().keep_alive(false).serve_connection(TokioIo::new(stream), service).await;
}

fn answer(method: &Method, path: &str, answers: &Answers) -> Response<Full<Bytes>> {
    let answer = match *method {
        Method::GET | Method::HEAD => answers(path),
        _ => Some(Answer::text(StatusCode::METHOD_NOT_ALLOWED, "405 method not allowed\n")),
    };
    let answer = answer.unwrap_or_else(|| Answer::text(StatusCode::NOT_FOUND, "404 page not found\n"));
    let mut response = Response::new(Full::from(answer.body));
    *response.status_mut() = answer.status;
    let headers: [(HeaderName, &'static str); 2] =
        [(CONTENT_TYPE, answer.content_type), (X_CONTENT_TYPE_OPTIONS, "nosniff")];
    for (name, value) in headers {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}
