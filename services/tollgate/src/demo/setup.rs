//! The demo's own configuration, and its day of sample records.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context;
use record::Hour;
use serde::Deserialize;
use store::{Sql, Store};

use super::backends::Backends;
use super::traffic::Key;
use super::{BUYERS, HOST, ORDERS, REGIONS, SELLER, SERVICE, sample};
use crate::commands::store_file;
use crate::config::{self, Config};
use crate::ingest::{self, Form, Options};
use crate::process::{Gateway, now};

/// Hours of the sample day.
pub(super) const HOURS: u64 = 24;
/// Between two looks at how many hours are closed.
pub(super) const LOOK_EVERY: Duration = Duration::from_millis(100);
/// The hour of the sample day that crosses the bound of a tier.
const CROSSING: u64 = 14;
/// How many calls of that hour still belong to the lower tier.
const BELOW: u64 = 100;
/// The bound of the published calls tier.
const BOUND: u64 = 10_000_000;
/// Public halves of the keys; the secret halves are as public, it is a demo.
const SECRET_IDS: [&str; 2] = ["AKIDdemo1001", "AKIDdemo1002"];
/// The same of an application's key, for those who try it.
const APPLICATION_ID: &str = "AKIDdemoapp";

const CLOSED_SQL: &str = "\
SELECT count() AS closed
FROM closings
WHERE hour >= toDateTime({from:Int64}, 'UTC')
  AND hour < toDateTime({to:Int64}, 'UTC')";

/// What the demo runs with.
pub(super) struct Setup {
    /// One key per order.
    pub(super) keys: Vec<Key>,
    /// The first hour of yesterday, UTC.
    pub(super) day: Hour,
    files: Vec<PathBuf>,
}

// === impl Setup ===

impl Setup {
    /// Writes one configuration file per gateway.
    pub(super) fn write(folder: &Path, backends: &Backends) -> anyhow::Result<Self> {
        let now = now();
        let today = now.hour().0.div_euclid(24) * 24;
        let day = Hour(today - 24);
        let key = |id: &str| Key { secret_id: id.to_owned(), secret: format!("secret of {id}") };
        let keys = SECRET_IDS.map(key).to_vec();
        let mut files = Vec::new();
        for (number, region) in REGIONS.iter().enumerate() {
            let file = folder.join(if number == 0 { "tollgate.yaml" } else { "second.yaml" });
            fs::write(&file, configuration(region, day, &keys, backends))
                .with_context(|| format!("can not write {}", file.display()))?;
            files.push(file);
        }
        Ok(Self { keys, day, files })
    }

    /// The configuration of the process, and its second gateway.
    pub(super) fn load(&self) -> anyhow::Result<(Config, Gateway)> {
        let mut configs = Vec::new();
        for file in &self.files {
            configs.push(config::load(file).context("the demo's own configuration is not good")?);
        }
        let mut second = configs.pop().context("there are two")?;
        // A spool belongs to one gateway.
        second.spool.dir.set_file_name("spool-2");
        let first = configs.pop().context("there are two")?;
        Ok((first, Gateway { gateway: second.gateway, spool: second.spool }))
    }

    /// Takes in the sample day, one file per region.
    pub(super) async fn ingest(
        &self,
        store: &Store,
        metering: &metering::Config,
    ) -> anyhow::Result<()> {
        for region in REGIONS {
            let options = Options {
                source: format!("old-{region}"),
                region: region.to_owned(),
                ..Options::default()
            };
            let file = sample::day(region, self.day);
            let taken = ingest::read(&file, Form::Bracket, &options)?;
            store_file(store, metering.clone(), taken).await?;
        }
        Ok(())
    }

    /// How many hours of the sample day are closed.
    pub(super) async fn closed(&self, store: &Store) -> anyhow::Result<u64> {
        #[derive(Deserialize)]
        struct Row {
            closed: u64,
        }
        let hours = i64::try_from(HOURS).unwrap_or_default();
        let sql = Sql::new(CLOSED_SQL)
            .param("from", self.day.start().0 / 1000)
            .param("to", (self.day.start().0 / 1000) + hours * 3600);
        let rows: Vec<Row> = store.query(&sql).await?;
        Ok(rows.first().map_or(0, |row| row.closed))
    }
}

/// One gateway's configuration. Clients and backends of the demo are on loopback; it calls them
/// public, so that their traffic is billed.
fn configuration(region: &str, day: Hour, keys: &[Key], backends: &Backends) -> String {
    let month = day.to_string()[..7].to_owned();
    let (steady, moody) = (backends.steady, backends.moody);
    let hour = sample::billable_per_hour() * REGIONS.len() as u64;
    let opening = BOUND - hour * CROSSING - BELOW;
    let mut text = format!(
        "\
# The demo's configuration: `tollgate check` and `tollgate up` take it as it is.
data: data
gateway:
  name: demo-{region}
  region: {region}
  listen: 127.0.0.1:0
  workers: 1
  operator_account: \"1250000000\"
  private_networks: []          # so that the demo's traffic counts as public
query:
  listen: 127.0.0.1:0
  metrics: 127.0.0.1:0
store:
  memory: 2GiB
prices:
  books: [\"bundled:published\"]
  accounts:
    - id: \"{SELLER}\"
      opening_use: [{{month: {month}, calls: {opening}}}]
services:
  - id: {SERVICE}
    account: \"{SELLER}\"
    hosts: [{HOST}, localhost]    # the second one for curl and browsers
    environments: [release]
    apis:
      - id: api-steady
        path: /steady/
        auth: key-pair
        backend: {{url: \"http://{steady}/\"}}
      - id: api-moody
        path: /moody/
        auth: key-pair
        backend: {{url: \"http://{moody}/\", timeouts: {{head: 300ms}}}}
      - id: api-hello
        path: /hello
        cors: {{headers: [X-Demo], expose: [X-Api-RequestId]}}
        backend: {{mock: {{status: 200, body: \"hello from the gateway\"}}}}
      - id: api-private
        path: /private
        auth: application
        backend: {{mock: {{status: 200, body: \"for applications only\"}}}}
      - id: api-nothing
        path: /nothing
        backend: {{mock: {{status: 204}}}}
"
    );
    text.push_str(&keys_of(keys));
    text
}

/// The section `keys:`: one key for each order, and an application's.
fn keys_of(keys: &[Key]) -> String {
    let mut text = String::from("keys:\n");
    for (number, key) in keys.iter().enumerate() {
        let (account, order) = (BUYERS[number], ORDERS[number]);
        writeln!(
            text,
            "  - {{secret_id: {}, secret: \"{}\", account: \"{account}\", plan: plan-weather, order: \
             {order}, goods: goods-weather, services: [{SERVICE}]}}",
            key.secret_id, key.secret
        )
        .expect("writing to a string");
    }
    let account = BUYERS[0];
    writeln!(
        text,
        "  - {{secret_id: {APPLICATION_ID}, kind: application, secret: \"secret of {APPLICATION_ID}\", \
         account: \"{account}\", services: [{SERVICE}], apis: [api-private]}}"
    )
    .expect("writing to a string");
    text
}
