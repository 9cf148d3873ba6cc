//! Reads files of facts; their notation stands in `tests/data/crd_facts.txt`.

use std::collections::BTreeMap;

/// Facts about members by path: the type, and the flags in alphabetical order.
pub(crate) type Facts = BTreeMap<String, String>;

/// A file of facts: its sections by title, each a list of lines split into words.
pub(crate) struct File {
    sections: BTreeMap<&'static str, Vec<Vec<&'static str>>>,
}

impl File {
    pub(crate) fn parse(text: &'static str) -> Self {
        let mut sections: BTreeMap<&str, Vec<Vec<&str>>> = BTreeMap::new();
        let mut title = None;
        for line in text.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
            if let Some(found) = line.strip_prefix('[') {
                title = found.strip_suffix(']');
                assert!(!sections.contains_key(title.unwrap()), "{line} begins twice");
            }
            let section = sections.entry(title.expect("sections have titles")).or_default();
            if !line.starts_with('[') {
                section.push(line.split(' ').collect());
            }
        }
        Self { sections }
    }

    /// The titles of sections that are no shapes.
    pub(crate) fn kinds(&self) -> Vec<&'static str> {
        self.sections.keys().filter(|title| !title.starts_with("shape ")).copied().collect()
    }

    /// The titles of shapes.
    pub(crate) fn shapes(&self) -> Vec<&'static str> {
        self.sections.keys().filter_map(|title| title.strip_prefix("shape ")).collect()
    }

    /// The lines of a section that begin with `word`, without it.
    pub(crate) fn about(&self, title: &str, word: &str) -> Vec<String> {
        let lines = self.sections[title].iter().filter(|line| line[0] == word);
        lines.map(|line| line[1..].join(" ")).collect()
    }

    /// The members of a section, shapes written out.
    pub(crate) fn members(&self, title: &str) -> Facts {
        let mut facts = Facts::new();
        self.add(title, "", &mut facts);
        facts
    }

    fn add(&self, title: &str, prefix: &str, facts: &mut Facts) {
        let section = self.sections.get(title).unwrap_or_else(|| panic!("no section [{title}]"));
        for line in section.iter().filter(|line| !["names", "column", "subresource"].contains(&line[0])) {
            let [path, ty, flags @ ..] = line.as_slice() else { panic!("{line:?} has no type") };
            let path = format!("{prefix}{path}");
            let (flags, shape) = match flags {
                [flags @ .., "=", shape] => (flags, Some(shape)),
                flags => (flags, None),
            };
            if let Some(shape) = shape {
                let inner = ty.strip_suffix("object").expect("only objects have members");
                let step = inner.replace("[]", "[].").replace("{}", ".*.");
                let step = if step.is_empty() { "." } else { &step };
                self.add(&format!("shape {shape}"), &format!("{path}{step}"), facts);
            }
            let fact = fact(ty, flags.iter().map(|flag| (*flag).to_owned()));
            assert_eq!(facts.insert(path.clone(), fact), None, "{path} stands twice");
        }
    }
}

/// One fact as text.
pub(crate) fn fact(ty: &str, flags: impl Iterator<Item = String>) -> String {
    let mut flags: Vec<String> = flags.collect();
    flags.sort();
    flags.insert(0, ty.to_owned());
    flags.join(" ")
}
