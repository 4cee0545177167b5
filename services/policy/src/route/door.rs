//! Where a host leads: to a service, and by the path to one of its environments.

use crate::service::Environment;

/// Where one host leads.
#[derive(Debug)]
pub(crate) struct Door {
    /// Index of the service.
    pub(crate) service: usize,
    pub(crate) mapping: Mapping,
}

/// How the path says which environment is asked for.
#[derive(Debug)]
pub(crate) enum Mapping {
    /// A host that was given by the gateway: the first segment names it.
    Default,
    /// A domain of the service's owner with the default mapping: the same, with its own text.
    Named,
    /// A domain whose owner says which path leads where: path without final slash and
    /// environment, longest path first.
    Paths(Vec<(Box<str>, Environment)>),
}

/// A path, taken apart.
pub(super) struct Asked<'r> {
    /// What the path says instead of an environment, if it names none.
    pub(super) environment: Result<Environment, &'r str>,
    /// What lies below; empty or beginning with `/`.
    pub(super) below: &'r str,
}

// === impl Mapping ===

impl Mapping {
    /// Takes the environment off the front of `path`.
    pub(super) fn split<'r>(&self, path: &'r str) -> Asked<'r> {
        let (segment, below) = first_segment(path);
        match self {
            Self::Default | Self::Named => {
                Asked { environment: Environment::parse(segment).ok_or(segment), below }
            }
            Self::Paths(paths) => {
                let below = |front: &str| {
                    let below = path.strip_prefix(front)?;
                    // `*` (of OPTIONS) lies below nothing.
                    let whole = below.starts_with('/') || (below.is_empty() && !front.is_empty());
                    whole.then_some(below)
                };
                let found = paths.iter().find_map(|(front, to)| below(front).map(|b| (*to, b)));
                match found {
                    Some((environment, below)) => Asked { environment: Ok(environment), below },
                    None => Asked { environment: Err(segment), below: path },
                }
            }
        }
    }
}

/// Splits `/release/a` into `release` and `/a`. What has no slash at its front (`*`) is all
/// segment.
fn first_segment(path: &str) -> (&str, &str) {
    let inner = path.strip_prefix('/').unwrap_or(path);
    let end = inner.find('/').unwrap_or(inner.len());
    inner.split_at(end)
}
