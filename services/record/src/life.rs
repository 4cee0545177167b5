//! What the records `start`, `heartbeat` and `end` say of the life of their gateway.

/// The state of one life (epoch) of a gateway process.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Life {
    /// How many workers the epoch has: its streams are `0..workers`.
    pub workers: u16,
    /// The previous epoch of this gateway that left anything on disk, if any; in `start`.
    pub previous: Option<PreviousLife>,
    /// Requests refused because the spool was full, since the last part with a life in this
    /// stream.
    pub refused: u64,
    /// Requests answered without a record (`when_full: serve`), likewise. They used up their
    /// `seq`.
    pub unrecorded: u64,
    /// In `end`: the gateway retires, it is not expected in further hours.
    pub retires: bool,
}

/// How the life before this one ended.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PreviousLife {
    /// Its epoch, milliseconds; below 2^53.
    pub epoch: u64,
    /// Per worker, in order: the last `seq` on disk, or used up behind that without a record; none
    /// when there is neither.
    pub last: Vec<Option<u64>>,
}
