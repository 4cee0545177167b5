//! Which ClickHouse: a server by URL, the engine of a process that runs on the data folder, or an
//! engine of our own.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::Context;
use engine::{Engine, Program, Sources, StartError};
use settings::Secret;
use spool::Durability;
use store::{Endpoint, Store};

use crate::config::Config;
use crate::running::Running;

/// What is waited for before an engine of the same data folder has secrets.
const NEVER_STARTED: &str = "the engine of this data folder was never started: `tollgate engine`";

/// The engine's folder in the data folder, and the file of its secrets.
const FOLDER: &str = "clickhouse";
const SECRETS: &str = "secrets.json";

/// How long an engine of ours that died may take to be there again, at the start.
const BACK_MAX: Duration = Duration::from_secs(60);

/// Between two looks for it.
const LOOK_AGAIN: Duration = Duration::from_millis(100);

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
                let role =
                    || Running::read_role(&config.data, "engine")?.get("store").and_then(from_json);
                let up = Running::read(&config.data)?.map(|running| running.store);
                Self::open(config, up.or_else(role).ok_or(held)?, None).await
            }
            Err(error) => Err(error.into()),
        }
    }

    async fn server(config: &Config, url: &str) -> anyhow::Result<Self> {
        Self::open(config, endpoint_at(config, url)?, None).await
    }

    async fn own(config: &Config, engine: Engine) -> anyhow::Result<Self> {
        let endpoint = endpoint(config, engine.endpoint().clone());
        Self::open(config, endpoint, Some(engine)).await
    }

    /// For services of their own: the server that the configuration names, or the `tollgate
    /// engine` of the same data folder. `Ok(Err(_))`: what is waited for, since an engine that was
    /// never started has no secrets yet.
    ///
    /// # Errors
    /// One sentence that says what to do.
    pub(crate) fn reach(config: &Config) -> anyhow::Result<Result<Endpoint, String>> {
        let found = match (&config.store.url, config.engine) {
            (Some(url), _) => endpoint_at(config, url),
            (None, Some(listen)) if listen.port() == 0 => {
                let said = Running::read_role(&config.data, "engine");
                let found = said.and_then(|said| from_json(said.get("store")?));
                return Ok(found.ok_or_else(|| NEVER_STARTED.to_owned()));
            }
            (None, Some(listen)) => {
                let file = config.data.join(FOLDER).join(SECRETS);
                with_secrets(config, &format!("http://{listen}"), &file)
            }
            (None, None) => anyhow::bail!(
                "no ClickHouse is named: set `store.url`, or `engine.listen` for the `tollgate \
                 engine` of this data folder"
            ),
        };
        let away = |error: &anyhow::Error| {
            let io = error.downcast_ref::<std::io::Error>();
            io.is_some_and(|io| io.kind() == std::io::ErrorKind::NotFound)
        };
        match found {
            Ok(endpoint) => Ok(Ok(endpoint)),
            Err(error) if away(&error) => Ok(Err(match &config.store.secret_file {
                Some(file) => format!(
                    "`store.secret_file` {} is not there: the engine makes it at its first start",
                    file.display()
                ),
                None => NEVER_STARTED.to_owned(),
            })),
            Err(error) => Err(error),
        }
    }

    /// A client of the store, with the durability that the configuration asks for.
    ///
    /// # Errors
    /// Its address is none.
    pub(crate) fn client(config: &Config, endpoint: Endpoint) -> anyhow::Result<Store> {
        Ok(match config.spool.durability {
            Durability::Process => Store::new(endpoint),
            Durability::Host => Store::new_durable(endpoint),
        }?)
    }

    async fn open(
        config: &Config,
        endpoint: Endpoint,
        engine: Option<Engine>,
    ) -> anyhow::Result<Self> {
        let store = Self::client(config, endpoint.clone())?;
        let began = Instant::now();
        loop {
            match store.migrate().await {
                Ok(()) => return Ok(Self { store, endpoint, engine }),
                // An engine of ours that dies is started again.
                Err(error) if engine.is_some() && error.is_away() && began.elapsed() < BACK_MAX => {
                    tracing::debug!(%error, "the engine is away");
                    tokio::time::sleep(LOOK_AGAIN).await;
                }
                Err(error) => {
                    return Err(error).context("the tables could not be brought up to date");
                }
            }
        }
    }
}

fn endpoint(config: &Config, reached: engine::Endpoint) -> Endpoint {
    Endpoint {
        url: reached.url,
        user: reached.user,
        password: reached.password,
        header: Some(reached.header),
        database: config.store.database.clone(),
    }
}

fn endpoint_at(config: &Config, url: &str) -> anyhow::Result<Endpoint> {
    match &config.store.secret_file {
        Some(file) => with_secrets(config, url, file),
        None => Ok(Endpoint {
            url: url.to_owned(),
            user: config.store.user.clone(),
            password: config.store.password.clone(),
            header: None,
            database: config.store.database.clone(),
        }),
    }
}

fn with_secrets(config: &Config, url: &str, file: &Path) -> anyhow::Result<Endpoint> {
    let reached = engine::endpoint_of(url, file);
    let reached = reached
        .with_context(|| format!("the engine's secrets in {} can not be read", file.display()))?;
    Ok(endpoint(config, reached))
}

/// Starts the embedded engine; it blocks, so it does on a thread of its own.
async fn engine(config: &Config) -> anyhow::Result<Result<Engine, StartError>> {
    let cache_dir = engine::cache_dir(|name| std::env::var_os(name)).context(
        "no folder to keep the engine in: set TOLLGATE_CACHE to one that can be written",
    )?;
    let port = config.engine.map(|listen| listen.port()).filter(|port| *port != 0);
    let config = engine::Config {
        data_dir: config.data.join(FOLDER),
        cache_dir,
        sources: Sources::new(|name| std::env::var_os(name)),
        memory_max: config.store.memory,
        database: config.store.database.clone(),
        program: Program::this().context("the system does not say where this program lies")?,
    };
    let start = move || Engine::start_on(&config, port, engine::progress_on_stderr().as_mut());
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
