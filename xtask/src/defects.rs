//! `cargo xtask defects`: mistakes that people make, put into a copy of the sources one at a time, to see what notices them.
//!
//! The lists in `defects/` say what is replaced by what. Unit and scenario tests let each defect pass, and the simulated worlds catch
//! it: that shows what only simulation finds, and that it does find it. Those in `defects/candidates/` nothing has noticed so far: each
//! is a change that does no harm, or a hole in the checks. One build serves all defects, because each is switched on
//! at run time by the environment variable `TIDEGATE_DEFECT`. In reading order: `list` (what there is), `tree` (the copy),
//! `programs` (built once and run), this module (played, told as a table).

mod list;
mod programs;
mod tree;

use std::ops::Range;
use std::path::Path;

use list::{Defect, Shown};
use programs::{Outcome, Programs};

pub(crate) use list::stale;

/// Worlds that are played for a defect unless told otherwise.
const SEEDS: u64 = 1_000;
/// Worlds without a defect that must pass first.
const WITHOUT: u64 = 20;

/// What shall be played.
struct Wanted<'a> {
    names: Vec<&'a str>,
    seeds: u64,
    /// Only the world that is noted for each.
    is_recorded: bool,
    /// What is found is noted.
    notes: bool,
    /// Those that nothing has noticed so far.
    candidates: bool,
}

impl<'a> Wanted<'a> {
    fn read(args: &[&'a str]) -> Result<Self, String> {
        let mut wanted =
            Self { names: Vec::new(), seeds: SEEDS, is_recorded: false, notes: false, candidates: false };
        let mut args = args.iter();
        while let Some(arg) = args.next() {
            match *arg {
                "--recorded" => wanted.is_recorded = true,
                "--note" => wanted.notes = true,
                "--candidates" => wanted.candidates = true,
                "--seeds" => {
                    let count = args.next().and_then(|text| text.parse().ok());
                    wanted.seeds = count.ok_or("--seeds takes a number")?;
                }
                flag if flag.starts_with('-') => return Err(format!("no such flag: {flag}")),
                name => wanted.names.push(name),
            }
        }
        Ok(wanted)
    }

    fn of<'d>(&self, defects: &'d [Defect]) -> Result<Vec<&'d Defect>, String> {
        if let Some(name) = self.names.iter().find(|name| !defects.iter().any(|it| it.name == **name)) {
            return Err(format!("no defect is called {name}"));
        }
        let is_wanted = |defect: &&Defect| self.names.is_empty() || self.names.contains(&&*defect.name);
        Ok(defects.iter().filter(is_wanted).collect())
    }
}

/// What has come of one defect.
struct Row<'d> {
    defect: &'d Defect,
    /// The test that is not one of worlds and fails; `None`: all pass.
    noticed_by: Option<String>,
    /// The world that shows it, and what it breaks.
    shown: Option<Shown>,
}

impl Row<'_> {
    /// `is_recorded`: the promise that is noted for it must be the one that is broken.
    fn is_as_promised(&self, is_recorded: bool) -> bool {
        let noted = self.defect.shown.as_ref().map(Shown::promise);
        let shown = self.shown.as_ref().map(Shown::promise);
        self.noticed_by.is_none() && shown.is_some() && (!is_recorded || shown == noted)
    }
}

/// Plays the defects and prints a table. Fails where one is not caught, or is noticed by other tests.
pub(crate) fn run(root: &Path, args: &[&str]) -> Result<(), String> {
    let wanted = Wanted::read(args)?;
    let defects = list::read(root, if wanted.candidates { list::CANDIDATES } else { list::PROVEN })?;
    let chosen = wanted.of(&defects)?;
    let tree = tree::make(root, &defects)?;
    let programs = Programs::build(root, &tree)?;
    without(&programs, 0..WITHOUT)?;
    let mut rows = Vec::new();
    for defect in chosen {
        let row = play(&programs, defect, &wanted)?;
        print!("{}", line(&row));
        if wanted.notes
            && let Some(shown) = &row.shown
        {
            list::note(root, defect, shown)?;
        }
        rows.push(row);
    }
    let is_missed = |row: &&Row<'_>| !row.is_as_promised(wanted.is_recorded);
    let missed: Vec<&str> = rows.iter().filter(is_missed).map(|row| row.defect.name.as_str()).collect();
    let how = if wanted.is_recorded { "shown again by their worlds" } else { "caught by simulation alone" };
    println!("{} defects, {} of them {how}", rows.len(), rows.len() - missed.len());
    if missed.is_empty() { Ok(()) } else { Err(format!("not so: {}", missed.join(", "))) }
}

/// Worlds that break a promise by themselves show no defect.
fn without(programs: &Programs, seeds: Range<u64>) -> Result<(), String> {
    match programs.worlds(None, seeds)? {
        Outcome::Broken { seed, text } => Err(format!("world {seed} breaks {text} without any defect")),
        Outcome::Passed => Ok(()),
    }
}

fn play<'d>(programs: &Programs, defect: &'d Defect, wanted: &Wanted<'_>) -> Result<Row<'d>, String> {
    let row = |noticed_by, shown| Row { defect, noticed_by, shown };
    let seeds = match (&defect.shown, wanted.is_recorded) {
        (Some(shown), true) => shown.seed..shown.seed + 1,
        (None, true) => return Ok(row(None, None)),
        (_, false) => 0..wanted.seeds,
    };
    // The quick ones first: what they notice is not worth the rest, and neither is what nothing catches.
    let is_noticed = if wanted.is_recorded { None } else { programs.units(&defect.name)? };
    if is_noticed.is_some() {
        return Ok(row(is_noticed, None));
    }
    let shown = match programs.worlds(Some(&defect.name), seeds)? {
        Outcome::Broken { seed, text } => {
            without(programs, seed..seed + 1)?;
            Some(Shown { seed, text })
        }
        Outcome::Passed => None,
    };
    let is_over = wanted.is_recorded || shown.is_none();
    let noticed_by = if is_over { None } else { programs.tests(&defect.name)? };
    Ok(row(noticed_by, shown))
}

fn line(Row { defect, noticed_by, shown }: &Row<'_>) -> String {
    let caught = match shown {
        Some(Shown { seed, text }) => format!("seed {seed:>4}  {}", list::shortened(text)),
        None if noticed_by.is_some() => "not played".to_owned(),
        None => "NOT CAUGHT".to_owned(),
    };
    let others = noticed_by.as_ref().map(|test| format!("  NOTICED BY {test}")).unwrap_or_default();
    format!("{:<34} {:<26} {caught}{others}\n", defect.name, defect.breaks)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_and_names_may_be_mixed() {
        let wanted = Wanted::read(&["a", "--seeds", "7", "--recorded", "b"]).unwrap();
        assert_eq!((wanted.names, wanted.seeds, wanted.is_recorded), (vec!["a", "b"], 7, true));
        assert_eq!(Wanted::read(&["--seeds", "x"]).err().unwrap(), "--seeds takes a number");
        assert_eq!(Wanted::read(&["--fast"]).err().unwrap(), "no such flag: --fast");
    }

    #[test]
    fn a_recorded_world_must_break_the_promise_that_is_noted() {
        let shown = |text: &str| Some(Shown { seed: 1, text: text.to_owned() });
        let defect = Defect { shown: shown("I2: ready pods fall"), ..Defect::default() };
        let row = |text: Option<&str>| Row { defect: &defect, noticed_by: None, shown: text.and_then(shown) };
        let is_good = |text, is_recorded| row(text).is_as_promised(is_recorded);
        assert!(is_good(Some("I2: another text"), true) && is_good(Some("I5: 83 writes"), false));
        assert!(!is_good(Some("I5: 83 writes"), true) && !is_good(None, true) && !is_good(None, false));
        let noticed = Row { noticed_by: Some("scenarios: x".to_owned()), ..row(Some("I2: x")) };
        assert!(!noticed.is_as_promised(false));
    }

    #[test]
    fn an_unknown_name_is_told() {
        let wanted = Wanted::read(&["nothing-of-that-name"]).unwrap();
        assert_eq!(wanted.of(&[]).err().unwrap(), "no defect is called nothing-of-that-name");
    }
}
