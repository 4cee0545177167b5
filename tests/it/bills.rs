//! A day of records, its hours closed, its bills computed a second time by hand.

use std::collections::BTreeMap;

use serde_json::Value;
use tests::lines::{self, Call, GUANGZHOU, HONGKONG, SELLER, write_file};
use tests::naive::{self, FIRST_TIER, Line};

use crate::day::{closed, ingest, program, up_at, world};

/// An account with dedicated instances, private traffic and a backend that is reached publicly.
const OTHER: &str = "1250000009";
/// An account in a region that no price book knows.
const LOST: &str = "1250000007";

/// The hour in which the seller's use crosses the bound of the first tier.
const CROSSING: u32 = 14;

/// A generator of numbers that look random and are the same each time.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963);
        (self.0 >> 33) % bound
    }
}

/// The day: what a bracket file can say, all of Guangzhou, and what needs JSON.
fn day() -> (Vec<Call>, Vec<Call>) {
    let mut numbers = Numbers(7);
    let (mut bracket, mut json) = (Vec::new(), Vec::new());
    let outcomes = [(200, "200"), (404, "404"), (404, ""), (502, "502"), (504, ""), (200, "")];
    let mut next = 0;
    for hour in 0..24 {
        for _ in 0..20 + numbers.below(30) {
            next += 1;
            let (rsp_st, ups_st) = outcomes[numbers.below(6) as usize];
            let second = numbers.below(3600) as u32;
            let rsp_len = numbers.below(90_000_000);
            let call = Call { rsp_st, ups_st, rsp_len, ..Call::new(next, hour, second) };
            match numbers.below(4) {
                0 | 1 => bracket.push(call),
                2 => json.push(Call {
                    region: HONGKONG.to_owned(),
                    net: ["public", "private"][numbers.below(2) as usize],
                    ups_net: ["public", "private"][numbers.below(2) as usize],
                    ups_req_len: numbers.below(40_000_000),
                    ..call
                }),
                _ => json.push(Call {
                    account: OTHER.to_owned(),
                    // One region has one kind of instance: an hour's traffic is rounded once.
                    region: [GUANGZHOU, HONGKONG][(hour % 2) as usize].to_owned(),
                    instance_type: ["dedicated", "shared"][(hour % 2) as usize],
                    net: ["public", "private"][numbers.below(2) as usize],
                    ..call
                }),
            }
        }
        if hour % 6 == 3 {
            next += 1;
            let call = Call::new(next, hour, 5);
            json.push(Call { account: LOST.to_owned(), region: "mars-north".to_owned(), ..call });
        }
    }
    (bracket, json)
}

#[test]
fn a_days_bills_are_what_the_calls_come_to_by_hand() {
    let (bracket, json) = day();
    let all: Vec<&Call> = bracket.iter().chain(&json).collect();
    let of = |account: &str, hour: u32| {
        let account = account.to_owned();
        all.iter().copied().filter(move |call| call.account == account && call.hour == hour)
    };
    let before_crossing: u64 = (0..CROSSING).map(|hour| naive::counted(of(SELLER, hour))).sum();
    let opening = FIRST_TIER - before_crossing - naive::counted(of(SELLER, CROSSING)) / 2;
    let mut world = world(opening);
    write_file(&world.folder.path().join("day.log"), bracket.iter().map(Call::bracket));
    write_file(&world.folder.path().join("day.json"), json.iter().map(Call::json));
    // Before anything runs on the folder, with an engine of its own.
    assert_eq!(ingest(&world, "bracket", "old", "day.log")["stored"], bracket.len());
    assert_eq!(ingest(&world, "json", "new", "day.json")["stored"], json.len());
    let running = up_at(&mut world, 24, 5);
    closed(&running, 23);

    let mut use_of = BTreeMap::from([(SELLER, opening), (OTHER, 0)]);
    let mut crossed = Vec::new();
    for hour in 0..24 {
        let (status, answer) =
            running.get(&format!("/v1/bills/{}", lines::hour(hour)), &running.token);
        assert_eq!((status, &answer["state"]), (200, &"closed".into()), "{answer}");
        for (account, before) in &mut use_of {
            let expect = naive::bill(of(account, hour), *before);
            *before += naive::counted(of(account, hour));
            let bills = answer["bills"].as_array().expect("bills");
            let bill = bills.iter().find(|bill| bill["account"] == **account).expect("a bill");
            assert_eq!(naive::lines_of(bill), expect, "{account} in {hour}");
            assert_eq!(naive::total_of(bill), expect.iter().map(|line| line.amount).sum::<i128>());
            check_kind(account, hour, &expect, &mut crossed);
        }
        // The account that nobody can price is named, and holds nobody back.
        let held: Vec<_> = answer["held"].as_array().into_iter().flatten().collect();
        assert_eq!(held.len(), usize::from(hour % 6 == 3), "{answer}");
        for held in held {
            let reason = held["reason"].as_str().expect("a reason");
            assert_eq!(held["account"], LOST);
            assert!(reason.contains("mars-north"), "{reason}");
        }
        assert!(!answer["bills"].to_string().contains(LOST), "{answer}");
    }
    assert_eq!(crossed, [CROSSING], "one hour has calls in two tiers");
    // What nobody could price waits for a person, hour by hour.
    let list = program(&world).json(&["bills", "held"]);
    let of = |held: &Value| held["hour"].as_str().expect("an hour").to_owned();
    let hours: Vec<String> = list["held"].as_array().expect("held").iter().map(of).collect();
    assert_eq!(hours.len(), 4, "{hours:?}");
    let release = |hour: &str, how: &[&str]| {
        program(&world).run(&[&["bills", "release", hour, "--account", LOST], how].concat())
    };
    let hour = hours[0].trim_end_matches(":00:00Z");
    assert!(release(hour, &["--region", "mars-north"]).failed(2).contains("RECORDED=PRICED"));
    let good = release(hour, &["--region", "mars-north=ap-singapore"]).good();
    assert!(good.out.contains("The next hour that closes"), "{good:?}");
    assert!(release("2020-01-01T00", &["--waive"]).failed(1).contains("no use of account"));
    assert!(world.stop().success(), "{}", world.log());
}

/// What the sample is meant to show is really in it.
fn check_kind(account: &str, hour: u32, lines: &[Line], crossed: &mut Vec<u32>) {
    let calls = lines.iter().filter(|line| line.place.starts_with("calls")).count();
    if account == SELLER && calls == 2 {
        crossed.push(hour);
    }
    if account == OTHER && hour.is_multiple_of(2) {
        assert_eq!(calls, 0, "dedicated instances pay no calls");
    }
}
