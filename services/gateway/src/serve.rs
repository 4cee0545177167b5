//! One worker's thread: accept, and the drain at the end.

use std::io;
use std::net::TcpListener as StdListener;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use policy::Policy;
use record::PreviousLife;
use tokio::net::TcpListener;
use tokio::sync::{mpsc, watch};
use tokio::task::{JoinSet, spawn_local};
use tokio::time::{sleep, sleep_until, timeout};

use crate::backend::Names;
use crate::beat::beat;
use crate::connection;
use crate::connections::Place;
use crate::epochs::{Member, Next};
use crate::metrics::Count;
use crate::record::{Entry, recorder};
use crate::running::Stop;
use crate::worker::{Parts, Stage, Worker};

/// How long an accept waits after the process ran out of descriptors or memory.
const ACCEPT_RETRY: Duration = Duration::from_millis(50);
/// After the deadline of a drain: how long cut exchanges have to be answered and recorded.
const CUT_GRACE: Duration = Duration::from_millis(500);
/// After that: how long the last records have to reach the disk.
const END_GRACE: Duration = Duration::from_secs(2);

/// What a worker's thread runs on.
pub(crate) struct Thread {
    pub(crate) parts: Parts,
    pub(crate) listener: StdListener,
    pub(crate) previous: Option<PreviousLife>,
    pub(crate) names: watch::Receiver<Arc<Names>>,
    pub(crate) serving: watch::Receiver<Arc<Policy>>,
    pub(crate) member: Member,
    /// How to end, once it is known.
    pub(crate) stop: watch::Receiver<Option<Stop>>,
}

/// Serves until it is told to stop.
///
/// # Errors
/// The listener could not be registered with the runtime.
pub(crate) async fn serve(thread: Thread) -> io::Result<()> {
    let Thread { parts, listener, previous, mut names, mut serving, member, mut stop } = thread;
    let Member { calls, called, ended, next } = member;
    let listener = TcpListener::from_std(listener)?;
    let worker = Rc::new(Worker::new(parts));
    let mut recorder = spawn_local(recorder(worker.clone(), previous, calls, ended));
    // Until the recorder ends: an epoch may change while the worker drains.
    let mut changes = JoinSet::new();
    changes.spawn_local(follow(worker.clone(), called, next));
    let mut aside = JoinSet::new();
    aside.spawn_local(beat(worker.clone()));
    let (naming, reloading, known) = (worker.clone(), worker.clone(), names.clone());
    aside.spawn_local(async move {
        while names.changed().await.is_ok() {
            *naming.names.borrow_mut() = names.borrow_and_update().clone();
        }
    });
    aside.spawn_local(async move {
        while serving.changed().await.is_ok() {
            let policy = serving.borrow_and_update().clone();
            // They were published before it, and the other task may not have seen them yet.
            *reloading.names.borrow_mut() = known.borrow().clone();
            reloading.serve_by(policy);
        }
    });
    let mut tasks = JoinSet::new();
    let stop = tokio::select! {
        () = accept(&worker, &listener, &mut tasks) => None,
        stopped = stop.wait_for(Option::is_some) => stopped.ok().and_then(|stop| *stop),
        // It ends by itself only when it panics. Nothing is answered without it.
        _ = &mut recorder => return Err(io::Error::other("the recorder ended")),
    };
    let Stop { until, retires } = stop.unwrap_or_else(Stop::now);
    drain(&worker, listener, tasks, until).await;
    aside.shutdown().await;
    worker.pool.close();
    worker.record(Entry::End { retires });
    if timeout(END_GRACE, recorder).await.is_err() {
        tracing::error!("spool does not take the last records, they are lost");
    }
    Ok(())
}

/// Tells the recorder what the other workers and the spool do with the epoch.
async fn follow(
    worker: Rc<Worker>,
    mut called: watch::Receiver<u64>,
    mut next: mpsc::Receiver<Next>,
) {
    loop {
        tokio::select! {
            Ok(()) = called.changed() => {}
            Some(next) = next.recv() => *worker.next.borrow_mut() = Some(next),
            else => return,
        }
        worker.nudge();
    }
}

async fn accept(worker: &Rc<Worker>, listener: &TcpListener, tasks: &mut JoinSet<()>) {
    loop {
        worker.connections.room().await;
        match listener.accept().await {
            Ok((socket, peer)) => {
                let place = Place::take(worker);
                tasks.spawn_local(connection::serve(worker.clone(), place, socket, peer));
            }
            Err(error) => {
                // A client that left between is nothing; a lack of descriptors passes.
                tracing::debug!(%error, "connection was not accepted");
                sleep(ACCEPT_RETRY).await;
            }
        }
        while tasks.try_join_next().is_some() {}
    }
}

/// Finishes what has begun until the deadline; then cuts it.
async fn drain(
    worker: &Rc<Worker>,
    listener: TcpListener,
    mut tasks: JoinSet<()>,
    deadline: Instant,
) {
    worker.stage.set(Stage::Draining);
    worker.counters.set(Count::Serving, 0);
    // Clients whose connection the kernel took already are served; no others can come.
    while let Ok(Ok((socket, peer))) = timeout(Duration::ZERO, listener.accept()).await {
        let place = Place::take(worker);
        tasks.spawn_local(connection::serve(worker.clone(), place, socket, peer));
    }
    drop(listener);
    worker.connections.each(|wire| wire.wake());
    let all = async { while tasks.join_next().await.is_some() {} };
    tokio::select! {
        () = all => return,
        () = sleep_until(deadline.into()) => {}
    }
    worker.stage.set(Stage::Cut);
    worker.connections.each(|wire| wire.wake());
    let all = async { while tasks.join_next().await.is_some() {} };
    if timeout(CUT_GRACE, all).await.is_err() {
        tasks.shutdown().await;
    }
}
