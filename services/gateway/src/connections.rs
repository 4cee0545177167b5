//! The connections of one worker: how many there may be, and who they are.

use std::cell::{Cell, RefCell};
use std::future::poll_fn;
use std::rc::Rc;
use std::task::{Poll, Waker};

use crate::wire::Wire;
use crate::worker::Worker;

/// So many connections above the limit are taken to be told so; more wait in the kernel's queue.
/// They hold one small answer each, for a short while.
const CROWD_MAX: usize = 64;

/// The connections of one worker.
pub(crate) struct Connections {
    max: usize,
    wires: RefCell<Vec<Option<Rc<Wire>>>>,
    free: RefCell<Vec<usize>>,
    open: Cell<usize>,
    /// Of whoever waits for a place.
    waker: RefCell<Option<Waker>>,
}

/// A place among the connections of a worker; given back on drop.
pub(crate) struct Place {
    worker: Rc<Worker>,
    /// Where its wire stands, once it has one.
    index: Option<usize>,
    /// It is above the limit: its first request is refused.
    pub(crate) crowded: bool,
}

// === impl Connections ===

impl Connections {
    pub(crate) fn new(max: u32) -> Self {
        Self {
            max: max as usize,
            wires: RefCell::default(),
            free: RefCell::default(),
            open: Cell::new(0),
            waker: RefCell::default(),
        }
    }

    /// Waits until one more may be open. One task waits here: the one that accepts.
    pub(crate) async fn room(&self) {
        poll_fn(|cx| {
            if self.open.get() < self.max + CROWD_MAX {
                return Poll::Ready(());
            }
            *self.waker.borrow_mut() = Some(cx.waker().clone());
            Poll::Pending
        })
        .await;
    }

    /// Calls `visit` with each connection that is open now.
    pub(crate) fn each(&self, mut visit: impl FnMut(&Rc<Wire>)) {
        let count = self.wires.borrow().len();
        for index in 0..count {
            let wire = self.wires.borrow().get(index).cloned().flatten();
            if let Some(wire) = wire {
                visit(&wire);
            }
        }
    }
}

// === impl Place ===

impl Place {
    /// Takes a place: from now on the connection counts.
    pub(crate) fn take(worker: &Rc<Worker>) -> Self {
        let open = &worker.connections.open;
        let crowded = open.get() >= worker.connections.max;
        open.set(open.get() + 1);
        Self { worker: worker.clone(), index: None, crowded }
    }

    /// The connection can be found by others from now on.
    pub(crate) fn enter(&mut self, wire: Rc<Wire>) {
        let connections = &self.worker.connections;
        let mut wires = connections.wires.borrow_mut();
        let free = connections.free.borrow_mut().pop();
        let index = free.unwrap_or(wires.len());
        match wires.get_mut(index) {
            Some(place) => *place = Some(wire),
            None => wires.push(Some(wire)),
        }
        self.index = Some(index);
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let connections = &self.worker.connections;
        if let Some(index) = self.index {
            connections.wires.borrow_mut()[index] = None;
            connections.free.borrow_mut().push(index);
        }
        connections.open.set(connections.open.get() - 1);
        if let Some(waker) = connections.waker.borrow_mut().take() {
            waker.wake();
        }
    }
}
