use super::{Color, Line, Span, Style};

/// A line on a terminal, without its end, in pieces of one look each. A piece is cut before it becomes escape codes, so that
/// no code is ever cut.
pub type Row = Vec<Piece>;

/// A piece of text in one look.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Piece {
    text: String,
    look: Look,
}

/// How a piece looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Look {
    /// As the views of a Rollout have it.
    Of(Style),
    /// What the reader should see first.
    Bold,
    /// What the reader may skip.
    Dim,
}

impl Look {
    fn code(self) -> Option<u8> {
        match self {
            Self::Of(Style::Plain | Style::None) => None,
            Self::Of(Style::Green) => Some(32),
            Self::Of(Style::Red) => Some(31),
            Self::Of(Style::BrightBlue) => Some(94),
            Self::Of(Style::Yellow) => Some(33),
            Self::Bold => Some(1),
            Self::Dim => Some(2),
        }
    }
}

impl Piece {
    /// A piece of text.
    #[must_use]
    pub fn new(text: impl Into<String>, look: Look) -> Self {
        Self { text: text.into(), look }
    }

    /// A piece that looks like nothing special.
    #[must_use]
    pub fn plain(text: impl Into<String>) -> Self {
        Self::new(text, Look::Of(Style::Plain))
    }

    /// A piece that the reader should see first.
    #[must_use]
    pub fn bold(text: impl Into<String>) -> Self {
        Self::new(text, Look::Bold)
    }

    /// A piece that the reader may skip.
    #[must_use]
    pub fn dim(text: impl Into<String>) -> Self {
        Self::new(text, Look::Dim)
    }

    fn width(&self) -> usize {
        self.text.chars().count()
    }
}

impl From<Span> for Piece {
    fn from(span: Span) -> Self {
        Self::new(span.text, Look::Of(span.style))
    }
}

/// The line of a view, as a row.
#[must_use]
pub fn row(line: Line) -> Row {
    line.into_iter().map(Piece::from).collect()
}

/// Columns that a row takes: every character is one, as upstream counts.
#[must_use]
pub fn width(row: &[Piece]) -> usize {
    row.iter().map(Piece::width).sum()
}

/// The row in at most `columns` columns; `…` stands for what does not fit. Blanks at the end need no room.
#[must_use]
pub fn cut(row: &[Piece], columns: usize) -> Row {
    let mut row = trimmed(row);
    if width(&row) <= columns {
        return row;
    }
    let mut left = columns.saturating_sub(1);
    row.retain_mut(|piece| {
        let kept = piece.width().min(left);
        piece.text = piece.text.chars().take(kept).collect();
        left -= kept;
        kept > 0
    });
    if columns > 0 {
        row.push(Piece::plain("…"));
    }
    row
}

/// Takes blanks from between the columns of a table that is too wide for `columns`, down to one.
pub fn squeeze(table: &mut [Row], columns: usize) {
    loop {
        let texts: Vec<Vec<char>> = table.iter().map(|row| characters(&trimmed(row))).collect();
        let widest = texts.iter().map(Vec::len).max().unwrap_or(0);
        if widest <= columns {
            return;
        }
        let is_blank =
            |text: &Vec<char>, index: usize| text.get(index).is_none_or(|character| *character == ' ');
        let is_gap =
            |index: &usize| texts.iter().all(|text| is_blank(text, *index) && is_blank(text, index - 1));
        let Some(gap) = (1..widest).rev().find(is_gap) else { return };
        for row in table.iter_mut() {
            remove(row, gap);
        }
    }
}

fn characters(row: &[Piece]) -> Vec<char> {
    row.iter().flat_map(|piece| piece.text.chars()).collect()
}

/// Takes one character out of a row that may be shorter.
fn remove(row: &mut Row, mut index: usize) {
    for piece in row {
        let width = piece.width();
        if index < width {
            let mut place = 0..;
            return piece.text.retain(|_| place.next() != Some(index));
        }
        index -= width;
    }
}

fn trimmed(row: &[Piece]) -> Row {
    let mut row = row.to_vec();
    while let Some(last) = row.last_mut() {
        last.text.truncate(last.text.trim_end().len());
        if !last.text.is_empty() {
            break;
        }
        row.pop();
    }
    row
}

/// The row as text, without a line end.
#[must_use]
pub fn paint(row: &[Piece], color: Color) -> String {
    let mut text = String::new();
    for piece in row {
        match piece.look.code().filter(|_| color == Color::On) {
            Some(code) => text.push_str(&format!("\x1b[{code}m{}\x1b[0m", piece.text)),
            None => text.push_str(&piece.text),
        }
    }
    text
}

/// Breaks a text between words. Lines but the last end in `mark`, lines but the first begin with `indent`; a word longer than
/// a line stays whole.
#[must_use]
pub fn wrap(text: &str, columns: usize, mark: &str, indent: &str) -> Vec<String> {
    let room = columns.saturating_sub(mark.chars().count());
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        let longer = |line: &String| line.chars().count() + 1 + word.chars().count();
        match lines.last_mut() {
            Some(line) if longer(line) <= room => *line = format!("{line} {word}"),
            Some(line) => {
                line.push_str(mark);
                lines.push(format!("{indent}{word}"));
            }
            None => lines.push(word.to_owned()),
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Row {
        vec![Piece::plain("ab "), Piece::new("✔ok", Look::Of(Style::Green)), Piece::bold("xyz")]
    }

    #[track_caller]
    fn check(columns: usize, plain: &str, coloured: &str) {
        let row = cut(&sample(), columns);
        assert_eq!(paint(&row, Color::Off), plain);
        assert_eq!(paint(&row, Color::On), coloured);
        assert!(width(&row) <= columns, "{columns}");
    }

    #[test]
    fn rows_are_cut_between_escape_codes() {
        check(9, "ab ✔okxyz", "ab \x1b[32m✔ok\x1b[0m\x1b[1mxyz\x1b[0m");
        check(8, "ab ✔okx…", "ab \x1b[32m✔ok\x1b[0m\x1b[1mx\x1b[0m…");
        check(7, "ab ✔ok…", "ab \x1b[32m✔ok\x1b[0m…");
        check(5, "ab ✔…", "ab \x1b[32m✔\x1b[0m…");
        check(1, "…", "…");
        check(0, "", "");
    }

    #[test]
    fn blanks_at_the_end_need_no_room() {
        let row = [Piece::plain("ab  "), Piece::dim("  ")];
        assert_eq!(paint(&cut(&row, 2), Color::On), "ab");
        assert_eq!(cut(&[Piece::plain("   ")], 1), []);
    }

    #[test]
    fn tables_lose_blanks_before_text() {
        let mut table = vec![
            vec![Piece::plain("A  "), Piece::bold("B     "), Piece::dim("C")],
            vec![Piece::plain("aa "), Piece::bold(""), Piece::dim("")],
            vec![Piece::plain("a  "), Piece::bold("b"), Piece::plain("     "), Piece::dim("cccc")],
        ];
        let texts =
            |table: &[Row]| table.iter().map(|row| paint(&cut(row, 99), Color::Off)).collect::<Vec<_>>();
        squeeze(&mut table, 12);
        assert_eq!(texts(&table), ["A  B    C", "aa", "a  b    cccc"]);
        squeeze(&mut table, 3);
        assert_eq!(texts(&table), ["A  B C", "aa", "a  b cccc"]);
    }

    #[test]
    fn commands_are_broken_as_a_shell_reads_them() {
        let command = "kubectl argo rollouts set image a=b";
        assert_eq!(wrap(command, 80, " \\", "    "), [command]);
        assert_eq!(wrap(command, 29, " \\", "    "), ["kubectl argo rollouts set \\", "    image a=b"]);
        assert_eq!(wrap("averylongword b", 4, "", ""), ["averylongword", "b"]);
        assert!(wrap("", 4, "", "").is_empty());
    }
}
