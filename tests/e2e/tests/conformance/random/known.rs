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

pub(super) const KNOWN: &[Known] = &[
    Known {
        resource: "rollouts|experiments|analysisruns|analysistemplates|clusteranalysistemplates",
        verb: "Apply",
        at: "code",
        text: "cannot parse \"noon\"",
        why: "kube-apiserver drops what is no time from the metadata of custom resources that are applied; kubesim refuses it",
    },
    Known {
        resource: "services",
        verb: "Create",
        at: "causes",
        text: "failed to allocate IP",
        why: "kube-apiserver looks for an address of a Service without a name, and fails, before it misses the name",
    },
    Known {
        resource: "services",
        verb: "",
        at: "/spec/ipFamil",
        text: "null and ",
        why: "a Service that was made by writing its status has no address; where kube-apiserver reads it, it makes up families",
    },
    Known {
        resource: "secrets",
        verb: "StrategicPatch",
        at: "version",
        text: "as before and new",
        why: "a null among the data is one until the next write to kube-apiserver, and an empty text at once to kubesim",
    },
];
