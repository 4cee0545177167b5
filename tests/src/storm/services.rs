//! The processes that a storm goes over.

use std::net::SocketAddr;

use crate::clickhouse::ClickHouse;
use crate::load::Load;

/// One shape of the product, running.
pub trait Services {
    /// The kinds of its processes, as the report names them.
    fn kinds(&self) -> &'static [&'static str];

    /// Where requests go.
    fn gateways(&self) -> Vec<SocketAddr>;

    /// SIGKILL to a process of this kind; `pick` chooses among several. It is started again at once,
    /// if that is not the product's own business, and the load is told.
    ///
    /// # Panics
    /// When it can not be started again.
    fn kill(&mut self, kind: &str, pick: u64, load: &Load);

    /// Waits until everything that the gateways wrote up to now is stored; their clock is ahead.
    ///
    /// # Panics
    /// When it is not in time.
    fn settle(&self, ahead_s: i64);

    /// What is stored.
    fn store(&self) -> &ClickHouse;

    /// Lets the product compute an hour again, from its cut (`close --dry-run`) and from all its
    /// records (`audit recount`): whether it comes to the same.
    fn same_again(&self, hour: &str) -> bool;

    /// How many records of the topic have no row, and how many rows no record in the topic; the clock
    /// is ahead. None where there is no topic.
    fn topic(&self, ahead_s: i64) -> Option<(u64, u64)>;

    /// What its processes said.
    fn log(&self) -> String;
}
