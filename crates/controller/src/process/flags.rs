//! The command line. Flags, defaults and Go's ways of writing them are upstream's.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use clap::{CommandFactory, FromArgMatches, Parser};
use tidegate_api::duration::parse_go_duration;

use super::connection::ConnectionFlags;
use super::mistake;
use super::unhonoured;

/// A Kubernetes controller that updates applications step by step
#[derive(Parser)]
#[command(name = "argo-rollouts", args_override_self = true)]
#[command(disable_help_flag = true, disable_version_flag = true)]
pub(crate) struct Flags {
    #[command(flatten)]
    pub(crate) connection: ConnectionFlags,
    /// Requests to the API server that may leave at once after a rest
    #[arg(long, value_name = "int", default_value_t = 80, allow_hyphen_values = true)]
    #[arg(value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) burst: u32,
    /// Controllers to run, instead of all. `analysis` alone is not part of this version
    #[arg(long, value_name = "strings", value_delimiter = ',', allow_hyphen_values = true)]
    pub(crate) controllers: Vec<String>,
    /// Port of /healthz and /readyz; 0 = any that is free
    #[arg(long = "healthzPort", value_name = "int", default_value_t = 8080, allow_hyphen_values = true)]
    pub(crate) healthz_port: u16,
    /// Show this help
    #[arg(short, long, num_args = 0..=1, require_equals = true, value_parser = go_bool)]
    #[arg(default_missing_value = "true", default_value = "false", value_name = "bool")]
    help: bool,
    /// Look after objects only whose label argo-rollouts.argoproj.io/controller-instance-id has this value, instead of those
    /// without the label
    #[arg(long, value_name = "string", default_value = "", allow_hyphen_values = true)]
    pub(crate) instance_id: String,
    /// From 6 on the log has a line about each request to the API server
    #[arg(long, value_name = "int", default_value_t = 0, allow_hyphen_values = true)]
    pub(crate) kloglevel: i64,
    /// Of several controllers let one act. Without it, nobody else may act for the same objects
    #[arg(long, num_args = 0..=1, require_equals = true, value_parser = go_bool)]
    #[arg(default_missing_value = "true", default_value = "true", value_name = "bool")]
    pub(crate) leader_elect: bool,
    /// How long others wait for a leader's sign of life before they take over
    #[arg(long, value_name = "duration", default_value = "15s", allow_hyphen_values = true)]
    #[arg(value_parser = go_duration)]
    pub(crate) leader_election_lease_duration: Duration,
    /// How long a leader acts without a renewal
    #[arg(long, value_name = "duration", default_value = "10s", allow_hyphen_values = true)]
    #[arg(value_parser = go_duration)]
    pub(crate) leader_election_renew_deadline: Duration,
    /// The pause between two tries to get or renew the lease
    #[arg(long, value_name = "duration", default_value = "2s", allow_hyphen_values = true)]
    #[arg(value_parser = go_duration)]
    pub(crate) leader_election_retry_period: Duration,
    /// Form of the log: text or json
    #[arg(long, value_name = "string", default_value = "", allow_hyphen_values = true)]
    pub(crate) logformat: String,
    /// How much is logged: debug, info, warn or error
    #[arg(long, value_name = "string", default_value = "info", allow_hyphen_values = true)]
    pub(crate) loglevel: String,
    /// Port of /metrics; 0 = any that is free
    #[arg(long = "metricsPort", alias = "metricsport", value_name = "int", default_value_t = 8090)]
    #[arg(allow_hyphen_values = true)]
    pub(crate) metrics_port: u16,
    /// Watch one namespace only: that of --namespace, else the controller's own, else the kubeconfig's
    #[arg(long, num_args = 0..=1, require_equals = true, value_parser = go_bool)]
    #[arg(default_missing_value = "true", default_value = "false", value_name = "bool")]
    pub(crate) namespaced: bool,
    /// Requests to the API server per second in the long run; watches and the lease are not counted
    #[arg(long, value_name = "float", default_value_t = 40.0, allow_hyphen_values = true)]
    #[arg(value_parser = rate)]
    pub(crate) qps: f64,
    /// Keep the last 100 failed writes and panics in this folder, with what they were decided on, as files for tidegate replay
    #[arg(long, value_name = "string", allow_hyphen_values = true)]
    pub(crate) record_dir: Option<PathBuf>,
    /// Rollouts that are worked on at the same time
    #[arg(long, value_name = "int", default_value_t = 10, allow_hyphen_values = true)]
    #[arg(value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) rollout_threads: u32,
    /// Show the version
    #[arg(long, num_args = 0..=1, require_equals = true, value_parser = go_bool)]
    #[arg(default_missing_value = "true", default_value = "false", value_name = "bool")]
    pub(crate) version: bool,
    #[arg(hide = true, allow_hyphen_values = false)]
    surplus: Vec<String>,
}

/// A command line that was understood.
pub(crate) enum Parsed {
    /// Run with these flags; the warnings are for the log.
    Run { flags: Box<Flags>, warnings: Vec<String> },
    /// `--help`.
    Help,
}

impl Flags {
    /// Reads a command line, the program's name first.
    ///
    /// # Errors
    /// What the user is to be told of a mistake, perhaps with a second line that helps.
    pub(crate) fn parse(words: impl IntoIterator<Item = OsString>) -> Result<Parsed, String> {
        let words: Vec<OsString> = words.into_iter().collect();
        let mut command = command();
        let matches = command
            .try_get_matches_from_mut(&words)
            .map_err(|error| mistake::explain(&error, &command, &words))?;
        let flags =
            Self::from_arg_matches(&matches).map_err(|error| mistake::explain(&error, &command, &words))?;
        if flags.help {
            return Ok(Parsed::Help);
        }
        let mut warnings = unhonoured::warnings(&matches);
        let is_deprecated = |word: &&OsString| {
            word.to_str().is_some_and(|word| word == "--metricsport" || word.starts_with("--metricsport="))
        };
        if words.iter().any(|word| is_deprecated(&word)) {
            warnings.push("--metricsport is deprecated, use --metricsPort instead".to_owned());
        }
        if !flags.surplus.is_empty() {
            warnings.push(format!(
                "arguments without a flag have no effect: {} (the value of a boolean flag is written --flag=false)",
                flags.surplus.join(" ")
            ));
        }
        Ok(Parsed::Run { flags: Box::new(flags), warnings })
    }
}

/// Everything that may stand on the command line.
pub(crate) fn command() -> clap::Command {
    unhonoured::add_to(Flags::command())
}

/// `true`, `1`, `t`, `F`, ...: what Go takes for a boolean.
pub(crate) fn go_bool(text: &str) -> Result<bool, String> {
    match text {
        "1" | "t" | "T" | "TRUE" | "true" | "True" => Ok(true),
        "0" | "f" | "F" | "FALSE" | "false" | "False" => Ok(false),
        _ => Err(format!("{text:?} is neither true nor false")),
    }
}

fn go_duration(text: &str) -> Result<Duration, String> {
    let span = parse_go_duration(text).map_err(|error| error.to_string())?;
    Duration::try_from(span).map_err(|_| "it must not be below zero".to_owned())
}

fn rate(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(rate) if f64::is_finite(rate) && rate > 0.0 => Ok(rate),
        _ => Err("it must be a number above 0".to_owned()),
    }
}

/// The value of a flag; like a flag that was not given if it is empty.
pub(crate) fn given(value: Option<&String>) -> Option<&str> {
    value.map(String::as_str).filter(|value| !value.is_empty())
}

/// As [`given`], for files.
pub(crate) fn given_path(value: Option<&PathBuf>) -> Option<&PathBuf> {
    value.filter(|path| !path.as_os_str().is_empty())
}

#[cfg(test)]
#[path = "flags_tests.rs"]
mod tests;
