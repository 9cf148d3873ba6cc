use super::{Color, Row, cut, paint, width};

const BEGIN_UPDATE: &str = "\x1b[?2026h";
const END_UPDATE: &str = "\x1b[?2026l";
const HOME: &str = "\x1b[H";
const CLEAR_TO_END_OF_LINE: &str = "\x1b[K";
const CLEAR_BELOW: &str = "\x1b[J";

/// Columns and rows of a terminal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size {
    /// Columns.
    pub width: usize,
    /// Rows.
    pub height: usize,
}

impl Size {
    /// That of a pipe.
    pub const ENDLESS: Self = Self { width: usize::MAX, height: usize::MAX };
}

/// What a terminal shows while whole frames are drawn over each other, without clearing in between. The cursor stays visible,
/// below the frame: whatever ends the process, the terminal is as it was.
#[derive(Clone, Debug)]
pub struct Screen {
    color: Color,
    shown: Option<(Size, Vec<Row>)>,
}

impl Screen {
    /// One on which nothing was drawn yet.
    #[must_use]
    pub fn new(color: Color) -> Self {
        Self { color, shown: None }
    }

    /// Whether it shows colours.
    #[must_use]
    pub fn color(&self) -> Color {
        self.color
    }

    /// What must be written, at once, to show these rows and nothing else; what does not fit the terminal is cut. `None`: they
    /// are shown already.
    #[must_use]
    pub fn draw(&mut self, rows: Vec<Row>, size: Size) -> Option<String> {
        if self.shown.as_ref().is_some_and(|(known, shown)| *known == size && *shown == rows) {
            return None;
        }
        // What stood on the screen moves up, out of sight, and stays readable.
        let above = if self.shown.is_none() { "\n".repeat(size.height) } else { String::new() };
        let text = above + &frame(&rows, size, self.color);
        self.shown = Some((size, rows));
        Some(text)
    }
}

/// One frame as one write. The last row of the terminal is left to the cursor: a line end there would scroll.
fn frame(rows: &[Row], size: Size, color: Color) -> String {
    let mut text = [BEGIN_UPDATE, HOME].concat();
    for row in rows.iter().take(size.height.saturating_sub(1)) {
        let row = cut(row, size.width);
        text.push_str(&paint(&row, color));
        // Behind a full row the cursor still stands on its last character, which clearing would take away.
        if width(&row) < size.width {
            text.push_str(CLEAR_TO_END_OF_LINE);
        }
        text.push_str("\r\n");
    }
    text + CLEAR_BELOW + END_UPDATE
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::Piece;

    fn rows(texts: &[&str]) -> Vec<Row> {
        texts.iter().map(|text| vec![Piece::bold(*text)]).collect()
    }

    #[test]
    fn a_frame_never_scrolls_and_never_wraps() {
        let text = frame(&rows(&["abcd", "abc", "x"]), Size { width: 3, height: 3 }, Color::Off);
        assert_eq!(text, "\x1b[?2026h\x1b[Hab…\r\nabc\r\n\x1b[J\x1b[?2026l");
        let text = frame(&rows(&["ab"]), Size { width: 3, height: 3 }, Color::On);
        assert_eq!(text, "\x1b[?2026h\x1b[H\x1b[1mab\x1b[0m\x1b[K\r\n\x1b[J\x1b[?2026l");
    }

    #[test]
    fn what_is_shown_is_not_drawn_again() {
        let mut screen = Screen::new(Color::Off);
        let size = Size { width: 10, height: 4 };
        let first = screen.draw(rows(&["a"]), size).unwrap();
        assert_eq!(first, "\n\n\n\n\x1b[?2026h\x1b[Ha\x1b[K\r\n\x1b[J\x1b[?2026l");
        assert_eq!(screen.draw(rows(&["a"]), size), None);
        let resized = screen.draw(rows(&["a"]), Size { width: 9, height: 3 }).unwrap();
        assert_eq!(resized, "\x1b[?2026h\x1b[Ha\x1b[K\r\n\x1b[J\x1b[?2026l");
    }
}
