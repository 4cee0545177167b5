//! Texts by their bytes, so that finding one costs a step per byte and not one per text.
//!
//! A double array: the child of a node for a byte lies at `base + byte`, and is that node's child
//! if it names it as its parent. So a step is one addition and one comparison, however many texts
//! there are; 10,000 of them cost what 10 cost.
//! - A node with several children gets a fresh stretch of the array; the holes in it are filled
//!   by nodes with one child. So building takes time in proportion to the texts.

use std::ops::Range;

/// No node, no value.
const NONE: u32 = u32::MAX;

/// An immutable map from texts to numbers.
#[derive(Debug)]
pub(super) struct Trie {
    nodes: Vec<Node>,
}

#[derive(Debug, Clone, Copy)]
struct Node {
    /// Where the children lie; wraps, since a hole may lie below the byte that it is used for.
    base: u32,
    /// Whose child it is; `NONE` for a hole and for the root.
    parent: u32,
    value: u32,
}

/// What is left to build below one node.
struct Job {
    node: u32,
    texts: Range<usize>,
    depth: usize,
}

// === impl Trie ===

impl Trie {
    /// The map from each text to its place. `texts` are sorted, and each stands there once.
    pub(super) fn new(texts: &[&[u8]]) -> Self {
        const HOLE: Node = Node { base: 0, parent: NONE, value: NONE };
        let mut nodes = vec![HOLE];
        let mut holes: Vec<u32> = Vec::new();
        let mut jobs = vec![Job { node: 0, texts: 0..texts.len(), depth: 0 }];
        while let Some(Job { node, texts: mut range, depth }) = jobs.pop() {
            if range.start < range.end && texts[range.start].len() == depth {
                nodes[node as usize].value = small(range.start);
                range.start += 1;
            }
            if range.is_empty() {
                continue;
            }
            let (least, most) = (texts[range.start][depth], texts[range.end - 1][depth]);
            let hole = if least == most { holes.pop() } else { None };
            let base = if let Some(hole) = hole {
                hole.wrapping_sub(u32::from(least))
            } else {
                let fresh = nodes.len();
                nodes.resize(fresh + usize::from(most - least) + 1, HOLE);
                small(fresh).wrapping_sub(u32::from(least))
            };
            nodes[node as usize].base = base;
            for byte in least..=most {
                let length = texts[range.clone()].partition_point(|text| text[depth] <= byte);
                let child = base.wrapping_add(u32::from(byte));
                if length == 0 {
                    holes.push(child);
                    continue;
                }
                nodes[child as usize].parent = node;
                let below = range.start..range.start + length;
                range.start = below.end;
                jobs.push(Job { node: child, texts: below, depth: depth + 1 });
            }
        }
        Self { nodes }
    }

    /// Calls `visit` for each text that `text` begins with, from the shortest to the longest, with
    /// its place and its length.
    pub(super) fn prefixes(
        &self,
        text: impl Iterator<Item = u8>,
        mut visit: impl FnMut(usize, usize),
    ) {
        let mut at = 0;
        let mut node = &self.nodes[0];
        for (depth, byte) in text.enumerate() {
            let next = node.base.wrapping_add(u32::from(byte));
            match self.nodes.get(next as usize) {
                Some(child) if child.parent == at => node = child,
                _ => return,
            }
            at = next;
            if node.value != NONE {
                visit(node.value as usize, depth + 1);
            }
        }
    }
}

/// The size of a configuration's file is bounded far below this.
fn small(place: usize) -> u32 {
    u32::try_from(place).expect("a configuration has less than 4 GiB of paths")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{prop, proptest};

    use super::*;

    fn found(trie: &Trie, text: &[u8]) -> Vec<(usize, usize)> {
        let mut found = Vec::new();
        trie.prefixes(text.iter().copied(), |place, length| found.push((place, length)));
        found
    }

    #[test]
    fn no_text_is_found_in_an_empty_trie() {
        assert!(found(&Trie::new(&[]), b"/a").is_empty());
    }

    proptest! {
        #[test]
        fn prefixes_are_those_of_a_linear_search(
            texts in prop::collection::btree_set(prop::collection::vec(0_u8..6, 1..6), 0..40),
            wide in prop::collection::btree_set(prop::collection::vec(0_u8..=255, 1..3), 0..300),
            text in prop::collection::vec(0_u8..7, 0..9),
            other in prop::collection::vec(0_u8..=255, 0..3),
        ) {
            let all: Vec<&[u8]> = texts.union(&wide).map(Vec::as_slice).collect();
            let trie = Trie::new(&all);
            for text in [&text[..], &other[..]].into_iter().chain(all.iter().copied()) {
                let mut naive: Vec<(usize, usize)> = (0..all.len())
                    .filter(|place| text.starts_with(all[*place]))
                    .map(|place| (place, all[place].len()))
                    .collect();
                naive.sort_by_key(|(_, length)| *length);
                assert_eq!(found(&trie, text), naive);
            }
        }
    }
}
