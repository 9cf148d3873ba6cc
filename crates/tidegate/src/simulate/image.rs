//! The image that an update without a script asks for.

/// A tag that nobody takes for a release.
const TAG: &str = "simulated-update";

/// The same image, in the same registry, in another version.
pub(super) fn updated(image: &str) -> String {
    let name = image.split_once('@').map_or(image, |(name, _)| name);
    // A colon before the last slash is that of a port.
    let (name, tag) = match name.rsplit_once(':') {
        Some((name, tag)) if !tag.contains('/') => (name, tag),
        _ => (name, ""),
    };
    let again = if tag == TAG { "-2" } else { "" };
    format!("{name}:{TAG}{again}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn registry_and_name_stay() {
        for (image, expected) in [
            ("web", "web:simulated-update"),
            ("web:1.2", "web:simulated-update"),
            ("argoproj/rollouts-demo:blue", "argoproj/rollouts-demo:simulated-update"),
            ("registry.local:5000/team/web", "registry.local:5000/team/web:simulated-update"),
            ("registry.local:5000/team/web:1.2", "registry.local:5000/team/web:simulated-update"),
            ("web@sha256:0123", "web:simulated-update"),
            ("web:1.2@sha256:0123", "web:simulated-update"),
            ("web:simulated-update", "web:simulated-update-2"),
        ] {
            assert_eq!(updated(image), expected, "{image}");
        }
    }
}
