//! What the shipper's thread is told: to stop, and who waits for it to catch up.

use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread::Thread;
use std::time::Instant;

use tokio::sync::oneshot;

/// Most who wait at once; each is a caller of `caught_up`, so this is never seen.
const WAITING_MAX: usize = 1024;

#[derive(Debug, Default)]
pub(super) struct Control {
    orders: Mutex<Orders>,
    thread: OnceLock<Thread>,
}

#[derive(Debug, Default)]
struct Orders {
    /// Ship until nothing is left, or until then.
    stop: Option<Instant>,
    waiting: Vec<oneshot::Sender<()>>,
}

impl Control {
    pub(super) fn set_thread(&self, thread: Thread) {
        // Set once, by the start.
        self.thread.set(thread).ok();
    }

    /// The earliest moment that was ever said counts.
    pub(super) fn stop(&self, at: Instant) {
        let mut orders = self.lock();
        orders.stop = Some(orders.stop.map_or(at, |known| known.min(at)));
        drop(orders);
        self.wake();
    }

    /// Answered when all is shipped that is there now; dropped when that will not happen.
    pub(super) fn ask(&self) -> oneshot::Receiver<()> {
        let (sender, receiver) = oneshot::channel();
        let mut orders = self.lock();
        if orders.waiting.len() < WAITING_MAX {
            orders.waiting.push(sender);
        }
        drop(orders);
        self.wake();
        receiver
    }

    pub(super) fn stopping(&self) -> Option<Instant> {
        self.lock().stop
    }

    /// Those who wait and were not taken yet.
    pub(super) fn waiting(&self) -> Vec<oneshot::Sender<()>> {
        std::mem::take(&mut self.lock().waiting)
    }

    fn wake(&self) {
        self.thread.get().map(Thread::unpark);
    }

    fn lock(&self) -> MutexGuard<'_, Orders> {
        // Nothing panics while it holds the lock; every change is whole.
        self.orders.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
