//! Secrets: named in the text, resolved by the caller, never printed.

use std::fmt;

/// A secret text. `Debug` prints `***`; there is no `Display`.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Wraps a secret text.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text itself. The name is long so that each use stands out in a review.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// Where a secret is to be found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reference<'a> {
    /// `${env:NAME}`
    Env(&'a str),
    /// `${file:PATH}`, its content without the final newline.
    File(&'a str),
}

/// Finds the secrets that a text names. The process gives one that reads environment and files;
/// tests give one that knows a few.
pub trait Resolve {
    /// The secret, or a fragment that says why it can not be had (never the secret itself).
    ///
    /// # Errors
    /// A fragment like `environment variable X is not set`.
    fn resolve(&self, reference: Reference<'_>) -> Result<String, String>;
}

/// `${env:NAME}` and `${file:PATH}` to a reference; `None` for a plain text.
pub(crate) fn reference(text: &str) -> Option<Reference<'_>> {
    let inner = text.strip_prefix("${")?.strip_suffix('}')?;
    match inner.split_once(':')? {
        ("env", name) => Some(Reference::Env(name)),
        ("file", path) => Some(Reference::File(path)),
        _ => None,
    }
}
