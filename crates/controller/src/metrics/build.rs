//! The facts about this build that metrics tell.

/// What was built.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Build {
    /// `v0.1.0`, `v0.1.0+abc1234`.
    pub version: String,
    /// The git commit; empty: it is not known.
    pub commit: String,
}

impl Default for Build {
    fn default() -> Self {
        Self { version: concat!("v", env!("CARGO_PKG_VERSION")).to_owned(), commit: String::new() }
    }
}

/// The processor, as Go names it.
pub(super) fn processor() -> &'static str {
    match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        "x86" => "386",
        other => other,
    }
}
