//! One request and its answer: what the record needs, collected on the way.
//!
//! - An exchange begins with the first byte of its request and is closed exactly once
//!   ([`Exchange::close`]); whoever closes it sees to its record. Later closers are told no.
//! - Byte counts are those of the sockets, kept here by the IO wrappers themselves.
//! - What went wrong is written down once: the first failure is the cause, what follows from it
//!   is not.
//! - The room of what an exchange noted is lent to a later one ([`Spares`]), so that its texts need
//!   no allocation.

mod spares;
mod tries;

use std::borrow::Cow;
use std::cell::{Cell, RefCell};
use std::net::IpAddr;
use std::rc::Rc;
use std::time::Instant;

use http::{HeaderValue, Method, Uri};
use policy::errors::Entry;
use record::{Fault, Net, RequestId};

pub(crate) use spares::Spares;
pub(crate) use tries::{Broken, Tries, millis};

/// One request and its answer.
pub(crate) struct Exchange {
    pub(crate) id: RequestId,
    /// When the first byte of the request came.
    pub(crate) arrived: Instant,
    /// Bytes of the request received so far.
    pub(crate) req_len: Cell<u64>,
    /// Bytes of the answer sent so far, those held back included.
    pub(crate) rsp_len: Cell<u64>,
    /// A byte of the answer's head was taken by the socket.
    pub(crate) head_sent: Cell<bool>,
    /// Until when the call may take, once it is forwarded.
    pub(crate) deadline: Cell<Option<Instant>>,
    /// What earlier interim records have told.
    pub(crate) told: Cell<Told>,
    pub(crate) room: Cell<SpoolRoom>,
    pub(crate) facts: RefCell<Facts>,
    closed: Cell<bool>,
    spares: Rc<Spares>,
}

/// What is kept in the spool for the record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SpoolRoom {
    /// Nothing yet: the request was not admitted.
    None,
    /// Room for one record.
    Reserved,
    /// Refused for want of room: no record, but counted.
    Refused,
    /// Served without a record: the loss uses up a `seq`.
    Unrecorded,
}

/// Bytes that earlier records of the exchange have told, and when the last one did.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Told {
    pub(crate) at: Option<Instant>,
    pub(crate) req: u64,
    pub(crate) rsp: u64,
    pub(crate) ups_req: u64,
    pub(crate) ups_rsp: u64,
}

/// What is known of a request so far. Empty: not known.
#[derive(Default)]
pub(crate) struct Facts {
    /// Who calls: the other end of the connection, or whom it speaks for; nothing when a balancer
    /// there does not say.
    pub(crate) client: Option<IpAddr>,
    /// The address that was called.
    pub(crate) local: Option<IpAddr>,
    /// How the client reaches the gateway.
    pub(crate) net: Net,
    /// A trusted proxy says that the client came by TLS.
    pub(crate) tls: bool,
    pub(crate) request: RequestFacts,
    pub(crate) account: String,
    pub(crate) service_id: String,
    pub(crate) api_id: String,
    pub(crate) env: &'static str,
    pub(crate) caller: CallerFacts,
    /// Status of the answer; 0 until there is one.
    pub(crate) status: u16,
    pub(crate) tries: Tries,
    pub(crate) failure: Option<Failure>,
}

/// What the request says of itself.
#[derive(Default)]
pub(crate) struct RequestFacts {
    pub(crate) http_10: bool,
    /// It leaves the connection open, by saying nothing of it.
    pub(crate) stays: bool,
    pub(crate) method: Option<Method>,
    pub(crate) target: Target,
    pub(crate) host: Option<HeaderValue>,
    pub(crate) client_req_id: Option<HeaderValue>,
    pub(crate) user_agent: Option<HeaderValue>,
    pub(crate) referer: Option<HeaderValue>,
    pub(crate) trace: Trace,
}

/// Which trace the request belongs to.
#[derive(Default)]
pub(crate) enum Trace {
    /// None that is known.
    #[default]
    None,
    /// The one of this `traceparent`, if it is good.
    Told(HeaderValue),
    /// One that begins here: its id is the request id.
    Ours,
}

/// The request target.
pub(crate) enum Target {
    Uri(Uri),
    /// One that could not be parsed.
    Text(String),
}

impl Default for Target {
    fn default() -> Self {
        Self::Text(String::new())
    }
}

/// Whose call it is.
#[derive(Default)]
pub(crate) struct CallerFacts {
    pub(crate) account: String,
    pub(crate) secret_id: String,
    pub(crate) plan_id: String,
    pub(crate) order_id: String,
    pub(crate) goods_id: String,
}

/// What went wrong.
pub(crate) struct Failure {
    /// The gateway's own text, if the client is to see one.
    pub(crate) text: Cow<'static, str>,
    pub(crate) fault: Fault,
    /// Towards the backend; empty for failures before.
    pub(crate) phase: Phase,
}

/// Where in the talk with the backend something failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Phase {
    /// Not in it.
    #[default]
    None,
    Resolving,
    Connecting,
    Sending,
    Waiting,
    Receiving,
}

// === impl Exchange ===

impl Exchange {
    pub(crate) fn new(id: RequestId, arrived: Instant, spares: Rc<Spares>) -> Self {
        Self {
            id,
            arrived,
            req_len: Cell::new(0),
            rsp_len: Cell::new(0),
            head_sent: Cell::new(false),
            deadline: Cell::new(None),
            told: Cell::default(),
            room: Cell::new(SpoolRoom::None),
            facts: RefCell::new(spares.take()),
            closed: Cell::new(false),
            spares,
        }
    }

    /// True for the first caller, who must see to the record.
    pub(crate) fn close(&self) -> bool {
        !self.closed.replace(true)
    }

    /// False when there is no room for one.
    pub(crate) fn has_record(&self) -> bool {
        matches!(self.room.get(), SpoolRoom::None | SpoolRoom::Reserved)
    }

    /// True when the first phase looked at the request.
    pub(crate) fn is_received(&self) -> bool {
        self.room.get() != SpoolRoom::None
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.closed.get()
    }

    /// Writes down what went wrong, if nothing did before.
    pub(crate) fn fail(&self, text: Cow<'static, str>, fault: Fault, phase: Phase) {
        let mut facts = self.facts.borrow_mut();
        if facts.failure.is_none() {
            facts.failure = Some(Failure { text, fault, phase });
        }
    }

    /// The same, with the text and the fault of a catalog's entry.
    pub(crate) fn fail_with(&self, entry: &'static Entry, phase: Phase) {
        self.fail(Cow::Borrowed(entry.text), entry.fault, phase);
    }
}

impl Drop for Exchange {
    fn drop(&mut self) {
        self.spares.give(self.facts.get_mut());
    }
}

// === impl Phase ===

impl Phase {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::None => "",
            Self::Resolving => "resolving",
            Self::Connecting => "connecting",
            Self::Sending => "sending",
            Self::Waiting => "waiting",
            Self::Receiving => "receiving",
        }
    }
}
