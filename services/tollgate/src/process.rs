//! Everything in one process: gateways → spools → metering → ClickHouse → bills → query.
//!
//! The order of the start is the order of need: store, metering, query, gateways. The end goes the
//! way of the data: gateways drain, what they wrote is stored, then the rest stops. A clean end
//! takes at most [`END_MAX`]; what is not stored by then waits in the spool for the next start.

use std::io;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context, anyhow};
use bus::{Bounds, SpoolSource};
use metering::{Closer, Counters, Handle, Pipeline, Stopped};
use record::Time;
use settings::Secret;
use store::Store;
use tokio::sync::watch;
use tokio::task::{JoinError, JoinSet};
use tokio::time::{Instant, timeout, timeout_at};

use crate::config::Config;
use crate::metrics;
use crate::provisional::Provisional;
use crate::reload::{Follower, Reloads};
use crate::running::Running;
use crate::storage::Storage;

/// How long the gateways finish what they have begun.
const DRAIN_MAX: Duration = Duration::from_secs(2);
/// How long what they wrote may take into the store. The rest waits in the spool.
const CATCH_UP_MAX: Duration = Duration::from_millis(1500);
/// How long metering, closing and query may take to end after that.
const REST_MAX: Duration = Duration::from_millis(300);
/// The engine has ended by then, from the begin of the end; or is killed, which loses nothing that
/// it had confirmed.
const ENGINE_END_MAX: Duration = Duration::from_millis(4000);
/// What is left to the engine, and to the rest before it, when everything else took too long. It
/// ends in some tenths of a second when nobody is connected.
const ENGINE_END_MIN: Duration = Duration::from_millis(1000);
/// A clean end, the engine's included, takes no longer; a person waits for it.
pub(crate) const END_MAX: Duration = Duration::from_secs(5);

/// The owner's token outlives a process that runs for a year, milliseconds.
const OWNER_TOKEN_MS: i64 = 366 * 24 * 3_600_000;

/// What runs, by name; the first to end ends the process.
type Tasks = JoinSet<(&'static str, anyhow::Result<()>)>;

/// A running process.
pub(crate) struct Process {
    config: Config,
    pub(crate) storage: Storage,
    gateways: Vec<gateway::Running>,
    pipelines: Vec<Handle>,
    tasks: Tasks,
    stop: watch::Sender<bool>,
    reloads: Reloads,
    pub(crate) running: Running,
}

/// What a composer may change. The default is `tollgate up`.
#[derive(Default)]
pub(crate) struct Options {
    /// Further gateways of the same process, each with its own spool.
    pub(crate) more: Vec<Gateway>,
    /// See [`metering::Config::on_step`].
    pub(crate) on_step: Option<metering::OnStep>,
    /// The clock of gateways and closing; the system's without one.
    pub(crate) clock: Option<metering::Clock>,
}

/// One gateway of the process.
pub(crate) struct Gateway {
    pub(crate) gateway: gateway::Config,
    pub(crate) spool: spool::Config,
}

/// Clock of the process, milliseconds.
pub(crate) fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

/// A life of a spool begins now.
fn epoch_ms(clock: &metering::Clock) -> u64 {
    u64::try_from(clock().0).unwrap_or_default()
}

/// The same as a time.
pub(crate) fn now() -> Time {
    Time(i64::try_from(now_ms()).unwrap_or(i64::MAX))
}

/// The ports of a process, taken before anything else: one that is in use is said at once, not
/// after an engine was fetched.
pub(crate) struct Ports {
    query: query::Listeners,
}

impl Ports {
    /// Takes those of the query API. Those of gateways are only tried: their workers share each.
    ///
    /// # Errors
    /// One sentence that names the address and where it is set.
    pub(crate) async fn take(config: &Config) -> anyhow::Result<Self> {
        let address = config.gateway.listen;
        if let Err(error) = std::net::TcpListener::bind(address)
            && error.kind() == io::ErrorKind::AddrInUse
        {
            return Err(gateway::StartError::PortInUse { address }.into());
        }
        Ok(Self { query: query::Listeners::bind(&config.query).await? })
    }
}

// === impl Process ===

impl Process {
    /// Starts everything; returns when all of it answers.
    ///
    /// # Errors
    /// One sentence that says what to do.
    pub(crate) async fn start(
        config: Config,
        storage: Storage,
        ports: Ports,
        options: Options,
    ) -> anyhow::Result<Self> {
        let (stop, stopped) = watch::channel(false);
        let counters = Arc::new(Counters::default());
        let metering = metering_config(&config, &options);
        let clock = options.clock.unwrap_or_else(|| Arc::new(now));
        let mut tasks = Tasks::new();
        let policy = Arc::clone(&config.policy);
        let first = Gateway { gateway: config.gateway.clone(), spool: config.spool.clone() };
        let (mut pipelines, mut opened) = (Vec::new(), Vec::new());
        for one in std::iter::once(first).chain(options.more) {
            let spool = spool::open(&one.spool, epoch_ms(&clock))?;
            let source = SpoolSource::start(&one.spool.gateway, spool.reader, Bounds::default())
                .context("the spool's reader could not be started")?;
            let store = storage.store.clone();
            let (pipeline, handle) =
                Pipeline::new(source, store, metering.clone(), Arc::clone(&counters));
            let stop = until(stopped.clone());
            tasks.spawn(async { ("metering", pipeline.run(stop).await.map_err(Into::into)) });
            pipelines.push(handle);
            let streams = gateway::Streams {
                writers: spool.writers,
                previous: spool.previous,
                epochs: spool.epochs,
                when_full: one.spool.when_full,
            };
            opened.push((one.gateway, streams));
        }
        let reloads = Reloads::new(&config)?;
        let prices = Arc::clone(&config.prices);
        let closer = Closer::start(
            storage.store.clone(),
            metering,
            Arc::clone(&counters),
            Some(Arc::clone(&prices)),
            pipelines.clone(),
            Arc::clone(&clock),
        );
        let closer = closer.await.context("the closing of hours could not be started")?;
        let provisional = Provisional::new(storage.store.clone(), prices, Arc::clone(&clock));
        let stop_closer = until(stopped.clone());
        tasks.spawn(async {
            match closer.run(stop_closer).await {
                Stopped::Asked => ("closing", Ok(())),
                Stopped::TakenOver => {
                    ("closing", Err(anyhow!("another process closes the hours of this store now")))
                }
            }
        });
        let mut gateways = Vec::new();
        for (one, streams) in opened {
            // It waits for its threads, and for the first look-up of names.
            let clock = Arc::clone(&clock);
            let gateway = gateway::Gateway::new(one, Arc::clone(&policy), streams)
                .with_clock(move || clock());
            let started = tokio::task::spawn_blocking(move || gateway.launch());
            gateways.push(started.await.context("the start of a gateway panicked")??);
        }
        let workers = gateways.iter().flat_map(gateway::Running::counters).collect();
        let mut registry = metrics::registry(workers, counters);
        registry.register_collector(Box::new(reloads.clone()));
        let app = query::App::new(query::Parts {
            store: storage.store.clone(),
            retention: config.retention,
            provisional: Arc::new(provisional),
            now,
            registry,
        });
        let running = serve(app, ports, &storage, &gateways, &mut tasks, stopped).await?;
        running.write(&config.data).context("running.json could not be written")?;
        Ok(Self { config, storage, gateways, pipelines, tasks, stop, running, reloads })
    }

    /// Follows the configuration file, for all gateways; never returns.
    ///
    /// # Errors
    /// The system gives no signals.
    pub(crate) fn follow(&self) -> anyhow::Result<impl Future<Output = ()> + Send + use<>> {
        let follower = Follower::new(self.config.source.clone(), self.reloads.clone())?;
        let reloaders: Vec<_> = self.gateways.iter().map(gateway::Running::reloader).collect();
        Ok(follower.run(move |policy| {
            reloaders.iter().for_each(|reloader| reloader.reload(Arc::clone(&policy)));
        }))
    }

    /// Returns when a part of the process ends, which none should.
    pub(crate) async fn fault(&mut self) -> anyhow::Error {
        match self.tasks.join_next().await {
            Some(ended) => fault(ended),
            None => anyhow!("nothing runs"),
        }
    }

    /// Waits until all that the gateways wrote so far is stored.
    pub(crate) async fn catch_up(&self) -> anyhow::Result<()> {
        for pipeline in &self.pipelines {
            pipeline.catch_up().await?;
        }
        Ok(())
    }

    /// A clean end, within [`END_MAX`]. Whatever waits longer than its part of it is cut.
    pub(crate) async fn end(mut self) {
        let engine_end = Instant::now() + ENGINE_END_MAX;
        let mut gateways = JoinSet::new();
        for gateway in self.gateways.drain(..) {
            gateways.spawn(gateway.stop(DRAIN_MAX));
        }
        let stored = async {
            while gateways.join_next().await.is_some() {}
            timeout(CATCH_UP_MAX, self.catch_up()).await
        };
        if !matches!(timeout_at(engine_end - ENGINE_END_MIN, stored).await, Ok(Ok(_))) {
            tracing::warn!("not everything is stored yet; the rest waits in the spool");
        }
        Running::remove(&self.config.data);
        self.stop.send_replace(true);
        let rest = async { while self.tasks.join_next().await.is_some() {} };
        if timeout(REST_MAX, rest).await.is_err() {
            self.tasks.shutdown().await;
        }
        let Some(engine) = self.storage.engine.take() else { return };
        // The engine waits for connections that are open. Ours end here.
        drop(self);
        let stop = move || engine.stop_within(engine_end.saturating_duration_since(Instant::now()));
        if let Err(error) = tokio::task::spawn_blocking(stop).await {
            tracing::error!(%error, "the engine's watcher ended in a panic");
        }
    }
}

fn metering_config(config: &Config, options: &Options) -> metering::Config {
    let mut metering = config.metering.clone();
    metering.owner = format!("{} pid {}", config.gateway.name, std::process::id());
    metering.retention = Some(config.retention);
    metering.on_step.clone_from(&options.on_step);
    metering
}

/// Starts the query API and its metrics; gives what others need to find the process.
async fn serve(
    app: query::App,
    Ports { query: listeners }: Ports,
    storage: &Storage,
    gateways: &[gateway::Running],
    tasks: &mut Tasks,
    stopped: watch::Receiver<bool>,
) -> anyhow::Result<Running> {
    let token = owner_token(&storage.store).await?;
    let url = format!("http://{}", listeners.api.local_addr()?);
    let metrics = listeners.metrics.local_addr()?.to_string();
    tasks.spawn(async {
        query::serve(app, listeners, until(stopped)).await;
        ("query", Ok(()))
    });
    let gateways = gateways.iter().map(|gateway| gateway.addr().to_string()).collect();
    Ok(Running { url, token, gateways, metrics, store: storage.endpoint.clone() })
}

/// A token for whoever owns the data folder, made anew at each start.
pub(crate) async fn owner_token(store: &Store) -> anyhow::Result<Secret> {
    let token = query::NewToken {
        name: "owner of the data folder".to_owned(),
        role: query::Role::Operator,
        account: None,
        expires_at: Some(Time(now().0.saturating_add(OWNER_TOKEN_MS))),
    };
    let token = query::create_token(store, &token, now()).await;
    Ok(Secret::new(token.context("the owner's token could not be made")?))
}

async fn until(mut stopped: watch::Receiver<bool>) {
    // The sender lives as long as the process; its end is a stop as well.
    stopped.wait_for(|stopped| *stopped).await.ok();
}

fn fault(ended: Result<(&'static str, anyhow::Result<()>), JoinError>) -> anyhow::Error {
    match ended {
        Ok((name, Ok(()))) => anyhow!("{name} ended unasked"),
        Ok((name, Err(error))) => error.context(format!("{name} stopped")),
        Err(error) => anyhow!("a part of the process ended in a panic: {error}"),
    }
}
