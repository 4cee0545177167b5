//! The paths of one service, and the form that a path must have.
//!
//! Plain prefixes lie sorted. Among them the greatest one that is not above the request's path is
//! either a prefix of that path, or shares with it all that any prefix of it can have: whatever
//! sorts between a prefix and a longer text begins with that prefix. So one binary search, and
//! then the chain of shorter prefixes of the one that was found, which is written down when the
//! index is made.

use crate::service::Methods;

/// The paths of one service; immutable.
#[derive(Debug, Default)]
pub(crate) struct Paths {
    /// Sorted by path, each path once.
    entries: Vec<PathEntry>,
}

/// One path, and who answers it.
#[derive(Debug)]
pub(crate) struct PathEntry {
    path: Box<str>,
    /// The longest other entry that is a prefix of this one.
    shorter: Option<usize>,
    /// Methods, and the place of the API among those of its service. No method stands twice.
    apis: Vec<(Methods, usize)>,
}

// === impl Paths ===

impl Paths {
    /// The index of APIs, given as path and methods in the order of their places.
    pub(crate) fn new<'a>(apis: impl Iterator<Item = (&'a str, Methods)>) -> Self {
        let mut sorted: Vec<(&str, Methods, usize)> =
            apis.enumerate().map(|(place, (path, methods))| (path, methods, place)).collect();
        sorted.sort_by_key(|&(path, _, place)| (path, place));

        let mut entries: Vec<PathEntry> = Vec::new();
        for (path, methods, place) in sorted {
            match entries.last_mut() {
                Some(last) if &*last.path == path => last.apis.push((methods, place)),
                _ => {
                    let mut shorter = entries.len().checked_sub(1);
                    while let Some(at) = shorter
                        && !path.starts_with(&*entries[at].path)
                    {
                        shorter = entries[at].shorter;
                    }
                    let apis = vec![(methods, place)];
                    entries.push(PathEntry { path: path.into(), shorter, apis });
                }
            }
        }
        Self { entries }
    }

    /// The entry that answers `uri`: the longest prefix.
    pub(crate) fn find(&self, uri: &str) -> Option<&PathEntry> {
        let above = self.entries.partition_point(|entry| *entry.path <= *uri);
        let mut entry = &self.entries[above.checked_sub(1)?];
        let pairs = entry.path.bytes().zip(uri.bytes());
        let shared = pairs.take_while(|(a, b)| a == b).count();
        while entry.path.len() > shared {
            entry = &self.entries[entry.shorter?];
        }
        Some(entry)
    }
}

// === impl PathEntry ===

impl PathEntry {
    pub(crate) fn path(&self) -> &str {
        &self.path
    }

    /// The place of the API that answers the one method `method`.
    pub(crate) fn place_of(&self, method: Methods) -> Option<usize> {
        let found = self.apis.iter().find(|(methods, _)| methods.overlaps(method));
        found.map(|&(_, place)| place)
    }
}

/// True when a segment is `.` or `..` for any reader: plain or encoded, between slashes,
/// backslashes or encoded ones, and also with `;` behind the dots, which some servers cut off
/// before they resolve the path.
pub(crate) fn has_dot_segment(path: &str) -> bool {
    // How many dots the segment has so far, while it has nothing else.
    let mut dots = Some(0_usize);
    let mut rest = path.as_bytes();
    while let [first, ..] = rest {
        let (byte, width) = match rest {
            [b'%', b'2', b'e' | b'E', ..] => (b'.', 3),
            [b'%', b'2', b'f' | b'F', ..] => (b'/', 3),
            [b'%', b'5', b'c' | b'C', ..] => (b'/', 3),
            [b'\\', ..] => (b'/', 1),
            _ => (*first, 1),
        };
        rest = &rest[width..];
        match byte {
            b'.' => dots = dots.map(|dots| dots + 1),
            b'/' | b';' if matches!(dots, Some(1 | 2)) => return true,
            b'/' => dots = Some(0),
            _ => dots = None,
        }
    }
    matches!(dots, Some(1 | 2))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{prop, proptest};

    use super::*;

    #[test]
    fn dot_segments_are_seen_in_every_disguise() {
        let bad = [
            "/.",
            "/..",
            "/a/./b",
            "/a/../b",
            "/a/..",
            "..",
            ".",
            "/%2e",
            "/%2E%2e/b",
            "/.%2e/",
            "/a%2f..%2fb",
            "/a%2F.",
            "/a\\..\\b",
            "/a%5c..",
            "/..;/b",
            "/..;x=1/b",
            "/.;",
        ];
        for path in bad {
            assert!(has_dot_segment(path), "{path}");
        }
        let good = [
            "",
            "/",
            "/a",
            "/...",
            "/.a",
            "/a.",
            "/a..",
            "/..a/b",
            "/a/.well-known",
            "/%2e%2e%2e",
            "/%252e%252e/",
            "/%2",
            "/%",
            "/a;.",
            "/a;../b",
            "/%2ea",
            "*",
        ];
        for path in good {
            assert!(!has_dot_segment(path), "{path}");
        }
    }

    proptest! {
        #[test]
        fn the_longest_prefix_is_that_of_a_linear_search(
            paths in prop::collection::vec("/[ab/]{0,5}", 0..12),
            uri in "/[abc/]{0,8}",
        ) {
            let get = Methods::of("GET").expect("GET is known");
            let mut unique = paths.clone();
            unique.sort();
            unique.dedup();
            let index = Paths::new(unique.iter().map(|path| (path.as_str(), get)));
            let naive = unique.iter().filter(|path| uri.starts_with(path.as_str()))
                .max_by_key(|path| path.len());
            let found = index.find(&uri);
            assert_eq!(found.map(PathEntry::path), naive.map(String::as_str));
            if let Some(found) = found {
                let place = found.place_of(get).expect("every path answers GET");
                assert_eq!(unique[place], found.path());
            }
        }
    }
}
