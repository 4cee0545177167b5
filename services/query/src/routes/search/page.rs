//! Pages: their order, the place of a record in it, and the token that leads from one to the next.
//!
//! - The order is by time, then by stream and number: no two records have the same place.
//! - A token names the last place of its page, and is bound by a hash to filter, order and account.
//!   It is not secret and needs no signature: whoever made one up would read its own rows with it.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use record::{Record, Time};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::span::Span;
use crate::filter::Filter;
use crate::problem::{Code, Problem};
use crate::scope::{Scope, Select};

/// Another form of the token has another number.
const VERSION: u8 = 1;

/// Longest text of a token: a name of a gateway, five numbers and a hash are shorter.
const TEXT_MAX: usize = 1024;

/// In which order records come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Order {
    Newest,
    Oldest,
}

/// Where a record stands in the order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Place {
    time: i64,
    gateway: String,
    epoch: u64,
    worker: u16,
    seq: u64,
}

/// Where the next page begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Token {
    pub(super) span: Span,
    /// The last record of the page.
    pub(super) last: Place,
}

/// Its form: version, seal, from, to, place.
type Form = (u8, String, i64, i64, Place);

/// What a token is bound to, as 16 hex digits.
pub(super) fn seal(filter: Option<&Filter>, order: Order, scope: &Scope) -> String {
    let filter = filter.map(ToString::to_string).unwrap_or_default();
    let bound = format!("{order:?}\n{:?}\n{filter}", scope.bound_to());
    let hash = Sha256::digest(bound.as_bytes());
    hash.iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}

// === impl Order ===

impl Order {
    pub(super) fn parse(text: &str) -> Option<Self> {
        match text {
            "newest" => Some(Self::Newest),
            "oldest" => Some(Self::Oldest),
            _ => None,
        }
    }

    /// The hour comes first because the table is sorted by it: the store reads hour by hour, and
    /// ends when the page is full.
    pub(super) fn by(self) -> &'static str {
        match self {
            Self::Newest => {
                "toStartOfHour(time) DESC, time DESC, gateway DESC, epoch DESC, worker DESC, seq DESC"
            }
            Self::Oldest => "toStartOfHour(time), time, gateway, epoch, worker, seq",
        }
    }
}

// === impl Place ===

impl Place {
    pub(super) fn of(record: &Record<'_>) -> Self {
        Self {
            time: record.time.0,
            gateway: record.gateway.clone().into_owned(),
            epoch: record.epoch,
            worker: record.worker,
            seq: record.seq,
        }
    }

    /// Only what comes after this place. The bound of `time` alone uses the table's key.
    pub(super) fn behind(&self, select: Select, order: Order) -> Select {
        let sign = match order {
            Order::Newest => '<',
            Order::Oldest => '>',
        };
        select
            .filter(format!("time {sign}= {{last:DateTime64(3, 'UTC')}}"))
            .filter(format!(
                "(time, gateway, epoch, worker, seq) {sign} ({{last:DateTime64(3, 'UTC')}}, \
                 {{last_gateway:String}}, {{last_epoch:UInt64}}, {{last_worker:UInt16}}, \
                 {{last_seq:UInt64}})"
            ))
            .param("last", Time(self.time))
            .param("last_gateway", self.gateway.as_str())
            .param("last_epoch", self.epoch)
            .param("last_worker", self.worker)
            .param("last_seq", self.seq)
    }
}

// === impl Token ===

impl Token {
    pub(super) fn to_text(&self, seal: &str) -> Result<String, Problem> {
        let Span { from, to } = self.span;
        let form: Form = (VERSION, seal.to_owned(), from.0, to.0, self.last.clone());
        let json = serde_json::to_vec(&form).map_err(Problem::internal)?;
        Ok(URL_SAFE_NO_PAD.encode(json))
    }

    pub(super) fn read(text: &str, seal: &str) -> Result<Self, Problem> {
        let refuse = |detail| Problem::new(Code::PageTokenInvalid, detail);
        let unreadable = "it is no `next_page_token` of this API";
        if text.len() > TEXT_MAX {
            return Err(refuse(unreadable));
        }
        let json = URL_SAFE_NO_PAD.decode(text).map_err(|_| refuse(unreadable))?;
        let form: Form = serde_json::from_slice(&json).map_err(|_| refuse(unreadable))?;
        let (version, sealed, from, to, last) = form;
        let storable = [from, to, last.time].into_iter().all(|ms| Time(ms).storable());
        if version != VERSION || !storable {
            return Err(refuse(unreadable));
        }
        if sealed != seal {
            return Err(refuse("its page is of another filter, order or account"));
        }
        let span = Span::new(Time(from), Time(to))?;
        Ok(Self { span, last })
    }
}
