//! The tries of one exchange to get an answer from a backend.
//!
//! A try has reached the backend once the socket took its whole request head; what it says in
//! `ups_st` follows from the true state of the connection and of nothing else.

use std::fmt::{self, Write};
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::{Duration, Instant};

use record::{Millis, Net};

use crate::backend::Link;

/// All tries, in order.
#[derive(Default)]
pub(crate) struct Tries(Vec<Try>);

/// One try.
pub(crate) struct Try {
    address: SocketAddr,
    net: Net,
    started: Instant,
    connected: Option<Instant>,
    head: Option<Instant>,
    ended: Option<Instant>,
    status: Option<u16>,
    broken: Option<Broken>,
    link: Option<Rc<Link>>,
    /// Counts of the link when the try began on it, then those of the try when it was done.
    bytes: Bytes,
    reached: bool,
}

/// How a try ended while the client was still there and no head had come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Broken {
    /// The connection broke, or what came was not HTTP.
    Off,
    /// No head in time.
    Late,
}

#[derive(Debug, Clone, Copy, Default)]
struct Bytes {
    sent: u64,
    received: u64,
}

// === impl Tries ===

impl Tries {
    /// A try begins: an address was chosen.
    pub(crate) fn begin(&mut self, address: SocketAddr, net: Net, started: Instant) {
        self.0.push(Try {
            address,
            net,
            started,
            connected: None,
            head: None,
            ended: None,
            status: None,
            broken: None,
            link: None,
            bytes: Bytes::default(),
            reached: false,
        });
    }

    /// The current try has its connection.
    pub(crate) fn connected(&mut self, link: Rc<Link>, now: Instant) {
        let Some(current) = self.0.last_mut() else { return };
        current.bytes = Bytes { sent: link.sent(), received: link.received() };
        current.connected = Some(now);
        current.link = Some(link);
    }

    /// The backend's head is in, since `at`.
    pub(crate) fn answered(&mut self, status: u16, at: Instant) {
        let Some(current) = self.0.last_mut() else { return };
        current.head = Some(at);
        current.status = Some(status);
    }

    /// The current try's answer is whole, since `at`: its connection may serve another exchange.
    pub(crate) fn whole(&mut self, at: Instant) {
        let Some(current) = self.0.last_mut() else { return };
        current.ended = current.ended.or(Some(at));
        current.settle();
    }

    /// The current try is over: its connection may serve another exchange from now on.
    pub(crate) fn end(&mut self, broken: Option<Broken>) {
        let Some(current) = self.0.last_mut() else { return };
        current.broken = current.broken.or(broken);
        current.settle();
    }

    /// The current try never left the gateway.
    pub(crate) fn forget(&mut self) {
        self.0.pop();
    }

    /// As if there had been none.
    pub(super) fn clear(&mut self) {
        self.0.clear();
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Bytes of all tries: sent, received.
    pub(crate) fn bytes(&self) -> (u64, u64) {
        self.0
            .iter()
            .map(Try::count)
            .fold((0, 0), |sum, bytes| (sum.0 + bytes.sent, sum.1 + bytes.received))
    }

    /// One item per try, as `ups_st` demands.
    pub(crate) fn statuses(&self, out: &mut dyn Write) -> fmt::Result {
        self.list(out, |out, item| match (item.status, item.has_reached(), item.broken) {
            (Some(status), _, _) => write!(out, "{status}"),
            (None, true, Some(Broken::Off)) => write!(out, "502"),
            (None, true, Some(Broken::Late)) => write!(out, "504"),
            (None, _, _) => write!(out, "-"),
        })
    }

    /// One address per try.
    pub(crate) fn addresses(&self, out: &mut dyn Write) -> fmt::Result {
        self.list(out, |out, item| write!(out, "{}", item.address))
    }

    pub(crate) fn net(&self) -> Net {
        self.0.last().map_or(Net::default(), |item| item.net)
    }

    /// From the first try that reached the backend to the end of the last one.
    pub(crate) fn total(&self, now: Instant) -> Option<Millis> {
        self.0.iter().any(Try::has_reached).then_some(())?;
        let (first, last) = (self.0.first()?, self.0.last()?);
        Some(millis(last.ended.unwrap_or(now).saturating_duration_since(first.started)))
    }

    /// How long the last try took to connect; 0 on a connection that stood.
    pub(crate) fn connect(&self) -> Option<Millis> {
        let last = self.0.last()?;
        Some(millis(last.connected?.saturating_duration_since(last.started)))
    }

    /// From the beginning of the last try to the end of the backend's head.
    pub(crate) fn until_head(&self) -> Option<Millis> {
        let last = self.0.last()?;
        Some(millis(last.head?.saturating_duration_since(last.started)))
    }

    fn list(
        &self,
        out: &mut dyn Write,
        item: impl Fn(&mut dyn Write, &Try) -> fmt::Result,
    ) -> fmt::Result {
        for (index, each) in self.0.iter().enumerate() {
            if index > 0 {
                out.write_str(", ")?;
            }
            item(out, each)?;
        }
        Ok(())
    }
}

// === impl Try ===

impl Try {
    fn has_reached(&self) -> bool {
        self.reached || self.link.as_ref().is_some_and(|link| link.reached())
    }

    fn count(&self) -> Bytes {
        let Some(link) = &self.link else { return self.bytes };
        Bytes {
            sent: link.sent() - self.bytes.sent,
            received: link.received() - self.bytes.received,
        }
    }

    fn settle(&mut self) {
        if self.link.is_some() {
            self.bytes = self.count();
            self.reached = self.has_reached();
            self.link = None;
        }
        self.ended = self.ended.or_else(|| Some(Instant::now()));
    }
}

/// A span as records tell it.
pub(crate) fn millis(span: Duration) -> Millis {
    Millis(u64::try_from(span.as_millis()).unwrap_or(u64::MAX))
}
