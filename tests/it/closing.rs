//! Hours being closed, with a kill at every step, with two closers at once, with records that
//! arrive meanwhile: each hour closed once, each bill there once, nothing billed twice or not at all.

use std::os::unix::process::ExitStatusExt;

use metering::Step;
use rustix::process::Signal;
use serde_json::Value;
use tests::ask::ASKS;
use tests::audit::audit;
use tests::chance::Chance;
use tests::lines::{self, Call, SELLER, clock, write_file};
use tests::load::Load;
use tests::naive::{self, lines_of, total_of, units};
use tests::wait;
use tests::world::{HOST, Running, STORE_MAX, World};

use crate::day::{bill_texts, check, closed, ingest, proof_text, up_at, world};

/// Who is billed in the samples.
const ACCOUNTS: [&str; 3] = [SELLER, "1250000002", "1250000003"];

/// Calls of all accounts in the first `hours` hours of the sample day; no account in all of them.
/// Their numbers begin at `first`.
pub fn sample(first: u32, hours: u32) -> Vec<Call> {
    let mut calls = Vec::new();
    for hour in 0..hours {
        for (place, account) in ACCOUNTS.iter().enumerate() {
            if (hour as usize + place).is_multiple_of(4) {
                continue;
            }
            for number in 0..10 + hour {
                let call = Call::new(first + calls.len() as u32, hour, number * 60);
                let rsp_len = 1_000_000 * u64::from(number + hour);
                calls.push(Call { account: (*account).to_owned(), rsp_len, ..call });
            }
        }
    }
    calls
}

/// Takes calls in, beside whatever runs.
pub fn take_in(world: &World, source: &str, calls: &[Call]) {
    write_file(&world.folder.path().join(source), calls.iter().map(Call::json));
    assert_eq!(ingest(world, "json", source, source)["stored"], calls.len(), "{source}");
}

/// Starts at a time of the sample day and sees it die at a step.
fn die_at(world: &mut World, hour: i64, minute: i64, kill_at: &str) {
    let clock = clock(hour, minute);
    let env = [("TOLLGATE_TEST_CLOCK_AHEAD", &*clock), ("TOLLGATE_TEST_KILL_AT", kill_at)];
    // It may come to the step before it answers.
    let killed = world.try_up(&env).map_or_else(|killed| killed, |_| world.ended(STORE_MAX));
    assert_eq!(killed.signal(), Some(9), "{kill_at}: {}", world.log());
    world.nothing_is_left();
}

/// Each of the first `hours` hours is closed once, with one bill for each account that used
/// anything, of exactly the lines that its calls come to.
pub fn check_hours(running: &Running, calls: &[Call], hours: u32) {
    let first = format!("'{} 00:00:00'", lines::DAY);
    let within =
        format!("hour >= {first} AND hour < addHours(toDateTime({first}, 'UTC'), {hours})");
    for table in ["cuts", "closings"] {
        let count = running.rows(&format!(
            "SELECT count() AS rows, uniqExact(hour) AS hours FROM {table} WHERE {within}"
        ));
        let both = (count[0]["rows"].as_u64(), count[0]["hours"].as_u64());
        assert_eq!(both, (Some(hours.into()), Some(hours.into())), "{table}: one for each hour");
    }
    let mut used = ACCOUNTS.map(|account| (account, 0));
    for hour in 0..hours {
        let mut texts = bill_texts(running, hour).into_iter();
        for (account, before) in &mut used {
            let of_hour = calls.iter().filter(|call| call.hour == hour && call.account == *account);
            let of_hour: Vec<&Call> = of_hour.collect();
            if of_hour.is_empty() {
                continue;
            }
            let bill: Value = texts
                .next()
                .and_then(|text| serde_json::from_str(&text).ok())
                .unwrap_or_else(|| panic!("no bill of {account} in {hour}"));
            assert_eq!(bill["account"], *account, "{bill}");
            assert_eq!(lines_of(&bill), naive::bill(of_hour.iter().copied(), *before), "{bill}");
            total_of(&bill);
            *before += naive::counted(of_hour);
        }
        assert_eq!(texts.next(), None, "a bill too many in {hour}");
        assert!(check(running, hour).iter().all(|(_, ok)| *ok), "the proof of {hour}");
    }
}

/// The bills of the first hours, byte for byte, and the figures of their proofs. The cut's own hash
/// is left out: it says where the sources stood.
fn texts(running: &Running, hours: u32) -> Vec<String> {
    let figures = |hour| {
        let proof: Value = serde_json::from_str(&proof_text(running, hour)).expect("a proof");
        format!("{hour}: {} {} {}", proof["complete"], proof["streams"], proof["late"])
    };
    (0..hours).flat_map(|hour| [bill_texts(running, hour), vec![figures(hour)]].concat()).collect()
}

#[test]
fn killed_at_each_step_of_a_close_every_hour_is_closed_once_and_as_if_nothing_had_been() {
    const HOURS: u32 = 9;
    let calls = sample(0, HOURS);
    let mut undisturbed = world(0);
    take_in(&undisturbed, "day", &calls);
    let running = up_at(&mut undisturbed, 10, 5);
    closed(&running, HOURS - 1);
    let expect = texts(&running, HOURS);
    assert!(undisturbed.stop().success(), "{}", undisturbed.log());

    let mut chance = Chance::new("steps of a close");
    let mut world = world(0);
    take_in(&world, "day", &calls);
    for step in [
        Step::BeforeCut,
        Step::AfterCut,
        Step::BeforeBills,
        Step::AfterBills,
        Step::BeforeClosing,
        Step::AfterClosing,
    ] {
        // At most seven hours are closed on the way.
        die_at(&mut world, 10, 5, &format!("{}:{}", step.as_str(), chance.between(1, 2)));
    }
    let running = up_at(&mut world, 10, 5);
    closed(&running, HOURS - 1);
    check_hours(&running, &calls, HOURS);
    for (found, expect) in texts(&running, HOURS).iter().zip(&expect) {
        assert_eq!(found, expect, "byte for byte");
    }
    assert!(world.stop().success(), "{}", world.log());
}

#[test]
fn what_arrives_between_two_steps_of_a_close_is_billed_once() {
    const HOURS: u32 = 6;
    let mut world = world(0);
    let mut calls = sample(0, HOURS);
    take_in(&world, "day", &calls);
    // The second start ends in the hour after that of the first one, and so on: in each hour
    // something arrives between other steps.
    let kills =
        ["before-cut:1", "after-cut:2", "before-bills:2", "after-bills:2", "before-closing:2"];
    for (hour, kill_at) in (0..).zip(kills) {
        die_at(&mut world, 7, 5, kill_at);
        let late = lines::calls(10_000 * (hour + 1), hour, 25);
        take_in(&world, kill_at.trim_end_matches([':', '1', '2']), &late);
        calls.extend(late);
    }
    let running = up_at(&mut world, 7, 5);
    closed(&running, HOURS);
    totals_are_conserved(&running, &calls, HOURS);
    // What came before the cut is in the hour itself; the rest is corrected, once.
    let corrected = running.rows(
        "SELECT toHour(hour) AS hour, arrayDistinct(arrayFilter(h -> h != '', arrayMap( \
             line -> JSONExtractString(line, 'corrects_hour'), \
             JSONExtractArrayRaw(bill, 'lines')))) AS corrects \
         FROM bills WHERE notEmpty(corrects) ORDER BY hour, account",
    );
    let shown: Vec<String> =
        corrected.iter().map(|row| format!("{} {}", row["hour"], row["corrects"])).collect();
    let expect = (1..5).map(|hour| format!("{} [\"{}:00:00Z\"]", hour + 1, lines::hour(hour)));
    assert_eq!(shown, expect.collect::<Vec<_>>());
    assert!(world.stop().success(), "{}", world.log());
}

/// All bills together come to what every hour comes to when all its calls are rated at once.
fn totals_are_conserved(running: &Running, calls: &[Call], hours: u32) {
    let mut expect = 0;
    for account in ACCOUNTS {
        let mut before = 0;
        for hour in 0..hours {
            let of_hour = calls.iter().filter(|call| call.hour == hour && call.account == account);
            let of_hour: Vec<&Call> = of_hour.collect();
            let bill = naive::bill(of_hour.iter().copied(), before);
            expect += bill.iter().map(|line| line.amount).sum::<i128>();
            before += naive::counted(of_hour);
        }
    }
    let bills = running.rows("SELECT bill FROM bills");
    let bills = bills.iter().map(|row| row["bill"].as_str().expect("a text"));
    let billed: i128 =
        bills.map(|text| total_of(&serde_json::from_str(text).expect("a bill"))).sum();
    assert_eq!(billed, expect, "in 10⁻⁸");
    let twice = "SELECT count() - uniqExact(hour, account) FROM bills";
    assert_eq!(running.number(twice), 0, "one bill for an hour and account");
}

#[test]
fn what_arrives_while_hours_are_being_closed_is_billed_once() {
    const HOURS: u32 = 24;
    let mut world = world(0);
    let mut calls = sample(0, HOURS);
    take_in(&world, "day", &calls);
    // Closing has begun when it answers, and goes on while the file comes.
    up_at(&mut world, 24, 5);
    let late = sample(100_000, HOURS);
    take_in(&world, "late", &late);
    calls.extend(late);
    assert!(world.stop().success(), "{}", world.log());
    let running = up_at(&mut world, 26, 5);
    let last = format!(
        "SELECT count() FROM closings WHERE hour = addHours(toDateTime('{} 00:00:00', 'UTC'), 25)",
        lines::DAY
    );
    wait::until("the last hour", STORE_MAX, || (running.number(&last) > 0).then_some(()));
    totals_are_conserved(&running, &calls, HOURS);
    assert!(world.stop().success(), "{}", world.log());
}

#[test]
fn what_waited_in_the_spool_of_a_killed_process_is_in_the_bill_of_its_hour() {
    let mut world = world(0);
    let running = up_at(&mut world, 8, 30);
    let load = Load::start(running.gateway, HOST, 6, ASKS);
    load.more(500);
    world.signal_engine(Signal::STOP);
    load.more(500);
    load.hold();
    world.kill();
    world.nothing_is_left();
    let ledger = load.stop();
    let running = up_at(&mut world, 10, 5);
    closed(&running, 8);
    let found = audit(&ledger, &running);
    let bills = bill_texts(&running, 8);
    let bill: Value = serde_json::from_str(&bills[0]).expect("a bill");
    let calls = lines_of(&bill).into_iter().find(|line| line.place == "calls 1");
    let calls = calls.expect("a line of calls").quantity;
    assert_eq!((bills.len(), &bill["account"]), (1, &SELLER.into()));
    assert_eq!(calls, units(&found.billable.to_string()), "every billable call is in the bill");
    assert!(check(&running, 8).iter().all(|(_, ok)| *ok));
    assert!(world.stop().success(), "{}", world.log());
}
