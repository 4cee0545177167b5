//! What must hold of any bytes that come from outside, one function for each place where they
//! come in.
//!
//! - A target takes any bytes and panics only when a promise is broken. It says whether the bytes
//!   were taken, so that a corpus which tests nothing is seen.
//! - `fuzz/` runs each under libFuzzer, on a nightly compiler; the test here runs each over its
//!   committed corpus, on any.

mod answer;
mod authorization;
mod bracket;
#[cfg(feature = "configuration")]
mod configuration;
mod filter;
mod peer;
mod proxy;
mod wire;

pub use answer::answer;
pub use authorization::authorization;
pub use bracket::bracket;
#[cfg(feature = "configuration")]
pub use configuration::configuration;
pub use filter::filter;
pub use proxy::proxy;
pub use wire::wire;

/// One place where bytes come in.
pub struct Target {
    /// Also that of its corpus and of the program in `fuzz/`.
    pub name: &'static str,
    /// True when the bytes were taken.
    pub run: fn(&[u8]) -> bool,
}

/// All of them.
pub const TARGETS: &[Target] = &[
    Target { name: "wire", run: wire },
    Target { name: "answer", run: answer },
    Target { name: "authorization", run: authorization },
    Target { name: "filter", run: filter },
    Target { name: "bracket", run: bracket },
    Target { name: "proxy", run: proxy },
    #[cfg(feature = "configuration")]
    Target { name: "configuration", run: configuration },
];

#[cfg(test)]
mod tests;
