//! RULE-1, row by row.
