//! The lists of defects: text files of records, one `member: value` a line, records apart by an empty line. A text to find may say
//! more than what is replaced, which then stands between `«` and `»`.

use std::collections::BTreeSet;
use std::fs;
use std::ops::Range;
use std::path::{Path, PathBuf};

/// Where the lists are of what worlds catch and nothing else notices.
pub(super) const PROVEN: &str = "defects";
/// Where those are of what nothing has noticed so far.
pub(super) const CANDIDATES: &str = "defects/candidates";
/// Begins each further line of a value.
const MORE: &str = "  | ";
/// What is noted of a broken promise is no longer than this.
const SHORT: usize = 110;

/// A mistake that somebody could make.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Defect {
    /// The list that it stands in, below the repository.
    pub(super) list: String,
    pub(super) name: String,
    /// What it breaks: an invariant, a timer, the guard of a write, or whatever else must hold.
    pub(super) breaks: String,
    /// The source, below the repository.
    pub(super) file: String,
    /// Stands there exactly once.
    pub(super) find: String,
    pub(super) replace: String,
    pub(super) shown: Option<Shown>,
}

/// The first world that shows a defect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Shown {
    pub(super) seed: u64,
    /// The promise that it breaks.
    pub(super) text: String,
}

impl Shown {
    /// `I2`, of `I2: ready pods fall ...`.
    pub(super) fn promise(&self) -> &str {
        self.text.split(':').next().unwrap_or_default()
    }
}

impl Defect {
    /// Where in its file the text is that is replaced.
    pub(super) fn place(&self, source: &str) -> Result<Range<usize>, String> {
        let wanted = self.find.replace(['«', '»'], "");
        let count = source.matches(&wanted).count();
        let (1, Some(at)) = (count, source.find(&wanted)) else {
            return Err(format!("its text is found {count} times in {}; it must be there once", self.file));
        };
        let (before, rest) = self.find.split_once('«').unwrap_or(("", &self.find));
        let (replaced, _) = rest.split_once('»').unwrap_or((rest, ""));
        let begin = at + before.len();
        Ok(begin..begin + replaced.len())
    }
}

/// All defects of a folder, list by list.
pub(super) fn read(root: &Path, folder: &str) -> Result<Vec<Defect>, String> {
    let mut defects = Vec::new();
    for path in lists(&root.join(folder))? {
        let text = fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?;
        let list = path.strip_prefix(root).unwrap_or(&path).display().to_string();
        defects.extend(parse(&list, &text)?);
    }
    let mut names = BTreeSet::new();
    match defects.iter().find(|defect| !names.insert(&defect.name)) {
        Some(twice) => Err(format!("{}: two defects are called {}", twice.list, twice.name)),
        None => Ok(defects),
    }
}

fn lists(folder: &Path) -> Result<Vec<PathBuf>, String> {
    let entries = fs::read_dir(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let mut paths: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "txt"));
    paths.sort();
    Ok(paths)
}

fn parse(list: &str, text: &str) -> Result<Vec<Defect>, String> {
    let mut defects = Vec::new();
    let mut members: Vec<(String, String)> = Vec::new();
    for (number, line) in text.lines().chain([""]).enumerate() {
        let wrong = |what: &str| format!("{list}:{}: {what}", number + 1);
        if line.starts_with('#') {
            continue;
        } else if line.is_empty() {
            if !members.is_empty() {
                let defect = defect(list, std::mem::take(&mut members)).map_err(|what| wrong(&what))?;
                defects.push(defect);
            }
        } else if let Some(more) = line.strip_prefix(MORE) {
            let (_, value) = members.last_mut().ok_or_else(|| wrong("there is nothing to go on with"))?;
            *value = format!("{value}\n{more}");
        } else {
            let (member, value) =
                line.split_once(':').ok_or_else(|| wrong("not of the form `member: value`"))?;
            members.push((member.to_owned(), value.strip_prefix(' ').unwrap_or(value).to_owned()));
        }
    }
    Ok(defects)
}

fn defect(list: &str, members: Vec<(String, String)>) -> Result<Defect, String> {
    let mut defect = Defect { list: list.to_owned(), ..Defect::default() };
    for (member, value) in members {
        match member.as_str() {
            "defect" => defect.name = value,
            "breaks" => defect.breaks = value,
            "file" => defect.file = value,
            "find" => defect.find = value,
            "replace" => defect.replace = value,
            "shown" => defect.shown = Some(shown(&value).ok_or("`shown` is a seed and a text")?),
            _ => return Err(format!("no member is called `{member}`")),
        }
    }
    let required = [&defect.name, &defect.breaks, &defect.file, &defect.find];
    if required.iter().any(|value| value.is_empty()) {
        return Err(format!("defect `{}` lacks a member", defect.name));
    }
    Ok(defect)
}

fn shown(value: &str) -> Option<Shown> {
    let (seed, text) = value.strip_prefix("seed ")?.split_once(", ")?;
    Some(Shown { seed: seed.parse().ok()?, text: text.to_owned() })
}

/// The beginning of what was broken.
pub(super) fn shortened(text: &str) -> String {
    let short: String = text.chars().take(SHORT).collect();
    short.trim_end().to_owned()
}

/// Notes in its list which world shows a defect.
pub(super) fn note(root: &Path, defect: &Defect, shown: &Shown) -> Result<(), String> {
    let path = root.join(&defect.list);
    let failed = |error: std::io::Error| format!("{}: {error}", path.display());
    let text = fs::read_to_string(&path).map_err(failed)?;
    let text = noted(&text, &defect.name, shown);
    fs::write(&path, text).map_err(failed)
}

fn noted(text: &str, name: &str, Shown { seed, text: broken }: &Shown) -> String {
    let begins = format!("defect: {name}");
    let mut inside = false;
    let mut result = String::new();
    for line in text.lines().chain([""]) {
        inside |= line == begins;
        if inside && line.starts_with("shown:") {
            continue;
        }
        if inside && line.is_empty() {
            result += &format!("shown: seed {seed}, {}\n", shortened(broken));
            inside = false;
        }
        result += &format!("{line}\n");
    }
    format!("{}\n", result.trim_end())
}

/// Defects whose text is not where they say, or not once: (list, what is wrong).
pub(crate) fn stale(root: &Path) -> Result<Vec<(String, String)>, String> {
    let mut found = Vec::new();
    for folder in [PROVEN, CANDIDATES] {
        for defect in read(root, folder)? {
            let source = fs::read_to_string(root.join(&defect.file)).unwrap_or_default();
            let what = match defect.place(&source) {
                Ok(_) if folder == CANDIDATES || defect.shown.is_some() => continue,
                Ok(_) => "does not say which world shows it; play it with --note".to_owned(),
                Err(what) => what,
            };
            found.push((defect.list, format!("defect {}: {what}", defect.name)));
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIST: &str = "# Why.\n\ndefect: a\nbreaks: I1\nfile: x.rs\nfind: one\n  |   two\nreplace:\n\ndefect: b\nbreaks: I2\nfile: y.rs\nfind: f(x)\nreplace: g: h\nshown: seed 7, I2: gone\n";

    #[test]
    fn records_are_read() {
        let defects = parse("d.txt", LIST).unwrap();
        assert_eq!(defects.len(), 2);
        assert_eq!((defects[0].find.as_str(), defects[0].replace.as_str()), ("one\n  two", ""));
        assert_eq!(defects[1].shown, Some(Shown { seed: 7, text: "I2: gone".to_owned() }));
        assert_eq!(defects[1].replace, "g: h");
        let error = parse("d.txt", "defect: a\nfnd: x\n").unwrap_err();
        assert_eq!(error, "d.txt:3: no member is called `fnd`");
        assert_eq!(parse("d.txt", "defect: a\n").unwrap_err(), "d.txt:2: defect `a` lacks a member");
    }

    #[test]
    fn a_text_may_say_more_than_what_is_replaced() {
        let defect = |find: &str| Defect { find: find.to_owned(), file: "x.rs".into(), ..Defect::default() };
        assert_eq!(defect("b").place("a b c"), Ok(2..3));
        assert_eq!(defect("a «b»").place("c b a b"), Ok(6..7));
        let error = defect("«b» c").place("b cb c").unwrap_err();
        assert_eq!(error, "its text is found 2 times in x.rs; it must be there once");
    }

    #[test]
    fn a_note_takes_the_place_of_the_one_before() {
        let shown = Shown { seed: 9, text: "end: ".to_owned() + &"x".repeat(200) };
        let text = noted(&noted(LIST, "a", &shown), "b", &shown);
        let defects = parse("d.txt", &text).unwrap();
        for defect in &defects {
            let noted = defect.shown.as_ref().unwrap();
            assert_eq!((noted.seed, noted.text.len()), (9, SHORT), "{text}");
        }
        assert_eq!(text.matches("shown:").count(), 2);
    }

    #[test]
    fn the_lists_of_this_repository_can_be_read() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let defects = read(&root, PROVEN).unwrap();
        assert!(!defects.is_empty() && defects.iter().all(|defect| defect.shown.is_some()));
        assert!(read(&root, CANDIDATES).is_ok());
        let broken: BTreeSet<&str> = defects.iter().flat_map(|defect| defect.breaks.split(", ")).collect();
        let invariants = (1..=10).map(|number| format!("I{number}"));
        let timers = ["PauseEnds", "ProgressDeadline", "LookAgain", "CountersDue", "ScaleDownDelayEnds"];
        let timers =
            timers.iter().chain(&["RestartDue", "RestartGoesOn"]).map(|name| format!("timer {name}"));
        let guards = ["sizes", "status", "Services", "owners", "metadata", "roles", "workloads", "eviction"];
        let guards =
            guards.iter().chain(&["deletion", "the default size"]).map(|of| format!("guard of {of}"));
        let all = invariants.chain(timers).chain(guards);
        let missing: Vec<String> = all.filter(|it| !broken.contains(it.as_str())).collect();
        assert!(missing.is_empty(), "no defect is proven for {missing:?}");
    }
}
