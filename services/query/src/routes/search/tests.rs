//! What is asked, the statement for it, and the tokens of pages.

use super::*;

const NOW: &str = "2026-11-20T15:30:00.000Z";

fn now() -> Time {
    Time::parse_rfc3339(NOW).expect("a time")
}

fn ask(search: &Search, scope: &Scope) -> Result<Asked, (Code, String)> {
    Asked::new(search, scope, now()).map_err(|problem| (problem.code, problem.detail))
}

fn text(value: &str) -> Option<String> {
    Some(value.to_owned())
}

fn sql(search: &Search, scope: &Scope, role: Role) -> String {
    let asked = ask(search, scope).expect("good");
    asked.select(scope, role).expect("may").sql(scope).text().to_owned()
}

#[test]
fn without_a_word_it_is_the_last_three_hours() {
    let asked = ask(&Search::default(), &Scope::all()).expect("good");
    assert_eq!(asked.span.to, now());
    assert_eq!(asked.span.from.to_rfc3339(), "2026-11-20T12:30:00.000Z");
    assert_eq!((asked.limit, asked.order), (PAGE, Order::Newest));
    assert!(asked.filter.is_none() && asked.behind.is_none());
}

#[test]
fn the_statement_is_kept_to_the_account() {
    let search = Search { filter: text("rsp_st = 404 OR account = 8"), ..Search::default() };
    let sql = sql(&search, &Scope::account("7"), Role::Seller);
    let (_, conditions) = sql.split_once("\nWHERE ").expect("conditions");
    assert_eq!(
        conditions,
        "(account = {scope:String} OR caller = {scope:String})\n  \
         AND (time >= {from:DateTime64(3, 'UTC')})\n  AND (time < {to:DateTime64(3, 'UTC')})\n  \
         AND (part = 'final')\n  \
         AND (((rsp_st != 0 AND rsp_st = {f0:UInt64})) OR ((account = {f1:String})))\n\
         ORDER BY toStartOfHour(time) DESC, time DESC, gateway DESC, epoch DESC, worker DESC, \
         seq DESC\nLIMIT 101"
    );
}

#[test]
fn who_does_not_see_the_backend_can_not_ask_about_it() {
    let search = Search { filter: text("NOT upip in 10.0.0.0/8"), ..Search::default() };
    let scope = Scope::account("7");
    let refused = ask(&search, &scope).expect("good").select(&scope, Role::Buyer);
    assert_eq!(refused.expect_err("a buyer").code, Code::FieldForbidden);
    assert!(sql(&search, &scope, Role::Seller).contains("AND (account = {owner:String})"));
    assert!(!sql(&search, &Scope::all(), Role::Operator).contains("owner"));
}

#[test]
fn the_lives_of_streams_are_found_by_name_only() {
    let search = Search { filter: text("part = heartbeat"), ..Search::default() };
    assert!(!sql(&search, &Scope::all(), Role::Operator).contains("part = 'final'"));
}

#[test]
fn parameters_have_bounds() {
    let check = |search: Search, code, words: &str| {
        let (found, detail) = ask(&search, &Scope::all()).expect_err(words);
        assert_eq!(found, code, "{detail}");
        assert!(detail.contains(words), "{detail}");
    };
    for limit in [0, PAGE_MAX + 1] {
        let search = Search { limit: Some(limit), ..Search::default() };
        check(search, Code::ParameterInvalid, "1 to 1000");
    }
    check(
        Search { order: text("up"), ..Search::default() },
        Code::ParameterInvalid,
        "`newest` or `oldest`",
    );
    check(
        Search { from: text("2026-10-20T15:29:59Z"), ..Search::default() },
        Code::SpanTooLong,
        "31 days",
    );
    check(Search { from: text(NOW), ..Search::default() }, Code::ParameterInvalid, "before");
    check(Search { to: text("now"), ..Search::default() }, Code::ParameterInvalid, "`to`");
    check(Search { filter: text("a"), ..Search::default() }, Code::FilterInvalid, "column 1");
}

#[test]
fn a_token_is_of_its_search_only() {
    let scope = Scope::account("7");
    let search = |filter: &str| Search { filter: text(filter), ..Search::default() };
    let asked = ask(&search("rsp_st = 200"), &scope).expect("good");
    let record = record::Record { time: now(), gateway: "g".into(), seq: 4, ..Default::default() };
    let token = Token { span: asked.span, last: Place::of(&record) };
    let page = token.to_text(&asked.seal).expect("a text");
    let with = |search: Search, page: &str| Search { page_token: text(page), ..search };

    // The same filter in other words is the same.
    let next = ask(&with(search("(rsp_st=200)"), &page), &scope).expect("good");
    assert_eq!((next.span, next.behind), (token.span, Some(token.last)));
    let refuse = |search: Search, scope: &Scope, words: &str| {
        let (code, detail) = ask(&search, scope).expect_err(words);
        assert_eq!(code, Code::PageTokenInvalid);
        assert!(detail.contains(words), "{detail}");
    };
    refuse(with(search("rsp_st = 201"), &page), &scope, "another filter");
    refuse(with(search(""), &page), &scope, "another filter");
    refuse(with(search("rsp_st = 200"), &page), &Scope::account("8"), "another filter");
    refuse(with(search("rsp_st = 200"), &page), &Scope::all(), "another filter");
    let oldest = Search { order: text("oldest"), ..search("rsp_st = 200") };
    refuse(with(oldest, &page), &scope, "another filter");
    let moved = Search { from: text("2026-11-20T12:00:00Z"), ..search("rsp_st = 200") };
    refuse(with(moved, &page), &scope, "another `from`");
    for wrong in ["", "x", "e30", &"a".repeat(2000)] {
        refuse(with(search("rsp_st = 200"), wrong), &scope, "no `next_page_token`");
    }
}
