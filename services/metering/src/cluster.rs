//! Metering as one of several processes that share a topic.
//!
//! - Each takes the partitions that the group gives it. Who is fenced off rejoins the group: it
//!   claims again only what the group gives it again.
//! - Whoever owns the first partition closes hours. The claim on `close` decides, so two that
//!   believe it for a moment do not both write.
//! - Another group that is at work on the same store is refused: the two would fence each other off
//!   for ever.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use bus::kafka::{self, Ends, KafkaSource, StartError};
use bus::{Bounds, Source};
use pricing::Prices;
use store::Store;
use thiserror::Error;
use tokio::sync::watch;
use tokio::time::sleep;

use crate::close::{CloseError, Closer, Stopped};
use crate::config::{Clock, Config};
use crate::counters::Counters;
use crate::intake::{IntakeError, Pipeline};
use crate::owner::chain;

/// Whoever is fenced off waits so long before it joins again: its member must be gone first.
const REJOIN: Duration = Duration::from_millis(500);

/// Whoever still owns the first partition, and was fenced off from closing, claims it again after
/// this: the other one was an owner that woke up late, and has noticed by then.
const LEAD_AGAIN: Duration = Duration::from_secs(5);

/// Why metering ended.
#[derive(Debug, Error)]
pub enum ServiceError {
    /// The client of the broker could not be made.
    #[error("failed to start the consumer")]
    Start(#[source] StartError),
    /// It can not go on.
    #[error(transparent)]
    Intake(IntakeError),
    /// A topic has no end: a thread of the consumer has panicked.
    #[error("the consumer of the topic ended by itself")]
    Ended,
    /// Hours can not be closed with this configuration.
    #[error(transparent)]
    Close(CloseError),
}

/// One metering process.
#[derive(Clone)]
pub struct Service {
    /// Where records go.
    pub store: Store,
    /// How.
    pub config: Config,
    /// What is counted.
    pub counters: Arc<Counters>,
    /// What hours cost; none: bills are held.
    pub prices: Option<Arc<Prices>>,
    /// The clock that closes hours.
    pub clock: Clock,
    /// Where records come from.
    pub kafka: kafka::Config,
}

// === impl Service ===

impl Service {
    /// Works until `stop` is ready. While the store or the broker is away it waits.
    ///
    /// # Errors
    /// [`ServiceError`]
    pub async fn run(self, stop: impl Future<Output = ()> + Send) -> Result<(), ServiceError> {
        let mut stop = pin!(stop);
        loop {
            tokio::select! {
                ended = self.member() => match ended {
                    Err(ServiceError::Intake(error @ IntakeError::TakenOver { .. })) => {
                        tracing::warn!(error = chain(&error), "joining the group again");
                    }
                    ended => return ended,
                },
                () = &mut stop => return Ok(()),
            }
            tokio::select! {
                () = sleep(REJOIN) => {}
                () = &mut stop => return Ok(()),
            }
        }
    }

    /// One membership of the group.
    async fn member(&self) -> Result<(), ServiceError> {
        let source = KafkaSource::start(&self.kafka, Bounds::default());
        let source = source.map_err(ServiceError::Start)?;
        let name = source.name().to_owned();
        let (store, config) = (self.store.clone(), self.config.clone());
        let (pipeline, handle) = Pipeline::new(source, store, config, Arc::clone(&self.counters));
        let ended = tokio::select! {
            ended = pipeline.run(std::future::pending()) => match ended {
                Ok(()) => Err(ServiceError::Ended),
                Err(error) => Err(ServiceError::Intake(error)),
            },
            closed = self.lead(&name, handle.leads()) => closed,
        };
        self.counters.no_longer_closing();
        ended
    }

    /// Closes hours while the first partition is ours; returns on errors only.
    async fn lead(&self, name: &str, mut leads: watch::Receiver<bool>) -> Result<(), ServiceError> {
        loop {
            if leads.wait_for(|leads| *leads).await.is_err() {
                // The pipeline has ended, and says why.
                return std::future::pending().await;
            }
            tracing::info!("this process closes hours now");
            let lost = async {
                // Its end is an end of leading too.
                leads.wait_for(|leads| !*leads).await.ok();
            };
            tokio::select! {
                () = lost => {
                    tracing::info!("another process closes hours now");
                    self.counters.no_longer_closing();
                }
                closed = self.close(name) => match closed {
                    Ok(Stopped::Asked | Stopped::TakenOver) | Err(CloseError::TakenOver) => {
                        sleep(LEAD_AGAIN).await;
                    }
                    Err(error) => return Err(ServiceError::Close(error)),
                },
            }
        }
    }

    async fn close(&self, name: &str) -> Result<Stopped, CloseError> {
        let closer = Closer::start(
            self.store.clone(),
            self.config.clone(),
            Arc::clone(&self.counters),
            self.prices.clone(),
            Vec::new(),
            Arc::clone(&self.clock),
        );
        let closer = closer.await?.with_topic(name, Ends::new(&self.kafka));
        Ok(closer.run(std::future::pending()).await)
    }
}

impl std::fmt::Debug for Service {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Service").field("kafka", &self.kafka).finish_non_exhaustive()
    }
}
