//! Regular expressions, and which of many matches a path first.
//!
//! - An expression is compiled to a table of states (a DFA), so that a match takes a step per byte
//!   whatever the expression, and needs no memory of its own. It reads bytes, not characters.
//! - All expressions of a service share one table, whose last state says which of them match. So
//!   hundred cost what one costs.
//! - A common table may be too large: a state says how far each expression has come, and `.*` in
//!   many of them multiplies the states. Then the expressions are taken in parts, in their order,
//!   each half as many as did not fit into [`TABLE_MAX`]; each part costs a step per byte. One
//!   alone has the table that it was accepted with.

use regex_automata::dfa::{Automaton, StartKind, dense};
use regex_automata::nfa::thompson;
use regex_automata::util::primitives::StateID;
use regex_automata::util::{start, syntax};
use regex_automata::{Anchored, MatchKind};

/// Largest table in bytes. Useful expressions take a hundredth of it, a hundred of them a half; one
/// with large counts (`.{1,500}x`) would take the gateway's memory.
const TABLE_MAX: usize = 1 << 20;
/// Bytes that making a table may take, which bounds the time too.
const MAKING_MAX: usize = 8 << 20;

type Table = dense::DFA<Vec<u32>>;

/// One regular expression, which can be compiled.
#[derive(Debug)]
pub(crate) struct Expression {
    text: String,
    table: Table,
}

/// All of a service.
#[derive(Debug)]
pub(super) struct Expressions(Vec<Group>);

/// Those that share a table.
#[derive(Debug)]
struct Group {
    table: Table,
    begin: StateID,
    /// The entries, by the number that the table gives to an expression; ascending.
    entries: Vec<usize>,
}

// === impl Expression ===

impl Expression {
    /// Compiles `text`, which must match a path as a whole.
    pub(super) fn new(text: &str) -> Result<Self, String> {
        // Read once for the error alone: what fails after it is too large.
        syntax::parse_with(text, &syntax()).map_err(|error| {
            let reason = error.to_string();
            let last = reason.lines().last().unwrap_or_default().trim_start_matches("error: ");
            format!("it is no regular expression: {last}")
        })?;
        let limit = "as a table the regular expression takes more than 1 MiB; use smaller counts";
        let table = table(&[text]).ok_or(limit)?;
        Ok(Self { text: text.to_owned(), table })
    }
}

// === impl Expressions ===

impl Expressions {
    /// Puts them together, given with their entries, in ascending order.
    pub(super) fn new(expressions: Vec<(usize, Box<Expression>)>) -> Self {
        Self::parted(expressions, table)
    }

    /// `common` makes the table of several.
    fn parted(
        expressions: Vec<(usize, Box<Expression>)>,
        mut common: impl FnMut(&[&str]) -> Option<Table>,
    ) -> Self {
        let mut groups = Vec::new();
        let mut rest = expressions;
        let mut size = rest.len();
        while !rest.is_empty() {
            let part = &rest[..size.min(rest.len())];
            let texts: Vec<&str> = part.iter().map(|(_, of)| of.text.as_str()).collect();
            let common = if part.len() > 1 { common(&texts) } else { None };
            if common.is_none() && part.len() > 1 {
                size = part.len() / 2;
                continue;
            }
            let mut part: Vec<_> = rest.drain(..part.len()).collect();
            let entries: Vec<usize> = part.iter().map(|(entry, _)| *entry).collect();
            let Some(table) = common.or_else(|| part.pop().map(|(_, of)| of.table)) else { break };
            if table.memory_usage() < TABLE_MAX / 8 {
                // What was too large lies behind.
                size = entries.len() * 2;
            }
            groups.extend(Group::new(table, entries));
        }
        Self(groups)
    }

    /// The first entry whose expression matches `path` as a whole.
    pub(super) fn first(&self, path: &[u8]) -> Option<usize> {
        // Of two groups the earlier one has the earlier entries.
        self.0.iter().find_map(|group| group.first(path))
    }

    #[cfg(test)]
    pub(super) fn groups(&self) -> usize {
        self.0.len()
    }
}

// === impl Group ===

impl Group {
    fn new(table: Table, entries: Vec<usize>) -> Option<Self> {
        let config = start::Config::new().anchored(Anchored::Yes);
        // Every table is made for this start.
        let begin = table.start_state(&config).ok()?;
        Some(Self { table, begin, entries })
    }

    fn first(&self, path: &[u8]) -> Option<usize> {
        let table = &self.table;
        let mut state = self.begin;
        for byte in path {
            state = table.next_state(state, *byte);
            if table.is_special_state(state)
                && (table.is_dead_state(state) || table.is_quit_state(state))
            {
                return None;
            }
        }
        state = table.next_eoi_state(state);
        if !table.is_match_state(state) {
            return None;
        }
        let all = 0..table.match_len(state);
        let first = all.map(|index| table.match_pattern(state, index).as_usize()).min()?;
        self.entries.get(first).copied()
    }
}

/// The table of all `texts`; nothing when it would be too large. All matches are
/// followed, and one must end where the path does.
fn table(texts: &[&str]) -> Option<Table> {
    let config = dense::Config::new()
        .start_kind(StartKind::Anchored)
        .match_kind(MatchKind::All)
        .dfa_size_limit(Some(TABLE_MAX))
        .determinize_size_limit(Some(MAKING_MAX));
    dense::Builder::new()
        .configure(config)
        .syntax(syntax())
        // Counts in an expression multiply its parts before they become states.
        .thompson(thompson::Config::new().nfa_size_limit(Some(TABLE_MAX)))
        .build_many(texts)
        .ok()
}

fn syntax() -> syntax::Config {
    syntax::Config::new().unicode(false).utf8(false)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{ProptestConfig, prop, proptest};
    use proptest::sample::select;

    use super::*;

    /// What expressions are put together of.
    const PIECES: &[&str] =
        &["a", "b", "/", "[ab]+", ".*", "(a|b/)", "[^/]{1,2}", "b?", "$", "^", "c|/a", "(?i)B"];

    fn read(texts: &[String]) -> Vec<(usize, Box<Expression>)> {
        let read = |text: &String| Box::new(Expression::new(text).expect("it is one"));
        texts.iter().map(read).enumerate().collect()
    }

    fn together(texts: &[String]) -> Expressions {
        Expressions::new(read(texts))
    }

    #[test]
    fn a_hundred_common_ones_share_one_table() {
        let texts: Vec<String> = (0..100)
            .map(|n| match n % 4 {
                0 => format!("/users/[0-9]+/x{n}"),
                1 => format!("/(a|b){n}/[^/]+/end"),
                2 => format!("/v{n}/.*"),
                _ => format!("/[^/]+/y{n}"),
            })
            .collect();
        let all = together(&texts);
        assert_eq!(all.groups(), 1);
        assert_eq!(all.first(b"/users/12/x96"), Some(96));
        assert_eq!(all.first(b"/b97/q/end"), Some(97));
        assert_eq!(all.first(b"/v2/y3"), Some(2), "the first of several");
        assert_eq!(all.first(b"/w/y3"), Some(3));
        assert_eq!(all.first(b"/w/y100"), None);
        assert_eq!(together(&[]).first(b"/"), None);
    }

    #[test]
    fn those_that_multiply_each_other_are_parted() {
        // Which of them have been seen in any order: each doubles the states.
        let texts: Vec<String> = (0..16).map(|n| format!("/.*m{n:02}.*/z")).collect();
        let all = together(&texts);
        assert!((2..=6).contains(&all.groups()), "{} groups", all.groups());
        for (path, first) in
            [("/m15/z", Some(15)), ("/m14m13m12/z", Some(12)), ("/m10/", None), ("/m00/z", Some(0))]
        {
            assert_eq!(all.first(path.as_bytes()), first, "{path}");
        }
    }

    #[test]
    fn behind_a_large_one_no_two_are_tried_together() {
        // Which of the last bytes were the letter: each byte doubles the states.
        let texts: Vec<String> = ('a'..='c').map(|of| format!("/.*{of}.{{12}}")).collect();
        let mut tried = Vec::new();
        let all = Expressions::parted(read(&texts), |texts| {
            tried.push(texts.len());
            None
        });
        assert_eq!((tried, all.groups()), (vec![3], 3));
        assert_eq!(all.first(b"/c0123456789ab"), Some(2));
        // Small ones are.
        let mut tried = Vec::new();
        let few: Vec<String> = (0..7).map(|n| format!("/{n}")).collect();
        let all = Expressions::parted(read(&few), |texts| {
            tried.push(texts.len());
            table(texts).filter(|_| tried.len() > 2)
        });
        assert_eq!((tried, all.groups()), (vec![7, 3, 2, 4], 3));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]
        #[test]
        fn the_common_table_answers_as_each_alone(
            texts in prop::collection::vec(prop::collection::vec(select(PIECES), 0..5), 1..12),
            paths in prop::collection::vec("/[abc/]{0,6}", 1..20),
        ) {
            let texts: Vec<String> = texts.iter().map(|of| format!("/{}", of.concat())).collect();
            let all = together(&texts);
            // Each with the table that it was read with.
            let alone: Vec<Group> = read(&texts)
                .into_iter()
                .filter_map(|(entry, of)| Group::new(of.table, vec![entry]))
                .collect();
            for path in &paths {
                let naive = alone.iter().find_map(|of| of.first(path.as_bytes()));
                assert_eq!(all.first(path.as_bytes()), naive, "{texts:?} {path}");
            }
        }
    }
}
