use super::{Span, Style};

/// A status at a glance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Icon {
    /// `✔`
    Ok,
    /// `✖`
    Bad,
    /// `⚠`
    Warning,
    /// `◌`
    Progressing,
    /// `◷`
    Waiting,
    /// `?`
    Unknown,
    /// `॥`
    Paused,
    /// `•`
    Neutral,
    /// A blank: a status that we do not know.
    Blank,
}

impl Icon {
    /// The icon of a Rollout's phase.
    #[must_use]
    pub fn of_rollout(phase: &str) -> Self {
        match phase {
            "Progressing" => Self::Progressing,
            "Paused" => Self::Paused,
            "Healthy" => Self::Ok,
            "Degraded" => Self::Bad,
            "Error" | "InvalidSpec" => Self::Warning,
            "Unknown" => Self::Unknown,
            "ScaledDown" => Self::Neutral,
            _ => Self::Blank,
        }
    }

    /// The icon of a ReplicaSet's status.
    #[must_use]
    pub fn of_replica_set(status: &str) -> Self {
        match status {
            "Progressing" => Self::Progressing,
            "Healthy" => Self::Ok,
            "ReplicaFailure" => Self::Bad,
            "ScaledDown" => Self::Neutral,
            _ => Self::Blank,
        }
    }

    /// The icon of a pod's status.
    #[must_use]
    pub fn of_pod(status: &str) -> Self {
        if status.starts_with("Init:") {
            return Self::Progressing;
        }
        if status.starts_with("Signal:") || status.starts_with("ExitCode:") {
            return Self::Bad;
        }
        if status.ends_with("Error") || status.starts_with("Err") {
            return Self::Warning;
        }
        match status {
            "Pending" | "Terminating" | "ContainerCreating" => Self::Progressing,
            "Running" | "Completed" => Self::Ok,
            "Failed" | "InvalidImageName" | "CrashLoopBackOff" => Self::Bad,
            "ImagePullBackOff" | "RegistryUnavailable" => Self::Warning,
            "Unknown" => Self::Unknown,
            _ => Self::Blank,
        }
    }

    /// The icon as text in its colour.
    #[must_use]
    pub fn span(self) -> Span {
        let (text, style) = match self {
            Self::Ok => ("✔", Style::Green),
            Self::Bad => ("✖", Style::Red),
            Self::Warning => ("⚠", Style::Red),
            Self::Progressing => ("◌", Style::BrightBlue),
            Self::Waiting => ("◷", Style::Yellow),
            Self::Unknown => ("?", Style::Yellow),
            Self::Paused => ("॥", Style::None),
            Self::Neutral => ("•", Style::None),
            Self::Blank => (" ", Style::None),
        };
        Span::new(text, style)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(of: fn(&str) -> Icon, status: &str, symbol: &str) {
        assert_eq!(of(status).span().text, symbol, "{status}");
    }

    #[test]
    fn pods_have_upstreams_icons() {
        for (status, symbol) in [
            ("Init:0/1", "◌"),
            ("Init:CrashLoopBackOff", "◌"),
            ("Init:Error", "◌"),
            ("Signal:9", "✖"),
            ("ExitCode:1", "✖"),
            ("Error", "⚠"),
            ("CreateContainerConfigError", "⚠"),
            ("ErrImagePull", "⚠"),
            ("Pending", "◌"),
            ("ContainerCreating", "◌"),
            ("Terminating", "◌"),
            ("Running", "✔"),
            ("Completed", "✔"),
            ("CrashLoopBackOff", "✖"),
            ("ImagePullBackOff", "⚠"),
            ("Unknown", "?"),
            ("Evicted", " "),
        ] {
            check(Icon::of_pod, status, symbol);
        }
    }

    #[test]
    fn the_others_too() {
        check(Icon::of_rollout, "Paused", "॥");
        check(Icon::of_rollout, "InvalidSpec", "⚠");
        check(Icon::of_rollout, "", " ");
        check(Icon::of_replica_set, "ScaledDown", "•");
        check(Icon::of_replica_set, "ReplicaFailure", "✖");
    }
}
