//! Tables of Markdown whose columns are lined up, so that a terminal shows them as well as a browser.

/// A table: the first column to the left, the others to the right.
pub fn table(head: &[&str], rows: &[Vec<String>]) -> String {
    let head: Vec<String> = head.iter().map(|&cell| cell.to_owned()).collect();
    let width = |column: usize| {
        let cells = [&head].into_iter().chain(rows);
        let widths = cells.map(|row| row[column].chars().count());
        widths.max().unwrap_or_default().max(2)
    };
    let widths: Vec<usize> = (0..head.len()).map(width).collect();
    let rule = |(column, &width): (usize, &usize)| match column {
        0 => "-".repeat(width),
        _ => format!("{}:", "-".repeat(width - 1)),
    };
    let rule: Vec<String> = widths.iter().enumerate().map(rule).collect();
    let line = |row: &Vec<String>| {
        let cells = row.iter().zip(&widths).enumerate();
        let cells = cells.map(|(column, (cell, &width))| match column {
            0 => format!("{cell:<width$}"),
            _ => format!("{cell:>width$}"),
        });
        format!("| {} |\n", cells.collect::<Vec<_>>().join(" | "))
    };
    [&head, &rule].into_iter().chain(rows).map(line).collect()
}
