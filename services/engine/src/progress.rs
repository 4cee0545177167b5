//! Tells a person that something long is under way: a bar on a terminal, lines otherwise.

/// Takes what a long step says of itself.
pub trait Progress {
    /// A new step begins: a short sentence.
    fn step(&mut self, text: &str);
    /// The step stands at `done` of `total` bytes, if the total is known. Called often.
    fn bytes(&mut self, done: u64, total: Option<u64>);
}

/// Plain lines, for a log file or a pipe.
#[derive(Debug, Default)]
pub struct Plain;

impl Progress for Plain {
    fn step(&mut self, _text: &str) {}
    fn bytes(&mut self, _done: u64, _total: Option<u64>) {}
}

/// What suits stderr as it is now.
pub fn stderr() -> Box<dyn Progress> {
    Box::new(Plain)
}
