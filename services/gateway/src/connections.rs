//! The connections of one worker: how many there may be, and who they are.

use std::cell::{Cell, RefCell};
use std::future::poll_fn;
use std::rc::Rc;
use std::task::{Poll, Waker};

use crate::wire::Wire;

/// The connections of one worker.
pub(crate) struct Connections {
    max: usize,
    wires: RefCell<Vec<Option<Rc<Wire>>>>,
    free: RefCell<Vec<usize>>,
    open: Cell<usize>,
    /// Whoever waits for a place, or for the end of all.
    waker: RefCell<Option<Waker>>,
}

/// A place among the connections; given back on drop.
pub(crate) struct Place<'c> {
    connections: &'c Connections,
    index: usize,
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

    pub(crate) fn open(&self) -> usize {
        self.open.get()
    }

    /// Waits until one more may be open.
    pub(crate) async fn room(&self) {
        self.until(|| self.open.get() < self.max).await;
    }

    /// Waits until none is open.
    pub(crate) async fn none(&self) {
        self.until(|| self.open.get() == 0).await;
    }

    pub(crate) fn enter(&self, wire: Rc<Wire>) -> Place<'_> {
        let mut wires = self.wires.borrow_mut();
        let free = self.free.borrow_mut().pop();
        let index = free.unwrap_or(wires.len());
        match wires.get_mut(index) {
            Some(place) => *place = Some(wire),
            None => wires.push(Some(wire)),
        }
        self.open.set(self.open.get() + 1);
        Place { connections: self, index }
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

    /// One task at a time waits here: the one that accepts.
    async fn until(&self, good: impl Fn() -> bool) {
        poll_fn(|cx| {
            if good() {
                return Poll::Ready(());
            }
            *self.waker.borrow_mut() = Some(cx.waker().clone());
            Poll::Pending
        })
        .await;
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        let connections = self.connections;
        connections.wires.borrow_mut()[self.index] = None;
        connections.free.borrow_mut().push(self.index);
        connections.open.set(connections.open.get() - 1);
        if let Some(waker) = connections.waker.borrow_mut().take() {
            waker.wake();
        }
    }
}
