//! Claims: who may write on behalf of a partition.
//!
//! A claim is a row; the greatest `(counter, nonce)` of a partition is its owner. No lock is held
//! and no lease runs out: a newer claim fences the older ones, and nothing else does.
//!
//! The order of a claim's steps carries the promise:
//! 1. Write a row above the greatest. From when it is visible, inserts that *begin* under older
//!    claims write nothing.
//! 2. Read that it is the greatest. Of two that claim at once only one goes on.
//! 3. End the inserts that began before 1, and wait until none is left. An insert stands in
//!    `system.processes` from before it reads the claims until after its part is published, so
//!    one that is not seen there any more is stored for good or not at all.
//!
//! Only then does reading back say what is stored.

use std::time::Duration;

use serde::Deserialize;
use thiserror::Error;
use tokio::time::{Instant, sleep};
use uuid::Uuid;

use crate::endpoint::Store;
use crate::insert::{InsertError, push_encoded};
use crate::query::QueryError;
use crate::sql::{Limits, Param, Sql};

/// How long inserts of an earlier owner may take to end once killed. The server notices a kill
/// between blocks, and a client that is silent in mid-body after `http_receive_timeout` (3 s in
/// our engine; 30 s by ClickHouse's default, hence the double of that).
const END_TIME: Duration = Duration::from_secs(60);

/// Pause between two looks at what still runs. `KILL … SYNC` waits by itself, so a second look is
/// rare.
const END_PAUSE: Duration = Duration::from_millis(50);

/// The right to write on behalf of one partition of one source, until somebody claims above.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    /// E.g. `spool:gw-1`, `close`.
    pub source: String,
    /// Partition of the source.
    pub part: u32,
    /// Counts the owners of the partition, from 1.
    pub counter: u64,
    /// Tells apart two that claimed the same counter. `(counter, nonce)` are compared as one.
    pub nonce: u64,
}

/// Why a partition could not be claimed.
#[derive(Debug, Error)]
pub enum ClaimError {
    /// Somebody claimed above in the meantime: it owns the partition.
    #[error("somebody else claimed {source_name}/{part} at the same time")]
    Lost {
        /// Source of the claim.
        source_name: String,
        /// Partition of the source.
        part: u32,
    },
    /// Inserts of an earlier owner are still running, though killed.
    #[error("{inserts} inserts of an earlier owner of {source_name}/{part} do not end")]
    Busy {
        /// Source of the claim.
        source_name: String,
        /// Partition of the source.
        part: u32,
        /// How many still run.
        inserts: u64,
    },
    /// A statement failed; claim again.
    #[error("failed to claim {source_name}/{part}")]
    Query {
        /// Source of the claim.
        source_name: String,
        /// Partition of the source.
        part: u32,
        /// What failed.
        #[source]
        source: QueryError,
    },
}

// === impl Claim ===

impl Claim {
    /// The parameters of [`crate::insert::FENCE`], escaped.
    pub(crate) fn params(&self) -> Vec<(&'static str, String)> {
        let params = [
            ("source", Param::from(self.source.as_str())),
            ("part", self.part.into()),
            ("counter", self.counter.into()),
            ("nonce", self.nonce.into()),
        ];
        params.into_iter().filter_map(|(name, value)| Some((name, value.escaped()?))).collect()
    }

    pub(crate) fn fenced(&self) -> InsertError {
        let Self { source, part, counter, .. } = self.clone();
        InsertError::Fenced { source_name: source, part, counter }
    }
}

/// First part of the names of all inserts on behalf of a partition, whoever owns it.
///
/// The database's name is in it because a server may have several of ours; the source is encoded,
/// so that no source's name can begin with another's and a `:`.
fn partition_prefix(database: &str, source: &str, part: u32) -> String {
    let mut prefix = format!("tollgate:{database}:");
    push_encoded(&mut prefix, source);
    prefix.push_str(&format!(":{part}:"));
    prefix
}

// === impl Store ===

#[derive(Deserialize)]
struct Greatest {
    counter: u64,
    nonce: u64,
}

impl Store {
    /// Claims a partition above everybody before, and ends the inserts of earlier owners. Then it
    /// is time to read back what is stored.
    ///
    /// `owner` says who it is, for those who look into the table.
    ///
    /// # Errors
    /// [`ClaimError`]
    pub async fn claim(&self, source: &str, part: u32, owner: &str) -> Result<Claim, ClaimError> {
        self.claim_in(source, part, owner, "").await
    }

    /// The same for a member of a consumer group.
    ///
    /// # Errors
    /// [`ClaimError`]
    pub async fn claim_in(
        &self,
        source: &str,
        part: u32,
        owner: &str,
        group: &str,
    ) -> Result<Claim, ClaimError> {
        let failed =
            |error| ClaimError::Query { source_name: source.to_owned(), part, source: error };
        let before = self.greatest(source, part).await.map_err(failed)?;
        let (high, low) = Uuid::new_v4().as_u64_pair();
        let claim = Claim {
            source: source.to_owned(),
            part,
            counter: before.counter + 1,
            // Each half has a few fixed bits, which fall on random ones of the other.
            nonce: high ^ low,
        };
        self.write(&claim, owner, group).await.map_err(failed)?;
        if !self.holds(&claim).await.map_err(failed)? {
            return Err(ClaimError::Lost { source_name: source.to_owned(), part });
        }
        match self.end_inserts(&claim).await.map_err(failed)? {
            0 => Ok(claim),
            inserts => Err(ClaimError::Busy { source_name: source.to_owned(), part, inserts }),
        }
    }

    /// Whether the claim is still the greatest of its partition.
    ///
    /// # Errors
    /// [`QueryError`]
    pub async fn holds(&self, claim: &Claim) -> Result<bool, QueryError> {
        let greatest = self.greatest(&claim.source, claim.part).await?;
        Ok((greatest.counter, greatest.nonce) == (claim.counter, claim.nonce))
    }

    /// First part of the names of all inserts under this claim.
    pub(crate) fn query_prefix(&self, claim: &Claim) -> String {
        let Claim { source, part, counter, nonce } = claim;
        format!("{}{counter}:{nonce}:", partition_prefix(self.database(), source, *part))
    }

    /// `(0, 0)` when nobody claimed yet.
    async fn greatest(&self, source: &str, part: u32) -> Result<Greatest, QueryError> {
        let sql = Sql::new(
            "SELECT counter, nonce FROM claims \
             WHERE source = {source:String} AND part = {part:UInt32} \
             ORDER BY counter DESC, nonce DESC LIMIT 1",
        );
        let rows = self.query(&sql.param("source", source).param("part", part)).await?;
        Ok(rows.into_iter().next().unwrap_or(Greatest { counter: 0, nonce: 0 }))
    }

    pub(crate) async fn write(
        &self,
        claim: &Claim,
        owner: &str,
        group: &str,
    ) -> Result<(), QueryError> {
        let sql = Sql::new(
            "INSERT INTO claims (source, part, counter, nonce, owner, consumer_group) \
             SELECT {source:String}, {part:UInt32}, {counter:UInt64}, {nonce:UInt64}, \
             {owner:String}, {group:String}",
        );
        let sql = sql
            .param("source", claim.source.as_str())
            .param("part", claim.part)
            .param("counter", claim.counter)
            .param("nonce", claim.nonce)
            .param("owner", owner)
            .param("group", group);
        self.execute(&sql).await
    }

    /// Kills the inserts of earlier owners and waits; how many are left at the deadline.
    async fn end_inserts(&self, claim: &Claim) -> Result<u64, QueryError> {
        const OLDER: &str = "startsWith(query_id, {partition:String}) \
                             AND NOT startsWith(query_id, {own:String})";
        let limits = Limits { time: END_TIME, ..Limits::default() };
        let with_prefixes = |text: String| {
            Sql::new(text)
                .limits(limits)
                .param("partition", partition_prefix(self.database(), &claim.source, claim.part))
                .param("own", self.query_prefix(claim))
        };
        let running =
            with_prefixes(format!("SELECT count() AS n FROM system.processes WHERE {OLDER}"));
        let kill = with_prefixes(format!("KILL QUERY WHERE {OLDER} SYNC"));
        let deadline = Instant::now() + END_TIME;
        loop {
            let left = self.query::<Count>(&running).await?.first().map_or(0, |row| row.n);
            if left == 0 || Instant::now() >= deadline {
                return Ok(left);
            }
            tracing::warn!(
                claim.source,
                claim.part,
                inserts = left,
                "ending inserts of an earlier owner"
            );
            self.execute(&kill).await?;
            sleep(END_PAUSE).await;
        }
    }
}

#[derive(Deserialize)]
struct Count {
    n: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_partition_has_the_prefix_of_another() {
        let names = ["spool:gw", "spool:gw:1", "spool:gw:1:2", "spool", "sp%6fol", "", ":"];
        for (i, one) in names.iter().enumerate() {
            for (j, other) in names.iter().enumerate() {
                for (part, other_part) in [(1, 1), (1, 11), (11, 1)] {
                    let (one, other) = (
                        partition_prefix("d", one, part),
                        partition_prefix("d", other, other_part),
                    );
                    let same = i == j && part == other_part;
                    assert_eq!(one.starts_with(&other), same, "{one} {other}");
                }
            }
        }
    }
}
