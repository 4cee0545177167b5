//! Tells a person that something long is under way: a bar on a terminal, lines otherwise.
//!
//! It all goes to stderr: stdout belongs to what the command was asked for.

use std::io::{IsTerminal, Write};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// Between two plain lines of one step: a log stays short, and a person sees that it goes on.
const LINE_EVERY: Duration = Duration::from_secs(5);

const MIB: u64 = 1024 * 1024;

/// Takes what a long step says of itself.
pub trait Progress {
    /// A new step begins: a short sentence.
    fn step(&mut self, text: &str);
    /// The step stands at `done` of `total` bytes, if the total is known. Called often.
    fn bytes(&mut self, done: u64, total: Option<u64>);
}

/// Plain lines to any writer, for a log file or a pipe.
#[derive(Debug)]
pub struct Plain<W> {
    out: W,
    text: String,
    last: Instant,
}

/// A bar on a terminal.
#[derive(Debug, Default)]
struct Bar {
    bar: Option<ProgressBar>,
}

/// What suits stderr as it is now: a bar on a terminal, plain lines otherwise.
pub fn stderr() -> Box<dyn Progress> {
    let stderr = std::io::stderr();
    if stderr.is_terminal() { Box::new(Bar::default()) } else { Box::new(Plain::new(stderr)) }
}

// === impl Plain ===

impl<W: Write> Plain<W> {
    /// Writes to `out`.
    pub fn new(out: W) -> Self {
        Self { out, text: String::new(), last: Instant::now() }
    }

    fn line(&mut self, line: std::fmt::Arguments<'_>) {
        self.last = Instant::now();
        // Progress that nobody can read any more is no reason to stop the work.
        writeln!(self.out, "{line}").and_then(|()| self.out.flush()).ok();
    }
}

impl<W: Write> Progress for Plain<W> {
    fn step(&mut self, text: &str) {
        self.text = text.to_owned();
        self.line(format_args!("{text}"));
    }

    fn bytes(&mut self, done: u64, total: Option<u64>) {
        if self.last.elapsed() < LINE_EVERY {
            return;
        }
        let text = std::mem::take(&mut self.text);
        match total {
            Some(total) => {
                self.line(format_args!("{text}: {} of {} MiB", done / MIB, total / MIB));
            }
            None => self.line(format_args!("{text}: {} MiB", done / MIB)),
        }
        self.text = text;
    }
}

// === impl Bar ===

impl Progress for Bar {
    fn step(&mut self, text: &str) {
        self.finish();
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
        bar.set_style(
            ProgressStyle::with_template("{spinner} {msg}").expect("the template is a constant"),
        );
        bar.set_message(text.to_owned());
        bar.enable_steady_tick(Duration::from_millis(100));
        self.bar = Some(bar);
    }

    fn bytes(&mut self, done: u64, total: Option<u64>) {
        let Some(bar) = &self.bar else { return };
        if let Some(total) = total
            && bar.length() != Some(total)
        {
            bar.set_style(
                ProgressStyle::with_template(
                    "{spinner} {msg} [{bar:30}] {binary_bytes} of {binary_total_bytes}",
                )
                .expect("the template is a constant"),
            );
            bar.set_length(total);
        }
        bar.set_position(done);
    }
}

impl Bar {
    /// A finished step stays on the screen as a line, without its bar.
    fn finish(&mut self) {
        if let Some(bar) = self.bar.take() {
            bar.set_style(
                ProgressStyle::with_template("✓ {msg}").expect("the template is a constant"),
            );
            bar.finish();
        }
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.finish();
    }
}
