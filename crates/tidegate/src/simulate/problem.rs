//! What is wrong with the input, said as compilers say it.

use std::fmt;

use tidegate_sim::manifest::Place;

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Problem {
    pub(super) at: Where,
    /// What is wrong; a lowercase fragment.
    pub(super) text: String,
    /// What to do about it.
    pub(super) hint: Option<String>,
}

/// Where it is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Where {
    /// In the input as a whole.
    Input,
    /// In a file.
    File(String),
    /// In a line.
    Line(String, usize),
    /// At a character.
    Character(String, Place),
}

impl Problem {
    pub(super) fn new(at: Where, text: impl Into<String>) -> Self {
        Self { at, text: text.into(), hint: None }
    }

    pub(super) fn hint(self, hint: impl Into<String>) -> Self {
        Self { hint: Some(hint.into()), ..self }
    }

    fn order(&self, files: &[String]) -> (usize, usize, usize) {
        let rank = |file: &String| files.iter().position(|known| known == file).unwrap_or(files.len());
        match &self.at {
            Where::Input => (usize::MAX, 0, 0),
            Where::File(file) => (rank(file), 0, 0),
            Where::Line(file, line) => (rank(file), *line, 0),
            Where::Character(file, place) => (rank(file), place.line, place.column),
        }
    }
}

impl fmt::Display for Where {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Input => Ok(()),
            Self::File(file) => write!(f, "{file}: "),
            Self::Line(file, line) => write!(f, "{file}:{line}: "),
            Self::Character(file, place) => write!(f, "{file}:{}:{}: ", place.line, place.column),
        }
    }
}

/// All problems as text for standard error, in the order of files and lines, each hint once.
pub(super) fn report(mut problems: Vec<Problem>, files: &[String]) -> String {
    problems.sort_by_key(|problem| problem.order(files));
    problems.dedup();
    let mut text = String::new();
    let mut hints: Vec<&String> = Vec::new();
    for problem in &problems {
        text.push_str(&format!("error: {}{}\n", problem.at, problem.text));
        hints.extend(problem.hint.iter().filter(|hint| !hints.contains(hint)).collect::<Vec<_>>());
    }
    for hint in hints {
        text.push_str(&format!("hint: {hint}\n"));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn problems_stand_in_the_order_of_the_files() {
        let line = |file: &str, line| Where::Line(file.to_owned(), line);
        let place = Place { line: 2, column: 7 };
        let problems = vec![
            Problem::new(line("b", 1), "four"),
            Problem::new(line("a", 20), "three").hint("do"),
            Problem::new(Where::Character("a".to_owned(), place), "two").hint("do"),
            Problem::new(Where::File("a".to_owned()), "one"),
            Problem::new(Where::Input, "five"),
            Problem::new(line("b", 1), "four"),
        ];
        let files = ["a".to_owned(), "b".to_owned()];
        let expected =
            "error: a: one\nerror: a:2:7: two\nerror: a:20: three\nerror: b:1: four\nerror: five\nhint: do\n";
        assert_eq!(report(problems, &files), expected);
    }
}
