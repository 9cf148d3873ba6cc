use std::io::IsTerminal;

use tidegate_ops::text::{Color, Size};

/// What the process runs in: the one value that is read from terminal and environment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Surroundings {
    /// Standard output is a terminal that understands escape codes: not a file, not a pipe, not `TERM=dumb`.
    pub has_screen: bool,
    /// `NO_COLOR` is set and not empty (<https://no-color.org>).
    pub no_color: bool,
}

impl Surroundings {
    /// Those of this process.
    #[must_use]
    pub fn of_process() -> Self {
        let term = std::env::var_os("TERM");
        let is_dumb = term.map_or(cfg!(unix), |term| term.is_empty() || term == "dumb");
        Self {
            has_screen: std::io::stdout().is_terminal() && !is_dumb,
            no_color: std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty()),
        }
    }

    /// Whether colours are written.
    pub(crate) fn color(self) -> Color {
        if self.has_screen && !self.no_color { Color::On } else { Color::Off }
    }
}

/// Size of the terminal as it is now; 80x24 where it does not say.
pub(crate) fn terminal_size() -> Size {
    match crossterm::terminal::size() {
        Ok((width, height)) if width > 0 && height > 0 => {
            Size { width: usize::from(width), height: usize::from(height) }
        }
        _ => Size { width: 80, height: 24 },
    }
}
