//! A large table, made quickly, and what to ask it for.
//!
//! One row in so many goes the product's own way ([`Stage::fill`]); the engine makes the others from
//! these. A copy keeps what a configuration would fix together (an API with its service, host,
//! account and backends), and who called it. Everything else is drawn anew and independently: time,
//! ids, address, sizes, durations, the end of the path. Copies are streams of their own, so that no
//! number stands twice.

use anyhow::{Context, Result, ensure};
use record::Time;
use serde::Deserialize;

use crate::rows::{Random, Rows, Sizes, Span, Words};
use crate::stage::Stage;

/// Copies of each row that was inserted, itself among them.
pub(super) const COPIES: u64 = 5;
/// Of a hundred records, so many are of the account whose newest are asked for.
pub(super) const FIRST_HAS: u64 = 10;
const DAY_MS: i64 = 86_400_000;

/// The columns that a copy draws anew, and how. `at` is its time and `took` how long it took, in
/// milliseconds. What is drawn names `copy`, so that it is drawn for each of them, and a number, so that
/// no two columns get the same.
const DRAWN: [(&str, &str); 17] = [
    ("epoch", "epoch + copy"),
    ("time", "fromUnixTimestamp64Milli(at, 'UTC')"),
    (
        "req_id",
        "concat(lower(hex(toUInt64(at - took))), '7', substring(lower(hex(rand64(copy + 1000))), 1, 3), \
         '8', substring(lower(hex(randomString(8, copy + 13000))), 1, 15))",
    ),
    ("client_req_id", "if(client_req_id = '', '', lower(hex(randomString(16, copy + 14000))))"),
    ("trace_id", "concat('0000000000000000', lower(hex(randomString(8, copy + 15000))))"),
    (
        "ip",
        "IPv4NumToString(toUInt32(16777216 + cityHash64(rand(copy + 2000) % 300000) % 3724541952))",
    ),
    ("uri", "concat(substring(uri, 1, 11), toString(rand(copy + 3000) % 1000000))"),
    (
        "query",
        "if(query = '', '', replaceRegexpOne(query, 'q=.*', concat('q=', lower(hex(rand(copy + 4000))))))",
    ),
    ("req_len", "toUInt64(exp(randNormal(6.2, 0.5, copy + 7000)))"),
    ("rsp_len", "toUInt64(exp(randNormal(7.6, 1.2, copy + 8000)))"),
    ("ups_req_len", "if(ups_st = '', 0, toUInt64(exp(randNormal(6.4, 0.5, copy + 9000))))"),
    ("ups_rsp_len", "if(ups_st = '', 0, toUInt64(exp(randNormal(7.5, 1.2, copy + 10000))))"),
    ("req_t", "took"),
    ("ups_rsp_t", "if(ups_st = '', NULL, took)"),
    ("ups_head_t", "if(ups_st = '', NULL, intDiv(took * (rand(copy + 5000) % 1000), 1000))"),
    ("tcp_rtt", "toUInt32(exp(randNormal(9.2, 1.0, copy + 11000)))"),
    ("hour", "toStartOfHour(fromUnixTimestamp64Milli(at, 'UTC'))"),
];

#[derive(Deserialize)]
struct Name {
    name: String,
}

#[derive(Deserialize)]
struct Id {
    req_id: String,
}

/// The table of a stage, spread evenly over some days.
pub(super) struct Table<'s> {
    stage: &'s Stage,
    span: Span,
    epoch: u64,
    /// Of each row that was inserted.
    copies: u64,
}

// === impl Table ===

impl<'s> Table<'s> {
    /// Fills it with as many rows as the span says, or a few less.
    pub(super) fn fill(stage: &'s Stage, span: Span) -> Result<Self> {
        let words = Words::new(Sizes { first_has: FIRST_HAS, ..Sizes::default() });
        let epoch = span.begin.0 as u64;
        let first = Span { rows: span.rows / COPIES, ..span };
        stage.fill(&mut Rows::new(&words, first, epoch), |_| {})?;
        let mut table = Self { stage, span: first, epoch, copies: 1 };
        table.grow(COPIES)?;
        Ok(table)
    }

    pub(super) fn rows(&self) -> u64 {
        self.span.rows * self.copies
    }

    /// Copies until each inserted row stands so many times, day by day.
    pub(super) fn grow(&mut self, copies: u64) -> Result<()> {
        let names: Vec<Name> = self.stage.rows(
            "SELECT name FROM system.columns WHERE database = currentDatabase() \
             AND table = 'records' AND name != 'stored_at' ORDER BY position",
        )?;
        let names: Vec<String> = names.into_iter().map(|row| row.name).collect();
        let drawn = |name: &String| DRAWN.iter().find(|(drawn, _)| drawn == name);
        let values: Vec<String> = names
            .iter()
            .map(|name| drawn(name).map_or_else(|| name.clone(), |(_, value)| (*value).to_owned()))
            .collect();
        let (names, values) = (names.join(", "), values.join(", "));
        let (epoch, known) = (self.epoch, self.copies);
        let end = self.span.begin.0 + self.span.length as i64;
        let mut from = self.span.begin.0;
        while from < end {
            let to = Time(from).hour().start().0 / DAY_MS * DAY_MS + DAY_MS;
            self.stage.run(format!(
                "INSERT INTO records ({names}) SELECT {values} FROM (SELECT *, \
                 arrayJoin(range({known}, {copies})) AS copy, \
                 toUnixTimestamp(hour) * 1000 + rand(copy + 6000) % 3600000 AS at, \
                 toUInt32(exp(randNormal(3.7, 0.9, copy + 12000))) AS took FROM records \
                 WHERE time >= fromUnixTimestamp64Milli({from}, 'UTC') \
                 AND time < fromUnixTimestamp64Milli({to}, 'UTC') AND epoch = {epoch}) \
                 SETTINGS max_insert_block_size = 1048449, min_insert_block_size_rows = 1048449, \
                 min_insert_block_size_bytes = 0, enable_positional_arguments = 0, \
                 prefer_column_name_to_alias = 1"
            ))?;
            from = to;
            eprint!("\r{} %", (to.min(end) - self.span.begin.0) * 100 / (end - self.span.begin.0));
        }
        eprintln!();
        self.copies = copies;
        let stored = self.stage.number("SELECT count() AS number FROM records")?;
        ensure!(stored == self.rows(), "{stored} of {} rows are stored", self.rows());
        self.stage.settle()
    }

    /// So many ids of any rows, in a random order.
    pub(super) fn ids(&self, count: u64) -> Result<Vec<String>> {
        // Some more than are needed, since it is by chance how many there are.
        let one_in = (self.rows() / (count * 2)).max(1);
        let rows: Vec<Id> = self.stage.rows(format!(
            "SELECT req_id FROM records WHERE cityHash64(req_id, {}) % {one_in} = 0",
            self.copies
        ))?;
        let mut ids: Vec<String> = rows.into_iter().map(|row| row.req_id).collect();
        ensure!(ids.len() as u64 >= count, "{} records are too few for {count} ids", self.rows());
        let mut random = Random::new(count);
        for place in (1..ids.len()).rev() {
            ids.swap(place, random.below(place as u64 + 1) as usize);
        }
        ids.truncate(usize::try_from(count).context("so many ids")?);
        Ok(ids)
    }
}
