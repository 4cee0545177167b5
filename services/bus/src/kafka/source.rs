//! Kafka as a source: skeleton, its bodies follow.

use std::io;

use super::config::Config;
use crate::{Bounds, Event, Source, SourceError};

/// The records of all gateways, for one member of the group; named `kafka:<topic>`.
#[derive(Debug)]
pub struct KafkaSource {
    name: String,
    config: Config,
}

impl KafkaSource {
    /// Starts the threads that talk to the brokers, none of which needs to be up.
    ///
    /// # Errors
    /// The client could not be set up, or a thread not be started.
    pub fn start(config: &Config, _bounds: Bounds) -> io::Result<Self> {
        Ok(Self { name: format!("kafka:{}", config.topic), config: config.clone() })
    }
}

impl Source for KafkaSource {
    fn name(&self) -> &str {
        &self.name
    }

    async fn next(&mut self) -> Result<Event, SourceError> {
        Err(SourceError::Closed)
    }

    async fn ack(&mut self, partition: u32, _position: u64) -> Result<(), SourceError> {
        Err(SourceError::NotAssigned { partition })
    }

    async fn mark(&mut self) -> Result<u64, SourceError> {
        Err(SourceError::Closed)
    }

    async fn rewind(&mut self, partition: u32) -> Result<(), SourceError> {
        Err(SourceError::NotAssigned { partition })
    }

    fn group(&self) -> Option<&str> {
        Some(&self.config.group)
    }

    async fn is_live(&self, group: &str) -> Result<bool, SourceError> {
        super::is_live(&self.config, group).await.map_err(SourceError::Ask)
    }
}
