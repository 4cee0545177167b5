//! Use and lines as short texts, for tables.

use std::fmt::Write;

use pricing::{
    Book, CallsKey, Direction, Gb, HourUsage, Line, Month, MonthUse, TrafficKey, bundled,
};
use record::{Hour, InstanceType};
use settings::Sink;

/// A book from its text, which has no mistakes.
pub fn book(text: &str) -> Book {
    let sink = Sink::new();
    let book = Book::read("book.yaml", text, &sink);
    sink.finish(book).expect("a good book")
}

pub fn published() -> Book {
    book(bundled("published").expect("it comes with the crate"))
}

pub fn tiered() -> Book {
    book(bundled("tiered").expect("it comes with the crate"))
}

pub fn hour(text: &str) -> Hour {
    text.parse().expect("an hour")
}

pub fn month(text: &str) -> Month {
    text.parse().expect("a month")
}

/// `calls 3; response ap-tokyo 1024; backend ap-tokyo dedicated 5`, in bytes.
pub fn usage(text: &str) -> HourUsage {
    let mut usage = HourUsage::default();
    for part in text.split(';').map(str::trim).filter(|part| !part.is_empty()) {
        let words: Vec<&str> = part.split(' ').collect();
        let dedicated = words.contains(&"dedicated");
        let instance_type = if dedicated { InstanceType::Dedicated } else { InstanceType::Shared };
        let number = words.last().expect("a number").replace('_', "");
        let number: u128 = number.parse().expect("a number");
        if words[0] == "calls" {
            let calls = u64::try_from(number).expect("calls fit");
            usage.calls.insert(CallsKey { instance_type }, calls);
        } else {
            let direction = Direction::parse(words[0]).expect("a direction");
            let region = words[1].to_owned();
            usage.traffic.insert(TrafficKey { region, direction, instance_type }, number);
        }
    }
    usage
}

/// `calls 9999999; free_calls 5; free_gb 0.5; ap-tokyo 1.4`, in GB, of November 2026.
pub fn month_use(text: &str) -> MonthUse {
    let mut use_so_far = MonthUse::new(month("2026-11"), None);
    for part in text.split(';').map(str::trim).filter(|part| !part.is_empty()) {
        let (name, number) = part.split_once(' ').expect("a name and a number");
        let number = number.replace('_', "");
        let gb = || Gb::from_decimal(number.parse().expect("a decimal")).expect("GB");
        match name {
            "calls" => use_so_far.calls = number.parse().expect("calls"),
            "free_calls" => use_so_far.free_calls = number.parse().expect("calls"),
            "free_gb" => use_so_far.free_traffic = gb(),
            region => drop(use_so_far.traffic.insert(region.to_owned(), gb())),
        }
    }
    use_so_far
}

/// One line each: `calls:t1 3 x 0.00000089 = 0.00000267`.
pub fn text(lines: &[Line]) -> String {
    let mut text = String::new();
    for line in lines {
        let Line { id, quantity, unit_price, amount, .. } = line;
        writeln!(text, "{id} {quantity} x {unit_price} = {amount}").expect("a text has room");
    }
    text
}
