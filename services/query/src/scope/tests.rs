//! The guard of every query, as text.

use super::*;

fn check(select: &Select, scope: &Scope, expected: &str) {
    let lines: Vec<_> = expected.trim().lines().map(str::trim_end).collect();
    let indent = "        ";
    let expected: Vec<_> =
        lines.iter().map(|line| line.strip_prefix(indent).unwrap_or(line)).collect();
    assert_eq!(select.sql(scope).text(), expected.join("\n"));
}

#[test]
fn records_of_an_account_are_those_it_owns_or_called() {
    check(
        &Select::new(Table::Records, "req_id").filter("a = 1 OR b = 2").limit(3),
        &Scope::account("7"),
        "
        SELECT req_id
        FROM records
        WHERE (account = {scope:String} OR caller = {scope:String})
          AND (a = 1 OR b = 2)
        LIMIT 3",
    );
}

#[test]
fn bills_of_an_account_are_those_it_owes() {
    check(
        &Select::new(Table::Bills, "bill").filter("hour = 0").order("account"),
        &Scope::account("7"),
        "
        SELECT bill
        FROM bills
        WHERE (account = {scope:String})
          AND (hour = 0)
        ORDER BY account",
    );
}

#[test]
fn all_accounts_have_no_guard() {
    check(
        &Select::new(Table::Records, "count()").group("reason"),
        &Scope::all(),
        "
        SELECT count()
        FROM records
        GROUP BY reason",
    );
}

#[test]
fn whole_hours_belong_to_no_account() {
    let expected = "
        SELECT proof
        FROM closings
        WHERE (hour = 0)";
    for scope in [Scope::all(), Scope::account("7")] {
        check(&Select::new(Table::Closings, "proof").filter("hour = 0"), &scope, expected);
    }
}

#[test]
fn the_account_travels_as_a_parameter() {
    let account = "7' OR 1 = 1 --";
    let sql = Select::new(Table::Records, "req_id").sql(&Scope::account(account));
    assert!(!sql.text().contains(account));
    assert!(format!("{sql:?}").contains(account));
}

#[test]
fn no_other_table_slips_in() {
    for text in ["(SELECT 1)", "a in b", "x JOIN y"] {
        let built = std::panic::catch_unwind(|| Select::new(Table::Bills, text.to_owned() + " "));
        let filtered = std::panic::catch_unwind(|| {
            Select::new(Table::Bills, "bill").filter(format!("{text} "))
        });
        assert!(built.is_err() && filtered.is_err(), "{text}");
    }
    let scope = std::panic::catch_unwind(|| Scope::account(""));
    assert!(scope.is_err(), "nobody's rows are not an account's");
    let param = std::panic::catch_unwind(|| Select::new(Table::Bills, "x").param("scope", "8"));
    assert!(param.is_err(), "the scope can not be given twice");
}

#[test]
fn what_is_not_stored_is_held_to_the_scope_too() {
    assert!(Scope::all().holds("7"));
    assert!(Scope::account("7").holds("7"));
    assert!(!Scope::account("7").holds("8"));
}
