//! The threads of a gateway: one per worker, one that resolves names.

use std::io;
use std::sync::Arc;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread::JoinHandle;

use policy::Policy;
use tokio::runtime::{Builder, LocalOptions};
use tokio::sync::{oneshot, watch};
use tokio::time::timeout;

use super::StartError;
use crate::backend::{NAMES_FIRST, Names, Policies, Resolver};
use crate::metrics::Count;
use crate::serve::{self, Thread};

/// The names as they are known now, what is served, and the thread that keeps them so.
pub(super) struct Naming {
    pub(super) names: watch::Receiver<Arc<Names>>,
    pub(super) serving: watch::Receiver<Arc<Policy>>,
    /// Says what is to be served.
    pub(super) ask: watch::Sender<Arc<Policy>>,
    pub(super) thread: JoinHandle<()>,
}

/// Resolves all names once, then keeps doing so on a thread of its own.
pub(super) fn resolve(policy: &Arc<Policy>) -> Result<Naming, StartError> {
    let mut resolver = Resolver::new(policy);
    let (ask, asked) = watch::channel(Arc::clone(policy));
    let (serves, serving) = watch::channel(Arc::clone(policy));
    let policies = Policies { asked, serving: serves };
    let runtime = Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|source| StartError::Worker { source })?;
    let (first, listening) = sync_channel(1);
    let control = move || {
        // What is not resolved by then may be soon; its requests are answered so meanwhile.
        let _elapsed = runtime.block_on(async { timeout(NAMES_FIRST, resolver.resolve()).await });
        let (publish, names) = watch::channel(Arc::new(resolver.names()));
        // The one who started this waits for it.
        let _listening = first.send(names);
        runtime.block_on(resolver.run(publish, policies));
        // A lookup that hangs is not waited for.
        runtime.shutdown_background();
    };
    let thread = std::thread::Builder::new().name("gateway-names".to_owned()).spawn(control);
    let thread = thread.map_err(|source| StartError::Worker { source })?;
    let names = listening.recv().map_err(|_| StartError::Worker {
        source: io::Error::other("the thread that resolves names ended"),
    })?;
    Ok(Naming { names, serving, ask, thread })
}

/// Starts one worker; `ready` hears when it begins, `end` when it ended.
pub(super) fn spawn(
    name: String,
    ready: SyncSender<io::Result<()>>,
    end: oneshot::Sender<()>,
    thread: Thread,
) -> Result<JoinHandle<()>, StartError> {
    let counters = thread.parts.counters.clone();
    let run = move || {
        let runtime =
            Builder::new_current_thread().enable_all().build_local(LocalOptions::default());
        let started = match runtime {
            Ok(runtime) => runtime.block_on(async {
                // Whoever waits for it hears a later failure too.
                let _waits = ready.send(Ok(()));
                drop(ready);
                serve::serve(thread).await
            }),
            Err(error) => {
                let _waits = ready.send(Err(error));
                Ok(())
            }
        };
        if let Err(error) = started {
            tracing::error!(%error, "worker does not serve");
        }
        counters.set(Count::Serving, 0);
        // Nobody may wait any more.
        let _waits = end.send(());
    };
    let spawned = std::thread::Builder::new().name(name).spawn(run);
    spawned.map_err(|source| StartError::Worker { source })
}
