use std::ffi::OsString;
use std::io::IsTerminal;
use std::path::PathBuf;

use jiff::Timestamp;
use tidegate_ops::text::{Color, Size};

use crate::cluster::Proxies;

/// What the process runs in: the one value that is read from terminal, clock and environment. (Inside a pod the client library
/// reads the service account by itself.)
#[derive(Clone, Debug)]
pub struct Surroundings {
    /// Standard output is a terminal that understands escape codes: not a file, not a pipe, not `TERM=dumb`.
    pub has_screen: bool,
    /// The same of standard error.
    pub has_error_screen: bool,
    /// `NO_COLOR` is set and not empty (<https://no-color.org>).
    pub no_color: bool,
    /// `KUBECONFIG`: kubeconfig files, merged; the first of them has the last word.
    pub kubeconfig: Option<OsString>,
    /// The user's folder, where `.kube/config` is.
    pub home: Option<PathBuf>,
    /// The process runs in a pod that knows its API server.
    pub in_cluster: bool,
    /// Proxies for the way to the API server.
    pub proxies: Proxies,
    /// The local clock.
    pub now: fn() -> Timestamp,
    /// The terminal's size as it is now.
    pub size: fn() -> Size,
}

impl Surroundings {
    /// Those of this process.
    #[must_use]
    pub fn of_process() -> Self {
        let variable = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
        let text = |name: &str| variable(name).and_then(|value| value.into_string().ok());
        let is_dumb = variable("TERM").map_or(cfg!(unix), |term| term == "dumb");
        let home = if cfg!(windows) { "USERPROFILE" } else { "HOME" };
        Self {
            has_screen: std::io::stdout().is_terminal() && !is_dumb,
            has_error_screen: std::io::stderr().is_terminal() && !is_dumb,
            no_color: variable("NO_COLOR").is_some(),
            kubeconfig: variable("KUBECONFIG"),
            home: variable(home).map(PathBuf::from),
            in_cluster: variable("KUBERNETES_SERVICE_HOST").is_some()
                && variable("KUBERNETES_SERVICE_PORT").is_some(),
            proxies: Proxies {
                https: text("HTTPS_PROXY").or_else(|| text("https_proxy")),
                http: text("HTTP_PROXY").or_else(|| text("http_proxy")),
                none_for: text("NO_PROXY").or_else(|| text("no_proxy")),
            },
            now: local_now,
            size: terminal_size,
        }
    }

    /// Whether colours are written.
    #[must_use]
    pub fn color(&self) -> Color {
        if self.has_screen && !self.no_color { Color::On } else { Color::Off }
    }
}

#[allow(clippy::disallowed_methods, reason = "the one place where this process looks at its clock")]
fn local_now() -> Timestamp {
    Timestamp::now()
}

/// 80x24 where the terminal does not say.
fn terminal_size() -> Size {
    match crossterm::terminal::size() {
        Ok((width, height)) if width > 0 && height > 0 => {
            Size { width: usize::from(width), height: usize::from(height) }
        }
        _ => Size { width: 80, height: 24 },
    }
}
