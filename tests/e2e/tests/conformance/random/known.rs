//! Differences that are known, each with its reason.

/// What a difference must be like to be this one. Empty texts fit everything.
#[derive(Clone, Copy, Debug)]
pub(super) struct Known {
    /// Plurals, with `|` between them.
    pub(super) resource: &'static str,
    /// How the verb begins.
    pub(super) verb: &'static str,
    /// How the place begins.
    pub(super) at: &'static str,
    /// What both values, kubesim's first, contain.
    pub(super) text: &'static str,
    #[allow(dead_code, reason = "for who reads the list")]
    pub(super) why: &'static str,
}

/// There may not be more.
pub(super) const CAP: usize = 40;

pub(super) const KNOWN: &[Known] = &[];
