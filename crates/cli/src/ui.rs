use std::io::{self, Write};

use jiff::Timestamp;
use tidegate_ops::text::{Color, Line, Size, render};

use crate::failure::Problem;
use crate::flags::LogLevel;
use crate::surroundings::Surroundings;

/// Where a command writes to.
pub(crate) struct Ui<'a> {
    out: &'a mut dyn Write,
    err: &'a mut dyn Write,
    surroundings: &'a Surroundings,
    /// Least important notes that are shown.
    level: LogLevel,
}

impl<'a> Ui<'a> {
    pub(crate) fn new(
        out: &'a mut dyn Write,
        err: &'a mut dyn Write,
        surroundings: &'a Surroundings,
        level: LogLevel,
    ) -> Self {
        Self { out, err, surroundings, level }
    }

    pub(crate) fn set_level(&mut self, level: LogLevel) {
        self.level = level;
    }

    pub(crate) fn surroundings(&self) -> &'a Surroundings {
        self.surroundings
    }

    /// The local clock.
    pub(crate) fn now(&self) -> Timestamp {
        (self.surroundings.now)()
    }

    pub(crate) fn size(&self) -> Size {
        (self.surroundings.size)()
    }

    /// A line of the result.
    pub(crate) fn line(&mut self, text: &str) -> io::Result<()> {
        self.write(&format!("{text}\n"))
    }

    /// Lines of a view.
    pub(crate) fn lines(&mut self, lines: &[Line], color: Color) -> io::Result<()> {
        self.write(&render(lines, color))
    }

    /// Text as it is, seen at once.
    pub(crate) fn write(&mut self, text: &str) -> io::Result<()> {
        self.out.write_all(text.as_bytes())?;
        self.out.flush()
    }

    /// A line for people, apart from the result.
    pub(crate) fn note(&mut self, text: &str) {
        // Nobody is left to be told if this fails.
        let _ = writeln!(self.err, "{text}");
    }

    /// Something that went wrong and does not end the command.
    pub(crate) fn warn(&mut self, text: &str) {
        if self.level >= LogLevel::Warning {
            self.note(&format!("warning: {text}"));
        }
    }

    /// Text as it is, apart from the result.
    pub(crate) fn complain(&mut self, text: &str) {
        let _ = self.err.write_all(text.as_bytes());
    }

    /// What ends the command, in one line, and what to do about it in another.
    pub(crate) fn tell(&mut self, problem: &Problem) {
        self.note(&format!("Error: {}", one_line(&problem.text)));
        if let Some(line) = &problem.after {
            self.note(line);
        }
        if let Some(hint) = &problem.hint {
            self.note(&format!("hint: {}", one_line(hint)));
        }
    }
}

/// Texts come from servers too; whatever they hold, they are one line, and no escape code reaches the terminal.
fn one_line(text: &str) -> String {
    let lines: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    lines.join(" ").chars().map(|character| if character.is_control() { ' ' } else { character }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_of_others_stay_in_one_line() {
        assert_eq!(one_line("a\n  b\r\n\nc"), "a b c");
        assert_eq!(one_line("a\x1b[31mb\tc"), "a [31mb c");
    }
}
