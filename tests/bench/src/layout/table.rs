//! The printed table. Figures are whole microseconds; ratios are hundredths.

use super::candidates::CHOSEN;
use super::measure::Figures;

/// A column: its title, and its figure.
type Column = (&'static str, fn(&Figures) -> u64);

const TIMES: [Column; 12] = [
    ("id p50", |figures| rank(&figures.found, 50)),
    ("id p99", |figures| rank(&figures.found, 99)),
    ("again", |figures| rank(&figures.again, 50)),
    ("no such id", |figures| rank(&figures.missed, 50)),
    ("client's id", |figures| rank(&figures.client, 50)),
    ("newest, large", |figures| rank(&figures.newest[0], 50)),
    ("newest, middle", |figures| rank(&figures.newest[1], 50)),
    ("newest, small", |figures| rank(&figures.newest[2], 50)),
    ("hour's sums", |figures| rank(&figures.hour, 50)),
    ("hour's islands", |figures| rank(&figures.islands, 50)),
    ("1000 seqs", |figures| rank(&figures.window, 50)),
    ("bytes a row", |figures| figures.bytes),
];

/// Milliseconds (bytes in the last column), and in brackets the ratio to the chosen layout.
pub(crate) fn render(all: &[Figures]) -> String {
    let chosen = all.iter().find(|figures| figures.name == CHOSEN);
    let titles: Vec<&str> = TIMES.iter().map(|(title, _)| *title).collect();
    let mut out = format!("| layout (ms, × chosen) | {} |\n", titles.join(" | "));
    out.push_str(&format!("|---|{}\n", "---:|".repeat(TIMES.len())));
    for figures in all {
        let cells = TIMES.iter().map(|(title, figure)| {
            let value = figure(figures);
            let ratio = chosen.map_or(0, |chosen| value * 100 / figure(chosen).max(1));
            let shown = if *title == "bytes a row" { hundredths(value) } else { millis(value) };
            format!("{shown} ({})", hundredths(ratio))
        });
        let cells: Vec<String> = cells.collect();
        out.push_str(&format!("| {} | {} |\n", figures.label, cells.join(" | ")));
    }
    out
}

/// The value below which so many of a hundred lie.
fn rank(values: &[u64], per_cent: usize) -> u64 {
    let mut sorted = values.to_vec();
    sorted.sort_unstable();
    let last = sorted.len().saturating_sub(1);
    sorted.get(last * per_cent / 100).copied().unwrap_or(0)
}

fn hundredths(value: u64) -> String {
    format!("{}.{:02}", value / 100, value % 100)
}

fn millis(micros: u64) -> String {
    format!("{}.{:01}", micros / 1000, micros % 1000 / 100)
}
