//! Which ClickHouse: a server by URL, the engine of a process that runs on the data folder, or an
//! engine of our own.

use anyhow::Context;
use engine::{Engine, Program, Sources, StartError};
use settings::Secret;
use spool::Durability;
use store::{Endpoint, Store};

use crate::config::Config;
use crate::running::Running;

/// A migrated store; the engine, when it is ours, stops when this is dropped.
pub(crate) struct Storage {
    pub(crate) store: Store,
    pub(crate) endpoint: Endpoint,
    pub(crate) engine: Option<Engine>,
}

// === impl Storage ===

impl Storage {
    /// For `tollgate up`: a server by URL, or an engine of our own; nobody else may hold the
    /// data folder.
    ///
    /// # Errors
    /// One sentence that says what to do.
    pub(crate) async fn start(config: &Config) -> anyhow::Result<Self> {
        match &config.store.url {
            Some(url) => Self::server(config, url).await,
            None => {
                let engine = engine(config).await??;
                Self::own(config, engine).await
            }
        }
    }

    /// For commands beside a running `tollgate up`: its engine when there is one, else our own
    /// for as long as the command runs.
    ///
    /// # Errors
    /// One sentence that says what to do.
    pub(crate) async fn join(config: &Config) -> anyhow::Result<Self> {
        if let Some(url) = &config.store.url {
            return Self::server(config, url).await;
        }
        match engine(config).await? {
            Ok(engine) => Self::own(config, engine).await,
            Err(held @ StartError::Held { .. }) => {
                let running = Running::read(&config.data)?.ok_or(held)?;
                Self::open(config, running.store, None).await
            }
            Err(error) => Err(error.into()),
        }
    }

    async fn server(config: &Config, url: &str) -> anyhow::Result<Self> {
        let endpoint = Endpoint {
            url: url.to_owned(),
            user: config.store.user.clone(),
            password: config.store.password.clone(),
            header: None,
            database: config.store.database.clone(),
        };
        Self::open(config, endpoint, None).await
    }

    async fn own(config: &Config, engine: Engine) -> anyhow::Result<Self> {
        let reached = engine.endpoint().clone();
        let endpoint = Endpoint {
            url: reached.url,
            user: reached.user,
            password: reached.password,
            header: Some(reached.header),
            database: config.store.database.clone(),
        };
        Self::open(config, endpoint, Some(engine)).await
    }

    async fn open(
        config: &Config,
        endpoint: Endpoint,
        engine: Option<Engine>,
    ) -> anyhow::Result<Self> {
        let store = match config.spool.durability {
            Durability::Process => Store::new(endpoint.clone()),
            Durability::Host => Store::new_durable(endpoint.clone()),
        }?;
        store.migrate().await.context("the tables could not be brought up to date")?;
        Ok(Self { store, endpoint, engine })
    }
}

/// Starts the embedded engine; it blocks, so it does on a thread of its own.
async fn engine(config: &Config) -> anyhow::Result<Result<Engine, StartError>> {
    let cache_dir = engine::cache_dir(|name| std::env::var_os(name)).context(
        "no folder to keep the engine in: set TOLLGATE_CACHE to one that can be written",
    )?;
    let config = engine::Config {
        data_dir: config.data.join("clickhouse"),
        cache_dir,
        sources: Sources::new(|name| std::env::var_os(name)),
        memory_max: config.store.memory,
        database: config.store.database.clone(),
        program: Program::this().context("the system does not say where this program lies")?,
    };
    let start = move || Engine::start(&config, engine::progress_on_stderr().as_mut());
    tokio::task::spawn_blocking(start).await.context("the start of the engine panicked")
}

/// The endpoint as it stands in `running.json`.
pub(crate) fn to_json(endpoint: &Endpoint) -> serde_json::Value {
    let header = endpoint.header.as_ref().map(|(name, secret)| [name.as_str(), secret.expose()]);
    serde_json::json!({
        "url": endpoint.url,
        "user": endpoint.user,
        "password": endpoint.password.expose(),
        "header": header,
        "database": endpoint.database,
    })
}

/// The other way.
pub(crate) fn from_json(json: &serde_json::Value) -> Option<Endpoint> {
    let word = |key: &str| json.get(key)?.as_str().map(str::to_owned);
    let header = json.get("header")?.as_array().and_then(|header| {
        let word = |index: usize| header.get(index)?.as_str();
        Some((word(0)?.to_owned(), Secret::new(word(1)?)))
    });
    Some(Endpoint {
        url: word("url")?,
        user: word("user")?,
        password: Secret::new(word("password")?),
        header,
        database: word("database")?,
    })
}
