use super::*;

const SUMS: &str = include_str!("../../../../../../schemas/clickhouse/0014_records_by_stream.sql");

/// Golden: the text that auditors are given. A change here is a change of every later proof.
#[test]
fn the_sql_that_checks_a_proof_is_one_statement_that_runs_as_is() {
    let hour: Hour = "2026-11-20T13".parse().expect("an hour");
    let sql = check_sql(hour, &[hour], "tollgate");
    assert!(!sql.contains('{') && !sql.contains(';'), "no parameters, one statement");
    assert_eq!(sql, include_str!("check.sql").trim_end());
    assert_eq!(measure_late_sql(hour, &[hour.prev()]), include_str!("late.sql").trim_end());
    assert_eq!(measure_sql(hour, &[hour]), include_str!("measure.sql").trim_end());
    assert_eq!(measure_whole_sql(hour), include_str!("whole.sql").trim_end());
}

/// What the hash covers is written down in the schema too: the sums there are of use only while both
/// agree.
#[test]
fn the_sums_beside_the_rows_have_the_hash_of_the_proof() {
    let columns = COLUMNS.join(", ");
    assert!(SUMS.contains(&format!("sumWithOverflow({FUNCTION}({columns}))")), "{SUMS}");
}
