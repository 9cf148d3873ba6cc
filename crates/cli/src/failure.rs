use std::io;

use tidegate_ops::OpError;

/// Why a command did not end well.
#[derive(Debug)]
pub(crate) enum Failure {
    /// Names are missing, or too many: the command's usage is the answer.
    Usage,
    /// What the user is told.
    Problem(Problem),
    /// The output cannot be written.
    Output(io::Error),
}

/// One line of what went wrong, perhaps one of what to do about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Problem {
    /// What, on which object, and why.
    pub(crate) text: String,
    /// What to do next.
    pub(crate) hint: Option<String>,
    /// A line that upstream has there, as it is.
    pub(crate) after: Option<String>,
    /// The exit code.
    pub(crate) code: u8,
}

/// The exit code of all errors.
pub(crate) const FAILED: u8 = 1;
/// The exit code of a command that the user interrupted.
pub(crate) const INTERRUPTED: u8 = 130;

impl Problem {
    pub(crate) fn new(text: impl Into<String>) -> Self {
        Self { text: text.into(), hint: None, after: None, code: FAILED }
    }

    pub(crate) fn hint(self, hint: impl Into<String>) -> Self {
        Self { hint: Some(hint.into()), ..self }
    }
}

impl From<Problem> for Failure {
    fn from(problem: Problem) -> Self {
        Self::Problem(problem)
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::Output(error)
    }
}

impl From<OpError> for Failure {
    fn from(error: OpError) -> Self {
        Self::Problem(Problem { hint: error.hint(), ..Problem::new(error.to_string()) })
    }
}
