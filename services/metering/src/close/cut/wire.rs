//! The canonical JSON of a cut.

use std::collections::BTreeMap;
use std::error::Error;

use pricing::MonthUse;
use record::{Hour, Stream, Time};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::{BookName, Cut, Release, Released, SourceEnd, Terms};
use crate::close::assess::Share;
use crate::close::seen::{Carry, Gateway, Living};
use crate::ranges::Ranges;

type Spans = Vec<(u64, u64)>;
type Failure = Box<dyn Error + Send + Sync>;

#[derive(Serialize, Deserialize)]
struct CutText {
    hour: String,
    looked_at: String,
    rule: u16,
    settled: bool,
    silent: Vec<String>,
    books: Vec<BookText>,
    streams: Vec<ShareText>,
    late: Vec<LateText>,
    living: Vec<LivingText>,
    gateways: Vec<GatewayText>,
    ends: Vec<EndText>,
    accounts: Vec<TermsText>,
    released: Vec<ReleasedText>,
}

#[derive(Serialize, Deserialize)]
struct BookText {
    id: String,
    sha256: String,
}

#[derive(Serialize, Deserialize)]
struct ShareText {
    gateway: String,
    epoch: u64,
    worker: u16,
    first: u64,
    last: u64,
    ranges: Spans,
    dead: Spans,
}

#[derive(Serialize, Deserialize)]
struct LateText {
    hour: String,
    streams: Vec<LateStream>,
}

#[derive(Serialize, Deserialize)]
struct LateStream {
    gateway: String,
    epoch: u64,
    worker: u16,
    ranges: Spans,
}

#[derive(Serialize, Deserialize)]
struct LivingText {
    gateway: String,
    epoch: u64,
    worker: u16,
    next: u64,
    end: Option<u64>,
}

#[derive(Serialize, Deserialize)]
struct GatewayText {
    gateway: String,
    epoch: u64,
    retired: bool,
}

#[derive(Serialize, Deserialize)]
struct EndText {
    source: String,
    part: u32,
    position: u64,
}

#[derive(Serialize, Deserialize)]
struct TermsText {
    account: String,
    books: Vec<HourBook>,
    openings: Vec<Box<RawValue>>,
}

#[derive(Serialize, Deserialize)]
struct HourBook {
    hour: String,
    sha256: Option<String>,
}

#[derive(Serialize, Deserialize)]
struct ReleasedText {
    id: String,
    cut: String,
    hour: String,
    account: String,
    how: Release,
}

pub(super) fn write(cut: &Cut) -> String {
    let text = CutText {
        hour: cut.hour.to_string(),
        looked_at: cut.looked_at.to_rfc3339(),
        rule: cut.rule,
        settled: cut.settled,
        silent: cut.silent.clone(),
        books: cut.books.iter().map(book_text).collect(),
        streams: cut.streams.iter().map(share_text).collect(),
        late: cut.late.iter().map(|(hour, streams)| late_text(*hour, streams)).collect(),
        living: cut.carry.living.iter().map(living_text).collect(),
        gateways: cut.carry.gateways.iter().map(gateway_text).collect(),
        ends: cut.ends.iter().map(end_text).collect(),
        accounts: cut.terms.iter().map(|(account, terms)| terms_text(account, terms)).collect(),
        released: cut.released.iter().map(released_text).collect(),
    };
    serde_json::to_string(&text).expect("texts and numbers become JSON")
}

pub(super) fn read(text: &str) -> Result<Cut, Failure> {
    let text: CutText = serde_json::from_str(text)?;
    let mut late = BTreeMap::new();
    for entry in text.late {
        let streams =
            entry.streams.into_iter().map(|LateStream { gateway, epoch, worker, ranges }| {
                (Stream { gateway, epoch, worker }, ranges.into_iter().collect::<Ranges>())
            });
        late.insert(entry.hour.parse::<Hour>()?, streams.collect());
    }
    let mut terms = BTreeMap::new();
    for entry in text.accounts {
        let mut found = Terms::default();
        for HourBook { hour, sha256 } in entry.books {
            found.books.insert(hour.parse()?, sha256);
        }
        for opening in entry.openings {
            found.openings.push(MonthUse::from_json(opening.get())?);
        }
        terms.insert(entry.account, found);
    }
    let gateways = text
        .gateways
        .into_iter()
        .map(|GatewayText { gateway, epoch, retired }| (gateway, Gateway { epoch, retired }));
    let living = text.living.into_iter().map(|LivingText { gateway, epoch, worker, next, end }| {
        Living { stream: Stream { gateway, epoch, worker }, next, end }
    });
    Ok(Cut {
        hour: text.hour.parse()?,
        looked_at: Time::parse_rfc3339(&text.looked_at)
            .ok_or_else(|| format!("`{}` is no time", text.looked_at))?,
        rule: text.rule,
        settled: text.settled,
        silent: text.silent,
        books: text
            .books
            .into_iter()
            .map(|BookText { id, sha256 }| BookName { id, sha256 })
            .collect(),
        streams: text.streams.into_iter().map(share).collect(),
        late,
        carry: Carry { living: living.collect(), gateways: gateways.collect() },
        ends: text.ends.into_iter().map(end).collect(),
        terms,
        released: text.released.into_iter().map(released).collect::<Result<_, _>>()?,
    })
}

fn book_text(book: &BookName) -> BookText {
    BookText { id: book.id.clone(), sha256: book.sha256.clone() }
}

fn share_text(share: &Share) -> ShareText {
    let Stream { gateway, epoch, worker } = share.stream.clone();
    let (ranges, dead) = (share.ranges.spans().to_vec(), share.dead.spans().to_vec());
    ShareText { gateway, epoch, worker, first: share.first, last: share.last, ranges, dead }
}

fn share(text: ShareText) -> Share {
    let ShareText { gateway, epoch, worker, first, last, ranges, dead } = text;
    let (ranges, dead) = (ranges.into_iter().collect(), dead.into_iter().collect());
    Share { stream: Stream { gateway, epoch, worker }, first, last, ranges, dead }
}

fn late_text(hour: Hour, streams: &BTreeMap<Stream, Ranges>) -> LateText {
    let streams = streams.iter().map(|(stream, ranges)| {
        let Stream { gateway, epoch, worker } = stream.clone();
        LateStream { gateway, epoch, worker, ranges: ranges.spans().to_vec() }
    });
    LateText { hour: hour.to_string(), streams: streams.collect() }
}

fn living_text(living: &Living) -> LivingText {
    let Stream { gateway, epoch, worker } = living.stream.clone();
    LivingText { gateway, epoch, worker, next: living.next, end: living.end }
}

fn gateway_text((name, gateway): (&String, &Gateway)) -> GatewayText {
    GatewayText { gateway: name.clone(), epoch: gateway.epoch, retired: gateway.retired }
}

fn end_text(end: &SourceEnd) -> EndText {
    EndText { source: end.source.clone(), part: end.part, position: end.position }
}

fn end(EndText { source, part, position }: EndText) -> SourceEnd {
    SourceEnd { source, part, position }
}

fn terms_text(account: &str, terms: &Terms) -> TermsText {
    let books = terms
        .books
        .iter()
        .map(|(hour, sha256)| HourBook { hour: hour.to_string(), sha256: sha256.clone() });
    let openings = terms.openings.iter().map(|opening| {
        RawValue::from_string(opening.to_json()).expect("a month's use is written as JSON")
    });
    TermsText { account: account.to_owned(), books: books.collect(), openings: openings.collect() }
}

fn released_text(released: &Released) -> ReleasedText {
    let Released { id, cut, of, account, how } = released.clone();
    ReleasedText { id, cut: cut.to_string(), hour: of.to_string(), account, how }
}

fn released(text: ReleasedText) -> Result<Released, Failure> {
    let ReleasedText { id, cut, hour, account, how } = text;
    Ok(Released { id, cut: cut.parse()?, of: hour.parse()?, account, how })
}
