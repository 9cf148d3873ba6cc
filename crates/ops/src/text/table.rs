use super::{Line, Span};

/// Lines with cells of equal width per column, two blanks between; the last column is not padded.
pub(super) fn table(rows: Vec<Vec<Line>>) -> Vec<Line> {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let mut widths = vec![0; columns];
    for row in &rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(width_of(cell));
        }
    }
    rows.into_iter().map(|row| aligned(row, &widths)).collect()
}

fn aligned(row: Vec<Line>, widths: &[usize]) -> Line {
    let last = widths.len().saturating_sub(1);
    let mut line = Line::new();
    for (column, cell) in row.into_iter().enumerate() {
        let blanks = if column == last { 0 } else { widths[column] - width_of(&cell) + 2 };
        line.extend(cell);
        if blanks > 0 {
            line.push(Span::plain(" ".repeat(blanks)));
        }
    }
    line
}

fn width_of(cell: &[Span]) -> usize {
    cell.iter().map(Span::width).sum()
}
