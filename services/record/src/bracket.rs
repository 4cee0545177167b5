//! The provider's published text form, both ways: one line per record, groups in brackets.
//!
//! ```text
//! [app_id][env_name][service_id][http_host][api_id][uri][scheme][rsp_st:…][ups_st:…][cip:…]
//! [uip:…][vip:…][rsp_len:…][req_len:…][req_t:…][ups_rsp_t:…][ups_conn_t:…][ups_head_t:…]
//! [err_msg:…][tcp_rtt:…][pid][time_local][req_id:…]
//! ```
//!
//! - An empty value is `-`. `time_local` has whole seconds and a zone; older lines end with it.
//! - `http_host`, `uri` and `err_msg` hold what a client sent, brackets included. So a line is
//!   read from both ends, and the groups from `rsp_st` to `ups_head_t`, which no client writes,
//!   are looked for between. A line where two places look like them is refused: one of them is
//!   forged, and nothing says which.
//! - What is written here is always read back: texts that would look like groups, and control
//!   characters, are written percent-encoded. Only a name from elsewhere that has such signs can
//!   become longer by it than a name may be.
//! - The form has no place for method, query, region, credential, order and stream; `pid` is
//!   the worker.

mod parse;
mod value;
mod write;

pub use parse::parse;
pub use write::{Zone, write};

/// Longest line that is tried, in bytes: twice what a gateway takes as a head.
pub const LINE_MAX: usize = 64 * 1024;

/// Why a line is no record.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LineError {
    /// Longer than [`LINE_MAX`].
    #[error("line of {bytes} bytes is longer than {LINE_MAX}")]
    TooLong {
        /// Its length.
        bytes: usize,
    },
    /// Not UTF-8.
    #[error("byte {at} is not UTF-8")]
    NoText {
        /// The first byte that is wrong, from 0.
        at: usize,
    },
    /// A group is not where it should be.
    #[error("group `{group}` is missing or broken")]
    Missing {
        /// Its name.
        group: &'static str,
    },
    /// A group holds something else.
    #[error("group `{group}` is not {expected}")]
    Unexpected {
        /// Its name.
        group: &'static str,
        /// What is accepted.
        expected: &'static str,
    },
    /// A group is too long.
    #[error("group `{group}` is longer than {max} bytes")]
    LongGroup {
        /// Its name.
        group: &'static str,
        /// Its limit.
        max: usize,
    },
    /// Several places look like the groups from `rsp_st` on.
    #[error("`[rsp_st:…]` and the groups after it stand {places} times: one may be forged")]
    Ambiguous {
        /// How many.
        places: usize,
    },
}

#[cfg(test)]
mod tests;
