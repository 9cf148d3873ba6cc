//! Rules of this repository that the compiler does not know. Each finding says where, which rule, and what to do.
//!
//! In reading order: `files` (what is looked at), `layers` (who may use whom), `source` (text of the files), `size`, `links`.

mod files;
mod layers;
mod links;
mod size;
mod source;

use std::fmt;
use std::path::Path;

use crate::defects;

pub(crate) use files::{list as files, walked as files_below};

/// One broken rule.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Finding {
    /// Below the repository, with slashes.
    path: String,
    /// 1-based.
    line: usize,
    rule: &'static str,
    /// What is wrong; what to do.
    text: String,
}

impl Finding {
    fn new(path: &str, line: usize, rule: &'static str, text: impl Into<String>) -> Self {
        Self { path: path.to_owned(), line, rule, text: text.into() }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}: {}", self.path, self.line, self.rule, self.text)
    }
}

/// Looks at the whole repository and prints what it finds.
pub(crate) fn run(root: &Path) -> Result<(), String> {
    let mut findings = layers::check(root)?;
    let paths = files::list(root)?;
    for path in &paths {
        findings.extend(source::check_name(path));
        // What is not UTF-8 (compressed test data) has no lines to look at.
        let Ok(text) = std::fs::read_to_string(root.join(path)) else { continue };
        findings.extend(source::check(path, &text));
        findings.extend(size::check(path, &text));
        findings.extend(links::check(path, &text, &|target| root.join(target).exists()));
    }
    let stale = defects::stale(root)?.into_iter();
    findings.extend(stale.map(|(list, what)| Finding::new(&list, 1, "stale-defect", what)));
    findings.sort();
    for finding in &findings {
        println!("{finding}");
    }
    match findings.len() {
        0 => {
            println!("{} files, nothing to say", paths.len());
            Ok(())
        }
        1 => Err("1 finding".to_owned()),
        count => Err(format!("{count} findings")),
    }
}
