//! Relative links in Markdown lead somewhere.

use super::Finding;

/// Findings about one file; `exists` is asked for paths below the repository.
pub(super) fn check(path: &str, text: &str, exists: &dyn Fn(&str) -> bool) -> Vec<Finding> {
    if !path.ends_with(".md") {
        return Vec::new();
    }
    let mut findings = Vec::new();
    let mut in_code = false;
    for (number, line) in text.lines().enumerate() {
        let is_fence = line.trim_start().starts_with("```");
        in_code ^= is_fence;
        if in_code || is_fence {
            continue;
        }
        for target in targets(line) {
            let leads = resolve(path, &target).is_none_or(|target| exists(&target));
            if !leads {
                let what = format!("`{target}` does not exist; correct the link, relative to this file");
                findings.push(Finding::new(path, number + 1, "dead-link", what));
            }
        }
    }
    findings
}

/// What a line links to: `[text](target)` and `[label]: target`, outside of `code`.
fn targets(line: &str) -> Vec<String> {
    let plain: String = line.split('`').step_by(2).collect::<Vec<_>>().join("code");
    let mut found: Vec<&str> = Vec::new();
    for (at, _) in plain.match_indices("](") {
        let rest = &plain[at + 2..];
        found.extend(rest.split_once(')').map(|(target, _)| target));
    }
    if plain.starts_with('[') && !plain.starts_with("[^") {
        found.extend(plain.split_once("]: ").map(|(_, target)| target));
    }
    // A title may follow the target.
    found.iter().filter_map(|target| target.split_whitespace().next()).map(str::to_owned).collect()
}

/// The path below the repository that a link in `from` means; `None`: it leads elsewhere, or stays on the page.
fn resolve(from: &str, target: &str) -> Option<String> {
    let target = target.trim_matches(['<', '>']);
    let (target, _) = target.split_once('#').unwrap_or((target, ""));
    if target.is_empty() || target.contains("://") || target.starts_with("mailto:") {
        return None;
    }
    let mut parts: Vec<&str> = from.split('/').collect();
    parts.pop();
    for part in target.split('/') {
        match part {
            "" | "." => {}
            ".." if parts.is_empty() => parts.push(".."),
            ".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    Some(parts.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn dead(path: &str, text: &str) -> Vec<String> {
        let exists = |target: &str| ["README.md", "docs/a.md", "docs"].contains(&target);
        check(path, text, &exists).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn dead_links_are_found() {
        assert_eq!(
            dead("docs/a.md", "fine\n[x](b.md) and [y](../README.md)\n"),
            ["docs/a.md:2: dead-link: `b.md` does not exist; correct the link, relative to this file"]
        );
        assert_eq!(dead("README.md", "[x](../out.md)").len(), 1);
        assert_eq!(dead("README.md", "[x]: gone.md").len(), 1);
        assert_eq!(dead("README.md", "![i](gone.png \"title\") [x](docs/gone.md#part)").len(), 2);
    }

    #[test]
    fn links_that_lead_somewhere_or_out_pass() {
        let text =
            "[a](docs/a.md#part) [b](#here) [c](https://example.org/x) [d](docs/) [e](mailto:a@example.org)";
        assert_eq!(dead("README.md", text), Vec::<String>::new());
        assert_eq!(dead("README.md", "`[x](gone.md)`\n```\n[x](gone.md)\n```\n"), Vec::<String>::new());
        assert_eq!(dead("a.txt", "[x](gone.md)"), Vec::<String>::new());
    }
}
