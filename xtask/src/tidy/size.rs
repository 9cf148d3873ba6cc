//! Files that one can read in one sitting.

use super::Finding;

const LIMIT: usize = 500;
/// Files that may be longer: (path, why).
const ALLOWED: &[(&str, &str)] = &[];

/// At most one finding about a source file.
pub(super) fn check(path: &str, text: &str) -> Option<Finding> {
    let is_source = [".rs", ".go", ".ts", ".sh"].iter().any(|ending| path.ends_with(ending));
    let lines = text.lines().count();
    let is_allowed = ALLOWED.iter().any(|(allowed, _)| *allowed == path);
    (is_source && lines > LIMIT && !is_allowed).then(|| {
        let what = format!(
            "{lines} lines, more than {LIMIT}; split it by what its parts know, or list it with a reason in \
             xtask/src/tidy/size.rs"
        );
        Finding::new(path, LIMIT + 1, "long-file", what)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_sources_are_found() {
        assert_eq!(check("a.rs", &"x\n".repeat(500)), None);
        assert_eq!(check("data.json", &"x\n".repeat(501)), None);
        let finding = check("a.rs", &"x\n".repeat(501)).unwrap().to_string();
        assert!(finding.starts_with("a.rs:501: long-file: 501 lines"), "{finding}");
    }

    #[test]
    fn exceptions_give_a_reason() {
        assert!(ALLOWED.iter().all(|(_, why)| why.len() > 20));
    }
}
