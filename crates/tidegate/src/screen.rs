//! A terminal on which rows are drawn in place.

use std::io::{self, Write};

use tidegate_ops::text::Color;

use crate::surroundings::Size;
use crate::text::{Row, cut, paint, width};

const BEGIN_UPDATE: &str = "\x1b[?2026h";
const END_UPDATE: &str = "\x1b[?2026l";
const HOME: &str = "\x1b[H";
const CLEAR_TO_END_OF_LINE: &str = "\x1b[K";
const CLEAR_BELOW: &str = "\x1b[J";

/// Draws whole frames over each other, without clearing in between. The cursor stays visible, below the frame: whatever ends
/// the process, the terminal is as it was.
pub(crate) struct Screen<W> {
    out: W,
    color: Color,
    shown: Option<(Size, Vec<Row>)>,
}

impl<W: Write> Screen<W> {
    pub(crate) fn new(out: W, color: Color) -> Self {
        Self { out, color, shown: None }
    }

    pub(crate) fn color(&self) -> Color {
        self.color
    }

    /// Shows these rows and nothing else; what does not fit the terminal is cut.
    pub(crate) fn draw(&mut self, rows: Vec<Row>, size: Size) -> io::Result<()> {
        if self.shown.as_ref().is_some_and(|shown| *shown == (size, rows.clone())) {
            return Ok(());
        }
        if self.shown.is_none() {
            // What stood on the screen moves up, out of sight, and stays readable.
            self.out.write_all("\n".repeat(size.height).as_bytes())?;
        }
        self.out.write_all(frame(&rows, size, self.color).as_bytes())?;
        self.out.flush()?;
        self.shown = Some((size, rows));
        Ok(())
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
        let mut out = Vec::new();
        let mut screen = Screen::new(&mut out, Color::Off);
        let size = Size { width: 10, height: 4 };
        screen.draw(rows(&["a"]), size).unwrap();
        screen.draw(rows(&["a"]), size).unwrap();
        assert_eq!(String::from_utf8(out).unwrap(), "\n\n\n\n\x1b[?2026h\x1b[Ha\x1b[K\r\n\x1b[J\x1b[?2026l");
    }
}
