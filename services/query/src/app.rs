//! The API put together: its state, its routes, its description.
//!
//! Routes are registered through `routes!` only, so that each one is in the OpenAPI document, and
//! in [`routes`], which the test of TENANT-1 walks.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::middleware::from_fn_with_state;
use prometheus_client::registry::Registry;
use record::Time;
use store::Store;
use tokio::sync::Semaphore;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{Components, InfoBuilder, LicenseBuilder, OpenApi};
use utoipa::openapi::{OpenApiBuilder, PathItem};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::access_log::AccessLog;
use crate::layer;
use crate::metrics::Metrics;
use crate::problem::{Code, Problem};
use crate::provisional::Provisional;
use crate::routes::{bills, errors, explain, health, logs, orders, proofs, search, usage};
use crate::scope::Reader;
use crate::tokens::Tokens;

/// Requests at work at once; each may keep the store busy. More are told to come again.
const AT_ONCE_MAX: usize = 64;

/// What the API is made of.
pub struct Parts {
    /// The store that it reads.
    pub store: Store,
    /// How long records are kept, for the answer `expired`.
    pub retention: Duration,
    /// Who knows what an hour costs before it is closed.
    pub provisional: Arc<dyn Provisional>,
    /// The clock.
    pub now: fn() -> Time,
    /// The registry of the process: this service adds its metrics and shows all of them.
    pub registry: Registry,
}

/// The API, ready to be served.
pub struct App {
    pub(crate) router: Router,
    pub(crate) registry: Arc<Registry>,
    pub(crate) metrics: Metrics,
}

/// What handlers share.
pub(crate) type State = Arc<Shared>;

pub(crate) struct Shared {
    pub(crate) reader: Reader,
    pub(crate) tokens: Tokens,
    pub(crate) access_log: AccessLog,
    pub(crate) provisional: Arc<dyn Provisional>,
    pub(crate) retention: Duration,
    pub(crate) metrics: Metrics,
    pub(crate) room: Arc<Semaphore>,
    clock: fn() -> Time,
}

/// The OpenAPI document; `schemas/openapi.json` is its JSON.
pub fn openapi() -> OpenApi {
    described().1
}

/// Every route: method and path, as in the OpenAPI document.
pub fn routes() -> Vec<(&'static str, String)> {
    let methods = |item: &PathItem| {
        [
            ("GET", item.get.is_some()),
            ("PUT", item.put.is_some()),
            ("POST", item.post.is_some()),
            ("DELETE", item.delete.is_some()),
            ("PATCH", item.patch.is_some()),
        ]
    };
    let paths = openapi().paths.paths;
    paths
        .iter()
        .flat_map(|(path, item)| {
            let there = methods(item).into_iter().filter(|(_, there)| *there);
            there.map(|(method, _)| (method, path.clone()))
        })
        .collect()
}

fn described() -> (Router<State>, OpenApi) {
    let token = HttpBuilder::new()
        .scheme(HttpAuthScheme::Bearer)
        .description(Some("Made with `tollgate token create`, bound to an account and a role."))
        .build();
    let mut components = Components::new();
    components.add_security_scheme("token", SecurityScheme::Http(token));
    let info = InfoBuilder::new()
        .title("Tollgate")
        .description(Some("Records, bills, proofs and marketplace counts."))
        .version(env!("CARGO_PKG_VERSION"))
        .license(Some(LicenseBuilder::new().name("Apache-2.0").build()))
        .build();
    let document = OpenApiBuilder::new().info(info).components(Some(components)).build();
    OpenApiRouter::with_openapi(document)
        .routes(routes!(search::search_logs))
        .routes(routes!(logs::get_log))
        .routes(routes!(explain::explain_log))
        .routes(routes!(usage::get_usage))
        .routes(routes!(errors::list_errors))
        .routes(routes!(errors::get_error))
        .routes(routes!(bills::get_bills))
        .routes(routes!(proofs::get_proof))
        .routes(routes!(orders::get_order_calls))
        .routes(routes!(health::get_health))
        .routes(routes!(health::get_readiness))
        .split_for_parts()
}

async fn path_unknown() -> Problem {
    Problem::new(Code::PathUnknown, "schemas/openapi.json lists the paths")
}

async fn method_refused() -> Problem {
    Problem::new(Code::MethodRefused, "schemas/openapi.json lists the methods of each path")
}

// === impl App ===

impl App {
    /// Puts it together.
    pub fn new(parts: Parts) -> Self {
        let Parts { store, retention, provisional, now, mut registry } = parts;
        let metrics = Metrics::register(&mut registry);
        let state = Arc::new(Shared {
            reader: Reader::new(store.clone()),
            tokens: Tokens::new(store.clone()),
            access_log: AccessLog::new(store),
            provisional,
            retention,
            metrics: metrics.clone(),
            room: Arc::new(Semaphore::new(AT_ONCE_MAX)),
            clock: now,
        });
        let router = described()
            .0
            .fallback(path_unknown)
            .method_not_allowed_fallback(method_refused)
            .layer(from_fn_with_state(state.clone(), layer::around))
            .with_state(state);
        Self { router, registry: Arc::new(registry), metrics }
    }
}

// === impl Shared ===

impl Shared {
    /// The time.
    pub(crate) fn now(&self) -> Time {
        (self.clock)()
    }
}

#[cfg(test)]
mod tests;
