use std::io::IsTerminal;

use jiff::Timestamp;
use tidegate_ops::text::Color;

/// What the process runs in: the one value that is read from terminal and environment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Surroundings {
    /// Standard output is a terminal that understands escape codes: not a file, not a pipe, not `TERM=dumb`.
    pub has_screen: bool,
    /// `NO_COLOR` is set and not empty (<https://no-color.org>).
    pub no_color: bool,
    /// When the process began.
    pub began: Timestamp,
}

impl Surroundings {
    /// Those of this process.
    #[must_use]
    #[allow(clippy::disallowed_methods, reason = "the one place where the clock is read")]
    pub fn of_process() -> Self {
        let term = std::env::var_os("TERM");
        let is_dumb = term.map_or(cfg!(unix), |term| term.is_empty() || term == "dumb");
        Self {
            has_screen: std::io::stdout().is_terminal() && !is_dumb,
            no_color: std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty()),
            began: Timestamp::now(),
        }
    }

    /// Whether colours are written.
    pub(crate) fn color(self) -> Color {
        if self.has_screen && !self.no_color { Color::On } else { Color::Off }
    }
}

/// Columns and rows of a terminal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Size {
    pub(crate) width: usize,
    pub(crate) height: usize,
}

impl Size {
    /// That of a pipe.
    pub(crate) const ENDLESS: Self = Self { width: usize::MAX, height: usize::MAX };

    /// Of the terminal as it is now; 80x24 where it does not say.
    pub(crate) fn of_terminal() -> Self {
        match crossterm::terminal::size() {
            Ok((width, height)) if width > 0 && height > 0 => {
                Self { width: usize::from(width), height: usize::from(height) }
            }
            _ => Self { width: 80, height: 24 },
        }
    }
}
