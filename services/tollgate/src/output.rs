//! How lists and documents are printed: a table for reading, JSON, CSV.
//!
//! Cells that a spreadsheet would take for a formula get a leading `'` in CSV, unless they are
//! numbers. Decimals stay text on the whole way.

use std::io::{self, Write};

use comfy_table::{Cell, CellAlignment, Table};

use crate::cli::Output;

/// `println!` that gives an error instead of a panic, when nobody reads stdout any more.
macro_rules! say {
    ($($words:tt)*) => {{
        use std::io::Write as _;
        writeln!(std::io::stdout(), $($words)*)
    }};
}
pub(crate) use say;

/// A list with named columns.
#[derive(Debug, Default)]
pub(crate) struct List {
    columns: Vec<Column>,
    rows: Vec<Vec<String>>,
}

#[derive(Debug)]
struct Column {
    name: &'static str,
    number: bool,
}

// === impl List ===

impl List {
    /// A list with these columns; a name that begins with `#` is a column of numbers.
    pub(crate) fn new(columns: &[&'static str]) -> Self {
        let column = |name: &&'static str| match name.strip_prefix('#') {
            Some(name) => Column { name, number: true },
            None => Column { name, number: false },
        };
        Self { columns: columns.iter().map(column).collect(), rows: Vec::new() }
    }

    /// Adds a row; it has as many cells as there are columns.
    pub(crate) fn row<const N: usize>(&mut self, cells: [String; N]) {
        assert_eq!(N, self.columns.len(), "a row has a cell for each column");
        self.rows.push(cells.into());
    }

    /// Adds a row to a list whose columns are chosen as it is made.
    pub(crate) fn row_of(&mut self, cells: Vec<String>) {
        assert_eq!(cells.len(), self.columns.len(), "a row has a cell for each column");
        self.rows.push(cells);
    }

    /// Whether it has no row.
    pub(crate) fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The table as text, without a frame.
    pub(crate) fn to_table(&self) -> String {
        let mut table = Table::new();
        table.load_style(comfy_table::TableStyle::new());
        table.set_header(self.columns.iter().map(|column| aligned(column.name, column.number)));
        for row in &self.rows {
            let cells = row.iter().zip(&self.columns);
            table.add_row(cells.map(|(cell, column)| {
                aligned(if cell.is_empty() { "-" } else { cell }, column.number)
            }));
        }
        let lines = table.to_string();
        lines.lines().map(str::trim_end).collect::<Vec<_>>().join("\n")
    }

    /// As CSV with a head line.
    pub(crate) fn to_csv(&self) -> io::Result<Vec<u8>> {
        let mut writer = csv::Writer::from_writer(Vec::new());
        writer.write_record(self.columns.iter().map(|column| column.name))?;
        for row in &self.rows {
            let cells = row.iter().zip(&self.columns);
            writer.write_record(cells.map(|(cell, column)| guarded(cell, column.number)))?;
        }
        writer.into_inner().map_err(|error| io::Error::other(error.to_string()))
    }
}

/// Prints a document: `list` as a table or as CSV, `json` as JSON.
pub(crate) fn print(output: Output, list: &List, json: &serde_json::Value) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    match output {
        Output::Table | Output::Text => writeln!(stdout, "{}", list.to_table())?,
        Output::Json => writeln!(stdout, "{json:#}")?,
        Output::Csv => stdout.write_all(&list.to_csv()?)?,
    }
    stdout.flush()
}

fn aligned(text: &str, number: bool) -> Cell {
    let cell = Cell::new(text);
    if number { cell.set_alignment(CellAlignment::Right) } else { cell }
}

/// A cell that begins like a formula is marked as text.
fn guarded(cell: &str, number: bool) -> String {
    let formula = cell.starts_with(['=', '+', '-', '@', '\t', '\r']);
    if formula && !number { format!("'{cell}") } else { cell.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list() -> List {
        let mut list = List::new(&["item", "#amount"]);
        list.row(["calls".to_owned(), "-4.45".to_owned()]);
        list.row(["=HYPERLINK()".to_owned(), String::new()]);
        list
    }

    #[test]
    fn a_table_aligns_numbers_and_shows_empty_cells() {
        let table = list().to_table();
        let lines: Vec<_> = table.lines().map(str::trim).collect();
        assert_eq!(lines.len(), 3, "{table}");
        assert!(lines[1].ends_with("-4.45"), "{table}");
        assert!(lines[2].ends_with('-'), "{table}");
    }

    #[test]
    fn csv_has_no_formulas_and_leaves_numbers_alone() {
        let csv = String::from_utf8(list().to_csv().expect("csv")).expect("utf-8");
        assert_eq!(csv, "item,amount\ncalls,-4.45\n'=HYPERLINK(),\n");
    }
}
