//! What is read, as it is shown again; what is refused, where and why; and as SQL.

use proptest::prelude::*;

use super::field::FIELDS;
use super::*;

fn check(text: &str, expected: &str) {
    let shown = parse(text).map(|filter| filter.to_string());
    assert_eq!(shown.as_deref(), Ok(expected), "{text}");
    assert_eq!(parse(expected), parse(text), "{text}");
}

fn refuse(text: &str, column: usize, expected: &str) {
    let error = parse(text).expect_err(text);
    assert_eq!(error.column, column, "{text}: {error}");
    assert!(error.expected.contains(expected), "{text}: {error}");
}

#[test]
fn what_is_written_is_understood() {
    check(
        "rsp_st >= 500 AND err_msg : \"timeout\" AND NOT ups_st = - AND req_t > 1.5 AND ip in 10.0.0.0/8",
        "rsp_st >= 500 AND err_msg : \"timeout\" AND NOT ups_st = - AND req_t > 1.500 \
         AND ip in (10.0.0.0/8)",
    );
    check("rsp_st=404", "rsp_st = 404");
    check("  uri:/a-b ", "uri : \"/a-b\"");
    check(
        "method = GET or method = PUT and rsp_st != 200",
        "method = \"GET\" OR method = \"PUT\" AND rsp_st != 200",
    );
    check(
        "(method = GET or method = PUT) and rsp_st != 200",
        "(method = \"GET\" OR method = \"PUT\") AND rsp_st != 200",
    );
    check("((rsp_st = 200))", "rsp_st = 200");
    check("NOT(not rsp_st = 200)", "NOT NOT rsp_st = 200");
    check("NOT (rsp_st = 200 OR rsp_st = 204)", "NOT (rsp_st = 200 OR rsp_st = 204)");
    check("(env = a AND env = b) AND env = c", "(env = \"a\" AND env = \"b\") AND env = \"c\"");
    check("method = and", "method = \"and\"");
}

#[test]
fn values_are_of_the_fields_kind() {
    check("err_msg = -", "err_msg = -");
    check("err_msg = \"\"", "err_msg = -");
    check("err_msg = \"-\"", "err_msg = \"-\"");
    check(r#"err_msg = "a \"b\" \\ c""#, r#"err_msg = "a \"b\" \\ c""#);
    check("err_msg : \"漢 字\"", "err_msg : \"漢 字\"");
    check("req_t >= 2", "req_t >= 2.000");
    check("req_t >= 2s", "req_t >= 2.000");
    check("ups_conn_t < 1500ms", "ups_conn_t < 1.500");
    check("ups_conn_t = -", "ups_conn_t = -");
    check("rsp_len > 10kB", "rsp_len > 10000");
    check("rsp_len > 4MiB", "rsp_len > 4194304");
    check("rsp_len <= 512B", "rsp_len <= 512");
    check("tcp_rtt > 2ms", "tcp_rtt > 2000");
    check("tcp_rtt in (1, 2us, -)", "tcp_rtt in (1, 2, -)");
    check("time >= 2026-11-20T14:00:00+01:00", "time >= 2026-11-20T13:00:00.000Z");
    check("billable = true AND fault != none", "billable = true AND fault != none");
    check("ip = 10.0.0.1", "ip = 10.0.0.1");
    check("ip in (10.1.2.3/8, 2001:DB8::1)", "ip in (10.0.0.0/8, 2001:db8::1)");
    check("upip = 10.0.0.9:80", "upip = \"10.0.0.9:80\"");
    check("upip in [::1]:80", "upip in (\"[::1]:80\")");
    check("ip : 10.0.", "ip : \"10.0.\"");
    check("ups_st in (502, 504)", "ups_st in (502, 504)");
    check(
        "req_id = 01997B3E-1C00-7ABC-8DEF-0123456789AB",
        "req_id = \"01997b3e1c007abc8def0123456789ab\"",
    );
}

#[test]
fn an_error_names_the_column_and_what_was_expected() {
    refuse("", 1, "expected a field");
    refuse("rsp_st", 7, "expected `!=`, `>=`");
    refuse("rsp_st >", 9, "a status from 100 to 999");
    refuse("rsp_st > x", 10, "a status from 100 to 999");
    refuse("rsp_st = 99", 10, "a status");
    refuse("rsp_st = -1", 10, "a status");
    refuse("rsp_sts = 200", 1, "`rsp_sts` is no field: expected one of req_id,");
    refuse("rsp_st : 5", 8, "`rsp_st` does not take `:`: expected `!=`");
    refuse("uri > a", 5, "`uri` does not take `>`: expected `!=`, `=`, `:` or `in`");
    refuse("uri > ", 5, "does not take");
    refuse("rsp_st = 200 rsp_st = 404", 14, "expected `AND`, `OR` or the end");
    refuse("rsp_st = 200)", 13, "expected `AND`, `OR` or the end");
    refuse("(rsp_st = 200", 14, "expected `AND`, `OR` or `)`");
    refuse("rsp_st = 200 AND", 17, "expected a field");
    refuse("rsp_st = 200 AND OR", 18, "`OR` is no field");
    refuse("NOT", 4, "expected a field");
    refuse("err_msg = \"a", 13, "the text has no end");
    refuse(r#"err_msg = "a\n""#, 13, "a `\\` stands before");
    refuse("err_msg : \"漢字\" x", 16, "expected `AND`");
    refuse("err_msg : -", 11, "empty goes with");
    refuse("ups_rsp_t > -", 13, "empty goes with");
    refuse("req_len = -", 11, "`req_len` is never empty: expected a number of bytes");
    refuse("req_len = 1TB", 11, "a number of bytes");
    refuse("req_len = 18446744073709551616", 11, "a number of bytes");
    refuse("req_len = 18446744073709551615kB", 11, "a number of bytes");
    refuse("req_t = 1.2345", 9, "seconds with up to 3 decimals");
    refuse("req_t = .5", 9, "seconds");
    refuse("req_t = 1e3", 9, "seconds");
    refuse("ip = 10.0.0.0/8", 6, "with `in`, a range");
    refuse("ip in (10.0.0.0/8 10.0.0.1)", 19, "expected `,` or `)`");
    refuse("ip in ()", 8, "an address");
    refuse("ip in 10.0.0.0/33", 7, "an address");
    refuse("ip = a", 6, "an address");
    refuse("upip = backend:80", 8, "an address");
    refuse("fault = mine", 9, "`none`, `client`, `gateway` or `backend`");
    refuse("billable = yes", 12, "`true` or `false`");
    refuse("time > yesterday", 8, "a time like");
    refuse("life = x", 1, "`life` is no field");
    refuse("rsp_st = (200)", 10, "a status");
}

#[test]
fn a_filter_has_bounds() {
    let nested = |depth: usize| format!("{}rsp_st = 200{}", "(".repeat(depth), ")".repeat(depth));
    assert!(parse(&nested(DEPTH_MAX)).is_ok());
    refuse(&nested(DEPTH_MAX + 1), DEPTH_MAX + 1, "nest at most 16 deep");
    refuse(
        &format!("{}rsp_st = 200", "NOT ".repeat(DEPTH_MAX + 1)),
        DEPTH_MAX * 4 + 1,
        "nest at most",
    );
    refuse(&"(".repeat(BYTES_MAX), DEPTH_MAX + 1, "nest at most");

    let list = |values: usize| format!("seq in ({})", vec!["1"; values].join(","));
    assert!(parse(&list(TERMS_MAX)).is_ok());
    refuse(&list(TERMS_MAX + 1), 9 + 2 * TERMS_MAX, "at most 100 comparisons");
    let terms = |terms: usize| vec!["seq=1"; terms].join(" OR ");
    assert!(parse(&terms(TERMS_MAX)).is_ok());
    refuse(&terms(TERMS_MAX + 1), 9 * TERMS_MAX + 5, "at most 100 comparisons");

    let long = |bytes: usize| format!("uri : {}", "a".repeat(bytes - 6));
    assert!(parse(&long(BYTES_MAX)).is_ok());
    refuse(&long(BYTES_MAX + 1), BYTES_MAX + 1, "at most 2048 bytes");
}

#[test]
fn every_field_is_a_column_of_the_table() {
    let mut columns: Vec<_> = store::records::stored_columns().map(|(name, _)| name).collect();
    columns.push("stored_at");
    columns.retain(|name| *name != "life");
    columns.sort_unstable();
    let mut fields: Vec<_> = FIELDS.iter().map(|field| field.name).collect();
    fields.sort_unstable();
    assert_eq!(fields, columns);
}

#[test]
fn values_travel_as_parameters() {
    let attack = "' OR 1 = 1 -- {f1:String} \\";
    let filter = Filter::Term(Term {
        field: Field::find("uri").expect("a field"),
        op: Op::Holds,
        values: vec![Value::Text(attack.to_owned())],
    });
    let (text, params) = compile(&filter);
    assert_eq!(text, "(positionCaseInsensitiveUTF8(uri, {f0:String}) > 0)");
    assert_eq!(params, [("f0".to_owned(), attack.into())]);
}

#[test]
fn a_condition_is_never_null() {
    let sql = |text: &str| compile(&parse(text).expect(text)).0;
    assert_eq!(sql("ups_rsp_t > 1.5"), "(ifNull(ups_rsp_t > {f0:UInt64}, false))");
    assert_eq!(sql("ups_rsp_t != 1"), "NOT (ifNull(ups_rsp_t = {f0:UInt64}, false))");
    assert_eq!(sql("rsp_st < 500"), "(rsp_st != 0 AND rsp_st < {f0:UInt64})");
    assert_eq!(
        sql("env = a OR NOT (method in (GET, PUT) AND billable = false)"),
        "((env = {f0:String})) OR (NOT (((method = {f1:String}) OR (method = {f2:String})) \
         AND ((NOT billable))))"
    );
}

/// Any value of a kind, as reading it would give.
fn value(kind: Kind, op: Op) -> BoxedStrategy<Value> {
    let text = "[ -~äö漢]{1,12}".prop_map(Value::Text);
    let number = |max: u64| (0..=max).prop_map(Value::Number);
    let address = prop_oneof![
        (any::<[u8; 4]>(), 0..=32_u8).prop_map(|(bytes, len)| (bytes.into(), len)),
        (any::<[u8; 16]>(), 0..=128_u8).prop_map(|(bytes, len)| (bytes.into(), len)),
    ];
    let range = address.prop_map(move |(address, len): (std::net::IpAddr, u8)| {
        let full = if address.is_ipv4() { 32 } else { 128 };
        let len = if op == Op::In { len } else { full };
        Value::Range(IpNet::new(address, len).expect("a length").trunc())
    });
    let some = match kind {
        _ if op == Op::Holds => text.boxed(),
        Kind::Text => text.boxed(),
        Kind::Id => "[a-f0-9]{32}".prop_map(Value::Text).boxed(),
        Kind::Status | Kind::Statuses => (100..=999_u64).prop_map(Value::Number).boxed(),
        Kind::Count | Kind::Bytes | Kind::MaybeMicros => number(u64::MAX).boxed(),
        Kind::Seconds | Kind::MaybeSeconds => number(u64::MAX / 2000).boxed(),
        Kind::Time => (0..4_000_000_000_000_i64).prop_map(|ms| Value::Time(Time(ms))).boxed(),
        Kind::Flag => any::<bool>().prop_map(Value::Flag).boxed(),
        Kind::Word(words) => prop::sample::select(words.all()).prop_map(Value::Word).boxed(),
        Kind::Address => range.boxed(),
        Kind::Addresses => {
            let socket = any::<([u8; 4], u16)>()
                .prop_map(|at| Value::Text(std::net::SocketAddr::from(at).to_string()));
            prop_oneof![range, socket].boxed()
        }
    };
    let may_be_empty = kind.may_be_empty() && matches!(op, Op::Equal | Op::Unequal | Op::In);
    if may_be_empty { prop_oneof![4 => some, 1 => Just(Value::Empty)].boxed() } else { some }
}

fn term() -> impl Strategy<Value = Filter> {
    let field = prop::sample::select(FIELDS.iter().collect::<Vec<_>>());
    field
        .prop_flat_map(|field: &'static Field| {
            let ops: Vec<_> = Op::ALL.iter().map(|(_, op)| *op).collect();
            let ops: Vec<_> = ops.into_iter().filter(|op| field.kind.takes(*op)).collect();
            (Just(field), prop::sample::select(ops))
        })
        .prop_flat_map(|(field, op)| {
            let most = if op == Op::In { 3 } else { 1 };
            (Just(field), Just(op), prop::collection::vec(value(field.kind, op), 1..=most))
        })
        .prop_map(|(field, op, values)| Filter::Term(Term { field, op, values }))
}

fn tree() -> impl Strategy<Value = Filter> {
    term().prop_recursive(4, 12, 3, |inner| {
        let parts = || prop::collection::vec(inner.clone(), 2..=3);
        prop_oneof![
            parts().prop_map(Filter::All),
            parts().prop_map(Filter::Any),
            inner.clone().prop_map(|part| Filter::Not(Box::new(part))),
        ]
    })
}

proptest! {
    #[test]
    fn what_is_shown_is_read_as_the_same(filter in tree()) {
        let shown = filter.to_string();
        prop_assume!(shown.len() <= BYTES_MAX);
        prop_assert_eq!(parse(&shown), Ok(filter));
    }

    #[test]
    fn no_text_breaks_the_reader(text in "\\PC{0,80}|[a-z_ =!:<>()\",\\\\0-9.-]{0,80}") {
        if let Err(error) = parse(&text) {
            prop_assert!((1..=text.chars().count() + 1).contains(&error.column));
        }
    }

    #[test]
    fn no_value_stands_in_the_sql(filter in tree()) {
        let (text, params) = compile(&filter);
        prop_assert!(text.is_ascii() && !text.contains('"') && !text.contains(';'));
        for at in 0..params.len() {
            let place = format!("{{f{at}:");
            prop_assert!(text.contains(&place));
        }
        // The guard of every query takes it.
        crate::scope::Select::new(crate::scope::Table::Records, "req_id").filter(text);
    }
}
