//! What is known of this build.

/// The name of the binary, of the field manager, and in `Usage:`.
pub(crate) const NAME: &str = "kubectl-argo-rollouts";
/// The git commit; empty if it was built from something else than a git tree.
pub(crate) const COMMIT: &str = env!("TIDEGATE_COMMIT");
/// `clean` or `dirty`; empty like the commit.
pub(crate) const TREE: &str = env!("TIDEGATE_TREE");
/// The git tag of the commit, if there is one.
const TAG: &str = env!("TIDEGATE_TAG");
/// Seconds since 1970: SOURCE_DATE_EPOCH or the commit's, so that the same tree gives the same binary.
const DATE: &str = env!("TIDEGATE_DATE");
/// `rustc 1.90.0 (...)`.
pub(crate) const COMPILER: &str = env!("TIDEGATE_COMPILER");

/// `v0.1.0` for a tagged commit; otherwise with the commit: `v0.1.0+abc1234`, `v0.1.0+abc1234.dirty`, `v0.1.0+unknown`.
pub(crate) fn version() -> String {
    version_of(COMMIT, TREE, TAG)
}

fn version_of(commit: &str, tree: &str, tag: &str) -> String {
    let version = concat!("v", env!("CARGO_PKG_VERSION"));
    match (commit.get(..7), tree) {
        (None, _) => format!("{version}+unknown"),
        (Some(_), "clean") if !tag.is_empty() => tag.to_owned(),
        (Some(short), "clean") => format!("{version}+{short}"),
        (Some(short), _) => format!("{version}+{short}.dirty"),
    }
}

/// RFC 3339, or `unknown`.
pub(crate) fn date() -> String {
    let date = DATE.parse().ok().and_then(|seconds| jiff::Timestamp::from_second(seconds).ok());
    date.map_or_else(|| "unknown".to_owned(), |date| date.to_string())
}

/// As Go names operating system and processor: `linux/amd64`.
pub(crate) fn platform() -> String {
    let system = match std::env::consts::OS {
        "macos" => "darwin",
        other => other,
    };
    let processor = match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        "x86" => "386",
        other => other,
    };
    format!("{system}/{processor}")
}

/// How the API server gets to know this program, in the form that Go's client has.
pub(crate) fn user_agent() -> String {
    format!("{NAME}/{} ({}) kubernetes/{}", version(), platform(), COMMIT.get(..7).unwrap_or("unknown"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_tell_what_was_built() {
        let commit = "abc1234def0";
        assert_eq!(version_of("", "", ""), "v0.1.0+unknown");
        assert_eq!(version_of(commit, "clean", "v0.1.0-rc1"), "v0.1.0-rc1");
        assert_eq!(version_of(commit, "clean", ""), "v0.1.0+abc1234");
        assert_eq!(version_of(commit, "dirty", "v0.1.0-rc1"), "v0.1.0+abc1234.dirty");
    }
}
