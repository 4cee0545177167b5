//! The filter language: one form for each filter, and SQL in which nothing that a person wrote
//! stands.

use query::{canonical_filter, filter_sql};

/// The longest filter that is read, bytes.
const FILTER_MAX: usize = 2048;

/// The longest SQL of a filter, bytes: a quarter of what ClickHouse takes by default.
const SQL_MAX: usize = 64 * 1024;

/// Two for each of a hundred comparisons.
const PARAMS_MAX: usize = 200;

/// Words of SQL and types of parameters, the names of columns apart.
const WORDS: &str = "AND OR NOT a t > < >= <= = != ifNull isNull false arrayMap arrayExists has \
    match positionCaseInsensitiveUTF8 replaceRegexpOne splitByRegexp toIPv6 toIPv6OrNull \
    isIPv4String toUInt16OrZero billable reason rule hour stored_at 0";

/// Texts of SQL: how lists are split, and what is empty.
const TEXTS: [&str; 8] = [
    "",
    " *[,:] *",
    " *, *",
    "^ *(-|null)? *([,:] *(-|null)? *)*$",
    "^[-, ]*$",
    r"^\\[?([^\\]]*)\\]?:[0-9]+$",
    r"\\1",
    "UTC",
];

/// A filter that is read is shown in one form, and compiled to SQL within bounds; of another one
/// is said where it is wrong.
pub fn filter(bytes: &[u8]) -> bool {
    let Ok(text) = str::from_utf8(bytes) else { return false };
    let shown = match canonical_filter(text) {
        Ok(shown) => shown,
        Err(error) => {
            let columns = 1..=text.chars().count() + 1;
            assert!(columns.contains(&error.column), "column {}", error.column);
            assert!(!error.expected.is_empty());
            return false;
        }
    };
    let compiled = filter_sql(text).expect("what is shown is compiled");
    // Spaces may make it longer than a filter may be.
    if shown.len() <= FILTER_MAX {
        assert_eq!(canonical_filter(&shown).as_ref(), Ok(&shown), "of {text:?}");
        assert_eq!(filter_sql(&shown).as_ref(), Ok(&compiled), "of {text:?}");
    }
    let (sql, params) = compiled;
    assert!(text.len() <= FILTER_MAX && sql.len() <= SQL_MAX, "{} bytes of SQL", sql.len());
    assert!(params.len() <= PARAMS_MAX, "{} parameters", params.len());
    only_ours(&sql, &params);
    true
}

/// Each word and each text of the SQL is one of ours, each parameter stands in it once, and
/// parentheses are closed where they were opened.
fn only_ours(sql: &str, params: &[String]) {
    let mut rest = sql.to_owned();
    for param in params {
        let (before, after) = rest.split_once(&format!("{{{param}:")).expect("its place");
        let (kind, after) = after.split_once('}').expect("the end of its place");
        assert!(["String", "UInt64", "DateTime64(3, 'UTC')"].contains(&kind), "{kind}");
        assert!(!after.contains(&format!("{{{param}:")), "{param} stands twice");
        rest = format!("{before}{after}");
    }
    let mut depth = 0_usize;
    for (at, part) in rest.split('\'').enumerate() {
        if at % 2 == 1 {
            assert!(TEXTS.contains(&part), "{part:?} is no text of ours");
            continue;
        }
        for sign in part.chars() {
            match sign {
                '(' => depth += 1,
                ')' => depth = depth.checked_sub(1).expect("a parenthesis that was opened"),
                _ => {}
            }
        }
        let words = part.replace("->", " ");
        for word in words.split([' ', '(', ')', ',']).filter(|word| !word.is_empty()) {
            let known = WORDS.split_ascii_whitespace().any(|known| known == word);
            assert!(known || record::keys().any(|key| key == word), "{word:?} is no word of ours");
        }
    }
    assert_eq!(depth, 0, "{sql}");
}
