//! The paths with variables that begin with one fixed text, and which of them matches first.
//!
//! - Each is known by one fixed piece behind the beginning, the one that the fewest others have:
//!   its ending, or a piece between two variables. A path is searched for all of these at once, by
//!   two tries: one for endings, walked from the path's end, one for pieces between, walked from
//!   each of its bytes. Only patterns whose piece is there are looked at as a whole.
//! - So ten thousand patterns under one beginning cost what ten cost, as long as they differ in
//!   some fixed piece. No piece is ever missed: it is the pattern's own.
//! - A path may hold a piece a thousand times, or a thousand pieces: no pattern is looked at twice
//!   for one path, since `best` only falls and a second look would change nothing.
//! - Two patterns with the same pieces match the same paths, so the later one is left out.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::pattern::Variables;
use super::trie::Trie;

/// So many are looked at one by one: cheaper than a search.
const FEW: usize = 3;
/// Bytes of a piece that are searched for, and so the most steps for a byte of the path.
const PIECE_MAX: usize = 32;
/// So many pieces of a path are remembered without an allocation. Other paths are made up.
const SEEN_FEW: usize = 8;

/// The patterns of one beginning, each by its place among the entries of the table.
#[derive(Debug)]
pub(super) struct Beginning {
    /// Bytes of the text.
    length: usize,
    /// The longest other beginning that this one begins with.
    pub(super) shorter: Option<usize>,
    /// Looked at for every path; ascending.
    always: Vec<usize>,
    /// By their pieces, those of endings backwards.
    endings: Pieces,
    between: Pieces,
}

/// What is searched for, and which patterns are known by it.
#[derive(Debug)]
struct Pieces {
    trie: Trie,
    /// By place of the piece in the trie; each list ascends.
    entries: Vec<Vec<usize>>,
}

/// The pieces that a path was seen to hold, by place.
#[derive(Debug, Default)]
struct Seen {
    few: [usize; SEEN_FEW],
    count: usize,
    /// A bit for each piece, once the few are too many.
    many: Vec<u64>,
}

// === impl Beginning ===

impl Beginning {
    /// `patterns` come with their entries in ascending order, and all begin with the same text.
    pub(super) fn new(mut patterns: Vec<(usize, &Variables)>, shorter: Option<usize>) -> Self {
        let mut known: HashSet<&[String]> = HashSet::new();
        patterns.retain(|(_, pattern)| known.insert(pattern.literals()));
        let length = patterns.first().map_or(0, |(_, pattern)| pattern.opening().len());
        let mut always = Vec::new();
        let [mut endings, mut between] = [BTreeMap::new(), BTreeMap::new()];
        let is_few = patterns.len() <= FEW;
        let shared = if is_few { HashMap::new() } else { shared(&patterns) };
        for (entry, pattern) in patterns {
            // An ending is looked for once in a path, so of two that are as rare it is better.
            let best = pieces(pattern)
                .filter(|_| !is_few)
                .min_by_key(|piece| (shared.get(piece), !piece.0, usize::MAX - piece.1.len()));
            let list: &mut Vec<usize> = match best {
                Some((true, piece)) => endings.entry(piece).or_default(),
                Some((false, piece)) => between.entry(piece).or_default(),
                None => &mut always,
            };
            list.push(entry);
        }
        let [endings, between] = [endings, between].map(Pieces::new);
        Self { length, shorter, always, endings, between }
    }

    /// The first entry that matches `path`, if it stands before `best`; else `best`. The path
    /// begins with the text; `is_match` compares it with the whole pattern of an entry.
    pub(super) fn first(
        &self,
        path: &[u8],
        mut best: Option<usize>,
        is_match: impl Fn(usize) -> bool,
    ) -> Option<usize> {
        let mut look = |entries: &[usize]| {
            let mut earlier =
                entries.iter().copied().take_while(|entry| best.is_none_or(|best| *entry < best));
            best = earlier.find(|entry| is_match(*entry)).or(best);
        };
        look(&self.always);
        // Before a piece the first variable has a byte at least.
        let rest = path.get(self.length + 1..).unwrap_or_default();
        // A path has one end, so each ending is found once.
        self.endings.find(rest.iter().rev().copied(), |_, entries| look(entries));
        if !self.between.entries.is_empty() {
            let mut seen = Seen::default();
            for from in 0..rest.len() {
                self.between.find(rest[from..].iter().copied(), |place, entries| {
                    if seen.is_new(place, self.between.entries.len()) {
                        look(entries);
                    }
                });
            }
        }
        best
    }
}

/// How many patterns have a piece.
fn shared(patterns: &[(usize, &Variables)]) -> HashMap<(bool, Vec<u8>), usize> {
    let mut shared = HashMap::new();
    for (_, pattern) in patterns {
        for piece in pieces(pattern) {
            *shared.entry(piece).or_default() += 1;
        }
    }
    shared
}

/// The fixed pieces behind the beginning, as they are searched for; true for the ending.
fn pieces(pattern: &Variables) -> impl Iterator<Item = (bool, Vec<u8>)> {
    let behind = pattern.literals().iter().skip(1);
    let last = pattern.literals().len().saturating_sub(2);
    behind.enumerate().filter(|(_, piece)| !piece.is_empty()).map(move |(number, piece)| {
        let bytes = piece.bytes();
        if number == last {
            (true, bytes.rev().take(PIECE_MAX).collect())
        } else {
            (false, bytes.take(PIECE_MAX).collect())
        }
    })
}

// === impl Pieces ===

impl Pieces {
    fn new(pieces: BTreeMap<Vec<u8>, Vec<usize>>) -> Self {
        let texts: Vec<&[u8]> = pieces.keys().map(Vec::as_slice).collect();
        let trie = Trie::new(&texts);
        Self { trie, entries: pieces.into_values().collect() }
    }

    /// Gives each piece that `bytes` begins with: its place, and its entries.
    fn find(&self, bytes: impl Iterator<Item = u8>, mut visit: impl FnMut(usize, &[usize])) {
        self.trie.prefixes(bytes, |place, _| visit(place, &self.entries[place]));
    }
}

// === impl Seen ===

impl Seen {
    /// Keeps `place`, one of so many as `all`; false if it was kept before.
    fn is_new(&mut self, place: usize, all: usize) -> bool {
        if self.few[..self.count].contains(&place) {
            return false;
        }
        if let Some(free) = self.few.get_mut(self.count) {
            *free = place;
            self.count += 1;
            return true;
        }
        if self.many.is_empty() {
            self.many = vec![0; all.div_ceil(64)];
        }
        let (word, bit) = (&mut self.many[place / 64], 1 << (place % 64));
        let is_new = *word & bit == 0;
        *word |= bit;
        is_new
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use proptest::prelude::{prop, proptest};

    use super::*;

    fn read(texts: &[String]) -> Vec<Variables> {
        let read = |text: &String| Variables::parse(text).expect("it is one").expect("it has some");
        texts.iter().map(read).collect()
    }

    /// What they find together. None is looked at twice.
    fn first(
        patterns: &[Variables],
        all: &Beginning,
        path: &str,
        best: Option<usize>,
    ) -> Option<usize> {
        looked_at(patterns, all, path, best).0
    }

    /// What they find together, and how many were looked at.
    fn looked_at(
        patterns: &[Variables],
        all: &Beginning,
        path: &str,
        best: Option<usize>,
    ) -> (Option<usize>, usize) {
        let looks = RefCell::new(HashSet::new());
        let found = all.first(path.as_bytes(), best, |entry| {
            assert!(looks.borrow_mut().insert(entry), "{entry} is looked at twice");
            patterns[entry].is_match(path)
        });
        (found, looks.into_inner().len())
    }

    #[test]
    fn every_pattern_has_a_piece_of_its_own() {
        let texts: Vec<String> = (0..3_000)
            .map(|n| match n % 3 {
                0 => format!("/own/{{a}}/end{n}"),
                1 => format!("/own/{{a}}/middle{n}/{{b}}"),
                _ => format!("/own/{{a}}/middle{n}/{{b}}/end"),
            })
            .collect();
        let patterns = read(&texts);
        let all = Beginning::new(patterns.iter().enumerate().collect(), None);
        let most = |pieces: &Pieces| pieces.entries.iter().map(Vec::len).max();
        assert_eq!(
            (all.always.len(), most(&all.endings), most(&all.between)),
            (0, Some(1), Some(1))
        );
        let rows = [
            ("/own/7/end2997", None, Some(2997)),
            ("/own/7/middle2998/8", None, Some(2998)),
            ("/own/7/middle2999/8/end", None, Some(2999)),
            ("/own/7/middle2999/8/end", Some(2999), Some(2999)),
            ("/own/7/middle2999/8/end", Some(5), Some(5)),
            ("/own/7/middle1/8/end0", None, Some(0)),
            ("/own/7/end1", None, None),
            // A variable has a byte at least.
            ("/own//end3", None, None),
            ("/own/", None, None),
        ];
        for (path, best, expect) in rows {
            assert_eq!(first(&patterns, &all, path, best), expect, "{path} {best:?}");
        }
    }

    #[test]
    fn however_often_a_path_holds_a_piece_its_patterns_are_looked_at_once() {
        let mut texts: Vec<String> =
            (0..100).map(|n| format!("/v1/{{t}}/m{n:03}/{{u}}/end")).collect();
        texts.push("/v1/{t}/users/{u}/cards/{c}".into());
        let patterns = read(&texts);
        let all = Beginning::new(patterns.iter().enumerate().collect(), None);
        let every: String = (0..100).rev().map(|n| format!("/m{n:03}/x")).collect();
        for (path, expect) in [
            (format!("/v1/x{}", "/cards".repeat(2_700)), (None, 0)),
            (format!("/v1/x{}", "/users/cards".repeat(1_300)), (Some(100), 1)),
            (format!("/v1/x{}/", "/users".repeat(2_700)), (None, 1)),
            (format!("/v1/x{}", every.repeat(20)), (None, 100)),
            (format!("/v1/x{}/m007/m007", every.repeat(20)), (None, 100)),
            (format!("/v1/x{}/end", "/m007/m009/x".repeat(900)), (Some(7), 1)),
        ] {
            assert_eq!(looked_at(&patterns, &all, &path, None), expect, "{}", &path[..40]);
        }
    }

    proptest! {
        #[test]
        fn the_search_answers_as_one_by_one(
            texts in prop::collection::vec(
                "/(\\{v\\}|\\{v\\}[ab/]{1,2}\\{w\\}|\\{v\\}[ab/]{1,2}\\{w\\}(/|a|b)\\{x\\})(|/|a|[ab]{2,40}|%2F)",
                1..24,
            ),
            paths in prop::collection::vec("/([abc/]{0,8}|(a|%2F|%2[ab]|/){0,6}|[ab]{36,42})", 1..20),
            limit in prop::option::of(0_usize..24),
        ) {
            let patterns = read(&texts);
            let all = Beginning::new(patterns.iter().enumerate().collect(), None);
            for path in &paths {
                let naive = patterns.iter().position(|pattern| pattern.is_match(path));
                assert_eq!(first(&patterns, &all, path, None), naive, "{texts:?} {path}");
                let naive = naive.into_iter().chain(limit).min();
                assert_eq!(first(&patterns, &all, path, limit), naive, "{texts:?} {path} {limit:?}");
            }
        }
    }
}
