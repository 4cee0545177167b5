//! A report as a table for the terminal, and as markdown for the documentation.

use comfy_table::{ContentArrangement, Table, TableStyle};

use super::{Bound, Met, Report, Row, Spread};

const TITLES: [&str; 8] = ["measured", "unit", "ours", "peer", "ratio", "must; aim", "met", "note"];

/// For the terminal.
pub(crate) fn table(report: &Report) -> String {
    let mut out = String::new();
    for sentence in &report.about {
        out.push_str(&format!("{sentence}\n"));
    }
    if !report.rows.is_empty() {
        let mut table = Table::new();
        table.load_style(TableStyle::new());
        table.set_content_arrangement(ContentArrangement::Dynamic);
        table.set_header(TITLES);
        table.add_rows(report.rows.iter().map(cells));
        out.push_str(&format!("{table}\n"));
    }
    out + &report.text
}

/// For the documentation.
pub(crate) fn markdown(report: &Report) -> String {
    let mut out = String::new();
    for sentence in &report.about {
        out.push_str(&format!("{sentence}\n"));
    }
    if !report.rows.is_empty() {
        out.push_str(&format!(
            "\n| {} |\n|---|---|---:|---:|---:|---|---|---|\n",
            TITLES.join(" | ")
        ));
        for row in &report.rows {
            let cells = cells(row).map(|cell| cell.replace('|', "\\|"));
            let cells = cells.map(|cell| if cell.is_empty() { cell } else { format!("{cell} ") });
            out.push_str(&format!("| {}|\n", cells.join("| ")));
        }
    }
    if !report.text.is_empty() {
        out.push_str(&format!("\n{}", report.text));
    }
    out
}

fn cells(row: &Row) -> [String; 8] {
    let peer = row.peer.as_ref();
    let bounds: Vec<String> = [row.must, row.aim].into_iter().flatten().map(bound_text).collect();
    let met = row.met.map_or("", |met| match met {
        Met::Aim => "aim",
        Met::Must => "yes",
        Met::NotAim => "no",
        Met::NotMust => "missed",
    });
    [
        row.name.clone(),
        row.unit.to_owned(),
        row.ours.map_or_else(String::new, |spread| shown(spread, figure)),
        peer.map_or_else(String::new, |peer| {
            format!("{} {}", peer.name, shown(peer.figure, figure))
        }),
        row.ratio.map_or_else(String::new, |spread| shown(spread, ratio)),
        bounds.join("; "),
        met.to_owned(),
        row.note.clone(),
    ]
}

/// `12.3 (11.9 to 13.0)`; the median alone when the rounds agree.
fn shown(spread: Spread, form: fn(f64) -> String) -> String {
    let [median, least, most] = [spread.median, spread.least, spread.most].map(form);
    if least == most { median } else { format!("{median} ({least} to {most})") }
}

/// Three digits or more.
fn figure(value: f64) -> String {
    match value.abs() {
        0.0..100.0 => format!("{value:.2}"),
        100.0..1000.0 => format!("{value:.1}"),
        _ => format!("{value:.0}"),
    }
}

fn ratio(value: f64) -> String {
    format!("{value:.3}")
}

fn bound_text(bound: Bound) -> String {
    match bound {
        Bound::RatioAtMost(value) => format!("≤ {value} ×"),
        Bound::RatioAtLeast(value) => format!("≥ {value} ×"),
        Bound::OursAtMost(value) => format!("≤ {value}"),
    }
}
