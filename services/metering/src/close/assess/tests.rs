//! Tables of text: what is seen, and what the hour is then.
//!
//! One line per fact, all of one gateway `g` unless a name stands before the epoch:
//! - `carry 5/0 next 10 [end 12]`, `gateway g epoch 5 [retired]`: handed on.
//! - `in 5/0 0-9 12-13`, `late 9 5/0 3-4`, `dead 5/0 11-11`, `before 5/0 8`.
//! - `beyond 5/0 10-20 hour 11`.
//! - `start 6/0 hour 10 workers 2 [previous 5: 9 - 3]`, `end 5/0 seq 9 hour 10 [retires]`.
//!
//! The hour is always 10. Epochs are hours here, so that they are times too.

use record::{Life, PreviousLife};

use super::*;
use crate::close::seen::{Beyond, LifeRow};

const HOUR_MS: u64 = 3_600_000;

fn stream(text: &str) -> Stream {
    let (rest, worker) = text.rsplit_once('/').expect("epoch/worker");
    let (gateway, epoch) = rest.rsplit_once('/').unwrap_or(("g", rest));
    let epoch = epoch.parse::<u64>().expect("an epoch") * HOUR_MS;
    Stream { gateway: gateway.into(), epoch, worker: worker.parse().expect("a worker") }
}

fn span(text: &str) -> (u64, u64) {
    let (first, last) = text.split_once('-').expect("first-last");
    (first.parse().expect("a number"), last.parse().expect("a number"))
}

fn word<T: std::str::FromStr>(words: &[&str], after: &str) -> Option<T> {
    let at = words.iter().position(|word| *word == after)?;
    words.get(at + 1)?.trim_end_matches(':').parse().ok()
}

fn life(words: &[&str]) -> LifeRow {
    let previous = words.iter().position(|word| *word == "previous").map(|at| PreviousLife {
        epoch: word::<u64>(words, "previous").expect("an epoch") * HOUR_MS,
        last: words[at + 2..].iter().map(|last| last.parse().ok()).collect(),
    });
    let workers = word(words, "workers").unwrap_or(1);
    let retires = words.contains(&"retires");
    LifeRow {
        stream: stream(words[1]),
        seq: word(words, "seq").unwrap_or(0),
        hour: Hour(word(words, "hour").expect("an hour")),
        ends: words[0] == "end",
        life: Life { workers, previous, retires, ..Life::default() },
    }
}

fn read(table: &str) -> (Carry, Seen) {
    let (mut carry, mut seen) = (Carry::default(), Seen::default());
    for line in table.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let words: Vec<&str> = line.split_whitespace().collect();
        let spans = |from: usize| words[from..].iter().map(|text| span(text)).collect::<Ranges>();
        match words[0] {
            "carry" => carry.living.push(Living {
                stream: stream(words[1]),
                next: word(&words, "next").expect("next"),
                end: word(&words, "end"),
            }),
            "gateway" => {
                let epoch = word::<u64>(&words, "epoch").expect("epoch") * HOUR_MS;
                let retired = words.contains(&"retired");
                carry.gateways.insert(words[1].into(), Gateway { epoch, retired });
            }
            "in" => drop(seen.inside.insert(stream(words[1]), spans(2))),
            "dead" => drop(seen.dead.insert(stream(words[1]), spans(2))),
            "late" => {
                let hour = Hour(words[1].parse().expect("an hour"));
                seen.late.entry(hour).or_default().insert(stream(words[2]), spans(3));
            }
            "before" => {
                let last = words[2].parse().expect("a number");
                seen.cut_before.insert(stream(words[1]), last);
            }
            "beyond" => {
                let (first, last) = span(words[2]);
                let hour = Hour(word(&words, "hour").expect("hour"));
                seen.beyond.insert(stream(words[1]), Beyond { first, last, hour });
            }
            "start" | "end" => seen.lives.push(life(&words)),
            other => panic!("no such fact: {other}"),
        }
    }
    (carry, seen)
}

fn place(stream: &Stream) -> String {
    let gateway = if stream.gateway == "g" { "" } else { &format!("{}/", stream.gateway) };
    format!("{gateway}{}/{}", stream.epoch / HOUR_MS, stream.worker)
}

fn show(state: &Assessment) -> String {
    let mut lines = Vec::new();
    for share in &state.shares {
        let Share { stream, first, last, ranges, dead } = share;
        let (stored, dead, missing) = (ranges.count(), dead.count(), share.missing());
        let figures = format!("stored {stored} dead {dead} missing {missing}");
        lines.push(format!("share {} {first}-{last}: {figures}", place(stream)));
    }
    for living in &state.carry.living {
        let end = living.end.map(|end| format!(" end {end}")).unwrap_or_default();
        lines.push(format!("next {} {}{end}", place(&living.stream), living.next));
    }
    for waiting in &state.waiting {
        lines.push(match waiting {
            Waiting::Stream(stream) => format!("waits for {}", place(stream)),
            Waiting::Gateway(name) => format!("waits for gateway {name}"),
        });
    }
    for (name, gateway) in &state.carry.gateways {
        if gateway.retired {
            lines.push(format!("{name} retired"));
        }
    }
    lines.join("\n")
}

#[track_caller]
fn check(table: &str, expect: &str) {
    let (carry, seen) = read(table);
    let expect: Vec<&str> = expect.lines().map(str::trim).filter(|l| !l.is_empty()).collect();
    assert_eq!(show(&assess(Hour(10), &carry, &seen)), expect.join("\n"));
}

#[test]
fn a_stream_is_done_when_a_row_beyond_the_hour_follows_without_a_hole() {
    check(
        "in 9/0 0-9
         beyond 9/0 10-12 hour 11",
        "share 9/0 0-9: stored 10 dead 0 missing 0
         next 9/0 10",
    );
    check(
        "in 9/0 0-3 5-9
         beyond 9/0 11-12 hour 11",
        "share 9/0 0-10: stored 9 dead 0 missing 2
         next 9/0 11
         waits for 9/0",
    );
    check(
        "in 9/0 0-3 5-9
         dead 9/0 4-4 10-10
         beyond 9/0 11-12 hour 11",
        "share 9/0 0-10: stored 9 dead 2 missing 0
         next 9/0 11",
    );
}

#[test]
fn a_silent_stream_is_waited_for() {
    check("in 9/0 0-9", "share 9/0 0-9: stored 10 dead 0 missing 0\nnext 9/0 10\nwaits for 9/0");
    check("carry 9/0 next 10\ngateway g epoch 9", "next 9/0 10\nwaits for 9/0");
    check(
        "carry 9/0 next 10
         gateway g epoch 9
         beyond 9/0 10-10 hour 14",
        "next 9/0 10",
    );
}

#[test]
fn an_end_ends_the_stream_and_a_gateway_is_expected_until_it_retires() {
    let rows = "in 9/0 0-9\nend 9/0 seq 9 hour 10";
    let share = "share 9/0 0-9: stored 10 dead 0 missing 0";
    check(rows, &format!("{share}\nwaits for gateway g"));
    check(&format!("{rows} retires"), &format!("{share}\ng retired"));
    check(&format!("{rows}\nbeyond 11/0 0-3 hour 11\nstart 11/0 hour 11 previous 9: 9"), share);
    check("gateway g epoch 9", "waits for gateway g");
    check("gateway g epoch 9 retired", "g retired");
    check(
        "gateway g epoch 9 retired\nin 10/0 0-1\nbeyond 10/0 2-2 hour 11",
        "share 10/0 0-1: stored 2 dead 0 missing 0\nnext 10/0 2",
    );
}

#[test]
fn an_end_with_a_hole_before_it_is_waited_for() {
    check(
        "in 9/0 0-7 9-9
         end 9/0 seq 9 hour 10 retires",
        "share 9/0 0-9: stored 9 dead 0 missing 1
         waits for 9/0
         g retired",
    );
}

#[test]
fn all_workers_of_a_life_are_expected() {
    check(
        "in 9/0 0-3
         start 9/0 hour 10 workers 2
         beyond 9/0 4-4 hour 11",
        "share 9/0 0-3: stored 4 dead 0 missing 0
         next 9/0 4
         next 9/1 0
         waits for 9/1",
    );
}

#[test]
fn a_crashed_life_is_ended_by_the_start_of_the_next() {
    check(
        "carry 9/0 next 10
         carry 9/1 next 4
         gateway g epoch 9
         in 9/0 10-12
         in 10/0 0-1
         start 10/0 hour 10 workers 1 previous 9: 12 3
         beyond 10/0 2-2 hour 11",
        "share 9/0 10-12: stored 3 dead 0 missing 0
         share 10/0 0-1: stored 2 dead 0 missing 0
         next 10/0 2",
    );
    check(
        "carry 9/0 next 10
         gateway g epoch 9
         in 9/0 10-12
         start 11/0 hour 11 workers 1 previous 9: 14
         beyond 11/0 0-2 hour 11",
        "share 9/0 10-14: stored 3 dead 0 missing 2
         waits for 9/0",
    );
}

#[test]
fn a_crashed_life_that_nobody_has_seen_is_known_through_the_next() {
    let rows = "gateway g epoch 8
         start 11/0 hour 11 workers 1 previous 10: 4 -
         beyond 11/0 0-2 hour 11";
    check(rows, "share 10/0 0-4: stored 0 dead 0 missing 5\nwaits for 10/0");
    // It began after the hour: no row of it is expected in it.
    check(&rows.replace("previous 10", "previous 11"), "");
    // It was accounted for before.
    check(&rows.replace("epoch 8", "epoch 10"), "");
}

#[test]
fn a_life_whose_spool_is_lost_is_waited_for_once() {
    let rows = "carry 9/0 next 10
         gateway g epoch 9
         in 9/0 10-12
         start 10/0 hour 10 workers 1
         in 10/0 0-1
         beyond 10/0 2-2 hour 11";
    let streams = "share 9/0 10-12: stored 3 dead 0 missing 0
         share 10/0 0-1: stored 2 dead 0 missing 0
         next 10/0 2";
    check(rows, &format!("{streams}\nwaits for 9/0"));
    // It had said its end: nothing is lost.
    check(&format!("{rows}\nend 9/0 seq 12 hour 10"), streams);
    // It went on after the hour, and the next hour will wait for it.
    check(
        "carry 9/0 next 10
         gateway g epoch 9
         in 9/0 10-12
         beyond 9/0 13-13 hour 11
         start 11/0 hour 11 workers 1
         beyond 11/0 0-2 hour 11",
        "share 9/0 10-12: stored 3 dead 0 missing 0
         next 9/0 13",
    );
}

#[test]
fn a_life_between_that_left_nothing_is_over() {
    check(
        "carry 9/0 next 3
         gateway g epoch 9
         in 10/0 0-1
         start 10/0 hour 10 workers 1 previous 8: 2
         beyond 10/0 2-2 hour 11",
        "share 10/0 0-1: stored 2 dead 0 missing 0
         next 10/0 2",
    );
}

#[test]
fn a_file_lives_only_in_its_hours_and_is_closed_by_its_end() {
    check(
        "in ingest:a/3/0 0-9",
        "share ingest:a/3/0 0-9: stored 10 dead 0 missing 0
         waits for ingest:a/3/0",
    );
    check("carry ingest:a/3/0 next 10\nbeyond ingest:a/3/0 10-12 hour 15", "next ingest:a/3/0 10");
    check(
        "carry ingest:a/3/0 next 10\nin ingest:a/3/0 10-12\nend ingest:a/3/0 seq 12 hour 10",
        "share ingest:a/3/0 10-12: stored 3 dead 0 missing 0",
    );
}

#[test]
fn late_rows_between_are_part_of_the_share_and_others_are_not() {
    // 10 came late; it follows the share of the hour before.
    check(
        "carry 9/0 next 10
         gateway g epoch 9
         late 9 9/0 5-5 10-10
         in 9/0 11-12
         beyond 9/0 13-13 hour 11",
        "share 9/0 10-12: stored 3 dead 0 missing 0
         next 9/0 13",
    );
    // An ended stream: the late row fills a hole of an earlier share.
    check("before ingest:a/3/0 8\nlate 7 ingest:a/3/0 5-5", "");
    // A whole stream that came late.
    check(
        "late 7 ingest:a/3/0 0-4\nlate 8 ingest:a/3/0 5-6\nend ingest:a/3/0 seq 6 hour 8",
        "share ingest:a/3/0 0-6: stored 7 dead 0 missing 0",
    );
}

#[test]
fn a_stream_that_goes_on_after_its_last_cut_begins_behind_it() {
    check(
        "before ingest:a/3/0 8\nin ingest:a/3/0 9-9\nend ingest:a/3/0 seq 9 hour 10",
        "share ingest:a/3/0 9-9: stored 1 dead 0 missing 0",
    );
}

#[test]
fn an_end_that_stands_in_a_later_hour_is_handed_on() {
    check(
        "in 9/0 0-3
         beyond 9/0 4-6 hour 11
         end 9/0 seq 6 hour 11 retires",
        "share 9/0 0-3: stored 4 dead 0 missing 0
         next 9/0 4 end 7",
    );
}
