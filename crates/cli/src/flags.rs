use std::path::PathBuf;

use crate::go;

/// Flags of all commands, before or after the command's name.
#[derive(Clone, Debug, clap::Args)]
#[command(next_help_heading = None)]
pub(crate) struct Flags {
    /// Act as this user (impersonation)
    #[arg(long = "as", value_name = "string", global = true, allow_hyphen_values = true)]
    pub(crate) impersonate: Option<String>,
    /// Act as a member of this group; may be repeated
    #[arg(long = "as-group", value_name = "stringArray", global = true, allow_hyphen_values = true)]
    #[arg(action = clap::ArgAction::Append)]
    pub(crate) impersonate_groups: Vec<String>,
    /// Act as the user with this uid
    #[arg(long = "as-uid", value_name = "string", global = true, allow_hyphen_values = true)]
    pub(crate) impersonate_uid: Option<String>,
    /// Accepted and without effect: nothing is cached on disk
    #[arg(long, value_name = "string", global = true, allow_hyphen_values = true)]
    pub(crate) cache_dir: Option<PathBuf>,
    /// File with the certificates of authorities to trust
    #[arg(long, value_name = "string", global = true, allow_hyphen_values = true)]
    pub(crate) certificate_authority: Option<String>,
    /// File with the client's certificate
    #[arg(long, value_name = "string", global = true, allow_hyphen_values = true)]
    pub(crate) client_certificate: Option<String>,
    /// File with the client's key
    #[arg(long, value_name = "string", global = true, allow_hyphen_values = true)]
    pub(crate) client_key: Option<String>,
    /// The cluster of the kubeconfig to talk to
    #[arg(long, value_name = "string", global = true, allow_hyphen_values = true)]
    pub(crate) cluster: Option<String>,
    /// The context of the kubeconfig to use
    #[arg(long, value_name = "string", global = true, allow_hyphen_values = true)]
    pub(crate) context: Option<String>,
    /// Ask the API server for answers that are not compressed
    #[arg(long, global = true, num_args = 0..=1, require_equals = true, value_parser = go::bool)]
    #[arg(default_missing_value = "true", default_value = "false", value_name = "bool")]
    pub(crate) disable_compression: bool,
    /// Show help about the command
    #[arg(short, long, global = true, num_args = 0..=1, require_equals = true, value_parser = go::bool)]
    #[arg(default_missing_value = "true", default_value = "false", value_name = "bool")]
    pub(crate) help: bool,
    /// Do not check the certificate of the API server: anybody may be at the other end
    #[arg(long, global = true, num_args = 0..=1, require_equals = true, value_parser = go::bool)]
    #[arg(default_missing_value = "true", default_value = "false", value_name = "bool")]
    pub(crate) insecure_skip_tls_verify: bool,
    /// What is told of the requests: from 6 on a line about each
    #[arg(short = 'v', long, value_name = "int", global = true, allow_hyphen_values = true)]
    #[arg(value_parser = go::int, default_value = "0")]
    pub(crate) kloglevel: i64,
    /// The kubeconfig to read, instead of those in KUBECONFIG or ~/.kube/config
    #[arg(long, value_name = "string", global = true, allow_hyphen_values = true)]
    pub(crate) kubeconfig: Option<PathBuf>,
    /// What is told besides the result: panic, fatal or error for no warnings, warn or info for warnings, debug or trace for a
    /// line about each request too
    #[arg(long, value_name = "string", global = true, allow_hyphen_values = true, default_value = "info")]
    pub(crate) loglevel: String,
    /// The namespace, instead of the context's
    #[arg(short, long, value_name = "string", global = true, allow_hyphen_values = true)]
    pub(crate) namespace: Option<String>,
    /// How long a request may take, as a duration or in seconds; 0 = as long as it wants
    #[arg(long, value_name = "string", global = true, allow_hyphen_values = true, default_value = "0")]
    pub(crate) request_timeout: String,
    /// Address of the API server
    #[arg(short, long, value_name = "string", global = true, allow_hyphen_values = true)]
    pub(crate) server: Option<String>,
    /// The name that the API server's certificate must be valid for, instead of its address
    #[arg(long, value_name = "string", global = true, allow_hyphen_values = true)]
    pub(crate) tls_server_name: Option<String>,
    /// Bearer token that identifies the user
    #[arg(long, value_name = "string", global = true, allow_hyphen_values = true)]
    pub(crate) token: Option<String>,
    /// The user of the kubeconfig to be
    #[arg(long, value_name = "string", global = true, allow_hyphen_values = true)]
    pub(crate) user: Option<String>,
}

/// The value of a flag; like a flag that was not given if it is empty.
pub(crate) fn given(value: Option<&String>) -> Option<&str> {
    value.map(String::as_str).filter(|value| !value.is_empty())
}

impl Flags {
    /// Whether each request is told.
    pub(crate) fn wants_requests(&self, level: LogLevel) -> bool {
        self.kloglevel >= 6 || level >= LogLevel::Debug
    }
}

/// What is told besides the result.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum LogLevel {
    /// Nothing but the error that ends a command.
    Error,
    /// What went wrong on the way.
    Warning,
    /// Each request.
    Debug,
}

impl LogLevel {
    /// Reads a level by its name in upstream's logger.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        match text.to_ascii_lowercase().as_str() {
            "panic" | "fatal" | "error" => Ok(Self::Error),
            "warn" | "warning" | "info" => Ok(Self::Warning),
            "debug" | "trace" => Ok(Self::Debug),
            _ => Err(format!("not a valid logrus Level: {text:?}")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_are_known_by_upstreams_names() {
        for name in ["panic", "fatal", "error"] {
            assert_eq!(LogLevel::parse(name), Ok(LogLevel::Error), "{name}");
        }
        for name in ["warn", "warning", "info", "INFO"] {
            assert_eq!(LogLevel::parse(name), Ok(LogLevel::Warning), "{name}");
        }
        for name in ["debug", "trace"] {
            assert_eq!(LogLevel::parse(name), Ok(LogLevel::Debug), "{name}");
        }
        assert_eq!(LogLevel::parse("foo"), Err(r#"not a valid logrus Level: "foo""#.to_owned()));
    }
}
