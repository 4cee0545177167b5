//! How the demo is told: progress on stderr, what was found on stdout.

use std::io::{self, IsTerminal, Write};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use tempfile::TempDir;

use super::findings::Findings;
use super::{ORDERS, SELLER};
use crate::cli::Output;
use crate::commands::{audit, bills, logs};
use crate::output::say;
use crate::process::Process;

/// Tells what is being done.
pub(super) struct Say {
    terminal: bool,
    json: bool,
}

// === impl Say ===

impl Say {
    pub(super) fn new(output: Output) -> Self {
        Self { terminal: io::stderr().is_terminal(), json: output == Output::Json }
    }

    /// A step begins.
    pub(super) fn step(&self, text: &str) {
        eprintln!("… {text}");
    }

    /// A step with a known length.
    pub(super) fn bar(&self, text: &str, length: u64) -> ProgressBar {
        self.step(text);
        let target =
            if self.terminal { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        let style = ProgressStyle::with_template("  [{bar:40}] {pos} of {len}")
            .expect("the template is a constant");
        ProgressBar::with_draw_target(Some(length), target).with_style(style)
    }

    /// A text for the person, beside the document when that goes to stdout.
    pub(super) fn line(&self, text: &str) {
        if self.json { eprintln!("{text}") } else { println!("{text}") }
    }
}

/// Prints what was found: as four answers, or as one document.
pub(super) fn print(found: &Findings, output: Output) -> io::Result<()> {
    if output == Output::Json {
        let mut stdout = io::stdout().lock();
        writeln!(stdout, "{:#}", found.to_json())?;
        return stdout.flush();
    }
    say!("{}", text(found))
}

fn text(found: &Findings) -> String {
    let bill = &found.bill["bills"][0];
    let checked =
        if found.checked { "it checks: every stream agrees" } else { "it does NOT check" };
    let (sent, answered) = (found.ledger.sent, found.ledger.answered);
    [
        format!(
            "\n{sent} requests sent, {answered} answered whole; {} records stored, {} of them twice.",
            found.stored.records, found.stored.duplicates
        ),
        heading("1. A call failed. What happened, whose fault was it, was it charged?"),
        logs::headline(&found.record),
        String::new(),
        logs::list(&found.record).to_table(),
        heading("2. What did this hour cost, and why?"),
        bills::title(&found.bill),
        bills::lines(&found.bill).to_table(),
        format!("total {} {}", logs::text(&bill["total"]), logs::text(&bill["currency"])),
        heading("3. Is anything lost or counted twice?"),
        bills::proof_title(&found.proof),
        bills::streams(&found.proof).to_table(),
        format!("Its query was run on the store just now, and {checked}."),
        heading("4. How many calls of each order count?"),
        audit::list(&found.orders).to_table(),
    ]
    .join("\n")
}

fn heading(text: &str) -> String {
    format!("\n{text}\n{}", "─".repeat(text.chars().count()))
}

/// Addresses and what to try next.
pub(super) fn commands(process: &Process, folder: &TempDir, found: &Findings) -> String {
    let running = &process.running;
    let id = logs::text(&found.record["record"]["req_id"]);
    let hour = found.hour.to_string();
    let hour = hour.trim_end_matches(":00:00Z");
    format!(
        "
Running until Ctrl-C, in {folder} (removed at the end).
gateways  {gateways}
API       {url}
metrics   http://{metrics}/metrics
token     {token}

Try, in another terminal (`cargo run --release --` stands for `tollgate`):
  export TOLLGATE_URL={url} TOLLGATE_TOKEN={token} GATEWAY=http://localhost:{port}
  curl -s $GATEWAY/release/hello      # more of this kind, with a browser too: docs/try.md
  tollgate logs get {id}
  tollgate bills show {hour} --account {SELLER} --proof
  tollgate audit orders {orders}
  tollgate close {hour} --dry-run -c {folder}/tollgate.yaml
  curl -H \"Authorization: Bearer $TOLLGATE_TOKEN\" {url}/v1/proofs/{hour}",
        folder = folder.path().display(),
        gateways = running.gateways.join("  "),
        port = running.gateways.first().and_then(|it| it.rsplit(':').next()).unwrap_or_default(),
        url = running.url,
        metrics = running.metrics,
        token = running.token.expose(),
        orders = ORDERS.join(" "),
    )
}
