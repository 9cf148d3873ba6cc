//! Views as lines of styled spans. Colours are names here; [`render`] turns them into escape codes or leaves them out.
//!
//! Modules in reading order: `age` (short ages), `icon` (status icons), `table` (columns), `rollout` (what `get rollout`
//! prints), `list` (what `list rollouts` prints), `traffic` (who serves requests, as a bar). For a terminal on which a view is redrawn in place: `row` (pieces of
//! lines, cut to a width), `fit` (a view in few rows), `screen` (frames over each other).

mod age;
mod fit;
mod icon;
mod list;
mod rollout;
mod row;
mod screen;
mod table;
mod traffic;

pub use age::{age, short_duration};
pub use fit::fit;
pub use icon::Icon;
pub use list::{ListColumns, ListRow, ListTable};
pub use rollout::rollout_lines;
pub use row::{Look, Piece, Row, cut, paint, row, squeeze, width, wrap};
pub use screen::{Screen, Size};
pub use traffic::{TrafficGroup, groups_by_image_tag, image_tag, shares, traffic_bar};

/// A line of a view, without its end.
pub type Line = Vec<Span>;

/// A piece of text in one style.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Span {
    /// The text, without line ends.
    pub text: String,
    /// How it looks.
    pub style: Style,
}

impl Span {
    /// A piece of text in a style.
    #[must_use]
    pub fn new(text: impl Into<String>, style: Style) -> Self {
        Self { text: text.into(), style }
    }

    /// Text that never carries escape codes.
    #[must_use]
    pub fn plain(text: impl Into<String>) -> Self {
        Self::new(text, Style::Plain)
    }

    /// Columns it takes: upstream counts every character as one.
    fn width(&self) -> usize {
        self.text.chars().count()
    }
}

/// How a piece of text looks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Style {
    /// No escape codes.
    #[default]
    Plain,
    /// No colour, but wrapped in `ESC[0m` where colours are on, as upstream does for icons and names without a colour.
    None,
    /// Good.
    Green,
    /// Bad.
    Red,
    /// On the way.
    BrightBlue,
    /// To be watched.
    Yellow,
}

impl Style {
    fn code(self) -> Option<u8> {
        match self {
            Self::Plain => None,
            Self::None => Some(0),
            Self::Green => Some(32),
            Self::Red => Some(31),
            Self::BrightBlue => Some(94),
            Self::Yellow => Some(33),
        }
    }
}

/// Whether escape codes are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Color {
    /// They are.
    On,
    /// Text only.
    Off,
}

/// The lines as text, each with a line end.
#[must_use]
pub fn render(lines: &[Line], color: Color) -> String {
    let mut text = String::new();
    for line in lines {
        for span in line {
            match span.style.code().filter(|_| color == Color::On) {
                Some(code) => text.push_str(&format!("\x1b[{code}m{}\x1b[0m", span.text)),
                None => text.push_str(&span.text),
            }
        }
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_only_where_asked_for() {
        let lines = [
            vec![Span::new("✔", Style::Green), Span::plain(" a")],
            vec![Span::new("•", Style::None)],
            vec![],
        ];
        assert_eq!(render(&lines, Color::Off), "✔ a\n•\n\n");
        assert_eq!(render(&lines, Color::On), "\x1b[32m✔\x1b[0m a\n\x1b[0m•\x1b[0m\n\n");
    }
}
